//! `/dashboard`, "Go live": what to paste into the encoder, and what arrives from it.

use super::{
    document::{Page, Section},
    forms::{Field, FormError, field, general_error},
};
use crate::islands::{CopyField, IngestStatus, StreamKey};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, GoLive, Ingest};

pub struct Dashboard {
    pub instance: String,
    /// Names of the person's own channels.
    pub own: Vec<String>,
    pub username: String,
    /// The chosen one of them; none where the person has no channel.
    pub chosen: Option<(Channel, GoLive)>,
    /// A stream key that was made with this very request.
    pub made_key: Option<String>,
    pub notice: Option<Notice>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    TitleSaved,
    Wrong(FormError),
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
        Some((channel, golive)) => {
            view! { <div class="dashboard">{tabs(&own, &channel.name)} {studio(channel, golive, made_key, notice)}</div> }
                .into_any()
        }
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

fn studio(channel: Channel, golive: GoLive, made_key: Option<String>, notice: Option<Notice>) -> impl IntoView {
    let GoLive { server, has_key, ingest } = golive;
    let name = channel.name.clone();
    let notice = match notice {
        Some(Notice::TitleSaved) => {
            Some(view! { <p class="notice notice-good" role="status">"The title is saved."</p> }.into_any())
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
            {connect(name, server, has_key, made_key).into_any()}
            {obs_settings().into_any()}
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
        Some(Notice::TitleSaved) | None => None,
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
