//! The server side of one RTMP connection, without a socket: bytes in, [`Event`]s and bytes out.
//! Messages and handshake are `rml_rtmp`'s, the chunk stream is read by [`crate::chunks`]; which
//! commands are understood, what is refused and how much a peer may send is decided here.
//!
//! The contract: pass every received byte to [`Session::input`], in any split; after each call
//! handle the events in order and send what [`Session::output`] returns. An error ends the
//! connection. A [`Event::Publish`] waits for [`Session::accept`] or [`Session::reject`]; media
//! comes only after `accept`.

use crate::chunks::{ChunkError, ChunkReader};
use bytes::Bytes;
use rivulet_media::{AudioCodec, VideoCodec};
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::{MessagePayload, PeerBandwidthLimitType, RtmpMessage, UserControlEventType};
use rml_rtmp::rml_amf0::{self, Amf0Value};
use rml_rtmp::time::RtmpTimestamp;
use std::collections::HashMap;

/// The only application: `rtmp://HOST/live`.
pub const APP: &str = "live";
/// All that a peer may send before its key was accepted, the handshake included.
const MAX_UNAUTHENTICATED_BYTES: usize = 64 * 1024;
const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// The AMF0 reader recurses once a level, so depth has to be bounded before it runs.
const MAX_AMF_DEPTH: usize = 512;
const OUR_CHUNK_BYTES: u32 = 4096;
const WINDOW_BYTES: u32 = 2_500_000;
const STREAM_ID: u32 = 1;
/// The streams of a connection are numbered from 1.
const CONNECTION: u32 = 0;
/// Bits of `capsEx` (Enhanced RTMP v2): a peer that follows a request to connect anew,
const CAPS_RECONNECT: u32 = 0x01;
/// that knows several tracks of a kind,
const CAPS_MULTITRACK: u32 = 0x02;
/// that reads extensions of media headers, and the finer timestamps among these.
const CAPS_MOD_EX: u32 = 0x04;
const CAPS_NANOSECONDS: u32 = 0x08;
/// What we do with a codec: decode it, or pass it on.
const CAN_DECODE: u32 = 0x01;
const CAN_FORWARD: u32 = 0x04;

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Waits for an answer. The key is as the peer sent it.
    Publish {
        key: String,
    },
    Metadata(Metadata),
    Video {
        ts: u32,
        data: Bytes,
    },
    Audio {
        ts: u32,
        data: Bytes,
    },
    /// The encoder ended the broadcast on purpose.
    Unpublish,
}

/// The parts of `onMetaData` that we use; none of it is trusted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    pub encoder: Option<String>,
    /// Whether the encoder announced each track, when it announced any.
    pub has_video: Option<bool>,
    pub has_audio: Option<bool>,
    /// Pictures in a thousand seconds.
    pub fps_milli: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    #[error("RTMP handshake failed: {0}")]
    Handshake(String),
    #[error("malformed RTMP chunk: {0}")]
    Chunk(#[from] ChunkError),
    #[error("malformed RTMP message: {0}")]
    Message(String),
    #[error("more than {MAX_UNAUTHENTICATED_BYTES} bytes before a stream key was accepted")]
    TooMuchUnauthenticated,
    #[error("a command of {0} bytes")]
    CommandTooLarge(usize),
    #[error("media before a stream key was accepted")]
    MediaUnauthenticated,
    #[error("unknown application {0:?}; the server address ends in /{APP}")]
    UnknownApp(String),
    #[error("playing over RTMP is not supported")]
    Play,
    #[error("publish before connect")]
    NotConnected,
    #[error("a second connect on one connection")]
    SecondConnect,
    #[error("a second publish on one connection")]
    SecondPublish,
}

#[derive(Debug, PartialEq)]
enum State {
    New,
    Connected,
    /// Waits for our answer to `publish`.
    Asked,
    Publishing,
    Done,
}

