//! A bounded queue of sound between one writer and the mixer. The mixer never waits. A writer that
//! can wait, as a file's, is held back by the bound; one that cannot, as a microphone's, loses the
//! oldest, so that what is heard is never older than the bound.

use super::{Feed, Frame, frames_in};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

const BOUND: usize = frames_in(500) as usize;

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    /// Nobody listens any more, or nothing more comes.
    closed: bool,
}

/// Handle of the queue; cloning shares it.
#[derive(Clone, Default)]
pub struct Line(Arc<(Mutex<Queue>, Condvar)>);

impl Line {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends; the oldest go when there are more than half a second. Answers how many went.
    pub fn push(&self, frames: &[Frame]) -> usize {
        let mut queue = self.lock();
        queue.frames.extend(frames);
        let over = queue.frames.len().saturating_sub(BOUND);
        queue.frames.drain(..over);
        over
    }

    /// Appends all, waiting for room. False: the line is closed.
    pub fn push_all(&self, mut frames: &[Frame]) -> bool {
        let mut queue = self.lock();
        while !queue.closed {
            let (now, later) = frames.split_at(frames.len().min(BOUND - queue.frames.len().min(BOUND)));
            queue.frames.extend(now);
            frames = later;
            if frames.is_empty() {
                return true;
            }
            queue = self.0.1.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        false
    }
}

impl Feed for Line {
    /// Nothing more comes in; what is there is still heard.
    fn close(&self) {
        self.lock().closed = true;
        self.0.1.notify_all();
    }

    fn is_over(&self) -> bool {
        let queue = self.lock();
        queue.closed && queue.frames.is_empty()
    }

    fn take(&self, _at: i64, block: &mut [Frame]) -> usize {
        let mut queue = self.lock();
        let taken = block.len().min(queue.frames.len());
        for (to, from) in block.iter_mut().zip(queue.frames.drain(..taken)) {
            *to = from;
        }
        self.0.1.notify_all();
        taken
    }
}
