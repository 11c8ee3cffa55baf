//! From what an encoder claims to one continuous timeline. Encoders send 32-bit milliseconds that
//! wrap, jump, step back and differ between tracks; formats appear late and change. What leaves
//! here is monotonic 90 kHz time, grouped into periods in which no format changes.
//!
//! The contract: push each tag in the order received; every push appends what is ready to `out`.
//! A repair never ends the stream, it is counted in [`Repairs`]. An error means that the tag
//! cannot be understood at all, and the session that sent it should end.

use crate::flv::{AudioTag, Body, VideoTag};
use crate::format::{self, AudioFormat, FormatError, VideoCodec, VideoFormat};
use crate::tracks::{Fault, Tracks};
use crate::{Packet, TICKS_PER_SECOND, Ticks, ms_from_ticks, ticks_from_ms, ticks_from_ns};
use bytes::Bytes;

/// The first timestamp of a broadcast. Above zero, so that decoding times of re-ordered pictures,
/// which precede their presentation, never become negative.
pub const START_MS: i64 = 1_000;
/// How long the first packets wait for the other track,
const HOLD_MS: i64 = 1_000;
/// and how long if the encoder has announced it.
const HOLD_ANNOUNCED_MS: i64 = 3_000;
const HOLD_PACKETS: usize = 1_024;
/// Packets of further tracks that wait for the first one's first picture.
const EARLY_PACKETS: usize = 64;
/// A step of one track within these bounds is believed; beyond them its clock was changed.
const BELIEVED_MS: std::ops::RangeInclusive<i64> = -1_000..=10_000;
/// Composition offsets outside of these are nonsense.
const COMPOSITION_MS: std::ops::RangeInclusive<i32> = -1_000..=5_000;
/// Audio timestamps are rounded to milliseconds by the protocol and smoothed by counting samples;
/// beyond this difference the count follows the timestamps again.
const AUDIO_SLACK: Ticks = ticks_from_ms(30);
/// With video running and audio silent for this long, silence is put in its place,
const FILL_AFTER: Ticks = ticks_from_ms(1_000);
/// up to this distance, so that audio that comes back late still finds its place.
const FILL_MARGIN: Ticks = ticks_from_ms(500);
/// A track that is this far behind the other is gone until it returns.
const LOST_AFTER: Ticks = ticks_from_ms(5_000);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Everything after this has these formats. With video, `at` is when its first picture, a key
    /// frame, is shown.
    Period {
        at: Ticks,
        video: Option<VideoFormat>,
        audio: Option<AudioFormat>,
        /// Further video tracks, by their numbers: smaller ones with key frames at the same times.
        tracks: Vec<(u8, VideoFormat)>,
    },
    Video(Packet),
    /// Of a further video track.
    Track(u8, Packet),
    Audio(Packet),
}

/// What had to be mended, for the broadcaster's page and metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repairs {
    /// A track's clock was set to another time.
    pub jumps: u64,
    /// Packets whose time did not rise, or whose composition offset made no sense.
    pub adjusted: u64,
    /// Frames of silence put in where audio was missing.
    pub silence: u64,
    /// Packets that could not be used: broken lengths, no configuration, no key frame yet.
    pub dropped: u64,
}

impl Repairs {
    pub fn total(&self) -> u64 {
        self.jumps + self.adjusted + self.silence + self.dropped
    }
}

/// One track's clock: `out = ts + shift`, where `shift` takes up wraps and jumps.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    last_ts: Option<u32>,
    last_out_ms: i64,
    /// The latest time that came out; the last one may lie a little before it.
    newest_out_ms: i64,
    shift_ms: i64,
}

/// Counts samples from an anchor, so that rounding does not add up.
#[derive(Debug, Clone, Copy)]
struct SampleClock {
    anchor: Ticks,
    samples: i64,
    rate: i64,
}

impl SampleClock {
    fn now(&self) -> Ticks {
        self.anchor + self.samples * TICKS_PER_SECOND / self.rate
    }
}

/// The formats of the running period.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Active {
    video: Option<VideoFormat>,
    audio: Option<AudioFormat>,
    tracks: Vec<(u8, VideoFormat)>,
}

#[derive(Debug)]
enum Held {
    Video(Packet),
    Audio(Packet),
    Track(u8, Packet),
}

#[derive(Debug)]
pub struct Timeline {
    video_clock: Clock,
    audio_clock: Clock,
    samples: Option<SampleClock>,
    /// Newest configuration of each track, whether or not it is in use yet. That of the video track
    /// may say all about its format only together with a key frame.
    video_config: Option<(VideoCodec, Bytes)>,
    video_format: Option<VideoFormat>,
    audio_format: Option<AudioFormat>,
    tracks: Tracks,
    /// Of further tracks, from before the first one's first picture, whose time they go by.
    early: Vec<(u32, VideoTag)>,
    /// A bit for each further audio track.
    audio_tracks: u64,
    expects_video: Option<bool>,
    expects_audio: Option<bool>,
    expects_fps_milli: Option<u32>,
    active: Option<Active>,
    held: Vec<Held>,
    last_video_dts: Ticks,
    last_audio_end: Ticks,
    newest: Ticks,
    /// Where the last session ended, how much later the next one's first packet goes, and when at
    /// the earliest.
    base_ms: i64,
    gap_ms: i64,
    earliest_ms: i64,
    repairs: Repairs,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            video_clock: Clock::default(),
            audio_clock: Clock::default(),
            samples: None,
            video_config: None,
            video_format: None,
            audio_format: None,
            tracks: Tracks::default(),
            early: Vec::new(),
            audio_tracks: 0,
            expects_video: None,
            expects_audio: None,
            expects_fps_milli: None,
            active: None,
            held: Vec::new(),
            last_video_dts: Ticks::MIN / 2,
            last_audio_end: Ticks::MIN / 2,
            newest: 0,
            base_ms: START_MS,
            gap_ms: 0,
            earliest_ms: 0,
            repairs: Repairs::default(),
        }
    }
}

