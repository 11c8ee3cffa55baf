//! Media as values: bytes in, packets, formats and boxes out. No sockets, no clock.
//!
//! The way through: [`flv`] reads what an encoder sends, [`timeline`] repairs its timestamps and
//! groups it into periods of unchanging format, `tracks` judges what stands beside the first video
//! track, [`format`] says what a codec's configuration means,
//! [`cmaf`] writes what a player fetches. A module for each codec reads its bits.

pub mod aac;
mod av1;
mod avc;
pub mod cmaf;
pub mod flv;
mod format;
mod hevc;
mod nal;
mod opus;
pub mod timeline;
mod tracks;
mod vp9;

pub use avc::avc_config;
pub use format::{AudioCodec, AudioFormat, AudioInfo, ConfigError, FormatError, Players, VideoCodec, VideoFormat};
pub use nal::BrokenLength;
pub use tracks::Fault;

use bytes::Bytes;

/// Ticks a second of every timestamp inside Rivulet.
pub const TICKS_PER_SECOND: i64 = 90_000;

/// A timestamp or span on a broadcast's timeline, in 90 kHz ticks.
pub type Ticks = i64;

pub const fn ticks_from_ms(ms: i64) -> Ticks {
    ms * (TICKS_PER_SECOND / 1000)
}

/// Below a millisecond, as enhanced RTMP sends it; rounded down.
pub const fn ticks_from_ns(ns: u32) -> Ticks {
    ns as i64 * (TICKS_PER_SECOND / 1000) / 1_000_000
}

pub const fn ms_from_ticks(ticks: Ticks) -> i64 {
    ticks / (TICKS_PER_SECOND / 1000)
}

/// The coded pictures of one time (of H.264 and HEVC with length prefixes), or one packet of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub dts: Ticks,
    pub pts: Ticks,
    /// Decoding can start here.
    pub key: bool,
    pub data: Bytes,
}
