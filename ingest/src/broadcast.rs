//! The owner of what is on air on one channel. Sessions come and go; the broadcast has one
//! timeline, one hub entry and one row, and ends when its encoder says so or stays away too long.

use crate::course::{Course, Effect, Effects, HANDOVER_MS, Kick, first_number};
use crate::health::Limits;
use crate::lease::{Elsewhere, Leases};
use crate::session::Metadata;
use rivulet_hub::clock::now_ms;
use rivulet_hub::{Broadcast, BroadcastInfo, Hub, Order, Source};
use rivulet_media::flv::{AudioTag, VideoTag};
use rivulet_media::ms_from_ticks;
use rivulet_media::timeline::{Output, START_MS};
use rivulet_protocol::rest::{BroadcastSettings, Ingest, LiveState, Rungs};
use rivulet_store::{Channel, Store, StoreError};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{Instrument, info, info_span};

/// Tags that a session may be ahead of the owner; then its socket is not read.
const QUEUE: usize = 256;
/// What the database may take for a row, and how long it is left alone after it did not.
const WRITE_WITHIN: Duration = Duration::from_secs(3);
const WRITE_AGAIN: Duration = Duration::from_secs(1);

const ELSEWHERE: &str = "this channel has gone on air through another server";
const NOT_WRITTEN: &str = "the server cannot write this broadcast down; its log says why";
const SECOND: Duration = Duration::from_secs(1);
const SLATE_TICK: Duration = Duration::from_millis(100);

pub const RESTARTING: &str = "the server is restarting";
pub const HANDOVER: Duration = Duration::from_millis(HANDOVER_MS.unsigned_abs());

/// What a session tells the owner. `session` is a number of the connection's own.
pub enum Command {
    /// This session feeds the broadcast from now on; the one before is told why it has to go.
    Attach {
        session: u64,
        key_id: String,
        kick: oneshot::Sender<Kick>,
    },
    Metadata {
        session: u64,
        metadata: Metadata,
    },
    Video {
        session: u64,
        ts: u32,
        tag: VideoTag,
        bytes: usize,
    },
    Audio {
        session: u64,
        ts: u32,
        tag: AudioTag,
        bytes: usize,
    },
    /// `on_purpose`: the encoder said goodbye. Otherwise the broadcast waits for its return.
    Detach {
        session: u64,
        on_purpose: bool,
    },
}

#[derive(Clone)]
pub struct Settings {
    pub limits: Limits,
    /// What holds where a channel has nothing of its own.
    pub broadcast: BroadcastSettings,
    pub max_broadcasts: usize,
}

/// Why a session cannot have the channel.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// No place is left for another broadcast.
    #[error("this server has {0} broadcasts on air and takes no more; try again when one has ended")]
    Full(usize),
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
}

/// The owners of all broadcasts in this process, by channel id.
#[derive(Clone)]
pub struct Publishers {
    hub: Hub,
    store: Store,
    leases: Leases,
    settings: Settings,
    owners: Arc<Mutex<HashMap<String, mpsc::Sender<Command>>>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Publishers {
    pub fn new(hub: Hub, store: Store, leases: Leases, settings: Settings, shutdown: CancellationToken) -> Self {
        Self { hub, store, leases, settings, owners: Arc::default(), tasks: TaskTracker::new(), shutdown }
    }

    /// Hands the channel to this session, and answers where its media goes.
    pub async fn attach(
        &self,
        channel: &Channel,
        key_id: String,
        session: u64,
        kick: oneshot::Sender<Kick>,
    ) -> Result<mpsc::Sender<Command>, Unavailable> {
        let mut attach = Command::Attach { session, key_id, kick };
        loop {
            let elsewhere = match self.has_owner(&channel.id) {
                true => None,
                false => self.leases.take_over(&channel.id).await?,
            };
            let owner = self.owner(channel, elsewhere.map(Resumed::now))?;
            match owner.send(attach).await {
                Ok(()) => return Ok(owner),
                // It ended in this very moment; the next one is new.
                Err(mpsc::error::SendError(back)) => attach = back,
            }
            self.forget(&channel.id, &owner);
        }
    }

    /// Whether an encoder sends to this channel.
    pub fn is_fed(&self, channel: &Channel) -> bool {
        self.hub.get(&channel.name).is_some_and(|live| live.status.borrow().state != LiveState::Reconnecting)
    }

    /// For the broadcaster's page: why this channel's encoder was not let in.
    pub fn refused(&self, channel: &Channel, reason: &str) {
        self.hub.set_refusal(&channel.name, Some(reason.to_owned()));
    }

    /// Waits until every owner has ended its broadcast, after a shutdown.
    pub async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Takes up the broadcasts that a process before this one has left open, or that another one is silent
    /// about: each waits for its encoder as if the connection had just been lost. What was left too long
    /// ago is over.
    pub async fn resume(&self, at_start: bool) -> Result<(), StoreError> {
        for row in self.leases.left(at_start).await? {
            if self.has_owner(&row.channel_id) || !self.leases.claim(&row.id).await? {
                continue;
            }
            let recorded = self.store.last_recorded(&row.id).await?.unwrap_or(0);
            let heard_ms = row.started_at_ms + (ms_from_ticks(recorded) - START_MS).max(0);
            let channel = self.store.channel_by_id(&row.channel_id).await?;
            let grace = |channel: &Channel| self.settings.broadcast.for_channel(channel.settings).grace_seconds;
            match channel.filter(|channel| now_ms() - heard_ms <= i64::from(grace(channel)) * 1000) {
                Some(channel) => drop(self.owner(&channel, Some(Resumed::now(row)))),
                None => self.store.end_broadcast(&row.id, heard_ms).await?,
            }
        }
        Ok(())
    }

    fn has_owner(&self, channel_id: &str) -> bool {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner).contains_key(channel_id)
    }

