//! What a broadcaster needs: keys, settings, the state of the incoming stream, past broadcasts; and
//! the event streams of pages.

use crate::check;
use crate::docs::{Answer, Created, Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, Fields, InPath, Origin, Params};
use crate::rooms::Page as RoomPage;
use crate::slots::Slot;
use crate::{App, channels, now_ms, view};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt;
use rivulet_hub::Order;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{
    BroadcastInfo, ChannelSettings, GoLive, KeyCreate, MAX_GRACE_SECONDS, NewKey, Page, Settings, StreamKeyInfo,
    ViewerSample,
};
use rivulet_store::{Channel, StreamKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

const MAX_KEYS: usize = 10;
/// Proxies close a connection that is quiet for a minute or less.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/settings",
            get_with(settings, op("broadcast", "What its broadcasts have"))
                .put_with(set_settings, op("broadcast", "Set what its broadcasts have")),
        )
        .api_route("/channels/{name}/golive", get_with(golive, op("broadcast", "All that a broadcaster needs")))
        .api_route("/channels/{name}/key", post_with(only_key, op("broadcast", "One new stream key instead of all")))
        .api_route(
            "/channels/{name}/keys",
            get_with(keys, op("broadcast", "Stream keys")).post_with(add_key, op("broadcast", "One more stream key")),
        )
        .api_route("/channels/{name}/keys/{id}", delete_with(revoke_key, op("broadcast", "Revoke a stream key")))
        .api_route(
            "/channels/{name}/keys/{id}/rotate",
            post_with(rotate_key, op("broadcast", "Replace a stream key by a new one")),
        )
        .api_route("/channels/{name}/broadcasts", get_with(history, op("broadcast", "Broadcasts, the newest first")))
        .api_route("/channels/{name}/broadcasts/{id}", get_with(one, op("broadcast", "A broadcast")))
        .api_route(
            "/channels/{name}/broadcasts/{id}/viewers",
            get_with(viewers, op("broadcast", "How many watched a broadcast, minute by minute")),
        )
}

/// Event streams, which have no deadline.
pub fn streams() -> Router<App> {
    Router::new()
        .route("/channels/{name}/events", get(events))
        .route("/channels/{name}/golive/events", get(golive_events))
}

async fn settings(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Settings>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    Ok(Json(Settings { channel: channel.settings, instance: app.config.broadcast }))
}

async fn set_settings(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(body): Body<Fields<ChannelSettings>>,
) -> Result<Json<Settings>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
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
        while_away: setting(body, "while_away", "What viewers see meanwhile is \"slate\" or \"wait\".")?,
    })
}

async fn golive(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    InPath(channel): InPath,
) -> Result<Json<GoLive>, Refusal> {
    caller.may_in(&app, &channel, Action::SeeChannelInside).await?;
    Ok(Json(GoLive {
        server: origin.ingest_server(&app),
        has_key: app.store.has_key(&channel.id).await?,
        ingest: view::ingest(&channel.name, &app.hub),
    }))
}

async fn keys(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
) -> Result<Json<Page<StreamKeyInfo>>, Refusal> {
    caller.may_in(&app, &channel, Action::OwnChannel).await?;
    Ok(Json(Page { items: app.store.keys_of(&channel.id).await?, next: None }))
}

fn shown_once(channel: &Channel, id: String, key: &StreamKey) -> NewKey {
    tracing::info!(channel = channel.name, key = id, "new stream key");
    NewKey { id, key: key.reveal().to_owned() }
}

async fn only_key(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<NewKey>, Refusal> {
    caller.may_in(&app, &channel, Action::OwnChannel).await?;
    let old = app.store.keys_of(&channel.id).await?;
    let (id, key) = app.store.rotate_key(&channel.id, now_ms()).await?;
    for old in old {
        drop_key(&app, &channel, old.id);
    }
    Ok(Json(shown_once(&channel, id, &key)))
}

async fn add_key(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(create): Body<KeyCreate>,
) -> Result<Created<NewKey>, Refusal> {
    caller.may_in(&app, &channel, Action::OwnChannel).await?;
    let name = check::some_line("name", &create.name, 50)?;
    if app.store.keys_of(&channel.id).await?.len() >= MAX_KEYS {
        let detail = format!("A channel has at most {MAX_KEYS} keys; revoke one first.");
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many_keys", detail));
    }
    let (id, key) = app.store.add_key(&channel.id, &name, now_ms()).await?;
    Ok(Answer::new(shown_once(&channel, id, &key)))
}

async fn rotate_key(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<NewKey>, Refusal> {
    caller.may_in(&app, &channel, Action::OwnChannel).await?;
    let key = app.store.rotate_one_key(&channel.id, &id, now_ms()).await?.ok_or_else(Refusal::not_found)?;
    drop_key(&app, &channel, id.clone());
    Ok(Json(shown_once(&channel, id, &key)))
}

async fn revoke_key(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    caller.may_in(&app, &channel, Action::OwnChannel).await?;
    if !app.store.revoke_key(&channel.id, &id).await? {
        return Err(Refusal::not_found());
    }
    drop_key(&app, &channel, id);
    Ok(Done::default())
}

/// Whoever sends with a key that is worth nothing any more has to stop.
fn drop_key(app: &App, channel: &Channel, key_id: String) {
    if let Some(broadcast) = app.hub.get(&channel.name) {
        let reason = "this stream key was replaced; copy the new one from your Go live page".to_owned();
        broadcast.orders.send_replace(Some(Order::DropKey { key_id, reason }));
    }
}

async fn history(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<BroadcastInfo>>, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
    let rows = app.store.history(&channel.id, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |row| row.id.clone())))
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<BroadcastInfo>, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
    app.store.past_broadcast(&channel.id, &id).await?.map(Json).ok_or_else(Refusal::not_found)
}

async fn viewers(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Page<ViewerSample>>, Refusal> {
    caller.may_in(&app, &channel, Action::SeeChannelInside).await?;
    if app.store.past_broadcast(&channel.id, &id).await?.is_none() {
        return Err(Refusal::not_found());
    }
    Ok(Json(Page { items: app.store.viewer_samples(&id).await?, next: None }))
}

#[derive(Deserialize)]
struct Watch {
    watching: Option<String>,
}

async fn events(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    Params(watch): Params<Watch>,
    InPath(channel): InPath,
) -> Result<Response, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
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
    caller.may_in(&app, &channel, Action::SeeChannelInside).await?;
    let slot = app.slots.take(origin.from)?;
    let page = app.rooms.join(channel, false);
    let feed = page.ingest();
    Ok(stream(&app, "ingest", feed, page, slot))
}

/// The newest state at once, then each new one. A client that is slow misses those in between,
/// never the last. `page` and `slot` are given back when the connection ends.
fn stream(app: &App, name: &'static str, feed: watch::Receiver<Arc<str>>, page: RoomPage, slot: Slot) -> Response {
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