pub struct Session {
    handshake: Option<Handshake>,
    reader: ChunkReader,
    serializer: ChunkSerializer,
    state: State,
    output: Vec<u8>,
    /// Bytes that came while the answer to `publish` was being found.
    early: Vec<u8>,
    received: u64,
    acknowledged: u64,
    window: u64,
    /// The peer has announced that it follows a request to connect anew.
    reconnects: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            handshake: Some(Handshake::new(PeerType::Server)),
            reader: ChunkReader::default(),
            serializer: ChunkSerializer::new(),
            state: State::New,
            output: Vec::new(),
            early: Vec::new(),
            received: 0,
            acknowledged: 0,
            window: u64::MAX,
            reconnects: false,
        }
    }
}

impl Session {
    pub fn input(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SessionError> {
        self.received += bytes.len() as u64;
        if self.state != State::Publishing && self.received > MAX_UNAUTHENTICATED_BYTES as u64 {
            return Err(SessionError::TooMuchUnauthenticated);
        }
        let Some(handshake) = &mut self.handshake else {
            return self.chunks(bytes, events);
        };
        match handshake.process_bytes(bytes).map_err(|e| SessionError::Handshake(e.to_string()))? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                self.output.extend(response_bytes);
                Ok(())
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                self.output.extend(response_bytes);
                self.handshake = None;
                self.chunks(&remaining_bytes, events)
            }
        }
    }

    /// Takes the bytes to send.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Media that the peer sent without waiting for this answer is among the `events`.
    pub fn accept(&mut self, events: &mut Vec<Event>) -> Result<(), SessionError> {
        self.state = State::Publishing;
        let begin = RtmpMessage::UserControl {
            event_type: UserControlEventType::StreamBegin,
            stream_id: Some(STREAM_ID),
            buffer_length: None,
            timestamp: None,
        };
        self.send(begin, 0)?;
        self.status("status", "NetStream.Publish.Start", "publishing")?;
        let early = std::mem::take(&mut self.early);
        self.chunks(&early, events)
    }

    /// `code` is one that encoders know, such as `NetStream.Publish.BadName`; they show `reason`.
    pub fn reject(&mut self, code: &str, reason: &str) -> Result<(), SessionError> {
        self.state = State::Done;
        self.status("error", code, reason)
    }

    /// Asks the peer to connect anew. `false`: it has not announced that it knows such a request,
    /// and nothing is sent.
    pub fn request_reconnect(&mut self, reason: &str) -> Result<bool, SessionError> {
        if self.reconnects {
            let info = object_of("status", "NetConnection.Connect.ReconnectRequest", reason);
            self.send(command("onStatus", 0.0, Amf0Value::Null, info), CONNECTION)?;
        }
        Ok(self.reconnects)
    }

    fn chunks(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SessionError> {
        if self.state == State::Asked {
            self.early.extend_from_slice(bytes);
            return Ok(());
        }
        let mut bytes = bytes;
        while let Some(message) = self.reader.next(&mut bytes)? {
            self.message(message, events)?;
            if self.state == State::Asked {
                self.early.extend_from_slice(bytes);
                return Ok(());
            }
        }
        if self.received - self.acknowledged >= self.window {
            self.acknowledged = self.received;
            self.send(RtmpMessage::Acknowledgement { sequence_number: self.received as u32 }, 0)?;
        }
        Ok(())
    }

    fn message(&mut self, payload: MessagePayload, events: &mut Vec<Event>) -> Result<(), SessionError> {
        const USER_CONTROL: u8 = 4;
        const AUDIO: u8 = 8;
        const VIDEO: u8 = 9;
        const DATA: [u8; 2] = [15, 18];
        const COMMAND_AMF3: u8 = 17;
        const COMMAND: u8 = 20;
        let ts = payload.timestamp.value;
        match payload.type_id {
            AUDIO | VIDEO if self.state == State::Done => return Ok(()),
            AUDIO | VIDEO if self.state != State::Publishing => return Err(SessionError::MediaUnauthenticated),
            AUDIO => events.push(Event::Audio { ts, data: payload.data }),
            VIDEO => events.push(Event::Video { ts, data: payload.data }),
            // What calls itself AMF3 is AMF0, most often behind a zero.
            COMMAND_AMF3 => self.amf_command(payload.data.strip_prefix(&[0]).unwrap_or(&payload.data), events)?,
            COMMAND => self.amf_command(&payload.data, events)?,
            type_id => {
                if DATA.contains(&type_id) {
                    check_amf(&payload.data)?;
                }
                match payload.to_rtmp_message() {
                    Ok(message) => self.control(message, events)?,
                    // There are more events than the library knows, and none of them matters to us.
                    Err(_) if type_id == USER_CONTROL => {}
                    Err(error) => return Err(SessionError::Message(error.to_string())),
                }
            }
        }
        Ok(())
    }

    fn control(&mut self, message: RtmpMessage, events: &mut Vec<Event>) -> Result<(), SessionError> {
        match message {
            RtmpMessage::SetChunkSize { size } => self.reader.set_chunk_size(size)?,
            RtmpMessage::Abort { stream_id } => self.reader.abort(stream_id),
            RtmpMessage::WindowAcknowledgement { size } => self.window = u64::from(size.max(16 * 1024)),
            RtmpMessage::UserControl { event_type: UserControlEventType::PingRequest, timestamp, .. } => {
                let pong = RtmpMessage::UserControl {
                    event_type: UserControlEventType::PingResponse,
                    timestamp,
                    stream_id: None,
                    buffer_length: None,
                };
                self.send(pong, 0)?;
            }
            RtmpMessage::Amf0Data { values } if self.state == State::Publishing => {
                events.extend(metadata(values).map(Event::Metadata));
            }
            _ => {}
        }
        Ok(())
    }

    /// A name and a number come first; the rest may be missing.
    fn amf_command(&mut self, mut data: &[u8], events: &mut Vec<Event>) -> Result<(), SessionError> {
        check_amf(data)?;
        let values = rml_amf0::deserialize(&mut data).map_err(|e| SessionError::Message(e.to_string()))?;
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (Some(Amf0Value::Utf8String(name)), Some(Amf0Value::Number(transaction))) => {
                let object = values.next().unwrap_or(Amf0Value::Null);
                self.command(&name, transaction, object, values.collect(), events)
            }
            _ => Err(SessionError::Message("a command without name or number".into())),
        }
    }

    fn command(
        &mut self,
        name: &str,
        transaction: f64,
        object: Amf0Value,
        arguments: Vec<Amf0Value>,
        events: &mut Vec<Event>,
    ) -> Result<(), SessionError> {
        match name {
            "connect" => self.connect(transaction, object),
            "createStream" => self.result(transaction, Amf0Value::Null, Amf0Value::Number(STREAM_ID.into())),
            "publish" => {
                match self.state {
                    State::Connected => {}
                    State::New => return Err(SessionError::NotConnected),
                    _ => return Err(SessionError::SecondPublish),
                }
                let key = match arguments.into_iter().next() {
                    Some(Amf0Value::Utf8String(key)) => key,
                    _ => String::new(),
                };
                self.state = State::Asked;
                events.push(Event::Publish { key });
                Ok(())
            }
            "FCUnpublish" | "deleteStream" | "closeStream" => {
                if std::mem::replace(&mut self.state, State::Done) == State::Publishing {
                    events.push(Event::Unpublish);
                }
                Ok(())
            }
            "play" | "play2" => {
                self.status("error", "NetStream.Play.Failed", &SessionError::Play.to_string())?;
                Err(SessionError::Play)
            }
            // releaseStream, FCPublish, _checkbw and the like expect nothing.
            _ => Ok(()),
        }
    }

    fn connect(&mut self, transaction: f64, object: Amf0Value) -> Result<(), SessionError> {
        // Another one would let a session that feeds a channel ask for a second.
        if self.state != State::New {
            return Err(SessionError::SecondConnect);
        }
        let properties = match object {
            Amf0Value::Object(properties) => properties,
            _ => HashMap::new(),
        };
        let app = match properties.get("app") {
            Some(Amf0Value::Utf8String(app)) => app.as_str(),
            _ => "",
        };
        if let Some(Amf0Value::Number(caps)) = properties.get("capsEx") {
            self.reconnects = *caps as u32 & CAPS_RECONNECT != 0;
        }
        let name = app.split('?').next().unwrap_or_default().trim_matches('/');
        if name != APP {
            // A key pasted behind the server address ends up here, so the name is not repeated.
            let reason = format!("unknown application; the server address ends in /{APP}");
            let info = object_of("error", "NetConnection.Connect.Rejected", &reason);
            self.send(command("_error", transaction, Amf0Value::Null, info), 0)?;
            return Err(SessionError::UnknownApp(name.chars().take(8).collect()));
        }
        self.state = State::Connected;
        self.send(RtmpMessage::WindowAcknowledgement { size: WINDOW_BYTES }, 0)?;
        self.send(
            RtmpMessage::SetPeerBandwidth { size: WINDOW_BYTES, limit_type: PeerBandwidthLimitType::Dynamic },
            0,
        )?;
        let packet = self
            .serializer
            .set_max_chunk_size(OUR_CHUNK_BYTES, RtmpTimestamp::new(0))
            .map_err(|e| SessionError::Message(e.to_string()))?;
        self.output.extend(packet.bytes);
        let info = object_of("status", "NetConnection.Connect.Success", "connected");
        self.result(transaction, server_properties(), info)
    }

    fn result(&mut self, transaction: f64, object: Amf0Value, argument: Amf0Value) -> Result<(), SessionError> {
        self.send(command("_result", transaction, object, argument), 0)
    }

    fn status(&mut self, level: &str, code: &str, description: &str) -> Result<(), SessionError> {
        let info = object_of(level, code, description);
        self.send(command("onStatus", 0.0, Amf0Value::Null, info), STREAM_ID)
    }

    fn send(&mut self, message: RtmpMessage, stream: u32) -> Result<(), SessionError> {
        let payload = message
            .into_message_payload(RtmpTimestamp::new(0), stream)
            .map_err(|e| SessionError::Message(e.to_string()))?;
        let packet =
            self.serializer.serialize(&payload, true, false).map_err(|e| SessionError::Message(e.to_string()))?;
        self.output.extend(packet.bytes);
        Ok(())
    }
}

