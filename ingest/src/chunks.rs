//! RTMP's chunk stream (specification 1.0, 5.3) as a reader: bytes in, messages out. Messages of
//! different chunk streams may be interleaved; the parts of each wait here, within bounds.

use bytes::{Bytes, BytesMut};
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;
use std::collections::HashMap;

/// Until the peer sets another.
const FIRST_CHUNK_BYTES: usize = 128;
const MAX_CHUNK_BYTES: u32 = 16 * 1024 * 1024;
const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;
/// Of all messages that are not whole yet.
const MAX_UNFINISHED_BYTES: usize = 16 * 1024 * 1024;
/// Encoders use fewer than ten.
const MAX_STREAMS: usize = 64;
/// What is reserved before any of a message has come.
const MAX_RESERVED_BYTES: usize = 16 * 1024;
/// Three bytes of basic header, eleven of message header, four of extended timestamp.
const MAX_HEADER_BYTES: usize = 18;
/// In place of a timestamp: the real one follows the header.
const EXTENDED: u32 = 0xff_ffff;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("a chunk size of {0}")]
    ChunkSize(u32),
    #[error("a message of {0} bytes")]
    MessageTooLarge(usize),
    #[error("more than {MAX_UNFINISHED_BYTES} bytes of unfinished messages")]
    TooMuchUnfinished,
    #[error("more than {MAX_STREAMS} chunk streams")]
    TooManyStreams,
    #[error("a chunk that goes on with a message that never began")]
    NothingBefore,
    #[error("a message of another length within a message")]
    LengthChanged,
}

/// The newest header of a chunk stream and what has come of its message.
#[derive(Default)]
struct Stream {
    timestamp: u32,
    /// Added by a header that repeats the one before.
    delta: u32,
    extended: bool,
    length: usize,
    type_id: u8,
    message_stream_id: u32,
    /// Within a message, until its last byte has come.
    data: Option<BytesMut>,
}

/// A chunk whose header was read.
struct Chunk {
    stream: u32,
    left: usize,
}

pub struct ChunkReader {
    chunk_bytes: usize,
    streams: HashMap<u32, Stream>,
    unfinished: usize,
    /// The next chunk's header, as far as it has come.
    header: Vec<u8>,
    chunk: Option<Chunk>,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self {
            chunk_bytes: FIRST_CHUNK_BYTES,
            streams: HashMap::new(),
            unfinished: 0,
            header: Vec::with_capacity(MAX_HEADER_BYTES),
            chunk: None,
        }
    }
}

impl ChunkReader {
    /// Of every chunk that comes after the message that said so.
    pub fn set_chunk_size(&mut self, bytes: u32) -> Result<(), ChunkError> {
        if bytes == 0 || bytes > MAX_CHUNK_BYTES {
            return Err(ChunkError::ChunkSize(bytes));
        }
        self.chunk_bytes = bytes as usize;
        Ok(())
    }

    /// The peer does not go on with the message that it began on this chunk stream.
    pub fn abort(&mut self, stream: u32) {
        if let Some(data) = self.streams.get_mut(&stream).and_then(|stream| stream.data.take()) {
            self.unfinished -= data.len();
        }
    }

    /// Takes bytes from the front of `input` up to the end of a message; `None`: it took them all.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<MessagePayload>, ChunkError> {
        loop {
            let chunk = match self.chunk.take() {
                Some(chunk) => chunk,
                None => match self.begin(input)? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            if let Some(message) = self.fill(chunk, input) {
                return Ok(Some(message));
            }
            if self.chunk.is_some() {
                return Ok(None);
            }
        }
    }

    /// The next chunk, once its header is there.
    fn begin(&mut self, input: &mut &[u8]) -> Result<Option<Chunk>, ChunkError> {
        loop {
            let missing = self.header_bytes() - self.header.len();
            if missing == 0 {
                let chunk = self.open();
                self.header.clear();
                return chunk.map(Some);
            }
            let (taken, rest) = input.split_at(missing.min(input.len()));
            self.header.extend_from_slice(taken);
            *input = rest;
            if taken.len() < missing {
                return Ok(None);
            }
        }
    }

    /// The header's length, as far as what has come of it tells.
    fn header_bytes(&self) -> usize {
        let basic = match self.header.first().map(|byte| byte & 0x3f) {
            None => return 1,
            Some(0) => 2,
            Some(1) => 3,
            Some(_) => 1,
        };
        if self.header.len() < basic {
            return basic;
        }
        let whole = basic + [11, 7, 3, 0][usize::from(self.header[0] >> 6)];
        if self.header.len() < whole {
            return whole;
        }
        let extended = match &self.header[basic..whole] {
            [] => self.streams.get(&self.stream_id()).is_some_and(|stream| stream.extended),
            fields => fields.starts_with(&[0xff; 3]),
        };
        if extended { whole + 4 } else { whole }
    }

