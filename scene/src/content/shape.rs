use super::style::{Paint, Stroke};
use crate::limits::Check;
use crate::path::PathData;
use crate::property::{LENGTH, Property, SIZE, Visit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    pub geometry: Geometry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<Paint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stroke: Option<Stroke>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Geometry {
    Rect {
        width: f64,
        height: f64,
        #[serde(default)]
        radius: f64,
    },
    Ellipse {
        width: f64,
        height: f64,
    },
    /// In pixels of the layer, whose box is from 0, 0 to `width`, `height`.
    Path {
        d: PathData,
        width: f64,
        height: f64,
    },
}

impl Geometry {
    /// Width and height, in pixels.
    pub fn size(&self) -> (f64, f64) {
        match self {
            Self::Rect { width, height, .. } | Self::Ellipse { width, height } | Self::Path { width, height, .. } => {
                (*width, *height)
            }
        }
    }

    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        if let Self::Rect { radius, .. } = self {
            visit("geometry.radius", Property::Number(radius, LENGTH));
        }
        match self {
            Self::Rect { width, height, .. } | Self::Ellipse { width, height } | Self::Path { width, height, .. } => {
                visit("geometry.width", Property::Number(width, SIZE));
                visit("geometry.height", Property::Number(height, SIZE));
            }
        }
    }
}

impl Shape {
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) {
        self.geometry.visit(visit);
        if let Some(fill) = &mut self.fill {
            fill.visit(visit);
        }
        if let Some(stroke) = &mut self.stroke {
            stroke.visit(visit);
        }
    }

    pub(crate) fn check(&self, check: &mut Check) {
        if let Some(fill) = &self.fill {
            fill.check(check);
        }
    }
}
