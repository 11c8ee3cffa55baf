//! One time for all that an input sends: from 0, in microseconds, without leaps. Sources leap where
//! an encoder begins anew, a playlist has a discontinuity, or a file is played again.

/// As far as time stamps may lie apart from the newest without being a leap.
const BACK: i64 = 3_000_000;
const AHEAD: i64 = 10_000_000;

#[derive(Debug, Default)]
pub struct Timeline {
    /// What is added to time stamps, and what was before the newest leap: picture and sound do not
    /// leap at once.
    shift: Option<i64>,
    before: Option<i64>,
    /// Where what came so far ends.
    end: i64,
}

impl Timeline {
    /// The moment of what has this time stamp and lasts so long.
    pub fn place(&mut self, stamp: i64, lasts: i64) -> i64 {
        let fits = |shift: &i64| (-BACK..=AHEAD).contains(&(stamp.saturating_add(*shift) - self.end));
        let shift = self.shift.filter(fits).or(self.before.filter(fits)).unwrap_or_else(|| {
            let shift = self.end - stamp;
            (self.before, self.shift) = (self.shift, Some(shift));
            shift
        });
        let at = stamp + shift;
        self.end = self.end.max(at + lasts);
        at
    }

    /// From here on stamps begin again, at this one.
    pub fn begin_again(&mut self, stamp: i64) {
        (self.shift, self.before) = (Some(self.end - stamp), None);
    }

    pub fn end(&self) -> i64 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaps() {
        const S: i64 = 1_000_000;
        for (what, stamps, places) in [
            ("from the first", &[7 * S, 8 * S][..], &[0, S][..]),
            ("small steps stay", &[0, 2 * S, S, 5 * S], &[0, 2 * S, S, 5 * S]),
            ("backwards", &[100 * S, 101 * S, 0, S], &[0, S, 2 * S, 3 * S]),
            ("far ahead", &[0, 60 * S, 61 * S], &[0, S, 2 * S]),
            // Each track leaps when it comes to it, and they are still in step.
            ("two tracks", &[50 * S, 50 * S, 0, 51 * S, 0, S, S], &[0, 0, S, S, S, 2 * S, 2 * S]),
        ] {
            let mut timeline = Timeline::default();
            let placed: Vec<i64> = stamps.iter().map(|stamp| timeline.place(*stamp, S)).collect();
            assert_eq!(placed, places, "{what}");
        }
    }

    #[test]
    fn a_file_that_is_played_again() {
        let mut timeline = Timeline::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.extend([0, 40_000, 80_000].map(|stamp| timeline.place(stamp, 40_000)));
            timeline.begin_again(0);
        }
        assert!(seen.iter().enumerate().all(|(n, at)| *at == n as i64 * 40_000), "{seen:?}");
    }
}
