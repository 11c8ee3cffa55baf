//! A small part of Twitch's API (`/helix`), so that tools which know that one can be pointed here. A
//! broadcaster there is a channel here: ids and logins are those of channels. Whoever has none is a user
//! with their own id, and so is the token's user; both ids name their channel.

mod chat;
mod eventsub;

use crate::refusal::Refusal;
use crate::request::{Caller, Cursor};
use crate::view::OnAir;
use crate::{App, now_ms};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{AccessKind, LiveState, Page};
use rivulet_store::{Channel, Picture, StoreError, User, UserState};
use serde_json::{Value, json};

const MAX_NAMED: usize = 100;
const DEFAULT_PAGE: usize = 20;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/helix/users", get(users))
        .route("/helix/streams", get(streams))
        .route("/helix/channels", get(channels))
        .route("/helix/channels/followers", get(followers))
        .merge(chat::routes())
        .merge(eventsub::routes())
}

/// An error as that API has it.
struct Refused(StatusCode, String);

impl Refused {
    fn new(status: StatusCode, message: &str) -> Self {
        Self(status, message.to_owned())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let (status, detail) = refusal.into_parts();
        Self(status, detail)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        let error = status.canonical_reason().unwrap_or_default();
        (status, Json(json!({"error": error, "status": status.as_u16(), "message": message}))).into_response()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

/// A query in which a name may come many times.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn new(query: Option<&str>) -> Result<Self, Refused> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<_> = pairs.into_owned().take(2 * MAX_NAMED + 1).collect();
        match pairs.len() > 2 * MAX_NAMED {
            true => Err(Refused::new(StatusCode::BAD_REQUEST, "There are too many parameters.")),
            false => Ok(Self(pairs)),
        }
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).take(MAX_NAMED).collect()
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn first(&self) -> usize {
        self.one("first").and_then(|first| first.parse().ok()).unwrap_or(DEFAULT_PAGE).clamp(1, MAX_NAMED)
    }
}

fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default()
}

/// Channels that everybody may know of.
async fn named(app: &App, ids: &[String], logins: &[String]) -> Result<Vec<Channel>, Refused> {
    let logins: Vec<String> = logins.iter().map(|login| login.to_ascii_lowercase()).collect();
    let mut found = app.store.channels_by_names(&logins).await?;
    for id in ids {
        found.extend(chat::channel_of(app, id).await?);
    }
    let now_ms = now_ms();
    found.retain(|channel| channel.suspended(now_ms).is_none() && channel.access != AccessKind::Private);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|a, b| a.id == b.id);
    Ok(found)
}

fn picture(app: &App, picture: Option<&Picture>) -> String {
    let Some((picture, size)) = picture.and_then(|p| Some((p, *p.sizes.last()?))) else {
        return String::new();
    };
    let site = app.config.public_url.as_deref().unwrap_or_default();
    format!("{}/{}", site.trim_end_matches('/'), picture.object_key(size))
}

/// As that API shows a user.
fn shown(id: &str, login: &str, display_name: &str, picture: &str, created_at_ms: i64) -> Value {
    json!({
        "id": id,
        "login": login,
        "display_name": display_name,
        "type": "",
        "broadcaster_type": "",
        "description": "",
        "profile_image_url": picture,
        "offline_image_url": "",
        "view_count": 0,
        "created_at": time(created_at_ms),
    })
}

fn user(app: &App, channel: &Channel) -> Value {
    let picture = picture(app, channel.avatar.as_ref());
    shown(&channel.id, &channel.name, channel.shown_name(), &picture, channel.created_at_ms)
}

fn person(app: &App, user: &User) -> Value {
    let picture = picture(app, user.avatar.as_ref());
    shown(&user.id, &user.name, user.shown_name(), &picture, user.created_at_ms)
}

/// Without a name it is whoever asks.
async fn users(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Result<Json<Value>, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let (ids, logins) = (asked.all("id"), asked.all("login"));
    if ids.is_empty() && logins.is_empty() {
        let user =
            caller.known().ok_or_else(|| Refused::new(StatusCode::UNAUTHORIZED, "Name somebody, or send a token."))?;
        return Ok(Json(json!({"data": [person(&app, user)]})));
    }
    let found = named(&app, &ids, &logins).await?;
    let mut data: Vec<Value> = found.iter().map(|channel| user(&app, channel)).collect();
    let is_there = |key: &str, value: &str| {
        found.iter().any(|channel| match key {
            "id" => channel.id == value || channel.owner_id == value,
            _ => channel.name.eq_ignore_ascii_case(value),
        })
    };
    let active = |user: &User| user.state == UserState::Active;
    for id in ids.iter().filter(|id| !is_there("id", id)) {
        data.extend(app.store.user_by_id(id).await?.filter(active).map(|user| person(&app, &user)));
    }
    for login in logins.iter().filter(|login| !is_there("login", login)) {
        let found = app.store.user_by_name(&login.to_ascii_lowercase()).await?.map(|(user, _)| user);
        data.extend(found.filter(active).map(|user| person(&app, &user)));
    }
    Ok(Json(json!({"data": data})))
}

