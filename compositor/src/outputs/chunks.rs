//! RTMP's chunk stream as a client reads it: what servers say to who publishes is short, so that
//! the bounds are tight. A peer that sends anything else is left.

use std::collections::HashMap;

const FIRST_CHUNK_BYTES: usize = 128;
const MAX_CHUNK_BYTES: u32 = 16 * 1024 * 1024;
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
const MAX_STREAMS: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("a chunk size of {0}")]
    ChunkSize(u32),
    #[error("a message of {0} bytes")]
    TooLarge(usize),
    #[error("more than {MAX_STREAMS} chunk streams")]
    TooManyStreams,
    #[error("a chunk that goes on with a message that never began")]
    NothingBefore,
}

#[derive(Default)]
struct Stream {
    extended: bool,
    length: usize,
    kind: u8,
    data: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    pub data: Vec<u8>,
}

pub struct ChunkReader {
    chunk_bytes: usize,
    streams: HashMap<u32, Stream>,
    /// What is not a whole chunk yet: at most a header and a part of a message.
    buffer: Vec<u8>,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self { chunk_bytes: FIRST_CHUNK_BYTES, streams: HashMap::new(), buffer: Vec::new() }
    }
}

impl ChunkReader {
    pub fn set_chunk_size(&mut self, bytes: u32) -> Result<(), ChunkError> {
        match bytes {
            0 | MAX_CHUNK_BYTES.. => Err(ChunkError::ChunkSize(bytes)),
            _ => {
                self.chunk_bytes = bytes as usize;
                Ok(())
            }
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message of what was pushed.
    pub fn next(&mut self) -> Result<Option<Message>, ChunkError> {
        while let Some((stream, used)) = self.chunk()? {
            self.buffer.drain(..used);
            let Some(stream) = self.streams.get_mut(&stream) else { continue };
            if stream.data.len() == stream.length {
                return Ok(Some(Message { kind: stream.kind, data: std::mem::take(&mut stream.data) }));
            }
        }
        Ok(None)
    }

    /// Reads one chunk into its stream; answers which, and how many bytes it took.
    fn chunk(&mut self) -> Result<Option<(u32, usize)>, ChunkError> {
        let buffer = &self.buffer;
        let Some(first) = buffer.first() else { return Ok(None) };
        let (id, mut at) = match (first & 0x3f, buffer.get(1), buffer.get(2)) {
            (0, Some(low), _) => (u32::from(*low) + 64, 2),
            (1, Some(low), Some(high)) => (u32::from(*low) + u32::from(*high) * 256 + 64, 3),
            (0 | 1, ..) => return Ok(None),
            (id, ..) => (u32::from(id), 1),
        };
        let format = first >> 6;
        if !self.streams.contains_key(&id) {
            if format != 0 {
                return Err(ChunkError::NothingBefore);
            }
            if self.streams.len() == MAX_STREAMS {
                return Err(ChunkError::TooManyStreams);
            }
        }
        let Some(fields) = buffer.get(at..at + [11, 7, 3, 0][usize::from(format)]) else { return Ok(None) };
        at += fields.len();
        let stream = self.streams.entry(id).or_default();
        let extended = if format == 3 { stream.extended } else { fields.starts_with(&[0xff; 3]) };
        at += if extended { 4 } else { 0 };
        let (length, kind) = match fields {
            [_, _, _, a, b, c, kind, ..] => (u32::from_be_bytes([0, *a, *b, *c]) as usize, *kind),
            _ => (stream.length, stream.kind),
        };
        if length > MAX_MESSAGE_BYTES {
            return Err(ChunkError::TooLarge(length));
        }
        // A message that is begun anew replaces what there was of the one before.
        let had = if format == 3 { stream.data.len().min(length) } else { 0 };
        let Some(data) = buffer.get(at..at + (length - had).min(self.chunk_bytes)) else { return Ok(None) };
        stream.data.truncate(had);
        stream.data.extend_from_slice(data);
        (stream.extended, stream.length, stream.kind) = (extended, length, kind);
        Ok(Some((id, at + data.len())))
    }
}
