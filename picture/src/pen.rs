//! Drawing into bitmaps: a thin layer over `vello_cpu`, in the layer's own pixels.

use crate::bitmap::Bitmap;
use crate::fonts::{Fonts, Words};
use rivulet_scene::kurbo::{Affine, BezPath, Cap, Join, Point, Rect, RoundedRect, Shape as _, Stroke};
use rivulet_scene::{Color, Fit, GradientForm, Paint};
use std::sync::Arc;
use vello_cpu::peniko::{
    ColorStop, ColorStops, Extend, Gradient, ImageQuality, ImageSampler, LinearGradientPosition, RadialGradientPosition,
};
use vello_cpu::{Glyph, Image, ImageSource, Level, Pixmap, RenderContext, RenderSettings, Resources};

const TOLERANCE: f64 = 0.1;

/// What drawing needs from one time to the next.
pub struct Studio {
    pub fonts: Fonts,
    context: RenderContext,
    resources: Resources,
}

impl Studio {
    pub fn new(fonts: Fonts) -> Self {
        let settings = RenderSettings { level: Level::new(), num_threads: 0 };
        Self { fonts, context: RenderContext::new_with(1, 1, settings), resources: Resources::new() }
    }

    /// A bitmap of `width` by `height`, drawn by `draw`; `matrix` leads from the drawing's pixels to its.
    pub fn draw(&mut self, width: u16, height: u16, matrix: Affine, draw: impl FnOnce(&mut Pen<'_>)) -> Arc<Bitmap> {
        self.context.reset_and_resize(width, height);
        self.context.set_transform(matrix);
        let mut pen =
            Pen { context: &mut self.context, resources: &mut self.resources, fonts: &mut self.fonts, matrix };
        draw(&mut pen);
        self.context.flush();
        let mut pixels = Pixmap::new(width, height);
        self.context.render(&mut pixels, &mut self.resources);
        Bitmap::new(pixels)
    }
}

pub struct Pen<'a> {
    context: &'a mut RenderContext,
    resources: &'a mut Resources,
    pub fonts: &'a mut Fonts,
    matrix: Affine,
}

fn solid(color: Color) -> vello_cpu::color::AlphaColor<vello_cpu::color::Srgb> {
    let [r, g, b, a] = color.0;
    vello_cpu::color::AlphaColor::from_rgba8(r, g, b, a)
}

fn stops(own: impl Iterator<Item = (f64, Color)>) -> ColorStops {
    let stops: Vec<ColorStop> = own.map(|(offset, color)| ColorStop::from((offset as f32, solid(color)))).collect();
    ColorStops::from(stops.as_slice())
}

