//! What outlives the process: documents by name, in Redis or in the store. A writer of its own task:
//! whoever changes something says which document it is, and the newest body of it is written once,
//! however often it was changed meanwhile. The frame loop never waits for it; a client does, for a
//! bounded time, so that what it was told is there after a crash.

use redis::AsyncCommands;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use rivulet_store::Store;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tracing::warn;

/// One hash with a field for each document.
const REDIS_KEY: &str = "rivulet:compositor";
/// A client is answered after this time even if nothing could be written: the show goes on.
const WAIT_FOR_WRITE: Duration = Duration::from_secs(2);
const TRY_AGAIN: Duration = Duration::from_secs(1);
const REDIS_WITHIN: Duration = Duration::from_secs(2);

/// Where documents are kept.
#[derive(Clone)]
pub enum Shelf {
    Store(Store),
    Redis(ConnectionManager),
}

impl Shelf {
    pub async fn redis(url: &str) -> anyhow::Result<Self> {
        let client = redis::Client::open(url).map_err(|_| anyhow::anyhow!("this is not the URL of a Redis"))?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(REDIS_WITHIN))
            .set_connection_timeout(Some(REDIS_WITHIN));
        Ok(Self::Redis(ConnectionManager::new_with_config(client, config).await?))
    }

    pub async fn all(&self) -> anyhow::Result<BTreeMap<String, String>> {
        Ok(match self {
            Self::Store(store) => store.compositor_documents().await?.into_iter().collect(),
            Self::Redis(redis) => redis.clone().hgetall(REDIS_KEY).await?,
        })
    }

    async fn write(&self, name: &str, body: Option<&str>, now_ms: i64) -> anyhow::Result<()> {
        match (self, body) {
            (Self::Store(store), body) => store.keep_compositor_document(name, body, now_ms).await?,
            (Self::Redis(redis), Some(body)) => redis.clone().hset(REDIS_KEY, name, body).await?,
            (Self::Redis(redis), None) => redis.clone().hdel(REDIS_KEY, name).await?,
        }
        Ok(())
    }
}

/// The newest bodies that are not written yet; `None` is a document that is to go.
#[derive(Default)]
struct Desk {
    waiting: BTreeMap<String, Option<String>>,
    /// Counts changes, so that one can be waited for.
    changes: u64,
}

pub struct Keeper {
    desk: Mutex<Desk>,
    changed: Notify,
    written: watch::Sender<u64>,
}

impl Keeper {
    /// Starts the writer, which goes on until `Keeper` is dropped by all others.
    pub fn spawn(shelf: Shelf, now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Arc<Self> {
        let keeper = Arc::new(Self { desk: Mutex::default(), changed: Notify::new(), written: watch::Sender::new(0) });
        let weak = Arc::downgrade(&keeper);
        tokio::spawn(async move {
            while let Some(keeper) = weak.upgrade() {
                let changed = keeper.changed.notified();
                if !keeper.write_all(&shelf, now_ms()).await {
                    tokio::time::sleep(TRY_AGAIN).await;
                } else {
                    let _ = tokio::time::timeout(TRY_AGAIN, changed).await;
                }
            }
        });
        keeper
    }

    /// The newest body of a document. Written soon.
    pub fn put(&self, name: &str, body: Option<String>) {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.waiting.insert(name.to_owned(), body);
        desk.changes += 1;
        drop(desk);
        self.changed.notify_one();
    }

    /// Returns once all that was put before is written, or cannot be for now.
    pub async fn flush(&self) {
        let changes = self.desk.lock().unwrap_or_else(PoisonError::into_inner).changes;
        let mut written = self.written.subscribe();
        let _ = tokio::time::timeout(WAIT_FOR_WRITE, written.wait_for(|written| *written >= changes)).await;
    }

    /// False: something could not be written, and waits on.
    async fn write_all(&self, shelf: &Shelf, now_ms: i64) -> bool {
        let (waiting, changes) = {
            let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
            (std::mem::take(&mut desk.waiting), desk.changes)
        };
        let mut whole = true;
        for (name, body) in waiting {
            if let Err(error) = shelf.write(&name, body.as_deref(), now_ms).await {
                warn!("document={name} cannot be kept: {error:#}");
                let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
                desk.waiting.entry(name).or_insert(body);
                whole = false;
            }
        }
        if whole {
            self.written.send_replace(changes);
        }
        whole
    }
}
