//! Segments to the blob store, and their rows to the index. Live playback never waits for it.
//!
//! An object's way: spool file (only where the blob store is remote) -> blob store -> row ->
//! spool file removed. Each step is retried for as long as it takes; what a stopped server has
//! left in the spool, the next one sends. The spool is bounded: at the bound the oldest unsent
//! objects are given up and counted. So are, where there is no spool or no room in it, the newest
//! beyond what memory may hold, everything that a full disk has no room for, and what a channel
//! records beyond its quota. What is given up is a row without bytes: a gap in the recording.

use crate::disk::Disk;
use bytes::Bytes;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};
use rivulet_store::{Blobs, Segment, Store};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// Objects that may wait for the recorder's attention; beyond, the disk itself is stuck.
const QUEUE: usize = 4_096;
const UPLOADS: usize = 8;
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(10);
/// Of objects that are in memory only, because they could not be written to disk.
const MAX_HELD_BYTES: u64 = 256 * 1024 * 1024;
/// How long a stopping server still sends.
const DRAIN: Duration = Duration::from_secs(4);
/// Name of a half-written spool file, which a start removes.
const UNFINISHED: &str = ".part";

#[derive(Debug, Clone)]
pub struct Object {
    pub row: Segment,
    /// It is beyond what its channel may record.
    pub over_quota: bool,
    pub content_type: &'static str,
    pub body: Bytes,
}

#[derive(Clone)]
pub struct Metrics {
    pub stored: IntCounter,
    pub retries: IntCounter,
    /// Objects given up: the spool was full, or the queue, memory or the disk.
    pub lost: IntCounter,
    pub disk_full: IntGauge,
    pub spool_bytes: IntGauge,
    pub waiting: IntGauge,
    pub seconds: Histogram,
}

impl Metrics {
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let seconds = Histogram::with_opts(
            HistogramOpts::new("rivulet_blob_put_seconds", "Time from a whole segment to its stored object")
                .buckets(vec![0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0]),
        )?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self {
            stored: counter("rivulet_blobs_stored_total", "Objects stored")?,
            retries: counter("rivulet_blob_retries_total", "Attempts to store an object that failed")?,
            lost: counter("rivulet_blobs_lost_total", "Objects given up because there was no room for them")?,
            disk_full: gauge("rivulet_disk_full", "1 while nothing is recorded, for want of room on the disk")?,
            spool_bytes: gauge("rivulet_spool_bytes", "Bytes that wait on disk for the blob store")?,
            waiting: gauge("rivulet_blobs_waiting", "Objects that are not stored yet")?,
            seconds,
        })
    }
}

/// Where objects wait for a remote blob store.
#[derive(Clone)]
pub struct SpoolConfig {
    pub folder: PathBuf,
    pub max_bytes: u64,
}

#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Object>,
    metrics: Metrics,
}

impl Recorder {
    /// The recorder, and the work that has to run.
    pub fn new(
        blobs: Blobs,
        store: Store,
        disk: Disk,
        spool: Option<SpoolConfig>,
        metrics: Metrics,
    ) -> (Self, impl Future<Output = ()>) {
        let (queue, objects) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            blobs,
            store,
            disk,
            spool: spool.map(|config| Spool { config, files: Mutex::default() }),
            held: Arc::default(),
            metrics: metrics.clone(),
            slots: Semaphore::new(UPLOADS),
            stop: CancellationToken::new(),
        });
        (Self { queue, metrics }, shared.run(objects))
    }

    /// Hands over an object. Never waits.
    pub fn record(&self, object: Object) {
        self.metrics.waiting.inc();
        if let Err(error) = self.queue.try_send(object) {
            self.metrics.waiting.dec();
            self.metrics.lost.inc();
            warn!(%error, "recording is stuck; a segment is lost to it");
        }
    }
}

/// Files by the time they were written, so that the oldest can be given up.
struct Spool {
    config: SpoolConfig,
    files: Mutex<SpoolIndex>,
}

#[derive(Default)]
struct SpoolIndex {
    next: u64,
    bytes: u64,
    by_age: BTreeMap<u64, (PathBuf, u64)>,
}

/// A spooled object's place in the index.
type Ticket = u64;

impl Spool {
    fn path(&self, row: &Segment) -> PathBuf {
        // All that the row needs is in the name, so that a restart finds it again.
        let Segment { number, start_ticks, duration_ticks, init, period, .. } = row;
        let name = format!("{number}.{start_ticks}.{duration_ticks}.{init}.{period}");
        self.config.folder.join(&row.broadcast_id).join(&row.rendition).join(name)
    }

    fn row_of(&self, path: &Path, bytes: u64) -> Option<Segment> {
        row_of(path.strip_prefix(&self.config.folder).ok()?, bytes)
    }

