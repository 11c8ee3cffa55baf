//! Which moment of an input is shown and heard at a moment of the scene: one answer for its pictures
//! and its sound, so that they stay in step whatever the line does. What comes is shown [`BUFFER`]
//! later; a source whose clock is not ours is played a little slower or faster, so little that
//! nobody hears it; one that stood still, or is far ahead, is followed at once.
//!
//! The contract: [`Playhead::arrive`] for all that comes, in the order in which it comes, and it
//! answers how long to wait before the next is read; [`Playhead::at`] for each picture and block
//! that is due. Time is in microseconds of scene time and of the source's own.

/// Between coming and being shown: what the line may jitter, and picture and sound lie apart.
pub const BUFFER: i64 = 300_000;
/// A source that can wait is read this far ahead.
const AHEAD: i64 = 800_000;
/// The same where one of its two tracks is far behind the other.
const MOST_AHEAD: i64 = 2_000_000;
/// A source that cannot wait, and is this far ahead, is followed.
const TOO_FAR: i64 = 1_000_000;
/// Between these it is played at its own speed.
const SLOWER_BELOW: i64 = 100_000;
const FASTER_ABOVE: i64 = 500_000;
/// What comes this much too late, and later, is worth a break.
const LATE: i64 = 20_000;
const WINDOW: i64 = 2_000_000;
/// In millionths; clocks are a tenth of it apart.
const SLEW: i64 = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    Picture,
    Sound,
}

#[derive(Debug)]
pub struct Playhead {
    /// It cannot wait: what is not read is lost, or makes it late.
    live: bool,
    /// A moment of the scene, and that of the source.
    anchor: Option<(i64, i64)>,
    /// Millionths that it is faster than the scene.
    slew: i64,
    newest: [Option<i64>; 2],
    window: i64,
    least: i64,
    held: bool,
}

impl Playhead {
    pub fn new(live: bool) -> Self {
        Self { live, anchor: None, slew: 0, newest: [None; 2], window: 0, least: i64::MAX, held: false }
    }

    /// The moment of the source; none before anything came.
    pub fn at(&self, now: i64) -> Option<i64> {
        let (scene, source) = self.anchor?;
        let passed = now - scene;
        Some(source + passed + passed * self.slew / 1_000_000)
    }

    /// Something of the source's moment `pts`, which ends at `end`, has come. Answers how long the
    /// source is to be left alone.
    pub fn arrive(&mut self, track: Track, pts: i64, end: i64, now: i64) -> i64 {
        let Some(head) = self.at(now) else {
            (self.anchor, self.window) = (Some((now, pts - BUFFER)), now + WINDOW);
            self.newest[track as usize] = Some(end);
            return 0;
        };
        self.newest[track as usize] = Some(end);
        let lead = pts - head;
        if lead < -LATE && !self.held {
            return self.follow(lead, now);
        }
        self.least = self.least.min(lead);
        if now >= self.window {
            let (least, held) = (self.least, self.held);
            (self.window, self.least, self.held) = (now + WINDOW, i64::MAX, false);
            if self.live && least > TOO_FAR {
                return self.follow(least, now);
            }
            let slew = match least {
                ..SLOWER_BELOW if !held => -SLEW,
                FASTER_ABOVE.. if self.live => SLEW,
                // Once on its way, up to the middle.
                ..BUFFER if self.slew < 0 && !held => -SLEW,
                BUFFER.. if self.slew > 0 => SLEW,
                _ => 0,
            };
            (self.anchor, self.slew) = (Some((now, head)), slew);
        }
        self.wait(head)
    }

    /// Makes a lead that of the buffer.
    fn follow(&mut self, lead: i64, now: i64) -> i64 {
        let head = self.at(now).unwrap_or(0) + lead - BUFFER;
        (self.anchor, self.slew) = (Some((now, head)), 0);
        (self.window, self.least) = (now + WINDOW, i64::MAX);
        0
    }

