//! What leaves for other servers: requests to addresses that people typed in, and mail.

pub mod address;
pub mod http;
pub mod mail;
pub mod push;
