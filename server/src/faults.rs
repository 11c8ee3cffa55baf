//! What a fault of our own costs. A task of one session, broadcast, room or request ends alone, and
//! its part sees to what it leaves behind; a part as a whole cannot be done without: then the
//! process ends in good order, to be started anew. Either way it is counted and told.

use anyhow::bail;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::error;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics are counted and logged from now on.
pub fn count() {
    std::panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Relaxed);
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or_default();
        error!(place, message, "a fault of the server's own; please report it");
    }));
}

pub fn counted() -> u64 {
    PANICS.load(Relaxed)
}

/// Parts that the server is nothing without.
pub struct Parts {
    failed: mpsc::Sender<&'static str>,
    failures: mpsc::Receiver<&'static str>,
}

impl Parts {
    pub fn new() -> Self {
        let (failed, failures) = mpsc::channel(16);
        Self { failed, failures }
    }

    pub fn start(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let failed = self.failed.clone();
        tokio::spawn(async move {
            if tokio::spawn(work).await.is_err() {
                let _ = failed.try_send(name);
            }
        })
    }

    /// Waits for one that fails.
    pub async fn fail(&mut self) -> anyhow::Result<()> {
        match self.failures.recv().await {
            Some(name) => bail!("{name} has failed; the log says where"),
            None => std::future::pending().await,
        }
    }
}
