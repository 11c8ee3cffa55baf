//! From the source to the program: decides periods, renditions and where segments start, passes
//! on what is remuxed, and says what a worker has to encode. Pure: items in, items out.
//!
//! All renditions of a broadcast start their segments at the same times. With a remuxed source
//! these are its own key frames; a source whose key frames are too far apart loses that privilege
//! and is encoded from there on, as a new period. Further tracks that the broadcaster sends are
//! renditions beside a remuxed source, and take the place of rungs of their size.

use crate::ladder::Ladder;
use rivulet_hub::{Format, Period, Program, Rendition, RenditionKind, Source};
use rivulet_media::{AudioCodec, AudioFormat, Packet, Players, Ticks, VideoCodec, VideoFormat, ticks_from_ms};
use rivulet_protocol::worker::{self, AudioEncode, Cut, Input, Rung, VideoDecode};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Wanted length of a segment.
pub const SEGMENT: Ticks = ticks_from_ms(2_000);
/// A key frame this much before the wanted length ends the segment, too.
const EARLY: Ticks = ticks_from_ms(250);
/// The longest segment while no other has set the broadcast's target duration.
const LONGEST_FIRST: Ticks = ticks_from_ms(4_000);
/// A source that has stopped does not hold its further tracks for ever.
const MAX_WAITING: usize = 256;
const DEFAULT_FPS_MILLI: u32 = 30_000;
/// What the sound is in, passed on or encoded.
const AAC_LC: &str = "mp4a.40.2";
/// How far sound may lag behind the pictures that begin its period.
const LATE: Ticks = ticks_from_ms(200);
/// What is longer is a hole, and no picture lasts so long.
const MAX_STEP: Ticks = ticks_from_ms(500);
/// A segment's rounded duration may not exceed the target duration.
const ROUNDING: Ticks = ticks_from_ms(490);

#[derive(Debug, Clone)]
pub enum Output {
    Program(Program, usize),
    /// `restart` marks a key frame: a new worker can begin here.
    Worker {
        input: Arc<Input>,
        bytes: usize,
        restart: bool,
    },
    /// From now on the worker makes these rungs of the newest period.
    Rungs(Vec<Rung>),
    /// The source has ended; see [`Source::End`].
    End {
        over: bool,
    },
}

/// Which rungs are to be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// Those of these names; also the best one where the source cannot be passed on.
    These(BTreeSet<String>),
}

struct Current {
    period: Arc<Period>,
    start: Ticks,
    video: Option<VideoFormat>,
    audio: Option<AudioFormat>,
    /// All that the ladder plans, made or not.
    rungs: Vec<Rung>,
    remux_video: bool,
    remux_audio: bool,
    audio_index: Option<usize>,
    /// Further tracks of the source that are passed on, and where among the renditions.
    tracks: Vec<(u8, usize)>,
}

pub struct Planner {
    ladder: Ladder,
    wanted: Wanted,
    current: Option<Current>,
    periods: u32,
    cut: Cut,
    /// A picture has begun its segment.
    begun: bool,
    /// Packets of further tracks, until it is known whether a segment starts at their time.
    waiting: VecDeque<(u8, Packet)>,
    newest_dts: Ticks,
    /// From the picture before it to the newest.
    step: Ticks,
    /// Fixed by the first segment: players must be able to rely on it.
    target: Option<Ticks>,
}

impl Planner {
    /// `first_number`: of the first segment and period, see [`rivulet_hub::BroadcastInfo`].
    pub fn new(ladder: Ladder, first_number: u32) -> Self {
        Self {
            ladder,
            wanted: Wanted::These(BTreeSet::new()),
            current: None,
            periods: first_number,
            cut: Cut { segment: first_number.into(), pts: 0 },
            begun: false,
            waiting: VecDeque::new(),
            newest_dts: Ticks::MIN,
            step: 0,
            target: None,
        }
    }

    pub fn push(&mut self, item: Source, out: &mut Vec<Output>) {
        match item {
            Source::Period { at, video, audio, tracks } => {
                self.pass_on_tracks(at - 1, out);
                self.start_period(at, video, audio, Some(tracks), out);
            }
            Source::Video(packet) => {
                self.step = packet.dts.saturating_sub(self.newest_dts).clamp(0, MAX_STEP);
                self.newest_dts = packet.dts;
                self.video(packet, out);
                self.pass_on_tracks(self.newest_dts, out);
            }
            Source::Track(track, packet) => {
                self.waiting.push_back((track, packet));
                let until = if self.waiting.len() > MAX_WAITING { Ticks::MAX } else { self.newest_dts };
                self.pass_on_tracks(until, out);
            }
            Source::Audio(packet) => self.audio(packet, out),
            Source::End { over } => {
                self.pass_on_tracks(Ticks::MAX, out);
                out.push(Output::End { over });
            }
        }
    }

