//! Animations in the words of the Web Animations API: what a client hands in, and what it comes to at
//! a moment. Times in documents are milliseconds, inside microseconds.

use crate::easing::Easing;
use crate::error::Code;
use crate::id::Id;
use crate::limits::{Check, MAX_DURATION_MS, MAX_EFFECTS, MAX_KEYFRAMES, MAX_LABEL_CHARS, MAX_TRACKS};
use crate::path::PathData;
use crate::property::{Range, UNIT, Value};
use crate::time::micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ITERATIONS: Range = (0.0, 1_000_000.0);
const DURATION: Range = (0.0, MAX_DURATION_MS);
const VALUE: Range = (-1e12, 1e12);
const RATE: Range = (0.1, 10.0);
/// Deeper than any sensible sequence; it keeps recursion bounded.
const MAX_DEPTH: usize = 8;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Animation {
    pub id: Id,
    pub effect: Effect,
    /// How fast its time runs.
    #[serde(default = "one")]
    pub rate: f64,
    #[serde(default)]
    pub on_finish: OnFinish,
}

fn one() -> f64 {
    1.0
}

/// What becomes of an animation at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFinish {
    /// What it shows after its end (see `fill`) is written into the layers.
    #[default]
    Commit,
    /// The layers are as they were.
    Remove,
}

/// Keyframes, a way to move along, or both at once; or other effects, one after the other or together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The layer; without it, that of the effect around this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Id>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracks: Vec<Track>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motion: Option<Motion>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequence: Vec<Effect>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parallel: Vec<Effect>,
    #[serde(default)]
    pub timing: Timing,
}

/// What happens to one property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// A path, such as `opacity`, `transform.x` or `fill`.
    pub property: String,
    pub keyframes: Vec<Keyframe>,
    #[serde(default)]
    pub composite: Composite,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyframe {
    /// From 0 to 1; those without one are spread evenly between their neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    pub value: Value,
    /// From this keyframe to the next.
    #[serde(default, skip_serializing_if = "Easing::is_default")]
    pub easing: Easing,
    /// Instead of the track's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composite: Option<Composite>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Composite {
    #[default]
    Replace,
    /// To what the property has from below.
    Add,
}

/// Moves `transform.x` and `transform.y`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    pub path: PathData,
    /// Turns the layer as the path turns.
    #[serde(default)]
    pub orient: bool,
    #[serde(default)]
    pub composite: Composite,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    pub delay_ms: f64,
    pub end_delay_ms: f64,
    /// Of one pass. Springs and groups have one of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    pub iterations: Iterations,
    pub direction: PlayDirection,
    pub fill: Fill,
    pub easing: Easing,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            delay_ms: 0.0,
            end_delay_ms: 0.0,
            duration_ms: None,
            iterations: Iterations::Count(1.0),
            direction: PlayDirection::Normal,
            fill: Fill::Forwards,
            easing: Easing::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number or \"infinite\"")]
pub enum Iterations {
    Count(f64),
    Infinite(Infinite),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Infinite {
    Infinite,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlayDirection {
    #[default]
    Normal,
    Reverse,
    /// To and fro.
    Alternate,
    AlternateReverse,
}

/// Whether an effect shows outside of its active time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    None,
    /// After it: the end stays.
    #[default]
    Forwards,
    /// Before it: the start is there during the delay.
    Backwards,
    Both,
}

impl Animation {
    pub(crate) fn check(&self, check: &mut Check) {
        check.number("/rate", self.rate, RATE);
        let mut count = 0;
        self.effect.check("/effect", None, 1, &mut count, check);
        check.count("/effect", count, MAX_EFFECTS);
    }

