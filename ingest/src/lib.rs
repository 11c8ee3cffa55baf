//! RTMP listener, stream keys, publishing into the hub.
