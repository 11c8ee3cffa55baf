//! VP9 as carried in enhanced RTMP and MP4: the `VPCodecConfigurationRecord`, which does not have
//! the size of the picture, and the uncompressed header of key frames (VP9 Bitstream & Decoding
//! Process Specification, 6.2), which does.

use crate::format::{ConfigError, Players, VideoCodec, VideoFormat};
use bytes::Bytes;
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError};
use mp4_atom::{Atom, VpcC};

/// Stated where the encoder states none: 5.1 has room for 4K at 60 frames a second.
const DEFAULT_LEVEL: u8 = 51;
/// Colours by the stream itself.
const UNSPECIFIED: u8 = 2;

/// Some encoders send the record as it is in the box, behind a version and flags, others bare.
pub(crate) fn record(config: &[u8]) -> Result<VpcC, ConfigError> {
    let bare = [&[1, 0, 0, 0], config].concat();
    let boxed = if config.len() > 8 { config } else { &bare };
    let mut record = VpcC::decode_body(&mut &boxed[..]).map_err(|e| ConfigError::unreadable(VideoCodec::Vp9, &e))?;
    if record.chroma_subsampling > 3 || !matches!(record.bit_depth, 8 | 10 | 12) {
        let reason = format!("subsampling {}, {} bits", record.chroma_subsampling, record.bit_depth);
        return Err(ConfigError { codec: VideoCodec::Vp9.name(), reason });
    }
    // RGB needs 4:4:4; otherwise this is an encoder's way to say that it does not know.
    if record.matrix_coefficients == 0 && record.chroma_subsampling != 3 {
        record.matrix_coefficients = UNSPECIFIED;
    }
    Ok(record)
}

/// `None` without a key frame.
pub fn format(config: &Bytes, key_frame: Option<&[u8]>) -> Result<Option<VideoFormat>, ConfigError> {
    let broken = |reason: String| ConfigError { codec: VideoCodec::Vp9.name(), reason };
    let vpcc = record(config)?;
    let Some(frame) = key_frame else { return Ok(None) };
    let header = header(frame).map_err(|e| broken(format!("{e:?}")))?;
    let Some((width, height)) = header else { return Ok(None) };
    Ok(Some(VideoFormat {
        codec: VideoCodec::Vp9,
        config: config.clone(),
        width,
        height,
        fps_milli: None,
        codecs: codec_string(&vpcc),
        profile: format!("profile {}", vpcc.profile),
        // Profiles 0 and 2 are 4:2:0.
        players: if vpcc.profile % 2 == 0 && vpcc.bit_depth <= 10 { Players::Some } else { Players::None },
        length_size: 0,
    }))
}

/// VP codecs in ISO BMFF, "Codecs Parameter String".
pub fn codec_string(vpcc: &VpcC) -> String {
    let level = if vpcc.level == 0 { DEFAULT_LEVEL } else { vpcc.level };
    format!("vp09.{:02}.{level:02}.{:02}", vpcc.profile, vpcc.bit_depth)
}

/// Width and height, of a key frame.
fn header(frame: &[u8]) -> Result<Option<(u32, u32)>, BitReaderError> {
    const SYNC: u32 = 0x49_83_42;
    const SRGB: u8 = 7;
    let mut bits = BitReader::new(frame);
    if bits.read::<2, u8>("frame_marker")? != 2 {
        return Ok(None);
    }
    let profile = u8::from(bits.read_bit("profile_low_bit")?) | u8::from(bits.read_bit("profile_high_bit")?) << 1;
    if profile == 3 {
        bits.skip(1, "reserved_zero")?;
    }
    if bits.read_bit("show_existing_frame")? || bits.read_bit("frame_type")? {
        return Ok(None);
    }
    bits.skip(2, "show_frame, error_resilient_mode")?;
    if bits.read::<24, u32>("frame_sync_code")? != SYNC {
        return Ok(None);
    }
    if profile >= 2 {
        bits.skip(1, "ten_or_twelve_bit")?;
    }
    let odd = profile % 2 == 1;
    match bits.read::<3, u8>("color_space")? {
        SRGB => bits.skip(u32::from(odd), "reserved_zero")?,
        _ => bits.skip(1 + if odd { 3 } else { 0 }, "color_range, subsampling")?,
    }
    let width = u32::from(bits.read::<16, u16>("frame_width_minus_1")?) + 1;
    let height = u32::from(bits.read::<16, u16>("frame_height_minus_1")?) + 1;
    Ok(Some((width, height)))
}

/// Whether decoding can start at this frame, or the first of a superframe.
pub fn is_key(data: &[u8]) -> bool {
    matches!(header(data), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{VP9_CONFIG, VP9_KEY_FRAME};

    #[test]
    fn reads_a_configuration_and_a_key_frame() {
        let config = Bytes::from_static(VP9_CONFIG);
        assert_eq!(format(&config, None), Ok(None));
        assert_eq!(format(&config, Some(&[0x86, 0, 0])), Ok(None));
        for config in [config.clone(), config.slice(4..)] {
            let said = format(&config, Some(VP9_KEY_FRAME)).unwrap().unwrap();
            assert_eq!((said.width, said.height, said.codecs.as_str()), (640, 360, "vp09.00.21.08"));
            assert_eq!(said.players, Players::Some);
        }
        assert!(format(&config.slice(..9), None).is_err());
        // Seven bits; a subsampling that there is not.
        for shape in [0x72, 0x88] {
            let mut config = VP9_CONFIG.to_vec();
            config[6] = shape;
            assert!(format(&config.into(), Some(VP9_KEY_FRAME)).is_err(), "{shape:02x}");
        }
    }

    #[test]
    fn key_frames() {
        assert!(is_key(VP9_KEY_FRAME));
        for other in [&[0x86, 0, 0][..], &[0x88], &[0x82, 0x49, 0x83, 0x43, 0, 0, 0, 0, 0, 0], &[0x42], &[]] {
            assert!(!is_key(other), "{other:02x?}");
        }
    }
}