fn stream(channel: &Channel, id: &str, on_air: &OnAir) -> Value {
    let (game_id, game_name) = channel.category.as_ref().map_or(("", ""), |c| (&c.slug, &c.name));
    let thumbnail = on_air.thumbnail_at_ms.map(|at| format!("/live/{}/thumbnail.jpg?t={at}", channel.name));
    json!({
        "id": id,
        "user_id": channel.id,
        "user_login": channel.name,
        "user_name": channel.shown_name(),
        "game_id": game_id,
        "game_name": game_name,
        "type": "live",
        "title": channel.title,
        "tags": channel.tags,
        "viewer_count": on_air.viewers,
        "started_at": time(on_air.started_at_ms),
        "language": channel.language,
        "thumbnail_url": thumbnail.unwrap_or_default(),
        "tag_ids": [],
        "is_mature": channel.mature,
    })
}

/// Those with the most viewers first; a cursor is how many were seen.
async fn streams(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Json<Value>, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let (ids, logins, games) = (asked.all("user_id"), asked.all("user_login"), asked.all("game_id"));
    let after: usize = asked.one("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let live = app.hub.list();
    let live = live.iter().filter(|b| b.status.borrow().state != LiveState::Starting);
    let wanted = live.filter(|b| {
        (ids.is_empty() && logins.is_empty())
            || ids.contains(&b.info.channel_id)
            || logins.iter().any(|login| login.eq_ignore_ascii_case(&b.info.channel))
    });
    let wanted: Vec<_> = wanted.collect();
    let names: Vec<String> = wanted.iter().map(|b| b.info.channel.clone()).collect();
    let rows = named(&app, &[], &names).await?;
    let rows = rows
        .iter()
        .filter(|row| games.is_empty() || row.category.as_ref().is_some_and(|category| games.contains(&category.slug)));
    let mut found: Vec<(u32, Value)> = rows
        .filter_map(|row| {
            let broadcast = wanted.iter().find(|b| b.info.channel == row.name)?;
            let on_air = OnAir::of(broadcast, app.rooms.watching(&row.name));
            Some((on_air.viewers, stream(row, &broadcast.info.id, &on_air)))
        })
        .collect();
    found.sort_by_key(|(viewers, _)| std::cmp::Reverse(*viewers));
    let (all, first) = (found.len(), asked.first());
    let data: Vec<Value> = found.into_iter().skip(after).take(first).map(|(_, stream)| stream).collect();
    let end = after.saturating_add(first);
    let pagination = if end < all { json!({"cursor": end.to_string()}) } else { json!({}) };
    Ok(Json(json!({"data": data, "pagination": pagination})))
}

async fn channels(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Json<Value>, Refused> {
    let ids = Asked::new(query.as_deref())?.all("broadcaster_id");
    if ids.is_empty() {
        return Err(Refused::new(StatusCode::BAD_REQUEST, "The parameter broadcaster_id is missing."));
    }
    let data = named(&app, &ids, &[]).await?.into_iter().map(|channel| {
        let (game_id, game_name) = channel.category.as_ref().map_or(("", ""), |c| (&c.slug, &c.name));
        json!({
            "broadcaster_id": channel.id,
            "broadcaster_login": channel.name,
            "broadcaster_name": channel.shown_name(),
            "broadcaster_language": channel.language,
            "game_id": game_id,
            "game_name": game_name,
            "title": channel.title,
            "delay": 0,
            "tags": channel.tags,
            "content_classification_labels": [],
            "is_branded_content": false,
        })
    });
    Ok(Json(json!({"data": data.collect::<Vec<_>>()})))
}

/// How many is everybody's to know; who they are is for those who run the channel.
async fn followers(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Result<Json<Value>, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let id = asked.one("broadcaster_id").unwrap_or_default().to_owned();
    if id.is_empty() {
        return Err(Refused::new(StatusCode::BAD_REQUEST, "The parameter broadcaster_id is missing."));
    }
    let Some(channel) = named(&app, &[id], &[]).await?.into_iter().next() else {
        return Ok(Json(json!({"total": 0, "data": [], "pagination": {}})));
    };
    let total = channel.followers;
    if caller.may_in(&app, &channel, Action::SeeChannelInside).await.is_err() {
        return Ok(Json(json!({"total": total, "data": [], "pagination": {}})));
    }
    let cursor = Cursor::new(None, asked.first().try_into().ok());
    let before = asked.one("after").and_then(|cursor| cursor.split_once('-'));
    let before = before.and_then(|(time, id)| Some((time.parse().ok()?, id)));
    let rows = app.store.followers(&channel.id, before, cursor.limit() + 1).await?;
    let Page { items, next } = cursor.page(rows, |(follower, id)| format!("{}-{id}", follower.since_ms));
    let data = items.into_iter().map(|(follower, id)| {
        json!({
            "user_id": id,
            "user_login": follower.username,
            "user_name": follower.display_name,
            "followed_at": time(follower.since_ms),
        })
    });
    let data: Vec<Value> = data.collect();
    let pagination = next.map_or(json!({}), |cursor| json!({"cursor": cursor}));
    Ok(Json(json!({"total": total, "data": data, "pagination": pagination})))
}