    /// Every layer that it reaches, and the property if it is one of a track.
    pub(crate) fn reaches(&self) -> Vec<(&Id, &str, String)> {
        let mut all = Vec::new();
        self.effect.reaches("/effect", None, &mut all);
        all
    }
}

impl Effect {
    fn check(&self, field: &str, outer: Option<&Id>, depth: usize, count: &mut usize, check: &mut Check) {
        *count += 1;
        let target = self.target.as_ref().or(outer);
        let timing = &self.timing;
        for (name, value) in [("delay_ms", timing.delay_ms), ("end_delay_ms", timing.end_delay_ms)] {
            check.number(&format!("{field}/timing/{name}"), value, DURATION);
        }
        check.number(&format!("{field}/timing/duration_ms"), timing.duration_ms.unwrap_or(0.0), DURATION);
        if let Iterations::Count(count) = timing.iterations {
            check.number(&format!("{field}/timing/iterations"), count, ITERATIONS);
        }
        let leaf = !self.tracks.is_empty() || self.motion.is_some();
        match (leaf, self.sequence.is_empty(), self.parallel.is_empty()) {
            (true, true, true) => {
                if target.is_none() {
                    check.fault(Code::Invalid, &format!("{field}/target"), "names no layer");
                }
                if self.own_duration_ms().is_none() {
                    check.fault(Code::Invalid, &format!("{field}/timing/duration_ms"), "is missing");
                }
                check.count(&format!("{field}/tracks"), self.tracks.len(), MAX_TRACKS);
                for (n, track) in self.tracks.iter().enumerate() {
                    track.check(&format!("{field}/tracks/{n}"), check);
                }
            }
            (false, false, true) | (false, true, false) => {
                if timing.duration_ms.is_some() {
                    check.fault(Code::Invalid, &format!("{field}/timing/duration_ms"), "is that of the effects in it");
                }
                if depth >= MAX_DEPTH {
                    check.fault(Code::TooDeep, field, format!("effects are nested up to {MAX_DEPTH} deep"));
                    return;
                }
                let (name, inner) = self.inner();
                for (n, effect) in inner.iter().enumerate() {
                    effect.check(&format!("{field}/{name}/{n}"), target, depth + 1, count, check);
                }
            }
            _ => {
                check.fault(Code::Invalid, field, "has tracks or a motion, or a sequence, or a parallel: one of these")
            }
        }
    }

    fn inner(&self) -> (&'static str, &[Effect]) {
        if self.parallel.is_empty() { ("sequence", &self.sequence) } else { ("parallel", &self.parallel) }
    }

    fn reaches<'a>(&'a self, field: &str, outer: Option<&'a Id>, all: &mut Vec<(&'a Id, &'a str, String)>) {
        let target = self.target.as_ref().or(outer);
        if let Some(target) = target {
            for (n, track) in self.tracks.iter().enumerate() {
                all.push((target, &track.property, format!("{field}/tracks/{n}/property")));
            }
            if self.motion.is_some() {
                all.push((target, "transform.x", format!("{field}/motion")));
            }
        }
        let (name, inner) = self.inner();
        for (n, effect) in inner.iter().enumerate() {
            effect.reaches(&format!("{field}/{name}/{n}"), target, all);
        }
    }

    fn own_duration_ms(&self) -> Option<f64> {
        let springs = self.tracks.iter().flat_map(|track| &track.keyframes).map(|keyframe| &keyframe.easing);
        let spring =
            || std::iter::once(&self.timing.easing).chain(springs).filter_map(Easing::own_duration_ms).reduce(f64::max);
        self.timing.duration_ms.or_else(spring)
    }

    /// Of one pass, in microseconds.
    fn pass(&self) -> i64 {
        let lengths = |effects: &[Self]| effects.iter().map(Self::length).collect::<Vec<_>>();
        if !self.sequence.is_empty() {
            return lengths(&self.sequence).into_iter().fold(0, i64::saturating_add);
        }
        if !self.parallel.is_empty() {
            return lengths(&self.parallel).into_iter().max().unwrap_or(0);
        }
        micros(self.own_duration_ms().unwrap_or(0.0))
    }

    /// Of all passes.
    fn active(&self, pass: i64) -> i64 {
        match self.timing.iterations {
            Iterations::Infinite(_) if pass > 0 => i64::MAX,
            Iterations::Infinite(_) => 0,
            // The conversion keeps to the bounds of the integer.
            Iterations::Count(count) => (pass as f64 * count).round() as i64,
        }
    }

    /// From its start to its end, delays counted, in microseconds; `i64::MAX` if it does not end.
    pub(crate) fn length(&self) -> i64 {
        let delays = micros(self.timing.delay_ms) + micros(self.timing.end_delay_ms);
        self.active(self.pass()).saturating_add(delays)
    }