    /// What is on air already goes on, however many there are.
    fn owner(&self, channel: &Channel, resumed: Option<Resumed>) -> Result<mpsc::Sender<Command>, Unavailable> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = owners.get(&channel.id) {
            return Ok(owner.clone());
        }
        if resumed.is_none() && owners.len() >= self.settings.max_broadcasts {
            return Err(Unavailable::Full(owners.len()));
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        owners.insert(channel.id.clone(), sender.clone());
        let settings = self.settings.broadcast.for_channel(channel.settings);
        let limits = self.settings.limits.for_channel(&channel.limits);
        let mut owner = Owner {
            channel: channel.clone(),
            hub: self.hub.clone(),
            store: self.store.clone(),
            leases: self.leases.clone(),
            held: None,
            shutdown: self.shutdown.clone(),
            row: None,
            settings,
            quota_bytes: limits.quota_bytes,
            course: Course::new(settings, limits, now_ms()),
            kick: None,
            live: None,
        };
        let span = info_span!("broadcast", channel = %channel.name);
        if let Some(Resumed { row, elapsed_ms }) = resumed {
            span.in_scope(|| info!(broadcast = %row.id, "broadcast goes on"));
            owner.go_on_air(row.id, row.started_at_ms, first_number(elapsed_ms));
            let mut effects = Effects::new();
            owner.course.resume(row.started_at_ms, now_ms(), &mut effects);
            span.in_scope(|| effects.into_iter().for_each(|effect| owner.show(effect)));
        }
        let (this, channel, own_sender) = (self.clone(), channel.clone(), sender.clone());
        let work = async move {
            let owner = tokio::spawn(owner.run(receiver, this.shutdown.clone()).in_current_span());
            if owner.await.is_err() {
                this.give_up(&channel).await;
            }
            this.forget(&channel.id, &own_sender);
        };
        self.tasks.spawn(work.instrument(span));
        Ok(sender)
    }

    /// Ends what a fault of ours has left on air.
    async fn give_up(&self, channel: &Channel) {
        self.refused(channel, "the server has failed at this broadcast; start another one");
        let Some(live) = self.hub.get(&channel.name) else { return };
        live.source.push(Source::End { over: true }, 0);
        self.hub.end(&live);
        write_end(self.store.clone(), live.info.id.clone(), now_ms(), self.shutdown.clone()).await;
    }

    fn forget(&self, channel_id: &str, owner: &mpsc::Sender<Command>) {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.get(channel_id).is_some_and(|current| current.same_channel(owner)) {
            owners.remove(channel_id);
        }
    }
}

/// A broadcast that was on air when the process before this one ended.
struct Resumed {
    row: rivulet_store::Broadcast,
    elapsed_ms: i64,
}

impl Resumed {
    fn now(row: rivulet_store::Broadcast) -> Self {
        let elapsed_ms = (now_ms() - row.started_at_ms).max(0);
        Self { row, elapsed_ms }
    }
}

struct Owner {
    channel: Channel,
    hub: Hub,
    store: Store,
    leases: Leases,
    /// Ends when another process has the broadcast, or wants it.
    held: Option<AbortOnDropHandle<()>>,
    shutdown: CancellationToken,
    /// Until the broadcast is written down.
    row: Option<JoinHandle<bool>>,
    settings: BroadcastSettings,
    quota_bytes: Option<u64>,
    course: Course,
    /// Of the session that feeds it.
    kick: Option<(u64, oneshot::Sender<Kick>)>,
    live: Option<Arc<Broadcast>>,
}