impl Timeline {
    /// What the encoder's metadata says it will send, so that a lone track need not wait; and how
    /// many pictures in a thousand seconds, for streams that do not say it themselves.
    pub fn expect(&mut self, video: Option<bool>, audio: Option<bool>, fps_milli: Option<u32>) {
        self.expects_video = video;
        self.expects_audio = audio;
        self.expects_fps_milli = fps_milli;
    }

    /// A new session takes over `gap_ms` after the last packet of the one before. Its formats
    /// start a new period on the same timeline.
    pub fn reconnect(&mut self, gap_ms: i64) {
        self.pause(gap_ms);
        (self.video_config, self.video_format, self.audio_format) = (None, None, None);
        (self.tracks, self.audio_tracks) = Default::default();
        self.expect(None, None, None);
    }

    /// Something else is shown from here on. What this session sends next starts a new period,
    /// `gap_ms` after its last packet.
    pub fn pause(&mut self, gap_ms: i64) {
        let newest = self.video_clock.newest_out_ms.max(self.audio_clock.newest_out_ms);
        self.base_ms = newest.max(self.base_ms);
        self.gap_ms = gap_ms.max(0);
        // Sound is counted in samples and may be a little ahead of its clock.
        self.rest_until(self.newest.max(self.last_audio_end));
        (self.video_clock, self.audio_clock) = Default::default();
        self.samples = None;
        self.active = None;
        self.early.clear();
        self.held.clear();
    }

    /// Nothing has come since the last session, or pause.
    pub fn rests(&self) -> bool {
        self.video_clock.last_ts.is_none() && self.audio_clock.last_ts.is_none()
    }

    /// A timeline that rests goes on no earlier than this.
    pub fn rest_until(&mut self, at: Ticks) {
        // Up to the next millisecond.
        self.earliest_ms = self.earliest_ms.max(ms_from_ticks(at) + 1);
    }

    /// When the newest picture or sound that was given out is shown.
    pub fn newest(&self) -> Ticks {
        self.newest
    }

    /// A broadcast that goes on after a restart of the server, this long after its start.
    pub fn resumed(elapsed_ms: i64) -> Self {
        Self { base_ms: START_MS + elapsed_ms.max(0), ..Self::default() }
    }

    pub fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// Which further video tracks are left out, and why.
    pub fn faults(&self) -> impl Iterator<Item = (u8, &Fault)> {
        self.tracks.faults()
    }

    /// How many audio tracks there are beside the one that is used.
    pub fn unused_audio_tracks(&self) -> u32 {
        self.audio_tracks.count_ones()
    }

    pub fn push_video(&mut self, ts: u32, tag: VideoTag, out: &mut Vec<Output>) -> Result<(), FormatError> {
        if tag.track != 0 {
            self.push_track(ts, tag, out);
            return Ok(());
        }
        match tag.body {
            Body::Config(config) => {
                if self.video_config.as_ref().is_none_or(|(codec, old)| (*codec, old) != (tag.codec, &config)) {
                    self.video_format = self.read_format(tag.codec, &config, None)?;
                    self.video_config = Some((tag.codec, config));
                }
            }
            Body::Frame { cts_ms, data } => match self.is_key(tag.codec, &data)? {
                Some(key) => {
                    let packet = self.video_packet(ts, tag.offset_ns, cts_ms, key, data);
                    if key && !self.tracks.is_empty() {
                        self.tracks.first_has_key(packet.pts);
                    }
                    self.video(packet, out);
                    for (ts, tag) in std::mem::take(&mut self.early) {
                        self.push_track(ts, tag, out);
                    }
                }
                None => self.repairs.dropped += 1,
            },
        }
        Ok(())
    }

    /// A further video track, which goes by the first one's clock.
    fn push_track(&mut self, ts: u32, tag: VideoTag, out: &mut Vec<Output>) {
        let VideoTag { track, codec, offset_ns, body } = tag;
        let (cts_ms, data) = match body {
            Body::Config(config) => return self.tracks.config(track, codec, config, self.expects_fps_milli),
            Body::Frame { cts_ms, data } => (cts_ms, data),
        };
        let Some(last) = self.video_clock.last_ts else {
            if self.early.len() < EARLY_PACKETS {
                let body = Body::Frame { cts_ms, data };
                self.early.push((ts, VideoTag { track, codec, offset_ns, body }));
            }
            return;
        };
        let step = i64::from(ts.wrapping_sub(last) as i32);
        if !BELIEVED_MS.contains(&step) {
            return;
        }
        let placed = ticks_from_ms(self.video_clock.last_out_ms + step) + ticks_from_ns(offset_ns);
        let composition = cts_ms.clamp(*COMPOSITION_MS.start(), *COMPOSITION_MS.end());
        let pts = placed + ticks_from_ms(composition.into());
        let Some(packet) = self.tracks.packet(track, codec, placed, pts, data) else { return };
        match &self.active {
            None => self.held.push(Held::Track(track, packet)),
            Some(active) if active.tracks.iter().any(|(id, _)| *id == track) => out.push(Output::Track(track, packet)),
            Some(_) => {}
        }
    }

