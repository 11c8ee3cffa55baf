//! What comes in while the show is on: streams, files of video, other channels.
//!
//! The way of a picture or sound: a [`worker`] process fetches, another one decodes -> [`wire`], a
//! pipe -> the input's task -> [`Playout`], a bounded buffer whose playhead says what is
//! due -> the frame loop (as the asset of the input's id) and the mixer (as the source of that name).

mod input;
mod playhead;
mod playout;
mod wire;
pub mod worker;

pub use input::{Input, Media, Plan, State, WORKER, probe};
pub use playout::{Playout, Show};
pub use wire::Way;

#[cfg(test)]
pub(crate) mod tests;
