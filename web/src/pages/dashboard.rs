//! `/dashboard`, "Go live": what to paste into the encoder, and what arrives from it.

use super::{
    document::{Page, Section},
    forms::{Field, FormError, field, general_error},
};
use crate::islands::{CopyField, IngestStatus, StreamKey};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, GoLive, Ingest, Latency, MAX_GRACE_SECONDS, Rungs, Settings};
use serde::Deserialize;

pub struct Dashboard {
    pub instance: String,
    /// Names of the person's own channels.
    pub own: Vec<String>,
    pub username: String,
    /// The chosen one of them; none where the person has no channel.
    pub chosen: Option<(Channel, GoLive, Settings)>,
    /// A stream key that was made with this very request.
    pub made_key: Option<String>,
    pub notice: Option<Notice>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Saved(Saved),
    Wrong(FormError),
}

/// A form of this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Saved {
    Title,
    Settings,
}

/// What we ask of OBS; the checklist judges the incoming stream by the same measure.
const OBS_SETTINGS: &[(&str, &str, &str)] = &[
    ("Settings › Stream › Service", "Custom…", "Then paste server and key from above."),
    ("Output › Output mode", "Advanced", ""),
    ("Video encoder", "NVIDIA NVENC H.264, or x264", "x264: CPU preset “veryfast”, profile “high”."),
    ("Rate control", "CBR", ""),
    ("Bitrate", "6000 Kbps", "For 1080p at 30 fps. 3000 is good for 720p."),
    ("Keyframe interval", "2 s", "Not “auto” (0): viewers join and switch quality at key frames."),
    ("Audio › Sample rate", "48 kHz", ""),
    ("Audio encoder, bitrate", "AAC, 160", ""),
];

pub fn dashboard(page: Dashboard) -> Page {
    let Dashboard { instance, own, username, chosen, made_key, notice } = page;
    let body = match chosen {
        Some((channel, golive, settings)) => view! {
            <div class="dashboard">
                {tabs(&own, &channel.name)} {studio(channel, golive, settings, made_key, notice)}
            </div>
        }
        .into_any(),
        None => create_channel(username, notice).into_any(),
    };
    Page {
        title: format!("Go live · {instance}"),
        description: format!("Stream to {instance}."),
        image: None,
        player: false,
        islands: true,
        section: Section::GoLive,
        body,
    }
}

fn tabs(own: &[String], chosen: &str) -> Option<impl IntoView + use<>> {
    let entry = |name: &String| {
        let current = (name == chosen).then_some("page");
        view! { <a href=format!("/dashboard?channel={name}") aria-current=current>{name.clone()}</a> }
    };
    let entries = own.iter().map(entry).collect_view();
    (own.len() > 1).then(|| view! { <nav class="tabs" aria-label="Your channels">{entries}</nav> })
}

fn studio(
    channel: Channel,
    golive: GoLive,
    settings: Settings,
    made_key: Option<String>,
    notice: Option<Notice>,
) -> impl IntoView {
    let GoLive { server, has_key, ingest } = golive;
    let name = channel.name.clone();
    let notice = match notice {
        Some(Notice::Saved(saved)) => {
            let text = match saved {
                Saved::Title => "The title is saved.",
                Saved::Settings => "The settings are saved. They hold from your next broadcast on.",
            };
            Some(view! { <p class="notice notice-good" role="status">{text}</p> }.into_any())
        }
        Some(Notice::Wrong(error)) => general_error(Some(&error), &[]).map(IntoAny::into_any),
        None => None,
    };
    view! {
        <div class="dashboard-head">
            <h1>"Go live"</h1>
            <a class="button" href=format!("/{name}")>"Open " {name.clone()} "’s page"</a>
        </div>
        {notice}
        <div class="dashboard-grid">
            {status(&channel, ingest).into_any()}
            {connect(name.clone(), server, has_key, made_key).into_any()}
            {obs_settings().into_any()}
            {broadcast_settings(name, settings).into_any()}
        </div>
    }
}

fn status(channel: &Channel, ingest: Ingest) -> impl IntoView + use<> {
    view! {
        <section class="panel" aria-labelledby="status-head">
            <h2 id="status-head">"Your stream"</h2>
            <IngestStatus channel=channel.name.clone() ingest=ingest/>
            {title_form(channel).into_any()}
        </section>
    }
}

fn connect(channel: String, server: String, has_key: bool, made_key: Option<String>) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="connect-head">
            <h2 id="connect-head">"Connect your encoder"</h2>
            <CopyField id="server".to_owned() label="Server".to_owned() value=server.clone()/>
            {view! { <StreamKey channel=channel server=server has_key=has_key made=made_key/> }.into_any()}
        </section>
    }
}

