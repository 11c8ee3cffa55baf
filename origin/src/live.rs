//! The task of one broadcast: reads the program into the window, hands whole segments to the
//! recorder, and tells everybody when there is something to play.

use crate::directives::Wanted;
use crate::playlist;
use crate::recorder::{Object, Recorder, content_type, object_key};
use crate::window::{Done, Edge, Window};
use bytes::Bytes;
use rivulet_hub::{Broadcast, Lagged, Program};
use rivulet_media::{TICKS_PER_SECOND, Ticks};
use rivulet_protocol::rest::LiveState;
use rivulet_store::Segment;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{info, warn};

/// A player that has not asked for a playlist for this long is gone.
const PLAYER_GONE: Duration = Duration::from_secs(15);
const MAX_PLAYERS: usize = 100_000;
/// How long the playlists of an ended broadcast stay, so that players see its end.
const AFTER_END: Duration = Duration::from_secs(60);

/// A player that waits for more than this many target durations waits in vain.
const PATIENCE: u32 = 3;

pub struct Live {
    pub broadcast: Arc<Broadcast>,
    window: RwLock<Window>,
    /// By the name of the rendition; one that was there once stays.
    tracks: RwLock<HashMap<String, Arc<Track>>>,
    /// Players without one of our pages, by a hash of address and program.
    players: Mutex<HashMap<u64, Instant>>,
}

/// What waits for a rendition, and what it has been told last.
pub struct Track {
    /// Where the playlist ends, and whether for good.
    state: watch::Sender<(Option<Edge>, bool)>,
    /// The newest playlist, complete and delta, and the edge it shows.
    playlists: Mutex<[Option<(Edge, bool, Bytes)>; 2]>,
}

/// Why a request gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// It will never exist, or does no longer.
    Gone,
    /// So far ahead that the player must be wrong.
    TooFar,
    /// It should have come by now.
    Late,
}

/// A segment as far as memory knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Whole(Bytes),
    /// In work, or the next to be.
    Coming,
    NotHere,
    TooFar,
}

impl Live {
    pub fn window(&self) -> RwLockReadGuard<'_, Window> {
        self.window.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn track(&self, rendition: &str) -> Option<Arc<Track>> {
        self.tracks.read().unwrap_or_else(PoisonError::into_inner).get(rendition).cloned()
    }

    /// Has the rendition made, if it is one that is made on demand.
    pub fn want(&self, rendition: &str) {
        if let Some(made) = self.window().continued_now(rendition).filter(|rendition| rendition.encoded) {
            self.broadcast.demand.want(&made.id);
        }
    }

    /// The machine has no time for it: players go on with another.
    pub fn is_shed(&self, rendition: &str) -> bool {
        self.broadcast.status.borrow().shed.iter().any(|shed| shed == rendition)
    }

