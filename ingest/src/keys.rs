//! Whose a stream key is. While the database is away, those that it has vouched for a short while ago
//! still open their channels: a broadcaster whose line drops in that moment must not lose the show.

use rivulet_hub::clock::now_ms;
use rivulet_store::{KeyHolder, Store, StreamKey};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a key is good without the database.
const KEPT: Duration = Duration::from_secs(3600);
const MAX_KEPT: usize = 10_000;
/// What the database may take.
const WITHIN: Duration = Duration::from_secs(3);

pub struct Keys {
    store: Store,
    /// By the hash of the key.
    known: Mutex<HashMap<String, (Instant, KeyHolder)>>,
}

/// Nobody can say now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

impl Keys {
    pub fn new(store: Store) -> Self {
        Self { store, known: Mutex::default() }
    }

    /// `None` for a key that is nobody's.
    pub async fn holder(&self, key: &StreamKey) -> Result<Option<KeyHolder>, Unknown> {
        let ask = timeout(WITHIN, self.store.channel_by_key(key, now_ms()));
        let found = tokio::select! {
            biased;
            answer = ask => answer.ok(),
            () = self.store.away() => None,
        };
        let hash = key.hash().to_hex();
        match found {
            Some(Ok(holder)) => {
                self.remember(hash, holder.clone());
                Ok(holder)
            }
            Some(Err(error)) if !error.is_away() => {
                tracing::warn!(%error, "cannot check a stream key");
                Err(Unknown)
            }
            Some(Err(_)) | None => self.recall(&hash).map(Some).ok_or(Unknown),
        }
    }

    /// The key with this hash was in use until now.
    pub fn still(&self, hash: &str) {
        if let Some((since, _)) = self.lock().get_mut(hash) {
            *since = Instant::now();
        }
    }

    fn remember(&self, hash: String, holder: Option<KeyHolder>) {
        let mut known = self.lock();
        if known.len() >= MAX_KEPT {
            known.retain(|_, (since, _)| since.elapsed() < KEPT);
        }
        match holder {
            Some(holder) if known.len() < MAX_KEPT => {
                known.insert(hash, (Instant::now(), holder));
            }
            _ => {
                known.remove(&hash);
            }
        }
    }

    fn recall(&self, hash: &str) -> Option<KeyHolder> {
        let (_, holder) = self.lock().get(hash).filter(|(since, _)| since.elapsed() < KEPT)?.clone();
        tracing::warn!(channel = %holder.channel.name, "the database is away; a stream key is believed as it was");
        Some(holder)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, KeyHolder)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
