//! Media as values: bytes in, packets, formats and boxes out. No sockets, no clock.
//!
//! The way through: [`flv`] reads what an encoder sends, [`timeline`] repairs its timestamps and
//! groups it into periods of unchanging format, [`avc`] and [`aac`] read codec configuration,
//! [`cmaf`] writes what a player fetches.

pub mod aac;
pub mod avc;
pub mod cmaf;
pub mod flv;
pub mod timeline;

use bytes::Bytes;

/// Ticks a second of every timestamp inside Rivulet.
pub const TICKS_PER_SECOND: i64 = 90_000;

/// A timestamp or span on a broadcast's timeline, in 90 kHz ticks.
pub type Ticks = i64;

pub const fn ticks_from_ms(ms: i64) -> Ticks {
    ms * (TICKS_PER_SECOND / 1000)
}

pub const fn ms_from_ticks(ticks: Ticks) -> i64 {
    ticks / (TICKS_PER_SECOND / 1000)
}

/// One coded picture (AVC with length prefixes) or one AAC frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub dts: Ticks,
    pub pts: Ticks,
    /// Decoding can start here.
    pub key: bool,
    pub data: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFormat {
    /// `AVCDecoderConfigurationRecord`.
    pub config: Bytes,
    pub avc: avc::AvcInfo,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFormat {
    /// `AudioSpecificConfig`.
    pub config: Bytes,
    pub aac: aac::AacInfo,
}