fn command(name: &str, transaction_id: f64, command_object: Amf0Value, argument: Amf0Value) -> RtmpMessage {
    RtmpMessage::Amf0Command {
        command_name: name.into(),
        transaction_id,
        command_object,
        additional_arguments: vec![argument],
    }
}

/// What the answer to `connect` says of us. The list is what the first version of Enhanced RTMP
/// had in place of the maps.
fn server_properties() -> Amf0Value {
    let number = |value: u32| Amf0Value::Number(value.into());
    let map = |codecs: &[(&str, u32)]| {
        Amf0Value::Object(codecs.iter().map(|(codec, flags)| ((*codec).to_owned(), number(*flags))).collect())
    };
    let videos = VideoCodec::ALL.map(|codec| (codec.fourcc(), CAN_DECODE | CAN_FORWARD));
    let audios = AudioCodec::ALL.map(|codec| match codec {
        AudioCodec::Aac => (codec.fourcc(), CAN_DECODE | CAN_FORWARD),
        AudioCodec::Opus => (codec.fourcc(), CAN_DECODE),
    });
    let list = videos.iter().chain(&audios).map(|(codec, _)| Amf0Value::Utf8String((*codec).into()));
    let properties = [
        ("fmsVer", Amf0Value::Utf8String("FMS/3,5,7,7009".into())),
        ("capabilities", number(31)),
        ("capsEx", number(CAPS_RECONNECT | CAPS_MULTITRACK | CAPS_MOD_EX | CAPS_NANOSECONDS)),
        ("fourCcList", Amf0Value::StrictArray(list.collect())),
        ("videoFourCcInfoMap", map(&videos)),
        ("audioFourCcInfoMap", map(&audios)),
    ];
    Amf0Value::Object(properties.map(|(name, value)| (name.to_owned(), value)).into())
}

