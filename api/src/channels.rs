//! Channels: the list, one of them, what its owner does with it, and its live events.

use crate::docs::{Answer, Created, op};
use crate::policy::Action;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Fields, InPath, Origin, Params};
use crate::rooms::Page;
use crate::slots::Slot;
use crate::view::{self, OnAir};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt;
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{
    Channel, ChannelCreate, ChannelEdit, ChannelSettings, Channels, GoLive, MAX_GRACE_SECONDS, NewKey, Role, Settings,
};
use rivulet_store::StoreError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

const MAX_PAGE: u32 = 100;
const DEFAULT_PAGE: u32 = 50;
const MAX_TITLE_CHARS: usize = 140;
/// For everybody but admins: names are taken for ever.
const MAX_CHANNELS_PER_USER: usize = 10;
/// Proxies close a connection that is quiet for a minute or less.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels",
            get_with(directory, op("directory", "Channels, live ones first"))
                .post_with(create, op("channel", "Make a channel")),
        )
        .api_route(
            "/channels/{name}",
            get_with(show, op("channel", "A channel")).patch_with(edit, op("channel", "Change a channel")),
        )
        .api_route(
            "/channels/{name}/settings",
            get_with(settings, op("broadcast", "What its broadcasts have"))
                .put_with(set_settings, op("broadcast", "Set what its broadcasts have")),
        )
        .api_route("/channels/{name}/golive", get_with(golive, op("broadcast", "All that a broadcaster needs")))
        .api_route("/channels/{name}/key", post_with(new_key, op("broadcast", "One new stream key instead of all")))
}

/// Event streams, which have no deadline.
pub fn streams() -> Router<App> {
    Router::new()
        .route("/channels/{name}/events", get(events))
        .route("/channels/{name}/golive/events", get(golive_events))
}

#[derive(Deserialize, JsonSchema)]
struct Cursor {
    after: Option<String>,
    limit: Option<u32>,
}

/// Two queries, however many channels are on air.
async fn directory(State(app): State<App>, Params(cursor): Params<Cursor>) -> Result<Json<Channels>, Refusal> {
    let mut live: HashMap<String, OnAir> = HashMap::new();
    for broadcast in app.hub.list() {
        let name = &broadcast.info.channel;
        live.insert(name.clone(), OnAir::of(&broadcast, app.rooms.watching(name)));
    }
    let mut channels = Vec::new();
    if cursor.after.is_none() {
        let names: Vec<String> = live.keys().cloned().collect();
        let rows = app.store.channels_by_names(&names).await?;
        channels.extend(rows.iter().map(|row| view::channel(row, live.get(&row.name))));
        channels.sort_by(|a, b| b.viewers.cmp(&a.viewers).then_with(|| a.name.cmp(&b.name)));
    }
    let limit = cursor.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let mut rows = app.store.channels_page(cursor.after.as_deref(), limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.name.clone());
    channels.extend(rows.iter().filter(|row| !live.contains_key(&row.name)).map(|row| view::channel(row, None)));
    Ok(Json(Channels { channels, next }))
}

fn current(app: &App, row: &rivulet_store::Channel) -> Channel {
    let on_air = app.hub.get(&row.name).map(|broadcast| OnAir::of(&broadcast, app.rooms.watching(&row.name)));
    view::channel(row, on_air.as_ref())
}

async fn show(State(app): State<App>, InPath(channel): InPath) -> Json<Channel> {
    Json(current(&app, &channel))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(create): Body<ChannelCreate>,
) -> Result<Created<Channel>, Refusal> {
    caller.may(Action::CreateChannel)?;
    let user = caller.user()?;
    let name = ChannelName::parse(&create.name).map_err(|e| Refusal::name("name", e))?;
    if user.role != Role::Admin && app.store.channels_of(&user.id).await?.len() >= MAX_CHANNELS_PER_USER {
        let detail = format!("A user has at most {MAX_CHANNELS_PER_USER} channels.");
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many_channels", detail));
    }
    let channel = app.store.create_channel(&name, &user.id, "", now_ms()).await.map_err(|e| match e {
        StoreError::Taken => Refusal::taken("name"),
        e => e.into(),
    })?;
    Ok(Answer::new(current(&app, &channel)))
}

async fn edit(
    State(app): State<App>,
    caller: Caller,
    InPath(mut channel): InPath,
    Body(edit): Body<ChannelEdit>,
) -> Result<Json<Channel>, Refusal> {
    caller.may(Action::EditChannel { owner_id: &channel.owner_id })?;
    if let Some(title) = edit.title {
        channel.title = check_title(&title)?;
        app.store.set_channel_title(&channel.id, &channel.title).await?;
        app.rooms.edited(&channel.name);
    }
    Ok(Json(current(&app, &channel)))
}

