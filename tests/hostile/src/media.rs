//! What an encoder puts into its messages.

use bytes::Bytes;
use rivulet_media::flv::{self, Body, Tag};
use rivulet_media::{AudioCodec, AudioFormat, VideoCodec, VideoFormat, cmaf};

/// Bodies of video and audio messages, classic and enhanced: nothing is read beyond the end, and
/// what is passed on is the message's own bytes.
pub fn flv_tag(data: &[u8]) {
    let Some((track, body)) = data.split_first() else { return };
    let body = Bytes::copy_from_slice(body);
    match track % 2 {
        0 => {
            let mut tags = Vec::new();
            if flv::video(body.clone(), &mut tags).is_ok() {
                // The configuration of AV1 may come in another form, and is then written anew.
                passed_on(&body, &tags, |tag| tag.codec == VideoCodec::Av1);
            }
        }
        _ => {
            let mut tags = Vec::new();
            if flv::audio(body.clone(), &mut tags).is_ok() {
                passed_on(&body, &tags, |_| false);
            }
        }
    }
}

fn passed_on<Codec>(body: &Bytes, tags: &[Tag<Codec>], written_anew: impl Fn(&Tag<Codec>) -> bool) {
    let whole = body.as_ptr_range();
    for tag in tags {
        let data = match &tag.body {
            Body::Config(_) if written_anew(tag) => continue,
            Body::Config(data) | Body::Frame { data, .. } => data.as_ptr_range(),
        };
        assert!(data.is_empty() || (whole.start < data.start && data.end <= whole.end));
    }
}

/// Configuration records, by codec: what is accepted is of use to a player, and can be packed.
pub fn codec_configuration(data: &[u8]) {
    let Some((codec, config)) = data.split_first() else { return };
    let (video, audio) = match codec % 6 {
        0 => (Some(VideoCodec::Avc), AudioCodec::Aac),
        1 => (None, AudioCodec::Aac),
        2 => (Some(VideoCodec::Hevc), AudioCodec::Aac),
        3 => (Some(VideoCodec::Av1), AudioCodec::Aac),
        4 => (Some(VideoCodec::Vp9), AudioCodec::Aac),
        _ => (None, AudioCodec::Opus),
    };
    let Some(codec) = video else {
        if let Ok(format) = AudioFormat::read(audio, &Bytes::copy_from_slice(config)) {
            assert!((7_350..=96_000).contains(&format.sample_rate()));
        }
        return;
    };
    // Some records leave to the first key frame what they do not say; it comes behind them.
    let at = match codec {
        VideoCodec::Av1 | VideoCodec::Vp9 => config.len().min(16),
        VideoCodec::Avc | VideoCodec::Hevc => config.len(),
    };
    let (config, key_frame) = config.split_at(at);
    if let Ok(Some(format)) = VideoFormat::read(codec, &Bytes::copy_from_slice(config), Some(key_frame)) {
        assert!(format.width >= 16 && format.height >= 16);
        assert!(format.codecs.starts_with(codec.fourcc()));
        let _ = format.is_key(key_frame);
        assert!(cmaf::video_init(&format).is_ok(), "{format:?}");
    }
}

/// A picture's NAL units: their lengths add up, or it is refused.
pub fn nal_units(data: &[u8]) {
    let Some((size, picture)) = data.split_first() else { return };
    let length_size = usize::from(size % 4) + 1;
    for (codec, is_idr) in [(VideoCodec::Avc, idr_of_avc as fn(u8) -> bool), (VideoCodec::Hevc, irap_of_hevc)] {
        let format = VideoFormat {
            codec,
            config: Bytes::new(),
            width: 16,
            height: 16,
            fps_milli: None,
            codecs: String::new(),
            profile: String::new(),
            players: rivulet_media::Players::All,
            length_size,
        };
        assert_eq!(format.is_key(picture).ok(), walk(picture, length_size, is_idr));
    }
}

fn idr_of_avc(header: u8) -> bool {
    header & 0x1f == 5
}

fn irap_of_hevc(header: u8) -> bool {
    (16..=21).contains(&(header >> 1 & 0x3f))
}

/// Whether one of the units is wanted, read byte by byte; `None` where lengths do not add up.
fn walk(picture: &[u8], length_size: usize, wanted: fn(u8) -> bool) -> Option<bool> {
    let (mut at, mut found) = (0, false);
    while at < picture.len() {
        let mut length = 0;
        for _ in 0..length_size {
            length = length << 8 | usize::from(*picture.get(at)?);
            at += 1;
        }
        if length == 0 || length > picture.len() - at {
            return None;
        }
        found |= wanted(picture[at]);
        at += length;
    }
    Some(found)
}
