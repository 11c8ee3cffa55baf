//! The room itself: what whoever opens it needs, tickets, and messages.

use super::{doer, named, refused};
use crate::access::{admitted, may_watch};
use crate::docs::{Answer, Created, Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, InPath, Origin, Params, RequestId};
use crate::{App, channels, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rivulet_protocol::chat::{MAX_CLIENT_ID_CHARS, Message, Say};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{ChatRoom, ChatStanding, ChatTicket, MessageCreate, MessageSaid, Page, PlaybackRequest};
use rivulet_store::{CHAT_TICKET_MS, Channel, ChatPass, Deed, random_name};
use schemars::JsonSchema;
use serde::Deserialize;

/// What somebody who opens a chat gets to see of what was said before.
const HISTORY: u32 = 50;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/channels/{name}/chat", get_with(room, op("chat", "What is going on in a chat")))
        .api_route("/channels/{name}/chat/ticket", post_with(ticket, op("chat", "A ticket for the connection")))
        .api_route(
            "/channels/{name}/chat/messages",
            get_with(messages, op("chat", "Messages, the newest first"))
                .post_with(say, op("chat", "Say something"))
                .delete_with(clear, op("chat", "Take everything back")),
        )
        .api_route(
            "/channels/{name}/chat/messages/{id}",
            delete_with(delete_message, op("chat", "Take one message back")),
        )
        .api_route(
            "/channels/{name}/broadcasts/{id}/chat",
            get_with(replay, op("chat", "What was said in a broadcast, by its time")),
        )
}

/// Those who may not watch do not read along either. A token has to be for reading chats.
pub async fn readable(app: &App, caller: &Caller, channel: &Channel) -> Result<(), Refusal> {
    if caller.has_token() {
        caller.may(Action::ReadChat)?;
    }
    watchable(app, caller, channel).await
}

pub async fn watchable(app: &App, caller: &Caller, channel: &Channel) -> Result<(), Refusal> {
    channels::visible(app, caller, channel).await?;
    match may_watch(app, caller, channel).await? {
        true => Ok(()),
        false => Err(Refusal::new(StatusCode::FORBIDDEN, "not_for_you", "This chat is for those who may watch.")),
    }
}

async fn room(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<ChatRoom>, Refusal> {
    readable(&app, &caller, &channel).await?;
    let (store, id) = (&app.store, &channel.id);
    let (own, shield, on) = store.own_chat_settings(id).await?;
    let poll = store.running_poll(id).await?;
    let you = match caller.known() {
        Some(user) => Some(ChatStanding {
            moderator: caller.may_in(&app, &channel, Action::ModerateChat).await.is_ok(),
            ban: store.chat_ban(id, &user.id, now_ms()).await?,
            warning: store.chat_warning(id, &user.id).await?,
            unban_request: store.unban_request_of(id, &user.id).await?,
            vote: match &poll {
                Some(poll) => store.vote_of(&poll.id, &user.id).await?,
                None => None,
            },
        }),
        None => None,
    };
    Ok(Json(ChatRoom {
        settings: if on { own.shielded_by(&shield) } else { own },
        shield: on,
        chatters: app.hub.chat().chatters(id),
        messages: store.last_chat_messages(id, HISTORY).await?,
        pinned: store.pinned_message(id).await?,
        poll,
        you,
    }))
}

async fn ticket(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    InPath(channel): InPath,
    Body(request): Body<PlaybackRequest>,
) -> Result<Json<ChatTicket>, Refusal> {
    if caller.has_token() {
        caller.may(Action::ReadChat)?;
    }
    admitted(&app, &origin, &caller, &channel, &request.password).await?;
    let user = caller.known();
    let pass = ChatPass {
        user_id: user.map(|user| user.id.clone()).unwrap_or_default(),
        login_revision: user.map_or(0, |user| user.login_revision),
        may_say: caller.may(Action::Chat).is_ok(),
        expires_at_ms: now_ms() + CHAT_TICKET_MS,
    };
    let ticket = app.playback_key().await?.sign_chat(&channel, &pass);
    Ok(Json(ChatTicket { ticket, expires_at_ms: pass.expires_at_ms }))
}

#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// Only what this user said.
    username: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

async fn messages(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(asked): Params<Asked>,
) -> Result<Json<Page<Message>>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let cursor = Cursor::new(asked.after.as_deref(), asked.limit);
    let user = match &asked.username {
        Some(username) => Some(named(&app, username).await?.id),
        None => None,
    };
    let (user, limit) = (user.as_deref(), cursor.limit() + 1);
    let rows = app.store.chat_messages_page(&channel.id, user, cursor.after(), limit).await?;
    Ok(Json(cursor.page(rows, |message| message.id.clone())))
}

async fn say(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(create): Body<MessageCreate>,
) -> Result<Created<MessageSaid>, Refusal> {
    let user = caller.may(Action::Chat)?;
    watchable(&app, &caller, &channel).await?;
    if create.id.chars().count() > MAX_CLIENT_ID_CHARS {
        let detail = format!("What you call it has at most {MAX_CLIENT_ID_CHARS} characters.");
        return Err(Refusal::field("id", "too_long", detail));
    }
    let id = if create.id.is_empty() { random_name() } else { create.id };
    let say = Say { id, text: create.text, reply_to: create.reply_to };
    let said = app.say(&channel, user, &caller, say).await.map_err(refused)?;
    Ok(Answer::new(MessageSaid { message_id: said.message_id, detail: said.detail }))
}

async fn delete_message(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, message_id)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let done = app.store.moderate(&channel, &by, Deed::Delete { message_id: &message_id }, now_ms()).await?;
    app.acted(&done.channels).await;
    Ok(Done::default())
}

async fn clear(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let done = app.store.moderate(&channel, &by, Deed::Clear, now_ms()).await?;
    app.acted(&done.channels).await;
    Ok(Done::default())
}

/// Times count from the start of the broadcast.
async fn replay(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id)): Path<(String, String)>,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<Message>>, Refusal> {
    readable(&app, &caller, &channel).await?;
    let broadcast = app.store.past_broadcast(&channel.id, &id).await?.ok_or_else(Refusal::not_found)?;
    let mut rows = app.store.chat_of_broadcast(&id, cursor.after(), cursor.limit() + 1).await?;
    rows.iter_mut().for_each(|message| message.at_ms = message.at_ms.saturating_sub(broadcast.started_at_ms));
    Ok(Json(cursor.page(rows, |message| message.id.clone())))
}
