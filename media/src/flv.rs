//! Bodies of FLV audio and video tags, which are also the bodies of RTMP audio and video
//! messages: classic ones (Adobe FLV 10.1, E.4) and enhanced ones (E-RTMP v2, FourCC) for the
//! codecs we take.

use bytes::{Buf, Bytes};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoTag {
    /// `AVCDecoderConfigurationRecord`.
    Config(Bytes),
    Frame {
        key: bool,
        cts_ms: i32,
        data: Bytes,
    },
    /// End of sequence, or information without a picture.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioTag {
    /// `AudioSpecificConfig`.
    Config(Bytes),
    Frame(Bytes),
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlvError {
    #[error("video in {0} is not supported; set the encoder to H.264")]
    VideoCodec(String),
    #[error("audio in {0} is not supported; set the encoder to AAC")]
    AudioCodec(String),
    #[error("a media message is cut short")]
    Truncated,
}

fn need(data: &Bytes, bytes: usize) -> Result<(), FlvError> {
    if data.len() < bytes { Err(FlvError::Truncated) } else { Ok(()) }
}

fn composition_time(data: &mut Bytes) -> Result<i32, FlvError> {
    need(data, 3)?;
    let raw = data.get_uint(3) as i32;
    // 24-bit two's complement.
    Ok((raw << 8) >> 8)
}

fn fourcc(data: &mut Bytes) -> Result<String, FlvError> {
    need(data, 4)?;
    Ok(data.split_to(4).iter().map(|b| if b.is_ascii_graphic() { *b as char } else { '?' }).collect())
}

pub fn video(mut data: Bytes) -> Result<VideoTag, FlvError> {
    if data.is_empty() {
        return Ok(VideoTag::Nothing);
    }
    let first = data.get_u8();
    if first & 0x80 != 0 {
        return enhanced_video(first, data);
    }
    let codec = first & 0x0f;
    if first >> 4 == 5 {
        return Ok(VideoTag::Nothing);
    }
    if codec != 7 {
        let name = match codec {
            2 => "Sorenson H.263",
            3 | 6 => "Screen Video",
            4 | 5 => "VP6",
            12 => "HEVC (H.265)",
            13 => "AV1",
            _ => return Err(FlvError::VideoCodec(format!("codec number {codec}"))),
        };
        return Err(FlvError::VideoCodec(name.into()));
    }
    need(&data, 1)?;
    let packet_type = data.get_u8();
    let cts_ms = composition_time(&mut data)?;
    Ok(match packet_type {
        0 => VideoTag::Config(data),
        1 if !data.is_empty() => VideoTag::Frame { key: first >> 4 == 1, cts_ms, data },
        _ => VideoTag::Nothing,
    })
}

fn enhanced_video(first: u8, mut data: Bytes) -> Result<VideoTag, FlvError> {
    let key = first >> 4 & 7 == 1;
    let packet_type = first & 0x0f;
    if packet_type > 5 {
        return Err(FlvError::VideoCodec("multitrack or extended packets".into()));
    }
    let codec = fourcc(&mut data)?;
    if codec != "avc1" {
        let name = match codec.as_str() {
            "hvc1" => "HEVC (H.265)".into(),
            "av01" => "AV1".into(),
            "vp09" => "VP9".into(),
            _ => format!("codec {codec}"),
        };
        return Err(FlvError::VideoCodec(name));
    }
    Ok(match packet_type {
        0 => VideoTag::Config(data),
        1 => {
            let cts_ms = composition_time(&mut data)?;
            VideoTag::Frame { key, cts_ms, data }
        }
        3 => VideoTag::Frame { key, cts_ms: 0, data },
        _ => VideoTag::Nothing,
    })
}

pub fn audio(mut data: Bytes) -> Result<AudioTag, FlvError> {
    if data.is_empty() {
        return Ok(AudioTag::Nothing);
    }
    let first = data.get_u8();
    let name = match first >> 4 {
        10 => {
            need(&data, 1)?;
            return Ok(match data.get_u8() {
                0 => AudioTag::Config(data),
                1 if !data.is_empty() => AudioTag::Frame(data),
                _ => AudioTag::Nothing,
            });
        }
        9 => return enhanced_audio(first & 0x0f, data),
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 | 8 => "G.711",
        11 => "Speex",
        13 => "Opus",
        other => return Err(FlvError::AudioCodec(format!("codec number {other}"))),
    };
    Err(FlvError::AudioCodec(name.into()))
}

fn enhanced_audio(packet_type: u8, mut data: Bytes) -> Result<AudioTag, FlvError> {
    if packet_type > 4 {
        return Err(FlvError::AudioCodec("multitrack or extended packets".into()));
    }
    let codec = fourcc(&mut data)?;
    if codec != "mp4a" {
        let name = match codec.as_str() {
            "Opus" => "Opus".into(),
            "fLaC" => "FLAC".into(),
            ".mp3" => "MP3".into(),
            "ac-3" | "ec-3" => "Dolby AC-3".into(),
            _ => format!("codec {codec}"),
        };
        return Err(FlvError::AudioCodec(name));
    }
    Ok(match packet_type {
        0 => AudioTag::Config(data),
        1 if !data.is_empty() => AudioTag::Frame(data),
        _ => AudioTag::Nothing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn b(data: &[u8]) -> Bytes {
        Bytes::copy_from_slice(data)
    }

    #[test]
    fn video_tags() {
        let unsupported = |name: &str| Err(FlvError::VideoCodec(name.into()));
        for (bytes, want) in [
            (&[0x17, 0, 0, 0, 0, 9, 9][..], Ok(VideoTag::Config(b(&[9, 9])))),
            (&[0x17, 1, 0, 0, 40, 7], Ok(VideoTag::Frame { key: true, cts_ms: 40, data: b(&[7]) })),
            (&[0x27, 1, 0xff, 0xff, 0xff, 7], Ok(VideoTag::Frame { key: false, cts_ms: -1, data: b(&[7]) })),
            (&[0x17, 2, 0, 0, 0], Ok(VideoTag::Nothing)),
            (&[0x57, 0], Ok(VideoTag::Nothing)),
            (&[0x17, 1, 0], Err(FlvError::Truncated)),
            (&[0x1c, 0, 0, 0, 0], unsupported("HEVC (H.265)")),
            (&[0x12, 0, 0, 0, 0], unsupported("Sorenson H.263")),
            (&[0x90, b'h', b'v', b'c', b'1', 1], unsupported("HEVC (H.265)")),
            (&[0x90, b'a', b'v', b'c', b'1', 5], Ok(VideoTag::Config(b(&[5])))),
            (&[0x91, b'a', b'v', b'c', b'1', 0, 0, 2, 5], Ok(VideoTag::Frame { key: true, cts_ms: 2, data: b(&[5]) })),
            (&[0xa3, b'a', b'v', b'c', b'1', 5], Ok(VideoTag::Frame { key: false, cts_ms: 0, data: b(&[5]) })),
            (&[0x96, 0], unsupported("multitrack or extended packets")),
        ] {
            assert_eq!(video(b(bytes)), want, "{bytes:02x?}");
        }
    }

    #[test]
    fn audio_tags() {
        let unsupported = |name: &str| Err(FlvError::AudioCodec(name.into()));
        for (bytes, want) in [
            (&[0xaf, 0, 0x11, 0x90][..], Ok(AudioTag::Config(b(&[0x11, 0x90])))),
            (&[0xaf, 1, 3], Ok(AudioTag::Frame(b(&[3])))),
            (&[0xaf, 1], Ok(AudioTag::Nothing)),
            (&[0xaf], Err(FlvError::Truncated)),
            (&[0x2f, 1], unsupported("MP3")),
            (&[0xd0, 1], unsupported("Opus")),
            (&[0x90, b'O', b'p', b'u', b's'], unsupported("Opus")),
            (&[0x91, b'm', b'p', b'4', b'a', 8], Ok(AudioTag::Frame(b(&[8])))),
        ] {
            assert_eq!(audio(b(bytes)), want, "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(data in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = video(b(&data));
            let _ = audio(b(&data));
        }
    }
}
