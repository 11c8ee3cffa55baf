//! Channels: found by the beginning of their name, suspended, stopped, given to somebody else.

use super::{reason, restoration, search_box, suspension};
use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, Tone, panel},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{AccessKind, ChannelLimits, ChannelRecord, LiveState, Page as Listed, Role};

pub fn list(visitor: &Visitor, list: Listed<ChannelRecord>, searched: String) -> AnyView {
    let lang = visitor.lang;
    let body = match list.items.is_empty() {
        true => parts::empty(lang.nothing_found(), lang.nothing_found_text()),
        false => list.items.iter().map(|it| channel(visitor, it)).collect_view().into_any(),
    };
    let is_admin = visitor.me.as_ref().is_some_and(|me| me.role == Role::Admin);
    view! {
        {search_box(visitor, searched)}
        <div class="rows">{body}</div>
        {parts::more(lang, &visitor.here, list.next.as_deref())}
        {is_admin.then(|| panel("give", lang.give_channel(), give(visitor)))}
    }
    .into_any()
}

fn channel(visitor: &Visitor, it: &ChannelRecord) -> AnyView {
    let lang = visitor.lang;
    let path = format!("admin/channels/{}", it.name);
    let live = it.live.then(|| parts::badge(Tone::Live, lang.state_name(LiveState::Live)));
    let suspended = it.suspended.as_ref().map(|_| parts::badge(Tone::Bad, lang.suspended()));
    let closed = (it.access != AccessKind::Public).then(|| parts::badge(Tone::Plain, lang.access_kind(it.access)));
    let standing = match &it.suspended {
        Some(about) => view! {
            <p class="notice notice-bad">{lang.is_suspended(about)}</p>
            {restoration(visitor, format!("restore-{}", it.name), &path)}
        }
        .into_any(),
        None => suspension(visitor, format!("suspend-{}", it.name), &path),
    };
    let transfer = Form::new(visitor, format!("transfer-{}", it.name), format!("PATCH {path}"));
    let inputs = view! {
        {transfer.input(Input::text("owner", lang.new_owner()).required())}
        {reason(visitor, &transfer)}
        <button class="button">{lang.transfer()}</button>
    };
    let is_admin = visitor.me.as_ref().is_some_and(|me| me.role == Role::Admin);
    let limits = is_admin.then(|| limits(visitor, &it.name, it.limits));
    let open = visitor.flash.as_ref().is_some_and(|flash| flash.form.ends_with(&format!("-{}", it.name)));
    let summary = view! {
        <span class="card-lines">
            <strong>{it.display_name.clone()}</strong>
            <span class="muted">{it.title.clone()}</span>
        </span>
        <span class="row-marks">{live} {closed} {suspended} <span class="muted">{it.owner.clone()}</span></span>
    };
    view! {
        <details class="row" open=open>
            <summary>{summary}</summary>
            <p>
                <a href=format!("/{}", it.name)>"/"{it.name.clone()}</a> " · "
                <a href=format!("/admin/users/{}", it.owner)>{it.owner.clone()}</a> " · " {lang.followers(it.followers)} " · "
                {lang.since()} " " {parts::date(lang, it.created_at_ms)}
            </p>
            {standing}
            {transfer.done("stack", inputs.into_any())}
            {limits}
        </details>
    }
    .into_any()
}

fn limits(visitor: &Visitor, channel: &str, own: ChannelLimits) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, format!("limits-{channel}"), format!("PUT admin/channels/{channel}/limits"));
    let number = |name: &'static str, label: &'static str, value: Option<u32>| {
        let value = value.map(|value| value.to_string()).unwrap_or_default();
        form.input(Input::new(Kind::Number, name, label).value(value).optional())
    };
    let inputs = view! {
        <p class="muted">{lang.limits_text()}</p>
        <div class="choices">
            {number("max_side", lang.max_side(), own.max_side)}
            {number("max_fps", lang.max_fps(), own.max_fps)}
            {number("max_kbps", lang.max_kbps(), own.max_kbps)}
            {number("max_minutes", lang.max_minutes(), own.max_minutes)}
            {number("quota_mib", lang.quota_mib(), own.quota_mib)}
        </div>
        <button class="button">{lang.save_limits()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn give(visitor: &Visitor) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "give", "POST admin/channels");
    let inputs = view! {
        {form.input(Input::text("name", lang.name()).required().hint(lang.name_hint()))}
        {form.input(Input::text("owner", lang.owner()).required())}
        <button class="button button-primary">{lang.create_channel()}</button>
    };
    form.done("stack", inputs.into_any())
}
