//! The publishing side of one RTMP connection, without a socket: bytes in, bytes and [`Event`]s
//! out. Handshake, AMF and the writing of chunks are `rml_rtmp`'s; it asks for what OBS asks for,
//! in that order, since platforms are tested with OBS.
//!
//! The contract: send what [`Publisher::output`] gives, pass every received byte to
//! [`Publisher::input`]; after [`Event::Live`], and not before, call [`Publisher::send`]. A
//! [`Failure`] ends the connection.

use super::chunks::{ChunkError, ChunkReader, Message};
use super::key::Key;
use super::preset::Address;
use super::program::{Description, Kind};
use bytes::Bytes;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::{MessagePayload, RtmpMessage};
use rml_rtmp::rml_amf0::{self, Amf0Value};
use rml_rtmp::time::RtmpTimestamp;
use std::collections::HashMap;

const CHUNK_BYTES: u32 = 4_096;
const WINDOW_BYTES: u32 = 2_500_000;
const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// The AMF0 reader recurses once a level, so depth has to be bounded before it runs.
const MAX_AMF_DEPTH: usize = 512;
/// All that a server may say before the stream is taken.
const MAX_EARLY_BYTES: usize = 256 * 1024;
/// Message types (specification 1.0, 5.4 and 7.1).
const SET_CHUNK_SIZE: u8 = 1;
const USER_CONTROL: u8 = 4;
const WINDOW_SIZE: u8 = 5;
const PEER_BANDWIDTH: u8 = 6;
const SOUND: u8 = 8;
const PICTURE: u8 = 9;
const COMMAND_AMF3: u8 = 17;
const COMMAND: u8 = 20;
/// Numbers of our requests that are answered.
const CONNECT: f64 = 1.0;
const CREATE_STREAM: f64 = 4.0;
const PUBLISH: f64 = 5.0;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The server takes the stream.
    Live,
}

/// Why a connection ended, in words for the owner of the target; never with the key in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may be well next time.
    #[error("{0}")]
    Lost(String),
    /// It will not, unless somebody changes something.
    #[error("{0}")]
    Refused(String),
}

impl From<ChunkError> for Failure {
    fn from(error: ChunkError) -> Self {
        Self::Lost(format!("the server does not speak RTMP: {error}"))
    }
}

enum Stage {
    Handshake(Box<Handshake>),
    Connecting,
    Creating,
    Publishing,
    Live,
}

pub struct Publisher {
    address: Address,
    key: Key,
    metadata: HashMap<String, Amf0Value>,
    stage: Stage,
    serializer: ChunkSerializer,
    reader: ChunkReader,
    stream: u32,
    output: Vec<u8>,
    received: u64,
    acknowledged: u64,
    /// After so many bytes the server wants to hear that they came.
    window: u64,
}

impl Publisher {
    pub fn new(address: Address, key: Key, description: &Description) -> Result<Self, Failure> {
        let mut handshake = Handshake::new(PeerType::Client);
        let output = handshake.generate_outbound_p0_and_p1().map_err(|e| Failure::Lost(e.to_string()))?;
        Ok(Self {
            address,
            key,
            metadata: metadata(description),
            stage: Stage::Handshake(Box::new(handshake)),
            serializer: ChunkSerializer::new(),
            reader: ChunkReader::default(),
            stream: 0,
            output,
            received: 0,
            acknowledged: 0,
            window: u64::from(WINDOW_BYTES),
        })
    }

