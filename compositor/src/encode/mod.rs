//! Pictures and sound to H.264 and AAC, by libav. What is encoded here was drawn and mixed by this
//! process: no foreign byte comes near libav.

mod av;
pub mod sound;
pub mod video;

pub use sound::SoundEncoder;
pub use video::{GOP_MS, Preset, VideoEncoder, VideoSettings};

#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("libav: {0}")]
    Av(#[from] ffmpeg_next::Error),
    /// A part of libav that this machine lacks; the text names it.
    #[error("{0}")]
    Missing(&'static str),
    #[error("a picture of {0}x{1} for an encoder of {2}x{3}")]
    Size(usize, usize, u32, u32),
    #[error("no thread for it: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the encoder's configuration cannot be read: {0}")]
    Format(#[from] rivulet_media::FormatError),
}

#[cfg(test)]
mod tests;
