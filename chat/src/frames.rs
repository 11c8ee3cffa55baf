//! From frames to the bytes on the wire: JSON or MessagePack in an unmasked WebSocket frame, which
//! is the same for every client, or lines of IRC.

use crate::irc;
use bytes::{BufMut, Bytes, BytesMut};
use rivulet_protocol::chat::{ClientFrame, Numbered, ServerFrame};
use rivulet_protocol::rest::ChatSettings;

/// How a client wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    Json,
    Msgpack,
    /// Without and with tags; and the same in frames of a WebSocket.
    Irc,
    IrcTags,
    IrcWeb,
    IrcWebTags,
}

impl Encoding {
    pub const ALL: [Self; 6] = [Self::Json, Self::Msgpack, Self::Irc, Self::IrcTags, Self::IrcWeb, Self::IrcWebTags];

    pub fn is_irc(self) -> bool {
        !matches!(self, Self::Json | Self::Msgpack)
    }

    pub fn is_tagged(self) -> bool {
        matches!(self, Self::IrcTags | Self::IrcWebTags)
    }

    /// For an IRC client that wants tags.
    pub fn with_tags(self) -> Self {
        match self {
            Self::Irc => Self::IrcTags,
            Self::IrcWeb => Self::IrcWebTags,
            other => other,
        }
    }
}

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
/// A ping without anything in it.
pub const PING: &[u8] = &[0x89, 0];

/// A whole frame of RFC 6455 from a server.
fn websocket(opcode: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(opcode);
    match payload.len() {
        len @ 0..126 => frame.put_u8(len as u8),
        len @ 126..=0xffff => {
            frame.put_u8(126);
            frame.put_u16(len as u16);
        }
        len => {
            frame.put_u8(127);
            frame.put_u64(len as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

/// A frame for one client. IRC has nothing for most frames.
pub fn encode(encoding: Encoding, frame: &ServerFrame) -> Bytes {
    match encoding {
        // Maps with text keys can always be written.
        Encoding::Json => websocket(TEXT, &serde_json::to_vec(frame).unwrap_or_default()),
        Encoding::Msgpack => websocket(BINARY, &rmp_serde::to_vec_named(frame).unwrap_or_default()),
        _ => Bytes::new(),
    }
}

/// Lines of IRC for the wire.
pub fn lines(encoding: Encoding, lines: &[u8]) -> Bytes {
    match encoding {
        Encoding::IrcWeb | Encoding::IrcWebTags if !lines.is_empty() => websocket(TEXT, lines),
        _ => Bytes::copy_from_slice(lines),
    }
}

/// An event for all; `before` are the settings that it replaces.
pub fn event(encoding: Encoding, place: irc::Place<'_>, event: &Numbered, before: Option<&ChatSettings>) -> Bytes {
    match encoding {
        Encoding::Json | Encoding::Msgpack => encode(encoding, &ServerFrame::Event(event.clone())),
        _ => lines(encoding, irc::event(place, event, before, encoding.is_tagged()).as_bytes()),
    }
}

/// What a client sent, or why it cannot be that.
pub fn decode(encoding: Encoding, payload: &[u8]) -> Result<ClientFrame, String> {
    match encoding {
        Encoding::Msgpack => rmp_serde::from_slice(payload).map_err(|error| error.to_string()),
        _ => serde_json::from_slice(payload).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rivulet_protocol::chat::{Event, Hello, Position};
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketContext};

    const PLACE: irc::Place<'_> = irc::Place { id: "c1", name: "c" };

    /// A real client reads what we write.
    fn read(bytes: &[u8]) -> Vec<u8> {
        struct Io<'a>(&'a [u8]);
        impl std::io::Read for Io<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                std::io::Read::read(&mut self.0, buffer)
            }
        }
        impl std::io::Write for Io<'_> {
            fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
                Ok(buffer.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        WebSocketContext::new(Role::Client, None).read(&mut Io(bytes)).unwrap().into_data().to_vec()
    }

    #[test]
    fn frames_of_every_length() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let payload = vec![b'x'; len];
            assert_eq!(read(&websocket(TEXT, &payload)), payload, "{len}");
        }
    }

    #[test]
    fn both_encodings_say_the_same() {
        let numbered = Numbered { position: Position { epoch: 3, n: 9 }, sent_ms: 5, event: Event::Cleared };
        let frame = ServerFrame::Event(numbered.clone());
        let json = read(&event(Encoding::Json, PLACE, &numbered, None));
        assert_eq!(String::from_utf8_lossy(&json), r#"{"op":"event","epoch":3,"n":9,"sent_ms":5,"kind":"cleared"}"#);
        assert_eq!(serde_json::from_slice::<ServerFrame>(&json).unwrap(), frame);
        let packed = read(&event(Encoding::Msgpack, PLACE, &numbered, None));
        assert!(packed.len() < json.len());
        assert_eq!(rmp_serde::from_slice::<ServerFrame>(&packed).unwrap(), frame);
    }

    #[test]
    fn what_clients_send() {
        let hello = ClientFrame::Hello(Hello { v: 1, ..Hello::default() });
        assert_eq!(decode(Encoding::Json, br#"{"op":"hello","v":1}"#), Ok(hello.clone()));
        assert_eq!(decode(Encoding::Msgpack, &rmp_serde::to_vec_named(&hello).unwrap()), Ok(hello));
        for bad in ["", "[]", "{}", r#"{"op":"fly"}"#, r#"{"op":"say"}"#, "\u{0}"] {
            assert!(decode(Encoding::Json, bad.as_bytes()).is_err(), "{bad}");
            assert!(decode(Encoding::Msgpack, bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
