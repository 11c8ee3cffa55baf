//! What a broadcaster sees change.

mod copy_button;
mod ingest_status;
mod stream_key;

#[cfg(feature = "ssr")]
pub use {copy_button::CopyField, ingest_status::IngestStatus, stream_key::StreamKey};
