//! A host or an assistant: one picture for each state of mouth and eyes. The mouth follows a level of
//! sound that is handed in, or what a client says; the eyes blink by themselves.

use crate::id::Id;
use crate::limits::{Check, MAX_LINES};
use crate::property::Range;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Between two blinks at least, if there are any.
const BLINK_MS: Range = (500.0, 600_000.0);
const BLINK_FOR_US: i64 = 150_000;
const DECIBELS: Range = (-100.0, 0.0);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sprite {
    /// The first one stands in for what is not there.
    pub states: Vec<State>,
    /// Set by a client; it goes before the level of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mouth: Option<Mouth>,
    /// Set by a client; it goes before blinking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eyes: Option<Eyes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drive: Option<Drive>,
    /// About so often, in milliseconds, the eyes close for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blink_ms: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    #[serde(default)]
    pub mouth: Mouth,
    #[serde(default)]
    pub eyes: Eyes,
    pub asset: Id,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mouth {
    #[default]
    Closed,
    Half,
    Open,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Eyes {
    #[default]
    Open,
    Closed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drive {
    /// Whose level moves the mouth.
    pub source: Id,
    /// In decibels below full scale.
    #[serde(default = "half_db")]
    pub half_db: f64,
    #[serde(default = "open_db")]
    pub open_db: f64,
}

fn half_db() -> f64 {
    -45.0
}

fn open_db() -> f64 {
    -32.0
}

impl Sprite {
    pub(crate) fn check(&self, check: &mut Check) {
        check.count("/states", self.states.len(), MAX_LINES);
        if self.states.is_empty() {
            check.fault(crate::error::Code::Invalid, "/states", "needs a state");
        }
        if let Some(drive) = &self.drive {
            check.number("/drive/half_db", drive.half_db, DECIBELS);
            check.number("/drive/open_db", drive.open_db, DECIBELS);
        }
        if let Some(blink) = self.blink_ms {
            check.number("/blink_ms", blink, BLINK_MS);
        }
    }

    /// The picture that is shown at `now`, with the driving source as loud as `level_db`.
    pub(crate) fn shown(&self, now: i64, level_db: Option<f64>) -> Option<&Id> {
        let heard = match (&self.drive, level_db) {
            (Some(drive), Some(level)) if level >= drive.open_db => Mouth::Open,
            (Some(drive), Some(level)) if level >= drive.half_db => Mouth::Half,
            _ => Mouth::Closed,
        };
        let (mouth, eyes) = (self.mouth.unwrap_or(heard), self.eyes.unwrap_or_else(|| self.blinking(now)));
        let likeness = |state: &State| {
            let near = match (state.mouth, mouth) {
                (a, b) if a == b => 4,
                (Mouth::Half, Mouth::Open) | (Mouth::Open, Mouth::Half) => 2,
                _ => 0,
            };
            near + i32::from(state.eyes == eyes)
        };
        // Of those that are alike, the first.
        self.states.iter().rev().max_by_key(|state| likeness(state)).map(|state| &state.asset)
    }

    /// Once in each stretch of time, at a place in it that looks like chance.
    fn blinking(&self, now: i64) -> Eyes {
        let Some(blink_ms) = self.blink_ms else { return Eyes::Open };
        let stretch = crate::time::micros(blink_ms).max(2 * BLINK_FOR_US);
        let number = now.div_euclid(stretch);
        let place = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let start = (place % (stretch - BLINK_FOR_US) as u64) as i64;
        match (start..start + BLINK_FOR_US).contains(&now.rem_euclid(stretch)) {
            true => Eyes::Closed,
            false => Eyes::Open,
        }
    }
}
