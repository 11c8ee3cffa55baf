//! Compositing: bitmaps at whole pixels, one on the other.

use crate::bitmap::{Bitmap, Cover};
use crate::rect::Rect;
use crate::span;
use fearless_simd::Level;
use rivulet_scene::Blend;
use std::sync::Arc;

/// Rows that are finished before the next ones are begun, so that they stay in the processor's cache.
const BAND: i32 = 32;

/// A bitmap in its place.
#[derive(Debug, Clone)]
pub struct Op {
    pub bitmap: Arc<Bitmap>,
    /// Of its upper left corner.
    pub x: i32,
    pub y: i32,
    /// What of it is drawn, on the surface.
    pub clip: Rect,
    pub opacity: u8,
    pub blend: Blend,
}

impl Op {
    pub fn new(bitmap: Arc<Bitmap>, x: i32, y: i32) -> Self {
        let clip = Rect::sized(bitmap.width(), bitmap.height()).moved(x, y);
        Self { bitmap, x, y, clip, opacity: 255, blend: Blend::Normal }
    }

    pub fn is_drawn(&self) -> bool {
        self.opacity > 0 && !self.clip.is_empty()
    }

    /// Is nothing to be seen of what lies below it in `rect`?
    fn hides(&self, rect: Rect) -> bool {
        self.opacity == 255 && self.blend == Blend::Normal && self.bitmap.is_opaque() && self.clip.contains(rect)
    }
}

impl PartialEq for Op {
    fn eq(&self, other: &Self) -> bool {
        let own = |op: &Self| (op.bitmap.id(), op.x, op.y, op.clip, op.opacity, op.blend);
        own(self) == own(other)
    }
}

/// Draws `ops` from the first to the last within `rect`, on `ground`. `surface` has rows of `width` pixels;
/// `rect` lies within it.
pub fn compose(level: Level, surface: &mut [u8], width: usize, ground: [u8; 4], ops: &[Op], rect: Rect) {
    let hiding = ops.iter().rposition(|op| op.hides(rect));
    let ops: Vec<&Op> = ops[hiding.unwrap_or(0)..].iter().filter(|op| !op.clip.intersect(rect).is_empty()).collect();
    let mut top = rect.y0;
    while top < rect.y1 {
        let band = Rect { y0: top, y1: (top + BAND).min(rect.y1), ..rect };
        if hiding.is_none() {
            for y in band.y0..band.y1 {
                let (row, _) = span_of(surface, width, y, band.x0, band.x1).as_chunks_mut::<4>();
                row.fill(ground);
            }
        }
        for op in &ops {
            draw(level, surface, width, op, band);
        }
        top = band.y1;
    }
}

fn span_of(surface: &mut [u8], width: usize, y: i32, x0: i32, x1: i32) -> &mut [u8] {
    let row = y as usize * width;
    &mut surface[(row + x0 as usize) * 4..(row + x1 as usize) * 4]
}

fn draw(level: Level, surface: &mut [u8], width: usize, op: &Op, within: Rect) {
    let part = op.clip.intersect(within);
    if part.is_empty() {
        return;
    }
    for y in part.y0..part.y1 {
        let source_y = (y - op.y) as usize;
        let source = op.bitmap.row(source_y);
        let mut start = part.x0;
        for run in op.bitmap.runs(source_y) {
            let end = (op.x + i32::from(run.end)).min(part.x1);
            if end <= start {
                continue;
            }
            if run.cover != Cover::Transparent {
                let from = &source[(start - op.x) as usize * 4..(end - op.x) as usize * 4];
                let to = span_of(surface, width, y, start, end);
                match (run.cover, op.opacity, op.blend) {
                    (Cover::Opaque, 255, Blend::Normal) => to.copy_from_slice(from),
                    _ => span::blend(level, to, from, op.opacity, op.blend),
                }
            }
            start = end;
        }
    }
}
