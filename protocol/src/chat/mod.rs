//! What is said between a chat client and the server on `/chat/{channel}`: the JSON frames of
//! `rivulet.v1` (the default) and, as MessagePack maps with the same names, of `rivulet.v1.msgpack`.
//! `docs/chat.md` tells it to people who write bots.
//!
//! A room numbers what happens in it: `epoch` changes when another process takes the room over,
//! `n` rises within it. Not every client gets every number (some are for moderators), so a missing
//! number is no loss; a loss is told by [`ServerFrame::Gap`].

mod act;
mod event;

pub use act::{Act, ChatAction, Person};
pub use event::{
    Audience, Author, Badge, EmoteUse, Event, HeldMessage, Message, Numbered, Poll, PollOption, Position, Quote,
};

use crate::rest::{ChatSettings, as_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of the frames; the server answers `hello` with another number by closing.
pub const VERSION: u32 = 1;
/// WebSocket subprotocols, the first being what a client without any gets.
pub const JSON: &str = "rivulet.v1";
pub const MSGPACK: &str = "rivulet.v1.msgpack";
/// Longest frame of a client, in bytes.
pub const MAX_FRAME_BYTES: usize = 4096;
/// Longest message, in characters.
pub const MAX_TEXT_CHARS: usize = 500;
/// Of what a client calls a message of its own.
pub const MAX_CLIENT_ID_CHARS: usize = 36;

/// Why the server closes: below 4500 come back (with the position and the newest ticket), above do not.
pub mod close {
    /// The server stops or moves; come back after a moment.
    pub const RESTART: u16 = 4000;
    /// Too slow to read even what must not be left out.
    pub const TOO_SLOW: u16 = 4001;
    /// Nothing was heard from the client.
    pub const SILENT: u16 = 4002;
    /// The ticket or token has expired or was taken back; come back with another, or as a guest.
    pub const TICKET: u16 = 4003;
    /// The frame is not one of the protocol's, or is too long.
    pub const BAD_FRAME: u16 = 4500;
    /// The client may not be here: the channel is not for it, or its address is banned.
    pub const FORBIDDEN: u16 = 4501;
    /// Too many connections of this address, or far too many frames.
    pub const TOO_MANY: u16 = 4502;
    /// There is no such channel (any more).
    pub const GONE: u16 = 4503;
}

/// From the client. The first frame is `hello`, within ten seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ClientFrame {
    Hello(Hello),
    /// Answered by [`ServerFrame::Ack`] or [`ServerFrame::Refused`]. A text that begins with `/` is a
    /// command, such as `/me waves` or `/timeout ann 10m spam`.
    Say(Say),
    /// For what must not time out in a proxy; answered by [`ServerFrame::Pong`].
    Ping,
}

/// Without ticket and token it is a guest, who reads.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    pub v: u32,
    /// Of `POST /api/v1/channels/{name}/chat/ticket`, or of an earlier welcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// A personal access token with `chat:read`, for tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The last position seen; what came after it follows the welcome, if it is all still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Position>,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello").field("v", &self.v).field("resume", &self.resume).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Say {
    /// What the client calls it: the same one sent again within five minutes is not said again, and
    /// acknowledged with the same `message_id`.
    pub id: String,
    pub text: String,
    /// Id of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// From the server.
// Nearly all of them are events; a box around each would cost more than the room in the others.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ServerFrame {
    Welcome(Box<Welcome>),
    /// Something happened in the room.
    Event(Numbered),
    /// It was said, or the command was carried out.
    Ack {
        /// What the client called it.
        id: String,
        /// Absent for a command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
        /// What a command has to say, for whoever gave it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// It was not said.
    Refused {
        id: String,
        #[serde(flatten)]
        refusal: Refusal,
    },
    /// The client was too slow: what is between what it saw last and this position is left out, but
    /// for what moderators did, which came just before.
    Gap {
        to: Position,
    },
    Pong,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    pub v: u32,
    pub channel_id: String,
    /// Absent for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub you: Option<You>,
    /// Everything after it follows as events.
    pub position: Position,
    /// It is the position of `hello`. Otherwise `history` says what was
    /// said last, and the client does not know what it missed.
    pub recovered: bool,
    /// The newest messages, the oldest first; empty when recovered.
    pub history: Vec<Message>,
    pub settings: ChatSettings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// A warning that has to be acknowledged before anything can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// For coming back without asking for another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The server pings about this often; a client that heard nothing for twice as long comes back.
    pub heartbeat_ms: u32,
}

impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Welcome").field("you", &self.you).field("position", &self.position).finish_non_exhaustive()
    }
}

/// Who the client is, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct You {
    #[serde(flatten)]
    pub author: Author,
    /// May write, as far as the ticket or token goes.
    pub may_say: bool,
    /// Gets what only moderators get.
    pub moderator: bool,
}

/// Why something was not done, in words and for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    pub code: RefusalCode,
    /// One sentence for the person, in English.
    pub detail: String,
    /// When it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Guests read.
    LogIn,
    /// The token does not go that far.
    Scope,
    Suspended,
    Banned,
    TimedOut,
    /// A warning has to be acknowledged first.
    Warned,
    SlowMode,
    FollowersOnly,
    SubscribersOnly,
    EmoteOnly,
    /// The same was said a moment ago.
    Duplicate,
    AccountTooYoung,
    VerifiedOnly,
    Links,
    BlockedTerm,
    /// A moderator looks at it first. It is not lost.
    Held,
    RateLimit,
    Empty,
    TooLong,
    UnknownCommand,
    /// The command's arguments are wrong.
    Usage,
    NoSuchUser,
    NoSuchMessage,
    Forbidden,
    /// The room cannot be reached, or cannot be sure who is banned. Try again.
    Unavailable,
}

as_text!(RefusalCode {
    LogIn = "log_in",
    Scope = "scope",
    Suspended = "suspended",
    Banned = "banned",
    TimedOut = "timed_out",
    Warned = "warned",
    SlowMode = "slow_mode",
    FollowersOnly = "followers_only",
    SubscribersOnly = "subscribers_only",
    EmoteOnly = "emote_only",
    Duplicate = "duplicate",
    AccountTooYoung = "account_too_young",
    VerifiedOnly = "verified_only",
    Links = "links",
    BlockedTerm = "blocked_term",
    Held = "held",
    RateLimit = "rate_limit",
    Empty = "empty",
    TooLong = "too_long",
    UnknownCommand = "unknown_command",
    Usage = "usage",
    NoSuchUser = "no_such_user",
    NoSuchMessage = "no_such_message",
    Forbidden = "forbidden",
    Unavailable = "unavailable",
});

impl Refusal {
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_ms: None }
    }

    pub fn after(code: RefusalCode, detail: impl Into<String>, retry_ms: i64) -> Self {
        Self { code, detail: detail.into(), retry_ms: Some(retry_ms) }
    }
}
