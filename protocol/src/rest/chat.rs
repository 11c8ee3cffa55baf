//! Chat: what is around the messages. The messages themselves are in [`crate::chat`].

use super::{ChannelRole, as_text, redacted};
use crate::chat::{ChatAction, Message, Person, Poll};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/channels/{name}/chat`: for whoever opens the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatRoom {
    pub settings: ChatSettings,
    pub shield: bool,
    /// Connected to the chat right now.
    pub chatters: u32,
    /// The newest messages, the oldest first.
    pub messages: Vec<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// Where the caller stands; absent for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub you: Option<ChatStanding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatStanding {
    pub moderator: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<ChatBan>,
    /// A warning that has to be acknowledged: `POST /api/v1/channels/{name}/chat/warning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The caller's open or last request to be let back in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unban_request: Option<UnbanRequest>,
    /// The option that the caller voted for in the running poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vote: Option<u32>,
}

/// `POST /api/v1/channels/{name}/chat/ticket` with a [`super::PlaybackRequest`]: for the first frame on
/// `/chat/{name}`. It is good for ten minutes and this channel only. Guests need one where not
/// everybody may watch.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct ChatTicket {
    pub ticket: String,
    pub expires_at_ms: i64,
}
redacted! { ChatTicket { expires_at_ms } }

/// `GET` and `PUT /api/v1/channels/{name}/chat/settings`. In a `PUT`, absent fields stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChatSettings {
    /// Seconds between two messages of one user; 0 to 3600.
    pub slow_seconds: u32,
    /// Only followers of at least this many minutes; absent: everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followers_only_minutes: Option<u32>,
    pub subscribers_only: bool,
    pub emote_only: bool,
    /// Nobody says the same twice within a while.
    pub unique: bool,
    /// Moderators see a message this much earlier than others: 0, 2, 4 or 6.
    pub delay_seconds: u32,
    /// Only accounts of at least this many minutes.
    pub account_age_minutes: u32,
    /// Only accounts with a confirmed e-mail address.
    pub verified_only: bool,
    /// Links are refused, but for [`ChatSettings::link_hosts`], moderators and subscribers.
    pub block_links: bool,
    /// Hosts that may be linked to, with their subdomains.
    pub link_hosts: Vec<String>,
    pub raid_defence: RaidDefence,
    /// Whose raids come in.
    pub raids_from: RaidsFrom,
    /// Names of channels for [`ChatSettings::raids_from`]: those let in, or those kept out.
    pub raid_channels: Vec<String>,
    /// Bans hold in all channels of the owner that have this set.
    pub share_bans: bool,
    /// How long what was said is kept, in days; 0 is as long as the instance keeps broadcasts.
    pub retention_days: u32,
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            slow_seconds: 0,
            followers_only_minutes: None,
            subscribers_only: false,
            emote_only: false,
            unique: false,
            delay_seconds: 0,
            account_age_minutes: 0,
            verified_only: false,
            block_links: false,
            link_hosts: Vec::new(),
            raid_defence: RaidDefence::Tell,
            raids_from: RaidsFrom::Everybody,
            raid_channels: Vec::new(),
            share_bans: false,
            retention_days: 0,
        }
    }
}

impl ChatSettings {
    /// The stricter of two, one by one; what is not about strictness stays.
    pub fn shielded_by(&self, shield: &Self) -> Self {
        Self {
            slow_seconds: self.slow_seconds.max(shield.slow_seconds),
            followers_only_minutes: self.followers_only_minutes.max(shield.followers_only_minutes),
            subscribers_only: self.subscribers_only || shield.subscribers_only,
            emote_only: self.emote_only || shield.emote_only,
            unique: self.unique || shield.unique,
            delay_seconds: self.delay_seconds.max(shield.delay_seconds),
            account_age_minutes: self.account_age_minutes.max(shield.account_age_minutes),
            verified_only: self.verified_only || shield.verified_only,
            block_links: self.block_links || shield.block_links,
            ..self.clone()
        }
    }

