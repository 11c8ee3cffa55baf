//! Everything that reads bytes of strangers, as functions of those bytes. Each [`Target`] passes
//! them to a reader and panics where the reader breaks a promise; a panic of the reader itself is a
//! finding like any other.
//!
//! The fuzzer (`fuzz/`) looks for such bytes, and `tests/replay.rs` tries what it has found before,
//! with mutations of it. The first bytes of an input often choose what the rest is for.

mod media;
mod rtmp;
mod timeline;

pub use media::{codec_configuration, flv_tag, nal_units};
pub use rtmp::rtmp_session;
pub use timeline::timeline;

use rivulet_chat::{Encoding, Line};
use rivulet_origin::Directives;
use rivulet_protocol::worker::{Input, Output};
use rivulet_transcoder::pipe;
use std::fmt::Debug;

pub struct Target {
    /// Also of its binary and its corpus.
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target { name: "rtmp_session", run: rtmp_session },
    Target { name: "flv_tag", run: flv_tag },
    Target { name: "codec_configuration", run: codec_configuration },
    Target { name: "nal_units", run: nal_units },
    Target { name: "timeline", run: timeline },
    Target { name: "worker_pipe", run: worker_pipe },
    Target { name: "playlist_query", run: playlist_query },
    Target { name: "chat_frame", run: chat_frame },
    Target { name: "irc_line", run: irc_line },
];

/// Frames of a worker, or for one: what can be read can be written and says the same again.
pub fn worker_pipe(data: &[u8]) {
    fn read_all<T>(mut frames: &[u8])
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug,
    {
        while let Ok(Some(message)) = pipe::read::<T>(&mut frames) {
            let again = pipe::encode(&message).and_then(|frame| pipe::read::<T>(&mut &frame[..]));
            assert_eq!(again.ok().flatten().as_ref(), Some(&message));
        }
    }
    let Some((direction, frames)) = data.split_first() else { return };
    match direction % 2 {
        0 => read_all::<Output>(frames),
        _ => read_all::<Input>(frames),
    }
}

/// The query of a playlist's address.
pub fn playlist_query(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    if let Ok(directives) = Directives::parse(Some(query)) {
        // Players add parameters of their own.
        let more = format!("a=b&{query}&c");
        assert_eq!(Directives::parse(Some(&more)), Ok(directives));
    }
}

/// A frame of a chat client, in both encodings.
pub fn chat_frame(data: &[u8]) {
    for encoding in [Encoding::Json, Encoding::Msgpack] {
        if let Ok(frame) = rivulet_chat::decode(encoding, data) {
            let again = serde_json::to_vec(&frame).map(|json| rivulet_chat::decode(Encoding::Json, &json));
            assert_eq!(again.ok(), Some(Ok(frame)));
        }
    }
}

/// A line of an IRC client.
pub fn irc_line(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some(line) = Line::parse(&text) else { return };
    assert!(!line.command.is_empty() && !line.command.contains(' '));
    assert!(line.parameters.len() <= 15);
    if let Some((_, before)) = line.parameters.split_last() {
        assert!(before.iter().all(|parameter| !parameter.is_empty() && !parameter.contains(' ')));
    }
    assert!(line.tag("reply-parent-msg-id").is_none_or(|value| !value.is_empty() && !value.contains(';')));
    assert_eq!(line.parameter(line.parameters.len()), "");
}
