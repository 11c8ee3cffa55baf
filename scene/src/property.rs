//! What of a layer can be animated: every number and colour, by the name of its path. The same table
//! holds the bounds that documents are checked against.

use crate::color::Color;
use crate::limits::Check;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Least and greatest value.
pub(crate) type Range = (f64, f64);

pub(crate) const UNIT: Range = (0.0, 1.0);
/// Positions, in pixels.
pub(crate) const PLACE: Range = (-100_000.0, 100_000.0);
/// Sizes, in pixels.
pub(crate) const SIZE: Range = (1.0, 4_096.0);
/// Widths of lines, distances and radii, in pixels.
pub(crate) const LENGTH: Range = (0.0, 1_000.0);
pub(crate) const SCALE: Range = (-100.0, 100.0);
/// Angles, in degrees: a hundred turns either way.
pub(crate) const ANGLE: Range = (-36_000.0, 36_000.0);

#[derive(Debug)]
pub(crate) enum Property<'a> {
    Number(&'a mut f64, Range),
    Color(&'a mut Color),
}

/// Is called with each property's path.
pub(crate) type Visit<'v> = dyn FnMut(&'static str, Property<'_>) + 'v;

/// A value that a property can have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number or a colour")]
pub enum Value {
    Number(f64),
    Color(Color),
}

impl Value {
    /// `self` at 0, `to` at 1. Values of two kinds do not mix: the first stays.
    pub fn mix(self, to: Self, p: f64) -> Self {
        match (self, to) {
            (Self::Number(a), Self::Number(b)) => Self::Number(a + (b - a) * p),
            (Self::Color(a), Self::Color(b)) => Self::Color(a.mix(b, p)),
            _ => self,
        }
    }

    pub fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Self::Number(a + b),
            (Self::Color(a), Self::Color(b)) => Self::Color(a.plus(b)),
            _ => self,
        }
    }

    pub fn is_like(self, other: Self) -> bool {
        matches!((self, other), (Self::Number(_), Self::Number(_)) | (Self::Color(_), Self::Color(_)))
    }
}

/// Its kind, in words.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number(_) => "a number",
            Self::Color(_) => "a colour",
        })
    }
}

impl Property<'_> {
    pub fn get(&self) -> Value {
        match self {
            Self::Number(value, _) => Value::Number(**value),
            Self::Color(value) => Value::Color(**value),
        }
    }

    /// Takes on `value`, as far as the property's bounds go.
    pub fn set(self, value: Value) {
        match (self, value) {
            (Self::Number(own, (min, max)), Value::Number(value)) if !value.is_nan() => *own = value.clamp(min, max),
            (Self::Color(own), Value::Color(value)) => *own = value,
            _ => {}
        }
    }

    pub fn check(self, path: &str, check: &mut Check) {
        if let Self::Number(value, range) = self {
            check.number(&format!("/{}", path.replace('.', "/")), *value, range);
        }
    }
}