    fn stream_id(&self) -> u32 {
        match self.header[..] {
            [first, low, ..] if first & 0x3f == 0 => u32::from(low) + 64,
            [first, low, high, ..] if first & 0x3f == 1 => u32::from(low) + u32::from(high) * 256 + 64,
            [first, ..] => u32::from(first & 0x3f),
            [] => 0,
        }
    }

    /// Reads a whole header.
    fn open(&mut self) -> Result<Chunk, ChunkError> {
        let id = self.stream_id();
        let format = self.header[0] >> 6;
        let basic = match self.header[0] & 0x3f {
            0 => 2,
            1 => 3,
            _ => 1,
        };
        let fields = &self.header[basic..];
        if !self.streams.contains_key(&id) {
            if format != 0 {
                return Err(ChunkError::NothingBefore);
            }
            if self.streams.len() == MAX_STREAMS {
                return Err(ChunkError::TooManyStreams);
            }
        }
        let stream = self.streams.entry(id).or_default();
        let extended = |at: usize| fields.get(at..at + 4).map_or(0, big_endian);
        let time = match format {
            3 if stream.extended => extended(0),
            3 => stream.delta,
            _ => {
                let time = big_endian(&fields[..3]);
                stream.extended = time == EXTENDED;
                if stream.extended { extended([11, 7, 3][usize::from(format)]) } else { time }
            }
        };
        let length = if format < 2 { big_endian(&fields[3..6]) as usize } else { stream.length };
        if length > MAX_MESSAGE_BYTES {
            return Err(ChunkError::MessageTooLarge(length));
        }
        if stream.data.is_some() && length != stream.length {
            return Err(ChunkError::LengthChanged);
        }
        if format < 2 {
            stream.length = length;
            stream.type_id = fields[6];
        }
        if format == 0 {
            stream.message_stream_id = u32::from_le_bytes([fields[7], fields[8], fields[9], fields[10]]);
        }
        // A message's time is in its first chunk's header; what goes on with it repeats that.
        if stream.data.is_none() {
            stream.timestamp = if format == 0 { time } else { stream.timestamp.wrapping_add(time) };
            stream.delta = time;
            stream.data = Some(BytesMut::with_capacity(length.min(MAX_RESERVED_BYTES)));
        }
        let had = stream.data.as_ref().map_or(0, BytesMut::len);
        let left = (length - had).min(self.chunk_bytes);
        if self.unfinished + left > MAX_UNFINISHED_BYTES {
            return Err(ChunkError::TooMuchUnfinished);
        }
        Ok(Chunk { stream: id, left })
    }

    /// Moves what there is of a chunk into its message, which may be whole then.
    fn fill(&mut self, mut chunk: Chunk, input: &mut &[u8]) -> Option<MessagePayload> {
        let stream = self.streams.get_mut(&chunk.stream)?;
        let data = stream.data.as_mut()?;
        let (taken, rest) = input.split_at(chunk.left.min(input.len()));
        data.extend_from_slice(taken);
        self.unfinished += taken.len();
        *input = rest;
        chunk.left -= taken.len();
        if chunk.left > 0 {
            self.chunk = Some(chunk);
            return None;
        }
        let data = stream.data.take_if(|data| data.len() == stream.length)?;
        self.unfinished -= data.len();
        Some(MessagePayload {
            timestamp: RtmpTimestamp::new(stream.timestamp),
            type_id: stream.type_id,
            message_stream_id: stream.message_stream_id,
            data: Bytes::from(data),
        })
    }
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rml_rtmp::chunk_io::ChunkSerializer;

    fn message(ts: u32, type_id: u8, bytes: usize) -> MessagePayload {
        let data = (0..bytes).map(|n| n as u8).collect::<Vec<_>>().into();
        MessagePayload { timestamp: RtmpTimestamp::new(ts), type_id, message_stream_id: 1, data }
    }

    fn read(reader: &mut ChunkReader, mut bytes: &[u8]) -> Result<Vec<MessagePayload>, ChunkError> {
        let mut messages = Vec::new();
        while let Some(message) = reader.next(&mut bytes)? {
            messages.push(message);
        }
        Ok(messages)
    }

    /// A first header of each kind, on chunk stream 4, and one that repeats.
    fn full(ts: u32, length: u32, type_id: u8) -> Vec<u8> {
        let (ts, length) = (ts.to_be_bytes(), length.to_be_bytes());
        [&[4], &ts[1..], &length[1..], &[type_id, 1, 0, 0, 0]].concat()
    }

    const REPEAT: u8 = 0xc4;

