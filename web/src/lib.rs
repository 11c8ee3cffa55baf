//! Pages: server rendered and hydrated.
