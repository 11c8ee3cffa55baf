//! What has come of an input and was not shown yet: bounded, and asked by the frame loop and the
//! mixer for what is due. Nothing here waits.

use super::playhead::{Playhead, Track};
use crate::sound::{Feed, Frame, RATE};
use rivulet_picture::{Decoded, Planes};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Two seconds of 30 a second; the oldest go.
const MAX_PICTURES: usize = 64;
const MAX_FRAMES: usize = 4 * RATE as usize;
/// Steps in a source's time stamps that are not looked at: 20 ms.
const JITTER: i64 = RATE as i64 / 50;
/// Sound is read at most so much faster or slower, to be where the pictures are.
const MAX_STRETCH: f64 = 0.005;
/// Within so many samples it is.
const NEAR: f64 = 2.0;
/// From so many on it leaps.
const FAR: f64 = RATE as f64 / 50.0;
/// Without anything new for so long, there is no signal.
const NO_SIGNAL: i64 = 5_000_000;

/// I420, BT.709, limited range; rows without gaps.
pub struct Picture {
    pub width: u16,
    pub height: u16,
    pub planes: Vec<u8>,
}

impl Picture {
    /// Nothing for planes that are not as large as they say.
    pub fn decoded(&self) -> Option<Decoded> {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let (y, rest) = self.planes.split_at_checked(width * height)?;
        let (u, v) = rest.split_at_checked(rest.len() / 2)?;
        let rgba = Planes { width, height, y, u, v }.rgba()?;
        Decoded::live(self.width, self.height, rgba).ok()
    }
}

/// What a layer shows from now on.
pub enum Show {
    Picture(Picture),
    NoSignal,
    /// What it showed before.
    Same,
}

/// Samples with their place in the source's time.
#[derive(Default)]
struct Sound {
    frames: VecDeque<Frame>,
    /// Number of the first one, as 48 000 a second count them.
    first: i64,
    /// Where reading goes on.
    next: f64,
}

impl Sound {
    fn push(&mut self, pts: i64, frames: &[Frame]) {
        let at = samples(pts).round() as i64;
        let end = self.first + self.frames.len() as i64;
        match at - end {
            // Steps that small are rounded time stamps: sound has no gaps there.
            gap if gap.abs() <= JITTER && !self.frames.is_empty() => self.frames.extend(frames),
            gap if (0..MAX_FRAMES as i64).contains(&gap) && !self.frames.is_empty() => {
                self.frames.extend(std::iter::repeat_n([0.0; 2], gap as usize));
                self.frames.extend(frames);
            }
            gap if (-(frames.len() as i64)..0).contains(&gap) && !self.frames.is_empty() => {
                self.frames.extend(&frames[-gap as usize..]);
            }
            _ => {
                self.first = at;
                self.frames = frames.iter().copied().collect();
            }
        }
        let over = self.frames.len().saturating_sub(MAX_FRAMES);
        self.frames.drain(..over);
        self.first += over as i64;
    }

    /// The block that begins at `head`. Answers whether there is anything in it.
    fn read(&mut self, head: i64, block: &mut [Frame]) -> bool {
        let wanted = samples(head);
        let off = wanted - self.next;
        let step = match off.abs() {
            ..=NEAR => 1.0,
            ..FAR => 1.0 + (off / block.len() as f64).clamp(-MAX_STRETCH, MAX_STRETCH),
            _ => {
                self.next = wanted;
                1.0
            }
        };
        // At its own speed, samples are passed on as they are.
        self.next = if step == 1.0 { self.next.round() } else { self.next };
        let mut heard = false;
        for (n, frame) in block.iter_mut().enumerate() {
            let at = self.next + n as f64 * step - self.first as f64;
            let (whole, part) = (at.floor(), (at - at.floor()) as f32);
            let sample = |at: f64| if at < 0.0 { None } else { self.frames.get(at as usize).copied() };
            *frame = match (sample(whole), part) {
                (Some(frame), 0.0) => frame,
                (Some(a), part) => {
                    let b = sample(whole + 1.0).unwrap_or(a);
                    std::array::from_fn(|side| a[side] + (b[side] - a[side]) * part)
                }
                (None, _) => [0.0; 2],
            };
            heard |= sample(whole).is_some();
        }
        self.next += block.len() as f64 * step;
        let past = (self.next.floor() as i64 - self.first).clamp(0, self.frames.len() as i64);
        self.frames.drain(..past as usize);
        self.first += past;
        heard
    }
}