    /// What is to be sent.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live)
    }

    pub fn input(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Failure> {
        self.received += bytes.len() as u64;
        if !self.is_live() && self.received > MAX_EARLY_BYTES as u64 {
            return Err(Failure::Lost("the server sends more than it should".into()));
        }
        if let Stage::Handshake(handshake) = &mut self.stage {
            match handshake.process_bytes(bytes) {
                Ok(HandshakeProcessResult::InProgress { response_bytes }) => {
                    self.output.extend(response_bytes);
                    return Ok(Vec::new());
                }
                Ok(HandshakeProcessResult::Completed { response_bytes, remaining_bytes }) => {
                    self.output.extend(response_bytes);
                    self.connect()?;
                    self.reader.push(&remaining_bytes);
                }
                Err(error) => return Err(Failure::Lost(format!("the server does not speak RTMP: {error}"))),
            }
        } else {
            self.reader.push(bytes);
        }
        let mut events = Vec::new();
        while let Some(message) = self.reader.next()? {
            self.message(message, &mut events)?;
        }
        if self.received - self.acknowledged >= self.window {
            self.acknowledged = self.received;
            let sequence_number = self.received as u32;
            self.write(RtmpMessage::Acknowledgement { sequence_number }, 0)?;
        }
        Ok(events)
    }

    /// A tag of a packet, `ms` after the first.
    pub fn send(&mut self, kind: Kind, ms: u32, tag: Bytes) -> Result<(), Failure> {
        let type_id = if kind == Kind::Sound { SOUND } else { PICTURE };
        let timestamp = RtmpTimestamp::new(ms);
        self.serialize(&MessagePayload { timestamp, type_id, message_stream_id: self.stream, data: tag })
    }

    /// Says goodbye, so that the platform ends the broadcast at once.
    pub fn close(&mut self) -> Result<(), Failure> {
        if self.is_live() {
            let key = Amf0Value::Utf8String(self.key.reveal().into());
            self.command("FCUnpublish", 6.0, Amf0Value::Null, vec![key], 0)?;
            let stream = Amf0Value::Number(self.stream.into());
            self.command("deleteStream", 7.0, Amf0Value::Null, vec![stream], 0)?;
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<(), Failure> {
        let chunk_size = self.serializer.set_max_chunk_size(CHUNK_BYTES, RtmpTimestamp::new(0));
        self.output.extend(chunk_size.map_err(|e| Failure::Lost(e.to_string()))?.bytes);
        let text = |text: &str| Amf0Value::Utf8String(text.into());
        let url = self.address.to_string();
        let properties = [
            ("app", text(&self.address.app)),
            ("type", text("nonprivate")),
            ("flashVer", text("FMLE/3.0 (compatible; FMSc/1.0)")),
            ("swfUrl", text(&url)),
            ("tcUrl", text(&url)),
        ];
        let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.stage = Stage::Connecting;
        self.command("connect", CONNECT, Amf0Value::Object(properties), vec![], 0)
    }

    fn message(&mut self, Message { kind, data }: Message, events: &mut Vec<Event>) -> Result<(), Failure> {
        const PING: [u8; 2] = [0, 6];
        let number = data.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        match (kind, number) {
            (SET_CHUNK_SIZE, Some(bytes)) => self.reader.set_chunk_size(bytes)?,
            (WINDOW_SIZE, Some(bytes)) => self.window = u64::from(bytes).max(1_024),
            (PEER_BANDWIDTH, Some(_)) => self.write(RtmpMessage::WindowAcknowledgement { size: WINDOW_BYTES }, 0)?,
            (USER_CONTROL, Some(_)) if data.starts_with(&PING) => {
                let pong = [&[0, 7], &data[2..data.len().min(6)]].concat();
                self.payload(USER_CONTROL, 0, pong.into())?;
            }
            (COMMAND, _) => return self.answer(&data, events),
            (COMMAND_AMF3, _) => return self.answer(data.strip_prefix(&[0]).unwrap_or(&data), events),
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, mut data: &[u8], events: &mut Vec<Event>) -> Result<(), Failure> {
        let wrong = || Failure::Lost("the server answers with something that is not AMF0".into());
        if data.len() > MAX_COMMAND_BYTES || depth(data) > MAX_AMF_DEPTH {
            return Err(wrong());
        }
        let values = rml_amf0::deserialize(&mut data).map_err(|_| wrong())?;
        let mut values = values.into_iter();
        let (Some(Amf0Value::Utf8String(name)), Some(Amf0Value::Number(to))) = (values.next(), values.next()) else {
            return Ok(());
        };
        let info: Vec<Amf0Value> = values.collect();
        match (name.as_str(), &self.stage) {
            ("_result", Stage::Connecting) if to == CONNECT => self.create(),
            ("_result", Stage::Creating) if to == CREATE_STREAM => match info.get(1) {
                Some(Amf0Value::Number(stream)) if (1.0..1e9).contains(stream) => self.publish(*stream as u32),
                _ => Err(wrong()),
            },
            ("_error", Stage::Connecting) if to == CONNECT => Err(self.refusal(&info)),
            ("_error", Stage::Creating) if to == CREATE_STREAM => Err(self.refusal(&info)),
            // Some servers do not say to what; that of a release means nothing.
            ("_error", Stage::Publishing) if to == PUBLISH || to == 0.0 => Err(self.refusal(&info)),
            ("onStatus", _) => self.status(&info, events),
            ("close", _) => Err(Failure::Lost("the server closed the stream".into())),
            _ => Ok(()),
        }
    }

    fn create(&mut self) -> Result<(), Failure> {
        self.stage = Stage::Creating;
        let key = || vec![Amf0Value::Utf8String(self.key.reveal().into())];
        let (release, publish) = (key(), key());
        self.command("releaseStream", 2.0, Amf0Value::Null, release, 0)?;
        self.command("FCPublish", 3.0, Amf0Value::Null, publish, 0)?;
        self.command("createStream", CREATE_STREAM, Amf0Value::Null, vec![], 0)
    }

    fn publish(&mut self, stream: u32) -> Result<(), Failure> {
        (self.stage, self.stream) = (Stage::Publishing, stream);
        let text = |text: &str| Amf0Value::Utf8String(text.into());
        let arguments = vec![text(self.key.reveal()), text("live")];
        self.command("publish", PUBLISH, Amf0Value::Null, arguments, stream)
    }

    fn status(&mut self, info: &[Amf0Value], events: &mut Vec<Event>) -> Result<(), Failure> {
        let (level, code, _) = said(info);
        match (code.as_str(), &self.stage) {
            ("NetStream.Publish.Start", Stage::Publishing) => {
                self.stage = Stage::Live;
                let values = vec![
                    Amf0Value::Utf8String("@setDataFrame".into()),
                    Amf0Value::Utf8String("onMetaData".into()),
                    Amf0Value::Object(std::mem::take(&mut self.metadata)),
                ];
                self.write(RtmpMessage::Amf0Data { values }, self.stream)?;
                events.push(Event::Live);
                Ok(())
            }
            _ if level == "error" => Err(self.refusal(info)),
            ("NetStream.Unpublish.Success" | "NetConnection.Connect.Closed", _) => {
                Err(Failure::Lost("the server ended the stream".into()))
            }
            _ => Ok(()),
        }
    }

    /// What the server's no means.
    fn refusal(&self, info: &[Amf0Value]) -> Failure {
        let (_, code, description) = said(info);
        let said = self.key.redact(&description);
        let what = match code.as_str() {
            "NetStream.Publish.BadName" => "the server does not take this stream key, or it is in use",
            "NetConnection.Connect.Rejected" => "the server refuses the connection",
            "NetConnection.Connect.InvalidApp" => "there is no such application on the server; look at the URL's end",
            "NetStream.Publish.Denied" | "NetStream.Publish.Unauthorized" => "the server does not let this key publish",
            _ => "the server ended the stream",
        };
        let words = match said.is_empty() {
            true => what.to_owned(),
            false => format!("{what}; it says: {said}"),
        };
        match what {
            "the server ended the stream" if self.is_live() => Failure::Lost(words),
            _ => Failure::Refused(words),
        }
    }

    fn command(
        &mut self,
        name: &str,
        transaction_id: f64,
        command_object: Amf0Value,
        additional_arguments: Vec<Amf0Value>,
        stream: u32,
    ) -> Result<(), Failure> {
        let command_name = name.to_owned();
        let message = RtmpMessage::Amf0Command { command_name, transaction_id, command_object, additional_arguments };
        self.write(message, stream)
    }

    fn write(&mut self, message: RtmpMessage, stream: u32) -> Result<(), Failure> {
        let payload = message.into_message_payload(RtmpTimestamp::new(0), stream);
        self.serialize(&payload.map_err(|e| Failure::Lost(e.to_string()))?)
    }

    fn payload(&mut self, type_id: u8, message_stream_id: u32, data: Bytes) -> Result<(), Failure> {
        let timestamp = RtmpTimestamp::new(0);
        self.serialize(&MessagePayload { timestamp, type_id, message_stream_id, data })
    }

    fn serialize(&mut self, payload: &MessagePayload) -> Result<(), Failure> {
        // What follows on something that might be dropped has a full header. So has every message
        // then, and no receiver has to know of times that went by or wrapped in between.
        let packet = self.serializer.serialize(payload, false, true);
        self.output.extend(packet.map_err(|e| Failure::Lost(e.to_string()))?.bytes);
        Ok(())
    }
}

/// Level, code and description of an `info` object, wherever it stands among the arguments.
fn said(arguments: &[Amf0Value]) -> (String, String, String) {
    let object = arguments.iter().find_map(|value| match value {
        Amf0Value::Object(properties) if properties.contains_key("code") => Some(properties),
        _ => None,
    });
    let text = |name: &str| match object.and_then(|properties| properties.get(name)) {
        Some(Amf0Value::Utf8String(text)) => text.clone(),
        _ => String::new(),
    };
    (text("level"), text("code"), text("description"))
}

/// At most so deep can values be nested: each level is opened by a byte.
fn depth(data: &[u8]) -> usize {
    const OPENING: [u8; 3] = [3, 8, 10];
    data.iter().filter(|byte| OPENING.contains(byte)).count()
}

fn metadata(description: &Description) -> HashMap<String, Amf0Value> {
    let number = |value: f64| Amf0Value::Number(value);
    let stereo = description.sound.channels() == 2;
    let properties = [
        ("duration", number(0.0)),
        ("fileSize", number(0.0)),
        ("width", number(description.video.width.into())),
        ("height", number(description.video.height.into())),
        ("videocodecid", number(7.0)),
        ("videodatarate", number(description.video_kbps.into())),
        ("framerate", number(description.rate.per_second())),
        ("audiocodecid", number(10.0)),
        ("audiodatarate", number(description.audio_kbps.into())),
        ("audiosamplerate", number(description.sound.sample_rate().into())),
        ("audiosamplesize", number(16.0)),
        ("audiochannels", number(description.sound.channels().into())),
        ("stereo", Amf0Value::Boolean(stereo)),
        ("encoder", Amf0Value::Utf8String(concat!("Rivulet ", env!("CARGO_PKG_VERSION")).into())),
    ];
    properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
