//! What to give up when the machine cannot keep up: a pure rule. The source rung is never given
//! up; of the others the largest goes first, since it costs most and those who watch it have the
//! bandwidth for the source; the smallest, which serves the weakest networks, goes last.

use std::time::{Duration, Instant};

/// The worker is late when it is this much behind its source,
const LATE: Duration = Duration::from_millis(2_500);
/// and does not gain on it by this much a second,
const GAINS: Duration = Duration::from_millis(200);
/// for this long,
const LATE_FOR: Duration = Duration::from_secs(4);
/// and keeps up when it is no more than this behind,
const IN_TIME: Duration = Duration::from_millis(600);
/// for this long; then one rung is tried again. Doubles with each time that was in vain.
const IN_TIME_FOR: Duration = Duration::from_secs(60);
const MAX_DOUBLINGS: u32 = 5;

#[derive(Debug, Default)]
pub struct Shedder {
    /// How many rungs are given up, from the largest.
    count: usize,
    late_since: Option<Instant>,
    in_time_since: Option<Instant>,
    in_vain: u32,
    last_lag: Duration,
}

impl Shedder {
    /// Called once a second. `lag`: how far the worker is behind; `None` while it does not run or has just begun.
    /// `rungs`: how many could be given up. Answers how many are.
    pub fn tick(&mut self, now: Instant, lag: Option<Duration>, rungs: usize) -> usize {
        let since = |held: &mut Option<Instant>, holds: bool| match (holds, *held) {
            (true, since) => now - *held.insert(since.unwrap_or(now)),
            (false, _) => {
                *held = None;
                Duration::ZERO
            }
        };
        let gains = lag.is_some_and(|lag| lag + GAINS < self.last_lag);
        self.last_lag = lag.unwrap_or_default();
        let late = since(&mut self.late_since, lag.is_some_and(|lag| lag > LATE) && !gains);
        let in_time = since(&mut self.in_time_since, lag.is_none_or(|lag| lag < IN_TIME));
        if late >= LATE_FOR && self.count < rungs {
            self.count += 1;
            self.in_vain = (self.in_vain + 1).min(MAX_DOUBLINGS);
            self.late_since = None;
        } else if self.count > 0 && in_time >= IN_TIME_FOR * 2u32.pow(self.in_vain.saturating_sub(1)) {
            self.count -= 1;
            self.in_time_since = None;
        }
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_go_one_by_one_and_are_tried_again() {
        let (start, mut shedder) = (Instant::now(), Shedder::default());
        let mut second = 0;
        let mut run = |seconds: u64, lag_ms: u64| {
            let mut count = 0;
            for _ in 0..seconds {
                second += 1;
                count = shedder.tick(start + Duration::from_secs(second), Some(Duration::from_millis(lag_ms)), 2);
            }
            count
        };
        assert_eq!(run(100, 300), 0);
        assert_eq!(run(4, 5_000), 0, "a moment is not a shortage");
        assert_eq!(run(1, 5_000), 1);
        assert_eq!(run(5, 5_000), 2);
        assert_eq!(run(100, 5_000), 2, "there is nothing more to give up");
        assert_eq!(run(119, 100), 2);
        assert_eq!(run(2, 100), 1, "one at a time");
        assert_eq!(run(6, 5_000), 2);
        assert_eq!(run(200, 100), 2, "what was in vain is tried later");
        assert_eq!(run(100, 100), 1);
    }

    #[test]
    fn who_catches_up_is_left_alone() {
        let (start, mut shedder) = (Instant::now(), Shedder::default());
        for second in 0..20 {
            let lag = Duration::from_millis(30_000 - second * 1_000);
            assert_eq!(shedder.tick(start + Duration::from_secs(second), Some(lag), 2), 0);
        }
    }

    #[test]
    fn nothing_to_do_is_in_time() {
        let (now, mut shedder) = (Instant::now(), Shedder::default());
        assert_eq!(shedder.tick(now, None, 3), 0);
        assert_eq!(shedder.tick(now + Duration::from_secs(1_000), None, 3), 0);
    }
}
