//! AV1 as carried in enhanced RTMP and MP4: the `AV1CodecConfigurationRecord`, and temporal units
//! of OBUs (AV1 Bitstream & Decoding Process Specification, 5.3 to 5.9).

use crate::format::{ConfigError, Players, VideoCodec, VideoFormat};
use bytes::Bytes;
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError};
use mp4_atom::{Atom, Av1c};

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;

pub(crate) fn record(config: &[u8]) -> Result<Av1c, ConfigError> {
    Av1c::decode_body(&mut &config[..]).map_err(|e| ConfigError::unreadable(VideoCodec::Av1, &e))
}

/// `None` where the record has no sequence header and no `key_frame` is given, which has one.
pub fn format(config: &Bytes, key_frame: Option<&[u8]>) -> Result<Option<VideoFormat>, ConfigError> {
    let av1c = record(config)?;
    let header = |data| obus(data).find_map(|(kind, payload)| (kind == SEQUENCE_HEADER).then_some(payload));
    let Some(header) = header(&av1c.config_obus).or_else(|| header(key_frame?)) else {
        return Ok(None);
    };
    let broken = |e: BitReaderError| ConfigError { codec: VideoCodec::Av1.name(), reason: format!("{e:?}") };
    let Sequence { width, height, fps_milli } = sequence(header).map_err(broken)?;
    let profile = av1c.seq_profile;
    Ok(Some(VideoFormat {
        codec: VideoCodec::Av1,
        config: config.clone(),
        width,
        height,
        fps_milli,
        codecs: codec_string(&av1c),
        profile: ["Main", "High", "Professional"].get(usize::from(profile)).unwrap_or(&"unknown profile").to_string(),
        // Main is 4:2:0 of 8 or 10 bits.
        players: if profile == 0 { Players::Some } else { Players::None },
        length_size: 0,
    }))
}

/// AV1 in ISO BMFF, 5.
pub fn codec_string(av1c: &Av1c) -> String {
    let depth = match (av1c.high_bitdepth, av1c.twelve_bit) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    let (profile, level) = (av1c.seq_profile, av1c.seq_level_idx_0);
    let tier = if av1c.seq_tier_0 { 'H' } else { 'M' };
    format!("av01.{profile}.{level:02}{tier}.{depth:02}")
}

/// Type and payload of each OBU. What is cut short ends the walk.
fn obus(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (header, mut after) = std::mem::take(&mut rest).split_first()?;
        if header & 0x04 != 0 {
            after = after.get(1..)?;
        }
        let mut size = after.len();
        if header & 0x02 != 0 {
            (size, after) = leb128(after)?;
        }
        let (payload, next) = after.split_at_checked(size)?;
        rest = next;
        Some((header >> 3 & 0x0f, payload))
    })
}

fn leb128(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in data.iter().enumerate().take(8) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &data[index + 1..]));
        }
    }
    None
}

struct Sequence {
    width: u32,
    height: u32,
    fps_milli: Option<u32>,
}

