//! IRC as Twitch speaks it.

use rivulet_protocol::chat::Numbered;

pub const PING: &[u8] = b"PING :tmi.rivulet\r\n";

/// An event as lines, or nothing.
pub fn event(_channel: &str, _event: &Numbered, _tags: bool) -> Vec<u8> {
    Vec::new()
}
