//! `/`: who is live, and who else there is.

use super::document::{Islands, Page, Section, Visitor};
use crate::islands::Directory;
use leptos::prelude::*;
use rivulet_protocol::rest::Channels;

pub fn home(visitor: &Visitor, needs_setup: bool, list: Channels, after: Option<String>) -> Page {
    let (lang, instance) = (visitor.lang, &visitor.instance);
    let Channels { channels, next } = list;
    let nobody = channels.is_empty() && after.is_none();
    let body = view! {
        {nobody.then(|| welcome(visitor, needs_setup))}
        <Directory lang=lang channels=channels after=after/>
        {next.map(|name| view! {
            <p class="more"><a class="button" href=format!("/?after={name}")>{lang.more_channels()}</a></p>
        })}
    };
    Page {
        islands: Islands::Viewer,
        section: Section::Browse,
        ..Page::plain(lang.home_title(instance), lang.home_description(instance), body.into_any())
    }
}

/// The very first page that anybody sees of a new server.
fn welcome(visitor: &Visitor, needs_setup: bool) -> AnyView {
    let lang = visitor.lang;
    let (title, text) = match needs_setup {
        true => (lang.almost_there(), lang.almost_there_text()),
        false => (lang.no_channels(), lang.no_channels_text()),
    };
    view! {
        <div class="empty empty-welcome">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {(!needs_setup).then(|| view! { <p><a class="button button-primary" href="/dashboard">{lang.go_live()}</a></p> })}
        </div>
    }
    .into_any()
}
