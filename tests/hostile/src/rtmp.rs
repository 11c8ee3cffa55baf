//! An encoder's connection.

use rivulet_ingest::{Event, Session, SessionError};

/// What the socket may hand over at once, by the choice of the input's second byte.
const SPLITS: [usize; 8] = [1, 2, 3, 7, 64, 129, 1_000, 4_096];

/// Either the whole connection, or what comes once a key was accepted: there, any split of the
/// bytes gives the same events.
pub fn rtmp_session(data: &[u8]) {
    let [choice, split, data @ ..] = data else { return };
    if choice % 2 == 0 {
        let mut session = Session::default();
        let _ = converse(&mut session, data, usize::MAX);
        return;
    }
    let whole = converse(&mut publishing(), data, usize::MAX);
    let parts = converse(&mut publishing(), data, SPLITS[usize::from(split % 8)]);
    assert_eq!(whole, parts);
}

/// Everything that comes of the bytes; a key is accepted, as a stranger with a key is one still.
fn converse(session: &mut Session, data: &[u8], split: usize) -> (Vec<Event>, Result<(), SessionError>) {
    let mut events = Vec::new();
    for part in data.chunks(split) {
        let before = events.len();
        if let Err(error) = session.input(part, &mut events) {
            return (events, Err(error));
        }
        if events[before..].iter().any(|event| matches!(event, Event::Publish { .. }))
            && let Err(error) = session.accept(&mut events)
        {
            return (events, Err(error));
        }
        drop(session.output());
    }
    (events, Ok(()))
}

/// A session whose key was accepted.
fn publishing() -> Session {
    const HANDSHAKE: [u8; 1 + 1536 + 1536] = {
        let mut bytes = [0; 1 + 1536 + 1536];
        bytes[0] = 3;
        bytes
    };
    const CONNECT: &[u8] = b"\x02\0\x07connect\0\x3f\xf0\0\0\0\0\0\0\x03\0\x03app\x02\0\x04live\0\0\x09";
    const PUBLISH: &[u8] = b"\x02\0\x07publish\0\x40\x14\0\0\0\0\0\0\x05\x02\0\x03key";
    let mut session = Session::default();
    let command = |body: &[u8]| [&[3, 0, 0, 0, 0, 0, body.len() as u8, 20, 0, 0, 0, 0], body].concat();
    let bytes = [&HANDSHAKE[..], &command(CONNECT), &command(PUBLISH)].concat();
    let (events, result) = converse(&mut session, &bytes, usize::MAX);
    assert_eq!((events, result), (vec![Event::Publish { key: "key".into() }], Ok(())));
    session
}