    /// Whether viewers of a channel may be sent to this one.
    pub fn takes_raid_from(&self, channel: &str) -> bool {
        let listed = self.raid_channels.iter().any(|name| name == channel);
        match self.raids_from {
            RaidsFrom::Everybody => !listed,
            RaidsFrom::Listed => listed,
            RaidsFrom::Nobody => false,
        }
    }

    /// What shield mode puts on where nobody chose anything else.
    pub fn locked_down() -> Self {
        Self {
            slow_seconds: 10,
            followers_only_minutes: Some(10),
            unique: true,
            account_age_minutes: 60,
            block_links: true,
            ..Self::default()
        }
    }
}

/// What happens when many who never wrote before write at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RaidDefence {
    Off,
    /// Moderators are told.
    #[default]
    Tell,
    /// Shield mode comes on.
    Shield,
}
as_text!(RaidDefence { Off = "off", Tell = "tell", Shield = "shield" });

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RaidsFrom {
    /// But for the channels that are listed.
    #[default]
    Everybody,
    /// Only the channels that are listed.
    Listed,
    Nobody,
}
as_text!(RaidsFrom { Everybody = "everybody", Listed = "listed", Nobody = "nobody" });

/// `GET` and `PUT /api/v1/channels/{name}/chat/shield`: shield mode, and the bundle that holds while
/// it is on. In a `PUT`, absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Shield {
    pub on: bool,
    /// Where it is stricter than the channel's settings, it holds.
    pub settings: ChatSettings,
}

/// `GET /api/v1/channels/{name}/chat/bans`, a list, the newest first;
/// `PUT …/chat/bans/{username}` with [`BanCreate`]; `DELETE …/chat/bans/{username}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatBan {
    pub user: Person,
    /// Absent for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    pub reason: String,
    pub by: String,
    pub at_ms: i64,
    /// The channel that it came from, where bans are shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_from: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BanCreate {
    /// A timeout of 1 s to 14 days; absent for a ban.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// At most 500 characters.
    pub reason: String,
}

/// `GET /api/v1/channels/{name}/chat/networks`, a list: where guests are not let in from. `PUT
/// …/chat/users/{username}/network` shuts out the network that somebody was last seen from, whose address
/// nobody is shown; `DELETE …/chat/networks/{id}` lets it in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkBan {
    pub id: String,
    /// Who was last seen there.
    pub username: String,
    pub by: String,
    pub created_at_ms: i64,
}

/// `POST /api/v1/channels/{name}/chat/warnings/{username}` answers [`ChatAction`], and so do
/// `POST …/chat/purge/{username}`, `POST …/chat/announcements` and `PUT …/chat/pin`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningCreate {
    pub reason: String,
}

/// `POST /api/v1/channels/{name}/chat/messages`: says something as the caller. The answer says
/// whether it was said, and why not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageCreate {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// What the client calls it, see [`crate::chat::Say::id`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
}

/// What came of a [`MessageCreate`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSaid {
    /// Absent for a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What a command has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// `POST /api/v1/channels/{name}/chat/announcements` by moderators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnnounceCreate {
    pub text: String,
    /// `primary`, `blue`, `green`, `orange` or `purple`.
    #[serde(default)]
    pub color: String,
}

/// `PUT /api/v1/channels/{name}/chat/pin`; `DELETE` takes it down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PinSet {
    pub message_id: String,
}

/// `GET /api/v1/channels/{name}/chat/terms`, a list; `POST` with [`TermCreate`]; `DELETE …/terms/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    pub id: String,
    #[serde(flatten)]
    pub rule: TermCreate,
    pub by: String,
    pub created_at_ms: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TermCreate {
    /// Words with `*` for any letters, or a regular expression (that of the Rust crate `regex`, which
    /// takes linear time). At most 260 characters.
    pub text: String,
    #[serde(default)]
    pub pattern: bool,
    #[serde(default)]
    pub deed: TermDeed,
}

/// What a pattern may be once it is compiled.
pub const MAX_PATTERN_BYTES: usize = 128 * 1024;