    /// Enters a file of this size; answers what has to go to stay within the bound.
    fn enter(&self, path: PathBuf, bytes: u64) -> (Ticket, Vec<PathBuf>) {
        let mut index = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = index.next;
        index.next += 1;
        index.bytes += bytes;
        index.by_age.insert(ticket, (path, bytes));
        let mut over = Vec::new();
        while index.bytes > self.config.max_bytes && index.by_age.len() > 1 {
            if let Some((_, (path, bytes))) = index.by_age.pop_first() {
                index.bytes -= bytes;
                over.push(path);
            }
        }
        (ticket, over)
    }

    fn holds(&self, ticket: Ticket) -> bool {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).by_age.contains_key(&ticket)
    }

    fn leave(&self, ticket: Ticket) -> Option<PathBuf> {
        let mut index = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, bytes) = index.by_age.remove(&ticket)?;
        index.bytes -= bytes;
        Some(path)
    }

    fn bytes(&self) -> i64 {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).bytes as i64
    }
}

async fn write_whole(path: &Path, body: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    tokio::fs::write(&unfinished, body).await?;
    tokio::fs::rename(&unfinished, path).await
}

/// Bytes that are in memory only, until dropped.
struct Held {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Relaxed);
    }
}

struct Shared {
    blobs: Blobs,
    store: Store,
    disk: Disk,
    spool: Option<Spool>,
    held: Arc<AtomicU64>,
    metrics: Metrics,
    slots: Semaphore,
    stop: CancellationToken,
}

impl Shared {
    /// Runs until every handle of the recorder is gone, then sends for a moment longer.
    async fn run(self: Arc<Self>, mut objects: mpsc::Receiver<Object>) {
        let tasks = TaskTracker::new();
        let (rows, indexing) = mpsc::channel(QUEUE);
        let indexer = tokio::spawn(self.clone().index(indexing));
        self.left_over(&tasks, &rows).await;
        while let Some(object) = objects.recv().await {
            let since = Instant::now();
            // What the rest cannot be played without is small, and always tried.
            let has_room = (self.disk.has_room() && !object.over_quota) || object.row.number < 0;
            let ticket = if has_room { self.spool(&object, &rows).await } else { None };
            let may_wait = has_room || !self.blobs.is_local() && !object.over_quota;
            let held = if ticket.is_none() && may_wait { self.hold(object.body.len() as u64) } else { None };
            if ticket.is_none() && held.is_none() {
                self.give_up(object.row, &rows).await;
                self.metrics.waiting.dec();
                continue;
            }
            let (this, rows) = (self.clone(), rows.clone());
            tasks.spawn(async move {
                let _held = held;
                this.send(object.row, object.content_type, Some(object.body), ticket, since, rows).await
            });
        }
        drop(rows);
        tasks.close();
        let drained = async {
            tasks.wait().await;
            let _ = indexer.await;
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            self.stop.cancel();
            info!(waiting = self.metrics.waiting.get(), "stopping; what waits is sent by the next start");
        }
    }

    /// A place in memory, if there is one.
    fn hold(&self, bytes: u64) -> Option<Held> {
        let held = Held { all: self.held.clone(), bytes };
        (self.held.fetch_add(bytes, Relaxed) + bytes <= MAX_HELD_BYTES).then_some(held)
    }

    async fn spool(&self, object: &Object, rows: &mpsc::Sender<Indexed>) -> Option<Ticket> {
        let spool = self.spool.as_ref()?;
        let path = spool.path(&object.row);
        if let Err(error) = write_whole(&path, &object.body).await {
            // Memory still has it; only a crash would lose it.
            warn!(%error, path = %path.display(), "cannot write to the spool");
            return None;
        }
        Some(self.enter(spool, path, object.body.len() as u64, rows).await)
    }

    /// Counts an object that is not recorded, and marks the gap.
    async fn give_up(&self, row: Segment, rows: &mpsc::Sender<Indexed>) {
        self.metrics.lost.inc();
        if row.number >= 0 {
            let _ = rows.send(Indexed { row: Segment { bytes: 0, ..row }, ticket: None }).await;
        }
    }

    async fn enter(&self, spool: &Spool, path: PathBuf, bytes: u64, rows: &mpsc::Sender<Indexed>) -> Ticket {
        let (ticket, over) = spool.enter(path, bytes);
        for path in over {
            warn!(path = %path.display(), "the spool is full; its oldest segment is given up");
            if let Some(row) = spool.row_of(&path, 0) {
                self.give_up(row, rows).await;
            }
            let _ = tokio::fs::remove_file(path).await;
        }
        self.metrics.spool_bytes.set(spool.bytes());
        ticket
    }

    /// Sends what an earlier run has left in the spool.
    async fn left_over(self: &Arc<Self>, tasks: &TaskTracker, rows: &mpsc::Sender<Indexed>) {
        let Some(spool) = &self.spool else { return };
        let mut found = Vec::new();
        let mut folders = vec![spool.config.folder.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(mut entries) = tokio::fs::read_dir(&folder).await else { continue };
            while let Ok(Some(entry)) = entries.next_entry().await {
                match entry.metadata().await {
                    Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                    Ok(meta) => found.push((meta.modified().ok(), entry.path(), meta.len())),
                    Err(_) => {}
                }
            }
        }
        found.sort();
        for (_, path, bytes) in found {
            match spool.row_of(&path, bytes) {
                Some(row) => {
                    let ticket = self.enter(spool, path, bytes, rows).await;
                    self.metrics.waiting.inc();
                    let (this, rows) = (self.clone(), rows.clone());
                    let kind = content_type(&row.rendition);
                    tasks.spawn(async move { this.send(row, kind, None, Some(ticket), Instant::now(), rows).await });
                }
                None => {
                    let _ = tokio::fs::remove_file(path).await;
                }
            }
        }
    }

