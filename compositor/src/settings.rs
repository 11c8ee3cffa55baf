//! Settings of the compositor: flags, or the environment with the prefix `RIVULET_COMPOSITOR_`.

use crate::encode::{Preset, VideoSettings};
use crate::outputs::Given;
use crate::pace::Rate;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Of a picture, in pixels.
pub const EDGES: std::ops::RangeInclusive<u32> = 64..=4_096;
pub const VIDEO_KBPS: std::ops::RangeInclusive<u32> = 100..=50_000;

#[derive(Args, Clone)]
pub struct Settings {
    /// Address of the control API, and of the editor page
    #[arg(long, env = "RIVULET_COMPOSITOR_HTTP", default_value = "127.0.0.1:4200")]
    pub http: SocketAddr,
    /// Address of the control WebSocket
    #[arg(long, env = "RIVULET_COMPOSITOR_WEBSOCKET", default_value = "127.0.0.1:4201")]
    pub websocket: SocketAddr,
    /// Address of the metrics
    #[arg(long, env = "RIVULET_COMPOSITOR_METRICS", default_value = "127.0.0.1:4290")]
    pub metrics: SocketAddr,
    /// Address of the health check
    #[arg(long, env = "RIVULET_COMPOSITOR_HEALTH", default_value = "127.0.0.1:4291")]
    pub health: SocketAddr,
    /// What clients of the API have to know; needed unless it listens on this machine only
    #[arg(long, env = "RIVULET_COMPOSITOR_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Layers in a scene
    #[arg(long, env = "RIVULET_COMPOSITOR_MAX_LAYERS", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub max_layers: u16,
    /// Pictures a second: 30, 60, or a fraction such as 30000/1001
    #[arg(long, env = "RIVULET_COMPOSITOR_TARGET_FPS", default_value = "30", value_parser = parse_rate)]
    pub target_fps: Rate,
    /// Size of the picture
    #[arg(long, env = "RIVULET_COMPOSITOR_STREAM_RESOLUTION", default_value = "1920x1080", value_parser = parse_size)]
    pub stream_resolution: (u32, u32),
    /// Bitrate of the picture
    #[arg(long, env = "RIVULET_COMPOSITOR_STREAM_BITRATE", default_value = "2000k", value_parser = parse_bitrate)]
    pub stream_bitrate: u32,
    /// Preset of x264
    #[arg(long, env = "RIVULET_COMPOSITOR_STREAM_PRESET", default_value = "veryfast")]
    pub stream_preset: Preset,
    /// Bitrate of the sound
    #[arg(long, env = "RIVULET_COMPOSITOR_STREAM_AUDIO_BITRATE", default_value = "128k", value_parser = parse_audio_bitrate)]
    pub stream_audio_bitrate: u32,
    /// Let inputs and pictures come from addresses that are not on the public internet, such as those of
    /// this machine and its network
    #[arg(long, env = "RIVULET_COMPOSITOR_ALLOW_PRIVATE")]
    pub allow_private: bool,
    /// Memory for decoded pictures, in MiB
    #[arg(long, env = "RIVULET_COMPOSITOR_PICTURES_MIB", default_value_t = 512)]
    pub pictures_mib: usize,
    /// Where the stream goes, besides the outputs of the API: NAME=rtmp://HOST/APP/KEY or rtmps://…; any
    /// number of them, with spaces between in the variable, which also hides the keys
    #[arg(long = "target", env = "RIVULET_COMPOSITOR_TARGETS", hide_env_values = true, value_name = "NAME=URL")]
    pub targets: Vec<String>,
    /// PEM file of an authority that targets, inputs and chats over TLS may be certified by, besides the
    /// public ones
    #[arg(long, env = "RIVULET_COMPOSITOR_TRUST")]
    pub trust: Option<PathBuf>,
    /// Redis that keeps the state, instead of the database
    #[arg(long, env = "RIVULET_COMPOSITOR_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Database that keeps the state; without it, SQLite in the data folder
    #[arg(long, env = "RIVULET_COMPOSITOR_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where files and recordings are kept, as `s3://BUCKET/PREFIX?…`; without it, the data folder
    #[arg(long, env = "RIVULET_COMPOSITOR_BLOBS")]
    pub blobs: Option<String>,
    /// Folder of what is kept on this machine
    #[arg(long, env = "RIVULET_COMPOSITOR_DATA", default_value = "compositor-data")]
    pub data: PathBuf,
    /// The program that inputs run as their workers; without it, this one.
    #[arg(skip)]
    pub worker: Option<PathBuf>,
}

impl Settings {
    pub fn video(&self) -> VideoSettings {
        let (width, height) = self.stream_resolution;
        VideoSettings {
            width,
            height,
            rate: self.target_fps,
            bitrate_kbps: self.stream_bitrate,
            preset: self.stream_preset,
        }
    }

    /// Targets that no client of the API can change.
    pub fn given(&self) -> Result<Vec<Given>, String> {
        Given::parse_all(&self.targets).map_err(|error| format!("--target or RIVULET_COMPOSITOR_TARGETS: {error}"))
    }

    /// An error names the setting and its mend.
    pub fn check(&self) -> Result<(), String> {
        self.given()?;
        match self.token.as_deref() {
            Some(token) if token.len() < 16 => Err("the token is shorter than 16 characters".into()),
            None if ![self.http, self.websocket].iter().all(|address| address.ip().is_loopback()) => {
                Err("the API would be open to everybody: set RIVULET_COMPOSITOR_TOKEN, or listen on 127.0.0.1 only"
                    .into())
            }
            _ => Ok(()),
        }
    }
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("{text:?} is no number of pictures a second from 1 to 120, such as 30 or 30000/1001");
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    let rate = Rate::new(num.parse().map_err(|_| wrong())?, den.parse().map_err(|_| wrong())?);
    rate.filter(|rate| (1.0..=120.0).contains(&rate.per_second())).ok_or_else(wrong)
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let edge = |edge: &str| edge.parse().ok().filter(|edge| EDGES.contains(edge) && edge % 2 == 0);
    let size = text.split_once('x').and_then(|(width, height)| Some((edge(width)?, edge(height)?)));
    let (min, max) = (EDGES.start(), EDGES.end());
    size.ok_or_else(|| format!("{text:?} is no size such as 1920x1080: edges are even, from {min} to {max}"))
}

fn kbps(text: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, String> {
    let kbps = match (text.strip_suffix(['k', 'K']), text.strip_suffix(['m', 'M'])) {
        (Some(kilo), _) => kilo.parse().ok(),
        (_, Some(mega)) => mega.parse().ok().and_then(|mega: u32| mega.checked_mul(1_000)),
        _ => text.parse().ok().map(|bits: u32| bits / 1_000),
    };
    let (min, max) = (range.start(), range.end());
    kbps.filter(|kbps| range.contains(kbps)).ok_or_else(|| format!("{text:?} is no bitrate from {min}k to {max}k"))
}

fn parse_bitrate(text: &str) -> Result<u32, String> {
    kbps(text, VIDEO_KBPS)
}

fn parse_audio_bitrate(text: &str) -> Result<u32, String> {
    kbps(text, 32..=320)
}