impl Pen<'_> {
    pub fn fill(&mut self, path: &BezPath, color: Color) {
        self.context.set_paint(solid(color));
        self.context.fill_path(path);
    }

    pub fn rect(&mut self, rect: Rect, radius: f64, color: Color) {
        self.fill(&rounded(rect, radius), color);
    }

    pub fn stroke(&mut self, path: &BezPath, width: f64, color: Color) {
        self.context.set_paint(solid(color));
        self.context.set_stroke(Stroke::new(width).with_join(Join::Round).with_caps(Cap::Round));
        self.context.stroke_path(path);
    }

    /// From `top` to `bottom` of the path.
    pub fn fade(&mut self, path: &BezPath, top: Color, bottom: Color) {
        let bounds = path.bounding_box();
        let position = LinearGradientPosition {
            start: Point::new(0.0, bounds.y0),
            end: Point::new(0.0, bounds.y1.max(bounds.y0 + 1.0)),
        };
        let stops = stops([(0.0, top), (1.0, bottom)].into_iter());
        self.context.set_paint(Gradient { kind: position.into(), stops, extend: Extend::Pad, ..Gradient::default() });
        self.context.fill_path(path);
    }

    /// Fills a path that lies in a box.
    pub fn paint(&mut self, path: &BezPath, bounds: Rect, paint: &Paint) {
        let gradient = match paint {
            Paint::Solid(color) => return self.fill(path, *color),
            Paint::Gradient(gradient) => gradient,
        };
        let (middle, half) = (bounds.center(), bounds.size().to_vec2() / 2.0);
        let kind = match gradient.form {
            GradientForm::Linear => {
                let (sin, cos) = gradient.angle.to_radians().sin_cos();
                // As far as the corners reach in that direction, as in CSS.
                let way = (half.x * cos).abs() + (half.y * sin).abs();
                let to = rivulet_scene::kurbo::Vec2::new(cos, sin) * way;
                LinearGradientPosition { start: middle - to, end: middle + to }.into()
            }
            GradientForm::Radial => RadialGradientPosition {
                start_center: middle,
                start_radius: 0.0,
                end_center: middle,
                end_radius: half.hypot() as f32,
            }
            .into(),
        };
        let stops = stops(gradient.stops.iter().map(|stop| (stop.offset, stop.color)));
        match stops.len() {
            0 => {}
            1 => self.fill(path, gradient.stops[0].color),
            _ => {
                self.context.set_paint(Gradient { kind, stops, extend: Extend::Pad, ..Gradient::default() });
                self.context.fill_path(path);
            }
        }
    }

    /// A picture in a box, in which it may leave room or be cut off.
    pub fn picture(&mut self, bitmap: &Arc<Bitmap>, within: Rect, radius: f64, fit: Fit) {
        let (width, height) = (bitmap.width() as f64, bitmap.height() as f64);
        let (across, down) = (within.width() / width, within.height() / height);
        let (across, down) = match fit {
            Fit::Fill => (across, down),
            Fit::Contain => (across.min(down), across.min(down)),
            Fit::Cover => (across.max(down), across.max(down)),
        };
        let place = Rect::from_center_size(within.center(), (width * across, height * down));
        // As small a copy as still has a pixel for each that is drawn.
        let (mut source, size) = (bitmap, self.matrix.determinant().abs().sqrt() * across.max(down));
        let mut least = size;
        while least <= 0.5 && source.width().min(source.height()) > 1 {
            source = source.half();
            least *= 2.0;
        }
        let sampler =
            ImageSampler { x_extend: Extend::Pad, y_extend: Extend::Pad, quality: ImageQuality::Medium, alpha: 1.0 };
        self.context.set_paint(Image { image: ImageSource::Pixmap(source.pixels().clone()), sampler });
        let scale = (place.width() / source.width() as f64, place.height() / source.height() as f64);
        self.context.set_paint_transform(
            Affine::translate(place.origin().to_vec2()) * Affine::scale_non_uniform(scale.0, scale.1),
        );
        self.context.fill_path(&rounded(within.intersect(place), radius));
        self.context.reset_paint_transform();
    }

    /// With its upper left corner at a point; what has no colour of its own gets `color`.
    pub fn words(&mut self, words: &Words, at: Point, color: Color, outline: Option<(Color, f64)>) {
        let transform = self.matrix * Affine::translate(at.to_vec2());
        self.context.set_transform(transform);
        for stroked in [true, false] {
            let Some((edge, width)) = outline.or(Some((color, 0.0))).filter(|_| !stroked || outline.is_some()) else {
                continue;
            };
            if stroked {
                self.context.set_stroke(Stroke::new(width * 2.0).with_join(Join::Round));
            }
            for line in words.lines() {
                for item in line.items() {
                    let parley::layout::PositionedLayoutItem::GlyphRun(run) = item else { continue };
                    let ink = if stroked { edge } else { run.style().brush.0.unwrap_or(color) };
                    self.context.set_paint(solid(ink));
                    let own = run.run();
                    let mut builder = self
                        .context
                        .glyph_run(self.resources, own.font())
                        .font_size(own.font_size())
                        .hint(false)
                        .normalized_coords(bytemuck::cast_slice(own.normalized_coords()));
                    if let Some(skew) = own.synthesis().skew() {
                        builder = builder.glyph_transform(Affine::skew(f64::from(skew).to_radians().tan(), 0.0));
                    }
                    let glyphs = run.positioned_glyphs().map(|glyph| Glyph { id: glyph.id, x: glyph.x, y: glyph.y });
                    // A glyph that the font cannot draw leaves a gap.
                    let _ = if stroked { builder.stroke_glyphs(glyphs) } else { builder.fill_glyphs(glyphs) };
                }
            }
        }
        self.context.set_transform(self.matrix);
    }

    /// What `draw` draws, within a path.
    pub fn clipped(&mut self, path: Option<&BezPath>, draw: impl FnOnce(&mut Self)) {
        let Some(path) = path else { return draw(self) };
        self.context.push_clip_layer(path);
        draw(self);
        self.context.pop_layer();
    }
}

pub fn rounded(rect: Rect, radius: f64) -> BezPath {
    if radius <= 0.0 {
        return rect.to_path(TOLERANCE);
    }
    RoundedRect::from_rect(rect, radius.min(rect.width() / 2.0).min(rect.height() / 2.0)).to_path(TOLERANCE)
}
