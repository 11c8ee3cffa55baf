//! Scene time: microseconds of Unix time, in JSON as RFC 3339.

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

pub const MICROS_PER_MS: f64 = 1_000.0;
/// How far ahead a batch may be scheduled: a year.
const MAX_AHEAD_US: i64 = 366 * 24 * 3_600 * 1_000_000;

/// Milliseconds of a document, as scene time.
pub(crate) fn micros(ms: f64) -> i64 {
    (ms * MICROS_PER_MS).round() as i64
}

/// A moment on the wall clock, in microseconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(pub i64);

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        DateTime::parse_from_rfc3339(&text)
            .map(|time| Self(time.timestamp_micros()))
            .map_err(|_| "a moment is RFC 3339, such as 2026-05-01T18:30:00Z".to_owned())
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        let time = DateTime::<Utc>::from_timestamp_micros(moment.0).unwrap_or_default();
        time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// When a batch is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum When {
    #[default]
    Now,
    /// So many microseconds after it is accepted.
    After(i64),
    At(Moment),
}

impl When {
    pub fn from(self, now: i64) -> i64 {
        match self {
            Self::Now => now,
            Self::After(us) => now.saturating_add(us),
            Self::At(moment) => moment.0,
        }
    }

    /// Is it within what can be scheduled at `now`?
    pub(crate) fn is_near(self, now: i64) -> bool {
        self.from(now).saturating_sub(now) <= MAX_AHEAD_US
    }
}

impl TryFrom<String> for When {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || "a time is \"now\", \"+500ms\", \"+1.5s\", or RFC 3339".to_owned();
        if text == "now" {
            return Ok(Self::Now);
        }
        let Some(ahead) = text.strip_prefix('+') else {
            return Moment::try_from(text).map(Self::At).map_err(|_| refused());
        };
        let (number, ms) = match ahead.strip_suffix("ms") {
            Some(number) => (number, 1.0),
            None => (ahead.strip_suffix('s').ok_or_else(refused)?, 1_000.0),
        };
        if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(refused());
        }
        let number: f64 = number.parse().map_err(|_| refused())?;
        Ok(Self::After(micros(number * ms)))
    }
}

impl From<When> for String {
    fn from(when: When) -> Self {
        match when {
            When::Now => "now".to_owned(),
            When::After(us) => format!("+{}ms", us as f64 / MICROS_PER_MS),
            When::At(moment) => moment.into(),
        }
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "\"now\", \"+500ms\", \"+1.5s\", or a moment as RFC 3339",
            "type": "string",
        })
    }
}
