//! Colours as CSS writes them in hexadecimal, and how one becomes another.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// sRGB, not premultiplied: red, green, blue, alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color(pub [u8; 4]);

impl Color {
    pub const BLACK: Self = Self([0, 0, 0, 255]);
    pub const WHITE: Self = Self([255; 4]);
    pub const CLEAR: Self = Self([0; 4]);

    pub const fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self([r, g, b, 255])
    }

    pub const fn with_alpha(self, alpha: u8) -> Self {
        let [r, g, b, _] = self.0;
        Self([r, g, b, alpha])
    }

    /// `self` at 0, `to` at 1; beyond them as far as channels go. Weighted by alpha, as CSS does, so
    /// that what is transparent lends no colour.
    pub fn mix(self, to: Self, p: f64) -> Self {
        let [a, b] = [self, to].map(|color| f64::from(color.0[3]));
        let alpha = (a + (b - a) * p).clamp(0.0, 255.0);
        if alpha == 0.0 {
            return Self::CLEAR;
        }
        let channel = |n: usize| {
            let (from, to) = (f64::from(self.0[n]) * a, f64::from(to.0[n]) * b);
            ((from + (to - from) * p) / alpha).round().clamp(0.0, 255.0) as u8
        };
        Self([channel(0), channel(1), channel(2), alpha.round() as u8])
    }

    /// Channel by channel, up to 255.
    pub fn plus(self, other: Self) -> Self {
        let [r, g, b, a] = self.0;
        let [x, y, z, w] = other.0;
        Self([r.saturating_add(x), g.saturating_add(y), b.saturating_add(z), a.saturating_add(w)])
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || "a colour is #rgb, #rrggbb or #rrggbbaa".to_owned();
        let digits = text.strip_prefix('#').ok_or_else(refused)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| refused());
        match digits.len() {
            3 => {
                let nibble =
                    |at: usize| u8::from_str_radix(&digits[at..=at], 16).map(|n| n * 17).map_err(|_| refused());
                Ok(Self([nibble(0)?, nibble(1)?, nibble(2)?, 255]))
            }
            6 => Ok(Self([byte(0)?, byte(2)?, byte(4)?, 255])),
            8 => Ok(Self([byte(0)?, byte(2)?, byte(4)?, byte(6)?])),
            _ => Err(refused()),
        }
    }
}

impl From<Color> for String {
    fn from(Color([r, g, b, a]): Color) -> Self {
        match a {
            255 => format!("#{r:02x}{g:02x}{b:02x}"),
            _ => format!("#{r:02x}{g:02x}{b:02x}{a:02x}"),
        }
    }
}

impl JsonSchema for Color {
    fn schema_name() -> Cow<'static, str> {
        "Color".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$" })
    }
}