    /// Stores one object, however long it takes.
    async fn send(
        self: Arc<Self>,
        mut row: Segment,
        content_type: &'static str,
        mut body: Option<Bytes>,
        ticket: Option<Ticket>,
        since: Instant,
        rows: mpsc::Sender<Indexed>,
    ) {
        let mut pause = FIRST_RETRY;
        loop {
            let spooled = self.spool.as_ref().zip(ticket);
            if spooled.is_some_and(|(spool, ticket)| !spool.holds(ticket)) {
                self.metrics.waiting.dec();
                return;
            }
            let attempt = async {
                let _slot = self.slots.acquire().await.map_err(|e| e.to_string())?;
                let body = match (&body, spooled) {
                    (Some(body), _) => body.clone(),
                    (None, Some((spool, _))) => {
                        Bytes::from(tokio::fs::read(spool.path(&row)).await.map_err(|e| e.to_string())?)
                    }
                    (None, None) => return Err("the object is neither in memory nor in the spool".into()),
                };
                row.bytes = body.len() as i64;
                self.blobs.put(&row.object_key, body, content_type).await.map_err(|e| e.to_string())
            };
            let result = tokio::select! {
                result = attempt => result,
                () = self.stop.cancelled() => return,
            };
            match result {
                Ok(()) => break,
                Err(error) => {
                    self.metrics.retries.inc();
                    if pause == FIRST_RETRY {
                        warn!(%error, key = %row.object_key, "cannot store a segment yet");
                    }
                    // What is on disk need not stay in memory through an outage.
                    if ticket.is_some() {
                        body = None;
                    }
                }
            }
            let jitter = pause.mul_f64(rand::random_range(0.5..1.0));
            tokio::select! {
                () = tokio::time::sleep(jitter) => {}
                () = self.stop.cancelled() => return,
            }
            pause = (pause * 2).min(LAST_RETRY);
        }
        self.metrics.seconds.observe(since.elapsed().as_secs_f64());
        self.metrics.stored.inc();
        let _ = rows.send(Indexed { row, ticket }).await;
    }

    /// Writes rows in batches; only then is an object's spool file done with.
    async fn index(self: Arc<Self>, mut rows: mpsc::Receiver<Indexed>) {
        let mut batch = Vec::new();
        while rows.recv_many(&mut batch, 200).await > 0 {
            let segments: Vec<_> = batch.iter().map(|indexed: &Indexed| indexed.row.clone()).collect();
            let mut pause = FIRST_RETRY;
            while let Err(error) = self.store.add_segments(&segments).await {
                warn!(%error, "cannot index stored segments yet");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.stop.cancelled() => return,
                }
                pause = (pause * 2).min(LAST_RETRY);
            }
            for indexed in batch.drain(..) {
                if indexed.row.bytes == 0 {
                    continue;
                }
                self.metrics.waiting.dec();
                if let Some((spool, ticket)) = self.spool.as_ref().zip(indexed.ticket) {
                    if let Some(path) = spool.leave(ticket) {
                        let _ = tokio::fs::remove_file(path).await;
                    }
                    self.metrics.spool_bytes.set(spool.bytes());
                }
            }
        }
    }
}

struct Indexed {
    row: Segment,
    ticket: Option<Ticket>,
}

pub fn content_type(rendition: &str) -> &'static str {
    if rendition == "audio" { "audio/mp4" } else { "video/mp4" }
}

/// File name of an object: `init-N.mp4` for the N-th configuration, else `NUMBER.m4s`.
pub fn file_name(number: i64) -> String {
    match number {
        0.. => format!("{number}.m4s"),
        init => format!("init-{}.mp4", -1 - init),
    }
}

pub fn object_key(broadcast: &str, rendition: &str, number: i64) -> String {
    format!("live/{broadcast}/{rendition}/{}", file_name(number))
}

/// `BROADCAST/RENDITION/NUMBER.START.DURATION.INIT.PERIOD` back into a row.
fn row_of(path: &Path, bytes: u64) -> Option<Segment> {
    let parts: Vec<_> = path.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    let [broadcast, rendition, name] = parts[..] else { return None };
    let numbers: Vec<i64> = name.split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
    let [number, start_ticks, duration_ticks, init, period] = numbers[..] else { return None };
    Some(Segment {
        broadcast_id: broadcast.into(),
        rendition: rendition.into(),
        number,
        start_ticks,
        duration_ticks,
        bytes: bytes as i64,
        object_key: object_key(broadcast, rendition, number),
        init,
        period,
    })
}
