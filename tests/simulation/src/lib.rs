//! The pure cores on the way of a frame, one behind the other as the server has them (course of a
//! broadcast, planner, window, playlists), in a world whose clock, network and encoders come of a
//! seed. At each step of it everything is held that has to hold; see `World`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod encoder;
mod world;

pub use world::World;
