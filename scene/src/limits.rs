//! What a scene may hold. Every list and text in a document has one of these bounds.

use crate::error::{Code, Error};

/// Bounds that an operator may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub layers: usize,
    /// Of groups within groups; a layer at the top has depth 1.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { layers: 50, depth: 8 }
    }
}

/// Of Unix time: about the year 5000.
const MAX_TIME_US: u64 = 100_000_000_000_000_000;
pub const MAX_ID_CHARS: usize = 64;
pub const MAX_TEXT_CHARS: usize = 2_000;
pub const MAX_LABEL_CHARS: usize = 200;
/// Of a path in SVG's words,
pub const MAX_PATH_CHARS: usize = 20_000;
/// and the corners of the line that it is flattened to.
pub const MAX_PATH_POINTS: usize = 20_000;
pub const MAX_POINTS: usize = 2_000;
pub const MAX_KEYFRAMES: usize = 200;
pub const MAX_TRACKS: usize = 32;
/// Effects in one animation, groups counted.
pub const MAX_EFFECTS: usize = 100;
pub const MAX_ANIMATIONS: usize = 200;
pub const MAX_CHANGES: usize = 200;
pub const MAX_WAITING: usize = 200;
/// Transitions of one layer that run or wait for each other.
pub const MAX_TRANSITIONS: usize = 8;
pub const MAX_LINES: usize = 100;
pub const MAX_STOPS: usize = 16;
/// Before a name in a chat.
pub const MAX_BADGES: usize = 8;
/// An hour, in milliseconds: of one pass of an animation.
pub const MAX_DURATION_MS: f64 = 3_600_000.0;
/// Edges of the canvas, in pixels.
pub const MAX_EDGE: u32 = 4_096;
/// Bytes of QR code at which it still has a version.
pub const MAX_QR_BYTES: usize = 1_000;

/// Finds the first fault of a layer or an animation.
#[derive(Debug, Default)]
pub(crate) struct Check {
    fault: Option<Error>,
}

impl Check {
    pub fn fault(&mut self, code: Code, field: &str, message: impl Into<String>) {
        if self.fault.is_none() {
            self.fault = Some(Error::new(code, field, message));
        }
    }

    pub fn text(&mut self, field: &str, text: &str, max_chars: usize) {
        if text.chars().count() > max_chars {
            self.fault(Code::TooLong, field, format!("is longer than {max_chars} characters"));
        }
    }

    pub fn count(&mut self, field: &str, count: usize, max: usize) {
        if count > max {
            self.fault(Code::TooMany, field, format!("has {count} entries; {max} are taken"));
        }
    }

    pub fn number(&mut self, field: &str, value: f64, (min, max): (f64, f64)) {
        if !(min..=max).contains(&value) {
            self.fault(Code::OutOfRange, field, format!("must be between {min} and {max}"));
        }
    }

    /// Scene time: as far from now as a calendar goes, so that sums of times never leave the integer.
    pub fn time(&mut self, field: &str, us: i64) {
        if us.unsigned_abs() > MAX_TIME_US {
            self.fault(Code::OutOfRange, field, "is beyond all calendars");
        }
    }

    pub fn done(self) -> Result<(), Error> {
        self.fault.map_or(Ok(()), Err)
    }
}
