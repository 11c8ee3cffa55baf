//! Pictures of a scene. There is the main one, and others for those who need other layers, another size or
//! another shape.

use crate::id::Id;
use kurbo::Affine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the picture that everybody gets who needs no other.
pub const MAIN: &str = "main";

/// A rectangle of whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Area {
    #[serde(default)]
    pub x: u32,
    #[serde(default)]
    pub y: u32,
    #[schemars(range(min = 2))]
    pub width: u32,
    #[schemars(range(min = 2))]
    pub height: u32,
}

impl Area {
    pub fn sized(width: u32, height: u32) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    pub fn is_within(self, width: u32, height: u32) -> bool {
        let fits =
            |from: u32, length: u32, edge: u32| length > 0 && from.checked_add(length).is_some_and(|end| end <= edge);
        fits(self.x, self.width, width) && fits(self.y, self.height, height)
    }
}

/// Which layers, which part of the canvas, and how large.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    /// Layers can leave a view out, or be for some views only.
    pub name: Id,
    /// Of the canvas: all that is seen.
    pub area: Area,
    /// Of the picture, in pixels.
    pub width: u32,
    pub height: u32,
}

impl View {
    /// Where the area is on the picture: as large as its shape allows, in the middle, and at even pixels, so that
    /// no pixel of chroma is half of it. And the way there from the canvas.
    pub(crate) fn fit(&self) -> (Area, Affine) {
        let Area { x, y, width, height } = self.area;
        let of = |length: u32, own: u32| f64::from(own) / f64::from(length.max(1));
        let scale = of(width, self.width).min(of(height, self.height));
        let edge = |length: u32, own: u32| {
            let even = (f64::from(length) * scale / 2.0).round() as u32 * 2;
            let length = if even.abs_diff(own) < 2 { own } else { even.clamp(own.min(2), own) };
            ((own - length) / 4 * 2, length)
        };
        let ((left, across), (top, down)) = (edge(width, self.width), edge(height, self.height));
        let onto = Affine::translate((f64::from(left), f64::from(top)))
            * Affine::scale_non_uniform(of(width, across), of(height, down))
            * Affine::translate((-f64::from(x), -f64::from(y)));
        (Area { x: left, y: top, width: across, height: down }, onto)
    }
}
