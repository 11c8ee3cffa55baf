//! Bodies of FLV audio and video tags, which are also the bodies of RTMP audio and video
//! messages: classic ones (Adobe FLV 10.1, E.4) and enhanced ones (Enhanced RTMP v2), which name
//! codecs by FourCC and may carry several tracks and a finer timestamp.

use crate::av1;
use crate::format::{AudioCodec, VideoCodec};
use bytes::{Buf, Bytes};

/// One track's part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<Codec> {
    /// 0 is the one that a receiver of one track should take.
    pub track: u8,
    pub codec: Codec,
    /// To be added to the message's timestamp; below a millisecond if the sender is right.
    pub offset_ns: u32,
    pub body: Body,
}

pub type VideoTag = Tag<VideoCodec>;
pub type AudioTag = Tag<AudioCodec>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The codec's configuration record.
    Config(Bytes),
    /// Coded pictures of one time, shown this much later than decoded, or coded sound.
    Frame { cts_ms: i32, data: Bytes },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlvError {
    #[error("video in {0} is not supported; set the encoder to H.264, HEVC, AV1 or VP9")]
    VideoCodec(String),
    #[error("audio in {0} is not supported; set the encoder to AAC or Opus")]
    AudioCodec(String),
    #[error("a media message is cut short")]
    Truncated,
}

/// Reads of a peer's bytes that may not be there.
trait Checked {
    fn need(&self, bytes: usize) -> Result<(), FlvError>;
    fn u8(&mut self) -> Result<u8, FlvError>;
    fn u24(&mut self) -> Result<u32, FlvError>;
    fn part(&mut self, bytes: usize) -> Result<Bytes, FlvError>;
}

impl Checked for Bytes {
    fn need(&self, bytes: usize) -> Result<(), FlvError> {
        if self.len() < bytes { Err(FlvError::Truncated) } else { Ok(()) }
    }

    fn u8(&mut self) -> Result<u8, FlvError> {
        self.need(1)?;
        Ok(self.get_u8())
    }

    fn u24(&mut self) -> Result<u32, FlvError> {
        self.need(3)?;
        Ok(self.get_uint(3) as u32)
    }

    fn part(&mut self, bytes: usize) -> Result<Bytes, FlvError> {
        self.need(bytes)?;
        Ok(self.split_to(bytes))
    }
}

/// 24-bit two's complement.
fn composition_time(data: &mut Bytes) -> Result<i32, FlvError> {
    Ok((data.u24()? as i32) << 8 >> 8)
}

/// Appends what is in a video message to `out`. Messages without pictures or configuration add
/// nothing.
pub fn video(mut data: Bytes, out: &mut Vec<VideoTag>) -> Result<(), FlvError> {
    const COMMAND: u8 = 5;
    if data.is_empty() {
        return Ok(());
    }
    let first = data.get_u8();
    let command = first >> 4 & 7 == COMMAND;
    if first & 0x80 != 0 {
        let head = Extended::read(first & 0x0f, &mut data)?;
        return if command { Ok(()) } else { head.tracks(VIDEO_MULTITRACK, data, enhanced_video, out) };
    }
    if command {
        return Ok(());
    }
    match first & 0x0f {
        7 => {}
        2 => return Err(FlvError::VideoCodec("Sorenson H.263".into())),
        3 | 6 => return Err(FlvError::VideoCodec("Screen Video".into())),
        4 | 5 => return Err(FlvError::VideoCodec("VP6".into())),
        12 => return Err(FlvError::VideoCodec("HEVC without enhanced RTMP".into())),
        13 => return Err(FlvError::VideoCodec("AV1 without enhanced RTMP".into())),
        codec => return Err(FlvError::VideoCodec(format!("codec number {codec}"))),
    }
    let packet_type = data.u8()?;
    let cts_ms = composition_time(&mut data)?;
    let body = match packet_type {
        0 => Body::Config(data),
        1 if !data.is_empty() => Body::Frame { cts_ms, data },
        _ => return Ok(()),
    };
    out.push(Tag { track: 0, codec: VideoCodec::Avc, offset_ns: 0, body });
    Ok(())
}

const VIDEO_MULTITRACK: u8 = 6;
const AUDIO_MULTITRACK: u8 = 5;

/// What goes before the tracks of an enhanced message.
struct Extended {
    packet_type: u8,
    offset_ns: u32,
}

/// Codec and content of one track of an enhanced message.
type Track<Codec> = fn(u8, [u8; 4], Bytes) -> Result<(Codec, Option<Body>), FlvError>;

