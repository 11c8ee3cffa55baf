//! Chat and moderation with the names that bots know. A `broadcaster_id` is a channel's id, or that of the
//! user whose channel it is; all other ids of users are those of users.

use super::{Asked, Refused, time};
use crate::chat::{doer, settings};
use crate::request::{Caller, Cursor, RequestId};
use crate::{App, channels, chat, now_ms};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use chat::{COLORS, MAX_REASON_CHARS, MAX_TIMEOUT_SECONDS};
use rivulet_protocol::chat::{MAX_TEXT_CHARS, Say};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{ChatSettings, Emote, Page};
use rivulet_store::{Channel, Deed, Doer, Done, User, UserState, random_name};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/helix/chat/messages", post(say))
        .route("/helix/chat/settings", get(show_settings).patch(set_settings))
        .route("/helix/chat/announcements", post(announce))
        .route("/helix/chat/emotes", get(emotes))
        .route("/helix/chat/emotes/global", get(global_emotes))
        .route("/helix/moderation/chat", delete(delete_messages))
        .route("/helix/moderation/bans", post(ban).delete(unban))
        .route("/helix/moderation/banned", get(banned))
        .route("/helix/moderation/warnings", post(warn))
        .route("/helix/moderation/shield_mode", get(show_shield).put(set_shield))
}

type Answer = Result<Json<Value>, Refused>;

fn data(items: Value) -> Json<Value> {
    Json(json!({"data": items}))
}

fn bad(message: &'static str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, message)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|e| Refused(StatusCode::BAD_REQUEST, format!("The body cannot be read: {e}.")))
}

/// The channel whose id, or whose owner's id, this is.
pub async fn channel_of(app: &App, id: &str) -> Result<Option<Channel>, Refused> {
    if let Some(channel) = app.store.channel_by_id(id).await? {
        return Ok(Some(channel));
    }
    let Some(user) = app.store.user_by_id(id).await? else { return Ok(None) };
    let mut channels = app.store.channels_of(&user.id).await?;
    // The one of the same name, where there is one.
    channels.sort_by_key(|channel| channel.name != user.name);
    Ok(channels.into_iter().next())
}

async fn broadcaster(app: &App, id: Option<&str>) -> Result<Channel, Refused> {
    let id = id.filter(|id| !id.is_empty()).ok_or_else(|| bad("The parameter broadcaster_id is missing."))?;
    let unknown = || Refused::new(StatusCode::NOT_FOUND, "There is no such broadcaster.");
    channel_of(app, id).await?.ok_or_else(unknown)
}

/// Somebody by their id, or by that of a channel of theirs.
async fn person(app: &App, id: &str) -> Result<User, Refused> {
    let id = match app.store.channel_by_id(id).await? {
        Some(channel) => channel.owner_id,
        None => id.to_owned(),
    };
    let found = app.store.user_by_id(&id).await?.filter(|user| user.state == UserState::Active);
    found.ok_or_else(|| bad("There is no such user."))
}

/// Who moderates, and where.
struct Moderator {
    app: App,
    channel: Channel,
    by: Doer,
}

impl Moderator {
    async fn new(app: App, caller: &Caller, id: &RequestId, asked: &Asked) -> Result<Self, Refused> {
        let channel = broadcaster(&app, asked.one("broadcaster_id")).await?;
        let by = doer(&app, caller, &channel, Action::ModerateChat, id).await?;
        if let Some(claimed) = asked.one("moderator_id")
            && person(&app, claimed).await?.id != by.person.id
        {
            return Err(bad("The moderator_id is not that of the token's user."));
        }
        Ok(Self { app, channel, by })
    }

    async fn act(&self, deed: Deed<'_>) -> Result<Done, Refused> {
        let done = self.app.store.moderate(&self.channel, &self.by, deed, now_ms()).await;
        let done = done.map_err(crate::refusal::Refusal::from)?;
        self.app.acted(&done.channels).await;
        Ok(done)
    }
}

