//! Plays a slate to the viewers in place of an encoder that is away: pure, times in, outputs out.

use bytes::Bytes;
use rivulet_hub::Slate;
use rivulet_media::timeline::Output;
use rivulet_media::{AudioFormat, Packet, TICKS_PER_SECOND, Ticks};
use std::sync::Arc;

pub struct Player {
    slate: Arc<Slate>,
    /// Goes on in silence, where there is silence in its codec.
    audio: Option<Silence>,
    start: Ticks,
    pictures: usize,
}

struct Silence {
    format: AudioFormat,
    packet: &'static [u8],
    samples: i64,
    sent: i64,
}

impl Silence {
    fn of(format: AudioFormat) -> Option<Self> {
        let packet = format.silence()?;
        let samples = format.samples(packet)?.into();
        Some(Self { format, packet, samples, sent: 0 })
    }

    /// When the next packet begins, after the start.
    fn next(&self) -> Ticks {
        self.sent * self.samples * TICKS_PER_SECOND / i64::from(self.format.sample_rate())
    }
}

impl Player {
    /// `audio`: what the broadcast sounded in before.
    pub fn new(slate: Arc<Slate>, audio: Option<AudioFormat>, start: Ticks) -> Self {
        Self { slate, audio: audio.and_then(Silence::of), start, pictures: 0 }
    }

    /// Appends what is shown up to this time and was not given out yet.
    pub fn until(&mut self, until: Ticks, out: &mut Vec<Output>) {
        let Slate { format, pictures, length } = &*self.slate;
        if self.pictures == 0 {
            let audio = self.audio.as_ref().map(|silence| silence.format.clone());
            out.push(Output::Period { at: self.start, video: Some(format.clone()), audio, tracks: Vec::new() });
        }
        while let Some(picture) = pictures.get(self.pictures % pictures.len().max(1)) {
            let at = self.start + (self.pictures / pictures.len()) as Ticks * length;
            let dts = at + picture.dts;
            if dts > until {
                return;
            }
            self.pictures += 1;
            out.push(Output::Video(Packet { dts, pts: at + picture.pts, ..picture.clone() }));
            while let Some(silence) = self.audio.as_mut().filter(|silence| self.start + silence.next() <= dts) {
                let pts = self.start + silence.next();
                silence.sent += 1;
                out.push(Output::Audio(Packet { dts: pts, pts, key: true, data: Bytes::from_static(silence.packet) }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rivulet_media::aac::AacInfo;
    use rivulet_media::{AudioInfo, Players, VideoCodec, VideoFormat, ms_from_ticks, ticks_from_ms};

    fn slate() -> Arc<Slate> {
        let format = VideoFormat {
            codec: VideoCodec::Avc,
            config: Bytes::new(),
            width: 1280,
            height: 720,
            fps_milli: Some(25_000),
            codecs: String::new(),
            profile: String::new(),
            players: Players::All,
            length_size: 4,
        };
        let picture = |n: i64| Packet {
            dts: n * 3_600,
            pts: n * 3_600,
            key: n == 0,
            data: Bytes::from_static(if n == 0 { b"key" } else { b"more" }),
        };
        Arc::new(Slate { format, pictures: (0..25).map(picture).collect(), length: TICKS_PER_SECOND })
    }

    #[test]
    fn it_repeats_without_a_seam_and_sound_keeps_up() {
        let info = AudioInfo::Aac(AacInfo { object_type: 2, sample_rate: 44_100, channels: 2 });
        let audio = AudioFormat { config: Bytes::new(), info };
        let start = ticks_from_ms(7_000);
        let mut player = Player::new(slate(), Some(audio.clone()), start);
        let mut out = Vec::new();
        // As the clock of a busy machine ticks.
        let mut now = start;
        for step in (0..20_000).map(|n| ticks_from_ms(n % 37 * 10)) {
            now += step;
            player.until(now, &mut out);
        }
        let period =
            Output::Period { at: start, video: Some(slate().format.clone()), audio: Some(audio), tracks: Vec::new() };
        assert_eq!(out[0], period);
        let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
        for output in &out[1..] {
            match output {
                Output::Video(packet) => {
                    assert_eq!(packet.key, pictures.len() % 25 == 0);
                    pictures.push(packet.dts);
                }
                Output::Audio(packet) => sounds.push(packet.pts),
                _ => panic!("{output:?}"),
            }
        }
        assert!(pictures.iter().enumerate().all(|(n, dts)| *dts == start + n as i64 * 3_600));
        assert!(sounds.iter().enumerate().all(|(n, pts)| *pts == start + n as i64 * 1_024 * 90_000 / 44_100));
        let ends = (pictures.last().copied().unwrap_or(0), sounds.last().copied().unwrap_or(0));
        assert!((ends.0 - ends.1).abs() <= 3_600 && (now - ends.0) < 3_600, "{ends:?} {now}");
        assert!(ms_from_ticks(now - start) > 3_000_000, "about an hour");
    }

    #[test]
    fn a_broadcast_without_sound_stays_without() {
        let mut out = Vec::new();
        Player::new(slate(), None, 0).until(TICKS_PER_SECOND - 1, &mut out);
        assert!(matches!(&out[0], Output::Period { audio: None, .. }));
        assert_eq!(out.len(), 26);
    }
}
