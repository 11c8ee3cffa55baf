//! Bitmaps of layers, for as long as they may be shown again. Without them every frame would draw every
//! letter.

use crate::bitmap::Bitmap;
use crate::compose::Op;
use crate::draw::Extent;
use crate::rect::Rect;
use crate::shadow::Cast;
use rivulet_scene::{Blend, Content, Crop, Drawing, Geometry, Id};
use std::collections::HashMap;
use std::sync::Arc;

/// Of one layer: the states of a sprite, a layer and what it fades into.
const MAX_VARIANTS: usize = 12;
/// What was not shown for so many paints goes,
const MAX_IDLE: u64 = 600;
/// and at once when all of it takes more than this.
const MAX_BYTES: usize = 256 << 20;

/// All that a bitmap of a layer depends on. Where it is on the surface, in whole pixels, is not part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The matrix, without whole pixels of translation.
    pub matrix: [f64; 6],
    /// What of the surface, relative to the layer's place, is drawn.
    pub region: Rect,
    pub crop: Crop,
    pub corner_radius: f64,
    pub shape: Option<Geometry>,
    pub shadow: Option<Cast>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// With the picture that is in it.
    Drawing(Drawing, Option<u64>),
    Bitmap(u64),
    /// Several as one.
    Ops(Vec<Part>),
    /// The first ones, where the second ones are.
    Masked(Vec<Part>, Vec<Part>),
    /// A ticker's band without its words, and one round of its words.
    Band(Arc<Content>),
    Strip(Arc<Content>),
}

/// One bitmap of several: which, where, and how.
pub type Part = (u64, i32, i32, Rect, u8, Blend);

pub fn part(op: &Op) -> Part {
    (op.bitmap.id(), op.x, op.y, op.clip, op.opacity, op.blend)
}

/// A bitmap, and where its upper left corner is, seen from the layer's place.
#[derive(Debug, Clone)]
pub struct Placed {
    pub bitmap: Arc<Bitmap>,
    pub x: i32,
    pub y: i32,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    placed: Placed,
    used: u64,
}

#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<Id, Vec<Entry>>,
    extents: HashMap<Id, (Drawing, Option<u64>, Extent)>,
    paints: u64,
}

impl Cache {
    pub fn get(&mut self, layer: &Id, key: &Key) -> Option<Placed> {
        let entry = self.entries.get_mut(layer)?.iter_mut().find(|entry| entry.key == *key)?;
        entry.used = self.paints;
        Some(entry.placed.clone())
    }

    pub fn put(&mut self, layer: &Id, key: Key, placed: Placed) {
        let entries = self.entries.entry(layer.clone()).or_default();
        if entries.len() == MAX_VARIANTS {
            let oldest = (0..entries.len()).min_by_key(|n| entries[*n].used).unwrap_or(0);
            entries.swap_remove(oldest);
        }
        entries.push(Entry { key, placed, used: self.paints });
    }

    pub fn extent(&self, layer: &Id, drawing: &Drawing, picture: Option<u64>) -> Option<Extent> {
        let (own, of, extent) = self.extents.get(layer)?;
        (of == &picture && own == drawing).then_some(*extent)
    }

    pub fn put_extent(&mut self, layer: &Id, drawing: Drawing, picture: Option<u64>, extent: Extent) {
        self.extents.insert(layer.clone(), (drawing, picture, extent));
    }

    pub fn bytes(&self) -> usize {
        self.entries.values().flatten().map(|entry| entry.placed.bitmap.bytes()).sum()
    }

    /// After each paint: forgets what is not needed.
    pub fn sweep(&mut self) {
        let now = self.paints;
        let idle = if self.bytes() > MAX_BYTES { 1 } else { MAX_IDLE };
        for entries in self.entries.values_mut() {
            entries.retain(|entry| now - entry.used < idle);
        }
        self.entries.retain(|_, entries| !entries.is_empty());
        self.extents.retain(|layer, _| self.entries.contains_key(layer));
        self.paints += 1;
    }
}
