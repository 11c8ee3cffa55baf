//! A world of one channel.

use crate::encoder::{self, Encoder, Message};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rivulet_hls_rules::Checker;
use rivulet_hub::{Program, Source};
use rivulet_ingest::Limits;
use rivulet_ingest::course::{Course, Effect, Effects, first_number};
use rivulet_media::timeline::Output;
use rivulet_media::{Ticks, VideoFormat, ms_from_ticks, ticks_from_ms};
use rivulet_origin::playlist;
use rivulet_origin::window::Window;
use rivulet_protocol::rest::BroadcastSettings;
use rivulet_transcoder::Ladder;
use rivulet_transcoder::planner::{self, Planner};
use std::collections::BTreeMap;
use std::sync::Arc;

const STEP_MS: i64 = 20;
const PART: Ticks = ticks_from_ms(500);
const GRACE_SECONDS: u32 = 20;
/// Viewers see something new this long after an encoder was lost, and this often from then on.
const SLATE_WITHIN_MS: i64 = 3_000;
const SLATE_STEP_MS: i64 = 300;

/// One broadcast in one process.
struct OnAir {
    started_at_ms: i64,
    first_number: u32,
    planner: Planner,
    window: Window,
    /// Of what ingest gave out.
    newest_video: Ticks,
    newest_audio: Ticks,
    newest_at_ms: i64,
    has_period: bool,
    cut: Option<(u64, Ticks)>,
    checkers: BTreeMap<String, Checker>,
}

impl OnAir {
    fn new(started_at_ms: i64, first_number: u32, now_ms: i64) -> Self {
        Self {
            started_at_ms,
            first_number,
            planner: Planner::new(Ladder { rungs: Vec::new(), ..Ladder::default() }, first_number),
            window: Window::new(PART, first_number),
            newest_video: Ticks::MIN,
            newest_audio: Ticks::MIN,
            newest_at_ms: now_ms,
            has_period: false,
            cut: None,
            checkers: BTreeMap::new(),
        }
    }
}

pub struct World {
    dice: StdRng,
    now_ms: i64,
    course: Course,
    on_air: Option<OnAir>,
    encoder: Option<Encoder>,
    sessions: u64,
    /// When the next encoder comes, and the next tick.
    connects_at_ms: i64,
    tick_at_ms: i64,
    slate: Option<(i64, VideoFormat)>,
    away_since_ms: Option<i64>,
    /// Nobody is connected.
    alone_since_ms: i64,
    ended: Option<bool>,
    /// Of the broadcast that the last process has had.
    last_segment: u64,
    happened: BTreeMap<&'static str, u32>,
    parts: u64,
}

