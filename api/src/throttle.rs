//! Guessing passwords is made slow. Attempts are counted for an account from an address, so that a
//! stranger cannot lock its owner out, and for an address over all accounts.

use rivulet_protocol::address::Network;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

const WINDOW_MS: i64 = 15 * 60 * 1000;
const PER_ACCOUNT: usize = 10;
const PER_ADDRESS: usize = 100;
/// Keys remembered; on top of that the one that has been quiet for longest is forgotten.
const MAX_KEYS: usize = 10_000;

/// A sliding window over the attempts of each key.
struct Window<K> {
    attempts: HashMap<K, VecDeque<i64>>,
    limit: usize,
    max_keys: usize,
}

impl<K: Eq + Hash + Clone> Window<K> {
    fn new(limit: usize, max_keys: usize) -> Self {
        Self { attempts: HashMap::new(), limit, max_keys }
    }

    /// Milliseconds until the next attempt is allowed; 0 is now.
    fn wait_ms(&mut self, key: &K, now_ms: i64) -> i64 {
        let Some(times) = self.attempts.get_mut(key) else { return 0 };
        while times.front().is_some_and(|time| time + WINDOW_MS <= now_ms) {
            times.pop_front();
        }
        if times.len() < self.limit { 0 } else { times.front().map_or(0, |time| time + WINDOW_MS - now_ms) }
    }

    fn record(&mut self, key: K, now_ms: i64) {
        if self.attempts.len() >= self.max_keys && !self.attempts.contains_key(&key) {
            self.attempts.retain(|_, times| times.back().is_some_and(|time| time + WINDOW_MS > now_ms));
            if self.attempts.len() >= self.max_keys {
                let quietest = self.attempts.iter().min_by_key(|(_, times)| times.back().copied());
                if let Some(quietest) = quietest.map(|(key, _)| key.clone()) {
                    self.attempts.remove(&quietest);
                }
            }
        }
        self.attempts.entry(key).or_default().push_back(now_ms);
    }
}

struct Windows {
    accounts: Window<(String, Network)>,
    addresses: Window<Network>,
}

/// All that strangers may do only so often.
#[derive(Default)]
pub struct Throttle {
    pub logins: Logins,
    pub sign_ups: Addresses<10>,
    pub forgotten: Addresses<10>,
}

/// So many of something from one address, whatever comes of it.
pub struct Addresses<const LIMIT: usize>(Mutex<Window<Network>>);

impl<const LIMIT: usize> Default for Addresses<LIMIT> {
    fn default() -> Self {
        Self(Mutex::new(Window::new(LIMIT, MAX_KEYS)))
    }
}

impl<const LIMIT: usize> Addresses<LIMIT> {
    /// The error is how many seconds to wait.
    pub fn attempt(&self, from: Network, now_ms: i64) -> Result<(), u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match window.wait_ms(&from, now_ms) {
            0 => {
                window.record(from, now_ms);
                Ok(())
            }
            wait_ms => Err((wait_ms as u64).div_ceil(1000)),
        }
    }
}

pub struct Logins(Mutex<Windows>);

impl Default for Logins {
    fn default() -> Self {
        let accounts = Window::new(PER_ACCOUNT, MAX_KEYS);
        Self(Mutex::new(Windows { accounts, addresses: Window::new(PER_ADDRESS, MAX_KEYS) }))
    }
}

impl Logins {
    /// Counts an attempt before its password is looked at, so that many at once do not slip
    /// through; the error is how many seconds to wait.
    pub fn attempt(&self, account: &str, from: Network, now_ms: i64) -> Result<(), u64> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Windows { accounts, addresses } = &mut *windows;
        let key = (account.to_owned(), from);
        let wait_ms = accounts.wait_ms(&key, now_ms).max(addresses.wait_ms(&from, now_ms));
        if wait_ms > 0 {
            return Err((wait_ms as u64).div_ceil(1000));
        }
        accounts.record(key, now_ms);
        addresses.record(from, now_ms);
        Ok(())
    }

    /// The password was right: only failures count.
    pub fn succeeded(&self, account: &str, from: Network) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.accounts.attempts.remove(&(account.to_owned(), from));
        if let Some(times) = windows.addresses.attempts.get_mut(&from) {
            times.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(n: u8) -> Network {
        Network::of([203, 0, 113, n].into())
    }

    #[test]
    fn ten_failures_in_a_quarter_of_an_hour() {
        let logins = Logins::default();
        for n in 0..10 {
            assert_eq!(logins.attempt("ann", network(1), n * 1000), Ok(()));
        }
        assert_eq!(logins.attempt("ann", network(1), 10_000), Err(890));
        assert_eq!(logins.attempt("ann", network(2), 10_000), Ok(()), "the owner, from another address");
        assert_eq!(logins.attempt("bob", network(1), 10_000), Ok(()), "another account");
        assert_eq!(logins.attempt("ann", network(1), WINDOW_MS), Ok(()), "the first has left the window");
        assert_eq!(logins.attempt("ann", network(1), WINDOW_MS), Err(1));
    }

    #[test]
    fn only_failures_count() {
        let logins = Logins::default();
        for n in 0..1000 {
            assert_eq!(logins.attempt("ann", network(1), n), Ok(()));
            logins.succeeded("ann", network(1));
        }
    }

    #[test]
    fn many_accounts_from_one_address() {
        let logins = Logins::default();
        for n in 0..100 {
            assert_eq!(logins.attempt(&format!("user{n}"), network(1), 0), Ok(()));
        }
        assert!(logins.attempt("another", network(1), 0).is_err());
        assert_eq!(logins.attempt("another", network(2), 0), Ok(()));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut window = Window::new(1, 10);
        for n in 0..100 {
            window.record(n, n);
        }
        assert_eq!(window.attempts.len(), 10);
        assert!(window.wait_ms(&99, 100) > 0, "those forgotten are the oldest");
        window.record(100, 99 + WINDOW_MS);
        assert_eq!(window.attempts.len(), 1, "what has left the window goes first");
    }
}
