//! The mix as a function of what the sources hold: no clock, no thread. Call [`Mixer::block`] for each
//! block that is due.

use super::{BLOCK, Feed, Frame, RATE, amplitude, frames_in};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A change of gain takes this long unless somebody wants a fade: short, and without a click.
const STEP_MS: u32 = 10;
/// The longest fade.
const MAX_FADE_MS: u32 = 600_000;
/// Peaks are kept below this, -0.2 dB.
const CEILING: f32 = 0.977;
/// The time in which the limiter lets go.
const LET_GO_MS: u32 = 200;
/// In decibels; what is at the lowest is not heard at all.
const GAIN_DB: std::ops::RangeInclusive<f32> = -96.0..=24.0;
const MAX_SOURCES: usize = 64;

/// How a source sounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// -96 to 24 decibels; -96 is silence.
    pub gain_db: f32,
    pub muted: bool,
    /// While this source is loud, those that have no such settings are softer.
    pub ducks: Option<Ducking>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { gain_db: 0.0, muted: false, ducks: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ducking {
    /// Root mean square from which on it is loud, in decibels of full scale.
    pub above_db: f32,
    /// How much softer the others become: 0 to 96 decibels.
    pub by_db: f32,
    pub attack_ms: u32,
    /// It counts as loud for so long after it was.
    pub hold_ms: u32,
    pub release_ms: u32,
}

impl Default for Ducking {
    fn default() -> Self {
        Self { above_db: -40.0, by_db: 12.0, attack_ms: 50, hold_ms: 400, release_ms: 600 }
    }
}

/// Settings that cannot be used; the field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Unsuitable {
    pub field: &'static str,
    pub message: String,
}

impl Settings {
    pub fn check(&self) -> Result<(), Unsuitable> {
        let within = |field, value: f32, range: std::ops::RangeInclusive<f32>| match range.contains(&value) {
            true => Ok(()),
            false => Err(Unsuitable { field, message: format!("must be {} to {}", range.start(), range.end()) }),
        };
        within("gain_db", self.gain_db, GAIN_DB)?;
        let Some(ducks) = &self.ducks else { return Ok(()) };
        within("ducks.above_db", ducks.above_db, -96.0..=0.0)?;
        within("ducks.by_db", ducks.by_db, 0.0..=96.0)?;
        for (field, ms) in [
            ("ducks.attack_ms", ducks.attack_ms),
            ("ducks.hold_ms", ducks.hold_ms),
            ("ducks.release_ms", ducks.release_ms),
        ] {
            within(field, ms as f32, 0.0..=10_000.0)?;
        }
        Ok(())
    }

    fn gain(&self) -> f32 {
        if self.muted || self.gain_db <= *GAIN_DB.start() { 0.0 } else { amplitude(self.gain_db) }
    }
}

/// Of the newest block; full scale is 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Level {
    pub peak: f32,
    /// Root mean square of both sides.
    pub rms: f32,
}

impl Level {
    fn of(block: &[Frame]) -> Self {
        let samples = || block.iter().flatten();
        let peak = samples().fold(0f32, |peak, sample| peak.max(sample.abs()));
        let squares: f32 = samples().map(|sample| sample * sample).sum();
        Self { peak, rms: (squares / (block.len().max(1) * 2) as f32).sqrt() }
    }

    /// Root mean square in decibels of full scale; silence is -96.
    pub fn db(&self) -> f32 {
        (20.0 * self.rms.log10()).max(*GAIN_DB.start())
    }
}

/// A gain on its way to another, in equal steps.
#[derive(Debug, Clone, Copy)]
struct Ramp {
    now: f32,
    to: f32,
    step: f32,
    left: u32,
}

impl Ramp {
    fn at(gain: f32) -> Self {
        Self { now: gain, to: gain, step: 0.0, left: 0 }
    }

    fn go(&mut self, to: f32, frames: u32) {
        let left = frames.max(1);
        *self = Self { now: self.now, to, step: (to - self.now) / left as f32, left };
    }

    fn next(&mut self) -> f32 {
        match self.left {
            0 => {}
            1 => (self.now, self.left) = (self.to, 0),
            _ => (self.now, self.left) = (self.now + self.step, self.left - 1),
        }
        self.now
    }
}

struct Source {
    feed: Box<dyn Feed>,
    settings: Settings,
    gain: Ramp,
    level: Level,
    /// Frames for which it still counts as loud.
    loud: u32,
    block: Box<[Frame; BLOCK]>,
}

impl Source {
    /// The next block with its own gain.
    fn fetch(&mut self, at: i64) {
        let taken = self.feed.take(at, &mut self.block[..]);
        for frame in &mut self.block[..taken] {
            let gain = self.gain.next();
            // A decoder's infinity must not become that of the whole mix.
            *frame = frame.map(|sample| if sample.is_finite() { sample.clamp(-8.0, 8.0) * gain } else { 0.0 });
        }
        self.block[taken..].fill([0.0; 2]);
        (taken..BLOCK).for_each(|_| _ = self.gain.next());
        self.level = Level::of(&self.block[..]);
        if let Some(ducks) = &self.settings.ducks {
            self.loud = match self.level.db() > ducks.above_db {
                true => frames_in(ducks.hold_ms) + BLOCK as u32,
                false => self.loud,
            };
        }
    }
}

