//! From frames to the bytes on the wire: JSON or MessagePack in an unmasked WebSocket frame, which
//! is the same for every client, or lines of IRC.

use crate::irc;
use bytes::{BufMut, Bytes, BytesMut};
use rivulet_protocol::chat::{ClientFrame, Numbered, ServerFrame};

/// How a client wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    Json,
    Msgpack,
    /// Without and with tags.
    Irc,
    IrcTags,
}

impl Encoding {
    pub const ALL: [Self; 4] = [Self::Json, Self::Msgpack, Self::Irc, Self::IrcTags];

    pub fn is_irc(self) -> bool {
        matches!(self, Self::Irc | Self::IrcTags)
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

/// A frame for one client, or an event for all. IRC has nothing for most frames.
pub fn encode(encoding: Encoding, frame: &ServerFrame) -> Bytes {
    match encoding {
        // Maps with text keys can always be written.
        Encoding::Json => websocket(TEXT, &serde_json::to_vec(frame).unwrap_or_default()),
        Encoding::Msgpack => websocket(BINARY, &rmp_serde::to_vec_named(frame).unwrap_or_default()),
        Encoding::Irc | Encoding::IrcTags => Bytes::new(),
    }
}

pub fn event(encoding: Encoding, place: irc::Place<'_>, event: &Numbered) -> Bytes {
    match encoding {
        Encoding::Irc | Encoding::IrcTags => irc::event(place, event, encoding == Encoding::IrcTags).into(),
        _ => encode(encoding, &ServerFrame::Event(event.clone())),
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
        let json = read(&event(Encoding::Json, PLACE, &numbered));
        assert_eq!(String::from_utf8_lossy(&json), r#"{"op":"event","epoch":3,"n":9,"sent_ms":5,"kind":"cleared"}"#);
        assert_eq!(serde_json::from_slice::<ServerFrame>(&json).unwrap(), frame);
        let packed = read(&event(Encoding::Msgpack, PLACE, &numbered));
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