    #[test]
    fn times_of_every_kind_of_header() {
        let mut bytes = full(1_000, 1, 9);
        bytes.push(b'a');
        bytes.extend([0x44, 0, 0, 40, 0, 0, 2, 9, b'b', b'c']);
        bytes.extend([0x84, 0, 0, 20, b'd', b'e']);
        bytes.extend([REPEAT, b'f', b'g']);
        // An extended delta, which a repeating header carries too.
        bytes.extend([0x84, 0xff, 0xff, 0xff, 1, 0, 0, 0, b'h', b'i']);
        bytes.extend([REPEAT, 1, 0, 0, 0, b'j', b'k']);
        let messages = read(&mut ChunkReader::default(), &bytes).unwrap();
        let seen: Vec<_> = messages.iter().map(|m| (m.timestamp.value, m.data.len())).collect();
        let late = 1_080 + (1 << 24);
        assert_eq!(seen, [(1_000, 1), (1_040, 2), (1_060, 2), (1_080, 2), (late, 2), (late + (1 << 24), 2)]);
        assert!(messages.iter().all(|message| (message.type_id, message.message_stream_id) == (9, 1)));
    }

    #[test]
    fn messages_may_be_interleaved() {
        let mut bytes = full(40, 200, 9);
        bytes.extend([b'v'; 128]);
        bytes.extend([5, 0, 0, 41, 0, 0, 3, 8, 1, 0, 0, 0, b'a', b'a', b'a']);
        bytes.push(REPEAT);
        bytes.extend([b'v'; 72]);
        let messages = read(&mut ChunkReader::default(), &bytes).unwrap();
        let seen: Vec<_> = messages.iter().map(|m| (m.type_id, m.timestamp.value, m.data.len())).collect();
        assert_eq!(seen, [(8, 41, 3), (9, 40, 200)]);
        assert!(messages[1].data.iter().all(|byte| *byte == b'v'));
    }

    #[test]
    fn an_aborted_message_leaves_nothing() {
        let mut reader = ChunkReader::default();
        let mut bytes = full(40, 200, 9);
        bytes.extend([b'v'; 128]);
        assert_eq!(read(&mut reader, &bytes).unwrap(), []);
        reader.abort(4);
        reader.abort(99);
        assert_eq!(reader.unfinished, 0);
        bytes = full(80, 1, 9);
        bytes.push(b'w');
        assert_eq!(read(&mut reader, &bytes).unwrap()[0].data, "w");
    }

    #[test]
    fn what_is_refused() {
        let mut streams = Vec::new();
        for id in 2..=66u8 {
            let basic = if id < 64 { vec![id] } else { vec![0, id - 64] };
            streams.extend([&basic[..], &[0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, b'x']].concat());
        }
        let interrupted = [full(0, 200, 9), vec![0; 128], full(0, 100, 9)].concat();
        for (bytes, error) in [
            (vec![REPEAT], ChunkError::NothingBefore),
            (full(0, 0xff_ffff, 9), ChunkError::MessageTooLarge(0xff_ffff)),
            (interrupted, ChunkError::LengthChanged),
            (streams, ChunkError::TooManyStreams),
        ] {
            assert_eq!(read(&mut ChunkReader::default(), &bytes), Err(error));
        }
        let mut reader = ChunkReader::default();
        assert_eq!(reader.set_chunk_size(0), Err(ChunkError::ChunkSize(0)));
        assert_eq!(reader.set_chunk_size(1 << 31), Err(ChunkError::ChunkSize(1 << 31)));
    }

    #[test]
    fn unfinished_messages_are_bounded() {
        let mut reader = ChunkReader::default();
        let half = MAX_MESSAGE_BYTES / 2;
        reader.set_chunk_size(half as u32).unwrap();
        let refused = (4..9).find_map(|id| {
            let mut bytes = full(0, MAX_MESSAGE_BYTES as u32, 9);
            bytes[0] = id;
            bytes.resize(bytes.len() + half, 0);
            Some((id, read(&mut reader, &bytes).err()?))
        });
        assert_eq!(refused, Some((8, ChunkError::TooMuchUnfinished)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reads_what_another_writes(
            // The other one leaves out what is empty.
            sent in prop::collection::vec((0u32..100_000, prop::sample::select(vec![8u8, 9, 18, 20]), 1usize..3_000), 1..12),
            chunk in 1u32..5_000,
            split in 1usize..4_000,
        ) {
            let (mut writer, mut reader) = (ChunkSerializer::new(), ChunkReader::default());
            // Of the size, the reader is told by the session.
            let _ = writer.set_max_chunk_size(chunk, RtmpTimestamp::new(0)).unwrap();
            reader.set_chunk_size(chunk).unwrap();
            let mut ts = 0;
            let later = |(step, type_id, bytes)| {
                ts += step;
                message(ts, type_id, bytes)
            };
            let sent: Vec<_> = sent.into_iter().map(later).collect();
            let bytes: Vec<_> =
                sent.iter().flat_map(|message| writer.serialize(message, false, false).unwrap().bytes).collect();
            let mut read_back = Vec::new();
            for part in bytes.chunks(split) {
                read_back.extend(read(&mut reader, part).unwrap());
            }
            prop_assert_eq!(read_back, sent);
            prop_assert_eq!(reader.unfinished, 0);
        }
    }
}
