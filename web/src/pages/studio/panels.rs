//! Links and boxes of the about page. A row that is empty is none, so there is always one to fill in.

use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::panel,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{About, Channel, Link, Panel};

const MAX_LINKS: usize = 10;
const MAX_PANELS: usize = 12;
/// Rows to fill in, behind those that are.
const BLANK_LINKS: usize = 2;

pub fn panels(visitor: &Visitor, channel: &Channel, about: &About) -> AnyView {
    let lang = visitor.lang;
    view! {
        {panel("links", lang.links(), links(visitor, channel, &about.links))}
        {panel("panels", lang.panels(), boxes(visitor, channel, &about.panels))}
    }
    .into_any()
}

fn links(visitor: &Visitor, channel: &Channel, links: &[Link]) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "links", format!("PATCH channels/{}", channel.name));
    let rows = (links.len() + BLANK_LINKS).min(MAX_LINKS);
    let row = |index: usize| {
        let link = links.get(index).cloned().unwrap_or_default();
        let label = Input::text(format!("links.{index}.label"), lang.link_label()).value(link.label).max(40);
        let url = Input::new(Kind::Url, format!("links.{index}.url"), lang.link_url()).value(link.url).max(500);
        view! { <div class="pair">{form.input(label)}{form.input(url)}</div> }
    };
    let inputs = view! {
        {(0..rows).map(row).collect_view()}
        <button class="button button-primary">{lang.save()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn boxes(visitor: &Visitor, channel: &Channel, panels: &[Panel]) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "panels", format!("PATCH channels/{}", channel.name));
    let rows = (panels.len() + 1).min(MAX_PANELS);
    let row = |index: usize| {
        let panel = panels.get(index).cloned().unwrap_or_default();
        let title = Input::text(format!("panels.{index}.title"), lang.title()).value(panel.title).max(80);
        let text = Input::new(Kind::Area, format!("panels.{index}.text"), lang.text()).value(panel.text).max(4000);
        view! {
            <fieldset class="row">
                <legend>{lang.panel_number(index + 1)}</legend>
                {form.input(title)}
                {form.input(text.hint(lang.markdown_hint()))}
            </fieldset>
        }
    };
    let inputs = view! {
        {(0..rows).map(row).collect_view()}
        <p class="hint">{lang.panels_hint()}</p>
        <button class="button button-primary">{lang.save()}</button>
    };
    form.done("stack", inputs.into_any())
}
