//! What happens in a room.

use crate::rest::{ChatSettings, as_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    pub epoch: u64,
    pub n: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Numbered {
    #[serde(flatten)]
    pub position: Position,
    /// When the room said so.
    pub sent_ms: i64,
    #[serde(flatten)]
    pub event: Event,
}

/// Who gets an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Audience {
    #[default]
    All,
    /// Those who moderate the channel.
    Moderators,
    /// Everybody else: moderators had it before, while it was held back for them.
    Others,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    Message(Message),
    /// One message was taken back.
    Deleted {
        message_id: String,
        /// Of who had said it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        login: String,
    },
    /// All that a user said was taken back; with a ban or timeout, if `banned`.
    UserCleared {
        user_id: String,
        login: String,
        banned: bool,
        /// Of a timeout; a ban without it is for good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u32>,
    },
    /// Everything was taken back.
    Cleared,
    Settings {
        settings: ChatSettings,
    },
    Pinned {
        message: Message,
    },
    Unpinned,
    /// A poll began, has new numbers, or ended.
    Poll {
        poll: Poll,
    },
    /// The viewers of this channel are sent to another one at `at_ms`.
    RaidOut {
        channel: String,
        display_name: String,
        viewers: u32,
        leaves_at_ms: i64,
    },
    RaidCancelled,
    /// The viewers of another channel have arrived.
    RaidIn {
        channel_id: String,
        channel: String,
        display_name: String,
        viewers: u32,
    },
    /// The emotes or badges of the channel changed: ask for them again.
    Emotes,
    /// For the user named: a warning that has to be acknowledged.
    Warned {
        user_id: String,
        login: String,
        reason: String,
    },
    /// For moderators: a message waits for a decision, or was decided.
    Held {
        message: HeldMessage,
    },
    HoldResolved {
        id: String,
        allowed: bool,
        by: String,
    },
    /// For moderators: what one of them, or the server, did.
    Action {
        action: super::ChatAction,
    },
    /// For moderators: many new people write at once.
    Burst {
        chatters: u32,
        seconds: u32,
        shield: bool,
    },
    /// Something that was said may be missing here: a server was killed, or the connection between two
    /// was cut off for too long. Up to then.
    Interrupted {
        up_to_ms: i64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    pub id: String,
    pub at_ms: i64,
    pub author: Author,
    pub text: String,
    /// Where in the text emotes of the instance and the channel are, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emotes: Vec<EmoteUse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Quote>,
    /// Said with `/me`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub action: bool,
    /// An announcement, in this colour: `primary`, `blue`, `green`, `orange` or `purple`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// The author's first one in this channel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// In a list for moderators: it was taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// Who says something, as everybody sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    pub id: String,
    pub login: String,
    pub display_name: String,
    /// `#rrggbb`; empty where none was chosen, and clients make one of the id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub color: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub badges: Vec<Badge>,
}

/// `admin`, `staff` (a moderator of the instance), `broadcaster`, `editor`, `moderator`, `subscriber`
/// (version: months) or `custom` (version: its id in the channel's badges).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Badge {
    pub kind: String,
    pub version: String,
}

/// Positions count characters (Unicode scalar values). The picture is `/emotes/{id}/1`, `2` or `3`
/// (28, 56 and 112 pixels).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmoteUse {
    pub id: String,
    pub at: u32,
    pub len: u32,
}

/// What an answer answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    pub id: String,
    pub user_id: String,
    pub login: String,
    pub display_name: String,
    pub text: String,
}

/// `GET /api/v1/channels/{name}/chat/held`, a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldMessage {
    pub id: String,
    pub message: Message,
    /// The term or rule that holds it.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Poll {
    pub id: String,
    pub question: String,
    pub options: Vec<PollOption>,
    pub ends_at_ms: i64,
    pub ended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PollOption {
    pub text: String,
    pub votes: u32,
}

as_text!(Audience { All = "all", Moderators = "moderators", Others = "others" });
