//! Time: of the wall, for what people see, and in seconds since the start, for deadlines.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_millis() as i64)
}

/// Never zero.
pub fn seconds() -> u32 {
    START.elapsed().as_secs().saturating_add(1).try_into().unwrap_or(u32::MAX)
}