/// What happens to a message with the term in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TermDeed {
    #[default]
    Block,
    /// A moderator decides.
    Hold,
    /// The term is shown as `***`.
    Replace,
}
as_text!(TermDeed { Block = "block", Hold = "hold", Replace = "replace" });

/// `POST /api/v1/channels/{name}/chat/held/{id}`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldDecision {
    pub allow: bool,
}

/// `GET /api/v1/channels/{name}/chat/unban-requests`, those that are open, the oldest first. `POST` with
/// [`UnbanRequestCreate`] by who is banned; `PUT …/unban-requests/{id}` with [`UnbanAnswer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnbanRequest {
    pub id: String,
    pub user: Person,
    pub text: String,
    pub created_at_ms: i64,
    pub state: UnbanState,
    pub answer: String,
    pub answered_by: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnbanState {
    #[default]
    Open,
    Approved,
    Denied,
}
as_text!(UnbanState { Open = "open", Approved = "approved", Denied = "denied" });

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnbanRequestCreate {
    pub text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnbanAnswer {
    pub approve: bool,
    #[serde(default)]
    pub answer: String,
}

/// `GET /api/v1/channels/{name}/chat/users/{username}`: what moderators know of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chatter {
    pub user: Person,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_since_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ChannelRole>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<ChatBan>,
    /// The newest first, those that were taken back too.
    pub messages: Vec<Message>,
    pub actions: Vec<ChatAction>,
    pub notes: Vec<ChatNote>,
}

/// `POST /api/v1/channels/{name}/chat/users/{username}/notes`; `DELETE …/notes/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatNote {
    pub id: String,
    pub text: String,
    pub by: String,
    pub at_ms: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoteCreate {
    pub text: String,
}

/// `GET /api/v1/channels/{name}/chat/emotes`: what can be written in a channel, the instance's first.
/// `PUT …/chat/emotes/{code}` takes a picture as the body (PNG, JPEG, GIF or WebP, at most 1 MiB), `DELETE` removes
/// it. Those of the instance are at `/api/v1/admin/emotes`. The pictures are at `/emotes/{id}/1`, `2` and `3`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Emote {
    pub id: String,
    /// What is written: 2 to 25 letters and digits.
    pub code: String,
    pub animated: bool,
    /// Of the whole instance.
    pub global: bool,
}

/// `GET /api/v1/channels/{name}/chat/badges`, a list: badges of the channel's own. `PUT …/badges/{id}/holders/{username}`
/// and `DELETE` of it give and take one. `POST …/badges?title=…` takes a picture as the body and answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatBadge {
    pub id: String,
    pub title: String,
    /// At `/emotes/{picture}/1`, `2` and `3`.
    pub picture: String,
    /// Names of those who wear it.
    pub holders: Vec<String>,
}

/// `GET /api/v1/channels/{name}/chat/commands`, a list; `PUT …/commands/{command}` and `DELETE`. `!command` is then
/// answered in the chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatCommand {
    #[serde(default)]
    pub name: String,
    /// `{user}` is who asked, `{channel}` the channel. At most 400 characters.
    pub reply: String,
    /// 0 to 3600.
    #[serde(default)]
    pub cooldown_seconds: u32,
    #[serde(default)]
    pub moderators_only: bool,
}

/// `POST /api/v1/channels/{name}/polls` by editors and moderators: one at a time. Answers [`Poll`].
/// `GET …/polls` lists them, the newest first; `POST …/polls/{id}/vote` with [`Vote`]; `POST …/polls/{id}/end`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PollCreate {
    pub question: String,
    /// 2 to 5.
    pub options: Vec<String>,
    /// 15 to 1800.
    pub seconds: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vote {
    pub option: u32,
}

/// `POST /api/v1/channels/{name}/raid` by editors; answers [`Raid`]. `DELETE` before it leaves calls it off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RaidCreate {
    /// A channel that is live.
    pub channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Raid {
    pub channel: String,
    pub viewers: u32,
    pub leaves_at_ms: i64,
}
