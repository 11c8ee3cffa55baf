//! Shadows: what a bitmap covers, blurred, in one colour, below it.

use crate::bitmap::Bitmap;
use crate::compose::{Op, compose};
use crate::rect::Rect;
use fearless_simd::Level;
use rivulet_scene::Color;
use std::sync::Arc;
use vello_cpu::Pixmap;

/// Three boxes, one after the other, are as good as Gauss's bell to the eye.
const BOXES: usize = 3;

/// Of a shadow on the surface, in pixels: the standard deviation of its blur, and where it falls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cast {
    pub color: Color,
    pub sigma: f64,
    pub x: i32,
    pub y: i32,
}

impl Cast {
    fn radius(&self) -> usize {
        let width = (12.0 * self.sigma * self.sigma / BOXES as f64 + 1.0).sqrt();
        ((width - 1.0) / 2.0).round().max(0.0) as usize
    }
}

/// The bitmap with its shadow, and where its upper left corner is, seen from that of the bitmap.
pub fn cast(level: Level, bitmap: &Arc<Bitmap>, shadow: Cast) -> (Arc<Bitmap>, i32, i32) {
    let radius = shadow.radius();
    let margin = (radius * BOXES) as i32;
    let own = Rect::sized(bitmap.width(), bitmap.height());
    let below = Rect::new(own.x0 - margin, own.y0 - margin, own.x1 + margin, own.y1 + margin);
    let (width, height) = (below.width(), below.height());
    let mut alpha = vec![0u8; width * height];
    for y in 0..bitmap.height() {
        let start = (y + margin as usize) * width + margin as usize;
        let row = bitmap.row(y).chunks_exact(4).map(|pixel| pixel[3]);
        alpha[start..start + bitmap.width()].iter_mut().zip(row).for_each(|(to, from)| *to = from);
    }
    for _ in 0..BOXES {
        blur(&mut alpha, width, height, 1, width, radius);
        blur(&mut alpha, height, width, width, 1, radius);
    }
    let mut pixels = Pixmap::new(width as u16, height as u16);
    let [r, g, b, a] = shadow.color.0.map(u32::from);
    for (pixel, alpha) in pixels.data_as_u8_slice_mut().chunks_exact_mut(4).zip(alpha) {
        let alpha = a * u32::from(alpha);
        // Of 255 × 255.
        for (to, channel) in pixel.iter_mut().zip([r, g, b, 255]) {
            *to = ((channel * alpha + 32_512) / 65_025) as u8;
        }
    }
    let blurred = Op::new(Bitmap::new(pixels), below.x0 + shadow.x, below.y0 + shadow.y);
    let whole = blurred.clip.union(own);
    let (x, y) = (whole.x0, whole.y0);
    let ops = [Op::new(bitmap.clone(), 0, 0), blurred].map(|op| Op {
        x: op.x - x,
        y: op.y - y,
        clip: op.clip.moved(-x, -y),
        ..op
    });
    let [picture, blurred] = ops;
    let mut pixels = Pixmap::new(whole.width() as u16, whole.height() as u16);
    let rect = Rect::sized(whole.width(), whole.height());
    compose(level, pixels.data_as_u8_slice_mut(), whole.width(), [0; 4], &[blurred, picture], rect);
    (Bitmap::new(pixels), x, y)
}

/// Each sample becomes the mean of those within `radius` in its line; there are `lines` of `count` samples.
fn blur(plane: &mut [u8], count: usize, lines: usize, step: usize, next_line: usize, radius: usize) {
    if radius == 0 {
        return;
    }
    let size = (2 * radius + 1) as u32;
    let mut line = vec![0u8; count];
    for n in 0..lines {
        let start = n * next_line;
        for (k, sample) in line.iter_mut().enumerate() {
            *sample = plane[start + k * step];
        }
        let mut sum: u32 = line.iter().take(radius).map(|sample| u32::from(*sample)).sum();
        for k in 0..count {
            sum += line.get(k + radius).map_or(0, |sample| u32::from(*sample));
            plane[start + k * step] = ((sum + size / 2) / size) as u8;
            sum -= k.checked_sub(radius).map_or(0, |k| u32::from(line[k]));
        }
    }
}
