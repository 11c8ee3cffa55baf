//! Lines of a chat, from the newest at the bottom upwards.

use super::faded;
use crate::fonts::{Ink, Setting};
use crate::pen::{Pen, rounded};
use rivulet_scene::kurbo::{Point, Rect};
use rivulet_scene::{Chat, Color};

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

pub fn draw(pen: &mut Pen<'_>, chat: &Chat) {
    let em = chat.font.size;
    let whole = Rect::new(0.0, 0.0, chat.width, chat.height);
    let plate = rounded(whole, em * 0.6);
    pen.fill(&plate, chat.background);
    pen.clipped(Some(&plate), |pen| {
        let edge = em * 0.7;
        let mut bottom = chat.height - edge;
        for line in chat.lines.iter().rev() {
            if bottom <= edge {
                break;
            }
            let setting = Setting::of(&chat.font).within((chat.width - 2.0 * edge).max(1.0));
            let author = format!("{}  ", line.author);
            let color = line.color.unwrap_or_else(|| color_of(&line.author));
            let parts = [(author.as_str(), Ink(Some(color)), 700.0), (line.text.as_str(), Ink(None), chat.font.weight)];
            let words = pen.fonts.set_parts(&parts, &setting);
            let top = bottom - f64::from(words.height());
            // The topmost one fades where the plate ends.
            let ink = if top < 0.0 { faded(chat.fill, 0.5) } else { chat.fill };
            pen.words(&words, Point::new(edge, top), ink, None);
            bottom = top - em * 0.35;
        }
    });
}

/// The same for the same name.
fn color_of(name: &str) -> Color {
    let sum = name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    COLORS[sum % COLORS.len()]
}
