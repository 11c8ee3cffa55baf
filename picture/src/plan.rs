//! From a display list to bitmaps in their places. Whatever a layer's matrix does beyond moving it by whole
//! pixels, its cropping, corners, mask and shadow are part of its bitmap, and drawn once.

use crate::assets::Assets;
use crate::bitmap::Bitmap;
use crate::cache::{Cache, Key, Placed, What, part};
use crate::compose::{Op, compose};
use crate::draw::{self, Extent, Strip};
use crate::pen::{Pen, Studio, rounded};
use crate::rect::Rect;
use crate::shadow::{self, Cast};
use crate::span;
use fearless_simd::Level;
use rivulet_scene::kurbo::{self, Affine};
use rivulet_scene::{Blend, Clip, Content, Crop, Drawing, Fit, Geometry, Id, Item};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vello_cpu::Pixmap;

/// A layer with more pixels is only drawn where it can be seen.
const MAX_LAYER_PIXELS: usize = 4_096 * 4_096;
/// As far as a group is drawn, seen from its corner, where more of it cannot be afforded.
const FAR: i32 = 4_096;
/// Parts of a pixel by which what is turned or scaled may be moved.
const STEPS: f64 = 4.0;
/// As near to one pixel for one as makes no difference.
const EXACT: f64 = 1e-6;
/// As far as a shadow falls, in pixels: the longest edge that a canvas has.
const SHADOW_AWAY: f64 = 4_096.0;
const MAX_STRIP: f64 = 16_000.0;

pub struct Planner {
    pub studio: Studio,
    pub cache: Cache,
    level: Level,
    /// Pictures that were asked for and are not there.
    pub missing: BTreeSet<Id>,
    /// Of the layers' boxes, in their own pixels.
    pub sizes: BTreeMap<Id, (f64, f64)>,
}

/// What is the same for all items of a surface.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub assets: &'a Assets,
    /// Scene time.
    pub at: i64,
    /// What of the surface can be seen.
    pub seen: Rect,
}

enum Source<'a> {
    Drawing(&'a Drawing, Option<Arc<Bitmap>>),
    /// With the place of its upper left corner in the layer's box.
    Bitmap(Arc<Bitmap>, i32, i32),
}

/// The parts of an item that its bitmap depends on.
struct Look<'a> {
    matrix: Affine,
    extent: Extent,
    crop: Crop,
    corner_radius: f64,
    shape: Option<&'a Geometry>,
    shadow: Option<rivulet_scene::Shadow>,
}

impl Look<'_> {
    fn is_plain(&self) -> bool {
        !self.is_clipped() && self.shadow.is_none()
    }

    fn is_clipped(&self) -> bool {
        self.crop != Crop::default() || self.corner_radius > 0.0 || self.shape.is_some()
    }
}

/// A matrix as whole pixels and the rest.
fn split(matrix: Affine) -> (Affine, i32, i32) {
    let [a, b, c, d, e, f] = matrix.as_coeffs();
    let moved_only = [a - 1.0, b, c, d - 1.0].iter().all(|rest| rest.abs() < EXACT);
    let far = f64::from(i32::MAX / 4);
    let (e, f) = (e.clamp(-far, far), f.clamp(-far, far));
    if moved_only {
        return (Affine::IDENTITY, e.round() as i32, f.round() as i32);
    }
    let (e, f) = ((e * STEPS).round() / STEPS, (f * STEPS).round() / STEPS);
    let rest = Affine::new([a, b, c, d, e - e.floor(), f - f.floor()]);
    (rest, e.floor() as i32, f.floor() as i32)
}

fn outset(rect: kurbo::Rect) -> Rect {
    let whole = rect.expand();
    let edge = |edge: f64| edge.clamp(-1e9, 1e9) as i32;
    Rect::new(edge(whole.x0), edge(whole.y0), edge(whole.x1), edge(whole.y1))
}

