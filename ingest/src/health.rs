//! How the incoming stream is: measured over the last seconds, compared with the limits, and put
//! into words for the Go live page. Pure: times are arguments.

use rivulet_media::timeline::Repairs;
use rivulet_media::{AudioFormat, Players, TICKS_PER_SECOND, Ticks, VideoFormat, ms_from_ticks, ticks_from_ms};
use rivulet_protocol::rest::{ChannelLimits, Check, Ingest, IngestAudio, IngestVideo, Level};
use std::collections::VecDeque;
use std::time::Duration;

/// Rates are measured over this much media time.
const WINDOW: Ticks = ticks_from_ms(4_000);
/// A limit is judged only after this much of the stream was seen.
const JUDGE_AFTER: Ticks = ticks_from_ms(1_500);
const MAX_SAMPLES: usize = 4_096;
/// Repairs in the last window that are worth a warning; a few at the start are normal.
const MANY_REPAIRS: u64 = 10;

/// What a stream may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_width: u32,
    pub max_height: u32,
    pub max_fps: u32,
    pub max_kbps: u32,
    /// Of a whole broadcast, interruptions included. `None`: as long as it likes.
    pub max_duration: Option<Duration>,
    /// Of all that is recorded of a channel. `None`: as much as there is room for.
    pub quota_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_width: 3840,
            max_height: 2160,
            max_fps: 120,
            max_kbps: 60_000,
            max_duration: None,
            quota_bytes: None,
        }
    }
}

impl Limits {
    /// These, where the channel has none of its own.
    pub fn for_channel(self, own: &ChannelLimits) -> Self {
        Self {
            max_width: own.max_side.unwrap_or(self.max_width),
            max_height: own.max_side.unwrap_or(self.max_height),
            max_fps: own.max_fps.unwrap_or(self.max_fps),
            max_kbps: own.max_kbps.unwrap_or(self.max_kbps),
            max_duration: own
                .max_minutes
                .map(|minutes| Duration::from_secs(60 * u64::from(minutes)))
                .or(self.max_duration),
            quota_bytes: own.quota_mib.map(|mib| u64::from(mib) << 20).or(self.quota_bytes),
        }
    }

    /// Judges a picture size; upright video may use the limits upright.
    pub fn check_size(&self, width: u32, height: u32) -> Result<(), String> {
        let fits = |w, h| w <= self.max_width && h <= self.max_height;
        if fits(width, height) || fits(height, width) {
            return Ok(());
        }
        let (max_width, max_height) = (self.max_width, self.max_height);
        Err(format!(
            "the picture is {width}x{height}, the limit is {max_width}x{max_height}; lower the output resolution"
        ))
    }
}

/// Bytes and times of one track over the window.
#[derive(Debug, Default)]
struct Rate {
    samples: VecDeque<(Ticks, usize)>,
    bytes: usize,
}

