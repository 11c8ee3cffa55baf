//! Messages on the pipe between the server and a transcoder worker process. Each is one frame:
//! a `u32` length in network order, then the postcard encoding. Timestamps are 90 kHz ticks of
//! the broadcast's timeline.

use crate::rest::Latency;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A frame longer than this is a protocol error, on either side.
pub const MAX_FRAME_BYTES: usize = 32 * 1024 * 1024;

/// Server to worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Everything in flight is finished under the old settings, then these hold.
    Period(Period),
    /// From now on these rungs of the running period are made, and no others. One that was not
    /// made before begins at the newest cut but one, and catches up.
    Rungs(Vec<Rung>),
    /// In decoding order. `cut` marks the packet whose picture starts that segment; without a
    /// picture at exactly that time, the first one after it does.
    Video {
        dts: i64,
        pts: i64,
        key: bool,
        cut: Option<Cut>,
        data: Bytes,
    },
    Audio {
        pts: i64,
        data: Bytes,
    },
}

/// The start of a segment on every rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    pub segment: u64,
    pub pts: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Period {
    pub number: u32,
    /// Its first segment; pictures from `start.pts` on belong to it.
    pub start: Cut,
    /// When there is video to decode.
    pub video: Option<VideoDecode>,
    /// Frames a second that the encoders plan their rate for; the timestamps themselves are kept.
    pub fps_milli: u32,
    pub rungs: Vec<Rung>,
    /// Present when the source's audio cannot be passed on as it is.
    pub audio: Option<AudioEncode>,
    /// x264 preset.
    pub preset: String,
    pub latency: Latency,
}

/// What the source's video is coded in. Rungs are always H.264.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoDecode {
    pub codec: VideoCodec,
    /// The codec's configuration record, as in MP4.
    pub config: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VideoCodec {
    Avc,
    Hevc,
    Av1,
    Vp9,
}

/// What the source's audio is coded in. It is encoded to AAC-LC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudioCodec {
    Aac,
    Opus,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Index among the renditions of the period, which every message about the rung repeats.
    pub rendition: u8,
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub bitrate_kbps: u32,
    /// H.264 level times ten.
    pub level: u8,
    /// After a restart: pictures up to this time are made already.
    pub made_until: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioEncode {
    pub rendition: u8,
    pub codec: AudioCodec,
    /// `AudioSpecificConfig` or `OpusHead` of the source.
    pub config: Vec<u8>,
    pub bitrate_kbps: u32,
}

/// Worker to server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// `config` is an `AVCDecoderConfigurationRecord`.
    VideoFormat {
        period: u32,
        rendition: u8,
        config: Vec<u8>,
    },
    Video {
        period: u32,
        rendition: u8,
        dts: i64,
        pts: i64,
        key: bool,
        segment: Option<u64>,
        data: Bytes,
    },
    /// `config` is an `AudioSpecificConfig`.
    AudioFormat {
        period: u32,
        rendition: u8,
        config: Vec<u8>,
    },
    Audio {
        period: u32,
        rendition: u8,
        pts: i64,
        data: Bytes,
    },
    /// The encoders of this period have given all they had.
    Finished {
        period: u32,
    },
    /// The encoder of a rung that is no longer wanted has given all it had.
    Stopped {
        period: u32,
        rendition: u8,
    },
    /// A JPEG picture of the stream.
    Thumbnail {
        data: Bytes,
    },
    /// About once a second: media time encoded and processor time used since the last report.
    Progress {
        pts: i64,
        media_ms: u32,
        cpu_ms: u32,
        dropped: u32,
    },
}