    /// What is watched from now on. What is not made yet begins with the newest segments.
    pub fn want(&mut self, wanted: Wanted, out: &mut Vec<Output>) {
        if wanted == self.wanted {
            return;
        }
        let before = self.current.as_ref().map(|current| self.made(current));
        self.wanted = wanted;
        let Some(current) = &self.current else { return };
        let rungs = self.made(current);
        if before.is_some_and(|before| before != rungs) {
            out.push(Output::Rungs(rungs));
        }
    }

    /// The rungs of the period that are made.
    fn made(&self, current: &Current) -> Vec<Rung> {
        let wanted = |rung: &&Rung| match &self.wanted {
            // Somebody has to cut the segments and to fill the recording.
            _ if rung.rendition == 0 => true,
            Wanted::All => true,
            Wanted::These(names) => names.contains(&rung.name),
        };
        current.rungs.iter().filter(wanted).cloned().collect()
    }

    fn start_period(
        &mut self,
        at: Ticks,
        video: Option<VideoFormat>,
        audio: Option<AudioFormat>,
        // `None`: the source may not be remuxed, nor what it has beside its first track.
        tracks: Option<Vec<(u8, VideoFormat)>>,
        out: &mut Vec<Output>,
    ) {
        self.advance(at);
        let fps_milli = video.as_ref().and_then(|format| format.fps_milli).unwrap_or(DEFAULT_FPS_MILLI);
        let plan = video.as_ref().map(|format| {
            let players = if tracks.is_some() { format.players } else { Players::None };
            self.ladder.plan(format.width, format.height, fps_milli, players)
        });
        let remux_video = plan.as_ref().is_some_and(|plan| plan.remux_source);
        let mut rungs = plan.map(|plan| plan.rungs).unwrap_or_default();
        let tracks = tracks.filter(|_| remux_video).unwrap_or_default();
        let remux_audio = audio.as_ref().is_some_and(AudioFormat::plays_everywhere);
        let mut renditions = Vec::new();
        if let (true, Some(format)) = (remux_video, &video) {
            let (width, height) = (format.width, format.height);
            let kind = RenditionKind::Video { width, height, fps_milli, target_kbps: None };
            let codecs = format.codecs.clone();
            renditions.push(Rendition { id: "source".into(), encoded: false, codecs, kind });
        }
        let places = ladder(&mut rungs, &tracks, fps_milli, &mut renditions);
        let audio_index = audio.as_ref().map(|_| renditions.len());
        if audio.is_some() {
            let codecs = AAC_LC.into();
            renditions.push(Rendition {
                id: "audio".into(),
                encoded: !remux_audio,
                codecs,
                kind: RenditionKind::Audio,
            });
        }
        let number = self.periods;
        self.periods += 1;
        let period = Arc::new(Period { number, renditions });
        out.push(Output::Program(Program::Period(period.clone(), self.cut), 0));
        let format = |rendition, format| Output::Program(Program::Format { period: number, rendition, format }, 0);
        if let (true, Some(video)) = (remux_video, &video) {
            out.push(format(0, Format::Video(video.clone())));
        }
        if let (true, Some(index), Some(audio)) = (remux_audio, audio_index, &audio) {
            out.push(format(index, Format::Audio(audio.clone())));
        }
        for ((_, video), (_, rendition)) in tracks.into_iter().zip(&places) {
            out.push(format(*rendition, Format::Video(video)));
        }
        let start = self.cut.pts;
        let current =
            Current { period, start, video, audio, rungs, remux_video, remux_audio, audio_index, tracks: places };
        let input = Arc::new(Input::Period(self.describe(&current)));
        out.push(Output::Worker { input, bytes: 0, restart: false });
        self.current = Some(current);
    }

