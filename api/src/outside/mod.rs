//! What leaves for other servers: mail and push. Requests to addresses that people typed in go by
//! `rivulet_outside`.

pub mod mail;
pub mod push;
