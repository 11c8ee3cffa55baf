//! What a layer shows, by its kind. In a document the fields of the kind stand beside those that every
//! layer has, and beside `kind`, which names it.

mod data;
mod shape;
mod sprite;
mod style;
mod text;

pub use data::{Arrival, Badge, Bid, Candle, Chart, ChartForm, Chat, Feed, Line, Qr, Ticker, Video};
pub use shape::{Geometry, Shape};
pub use sprite::{Drive, Eyes, Mouth, Sprite, State};
pub use style::{Align, Fit, Font, Gradient, GradientForm, Outline, Paint, Stop, Stroke};
pub(crate) use text::remaining;
pub use text::{Clock, Countdown, Direction, Text, TextStyle};

use crate::error::{Code, Error, parse};
use crate::id::Id;
use crate::limits::Check;
use crate::property::{Property, SIZE, Visit};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Other layers, which are moved, faded and masked as one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// Of its box, in pixels; without it, the canvas's. Layers of the group may reach beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
}

/// A picture, in its own size. One that moves does so with scene time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    pub asset: Id,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Group(Group),
    Image(Image),
    Shape(Shape),
    Text(Text, TextStyle),
    Clock(Clock, TextStyle),
    Countdown(Countdown, TextStyle),
    Sprite(Sprite),
    Feed(Feed),
    Chart(Chart),
    Ticker(Ticker),
    Qr(Qr),
    Video(Video),
    Chat(Chat),
}

pub(crate) type Fields = Map<String, Value>;

/// Takes `keys` out of `fields`.
pub(crate) fn split(fields: &mut Fields, keys: &[&str]) -> Value {
    let taken = keys.iter().filter_map(|key| fields.remove_entry(*key)).collect::<Fields>();
    Value::Object(taken)
}

const TEXT_KEYS: [&str; 1] = ["text"];
const CLOCK_KEYS: [&str; 2] = ["offset_minutes", "format"];
const COUNTDOWN_KEYS: [&str; 2] = ["to", "done"];

