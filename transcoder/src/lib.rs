//! Source in, renditions out. [`ladder`] and [`planner`] decide, purely; [`supervisor`] runs a
//! worker process for each broadcast and keeps it alive; [`worker`] is that process: libav lives
//! only there, so that no crash in a codec can reach the server.

pub mod bench;
pub mod ladder;
pub mod pipe;
pub mod planner;
mod shed;
mod slate;
mod supervisor;
pub mod worker;

pub use ladder::Ladder;
pub use supervisor::{Config, Deps, Transcoder};