#[derive(Deserialize)]
struct NewMessage {
    broadcaster_id: String,
    #[serde(default)]
    sender_id: String,
    message: String,
    reply_parent_message_id: Option<String>,
}

/// What the room has against it is no error here, but a reason why it was dropped.
async fn say(State(app): State<App>, caller: Caller, body: axum::body::Bytes) -> Answer {
    let user = caller.may(Action::Chat)?;
    let new: NewMessage = parsed(&body)?;
    if !new.sender_id.is_empty() && person(&app, &new.sender_id).await?.id != user.id {
        return Err(bad("The sender_id is not that of the token's user."));
    }
    let channel = broadcaster(&app, Some(&new.broadcaster_id)).await?;
    chat::watchable(&app, &caller, &channel).await?;
    let say = Say { id: random_name(), text: new.message, reply_to: new.reply_parent_message_id };
    let (message_id, drop_reason) = match app.say(&channel, user, &caller, say).await {
        Ok(said) => (said.message_id.unwrap_or_default(), Value::Null),
        Err(refusal) => (String::new(), json!({"code": refusal.code.as_str(), "message": refusal.detail})),
    };
    let is_sent = drop_reason.is_null();
    Ok(data(json!([{"message_id": message_id, "is_sent": is_sent, "drop_reason": drop_reason}])))
}

/// One, or all.
async fn delete_messages(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    let deed = match asked.one("message_id") {
        Some(message_id) => Deed::Delete { message_id },
        None => Deed::Clear,
    };
    moderator.act(deed).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct NewBan {
    user_id: String,
    duration: Option<u32>,
    #[serde(default)]
    reason: String,
}

fn check_reason(reason: &str) -> Result<(), Refused> {
    let wrong = reason.chars().count() > MAX_REASON_CHARS || reason.chars().any(char::is_control);
    if wrong { Err(bad("A reason is one line of at most 500 characters.")) } else { Ok(()) }
}

async fn ban(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    RawQuery(query): RawQuery,
    body: axum::body::Bytes,
) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    let Data { data: ban } = parsed::<Data<NewBan>>(&body)?;
    check_reason(&ban.reason)?;
    if ban.duration.is_some_and(|seconds| !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds)) {
        return Err(bad("A duration is 1 to 1209600 seconds."));
    }
    let user = person(&moderator.app, &ban.user_id).await?;
    let done = moderator.act(Deed::Ban { user: &user, seconds: ban.duration, reason: &ban.reason }).await?;
    let at_ms = done.action.at_ms;
    let end_time = ban.duration.map(|seconds| time(at_ms.saturating_add(i64::from(seconds) * 1000)));
    Ok(data(json!([{
        "broadcaster_id": moderator.channel.id,
        "moderator_id": moderator.by.person.id,
        "user_id": user.id,
        "created_at": time(at_ms),
        "end_time": end_time,
    }])))
}