fn samples(micros: i64) -> f64 {
    micros as f64 * f64::from(RATE) / 1e6
}

struct Inner {
    head: Playhead,
    pictures: VecDeque<(i64, Picture)>,
    sound: Sound,
    /// When something came last, in scene time.
    newest: Option<i64>,
    /// It is at its end, where it stays.
    ended: bool,
    /// What the layer shows is no picture of the source.
    blank: bool,
    closed: bool,
}

/// Handle; cloning shares it.
#[derive(Clone)]
pub struct Playout {
    inner: Arc<Mutex<Inner>>,
    /// Half the time that one of our pictures is shown: the nearest of the source's is taken.
    half: i64,
}

impl Playout {
    /// For a programme with so many microseconds a picture.
    pub fn new(interval: i64) -> Self {
        let inner = Inner {
            head: Playhead::new(false),
            pictures: VecDeque::new(),
            sound: Sound::default(),
            newest: None,
            ended: false,
            blank: true,
            closed: false,
        };
        Self { inner: Arc::new(Mutex::new(inner)), half: interval / 2 }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another start of the source, whose time begins anew. What it showed stays.
    pub fn restart(&self, live: bool) {
        let mut inner = self.lock();
        (inner.head, inner.ended) = (Playhead::new(live), false);
        (inner.pictures, inner.sound) = (VecDeque::new(), Sound::default());
    }

    /// Answers how many microseconds to wait before the next is read.
    pub fn picture(&self, pts: i64, picture: Picture, now: i64) -> i64 {
        let mut inner = self.lock();
        inner.newest = Some(now);
        let wait = inner.head.arrive(Track::Picture, pts, pts + 2 * self.half, now);
        inner.pictures.push_back((pts, picture));
        if inner.pictures.len() > MAX_PICTURES {
            inner.pictures.pop_front();
        }
        wait
    }

    /// The same for sound.
    pub fn sound(&self, pts: i64, frames: &[Frame], now: i64) -> i64 {
        let mut inner = self.lock();
        inner.newest = Some(now);
        let end = pts + frames.len() as i64 * 1_000_000 / i64::from(RATE);
        let wait = inner.head.arrive(Track::Sound, pts, end, now);
        inner.sound.push(pts, frames);
        wait
    }

    pub fn end(&self) {
        self.lock().ended = true;
    }

    pub fn has_signal(&self, now: i64) -> bool {
        self.lock().newest.is_some_and(|newest| now - newest < NO_SIGNAL)
    }

    /// What is to be seen at a moment of the scene.
    pub fn show(&self, at: i64) -> Show {
        let mut inner = self.lock();
        let due = inner.head.at(at).map(|head| head + self.half);
        let mut newest = None;
        while inner.pictures.front().is_some_and(|(pts, _)| due.is_some_and(|due| *pts <= due)) {
            newest = inner.pictures.pop_front();
        }
        if let Some((_, picture)) = newest {
            inner.blank = false;
            return Show::Picture(picture);
        }
        let lost = inner.newest.is_some_and(|newest| at - newest >= NO_SIGNAL);
        if lost && !inner.ended && !inner.blank {
            inner.blank = true;
            return Show::NoSignal;
        }
        Show::Same
    }
}

impl Feed for Playout {
    fn take(&self, at: i64, block: &mut [Frame]) -> usize {
        let mut inner = self.lock();
        match inner.head.at(at) {
            Some(head) if inner.sound.read(head, block) => block.len(),
            _ => 0,
        }
    }

    fn close(&self) {
        self.lock().closed = true;
    }

