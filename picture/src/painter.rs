//! The picture: what is drawn, and drawn anew only where it changed.

use crate::assets::Assets;
use crate::compose::{Op, compose};
use crate::damage::Damage;
use crate::fonts::Fonts;
use crate::pen::Studio;
use crate::plan::{Around, Planner};
use crate::planes::{Frame, Planes};
use crate::rect::Rect;
use fearless_simd::Level;
use rivulet_scene::{Area, Color, DisplayList, Id};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub struct Painter {
    width: usize,
    height: usize,
    /// The part with the scene; around it is black.
    inside: Rect,
    rgba: Vec<u8>,
    frame: Frame,
    planner: Planner,
    level: Level,
    /// What the picture shows; nothing is known before the first paint.
    shown: Option<(Color, Vec<Op>)>,
}

impl Painter {
    /// With the fonts that are installed. Sizes in pixels.
    pub fn new(width: usize, height: usize) -> Self {
        Self::with_fonts::<&Path>(width, height, &[])
    }

    /// With the fonts below these directories alone.
    pub fn with_fonts<P: AsRef<Path>>(width: usize, height: usize, directories: &[P]) -> Self {
        Self {
            width,
            height,
            inside: Rect::sized(width, height),
            rgba: black(width, height),
            frame: Frame::new(width, height),
            planner: Planner::new(Studio::new(Fonts::load(directories))),
            level: Level::new(),
            shown: None,
        }
    }

    /// Draws what changed since the last call. The picture takes on the list's size.
    pub fn paint(&mut self, list: &DisplayList, assets: &Assets) -> Damage {
        let (width, height) = (list.width as usize, list.height as usize);
        let Area { x, y, width: across, height: down } = list.inside;
        let inside = Rect::sized(across as usize, down as usize).moved(x as i32, y as i32);
        let bounds = inside.intersect(Rect::sized(width, height));
        if (width, height, bounds) != (self.width, self.height, self.inside) {
            (self.width, self.height, self.inside) = (width, height, bounds);
            self.rgba = black(width, height);
            self.frame = Frame::new(width, height);
            self.shown = None;
        }
        self.planner.missing.clear();
        self.planner.sizes.clear();
        let mut ops = self.planner.ops(&list.items, Around { assets, at: list.at, seen: bounds });
        ops.retain(|op| !op.clip.intersect(bounds).is_empty());
        self.planner.cache.sweep();
        let damage = match &self.shown {
            Some((background, old)) if *background == list.background => Damage::between(old, &ops, bounds),
            _ => Damage::all(bounds),
        };
        // The picture has no transparent parts: what the background lets through is black.
        let [r, g, b, a] = list.background.0;
        let under = |channel: u8| ((u16::from(channel) * u16::from(a) + 127) / 255) as u8;
        let ground = [under(r), under(g), under(b), 255];
        for rect in &damage.rects {
            compose(self.level, &mut self.rgba, width, ground, &ops, *rect);
        }
        for rows in damage.rows() {
            self.frame.convert(&self.rgba, rows);
        }
        self.shown = Some((list.background, ops));
        damage
    }

    /// The next paint draws all of the picture.
    pub fn invalidate(&mut self) {
        self.shown = None;
    }

    /// I420 of the picture.
    pub fn planes(&self) -> Planes<'_> {
        self.frame.planes()
    }

    /// The picture, opaque, row after row.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Families of fonts that layers asked for since the start, and that others stand in for.
    pub fn missing_fonts(&self) -> &BTreeSet<String> {
        self.planner.studio.fonts.missing()
    }

    /// Pictures that the last list asked for and that were not there: their layers are left out.
    pub fn missing_assets(&self) -> &BTreeSet<Id> {
        &self.planner.missing
    }

    /// Width and height of the boxes of the layers that the last list drew, before their transforms. Groups
    /// whose layers stand alone are not among them.
    pub fn sizes(&self) -> &BTreeMap<Id, (f64, f64)> {
        &self.planner.sizes
    }

    /// Of bitmaps that are kept for layers, without those of assets.
    pub fn cache_bytes(&self) -> usize {
        self.planner.cache.bytes()
    }
}

fn black(width: usize, height: usize) -> Vec<u8> {
    [0, 0, 0, 255].repeat(width * height)
}