    /// How far it is through a pass at `t` microseconds after its start; nothing where it does not show.
    fn progress(&self, t: i64, pass: i64) -> Option<f64> {
        let (timing, active) = (&self.timing, self.active(pass));
        let delay = micros(timing.delay_ms);
        let fills = |side: Fill| timing.fill == side || timing.fill == Fill::Both;
        let within = if t < delay {
            fills(Fill::Backwards).then_some(0)?
        } else if t - delay >= active {
            fills(Fill::Forwards).then_some(active)?
        } else {
            t - delay
        };
        let over = t >= delay && within == active;
        let (mut number, mut part) = match (pass, timing.iterations) {
            (0, _) => (0, if over { 1.0 } else { 0.0 }),
            _ => (within / pass, (within % pass) as f64 / pass as f64),
        };
        // The end of the last pass is not the start of another.
        if over && part == 0.0 && number > 0 {
            (number, part) = (number - 1, 1.0);
        }
        let backwards = match timing.direction {
            PlayDirection::Normal => false,
            PlayDirection::Reverse => true,
            PlayDirection::Alternate => number % 2 == 1,
            PlayDirection::AlternateReverse => number % 2 == 0,
        };
        Some(timing.easing.at(if backwards { 1.0 - part } else { part }))
    }

    /// What it does to properties at `t` microseconds after its start, in the order in which it does so.
    pub(crate) fn sample<'a>(&'a self, t: i64, outer: Option<&'a Id>, out: &mut Vec<Sample<'a>>) {
        let target = self.target.as_ref().or(outer);
        let pass = self.pass();
        let Some(p) = self.progress(t, pass) else { return };
        let (name, inner) = self.inner();
        let mut start = 0i64;
        for effect in inner {
            // A pass without an end is never repeated, and its time is that of the group.
            let inside =
                if pass == i64::MAX { t - micros(self.timing.delay_ms) } else { (p * pass as f64).round() as i64 };
            effect.sample(inside.saturating_sub(start), target, out);
            if name == "sequence" {
                start = start.saturating_add(effect.length());
            }
        }
        let Some(target) = target else { return };
        out.extend(self.tracks.iter().map(|track| track.sample(target, p)));
        if let Some(motion) = &self.motion {
            let (place, angle) = motion.path.at(p);
            let mut push = |path, value| out.push(Sample::fixed(target, path, Value::Number(value), motion.composite));
            push("transform.x", place.x);
            push("transform.y", place.y);
            if motion.orient {
                push("transform.rotation", angle);
            }
        }
    }
}

impl Track {
    fn check(&self, field: &str, check: &mut Check) {
        check.text(&format!("{field}/property"), &self.property, MAX_LABEL_CHARS);
        check.count(&format!("{field}/keyframes"), self.keyframes.len(), MAX_KEYFRAMES);
        if self.keyframes.is_empty() {
            check.fault(Code::Invalid, &format!("{field}/keyframes"), "needs a keyframe");
        }
        let mut last = 0.0;
        for (n, keyframe) in self.keyframes.iter().enumerate() {
            if let Value::Number(value) = keyframe.value {
                check.number(&format!("{field}/keyframes/{n}/value"), value, VALUE);
            }
            if self.keyframes.first().is_some_and(|first| !first.value.is_like(keyframe.value)) {
                check.fault(
                    Code::Invalid,
                    &format!("{field}/keyframes/{n}/value"),
                    "is of another kind than the first",
                );
            }
            if let Some(offset) = keyframe.offset {
                check.number(&format!("{field}/keyframes/{n}/offset"), offset, UNIT);
                if offset < last {
                    check.fault(Code::Invalid, &format!("{field}/keyframes/{n}/offset"), "is less than the one before");
                }
                last = offset;
            }
        }
    }

    /// Where keyframe `n` is. Of those without an offset, the first is at 0, the last at 1 (and one
    /// alone is at the end), and others are spread over the gap that they are in.
    fn offset(&self, n: usize) -> f64 {
        let given = |at: usize| {
            let keyframe = self.keyframes.get(at)?;
            let last = self.keyframes.len() - 1;
            keyframe.offset.or_else(|| (at == last).then_some(1.0)).or_else(|| (at == 0).then_some(0.0))
        };
        let before = (0..=n).rev().find_map(|at| Some((at, given(at)?)));
        let after = (n..self.keyframes.len()).find_map(|at| Some((at, given(at)?)));
        match (before, after) {
            (Some((a, from)), Some((b, to))) if b > a => from + (to - from) * (n - a) as f64 / (b - a) as f64,
            (Some((_, offset)), _) | (_, Some((_, offset))) => offset,
            _ => 0.0,
        }
    }

