//! From renditions to what viewers fetch: [`window`] makes segments, [`playlist`] lists them,
//! [`live`] runs both for one broadcast, [`recorder`] stores everything,
//! [`recording`] lists what was stored, [`http`] serves it, [`retention`] removes what is too old.

mod dash;
mod directives;
mod disk;
mod gate;
mod http;
mod live;
pub mod playlist;
mod quota;
mod recorder;
mod recording;
mod retention;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
pub mod window;

pub use crate::directives::{Directives, Wanted};

use crate::disk::Disk;
use crate::http::Files;
use crate::recorder::Recorder;
use prometheus::{Histogram, HistogramOpts, IntCounter, Registry};
use rivulet_hub::{Hub, Order, Starts};
use rivulet_media::Ticks;
use rivulet_store::{Blobs, SecretHash, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

/// How long the last segments of a stopping server may take.
const DRAIN: Duration = Duration::from_secs(8);
const FAILED: &str = "the server has failed at this broadcast; start another one";

#[derive(Clone)]
pub struct Config {
    /// Where segments wait for a remote blob store; unused with a local one.
    pub spool: PathBuf,
    pub spool_max_bytes: u64,
    /// The folder whose disk recordings fill, and the bytes of it that they leave to others.
    pub disk: PathBuf,
    pub disk_reserve_bytes: u64,
    /// Wished length of a part.
    pub part: Ticks,
    /// How long the segments of an ended broadcast are kept; `None`: for ever.
    pub retention: watch::Receiver<Option<Duration>>,
    /// What a CDN sends that fetches for everybody who may watch.
    pub cdn_secret: Option<SecretHash>,
}

#[derive(Clone)]
pub struct Deps {
    pub store: Store,
    pub blobs: Blobs,
    pub hub: Hub,
}

#[derive(Clone)]
pub(crate) struct Metrics {
    segments: IntCounter,
    segment_seconds: Histogram,
    recorder: recorder::Metrics,
}

impl Metrics {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let segments = IntCounter::new("rivulet_segments_total", "Segments made, of all renditions")?;
        registry.register(Box::new(segments.clone()))?;
        let segment_seconds = Histogram::with_opts(
            HistogramOpts::new("rivulet_segment_seconds", "Time from a segment's last picture to its being listed")
                .buckets(vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]),
        )?;
        registry.register(Box::new(segment_seconds.clone()))?;
        Ok(Self { segments, segment_seconds, recorder: recorder::Metrics::new(registry)? })
    }
}

pub struct Origin {
    config: Config,
    deps: Deps,
    live: Arc<live::Registry>,
    metrics: Metrics,
    starts: Starts,
}

impl Origin {
    pub fn new(config: Config, deps: Deps, registry: &Registry) -> prometheus::Result<Self> {
        let starts = deps.hub.starts();
        Ok(Self { config, deps, live: Arc::default(), metrics: Metrics::new(registry)?, starts })
    }

    pub fn router(&self) -> axum::Router {
        http::router(Files {
            registry: self.live.clone(),
            blobs: self.deps.blobs.clone(),
            store: self.deps.store.clone(),
            cdn_secret: self.config.cdn_secret,
            playback_key: Arc::default(),
        })
    }

    /// Serves every broadcast until `shutdown`; returns once the last segments are stored or
    /// safe in the spool.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let spool = (!self.deps.blobs.is_local()).then(|| recorder::SpoolConfig {
            folder: self.config.spool.clone(),
            max_bytes: self.config.spool_max_bytes,
        });
        let (blobs, store) = (self.deps.blobs.clone(), self.deps.store.clone());
        let full = self.metrics.recorder.disk_full.clone();
        let disk = Disk::new(self.config.disk.clone(), self.config.disk_reserve_bytes, full);
        let (recorder, recording) = Recorder::new(blobs, store, disk, spool, self.metrics.recorder.clone());
        let recording = tokio::spawn(recording);
        let retention = retention::run(self.deps.clone(), self.config.retention.clone(), shutdown.clone());
        let retention = tokio::spawn(retention);
        let tasks = TaskTracker::new();
        while let Some(Some(broadcast)) = shutdown.run_until_cancelled(self.starts.next()).await {
            let span = info_span!("origin", channel = %broadcast.info.channel);
            let (live, recorder, metrics) = (self.live.clone(), recorder.clone(), self.metrics.clone());
            let (part, registry) = (self.config.part, live.clone());
            let quota = quota::run(broadcast.clone(), self.deps.store.clone());
            let work = async move {
                let serve = live::run(broadcast.clone(), part, live, recorder, metrics);
                let serve = async move {
                    tokio::select! {
                        () = serve => {}
                        () = quota => {}
                    }
                }
                .in_current_span();
                if tokio::spawn(serve).await.is_err() {
                    registry.give_up(&broadcast.info.id);
                    broadcast.orders.send_replace(Some(Order::End { reason: FAILED.into() }));
                }
            };
            tasks.spawn(work.instrument(span));
        }
        // The recording ends when the last broadcast's task has let go of the recorder.
        drop(recorder);
        let _ = tokio::time::timeout(DRAIN, recording).await;
        let _ = retention.await;
    }
}

pub(crate) use rivulet_hub::clock::now_ms;
