//! What moderators do to people and messages.

use super::{bad_cursor, check_reason, doer, named};
use crate::check;
use crate::docs::{Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, InPath, Named, Params, RequestId};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use rivulet_protocol::chat::{ChatAction, HeldMessage, MAX_TEXT_CHARS};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{
    AnnounceCreate, BanCreate, ChatBan, HoldDecision, NetworkBan, Page, PinSet, WarningCreate,
};
use rivulet_store::{Channel, Deed};
use schemars::JsonSchema;
use serde::Deserialize;

/// 14 days.
pub const MAX_TIMEOUT_SECONDS: u32 = 14 * 24 * 3600;
pub const COLORS: [&str; 5] = ["primary", "blue", "green", "orange", "purple"];

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/channels/{name}/chat/bans", get_with(bans, op("chat", "Who is banned, the newest first")))
        .api_route(
            "/channels/{name}/chat/bans/{username}",
            put_with(ban, op("chat", "Ban somebody, or time them out"))
                .delete_with(unban, op("chat", "Let somebody back in")),
        )
        .api_route(
            "/channels/{name}/chat/purge/{username}",
            post_with(purge, op("chat", "Take back all that somebody said")),
        )
        .api_route("/channels/{name}/chat/warnings/{username}", post_with(warn, op("chat", "Warn somebody")))
        .api_route("/channels/{name}/chat/announcements", post_with(announce, op("chat", "Announce something")))
        .api_route(
            "/channels/{name}/chat/pin",
            put_with(pin, op("chat", "Pin a message")).delete_with(unpin, op("chat", "Take the pinned message down")),
        )
        .api_route("/channels/{name}/chat/held", get_with(held, op("chat", "Messages that wait for a decision")))
        .api_route("/channels/{name}/chat/held/{id}", post_with(resolve, op("chat", "Allow a message, or deny it")))
        .api_route(
            "/channels/{name}/chat/networks",
            get_with(networks, op("chat", "Networks whose guests are shut out")),
        )
        .api_route("/channels/{name}/chat/networks/{id}", delete_with(let_in, op("chat", "Let a network in again")))
        .api_route(
            "/channels/{name}/chat/users/{username}/network",
            put_with(shut_out, op("chat", "Shut out the guests from where somebody was last seen")),
        )
        .api_route("/channels/{name}/chat/actions", get_with(actions, op("chat", "What was done, the newest first")))
}

/// Does it, and tells the room.
async fn act(
    app: &App,
    caller: &Caller,
    id: &RequestId,
    channel: &Channel,
    deed: Deed<'_>,
) -> Result<ChatAction, Refusal> {
    let by = doer(app, caller, channel, Action::ModerateChat, id).await?;
    let done = app.store.moderate(channel, &by, deed, now_ms()).await?;
    app.acted(&done.channels).await;
    Ok(done.action)
}

async fn bans(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<ChatBan>>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let before = cursor.after().map(|cursor| {
        let parts = cursor.split_once('-').and_then(|(time, id)| Some((time.parse().ok()?, id)));
        parts.ok_or_else(bad_cursor)
    });
    let rows = app.store.chat_bans(&channel.id, before.transpose()?, now_ms(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |ban| format!("{}-{}", ban.at_ms, ban.user.id))))
}

async fn ban(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
    Body(create): Body<BanCreate>,
) -> Result<Json<ChatBan>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let seconds = create.seconds.map(|seconds| check::between("seconds", seconds, 1, MAX_TIMEOUT_SECONDS));
    let (seconds, reason) = (seconds.transpose()?, check_reason(&create.reason)?);
    let user = named(&app, &username).await?;
    act(&app, &caller, &id, &channel, Deed::Ban { user: &user, seconds, reason: &reason }).await?;
    let ban = app.store.chat_ban(&channel.id, &user.id, now_ms()).await?;
    ban.map(Json).ok_or_else(Refusal::not_found)
}

async fn unban(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let user = named(&app, &username).await?;
    act(&app, &caller, &id, &channel, Deed::Unban { user: &user }).await?;
    Ok(Done::default())
}

async fn purge(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
) -> Result<Json<ChatAction>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let user = named(&app, &username).await?;
    Ok(Json(act(&app, &caller, &id, &channel, Deed::Purge { user: &user }).await?))
}

async fn warn(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
    Body(create): Body<WarningCreate>,
) -> Result<Json<ChatAction>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let reason = check_reason(&create.reason)?;
    if reason.is_empty() {
        return Err(Refusal::field("reason", "empty", "Say why: they get to read it."));
    }
    let user = named(&app, &username).await?;
    Ok(Json(act(&app, &caller, &id, &channel, Deed::Warn { user: &user, reason: &reason }).await?))
}

async fn announce(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(create): Body<AnnounceCreate>,
) -> Result<Json<ChatAction>, Refusal> {
    let user = caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let text = check::some_line("text", &create.text, MAX_TEXT_CHARS)?;
    let color = if create.color.is_empty() { COLORS[0] } else { &create.color };
    if !COLORS.contains(&color) {
        let detail = "The colour is primary, blue, green, orange or purple.";
        return Err(Refusal::field("color", "bad_value", detail));
    }
    let author = app.store.chat_author(&channel, user).await?;
    Ok(Json(act(&app, &caller, &id, &channel, Deed::Announce { text: &text, color, author }).await?))
}

async fn pin(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(pin): Body<PinSet>,
) -> Result<Json<ChatAction>, Refusal> {
    Ok(Json(act(&app, &caller, &id, &channel, Deed::Pin { message_id: &pin.message_id }).await?))
}

async fn unpin(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
) -> Result<Done, Refusal> {
    act(&app, &caller, &id, &channel, Deed::Unpin).await?;
    Ok(Done::default())
}

async fn held(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<HeldMessage>>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let rows = app.store.held_messages(&channel.id, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |held| held.id.clone())))
}

async fn resolve(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, held)): Path<(String, String)>,
    Body(decision): Body<HoldDecision>,
) -> Result<Done, Refusal> {
    act(&app, &caller, &id, &channel, Deed::HoldResolved { id: &held, allow: decision.allow }).await?;
    Ok(Done::default())
}

async fn networks(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<NetworkBan>>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let rows = app.store.network_bans(&channel.id, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |network| network.id.clone())))
}

async fn shut_out(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let user = named(&app, &username).await?;
    act(&app, &caller, &id, &channel, Deed::ShutOut { user: &user }).await?;
    Ok(Done::default())
}

async fn let_in(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Named(network): Named<1>,
) -> Result<Done, Refusal> {
    act(&app, &caller, &id, &channel, Deed::LetIn { network: &network }).await?;
    Ok(Done::default())
}

#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// Only what was done to this user.
    username: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

async fn actions(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(asked): Params<Asked>,
) -> Result<Json<Page<ChatAction>>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let cursor = Cursor::new(asked.after.as_deref(), asked.limit);
    let before = cursor.after().map(|after| after.parse().map_err(|_| bad_cursor())).transpose()?;
    let user = match &asked.username {
        Some(username) => Some(named(&app, username).await?.id),
        None => None,
    };
    let rows = app.store.chat_actions_page(&channel.id, user.as_deref(), before, cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |action| action.revision.to_string())))
}
