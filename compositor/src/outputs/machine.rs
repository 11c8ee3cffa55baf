//! What one target does next, as a function of `now`: when to connect, how long to wait after a
//! failure, and what people see of it. Time is in microseconds of any clock that does not go back.
//!
//! The contract: tell it all that happens ([`Machine::on`]), and wake it at [`Machine::wake`]; while
//! it answers [`Phase::Connecting`] or [`Phase::Live`] there is one connection, otherwise none.

use schemars::JsonSchema;
use serde::Serialize;

const SECOND: i64 = 1_000_000;
/// After a connection was lost,
const FIRST_WAIT: i64 = 2 * SECOND;
const MAX_WAIT: i64 = 60 * SECOND;
/// and after a platform has said no: it would say so again, and may lock out who asks too often.
const FIRST_REFUSAL: i64 = 300 * SECOND;
const MAX_REFUSAL: i64 = 3_600 * SECOND;
/// Live for so long, a target is well, and the next failure is the first again.
const GOOD: i64 = 60 * SECOND;
/// So much of a wait is left to chance: many targets of one platform should not come back at once.
const JITTER: f64 = 0.2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Nobody wants it.
    Off,
    Connecting,
    Live {
        since: i64,
    },
    Waiting {
        until: i64,
        reason: String,
    },
    Refused {
        until: i64,
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Start,
    Stop,
    /// The server takes the stream.
    Live,
    /// No connection, or it broke.
    Lost(String),
    /// The server does not take this key, or nothing from us.
    Refused(String),
    /// It is the moment of [`Machine::wake`] or later.
    Woken,
}

/// What people see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    Off,
    Connecting,
    Live,
    /// It goes on by itself.
    Waiting {
        seconds: u32,
        reason: String,
    },
    /// The platform said no. It is asked again after a long time; mend it and start it to ask now.
    Refused {
        seconds: u32,
        reason: String,
    },
}

#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    lost: u32,
    refused: u32,
}

impl Default for Machine {
    fn default() -> Self {
        Self { phase: Phase::Off, lost: 0, refused: 0 }
    }
}

impl Machine {
    /// `chance` is between 0 and 1, another each time.
    pub fn on(&mut self, event: Event, now: i64, chance: f64) {
        self.phase = match (event, &self.phase) {
            (Event::Stop, _) => {
                (self.lost, self.refused) = (0, 0);
                Phase::Off
            }
            (Event::Start, Phase::Connecting | Phase::Live { .. }) => return,
            (Event::Start, _) => Phase::Connecting,
            (Event::Live, Phase::Connecting) => Phase::Live { since: now },
            (Event::Lost(reason), Phase::Connecting | Phase::Live { .. }) => {
                self.forgive(now);
                let until = now + wait(FIRST_WAIT, 1.5, self.lost, MAX_WAIT, chance);
                self.lost += 1;
                Phase::Waiting { until, reason }
            }
            (Event::Refused(reason), Phase::Connecting | Phase::Live { .. }) => {
                self.forgive(now);
                let until = now + wait(FIRST_REFUSAL, 2.0, self.refused, MAX_REFUSAL, chance);
                self.refused += 1;
                Phase::Refused { until, reason }
            }
            (Event::Woken, Phase::Waiting { until, .. } | Phase::Refused { until, .. }) if now >= *until => {
                Phase::Connecting
            }
            (Event::Live | Event::Lost(_) | Event::Refused(_) | Event::Woken, _) => return,
        };
    }

    fn forgive(&mut self, now: i64) {
        if matches!(self.phase, Phase::Live { since } if now - since >= GOOD) {
            (self.lost, self.refused) = (0, 0);
        }
    }

    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// When something is to be done, if nothing happens before.
    pub fn wake(&self) -> Option<i64> {
        match &self.phase {
            Phase::Waiting { until, .. } | Phase::Refused { until, .. } => Some(*until),
            _ => None,
        }
    }

    pub fn state(&self, now: i64) -> State {
        let seconds = |until: i64| ((until - now).max(0) as u64).div_ceil(SECOND as u64) as u32;
        match &self.phase {
            Phase::Off => State::Off,
            Phase::Connecting => State::Connecting,
            Phase::Live { .. } => State::Live,
            Phase::Waiting { until, reason } => State::Waiting { seconds: seconds(*until), reason: reason.clone() },
            Phase::Refused { until, reason } => State::Refused { seconds: seconds(*until), reason: reason.clone() },
        }
    }
}

fn wait(first: i64, factor: f64, before: u32, most: i64, chance: f64) -> i64 {
    let wait = (first as f64 * factor.powi(before.min(64) as i32)).min(most as f64);
    (wait * (1.0 + JITTER * (chance.clamp(0.0, 1.0) * 2.0 - 1.0))) as i64
}