    fn sample<'a>(&'a self, target: &'a Id, p: f64) -> Sample<'a> {
        let offsets: Vec<f64> = (0..self.keyframes.len()).map(|n| self.offset(n)).collect();
        let after = offsets.partition_point(|offset| *offset <= p);
        let end = |n: usize| {
            let keyframe = self.keyframes.get(n)?;
            Some((keyframe.value, keyframe.composite.unwrap_or(self.composite)))
        };
        // Springs and some of Penner's functions go beyond the ends, on the outermost stretches.
        let stretch = match offsets.len() {
            n if after == 0 => {
                if p < 0.0 && n > 1 && offsets[0] == 0.0 {
                    (Some(0), Some(1))
                } else {
                    (None, Some(0))
                }
            }
            n if after == n && p > 1.0 && n > 1 => (Some(n - 2), Some(n - 1)),
            n if after == n && offsets[n - 1] >= 1.0 => (Some(n - 1), Some(n - 1)),
            n if after == n => (Some(n - 1), None),
            _ => (Some(after - 1), Some(after)),
        };
        let from = stretch.0.map_or(0.0, |n| offsets[n]);
        let to = stretch.1.map_or(1.0, |n| offsets[n]);
        let part = if to > from { (p - from) / (to - from) } else { 1.0 };
        let part = match stretch.0 {
            Some(n) if (0.0..=1.0).contains(&part) => self.keyframes[n].easing.at(part),
            _ => part,
        };
        Sample { target, path: &self.property, from: stretch.0.and_then(end), to: stretch.1.and_then(end), part }
    }
}

/// What an animation does to one property at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample<'a> {
    pub target: &'a Id,
    pub path: &'a str,
    /// Nothing stands for what the property has from below.
    from: Option<(Value, Composite)>,
    to: Option<(Value, Composite)>,
    part: f64,
}

impl<'a> Sample<'a> {
    fn fixed(target: &'a Id, path: &'a str, value: Value, composite: Composite) -> Self {
        Self { target, path, from: Some((value, composite)), to: Some((value, composite)), part: 1.0 }
    }

    /// The property's value where it has `under` from below.
    pub fn over(&self, under: Value) -> Value {
        let end = |end: Option<(Value, Composite)>| match end {
            None => under,
            Some((value, _)) if !value.is_like(under) => under,
            Some((value, Composite::Replace)) => value,
            Some((value, Composite::Add)) => under.plus(value),
        };
        end(self.from).mix(end(self.to), self.part)
    }
}

/// An animation on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Running {
    pub animation: std::sync::Arc<Animation>,
    /// When its time was 0, in microseconds of scene time.
    pub started: i64,
    /// While it is paused: its time, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<i64>,
}

impl Running {
    /// Its own time, in microseconds.
    pub fn local(&self, now: i64) -> i64 {
        self.held.unwrap_or_else(|| scaled(now.saturating_sub(self.started), self.animation.rate))
    }

    /// When it ends in scene time; `i64::MAX` if it does not.
    pub fn end(&self) -> i64 {
        match (self.held, self.animation.effect.length()) {
            (Some(_), _) | (_, i64::MAX) => i64::MAX,
            (None, length) => self.started.saturating_add((length as f64 / self.animation.rate).ceil() as i64),
        }
    }

    pub fn pause(&mut self, now: i64) {
        self.held = Some(self.local(now));
    }

    pub fn play(&mut self, now: i64) {
        if let Some(held) = self.held.take() {
            self.started = now.saturating_sub(scaled(held, 1.0 / self.animation.rate));
        }
    }

    pub fn seek(&mut self, to: i64, now: i64) {
        let paused = self.held.is_some();
        self.held = Some(to);
        if !paused {
            self.play(now);
        }
    }
}

fn scaled(us: i64, rate: f64) -> i64 {
    if rate == 1.0 { us } else { (us as f64 * rate).round() as i64 }
}
