//! The bus of one process.

use crate::{Entry, Health, LOG_ENTRIES, SUBSCRIBER_SIGNALS};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, watch};

pub struct Local {
    pub topics: Topics,
    logs: Mutex<HashMap<String, VecDeque<Entry>>>,
    pub health: watch::Sender<Health>,
}

impl Default for Local {
    fn default() -> Self {
        Self { topics: Topics::default(), logs: Mutex::default(), health: watch::Sender::new(Health::Up) }
    }
}

impl Local {
    pub fn record(&self, topic: &str, entries: &[Entry]) {
        let mut logs = lock(&self.logs);
        let log = logs.entry(topic.to_owned()).or_default();
        for entry in entries {
            if log.back().is_none_or(|last| last.at < entry.at) {
                log.push_back(entry.clone());
            }
        }
        let surplus = log.len().saturating_sub(LOG_ENTRIES);
        log.drain(..surplus);
    }

    pub fn log(&self, topic: &str) -> Vec<Entry> {
        lock(&self.logs).get(topic).map(|log| log.iter().cloned().collect()).unwrap_or_default()
    }
}

/// Who in this process listens to what.
#[derive(Default)]
pub struct Topics(Mutex<HashMap<String, broadcast::Sender<Arc<[u8]>>>>);

impl Topics {
    /// And whether it is the first who listens.
    pub fn join(&self, topic: &str) -> (broadcast::Receiver<Arc<[u8]>>, bool) {
        let mut topics = lock(&self.0);
        // Topics that nobody listens to any more go when another comes.
        if !topics.contains_key(topic) && topics.len().is_power_of_two() {
            topics.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = topics.entry(topic.to_owned()).or_insert_with(|| broadcast::Sender::new(SUBSCRIBER_SIGNALS));
        (sender.subscribe(), sender.receiver_count() == 1)
    }

    pub fn deliver(&self, topic: &str, body: Arc<[u8]>) {
        if let Some(sender) = lock(&self.0).get(topic) {
            let _ = sender.send(body);
        }
    }

    /// Those that somebody listens to.
    pub fn names(&self) -> Vec<String> {
        let topics = lock(&self.0);
        topics.iter().filter(|(_, sender)| sender.receiver_count() > 0).map(|(name, _)| name.clone()).collect()
    }

    /// Whether nobody listens to it.
    pub fn is_silent(&self, topic: &str) -> bool {
        lock(&self.0).get(topic).is_none_or(|sender| sender.receiver_count() == 0)
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