    fn read_format(
        &self,
        codec: VideoCodec,
        config: &Bytes,
        key_frame: Option<&[u8]>,
    ) -> Result<Option<VideoFormat>, FormatError> {
        let mut format = VideoFormat::read(codec, config, key_frame)?;
        if let Some(format) = &mut format {
            format.fps_milli = format.fps_milli.or(self.expects_fps_milli);
        }
        Ok(format)
    }

    /// Whether decoding can start at this packet of the video track. `None`: it cannot be used.
    fn is_key(&mut self, codec: VideoCodec, data: &[u8]) -> Result<Option<bool>, FormatError> {
        let Some((_, config)) = self.video_config.as_ref().filter(|(of, _)| *of == codec) else { return Ok(None) };
        let length_size = self.video_format.as_ref().map_or(0, |format| format.length_size);
        let Ok(key) = format::is_key(codec, length_size, data) else { return Ok(None) };
        // The size of VP9 may change with any key frame.
        if key && (self.video_format.is_none() || codec == VideoCodec::Vp9) {
            let format = self.read_format(codec, config, Some(data))?;
            if self.video_format != format {
                self.video_format = format;
            }
        }
        Ok(self.video_format.is_some().then_some(key))
    }

    pub fn push_audio(&mut self, ts: u32, tag: AudioTag, out: &mut Vec<Output>) -> Result<(), FormatError> {
        if tag.track != 0 {
            self.audio_tracks |= 1 << (tag.track % 64);
            return Ok(());
        }
        match tag.body {
            Body::Config(config) => {
                if self.audio_format.as_ref().is_none_or(|f| (f.codec(), &f.config) != (tag.codec, &config)) {
                    self.audio_format = Some(AudioFormat::read(tag.codec, &config)?);
                    self.samples = None;
                }
            }
            Body::Frame { data, .. } => {
                let format = self.audio_format.as_ref().filter(|format| format.codec() == tag.codec);
                if format.is_none_or(|format| format.samples(&data).is_none()) {
                    self.repairs.dropped += 1;
                    return Ok(());
                }
                let at = ticks_from_ms(self.place(ts, false)) + ticks_from_ns(tag.offset_ns);
                self.audio(at, data, out);
            }
        }
        Ok(())
    }

    /// Where a track's timestamp lies on the broadcast's timeline, in milliseconds.
    fn place(&mut self, ts: u32, is_video: bool) -> i64 {
        let (own, other) = match is_video {
            true => (&mut self.video_clock, &self.audio_clock),
            false => (&mut self.audio_clock, &self.video_clock),
        };
        let ts_ms = i64::from(ts);
        // The other track may have been set to another time just before; then this one follows it.
        let with_other = other.last_ts.map(|_| ts_ms + other.shift_ms);
        let out_ms = match own.last_ts {
            None => match with_other {
                Some(out) if (out - other.last_out_ms).abs() < 5_000 => out,
                Some(_) => other.last_out_ms,
                None => (self.base_ms + self.gap_ms).max(self.earliest_ms),
            },
            Some(last) => {
                let step = i64::from(ts.wrapping_sub(last) as i32);
                let out = own.last_out_ms + step;
                // Many small steps back are a jump as well.
                if BELIEVED_MS.contains(&step) && out - own.newest_out_ms >= *BELIEVED_MS.start() {
                    out
                } else {
                    self.repairs.jumps += 1;
                    match with_other {
                        Some(out) if (out - own.newest_out_ms).abs() < 1_000 => out,
                        _ => own.newest_out_ms + 33,
                    }
                }
            }
        };
        let newest_out_ms = own.newest_out_ms.max(out_ms);
        *own = Clock { last_ts: Some(ts), last_out_ms: out_ms, newest_out_ms, shift_ms: out_ms - ts_ms };
        out_ms
    }

    fn video_packet(&mut self, ts: u32, offset_ns: u32, cts_ms: i32, key: bool, data: Bytes) -> Packet {
        let placed = ticks_from_ms(self.place(ts, true)) + ticks_from_ns(offset_ns);
        let dts = placed.max(self.last_video_dts + 1);
        let composition = cts_ms.clamp(*COMPOSITION_MS.start(), *COMPOSITION_MS.end());
        if dts != placed || composition != cts_ms {
            self.repairs.adjusted += 1;
        }
        self.last_video_dts = dts;
        Packet { dts, pts: placed + ticks_from_ms(composition.into()), key, data }
    }

    fn video(&mut self, packet: Packet, out: &mut Vec<Output>) {
        let Some(active) = &self.active else {
            self.held.push(Held::Video(packet));
            return self.try_start(out);
        };
        if packet.key {
            let heard = packet.dts - self.last_audio_end <= LOST_AFTER || self.silence().is_some();
            let wanted = Active {
                video: self.video_format.clone(),
                audio: self.audio_format.clone().filter(|_| heard),
                tracks: self.video_format.as_ref().map(|first| self.tracks.usable(first)).unwrap_or_default(),
            };
            if self.active.as_ref() != Some(&wanted) {
                self.start_period(packet.pts, wanted, out);
            }
        } else if active.video != self.video_format {
            // A new configuration without its key frame yet.
            self.repairs.dropped += 1;
            return;
        }
        self.fill_silence(packet.dts - FILL_MARGIN, packet.dts - FILL_AFTER, out);
        self.newest = self.newest.max(packet.pts);
        out.push(Output::Video(packet));
    }

