//! H.264 as carried in RTMP and MP4: the `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15) and
//! NAL units behind length prefixes. The sequence parameter set is read by `h264-reader`.

use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};

/// What the configuration says of an H.264 track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvcInfo {
    pub width: u32,
    pub height: u32,
    /// From the stream's own timing information; absent or wrong in many streams.
    pub fps_milli: Option<u32>,
    pub profile_idc: u8,
    pub constraint_flags: u8,
    pub level_idc: u8,
    /// 4:2:0 with 8 bits, progressive: what browsers decode.
    pub browser_playable: bool,
    /// Bytes of the length before each NAL unit.
    pub length_size: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AvcError {
    #[error("the H.264 configuration cannot be read: {0}")]
    Config(String),
    #[error("the H.264 configuration has no sequence parameter set")]
    NoSps,
    #[error("the H.264 configuration has no picture parameter set")]
    NoPps,
    #[error("a NAL unit is longer than its packet")]
    NalLength,
}

impl AvcInfo {
    pub fn parse(config: &[u8]) -> Result<Self, AvcError> {
        let broken = |e: &dyn std::fmt::Debug| AvcError::Config(format!("{e:?}"));
        let Record { length_size, sps } = Record::read(config)?;
        let sps = SeqParameterSet::from_bits(RefNal::new(sps, &[], true).rbsp_bits()).map_err(|e| broken(&e))?;
        let (width, height) = sps.pixel_dimensions().map_err(|e| broken(&e))?;
        if width < 16 || height < 16 {
            return Err(AvcError::Config(format!("a picture of {width}x{height}")));
        }
        let progressive = matches!(sps.frame_mbs_flags, h264_reader::nal::sps::FrameMbsFlags::Frames);
        let chroma = &sps.chroma_info;
        let eight_bit_420 = chroma.chroma_format == h264_reader::nal::sps::ChromaFormat::YUV420
            && chroma.bit_depth_luma_minus8 == 0
            && chroma.bit_depth_chroma_minus8 == 0;
        let fps = sps.fps().filter(|fps| (1.0..=1000.0).contains(fps));
        Ok(Self {
            width,
            height,
            fps_milli: fps.map(|fps| (fps * 1000.0).round() as u32),
            profile_idc: config[1],
            constraint_flags: config[2],
            level_idc: config[3],
            browser_playable: progressive && eight_bit_420,
            length_size,
        })
    }

    /// RFC 6381 string for playlists.
    pub fn codec_string(&self) -> String {
        format!("avc1.{:02x}{:02x}{:02x}", self.profile_idc, self.constraint_flags, self.level_idc)
    }

    pub fn profile_name(&self) -> &'static str {
        match self.profile_idc {
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
}

/// What `AvcInfo` needs of a record.
struct Record<'a> {
    length_size: usize,
    /// The first one; encoders send no other.
    sps: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(config: &'a [u8]) -> Result<Self, AvcError> {
        let [1, _, _, _, lengths, sps_count, rest @ ..] = config else {
            return Err(AvcError::Config("not a record of version 1".into()));
        };
        let mut rest = rest;
        let mut sps = None;
        for _ in 0..sps_count & 0x1f {
            let set = parameter_set(&mut rest, 7)?;
            sps.get_or_insert(set);
        }
        let sps = sps.ok_or(AvcError::NoSps)?;
        match rest.split_off_first() {
            None | Some(0) => return Err(AvcError::NoPps),
            Some(_) => parameter_set(&mut rest, 8)?,
        };
        Ok(Self { length_size: usize::from(lengths & 3) + 1, sps })
    }
}

/// The next parameter set of a record, which has to be of this type.
fn parameter_set<'a>(rest: &mut &'a [u8], nal_type: u8) -> Result<&'a [u8], AvcError> {
    let cut_short = || AvcError::Config("cut short".into());
    let (length, body) = rest.split_first_chunk::<2>().ok_or_else(cut_short)?;
    let (set, after) = body.split_at_checked(u16::from_be_bytes(*length).into()).ok_or_else(cut_short)?;
    *rest = after;
    match set.first().map(|header| header & 0x1f) {
        Some(found) if found == nal_type => Ok(set),
        _ => Err(AvcError::Config(format!("a parameter set is not of type {nal_type}"))),
    }
}

/// Types of the NAL units of one packet; an error ends the walk.
pub fn nal_types(data: &[u8], length_size: usize) -> impl Iterator<Item = Result<u8, AvcError>> + '_ {
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let taken = std::mem::take(&mut rest);
        if taken.len() < length_size {
            return Some(Err(AvcError::NalLength));
        }
        let (length, body) = taken.split_at(length_size);
        let length = length.iter().fold(0usize, |sum, b| sum << 8 | usize::from(*b));
        match body.split_at_checked(length) {
            Some((nal, after)) if !nal.is_empty() => {
                rest = after;
                Some(Ok(nal[0] & 0x1f))
            }
            _ => Some(Err(AvcError::NalLength)),
        }
    })
}

/// Whether decoding can start at this packet, or an error where its lengths do not add up.
pub fn has_idr(data: &[u8], length_size: usize) -> Result<bool, AvcError> {
    nal_types(data, length_size).try_fold(false, |idr, nal| Ok(nal? == 5 || idr))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// x264, High, 1280x720, 25 frames a second.
    pub const CONFIG_720P: &[u8] = &[
        0x01, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb,
        0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x83, 0x19, 0x60, 0x01, 0x00,
        0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
    ];

    #[test]
    fn reads_a_configuration() {
        let info = AvcInfo::parse(CONFIG_720P).unwrap();
        assert_eq!((info.width, info.height, info.fps_milli), (1280, 720, Some(25_000)));
        assert_eq!(info.codec_string(), "avc1.64001f");
        assert!(info.browser_playable);
        assert_eq!(info.length_size, 4);
    }

    #[test]
    fn refuses_broken_configurations_without_panic() {
        for cut in 0..CONFIG_720P.len() - 4 {
            let _ = AvcInfo::parse(&CONFIG_720P[..cut]);
        }
        assert_eq!(AvcInfo::parse(&[1, 0x64, 0, 0x1f, 0xff, 0xe0, 0]), Err(AvcError::NoSps));
        assert!(AvcInfo::parse(&[]).is_err());
        // A parameter set of no bytes at all.
        assert!(AvcInfo::parse(&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0, 1, 0, 0]).is_err());
    }

    #[test]
    fn walks_nal_units() {
        let idr = [0, 0, 0, 2, 6, 0, 0, 0, 0, 1, 0x65];
        assert_eq!(has_idr(&idr, 4), Ok(true));
        assert_eq!(has_idr(&[0, 0, 0, 1, 0x41], 4), Ok(false));
        assert_eq!(has_idr(&[0, 0, 0, 9, 0x65], 4), Err(AvcError::NalLength));
        assert_eq!(has_idr(&[0, 0], 4), Err(AvcError::NalLength));
        assert_eq!(has_idr(&[0, 1, 0x65], 2), Ok(true));
    }
}
