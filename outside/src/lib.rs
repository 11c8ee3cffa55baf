//! The way out to addresses that people typed in: which of them a request may go to, and an HTTP
//! client that goes nowhere else.

mod address;
mod client;

pub use address::{Block, is_public};
pub use client::{Answer, Bounds, Client, Failure, MAX_URL_BYTES, Resolver};
