//! An API of canned answers, for work on the pages without a server, an encoder or a database, and for
//! their tests.
//!
//! Channels: `demo` is live (without a picture: there is no origin here), `river` reconnects,
//! `quiet` is offline, `flip` goes on and off every 8 s. Any password but `wrong` logs in;
//! `/setup?token=preview` sets up. The encoder on the Go live page comes and goes every 8 s.

mod channels;
mod chat;
mod people;

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use rivulet_protocol::rest::{
    AccessKind, Announcement, BroadcastSettings, CategoryRef, Channel, ChannelCreate, ChannelEdit, ChannelSettings,
    Channels, Check, GoLive, Ingest, IngestAudio, IngestVideo, Instance, Level, LiveState, Login, Me, NewKey, Problem,
    Role, Settings, Setup, SignUp,
};
use serde::{Deserialize, Serialize};
use std::{
    convert::Infallible,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::interval;
use tokio_stream::{Stream, StreamExt, wrappers::IntervalStream};

const COOKIE: &str = "preview=1";
const PHASE_S: i64 = 8;

pub fn api() -> Router {
    let routes = Router::new()
        .route("/instance", get(instance))
        .route("/setup", post(setup))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/me", get(me).patch(me).delete(wrong_password))
        .merge(channels::routes())
        .merge(chat::routes())
        .merge(people::routes())
        .route("/search", get(search))
        .route("/me/follows", get(channels))
        .route("/channels", get(channels).post(create))
        .route("/channels/{name}", get(one).patch(edit))
        .route("/channels/{name}/events", get(events))
        .route("/channels/{name}/golive", get(golive))
        .route("/channels/{name}/settings", get(settings).put(settings))
        .route("/channels/{name}/golive/events", get(golive_events))
        .route("/channels/{name}/key", post(key));
    Router::new().nest("/api/v1", routes).route("/api/openapi.json", get(openapi)).merge(chat::pictures())
}

pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or_default()
}

/// A description as short as one can be.
async fn openapi() -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "paths": {
            "/api/v1/me": {"get": {"tags": ["account"], "summary": "Who is logged in", "responses": {"200": {
                "description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Me"}}}}}}},
            "/api/v1/channels/{name}": {"patch": {"tags": ["channels"], "summary": "Changes a channel",
                "parameters": [{"name": "name", "in": "path", "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}, "responses": {}}},
        },
        "components": {"schemas": {"Me": {"type": "object", "required": ["id"], "description": "A person.",
            "properties": {"id": {"type": "string"}, "email": {"type": ["string", "null"]}}}}},
    }))
}

/// The first or the second half of what changes by itself here.
fn on_phase() -> bool {
    now_ms() / 1_000 / PHASE_S % 2 == 0
}

pub fn problem(status: StatusCode, code: &str, detail: &str, field: Option<&str>) -> Response {
    let body = Problem {
        status: status.as_u16(),
        code: code.to_owned(),
        detail: detail.to_owned(),
        field: field.map(str::to_owned),
    };
    (status, Json(body)).into_response()
}

async fn instance() -> Json<Instance> {
    let announcement = Announcement {
        id: "1".to_owned(),
        text: "Maintenance on Sunday at 3 in the morning, for half an hour.".to_owned(),
        urgent: false,
    };
    Json(Instance {
        name: "Rivulet".to_owned(),
        needs_setup: true,
        sign_up: SignUp::Approval,
        oidc: Some("Log in with Example".to_owned()),
        mail: true,
        announcements: vec![announcement],
        ..Instance::default()
    })
}

async fn wrong_password() -> Response {
    problem(StatusCode::FORBIDDEN, "wrong_password", "The password is wrong.", Some("password"))
}

async fn search(Query(query): Query<Searched>) -> Json<serde_json::Value> {
    let found = |name: &&str| channel(name).filter(|_| !query.q.starts_with('x'));
    let channels: Vec<Channel> = ["demo", "quiet"].iter().filter_map(found).collect();
    Json(serde_json::json!({"channels": channels, "categories": []}))
}

#[derive(Deserialize)]
struct Searched {
    q: String,
}

fn session(username: &str) -> Response {
    ([(header::SET_COOKIE, format!("{COOKIE}; Path=/; HttpOnly; SameSite=Lax"))], Json(user(username))).into_response()
}

fn user(username: &str) -> Me {
    let channels = vec!["demo".to_owned(), "quiet".to_owned()];
    Me {
        username: username.to_owned(),
        display_name: "Demo Person".to_owned(),
        role: Role::Admin,
        channels,
        helps: vec!["river".to_owned()],
        has_password: true,
        unread: 1,
        email: Some("demo@example.org".to_owned()),
        ..Me::default()
    }
}

async fn setup(Json(body): Json<Setup>) -> Response {
    match body.password.len() {
        0..8 => problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "short",
            "A password has at least 8 characters.",
            Some("password"),
        ),
        _ => session(&body.username),
    }
}

async fn login(Json(body): Json<Login>) -> Response {
    match body.password.as_str() {
        "second" => problem(StatusCode::UNAUTHORIZED, "second_factor_needed", "Now the second factor.", None),
        "wrong" => problem(StatusCode::UNAUTHORIZED, "wrong", "User name or password is wrong.", Some("password")),
        _ => session(&body.username),
    }
}

async fn logout() -> Response {
    ([(header::SET_COOKIE, "preview=; Path=/; Max-Age=0")], StatusCode::NO_CONTENT).into_response()
}

async fn me(headers: HeaderMap) -> Response {
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match cookie.contains(COOKIE) {
        true => Json(user("demo")).into_response(),
        false => problem(StatusCode::UNAUTHORIZED, "guest", "Nobody is logged in.", None),
    }
}

