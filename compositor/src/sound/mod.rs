//! What is heard: sources mixed to 48 kHz stereo, a block of AAC's size at a time, when the clock
//! says so. A source that has nothing is silent; none can delay the mix.
//!
//! The way through: a file, decoded on a thread of its own ([`file`]) -> a bounded [`Line`], or a live
//! input with a clock of its own -> as a [`Feed`] to the [`Mixer`]: gain, fades, ducking, levels, limiter -> the encoder.

pub mod file;
mod line;
mod mixer;

pub use line::Line;
pub use mixer::{Ducking, Level, Mixer, Settings, Unsuitable};

/// Samples a second.
pub const RATE: u32 = 48_000;
/// Frames in a block: what AAC takes at a time.
pub const BLOCK: usize = 1_024;

/// Left and right at one moment; full scale is -1 to 1.
pub type Frame = [f32; 2];

/// Where the mixer gets a source's sound. It is asked for every block, and never waits.
pub trait Feed: Send {
    /// Takes what is heard from a moment of the scene on, up to the length of `block`, of which the
    /// rest is left alone.
    fn take(&self, at: i64, block: &mut [Frame]) -> usize;
    /// Nobody listens any more, or nothing more comes.
    fn close(&self);
    /// Closed, and all of it was heard.
    fn is_over(&self) -> bool;
}

/// Amplitude of decibels.
fn amplitude(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

const fn frames_in(ms: u32) -> u32 {
    ms * (RATE / 1_000)
}

#[cfg(test)]
mod tests;