async fn unban(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    let user = asked.one("user_id").ok_or_else(|| bad("The parameter user_id is missing."))?;
    let user = person(&moderator.app, user).await?;
    moderator.act(Deed::Unban { user: &user }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn banned(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let channel = broadcaster(&app, asked.one("broadcaster_id")).await?;
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let cursor = Cursor::new(None, asked.first().try_into().ok());
    let users = asked.all("user_id");
    let mut bans = Vec::new();
    if users.is_empty() {
        let before = asked.one("after").and_then(|cursor| cursor.split_once('-'));
        let before = before.and_then(|(time, id)| Some((time.parse().ok()?, id)));
        bans = app.store.chat_bans(&channel.id, before, now_ms(), cursor.limit() + 1).await?;
    }
    for user_id in users {
        bans.extend(app.store.chat_ban(&channel.id, &user_id, now_ms()).await?);
    }
    let Page { items, next } = cursor.page(bans, |ban| format!("{}-{}", ban.at_ms, ban.user.id));
    let bans = items.into_iter().map(|ban| {
        json!({
            "user_id": ban.user.id,
            "user_login": ban.user.login,
            "user_name": ban.user.display_name,
            "expires_at": ban.until_ms.map(time).unwrap_or_default(),
            "created_at": time(ban.at_ms),
            "reason": ban.reason,
            "moderator_id": "",
            "moderator_login": ban.by,
            "moderator_name": ban.by,
        })
    });
    let bans: Vec<Value> = bans.collect();
    let pagination = next.map_or(json!({}), |cursor| json!({"cursor": cursor}));
    Ok(Json(json!({"data": bans, "pagination": pagination})))
}

fn modes(channel: &Channel, settings: &ChatSettings) -> Value {
    let some = |number: u32| Some(number).filter(|number| *number > 0);
    json!({
        "broadcaster_id": channel.id,
        "slow_mode": settings.slow_seconds > 0,
        "slow_mode_wait_time": some(settings.slow_seconds),
        "follower_mode": settings.followers_only_minutes.is_some(),
        "follower_mode_duration": settings.followers_only_minutes,
        "subscriber_mode": settings.subscribers_only,
        "emote_mode": settings.emote_only,
        "unique_chat_mode": settings.unique,
        "non_moderator_chat_delay": settings.delay_seconds > 0,
        "non_moderator_chat_delay_duration": some(settings.delay_seconds),
    })
}

async fn show_settings(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let channel = broadcaster(&app, asked.one("broadcaster_id")).await?;
    chat::readable(&app, &caller, &channel).await?;
    Ok(data(json!([modes(&channel, &app.store.chat_settings(&channel.id).await?)])))
}

#[derive(Deserialize)]
struct Modes {
    slow_mode: Option<bool>,
    slow_mode_wait_time: Option<u32>,
    follower_mode: Option<bool>,
    follower_mode_duration: Option<u32>,
    subscriber_mode: Option<bool>,
    emote_mode: Option<bool>,
    unique_chat_mode: Option<bool>,
    non_moderator_chat_delay: Option<bool>,
    non_moderator_chat_delay_duration: Option<u32>,
}

/// A mode and its number, of which either may be left out.
fn number(on: Option<bool>, number: Option<u32>, usual: u32, now: Option<u32>) -> Option<u32> {
    match on {
        Some(false) => None,
        Some(true) => number.or(now).or(Some(usual)),
        None => number.or(now),
    }
}

impl Modes {
    fn over(self, own: ChatSettings) -> ChatSettings {
        let some = |number: u32| Some(number).filter(|number| *number > 0);
        let (slow, delay) = (some(own.slow_seconds), some(own.delay_seconds));
        let (delay_on, delay_for) = (self.non_moderator_chat_delay, self.non_moderator_chat_delay_duration);
        let (following_on, following) = (self.follower_mode, self.follower_mode_duration);
        ChatSettings {
            slow_seconds: number(self.slow_mode, self.slow_mode_wait_time, 30, slow).unwrap_or(0),
            followers_only_minutes: number(following_on, following, 0, own.followers_only_minutes),
            subscribers_only: self.subscriber_mode.unwrap_or(own.subscribers_only),
            emote_only: self.emote_mode.unwrap_or(own.emote_only),
            unique: self.unique_chat_mode.unwrap_or(own.unique),
            delay_seconds: number(delay_on, delay_for, 2, delay).unwrap_or(0),
            ..own
        }
    }
}

async fn set_settings(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    RawQuery(query): RawQuery,
    body: axum::body::Bytes,
) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    let (own, ..) = moderator.app.store.own_chat_settings(&moderator.channel.id).await?;
    let settings = settings::checked(parsed::<Modes>(&body)?.over(own))?;
    moderator.act(Deed::Settings(&settings)).await?;
    Ok(data(json!([modes(&moderator.channel, &settings)])))
}

#[derive(Deserialize)]
struct NewAnnouncement {
    message: String,
    color: Option<String>,
}

async fn announce(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    RawQuery(query): RawQuery,
    body: axum::body::Bytes,
) -> Result<StatusCode, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    let new: NewAnnouncement = parsed(&body)?;
    let text = crate::check::some_line("message", &new.message, MAX_TEXT_CHARS)?;
    let color = new.color.as_deref().filter(|color| !color.is_empty()).unwrap_or(COLORS[0]);
    if !COLORS.contains(&color) {
        return Err(bad("The color is primary, blue, green, orange or purple."));
    }
    let Some(user) = caller.known() else { return Err(crate::refusal::Refusal::log_in().into()) };
    let author = moderator.app.store.chat_author(&moderator.channel, user).await?;
    moderator.act(Deed::Announce { text: &text, color, author }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct NewWarning {
    user_id: String,
    reason: String,
}

async fn warn(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    RawQuery(query): RawQuery,
    body: axum::body::Bytes,
) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    let Data { data: warning } = parsed::<Data<NewWarning>>(&body)?;
    check_reason(&warning.reason)?;
    if warning.reason.trim().is_empty() {
        return Err(bad("Say why: they get to read it."));
    }
    let user = person(&moderator.app, &warning.user_id).await?;
    moderator.act(Deed::Warn { user: &user, reason: &warning.reason }).await?;
    Ok(data(json!([{
        "broadcaster_id": moderator.channel.id,
        "user_id": user.id,
        "moderator_id": moderator.by.person.id,
        "reason": warning.reason,
    }])))
}

fn shield(is_active: bool) -> Json<Value> {
    data(json!([{
        "is_active": is_active,
        "moderator_id": "",
        "moderator_login": "",
        "moderator_name": "",
        "last_activated_at": "",
    }]))
}

async fn show_shield(State(app): State<App>, caller: Caller, id: RequestId, RawQuery(query): RawQuery) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    Ok(shield(moderator.app.store.own_chat_settings(&moderator.channel.id).await?.2))
}

