//! Live samples inside this process. A [`Broadcast`] is a thing of its own, with an id, a start
//! and an end; a publishing session only feeds it. It carries two feeds: `source`, written by
//! ingest as it comes from the encoder, and `program`, written by the transcoder: every
//! rendition, cut into aligned segments, ready for the origin. The hub knows no socket, no file
//! and no codec.

mod broadcast;
mod chat;
pub mod clock;
mod demand;
mod feed;
mod slate;
mod starts;

pub use broadcast::{Broadcast, BroadcastInfo, Hub, HubEvent, Metrics, Order, Status};
pub use chat::{Chat, ChatNote, Said, SayFor};
pub use demand::Demand;
pub use feed::{Feed, Lagged, Reader};
pub use slate::Slate;
pub use starts::Starts;

use bytes::Bytes;
use rivulet_media::{AudioFormat, Packet, Ticks, VideoFormat};
use rivulet_protocol::worker::Cut;
use std::sync::Arc;

/// What ingest writes: periods of unchanging format on one continuous, repaired timeline.
#[derive(Debug, Clone)]
pub enum Source {
    /// Everything after this has these formats. `at` is the timestamp from which it holds.
    Period {
        at: Ticks,
        video: Option<VideoFormat>,
        audio: Option<AudioFormat>,
        /// Further video tracks, by their numbers: smaller ones with key frames at the same times.
        tracks: Vec<(u8, VideoFormat)>,
    },
    Video(Packet),
    /// Of a further video track.
    Track(u8, Packet),
    Audio(Packet),
    /// Nothing follows: the broadcast is over, or else the next process goes on with it.
    End {
        over: bool,
    },
}

/// What the transcoder writes and the origin reads.
#[derive(Debug, Clone)]
pub enum Program {
    /// A new set of renditions; players see a discontinuity. Its first segment is `cut.segment`.
    Period(Arc<Period>, Cut),
    /// All renditions start segment `cut.segment` at `cut.pts`. Announced before any of its
    /// samples. Segment numbers only ever rise, by one.
    Cut(Cut),
    /// Codec configuration of a rendition, before its first sample of the period.
    Format { period: u32, rendition: usize, format: Format },
    /// `segment` is set on the key frame that starts a segment of a video rendition. An encoder
    /// that was restarted goes on with a key frame, wherever it was.
    Sample { period: u32, rendition: usize, segment: Option<u64>, packet: Packet },
    /// Nothing more comes of the encoded renditions of this period and those before it.
    Finished { period: u32 },
    /// Nobody watches this rendition: nothing comes of it until somebody does.
    Idle { period: u32, rendition: usize },
    /// Replaces the broadcast's thumbnail (JPEG).
    Thumbnail(Bytes),
    /// Nothing follows; see [`Source::End`].
    End { over: bool },
}

/// A span of the program with an unchanging set of renditions.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    pub number: u32,
    /// Video renditions from best to worst, then the audio one, if any.
    pub renditions: Vec<Rendition>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rendition {
    /// Path segment in URLs and object keys: `source`, `720p`, `audio`.
    pub id: String,
    /// Made by a worker; otherwise the source's own packets.
    pub encoded: bool,
    /// As in RFC 6381, known before the first picture is encoded.
    pub codecs: String,
    pub kind: RenditionKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RenditionKind {
    Video {
        width: u32,
        height: u32,
        fps_milli: u32,
        /// What the encoder was told, for encoded rungs.
        target_kbps: Option<u32>,
    },
    Audio,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    Video(VideoFormat),
    Audio(AudioFormat),
}
