//! What the compositor shows, as a pure function of time: no socket, clock or thread. A [`Scene`] is a
//! tree of layers with what moves them.
//!
//! The contract: time is `i64` microseconds of Unix time, given to each call, and never runs backwards.
//! [`Scene::apply`] takes a [`Batch`] of changes and does all of it or nothing; [`Scene::advance`] lets
//! happen what is due, each at its own time, and answers all events since the last call; [`Scene::list`]
//! says what is to be drawn at a moment, and is the same whatever calls came between.
//! [`Scene::document`] is all that is needed to go on after a restart, but for the loudness of sound
//! ([`Scene::hear`]). Whatever a client sends is bounded (`limits`), and refused with an [`Error`] that
//! names the field.
//!
//! Documents speak of milliseconds and RFC 3339; each of them has a JSON Schema (`schemars`).

mod animation;
mod batch;
mod changes;
mod color;
mod content;
mod document;
mod easing;
mod error;
mod id;
mod layer;
pub mod limits;
mod list;
mod path;
mod property;
mod scene;
#[cfg(test)]
mod tests;
mod time;
mod timing;
mod transform;
mod transition;
mod view;

pub use animation::{
    Animation, Composite, Effect, Fill, Infinite, Iterations, Keyframe, Motion, OnFinish, PlayDirection, Timing, Track,
};
pub use batch::{Add, Animate, Batch, Canvas, Change, Fire, Move, OfAnimation, OfBatch, Remove, Seek, Update};
pub use color::Color;
pub use content::{
    Align, Arrival, Badge, Bid, Candle, Chart, ChartForm, Chat, Clock, Content, Countdown, Direction, Drive, Eyes,
    Feed, Fit, Font, Geometry, Gradient, GradientForm, Group, Image, Line, Mouth, Outline, Paint, Qr, Shape, Sprite,
    State, Stop, Stroke, Text, TextStyle, Ticker, Video,
};
pub use document::{Document, Leaving};
pub use easing::Easing;
pub use error::{Code, Error};
pub use id::Id;
pub use kurbo;
pub use layer::{Base, Blend, Crop, Layer, Mask, Shadow};
pub use limits::Limits;
pub use list::{Clip, DisplayList, Drawing, Item, Reveal, What};
pub use path::PathData;
pub use property::Value;
pub use scene::{Applied, Ending, Event, Scene, Waiting};
pub use time::{Moment, When};
pub use timing::Running;
pub use transform::{Anchor, Bounds, BoundsType, Transform};
pub use transition::{Interrupt, Shift, Towards, Transition, TransitionType, Transitions, Tween};
pub use view::{Area, MAIN, View};
