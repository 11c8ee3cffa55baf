//! Animations in the words of the Web Animations API: what a client hands in, and what it comes to at
//! a moment. Times in documents are milliseconds, inside microseconds.

use crate::easing::Easing;
use crate::error::Code;
use crate::id::Id;
use crate::limits::{Check, MAX_DURATION_MS, MAX_EFFECTS, MAX_KEYFRAMES, MAX_LABEL_CHARS, MAX_TRACKS};
use crate::path::PathData;
use crate::property::{Range, UNIT, Value};
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

    /// Every property that it reaches, with its layer, a value that it is given, and the track's field.
    pub(crate) fn reaches(&self) -> Vec<(&Id, &str, Value, String)> {
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

    pub(crate) fn inner(&self) -> (&'static str, &[Effect]) {
        if self.parallel.is_empty() { ("sequence", &self.sequence) } else { ("parallel", &self.parallel) }
    }

    fn reaches<'a>(&'a self, field: &str, outer: Option<&'a Id>, all: &mut Vec<(&'a Id, &'a str, Value, String)>) {
        let target = self.target.as_ref().or(outer);
        if let Some(target) = target {
            for (n, track) in self.tracks.iter().enumerate() {
                // All of its values are of one kind.
                let value = track.keyframes.first().map_or(Value::Number(0.0), |keyframe| keyframe.value);
                all.push((target, &track.property, value, format!("{field}/tracks/{n}")));
            }
            if self.motion.is_some() {
                all.push((target, "transform.x", Value::Number(0.0), format!("{field}/motion")));
            }
        }
        let (name, inner) = self.inner();
        for (n, effect) in inner.iter().enumerate() {
            effect.reaches(&format!("{field}/{name}/{n}"), target, all);
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
}
