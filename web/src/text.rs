//! How a channel is called and marked where it has nothing of its own.

use rivulet_protocol::rest::Channel;

pub fn name(channel: &Channel) -> String {
    if channel.display_name.is_empty() { channel.name.clone() } else { channel.display_name.clone() }
}

/// A channel that was given no title is called by its name.
pub fn heading(channel: &Channel) -> String {
    if channel.title.trim().is_empty() { name(channel) } else { channel.title.clone() }
}

/// The letter of a badge.
pub fn initial(name: &str) -> String {
    name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default()
}

/// Which of the six badge colours a name has: always the same for the same name.
pub fn hue(name: &str) -> u32 {
    name.bytes().fold(7, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 6
}
