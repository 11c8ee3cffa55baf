//! The part of Twitch's EventSub that is spoken on `/eventsub/ws`: what a bot can subscribe to, and what it
//! has to be allowed for it.

use crate::rest::as_text;

/// A session that nobody subscribes with ends after this long.
pub const UNUSED_SECONDS: u64 = 10;
/// Sessions of one user.
pub const MAX_SESSIONS: usize = 3;
/// Subscriptions of one session.
pub const MAX_SUBSCRIPTIONS: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    Message,
    Notification,
    MessageDelete,
    Clear,
    ClearUserMessages,
    SettingsUpdate,
    PollBegin,
    PollProgress,
    PollEnd,
    Ban,
    Unban,
    Moderate,
    WarningSend,
    WarningAcknowledge,
    ShieldBegin,
    ShieldEnd,
    Raid,
    Online,
    Offline,
}

/// What whoever subscribes has to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Everybody sees it.
    Nothing,
    /// To be in the channel's chat, with a token for reading it.
    Chat,
    /// To moderate the channel, with a token for that.
    Moderator,
}

as_text!(Topic {
    Message = "channel.chat.message",
    Notification = "channel.chat.notification",
    MessageDelete = "channel.chat.message_delete",
    Clear = "channel.chat.clear",
    ClearUserMessages = "channel.chat.clear_user_messages",
    SettingsUpdate = "channel.chat_settings.update",
    PollBegin = "channel.poll.begin",
    PollProgress = "channel.poll.progress",
    PollEnd = "channel.poll.end",
    Ban = "channel.ban",
    Unban = "channel.unban",
    Moderate = "channel.moderate",
    WarningSend = "channel.warning.send",
    WarningAcknowledge = "channel.warning.acknowledge",
    ShieldBegin = "channel.shield_mode.begin",
    ShieldEnd = "channel.shield_mode.end",
    Raid = "channel.raid",
    Online = "stream.online",
    Offline = "stream.offline",
});

impl Topic {
    pub fn version(self) -> &'static str {
        if self == Self::Moderate { "2" } else { "1" }
    }

    pub fn needs(self) -> Needs {
        match self {
            Self::Online | Self::Offline | Self::Raid => Needs::Nothing,
            Self::Ban
            | Self::Unban
            | Self::Moderate
            | Self::WarningSend
            | Self::WarningAcknowledge
            | Self::ShieldBegin
            | Self::ShieldEnd => Needs::Moderator,
            _ => Needs::Chat,
        }
    }

    /// The name of the channel's id in the condition.
    pub fn channel_key(self) -> &'static str {
        if self == Self::Raid { "to_broadcaster_user_id" } else { "broadcaster_user_id" }
    }

    /// The name of the subscriber's own id in the condition, where there is one.
    pub fn user_key(self) -> Option<&'static str> {
        match self {
            Self::Message
            | Self::Notification
            | Self::MessageDelete
            | Self::Clear
            | Self::ClearUserMessages
            | Self::SettingsUpdate => Some("user_id"),
            Self::Moderate | Self::WarningSend | Self::WarningAcknowledge | Self::ShieldBegin | Self::ShieldEnd => {
                Some("moderator_user_id")
            }
            _ => None,
        }
    }
}

/// `POST /helix/eventsub/subscriptions`, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub id: String,
    pub session_id: String,
    pub user_id: String,
    pub channel_id: String,
    pub topic: Topic,
    pub created_at_ms: i64,
}

impl Subscription {
    /// As that API shows it; `created_at` is the time of it in words.
    pub fn shown(&self, status: &str, created_at: &str) -> serde_json::Value {
        let mut condition = serde_json::Map::new();
        condition.insert(self.topic.channel_key().into(), self.channel_id.clone().into());
        if let Some(key) = self.topic.user_key() {
            condition.insert(key.into(), self.user_id.clone().into());
        }
        serde_json::json!({
            "id": self.id,
            "status": status,
            "type": self.topic.as_str(),
            "version": self.topic.version(),
            "condition": condition,
            "transport": {"method": "websocket", "session_id": self.session_id},
            "created_at": created_at,
            "cost": 0,
        })
    }
}
