//! H.264 as carried in RTMP and MP4: the `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15). The
//! parameter sets are read by `h264-reader`.

use crate::format::{ConfigError, Players, VideoCodec, VideoFormat};
use crate::nal::{self, BrokenLength};
use bytes::Bytes;
use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};

pub fn format(config: &Bytes) -> Result<VideoFormat, ConfigError> {
    let broken = |reason: String| ConfigError { codec: VideoCodec::Avc.name(), reason };
    let unreadable = |e: &dyn std::fmt::Debug| broken(format!("{e:?}"));
    let record = AvcDecoderConfigurationRecord::try_from(config.as_ref()).map_err(|e| unreadable(&e))?;
    let first = record.sequence_parameter_sets().next().ok_or_else(|| broken("no sequence parameter set".into()))?;
    let sps = first.map_err(|e| unreadable(&e))?;
    let first = record.picture_parameter_sets().next().ok_or_else(|| broken("no picture parameter set".into()))?;
    first.map_err(|e| unreadable(&e))?;
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
        codecs: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
        profile: profile_name(profile).into(),
        players: if progressive && eight_bit_420 { Players::All } else { Players::None },
        length_size: usize::from(record.length_size_minus_one()) + 1,
    })
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
    }
}
