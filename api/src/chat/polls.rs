//! Polls and raids.

use super::{doer, room};
use crate::check;
use crate::docs::{Answer, Created, Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, InPath, Params, RequestId};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rivulet_protocol::chat::Poll;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{AccessKind, LiveState, Page, PollCreate, Raid, RaidCreate, Vote};
use rivulet_store::{Channel, DeedError};

const MAX_QUESTION_CHARS: usize = 120;
const MAX_OPTION_CHARS: usize = 60;
/// Before viewers leave: it can be called off, and they may stay.
const LEAVES_AFTER_MS: i64 = 30_000;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/polls",
            get_with(polls, op("chat", "Polls, the newest first")).post_with(start, op("chat", "Begin a poll")),
        )
        .api_route("/channels/{name}/polls/{id}/vote", post_with(vote, op("chat", "Vote")))
        .api_route("/channels/{name}/polls/{id}/end", post_with(end, op("chat", "End a poll")))
        .api_route(
            "/channels/{name}/raid",
            get_with(raid_of, op("chat", "The raid that is on its way"))
                .post_with(raid, op("chat", "Send your viewers to another channel"))
                .delete_with(cancel, op("chat", "Call a raid off")),
        )
}

async fn polls(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<Poll>>, Refusal> {
    room::readable(&app, &caller, &channel).await?;
    let rows = app.store.polls(&channel.id, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |poll| poll.id.clone())))
}

async fn start(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(create): Body<PollCreate>,
) -> Result<Created<Poll>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    if !(2..=5).contains(&create.options.len()) {
        return Err(Refusal::field("options", "bad_count", "A poll has 2 to 5 answers to choose from."));
    }
    let option = |(n, text): (usize, &String)| check::some_line(format!("options.{n}"), text, MAX_OPTION_CHARS);
    let create = PollCreate {
        question: check::some_line("question", &create.question, MAX_QUESTION_CHARS)?,
        options: create.options.iter().enumerate().map(option).collect::<Result<_, _>>()?,
        seconds: check::between("seconds", create.seconds, 15, 1_800)?,
    };
    let poll = app.store.start_poll(&channel, &by, &create, now_ms()).await.map_err(|error| match error {
        DeedError::Busy => Refusal::conflict("poll_running", "One poll at a time: end the other one first."),
        error => error.into(),
    })?;
    app.acted(&[channel.id]).await;
    Ok(Answer::new(poll))
}

async fn vote(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, poll)): Path<(String, String)>,
    Body(vote): Body<Vote>,
) -> Result<Done, Refusal> {
    let user = caller.may(Action::Chat)?;
    room::watchable(&app, &caller, &channel).await?;
    if app.store.chat_ban(&channel.id, &user.id, now_ms()).await?.is_some() {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "banned", "You are banned from this chat."));
    }
    app.store.vote(&channel.id, &poll, &user.id, vote.option, now_ms()).await?;
    Ok(Done::default())
}

async fn end(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, poll)): Path<(String, String)>,
) -> Result<Json<Poll>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let poll = app.store.end_poll(&channel, &by, &poll, now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Json(poll))
}

async fn raid_of(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Raid>, Refusal> {
    room::readable(&app, &caller, &channel).await?;
    app.store.raid_of(&channel.id).await?.map(Json).ok_or_else(Refusal::not_found)
}

/// A channel that viewers can be sent to.
async fn target(app: &App, name: &str) -> Result<Channel, Refusal> {
    let found = app.store.channel_by_name(&name.trim().to_ascii_lowercase()).await?;
    let unknown = || Refusal::field("channel", "unknown", "There is no such channel.");
    let now_ms = now_ms();
    let channel = found.filter(|channel| channel.access != AccessKind::Private && channel.suspended(now_ms).is_none());
    let channel = channel.ok_or_else(unknown)?;
    let live = app.hub.get(&channel.name).is_some_and(|broadcast| broadcast.status.borrow().state == LiveState::Live);
    match live {
        true => Ok(channel),
        false => Err(Refusal::conflict("offline", "Nothing is on air on that channel.")),
    }
}

async fn raid(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(create): Body<RaidCreate>,
) -> Result<Created<Raid>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::EditChannel, &id).await?;
    let to = target(&app, &create.channel).await?;
    if to.id == channel.id {
        return Err(Refusal::field("channel", "bad_value", "That is this channel itself."));
    }
    let (viewers, now_ms) = (app.viewers(&channel.name), now_ms());
    let raid = app.store.start_raid(&channel, &by, &to, viewers, now_ms + LEAVES_AFTER_MS, now_ms).await;
    let raid = raid.map_err(|error| match error {
        DeedError::Forbidden => {
            Refusal::new(StatusCode::FORBIDDEN, "raid_refused", "That channel does not want raids from here.")
        }
        DeedError::Busy => Refusal::conflict("raid_running", "A raid is on its way already."),
        error => error.into(),
    })?;
    app.acted(&[channel.id]).await;
    Ok(Answer::new(raid))
}

async fn cancel(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::EditChannel, &id).await?;
    app.store.cancel_raid(&channel, &by, now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Done::default())
}
