//! Transitions: how a change of a layer is shown. A `tween` moves each number and colour from where it
//! is to where it shall be; the others replace the layer as it was by the layer as it is.

use crate::easing::Easing;
use crate::layer::Layer;
use crate::limits::{Check, MAX_TRANSITIONS};
use crate::property::{Range, Value};
use crate::time::micros;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const DURATION: Range = (0.0, 60_000.0);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transition {
    #[serde(rename = "type")]
    pub form: TransitionType,
    /// Where a slide or wipe goes.
    pub direction: Towards,
    pub duration_ms: f64,
    pub delay_ms: f64,
    pub easing: Easing,
    pub interrupt: Interrupt,
}

impl Default for Transition {
    fn default() -> Self {
        Self {
            form: TransitionType::Tween,
            direction: Towards::Left,
            duration_ms: 300.0,
            delay_ms: 0.0,
            easing: Easing::default(),
            interrupt: Interrupt::Replace,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransitionType {
    Tween,
    Fade,
    Slide,
    Scale,
    Wipe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Towards {
    Left,
    Right,
    Up,
    Down,
}

/// What a transition does to those of the same layer (a tween: of the same property) that still run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interrupt {
    /// It starts from what they show now.
    Replace,
    /// They are over, and it starts from where they would have ended.
    Finish,
    /// It starts when they are over.
    Wait,
}

impl Transition {
    pub(crate) fn check(&self, check: &mut Check) {
        check.number("/duration_ms", self.duration_ms, DURATION);
        check.number("/delay_ms", self.delay_ms, DURATION);
    }

    fn length(&self) -> i64 {
        micros(self.delay_ms) + micros(self.duration_ms)
    }

    fn progress(&self, t: i64) -> f64 {
        let (t, duration) = (t - micros(self.delay_ms), micros(self.duration_ms));
        match (t, duration) {
            (..0, _) => 0.0,
            (_, 0) => 1.0,
            _ => self.easing.at(t as f64 / duration as f64),
        }
    }
}

/// One property on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tween {
    property: String,
    from: Value,
    start: i64,
    transition: Transition,
}

/// One layer in place of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// As it was; nothing if it was not to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Arc<Layer>>,
    start: i64,
    transition: Transition,
}

/// All transitions of one layer, in the order in which they started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transitions {
    tweens: Vec<Tween>,
    shifts: Vec<Shift>,
}

impl Tween {
    fn end(&self) -> i64 {
        self.start.saturating_add(self.transition.length())
    }
}

impl Shift {
    fn end(&self) -> i64 {
        self.start.saturating_add(self.transition.length())
    }
}

/// What is seen of a layer while it changes: each with how far the change is.
pub(crate) struct Shown<'a> {
    pub from: Option<&'a Arc<Layer>>,
    pub to: Option<&'a Arc<Layer>>,
    pub transition: Option<(&'a Transition, f64)>,
}

fn seen(layer: &Arc<Layer>) -> Option<&Arc<Layer>> {
    Some(layer).filter(|layer| layer.base.visible)
}

impl Transitions {
    pub fn is_empty(&self) -> bool {
        self.tweens.is_empty() && self.shifts.is_empty()
    }

    /// When the next of them is over.
    pub fn end(&self) -> i64 {
        let tweens = self.tweens.iter().map(Tween::end);
        tweens.chain(self.shifts.iter().map(Shift::end)).min().unwrap_or(i64::MAX)
    }

    /// Forgets what is over at `now`.
    pub fn advance(&mut self, now: i64) {
        self.tweens.retain(|tween| tween.end() > now);
        self.shifts.retain(|shift| shift.end() > now);
    }

    /// Notes that `old` became `new` at `now`; without a transition, at once.
    pub fn change(&mut self, old: Option<&Arc<Layer>>, new: &Layer, how: Option<&Transition>, now: i64) {
        let tween = how.is_none_or(|how| how.form == TransitionType::Tween);
        if let (Some(old), true) = (old, tween) {
            let before = old.properties();
            for (path, value) in new.properties() {
                if let Some((_, from)) = before.iter().find(|(name, from)| *name == path && *from != value) {
                    self.tween(path, *from, how, now);
                }
            }
        }
        let Some(how) = how.filter(|_| !tween) else { return };
        let old = old.and_then(seen);
        let mut start = now;
        match (how.interrupt, self.shifts.pop()) {
            (_, None) => {}
            (Interrupt::Wait, Some(last)) => {
                start = start.max(last.end());
                self.shifts.push(last);
            }
            // Back the way that it came: from where it is on that way.
            (Interrupt::Replace, Some(last))
                if last.from.is_none()
                    && !new.base.visible
                    && last.transition.form == how.form
                    && last.start <= now =>
            {
                let done = 1.0 - last.transition.progress(now - last.start).clamp(0.0, 1.0);
                start = now - (done * how.length() as f64).round() as i64;
                self.shifts.clear();
            }
            _ => self.shifts.clear(),
        }
        if self.shifts.len() == MAX_TRANSITIONS {
            self.shifts.remove(0);
        }
        self.shifts.push(Shift { from: old.cloned(), start, transition: how.clone() });
    }

    fn tween(&mut self, path: &str, old: Value, how: Option<&Transition>, now: i64) {
        let shown = self.value(path, old, now);
        let waiting = self.tweens.iter().filter(|tween| tween.property == path);
        let (end, count) = waiting.fold((now, 0), |(end, count), tween| (end.max(tween.end()), count + 1));
        let waits = how.is_some_and(|how| how.interrupt == Interrupt::Wait) && count < MAX_TRANSITIONS;
        if !waits {
            self.tweens.retain(|tween| tween.property != path);
        }
        let Some(how) = how else { return };
        let (from, start) = match how.interrupt {
            Interrupt::Replace => (shown, now),
            Interrupt::Finish => (old, now),
            Interrupt::Wait => (old, if waits { end } else { now }),
        };
        self.tweens.push(Tween { property: path.to_owned(), from, start, transition: how.clone() });
    }

    /// Forgets what moves `path`.
    pub fn drop_tween(&mut self, path: &str) {
        self.tweens.retain(|tween| tween.property != path);
    }

    /// What is shown of a property that is to be `value`.
    fn value(&self, path: &str, value: Value, now: i64) -> Value {
        let mut own = self.tweens.iter().filter(|tween| tween.property == path && tween.end() > now).peekable();
        let Some(first) = own.next() else { return value };
        let to = own.peek().map_or(value, |next| next.from);
        first.from.mix(to, first.transition.progress(now - first.start))
    }

    /// Moves what is being moved.
    pub fn apply(&self, layer: &mut Layer, now: i64) {
        for (n, tween) in self.tweens.iter().enumerate() {
            if self.tweens[..n].iter().all(|earlier| earlier.property != tween.property) {
                layer.set(&tween.property, |value| self.value(&tween.property, value, now));
            }
        }
    }

    pub fn has_tweens(&self) -> bool {
        !self.tweens.is_empty()
    }

    pub(crate) fn shown<'a>(&'a self, layer: &'a Arc<Layer>, now: i64) -> Shown<'a> {
        let mut running = self.shifts.iter().filter(|shift| shift.end() > now);
        let Some(first) = running.next() else { return Shown { from: None, to: seen(layer), transition: None } };
        let to = running.next().map_or(seen(layer), |next| next.from.as_ref());
        let p = first.transition.progress(now - first.start);
        Shown { from: first.from.as_ref(), to, transition: Some((&first.transition, p)) }
    }
}
