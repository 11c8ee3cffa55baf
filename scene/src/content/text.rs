use super::style::{Align, Font, Outline};
use crate::color::Color;
use crate::error::Code;
use crate::limits::{Check, MAX_LABEL_CHARS, MAX_TEXT_CHARS};
use crate::property::{LENGTH, Property, Range, SIZE, Visit};
use crate::time::Moment;
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

const LINE_HEIGHT: Range = (0.5, 4.0);
/// The zones of the world lie within these.
const OFFSET_MINUTES: (i32, i32) = (-14 * 60, 14 * 60);

/// How text looks; a layer of kind `text`, `clock` or `countdown` has these fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextStyle {
    pub font: Font,
    pub fill: Color,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outline: Option<Outline>,
    pub align: Align,
    /// In pixels, at which lines are broken; without it, only where the text says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Of the font's size.
    pub line_height: f64,
    pub direction: Direction,
    /// A plate behind the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
    /// Between text and the edge of the plate, in pixels.
    pub padding: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// As the first letter with a direction says.
    #[default]
    Auto,
    Ltr,
    Rtl,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            font: Font::default(),
            fill: Color::WHITE,
            outline: None,
            align: Align::Start,
            width: None,
            line_height: 1.25,
            direction: Direction::Auto,
            background: None,
            padding: 0.0,
        }
    }
}

impl TextStyle {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        self.font.visit(visit);
        visit("fill", Property::Color(&mut self.fill));
        if let Some(outline) = &mut self.outline {
            outline.visit(visit);
        }
        if let Some(width) = &mut self.width {
            visit("width", Property::Number(width, SIZE));
        }
        visit("line_height", Property::Number(&mut self.line_height, LINE_HEIGHT));
        if let Some(background) = &mut self.background {
            visit("background", Property::Color(background));
        }
        visit("padding", Property::Number(&mut self.padding, LENGTH));
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub text: String,
}

impl Text {
    pub(crate) fn check(&self, check: &mut Check) {
        check.text("/text", &self.text, MAX_TEXT_CHARS);
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// East of Greenwich, in minutes.
    pub offset_minutes: i32,
    /// In strftime's words.
    pub format: String,
}

impl Default for Clock {
    fn default() -> Self {
        Self { offset_minutes: 0, format: "%H:%M:%S".to_owned() }
    }
}

impl Clock {
    pub(crate) fn check(&self, check: &mut Check) {
        check.text("/format", &self.format, MAX_LABEL_CHARS);
        if StrftimeItems::new(&self.format).any(|item| item == Item::Error) {
            check.fault(Code::Invalid, "/format", "not a format of strftime, such as %H:%M:%S");
        }
        let (min, max) = OFFSET_MINUTES;
        check.number("/offset_minutes", f64::from(self.offset_minutes), (f64::from(min), f64::from(max)));
    }

    pub(crate) fn words(&self, now: i64) -> String {
        let zone = FixedOffset::east_opt(self.offset_minutes * 60);
        let (Some(zone), Some(time)) = (zone, DateTime::from_timestamp_micros(now)) else { return String::new() };
        let mut words = String::new();
        // A field that this time does not have leaves what was written before it.
        let _ = write!(words, "{}", time.with_timezone(&zone).format(&self.format));
        words
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Countdown {
    pub to: Moment,
    /// What is said once the moment has come; without it, zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
}

impl Countdown {
    pub(crate) fn check(&self, check: &mut Check) {
        check.text("/done", self.done.as_deref().unwrap_or_default(), MAX_LABEL_CHARS);
    }

    pub(crate) fn words(&self, now: i64) -> String {
        match &self.done {
            Some(done) if now >= self.to.0 => done.clone(),
            _ => remaining(self.to, now),
        }
    }
}

/// What is left, in whole seconds that have begun: `0:09`, `12:00`, `1:02:03`, `3d 04:05:06`.
pub(crate) fn remaining(to: Moment, now: i64) -> String {
    let left = to.0.saturating_sub(now).max(0);
    let seconds = left / 1_000_000 + i64::from(left % 1_000_000 > 0);
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (1.., _) => format!("{days}d {hours:02}:{minutes:02}:{rest:02}"),
        (_, 1..) => format!("{hours}:{minutes:02}:{rest:02}"),
        _ => format!("{minutes}:{rest:02}"),
    }
}
