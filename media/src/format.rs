//! Codecs and the formats of tracks: what a track's configuration says to whoever plans, lists,
//! packs or decodes it. The one place that knows which module reads which codec.

use crate::aac::{AacError, AacInfo};
use crate::nal::BrokenLength;
use crate::{av1, avc, cmaf, hevc, opus, vp9};
use bytes::Bytes;

/// Sides of pictures that can be coded, packed and scaled.
const SIDES: std::ops::RangeInclusive<u32> = 16..=16_384;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCodec {
    Avc,
    Hevc,
    Av1,
    Vp9,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {codec} configuration cannot be read: {reason}")]
pub struct ConfigError {
    pub codec: &'static str,
    pub reason: String,
}

impl ConfigError {
    pub(crate) fn unreadable(codec: VideoCodec, error: &dyn std::fmt::Display) -> Self {
        Self { codec: codec.name(), reason: error.to_string() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Aac(#[from] AacError),
    #[error("a picture of {0}x{1}")]
    Size(u32, u32),
}

impl VideoCodec {
    pub const ALL: [Self; 4] = [Self::Avc, Self::Hevc, Self::Av1, Self::Vp9];

    /// As enhanced RTMP names it.
    pub fn fourcc(self) -> &'static str {
        match self {
            Self::Avc => "avc1",
            Self::Hevc => "hvc1",
            Self::Av1 => "av01",
            Self::Vp9 => "vp09",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avc => "H.264",
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
            Self::Vp9 => "VP9",
        }
    }
}

/// Who can play a track as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Players {
    All,
    /// Those that have its decoder; the others need it encoded again.
    Some,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoFormat {
    pub codec: VideoCodec,
    /// The codec's configuration record, as in MP4: `avcC`, `hvcC`, `av1C` or `vpcC`.
    pub config: Bytes,
    pub width: u32,
    pub height: u32,
    /// As the stream says; absent or wrong in many.
    pub fps_milli: Option<u32>,
    /// RFC 6381 string for playlists.
    pub codecs: String,
    /// For people.
    pub profile: String,
    pub players: Players,
    /// Bytes of the length before each NAL unit, of codecs that have these.
    pub length_size: usize,
}

impl VideoFormat {
    /// Reads a configuration record. `None`: it does not say everything (VP9 never the size), and
    /// needs the first key frame, too.
    pub fn read(codec: VideoCodec, config: &Bytes, key_frame: Option<&[u8]>) -> Result<Option<Self>, FormatError> {
        let format = match codec {
            VideoCodec::Avc => Some(avc::format(config)?),
            VideoCodec::Hevc => Some(hevc::format(config)?),
            VideoCodec::Av1 => av1::format(config, key_frame)?,
            VideoCodec::Vp9 => vp9::format(config, key_frame)?,
        };
        if let Some(format) = &format {
            let (width, height) = (format.width, format.height);
            if !SIDES.contains(&width) || !SIDES.contains(&height) {
                return Err(FormatError::Size(width, height));
            }
            // What cannot be packed is refused here, where its sender hears of it.
            cmaf::video_init(format).map_err(|e| ConfigError::unreadable(codec, &e))?;
        }
        Ok(format)
    }

    /// Whether decoding can start at this packet, or an error where it cannot be a packet at all.
    pub fn is_key(&self, data: &[u8]) -> Result<bool, BrokenLength> {
        is_key(self.codec, self.length_size, data)
    }

    /// For people: codec and profile.
    pub fn name(&self) -> String {
        format!("{} {}", self.codec.name(), self.profile)
    }
}

/// As [`VideoFormat::is_key`], where the format is not known yet.
pub(crate) fn is_key(codec: VideoCodec, length_size: usize, data: &[u8]) -> Result<bool, BrokenLength> {
    match codec {
        VideoCodec::Avc => avc::is_key(data, length_size),
        VideoCodec::Hevc => hevc::is_key(data, length_size),
        VideoCodec::Av1 => Ok(av1::is_key(data)),
        VideoCodec::Vp9 => Ok(vp9::is_key(data)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioCodec {
    Aac,
    Opus,
}

impl AudioCodec {
    pub const ALL: [Self; 2] = [Self::Aac, Self::Opus];

    /// As enhanced RTMP names it.
    pub fn fourcc(self) -> &'static str {
        match self {
            Self::Aac => "mp4a",
            Self::Opus => "Opus",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFormat {
    /// `AudioSpecificConfig` or `OpusHead`.
    pub config: Bytes,
    pub info: AudioInfo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioInfo {
    Aac(AacInfo),
    Opus { channels: u8 },
}

impl AudioFormat {
    pub fn read(codec: AudioCodec, config: &Bytes) -> Result<Self, FormatError> {
        let info = match codec {
            AudioCodec::Aac => AudioInfo::Aac(AacInfo::parse(config)?),
            AudioCodec::Opus => AudioInfo::Opus { channels: opus::channels(config)? },
        };
        Ok(Self { config: config.clone(), info })
    }

    pub fn codec(&self) -> AudioCodec {
        match self.info {
            AudioInfo::Aac(_) => AudioCodec::Aac,
            AudioInfo::Opus { .. } => AudioCodec::Opus,
        }
    }

    /// Samples a second, as packets count them.
    pub fn sample_rate(&self) -> u32 {
        match self.info {
            AudioInfo::Aac(aac) => aac.sample_rate,
            AudioInfo::Opus { .. } => opus::SAMPLE_RATE,
        }
    }

    /// As coded; 0 means that the stream itself says.
    pub fn channels(&self) -> u8 {
        match self.info {
            AudioInfo::Aac(aac) => aac.channels,
            AudioInfo::Opus { channels } => channels,
        }
    }

    /// Samples of one packet. `None`: it cannot be one.
    pub fn samples(&self, packet: &[u8]) -> Option<u32> {
        match self.info {
            AudioInfo::Aac(_) => Some(AacInfo::FRAME_SAMPLES),
            AudioInfo::Opus { .. } => opus::samples(packet),
        }
    }

    /// A packet of silence, if there is one for this format.
    pub fn silence(&self) -> Option<&'static [u8]> {
        match self.info {
            AudioInfo::Aac(aac) => aac.silence(),
            AudioInfo::Opus { .. } => Some(opus::SILENCE),
        }
    }

    /// Every player takes it as it is: AAC-LC. Opus in MP4 does not play in all browsers that
    /// people have, and a second rendition of the sound would cost every viewer's choice of video
    /// rendition its simplicity, so that it is encoded once for all.
    pub fn plays_everywhere(&self) -> bool {
        matches!(self.info, AudioInfo::Aac(aac) if aac.is_lc())
    }

    /// For people.
    pub fn name(&self) -> String {
        match self.info {
            AudioInfo::Aac(aac) if aac.is_lc() => "AAC-LC".into(),
            AudioInfo::Aac(aac) => format!("AAC type {}", aac.object_type),
            AudioInfo::Opus { .. } => "Opus".into(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// x264, High, 1280x720, 25 frames a second.
    pub const CONFIG_720P: &[u8] = &[
        0x01, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb,
        0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x83, 0x19, 0x60, 0x01, 0x00,
        0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
    ];
    /// x264, High, 640x360.
    pub const CONFIG_360P: &[u8] = &[
        0x01, 0x64, 0x00, 0x1e, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9,
        0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96, 0x01, 0x00,
        0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
    ];
    /// x265, Main, 640x360; VPS, SPS and PPS.
    pub const HEVC_CONFIG: &[u8] = &[
        0x01, 0x01, 0x60, 0x00, 0x00, 0x00, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3f, 0xf0, 0x00, 0xfc, 0xfd, 0xf8,
        0xf8, 0x00, 0x00, 0x0f, 0x03, 0x20, 0x00, 0x01, 0x00, 0x18, 0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60,
        0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3f, 0x95, 0x94, 0x09, 0x21, 0x00,
        0x01, 0x00, 0x2b, 0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x3f, 0xa0, 0x05, 0x02, 0x01, 0x71, 0xf2, 0xe5, 0x95, 0x95, 0x29, 0x30, 0xbc, 0x05, 0xa0, 0x20,
        0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21, 0x22, 0x00, 0x01, 0x00, 0x06, 0x44, 0x01, 0xc0,
        0x73, 0xc1, 0x89,
    ];
    /// SVT-AV1, Main, 640x360.
    pub const AV1_CONFIG: &[u8] =
        &[0x81, 0x01, 0x0c, 0x00, 0x0a, 0x0c, 0x02, 0x00, 0x00, 0x0d, 0x26, 0x27, 0xfb, 0x38, 0x05, 0xf0, 0x00, 0x80];
    /// The beginning of its first temporal unit.
    pub const AV1_KEY_FRAME: &[u8] = &[
        0x12, 0x00, 0x0a, 0x0c, 0x02, 0x00, 0x00, 0x0d, 0x26, 0x27, 0xfb, 0x38, 0x95, 0xf2, 0x00, 0x80, 0x32, 0x08,
        0x10, 0x00, 0x82, 0x40, 0x80, 0x00, 0x02, 0x08,
    ];
    /// libvpx, profile 0, behind the version and flags of the box.
    pub const VP9_CONFIG: &[u8] = &[0x01, 0x00, 0x00, 0x00, 0x00, 0x15, 0x82, 0x02, 0x02, 0x02, 0x00, 0x00];
    /// The beginning of its first frame, 640x360.
    pub const VP9_KEY_FRAME: &[u8] =
        &[0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x16, 0x76, 0x08, 0x38, 0x24, 0x1c, 0x18, 0x5c, 0x10, 0x07, 0x00];
    /// libopus, stereo.
    pub const OPUS_CONFIG: &[u8] = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";

    const CONFIGS: [(VideoCodec, &[u8], &[u8]); 4] = [
        (VideoCodec::Avc, CONFIG_720P, &[0, 0, 0, 1, 0x65]),
        (VideoCodec::Hevc, HEVC_CONFIG, &[0, 0, 0, 2, 0x26, 1]),
        (VideoCodec::Av1, AV1_CONFIG, AV1_KEY_FRAME),
        (VideoCodec::Vp9, VP9_CONFIG, VP9_KEY_FRAME),
    ];

    #[test]
    fn every_codec_is_read() {
        for (codec, config, frame) in CONFIGS {
            let format = VideoFormat::read(codec, &Bytes::from_static(config), Some(frame)).unwrap().unwrap();
            assert_eq!(format.codec, codec);
            assert!(format.codecs.starts_with(codec.fourcc()), "{}", format.codecs);
            assert_eq!(format.is_key(frame), Ok(true), "{codec:?}");
        }
    }

    proptest! {
        /// Whatever a peer makes of a configuration: an answer, not a panic.
        #[test]
        fn broken_configurations_are_refused(
            which in 0..4usize,
            cut in 0..200usize,
            changes in prop::collection::vec((0..200usize, any::<u8>()), 0..6),
        ) {
            let (codec, config, frame) = CONFIGS[which];
            let break_it = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                for (at, value) in &changes {
                    let length = bytes.len();
                    if let Some(byte) = bytes.get_mut(at % length.max(1)) {
                        *byte = *value;
                    }
                }
                bytes.truncate(bytes.len().min(cut));
                Bytes::from(bytes)
            };
            let (config, frame) = (break_it(config), break_it(frame));
            if let Ok(Some(format)) = VideoFormat::read(codec, &config, Some(&frame)) {
                let _ = format.is_key(&frame);
                // What is let in can also be packed.
                prop_assert!(crate::cmaf::video_init(&format).is_ok(), "{format:?}");
            }
        }
    }
}
