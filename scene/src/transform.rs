//! Where a layer is: OBS's words for it, and what they come to as a matrix.

use crate::property::{ANGLE, PLACE, Property, SCALE, SIZE, UNIT, Visit};
use kurbo::{Affine, Vec2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transform {
    /// Of the anchor, in pixels of what the layer is in.
    pub x: f64,
    pub y: f64,
    pub scale_x: f64,
    pub scale_y: f64,
    /// Round the anchor, in degrees, clockwise.
    pub rotation: f64,
    pub anchor: Anchor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
}

/// A point of the layer, as parts of its box: 0, 0 is its upper left, 1, 1 its lower right corner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Anchor {
    pub x: f64,
    pub y: f64,
}

/// A box that the layer is fitted into, instead of having its own size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    #[serde(rename = "type")]
    pub form: BoundsType,
    pub width: f64,
    pub height: f64,
    /// Where the layer is in a box that it does not fill, as parts of the room that is left.
    #[serde(default = "middle")]
    pub align: Anchor,
}

fn middle() -> Anchor {
    Anchor { x: 0.5, y: 0.5 }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundsType {
    /// As wide and high as the box, out of shape.
    Stretch,
    /// As large as fits within.
    ScaleInner,
    /// As small as covers it.
    ScaleOuter,
    ScaleToWidth,
    ScaleToHeight,
    /// In its own size, or as large as fits within if that is smaller.
    MaxOnly,
}

impl Default for Transform {
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, scale_x: 1.0, scale_y: 1.0, rotation: 0.0, anchor: Anchor::default(), bounds: None }
    }
}

impl Transform {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("transform.x", Property::Number(&mut self.x, PLACE));
        visit("transform.y", Property::Number(&mut self.y, PLACE));
        visit("transform.scale_x", Property::Number(&mut self.scale_x, SCALE));
        visit("transform.scale_y", Property::Number(&mut self.scale_y, SCALE));
        visit("transform.rotation", Property::Number(&mut self.rotation, ANGLE));
        visit("transform.anchor.x", Property::Number(&mut self.anchor.x, SCALE));
        visit("transform.anchor.y", Property::Number(&mut self.anchor.y, SCALE));
        if let Some(bounds) = &mut self.bounds {
            visit("transform.bounds.width", Property::Number(&mut bounds.width, SIZE));
            visit("transform.bounds.height", Property::Number(&mut bounds.height, SIZE));
            visit("transform.bounds.align.x", Property::Number(&mut bounds.align.x, UNIT));
            visit("transform.bounds.align.y", Property::Number(&mut bounds.align.y, UNIT));
        }
    }

    /// From pixels of a layer that is `width` by `height` of itself, to pixels of what it is in.
    pub fn matrix(&self, width: f64, height: f64) -> Affine {
        let (width, height) = (width.max(1.0), height.max(1.0));
        let (across, down) = self.bounds.map_or((1.0, 1.0), |bounds| bounds.scale(width, height));
        let (outer_width, outer_height) = self.bounds.map_or((width, height), |bounds| (bounds.width, bounds.height));
        let align = self.bounds.map_or(Anchor::default(), |bounds| bounds.align);
        let room = Vec2::new((outer_width - width * across) * align.x, (outer_height - height * down) * align.y);
        let anchor = Vec2::new(outer_width * self.anchor.x, outer_height * self.anchor.y);
        Affine::translate((self.x, self.y))
            * Affine::rotate(self.rotation.to_radians())
            * Affine::scale_non_uniform(self.scale_x, self.scale_y)
            * Affine::translate(room - anchor)
            * Affine::scale_non_uniform(across, down)
    }
}

impl Bounds {
    fn scale(&self, width: f64, height: f64) -> (f64, f64) {
        let (across, down) = (self.width / width, self.height / height);
        let even = |scale: f64| (scale, scale);
        match self.form {
            BoundsType::Stretch => (across, down),
            BoundsType::ScaleInner => even(across.min(down)),
            BoundsType::ScaleOuter => even(across.max(down)),
            BoundsType::ScaleToWidth => even(across),
            BoundsType::ScaleToHeight => even(down),
            BoundsType::MaxOnly => even(across.min(down).min(1.0)),
        }
    }
}
