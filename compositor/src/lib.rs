//! The first-party broadcaster. It draws a scene, encodes it once and pushes it to Rivulet and to
//! other platforms: all that has a clock, a socket or libav is here.
//!
//! The way of a frame: [`pace`] says which is due -> the scene's picture -> [`encode`] -> a log that
//! every target of [`outputs`] reads at its own pace. Sound is mixed in [`sound`] by the same clock.

pub mod encode;
pub mod outputs;
pub mod pace;
pub mod sound;
