//! What is live and what it costs, how full the disk is, what waits for somebody.

use crate::pages::{
    document::Visitor,
    form::Form,
    parts::{self, confirmed, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{LiveNow, Overview, Storage};

pub fn overview(visitor: &Visitor, overview: Overview) -> AnyView {
    let lang = visitor.lang;
    let Overview { version, users, pending_users, channels, open_reports, live, storage } = overview;
    let cpu: u32 = live.iter().map(|it| it.cpu_percent).sum();
    let viewers: u64 = live.iter().map(|it| u64::from(it.viewers)).sum();
    view! {
        <ul class="figures">
            {figure(lang.live_now(), lang.count(live.len() as u64), None)}
            {figure(lang.watching(), lang.count(viewers), None)}
            {figure(lang.cpu(), lang.cores(cpu), None)}
            {figure(lang.users(), lang.count(users), Some("/admin/users"))}
            {figure(lang.channels(), lang.count(channels), Some("/admin/channels"))}
            {figure(lang.waiting_users(), lang.count(pending_users), Some("/admin/sign-ups"))}
            {figure(lang.open_reports(), lang.count(open_reports), Some("/admin/reports"))}
        </ul>
        {panel("live", lang.live_now(), live_table(visitor, &live))}
        {panel("storage", lang.storage(), storage_facts(visitor, &storage))}
        <p class="muted">"Rivulet " {version}</p>
    }
    .into_any()
}

fn figure(label: &'static str, value: String, href: Option<&'static str>) -> AnyView {
    let body = view! { <strong>{value}</strong><span class="muted">{label}</span> };
    match href {
        Some(href) => view! { <li><a class="figure" href=href>{body}</a></li> }.into_any(),
        None => view! { <li><div class="figure">{body}</div></li> }.into_any(),
    }
}

fn live_table(visitor: &Visitor, live: &[LiveNow]) -> AnyView {
    let lang = visitor.lang;
    if live.is_empty() {
        return view! { <p class="muted">{lang.nobody_live()}</p> }.into_any();
    }
    let row = |it: &LiveNow| {
        let form =
            Form::new(visitor, format!("stop-{}", it.channel), format!("POST admin/channels/{}/stop", it.channel));
        let inputs = view! { {super::reason(visitor, &form)} <button class="button button-danger">{lang.stop_broadcast()}</button> };
        let stop = confirmed(lang.stop(), lang.stop_text(), form.done("stack", inputs.into_any()));
        let title = view! { <span class="muted">{it.title.clone()}</span> };
        let link = parts::link(format!("/{}", it.channel), it.channel.clone());
        vec![
            view! { <span class="card-lines">{link}{title}</span> }.into_any(),
            words(lang.duration(visitor.now_ms - it.started_at_ms)),
            words(lang.count(it.viewers.into())),
            words(format!("{} → {}", it.source, it.rungs.join(", "))),
            words(lang.percent(it.cpu_percent)),
            stop,
        ]
    };
    let heads = [lang.channel(), lang.length(), lang.watching(), lang.qualities(), lang.cpu(), ""];
    table(lang, lang.live_now(), &heads, live.iter().map(row).collect())
}

fn storage_facts(visitor: &Visitor, storage: &Storage) -> AnyView {
    let lang = visitor.lang;
    let fact = |label: &'static str, value: String| view! { <div><dt>{label}</dt><dd>{value}</dd></div> };
    let disk = storage.disk_bytes.zip(storage.disk_free_bytes).map(|(all, free)| {
        let used = all.saturating_sub(free);
        let percent = (used * 100).checked_div(all).unwrap_or_default();
        let text = lang.free_of(&lang.bytes(free), &lang.bytes(all));
        view! {
            <div class="disk">
                <label for="disk">{lang.disk()} ": " {text}</label>
                <meter id="disk" min="0" max="100" high="85" optimum="30" value=percent.to_string()></meter>
            </div>
        }
    });
    view! {
        <dl class="stats">
            {fact(lang.recordings(), lang.bytes(storage.recorded_bytes))}
            {fact(lang.past_broadcasts(), lang.count(storage.recorded_broadcasts))}
            {fact(lang.pictures(), lang.bytes(storage.picture_bytes))}
        </dl>
        {disk}
    }
    .into_any()
}