    fn wait(&mut self, head: i64) -> i64 {
        let leads = || self.newest.iter().flatten().map(|newest| newest - head);
        if self.live {
            return 0;
        }
        let least = leads().min().unwrap_or(0) - AHEAD;
        let wait = least.max(leads().max().unwrap_or(0) - MOST_AHEAD).max(0);
        self.held |= wait > 0;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::Track::{Picture, Sound};
    use super::*;
    use proptest::prelude::*;

    const FRAME: i64 = 40_000;

    /// Sends `seconds` of a source whose clock runs `ppm` too fast, each picture with its sound,
    /// each as much too late as `late` says. Answers by how much what was shown last was ahead.
    fn play(head: &mut Playhead, from: i64, seconds: i64, ppm: i64, late: impl Fn(i64) -> i64) -> Vec<i64> {
        let mut leads = Vec::new();
        let mut now = from;
        for n in 0..seconds * 25 {
            let pts = n * FRAME;
            let sent = from + pts - pts * ppm / 1_000_000;
            now = now.max(sent + late(n));
            head.arrive(Picture, pts, pts + FRAME, now);
            head.arrive(Sound, pts, pts + FRAME, now);
            leads.push(pts - head.at(now).unwrap());
        }
        leads
    }

    #[test]
    fn hours_of_a_clock_that_is_not_ours() {
        for ppm in [-300, -100, 0, 100, 300] {
            let mut head = Playhead::new(true);
            let leads = play(&mut head, 7_000_000, 3 * 3_600, ppm, |n| (n * 7_919 % 80) * 1_000);
            // The buffer neither runs dry nor grows, and nothing is ever skipped.
            let (least, most) = (leads.iter().min().unwrap(), leads.iter().max().unwrap());
            assert!(*least > 0 && *most < 700_000, "{ppm} ppm: {least} to {most}");
            let broken = leads.windows(2).filter(|pair| (pair[1] - pair[0]).abs() > 100_000).count();
            assert_eq!(broken, 0, "{ppm} ppm");
        }
    }

    #[test]
    fn what_stood_still_is_followed_again() {
        let mut head = Playhead::new(true);
        play(&mut head, 0, 10, 0, |_| 0);
        assert_eq!(head.at(10_000_000), Some(10_000_000 - BUFFER));
        // Five seconds of nothing, and then it goes on where it was.
        head.arrive(Picture, 10_000_000, 10_040_000, 15_000_000);
        assert_eq!(head.at(15_000_000), Some(10_000_000 - BUFFER));
    }

    #[test]
    fn a_live_source_that_sends_all_that_it_kept_is_not_late_for_ever() {
        let mut head = Playhead::new(true);
        for n in 0..100 {
            head.arrive(Picture, n * FRAME, n * FRAME + FRAME, 0);
        }
        for n in 100..400 {
            head.arrive(Picture, n * FRAME, n * FRAME + FRAME, (n - 100) * FRAME);
        }
        let lead = 400 * FRAME - head.at(300 * FRAME).unwrap();
        assert!((BUFFER - FRAME..=BUFFER + 2 * FRAME).contains(&lead), "{lead}");
    }

    #[test]
    fn a_file_is_read_no_further_ahead_than_it_has_to_be() {
        let mut head = Playhead::new(false);
        let (mut now, mut most) = (0, 0);
        for n in 0..25 * 600 {
            let pts = n * FRAME;
            now += head.arrive(Picture, pts, pts + FRAME, now);
            now += head.arrive(Sound, pts, pts + FRAME, now);
            most = most.max(pts + FRAME - head.at(now).unwrap());
        }
        assert!(most <= AHEAD + FRAME, "{most}");
        // At its own speed, exactly.
        assert_eq!(head.at(now), Some(now - BUFFER));
    }

    #[test]
    fn tracks_that_lie_apart_are_both_shown() {
        for live in [true, false] {
            let mut head = Playhead::new(live);
            let mut now = 0;
            for n in 0..25 * 60 {
                let pts = n * FRAME;
                now = if live { now.max(pts) } else { now };
                now += head.arrive(Picture, pts, pts + FRAME, now);
                let sound = pts - 600_000;
                if sound >= 0 {
                    now += head.arrive(Sound, sound, sound + FRAME, now);
                    let lead = sound - head.at(now).unwrap();
                    assert!(n < 200 || lead >= -FRAME, "live {live}: picture {n}, sound {lead}");
                }
            }
        }
    }

    proptest! {
        /// Whatever comes, time does not run backwards but for a break, and waits are short.
        #[test]
        fn it_never_waits_long(steps in proptest::collection::vec((0i64..3_000_000, 0i64..400_000, any::<bool>()), 1..200), live: bool) {
            let mut head = Playhead::new(live);
            let mut now = 0;
            for (pts, passed, sound) in steps {
                now += passed;
                let wait = head.arrive(if sound { Sound } else { Picture }, pts, pts + FRAME, now);
                prop_assert!((0..=4_000_000).contains(&wait));
                prop_assert!(!live || wait == 0);
            }
        }
    }
}
