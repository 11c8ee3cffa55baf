//! What several kinds of layer are drawn with.

use crate::color::Color;
use crate::limits::{Check, MAX_LABEL_CHARS, MAX_STOPS};
use crate::property::{ANGLE, LENGTH, Property, Range, UNIT, Visit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const FONT_SIZE: Range = (4.0, 1_000.0);
const WEIGHT: Range = (100.0, 900.0);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Font {
    /// The name of a family, or `sans-serif`, `serif`, `monospace`.
    pub family: String,
    /// In pixels of the canvas.
    pub size: f64,
    /// From 100 to 900; 400 is regular, 700 is bold.
    pub weight: f64,
    pub italic: bool,
}

impl Default for Font {
    fn default() -> Self {
        Self { family: "sans-serif".to_owned(), size: 48.0, weight: 400.0, italic: false }
    }
}

impl Font {
    pub(crate) fn sized(size: f64) -> Self {
        Self { size, ..Self::default() }
    }

    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("font.size", Property::Number(&mut self.size, FONT_SIZE));
        visit("font.weight", Property::Number(&mut self.weight, WEIGHT));
    }

    pub(crate) fn check(&self, check: &mut Check) {
        check.text("/font/family", &self.family, MAX_LABEL_CHARS);
    }
}

/// Drawn behind the letters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    pub color: Color,
    /// In pixels, on the outside.
    pub width: f64,
}

impl Outline {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("outline.color", Property::Color(&mut self.color));
        visit("outline.width", Property::Number(&mut self.width, LENGTH));
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stroke {
    pub color: Color,
    /// In pixels, half of it on either side of the edge.
    pub width: f64,
}

impl Stroke {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        visit("stroke.color", Property::Color(&mut self.color));
        visit("stroke.width", Property::Number(&mut self.width, LENGTH));
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a colour such as \"#1a2b3c\", or a gradient")]
pub enum Paint {
    Solid(Color),
    Gradient(Gradient),
}

impl Paint {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        match self {
            Self::Solid(color) => visit("fill", Property::Color(color)),
            Self::Gradient(gradient) => visit("fill.angle", Property::Number(&mut gradient.angle, ANGLE)),
        }
    }

    pub(crate) fn check(&self, check: &mut Check) {
        if let Self::Gradient(gradient) = self {
            check.count("/fill/stops", gradient.stops.len(), MAX_STOPS);
            for (n, stop) in gradient.stops.iter().enumerate() {
                check.number(&format!("/fill/stops/{n}/offset"), stop.offset, UNIT);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gradient {
    #[serde(rename = "type", default)]
    pub form: GradientForm,
    /// Where a linear one goes, in degrees: 0 to the right, 90 down.
    #[serde(default)]
    pub angle: f64,
    pub stops: Vec<Stop>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GradientForm {
    #[default]
    Linear,
    /// From the middle to the corners.
    Radial,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// From 0 to 1.
    pub offset: f64,
    pub color: Color,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Left, or right where the text runs from right to left.
    #[default]
    Start,
    Center,
    End,
    Left,
    Right,
}

/// How a picture fills a box of another form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// All of it, with room left over.
    #[default]
    Contain,
    /// All of the box, with parts cut off.
    Cover,
    /// Both, out of shape.
    Fill,
}
