//! What is known of somebody in a chat, and what they say to it.

use super::{doer, named};
use crate::check;
use crate::docs::{Answer, Created, Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, InPath, Params, RequestId};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{ChatNote, Chatter, NoteCreate, Page, UnbanAnswer, UnbanRequest, UnbanRequestCreate};

const MAX_TEXT_CHARS: usize = 500;
/// Of somebody's messages, and of what was done to them.
const LATELY: u32 = 50;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/channels/{name}/chat/warning", post_with(acknowledge, op("chat", "Acknowledge a warning")))
        .api_route("/channels/{name}/chat/users/{username}", get_with(show, op("chat", "What is known of somebody")))
        .api_route("/channels/{name}/chat/users/{username}/notes", post_with(note, op("chat", "Note something")))
        .api_route(
            "/channels/{name}/chat/users/{username}/notes/{id}",
            delete_with(no_note, op("chat", "Remove a note")),
        )
        .api_route(
            "/channels/{name}/chat/unban-requests",
            get_with(requests, op("chat", "Who asks to be let back in"))
                .post_with(ask, op("chat", "Ask to be let back in")),
        )
        .api_route(
            "/channels/{name}/chat/unban-requests/{id}",
            put_with(answer, op("chat", "Let somebody back in, or not")),
        )
}

async fn acknowledge(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Done, Refusal> {
    let user = caller.may(Action::Chat)?;
    if !app.store.acknowledge_warning(&channel, user, now_ms()).await? {
        return Err(Refusal::not_found());
    }
    app.acted(&[channel.id]).await;
    Ok(Done::default())
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
) -> Result<Json<Chatter>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let user = named(&app, &username).await?;
    let (store, id, user_id) = (&app.store, &channel.id, Some(user.id.as_str()));
    Ok(Json(Chatter {
        user: (&user).into(),
        created_at_ms: user.created_at_ms,
        follows_since_ms: store.follows_since(&user.id, id).await?,
        role: store.role_in(&channel, &user.id).await?,
        ban: store.chat_ban(id, &user.id, now_ms()).await?,
        messages: store.chat_messages_page(id, user_id, None, LATELY).await?,
        actions: store.chat_actions_page(id, user_id, None, LATELY).await?,
        notes: store.chat_notes(id, &user.id).await?,
    }))
}

async fn note(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
    Body(create): Body<NoteCreate>,
) -> Result<Created<ChatNote>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let text = some_text(&create.text)?;
    let user = named(&app, &username).await?;
    let note = app.store.add_chat_note(&channel, &by, &user, &text, now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Answer::new(note))
}

fn some_text(text: &str) -> Result<String, Refusal> {
    let text = check::text("text", text, MAX_TEXT_CHARS)?;
    if text.is_empty() { Err(Refusal::field("text", "empty", "This cannot be empty.")) } else { Ok(text) }
}

async fn no_note(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, username, note)): Path<(String, String, String)>,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let user = named(&app, &username).await?;
    if !app.store.delete_chat_note(&channel, &by, &user, &note, now_ms()).await? {
        return Err(Refusal::not_found());
    }
    app.acted(&[channel.id]).await;
    Ok(Done::default())
}

async fn requests(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<UnbanRequest>>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let rows = app.store.unban_requests(&channel.id, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |request| request.id.clone())))
}

async fn ask(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(create): Body<UnbanRequestCreate>,
) -> Result<Created<UnbanRequest>, Refusal> {
    let user = caller.may(Action::Chat)?;
    let text = some_text(&create.text)?;
    let request = app.store.ask_for_unban(&channel, user, &text, now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Answer::new(request))
}

async fn answer(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, request)): Path<(String, String)>,
    Body(answer): Body<UnbanAnswer>,
) -> Result<Json<UnbanRequest>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let text = check::text("answer", &answer.answer, MAX_TEXT_CHARS)?;
    let answered = app.store.answer_unban_request(&channel, &by, &request, answer.approve, &text, now_ms()).await;
    let (request, done) = answered?;
    app.acted(&done.channels).await;
    Ok(Json(request))
}