fn check_title(title: &str) -> Result<String, Refusal> {
    let title = title.trim();
    if title.chars().count() > MAX_TITLE_CHARS {
        return Err(Refusal::field("title", "too_long", "A title has at most 140 characters."));
    }
    if title.chars().any(char::is_control) {
        return Err(Refusal::field("title", "bad_character", "A title is one line of text."));
    }
    Ok(title.to_owned())
}

async fn settings(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Settings>, Refusal> {
    caller.may(Action::ChangeSettings { owner_id: &channel.owner_id })?;
    Ok(Json(Settings { channel: channel.settings, instance: app.config.broadcast }))
}

async fn set_settings(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(body): Body<Fields<ChannelSettings>>,
) -> Result<Json<Settings>, Refusal> {
    caller.may(Action::ChangeSettings { owner_id: &channel.owner_id })?;
    let channel_settings = check_settings(&body.fields)?;
    app.store.set_channel_settings(&channel.id, &channel_settings).await?;
    Ok(Json(Settings { channel: channel_settings, instance: app.config.broadcast }))
}

/// Field by field, so that a refusal can name the one that is wrong.
fn check_settings(body: &Map<String, Value>) -> Result<ChannelSettings, Refusal> {
    fn setting<T: DeserializeOwned>(
        body: &Map<String, Value>,
        field: &'static str,
        detail: &str,
    ) -> Result<Option<T>, Refusal> {
        body.get(field).map_or(Ok(None), Option::deserialize).map_err(|_| Refusal::field(field, "bad_value", detail))
    }
    const GRACE: &str = "The grace is a whole number of seconds, at most 1800.";
    let grace_seconds = setting(body, "grace_seconds", GRACE)?;
    if grace_seconds.is_some_and(|seconds| seconds > MAX_GRACE_SECONDS) {
        return Err(Refusal::field("grace_seconds", "bad_value", GRACE));
    }
    Ok(ChannelSettings {
        grace_seconds,
        latency: setting(body, "latency", "The latency is \"low\" or \"normal\".")?,
        rungs: setting(body, "rungs", "Rungs are \"on-demand\" or \"always\".")?,
    })
}

async fn golive(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    InPath(channel): InPath,
) -> Result<Json<GoLive>, Refusal> {
    caller.may(Action::SeeGoLive { owner_id: &channel.owner_id })?;
    Ok(Json(GoLive {
        server: origin.ingest_server(&app),
        has_key: app.store.has_key(&channel.id).await?,
        ingest: view::ingest(&channel.name, &app.hub),
    }))
}

async fn new_key(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<NewKey>, Refusal> {
    caller.may(Action::MakeKey { owner_id: &channel.owner_id })?;
    let (id, key) = app.store.rotate_key(&channel.id, now_ms()).await?;
    tracing::info!(channel = channel.name, "new stream key");
    Ok(Json(NewKey { id, key: key.reveal().to_owned() }))
}

#[derive(Deserialize)]
struct Watch {
    watching: Option<String>,
}

async fn events(
    State(app): State<App>,
    origin: Origin,
    Params(watch): Params<Watch>,
    InPath(channel): InPath,
) -> Result<Response, Refusal> {
    let slot = app.slots.take(origin.from)?;
    let page = app.rooms.join(channel, watch.watching.as_deref() == Some("1"));
    let feed = page.channel();
    Ok(stream(&app, "channel", feed, page, slot))
}

async fn golive_events(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    InPath(channel): InPath,
) -> Result<Response, Refusal> {
    caller.may(Action::SeeGoLive { owner_id: &channel.owner_id })?;
    let slot = app.slots.take(origin.from)?;
    let page = app.rooms.join(channel, false);
    let feed = page.ingest();
    Ok(stream(&app, "ingest", feed, page, slot))
}

/// The newest state at once, then each new one. A client that is slow misses those in between,
/// never the last. `page` and `slot` are given back when the connection ends.
fn stream(app: &App, name: &'static str, feed: watch::Receiver<Arc<str>>, page: Page, slot: Slot) -> Response {
    let events = WatchStream::new(feed)
        .map(move |json| {
            let _held = (&page, &slot);
            Ok::<_, Infallible>(Event::default().event(name).data(json))
        })
        .take_until(app.shutdown.clone().cancelled_owned());
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // nginx would otherwise collect events until its buffer is full.
    ([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response()
}