/// The sequence header as far as the size of the picture.
fn sequence(header: &[u8]) -> Result<Sequence, BitReaderError> {
    let mut bits = BitReader::new(header);
    let mut fps_milli = None;
    bits.skip(4, "seq_profile, still_picture")?;
    if bits.read_bit("reduced_still_picture_header")? {
        bits.skip(5, "seq_level_idx")?;
    } else {
        let mut delay_bits = None;
        if bits.read_bit("timing_info_present_flag")? {
            let units: u32 = bits.read::<32, _>("num_units_in_display_tick")?;
            let scale: u32 = bits.read::<32, _>("time_scale")?;
            if bits.read_bit("equal_picture_interval")? {
                let ticks = u64::from(bits.read_ue("num_ticks_per_picture_minus_1")?) + 1;
                let fps = u64::from(scale) * 1000 / (u64::from(units) * ticks).max(1);
                fps_milli = u32::try_from(fps).ok().filter(|fps| (1_000..=1_000_000).contains(fps));
            }
            if bits.read_bit("decoder_model_info_present_flag")? {
                delay_bits = Some(bits.read::<5, u32>("buffer_delay_length_minus_1")? + 1);
                bits.skip(32 + 5 + 5, "decoder_model_info")?;
            }
        }
        let delay_present = bits.read_bit("initial_display_delay_present_flag")?;
        for _ in 0..=bits.read::<5, u8>("operating_points_cnt_minus_1")? {
            bits.skip(12, "operating_point_idc")?;
            if bits.read::<5, u8>("seq_level_idx")? > 7 {
                bits.skip(1, "seq_tier")?;
            }
            if let Some(length) = delay_bits
                && bits.read_bit("decoder_model_present_for_this_op")?
            {
                bits.skip(2 * length + 1, "operating_parameters_info")?;
            }
            if delay_present && bits.read_bit("initial_display_delay_present_for_this_op")? {
                bits.skip(4, "initial_display_delay_minus_1")?;
            }
        }
    }
    let width_bits = bits.read::<4, u32>("frame_width_bits_minus_1")? + 1;
    let height_bits = bits.read::<4, u32>("frame_height_bits_minus_1")? + 1;
    let width = bits.read_var::<u32>(width_bits, "max_frame_width_minus_1")? + 1;
    let height = bits.read_var::<u32>(height_bits, "max_frame_height_minus_1")? + 1;
    Ok(Sequence { width, height, fps_milli })
}

/// Whether decoding can start at this temporal unit: its first frame is a key frame that is shown.
pub fn is_key(data: &[u8]) -> bool {
    let first = obus(data).find(|(kind, _)| matches!(*kind, FRAME | FRAME_HEADER));
    // show_existing_frame (0), frame_type (KEY_FRAME, 0), show_frame (1).
    first.and_then(|(_, payload)| payload.first()).is_some_and(|byte| byte >> 4 == 0b0001)
}

/// The temporal unit as MP4 wants it: without the delimiter that some encoders put in front.
pub fn without_delimiter(data: Bytes) -> Bytes {
    match data.get(..2) {
        Some([header, 0]) if header >> 3 & 0x0f == TEMPORAL_DELIMITER && header & 0x06 == 0x02 => data.slice(2..),
        _ => data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{AV1_CONFIG, AV1_KEY_FRAME};

    #[test]
    fn reads_a_configuration() {
        let config = Bytes::from_static(AV1_CONFIG);
        let said = format(&config, None).unwrap().unwrap();
        assert_eq!((said.width, said.height, said.codecs.as_str()), (640, 360, "av01.0.01M.08"));
        assert_eq!((said.profile.as_str(), said.players), ("Main", Players::Some));
        // The sequence header may also be with the key frames only.
        let short = config.slice(..4);
        assert_eq!(format(&short, None), Ok(None));
        let said = format(&short, Some(AV1_KEY_FRAME)).unwrap().unwrap();
        assert_eq!((said.width, said.height), (640, 360));
    }

    #[test]
    fn key_frames() {
        assert!(is_key(AV1_KEY_FRAME));
        for (unit, want) in [
            (&[0x32, 1, 0x10][..], true),
            (&[0x12, 0, 0x32, 1, 0x10], true),
            // Not shown, not a key frame, one that was sent before.
            (&[0x32, 1, 0x00], false),
            (&[0x32, 1, 0x30], false),
            (&[0x1a, 1, 0x80], false),
            (&[0x32, 9, 0x10], false),
            (&[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], false),
            (&[], false),
        ] {
            assert_eq!(is_key(unit), want, "{unit:02x?}");
        }
        let unit = Bytes::from_static(&[0x12, 0, 0x32, 1, 0x10]);
        assert_eq!(without_delimiter(unit.clone()), unit.slice(2..));
        assert_eq!(without_delimiter(unit.slice(2..)), unit.slice(2..));
    }
}