impl Rate {
    fn add(&mut self, at: Ticks, bytes: usize) {
        self.samples.push_back((at, bytes));
        self.bytes += bytes;
        while self.samples.front().is_some_and(|(old, _)| at - old > WINDOW || self.samples.len() > MAX_SAMPLES) {
            self.bytes -= self.samples.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    fn span(&self) -> Ticks {
        match (self.samples.front(), self.samples.back()) {
            (Some((first, _)), Some((last, _))) => last - first,
            _ => 0,
        }
    }

    fn kbps(&self) -> u32 {
        match self.span() {
            0 => 0,
            span => (self.bytes as i64 * 8 * TICKS_PER_SECOND / span / 1000) as u32,
        }
    }

    fn per_second_milli(&self) -> u32 {
        match self.span() {
            0 => 0,
            span => ((self.samples.len() as i64 - 1) * 1000 * TICKS_PER_SECOND / span) as u32,
        }
    }
}

#[derive(Debug, Default)]
pub struct Health {
    pub encoder: Option<String>,
    video_format: Option<VideoFormat>,
    audio_format: Option<AudioFormat>,
    /// Sizes of the further video tracks,
    tracks: Vec<(u32, u32)>,
    /// and what of the stream is not used, in words.
    pub left_out: Vec<String>,
    /// Nothing more of the channel is recorded.
    pub over_quota: bool,
    video: Rate,
    audio: Rate,
    /// Of all further video tracks.
    track: Rate,
    last_key: Option<Ticks>,
    /// Distances of the newest key frames.
    key_intervals: VecDeque<Ticks>,
    repairs: Repairs,
    recent_repairs: u64,
    /// Media and wall time at the start of the measurement of speed.
    speed_from: Option<(Ticks, i64)>,
    newest: Ticks,
}

impl Health {
    /// A new period; what was measured of another picture or another session says nothing now.
    pub fn period(&mut self, video: Option<&VideoFormat>, audio: Option<&AudioFormat>, tracks: &[(u8, VideoFormat)]) {
        *self = Self {
            encoder: self.encoder.take(),
            video_format: video.cloned(),
            audio_format: audio.cloned(),
            tracks: tracks.iter().map(|(_, format)| (format.width, format.height)).collect(),
            left_out: std::mem::take(&mut self.left_out),
            repairs: self.repairs,
            ..Self::default()
        };
    }

    pub fn video(&mut self, dts: Ticks, key: bool, bytes: usize) {
        self.video.add(dts, bytes);
        self.newest = self.newest.max(dts);
        if key && let Some(last) = self.last_key.replace(dts) {
            self.key_intervals.push_back(dts - last);
            if self.key_intervals.len() > 3 {
                self.key_intervals.pop_front();
            }
        }
    }

    pub fn audio(&mut self, pts: Ticks, bytes: usize) {
        self.audio.add(pts, bytes);
        self.newest = self.newest.max(pts);
    }

    pub fn track(&mut self, dts: Ticks, bytes: usize) {
        self.track.add(dts, bytes);
    }

    /// Call about once a second.
    pub fn tick(&mut self, now_ms: i64, repairs: Repairs) {
        self.recent_repairs = repairs.total() - self.repairs.total();
        self.repairs = repairs;
        if self.newest > 0 && self.speed_from.is_none_or(|(_, from)| now_ms - from > 10_000) {
            self.speed_from = Some((self.newest, now_ms));
        }
    }

    /// The longest distance of key frames, counting the one that is running.
    fn key_interval(&self) -> Option<Ticks> {
        let running = self.last_key.map(|last| self.newest - last);
        self.key_intervals.iter().copied().chain(running.filter(|r| *r > ticks_from_ms(4_000))).max()
    }

    /// Which limit is broken, in words for the broadcaster.
    pub fn over_limit(&self, limits: &Limits) -> Option<String> {
        let format = self.video_format.as_ref();
        if let Some(Err(reason)) = format.map(|f| limits.check_size(f.width, f.height)) {
            return Some(reason);
        }
        if self.video.span() < JUDGE_AFTER {
            return None;
        }
        let fps = self.video.per_second_milli() / 1000;
        if fps > limits.max_fps + limits.max_fps / 20 {
            return Some(format!("{fps} frames a second, the limit is {}; lower the frame rate", limits.max_fps));
        }
        let kbps = self.video.kbps() + self.track.kbps() + self.audio.kbps();
        if kbps > limits.max_kbps + limits.max_kbps / 10 {
            return Some(format!("{kbps} kb/s, the limit is {} kb/s; lower the bitrate", limits.max_kbps));
        }
        None
    }

    pub fn report(&self, now_ms: i64, limits: &Limits) -> Ingest {
        let video = self.video_format.as_ref().map(|format| IngestVideo {
            codec: format.name(),
            width: format.width,
            height: format.height,
            fps_milli: self.video.per_second_milli(),
            bitrate_kbps: self.video.kbps(),
            key_interval_ms: self.key_interval().map(|ticks| ms_from_ticks(ticks) as u32),
        });
        let audio = self.audio_format.as_ref().map(|format| IngestAudio {
            codec: format.name(),
            sample_rate: format.sample_rate(),
            channels: format.channels(),
            bitrate_kbps: self.audio.kbps(),
        });
        let mut checks = vec![
            check("connection", Level::Good, self.encoder.clone().unwrap_or_else(|| "Connected".into()), ""),
            self.video_check(),
            self.key_check(),
            bitrate_check(video.as_ref(), limits),
            self.audio_check(audio.as_ref()),
            self.timestamp_check(),
            self.speed_check(now_ms),
        ];
        checks.extend(self.tracks_check());
        checks.extend(self.over_quota.then(|| {
            let mib = limits.quota_bytes.unwrap_or(0) >> 20;
            let measured = format!("Not recorded: the channel's {mib} MiB for recordings are used up");
            check(
                "recording",
                Level::Warning,
                measured,
                "Viewers notice nothing. Ask those who run this server for more room.",
            )
        }));
        Ingest { connected: true, encoder: self.encoder.clone(), video, audio, checks, last_refusal: None }
    }

    fn video_check(&self) -> Check {
        let Some(format) = &self.video_format else {
            return check("video_codec", Level::Warning, "No video", "Add a video source, or ignore this for radio.");
        };
        let measured = format!(
            "{}, {}x{} at {:.1} fps",
            format.name(),
            format.width,
            format.height,
            f64::from(self.video.per_second_milli()) / 1000.0
        );
        match format.players {
            Players::All => check("video_codec", Level::Good, measured, ""),
            Players::Some => {
                let advice = "Players that cannot decode this get H.264, which is encoded for them.";
                check("video_codec", Level::Good, measured, advice)
            }
            Players::None => {
                let advice = "Browsers cannot play this as it is, so every quality is encoded. In OBS: Settings, \
                              Advanced, Color Format NV12.";
                check("video_codec", Level::Warning, measured, advice)
            }
        }
    }

    fn key_check(&self) -> Check {
        let advice = "In OBS: Settings, Output, Keyframe Interval 2 s.";
        let Some(interval) = self.key_interval() else {
            let measured = if self.video_format.is_some() { "Waiting for a second key frame" } else { "No video" };
            return check("key_interval", Level::Good, measured, "");
        };
        let measured = format!("Key frame every {:.1} s", ms_from_ticks(interval) as f64 / 1000.0);
        match ms_from_ticks(interval) {
            ..=2_500 => check("key_interval", Level::Good, measured, ""),
            2_501..=4_100 => check("key_interval", Level::Warning, measured, advice),
            _ => check("key_interval", Level::Bad, measured, advice),
        }
    }

    fn audio_check(&self, audio: Option<&IngestAudio>) -> Check {
        let Some(audio) = audio else {
            return check("audio", Level::Warning, "No audio", "Add an audio source in the mixer, if you want sound.");
        };
        let measured = format!(
            "{}, {} Hz, {} channels, {} kb/s",
            audio.codec, audio.sample_rate, audio.channels, audio.bitrate_kbps
        );
        let silent = self.newest - self.audio.samples.back().map_or(0, |(at, _)| *at) > ticks_from_ms(2_000);
        if silent {
            check("audio", Level::Warning, "Audio stopped", "Check the audio device; viewers hear silence.")
        } else if self.audio_format.as_ref().is_some_and(AudioFormat::plays_everywhere) {
            check("audio", Level::Good, measured, "")
        } else {
            check("audio", Level::Warning, measured, "Audio is encoded again; set the encoder to AAC-LC.")
        }
    }

    fn timestamp_check(&self) -> Check {
        if self.recent_repairs >= MANY_REPAIRS {
            let measured = format!("{} timestamps repaired in the last second", self.recent_repairs);
            check("timestamps", Level::Warning, measured, "The encoder's clock is unsteady; restart it.")
        } else {
            check("timestamps", Level::Good, "Steady", "")
        }
    }

    /// Of streams with several tracks only.
    fn tracks_check(&self) -> Option<Check> {
        if self.tracks.is_empty() && self.left_out.is_empty() {
            return None;
        }
        let sizes: Vec<_> = self.tracks.iter().map(|(width, height)| format!("{width}x{height}")).collect();
        let measured = match sizes.is_empty() {
            true => "No further video track is used".to_owned(),
            false => format!("Passed on as qualities: {}", sizes.join(", ")),
        };
        Some(match self.left_out.is_empty() {
            true => check("tracks", Level::Good, measured, ""),
            false => check("tracks", Level::Warning, measured, format!("Not used: {}.", self.left_out.join("; "))),
        })
    }

    /// Media time against wall time: a network or encoder that cannot keep up falls behind.
    fn speed_check(&self, now_ms: i64) -> Check {
        let measured = self.speed_from.filter(|(_, from)| now_ms - from >= 3_000);
        let Some((media, wall)) = measured else { return check("speed", Level::Good, "Measuring", "") };
        let percent = ms_from_ticks(self.newest - media) * 100 / (now_ms - wall);
        let text = format!("{percent} % of real time");
        if percent >= 92 {
            check("speed", Level::Good, text, "")
        } else {
            let advice =
                "The stream arrives too slowly: lower the bitrate, or check the upload and the encoder's load.";
            check("speed", if percent >= 80 { Level::Warning } else { Level::Bad }, text, advice)
        }
    }
}

fn bitrate_check(video: Option<&IngestVideo>, limits: &Limits) -> Check {
    let Some(video) = video else { return check("bitrate", Level::Good, "No video", "") };
    let measured = format!("{} kb/s", video.bitrate_kbps);
    // H.264 of moving pictures wants about 0.02 bits a pixel at the least.
    let pixels = u64::from(video.width) * u64::from(video.height) * u64::from(video.fps_milli) / 1000;
    let fair_kbps = pixels / 50 / 1000;
    if video.bitrate_kbps > limits.max_kbps * 8 / 10 {
        check("bitrate", Level::Warning, measured, format!("Close to the limit of {} kb/s.", limits.max_kbps))
    } else if video.bitrate_kbps > 0 && u64::from(video.bitrate_kbps) < fair_kbps / 2 {
        let advice = format!("Low for this picture; about {fair_kbps} kb/s look better if it moves.");
        check("bitrate", Level::Warning, measured, advice)
    } else {
        check("bitrate", Level::Good, measured, "")
    }
}

fn check(name: &str, level: Level, measured: impl Into<String>, advice: impl Into<String>) -> Check {
    Check { name: name.into(), level, measured: measured.into(), advice: advice.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bytes::Bytes;
    use rivulet_media::aac::AacInfo;
    use rivulet_media::{AudioInfo, VideoCodec};

    fn stream(width: u32, height: u32, fps: i64, frame_bytes: usize, key_every_ms: i64, aac_type: u8) -> Health {
        let video = VideoFormat {
            codec: VideoCodec::Avc,
            config: Bytes::new(),
            width,
            height,
            fps_milli: None,
            codecs: String::new(),
            profile: "High".into(),
            players: Players::All,
            length_size: 4,
        };
        let info = AudioInfo::Aac(AacInfo { object_type: aac_type, sample_rate: 48_000, channels: 2 });
        let mut health = Health::default();
        health.period(Some(&video), Some(&AudioFormat { config: Bytes::new(), info }), &[]);
        for n in 0..fps * 10 {
            let at = ticks_from_ms(n * 1000 / fps);
            health.video(at, n * 1000 / fps % key_every_ms < 1000 / fps, frame_bytes);
            health.audio(at, 400);
        }
        health
    }

    fn level(health: &Health, name: &str) -> Level {
        let report = health.report(0, &Limits::default());
        report.checks.iter().find(|check| check.name == name).unwrap().level
    }

    #[test]
    fn advice() {
        use Level::*;
        for (health, name, want) in [
            (stream(1920, 1080, 30, 25_000, 2_000, 2), "key_interval", Good),
            (stream(1920, 1080, 30, 25_000, 2_000, 2), "bitrate", Good),
            (stream(1920, 1080, 30, 25_000, 2_000, 2), "audio", Good),
            (stream(1920, 1080, 30, 25_000, 4_000, 2), "key_interval", Warning),
            (stream(1920, 1080, 30, 25_000, 8_300, 2), "key_interval", Bad),
            (stream(1920, 1080, 30, 1_500, 2_000, 2), "bitrate", Warning),
            (stream(1280, 720, 30, 8_000, 2_000, 5), "audio", Warning),
        ] {
            assert_eq!(level(&health, name), want, "{name}");
        }
    }

    #[test]
    fn limits() {
        let limits = Limits::default();
        for (health, want) in [
            (stream(1920, 1080, 60, 12_000, 2_000, 2), None),
            (stream(1080, 1920, 60, 12_000, 2_000, 2), None),
            (stream(2160, 3840, 30, 12_000, 2_000, 2), None),
            (stream(7680, 4320, 30, 12_000, 2_000, 2), Some("the limit is 3840x2160")),
            (stream(1920, 1080, 240, 12_000, 2_000, 2), Some("the limit is 120")),
            (stream(1920, 1080, 30, 420_000, 2_000, 2), Some("the limit is 60000 kb/s")),
        ] {
            let reason = health.over_limit(&limits);
            match want {
                None => assert_eq!(reason, None),
                Some(want) => assert!(reason.as_ref().is_some_and(|r| r.contains(want)), "{reason:?}"),
            }
        }
    }

    #[test]
    fn tracks_are_reported_where_there_are_any() {
        let mut health = stream(1280, 720, 30, 8_000, 2_000, 2);
        let tracks = |health: &Health| {
            let report = health.report(0, &Limits::default());
            report.checks.into_iter().find(|check| check.name == "tracks")
        };
        assert_eq!(tracks(&health), None);
        health.tracks = vec![(854, 480), (640, 360)];
        let said = tracks(&health).unwrap();
        assert_eq!((said.level, said.measured.as_str()), (Level::Good, "Passed on as qualities: 854x480, 640x360"));
        health.left_out = vec!["video track 3: it is late".into()];
        let said = tracks(&health).unwrap();
        assert_eq!((said.level, said.advice.as_str()), (Level::Warning, "Not used: video track 3: it is late."));
    }

    #[test]
    fn a_slow_stream_is_noticed() {
        let mut health = stream(1280, 720, 30, 8_000, 2_000, 2);
        health.tick(0, Repairs::default());
        health.video(health.newest + ticks_from_ms(2_500), false, 1000);
        let report = health.report(5_000, &Limits::default());
        assert_eq!(report.checks.last().unwrap().level, Level::Bad);
    }
}
