//! A card: picture, title, current bid, what is left of the time, and the bids before.

use super::faded;
use crate::bitmap::Bitmap;
use crate::fonts::Setting;
use crate::pen::{Pen, rounded};
use rivulet_scene::kurbo::{Point, Rect};
use rivulet_scene::{Feed, Fit};
use std::sync::Arc;

pub fn draw(pen: &mut Pen<'_>, feed: &Feed, remaining: &str, picture: Option<&Arc<Bitmap>>) {
    let whole = Rect::new(0.0, 0.0, feed.width, feed.height);
    let plate = rounded(whole, feed.font.size * 0.6);
    pen.fill(&plate, feed.background);
    pen.clipped(Some(&plate), |pen| inside(pen, feed, remaining, picture));
    pen.stroke(&rounded(whole.inset(-1.0), feed.font.size * 0.6), 2.0, faded(feed.fill, 0.12));
}

fn inside(pen: &mut Pen<'_>, feed: &Feed, remaining: &str, picture: Option<&Arc<Bitmap>>) {
    let em = feed.font.size;
    let edge = em * 0.9;
    let (left, right) = (edge, feed.width - edge);
    let room = (right - left).max(1.0);
    let of = || Setting::of(&feed.font);
    let mut y = edge;
    if let Some(picture) = picture {
        let height = feed.height * 0.42;
        pen.picture(picture, Rect::new(0.0, 0.0, feed.width, height), 0.0, Fit::Cover);
        let line = Rect::new(0.0, height - em * 0.12, feed.width, height);
        pen.rect(line, 0.0, feed.accent);
        y = height + em * 0.65;
    }
    for (text, setting, part) in [(&feed.title, of().bold(), 1.0), (&feed.subtitle, of().times(0.72), 0.65)] {
        if !text.is_empty() {
            let words = pen.fonts.set_line(text, setting, room);
            pen.words(&words, Point::new(left, y), faded(feed.fill, part), None);
            y += f64::from(words.height());
        }
    }
    y += em * 0.45;
    if !feed.bid.is_empty() || !remaining.is_empty() {
        let taken = pill(pen, feed, remaining, right, y);
        let room = (room - taken).max(1.0);
        let label = pen.fonts.set_line(&feed.bid_label.to_uppercase(), of().times(0.5).bold(), room);
        pen.words(&label, Point::new(left, y), faded(feed.fill, 0.6), None);
        y += f64::from(label.height());
        let bid = pen.fonts.set_line(&feed.bid, of().times(1.55).bold(), room);
        pen.words(&bid, Point::new(left, y), feed.accent, None);
        y += f64::from(bid.height()) + em * 0.35;
    }
    history(pen, feed, y, left, right);
}

/// What is left of the time, at the right. Answers the width that it takes.
fn pill(pen: &mut Pen<'_>, feed: &Feed, remaining: &str, right: f64, y: f64) -> f64 {
    if remaining.is_empty() {
        return 0.0;
    }
    let em = feed.font.size;
    let words = pen.fonts.set(remaining, &Setting::of(&feed.font).times(0.95).bold());
    let (width, height) = (f64::from(words.width()) + em * 1.1, f64::from(words.height()) + em * 0.4);
    let top = y + em * 0.75;
    let plate = Rect::new(right - width, top, right, top + height);
    pen.rect(plate, height / 2.0, faded(feed.accent, 0.18));
    pen.stroke(&rounded(plate.inset(-1.0), height / 2.0), 2.0, faded(feed.accent, 0.8));
    pen.words(&words, Point::new(plate.x0 + em * 0.55, top + em * 0.2), feed.fill, None);
    width + em * 0.5
}

/// As many bids as there is room for.
fn history(pen: &mut Pen<'_>, feed: &Feed, mut y: f64, left: f64, right: f64) {
    let em = feed.font.size;
    let row = em * 1.25;
    for bid in &feed.history {
        if y + row > feed.height - em * 0.4 {
            break;
        }
        pen.rect(Rect::new(left, y, right, y + 1.0), 0.0, faded(feed.fill, 0.14));
        let small = || Setting::of(&feed.font).times(0.7);
        let amount = pen.fonts.set_line(&bid.amount, small().bold(), (right - left) / 2.0);
        let wide = f64::from(amount.width());
        let top = y + (row - f64::from(amount.height())) / 2.0;
        pen.words(&amount, Point::new(right - wide, top), faded(feed.fill, 0.9), None);
        let who = pen.fonts.set_line(&bid.who, small(), (right - left - wide - em * 0.5).max(1.0));
        pen.words(&who, Point::new(left, top), faded(feed.fill, 0.72), None);
        y += row;
    }
}
