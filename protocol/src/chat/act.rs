//! What is done to a room from outside it: rows of `chat_actions`, numbered for each channel. A row
//! comes first; the room reads the rows that it has not seen, and changes.

use super::{Message, Poll};
use crate::rest::ChatSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user that something is done to, or who does it, as they were called then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    pub id: String,
    pub login: String,
    pub display_name: String,
}

/// `GET /api/v1/channels/{name}/chat/actions`, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatAction {
    /// Of this channel: each one is one more than the one before.
    pub revision: i64,
    pub at_ms: i64,
    /// The id is empty for what the server does by itself.
    pub by: Person,
    #[serde(flatten)]
    pub act: Act,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Until then, or for good.
    Ban {
        user: Person,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<i64>,
        reason: String,
    },
    Unban {
        user: Person,
    },
    /// All that they said is taken back.
    Purge {
        user: Person,
    },
    Delete {
        message_id: String,
        user: Person,
        /// What it said, for the log.
        text: String,
    },
    Clear,
    Warn {
        user: Person,
        reason: String,
    },
    WarningAcknowledged {
        user: Person,
    },
    /// What holds from now on, shield mode included.
    Settings {
        settings: ChatSettings,
    },
    /// Shield mode came on or went; `settings` is what holds from now on.
    Shield {
        on: bool,
        settings: ChatSettings,
    },
    /// Terms, links, commands: the room reads them anew.
    Rules {
        what: String,
    },
    /// Emotes or badges: the room reads them anew, and so do clients.
    Emotes {
        what: String,
    },
    HoldResolved {
        id: String,
        allowed: bool,
    },
    Announce {
        message: Message,
    },
    Pin {
        message: Message,
    },
    Unpin,
    Poll {
        poll: Poll,
    },
    RaidOut {
        channel: String,
        display_name: String,
        viewers: u32,
        leaves_at_ms: i64,
    },
    RaidCancelled,
    RaidIn {
        channel_id: String,
        channel: String,
        display_name: String,
        viewers: u32,
    },
    UnbanRequested {
        id: String,
        user: Person,
    },
    UnbanAnswered {
        id: String,
        user: Person,
        approved: bool,
    },
    /// A network of guests was shut out or let in again: the room reads them anew. Moderators are told
    /// its id, not its address.
    Network {
        network: String,
        banned: bool,
    },
    Note {
        user: Person,
    },
}

impl Act {
    /// As in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ban { until_ms: None, .. } => "ban",
            Self::Ban { .. } => "timeout",
            Self::Unban { .. } => "unban",
            Self::Purge { .. } => "purge",
            Self::Delete { .. } => "delete",
            Self::Clear => "clear",
            Self::Warn { .. } => "warn",
            Self::WarningAcknowledged { .. } => "warning_acknowledged",
            Self::Settings { .. } => "settings",
            Self::Shield { .. } => "shield",
            Self::Rules { .. } => "rules",
            Self::Emotes { .. } => "emotes",
            Self::HoldResolved { .. } => "hold_resolved",
            Self::Announce { .. } => "announce",
            Self::Pin { .. } => "pin",
            Self::Unpin => "unpin",
            Self::Poll { .. } => "poll",
            Self::RaidOut { .. } => "raid_out",
            Self::RaidCancelled => "raid_cancelled",
            Self::RaidIn { .. } => "raid_in",
            Self::UnbanRequested { .. } => "unban_requested",
            Self::UnbanAnswered { .. } => "unban_answered",
            Self::Network { .. } => "network",
            Self::Note { .. } => "note",
        }
    }

    /// Whom it is about.
    pub fn user(&self) -> Option<&Person> {
        match self {
            Self::Ban { user, .. }
            | Self::Unban { user }
            | Self::Purge { user }
            | Self::Delete { user, .. }
            | Self::Warn { user, .. }
            | Self::WarningAcknowledged { user }
            | Self::UnbanRequested { user, .. }
            | Self::UnbanAnswered { user, .. }
            | Self::Note { user } => Some(user),
            _ => None,
        }
    }
}
