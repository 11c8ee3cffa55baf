//! Animations as functions of time: what each does to properties at a moment, and when it ends.

use crate::animation::{Animation, Composite, Effect, Fill, Iterations, PlayDirection, Track};
use crate::easing::Easing;
use crate::id::Id;
use crate::property::Value;
use crate::time::micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

impl Effect {
    pub(crate) fn own_duration_ms(&self) -> Option<f64> {
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
    pub animation: Arc<Animation>,
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
