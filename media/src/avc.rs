//! H.264 as carried in RTMP and MP4: the `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15). Its
//! sequence parameter set is read by `h264-reader`.

use crate::format::{ConfigError, Players, VideoCodec, VideoFormat};
use crate::nal::{self, BrokenLength};
use bytes::Bytes;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};

pub fn format(config: &Bytes) -> Result<VideoFormat, ConfigError> {
    let unreadable = |e: &dyn std::fmt::Debug| broken(&format!("{e:?}"));
    let Record { length_size, sps } = Record::read(config)?;
    let sps = SeqParameterSet::from_bits(RefNal::new(sps, &[], true).rbsp_bits()).map_err(|e| unreadable(&e))?;
    let (width, height) = sps.pixel_dimensions().map_err(|e| unreadable(&e))?;
    let progressive = matches!(sps.frame_mbs_flags, h264_reader::nal::sps::FrameMbsFlags::Frames);
    let chroma = &sps.chroma_info;
    let eight_bit_420 = chroma.chroma_format == h264_reader::nal::sps::ChromaFormat::YUV420
        && chroma.bit_depth_luma_minus8 == 0
        && chroma.bit_depth_chroma_minus8 == 0;
    let fps = sps.fps().filter(|fps| (1.0..=1000.0).contains(fps));
    let (profile, constraints, level) = (config[1], config[2], config[3]);
    Ok(VideoFormat {
        codec: VideoCodec::Avc,
        config: config.clone(),
        width,
        height,
        fps_milli: fps.map(|fps| (fps * 1000.0).round() as u32),
        codecs: codec_string(profile, constraints, level),
        profile: profile_name(profile).into(),
        players: if progressive && eight_bit_420 { Players::All } else { Players::None },
        length_size,
    })
}

/// RFC 6381, 3.3.
pub fn codec_string(profile: u8, constraints: u8, level: u8) -> String {
    format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
}

fn broken(reason: &str) -> ConfigError {
    ConfigError { codec: VideoCodec::Avc.name(), reason: reason.to_owned() }
}

/// What [`format`] needs of a record.
struct Record<'a> {
    length_size: usize,
    /// The first one; encoders send no other.
    sps: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(config: &'a [u8]) -> Result<Self, ConfigError> {
        let [1, _, _, _, lengths, sps_count, rest @ ..] = config else {
            return Err(broken("not a record of version 1"));
        };
        let mut rest = rest;
        let mut sps = None;
        for _ in 0..sps_count & 0x1f {
            let set = parameter_set(&mut rest, 7)?;
            sps.get_or_insert(set);
        }
        let sps = sps.ok_or_else(|| broken("no sequence parameter set"))?;
        match rest.split_off_first() {
            None | Some(0) => return Err(broken("no picture parameter set")),
            Some(_) => parameter_set(&mut rest, 8)?,
        };
        Ok(Self { length_size: usize::from(lengths & 3) + 1, sps })
    }
}

/// The next parameter set of a record, which has to be of this type.
fn parameter_set<'a>(rest: &mut &'a [u8], nal_type: u8) -> Result<&'a [u8], ConfigError> {
    let cut_short = || broken("cut short");
    let (length, body) = rest.split_first_chunk::<2>().ok_or_else(cut_short)?;
    let (set, after) = body.split_at_checked(u16::from_be_bytes(*length).into()).ok_or_else(cut_short)?;
    *rest = after;
    match set.first().map(|header| header & 0x1f) {
        Some(found) if found == nal_type => Ok(set),
        _ => Err(broken(&format!("a parameter set is not of type {nal_type}"))),
    }
}

fn profile_name(profile_idc: u8) -> &'static str {
    match profile_idc {
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4",
        _ => "unknown profile",
    }
}

/// Whether decoding can start at this packet: it has an IDR picture.
pub fn is_key(data: &[u8], length_size: usize) -> Result<bool, BrokenLength> {
    nal::any(data, length_size, |header| header & 0x1f == 5)
}

/// `AVCDecoderConfigurationRecord` from the length-prefixed parameter sets of an encoder.
pub fn avc_config(extradata: &[u8]) -> Option<Vec<u8>> {
    let (mut sps, mut pps) = (None, None);
    let mut rest = extradata;
    while let Some((length, body)) = rest.split_first_chunk::<4>() {
        let (nal, after) = body.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        match nal.first()? & 0x1f {
            7 => sps = Some(nal),
            8 => pps = Some(nal),
            _ => {}
        }
        rest = after;
    }
    let (sps, pps) = (sps?, pps?);
    let mut config = vec![1, *sps.get(1)?, *sps.get(2)?, *sps.get(3)?, 0xff, 0xe1];
    config.extend((sps.len() as u16).to_be_bytes());
    config.extend(sps);
    config.push(1);
    config.extend((pps.len() as u16).to_be_bytes());
    config.extend(pps);
    if *sps.get(1)? >= 100 {
        // High profile: 4:2:0, 8 bits, no extensions.
        config.extend([0xfd, 0xf8, 0xf8, 0]);
    }
    Some(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::CONFIG_720P;

    #[test]
    fn reads_a_configuration() {
        let format = format(&Bytes::from_static(CONFIG_720P)).unwrap();
        assert_eq!((format.width, format.height, format.fps_milli), (1280, 720, Some(25_000)));
        assert_eq!(format.codecs, "avc1.64001f");
        assert_eq!((format.profile.as_str(), format.players, format.length_size), ("High", Players::All, 4));
    }

    #[test]
    fn refuses_configurations_without_parameter_sets() {
        assert!(format(&Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xff, 0xe0, 0])).is_err());
        assert!(format(&Bytes::new()).is_err());
        // A parameter set of no bytes at all.
        assert!(format(&Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0, 1, 0, 0])).is_err());
    }
}
