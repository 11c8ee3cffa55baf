//! Kinds of layer that show data which clients hand in: cards, charts, tickers, QR codes, chat.

use super::style::{Fit, Font};
use crate::color::Color;
use crate::easing::Easing;
use crate::error::Code;
use crate::id::Id;
use crate::limits::{Check, MAX_BADGES, MAX_LABEL_CHARS, MAX_LINES, MAX_POINTS, MAX_QR_BYTES, MAX_TEXT_CHARS};
use crate::property::{Property, Range, SIZE, Visit};
use crate::time::Moment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DATA: Range = (-1e12, 1e12);
const SPEED: Range = (-2_000.0, 2_000.0);

const PLATE: Color = Color([17, 20, 28, 235]);
const INK: Color = Color([244, 246, 250, 255]);
const ACCENT: Color = Color::rgb(255, 184, 77);
const UP: Color = Color::rgb(46, 204, 140);
const DOWN: Color = Color::rgb(255, 92, 106);

/// A card about something that is shown or sold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Feed {
    pub width: f64,
    pub height: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<Id>,
    pub title: String,
    pub subtitle: String,
    /// Above the bid.
    pub bid_label: String,
    /// With its currency, as it is to be read.
    pub bid: String,
    /// Until when bids are taken: a countdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Moment>,
    /// Newest first.
    pub history: Vec<Bid>,
    pub font: Font,
    pub background: Color,
    pub fill: Color,
    pub accent: Color,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bid {
    pub who: String,
    pub amount: String,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            width: 480.0,
            height: 640.0,
            picture: None,
            title: String::new(),
            subtitle: String::new(),
            bid_label: "Current bid".to_owned(),
            bid: String::new(),
            ends_at: None,
            history: Vec::new(),
            font: Font::sized(30.0),
            background: PLATE,
            fill: INK,
            accent: ACCENT,
        }
    }
}

impl Feed {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("width", Property::Number(&mut self.width, SIZE));
        visit("height", Property::Number(&mut self.height, SIZE));
        self.font.visit(visit);
        visit("background", Property::Color(&mut self.background));
        visit("fill", Property::Color(&mut self.fill));
        visit("accent", Property::Color(&mut self.accent));
    }

    pub(crate) fn check(&self, check: &mut Check) {
        check.text("/title", &self.title, MAX_LABEL_CHARS);
        check.text("/subtitle", &self.subtitle, MAX_LABEL_CHARS);
        check.text("/bid_label", &self.bid_label, MAX_LABEL_CHARS);
        check.text("/bid", &self.bid, MAX_LABEL_CHARS);
        check.count("/history", self.history.len(), MAX_LINES);
        for (n, bid) in self.history.iter().enumerate() {
            check.text(&format!("/history/{n}/who"), &bid.who, MAX_LABEL_CHARS);
            check.text(&format!("/history/{n}/amount"), &bid.amount, MAX_LABEL_CHARS);
        }
        self.font.check(check);
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chart {
    pub width: f64,
    pub height: f64,
    pub form: ChartForm,
    pub title: String,
    /// Of lines, areas and bars, from left to right.
    pub values: Vec<f64>,
    /// Of candles, from left to right.
    pub candles: Vec<Candle>,
    /// Below, spread over the width.
    pub labels: Vec<String>,
    /// The lower end of the scale; without it, what the data needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Digits behind the point on the scale.
    pub decimals: u8,
    pub font: Font,
    pub background: Color,
    /// Of words and scale.
    pub fill: Color,
    /// Of lines, areas and bars.
    pub accent: Color,
    pub up: Color,
    pub down: Color,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartForm {
    #[default]
    Line,
    Area,
    Bars,
    Candles,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candle {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
}

impl Default for Chart {
    fn default() -> Self {
        Self {
            width: 640.0,
            height: 360.0,
            form: ChartForm::Line,
            title: String::new(),
            values: Vec::new(),
            candles: Vec::new(),
            labels: Vec::new(),
            min: None,
            max: None,
            decimals: 2,
            font: Font::sized(18.0),
            background: PLATE,
            fill: INK,
            accent: Color::rgb(92, 160, 255),
            up: UP,
            down: DOWN,
        }
    }
}

impl Chart {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("width", Property::Number(&mut self.width, SIZE));
        visit("height", Property::Number(&mut self.height, SIZE));
        if let Some(min) = &mut self.min {
            visit("min", Property::Number(min, DATA));
        }
        if let Some(max) = &mut self.max {
            visit("max", Property::Number(max, DATA));
        }
        self.font.visit(visit);
        visit("background", Property::Color(&mut self.background));
        visit("fill", Property::Color(&mut self.fill));
        visit("accent", Property::Color(&mut self.accent));
        visit("up", Property::Color(&mut self.up));
        visit("down", Property::Color(&mut self.down));
    }

    pub(crate) fn check(&self, check: &mut Check) {
        check.text("/title", &self.title, MAX_LABEL_CHARS);
        check.count("/values", self.values.len(), MAX_POINTS);
        check.count("/candles", self.candles.len(), MAX_POINTS);
        check.count("/labels", self.labels.len(), MAX_LINES);
        check.number("/decimals", f64::from(self.decimals), (0.0, 8.0));
        for (n, value) in self.values.iter().enumerate() {
            check.number(&format!("/values/{n}"), *value, DATA);
        }
        for (n, candle) in self.candles.iter().enumerate() {
            let Candle { open, high, low, close } = *candle;
            for (name, value) in [("open", open), ("high", high), ("low", low), ("close", close)] {
                check.number(&format!("/candles/{n}/{name}"), value, DATA);
            }
        }
        for (n, label) in self.labels.iter().enumerate() {
            check.text(&format!("/labels/{n}"), label, MAX_LABEL_CHARS);
        }
        self.font.check(check);
    }
}

/// Words that run through a band without an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ticker {
    pub width: f64,
    pub height: f64,
    pub items: Vec<String>,
    pub separator: String,
    /// In pixels a second, to the left; below zero, to the right.
    pub speed: f64,
    pub font: Font,
    pub background: Color,
    pub fill: Color,
    /// Of the separator.
    pub accent: Color,
}

impl Default for Ticker {
    fn default() -> Self {
        Self {
            width: 1_920.0,
            height: 64.0,
            items: Vec::new(),
            separator: "•".to_owned(),
            speed: 120.0,
            font: Font::sized(30.0),
            background: PLATE,
            fill: INK,
            accent: ACCENT,
        }
    }
}

impl Ticker {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("width", Property::Number(&mut self.width, SIZE));
        visit("height", Property::Number(&mut self.height, SIZE));
        self.font.visit(visit);
        visit("background", Property::Color(&mut self.background));
        visit("fill", Property::Color(&mut self.fill));
        visit("accent", Property::Color(&mut self.accent));
    }

    pub(crate) fn check(&self, check: &mut Check) {
        // Not a property: where the words are is speed times the time of day, which would leap.
        check.number("/speed", self.speed, SPEED);
        check.count("/items", self.items.len(), MAX_LINES);
        check.text("/separator", &self.separator, 16);
        for (n, item) in self.items.iter().enumerate() {
            check.text(&format!("/items/{n}"), item, MAX_LABEL_CHARS);
        }
        self.font.check(check);
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Qr {
    pub data: String,
    /// Of one edge, with the quiet zone, in pixels.
    #[serde(default = "qr_size")]
    pub size: f64,
    #[serde(default = "black")]
    pub fill: Color,
    #[serde(default = "white")]
    pub background: Color,
}

fn qr_size() -> f64 {
    240.0
}

fn black() -> Color {
    Color::BLACK
}

fn white() -> Color {
    Color::WHITE
}

impl Qr {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("size", Property::Number(&mut self.size, SIZE));
        visit("fill", Property::Color(&mut self.fill));
        visit("background", Property::Color(&mut self.background));
    }

    pub(crate) fn check(&self, check: &mut Check) {
        match self.data.len() {
            0 => check.fault(Code::Invalid, "/data", "is empty"),
            1..=MAX_QR_BYTES => {}
            _ => check.fault(Code::TooLong, "/data", format!("is longer than {MAX_QR_BYTES} bytes")),
        }
    }
}

/// The pictures of an input. What the input is, is not the scene's affair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Video {
    pub input: Id,
    #[serde(default = "video_width")]
    pub width: f64,
    #[serde(default = "video_height")]
    pub height: f64,
    #[serde(default)]
    pub fit: Fit,
}

