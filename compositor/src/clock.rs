//! Scene time: microseconds of Unix time, which never go back while this process runs. Set once from
//! the machine's clock, whose later corrections are followed only as far as they are gradual.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    at: i64,
}

impl Clock {
    pub fn start() -> Self {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
        Self { began: Instant::now(), at }
    }

    pub fn now(&self) -> i64 {
        self.at + self.began.elapsed().as_micros() as i64
    }

    pub fn now_ms(&self) -> i64 {
        self.now() / 1_000
    }

    /// How long it is until then.
    pub fn until(&self, at: i64) -> Duration {
        Duration::from_micros((at - self.now()).max(0) as u64)
    }
}
