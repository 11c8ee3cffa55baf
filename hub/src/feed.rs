//! A bounded log with one writer and any number of readers, each with a cursor of its own. The
//! writer never waits: a reader that falls more than the bound behind is told so and goes on at
//! the oldest item that is still there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

struct Log<T> {
    items: VecDeque<(T, usize)>,
    /// Position of `items[0]`.
    first: u64,
    bytes: usize,
    max_items: usize,
    max_bytes: usize,
}

struct Shared<T> {
    log: Mutex<Log<T>>,
    /// Wakes readers.
    pushed: Notify,
}

/// Handle of the log; cloning shares it.
pub struct Feed<T>(Arc<Shared<T>>);

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A reader was too slow: this many items are lost to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lagged(pub u64);

pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    next: u64,
}

impl<T: Clone> Shared<T> {
    /// The item at `next`, which moves on.
    fn take(&self, next: &mut u64) -> Option<Result<T, Lagged>> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if *next < log.first {
            let lost = log.first - *next;
            *next = log.first;
            return Some(Err(Lagged(lost)));
        }
        let (item, _) = log.items.get((*next - log.first) as usize)?;
        *next += 1;
        Some(Ok(item.clone()))
    }
}

impl<T: Clone> Feed<T> {
    /// At most `max_items` and `max_bytes` (as given to [`Feed::push`]) are kept.
    pub fn new(max_items: usize, max_bytes: usize) -> Self {
        let log = Log { items: VecDeque::new(), first: 0, bytes: 0, max_items, max_bytes };
        Self(Arc::new(Shared { log: Mutex::new(log), pushed: Notify::new() }))
    }

    /// Appends; the oldest items go when a bound is reached. Answers the item's position.
    pub fn push(&self, item: T, bytes: usize) -> u64 {
        let mut log = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.items.push_back((item, bytes));
        log.bytes += bytes;
        while log.items.len() > 1 && (log.items.len() > log.max_items || log.bytes > log.max_bytes) {
            if let Some((_, bytes)) = log.items.pop_front() {
                log.bytes -= bytes;
                log.first += 1;
            }
        }
        let end = log.first + log.items.len() as u64;
        drop(log);
        self.0.pushed.notify_waiters();
        end - 1
    }

    /// A reader that starts with the oldest item that is kept.
    pub fn reader(&self) -> Reader<T> {
        self.reader_from(0).0
    }

    /// A reader that starts at `position`, or at the oldest item kept after it; says whether
    /// `position` was still there.
    pub fn reader_from(&self, position: u64) -> (Reader<T>, bool) {
        let first = self.0.log.lock().unwrap_or_else(PoisonError::into_inner).first;
        let reader = Reader { shared: self.0.clone(), next: position.max(first) };
        (reader, position >= first)
    }
}

impl<T: Clone> Reader<T> {
    /// The next item, waiting for it. Cancel safe. After [`Lagged`] the next call goes on at the
    /// oldest item.
    pub async fn next(&mut self) -> Result<T, Lagged> {
        let Self { shared, next } = self;
        loop {
            // Made before we look, it also wakes us for what is pushed meanwhile.
            let pushed = shared.pushed.notified();
            if let Some(answer) = shared.take(next) {
                return answer;
            }
            pushed.await;
        }
    }

    /// The next item if it is there.
    pub fn try_next(&mut self) -> Option<Result<T, Lagged>> {
        self.shared.take(&mut self.next)
    }

    /// Position of the item that comes next.
    pub fn position(&self) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readers_are_independent_and_late_ones_get_what_is_kept() {
        let feed = Feed::new(3, 1000);
        let mut early = feed.reader();
        for n in 0..3 {
            feed.push(n, 1);
        }
        assert_eq!(early.next().await, Ok(0));
        feed.push(3, 1);
        feed.push(4, 1);
        assert_eq!(early.next().await, Err(Lagged(1)));
        assert_eq!(early.next().await, Ok(2));
        let mut late = feed.reader();
        assert_eq!(late.next().await, Ok(2));
        let (mut from, there) = feed.reader_from(4);
        assert!(there);
        assert_eq!(from.next().await, Ok(4));
        assert!(!feed.reader_from(1).1);
    }

    #[tokio::test]
    async fn bytes_are_bounded_but_the_newest_item_stays() {
        let feed = Feed::new(100, 10);
        feed.push("a", 4);
        feed.push("b", 20);
        assert_eq!(feed.reader().next().await, Ok("b"));
    }

    #[tokio::test]
    async fn a_waiting_reader_wakes() {
        let feed = Feed::new(8, 8);
        let mut reader = feed.reader();
        let waiting = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        feed.push(7, 1);
        assert_eq!(waiting.await.ok(), Some(Ok(7)));
    }
}
