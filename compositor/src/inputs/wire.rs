//! What is said on the pipes between the compositor and the worker of an input: a request, as a
//! line; then messages, each a length and JSON, with the pixels or samples behind it.

use serde::{Deserialize, Serialize};

pub const MAX_MESSAGE_BYTES: usize = 1_024;
/// Frames of a message of sound.
pub const MAX_FRAMES: u32 = 48_000;
pub const MAX_EDGE: u16 = 4_096;

/// What a worker is to play. Addresses may hold passwords: they are not among its arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    pub url: String,
    /// A file of this machine, and not an address.
    pub file: bool,
    /// From the start again, when it has one and an end.
    pub looped: bool,
    /// Pictures are made to fit.
    pub width: u16,
    pub height: u16,
    /// No more pictures than so many microseconds apart are of use.
    pub interval: i64,
    /// Addresses that are not on the public internet are fine.
    pub allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Message {
    /// It is open. `endless` has no length: when it ends, something has gone wrong.
    Opened { picture: bool, sound: bool, endless: bool },
    /// Followed by I420.
    Picture { pts: i64, width: u16, height: u16 },
    /// Followed by left and right in turn, each an f32 in little endian.
    Sound { pts: i64, frames: u32 },
    /// It has played to its end.
    Ended,
    /// It cannot be played; `refused`: nor will it be, however often it is tried.
    Failed { reason: String, refused: bool },
}

impl Message {
    /// Bytes that follow, if that many may.
    pub fn payload(&self) -> Option<usize> {
        match self {
            Self::Picture { width, height, .. } => {
                let even = |edge: u16| (2..=MAX_EDGE).contains(&edge) && edge.is_multiple_of(2);
                (even(*width) && even(*height)).then(|| usize::from(*width) * usize::from(*height) * 3 / 2)
            }
            Self::Sound { frames, .. } => (*frames <= MAX_FRAMES).then_some(*frames as usize * 8),
            _ => Some(0),
        }
    }
}
