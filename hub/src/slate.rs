//! What is shown while nothing comes from an encoder.

use rivulet_media::{Packet, Ticks, VideoFormat};

/// A short film of one key frame and what follows it, to be shown over and over: made by the
/// transcoder, sent by ingest as if it came from the encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slate {
    pub format: VideoFormat,
    /// From zero on.
    pub pictures: Vec<Packet>,
    pub length: Ticks,
}
