//! Types that cross a process boundary, and nothing else: ids and names, REST bodies, the
//! frames of the chat, and the messages on the pipe between the server and a transcoder worker. Pure, no clock, compiles to
//! WebAssembly: the browser and the server share these definitions.

pub mod address;
pub mod chat;
pub mod eventsub;
pub mod name;
pub mod policy;
pub mod rest;
pub mod worker;

pub use name::{ChannelName, NameError};
