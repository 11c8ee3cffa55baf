//! The parts of a page that change by themselves. The server renders each into the page; in the
//! browser the same code takes over that markup, with the same properties, and keeps it current.
//!
//! An island's first render must not depend on anything but its properties, or the two differ. Those
//! of the dashboard are in a bundle of their own (`studio`): a viewer does not load them.

mod directory;
mod now_playing;
#[cfg(any(feature = "ssr", feature = "studio"))]
mod studio;

#[cfg(feature = "ssr")]
pub use {
    directory::{Directory, channel_card, channel_chip},
    now_playing::NowPlaying,
    studio::{CopyField, IngestStatus, StreamKey},
};