fn settings() -> BroadcastSettings {
    BroadcastSettings { grace_seconds: GRACE_SECONDS, ..BroadcastSettings::default() }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let now_ms = 1_000_000;
        Self {
            dice: StdRng::seed_from_u64(seed),
            now_ms,
            course: Course::new(settings(), Limits::default(), now_ms),
            on_air: None,
            encoder: None,
            sessions: 0,
            connects_at_ms: now_ms,
            tick_at_ms: now_ms,
            slate: None,
            away_since_ms: None,
            alone_since_ms: now_ms,
            ended: None,
            last_segment: 0,
            happened: BTreeMap::new(),
            parts: 0,
        }
    }

    /// Lives for so long; answers what happened how often, and how many parts were listed.
    pub fn live(mut self, seconds: i64) -> (BTreeMap<&'static str, u32>, u64) {
        let until_ms = self.now_ms + seconds * 1_000;
        while self.now_ms < until_ms {
            self.step();
        }
        (self.happened, self.parts)
    }

    fn step(&mut self) {
        self.now_ms += STEP_MS;
        let now_ms = self.now_ms;
        let mut effects = Effects::new();
        self.fate(&mut effects);
        if self.slate.as_ref().is_some_and(|(at, _)| now_ms >= *at) {
            let (_, like) = self.slate.take().unwrap();
            self.course.slate(Arc::new(encoder::slate(&like)));
        }
        if self.encoder.is_none() && now_ms >= self.connects_at_ms {
            self.connect(&mut effects);
        }
        if let Some(encoder) = &mut self.encoder {
            encoder.work(now_ms, &mut self.dice);
            while let Some(message) = encoder.arrives(now_ms) {
                match message {
                    Message::Metadata(metadata) => self.course.metadata(encoder.session, metadata),
                    Message::Video(ts, tag) => self.course.video(encoder.session, ts, tag, now_ms, &mut effects),
                    Message::Audio(ts, tag) => self.course.audio(encoder.session, ts, tag, now_ms, &mut effects),
                }
            }
        }
        let due = self.course.due_ms().is_some_and(|due| now_ms >= due);
        if due || now_ms >= self.tick_at_ms {
            self.course.tick(now_ms, &mut effects);
            self.tick_at_ms = now_ms + if self.course.away() { 100 } else { 1_000 };
        }
        self.apply(effects);
        self.look();
        if let Some(over) = self.ended.take() {
            self.begin_anew(over);
        }
    }

    /// What happens by chance.
    fn fate(&mut self, effects: &mut Effects) {
        let now_ms = self.now_ms;
        let Some(encoder) = &mut self.encoder else { return };
        let session = encoder.session;
        let happens = match self.dice.random_range(0..12_000) {
            0..10 => {
                self.encoder = None;
                self.connects_at_ms = now_ms + self.dice.random_range(100..30_000);
                self.course.detach(session, false, now_ms, effects);
                "cut off"
            }
            10..13 => {
                self.encoder = None;
                self.connects_at_ms = now_ms + self.dice.random_range(100..5_000);
                self.course.detach(session, true, now_ms, effects);
                "goodbye"
            }
            13..30 => {
                encoder.hold(now_ms + self.dice.random_range(100..12_000));
                "stalled"
            }
            30..36 => {
                self.connect(effects);
                "taken over"
            }
            36..42 => {
                let by_ms = [-3_600_000, -1_500, -40, 700, 12_000, 86_400_000][self.dice.random_range(0..6)];
                encoder.set_clock(by_ms);
                "encoder's clock set"
            }
            42..45 => {
                self.course.drop_key("key", "another key".into(), now_ms, effects);
                "key dropped"
            }
            45..48 => {
                self.course.leave(now_ms, effects);
                "server stopped"
            }
            48..51 => {
                self.encoder = None;
                self.connects_at_ms = now_ms + self.dice.random_range(1_000..4_000);
                // Nothing is said any more.
                self.ended = Some(false);
                "server killed"
            }
            51..52 => {
                self.course.stop("a moderator has ended it", effects);
                "ended"
            }
            _ => return,
        };
        *self.happened.entry(happens).or_default() += 1;
    }

    fn connect(&mut self, effects: &mut Effects) {
        self.sessions += 1;
        self.encoder = Some(Encoder::new(self.sessions, self.now_ms, &mut self.dice));
        self.course.attach(self.sessions, "key".into(), self.now_ms, effects);
    }

    /// The next process, or the next broadcast.
    fn begin_anew(&mut self, over: bool) {
        let before = self.on_air.take();
        self.course = Course::new(settings(), Limits::default(), self.now_ms);
        (self.slate, self.away_since_ms, self.encoder) = (None, None, None);
        self.connects_at_ms = self.connects_at_ms.max(self.now_ms + 500);
        (self.tick_at_ms, self.alone_since_ms) = (self.now_ms, self.now_ms);
        let Some(before) = before.filter(|_| !over) else {
            self.last_segment = 0;
            return;
        };
        let elapsed_ms = self.now_ms - before.started_at_ms;
        self.on_air = Some(OnAir::new(before.started_at_ms, first_number(elapsed_ms), self.now_ms));
        let mut effects = Effects::new();
        self.course.resume(before.started_at_ms, self.now_ms, &mut effects);
        self.apply(effects);
    }

    fn apply(&mut self, effects: Effects) {
        for effect in effects {
            assert!(self.ended.is_none_or(|_| self.encoder.is_none()), "{effect:?} after the end");
            match effect {
                Effect::GoLive => {
                    assert!(self.on_air.is_none(), "twice on air");
                    self.on_air = Some(OnAir::new(self.now_ms, 0, self.now_ms));
                }
                Effect::Push(output) => self.push(output),
                Effect::Kick(session, _) => {
                    if self.encoder.as_ref().is_some_and(|encoder| encoder.session == session) {
                        self.encoder = None;
                        self.connects_at_ms = self.now_ms + self.dice.random_range(500..3_000);
                        let mut more = Effects::new();
                        self.course.detach(session, true, self.now_ms, &mut more);
                        self.apply(more);
                    }
                }
                Effect::Away(format) => {
                    self.away_since_ms = Some(self.now_ms);
                    let made_at_ms = self.now_ms + self.dice.random_range(100..1_400);
                    self.slate = format.map(|format| (made_at_ms, format));
                    if self.slate.is_none() {
                        // Nothing to show: playlists wait.
                        self.away_since_ms = None;
                    }
                }
                Effect::Back => (self.away_since_ms, self.slate) = (None, None),
                Effect::Refused(_) => {}
                Effect::End { over } => {
                    assert!(self.ended.is_none(), "ended twice");
                    self.ended = Some(over);
                    self.encoder = None;
                }
            }
        }
    }

    /// What ingest gives out: one timeline that rises, in periods that begin with a key frame.
    fn push(&mut self, output: Output) {
        let now_ms = self.now_ms;
        let on_air = self.on_air.as_mut().expect("on air before anything is pushed");
        let newest = on_air.newest_video.max(on_air.newest_audio);
        match &output {
            Output::Period { at, .. } => {
                assert!(*at >= newest, "a period at {} after {}", ms_from_ticks(*at), ms_from_ticks(newest));
                on_air.has_period = true;
            }
            Output::Video(packet) => {
                assert!(on_air.has_period && packet.dts > on_air.newest_video, "pictures in order");
                on_air.newest_video = packet.dts;
            }
            Output::Audio(packet) => {
                assert!(on_air.has_period && packet.pts > on_air.newest_audio, "sound in order");
                on_air.newest_audio = packet.pts;
            }
            Output::Track(..) => {}
        }
        if on_air.newest_video.max(on_air.newest_audio) > newest {
            on_air.newest_at_ms = now_ms;
        }
        let source = match output {
            Output::Period { at, video, audio, tracks } => Source::Period { at, video, audio, tracks },
            Output::Video(packet) => Source::Video(packet),
            Output::Track(track, packet) => Source::Track(track, packet),
            Output::Audio(packet) => Source::Audio(packet),
        };
        let mut planned = Vec::new();
        on_air.planner.push(source, &mut planned);
        for item in planned {
            let planner::Output::Program(program, _) = item else { continue };
            if let Program::Period(_, cut) | Program::Cut(cut) = &program {
                let rises = on_air.cut.is_none_or(|(number, pts)| cut.segment == number + 1 && cut.pts > pts);
                let first = on_air.cut.is_some() || cut.segment == u64::from(on_air.first_number);
                assert!(rises && first, "{cut:?} after {:?}", on_air.cut);
                on_air.cut = Some((cut.segment, cut.pts));
            }
            let mut done = Vec::new();
            on_air.window.push(program, &mut done).expect("segments can be written");
        }
    }

    /// What viewers get.
    fn look(&mut self) {
        let now_ms = self.now_ms;
        let Some(on_air) = &mut self.on_air else { return };
        // A player polls; each look at it costs as much as all the rest of a step.
        if now_ms % 200 == 0 {
            for rendition in ["source", "audio"] {
                let Some(text) = playlist::media(&on_air.window, rendition, on_air.started_at_ms, false) else {
                    continue;
                };
                let checker = on_air.checkers.entry(rendition.to_owned()).or_insert_with(Checker::with_holes);
                let list = checker.check(rendition, &text).unwrap_or_else(|broken| panic!("{broken}\n{text}"));
                let Some((segment, _)) = list.edge() else { continue };
                assert!(segment >= self.last_segment || rendition != "source", "segment {segment} again");
                if rendition == "source" {
                    self.last_segment = self.last_segment.max(segment);
                }
                self.parts += text.matches("#EXT-X-PART:").count() as u64;
            }
        }
        if self.encoder.is_some() {
            self.alone_since_ms = now_ms;
        }
        let waits_ms = now_ms - self.alone_since_ms;
        assert!(waits_ms <= i64::from(GRACE_SECONDS) * 1_000 + 1_000, "waits for {waits_ms} ms");
        if let Some(since) = self.away_since_ms.filter(|_| self.ended.is_none()) {
            let (away_ms, still_ms) = (now_ms - since, now_ms - on_air.newest_at_ms);
            let shown = away_ms < SLATE_WITHIN_MS || still_ms <= SLATE_STEP_MS;
            assert!(shown, "away for {away_ms} ms, and nothing new for {still_ms} ms");
        }
    }
}
