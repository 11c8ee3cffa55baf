//! The first-party broadcaster. It draws a scene, encodes it once and pushes it to Rivulet and to
//! other platforms: all that has a clock, a socket or libav is here.
//!
//! The way of a frame: [`pace`] says which is due -> `stage` lists what the scene shows then -> the
//! painter -> [`encode`], on a thread of its own -> a log that every target of [`outputs`] reads at
//! its own pace. Outputs that need another picture have it from one of [`editions`]. Sound is mixed in [`sound`] by the same clock.
//! What comes in live is decoded by processes of `inputs`. What people want comes in by
//! `control` (HTTP and WebSocket) and is kept by `keep`.

mod chat;
mod clock;
mod control;
mod editions;
pub mod encode;
mod frames;
mod inputs;
mod keep;
mod metrics;
pub mod outputs;
pub mod pace;
mod run;
mod settings;
pub mod sound;
mod stage;

pub use inputs::{WORKER, worker};
pub use run::{Addresses, Compositor, run};
pub use settings::Settings;

#[cfg(test)]
pub(crate) mod tests;
