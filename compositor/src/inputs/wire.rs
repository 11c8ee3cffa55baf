//! What is said between the compositor and the two processes of an input: a task, as a line; then
//! messages, each a length and JSON, with bytes of media behind it. The one that decodes tells the
//! compositor what it has ([`Message`]), and asks the one that fetches ([`Ask`], [`Answer`]).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

pub const MAX_MESSAGE_BYTES: usize = 1_024;
/// With an address in it.
pub const MAX_ASK_BYTES: usize = 16 * 1_024;
/// Of an answer.
pub const MAX_BYTES: usize = 32 * 1_024;
/// Frames of a message of sound.
pub const MAX_FRAMES: u32 = 48_000;
pub const MAX_EDGE: u16 = 4_096;

/// What a worker is for. Addresses may hold passwords: they are not among its arguments.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Decode(Request),
    Fetch(Way),
}

/// How a worker fetches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Way {
    /// Addresses that are not on the public internet are fine.
    pub allow_private: bool,
    /// Whom to trust over TLS: a PEM file.
    pub authorities: PathBuf,
}

/// What a worker is to play.
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

/// What the one that decodes wants of the one that fetches.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Open {
        url: String,
        options: Vec<(String, String)>,
    },
    /// Bytes from this place on, as many as there are, but no more than [`MAX_BYTES`].
    Read {
        id: u32,
        at: u64,
    },
    /// Not answered.
    Close {
        id: u32,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Opened(Opened),
    /// Followed by so many; none at the end.
    Bytes(u32),
    /// `code` is libav's.
    Failed {
        code: i32,
        reason: String,
        refused: bool,
    },
}

/// An address that is open.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Opened {
    pub id: u32,
    /// It can be read from any place.
    pub seekable: bool,
    pub size: Option<u64>,
    /// Where redirects have led to.
    pub location: Option<String>,
    pub mime_type: Option<String>,
}

pub fn write(to: &mut impl Write, message: &impl Serialize, payload: &[u8]) -> io::Result<()> {
    let message = serde_json::to_vec(message)?;
    let mut frame = Vec::with_capacity(4 + message.len() + payload.len());
    frame.extend_from_slice(&(message.len() as u32).to_le_bytes());
    frame.extend_from_slice(&message);
    frame.extend_from_slice(payload);
    to.write_all(&frame)?;
    to.flush()
}

/// Without what follows it; `None` at the end.
pub fn read<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<M>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_ASK_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(Some(serde_json::from_slice(&message)?))
}
