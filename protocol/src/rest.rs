//! Bodies of the REST API under `/api/v1`. Times are milliseconds since the Unix epoch.

use serde::{Deserialize, Serialize};

/// Every error answer (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub status: u16,
    /// A short, stable, machine-readable name such as `wrong_password`.
    pub code: String,
    /// One sentence for the person.
    pub detail: String,
    /// The field of the request that is wrong, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// `GET /api/v1/instance`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub name: String,
    pub version: String,
    /// No user exists yet: the setup link printed at start creates the first.
    pub needs_setup: bool,
}

/// `POST /api/v1/setup`: creates the first user (an admin) and a channel of the same name, and logs in.
/// Answers [`Me`].
#[derive(Clone, Serialize, Deserialize)]
pub struct Setup {
    pub token: String,
    pub username: String,
    pub password: String,
}

/// `POST /api/v1/login`; answers [`Me`] and sets the session cookie. `POST /api/v1/logout` ends it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    pub username: String,
    pub password: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Viewer,
    Admin,
}

/// `GET /api/v1/me`: the logged-in user, 401 for a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub username: String,
    pub role: Role,
    /// Names of the channels that this user owns.
    pub channels: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LiveState {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub name: String,
    pub title: String,
    pub state: LiveState,
    pub viewers: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<i64>,
    /// HLS multivariant playlist; present while it can be played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playback: Option<String>,
    /// Changes when a player has to load [`Channel::playback`] anew: another broadcast, or tracks
    /// that came or went.
    #[serde(default)]
    pub revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
}

/// `GET /api/v1/channels`: live channels first (most viewers first), then the rest by name.
/// `?after=NAME&limit=N` (at most 100) pages through the offline ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    pub channels: Vec<Channel>,
    /// Pass as `after` to get the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `PATCH /api/v1/channels/{name}` by its owner or an admin; answers [`Channel`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ChannelEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// `POST /api/v1/channels` by a logged-in user; answers [`Channel`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChannelCreate {
    pub name: String,
}

/// `GET /api/v1/channels/{name}/golive` by its owner or an admin: all that the Go live page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoLive {
    /// What to paste into OBS as "Server", such as `rtmp://host:1935/live`.
    pub server: String,
    /// A key exists. The key itself is stored as a hash only, so it is shown once, when made.
    pub has_key: bool,
    pub ingest: Ingest,
}

/// What encoders of the qualities aim for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Latency {
    /// Each picture leaves its encoder as soon as it can.
    Low,
    /// Encoders look ahead, and make better pictures of the same bitrate.
    Normal,
}

impl Latency {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
        }
    }

    /// The opposite of [`Latency::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Normal].into_iter().find(|latency| latency.as_str() == text)
    }
}

/// When the qualities below the source are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rungs {
    /// While somebody watches them.
    OnDemand,
    /// From the start of a broadcast to its end.
    Always,
}

impl Rungs {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Always => "always",
        }
    }

    /// The opposite of [`Rungs::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::OnDemand, Self::Always].into_iter().find(|rungs| rungs.as_str() == text)
    }
}

/// Longest [`ChannelSettings::grace_seconds`].
pub const MAX_GRACE_SECONDS: u32 = 30 * 60;

/// `PUT /api/v1/channels/{name}/settings` by its owner or an admin; answers [`Settings`]. What is
/// absent is as the instance has it. A broadcast keeps the settings that it started with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSettings {
    /// How long a broadcast waits for an encoder that was cut off; at most [`MAX_GRACE_SECONDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rungs: Option<Rungs>,
}

/// The same with nothing left open: what the instance has, or what holds for a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastSettings {
    pub grace_seconds: u32,
    pub latency: Latency,
    pub rungs: Rungs,
}

impl Default for BroadcastSettings {
    fn default() -> Self {
        Self { grace_seconds: 120, latency: Latency::Low, rungs: Rungs::OnDemand }
    }
}

impl BroadcastSettings {
    /// These, where the channel has nothing of its own.
    pub fn for_channel(self, channel: ChannelSettings) -> Self {
        Self {
            grace_seconds: channel.grace_seconds.unwrap_or(self.grace_seconds),
            latency: channel.latency.unwrap_or(self.latency),
            rungs: channel.rungs.unwrap_or(self.rungs),
        }
    }
}

/// `GET /api/v1/channels/{name}/settings` by its owner or an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What the channel has of its own.
    pub channel: ChannelSettings,
    /// What the instance has.
    pub instance: BroadcastSettings,
}

/// `POST /api/v1/channels/{name}/key` makes a new stream key; the old one stops working at once.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewKey {
    pub key: String,
}

/// State of the incoming stream, for the broadcaster; also each event (name `ingest`) of
/// `GET /api/v1/channels/{name}/golive/events` (SSE).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingest {
    pub connected: bool,
    /// Such as `OBS 29.0.2`, when the encoder says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<IngestVideo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<IngestAudio>,
    /// What is good and what is wrong with the stream, in a fixed order.
    pub checks: Vec<Check>,
    /// Why the last attempt to publish was refused, when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestVideo {
    /// Such as `H.264 High`.
    pub codec: String,
    pub width: u32,
    pub height: u32,
    pub fps_milli: u32,
    pub bitrate_kbps: u32,
    /// Longest recent distance of key frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_interval_ms: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestAudio {
    pub codec: String,
    pub sample_rate: u32,
    pub channels: u8,
    pub bitrate_kbps: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Good,
    Warning,
    Bad,
}

/// One line of the checklist on the Go live page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name: `connection`, `video_codec`, `key_interval`, `bitrate`, `audio`, `timestamps`, `encoder_load`,
    /// `server_load`.
    pub name: String,
    pub level: Level,
    /// What was measured, such as `Key frame every 8.3 s`.
    pub measured: String,
    /// What to do about it; empty when good.
    pub advice: String,
}

/// Bodies with a secret in them say who, never what: one `{:?}` in a log line would be enough to
/// leak it.
macro_rules! redacted {
    ($($body:ident { $($shown:ident),* })*) => {$(
        impl std::fmt::Debug for $body {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($body))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}

redacted! {
    Setup { username }
    Login { username }
    NewKey {}
}