impl Extended {
    /// Reads the extensions of the header (ModEx); those that are unknown are skipped.
    fn read(mut packet_type: u8, data: &mut Bytes) -> Result<Self, FlvError> {
        const MOD_EX: u8 = 7;
        const TIMESTAMP_OFFSET_NANO: u8 = 0;
        let mut offset_ns = 0;
        while packet_type == MOD_EX {
            let mut size = usize::from(data.u8()?) + 1;
            if size == 256 {
                data.need(2)?;
                size = usize::from(data.get_u16()) + 1;
            }
            let mut extension = data.part(size)?;
            let kind = data.u8()?;
            packet_type = kind & 0x0f;
            if kind >> 4 == TIMESTAMP_OFFSET_NANO {
                offset_ns = extension.u24()?;
            }
        }
        Ok(Self { packet_type, offset_ns })
    }

    fn tracks<Codec>(
        self,
        multitrack: u8,
        mut data: Bytes,
        read: Track<Codec>,
        out: &mut Vec<Tag<Codec>>,
    ) -> Result<(), FlvError> {
        const ONE_TRACK: u8 = 0;
        const MANY_TRACKS_MANY_CODECS: u8 = 2;
        let Self { mut packet_type, offset_ns } = self;
        let fourcc = |data: &mut Bytes| {
            data.need(4)?;
            let mut fourcc = [0; 4];
            data.copy_to_slice(&mut fourcc);
            Ok(fourcc)
        };
        let mut push = |track, packet_type, codec, data| {
            let (codec, body) = read(packet_type, codec, data)?;
            out.extend(body.map(|body| Tag { track, codec, offset_ns, body }));
            Ok(())
        };
        if packet_type != multitrack {
            let codec = fourcc(&mut data)?;
            return push(0, packet_type, codec, data);
        }
        let kind = data.u8()?;
        packet_type = kind & 0x0f;
        let kind = kind >> 4;
        let shared = if kind == MANY_TRACKS_MANY_CODECS { None } else { Some(fourcc(&mut data)?) };
        while !data.is_empty() {
            let codec = match shared {
                Some(codec) => codec,
                None => fourcc(&mut data)?,
            };
            let track = data.u8()?;
            let content = match kind {
                ONE_TRACK => std::mem::take(&mut data),
                _ => {
                    let size = data.u24()?;
                    data.part(size as usize)?
                }
            };
            push(track, packet_type, codec, content)?;
        }
        Ok(())
    }
}

fn printable(fourcc: [u8; 4]) -> String {
    fourcc.iter().map(|b| if b.is_ascii_graphic() { *b as char } else { '?' }).collect()
}

fn enhanced_video(packet_type: u8, fourcc: [u8; 4], mut data: Bytes) -> Result<(VideoCodec, Option<Body>), FlvError> {
    const SEQUENCE_START: u8 = 0;
    const CODED_FRAMES: u8 = 1;
    const CODED_FRAMES_X: u8 = 3;
    let known = VideoCodec::ALL.into_iter().find(|codec| codec.fourcc().as_bytes() == fourcc);
    let Some(codec) = known else {
        return Err(FlvError::VideoCodec(format!("codec {}", printable(fourcc))));
    };
    let body = match packet_type {
        SEQUENCE_START => Some(Body::Config(data)),
        CODED_FRAMES | CODED_FRAMES_X => {
            let reorders = matches!(codec, VideoCodec::Avc | VideoCodec::Hevc);
            let cts_ms = if reorders && packet_type == CODED_FRAMES { composition_time(&mut data)? } else { 0 };
            let data = if codec == VideoCodec::Av1 { av1::without_delimiter(data) } else { data };
            (!data.is_empty()).then_some(Body::Frame { cts_ms, data })
        }
        // The end of a sequence, colours, and what is for MPEG-2 TS.
        _ => None,
    };
    Ok((codec, body))
}

/// Appends what is in an audio message to `out`; see [`video`].
pub fn audio(mut data: Bytes, out: &mut Vec<AudioTag>) -> Result<(), FlvError> {
    if data.is_empty() {
        return Ok(());
    }
    let first = data.get_u8();
    let name = match first >> 4 {
        10 => {
            let body = match data.u8()? {
                0 => Body::Config(data),
                1 if !data.is_empty() => Body::Frame { cts_ms: 0, data },
                _ => return Ok(()),
            };
            out.push(Tag { track: 0, codec: AudioCodec::Aac, offset_ns: 0, body });
            return Ok(());
        }
        9 => {
            let head = Extended::read(first & 0x0f, &mut data)?;
            return head.tracks(AUDIO_MULTITRACK, data, enhanced_audio, out);
        }
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 | 8 => "G.711",
        11 => "Speex",
        13 => "Opus without enhanced RTMP",
        other => return Err(FlvError::AudioCodec(format!("codec number {other}"))),
    };
    Err(FlvError::AudioCodec(name.into()))
}

