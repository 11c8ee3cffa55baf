//! From an encoder's connection to the hub. [`chunks`] and [`session`] are the RTMP core without a
//! socket; [`listener`] accepts connections, checks keys and drives a session each; [`broadcast`]
//! owns what is on air on one channel, repairs its timeline and writes it to the hub, whichever
//! connection feeds it; [`lease`] sees to it that no other process does; [`health`] tells the
//! broadcaster how the stream is.

mod broadcast;
mod chunks;
pub mod course;
mod health;
mod keys;
mod lease;
mod listener;
mod session;
mod slate;

pub use broadcast::Publishers;
pub use chunks::ChunkError;
pub use health::Limits;
pub use listener::{Config, Deps, Ingest, Stats};
pub use session::{APP, Event, Metadata, Session, SessionError};
