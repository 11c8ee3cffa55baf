//! "Go live": what to paste into the encoder, and what arrives from it.

use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
};
use crate::{
    islands::{CopyField, IngestStatus, StreamKey},
    words::Lang,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, GoLive, Ingest, Latency, MAX_GRACE_SECONDS, Rungs, Settings, WhileAway};

pub fn golive(visitor: &Visitor, channel: &Channel, golive: GoLive, settings: Settings) -> AnyView {
    let lang = visitor.lang;
    let GoLive { server, has_key, ingest } = golive;
    let name = channel.name.clone();
    view! {
        <p><a class="button" href=format!("/{name}")>{lang.open_page_of(&name)}</a></p>
        <div class="dashboard-grid">
            {status(visitor, channel, ingest)}
            {connect(visitor, name.clone(), server, has_key)}
            {obs_settings(lang)}
            {broadcast_settings(visitor, &name, settings)}
        </div>
    }
    .into_any()
}

fn status(visitor: &Visitor, channel: &Channel, ingest: Ingest) -> AnyView {
    let lang = visitor.lang;
    view! {
        <section class="panel" aria-labelledby="status-head">
            <h2 id="status-head">{lang.your_stream()}</h2>
            <IngestStatus lang=lang channel=channel.name.clone() ingest=ingest/>
            {title_form(visitor, channel)}
        </section>
    }
    .into_any()
}

fn connect(visitor: &Visitor, channel: String, server: String, has_key: bool) -> AnyView {
    let lang = visitor.lang;
    // Made by the form of the island, where its code does not run.
    let form = Form::new(visitor, "key", format!("POST channels/{channel}/key"));
    let made = form.answer().and_then(|answer| Some(answer.get("key")?.as_str()?.to_owned()));
    let notice = form.notice();
    view! {
        <section class="panel" aria-labelledby="connect-head">
            <h2 id="connect-head">{lang.connect_encoder()}</h2>
            {notice}
            <CopyField lang=lang id="server".to_owned() label=lang.server().to_owned() value=server.clone()/>
            {view! { <StreamKey lang=lang channel=channel server=server has_key=has_key made=made/> }.into_any()}
        </section>
    }
    .into_any()
}

fn title_form(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "title", format!("PATCH channels/{}", channel.name));
    let title = Input::text("title", lang.title()).value(channel.title.clone()).max(140);
    let save = view! { <button class="button">{lang.save()}</button> }.into_any();
    let input = form.input_with(title.placeholder(lang.title_placeholder()), save);
    form.done("", input)
}

/// Choices of the grace, in seconds.
const GRACES: [u32; 7] = [0, 30, 60, 120, 300, 600, MAX_GRACE_SECONDS];

fn broadcast_settings(visitor: &Visitor, channel: &str, settings: Settings) -> AnyView {
    let lang = visitor.lang;
    let Settings { channel: own, instance } = settings;
    // One that was set through the API may be none of ours.
    let mut graces = GRACES.to_vec();
    graces.extend(own.grace_seconds);
    graces.sort();
    graces.dedup();
    let form = Form::new(visitor, "settings", format!("PUT channels/{channel}/settings"));
    let graces = graces.into_iter().map(|seconds| (seconds.to_string(), lang.grace_of(seconds)));
    let latencies = [Latency::Low, Latency::Normal].map(|it| (it.as_str().to_owned(), lang.latency_of(it).to_owned()));
    let rungs = [Rungs::OnDemand, Rungs::Always].map(|it| (it.as_str().to_owned(), lang.qualities_of(it).to_owned()));
    let grace = Kind::NumberChoice(or_default(lang, &lang.grace_of(instance.grace_seconds), graces));
    let latency = Kind::Choice(or_default(lang, lang.latency_of(instance.latency), latencies));
    let rungs = Kind::Choice(or_default(lang, lang.qualities_of(instance.rungs), rungs));
    let grace = Input::new(grace, "grace_seconds", lang.grace())
        .hint(lang.grace_hint())
        .value(own.grace_seconds.map(|seconds| seconds.to_string()).unwrap_or_default())
        .optional();
    let latency = Input::new(latency, "latency", lang.latency())
        .hint(lang.latency_hint())
        .value(own.latency.map(Latency::as_str).unwrap_or_default())
        .optional();
    let rungs = Input::new(rungs, "rungs", lang.qualities())
        .hint(lang.qualities_hint())
        .value(own.rungs.map(Rungs::as_str).unwrap_or_default())
        .optional();
    let away =
        [WhileAway::Slate, WhileAway::Wait].map(|it| (it.as_str().to_owned(), lang.while_away_of(it).to_owned()));
    let away = Kind::Choice(or_default(lang, lang.while_away_of(instance.while_away), away));
    let away = Input::new(away, "while_away", lang.while_away())
        .hint(lang.while_away_hint())
        .value(own.while_away.map(WhileAway::as_str).unwrap_or_default())
        .optional();
    let inputs = view! {
        <div class="choices">{form.input(grace)}{form.input(away)}{form.input(latency)}{form.input(rungs)}</div>
        <button class="button">{lang.save_settings()}</button>
    }
    .into_any();
    view! {
        <section class="panel panel-wide" aria-labelledby="settings-head">
            <h2 id="settings-head">{lang.broadcast_settings()}</h2>
            {form.done("stack", inputs)}
        </section>
    }
    .into_any()
}

/// A list of choices, of which the first is to have none of one's own.
fn or_default(lang: Lang, default: &str, choices: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), lang.servers_default(default))).chain(choices).collect()
}

/// What we ask of OBS; the checklist judges the incoming stream by the same measure.
fn obs_settings(lang: Lang) -> AnyView {
    let rows = [
        (lang.obs_service(), lang.obs_custom(), lang.obs_paste()),
        (lang.obs_output_mode(), lang.obs_advanced(), ""),
        (lang.obs_encoder(), lang.obs_encoders(), lang.obs_x264()),
        (lang.obs_rate_control(), "CBR", ""),
        (lang.obs_bitrate(), "6000 Kbps", lang.obs_bitrate_hint()),
        (lang.obs_keyframes(), "2 s", lang.obs_keyframes_hint()),
        (lang.obs_sample_rate(), "48 kHz", ""),
        (lang.obs_audio(), "AAC, 160", ""),
    ];
    let row = |(setting, value, why)| {
        view! {
            <div>
                <dt>{setting}</dt>
                <dd><strong>{value}</strong> " " <span class="muted">{why}</span></dd>
            </div>
        }
    };
    view! {
        <section class="panel panel-wide" aria-labelledby="obs-head">
            <h2 id="obs-head">{lang.obs_settings()}</h2>
            <dl class="settings">{rows.map(row).into_iter().collect_view()}</dl>
        </section>
    }
    .into_any()
}