#[derive(Deserialize)]
struct SetShield {
    is_active: bool,
}

async fn set_shield(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    RawQuery(query): RawQuery,
    body: axum::body::Bytes,
) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let moderator = Moderator::new(app, &caller, &id, &asked).await?;
    let SetShield { is_active } = parsed(&body)?;
    moderator.act(Deed::Shield { on: is_active, settings: None }).await?;
    Ok(shield(is_active))
}

fn emote_list(app: &App, emotes: &[Emote]) -> Json<Value> {
    let site = app.config.public_url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
    let emote = |emote: &Emote| {
        let url = |size: u32| format!("{site}/emotes/{}/{size}", emote.id);
        json!({
            "id": emote.id,
            "name": emote.code,
            "images": {"url_1x": url(1), "url_2x": url(2), "url_4x": url(3)},
            "tier": "",
            "emote_type": "",
            "emote_set_id": "",
            "format": if emote.animated { ["static", "animated"].as_slice() } else { &["static"] },
            "scale": ["1.0", "2.0", "3.0"],
            "theme_mode": ["light", "dark"],
        })
    };
    let emotes: Vec<Value> = emotes.iter().map(emote).collect();
    Json(json!({"data": emotes, "template": format!("{site}/emotes/{{{{id}}}}/{{{{scale}}}}")}))
}

async fn emotes(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    let asked = Asked::new(query.as_deref())?;
    let channel = broadcaster(&app, asked.one("broadcaster_id")).await?;
    channels::visible(&app, &caller, &channel).await?;
    let mut emotes = app.store.emotes(&channel.id).await?;
    emotes.retain(|emote| !emote.global);
    Ok(emote_list(&app, &emotes))
}

async fn global_emotes(State(app): State<App>) -> Answer {
    let emotes = app.store.emotes("").await?;
    Ok(emote_list(&app, &emotes))
}
