//! How each kind of layer looks, in its own pixels.

mod badge;
mod card;
mod chart;
mod chat;
mod plain;
mod ticker;

pub use ticker::{Strip, band};

use crate::bitmap::Bitmap;
use crate::fonts::{Fonts, Setting};
use crate::pen::Pen;
use rivulet_scene::kurbo::{BezPath, Ellipse, Rect, Shape as _};
use rivulet_scene::{Color, Content, Drawing, Geometry, TextStyle};
use std::sync::Arc;

/// A colour with part of its opacity.
fn faded(color: Color, part: f64) -> Color {
    color.with_alpha((f64::from(color.0[3]) * part).round() as u8)
}

/// A layer's box, from 0, 0, in pixels, and how far it is drawn beyond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    pub width: f64,
    pub height: f64,
    pub margin: f64,
}

/// The words of a layer that has some, and how they look.
fn text(drawing: &Drawing) -> Option<(&str, &TextStyle)> {
    match &*drawing.content {
        Content::Text(text, style) => Some((&text.text, style)),
        Content::Clock(_, style) | Content::Countdown(_, style) => Some((&drawing.words, style)),
        _ => None,
    }
}

/// Nothing for what has no picture yet.
pub fn extent(drawing: &Drawing, picture: Option<&Arc<Bitmap>>, fonts: &mut Fonts) -> Option<Extent> {
    let plain = |width: f64, height: f64| Some(Extent { width, height, margin: 0.0 });
    if let Some((words, style)) = text(drawing) {
        return Some(plain::text_extent(words, style, fonts));
    }
    match &*drawing.content {
        Content::Image(_) | Content::Sprite(_) => {
            picture.and_then(|bitmap| plain(bitmap.width() as f64, bitmap.height() as f64))
        }
        Content::Shape(shape) => {
            let (width, height) = shape.geometry.size();
            let line = shape.stroke.as_ref().map_or(0.0, |stroke| stroke.width / 2.0);
            Some(Extent { width, height, margin: line + reach(&shape.geometry) })
        }
        Content::Feed(feed) => plain(feed.width, feed.height),
        Content::Chart(chart) => plain(chart.width, chart.height),
        Content::Ticker(ticker) => plain(ticker.width, ticker.height),
        Content::Qr(qr) => plain(qr.size, qr.size),
        Content::Video(video) => picture.and_then(|_| plain(video.width, video.height)),
        Content::Chat(chat) => plain(chat.width, chat.height),
        Content::Group(_) | Content::Text(..) | Content::Clock(..) | Content::Countdown(..) => None,
    }
}

/// How far a path leaves its box.
fn reach(geometry: &Geometry) -> f64 {
    let Geometry::Path { d, width, height } = geometry else { return 0.0 };
    let bounds = d.outline().bounding_box();
    [-bounds.x0, -bounds.y0, bounds.x1 - width, bounds.y1 - height].into_iter().fold(0.0, f64::max).min(4_096.0)
}

pub fn outline(geometry: &Geometry) -> BezPath {
    match geometry {
        Geometry::Rect { width, height, radius } => crate::pen::rounded(Rect::new(0.0, 0.0, *width, *height), *radius),
        Geometry::Ellipse { width, height } => Ellipse::from_rect(Rect::new(0.0, 0.0, *width, *height)).to_path(0.1),
        Geometry::Path { d, .. } => d.outline(),
    }
}

pub fn draw(pen: &mut Pen<'_>, drawing: &Drawing, picture: Option<&Arc<Bitmap>>) {
    if let Some((words, style)) = text(drawing) {
        return plain::text(pen, words, style);
    }
    match &*drawing.content {
        Content::Image(_) | Content::Sprite(_) => {
            if let Some(bitmap) = picture {
                let whole = Rect::new(0.0, 0.0, bitmap.width() as f64, bitmap.height() as f64);
                pen.picture(bitmap, whole, 0.0, rivulet_scene::Fit::Fill);
            }
        }
        Content::Video(video) => {
            if let Some(bitmap) = picture {
                pen.picture(bitmap, Rect::new(0.0, 0.0, video.width, video.height), 0.0, video.fit);
            }
        }
        Content::Shape(shape) => plain::shape(pen, shape),
        Content::Feed(feed) => card::draw(pen, feed, &drawing.words, picture),
        Content::Chart(chart) => chart::draw(pen, chart),
        Content::Ticker(own) => ticker::draw(pen, own, drawing.travel),
        Content::Qr(qr) => plain::qr(pen, qr),
        Content::Chat(own) => chat::draw(pen, own, &drawing.arriving),
        Content::Group(_) | Content::Text(..) | Content::Clock(..) | Content::Countdown(..) => {}
    }
}

fn setting(style: &TextStyle) -> Setting<'_> {
    Setting {
        align: style.align,
        direction: style.direction,
        line_height: style.line_height,
        width: style.width,
        ..Setting::of(&style.font)
    }
}
