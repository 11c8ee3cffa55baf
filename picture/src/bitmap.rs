//! What layers become: premultiplied pixels, with a list of the stretches of each row that are transparent,
//! opaque or neither.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use vello_cpu::Pixmap;

/// Shorter stretches are not worth the bookkeeping.
const MIN_RUN: usize = 16;

static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    Transparent,
    Opaque,
    Mixed,
}

/// Up to `end`, from where the one before it ends.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub end: u16,
    pub cover: Cover,
}

#[derive(Debug)]
pub struct Bitmap {
    /// Two bitmaps with the same are the same.
    id: u64,
    pixels: Arc<Pixmap>,
    runs: Vec<Run>,
    /// Where each row's runs begin in `runs`.
    rows: Vec<u32>,
    opaque: bool,
    half: OnceLock<Arc<Bitmap>>,
}

impl Bitmap {
    pub fn new(mut pixels: Pixmap) -> Arc<Self> {
        let width = usize::from(pixels.width());
        let (mut runs, mut rows, mut opaque) = (Vec::new(), Vec::new(), true);
        for row in pixels.data_as_u8_slice_mut().chunks_exact_mut((width * 4).max(4)) {
            rows.push(runs.len() as u32);
            let (row, _) = row.as_chunks_mut::<4>();
            for pixel in row.iter_mut() {
                // Rounding may have lifted a colour above its alpha, which blending could not bear.
                let [r, g, b, a] = *pixel;
                *pixel = [r.min(a), g.min(a), b.min(a), a];
            }
            opaque &= list(row, &mut runs);
        }
        rows.push(runs.len() as u32);
        pixels.set_may_have_transparency(!opaque);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, pixels: Arc::new(pixels), runs, rows, opaque, half: OnceLock::new() })
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn width(&self) -> usize {
        self.pixels.width().into()
    }

    pub fn height(&self) -> usize {
        self.pixels.height().into()
    }

    pub fn bytes(&self) -> usize {
        self.width() * self.height() * 4
    }

    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    pub fn pixels(&self) -> &Arc<Pixmap> {
        &self.pixels
    }

    /// Premultiplied RGBA.
    pub fn row(&self, y: usize) -> &[u8] {
        let stride = self.width() * 4;
        &self.pixels.data_as_u8_slice()[y * stride..(y + 1) * stride]
    }

    pub fn runs(&self, y: usize) -> &[Run] {
        &self.runs[self.rows[y] as usize..self.rows[y + 1] as usize]
    }

    /// Half as wide and high: four pixels become one. Sampling from it is how much smaller pictures of this
    /// one keep what is between their pixels.
    pub fn half(&self) -> &Arc<Self> {
        self.half.get_or_init(|| {
            let (width, height) = (self.width().div_ceil(2), self.height().div_ceil(2));
            let mut half = Pixmap::new(width as u16, height as u16);
            for (y, row) in half.data_as_u8_slice_mut().chunks_exact_mut(width * 4).enumerate() {
                let (above, below) = (self.row(y * 2), self.row((y * 2 + 1).min(self.height() - 1)));
                for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                    let (left, right) = (x * 8, (x * 8 + 4).min(self.width() * 4 - 4));
                    for (n, channel) in pixel.iter_mut().enumerate() {
                        let four = [above[left + n], above[right + n], below[left + n], below[right + n]];
                        *channel = ((four.map(u16::from).iter().sum::<u16>() + 2) / 4) as u8;
                    }
                }
            }
            Self::new(half)
        })
    }
}

fn cover([.., alpha]: [u8; 4]) -> Cover {
    match alpha {
        0 => Cover::Transparent,
        255 => Cover::Opaque,
        _ => Cover::Mixed,
    }
}

/// Appends the runs of a row; says whether all of it is opaque.
fn list(row: &[[u8; 4]], runs: &mut Vec<Run>) -> bool {
    let first = runs.len();
    let mut start = 0;
    while start < row.len() {
        let own = cover(row[start]);
        let length = row[start..].iter().take_while(|pixel| cover(**pixel) == own).count();
        let end = start + length;
        let own = if length < MIN_RUN && length < row.len() { Cover::Mixed } else { own };
        match runs[first..].last_mut() {
            Some(last) if last.cover == own => last.end = end as u16,
            _ => runs.push(Run { end: end as u16, cover: own }),
        }
        start = end;
    }
    matches!(runs[first..], [Run { cover: Cover::Opaque, .. }])
}
