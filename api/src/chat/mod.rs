//! Chat, as far as it is asked for over HTTP: what is around the messages, and what moderators do. What
//! is done to a room is a row first; then the room is told to look ([`Shared::acted`]).

mod emotes;
pub mod jobs;
mod moderation;
mod people;
mod polls;
mod room;
mod rules;
pub mod settings;

pub use emotes::files;
pub use moderation::{COLORS, MAX_TIMEOUT_SECONDS};
pub use room::{readable, watchable};

use crate::refusal::{Refusal, sentence};
use crate::request::{Caller, RequestId};
use crate::{App, Shared, check};
use aide::axum::ApiRouter;
use axum::http::StatusCode;
use rivulet_hub::{ChatNote, Said};
use rivulet_protocol::chat::{RefusalCode, Say};
use rivulet_protocol::policy::Action;
use rivulet_store::{Channel, DeedError, Doer, StoreError, User};
use std::time::Duration;

pub const MAX_REASON_CHARS: usize = 500;
/// A room that does not answer in this time is not there.
const SAY_TIMEOUT: Duration = Duration::from_secs(5);

pub fn routes() -> ApiRouter<App> {
    room::routes()
        .merge(emotes::routes())
        .merge(moderation::routes())
        .merge(people::routes())
        .merge(polls::routes())
        .merge(rules::routes())
        .merge(settings::routes())
}

impl Shared {
    /// There is something new to read for the rooms of these channels.
    pub async fn acted(&self, channels: &[String]) {
        for channel_id in channels {
            self.hub.chat().tell(ChatNote::Acted(channel_id.clone())).await;
        }
    }

    /// What chats know of a user has changed.
    pub async fn person_changed(&self, user_id: &str) {
        self.hub.chat().tell(ChatNote::Person(user_id.to_owned())).await;
    }

    /// What a user had logged in with ended.
    pub async fn logged_out(&self, user_id: &str) {
        self.hub.chat().tell(ChatNote::LoggedOut(user_id.to_owned())).await;
    }

    /// Who may be in a channel's room has changed.
    pub async fn room_changed(&self, channel_id: &str) {
        self.hub.chat().tell(ChatNote::Channel(channel_id.to_owned())).await;
    }

    /// What a session of EventSub is subscribed to has changed.
    pub async fn subscribed(&self, session_id: &str) {
        self.hub.chat().tell(ChatNote::Subscribed(session_id.to_owned())).await;
    }

    /// Says something in a room, as whoever it is.
    pub async fn say(
        &self,
        channel: &Channel,
        user: &User,
        caller: &Caller,
        say: Say,
    ) -> Result<Said, rivulet_protocol::chat::Refusal> {
        let saying = self.hub.chat().say(&channel.id, &user.id, caller.may_moderate(), say);
        let said = tokio::time::timeout(SAY_TIMEOUT, saying).await;
        said.unwrap_or_else(|_| {
            let detail = "The chat does not answer; try again.";
            Err(rivulet_protocol::chat::Refusal::new(RefusalCode::Unavailable, detail))
        })
    }
}

impl From<DeedError> for Refusal {
    fn from(error: DeedError) -> Self {
        let code = match error {
            DeedError::Store(error) => return error.into(),
            DeedError::NoSuch => return Self::not_found(),
            DeedError::Forbidden => return Self::new(StatusCode::FORBIDDEN, "forbidden", sentence(error)),
            DeedError::NoSuchMessage => return Self::new(StatusCode::NOT_FOUND, "no_such_message", sentence(error)),
            DeedError::NotBanned => "not_banned",
            DeedError::Banned => "banned",
            DeedError::Busy => "busy",
            DeedError::TooMany(_) => "too_many",
        };
        Self::conflict(code, sentence(error))
    }
}

/// A refusal of a room, as an answer to a request.
pub fn refused(refusal: rivulet_protocol::chat::Refusal) -> Refusal {
    use RefusalCode::*;
    let status = match refusal.code {
        SlowMode | RateLimit | Duplicate => StatusCode::TOO_MANY_REQUESTS,
        Held | Warned => StatusCode::CONFLICT,
        LogIn => StatusCode::UNAUTHORIZED,
        NoSuchUser | NoSuchMessage => StatusCode::NOT_FOUND,
        Empty | TooLong | UnknownCommand | Usage => StatusCode::UNPROCESSABLE_ENTITY,
        Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    };
    let answer = Refusal::new(status, refusal.code.as_str(), refusal.detail);
    match refusal.retry_ms {
        Some(ms) => answer.retry_after(u64::try_from(ms).unwrap_or(0).div_ceil(1000)),
        None => answer,
    }
}

/// Whoever asks, with the right to do this in the channel.
pub async fn doer(
    app: &Shared,
    caller: &Caller,
    channel: &Channel,
    action: Action,
    id: &RequestId,
) -> Result<Doer, Refusal> {
    let user = caller.may_in(app, channel, action).await?;
    let in_channel = app.store.role_in(channel, &user.id).await?;
    Ok(Doer { person: user.into(), role: user.role, in_channel, request_id: id.0.to_string() })
}

/// The user of a name in a path.
async fn named(app: &Shared, username: &str) -> Result<User, Refusal> {
    let found = app.store.user_by_name(&username.to_ascii_lowercase()).await?;
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "no_such_user", "There is no user of this name.");
    found.map(|(user, _)| user).ok_or_else(unknown)
}

fn check_reason(reason: &str) -> Result<String, Refusal> {
    check::line("reason", reason, MAX_REASON_CHARS)
}

/// A cursor that is two numbers or a number and an id.
fn bad_cursor() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad_cursor", "This is no cursor of this list.")
}

/// Something of the name is there already.
fn taken(error: DeedError, field: &'static str) -> Refusal {
    match error {
        DeedError::Store(StoreError::Taken) => Refusal::taken(field),
        error => error.into(),
    }
}
