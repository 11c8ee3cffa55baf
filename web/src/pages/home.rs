//! `/`: who is live, and who else there is.

use super::document::{Page, Section};
use crate::islands::Directory;
use leptos::prelude::*;
use rivulet_protocol::rest::Channels;

pub fn home(instance: &str, needs_setup: bool, list: Channels, after: Option<String>) -> Page {
    let Channels { channels, next } = list;
    let nobody = channels.is_empty() && after.is_none();
    Page {
        title: format!("{instance}: live now"),
        description: format!("Live channels on {instance}."),
        image: None,
        player: false,
        islands: true,
        section: Section::Browse,
        body: view! {
            {nobody.then(|| welcome(needs_setup))}
            <Directory channels=channels after=after/>
            {next.map(|name| view! {
                <p class="more"><a class="button" href=format!("/?after={name}")>"More channels"</a></p>
            })}
        }
        .into_any(),
    }
}

/// The very first page that anybody sees of a new server.
fn welcome(needs_setup: bool) -> impl IntoView {
    let (title, text) = match needs_setup {
        true => (
            "Almost there",
            "This server has no users yet. Open the setup link that it printed in its terminal to make your account.",
        ),
        false => ("There are no channels yet", "Be the first: make a channel and go live."),
    };
    view! {
        <div class="empty empty-welcome">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {(!needs_setup).then(|| view! { <p><a class="button button-primary" href="/dashboard">"Go live"</a></p> })}
        </div>
    }
}
