//! An RTMP encoder that sends what a test gives it, message by message, and hears what the server
//! says: for what no ffmpeg does.

use bytes::Bytes;
use rml_rtmp::chunk_io::{ChunkDeserializer, ChunkSerializer};
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::{MessagePayload, RtmpMessage};
use rml_rtmp::rml_amf0::Amf0Value;
use rml_rtmp::time::RtmpTimestamp;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const STREAM: u32 = 1;

pub struct Publisher {
    socket: TcpStream,
    serializer: ChunkSerializer,
    deserializer: ChunkDeserializer,
}

/// One tag of an FLV file: type, milliseconds and body.
pub type Tag = (u8, u32, Vec<u8>);

pub const AUDIO: u8 = 8;
pub const VIDEO: u8 = 9;

/// The tags of an FLV file.
pub fn tags(flv: &[u8]) -> Vec<Tag> {
    let number = |bytes: &[u8]| bytes.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
    let mut rest = &flv[13..];
    let mut tags = Vec::new();
    while rest.len() > 11 {
        let size = number(&rest[1..4]) as usize;
        let ts = number(&rest[4..7]) | u32::from(rest[7]) << 24;
        tags.push((rest[0], ts, rest[11..11 + size].to_vec()));
        rest = &rest[11 + size + 4..];
    }
    tags
}

impl Publisher {
    /// Publishes to `url`, as from `Server::rtmp`, with this `capsEx`.
    pub fn start(url: &str, key: &str, caps: u32) -> Self {
        let address = url.trim_start_matches("rtmp://").trim_end_matches("/live");
        let mut socket = TcpStream::connect(address).unwrap();
        let mut handshake = Handshake::new(PeerType::Client);
        socket.write_all(&handshake.generate_outbound_p0_and_p1().unwrap()).unwrap();
        let mut buffer = [0; 4096];
        let rest = loop {
            let read = socket.read(&mut buffer).unwrap();
            match handshake.process_bytes(&buffer[..read]).unwrap() {
                HandshakeProcessResult::InProgress { response_bytes } => socket.write_all(&response_bytes).unwrap(),
                HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                    socket.write_all(&response_bytes).unwrap();
                    break remaining_bytes;
                }
            }
        };
        assert!(rest.is_empty());
        let mut this = Self { socket, serializer: ChunkSerializer::new(), deserializer: ChunkDeserializer::new() };
        let connect = [
            ("app".to_owned(), Amf0Value::Utf8String("live".into())),
            ("capsEx".to_owned(), Amf0Value::Number(caps.into())),
        ];
        this.command("connect", 1.0, Amf0Value::Object(HashMap::from(connect)), vec![]);
        this.command("createStream", 2.0, Amf0Value::Null, vec![]);
        let text = |text: &str| Amf0Value::Utf8String(text.into());
        this.command("publish", 3.0, Amf0Value::Null, vec![text(key), text("live")]);
        let within = Duration::from_secs(10);
        assert_eq!(this.status(within).as_deref(), Some("NetStream.Publish.Start"));
        this
    }

    fn command(&mut self, name: &str, transaction_id: f64, command_object: Amf0Value, more: Vec<Amf0Value>) {
        let message = RtmpMessage::Amf0Command {
            command_name: name.into(),
            transaction_id,
            command_object,
            additional_arguments: more,
        };
        self.write(&message.into_message_payload(RtmpTimestamp::new(0), STREAM).unwrap()).unwrap();
    }

    fn write(&mut self, payload: &MessagePayload) -> std::io::Result<()> {
        let packet = self.serializer.serialize(payload, true, false).unwrap();
        self.socket.write_all(&packet.bytes)
    }

    /// Sends a tag; an error means that the server has closed the connection.
    pub fn send(&mut self, (type_id, ts, data): &Tag) -> std::io::Result<()> {
        let timestamp = RtmpTimestamp::new(*ts);
        let data = Bytes::copy_from_slice(data);
        self.write(&MessagePayload { timestamp, type_id: *type_id, message_stream_id: STREAM, data })
    }

    /// Sends the tags at real time.
    pub fn play(&mut self, tags: &[Tag]) {
        let began = Instant::now();
        for tag in tags {
            std::thread::sleep((began + Duration::from_millis(tag.1.into())).saturating_duration_since(Instant::now()));
            self.send(tag).unwrap();
        }
    }

    /// The code of the next `onStatus`, if one comes in time.
    pub fn status(&mut self, within: Duration) -> Option<String> {
        let deadline = Instant::now() + within;
        let mut buffer = [0; 4096];
        let mut received = 0;
        loop {
            let mut bytes = &buffer[..received];
            while let Some(payload) = self.deserializer.get_next_message(bytes).unwrap() {
                bytes = &[];
                match payload.to_rtmp_message().unwrap() {
                    RtmpMessage::SetChunkSize { size } => {
                        self.deserializer.set_max_chunk_size(size as usize).unwrap();
                    }
                    RtmpMessage::Amf0Command { command_name, additional_arguments, .. }
                        if command_name == "onStatus" =>
                    {
                        let Some(Amf0Value::Object(info)) = additional_arguments.first() else { panic!("no status") };
                        let Some(Amf0Value::Utf8String(code)) = info.get("code") else { panic!("no code") };
                        return Some(code.clone());
                    }
                    _ => {}
                }
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            self.socket.set_read_timeout(Some(left)).unwrap();
            received = match self.socket.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(received) => received,
            };
        }
    }
}
