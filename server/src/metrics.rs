//! What `/metrics` shows. Parts count for themselves; what belongs to a broadcast is added up
//! over all of them, so that no label grows with the number of channels.

use crate::faults;
use axum::http::StatusCode;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};
use rivulet_api::Api;
use rivulet_hub::{Broadcast, Hub, HubEvent};
use rivulet_ingest::Stats;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

type Read = fn(&Broadcast) -> &AtomicU64;

/// Name, help, and where a broadcast counts it.
const PER_BROADCAST: [(&str, &str, Read); 7] = [
    ("rivulet_ingest_bytes_total", "Media received from encoders", |b| &b.metrics.ingest_bytes),
    ("rivulet_timestamp_repairs_total", "Timestamps and gaps repaired", |b| &b.metrics.timestamp_repairs),
    ("rivulet_discontinuities_total", "Changes of format within a broadcast", |b| &b.metrics.discontinuities),
    ("rivulet_worker_restarts_total", "Transcoder processes replaced", |b| &b.metrics.worker_restarts),
    ("rivulet_worker_cpu_milliseconds_total", "Processor time of transcoders", |b| &b.metrics.worker_cpu_ms),
    ("rivulet_encoded_media_milliseconds_total", "Media time transcoded", |b| &b.metrics.encoded_media_ms),
    ("rivulet_dropped_frames_total", "Pictures that transcoders skipped", |b| &b.metrics.dropped_frames),
];

pub struct Metrics {
    registry: Registry,
    hub: Hub,
    ingest: Arc<Stats>,
    api: Api,
    /// Sums of the broadcasts that have ended.
    ended: Mutex<[u64; PER_BROADCAST.len()]>,
    requests: IntCounterVec,
    request_seconds: Histogram,
    broadcasts: IntGauge,
    viewers: IntGauge,
}

impl Metrics {
    pub fn new(registry: Registry, hub: Hub, ingest: Arc<Stats>, api: Api) -> prometheus::Result<Self> {
        let requests =
            IntCounterVec::new(Opts::new("rivulet_http_requests_total", "HTTP answers by class"), &["class"])?;
        let request_seconds = Histogram::with_opts(
            HistogramOpts::new("rivulet_http_seconds", "Time to the first byte of an answer")
                .buckets(vec![0.001, 0.005, 0.025, 0.1, 0.5, 2.0]),
        )?;
        let broadcasts = IntGauge::new("rivulet_broadcasts", "Broadcasts on air")?;
        let viewers = IntGauge::new("rivulet_viewers", "Viewers of all broadcasts")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(request_seconds.clone()))?;
        registry.register(Box::new(broadcasts.clone()))?;
        registry.register(Box::new(viewers.clone()))?;
        let ended = Mutex::default();
        Ok(Self { registry, hub, ingest, api, ended, requests, request_seconds, broadcasts, viewers })
    }

    /// Keeps the counts of broadcasts that end.
    pub async fn follow(self: Arc<Self>) {
        let mut events = self.hub.events();
        loop {
            match events.recv().await {
                Ok(HubEvent::Ended(broadcast)) => {
                    let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
                    for (sum, (_, _, read)) in ended.iter_mut().zip(PER_BROADCAST) {
                        *sum += read(&broadcast).load(Relaxed);
                    }
                }
                Ok(HubEvent::Started(_)) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    pub fn request(&self, status: StatusCode, took: Duration) {
        self.requests.with_label_values(&[&format!("{}xx", status.as_u16() / 100)]).inc();
        self.request_seconds.observe(took.as_secs_f64());
    }

    pub fn render(&self) -> prometheus::Result<String> {
        let live = self.hub.list();
        self.broadcasts.set(live.len() as i64);
        self.viewers.set(self.api.watching_total().into());
        let mut text = TextEncoder::new().encode_to_string(&self.registry.gather())?;
        let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = PER_BROADCAST.iter().zip(ended).map(|((name, help, read), sum)| {
            (*name, *help, "counter", sum + live.iter().map(|b| read(b).load(Relaxed)).sum::<u64>())
        });
        let stats = &self.ingest;
        let sessions = [
            ("rivulet_rtmp_sessions", "RTMP connections now", "gauge", &stats.active),
            ("rivulet_rtmp_accepted_total", "RTMP connections accepted", "counter", &stats.accepted),
            ("rivulet_rtmp_over_limit_total", "RTMP connections above a limit", "counter", &stats.over_limit),
            ("rivulet_rtmp_refused_keys_total", "Publishes with a wrong stream key", "counter", &stats.refused_keys),
            ("rivulet_rtmp_failed_total", "RTMP connections ended by an error", "counter", &stats.failed),
        ];
        let sessions = sessions.map(|(name, help, kind, value)| (name, help, kind, value.load(Relaxed)));
        let panics = ("rivulet_panics_total", "Faults of the server's own", "counter", faults::counted());
        for (name, help, kind, value) in totals.chain(sessions).chain([panics]) {
            text += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
        Ok(text)
    }
}
