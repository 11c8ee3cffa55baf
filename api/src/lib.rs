//! REST API, sessions, live events.
