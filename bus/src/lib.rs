//! Signals between the processes of an instance: in this process, or through Redis. A signal is a
//! hint, never a fact: whoever missed one finds out from the store, or from a log. A log keeps the
//! newest entries of one topic under rising positions, so that a reader who was away can read on
//! exactly where it stopped, or learns that it cannot.

mod local;
mod redis;

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, watch};

/// Entries that a log keeps at least.
pub const LOG_ENTRIES: usize = 1000;
/// Signals that a subscriber may be behind before it loses some.
const SUBSCRIBER_SIGNALS: usize = 1024;
/// What a request to Redis may take.
const REQUEST_WITHIN: Duration = Duration::from_secs(1);

/// Of an entry: an epoch, and a number in it. Both begin at 1.
pub type Position = (u64, u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Position,
    pub body: Arc<[u8]>,
}

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("the address of Redis is not understood: write redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT")]
    Address,
    #[error("Redis does not answer; check that it runs there, or change --redis-url: {0}")]
    Open(String),
    #[error("Redis cannot be reached")]
    Down,
}

/// How it is with the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Up,
    Down { since: Instant },
}

/// Cloning shares it.
#[derive(Clone)]
pub struct Bus(Inner);

#[derive(Clone)]
enum Inner {
    Local(Arc<local::Local>),
    Redis(Arc<redis::Redis>),
}

/// Signals of one topic, from the moment of subscribing.
pub struct Subscription(broadcast::Receiver<Arc<[u8]>>);

/// Some signals were lost: look at the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

impl Subscription {
    /// Waits for ever once the bus is gone.
    pub async fn next(&mut self) -> Result<Arc<[u8]>, Lost> {
        match self.0.recv().await {
            Ok(body) => Ok(body),
            Err(broadcast::error::RecvError::Lagged(_)) => Err(Lost),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Bus {
    /// For everything in this process.
    pub fn local() -> Self {
        Self(Inner::Local(Arc::default()))
    }

    /// Connects to Redis, which has to be there at the start.
    pub async fn redis(url: &str) -> Result<Self, BusError> {
        Ok(Self(Inner::Redis(redis::Redis::open(url).await?)))
    }

    /// Whether other processes may be listening.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Inner::Redis(_))
    }

    pub fn health(&self) -> watch::Receiver<Health> {
        match &self.0 {
            Inner::Local(local) => local.health.subscribe(),
            Inner::Redis(redis) => redis.health.subscribe(),
        }
    }

    pub fn is_up(&self) -> bool {
        matches!(*self.health().borrow(), Health::Up)
    }

    /// What comes on a topic from now on. Ends with the subscription's drop.
    pub async fn subscribe(&self, topic: &str) -> Subscription {
        match &self.0 {
            Inner::Local(local) => Subscription(local.topics.join(topic).0),
            Inner::Redis(redis) => Subscription(redis.subscribe(topic).await),
        }
    }

    /// To all who listen at this moment, this process included.
    pub async fn publish(&self, topic: &str, body: &[u8]) -> Result<(), BusError> {
        match &self.0 {
            Inner::Local(local) => {
                local.topics.deliver(topic, body.into());
                Ok(())
            }
            Inner::Redis(redis) => redis.publish(topic, body).await,
        }
    }

    /// Puts entries at the end of the topic's log and then publishes `body`. An entry that is not
    /// newer than the last is there already, and left out.
    pub async fn record(&self, topic: &str, entries: &[Entry], body: &[u8]) -> Result<(), BusError> {
        match &self.0 {
            Inner::Local(local) => {
                local.record(topic, entries);
                local.topics.deliver(topic, body.into());
                Ok(())
            }
            Inner::Redis(redis) => redis.record(topic, entries, body).await,
        }
    }

    /// The newest entries of the topic's log, the oldest first.
    pub async fn log(&self, topic: &str) -> Result<Vec<Entry>, BusError> {
        match &self.0 {
            Inner::Local(local) => Ok(local.log(topic)),
            Inner::Redis(redis) => redis.log(topic).await,
        }
    }
}

#[cfg(test)]
mod tests;
