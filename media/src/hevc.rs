//! HEVC as carried in enhanced RTMP and MP4: the `HEVCDecoderConfigurationRecord` (ISO/IEC
//! 14496-15) and what its sequence parameter set says of the picture (ITU-T H.265, 7.3.2.2).

use crate::format::{ConfigError, Players, VideoCodec, VideoFormat};
use crate::nal::{self, BrokenLength};
use bytes::Bytes;
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError, ByteReader};
use mp4_atom::{Atom, Hvcc};
use std::num::NonZeroUsize;

const SPS: u8 = 33;
/// Bytes of a NAL unit's header.
const HEADER: NonZeroUsize = NonZeroUsize::new(2).unwrap();

pub(crate) fn record(config: &[u8]) -> Result<Hvcc, ConfigError> {
    Hvcc::decode_body(&mut &config[..]).map_err(|e| ConfigError::unreadable(VideoCodec::Hevc, &e))
}

pub fn format(config: &Bytes) -> Result<VideoFormat, ConfigError> {
    let broken = |reason: String| ConfigError { codec: VideoCodec::Hevc.name(), reason };
    let hvcc = record(config)?;
    let sets =
        |kind| hvcc.arrays.iter().filter(move |array| array.nal_unit_type == kind).flat_map(|array| &array.nalus);
    let sps = sets(SPS).next().ok_or_else(|| broken("no sequence parameter set".into()))?;
    let (width, height) = picture_size(sps).map_err(|e| broken(format!("{e:?}")))?;
    let eight_or_ten_bit_420 =
        hvcc.chroma_format_idc == 1 && hvcc.bit_depth_luma_minus8 <= 2 && hvcc.bit_depth_chroma_minus8 <= 2;
    let profile = match hvcc.general_profile_idc {
        1 => "Main",
        2 => "Main 10",
        _ => "unknown profile",
    };
    Ok(VideoFormat {
        codec: VideoCodec::Hevc,
        config: config.clone(),
        width,
        height,
        // Frames in 256 seconds; most encoders leave it out.
        fps_milli: (hvcc.avg_frame_rate >= 256).then(|| u32::from(hvcc.avg_frame_rate) * 1000 / 256),
        codecs: codec_string(&hvcc),
        profile: profile.into(),
        players: if eight_or_ten_bit_420 { Players::Some } else { Players::None },
        length_size: usize::from(hvcc.length_size_minus_one) + 1,
    })
}

/// ISO/IEC 14496-15, annex E.3.
pub fn codec_string(hvcc: &Hvcc) -> String {
    let space = ["", "A", "B", "C"][usize::from(hvcc.general_profile_space & 3)];
    let compatibility = u32::from_be_bytes(hvcc.general_profile_compatibility_flags).reverse_bits();
    let tier = if hvcc.general_tier_flag { 'H' } else { 'L' };
    let (profile, level) = (hvcc.general_profile_idc, hvcc.general_level_idc);
    let constraints = hvcc.general_constraint_indicator_flags;
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let constraints: String = constraints[..used].iter().map(|byte| format!(".{byte:X}")).collect();
    format!("hvc1.{space}{profile}.{compatibility:X}.{tier}{level}{constraints}")
}

/// Width and height of what is shown.
fn picture_size(sps: &[u8]) -> Result<(u32, u32), BitReaderError> {
    let mut bits = BitReader::new(ByteReader::skipping_bytes(sps, HEADER));
    bits.skip(4, "sps_video_parameter_set_id")?;
    let sub_layers: u32 = bits.read::<3, u8>("sps_max_sub_layers_minus1")?.into();
    bits.skip(1 + 96, "general profile, tier and level")?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present
            .push((bits.read_bit("sub_layer_profile_present_flag")?, bits.read_bit("sub_layer_level_present_flag")?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers), "reserved_zero_2bits")?;
    }
    for (profile, level) in present {
        bits.skip(88 * u32::from(profile) + 8 * u32::from(level), "sub-layer profile and level")?;
    }
    bits.read_ue("sps_seq_parameter_set_id")?;
    let chroma = bits.read_ue("chroma_format_idc")?;
    if chroma == 3 {
        bits.skip(1, "separate_colour_plane_flag")?;
    }
    let (width, height) = (bits.read_ue("pic_width_in_luma_samples")?, bits.read_ue("pic_height_in_luma_samples")?);
    if !bits.read_bit("conformance_window_flag")? {
        return Ok((width, height));
    }
    let mut offset = || bits.read_ue("conformance window offset");
    let [left, right, top, bottom] = [offset()?, offset()?, offset()?, offset()?];
    let (across, down) = (if matches!(chroma, 1 | 2) { 2 } else { 1 }, if chroma == 1 { 2 } else { 1 });
    let shown = |length: u32, unit: u32, before: u32, after: u32| {
        length.saturating_sub(before.saturating_add(after).saturating_mul(unit))
    };
    Ok((shown(width, across, left, right), shown(height, down, top, bottom)))
}

/// Whether decoding can start at this packet: it has a picture without references to earlier ones
/// (IDR, BLA or CRA). What follows a CRA and is shown before it is left out by every decoder.
pub fn is_key(data: &[u8], length_size: usize) -> Result<bool, BrokenLength> {
    nal::any(data, length_size, |header| (16..=21).contains(&(header >> 1 & 0x3f)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::HEVC_CONFIG;

    #[test]
    fn reads_a_configuration() {
        let format = format(&Bytes::from_static(HEVC_CONFIG)).unwrap();
        assert_eq!((format.width, format.height, format.length_size), (640, 360, 4));
        assert_eq!(format.codecs, "hvc1.1.6.L63.90");
        assert_eq!((format.profile.as_str(), format.players), ("Main", Players::Some));
    }

    #[test]
    fn key_frames() {
        for (nal, want) in [(0x26, true), (0x28, true), (0x2a, true), (0x02, false), (0x40, false), (0x4e, false)] {
            assert_eq!(is_key(&[0, 0, 0, 2, nal, 1], 4), Ok(want), "{nal:02x}");
        }
        assert_eq!(is_key(&[0, 0, 0, 2, 0x4e, 1, 0, 0, 0, 2, 0x26, 1], 4), Ok(true));
        assert_eq!(is_key(&[0, 0, 0, 9, 0x26, 1], 4), Err(BrokenLength));
    }
}