    /// Asks after each change of the rendition's edge until there is an answer.
    pub async fn wait<T>(
        &self,
        rendition: &str,
        ask: impl Fn(&Window) -> Option<Result<T, Unanswered>>,
    ) -> Result<T, Unanswered> {
        let track = self.track(rendition).ok_or(Unanswered::Gone)?;
        let mut state = track.state.subscribe();
        let patience = Duration::from_secs(self.window().target_seconds().unsigned_abs()) * PATIENCE;
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            state.mark_unchanged();
            if let Some(answer) = ask(&self.window()) {
                return answer;
            }
            if tokio::time::timeout_at(deadline, state.changed()).await.is_err() {
                return Err(Unanswered::Late);
            }
        }
    }

    /// A rendition's playlist, as soon as it has what is wanted; without a wish, as soon as it
    /// lists a whole segment.
    pub async fn playlist(&self, rendition: &str, wanted: Option<Wanted>, delta: bool) -> Result<Bytes, Unanswered> {
        let ready = |window: &Window| match (window.edge(rendition), wanted) {
            (edge, _) if window.ended() => Some(edge.map(drop).ok_or(Unanswered::Gone)),
            (None, _) => None,
            (Some(_), None) => Some(Ok(())),
            (Some(edge), Some(wanted)) => wanted.reached(window, rendition, edge),
        };
        self.wait(rendition, ready).await?;
        let track = self.track(rendition).ok_or(Unanswered::Gone)?;
        let window = self.window();
        let edge = window.edge(rendition).ok_or(Unanswered::Gone)?;
        let mut playlists = track.playlists.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = &mut playlists[usize::from(delta)];
        if let Some((_, _, body)) = cached.as_ref().filter(|(of, ended, _)| *of == edge && *ended == window.ended()) {
            return Ok(body.clone());
        }
        let text = playlist::media(&window, rendition, self.broadcast.info.started_at_ms, delta);
        let body = Bytes::from(text.ok_or(Unanswered::Gone)?);
        *cached = Some((edge, window.ended(), body.clone()));
        Ok(body)
    }

    /// An initialisation segment; of a rendition that nobody watched until now, as soon as it is made.
    pub async fn init(&self, rendition: &str, number: u32) -> Option<Bytes> {
        let found = self.wait(rendition, |window| match window.init(rendition, number) {
            Some(init) => Some(Ok(init.data.clone())),
            None if window.newest_init(rendition).is_none() && number == window.init_number(rendition) => None,
            None => Some(Err(Unanswered::Gone)),
        });
        found.await.ok()
    }

    /// One part, as soon as it exists.
    pub async fn part(&self, rendition: &str, segment: u64, part: usize) -> Result<Bytes, Unanswered> {
        self.wait(rendition, |window| {
            if let Some(part) = window.segment(rendition, segment).and_then(|segment| segment.parts.get(part)) {
                return Some(Ok(part.data.clone()));
            }
            let edge = window.edge(rendition)?;
            let wanted = Wanted { segment, part: Some(part) };
            match wanted.reached(window, rendition, edge) {
                Some(Ok(())) => Some(Err(Unanswered::Gone)),
                Some(Err(error)) => Some(Err(error)),
                None => window.ended().then_some(Err(Unanswered::Gone)),
            }
        })
        .await
    }

    /// What there is of a segment.
    pub fn segment(&self, rendition: &str, number: u64) -> Found {
        let window = self.window();
        if let Some(segment) = window.segment(rendition, number) {
            return segment.data.clone().map_or(Found::Coming, Found::Whole);
        }
        let newest = window.slots().back().map_or(0, |slot| slot.number);
        match window.edge(rendition) {
            _ if window.ended() => Found::NotHere,
            Some(edge) if number > edge.segment + 1 => Found::TooFar,
            Some(edge) if number >= edge.segment => Found::Coming,
            // Nobody watched it until now: it begins close to the newest segment.
            None if window.continued_now(rendition).is_some() && (newest..newest + 2).contains(&number) => {
                Found::Coming
            }
            _ => Found::NotHere,
        }
    }

    /// The part of a segment that comes after those that were had, as soon as it exists. `None`:
    /// that was all.
    pub async fn next_part(&self, rendition: &str, number: u64, had: usize) -> Result<Option<Bytes>, Unanswered> {
        self.wait(rendition, |window| {
            let Some(segment) = window.segment(rendition, number) else {
                let edge = window.edge(rendition)?;
                let comes = edge <= Edge { segment: number, part: 0 } && number <= edge.segment + 1 && !window.ended();
                return (!comes).then_some(Err(Unanswered::Gone));
            };
            match segment.parts.get(had) {
                Some(part) => Some(Ok(Some(part.data.clone()))),
                None => segment.data.is_some().then_some(Ok(None)),
            }
        })
        .await
    }

    /// Tells those who wait how far each rendition is.
    fn tell(&self) {
        let window = self.window();
        let mut tracks = self.tracks.write().unwrap_or_else(PoisonError::into_inner);
        for id in window.renditions() {
            if !tracks.contains_key(id) {
                let track = Track { state: watch::Sender::new((None, false)), playlists: Mutex::default() };
                tracks.insert(id.to_owned(), Arc::new(track));
            }
        }
        for (id, track) in tracks.iter() {
            let state = (window.edge(id), window.ended());
            track.state.send_if_modified(|last| std::mem::replace(last, state) != state);
        }
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

impl Wanted {
    /// Whether a playlist that ends at `edge` has it. `None`: not yet.
    pub(crate) fn reached(self, window: &Window, rendition: &str, edge: Edge) -> Option<Result<(), Unanswered>> {
        let Self { segment, part } = self;
        // RFC 8216bis, 6.2.5.2: two segments ahead, and three parts or three seconds of them.
        let seconds = window.part_target() as f64 / TICKS_PER_SECOND as f64;
        let ahead = if seconds < 1.0 { (3.0 / seconds).ceil() as usize } else { 3 };
        let so_far = if segment == edge.segment { edge.part } else { 0 };
        if segment > edge.segment + 1 || (segment >= edge.segment && part.is_some_and(|part| part > so_far + ahead)) {
            return Some(Err(Unanswered::TooFar));
        }
        let Some(part) = part else { return (edge.segment > segment).then_some(Ok(())) };
        let mut next = Edge { segment, part };
        // A part after a segment's last one means the first one of the next.
        if edge.segment > segment
            && window.segment_of(rendition, segment).is_some_and(|segment| part >= segment.parts.len())
        {
            next = Edge { segment: segment + 1, part: 0 };
        }
        (edge > next).then_some(Ok(()))
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

    /// Nothing more is served of it.
    pub fn give_up(&self, broadcast: &str) {
        let live = self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(broadcast).cloned();
        if let Some(live) = live {
            self.end(&live);
            self.forget(&live);
        }
    }

    fn forget(&self, live: &Arc<Live>) {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(&live.broadcast.info.id);
    }
}

/// What a player has to load anew when it changes: which renditions there are.
type Tracks = Vec<String>;

/// Runs until the broadcast has ended and its playlists have been up for a while longer.
pub async fn run(
    broadcast: Arc<Broadcast>,
    part: Ticks,
    registry: Arc<Registry>,
    recorder: Recorder,
    metrics: crate::Metrics,
) {
    let window = RwLock::new(Window::new(part, broadcast.info.first_number));
    let live = Arc::new(Live { broadcast, window, tracks: RwLock::default(), players: Mutex::default() });
    registry.enter(&live);
    let mut revision = 0;
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
        fail::fail_point!("origin::live");
        let ends = matches!(event, Program::End { .. });
        if let Program::Thumbnail(picture) = &event {
            show(&live, picture.clone());
        }
        let result = live.window.write().unwrap_or_else(PoisonError::into_inner).push(event, &mut done);
        if let Err(error) = result {
            warn!(%error, "a segment could not be written");
        }
        let now = live.window().revision();
        if std::mem::replace(&mut revision, now) != now {
            live.tell();
        }
        for whole in done.drain(..) {
            if let Done::Segment(segment, _) = &whole {
                let lag = crate::now_ms()
                    - live.broadcast.info.started_at_ms
                    - live.window().offset_ms(segment.start + segment.duration);
                metrics.segments.inc();
                metrics.segment_seconds.observe((lag.max(0)) as f64 / 1000.0);
            }
            recorder.record(object(&live.broadcast, &whole));
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
        status.playable = true;
        if status.state == LiveState::Starting {
            status.state = LiveState::Live;
        }
    });
}

fn object(of: &Broadcast, done: &Done) -> Object {
    let broadcast = &of.info.id;
    let (rendition, number, body) = match done {
        Done::Init(init) => (&init.rendition, -1 - i64::from(init.number), init.data.clone()),
        Done::Segment(s, _) => (&s.rendition, s.number as i64, s.data.clone().unwrap_or_default()),
    };
    let (start_ticks, duration_ticks, init, period) = match done {
        Done::Init(init) => (0, 0, init.number, 0),
        Done::Segment(s, period) => (s.start, s.duration, s.init, *period),
    };
    let row = Segment {
        broadcast_id: broadcast.clone(),
        rendition: rendition.to_string(),
        number,
        start_ticks,
        duration_ticks,
        bytes: body.len() as i64,
        object_key: object_key(broadcast, rendition, number),
        init: init.into(),
        period: period.into(),
    };
    let over_quota = of.status.borrow().over_quota;
    Object { row, over_quota, content_type: content_type(rendition), body }
}
