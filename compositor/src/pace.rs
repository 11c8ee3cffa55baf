//! When the next picture or block of sound is due: one clock for both, so that they cannot drift
//! apart. Picture n belongs to `start + n / rate`, whatever happened before; time stamps come of the
//! same counts ([`Rate::ticks`]).
//!
//! The contract: call [`Pace::step`] with the present moment until it answers [`Step::Wait`]. Time
//! is in microseconds of any clock that does not go back.

use rivulet_media::{TICKS_PER_SECOND, Ticks};

const MICROS: i128 = 1_000_000;

/// So many a second, as a fraction: 30000/1001 is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    num: u32,
    den: u32,
}

impl Rate {
    /// Blocks of AAC, 1024 samples at 48 kHz.
    pub const SOUND: Self = Self { num: 48_000, den: 1_024 };

    /// `None` for what is no rate.
    pub const fn new(num: u32, den: u32) -> Option<Self> {
        if num == 0 || den == 0 { None } else { Some(Self { num, den }) }
    }

    pub const fn parts(self) -> (u32, u32) {
        (self.num, self.den)
    }

    pub fn per_second(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Of every so many, one.
    pub const fn divided_by(self, every: u32) -> Self {
        Self { num: self.num, den: self.den.saturating_mul(if every == 0 { 1 } else { every }) }
    }

    /// How many fit into this span, rounded up: at least one.
    pub fn in_millis(self, ms: u32) -> u64 {
        (u64::from(ms) * u64::from(self.num)).div_ceil(1_000 * u64::from(self.den)).max(1)
    }

    /// Microseconds from the start to the `n`th, rounded up: the first moment at which it is due.
    pub fn micros(self, n: u64) -> i64 {
        let num = i128::from(self.num);
        ((i128::from(n) * i128::from(self.den) * MICROS + num - 1) / num) as i64
    }

    /// The same in ticks of the broadcast, rounded down.
    pub fn ticks(self, n: u64) -> Ticks {
        (i128::from(n) * i128::from(self.den) * i128::from(TICKS_PER_SECOND) / i128::from(self.num)) as Ticks
    }

    /// The newest that is due this long after the start.
    fn newest(self, micros: i64) -> u64 {
        (i128::from(micros.max(0)) * i128::from(self.num) / (i128::from(self.den) * MICROS)) as u64
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is due before this moment.
    Wait(i64),
    /// This one is due, and no newer one.
    Make(u64),
    /// Its time is over and a newer one is due: a picture is the one before it again; sound, which
    /// has to be whole, is made.
    Again(u64),
    /// So far behind that these are left out: from the first up to, not including, the second.
    Leave(u64, u64),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Made, but half an interval or more after their time.
    pub late: u64,
    /// Not made: repeated or left out.
    pub dropped: u64,
}

#[derive(Debug)]
pub struct Pace {
    start: i64,
    rate: Rate,
    next: u64,
    /// The most that is made up for; beyond it there is a gap.
    catch_up: u64,
    lateness: Lateness,
}

impl Pace {
    pub fn new(start: i64, rate: Rate, catch_up: u64) -> Self {
        Self { start, rate, next: 0, catch_up, lateness: Lateness::default() }
    }

    pub fn step(&mut self, now: i64) -> Step {
        let due = self.time_of(self.next);
        if now < due {
            return Step::Wait(due);
        }
        let newest = self.rate.newest(now - self.start).max(self.next);
        let behind = newest - self.next;
        if behind > self.catch_up {
            let from = std::mem::replace(&mut self.next, newest);
            self.lateness.dropped += behind;
            return Step::Leave(from, newest);
        }
        self.next += 1;
        if behind > 0 {
            self.lateness.dropped += 1;
            return Step::Again(self.next - 1);
        }
        let interval = self.rate.micros(1);
        if now - due >= interval / 2 {
            self.lateness.late += 1;
        }
        Step::Make(newest)
    }

    /// The moment to which the `n`th belongs.
    pub fn time_of(&self, n: u64) -> i64 {
        self.start + self.rate.micros(n)
    }

    pub fn lateness(&self) -> Lateness {
        self.lateness
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILM: Rate = Rate { num: 30_000, den: 1_001 };
    const THIRTY: Rate = Rate { num: 30, den: 1 };

    #[test]
    fn steps() {
        use Step::*;
        for (what, moments, steps) in [
            ("on time", &[0, 10_000, 33_334, 66_667][..], &[Make(0), Wait(33_334), Make(1), Make(2)][..]),
            ("one missed", &[0, 70_000, 70_000, 70_000], &[Make(0), Again(1), Make(2), Wait(100_000)]),
            ("far behind", &[0, 1_000_000, 1_000_000], &[Make(0), Leave(1, 30), Make(30)]),
            ("the clock stands", &[0, 0, 0], &[Make(0), Wait(33_334), Wait(33_334)]),
            ("before the start", &[-5, 0], &[Wait(0), Make(0)]),
        ] {
            let mut pace = Pace::new(0, THIRTY, 5);
            let seen: Vec<_> = moments.iter().map(|now| pace.step(*now)).collect();
            assert_eq!(seen, steps, "{what}");
        }
    }

    #[test]
    fn what_is_late_and_what_is_dropped() {
        let mut pace = Pace::new(0, THIRTY, 5);
        for now in [0, 33_334 + 16_000, 66_667 + 17_000, 133_334, 133_334] {
            pace.step(now);
        }
        assert_eq!(pace.lateness(), Lateness { late: 1, dropped: 1 });
        pace.step(2_000_000);
        assert_eq!(pace.lateness(), Lateness { late: 1, dropped: 1 + 55 });
    }

    proptest! {
        #[test]
        fn each_is_answered_once_in_order_and_when_due(
            steps in proptest::collection::vec(0i64..200_000, 1..200),
            num in 1u32..240, den in 1u32..4,
        ) {
            let rate = Rate { num, den };
            let mut pace = Pace::new(1_000, rate, 4);
            let (mut now, mut next) = (0, 0);
            for step in steps {
                now += step;
                loop {
                    match pace.step(now) {
                        Step::Wait(until) => {
                            prop_assert!(until > now && until == pace.time_of(next));
                            break;
                        }
                        Step::Make(n) | Step::Again(n) => {
                            prop_assert!(n == next && pace.time_of(n) <= now);
                            next += 1;
                        }
                        Step::Leave(from, to) => {
                            prop_assert!(from == next && to > from + 4 && pace.time_of(to) <= now);
                            next = to;
                        }
                    }
                }
            }
        }
    }

    /// A day of a machine that oversleeps, and now and then stands still for seconds: what is made of
    /// picture and sound up to any moment ends within 20 ms of each other, and of the clock.
    #[test]
    fn a_day_without_drift() {
        let start = 1_790_000_000_000_000;
        let mut video = Pace::new(start, FILM, FILM.in_millis(500));
        let mut sound = Pace::new(start, Rate::SOUND, Rate::SOUND.in_millis(500));
        let (mut pictures, mut blocks) = (0, 0);
        let mut now = start;
        let mut seed = 7u64;
        while now < start + 86_400_000_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            now += match seed >> 33 {
                n if n % 9_973 == 0 => 3_000_000,
                n if n % 101 == 0 => (n % 300_000) as i64,
                n => (n % 12_000) as i64,
            };
            for (pace, made) in [(&mut video, &mut pictures), (&mut sound, &mut blocks)] {
                loop {
                    match pace.step(now) {
                        Step::Wait(_) => break,
                        Step::Make(n) | Step::Again(n) => *made = n,
                        Step::Leave(..) => {}
                    }
                }
            }
            // A block or picture ends where the next begins: the end that lies behind the clock is
            // less than an interval off, so it is beginnings that are compared with the clock.
            let clock = (now - start) * 9 / 100;
            let (seen, heard) = (FILM.ticks(pictures), Rate::SOUND.ticks(blocks));
            assert!((0..=3_004).contains(&(clock - seen)), "picture {pictures}: {}", clock - seen);
            assert!((0..=1_921).contains(&(clock - heard)), "block {blocks}: {}", clock - heard);
            // What is shown at a moment and what is heard at it: a sample's place is exact.
            let sample = heard * 48_000 / TICKS_PER_SECOND;
            let shown = FILM.newest(sample * 1_000 / 48);
            assert!((FILM.ticks(shown) - heard).abs() <= 3_003);
        }
        assert!(pictures > 2_580_000 && blocks > 4_040_000);
    }
}