impl Content {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Group(_) => "group",
            Self::Image(_) => "image",
            Self::Shape(_) => "shape",
            Self::Text(..) => "text",
            Self::Clock(..) => "clock",
            Self::Countdown(..) => "countdown",
            Self::Sprite(_) => "sprite",
            Self::Feed(_) => "feed",
            Self::Chart(_) => "chart",
            Self::Ticker(_) => "ticker",
            Self::Qr(_) => "qr",
            Self::Video(_) => "video",
            Self::Chat(_) => "chat",
        }
    }

    /// Of the fields that are left of a layer when those that all have are taken.
    pub(crate) fn parse(kind: &str, mut fields: Fields) -> Result<Self, Error> {
        if let "text" | "clock" | "countdown" = kind {
            return match kind {
                "text" => parse(split(&mut fields, &TEXT_KEYS)).and_then(|own| Ok(Self::Text(own, style(fields)?))),
                "clock" => parse(split(&mut fields, &CLOCK_KEYS)).and_then(|own| Ok(Self::Clock(own, style(fields)?))),
                _ => {
                    parse(split(&mut fields, &COUNTDOWN_KEYS)).and_then(|own| Ok(Self::Countdown(own, style(fields)?)))
                }
            };
        }
        let fields = Value::Object(fields);
        match kind {
            "group" => parse(fields).map(Self::Group),
            "image" => parse(fields).map(Self::Image),
            "shape" => parse(fields).map(Self::Shape),
            "sprite" => parse(fields).map(Self::Sprite),
            "feed" => parse(fields).map(Self::Feed),
            "chart" => parse(fields).map(Self::Chart),
            "ticker" => parse(fields).map(Self::Ticker),
            "qr" => parse(fields).map(Self::Qr),
            "video" => parse(fields).map(Self::Video),
            "chat" => parse(fields).map(Self::Chat),
            _ => Err(Error::new(Code::Invalid, "/kind", format!("there is no kind {kind:?} of layer"))),
        }
    }

    pub(crate) fn fields(&self) -> serde_json::Result<Fields> {
        let mut fields = Fields::new();
        let mut take = |value: serde_json::Result<Value>| {
            if let Value::Object(more) = value? {
                fields.extend(more);
            }
            Ok(())
        };
        match self {
            Self::Group(own) => take(serde_json::to_value(own))?,
            Self::Image(own) => take(serde_json::to_value(own))?,
            Self::Shape(own) => take(serde_json::to_value(own))?,
            Self::Text(own, style) => take(serde_json::to_value(own)).and(take(serde_json::to_value(style)))?,
            Self::Clock(own, style) => take(serde_json::to_value(own)).and(take(serde_json::to_value(style)))?,
            Self::Countdown(own, style) => take(serde_json::to_value(own)).and(take(serde_json::to_value(style)))?,
            Self::Sprite(own) => take(serde_json::to_value(own))?,
            Self::Feed(own) => take(serde_json::to_value(own))?,
            Self::Chart(own) => take(serde_json::to_value(own))?,
            Self::Ticker(own) => take(serde_json::to_value(own))?,
            Self::Qr(own) => take(serde_json::to_value(own))?,
            Self::Video(own) => take(serde_json::to_value(own))?,
            Self::Chat(own) => take(serde_json::to_value(own))?,
        }
        Ok(fields)
    }

    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        match self {
            Self::Group(group) => {
                for (name, edge) in [("width", &mut group.width), ("height", &mut group.height)] {
                    if let Some(edge) = edge {
                        visit(name, Property::Number(edge, SIZE));
                    }
                }
            }
            Self::Image(_) | Self::Sprite(_) => {}
            Self::Shape(shape) => shape.visit(visit),
            Self::Text(_, style) | Self::Clock(_, style) | Self::Countdown(_, style) => style.visit(visit),
            Self::Feed(feed) => feed.visit(visit),
            Self::Chart(chart) => chart.visit(visit),
            Self::Ticker(ticker) => ticker.visit(visit),
            Self::Qr(qr) => qr.visit(visit),
            Self::Video(video) => video.visit(visit),
            Self::Chat(chat) => chat.visit(visit),
        }
    }

    pub(crate) fn check(&self, check: &mut Check) {
        match self {
            Self::Group(_) | Self::Image(_) | Self::Video(_) => {}
            Self::Shape(shape) => shape.check(check),
            Self::Text(text, _) => text.check(check),
            Self::Clock(clock, _) => clock.check(check),
            Self::Countdown(countdown, _) => countdown.check(check),
            Self::Sprite(sprite) => sprite.check(check),
            Self::Feed(feed) => feed.check(check),
            Self::Chart(chart) => chart.check(check),
            Self::Ticker(ticker) => ticker.check(check),
            Self::Qr(qr) => qr.check(check),
            Self::Chat(chat) => chat.check(check),
        }
        if let Self::Text(_, style) | Self::Clock(_, style) | Self::Countdown(_, style) = self {
            style.font.check(check);
        }
    }

    /// Each kind's name with the schemas whose fields it has.
    pub(crate) fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Vec<schemars::Schema>)> {
        let style = TextStyle::json_schema(generator);
        vec![
            ("group", vec![Group::json_schema(generator)]),
            ("image", vec![Image::json_schema(generator)]),
            ("shape", vec![Shape::json_schema(generator)]),
            ("text", vec![Text::json_schema(generator), style.clone()]),
            ("clock", vec![Clock::json_schema(generator), style.clone()]),
            ("countdown", vec![Countdown::json_schema(generator), style]),
            ("sprite", vec![Sprite::json_schema(generator)]),
            ("feed", vec![Feed::json_schema(generator)]),
            ("chart", vec![Chart::json_schema(generator)]),
            ("ticker", vec![Ticker::json_schema(generator)]),
            ("qr", vec![Qr::json_schema(generator)]),
            ("video", vec![Video::json_schema(generator)]),
            ("chat", vec![Chat::json_schema(generator)]),
        ]
    }
}

fn style(fields: Fields) -> Result<TextStyle, Error> {
    parse(Value::Object(fields))
}
