//! What has to be drawn anew: where two lists of what is drawn differ.

use crate::compose::Op;
use crate::rect::Rect;
use std::collections::HashMap;

const MAX_RECTS: usize = 8;
/// An encoder's macroblock, and even, as chroma needs it.
const GRID: i32 = 16;

/// Parts of the picture that changed, not overlapping one another in whole; none if nothing did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    pub rects: Vec<Rect>,
}

impl Damage {
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// All of a picture.
    pub fn all(bounds: Rect) -> Self {
        Self { rects: vec![bounds] }
    }

    /// Where `new` looks other than `old`. What is in both, in the same order, and nowhere touched by
    /// anything else, is composed of the same pixels.
    pub fn between(old: &[Op], new: &[Op], bounds: Rect) -> Self {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for (n, op) in old.iter().enumerate() {
            places.entry(op.bitmap.id()).or_default().push(n);
        }
        let mut kept = vec![false; old.len()];
        let mut damage = Self::default();
        let mut next = 0;
        for op in new {
            let same = places.get(&op.bitmap.id()).into_iter().flatten().find(|n| **n >= next && old[**n] == *op);
            match same {
                Some(n) => {
                    kept[*n] = true;
                    next = n + 1;
                }
                None => damage.add(op.clip, bounds),
            }
        }
        for (op, _) in old.iter().zip(&kept).filter(|(_, kept)| !**kept) {
            damage.add(op.clip, bounds);
        }
        damage
    }

    fn add(&mut self, rect: Rect, bounds: Rect) {
        let down = |edge: i32| edge.div_euclid(GRID) * GRID;
        let up = |edge: i32| edge.saturating_add(GRID - 1).div_euclid(GRID) * GRID;
        let rect = rect.intersect(bounds);
        if rect.is_empty() {
            return;
        }
        let mut rect = Rect::new(down(rect.x0), down(rect.y0), up(rect.x1), up(rect.y1)).intersect(bounds);
        // What it overlaps is drawn with it, once.
        while let Some(n) = self.rects.iter().position(|other| !other.intersect(rect).is_empty()) {
            rect = rect.union(self.rects.swap_remove(n));
        }
        self.rects.push(rect);
        while self.rects.len() > MAX_RECTS {
            self.join();
        }
    }

    /// Makes one of the two that waste the least.
    fn join(&mut self) {
        let pairs = (0..self.rects.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let waste = |(a, b): &(usize, usize)| {
            let (a, b) = (self.rects[*a], self.rects[*b]);
            a.union(b).area() as i64 - a.area() as i64 - b.area() as i64
        };
        let Some((a, b)) = pairs.min_by_key(waste) else { return };
        // `a` is the later one: taking it away leaves `b` in its place.
        let mut both = self.rects.swap_remove(a).union(self.rects.swap_remove(b));
        while let Some(n) = self.rects.iter().position(|other| !other.intersect(both).is_empty()) {
            both = both.union(self.rects.swap_remove(n));
        }
        self.rects.push(both);
    }

    /// The rows that any of it is in, from even to even.
    pub fn rows(&self) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> =
            self.rects.iter().map(|rect| (rect.y0 as usize & !1, (rect.y1 as usize).next_multiple_of(2))).collect();
        spans.sort_unstable();
        let mut rows: Vec<(usize, usize)> = Vec::new();
        for (start, end) in spans {
            match rows.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => rows.push((start, end)),
            }
        }
        rows
    }
}
