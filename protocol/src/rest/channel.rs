//! A channel: what everybody sees of it, and what the people who run it do with it.

use super::{Picture, Suspension, as_text, redacted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LiveState {
    #[default]
    Offline,
    /// The encoder sends and the first picture is not ready yet.
    Starting,
    Live,
    /// The encoder's connection was lost; the broadcast waits for it to return.
    Reconnecting,
}

/// `GET /api/v1/channels/{name}`, and each event of `GET /api/v1/channels/{name}/events` (SSE,
/// event name `channel`): sent at once and again whenever anything in it changes. A page that
/// shows the player opens the event stream with `?watching=1`, which counts it as a viewer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Channel {
    pub id: String,
    pub name: String,
    /// The name, where none was chosen.
    pub display_name: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Picture>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryRef>,
    pub tags: Vec<String>,
    /// Language tag of what is spoken, such as `de`; empty where it was not said.
    pub language: String,
    /// Not for children.
    pub mature: bool,
    pub access: AccessKind,
    pub followers: u32,
    pub state: LiveState,
    pub viewers: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<i64>,
    /// HLS multivariant playlist; present while it can be played by everybody. A channel with
    /// another access gives it by `POST /api/v1/channels/{name}/playback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playback: Option<String>,
    /// Changes when a player has to load [`Channel::playback`] anew: another broadcast, or tracks
    /// that came or went.
    #[serde(default)]
    pub revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryRef {
    pub slug: String,
    pub name: String,
}

/// `GET /api/v1/channels/{name}/about`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// Plain text.
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banner: Option<Picture>,
    pub links: Vec<Link>,
    pub panels: Vec<Panel>,
    /// Display name of the person whose channel it is.
    pub owner: String,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    pub label: String,
    pub url: String,
}

/// A box on the about page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Panel {
    #[serde(default)]
    pub title: String,
    /// Markdown.
    #[serde(default)]
    pub text: String,
    /// The text as HTML that is safe to show; made by the server, ignored in requests.
    #[serde(default)]
    pub html: String,
}

/// `POST /api/v1/channels` by a logged-in user; answers [`Channel`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelCreate {
    pub name: String,
}

/// `PATCH /api/v1/channels/{name}` by its owner, an editor or an admin; answers [`Channel`].
/// `PUT` and `DELETE` of `…/avatar` and `…/banner` take an image as the body (PNG, JPEG, GIF or WebP, at
/// most 8 MiB) and answer [`About`]. `DELETE /api/v1/channels/{name}` by its owner ends the channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelEdit {
    /// At most 140 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A category's slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// At most 10, each of at most 25 letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mature: Option<bool>,
    /// At most 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<Link>>,
    /// At most 12, each with at most 4000 characters of text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panels: Option<Vec<Panel>>,
}

/// Who may watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessKind {
    #[default]
    Public,
    /// Who follows the channel, logged in.
    Followers,
    /// Who knows the password.
    Password,
    /// The guests that the channel names, and the people who run it.
    Private,
}
as_text!(AccessKind { Public = "public", Followers = "followers", Password = "password", Private = "private" });

/// `PUT /api/v1/channels/{name}/access` by its owner or an editor; answers [`Access`], as `GET` does.
/// It holds for a running broadcast too.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct AccessEdit {
    pub kind: AccessKind,
    /// At least 4 characters. Absent keeps the one that was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// User names, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    pub kind: AccessKind,
    pub has_password: bool,
    pub guests: Vec<String>,
}

/// `POST /api/v1/channels/{name}/playback`: 403 `followers_only`, `password_needed`, `wrong_password`
/// or `private` for whoever may not watch.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct PlaybackRequest {
    #[serde(default)]
    pub password: String,
}

/// Where to play what is on air. What the playlist names is relative to it, so whatever plays needs
/// no cookie and no header.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct Playback {
    pub url: String,
    /// The address stops working then; ask for another one before. Absent for what is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

/// Of a user in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelRole {
    Owner,
    /// Changes all but who helps, keys and access.
    Editor,
    /// Looks after the chat.
    Moderator,
}
as_text!(ChannelRole { Owner = "owner", Editor = "editor", Moderator = "moderator" });

/// `GET /api/v1/channels/{name}/me`: where the caller stands with the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    pub following: bool,
    /// Told when it goes live.
    pub notify: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ChannelRole>,
    /// May watch without a password.
    pub may_watch: bool,
}

/// `PUT /api/v1/channels/{name}/follow`; answers [`Standing`], as `DELETE` does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Follow {
    #[serde(default)]
    pub notify: bool,
}

/// `GET /api/v1/channels/{name}/followers`, a list by those who run the channel, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Follower {
    pub username: String,
    pub display_name: String,
    pub since_ms: i64,
}

/// `GET /api/v1/channels/{name}/staff`, a list, and `PUT /api/v1/channels/{name}/staff/{username}` with
/// [`StaffEdit`] by its owner; `DELETE` takes the role away (anybody may give up their own).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Staff {
    pub username: String,
    pub display_name: String,
    pub role: ChannelRole,
    pub since_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaffEdit {
    /// Editor or moderator.
    pub role: ChannelRole,
}

/// `GET /api/v1/channels/{name}/keys`, a list by the owner. `DELETE …/keys/{id}` revokes one and ends what
/// is sent with it, `POST …/keys/{id}/rotate` replaces it and answers [`NewKey`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamKeyInfo {
    pub id: String,
    pub name: String,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<i64>,
}

/// `POST /api/v1/channels/{name}/keys`; answers [`NewKey`]. At most 10 at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyCreate {
    pub name: String,
}

/// `POST /api/v1/channels/{name}/key` makes a new stream key; all others stop working at once. Keys
/// are kept as hashes only, so each is shown once.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewKey {
    pub id: String,
    pub key: String,
}

/// `POST /api/v1/channels/{name}/report`, 202.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportCreate {
    pub reason: ReportReason,
    #[serde(default)]
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportReason {
    Illegal,
    Hate,
    Violence,
    Sexual,
    Impersonation,
    Copyright,
    Spam,
    Other,
}
as_text!(ReportReason {
    Illegal = "illegal",
    Hate = "hate",
    Violence = "violence",
    Sexual = "sexual",
    Impersonation = "impersonation",
    Copyright = "copyright",
    Spam = "spam",
    Other = "other",
});

/// `GET /api/v1/channels/{name}/broadcasts`, a list, the newest first; `…/broadcasts/{id}` is one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BroadcastInfo {
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryRef>,
    pub started_at_ms: i64,
    /// Absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    pub peak_viewers: u32,
    /// Over its whole time.
    pub average_viewers: u32,
    /// How much of the recording is missing, for want of room, of the rendition that lacks most.
    /// Zero in lists.
    #[serde(default)]
    pub missing_ms: u64,
}

/// `GET /api/v1/channels/{name}/broadcasts/{id}/viewers`, a list, by those who run the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewerSample {
    pub at_ms: i64,
    pub viewers: u32,
}

redacted! {
    AccessEdit { kind }
    PlaybackRequest {}
    Playback { expires_at_ms }
    NewKey { id }
}
