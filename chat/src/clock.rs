//! Time: of the wall, for what people see, and in seconds since the start, for deadlines.

use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub use rivulet_hub::clock::now_ms;

/// Never zero.
pub fn seconds() -> u32 {
    START.elapsed().as_secs().saturating_add(1).try_into().unwrap_or(u32::MAX)
}
