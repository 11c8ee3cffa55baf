//! Segments, playlists, HLS over HTTP, recordings to the blob store.