fn video_width() -> f64 {
    1_920.0
}

fn video_height() -> f64 {
    1_080.0
}

impl Video {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("width", Property::Number(&mut self.width, SIZE));
        visit("height", Property::Number(&mut self.height, SIZE));
    }
}

/// Lines of a chat, the newest last and at the bottom. They are those of a chat that is followed, or what
/// clients hand in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chat {
    pub width: f64,
    pub height: f64,
    /// Id of a chat that is followed; its newest messages come after `lines`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Id>,
    pub lines: Vec<Line>,
    pub font: Font,
    pub background: Color,
    pub fill: Color,
    pub arrival: Arrival,
}

/// How a new message comes in: from below, while those before it make room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Arrival {
    #[schemars(range(min = 0.0, max = 5_000.0))]
    pub duration_ms: f64,
    pub easing: Easing,
}

impl Default for Arrival {
    fn default() -> Self {
        Self { duration_ms: 300.0, easing: Easing::try_from("easeOutCubic".to_owned()).unwrap_or_default() }
    }
}

impl Arrival {
    const MS: Range = (0.0, 5_000.0);

    /// How far what came at one moment is in at another, from 0 to 1 and a little beyond.
    pub(crate) fn progress(&self, came: i64, now: i64) -> f64 {
        let since_ms = (now - came) as f64 / 1_000.0;
        if since_ms >= self.duration_ms { 1.0 } else { self.easing.at(since_ms / self.duration_ms) }
    }
}

/// What somebody is in a chat, as a sign before the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    Admin,
    Staff,
    Broadcaster,
    Editor,
    Moderator,
    Subscriber,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub badges: Vec<Badge>,
    pub author: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    pub text: String,
    /// Scene time at which it came, of what comes while it is shown.
    #[serde(skip)]
    pub came: Option<i64>,
}

impl Default for Chat {
    fn default() -> Self {
        Self {
            width: 420.0,
            height: 600.0,
            source: None,
            lines: Vec::new(),
            font: Font::sized(24.0),
            background: PLATE.with_alpha(170),
            fill: INK,
            arrival: Arrival::default(),
        }
    }
}

impl Chat {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("width", Property::Number(&mut self.width, SIZE));
        visit("height", Property::Number(&mut self.height, SIZE));
        self.font.visit(visit);
        visit("background", Property::Color(&mut self.background));
        visit("fill", Property::Color(&mut self.fill));
    }

    pub(crate) fn check(&self, check: &mut Check) {
        check.number("/arrival/duration_ms", self.arrival.duration_ms, Arrival::MS);
        check.count("/lines", self.lines.len(), MAX_LINES);
        for (n, line) in self.lines.iter().enumerate() {
            check.count(&format!("/lines/{n}/badges"), line.badges.len(), MAX_BADGES);
            check.text(&format!("/lines/{n}/author"), &line.author, MAX_LABEL_CHARS);
            check.text(&format!("/lines/{n}/text"), &line.text, MAX_TEXT_CHARS);
        }
        self.font.check(check);
    }
}
