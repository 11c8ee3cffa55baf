//! The incoming stream for its broadcaster, and the settings of broadcasts.

use super::as_text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/channels/{name}/golive` by its owner or an admin: all that the Go live page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoLive {
    /// What to paste into OBS as "Server", such as `rtmp://host:1935/live`.
    pub server: String,
    /// A key exists. The key itself is stored as a hash only, so it is shown once, when made.
    pub has_key: bool,
    pub ingest: Ingest,
}

/// What encoders of the qualities aim for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Latency {
    /// Each picture leaves its encoder as soon as it can.
    Low,
    /// Encoders look ahead, and make better pictures of the same bitrate.
    Normal,
}

as_text!(Latency { Low = "low", Normal = "normal" });

/// When the qualities below the source are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rungs {
    /// While somebody watches them.
    OnDemand,
    /// From the start of a broadcast to its end.
    Always,
}

as_text!(Rungs { OnDemand = "on-demand", Always = "always" });

/// What viewers see while a broadcast waits for its encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhileAway {
    /// A picture of ours that says so, with silence.
    Slate,
    /// The last picture: playlists wait.
    Wait,
}

as_text!(WhileAway { Slate = "slate", Wait = "wait" });

/// Longest [`ChannelSettings::grace_seconds`].
pub const MAX_GRACE_SECONDS: u32 = 30 * 60;

/// `PUT /api/v1/channels/{name}/settings` by its owner or an admin; answers [`Settings`]. What is
/// absent is as the instance has it. A broadcast keeps the settings that it started with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelSettings {
    /// How long a broadcast waits for an encoder that was cut off; at most [`MAX_GRACE_SECONDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rungs: Option<Rungs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub while_away: Option<WhileAway>,
}

/// `PUT /api/v1/admin/channels/{name}/limits`; answers [`ChannelRecord`](super::ChannelRecord). What a
/// channel may have; what is absent is as the instance has it. They hold from the next broadcast on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelLimits {
    /// Of the larger side of the picture, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_side: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fps: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_kbps: Option<u32>,
    /// Of one broadcast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_minutes: Option<u32>,
    /// Of all that is recorded of it; beyond, it goes on and is not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_mib: Option<u32>,
}

/// The same with nothing left open: what the instance has, or what holds for a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BroadcastSettings {
    pub grace_seconds: u32,
    pub latency: Latency,
    pub rungs: Rungs,
    pub while_away: WhileAway,
}

impl Default for BroadcastSettings {
    fn default() -> Self {
        Self { grace_seconds: 120, latency: Latency::Low, rungs: Rungs::OnDemand, while_away: WhileAway::Slate }
    }
}

impl BroadcastSettings {
    /// These, where the channel has nothing of its own.
    pub fn for_channel(self, channel: ChannelSettings) -> Self {
        Self {
            grace_seconds: channel.grace_seconds.unwrap_or(self.grace_seconds),
            latency: channel.latency.unwrap_or(self.latency),
            rungs: channel.rungs.unwrap_or(self.rungs),
            while_away: channel.while_away.unwrap_or(self.while_away),
        }
    }
}

/// `GET /api/v1/channels/{name}/settings` by its owner or an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// What the channel has of its own.
    pub channel: ChannelSettings,
    /// What the instance has.
    pub instance: BroadcastSettings,
}

/// State of the incoming stream, for the broadcaster; also each event (name `ingest`) of
/// `GET /api/v1/channels/{name}/golive/events` (SSE).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IngestAudio {
    pub codec: String,
    pub sample_rate: u32,
    pub channels: u8,
    pub bitrate_kbps: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Good,
    Warning,
    Bad,
}

/// One line of the checklist on the Go live page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Stable name: `recording`, `connection`, `video_codec`, `key_interval`, `bitrate`, `audio`, `timestamps`, `tracks`, `encoder_load`,
    /// `server_load`.
    pub name: String,
    pub level: Level,
    /// What was measured, such as `Key frame every 8.3 s`.
    pub measured: String,
    /// What to do about it; empty when good.
    pub advice: String,
}
