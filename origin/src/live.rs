//! The task of one broadcast: reads the program into the window, hands whole segments to the
//! recorder, and tells everybody when there is something to play.

use crate::recorder::{Object, Recorder, content_type, object_key};
use crate::window::{Done, Window};
use bytes::Bytes;
use rivulet_hub::{Broadcast, Lagged, Program};
use rivulet_protocol::rest::LiveState;
use rivulet_store::Segment;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// A player that has not asked for a playlist for this long is gone.
const PLAYER_GONE: Duration = Duration::from_secs(15);
const MAX_PLAYERS: usize = 100_000;
/// How long the playlists of an ended broadcast stay, so that players see its end.
const AFTER_END: Duration = Duration::from_secs(60);

pub struct Live {
    pub broadcast: Arc<Broadcast>,
    window: RwLock<Window>,
    /// Players without one of our pages, by a hash of address and program.
    players: Mutex<HashMap<u64, Instant>>,
}

impl Live {
    pub fn window(&self) -> RwLockReadGuard<'_, Window> {
        self.window.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn players(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.players.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a player that is not a browser; browsers are counted by their pages.
    pub fn saw_player(&self, address: IpAddr, agent: &[u8]) {
        if agent.starts_with(b"Mozilla/") {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (address, agent).hash(&mut hasher);
        let mut players = self.players();
        if players.len() < MAX_PLAYERS {
            players.insert(hasher.finish(), Instant::now());
        }
    }

    fn count_players(&self) {
        let mut players = self.players();
        players.retain(|_, seen| seen.elapsed() < PLAYER_GONE);
        let count = players.len() as u32;
        self.broadcast.players.send_if_modified(|players| std::mem::replace(players, count) != count);
    }
}

/// Broadcasts by id: those on air and those that have just ended.
#[derive(Default)]
pub struct Registry {
    by_id: RwLock<HashMap<String, Arc<Live>>>,
    current: RwLock<HashMap<String, Arc<Live>>>,
}

impl Registry {
    pub fn get(&self, channel: &str, broadcast: &str) -> Option<Arc<Live>> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        by_id.get(broadcast).filter(|live| live.broadcast.info.channel == channel).cloned()
    }

    /// What is on air on a channel.
    pub fn current(&self, channel: &str) -> Option<Arc<Live>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    fn enter(&self, live: &Arc<Live>) {
        let info = &live.broadcast.info;
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(info.id.clone(), live.clone());
        self.current.write().unwrap_or_else(PoisonError::into_inner).insert(info.channel.clone(), live.clone());
    }

    fn end(&self, live: &Arc<Live>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.get(&live.broadcast.info.channel).is_some_and(|other| Arc::ptr_eq(other, live)) {
            current.remove(&live.broadcast.info.channel);
        }
    }

    fn forget(&self, live: &Arc<Live>) {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(&live.broadcast.info.id);
    }
}

/// What a player has to load anew when it changes: which renditions there are.
type Tracks = Vec<String>;

/// Runs until the broadcast has ended and its playlists have been up for a while longer.
pub async fn run(broadcast: Arc<Broadcast>, registry: Arc<Registry>, recorder: Recorder, metrics: crate::Metrics) {
    let live = Arc::new(Live { broadcast, window: RwLock::default(), players: Mutex::default() });
    registry.enter(&live);
    let mut program = live.broadcast.program.reader();
    let mut tick = tokio::time::interval(Duration::from_secs(2));
    let mut done = Vec::new();
    let mut tracks = None;
    loop {
        let event = tokio::select! {
            event = program.next() => event,
            _ = tick.tick() => {
                live.count_players();
                continue;
            }
        };
        let event = match event {
            Ok(event) => event,
            Err(Lagged(lost)) => {
                warn!(lost, "origin fell behind; segments are missing");
                continue;
            }
        };
        let ends = matches!(event, Program::End);
        if let Program::Thumbnail(picture) = &event {
            show(&live, picture.clone());
        }
        let result = live.window.write().unwrap_or_else(PoisonError::into_inner).push(event, &mut done);
        if let Err(error) = result {
            warn!(%error, "a segment could not be written");
        }
        for whole in done.drain(..) {
            if let Done::Segment(segment) = &whole {
                let lag = crate::now_ms()
                    - live.broadcast.info.started_at_ms
                    - live.window().offset_ms(segment.start + segment.duration);
                metrics.segments.inc();
                metrics.segment_seconds.observe((lag.max(0)) as f64 / 1000.0);
            }
            recorder.record(object(&live.broadcast.info.id, &whole));
            announce(&live, &mut tracks);
        }
        if ends {
            break;
        }
    }
    info!(channel = %live.broadcast.info.channel, "last segment is written");
    registry.end(&live);
    drop(recorder);
    tokio::time::sleep(AFTER_END).await;
    registry.forget(&live);
}

fn show(live: &Live, picture: Bytes) {
    live.broadcast.thumbnail.send_replace(Some(picture));
    live.broadcast.status.send_modify(|status| status.thumbnail_at_ms = Some(crate::now_ms()));
}

/// Goes live with the first playable period, and asks players to load anew when tracks change.
fn announce(live: &Live, announced: &mut Option<Tracks>) {
    let tracks = live.window().playable().map(|period| period.renditions.iter().map(|r| r.id.clone()).collect());
    if tracks.is_none() || tracks == *announced {
        return;
    }
    *announced = tracks;
    live.broadcast.status.send_modify(|status| {
        status.revision += 1;
        if status.state == LiveState::Starting {
            status.state = LiveState::Live;
        }
    });
}

fn object(broadcast: &str, done: &Done) -> Object {
    let (rendition, number, start_ticks, duration_ticks, body) = match done {
        Done::Init(init) => (&init.rendition, -1 - i64::from(init.number), 0, 0, &init.data),
        Done::Segment(s) => (&s.rendition, s.number as i64, s.start, s.duration, &s.data),
    };
    let row = Segment {
        broadcast_id: broadcast.into(),
        rendition: rendition.clone(),
        number,
        start_ticks,
        duration_ticks,
        bytes: body.len() as i64,
        object_key: object_key(broadcast, rendition, number),
    };
    Object { row, content_type: content_type(rendition), body: body.clone() }
}