fn enhanced_audio(packet_type: u8, fourcc: [u8; 4], data: Bytes) -> Result<(AudioCodec, Option<Body>), FlvError> {
    const SEQUENCE_START: u8 = 0;
    const CODED_FRAMES: u8 = 1;
    let known = AudioCodec::ALL.into_iter().find(|codec| codec.fourcc().as_bytes() == fourcc);
    let Some(codec) = known else {
        return Err(FlvError::AudioCodec(match &fourcc {
            b"fLaC" => "FLAC".into(),
            b".mp3" => "MP3".into(),
            b"ac-3" | b"ec-3" => "Dolby AC-3".into(),
            _ => format!("codec {}", printable(fourcc)),
        }));
    };
    let body = match packet_type {
        SEQUENCE_START => Some(Body::Config(data)),
        CODED_FRAMES if !data.is_empty() => Some(Body::Frame { cts_ms: 0, data }),
        // The end of a sequence; the layout of channels, which the configuration has, too.
        _ => None,
    };
    Ok((codec, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn b(data: &[u8]) -> Bytes {
        Bytes::copy_from_slice(data)
    }

    fn read_video(data: &[u8]) -> Result<Vec<VideoTag>, FlvError> {
        let mut tags = Vec::new();
        video(b(data), &mut tags).map(|()| tags)
    }

    fn read_audio(data: &[u8]) -> Result<Vec<AudioTag>, FlvError> {
        let mut tags = Vec::new();
        audio(b(data), &mut tags).map(|()| tags)
    }

    fn config(data: &[u8]) -> Body {
        Body::Config(b(data))
    }

    fn frame(cts_ms: i32, data: &[u8]) -> Body {
        Body::Frame { cts_ms, data: b(data) }
    }

    #[test]
    fn video_tags() {
        use VideoCodec::*;
        let one = |codec, body| Ok(vec![Tag { track: 0, codec, offset_ns: 0, body }]);
        let unsupported = |name: &str| Err(FlvError::VideoCodec(name.into()));
        for (bytes, want) in [
            (&[0x17, 0, 0, 0, 0, 9, 9][..], one(Avc, config(&[9, 9]))),
            (&[0x17, 1, 0, 0, 40, 7], one(Avc, frame(40, &[7]))),
            (&[0x27, 1, 0xff, 0xff, 0xff, 7], one(Avc, frame(-1, &[7]))),
            (&[0x17, 2, 0, 0, 0], Ok(vec![])),
            (&[0x57, 0], Ok(vec![])),
            (&[0x17, 1, 0], Err(FlvError::Truncated)),
            (&[0x1c, 0, 0, 0, 0], unsupported("HEVC without enhanced RTMP")),
            (&[0x12, 0, 0, 0, 0], unsupported("Sorenson H.263")),
            (b"\x90hvc1\x01", one(Hevc, config(&[1]))),
            (b"\x90avc1\x05", one(Avc, config(&[5]))),
            (b"\x91avc1\x00\x00\x02\x05", one(Avc, frame(2, &[5]))),
            (b"\xa1hvc1\xff\xff\xfe\x05", one(Hevc, frame(-2, &[5]))),
            (b"\xa3hvc1\x05", one(Hevc, frame(0, &[5]))),
            // Without re-ordering there is no composition time.
            (b"\xa1av01\x32\x01\x10", one(Av1, frame(0, &[0x32, 1, 0x10]))),
            (b"\xa1av01\x12\x00\x32\x01\x10", one(Av1, frame(0, &[0x32, 1, 0x10]))),
            (b"\x91vp09\x82", one(Vp9, frame(0, &[0x82]))),
            // The end, colours, MPEG-2 TS, a command.
            (b"\x92hvc1", Ok(vec![])),
            (b"\xd4hvc1\x02", Ok(vec![])),
            (b"\x95av01\x80", Ok(vec![])),
            (b"\xd1\x00", Ok(vec![])),
            (b"\x91hvc1\x00\x00", Err(FlvError::Truncated)),
            (b"\x91hv", Err(FlvError::Truncated)),
            (b"\x90vvc1\x01", unsupported("codec vvc1")),
        ] {
            assert_eq!(read_video(bytes), want, "{bytes:02x?}");
        }
    }

    #[test]
    fn several_tracks_in_a_message() {
        use VideoCodec::*;
        let tag = |track, codec, body| Tag { track, codec, offset_ns: 0, body };
        for (bytes, want) in [
            // One track; its length is the message's.
            (&b"\x96\x00avc1\x01\x05"[..], Ok(vec![tag(1, Avc, config(&[5]))])),
            (b"\xa6\x03avc1\x02\x05\x06", Ok(vec![tag(2, Avc, frame(0, &[5, 6]))])),
            // Many tracks of one codec.
            (
                b"\xa6\x11hvc1\x00\x00\x00\x04\x00\x00\x01\x07\x01\x00\x00\x05\x00\x00\x00\x08\x09",
                Ok(vec![tag(0, Hevc, frame(1, &[7])), tag(1, Hevc, frame(0, &[8, 9]))]),
            ),
            // Many tracks of many codecs.
            (
                b"\xa6\x21avc1\x00\x00\x00\x04\x00\x00\x00\x07vp09\x01\x00\x00\x01\x08",
                Ok(vec![tag(0, Avc, frame(0, &[7])), tag(1, Vp9, frame(0, &[8]))]),
            ),
            (b"\xa6\x11hvc1\x00\x00\x00\x09\x00\x00\x01\x07", Err(FlvError::Truncated)),
            (b"\xa6\x21avc1\x00\x00", Err(FlvError::Truncated)),
            (b"\xa6\x21none\x00\x00\x00\x01\x07", Err(FlvError::VideoCodec("codec none".into()))),
        ] {
            assert_eq!(read_video(bytes), want, "{bytes:02x?}");
        }
        let want = vec![
            Tag { track: 0, codec: AudioCodec::Aac, offset_ns: 0, body: frame(0, &[1]) },
            Tag { track: 1, codec: AudioCodec::Opus, offset_ns: 0, body: frame(0, &[2, 3]) },
        ];
        assert_eq!(read_audio(b"\x95\x21mp4a\x00\x00\x00\x01\x01Opus\x01\x00\x00\x02\x02\x03"), Ok(want));
    }

    #[test]
    fn extensions_of_the_header() {
        let tag = |offset_ns, body| Ok(vec![Tag { track: 0, codec: VideoCodec::Avc, offset_ns, body }]);
        let long = [&b"\xa7\xff\x00\xff"[..], &[1; 256], b"\x13avc1\x05"].concat();
        for (bytes, want) in [
            (&b"\xa7\x02\x01\x00\x00\x03avc1\x05"[..], tag(65_536, frame(0, &[5]))),
            // One that is not known, then the one that is.
            (b"\xa7\x00\xaa\x17\x02\x00\x00\x07\x03avc1\x05", tag(7, frame(0, &[5]))),
            (&long, tag(0, frame(0, &[5]))),
            (b"\xa7\x01\x00\x00\x03avc1\x05", Err(FlvError::Truncated)),
            (b"\xa7\x09\x00", Err(FlvError::Truncated)),
        ] {
            assert_eq!(read_video(bytes), want, "{bytes:02x?}");
        }
        let want = Tag { track: 0, codec: AudioCodec::Aac, offset_ns: 500_000, body: frame(0, &[8]) };
        assert_eq!(read_audio(b"\x97\x02\x07\xa1\x20\x01mp4a\x08"), Ok(vec![want]));
    }

    #[test]
    fn audio_tags() {
        use AudioCodec::*;
        let one = |codec, body| Ok(vec![Tag { track: 0, codec, offset_ns: 0, body }]);
        let unsupported = |name: &str| Err(FlvError::AudioCodec(name.into()));
        for (bytes, want) in [
            (&[0xaf, 0, 0x11, 0x90][..], one(Aac, config(&[0x11, 0x90]))),
            (&[0xaf, 1, 3], one(Aac, frame(0, &[3]))),
            (&[0xaf, 1], Ok(vec![])),
            (&[0xaf], Err(FlvError::Truncated)),
            (&[0x2f, 1], unsupported("MP3")),
            (&[0xd0, 1], unsupported("Opus without enhanced RTMP")),
            (b"\x90OpusOpusHead", one(Opus, config(b"OpusHead"))),
            (b"\x91Opus\xf8", one(Opus, frame(0, &[0xf8]))),
            (b"\x94Opus\x01\x02\x00\x00\x00\x03", Ok(vec![])),
            (b"\x92mp4a", Ok(vec![])),
            (b"\x91mp4a\x08", one(Aac, frame(0, &[8]))),
            (b"\x90fLaC", unsupported("FLAC")),
        ] {
            assert_eq!(read_audio(bytes), want, "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(data in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_video(&data);
            let _ = read_audio(&data);
        }

        /// Also of those that begin well.
        #[test]
        fn any_tracks_give_an_answer(kind in 0..3u8, data in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_video(&[&[0xa6, kind << 4 | 1][..], b"hvc1", &data].concat());
            let _ = read_audio(&[&[0x95, kind << 4 | 1][..], b"mp4a", &data].concat());
        }
    }
}