    fn describe(&self, current: &Current) -> worker::Period {
        let audio = current.audio.as_ref().filter(|_| !current.remux_audio);
        worker::Period {
            number: current.period.number,
            start: self.cut,
            video: current.video.as_ref().map(|format| VideoDecode {
                codec: match format.codec {
                    VideoCodec::Avc => worker::VideoCodec::Avc,
                    VideoCodec::Hevc => worker::VideoCodec::Hevc,
                    VideoCodec::Av1 => worker::VideoCodec::Av1,
                    VideoCodec::Vp9 => worker::VideoCodec::Vp9,
                },
                config: format.config.to_vec(),
            }),
            fps_milli: current.video.as_ref().and_then(|format| format.fps_milli).unwrap_or(DEFAULT_FPS_MILLI),
            rungs: self.made(current),
            audio: audio.zip(current.audio_index).map(|(format, rendition)| AudioEncode {
                rendition: rendition as u8,
                codec: match format.codec() {
                    AudioCodec::Aac => worker::AudioCodec::Aac,
                    AudioCodec::Opus => worker::AudioCodec::Opus,
                },
                config: format.config.to_vec(),
                bitrate_kbps: self.ladder.audio_kbps,
            }),
            preset: self.ladder.preset.clone(),
            latency: self.ladder.latency,
        }
    }

    /// The next segment starts here.
    fn advance(&mut self, pts: Ticks) {
        self.begun = false;
        if self.current.is_some() {
            let length = pts - self.cut.pts;
            let whole_seconds = |length: Ticks| (length + ticks_from_ms(500)) / ticks_from_ms(1_000);
            let seconds = whole_seconds(length).clamp(whole_seconds(SEGMENT), whole_seconds(LONGEST_FIRST));
            self.target.get_or_insert(seconds * ticks_from_ms(1_000));
            self.cut = Cut { segment: self.cut.segment + 1, pts };
        } else {
            self.cut.pts = pts;
        }
    }

    fn longest(&self) -> Ticks {
        self.target.map_or(LONGEST_FIRST, |target| target + ROUNDING)
    }

    fn video(&mut self, packet: Packet, out: &mut Vec<Output>) {
        let Some(current) = &self.current else { return };
        if current.video.is_none() {
            return;
        }
        let length = packet.pts - self.cut.pts;
        // A clock that steps back puts more than one picture at a time.
        let mut starts = (length == 0 && !self.begun).then_some(self.cut);
        // The picture after this one would come too late to start a segment.
        if current.remux_video && length + self.step > self.longest() && !packet.key {
            let (video, audio) = (current.video.clone(), current.audio.clone());
            self.start_period(packet.pts, video, audio, None, out);
            starts = Some(self.cut);
        } else if if current.remux_video { packet.key && length >= SEGMENT - EARLY } else { length >= SEGMENT } {
            self.advance(packet.pts);
            out.push(Output::Program(Program::Cut(self.cut), 0));
            starts = Some(self.cut);
        }
        self.begun |= starts.is_some();
        let Some(current) = &self.current else { return };
        let bytes = packet.data.len();
        let input =
            Input::Video { dts: packet.dts, pts: packet.pts, key: packet.key, cut: starts, data: packet.data.clone() };
        out.push(Output::Worker { input: Arc::new(input), bytes, restart: packet.key });
        if current.remux_video {
            let segment = starts.map(|cut| cut.segment);
            let sample = Program::Sample { period: current.period.number, rendition: 0, segment, packet };
            out.push(Output::Program(sample, bytes));
        }
    }

    /// Passes on what further tracks have up to this time. By then every cut up to it is known: a
    /// key frame is never decoded after it is shown.
    fn pass_on_tracks(&mut self, until: Ticks, out: &mut Vec<Output>) {
        while let Some((track, packet)) = self.waiting.pop_front_if(|(_, packet)| packet.pts <= until) {
            let Some(current) = &self.current else { continue };
            let Some((_, rendition)) = current.tracks.iter().find(|(id, _)| *id == track) else { continue };
            let segment = (packet.key && packet.pts == self.cut.pts).then_some(self.cut.segment);
            let bytes = packet.data.len();
            let sample = Program::Sample { period: current.period.number, rendition: *rendition, segment, packet };
            out.push(Output::Program(sample, bytes));
        }
    }