    fn is_over(&self) -> bool {
        self.lock().closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::Rate;
    use crate::sound::BLOCK;

    const STEP: i64 = 40_000;

    fn picture(n: i64) -> Picture {
        Picture { width: n as u16, height: 2, planes: Vec::new() }
    }

    /// A sample's value is its number in the source.
    fn sound(pts: i64) -> Vec<Frame> {
        let first = samples(pts).round() as i64;
        (first..first + i64::from(RATE) * STEP / 1_000_000).map(|n| [n as f32, -(n as f32)]).collect()
    }

    /// Hours of a source whose clock is not ours: what is seen and what is heard at a moment are of
    /// one moment, within 20 ms.
    #[test]
    fn picture_and_sound_are_in_step_for_hours() {
        for ppm in [-200i64, 0, 200] {
            let playout = Playout::new(STEP);
            playout.restart(true);
            let (mut sent, mut shown, mut worst, mut silent) = (0, None, 0f64, 0);
            let mut block = [[0f32; 2]; BLOCK];
            for n in 0..(3_600 * 48_000 / BLOCK as u64) {
                let now = Rate::SOUND.micros(n);
                while sent * STEP - sent * STEP * ppm / 1_000_000 <= now {
                    playout.picture(sent * STEP, picture(sent % 60_000), now);
                    playout.sound(sent * STEP, &sound(sent * STEP), now);
                    sent += 1;
                }
                if let Show::Picture(picture) = playout.show(now) {
                    shown = Some((i64::from(picture.width), now));
                }
                let heard = playout.take(now, &mut block) > 0;
                let Some((picture, since)) = shown.filter(|(_, since)| *since == now) else { continue };
                if !heard || now < 3_000_000 {
                    silent += u32::from(now > 3_000_000);
                    continue;
                }
                // Samples above 2^24 are not whole numbers any more, but near enough.
                let sample = f64::from(block[0][0]) / f64::from(RATE);
                let pictures = (sample * 25.0).rem_euclid(60_000.0);
                let off = (pictures - picture as f64 + 30_000.0).rem_euclid(60_000.0) - 30_000.0;
                worst = worst.max((off * 40.0).abs());
                assert!(worst <= 20.5, "{ppm} ppm: {off} pictures apart at {since}");
            }
            assert_eq!(silent, 0);
            assert!(sent > 80_000);
        }
    }

    #[test]
    fn sound_at_its_own_speed_is_passed_on_as_it_is() {
        let mut queue = Sound::default();
        queue.push(0, &sound(0));
        // A time stamp that was rounded to a millisecond is no gap.
        queue.push(STEP + 900, &sound(STEP));
        let mut block = [[0f32; 2]; BLOCK];
        assert!(queue.read(0, &mut block));
        assert!(block.iter().enumerate().all(|(n, frame)| frame[0] == n as f32 && frame[1] == -(n as f32)));
        assert!(queue.read(21_334, &mut block));
        assert!(block.iter().enumerate().all(|(n, frame)| frame[0] == (n + BLOCK) as f32));
    }

    #[test]
    fn gaps_are_silent_and_overlaps_are_heard_once() {
        let mut queue = Sound::default();
        queue.push(0, &sound(0));
        queue.push(2 * STEP, &sound(2 * STEP));
        assert_eq!(queue.frames.len(), 3 * 1_920);
        assert_eq!((queue.frames[1_919][0], queue.frames[1_920][0], queue.frames[3_840][0]), (1_919.0, 0.0, 3_840.0));
        queue.push(3 * STEP - 30_000, &sound(3 * STEP - 30_000));
        assert_eq!(queue.frames.len(), 3 * 1_920 + 480);
        assert_eq!(queue.frames.back().unwrap()[0], (3 * 1_920 + 479) as f32);
        for n in 4..400 {
            queue.push(n * STEP, &sound(n * STEP));
        }
        assert!(queue.frames.len() <= MAX_FRAMES);
    }

    #[test]
    fn the_last_picture_stays_and_then_there_is_no_signal() {
        let playout = Playout::new(STEP);
        playout.restart(true);
        assert!(matches!(playout.show(0), Show::Same), "nothing came yet");
        playout.picture(0, picture(1), 0);
        assert!(matches!(playout.show(300_000), Show::Picture(_)));
        assert!(matches!(playout.show(4_900_000), Show::Same));
        assert!(matches!(playout.show(5_000_000), Show::NoSignal));
        assert!(matches!(playout.show(5_040_000), Show::Same));
        playout.restart(true);
        playout.picture(0, picture(2), 6_000_000);
        assert!(matches!(playout.show(6_300_000), Show::Picture(_)));
        playout.end();
        assert!(matches!(playout.show(60_000_000), Show::Same), "what has ended shows its last picture");
    }

    #[test]
    fn what_nobody_takes_is_bounded() {
        let playout = Playout::new(STEP);
        playout.restart(true);
        for n in 0..1_000 {
            playout.picture(n * STEP, picture(n), n * STEP);
            playout.sound(n * STEP, &sound(n * STEP), n * STEP);
        }
        let inner = playout.lock();
        assert!(inner.pictures.len() <= MAX_PICTURES && inner.sound.frames.len() <= MAX_FRAMES);
    }
}