    fn audio(&mut self, at: Ticks, data: Bytes, out: &mut Vec<Output>) {
        let Some(format) = self.audio_format.clone() else { return };
        let Some(active) = &self.active else {
            self.held.push(Held::Audio(Packet { dts: at, pts: at, key: true, data }));
            return self.try_start(out);
        };
        let video_lost = active.video.is_some() && at - self.last_video_dts > LOST_AFTER;
        if video_lost || (active.video.is_none() && active.audio.as_ref() != Some(&format)) {
            self.start_period(at, Active { video: None, audio: Some(format.clone()), tracks: Vec::new() }, out);
        } else if active.audio.as_ref() != Some(&format) {
            // Waits for the next key frame, where every rendition can change together.
            self.last_audio_end = self.last_audio_end.max(at);
            self.repairs.dropped += 1;
            return;
        }
        self.emit_audio(at, data, &format, out);
    }

    fn emit_audio(&mut self, at: Ticks, data: Bytes, format: &AudioFormat, out: &mut Vec<Output>) {
        let Some(samples) = format.samples(&data) else { return };
        let rate = i64::from(format.sample_rate());
        let anchor = SampleClock { anchor: at.max(self.last_audio_end), samples: 0, rate };
        let mut clock = self.samples.unwrap_or(anchor);
        self.samples = Some(clock);
        if at - clock.now() > AUDIO_SLACK {
            self.fill_silence(at, at, out);
            clock = self.samples.unwrap_or(anchor);
            if at - clock.now() > AUDIO_SLACK {
                clock = SampleClock { anchor: at, samples: 0, rate };
            }
        } else if clock.now() - at > AUDIO_SLACK {
            self.repairs.adjusted += 1;
            return;
        }
        let pts = clock.now();
        clock.samples += i64::from(samples);
        self.samples = Some(clock);
        self.last_audio_end = clock.now();
        self.newest = self.newest.max(pts);
        out.push(Output::Audio(Packet { dts: pts, pts, key: true, data }));
    }

    /// A packet of silence, and how many samples it has.
    fn silence(&self) -> Option<(&'static [u8], u32)> {
        let format = self.active.as_ref()?.audio.as_ref()?;
        let silence = format.silence()?;
        Some((silence, format.samples(silence)?))
    }

    /// Fills the audio track up to `until` if it ends before `unless_after`.
    fn fill_silence(&mut self, until: Ticks, unless_after: Ticks, out: &mut Vec<Output>) {
        let (Some((silence, samples)), Some(mut clock)) = (self.silence(), self.samples) else { return };
        if clock.now() >= unless_after || until - clock.now() > 2 * LOST_AFTER {
            return;
        }
        loop {
            let pts = clock.now();
            clock.samples += i64::from(samples);
            if clock.now() > until {
                break;
            }
            self.repairs.silence += 1;
            self.samples = Some(clock);
            self.last_audio_end = clock.now();
            out.push(Output::Audio(Packet { dts: pts, pts, key: true, data: Bytes::from_static(silence) }));
        }
    }

    /// Starts the first period of a session once it is known what will be in it.
    fn try_start(&mut self, out: &mut Vec<Output>) {
        let times = self.held.iter().map(|held| match held {
            Held::Video(packet) | Held::Audio(packet) | Held::Track(_, packet) => packet.dts,
        });
        let (first, last) = times.fold((Ticks::MAX, Ticks::MIN), |(first, last), dts| (first.min(dts), last.max(dts)));
        let announced = self.expects_video == Some(true) && self.expects_audio == Some(true);
        let hold_ms = if announced { HOLD_ANNOUNCED_MS } else { HOLD_MS };
        let waited = last - first >= ticks_from_ms(hold_ms) || self.held.len() >= HOLD_PACKETS;
        let has_key = self.held.iter().position(|held| matches!(held, Held::Video(packet) if packet.key));
        let video_settled = has_key.is_some() || (self.expects_video == Some(false) && self.video_format.is_none());
        let has_audio = self.held.iter().any(|held| matches!(held, Held::Audio(_)));
        let audio_settled = has_audio || (self.expects_audio == Some(false) && self.audio_format.is_none());
        if !(waited || video_settled && audio_settled) {
            return;
        }
        if has_key.is_none() && (self.video_format.is_some() || !has_audio) {
            // Video without a key frame cannot start anything; only the newest wait on.
            if self.held.len() >= HOLD_PACKETS || last - first > ticks_from_ms(10 * HOLD_MS) {
                self.repairs.dropped += self.held.len() as u64;
                self.held.clear();
            }
            return;
        }
        let held = std::mem::take(&mut self.held);
        let start = match has_key {
            Some(index) => match &held[index] {
                Held::Video(packet) | Held::Audio(packet) | Held::Track(_, packet) => packet.pts,
            },
            None => first,
        };
        let video = self.video_format.clone().filter(|_| has_key.is_some());
        let tracks = video.as_ref().map(|first| self.tracks.usable(first)).unwrap_or_default();
        let audio = self.audio_format.clone().filter(|_| has_audio);
        self.start_period(start, Active { video, audio, tracks }, out);
        for (index, held) in held.into_iter().enumerate() {
            match held {
                Held::Video(packet) if has_key.is_some_and(|key| index >= key) => self.video(packet, out),
                Held::Track(id, packet) if packet.pts >= start => {
                    let listed = self.active.iter().flat_map(|active| &active.tracks).any(|(of, _)| *of == id);
                    out.extend(listed.then_some(Output::Track(id, packet)));
                }
                Held::Track(..) => {}
                // Sound from before the first picture would only delay it.
                Held::Audio(packet) if packet.pts >= start => self.audio(packet.pts, packet.data, out),
                _ => self.repairs.dropped += 1,
            }
        }
    }

