//! The registry of running broadcasts, and what everybody may ask about one.

use crate::{Chat, Demand, Feed, Program, Slate, Source, Starts};
use bytes::Bytes;
use rivulet_media::VideoFormat;
use rivulet_protocol::rest::{Ingest, Latency, LiveState};
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, broadcast, watch};

/// Packets kept for a consumer that starts late or falls behind: about 20 s of pictures and sound,
const SOURCE_ITEMS: usize = 2_048;
/// and of every rendition of them,
const PROGRAM_ITEMS: usize = 4_096;
/// or less of a very busy stream.
const FEED_BYTES: usize = 96 * 1024 * 1024;
/// Starts and ends that a slow watcher may be behind before it has to re-read the registry.
const EVENTS: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroadcastInfo {
    /// Unique for ever; part of URLs and object keys.
    pub id: String,
    pub channel_id: String,
    /// The channel's name, as in its address.
    pub channel: String,
    pub started_at_ms: i64,
    /// Number of its first segment, period and initialisation segment: zero, but for a broadcast
    /// that goes on after a restart of the server. Then it is more than any that was used before.
    pub first_number: u32,
    /// What the encoders of the qualities aim for.
    pub latency: Latency,
    /// Qualities are encoded only while somebody watches them.
    pub on_demand: bool,
    /// What may be recorded of all broadcasts of the channel.
    pub quota_bytes: Option<u64>,
    /// What [`Broadcast::protected`] begins with.
    pub protected: Option<i64>,
}

/// What pages and playlists show of a broadcast; each part writes its own fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `Starting` until the origin has something to play; never `Offline`.
    pub state: LiveState,
    /// There is something to play. Written by the origin.
    pub playable: bool,
    /// Rises when players have to load the multivariant playlist anew. Written by the origin.
    pub revision: u64,
    /// Written by ingest (`connected`, formats, checks) .
    pub ingest: Ingest,
    pub thumbnail_at_ms: Option<i64>,
    /// Rungs that the machine has no time for. Written by the transcoder.
    pub shed: Vec<String>,
    /// The channel has recorded all that it may. Written by the origin.
    pub over_quota: bool,
}

/// Counters of one broadcast, read by `/metrics`.
#[derive(Debug, Default)]
pub struct Metrics {
    pub ingest_bytes: AtomicU64,
    pub timestamp_repairs: AtomicU64,
    pub discontinuities: AtomicU64,
    pub worker_restarts: AtomicU64,
    pub worker_cpu_ms: AtomicU64,
    pub encoded_media_ms: AtomicU64,
    pub dropped_frames: AtomicU64,
}

/// What the people who run a channel, or the instance, tell ingest about what is on air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Whoever sends with this key, by its id, has to stop; the broadcast waits for another.
    DropKey { key_id: String, reason: String },
    /// It is over.
    End { reason: String },
}

pub struct Broadcast {
    pub info: BroadcastInfo,
    pub source: Feed<Source>,
    pub program: Feed<Program>,
    /// Which encoded renditions are watched.
    pub demand: Demand,
    pub status: watch::Sender<Status>,
    /// Players that fetch without one of our pages (VLC, streamlink), counted by the origin. The
    /// API adds the pages that watch.
    pub players: watch::Sender<u32>,
    pub thumbnail: watch::Sender<Option<Bytes>>,
    /// Told by the origin when somebody looks at a thumbnail that is old.
    pub thumbnail_wanted: Notify,
    /// Asked for by ingest, in the size and rate of this format,
    pub slate_wanted: watch::Sender<Option<VideoFormat>>,
    /// and made by the transcoder.
    pub slate: watch::Sender<Option<Arc<Slate>>>,
    /// The newest one holds; ingest follows them.
    pub orders: watch::Sender<Option<Order>>,
    /// For what is not for everybody: the revision of the channel's access, which the signatures of
    /// playback addresses have to be for. Written by the API, read by the origin.
    pub protected: watch::Sender<Option<i64>>,
    pub metrics: Metrics,
}

#[derive(Clone)]
pub enum HubEvent {
    Started(Arc<Broadcast>),
    Ended(Arc<Broadcast>),
}

struct Inner {
    live: Mutex<HashMap<String, Arc<Broadcast>>>,
    refusals: Mutex<HashMap<String, String>>,
    events: broadcast::Sender<HubEvent>,
    chat: Chat,
}

#[derive(Clone)]
pub struct Hub(Arc<Inner>);

impl Default for Hub {
    fn default() -> Self {
        Self(Arc::new(Inner {
            live: Mutex::default(),
            refusals: Mutex::default(),
            events: broadcast::Sender::new(EVENTS),
            chat: Chat::default(),
        }))
    }
}

impl Hub {
    /// Registers a broadcast under its channel's name. There is one for each channel; whoever
    /// starts a second has first ended the first.
    pub fn start(&self, info: BroadcastInfo) -> Arc<Broadcast> {
        let broadcast = Arc::new(Broadcast {
            source: Feed::new(SOURCE_ITEMS, FEED_BYTES),
            program: Feed::new(PROGRAM_ITEMS, FEED_BYTES),
            demand: Demand::default(),
            status: watch::Sender::new(Status {
                state: LiveState::Starting,
                playable: false,
                revision: info.first_number.into(),
                ingest: Ingest::default(),
                thumbnail_at_ms: None,
                shed: Vec::new(),
                over_quota: false,
            }),
            players: watch::Sender::new(0),
            thumbnail: watch::Sender::new(None),
            thumbnail_wanted: Notify::new(),
            slate_wanted: watch::Sender::new(None),
            slate: watch::Sender::new(None),
            orders: watch::Sender::new(None),
            protected: watch::Sender::new(info.protected),
            metrics: Metrics::default(),
            info,
        });
        self.lock().insert(broadcast.info.channel.clone(), broadcast.clone());
        let _ = self.0.events.send(HubEvent::Started(broadcast.clone()));
        broadcast
    }

    /// Takes the broadcast out of the registry. Its feeds drain to whoever reads them.
    pub fn end(&self, broadcast: &Arc<Broadcast>) {
        let mut live = self.lock();
        if live.get(&broadcast.info.channel).is_some_and(|b| Arc::ptr_eq(b, broadcast)) {
            live.remove(&broadcast.info.channel);
        }
        drop(live);
        let _ = self.0.events.send(HubEvent::Ended(broadcast.clone()));
    }

    pub fn get(&self, channel: &str) -> Option<Arc<Broadcast>> {
        self.lock().get(channel).cloned()
    }

    pub fn list(&self) -> Vec<Arc<Broadcast>> {
        self.lock().values().cloned().collect()
    }

    /// Remembers why a publish with a valid key was refused, until the next one succeeds; the
    /// broadcaster's page shows it. One entry a channel, and only channels that exist get here.
    pub fn set_refusal(&self, channel: &str, reason: Option<String>) {
        let mut refusals = self.0.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        match reason {
            Some(reason) => refusals.insert(channel.to_owned(), reason),
            None => refusals.remove(channel),
        };
    }

    pub fn refusal(&self, channel: &str) -> Option<String> {
        self.0.refusals.lock().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    /// Starts and ends from now on.
    pub fn events(&self) -> broadcast::Receiver<HubEvent> {
        self.0.events.subscribe()
    }

    pub fn chat(&self) -> &Chat {
        &self.0.chat
    }

    /// Each broadcast once: those on air, then every one that starts.
    pub fn starts(&self) -> Starts {
        Starts::new(self.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Broadcast>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
