//! Which process writes a broadcast, where several share a database: one at a time, and the one that
//! the encoder comes to. A writer says every two seconds that it is there; who has been silent for
//! ten has lost its broadcasts, and stops as soon as it learns of it. While the database is away
//! nobody can claim anything, so that whoever is on air goes on.
//!
//! Processes compare times, so that their clocks have to agree within a few seconds.

use rivulet_hub::clock::now_ms;
use rivulet_store::{Broadcast, BroadcastLease, Renewal, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tracing::warn;

const LEASE_MS: i64 = 10_000;
const RENEW: Duration = Duration::from_secs(2);
/// For one answer of the database.
const WITHIN: Duration = Duration::from_secs(2);
/// An encoder waits for so long until another process has let go of its broadcast.
const TAKE_OVER: Duration = Duration::from_secs(15);
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Another process does not let go of a broadcast.
#[derive(Debug, thiserror::Error)]
#[error("this channel is on air through another server, which does not let go of it; try again in a moment")]
pub struct Elsewhere;

#[derive(Clone)]
pub struct Leases {
    store: Store,
    node: Arc<str>,
}

impl Leases {
    /// `node`: this process, and the one after it on the same data.
    pub fn new(store: Store, node: Arc<str>) -> Self {
        Self { store, node }
    }

    /// From now on.
    pub fn lease(&self) -> BroadcastLease {
        BroadcastLease { writer: self.node.clone(), until_ms: now_ms() + LEASE_MS }
    }

    /// What is open and written by nobody; at the start of a process, also what the one before it on the
    /// same data has written.
    pub async fn left(&self, at_start: bool) -> Result<Vec<Broadcast>, StoreError> {
        self.store.open_broadcasts(if at_start { &self.node } else { "" }, now_ms()).await
    }

    pub async fn claim(&self, id: &str) -> Result<bool, StoreError> {
        self.store.claim_broadcast(id, &self.lease(), now_ms()).await
    }

    /// What another process has on air of the channel: it is ours once this answers.
    pub async fn take_over(&self, channel_id: &str) -> Result<Option<Broadcast>, Elsewhere> {
        let taken = async {
            let Some(open) = self.store.open_elsewhere(channel_id, &self.node).await? else { return Ok(None) };
            while !self.claim(&open.id).await? {
                if !self.store.want_broadcast(&open.id, &self.node).await? {
                    return Ok(None);
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Ok::<_, StoreError>(Some(open))
        };
        match timeout(TAKE_OVER, taken).await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(error)) => {
                // A known key opens its channel all the same.
                warn!(%error, "cannot ask whether another server has this channel on air");
                Ok(None)
            }
            Err(_) => Err(Elsewhere),
        }
    }

    /// Says that the broadcast is written here until another process has it or wants it.
    pub async fn hold(self, id: String) {
        loop {
            tokio::time::sleep(RENEW).await;
            match timeout(WITHIN, self.store.renew_broadcast(&id, &self.lease())).await {
                Ok(Ok(Renewal::Wanted | Renewal::Lost)) => return,
                Ok(Ok(Renewal::Kept | Renewal::Unknown)) | Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    /// Lets it go, to whoever wants it.
    pub async fn release(&self, id: &str) {
        let released = timeout(WITHIN, self.store.release_broadcast(id, &self.lease())).await;
        if !matches!(released, Ok(Ok(()))) {
            warn!(broadcast = id, "the database is away; others have to wait until this broadcast's lease is over");
        }
    }
}
