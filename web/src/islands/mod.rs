//! The parts of a page that change by themselves. The server renders each into the page; in the
//! browser the same code takes over that markup, with the same properties, and keeps it current.
//!
//! An island's first render must not depend on anything but its properties, or the two differ.

mod copy_button;
mod directory;
mod ingest_status;
mod now_playing;
mod stream_key;

#[cfg(feature = "ssr")]
pub use {
    copy_button::CopyField, directory::Directory, ingest_status::IngestStatus, now_playing::NowPlaying,
    stream_key::StreamKey,
};
