//! Where the stream goes: one encode, any number of targets, and a recording.
//!
//! The way of a packet: encoder -> [`Program`], a bounded log -> for each target a cursor, a
//! [`gate`](Gate) that leaves out what is late, an RTMP conversation without a socket
//! ([`rtmp`]) and the connection around it. A target is a state machine ([`machine`]) with a task.

mod chunks;
mod connection;
mod gate;
mod given;
mod key;
mod machine;
mod preset;
mod program;
pub mod record;
mod rtmp;
mod target;

pub use connection::{Counters, Trust};
pub use gate::{Dropped, Gate};
pub use given::Given;
pub use key::{Key, KeyError};
pub use machine::{Event, Machine, State};
pub use preset::{Address, AddressError, Limits, Offer, Platform};
pub use program::{Description, Item, Kind, Program};
pub use target::{Place, Target};

#[cfg(test)]
pub(crate) mod tests;