impl Planner {
    pub fn new(studio: Studio) -> Self {
        Self { studio, cache: Cache::default(), level: Level::new(), missing: BTreeSet::new(), sizes: BTreeMap::new() }
    }

    pub fn ops(&mut self, items: &[Item], around: Around<'_>) -> Vec<Op> {
        let mut ops = Vec::new();
        for item in items {
            self.item(item, around, &mut ops);
        }
        ops
    }

    fn item(&mut self, item: &Item, around: Around<'_>, out: &mut Vec<Op>) {
        let mut own = self.bare(item, around);
        if let Some(Clip::Item(mask)) = &item.mask {
            own = self.masked(&item.id, own, mask, around);
        }
        if let Some(reveal) = item.reveal {
            let whole = own.iter().fold(Rect::default(), |whole, op| whole.union(op.clip));
            let along = |start: i32, length: usize, part: f64| start + (length as f64 * part).round() as i32;
            let shown = Rect::new(
                along(whole.x0, whole.width(), reveal.left),
                along(whole.y0, whole.height(), reveal.top),
                along(whole.x0, whole.width(), reveal.right),
                along(whole.y0, whole.height(), reveal.bottom),
            );
            own.iter_mut().for_each(|op| op.clip = op.clip.intersect(shown));
        }
        let opacity = (item.opacity.clamp(0.0, 1.0) * 255.0).round() as u8;
        out.extend(own.into_iter().map(|op| Op { opacity, blend: item.blend, ..op }).filter(Op::is_drawn));
    }

    /// Without mask, opacity and blending.
    fn bare(&mut self, item: &Item, around: Around<'_>) -> Vec<Op> {
        let shape = match &item.mask {
            Some(Clip::Shape(shape)) => Some(shape),
            _ => None,
        };
        let look = |extent: Extent| Look {
            matrix: item.parent * item.transform.matrix(extent.width, extent.height),
            extent,
            crop: item.crop,
            corner_radius: item.corner_radius,
            shape,
            shadow: item.shadow,
        };
        match &item.what {
            rivulet_scene::What::Group { width, height, items } => {
                self.sizes.insert(item.id.clone(), (*width, *height));
                let look = look(Extent { width: *width, height: *height, margin: 0.0 });
                let back = look.matrix.inverse().transform_rect_bbox(kurbo_rect(around.seen));
                let seen = if back.is_finite() { outset(back) } else { Rect::default() };
                let affordable = seen.area() <= MAX_LAYER_PIXELS;
                let seen = if affordable { seen } else { Rect::new(0, 0, FAR, FAR) };
                let mut inside = self.ops(items, Around { seen, ..around });
                let mut whole = inside.iter().fold(Rect::default(), |whole, op| whole.union(op.clip));
                // Drawn only where it can be seen, it would be drawn anew whenever it moves.
                if whole.area() > MAX_LAYER_PIXELS {
                    whole = whole.intersect(seen);
                }
                if whole.is_empty() {
                    return Vec::new();
                }
                inside.iter_mut().for_each(|op| op.clip = op.clip.intersect(whole));
                let bitmap = self.merged(&item.id, inside, whole);
                self.placed(&item.id, &Source::Bitmap(bitmap, whole.x0, whole.y0), &look, around)
            }
            rivulet_scene::What::Drawing(drawing) => {
                let picture = self.picture(drawing, around);
                let id = picture.as_ref().map(|bitmap| bitmap.id());
                let known = self.cache.extent(&item.id, drawing, id);
                let Some(extent) = known.or_else(|| {
                    let extent = draw::extent(drawing, picture.as_ref(), &mut self.studio.fonts)?;
                    self.cache.put_extent(&item.id, drawing.clone(), id, extent);
                    Some(extent)
                }) else {
                    return Vec::new();
                };
                self.sizes.insert(item.id.clone(), (extent.width, extent.height));
                let look = look(extent);
                if let Some(ops) = self.ticker(item, drawing, &look, around) {
                    return ops;
                }
                let source = match (&*drawing.content, picture) {
                    (Content::Image(_) | Content::Sprite(_), Some(bitmap)) => Source::Bitmap(bitmap, 0, 0),
                    // In its own size, or out of shape: the whole picture and nothing else.
                    (Content::Video(video), Some(bitmap))
                        if (bitmap.width() as f64, bitmap.height() as f64) == (video.width, video.height) =>
                    {
                        Source::Bitmap(bitmap, 0, 0)
                    }
                    (_, picture) => Source::Drawing(drawing, picture),
                };
                self.placed(&item.id, &source, &look, around)
            }
        }
    }

