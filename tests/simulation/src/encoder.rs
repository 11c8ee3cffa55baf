//! An encoder, and the line to the server: what it sends comes late, in heaps, or not at all.

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use rivulet_hub::Slate;
use rivulet_ingest::Metadata;
use rivulet_media::flv::{self, AudioTag, Body, VideoTag};
use rivulet_media::{AudioCodec, Packet, TICKS_PER_SECOND, VideoCodec, VideoFormat};
use std::collections::VecDeque;

const PICTURES: [&[u8]; 2] = [
    include_bytes!("../../../transcoder/assets/slate-16x9.flv"),
    include_bytes!("../../../transcoder/assets/slate-4x3.flv"),
];
const AAC_48000_STEREO: &[u8] = &[0x11, 0x90];
const NO_KEY: &[u8] = &[0, 0, 0, 2, 0x41, 0x9a];

/// Configuration and key frame of one of two sizes.
fn picture(size: usize) -> (Bytes, Bytes) {
    let mut file = Bytes::from_static(PICTURES[size]);
    let _ = file.split_to(13);
    let (mut config, mut frame) = (Bytes::new(), Bytes::new());
    while file.len() > 11 {
        let head = file.split_to(11);
        let body = file.split_to(u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize);
        let _ = file.split_to(4);
        let mut tags = Vec::new();
        if head[0] == 9 {
            flv::video(body, &mut tags).unwrap();
        }
        for tag in tags {
            match tag.body {
                Body::Config(data) => config = data,
                Body::Frame { data, .. } => frame = data,
            }
        }
    }
    (config, frame)
}

/// What the transcoder would make.
pub fn slate(like: &VideoFormat) -> Slate {
    let (_, key) = picture(0);
    let picture = |n: i64| Packet {
        dts: n * 3_600,
        pts: n * 3_600,
        key: n == 0,
        data: if n == 0 { key.clone() } else { Bytes::from_static(NO_KEY) },
    };
    Slate { format: like.clone(), pictures: (0..25).map(picture).collect(), length: TICKS_PER_SECOND }
}

pub enum Message {
    Metadata(Metadata),
    Video(u32, VideoTag),
    Audio(u32, AudioTag),
}

pub struct Encoder {
    pub session: u64,
    size: usize,
    gop: i64,
    /// Of its own clock, which starts anywhere and may be set.
    offset_ms: i64,
    started_ms: i64,
    pictures: i64,
    sounds: i64,
    with_sound: bool,
    /// On the line, with the time of arrival.
    line: VecDeque<(i64, Message)>,
    /// Nothing arrives before.
    held_until_ms: i64,
}

impl Encoder {
    pub fn new(session: u64, now_ms: i64, dice: &mut StdRng) -> Self {
        let wrap = i64::from(u32::MAX);
        let offset_ms = [0, 0, 90_000, wrap - 20_000, i64::from(u32::MAX >> 8) - 15_000][dice.random_range(0..5)];
        let mut encoder = Self {
            session,
            size: usize::from(dice.random_bool(0.2)),
            gop: [25, 50, 50, 75][dice.random_range(0..4)],
            offset_ms,
            started_ms: now_ms + dice.random_range(50..400),
            pictures: 0,
            sounds: 0,
            with_sound: dice.random_bool(0.9),
            line: VecDeque::new(),
            held_until_ms: 0,
        };
        let has_audio = Some(encoder.with_sound);
        let metadata = Metadata { has_video: Some(true), has_audio, fps_milli: Some(25_000), ..Metadata::default() };
        encoder.line.push_back((now_ms, Message::Metadata(metadata)));
        let config = Body::Config(picture(encoder.size).0);
        encoder.line.push_back((now_ms, encoder.video(0, config)));
        if encoder.with_sound {
            encoder.line.push_back((now_ms, encoder.audio(0, Body::Config(Bytes::from_static(AAC_48000_STEREO)))));
        }
        encoder
    }

    fn stamp(&self, ms: i64) -> u32 {
        (self.offset_ms + ms) as u32
    }

    fn video(&self, ms: i64, body: Body) -> Message {
        Message::Video(self.stamp(ms), VideoTag { track: 0, codec: VideoCodec::Avc, offset_ns: 0, body })
    }

    fn audio(&self, ms: i64, body: Body) -> Message {
        Message::Audio(self.stamp(ms), AudioTag { track: 0, codec: AudioCodec::Aac, offset_ns: 0, body })
    }

    /// Makes what is due by now.
    pub fn work(&mut self, now_ms: i64, dice: &mut StdRng) {
        let (own, late) = (now_ms - self.started_ms, now_ms + dice.random_range(0..60));
        while self.pictures * 40 <= own {
            let data = if self.pictures % self.gop == 0 { picture(self.size).1 } else { Bytes::from_static(NO_KEY) };
            let message = self.video(self.pictures * 40, Body::Frame { cts_ms: 0, data });
            self.line.push_back((late, message));
            self.pictures += 1;
        }
        while self.with_sound && self.sounds * 1_024 / 48 <= own {
            let frame = Body::Frame { cts_ms: 0, data: Bytes::from_static(&[0x21, 0x10, 0x04]) };
            let message = self.audio(self.sounds * 1_024 / 48, frame);
            self.line.push_back((late, message));
            self.sounds += 1;
        }
    }

    pub fn arrives(&mut self, now_ms: i64) -> Option<Message> {
        if now_ms < self.held_until_ms {
            return None;
        }
        self.line.pop_front_if(|(at, _)| *at <= now_ms).map(|(_, message)| message)
    }

    /// The line holds everything back until then; nothing is lost.
    pub fn hold(&mut self, until_ms: i64) {
        self.held_until_ms = until_ms;
    }

    /// Its clock is set.
    pub fn set_clock(&mut self, by_ms: i64) {
        self.offset_ms += by_ms;
    }
}
