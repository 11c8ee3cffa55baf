//! When a channel means to be live.

use super::as_text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/channels/{name}/schedule?from_ms=T&days=N` (at most 92): the plan, and what comes of it in
/// that time. `…/schedule.ics` is the same as an iCalendar feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    pub entries: Vec<ScheduleEntry>,
    /// By their start.
    pub occurrences: Vec<Occurrence>,
}

/// `POST /api/v1/channels/{name}/schedule` and `PUT …/schedule/{id}` by those who edit the channel answer
/// [`ScheduleEntry`]; `DELETE …/schedule/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleEdit {
    pub title: String,
    /// A category's slug, or empty.
    #[serde(default)]
    pub category: String,
    /// Local date and time of the first one, such as `2026-11-22T20:00`.
    pub start: String,
    /// IANA name, such as `Europe/Berlin`. Recurring times keep their place on that clock through
    /// changes to and from daylight saving.
    pub time_zone: String,
    /// 1 to 1440.
    pub minutes: u32,
    pub repeat: Repeat,
    /// With `weekly`: `mo` to `su`; empty is the weekday of the start.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
    /// The last local date, such as `2026-12-31`; empty is for ever.
    #[serde(default)]
    pub until: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleEntry {
    pub id: String,
    #[serde(flatten)]
    pub edit: ScheduleEdit,
    /// Local dates that are left out: `PUT …/schedule/{id}/skips/{date}`, `DELETE` brings it back.
    pub skips: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    Once,
    Daily,
    Weekly,
    /// Every second week.
    Fortnightly,
}
as_text!(Repeat { Once = "once", Daily = "daily", Weekly = "weekly", Fortnightly = "fortnightly" });

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weekday {
    Mo,
    Tu,
    We,
    Th,
    Fr,
    Sa,
    Su,
}
as_text!(Weekday { Mo = "mo", Tu = "tu", We = "we", Th = "th", Fr = "fr", Sa = "sa", Su = "su" });

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Occurrence {
    pub entry: String,
    pub title: String,
    /// The category's name, or empty.
    pub category: String,
    pub starts_at_ms: i64,
    pub ends_at_ms: i64,
    /// Local date, the one to skip.
    pub date: String,
    pub skipped: bool,
}