    fn picture(&mut self, drawing: &Drawing, around: Around<'_>) -> Option<Arc<Bitmap>> {
        let id = match &*drawing.content {
            Content::Image(image) => Some(&image.asset),
            Content::Sprite(_) => drawing.asset.as_ref(),
            Content::Feed(feed) => feed.picture.as_ref(),
            Content::Video(video) => Some(&video.input),
            _ => None,
        }?;
        let found = around.assets.at(id, around.at).cloned();
        if found.is_none() {
            self.missing.insert(id.clone());
        }
        found
    }

    /// One bitmap for a source that is turned, scaled, cropped and so on; the source's own if it is not.
    fn placed(&mut self, id: &Id, source: &Source<'_>, look: &Look<'_>, around: Around<'_>) -> Vec<Op> {
        let (matrix, x, y) = split(look.matrix);
        if let (Source::Bitmap(bitmap, left, top), true, true) = (source, matrix == Affine::IDENTITY, look.is_plain()) {
            return vec![Op::new(bitmap.clone(), x + left, y + top)];
        }
        let what = match source {
            Source::Drawing(drawing, picture) => {
                What::Drawing((*drawing).clone(), picture.as_ref().map(|bitmap| bitmap.id()))
            }
            Source::Bitmap(bitmap, ..) => What::Bitmap(bitmap.id()),
        };
        let bounds = match source {
            Source::Bitmap(bitmap, left, top) => {
                kurbo_rect(Rect::sized(bitmap.width(), bitmap.height()).moved(*left, *top))
            }
            Source::Drawing(..) => whole(look.extent).inflate(look.extent.margin, look.extent.margin),
        };
        let placed = self.drawn(id, what, look, matrix, bounds, around.seen.moved(-x, -y), |pen| match source {
            Source::Drawing(drawing, picture) => draw::draw(pen, drawing, picture.as_ref()),
            Source::Bitmap(bitmap, ..) => pen.picture(bitmap, bounds, 0.0, Fit::Fill),
        });
        placed.into_iter().map(|placed| Op::new(placed.bitmap, x + placed.x, y + placed.y)).collect()
    }

