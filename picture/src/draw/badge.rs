//! Signs before names in a chat: the same as in the pages.

use crate::pen::{Pen, rounded};
use rivulet_scene::kurbo::{Affine, BezPath, Rect};
use rivulet_scene::{Badge, Color};

/// Of the letters' size.
const EDGE: f64 = 1.1;
const BETWEEN: f64 = 0.2;
const BEHIND: f64 = 0.3;
/// Of the square that signs are drawn in.
const GRID: f64 = 24.0;

/// Width and height of so many, with what is between them and behind them; `em` is the letters' size.
pub fn size(count: usize, em: f64) -> (f64, f64) {
    let all = count as f64 * EDGE + count.saturating_sub(1) as f64 * BETWEEN + BEHIND;
    (all * em, EDGE * em)
}

/// From the left to the right, within a box of [`size`]. `strength` is a part of their opacity.
pub fn draw(pen: &mut Pen<'_>, badges: &[Badge], within: Rect, em: f64, strength: f64) {
    for (n, badge) in badges.iter().enumerate() {
        let left = within.x0 + n as f64 * (EDGE + BETWEEN) * em;
        let plate = Rect::new(left, within.y0, left + EDGE * em, within.y0 + EDGE * em);
        let (color, sign) = look(*badge);
        pen.fill(&rounded(plate, em * 0.2), super::faded(color, strength));
        // The paths are ours.
        let Ok(mut sign) = BezPath::from_svg(sign) else { continue };
        let inner = plate.inflate(-0.12 * em, -0.12 * em);
        sign.apply_affine(Affine::translate(inner.origin().to_vec2()) * Affine::scale(inner.width() / GRID));
        pen.fill(&sign, super::faded(Color::WHITE, strength));
    }
}

fn look(badge: Badge) -> (Color, &'static str) {
    match badge {
        Badge::Admin | Badge::Staff => (Color::rgb(134, 88, 0), "M3 8l5 4 4-7 4 7 5-4-2 11H5z"),
        Badge::Broadcaster => (Color::rgb(197, 31, 66), "M3 7h12v10H3zM17 10l5-3v10l-5-3z"),
        Badge::Editor => (Color::rgb(122, 79, 168), "M4 20l1-5L16 4l4 4L9 19z"),
        Badge::Moderator => (Color::rgb(13, 115, 56), "M12 2 4 5v6c0 5 3.5 9 8 11 4.5-2 8-6 8-11V5z"),
        Badge::Subscriber => {
            (Color::rgb(5, 110, 100), "m12 2 3 7 7 .6-5.4 4.7L18.3 22 12 18l-6.3 4 1.7-7.7L2 9.6 9 9z")
        }
    }
}