const PICTURE: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 9'%3E\
    %3ClinearGradient id='g' x2='1' y2='1'%3E%3Cstop stop-color='%23215'/%3E%3Cstop offset='1' stop-color='%23c74'/%3E\
    %3C/linearGradient%3E%3Cpath fill='url(%23g)' d='M0 0h16v9H0z'/%3E%3Cpath fill='%23fff3' d='M0 7l4-3 3 2 4-4 5 4v3H0z'/%3E\
    %3C/svg%3E";

fn channel(name: &str) -> Option<Channel> {
    let (title, state, viewers) = match name {
        "demo" => ("Building a small boat, part 4: the keel", LiveState::Live, 1_284),
        "river" => (
            "Night walk along the river with a very long title that does not fit into any card",
            LiveState::Reconnecting,
            12,
        ),
        "flip" if on_phase() => ("", LiveState::Starting, 1),
        "flip" => ("", LiveState::Offline, 0),
        "quiet" => ("Piano on Sundays", LiveState::Offline, 0),
        "archive" => ("", LiveState::Offline, 0),
        _ => return None,
    };
    Some(Channel {
        name: name.to_owned(),
        title: title.to_owned(),
        state,
        viewers: viewers + u32::from(state == LiveState::Live) * (now_ms() / 3_000 % 7) as u32,
        started_at_ms: (state != LiveState::Offline).then(|| now_ms() / 86_400_000 * 86_400_000),
        playback: (state == LiveState::Live).then(|| format!("/live/{name}/master.m3u8")),
        revision: 1,
        thumbnail: (state != LiveState::Offline).then(|| PICTURE.to_owned()),
        display_name: if name == "quiet" { "Quiet Room".to_owned() } else { name.to_owned() },
        category: (name != "flip")
            .then(|| CategoryRef { slug: "crafts".to_owned(), name: "Crafts & Making".to_owned() }),
        tags: if name == "demo" { vec!["boats".to_owned(), "woodwork".to_owned()] } else { Vec::new() },
        language: if name == "demo" { "en".to_owned() } else { String::new() },
        mature: name == "river",
        access: if name == "quiet" { AccessKind::Password } else { AccessKind::Public },
        followers: 1_312,
        ..Channel::default()
    })
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn channels(Query(query): Query<After>) -> Json<Channels> {
    let names: &[&str] = match query.after {
        None => &["demo", "river", "flip", "quiet"],
        Some(_) => &["archive"],
    };
    let next = query.after.is_none().then(|| "quiet".to_owned());
    let mut channels: Vec<Channel> = names.iter().filter_map(|name| channel(name)).collect();
    channels.sort_by_key(|channel| channel.state == LiveState::Offline);
    Json(Channels { channels, next })
}

async fn create(Json(body): Json<ChannelCreate>) -> Response {
    problem(StatusCode::CONFLICT, "taken", &format!("The name {} is taken.", body.name), Some("name"))
}

async fn one(Path(name): Path<String>) -> Response {
    match channel(&name) {
        Some(channel) => Json(channel).into_response(),
        None => problem(StatusCode::NOT_FOUND, "no_channel", "There is no such channel.", None),
    }
}

async fn edit(path: Path<String>, Json(_): Json<ChannelEdit>) -> Response {
    one(path).await
}

/// One event a second, as if something had changed.
fn stream<T: Serialize>(
    name: &'static str,
    state: impl Fn() -> T + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = IntervalStream::new(interval(Duration::from_secs(1)));
    let events = ticks.filter_map(move |_| Event::default().event(name).json_data(state()).ok()).map(Ok);
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn events(Path(name): Path<String>) -> Response {
    stream("channel", move || channel(&name)).into_response()
}

fn ingest() -> Ingest {
    if !on_phase() {
        return Ingest { last_refusal: Some("The stream key is wrong.".to_owned()), ..Ingest::default() };
    }
    let check = |name: &str, level, measured: &str, advice: &str| Check {
        name: name.to_owned(),
        level,
        measured: measured.to_owned(),
        advice: advice.to_owned(),
    };
    Ingest {
        connected: true,
        encoder: Some("OBS 29.0.2".to_owned()),
        video: Some(IngestVideo {
            codec: "H.264 High".to_owned(),
            width: 1920,
            height: 1080,
            fps_milli: 30_000,
            bitrate_kbps: 5_960,
            key_interval_ms: Some(8_300),
        }),
        audio: Some(IngestAudio { codec: "AAC-LC".to_owned(), sample_rate: 48_000, channels: 2, bitrate_kbps: 160 }),
        checks: vec![
            check("connection", Level::Good, "Stable connection", ""),
            check("video_codec", Level::Good, "H.264 High", ""),
            check("key_interval", Level::Bad, "Key frame every 8.3 s", "In OBS: Output › Keyframe interval: 2 s."),
            check("bitrate", Level::Warning, "5.9 Mb/s, very uneven", "In OBS: Output › Rate control: CBR."),
            check("audio", Level::Good, "AAC, 48 kHz stereo", ""),
        ],
        last_refusal: None,
    }
}

async fn golive(headers: HeaderMap) -> Json<GoLive> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    let host = host.split(':').next().unwrap_or(host);
    Json(GoLive { server: format!("rtmp://{host}:1935/live"), has_key: true, ingest: ingest() })
}

async fn settings() -> Json<Settings> {
    let channel = ChannelSettings { grace_seconds: Some(300), ..ChannelSettings::default() };
    Json(Settings { channel, instance: BroadcastSettings::default() })
}

async fn golive_events() -> Response {
    stream("ingest", ingest).into_response()
}

async fn key() -> Json<NewKey> {
    Json(NewKey { id: "k".to_owned(), key: "preview-key-preview-key-preview".to_owned() })
}