impl Owner {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, shutdown: CancellationToken) {
        let mut second = tokio::time::interval(SECOND);
        let mut slate_tick = tokio::time::interval(SLATE_TICK);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        slate_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Asked once: every question enters and leaves a list that all broadcasts share.
        let stopping = shutdown.cancelled();
        tokio::pin!(stopping);
        let mut leaving = false;
        // Kept, so that a packet costs no allocation.
        let (mut effects, mut doing) = (Effects::new(), Effects::new());
        let over = 'course: loop {
            let due = self.course.due_ms();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.handle(command, &mut effects),
                    None => break true,
                },
                _ = second.tick() => self.each_second(&mut effects),
                _ = slate_tick.tick(), if self.course.away() => {
                    if let Some(slate) = self.live.as_ref().and_then(|live| live.slate.borrow().clone()) {
                        self.course.slate(slate);
                    }
                    self.course.tick(now_ms(), &mut effects);
                }
                () = until(due), if due.is_some() => self.course.tick(now_ms(), &mut effects),
                () = lost(&mut self.held) => {
                    info!("another server goes on with this broadcast");
                    self.course.lose(ELSEWHERE, &mut effects);
                }
                order = ordered(self.live.as_deref()) => match order {
                    Order::DropKey { key_id, reason } => self.course.drop_key(&key_id, reason, now_ms(), &mut effects),
                    Order::End { reason } => self.course.stop(&reason, &mut effects),
                },
                () = &mut stopping, if !leaving => {
                    leaving = true;
                    self.course.leave(now_ms(), &mut effects);
                }
            }
            while !effects.is_empty() {
                std::mem::swap(&mut effects, &mut doing);
                for effect in doing.drain(..) {
                    match effect {
                        Effect::End { over } => break 'course over,
                        Effect::GoLive if !self.go_live().await => self.course.not_live(NOT_WRITTEN, &mut effects),
                        Effect::GoLive => {}
                        effect => self.show(effect),
                    }
                }
            }
        };
        commands.close();
        match over {
            true => self.end().await,
            // The next process goes on with it.
            false => {
                self.leave(false);
                drop(self.held.take());
                if let Some(live) = &self.live {
                    self.leases.release(&live.info.id).await;
                }
            }
        }
    }

    fn handle(&mut self, command: Command, effects: &mut Effects) {
        let now_ms = now_ms();
        match command {
            Command::Attach { session, key_id, kick } => {
                self.course.attach(session, key_id, now_ms, effects);
                std::mem::take(effects).into_iter().for_each(|effect| self.show(effect));
                self.kick = Some((session, kick));
            }
            Command::Metadata { session, metadata } => self.course.metadata(session, metadata),
            Command::Video { session, ts, tag, bytes } => {
                fail::fail_point!("ingest::owner");
                self.count(bytes);
                self.course.video(session, ts, tag, now_ms, effects);
            }
            Command::Audio { session, ts, tag, bytes } => {
                self.count(bytes);
                self.course.audio(session, ts, tag, now_ms, effects);
            }
            Command::Detach { session, on_purpose } => self.course.detach(session, on_purpose, now_ms, effects),
        }
    }

    fn count(&self, bytes: usize) {
        if let Some(live) = &self.live {
            live.metrics.ingest_bytes.fetch_add(bytes as u64, Relaxed);
        }
    }

    fn each_second(&mut self, effects: &mut Effects) {
        let now_ms = now_ms();
        self.course.tick(now_ms, effects);
        if self.kick.as_ref().is_some_and(|(_, kick)| kick.is_closed()) {
            self.kick = None;
            self.course.session_failed(now_ms, effects);
        }
        let Some(live) = self.live.clone() else { return };
        live.metrics.timestamp_repairs.store(self.course.repairs().total(), Relaxed);
        let over_quota = live.status.borrow().over_quota;
        let ingest = match self.course.is_fed() {
            true => self.course.report(over_quota, now_ms, effects),
            // Of an encoder that stalled before it was lost nothing is left to say.
            false => Ingest::default(),
        };
        live.status.send_if_modified(|status| {
            let changed = status.ingest != ingest;
            status.ingest = ingest;
            changed
        });
    }

    /// Does what the course says; what begins and ends the broadcast is the loop's.
    fn show(&mut self, effect: Effect) {
        match (effect, &self.live) {
            (Effect::Push(output), Some(live)) => push(live, output),
            (Effect::Kick(session, why), _) => {
                if let Some((_, kick)) = self.kick.take_if(|(number, _)| *number == session) {
                    let _ = kick.send(why);
                }
            }
            (Effect::Refused(reason), _) => self.hub.set_refusal(&self.channel.name, Some(reason)),
            (Effect::Away(slate), Some(live)) => {
                info!("nothing comes from the encoder; waiting for it");
                live.status.send_modify(|status| {
                    status.state = LiveState::Reconnecting;
                    status.ingest = Ingest::default();
                });
                live.slate.send_replace(None);
                if slate.is_some() {
                    live.slate_wanted.send_replace(slate);
                }
            }
            (Effect::Back, Some(live)) => live.status.send_modify(|status| {
                status.state = if status.playable { LiveState::Live } else { LiveState::Starting };
            }),
            _ => {}
        }
    }

    /// Answers whether it is on air.
    async fn go_live(&mut self) -> bool {
        let started_at_ms = now_ms();
        let id = rivulet_store::new_id(started_at_ms);
        let (store, leases) = (self.store.clone(), self.leases.clone());
        let (channel, row_id) = (self.channel.clone(), id.clone());
        let note = move || {
            let (store, lease) = (store.clone(), leases.lease());
            let (channel, row_id) = (channel.clone(), row_id.clone());
            async move { store.note_broadcast(&row_id, &channel, started_at_ms, &lease).await }
        };
        let mut row = tokio::spawn(until_written("a broadcast", self.shutdown.clone(), note));
        // The row comes first, but for a database that is away nobody has to wait.
        tokio::select! {
            written = &mut row => {
                if !written.unwrap_or(false) {
                    return false;
                }
            }
            () = self.store.away() => self.row = Some(row),
        }
        info!(broadcast = %id, "broadcast starts");
        self.hub.set_refusal(&self.channel.name, None);
        self.go_on_air(id, started_at_ms, 0);
        true
    }

    fn go_on_air(&mut self, id: String, started_at_ms: i64, first_number: u32) {
        self.held = Some(AbortOnDropHandle::new(tokio::spawn(self.leases.clone().hold(id.clone()))));
        self.live = Some(self.hub.start(BroadcastInfo {
            id,
            channel_id: self.channel.id.clone(),
            channel: self.channel.name.clone(),
            started_at_ms,
            first_number,
            latency: self.settings.latency,
            on_demand: self.settings.rungs == Rungs::OnDemand,
            quota_bytes: self.quota_bytes,
            protected: self.channel.protected(),
        }));
    }

    /// Takes it off the air, of this process.
    fn leave(&self, over: bool) {
        if let Some(live) = &self.live {
            live.source.push(Source::End { over }, 0);
            self.hub.end(live);
        }
    }

    async fn end(self) {
        self.leave(true);
        let Some(live) = self.live else { return };
        info!(broadcast = %live.info.id, "broadcast ends");
        let ended_at_ms = now_ms();
        if let Some(row) = self.row {
            let _ = row.await;
        }
        write_end(self.store, live.info.id.clone(), ended_at_ms, self.shutdown).await;
    }
}

