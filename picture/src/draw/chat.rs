//! Lines of a chat, from the newest at the bottom upwards.

use super::{badge, faded};
use crate::fonts::{Fonts, Ink, Setting};
use crate::pen::{Pen, rounded};
use rivulet_scene::kurbo::{Point, Rect, Vec2};
use rivulet_scene::{Chat, Color};

/// Of messages, in letters' sizes.
const BETWEEN: f64 = 0.35;

/// For authors without a colour of their own; all can be read on dark plates.
const COLORS: [Color; 8] = [
    Color::rgb(255, 138, 128),
    Color::rgb(255, 183, 77),
    Color::rgb(255, 224, 130),
    Color::rgb(165, 214, 167),
    Color::rgb(128, 222, 234),
    Color::rgb(144, 202, 249),
    Color::rgb(206, 147, 216),
    Color::rgb(244, 143, 177),
];

/// `arriving`: how far the newest ones are in, the newest first.
pub fn draw(pen: &mut Pen<'_>, chat: &Chat, arriving: &[f64]) {
    let em = chat.font.size;
    let whole = Rect::new(0.0, 0.0, chat.width, chat.height);
    let plate = rounded(whole, em * 0.6);
    pen.fill(&plate, chat.background);
    pen.clipped(Some(&plate), |pen| {
        let edge = em * 0.7;
        let mut bottom = chat.height - edge;
        for (n, line) in chat.lines.iter().rev().enumerate() {
            if bottom <= edge {
                break;
            }
            let setting = Setting::of(&chat.font).within((chat.width - 2.0 * edge).max(1.0));
            let author = format!("{}  ", line.author);
            let color = line.color.unwrap_or_else(|| color_of(&line.author));
            let part = arriving.get(n).copied().unwrap_or(1.0);
            let strength = part.clamp(0.0, 1.0);
            let name = Ink(Some(faded(color, strength)));
            let parts = [(author.as_str(), name, 700.0), (line.text.as_str(), Ink(None), chat.font.weight)];
            let before = (!line.badges.is_empty()).then(|| badge::size(line.badges.len(), em));
            let words = pen.fonts.set_parts(before, &parts, &setting);
            let height = f64::from(words.height());
            // What is not all in yet is below its place, and those above make room for as much as is in.
            bottom += (1.0 - part) * (height + em * BETWEEN);
            let top = bottom - height;
            // The topmost one fades where the plate ends.
            let ink = faded(chat.fill, if top < 0.0 { 0.5 } else { 1.0 } * strength);
            pen.words(&words, Point::new(edge, top), ink, None);
            if let Some(place) = Fonts::place_before(&words) {
                badge::draw(pen, &line.badges, place + Vec2::new(edge, top), em, strength);
            }
            bottom = top - em * BETWEEN;
        }
    });
}

/// The same for the same name.
fn color_of(name: &str) -> Color {
    let sum = name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    COLORS[sum % COLORS.len()]
}