    fn start_period(&mut self, at: Ticks, active: Active, out: &mut Vec<Output>) {
        self.samples = active
            .audio
            .as_ref()
            .and_then(|format| self.samples.filter(|clock| clock.rate == i64::from(format.sample_rate())));
        if active.audio.is_some() {
            // It has not been silent for long yet.
            self.last_audio_end = self.last_audio_end.max(at);
        }
        let Active { video, audio, tracks } = active.clone();
        out.push(Output::Period { at, video, audio, tracks });
        self.active = Some(active);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::AudioCodec;
    use crate::format::tests::{CONFIG_360P, CONFIG_720P, HEVC_CONFIG, OPUS_CONFIG, VP9_CONFIG, VP9_KEY_FRAME};
    use proptest::prelude::*;

    const AAC_STEREO: &[u8] = &[0x11, 0x90];
    const AAC_MONO: &[u8] = &[0x11, 0x88];
    /// Of a kind that has no silence to fill in.
    const AAC_MAIN: &[u8] = &[0x09, 0x90];

    fn video_tag(body: Body) -> VideoTag {
        VideoTag { track: 0, codec: VideoCodec::Avc, offset_ns: 0, body }
    }

    fn audio_tag(body: Body) -> AudioTag {
        AudioTag { track: 0, codec: AudioCodec::Aac, offset_ns: 0, body }
    }

    /// Drives a timeline like an encoder with a picture every 40 ms (a key frame each second) and
    /// an AAC frame about every 21 ms, with a clock offset for each track.
    struct Encoder {
        timeline: Timeline,
        out: Vec<Output>,
        now_ms: i64,
        video_offset: i64,
        audio_offset: i64,
        next_picture: i64,
        audio_frames: i64,
        audio_from: i64,
        video_on: bool,
        audio_on: bool,
    }

    impl Encoder {
        fn new() -> Self {
            Self {
                timeline: Timeline::default(),
                out: Vec::new(),
                now_ms: 0,
                video_offset: 0,
                audio_offset: 0,
                next_picture: 0,
                audio_frames: 0,
                audio_from: 0,
                video_on: true,
                audio_on: true,
            }
        }

        fn start(mut self) -> Self {
            self.video_config(CONFIG_720P);
            self.audio_config(AAC_STEREO);
            self
        }

        fn video_config(&mut self, config: &'static [u8]) {
            self.timeline.push_video(0, video_tag(Body::Config(Bytes::from_static(config))), &mut self.out).unwrap();
        }

        fn audio_config(&mut self, config: &'static [u8]) {
            self.timeline.push_audio(0, audio_tag(Body::Config(Bytes::from_static(config))), &mut self.out).unwrap();
        }

        fn run(&mut self, ms: i64) -> &mut Self {
            let end = self.now_ms + ms;
            while self.now_ms < end {
                if self.now_ms >= self.next_picture {
                    let key = self.next_picture % 1000 == 0;
                    let nal: &'static [u8] = if key { &[0, 0, 0, 1, 0x65] } else { &[0, 0, 0, 1, 0x41] };
                    let tag = video_tag(Body::Frame { cts_ms: 0, data: Bytes::from_static(nal) });
                    if self.video_on {
                        let ts = (self.next_picture + self.video_offset) as u32;
                        self.timeline.push_video(ts, tag, &mut self.out).unwrap();
                    }
                    self.next_picture += 40;
                }
                let audio_at = self.audio_from + self.audio_frames * 1024 * 1000 / 48000;
                if self.now_ms >= audio_at {
                    if self.audio_on {
                        let tag = audio_tag(Body::Frame { cts_ms: 0, data: Bytes::from_static(&[1, 2, 3]) });
                        self.timeline.push_audio((audio_at + self.audio_offset) as u32, tag, &mut self.out).unwrap();
                    }
                    self.audio_frames += 1;
                }
                self.now_ms += 1;
            }
            self
        }

        fn periods(&self) -> Vec<(i64, bool, bool)> {
            let period = |out: &Output| match out {
                Output::Period { at, video, audio, .. } => Some((ms_from_ticks(*at), video.is_some(), audio.is_some())),
                _ => None,
            };
            self.out.iter().filter_map(period).collect()
        }

        fn video_ms(&self) -> Vec<i64> {
            let video = |out: &Output| match out {
                Output::Video(packet) => Some(ms_from_ticks(packet.dts)),
                _ => None,
            };
            self.out.iter().filter_map(video).collect()
        }

        fn audio(&self) -> Vec<Ticks> {
            let audio = |out: &Output| match out {
                Output::Audio(packet) => Some(packet.pts),
                _ => None,
            };
            self.out.iter().filter_map(audio).collect()
        }

        /// What every stream must satisfy, whatever its encoder did.
        fn check(&self, longest_gap_ms: i64) {
            let (video, audio) = (self.video_ms(), self.audio());
            assert!(video.windows(2).all(|w| w[0] <= w[1] && w[1] - w[0] <= longest_gap_ms), "{video:?}");
            assert!(audio.windows(2).all(|w| w[0] < w[1]), "audio goes back");
            assert!(audio.windows(2).all(|w| w[1] - w[0] <= ticks_from_ms(longest_gap_ms)), "audio has a gap");
            if let (Some(video), Some(audio)) = (video.last(), audio.last()) {
                assert!((video - ms_from_ticks(*audio)).abs() < 100 + FILL_AFTER / 90, "tracks drift: {video} {audio}");
            }
        }
    }

    #[test]
    fn a_plain_stream_passes_unchanged() {
        let mut encoder = Encoder::new().start();
        encoder.run(5_000).check(60);
        assert_eq!(encoder.periods(), [(1_000, true, true)]);
        assert_eq!(encoder.timeline.repairs(), Repairs::default());
        assert_eq!(encoder.video_ms()[..3], [1_000, 1_040, 1_080]);
        // Sample-exact in spite of millisecond timestamps.
        let audio = encoder.audio();
        assert!(audio.windows(2).all(|w| w[1] - w[0] == 1_920));
    }

    #[test]
    fn audio_without_known_silence_is_let_go_and_returns() {
        let mut encoder = Encoder::new();
        encoder.video_config(CONFIG_720P);
        encoder.audio_config(AAC_MAIN);
        encoder.run(3_000);
        assert_eq!(encoder.periods(), [(1_000, true, true)]);
        encoder.audio_on = false;
        encoder.run(8_000);
        encoder.audio_on = true;
        encoder.run(3_000);
        let tracks: Vec<_> = encoder.periods().iter().map(|p| (p.1, p.2)).collect();
        assert_eq!(tracks, [(true, true), (true, false), (true, true)]);
    }

    #[test]
    fn timestamps_wrap_at_32_bits() {
        let mut encoder = Encoder::new().start();
        (encoder.video_offset, encoder.audio_offset) = ((1 << 32) - 2_500, (1 << 32) - 2_500);
        encoder.run(8_000).check(60);
        assert_eq!(encoder.timeline.repairs(), Repairs::default());
        assert_eq!(encoder.periods().len(), 1);
    }

    #[test]
    fn clocks_that_are_set_to_another_time_go_on() {
        for offset in [-16_777_216, 3_600_000, -20_000, 1 << 31] {
            for (video, audio) in [(true, true), (true, false), (false, true)] {
                let mut encoder = Encoder::new().start();
                (encoder.video_offset, encoder.audio_offset) = (20_000_000, 20_000_000);
                encoder.run(3_010);
                encoder.video_offset += if video { offset } else { 0 };
                encoder.audio_offset += if audio { offset } else { 0 };
                encoder.run(3_000).check(120);
                assert_eq!(encoder.periods().len(), 1, "{offset} {video} {audio}");
                assert!(encoder.timeline.repairs().jumps >= 1);
                assert!(encoder.timeline.repairs().dropped == 0);
            }
        }
    }

    #[test]
    fn small_steps_back_are_clamped() {
        let mut encoder = Encoder::new().start();
        encoder.run(2_000);
        encoder.video_offset -= 70;
        encoder.run(1_000).check(120);
        assert!(encoder.timeline.repairs().adjusted > 0);
        assert_eq!(encoder.periods().len(), 1);
    }

    #[test]
    fn a_clock_that_keeps_stepping_back_stays_near() {
        let mut encoder = Encoder::new().start();
        encoder.run(2_000);
        for _ in 0..50 {
            encoder.video_offset -= 900;
            encoder.audio_offset -= 900;
            encoder.run(100);
        }
        encoder.check(1_100);
        for output in &encoder.out {
            if let Output::Video(packet) = output {
                assert!(packet.dts - packet.pts <= ticks_from_ms(1_000), "{packet:?}");
            }
        }
    }

    #[test]
    fn missing_audio_is_filled_with_silence() {
        let mut encoder = Encoder::new().start();
        encoder.run(2_000);
        encoder.audio_on = false;
        encoder.run(30_000);
        encoder.audio_on = true;
        encoder.run(2_000).check(60);
        assert_eq!(encoder.periods().len(), 1);
        assert!(encoder.timeline.repairs().silence > 1_300);
    }

    #[test]
    fn audio_that_comes_late_starts_a_period_at_a_key_frame() {
        let mut encoder = Encoder::new();
        encoder.video_config(CONFIG_720P);
        encoder.audio_on = false;
        encoder.run(3_300);
        encoder.audio_config(AAC_STEREO);
        encoder.audio_on = true;
        encoder.run(3_000);
        assert_eq!(encoder.periods(), [(1_000, true, false), (5_000, true, true)]);
        encoder.check(60);
    }

    #[test]
    fn video_that_comes_late_starts_a_period_at_once() {
        let mut encoder = Encoder::new();
        encoder.audio_config(AAC_STEREO);
        encoder.video_on = false;
        encoder.run(2_500);
        encoder.video_config(CONFIG_720P);
        encoder.video_on = true;
        encoder.run(3_000);
        assert_eq!(encoder.periods().iter().map(|p| (p.1, p.2)).collect::<Vec<_>>(), [(false, true), (true, true)]);
        encoder.check(60);
    }

    #[test]
    fn video_that_stops_leaves_an_audio_period_until_it_returns() {
        let mut encoder = Encoder::new().start();
        encoder.run(3_000);
        encoder.video_on = false;
        encoder.run(8_000);
        encoder.video_on = true;
        encoder.run(3_000);
        let tracks: Vec<_> = encoder.periods().iter().map(|p| (p.1, p.2)).collect();
        assert_eq!(tracks, [(true, true), (false, true), (true, true)]);
        encoder.check(9_100);
    }

    #[test]
    fn a_changed_format_waits_for_the_key_frame_and_a_repeated_one_changes_nothing() {
        let mut encoder = Encoder::new().start();
        encoder.run(2_500);
        encoder.audio_config(AAC_STEREO);
        encoder.video_config(CONFIG_720P);
        encoder.run(1_000);
        assert_eq!(encoder.periods().len(), 1);
        encoder.audio_config(AAC_MONO);
        encoder.run(2_000);
        assert_eq!(encoder.periods(), [(1_000, true, true), (5_000, true, true)]);
    }

    #[test]
    fn a_declared_lone_track_does_not_wait() {
        let mut encoder = Encoder::new();
        encoder.timeline.expect(Some(true), Some(false), None);
        encoder.video_config(CONFIG_720P);
        encoder.audio_on = false;
        encoder.run(1);
        assert_eq!(encoder.periods(), [(1_000, true, false)]);
    }

    #[test]
    fn the_size_of_vp9_comes_with_its_key_frames() {
        let mut timeline = Timeline::default();
        timeline.expect(Some(true), Some(false), Some(25_000));
        let mut out = Vec::new();
        let tag = |body| VideoTag { track: 0, codec: VideoCodec::Vp9, offset_ns: 0, body };
        let frame = |data: &[u8]| tag(Body::Frame { cts_ms: 0, data: Bytes::copy_from_slice(data) });
        timeline.push_video(0, tag(Body::Config(Bytes::from_static(VP9_CONFIG))), &mut out).unwrap();
        timeline.push_video(0, frame(&[0x86, 0]), &mut out).unwrap();
        assert_eq!((out.len(), timeline.repairs().dropped), (0, 1), "nothing starts without a key frame");
        let mut small = VP9_KEY_FRAME.to_vec();
        // 16 times the height and a little: 640x360 becomes 640x32.
        (small[7], small[8]) = (0x01, 0xf6);
        for (n, data) in [VP9_KEY_FRAME, &[0x86, 0], VP9_KEY_FRAME, &small].into_iter().enumerate() {
            timeline.push_video(40 + 40 * n as u32, frame(data), &mut out).unwrap();
        }
        let said = |out: &Output| match out {
            Output::Period { video: Some(format), .. } => Some((format.height, format.fps_milli)),
            _ => None,
        };
        assert_eq!(out.iter().filter_map(said).collect::<Vec<_>>(), [(360, Some(25_000)), (32, Some(25_000))]);
        assert_eq!(out.len(), 2 + 4);
    }

    #[test]
    fn frames_of_another_codec_than_the_configuration_are_dropped() {
        let mut encoder = Encoder::new().start();
        encoder.run(2_000);
        let config = VideoTag { codec: VideoCodec::Hevc, ..video_tag(Body::Config(Bytes::from_static(HEVC_CONFIG))) };
        encoder.timeline.push_video(2_000, config, &mut encoder.out).unwrap();
        encoder.run(1_000);
        assert_eq!(encoder.video_ms().len(), 50);
        assert!(encoder.timeline.repairs().dropped == 25);
    }

    /// What becomes of a multitrack stream.
    struct Multitrack {
        /// The further tracks of each period.
        periods: Vec<Vec<u8>>,
        faults: Vec<(u8, String)>,
        out: Vec<Output>,
    }

    /// A multitrack encoder: pictures every 40 ms, key frames every second, those of the further
    /// tracks this much later, until they stop.
    fn multitrack(configs: &[(u8, &'static [u8])], key_late_ms: u32, first_last: bool, stop_at_ms: u32) -> Multitrack {
        let mut timeline = Timeline::default();
        timeline.expect(Some(true), Some(false), None);
        let mut out = Vec::new();
        let tag = |track, body| VideoTag { track, ..video_tag(body) };
        timeline.push_video(0, tag(0, Body::Config(Bytes::from_static(CONFIG_720P))), &mut out).unwrap();
        for (track, config) in configs {
            timeline.push_video(0, tag(*track, Body::Config(Bytes::from_static(config))), &mut out).unwrap();
        }
        for ts in (0..10_000).step_by(40) {
            let frame = |track, key| {
                let nal: &'static [u8] = if key { &[0, 0, 0, 1, 0x65] } else { &[0, 0, 0, 1, 0x41] };
                tag(track, Body::Frame { cts_ms: 0, data: Bytes::from_static(nal) })
            };
            let mut tags = vec![frame(0, ts % 1_000 == 0)];
            let further = configs.iter().filter(|_| ts < stop_at_ms);
            tags.extend(further.map(|(track, _)| frame(*track, ts % 1_000 == key_late_ms)));
            if first_last {
                tags.reverse();
            }
            tags.into_iter().for_each(|tag| timeline.push_video(ts, tag, &mut out).unwrap());
        }
        let ids = |out: &Output| match out {
            Output::Period { tracks, .. } => Some(tracks.iter().map(|track| track.0).collect()),
            _ => None,
        };
        let faults = timeline.faults().map(|(track, fault)| (track, fault.to_string())).collect();
        Multitrack { periods: out.iter().filter_map(ids).collect(), faults, out }
    }

    #[test]
    fn aligned_tracks_stand_beside_the_first() {
        for first_last in [false, true] {
            let Multitrack { periods, faults, out } = multitrack(&[(1, CONFIG_360P)], 0, first_last, 10_000);
            assert_eq!((periods, faults), (vec![vec![1]], vec![]));
            let times = |wanted: fn(&Output) -> Option<&Packet>| -> Vec<_> {
                out.iter().filter_map(wanted).map(|packet| (packet.pts, packet.key)).collect()
            };
            let first = times(|out| if let Output::Video(packet) = out { Some(packet) } else { None });
            let second = times(|out| if let Output::Track(1, packet) = out { Some(packet) } else { None });
            assert_eq!(first.len(), 250);
            assert_eq!(first, second, "first last: {first_last}");
        }
    }

    #[test]
    fn tracks_that_cannot_be_used_are_left_out_with_the_reason() {
        let Multitrack { periods, faults, .. } = multitrack(&[(1, CONFIG_360P)], 80, false, 10_000);
        assert_eq!(periods, [vec![1], vec![]]);
        assert!(faults[0].1.contains("key frames"), "{faults:?}");
        let Multitrack { periods, faults, .. } =
            multitrack(&[(1, CONFIG_720P), (2, CONFIG_360P), (3, CONFIG_360P), (4, &[1, 2])], 0, false, 10_000);
        assert_eq!(periods, [vec![2]]);
        assert_eq!(faults.iter().map(|fault| fault.0).collect::<Vec<_>>(), [1, 3, 4]);
        assert!(faults[0].1.contains("size") && faults[2].1.contains("cannot be read"), "{faults:?}");
        let hevc = |body| VideoTag { track: 1, codec: VideoCodec::Hevc, ..video_tag(body) };
        let mut encoder = Encoder::new().start();
        let config = hevc(Body::Config(Bytes::from_static(HEVC_CONFIG)));
        encoder.timeline.push_video(0, config, &mut encoder.out).unwrap();
        encoder.run(1_000);
        assert_eq!(
            encoder.timeline.faults().next().map(|(track, fault)| (track, fault.clone())),
            Some((1, Fault::Codec))
        );
        let Multitrack { periods, faults, .. } = multitrack(&[(1, CONFIG_360P)], 0, false, 2_500);
        assert_eq!(periods, [vec![1], vec![]]);
        assert_eq!(faults, [(1, "it has stopped".to_owned())]);
    }

    #[test]
    fn opus_is_counted_by_its_own_packets() {
        let mut timeline = Timeline::default();
        timeline.expect(Some(false), Some(true), None);
        let mut out = Vec::new();
        let tag = |body| AudioTag { track: 0, codec: AudioCodec::Opus, offset_ns: 0, body };
        timeline.push_audio(0, tag(Body::Config(Bytes::from_static(OPUS_CONFIG))), &mut out).unwrap();
        // 20 ms, 20 ms, 60 ms, 2.5 ms, and then something that is no packet.
        for (ts, data) in [(0, &[0xf8][..]), (20, &[0xf8]), (40, &[0x18]), (100, &[0x80]), (102, &[0xfb, 0])] {
            let data = Bytes::copy_from_slice(data);
            timeline.push_audio(ts, tag(Body::Frame { cts_ms: 0, data }), &mut out).unwrap();
        }
        let at = |out: &Output| match out {
            Output::Audio(packet) => Some(packet.pts - ticks_from_ms(START_MS)),
            _ => None,
        };
        assert_eq!(out.iter().filter_map(at).collect::<Vec<_>>(), [0, 1_800, 3_600, 9_000]);
        assert_eq!(timeline.repairs().dropped, 1);
    }

    #[test]
    fn nanoseconds_refine_the_timestamps() {
        let mut encoder = Encoder::new();
        encoder.timeline.expect(Some(true), Some(false), None);
        encoder.video_config(CONFIG_720P);
        for (ts, offset_ns) in [(0, 0), (16, 666_666), (33, 333_333)] {
            let body = Body::Frame { cts_ms: 0, data: Bytes::from_static(&[0, 0, 0, 1, 0x65]) };
            let tag = VideoTag { offset_ns, ..video_tag(body) };
            encoder.timeline.push_video(ts, tag, &mut encoder.out).unwrap();
        }
        let dts = |out: &Output| match out {
            Output::Video(packet) => Some(packet.dts - ticks_from_ms(START_MS)),
            _ => None,
        };
        assert_eq!(encoder.out.iter().filter_map(dts).collect::<Vec<_>>(), [0, 1_499, 2_999]);
    }

    #[test]
    fn a_new_session_continues_the_timeline() {
        let mut encoder = Encoder::new().start();
        encoder.run(5_000);
        encoder.timeline.reconnect(7_000);
        encoder.video_config(CONFIG_720P);
        encoder.audio_config(AAC_STEREO);
        (encoder.video_offset, encoder.audio_offset) = (-5_000, -5_000);
        encoder.run(2_000);
        let periods = encoder.periods();
        assert_eq!(periods.len(), 2);
        assert!((12_900..13_100).contains(&periods[1].0), "{periods:?}");
        encoder.check(7_200);
    }

    /// What is shown in place of the encoder takes up its time, and no more of it.
    #[test]
    fn a_pause_is_as_long_as_it_was() {
        for connected in [true, false] {
            let mut encoder = Encoder::new().start();
            encoder.run(5_000);
            let newest = encoder.timeline.newest();
            encoder.timeline.pause(1_500);
            assert!(encoder.timeline.rests());
            encoder.timeline.rest_until(newest + ticks_from_ms(6_000));
            if !connected {
                encoder.timeline.reconnect(6_000);
                encoder.video_config(CONFIG_720P);
                encoder.audio_config(AAC_STEREO);
            }
            encoder.run(2_000);
            assert!(!encoder.timeline.rests());
            let periods = encoder.periods();
            assert_eq!(periods.len(), 2);
            assert!((11_900..12_100).contains(&periods[1].0), "{periods:?}");
            encoder.check(6_200);
        }
    }

    #[test]
    fn a_day_does_not_drift() {
        let mut encoder = Encoder::new().start();
        for _ in 0..24 {
            encoder.run(3_600_000);
            let (video, audio) = (*encoder.video_ms().last().unwrap(), *encoder.audio().last().unwrap());
            assert!((video - ms_from_ticks(audio)).abs() <= 40, "{video} {audio}");
            encoder.out.clear();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_clock_gives_monotonic_output(steps in prop::collection::vec((any::<bool>(), any::<i32>(), 1u16..800), 1..20)) {
            let mut encoder = Encoder::new().start();
            for (video, offset, ms) in steps {
                let track = if video { &mut encoder.video_offset } else { &mut encoder.audio_offset };
                *track += i64::from(offset);
                encoder.run(ms.into());
            }
            let (video, audio) = (encoder.video_ms(), encoder.audio());
            prop_assert!(video.windows(2).all(|w| w[0] <= w[1]));
            prop_assert!(audio.windows(2).all(|w| w[0] < w[1]));
        }
    }
}