async fn write_end(store: Store, id: String, ended_at_ms: i64, stopping: CancellationToken) {
    let note = move || {
        let (store, id) = (store.clone(), id.clone());
        async move { store.end_broadcast(&id, ended_at_ms).await }
    };
    until_written("the end of a broadcast", stopping, note).await;
}

fn push(live: &Broadcast, output: Output) {
    let (item, bytes) = match output {
        Output::Period { at, video, audio, tracks } => (Source::Period { at, video, audio, tracks }, 0),
        Output::Video(packet) => (Source::Video(packet.clone()), packet.data.len()),
        Output::Track(track, packet) => (Source::Track(track, packet.clone()), packet.data.len()),
        Output::Audio(packet) => (Source::Audio(packet.clone()), packet.data.len()),
    };
    live.source.push(item, bytes);
}

/// Tries until the database has taken it; answers whether it did. `stopping` ends it after one more
/// attempt.
async fn until_written<W>(what: &'static str, stopping: CancellationToken, write: impl Fn() -> W) -> bool
where
    W: Future<Output = Result<(), StoreError>>,
{
    loop {
        let last = stopping.is_cancelled();
        match timeout(WRITE_WITHIN, write()).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) if !error.is_away() => {
                tracing::error!(%error, what, "cannot be written down");
                return false;
            }
            _ if last => {
                tracing::error!(what, "the database is away; this is not written down");
                return false;
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(WRITE_AGAIN) => {}
            () = stopping.cancelled() => {}
        }
    }
}

/// The next order for what is on air.
async fn ordered(live: Option<&Broadcast>) -> Order {
    let Some(live) = live else { return std::future::pending().await };
    let mut orders = live.orders.subscribe();
    loop {
        if live.orders.borrow().is_some()
            && let Some(order) = live.orders.send_replace(None)
        {
            return order;
        }
        if orders.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Until the broadcast is another process's.
async fn lost(held: &mut Option<AbortOnDropHandle<()>>) {
    match held {
        Some(task) => _ = task.await,
        None => std::future::pending().await,
    }
}

/// Until this time of ours.
async fn until(due_ms: Option<i64>) {
    let left = due_ms.map_or(i64::MAX, |due| due - now_ms());
    tokio::time::sleep(Duration::from_millis(left.max(0).unsigned_abs())).await;
}