fn title_form(channel: &Channel) -> impl IntoView + use<> {
    view! {
        <form method="post" action="/dashboard/title">
            <input type="hidden" name="channel" value=channel.name.clone()/>
            <div class="field">
                <label for="title">"Title"</label>
                <div class="field-row">
                    <input id="title" name="title" type="text" value=channel.title.clone() maxlength="140" autocomplete="off"
                        placeholder="What is it about?"/>
                    <button class="button">"Save"</button>
                </div>
            </div>
        </form>
    }
}

/// Choices of the grace, in seconds.
const GRACES: [u32; 7] = [0, 30, 60, 120, 300, 600, MAX_GRACE_SECONDS];

fn broadcast_settings(channel: String, settings: Settings) -> impl IntoView {
    let Settings { channel: own, instance } = settings;
    // One that was set through the API may be none of ours.
    let mut graces = GRACES.to_vec();
    graces.extend(own.grace_seconds);
    graces.sort();
    graces.dedup();
    view! {
        <section class="panel panel-wide" aria-labelledby="settings-head">
            <h2 id="settings-head">"Broadcast settings"</h2>
            <form class="choices" method="post" action="/dashboard/settings">
                <input type="hidden" name="channel" value=channel/>
                {choice(Choice { name: "grace_seconds", label: "Wait for a lost encoder",
                    hint: "An encoder that returns in this time goes on in the same broadcast.",
                    choices: graces, own: own.grace_seconds, default: instance.grace_seconds,
                    value: |seconds| seconds.to_string(), text: grace })}
                {choice(Choice { name: "latency", label: "Latency",
                    hint: "Normal makes better pictures, which arrive a little later.",
                    choices: vec![Latency::Low, Latency::Normal], own: own.latency, default: instance.latency,
                    value: |latency| latency.as_str().to_owned(), text: latency })}
                {choice(Choice { name: "rungs", label: "Qualities",
                    hint: "When the smaller ones are made from your stream, which itself is always there.",
                    choices: vec![Rungs::OnDemand, Rungs::Always], own: own.rungs, default: instance.rungs,
                    value: |rungs| rungs.as_str().to_owned(), text: rungs })}
                <button class="button">"Save settings"</button>
            </form>
        </section>
    }
}

fn grace(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (0, 0) => "Do not wait".to_owned(),
        (0, 1) => "1 second".to_owned(),
        (0, seconds) => format!("{seconds} seconds"),
        (1, 0) => "1 minute".to_owned(),
        (minutes, 0) => format!("{minutes} minutes"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

fn latency(latency: Latency) -> String {
    match latency {
        Latency::Low => "Low",
        Latency::Normal => "Normal",
    }
    .to_owned()
}

fn rungs(rungs: Rungs) -> String {
    match rungs {
        Rungs::OnDemand => "While watched",
        Rungs::Always => "Always",
    }
    .to_owned()
}

/// A list of choices, of which the first is to have none of one's own.
struct Choice<T> {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    choices: Vec<T>,
    own: Option<T>,
    /// What the server has.
    default: T,
    value: fn(T) -> String,
    text: fn(T) -> String,
}

fn choice<T: Copy + PartialEq>(choice: Choice<T>) -> AnyView {
    let Choice { name, label, hint, choices, own, default, value, text } = choice;
    let note = format!("{name}-note");
    let option = |it| view! { <option value=value(it) selected=own == Some(it)>{text(it)}</option> };
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <select id=name name=name aria-describedby=note.clone()>
                <option value="">{format!("Server’s default: {}", text(default))}</option>
                {choices.into_iter().map(option).collect_view()}
            </select>
            <p class="hint" id=note>{hint}</p>
        </div>
    }
    .into_any()
}

fn obs_settings() -> impl IntoView {
    let row = |&(setting, value, why): &(&'static str, &'static str, &'static str)| {
        view! {
            <div>
                <dt>{setting}</dt>
                <dd><strong>{value}</strong> " " <span class="muted">{why}</span></dd>
            </div>
        }
    };
    view! {
        <section class="panel panel-wide" aria-labelledby="obs-head">
            <h2 id="obs-head">"Settings for OBS"</h2>
            <dl class="settings">{OBS_SETTINGS.iter().map(row).collect_view()}</dl>
        </section>
    }
}

fn create_channel(username: String, notice: Option<Notice>) -> impl IntoView {
    let error = match notice {
        Some(Notice::Wrong(error)) => Some(error),
        Some(Notice::Saved(_)) | None => None,
    };
    view! {
        <form class="panel form" method="post" action="/dashboard/channel">
            <h1>"Make your channel"</h1>
            <p class="muted">"A channel is a page with its own address, where people watch your stream."</p>
            {general_error(error.as_ref(), &["name"])}
            {field(Field { name: "name", label: "Name", kind: "text", value: username, autocomplete: "off",
                hint: "2 to 25 characters: a to z, digits and _." }, error.as_ref())}
            <button class="button button-primary button-wide">"Create channel"</button>
        </form>
    }
}
