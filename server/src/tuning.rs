//! What admins set in the pages and parts that are not the API go by: the ladder of broadcasts that
//! start, and how long ended ones are kept. Read from the store again and again, because another
//! process may have written it.

use crate::config::Serve;
use rivulet_protocol::rest::InstanceSettings;
use rivulet_store::Store;
use rivulet_transcoder::Ladder;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(5);

pub struct Tuning {
    store: Store,
    ladder: watch::Sender<Ladder>,
    retention: watch::Sender<Option<Duration>>,
}

impl Tuning {
    /// Begins with what the flags say.
    pub fn new(settings: &Serve, store: Store) -> Result<Self, String> {
        let ladder = watch::Sender::new(settings.ladder()?);
        let retention = watch::Sender::new(Some(settings.retention).filter(|keep| !keep.is_zero()));
        Ok(Self { store, ladder, retention })
    }

    pub fn ladder(&self) -> watch::Receiver<Ladder> {
        self.ladder.subscribe()
    }

    pub fn retention(&self) -> watch::Receiver<Option<Duration>> {
        self.retention.subscribe()
    }

    /// Takes over what was set before, once.
    pub async fn read(&self) {
        let text = match self.store.instance_value("settings").await {
            Ok(text) => text,
            // It stays as it was.
            Err(error) => return tracing::warn!(%error, "cannot read the instance's settings"),
        };
        let Some(set) = text.and_then(|text| serde_json::from_str::<InstanceSettings>(&text).ok()) else { return };
        let keep = (set.retention_hours > 0).then(|| Duration::from_secs(u64::from(set.retention_hours) * 3600));
        self.retention.send_if_modified(|retention| std::mem::replace(retention, keep) != keep);
        if let Ok(rungs) = Ladder::parse_rungs(&set.ladder) {
            self.ladder.send_if_modified(|ladder| {
                let changed = ladder.rungs != rungs;
                ladder.rungs = rungs;
                changed
            });
        }
    }

    pub async fn run(self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            self.read().await;
        }
    }
}
