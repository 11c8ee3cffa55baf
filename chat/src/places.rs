//! How many connections there may be.

use crate::Config;
use rivulet_protocol::address::Network;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections in all and by network.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    all: usize,
    by_network: HashMap<Network, usize>,
}

/// Given back when dropped.
pub struct Place {
    taken: Arc<Mutex<Taken>>,
    network: Network,
}

impl Places {
    pub fn take(&self, network: Network, config: &Config) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = taken.by_network.get(&network).copied().unwrap_or(0);
        if taken.all >= config.max_connections || here >= config.max_connections_per_address {
            return None;
        }
        taken.all += 1;
        taken.by_network.insert(network, here + 1);
        Some(Place { taken: self.0.clone(), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(here) = taken.by_network.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                taken.by_network.remove(&self.network);
            }
        }
    }
}
