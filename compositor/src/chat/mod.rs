//! A channel's chat, for layers that show it.
//!
//! The way of a message: the chat's WebSocket -> [`room`], what is to be seen of it -> the scene, which
//! hears the lines as it hears how loud sources are.

mod client;
mod room;

pub use client::Chat;

#[cfg(test)]
mod tests;
