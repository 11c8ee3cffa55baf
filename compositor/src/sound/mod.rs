//! What is heard: sources mixed to 48 kHz stereo, a block of AAC's size at a time, when the clock
//! says so. A source that has nothing is silent; none can delay the mix.
//!
//! The way through: a file, decoded on a thread of its own ([`file`]), or whatever else has samples
//! -> a bounded [`Line`] -> [`Mixer`]: gain, fades, ducking, levels, limiter -> the encoder.

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

/// Amplitude of decibels.
fn amplitude(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

const fn frames_in(ms: u32) -> u32 {
    ms * (RATE / 1_000)
}

#[cfg(test)]
mod tests;
