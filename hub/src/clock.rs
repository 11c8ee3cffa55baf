//! The time as this process keeps it. It runs evenly: when somebody sets the system's clock, what
//! is on air, signed addresses, sessions and leases notice nothing, until [`settle`].

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// What it was when the process began, as far as is known.
static START_MS: LazyLock<AtomicI64> = LazyLock::new(|| AtomicI64::new(system_ms() - elapsed_ms()));

fn elapsed_ms() -> i64 {
    START.elapsed().as_millis() as i64
}

/// Milliseconds of Unix time.
pub fn now_ms() -> i64 {
    START_MS.load(Relaxed) + elapsed_ms()
}

/// The same as the system has it: for what is compared with other clocks, such as codes of
/// authenticators.
pub fn system_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// How far the system's clock was set forward (or back) since.
pub fn behind_ms() -> i64 {
    system_ms() - now_ms()
}

/// Takes the system's time over. Where something is on air, its listed times would jump.
pub fn settle() {
    START_MS.store(system_ms() - elapsed_ms(), Relaxed);
}
