//! Event streams stay open for hours, so there is a bound on them, in all and from one address.

use crate::refusal::Refusal;
use rivulet_protocol::address::Network;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone)]
pub struct Slots {
    used: Arc<Mutex<Used>>,
    max: usize,
    max_per_address: usize,
}

#[derive(Default)]
struct Used {
    all: usize,
    by_address: HashMap<Network, usize>,
}

/// One open stream; dropping it frees the place.
pub struct Slot {
    used: Arc<Mutex<Used>>,
    from: Network,
}

fn lock(used: &Mutex<Used>) -> MutexGuard<'_, Used> {
    used.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slots {
    pub fn new(max: usize, max_per_address: usize) -> Self {
        Self { used: Arc::default(), max, max_per_address }
    }

    pub fn take(&self, from: Network) -> Result<Slot, Refusal> {
        let mut used = lock(&self.used);
        if used.all >= self.max {
            return Err(Refusal::too_many("server_full", "The server has too many open pages; try again soon.", 30));
        }
        if used.by_address.get(&from).is_some_and(|n| *n >= self.max_per_address) {
            return Err(Refusal::too_many(
                "too_many_streams",
                "Too many open pages from your address; close some.",
                30,
            ));
        }
        used.all += 1;
        *used.by_address.entry(from).or_default() += 1;
        Ok(Slot { used: self.used.clone(), from })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut used = lock(&self.used);
        used.all -= 1;
        if let Some(n) = used.by_address.get_mut(&self.from) {
            *n -= 1;
            if *n == 0 {
                used.by_address.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bounds_in_all_and_for_an_address() {
        let slots = Slots::new(3, 2);
        let from = |n: u8| Network::of([203, 0, 113, n].into());
        let one = slots.take(from(1)).unwrap();
        let _two = slots.take(from(1)).unwrap();
        assert!(slots.take(from(1)).is_err());
        let _three = slots.take(from(2)).unwrap();
        assert!(slots.take(from(3)).is_err());
        drop(one);
        let four = slots.take(from(1)).unwrap();
        drop(four);
        assert_eq!(lock(&slots.used).by_address.len(), 2);
        assert_eq!(lock(&slots.used).all, 2);
    }
}