pub struct Mixer {
    sources: BTreeMap<String, Source>,
    /// Of the sources that are ducked.
    duck: Ramp,
    master: Ramp,
    limiter: f32,
    level: Level,
}

impl Default for Mixer {
    fn default() -> Self {
        Self {
            sources: BTreeMap::new(),
            duck: Ramp::at(1.0),
            master: Ramp::at(1.0),
            limiter: 1.0,
            level: Level::default(),
        }
    }
}

impl Mixer {
    /// Adds a source, or gives one another feed and settings.
    pub fn set(&mut self, id: &str, feed: impl Feed + 'static, settings: Settings) -> Result<(), Unsuitable> {
        settings.check()?;
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(id) {
            return Err(Unsuitable { field: "id", message: format!("there are {MAX_SOURCES} sources already") });
        }
        let block = Box::new([[0.0; 2]; BLOCK]);
        let gain = Ramp::at(settings.gain());
        let source = Source { feed: Box::new(feed), settings, gain, level: Level::default(), loud: 0, block };
        if let Some(before) = self.sources.insert(id.to_owned(), source) {
            before.feed.close();
        }
        Ok(())
    }

    /// Other settings for a source; its gain gets there in `fade_ms`. False: there is no such source.
    pub fn change(&mut self, id: &str, settings: Settings, fade_ms: u32) -> Result<bool, Unsuitable> {
        settings.check()?;
        let Some(source) = self.sources.get_mut(id) else { return Ok(false) };
        source.gain.go(settings.gain(), frames_in(fade_ms.clamp(STEP_MS, MAX_FADE_MS)));
        source.settings = settings;
        Ok(true)
    }

    /// False: there is no such source.
    pub fn remove(&mut self, id: &str) -> bool {
        self.sources.remove(id).inspect(|source| source.feed.close()).is_some()
    }

    /// Ids of the sources that have ended, which are removed.
    pub fn take_ended(&mut self) -> Vec<String> {
        self.sources.extract_if(.., |_, source| source.feed.is_over()).map(|(id, _)| id).collect()
    }

    /// The gain of all, after ducking.
    pub fn fade_master(&mut self, gain_db: f32, fade_ms: u32) -> Result<(), Unsuitable> {
        let settings = Settings { gain_db, ..Settings::default() };
        settings.check()?;
        self.master.go(settings.gain(), frames_in(fade_ms.clamp(STEP_MS, MAX_FADE_MS)));
        Ok(())
    }

    /// Mixes the next block, that of a moment of the scene. Within -1 and 1, whatever the sources hold.
    pub fn block(&mut self, at: i64) -> [Frame; BLOCK] {
        self.sources.values_mut().for_each(|source| source.fetch(at));
        self.set_duck();
        let mut mix = [[0f32; 2]; BLOCK];
        let let_go = 1.0 / frames_in(LET_GO_MS) as f32;
        for (at, frame) in mix.iter_mut().enumerate() {
            let duck = self.duck.next();
            for source in self.sources.values() {
                let gain = if source.settings.ducks.is_some() { 1.0 } else { duck };
                frame[0] += source.block[at][0] * gain;
                frame[1] += source.block[at][1] * gain;
            }
            let master = self.master.next();
            let peak = frame[0].abs().max(frame[1].abs()) * master;
            self.limiter += (1.0 - self.limiter) * let_go;
            if peak * self.limiter > CEILING {
                self.limiter = CEILING / peak;
            }
            *frame = frame.map(|sample| sample * master * self.limiter);
        }
        self.level = Level::of(&mix);
        mix
    }

    /// Starts the way to the gain that the loudest of those that duck wants.
    fn set_duck(&mut self) {
        let loud = self.sources.values().filter(|source| source.loud > 0);
        let most = loud.filter_map(|source| source.settings.ducks).max_by(|a, b| a.by_db.total_cmp(&b.by_db));
        let to = most.map_or(1.0, |ducks| amplitude(-ducks.by_db));
        if to != self.duck.to {
            let release = || self.sources.values().filter_map(|source| source.settings.ducks);
            let ms = match most {
                Some(ducks) if to < self.duck.to => ducks.attack_ms,
                _ => release().map(|ducks| ducks.release_ms).max().unwrap_or(STEP_MS),
            };
            self.duck.go(to, frames_in(ms.max(1)));
        }
        for source in self.sources.values_mut() {
            source.loud = source.loud.saturating_sub(BLOCK as u32);
        }
    }

    pub fn settings(&self) -> impl Iterator<Item = (&str, Settings)> {
        self.sources.iter().map(|(id, source)| (id.as_str(), source.settings))
    }

    /// How loud a source was in the newest block, with its own gain: what moves a mouth.
    pub fn level_of(&self, id: &str) -> Option<Level> {
        self.sources.get(id).map(|source| source.level)
    }

    pub fn levels(&self) -> impl Iterator<Item = (&str, Level)> {
        self.sources.iter().map(|(id, source)| (id.as_str(), source.level))
    }

    /// Of the mix itself.
    pub fn level(&self) -> Level {
        self.level
    }
}

const _: () = assert!(RATE.is_multiple_of(1_000), "milliseconds are whole frames");
