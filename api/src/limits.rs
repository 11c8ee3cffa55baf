//! How many requests somebody may send in a minute: a token, a user, or else an address. Told in
//! every answer (`RateLimit`, `RateLimit-Policy`), so that a well-made tool never runs into it.
//! Calls of our own pages do not come through here.

use crate::App;
use crate::now_ms;
use crate::refusal::Refusal;
use crate::request::{Caller, Origin};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rivulet_protocol::address::Network;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const WINDOW_MS: i64 = 60_000;
/// Those counted at once; whoever comes on top is counted with all others who did.
const MAX_KEYS: usize = 50_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// By the user's id: a second token is no second allowance.
    Token(String),
    User(String),
    Address(Network),
    Crowd,
}

struct Count {
    since_ms: i64,
    requests: u32,
}

pub struct Limits {
    a_minute: u32,
    max_keys: usize,
    counts: Mutex<HashMap<Key, Count>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub allowed: bool,
    pub remaining: u32,
    pub reset_s: u64,
}

impl Limits {
    pub fn new(a_minute: u32) -> Self {
        Self { a_minute, max_keys: MAX_KEYS, counts: Mutex::default() }
    }

    /// Counts a request.
    pub fn take(&self, key: Key, now_ms: i64) -> Standing {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |count: &Count| now_ms - count.since_ms >= WINDOW_MS;
        if counts.len() >= self.max_keys && !counts.contains_key(&key) {
            counts.retain(|_, count| !over(count));
        }
        let key = if counts.len() >= self.max_keys && !counts.contains_key(&key) { Key::Crowd } else { key };
        let count = counts.entry(key).or_insert(Count { since_ms: now_ms, requests: 0 });
        if over(count) {
            *count = Count { since_ms: now_ms, requests: 0 };
        }
        let allowed = count.requests < self.a_minute;
        count.requests += u32::from(allowed);
        let reset_s = ((count.since_ms + WINDOW_MS - now_ms).max(0) as u64).div_ceil(1000);
        Standing { allowed, remaining: self.a_minute - count.requests, reset_s }
    }
}

pub async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let key = match Caller::from_request_parts(&mut parts, &app).await {
        Ok(caller) => match caller.known() {
            Some(user) if caller.has_token() => Key::Token(user.id.clone()),
            Some(user) => Key::User(user.id.clone()),
            None => Key::Address(Origin::new(&app, &parts).from),
        },
        // A wrong token: its handler says so, and guessing is counted.
        Err(_) => Key::Address(Origin::new(&app, &parts).from),
    };
    let standing = app.limits.take(key, now_ms());
    let mut response = match standing.allowed {
        true => next.run(Request::from_parts(parts, body)).await,
        false => Refusal::too_many("too_many_requests", "Too many requests; slow down.", standing.reset_s.max(1))
            .into_response(),
    };
    let headers = response.headers_mut();
    let policy = format!("\"default\";q={};w={}", app.limits.a_minute, WINDOW_MS / 1000);
    let state = format!("\"default\";r={};t={}", standing.remaining, standing.reset_s);
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::User(name.into())
    }

    #[test]
    fn so_many_a_minute() {
        let limits = Limits::new(3);
        for (now_ms, allowed, remaining, reset_s) in [
            (0, true, 2, 60),
            (1, true, 1, 60),
            (30_000, true, 0, 30),
            (30_001, false, 0, 30),
            (59_999, false, 0, 1),
            (60_000, true, 2, 60),
        ] {
            assert_eq!(limits.take(key("ann"), now_ms), Standing { allowed, remaining, reset_s }, "at {now_ms}");
        }
        assert!(limits.take(key("bob"), 30_001).allowed, "each has their own");
        assert!(limits.take(Key::Token("ann".into()), 60_000).allowed, "and so has a tool");
    }

    #[test]
    fn the_memory_is_bounded() {
        let limits = Limits { max_keys: 3, ..Limits::new(1) };
        for name in ["a", "b", "c", "d"] {
            assert!(limits.take(key(name), 0).allowed, "{name}");
        }
        assert!(!limits.take(key("e"), 0).allowed, "one of the crowd, as d was");
        assert!(limits.take(key("e"), WINDOW_MS).allowed, "there is room again");
    }
}
