//! What an encoder puts into its messages.

use bytes::Bytes;
use rivulet_media::aac::AacInfo;
use rivulet_media::avc::{self, AvcInfo};
use rivulet_media::flv::{self, AudioTag, VideoTag};

/// Bodies of video and audio messages, classic and enhanced: nothing is read beyond the end, and
/// what is passed on is the message's own bytes.
pub fn flv_tag(data: &[u8]) {
    let Some((track, body)) = data.split_first() else { return };
    let body = Bytes::copy_from_slice(body);
    let passed_on = match track % 2 {
        0 => match flv::video(body.clone()) {
            Ok(VideoTag::Config(data) | VideoTag::Frame { data, .. }) => data,
            Ok(VideoTag::Nothing) | Err(_) => return,
        },
        _ => match flv::audio(body.clone()) {
            Ok(AudioTag::Config(data) | AudioTag::Frame(data)) => data,
            Ok(AudioTag::Nothing) | Err(_) => return,
        },
    };
    assert!(body.ends_with(&passed_on) && passed_on.len() < body.len());
}

/// Configuration records, by codec: what is accepted is of use to a player.
pub fn codec_configuration(data: &[u8]) {
    let Some((codec, config)) = data.split_first() else { return };
    match codec % 2 {
        0 => {
            if let Ok(info) = AvcInfo::parse(config) {
                assert!(info.width >= 16 && info.height >= 16);
                assert!(info.fps_milli.is_none_or(|fps| (1_000..=1_000_000).contains(&fps)));
                assert!((1..=4).contains(&info.length_size));
                assert!(info.codec_string().starts_with("avc1.") && info.codec_string().len() == 11);
            }
        }
        _ => {
            if let Ok(info) = AacInfo::parse(config) {
                assert!((7_350..=96_000).contains(&info.sample_rate));
                assert!(info.channels < 16 && info.object_type < 96);
                assert!(info.codec_string().starts_with("mp4a.40."));
            }
        }
    }
}

/// A picture's NAL units: their lengths add up, or it is refused.
pub fn nal_units(data: &[u8]) {
    let Some((size, picture)) = data.split_first() else { return };
    let length_size = usize::from(size % 4) + 1;
    let types: Result<Vec<_>, _> = avc::nal_types(picture, length_size).collect();
    assert_eq!(avc::has_idr(picture, length_size), types.as_ref().map(|t| t.contains(&5)).map_err(Clone::clone));
    if let Ok(types) = types {
        assert!(types.len() * (length_size + 1) <= picture.len());
    }
}