    fn audio(&mut self, packet: Packet, out: &mut Vec<Output>) {
        let Some(current) = &self.current else { return };
        let Some(rendition) = current.audio_index else { return };
        // The silence in a hole, behind which the period begins.
        if packet.pts + LATE < current.start {
            return;
        }
        let (period, remux, audio_only) = (current.period.number, current.remux_audio, current.video.is_none());
        if audio_only && packet.pts - self.cut.pts >= SEGMENT {
            self.advance(packet.pts);
            out.push(Output::Program(Program::Cut(self.cut), 0));
        }
        let bytes = packet.data.len();
        if remux {
            out.push(Output::Program(Program::Sample { period, rendition, segment: None, packet }, bytes));
        } else {
            let input = Input::Audio { pts: packet.pts, data: packet.data };
            out.push(Output::Worker { input: Arc::new(input), bytes, restart: audio_only });
        }
    }
}

/// Appends the renditions below the source, from best to worst: its further tracks, and rungs of
/// the sizes that these do not cover. Answers where each track is.
fn ladder(
    rungs: &mut Vec<Rung>,
    tracks: &[(u8, VideoFormat)],
    fps_milli: u32,
    renditions: &mut Vec<Rendition>,
) -> Vec<(u8, usize)> {
    let side = |width: u32, height: u32| width.min(height);
    let covers = |format: &VideoFormat, rung: &Rung| {
        let (own, wanted) = (side(format.width, format.height), side(rung.width, rung.height));
        own.abs_diff(wanted) * 10 <= wanted
    };
    rungs.retain(|rung| !tracks.iter().any(|(_, format)| covers(format, rung)));
    let mut below: Vec<Rendition> = Vec::new();
    for (_, VideoFormat { width, height, codecs, fps_milli: own, .. }) in tracks {
        let id = format!("{}p", side(*width, *height));
        let fps_milli = own.unwrap_or(fps_milli);
        let kind = RenditionKind::Video { width: *width, height: *height, fps_milli, target_kbps: None };
        below.push(Rendition { id, encoded: false, codecs: codecs.clone(), kind });
    }
    for Rung { name, width, height, bitrate_kbps, level, .. } in rungs.iter() {
        let target_kbps = Some(*bitrate_kbps);
        let kind = RenditionKind::Video { width: *width, height: *height, fps_milli, target_kbps };
        below.push(Rendition { id: name.clone(), encoded: true, codecs: format!("avc1.6400{level:02x}"), kind });
    }
    let mut order: Vec<usize> = (0..below.len()).collect();
    order.sort_by_key(|index| match below[*index].kind {
        RenditionKind::Video { width, height, .. } => std::cmp::Reverse(side(width, height)),
        RenditionKind::Audio => std::cmp::Reverse(0),
    });
    let first = renditions.len();
    let place = |index: usize| first + order.iter().position(|of| *of == index).unwrap_or(index);
    for (index, rung) in rungs.iter_mut().enumerate() {
        rung.rendition = place(tracks.len() + index) as u8;
    }
    renditions.extend(order.iter().map(|index| below[*index].clone()));
    tracks.iter().enumerate().map(|(index, (id, _))| (*id, place(index))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bytes::Bytes;
    use rivulet_media::aac::AacInfo;
    use rivulet_media::{AudioInfo, ms_from_ticks};

    fn video_format(players: Players) -> VideoFormat {
        VideoFormat {
            codec: if players == Players::Some { VideoCodec::Hevc } else { VideoCodec::Avc },
            config: Bytes::new(),
            width: 1280,
            height: 720,
            fps_milli: Some(25_000),
            codecs: String::new(),
            profile: String::new(),
            players,
            length_size: 4,
        }
    }

    fn audio_format(info: AudioInfo) -> AudioFormat {
        AudioFormat { config: Bytes::new(), info }
    }

    fn aac(object_type: u8) -> AudioInfo {
        AudioInfo::Aac(AacInfo { object_type, sample_rate: 48_000, channels: 2 })
    }

    /// Pictures every 40 ms with key frames at these times; answers the cuts as (number, ms) and
    /// the renditions of each period.
    fn run(seconds: i64, players: Players, key: impl Fn(i64) -> bool) -> (Vec<(u64, i64)>, Vec<Vec<String>>) {
        let mut planner = Planner::new(Ladder::default(), 0);
        let mut out = Vec::new();
        let period = Source::Period {
            at: 0,
            video: Some(video_format(players)),
            audio: Some(audio_format(aac(2))),
            tracks: Vec::new(),
        };
        planner.push(period, &mut out);
        for n in 0..seconds * 25 {
            let at = ticks_from_ms(n * 40);
            planner.push(Source::Video(Packet { dts: at, pts: at, key: key(n * 40), data: Bytes::new() }), &mut out);
        }
        read(&out)
    }

    fn read(out: &[Output]) -> (Vec<(u64, i64)>, Vec<Vec<String>>) {
        let (mut cuts, mut periods) = (Vec::new(), Vec::new());
        for output in out {
            match output {
                Output::Program(Program::Period(period, cut), _) => {
                    cuts.push((cut.segment, ms_from_ticks(cut.pts)));
                    periods.push(period.renditions.iter().map(|r| r.id.clone()).collect());
                }
                Output::Program(Program::Cut(cut), _) => cuts.push((cut.segment, ms_from_ticks(cut.pts))),
                _ => {}
            }
        }
        (cuts, periods)
    }

    #[test]
    fn segments_start_at_the_sources_key_frames() {
        let cuts = |every: i64| run(9, Players::All, |ms| ms % every == 0).0;
        assert_eq!(cuts(2_000), [(0, 0), (1, 2_000), (2, 4_000), (3, 6_000), (4, 8_000)]);
        assert_eq!(cuts(1_000), cuts(2_000));
        assert_eq!(cuts(3_000), [(0, 0), (1, 3_000), (2, 6_000)]);
        assert_eq!(cuts(1_800), [(0, 0), (1, 1_800), (2, 3_600), (3, 5_400), (4, 7_200)]);
    }

    #[test]
    fn a_long_gop_costs_the_privilege_of_the_source() {
        let (cuts, periods) = run(9, Players::All, |ms| ms % 8_000 == 0);
        assert_eq!(periods, [vec!["source", "480p", "360p", "audio"], vec!["720p", "480p", "360p", "audio"]]);
        assert_eq!(cuts, [(0, 0), (1, 4_000), (2, 6_000), (3, 8_000)]);
        // Also later: no segment exceeds what the first has set.
        let (cuts, periods) = run(12, Players::All, |ms| ms % 2_000 == 0 && ms <= 4_000);
        assert_eq!(periods.len(), 2);
        assert_eq!(cuts[..5], [(0, 0), (1, 2_000), (2, 4_000), (3, 6_480), (4, 8_480)]);
    }

    #[test]
    fn what_browsers_cannot_play_is_encoded_on_a_grid_of_its_own() {
        let (cuts, periods) = run(7, Players::None, |ms| ms % 5_000 == 0);
        assert_eq!(periods, [vec!["720p", "480p", "360p", "audio"]]);
        assert_eq!(cuts, [(0, 0), (1, 2_000), (2, 4_000), (3, 6_000)]);
    }

    #[test]
    fn what_some_browsers_can_play_is_passed_on_beside_a_rung_of_its_size() {
        let (cuts, periods) = run(5, Players::Some, |ms| ms % 2_000 == 0);
        assert_eq!(periods, [vec!["source", "720p", "480p", "360p", "audio"]]);
        assert_eq!(cuts, [(0, 0), (1, 2_000), (2, 4_000)]);
    }

    #[test]
    fn tracks_take_the_place_of_rungs_of_their_size() {
        let size = |width, height| VideoFormat { width, height, ..video_format(Players::All) };
        for (tracks, want) in [
            (vec![(1, size(854, 480))], "source 480p 360p* audio"),
            (vec![(1, size(960, 540)), (2, size(640, 360))], "source 540p 480p* 360p audio"),
            (vec![(2, size(640, 360)), (1, size(854, 480))], "source 480p 360p audio"),
        ] {
            let mut planner = Planner::new(Ladder::default(), 0);
            let mut out = Vec::new();
            planner.want(Wanted::All, &mut out);
            let (video, audio) = (Some(video_format(Players::All)), Some(audio_format(aac(2))));
            planner.push(Source::Period { at: 0, video, audio, tracks }, &mut out);
            let Some(Output::Program(Program::Period(period, _), _)) = out.first() else { panic!("{out:?}") };
            let said = |r: &Rendition| if r.encoded { format!("{}*", r.id) } else { r.id.clone() };
            assert_eq!(period.renditions.iter().map(said).collect::<Vec<_>>().join(" "), want);
            // Each message about a rendition means the one of its size.
            let width_of = |rendition: usize| match period.renditions[rendition].kind {
                RenditionKind::Video { width, .. } => width,
                RenditionKind::Audio => 0,
            };
            for output in &out {
                match output {
                    Output::Program(Program::Format { rendition, format: Format::Video(format), .. }, _) => {
                        assert_eq!(width_of(*rendition), format.width);
                    }
                    Output::Worker { input, .. } => {
                        let Input::Period(described) = &**input else { panic!("{input:?}") };
                        described.rungs.iter().for_each(|r| assert_eq!(width_of(r.rendition.into()), r.width));
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn tracks_start_their_segments_with_the_source() {
        let mut planner = Planner::new(Ladder::default(), 0);
        let mut out = Vec::new();
        let small = VideoFormat { width: 640, height: 360, ..video_format(Players::All) };
        let video = Some(video_format(Players::All));
        planner.push(Source::Period { at: 0, video, audio: None, tracks: vec![(1, small)] }, &mut out);
        for n in 0..250 {
            // Re-ordered by two pictures; the track comes first in every other pair.
            let (dts, pts) = (ticks_from_ms(n * 40 - 80), ticks_from_ms(n * 40));
            let packet = Packet { dts, pts, key: n % 50 == 0, data: Bytes::new() };
            let mut pair = [Source::Video(packet.clone()), Source::Track(1, packet)];
            if n % 4 < 2 {
                pair.reverse();
            }
            pair.into_iter().for_each(|item| planner.push(item, &mut out));
        }
        let starts = |of: usize| -> Vec<(u64, i64)> {
            let start = |output: &Output| match output {
                Output::Program(Program::Sample { rendition, segment: Some(segment), packet, .. }, _) => {
                    (*rendition == of).then_some((*segment, ms_from_ticks(packet.pts)))
                }
                _ => None,
            };
            out.iter().filter_map(start).collect()
        };
        assert_eq!(starts(0), [(0, 0), (1, 2_000), (2, 4_000), (3, 6_000), (4, 8_000)]);
        assert_eq!(starts(2), starts(0), "480p is between them");
    }

    #[test]
    fn only_what_is_wanted_is_made() {
        let mut planner = Planner::new(Ladder::default(), 0);
        let mut out = Vec::new();
        let names = |names: &[&str]| Wanted::These(names.iter().map(|name| (*name).to_owned()).collect());
        let made = |planner: &mut Planner, wanted: Wanted| {
            let mut out = Vec::new();
            planner.want(wanted, &mut out);
            out.pop().map(|output| match output {
                Output::Rungs(rungs) => rungs.into_iter().map(|rung| rung.name).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            })
        };
        planner.push(
            Source::Period { at: 0, video: Some(video_format(Players::All)), audio: None, tracks: Vec::new() },
            &mut out,
        );
        let described = |out: &[Output]| match out.last() {
            Some(Output::Worker { input, .. }) => match &**input {
                Input::Period(period) => period.rungs.iter().map(|rung| rung.name.clone()).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        assert!(described(&out).is_empty(), "nobody watches");
        assert_eq!(made(&mut planner, names(&["360p", "source"])), Some(vec!["360p".into()]));
        assert_eq!(made(&mut planner, names(&["source", "360p"])), None);
        assert_eq!(made(&mut planner, Wanted::All), Some(vec!["480p".into(), "360p".into()]));
        assert_eq!(made(&mut planner, names(&[])), Some(vec![]));
        // What browsers cannot play has its best rung made, always.
        planner.push(
            Source::Period { at: 900_000, video: Some(video_format(Players::None)), audio: None, tracks: Vec::new() },
            &mut out,
        );
        assert_eq!(described(&out), ["720p"]);
    }

    #[test]
    fn audio_alone_is_cut_by_its_own_time_and_all_but_aac_lc_goes_to_the_worker() {
        for (info, to_worker) in [(aac(2), false), (aac(5), true), (AudioInfo::Opus { channels: 2 }, true)] {
            let mut planner = Planner::new(Ladder::default(), 0);
            let mut out = Vec::new();
            planner.push(
                Source::Period { at: 0, video: None, audio: Some(audio_format(info)), tracks: Vec::new() },
                &mut out,
            );
            for n in 0..300 {
                let pts = n * 1_920;
                planner.push(Source::Audio(Packet { dts: pts, pts, key: true, data: Bytes::new() }), &mut out);
            }
            let (cuts, periods) = read(&out);
            assert_eq!(periods, [vec!["audio"]]);
            assert_eq!(cuts.len(), 4);
            let fed = |output: &Output| match output {
                Output::Worker { input, .. } => matches!(**input, Input::Audio { .. }),
                _ => false,
            };
            assert_eq!(out.iter().any(fed), to_worker);
        }
    }
}
