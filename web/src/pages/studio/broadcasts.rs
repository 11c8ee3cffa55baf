//! What was broadcast, and how many watched it when.

use crate::pages::{
    document::Visitor,
    parts::{self, Tone, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{BroadcastInfo, Channel, LiveState, Page as Listed, ViewerSample};

pub fn list(visitor: &Visitor, channel: &Channel, list: Listed<BroadcastInfo>) -> AnyView {
    let lang = visitor.lang;
    if list.items.is_empty() {
        return parts::empty(lang.no_broadcasts(), lang.no_broadcasts_text());
    }
    let row = |it: &BroadcastInfo| {
        let href = format!("/dashboard/{}/broadcasts/{}", channel.name, it.id);
        let title = parts::link(href, title(channel, it));
        let live = it.ended_at_ms.is_none().then(|| parts::badge(Tone::Live, lang.state_name(LiveState::Live)));
        vec![
            view! { {title} " " {live} }.into_any(),
            parts::moment(lang, it.started_at_ms),
            words(lang.duration(it.ended_at_ms.unwrap_or(visitor.now_ms) - it.started_at_ms)),
            words(lang.count(it.peak_viewers.into())),
            words(lang.count(it.average_viewers.into())),
        ]
    };
    let heads = [lang.title(), lang.began(), lang.length(), lang.most_viewers(), lang.average_viewers()];
    // The oldest first, as time runs.
    let peaks: Vec<(i64, u32)> = list.items.iter().rev().map(|it| (it.started_at_ms, it.peak_viewers)).collect();
    let plot =
        (peaks.len() > 1).then(|| panel("peaks", lang.most_viewers(), parts::plot(lang, lang.most_viewers(), &peaks)));
    view! {
        {plot}
        {table(lang, lang.past_broadcasts(), &heads, list.items.iter().map(row).collect())}
        {parts::more(lang, &visitor.here, list.next.as_deref())}
    }
    .into_any()
}

pub fn one(visitor: &Visitor, channel: &Channel, info: &BroadcastInfo, samples: &[ViewerSample]) -> AnyView {
    let lang = visitor.lang;
    let samples: Vec<(i64, u32)> = samples.iter().map(|sample| (sample.at_ms, sample.viewers)).collect();
    let ended = info.ended_at_ms.unwrap_or(visitor.now_ms);
    let fact = |label: &'static str, value: AnyView| view! { <div><dt>{label}</dt><dd>{value}</dd></div> };
    let facts = view! {
        <dl class="stats">
            {fact(lang.began(), parts::moment(lang, info.started_at_ms))}
            {fact(lang.length(), words(lang.duration(ended - info.started_at_ms)))}
            {fact(lang.most_viewers(), words(lang.count(info.peak_viewers.into())))}
            {fact(lang.average_viewers(), words(lang.count(info.average_viewers.into())))}
        </dl>
    };
    view! {
        <p><a href=format!("/dashboard/{}/broadcasts", channel.name)>{lang.all_broadcasts()}</a></p>
        {(info.missing_ms > 0).then(|| view! { <p class="notice notice-bad">{lang.recording_lacks(info.missing_ms)}</p> })}
        {panel("facts", title(channel, info), facts.into_any())}
        {panel("viewers", lang.viewers_over_time(), parts::plot(lang, lang.viewers_over_time(), &samples))}
    }
    .into_any()
}

fn title(channel: &Channel, info: &BroadcastInfo) -> String {
    if info.title.is_empty() { crate::text::name(channel) } else { info.title.clone() }
}