fn object_of(level: &str, code: &str, description: &str) -> Amf0Value {
    let pairs = [("level", level), ("code", code), ("description", description)];
    Amf0Value::Object(pairs.map(|(key, value)| (key.to_owned(), Amf0Value::Utf8String(value.to_owned()))).into())
}

/// Bounds the size of a command and, by counting the bytes that could open an object or array,
/// its depth.
fn check_amf(data: &[u8]) -> Result<(), SessionError> {
    const OPENING: [u8; 3] = [0x03, 0x08, 0x0a];
    if data.len() > MAX_COMMAND_BYTES {
        return Err(SessionError::CommandTooLarge(data.len()));
    }
    if data.iter().filter(|byte| OPENING.contains(byte)).count() > MAX_AMF_DEPTH {
        return Err(SessionError::Message("too many nested values".into()));
    }
    Ok(())
}

fn metadata(values: Vec<Amf0Value>) -> Option<Metadata> {
    let is_metadata = values.iter().any(|value| matches!(value, Amf0Value::Utf8String(s) if s == "onMetaData"));
    let properties = values.into_iter().find_map(|value| match value {
        Amf0Value::Object(properties) if is_metadata => Some(properties),
        _ => None,
    })?;
    let encoder = match properties.get("encoder") {
        Some(Amf0Value::Utf8String(name)) => Some(name.chars().filter(|c| !c.is_control()).take(64).collect()),
        _ => None,
    };
    let (video, audio) = (properties.contains_key("videocodecid"), properties.contains_key("audiocodecid"));
    let announced = video || audio;
    let fps_milli = match properties.get("framerate") {
        Some(Amf0Value::Number(fps)) if (1.0..=1_000.0).contains(fps) => Some((fps * 1_000.0).round() as u32),
        _ => None,
    };
    Some(Metadata { encoder, has_video: announced.then_some(video), has_audio: announced.then_some(audio), fps_milli })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rml_rtmp::chunk_io::ChunkDeserializer;
    use rml_rtmp::sessions::*;

    /// `rml_rtmp`'s client wired to our session in memory: no socket, no clock.
    struct Pair {
        server: Session,
        client: Option<ClientSession>,
        events: Vec<Event>,
        client_events: Vec<ClientSessionEvent>,
        /// Everything the client sent, for replays.
        sent: Vec<u8>,
    }

    impl Pair {
        fn connected(app: &str) -> Result<Self, SessionError> {
            let mut server = Session::default();
            let mut handshake = Handshake::new(PeerType::Client);
            let mut sent = handshake.generate_outbound_p0_and_p1().unwrap();
            let mut events = Vec::new();
            server.input(&sent, &mut events)?;
            loop {
                let reply = server.output();
                match handshake.process_bytes(&reply).unwrap() {
                    HandshakeProcessResult::InProgress { response_bytes } => {
                        server.input(&response_bytes, &mut events)?;
                        sent.extend(response_bytes);
                    }
                    HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                        server.input(&response_bytes, &mut events)?;
                        sent.extend(response_bytes);
                        assert!(remaining_bytes.is_empty());
                        break;
                    }
                }
            }
            let mut pair = Self { server, client: None, events, client_events: Vec::new(), sent };
            let (mut client, first) = ClientSession::new(ClientSessionConfig::new()).unwrap();
            let connect = client.request_connection(app.into()).unwrap();
            pair.client = Some(client);
            pair.deliver(first)?;
            pair.deliver(vec![connect])?;
            Ok(pair)
        }

        fn deliver(&mut self, results: Vec<ClientSessionResult>) -> Result<(), SessionError> {
            let mut queue: std::collections::VecDeque<_> = results.into();
            while let Some(result) = queue.pop_front() {
                match result {
                    ClientSessionResult::OutboundResponse(packet) => {
                        self.sent.extend(&packet.bytes);
                        self.server.input(&packet.bytes, &mut self.events)?;
                        queue.extend(self.pump());
                    }
                    ClientSessionResult::RaisedEvent(event) => self.client_events.push(event),
                    ClientSessionResult::UnhandleableMessageReceived(_) => {}
                }
            }
            Ok(())
        }

        fn pump(&mut self) -> Vec<ClientSessionResult> {
            let reply = self.server.output();
            self.client.as_mut().unwrap().handle_input(&reply).unwrap()
        }

        fn publish(&mut self, key: &str) -> Result<(), SessionError> {
            let request = self.client.as_mut().unwrap();
            let request = request.request_publishing(key.into(), PublishRequestType::Live).unwrap();
            self.deliver(vec![request])
        }

        fn accepted() -> Self {
            let mut pair = Self::connected(APP).unwrap();
            pair.publish("rvk_secret").unwrap();
            pair.server.accept(&mut pair.events).unwrap();
            let results = pair.pump();
            pair.deliver(results).unwrap();
            pair
        }

        fn send_some_media(&mut self) {
            for n in 0..20u32 {
                let client = self.client.as_mut().unwrap();
                let data = Bytes::from(vec![0x27; 100 + n as usize * 997]);
                let video = client.publish_video_data(data, RtmpTimestamp::new(n * 40), false).unwrap();
                let data = Bytes::from(vec![0xaf; 20]);
                let audio = client.publish_audio_data(data, RtmpTimestamp::new(n * 40 + 1), false).unwrap();
                self.deliver(vec![video, audio]).unwrap();
            }
        }
    }

    #[test]
    fn connects_publishes_and_stops() {
        let mut pair = Pair::accepted();
        assert_eq!(pair.events, [Event::Publish { key: "rvk_secret".into() }]);
        assert!(pair.client_events.contains(&ClientSessionEvent::ConnectionRequestAccepted));
        assert!(pair.client_events.contains(&ClientSessionEvent::PublishRequestAccepted));
        pair.events.clear();
        let mut metadata = StreamMetadata::new();
        metadata.encoder = Some("obs\u{7}-output".into());
        metadata.video_codec_id = Some(7);
        metadata.video_frame_rate = Some(30.0);
        let sent = pair.client.as_mut().unwrap().publish_metadata(&metadata).unwrap();
        pair.deliver(vec![sent]).unwrap();
        let expected = Metadata {
            encoder: Some("obs-output".into()),
            has_video: Some(true),
            has_audio: Some(false),
            fps_milli: Some(30_000),
        };
        assert_eq!(pair.events, [Event::Metadata(expected)]);
        pair.events.clear();
        pair.send_some_media();
        assert_eq!(pair.events.len(), 40);
        let Event::Video { ts, data } = &pair.events[38] else { panic!("{:?}", pair.events[38]) };
        assert_eq!((*ts, data.len()), (760, 100 + 19 * 997));
        pair.events.clear();
        let stop = pair.client.as_mut().unwrap().stop_publishing().unwrap();
        pair.deliver(stop).unwrap();
        assert_eq!(pair.events, [Event::Unpublish]);
    }

    #[test]
    fn any_split_of_the_bytes_gives_equal_events() {
        let mut pair = Pair::accepted();
        pair.send_some_media();
        for size in [1, 2, 3, 7, 128, 1000, 4096, 65536] {
            let mut server = Session::default();
            let mut events = Vec::new();
            for part in pair.sent.chunks(size) {
                let before = events.len();
                server.input(part, &mut events).unwrap();
                if events[before..].iter().any(|event| matches!(event, Event::Publish { .. })) {
                    server.accept(&mut events).unwrap();
                }
            }
            assert_eq!(events, pair.events, "split in {size}");
        }
    }

    #[test]
    fn every_chunk_size_up_to_64_kib() {
        for chunk in [1, 2, 127, 128, 129, 4096, 60_000, 65_536] {
            let mut pair = Pair::accepted();
            pair.events.clear();
            let mut sender = ChunkSerializer::new();
            let mut bytes = sender.set_max_chunk_size(chunk, RtmpTimestamp::new(0)).unwrap().bytes;
            let data = Bytes::from((0..100_000u32).map(|n| n as u8).collect::<Vec<_>>());
            let payload = RtmpMessage::VideoData { data: data.clone() };
            let payload = payload.into_message_payload(RtmpTimestamp::new(17_000_000), STREAM_ID).unwrap();
            bytes.extend(sender.serialize(&payload, true, false).unwrap().bytes);
            pair.server.input(&bytes, &mut pair.events).unwrap();
            assert_eq!(pair.events, [Event::Video { ts: 17_000_000, data }], "{chunk}");
        }
    }

    #[test]
    fn a_refusal_reaches_the_encoder() {
        let mut pair = Pair::connected(APP).unwrap();
        pair.publish("wrong").unwrap();
        pair.server.reject("NetStream.Publish.BadName", "wrong stream key").unwrap();
        let reply = pair.server.output();
        let text = String::from_utf8_lossy(&reply);
        assert!(text.contains("NetStream.Publish.BadName") && text.contains("wrong stream key"));
        let results = pair.client.as_mut().unwrap().handle_input(&reply).unwrap();
        pair.deliver(results).unwrap();
        assert!(!pair.client_events.contains(&ClientSessionEvent::PublishRequestAccepted));
    }

    #[test]
    fn an_unknown_application_is_refused_without_repeating_a_pasted_key() {
        let error = Pair::connected("live/rvk_secretsecret").map(|_| ()).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(Pair::connected("live/").is_ok());
    }

    /// The answer to a connect with these properties, and whether the peer can be sent elsewhere.
    fn connect_with(properties: &[(&str, Amf0Value)]) -> (HashMap<String, Amf0Value>, bool) {
        let mut server = Session { state: State::New, handshake: None, ..Session::default() };
        let app = ("app".to_owned(), Amf0Value::Utf8String(APP.into()));
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).chain([app]);
        let connect = RtmpMessage::Amf0Command {
            command_name: "connect".into(),
            transaction_id: 1.0,
            command_object: Amf0Value::Object(properties.collect()),
            additional_arguments: Vec::new(),
        };
        let payload = connect.into_message_payload(RtmpTimestamp::new(0), CONNECTION).unwrap();
        let bytes = ChunkSerializer::new().serialize(&payload, true, false).unwrap().bytes;
        server.input(&bytes, &mut Vec::new()).unwrap();
        let asked = server.request_reconnect("later").unwrap();
        let (mut client, mut answer, mut requested) = (ChunkDeserializer::new(), None, false);
        client.set_max_chunk_size(OUR_CHUNK_BYTES as usize).unwrap();
        let output = server.output();
        let mut bytes = &output[..];
        while let Some(payload) = client.get_next_message(bytes).unwrap() {
            bytes = &[];
            let stream = payload.message_stream_id;
            match payload.to_rtmp_message().unwrap() {
                RtmpMessage::Amf0Command { command_name, command_object: Amf0Value::Object(object), .. } => {
                    assert_eq!(command_name, "_result");
                    answer = Some(object);
                }
                RtmpMessage::Amf0Command { command_name, additional_arguments, .. } => {
                    assert_eq!((command_name.as_str(), stream), ("onStatus", CONNECTION));
                    let code = "NetConnection.Connect.ReconnectRequest";
                    assert_eq!(additional_arguments, [object_of("status", code, "later")]);
                    requested = true;
                }
                _ => {}
            }
        }
        assert_eq!(asked, requested);
        (answer.unwrap(), asked)
    }

    #[test]
    fn encoders_learn_what_is_taken() {
        let (answer, _) = connect_with(&[]);
        let codecs = ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus"].map(|name| Amf0Value::Utf8String(name.into()));
        assert_eq!(answer["fourCcList"], Amf0Value::StrictArray(codecs.into()));
        let Amf0Value::Object(videos) = &answer["videoFourCcInfoMap"] else { panic!("{answer:?}") };
        assert_eq!(videos["hvc1"], Amf0Value::Number(5.0));
        let Amf0Value::Object(audios) = &answer["audioFourCcInfoMap"] else { panic!("{answer:?}") };
        assert_eq!(audios["Opus"], Amf0Value::Number(1.0));
        assert_eq!(answer["capsEx"], Amf0Value::Number(15.0));
    }

    #[test]
    fn only_who_has_announced_it_is_asked_to_connect_anew() {
        for (caps, want) in [(1.0, true), (3.0, true), (2.0, false), (f64::NAN, false), (-1.0, false)] {
            assert_eq!(connect_with(&[("capsEx", Amf0Value::Number(caps))]).1, want, "{caps}");
        }
        assert!(!connect_with(&[]).1);
        assert!(!connect_with(&[("capsEx", Amf0Value::Boolean(true))]).1);
    }

    #[test]
    fn a_session_connects_and_publishes_once() {
        let name = |name: &str| [&[2, 0, name.len() as u8], name.as_bytes(), &[0; 9]].concat();
        for (command, error) in [("connect", SessionError::SecondConnect), ("publish", SessionError::SecondPublish)] {
            let mut pair = Pair::accepted();
            let (timestamp, data) = (RtmpTimestamp::new(0), name(command).into());
            let payload = MessagePayload { timestamp, type_id: 20, message_stream_id: 1, data };
            let bytes = ChunkSerializer::new().serialize(&payload, true, false).unwrap().bytes;
            assert_eq!(pair.server.input(&bytes, &mut pair.events), Err(error));
        }
    }

    #[test]
    fn media_before_the_key_ends_the_session() {
        let mut pair = Pair::connected(APP).unwrap();
        let payload = RtmpMessage::VideoData { data: Bytes::from_static(b"x") };
        let payload = payload.into_message_payload(RtmpTimestamp::new(0), STREAM_ID).unwrap();
        let bytes = ChunkSerializer::new().serialize(&payload, true, false).unwrap().bytes;
        assert_eq!(pair.server.input(&bytes, &mut pair.events), Err(SessionError::MediaUnauthenticated));
    }

    #[test]
    fn a_command_that_is_cut_short_ends_the_session() {
        let name = [2, 0, 7].into_iter().chain(*b"publish");
        for data in [vec![5], name.clone().collect(), name.chain([5]).collect()] {
            let mut pair = Pair::connected(APP).unwrap();
            let (timestamp, data) = (RtmpTimestamp::new(0), Bytes::from(data));
            let payload = MessagePayload { timestamp, type_id: 20, message_stream_id: 0, data };
            let bytes = ChunkSerializer::new().serialize(&payload, true, false).unwrap().bytes;
            assert!(matches!(pair.server.input(&bytes, &mut pair.events), Err(SessionError::Message(_))));
        }
    }

    #[test]
    fn an_event_that_nobody_knows_changes_nothing() {
        let mut pair = Pair::connected(APP).unwrap();
        let (timestamp, data) = (RtmpTimestamp::new(0), Bytes::from_static(&[0, 92, 1, 2, 3, 4]));
        let payload = MessagePayload { timestamp, type_id: 4, message_stream_id: 0, data };
        let bytes = ChunkSerializer::new().serialize(&payload, true, false).unwrap().bytes;
        assert_eq!(pair.server.input(&bytes, &mut pair.events), Ok(()));
    }

    #[test]
    fn limits_hold_before_authentication() {
        let mut session = Session::default();
        let error = (0..100).find_map(|_| session.input(&[3; 1000], &mut Vec::new()).err());
        assert!(error.is_some());
        let mut pair = Pair::connected(APP).unwrap();
        let nested = [0x03, 0, 1, b'a'].repeat(600);
        let payload =
            MessagePayload { timestamp: RtmpTimestamp::new(0), type_id: 20, message_stream_id: 0, data: nested.into() };
        let bytes = ChunkSerializer::new().serialize(&payload, true, false).unwrap().bytes;
        assert!(matches!(pair.server.input(&bytes, &mut pair.events), Err(SessionError::Message(_))));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(data in prop::collection::vec(any::<u8>(), 0..4000), after_connect in any::<bool>()) {
            let mut events = Vec::new();
            if after_connect {
                let mut pair = Pair::accepted();
                let _ = pair.server.input(&data, &mut events);
            } else {
                let _ = Session::default().input(&data, &mut events);
                prop_assert!(events.is_empty());
            }
        }
    }
}
