//! Platforms, and what each takes. Checked before anybody connects, in words for the person who
//! added the target: a platform that dislikes a stream rarely says why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

const MAX_URL_BYTES: usize = 2_048;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Twitch,
    Youtube,
    Facebook,
    Tiktok,
    X,
    Rivulet,
    /// Any other server that takes RTMP.
    Custom,
}

/// What a platform takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub name: &'static str,
    /// `None`: each account has one of its own, which the platform shows beside the key.
    pub url: Option<&'static str>,
    pub video_kbps: u32,
    pub key_frames_ms: u32,
    pub audio_kbps: u32,
    pub fps: u32,
    /// It takes no plain RTMP.
    pub tls_only: bool,
}

/// What a stream is, as far as platforms care.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer {
    pub video_kbps: u32,
    pub key_frames_ms: u32,
    pub audio_kbps: u32,
    pub fps: f64,
}

const ANY: Limits = Limits {
    name: "This server",
    url: None,
    video_kbps: 100_000,
    key_frames_ms: 10_000,
    audio_kbps: 512,
    fps: 240,
    tls_only: false,
};

impl Platform {
    pub const ALL: [Self; 7] =
        [Self::Twitch, Self::Youtube, Self::Facebook, Self::Tiktok, Self::X, Self::Rivulet, Self::Custom];

    pub fn limits(self) -> Limits {
        match self {
            Self::Twitch => Limits {
                name: "Twitch",
                url: Some("rtmps://ingest.global-contribute.live-video.net:443/app"),
                video_kbps: 6_000,
                key_frames_ms: 2_000,
                audio_kbps: 320,
                fps: 60,
                ..ANY
            },
            Self::Youtube => Limits {
                name: "YouTube",
                url: Some("rtmps://a.rtmps.youtube.com:443/live2"),
                video_kbps: 51_000,
                key_frames_ms: 4_000,
                audio_kbps: 160,
                fps: 60,
                ..ANY
            },
            Self::Facebook => Limits {
                name: "Facebook",
                url: Some("rtmps://live-api-s.facebook.com:443/rtmp"),
                video_kbps: 9_000,
                key_frames_ms: 4_000,
                audio_kbps: 256,
                fps: 60,
                tls_only: true,
            },
            Self::Tiktok => {
                Limits { name: "TikTok", video_kbps: 6_000, key_frames_ms: 2_000, audio_kbps: 320, fps: 60, ..ANY }
            }
            Self::X => Limits { name: "X", video_kbps: 12_000, key_frames_ms: 3_000, audio_kbps: 128, fps: 60, ..ANY },
            Self::Rivulet => Limits { name: "Rivulet", ..ANY },
            Self::Custom => ANY,
        }
    }

    /// Whose server it is.
    pub fn of(address: &Address) -> Self {
        let owns = |platform: &Self| {
            Address::parse(*platform, None).is_ok_and(|own| own.host.eq_ignore_ascii_case(&address.host))
        };
        Self::ALL.into_iter().find(owns).unwrap_or(Self::Custom)
    }

    /// What keeps this stream from being taken, if anything: each with its mend.
    pub fn complaints(self, offer: &Offer) -> Vec<String> {
        let limits = self.limits();
        let name = limits.name;
        let mut complaints = Vec::new();
        if offer.video_kbps > limits.video_kbps {
            let (most, has) = (limits.video_kbps, offer.video_kbps);
            complaints.push(format!(
                "{name} takes at most {most} kbit/s of video and this stream has {has}: lower STREAM_BITRATE, or the output's own bitrate_kbps"
            ));
        }
        if offer.audio_kbps > limits.audio_kbps {
            let (most, has) = (limits.audio_kbps, offer.audio_kbps);
            complaints.push(format!(
                "{name} takes at most {most} kbit/s of sound and this stream has {has}: lower STREAM_AUDIO_BITRATE"
            ));
        }
        if offer.key_frames_ms > limits.key_frames_ms {
            let (most, has) = (limits.key_frames_ms / 1_000, offer.key_frames_ms / 1_000);
            complaints.push(format!("{name} wants a key frame every {most} s and this stream has one every {has} s"));
        }
        // 60000/1001 and the like are what they are called.
        if offer.fps > f64::from(limits.fps) + 0.5 {
            let (most, has) = (limits.fps, offer.fps);
            complaints.push(format!(
                "{name} takes at most {most} pictures a second and this stream has {has}: lower TARGET_FPS, or the output's own fps"
            ));
        }
        complaints
    }
}

/// Where an RTMP server is: `rtmp://HOST[:PORT]/APP` or `rtmps://…`. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Everything behind the host, without slashes at its ends.
    pub app: String,
}

/// Why a URL cannot be published to, for the one who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("{0} gives each account a URL of its own; copy it from where it shows the stream key")]
    Missing(&'static str),
    #[error("this is not a URL that starts with rtmp:// or rtmps://")]
    Form,
    #[error("{0} is reached by rtmps:// only")]
    Plain(&'static str),
    #[error("a URL must not have a user name or password in it")]
    Credentials,
    #[error("the part after the host is missing, as in rtmp://HOST/live")]
    App,
    #[error("what comes after ? or # belongs into the key: a URL is shown, a key is not")]
    Query,
}

impl Address {
    /// `url`, or else the platform's own.
    pub fn parse(platform: Platform, url: Option<&str>) -> Result<Self, AddressError> {
        let limits = platform.limits();
        let url = url.or(limits.url).ok_or(AddressError::Missing(limits.name))?;
        if url.len() > MAX_URL_BYTES {
            return Err(AddressError::Form);
        }
        let url = Url::parse(url.trim()).map_err(|_| AddressError::Form)?;
        let tls = match url.scheme() {
            "rtmps" => true,
            "rtmp" if limits.tls_only => return Err(AddressError::Plain(limits.name)),
            "rtmp" => false,
            _ => return Err(AddressError::Form),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Query);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let app = url.path().trim_matches('/').to_owned();
        match (host.is_empty(), app.is_empty()) {
            (true, _) => Err(AddressError::Form),
            (_, true) => Err(AddressError::App),
            _ => Ok(Self { tls, host, port: url.port().unwrap_or(if tls { 443 } else { 1935 }), app }),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "rtmps" } else { "rtmp" };
        write!(f, "{scheme}://{}:{}/{}", self.host, self.port, self.app)
    }
}