    /// Draws within `bounds` of the layer, unless that was done before. Nothing where there is nothing.
    #[allow(clippy::too_many_arguments, reason = "each is another thing that the bitmap depends on")]
    fn drawn(
        &mut self,
        id: &Id,
        what: What,
        look: &Look<'_>,
        matrix: Affine,
        bounds: kurbo::Rect,
        seen: Rect,
        draw: impl FnOnce(&mut Pen<'_>),
    ) -> Option<Placed> {
        let Extent { width, height, .. } = look.extent;
        let crop = look.crop;
        let inner = kurbo::Rect::new(crop.left, crop.top, width - crop.right, height - crop.bottom);
        let clipped = look.is_clipped();
        let bounds = if clipped { bounds.intersect(inner) } else { bounds };
        if bounds.is_zero_area() || bounds.width() < 0.0 || bounds.height() < 0.0 {
            return None;
        }
        let mut region = outset(matrix.transform_rect_bbox(bounds));
        if region.area() > MAX_LAYER_PIXELS || region.width().max(region.height()) > usize::from(u16::MAX / 2) {
            region = region.intersect(seen);
        }
        if region.is_empty() {
            return None;
        }
        let shadow = look.shadow.map(|shadow| {
            let [a, b, c, d, ..] = matrix.as_coeffs();
            Cast {
                color: shadow.color,
                sigma: (shadow.blur * matrix.determinant().abs().sqrt()).min(300.0),
                x: (a * shadow.x + c * shadow.y).round().clamp(-SHADOW_AWAY, SHADOW_AWAY) as i32,
                y: (b * shadow.x + d * shadow.y).round().clamp(-SHADOW_AWAY, SHADOW_AWAY) as i32,
            }
        });
        // Of what is as large as that, the shadow is not what is looked at.
        let shadow = shadow.filter(|cast| cast.whole(region).area() <= 2 * MAX_LAYER_PIXELS);
        let key = Key {
            matrix: matrix.as_coeffs(),
            region,
            crop,
            corner_radius: look.corner_radius,
            shape: look.shape.cloned(),
            shadow,
            what,
        };
        if let Some(placed) = self.cache.get(id, &key) {
            return Some(placed);
        }
        let path = (clipped && (crop != Crop::default() || look.corner_radius > 0.0))
            .then(|| rounded(inner, look.corner_radius));
        let shape = look.shape.map(draw::outline);
        let onto = Affine::translate((-f64::from(region.x0), -f64::from(region.y0))) * matrix;
        let bitmap = self.studio.draw(region.width() as u16, region.height() as u16, onto, |pen| {
            pen.clipped(path.as_ref(), |pen| pen.clipped(shape.as_ref(), draw));
        });
        let mut placed = Placed { bitmap, x: region.x0, y: region.y0 };
        if let Some(cast) = shadow {
            let (bitmap, left, top) = shadow::cast(self.level, &placed.bitmap, cast);
            placed = Placed { bitmap, x: placed.x + left, y: placed.y + top };
        }
        self.cache.put(id, key, placed.clone());
        Some(placed)
    }

    /// A ticker that is only moved and scaled: its band, and copies of its words, which are drawn once.
    fn ticker(&mut self, item: &Item, drawing: &Drawing, look: &Look<'_>, around: Around<'_>) -> Option<Vec<Op>> {
        let Content::Ticker(ticker) = &*drawing.content else { return None };
        let (matrix, x, y) = split(look.matrix);
        let [across, b, c, down, ..] = matrix.as_coeffs();
        let upright = b == 0.0 && c == 0.0 && across > 0.0 && down > 0.0;
        // Seen through, the words would be brighter on their band than beside it.
        if !upright || !look.is_plain() || item.opacity < 1.0 || item.blend != Blend::Normal {
            return None;
        }
        let seen = around.seen.moved(-x, -y);
        let (box_of_band, band) = (whole(look.extent), What::Band(drawing.content.clone()));
        let band = self.drawn(&item.id, band, look, matrix, box_of_band, seen, |pen| {
            draw::band(pen, ticker);
        })?;
        let band = Op::new(band.bitmap, x + band.x, y + band.y);
        let key = |region: Rect| Key {
            matrix: matrix.as_coeffs(),
            region,
            crop: Crop::default(),
            corner_radius: 0.0,
            shape: None,
            shadow: None,
            what: What::Strip(drawing.content.clone()),
        };
        let known = self.cache.get(&item.id, &key(Rect::default()));
        let strip = match known {
            Some(strip) => strip,
            None => {
                let Some(strip) = Strip::set(ticker, &mut self.studio.fonts) else { return Some(vec![band]) };
                let pixels = strip.length * across * ticker.height * down;
                if strip.length * across > MAX_STRIP || pixels > MAX_LAYER_PIXELS as f64 {
                    return None;
                }
                let width = (strip.length * across).round().max(1.0) as u16;
                let height = (ticker.height * down).ceil() as u16;
                let bitmap = self.studio.draw(width, height, matrix, |pen| strip.draw(pen, ticker, 0.0));
                let placed = Placed { bitmap, x: 0, y: 0 };
                self.cache.put(&item.id, key(Rect::default()), placed.clone());
                placed
            }
        };
        let length = strip.bitmap.width() as f64;
        let start = (drawing.travel * across).rem_euclid(length).round() as i32;
        let mut ops = vec![band];
        let clip = ops[0].clip;
        let mut left = x - start;
        while left < clip.x1 && ops.len() < 64 {
            let op = Op::new(strip.bitmap.clone(), left, y);
            let shown = op.clip.intersect(clip);
            ops.push(Op { clip: shown, ..op });
            left += length as i32;
        }
        Some(ops)
    }

    fn masked(&mut self, id: &Id, own: Vec<Op>, mask: &Item, around: Around<'_>) -> Vec<Op> {
        let whole = own.iter().fold(Rect::default(), |whole, op| whole.union(op.clip)).intersect(around.seen);
        let mut mask_ops = Vec::new();
        self.item(mask, around, &mut mask_ops);
        let whole = mask_ops.iter().fold(Rect::default(), |whole, op| whole.union(op.clip)).intersect(whole);
        if whole.is_empty() {
            return Vec::new();
        }
        let (own, mask) = (moved(own, whole), moved(mask_ops, whole));
        let key = merged_key(What::Masked(own.iter().map(part).collect(), mask.iter().map(part).collect()));
        let placed = self.cache.get(id, &key).unwrap_or_else(|| {
            let (mut pixels, mask) = (self.pixels(&own, whole), self.pixels(&mask, whole));
            span::masked(pixels.data_as_u8_slice_mut(), mask.data_as_u8_slice());
            let placed = Placed { bitmap: Bitmap::new(pixels), x: 0, y: 0 };
            self.cache.put(id, key, placed.clone());
            placed
        });
        vec![Op::new(placed.bitmap, whole.x0, whole.y0)]
    }

    /// Several bitmaps as one: the part of their surface that is `whole`.
    fn merged(&mut self, id: &Id, ops: Vec<Op>, whole: Rect) -> Arc<Bitmap> {
        let ops = moved(ops, whole);
        let mut key = merged_key(What::Ops(ops.iter().map(part).collect()));
        key.region = Rect::sized(whole.width(), whole.height());
        if let Some(placed) = self.cache.get(id, &key) {
            return placed.bitmap;
        }
        let bitmap = Bitmap::new(self.pixels(&ops, whole));
        self.cache.put(id, key, Placed { bitmap: bitmap.clone(), x: 0, y: 0 });
        bitmap
    }

    fn pixels(&self, ops: &[Op], whole: Rect) -> Pixmap {
        let (width, height) = (whole.width(), whole.height());
        let mut pixels = Pixmap::new(width as u16, height as u16);
        let all = Rect::sized(width, height);
        compose(self.level, pixels.data_as_u8_slice_mut(), width, [0; 4], ops, all);
        pixels
    }
}

/// Seen from the corner of `whole`.
fn moved(ops: Vec<Op>, whole: Rect) -> Vec<Op> {
    let (x, y) = (whole.x0, whole.y0);
    let clip = |op: &Op| op.clip.intersect(whole).moved(-x, -y);
    ops.into_iter().map(|op| Op { x: op.x - x, y: op.y - y, clip: clip(&op), ..op }).filter(Op::is_drawn).collect()
}

fn merged_key(what: What) -> Key {
    let matrix = Affine::IDENTITY.as_coeffs();
    Key { matrix, region: Rect::default(), crop: Crop::default(), corner_radius: 0.0, shape: None, shadow: None, what }
}

fn whole(extent: Extent) -> kurbo::Rect {
    kurbo::Rect::new(0.0, 0.0, extent.width, extent.height)
}

fn kurbo_rect(rect: Rect) -> kurbo::Rect {
    kurbo::Rect::new(rect.x0.into(), rect.y0.into(), rect.x1.into(), rect.y1.into())
}
