//! What the nodes of an instance tell each other about a room.

use rivulet_protocol::chat::{Audience, Numbered, Position, Refusal, Say};
use serde::{Deserialize, Serialize};

/// To all nodes that have clients in a room.
#[derive(Debug, Serialize, Deserialize)]
pub enum RoomSignal {
    /// From the owner: what happened after a position.
    Events { node: String, after: Position, events: Vec<Sent> },
    /// There are new acts in the store.
    Acted { node: String },
    /// Each node, now and then: how many clients it has, and, of the owner, how far the room is.
    Beat { node: String, clients: u32, owner: Option<Position> },
    /// The owner has left.
    Left { node: String },
    /// Something about a user has changed.
    Person { user_id: String },
    /// The same about a channel.
    Channel { channel_id: String },
    /// Connections that came with a session or token of this user end.
    LoggedOut { user_id: String },
}

/// An event with what clients do not see of it. Also an entry of the room's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    pub audience: Audience,
    pub event: Numbered,
}

/// From one node to another.
#[derive(Debug, Serialize, Deserialize)]
pub enum NodeSignal {
    /// Somebody on `node` says something in a room that is owned here.
    Say {
        id: u64,
        node: String,
        channel_id: String,
        user_id: String,
        say: Say,
        action: bool,
    },
    Answer {
        id: u64,
        result: Result<String, Refusal>,
    },
}

/// Signals that concern every room.
pub const EVERYWHERE: &str = "chat";

pub fn room_topic(channel_id: &str) -> String {
    format!("chat.room.{channel_id}")
}

pub fn node_topic(node: &str) -> String {
    format!("chat.node.{node}")
}

/// Our own types can always be written.
pub fn write(signal: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(signal).unwrap_or_default()
}

/// `None` for what another version may say.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}
