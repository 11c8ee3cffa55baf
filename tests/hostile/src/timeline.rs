//! The clocks of an encoder.

use bytes::Bytes;
use rivulet_media::flv::{AudioTag, Body, VideoTag};
use rivulet_media::timeline::{Output, Timeline};
use rivulet_media::{AudioCodec, Ticks, VideoCodec, ticks_from_ms};

/// x264: High at 1280x720, Baseline at 640x360.
const VIDEO: [&[u8]; 2] = [
    b"\x01\x64\x00\x1f\xff\xe1\x00\x1a\x67\x64\x00\x1f\xac\xd9\x40\x50\x05\xbb\x01\x10\x00\x00\x03\x00\x10\x00\x00\x03\
      \x03\x20\xf1\x83\x19\x60\x01\x00\x06\x68\xeb\xe3\xcb\x22\xc0\xfd\xf8\xf8\x00",
    b"\x01\x42\xc0\x1e\xff\xe1\x00\x19\x67\x42\xc0\x1e\xda\x02\x80\xbf\xe5\xc0\x44\x00\x00\x03\x00\x04\x00\x00\
      \x03\x00\xc8\x3c\x58\xba\x80\x01\x00\x04\x68\xce\x0f\xc8",
];
/// AAC-LC, stereo and mono, and AAC Main, for which no silence is known.
const AUDIO: [&[u8]; 3] = [b"\x11\x90", b"\x11\x88", b"\x09\x90"];
const PICTURES: [&[u8]; 3] = [b"\0\0\0\x01\x65", b"\0\0\0\x01\x41", b"\0\0\0\x09\x41"];

/// Any sequence of messages, ten bytes each: what comes out is in order and of the period's tracks.
pub fn timeline(data: &[u8]) {
    let mut timeline = Timeline::default();
    let mut seen = Seen::default();
    for message in data.chunks_exact(10) {
        let [kind, choice, a, b, c, d, e, f, g, h] = *message else { return };
        let ts = u32::from_be_bytes([a, b, c, d]);
        let (other, pick) = (i32::from_be_bytes([e, f, g, h]), usize::from(choice));
        let mut out = Vec::new();
        let pushed = match kind % 8 {
            0 => timeline.push_video(ts, video(Body::Config(Bytes::from_static(VIDEO[pick % VIDEO.len()]))), &mut out),
            1 => timeline.push_audio(ts, audio(Body::Config(Bytes::from_static(AUDIO[pick % AUDIO.len()]))), &mut out),
            2..=4 => {
                let data = Bytes::from_static(PICTURES[pick % PICTURES.len()]);
                timeline.push_video(ts, video(Body::Frame { cts_ms: other, data }), &mut out)
            }
            5 | 6 => {
                let data = Bytes::from_static(b"\x21");
                timeline.push_audio(ts, audio(Body::Frame { cts_ms: 0, data }), &mut out)
            }
            _ => {
                match choice % 2 {
                    0 => timeline.reconnect(i64::from(other)),
                    _ => timeline.expect(
                        [None, Some(false), Some(true)][usize::from(a % 3)],
                        [None, Some(false), Some(true)][usize::from(b % 3)],
                        (c > 0).then_some(u32::from(c) * 1_000),
                    ),
                }
                Ok(())
            }
        };
        assert_eq!(pushed, Ok(()));
        out.into_iter().for_each(|output| seen.see(output));
    }
}

fn video(body: Body) -> VideoTag {
    VideoTag { track: 0, codec: VideoCodec::Avc, offset_ns: 0, body }
}

fn audio(body: Body) -> AudioTag {
    AudioTag { track: 0, codec: AudioCodec::Aac, offset_ns: 0, body }
}

#[derive(Default)]
struct Seen {
    has_video: bool,
    has_audio: bool,
    video: Option<Ticks>,
    audio: Option<Ticks>,
}

impl Seen {
    fn see(&mut self, output: Output) {
        match output {
            Output::Period { video, audio, .. } => {
                (self.has_video, self.has_audio) = (video.is_some(), audio.is_some())
            }
            // Only track 0 is sent here.
            Output::Track(..) => unreachable!("a track that nobody sent"),
            Output::Video(packet) => {
                assert!(self.has_video, "a picture in a period without");
                assert!(self.video.replace(packet.dts).is_none_or(|before| before < packet.dts), "video goes back");
                assert!((packet.pts - packet.dts).abs() <= ticks_from_ms(7_000), "{packet:?}");
            }
            Output::Audio(packet) => {
                assert!(self.has_audio, "sound in a period without");
                assert_eq!(packet.pts, packet.dts);
                assert!(self.audio.replace(packet.pts).is_none_or(|before| before < packet.pts), "audio goes back");
            }
        }
    }
}
