//! The owner of what is on air on one channel. Sessions come and go; the broadcast has one
//! timeline, one hub entry and one row, and ends when its encoder says so or stays away too long.

use crate::health::{Health, Limits};
use crate::session::Metadata;
use crate::slate::Player;
use rivulet_hub::clock::now_ms;
use rivulet_hub::{Broadcast, BroadcastInfo, Hub, Order, Source};
use rivulet_media::flv::{AudioTag, VideoTag};
use rivulet_media::timeline::{Output, START_MS, Timeline};
use rivulet_media::{AudioFormat, FormatError, VideoCodec, VideoFormat, ms_from_ticks, ticks_from_ms};
use rivulet_protocol::rest::{BroadcastSettings, Ingest, LiveState, Rungs, WhileAway};
use rivulet_store::{Channel, Store, StoreError};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info, info_span};

/// Tags that a session may be ahead of the owner; then its socket is not read.
const QUEUE: usize = 256;
/// What the database may take for a row, and how long it is left alone after it did not.
const WRITE_WITHIN: Duration = Duration::from_secs(3);
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// An encoder that has sent nothing for this long is away, connected or not,
const STALLED: Duration = Duration::from_secs(3);
/// and viewers are shown so after this long: an encoder that is back by then costs them nothing.
const SLATE_AFTER: Duration = Duration::from_millis(1_500);
const SLATE_TICK: Duration = Duration::from_millis(100);

/// Why a session has to go, as its encoder is told.
#[derive(Debug)]
pub enum Kick {
    Refused(String),
    /// Encoders that know how are asked to connect anew.
    Restarting,
}

pub const RESTARTING: &str = "the server is restarting";
/// How long an encoder that was asked to connect anew may send on.
pub const HANDOVER: Duration = Duration::from_secs(3);

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

/// No place is left for another broadcast.
#[derive(Debug, thiserror::Error)]
#[error("this server has {0} broadcasts on air and takes no more; try again when one has ended")]
pub struct Full(usize);

/// The owners of all broadcasts in this process, by channel id.
#[derive(Clone)]
pub struct Publishers {
    hub: Hub,
    store: Store,
    settings: Settings,
    owners: Arc<Mutex<HashMap<String, mpsc::Sender<Command>>>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Publishers {
    pub fn new(hub: Hub, store: Store, settings: Settings, shutdown: CancellationToken) -> Self {
        Self { hub, store, settings, owners: Arc::default(), tasks: TaskTracker::new(), shutdown }
    }

    /// Hands the channel to this session, and answers where its media goes.
    pub async fn attach(
        &self,
        channel: &Channel,
        key_id: String,
        session: u64,
        kick: oneshot::Sender<Kick>,
    ) -> Result<mpsc::Sender<Command>, Full> {
        let mut attach = Command::Attach { session, key_id, kick };
        loop {
            let owner = self.owner(channel, None)?;
            match owner.send(attach).await {
                Ok(()) => return Ok(owner),
                // It ended in this very moment; the next one is new.
                Err(mpsc::error::SendError(back)) => attach = back,
            }
            self.forget(&channel.id, &owner);
        }
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

    /// Takes up the broadcasts that a process before this one has left open: each waits for its
    /// encoder as if the connection had just been lost. What was left too long ago is over.
    pub async fn resume(&self) -> Result<(), StoreError> {
        for row in self.store.open_broadcasts().await? {
            let recorded = self.store.last_recorded(&row.id).await?.unwrap_or(0);
            let heard_ms = row.started_at_ms + (ms_from_ticks(recorded) - START_MS).max(0);
            let channel = self.store.channel_by_id(&row.channel_id).await?;
            let grace = |channel: &Channel| self.settings.broadcast.for_channel(channel.settings).grace_seconds;
            match channel.filter(|channel| now_ms() - heard_ms <= i64::from(grace(channel)) * 1000) {
                Some(channel) => {
                    let elapsed_ms = (now_ms() - row.started_at_ms).max(0);
                    drop(self.owner(&channel, Some(Resumed { row, elapsed_ms })));
                }
                None => self.store.end_broadcast(&row.id, heard_ms).await?,
            }
        }
        Ok(())
    }

    /// What is on air already goes on, however many there are.
    fn owner(&self, channel: &Channel, resumed: Option<Resumed>) -> Result<mpsc::Sender<Command>, Full> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = owners.get(&channel.id) {
            return Ok(owner.clone());
        }
        if resumed.is_none() && owners.len() >= self.settings.max_broadcasts {
            return Err(Full(owners.len()));
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        owners.insert(channel.id.clone(), sender.clone());
        let mut owner = Owner {
            channel: channel.clone(),
            hub: self.hub.clone(),
            store: self.store.clone(),
            shutdown: self.shutdown.clone(),
            row: None,
            limits: self.settings.limits.for_channel(&channel.limits),
            settings: self.settings.broadcast.for_channel(channel.settings),
            timeline: Timeline::default(),
            health: Health::default(),
            session: None,
            live: None,
            outputs: Vec::new(),
            formats: (None, None),
            last_packet: Instant::now(),
            waits_until: None,
            away: false,
            slate: None,
        };
        let span = info_span!("broadcast", channel = %channel.name);
        if let Some(Resumed { row, elapsed_ms }) = resumed {
            span.in_scope(|| info!(broadcast = %row.id, "broadcast waits for its encoder"));
            owner.timeline = Timeline::resumed(elapsed_ms);
            // Segments last longer than a second, so that fewer than that were made.
            owner.go_on_air(row.id, row.started_at_ms, (elapsed_ms / 1000 + 1).try_into().unwrap_or(0));
            owner.waits_until = Some(Instant::now() + owner.grace());
            owner.goes_away();
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

struct Feeding {
    session: u64,
    /// The stream key that it came with.
    key_id: String,
    /// Until it was told to go.
    kick: Option<oneshot::Sender<Kick>>,
}

struct Owner {
    channel: Channel,
    hub: Hub,
    store: Store,
    shutdown: CancellationToken,
    /// Until the broadcast is written down.
    row: Option<JoinHandle<bool>>,
    limits: Limits,
    /// They hold to the end, whatever happens to the channel's.
    settings: BroadcastSettings,
    timeline: Timeline,
    health: Health,
    session: Option<Feeding>,
    /// Present from the first period on: nothing is created for a stream that never comes.
    live: Option<Arc<Broadcast>>,
    outputs: Vec<Output>,
    /// Of the encoder's newest period.
    formats: (Option<VideoFormat>, Option<AudioFormat>),
    last_packet: Instant,
    /// With nobody connected: when it is over.
    waits_until: Option<Instant>,
    /// Nothing comes of what is on air, whether or not somebody is connected,
    away: bool,
    /// and this is shown.
    slate: Option<Player>,
}

impl Owner {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, shutdown: CancellationToken) {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut slate_tick = tokio::time::interval(SLATE_TICK);
        slate_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Asked once: every question enters and leaves a list that all broadcasts share.
        let stopping = shutdown.cancelled();
        tokio::pin!(stopping);
        let mut leaves_at = None;
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Detach { session, .. }) if self.feeds(session) && leaves_at.is_some() => {
                        commands.close();
                        return self.leave(false);
                    }
                    Some(Command::Detach { session, on_purpose }) if self.feeds(session) => {
                        if on_purpose || self.live.is_none() || self.grace().is_zero() {
                            break;
                        }
                        self.loses_encoder();
                    }
                    Some(command) => self.handle(command).await,
                    None => break,
                },
                _ = second.tick() => {
                    self.report();
                    let failed = |feeding: &Feeding| feeding.kick.as_ref().is_some_and(oneshot::Sender::is_closed);
                    if self.session.as_ref().is_some_and(failed) {
                        // It has ended without a word: a fault of ours.
                        self.loses_encoder();
                    }
                    if self.live.is_some() && !self.away && self.last_packet.elapsed() >= STALLED {
                        info!("encoder sends nothing");
                        self.goes_away();
                    }
                    if let Some(reason) = self.too_long() {
                        self.refuse(&reason);
                        break;
                    }
                }
                _ = slate_tick.tick(), if self.away => self.show_slate(),
                () = tokio::time::sleep_until(self.waits_until.unwrap_or_else(far)), if self.waits_until.is_some() => {
                    info!("encoder did not return");
                    break;
                }
                order = ordered(self.live.as_deref()) => match order {
                    Order::DropKey { key_id, reason } => {
                        if self.session.as_ref().is_some_and(|feeding| feeding.key_id == key_id) {
                            self.kick(Kick::Refused(reason));
                            // Its encoder may come back with the new key.
                            self.loses_encoder();
                        }
                    }
                    Order::End { reason } => {
                        self.refuse(&reason);
                        break;
                    }
                },
                () = &mut stopping, if leaves_at.is_none() => {
                    // The session answers with its Detach: at once, or when its encoder has connected anew.
                    leaves_at = Some(if self.session.is_some() { Instant::now() + HANDOVER } else { Instant::now() });
                    self.kick(Kick::Restarting);
                }
                () = tokio::time::sleep_until(leaves_at.unwrap_or_else(far)), if leaves_at.is_some() => {
                    // The next process goes on with it.
                    commands.close();
                    return self.leave(false);
                }
            }
        }
        commands.close();
        self.end().await;
    }

    fn grace(&self) -> Duration {
        Duration::from_secs(self.settings.grace_seconds.into())
    }

    fn loses_encoder(&mut self) {
        info!("encoder lost; waiting for its return");
        self.session = None;
        self.waits_until = Some(Instant::now() + self.grace());
        self.goes_away();
    }

    fn feeds(&self, session: u64) -> bool {
        self.session.as_ref().is_some_and(|feeding| feeding.session == session)
    }

    async fn handle(&mut self, command: Command) {
        match command {
            Command::Attach { session, key_id, kick } => {
                self.kick(Kick::Refused("another encoder with this stream key has taken over".into()));
                self.session = Some(Feeding { session, key_id, kick: Some(kick) });
                self.waits_until = None;
                self.health = Health::default();
                if self.live.is_some() {
                    self.timeline.reconnect(self.last_packet.elapsed().as_millis() as i64);
                }
            }
            Command::Metadata { session, metadata } if self.feeds(session) => {
                self.timeline.expect(metadata.has_video, metadata.has_audio, metadata.fps_milli);
                self.health.encoder = metadata.encoder;
            }
            Command::Video { session, ts, tag, bytes } if self.feeds(session) => {
                fail::fail_point!("ingest::owner");
                let mut outputs = std::mem::take(&mut self.outputs);
                let result = self.timeline.push_video(ts, tag, &mut outputs);
                self.publish(result, outputs, bytes).await;
            }
            Command::Audio { session, ts, tag, bytes } if self.feeds(session) => {
                let mut outputs = std::mem::take(&mut self.outputs);
                let result = self.timeline.push_audio(ts, tag, &mut outputs);
                self.publish(result, outputs, bytes).await;
            }
            // From a session that was replaced.
            _ => {}
        }
    }

    async fn publish(&mut self, result: Result<(), FormatError>, mut outputs: Vec<Output>, bytes: usize) {
        if let Err(error) = result {
            self.refuse(&error.to_string());
        }
        if self.away && !self.timeline.rests() {
            self.comes_back();
        }
        if !self.away {
            self.last_packet = Instant::now();
        }
        for output in outputs.drain(..) {
            match &output {
                Output::Period { video, audio, tracks, .. } => {
                    self.health.period(video.as_ref(), audio.as_ref(), tracks);
                    if let Some(reason) = self.health.over_limit(&self.limits) {
                        return self.refuse(&reason);
                    }
                    if !self.go_live().await {
                        return self.refuse("the server cannot write this broadcast down; its log says why");
                    }
                    self.formats = (video.clone(), audio.clone());
                }
                Output::Video(packet) => self.health.video(packet.dts, packet.key, packet.data.len()),
                Output::Track(_, packet) => self.health.track(packet.dts, packet.data.len()),
                Output::Audio(packet) => self.health.audio(packet.pts, packet.data.len()),
            }
            self.push(output);
        }
        self.outputs = outputs;
        if let Some(live) = &self.live {
            live.metrics.ingest_bytes.fetch_add(bytes as u64, Relaxed);
        }
    }

    fn push(&self, output: Output) {
        let Some(live) = &self.live else { return };
        let (item, bytes) = match output {
            Output::Period { at, video, audio, tracks } => (Source::Period { at, video, audio, tracks }, 0),
            Output::Video(packet) => (Source::Video(packet.clone()), packet.data.len()),
            Output::Track(track, packet) => (Source::Track(track, packet.clone()), packet.data.len()),
            Output::Audio(packet) => (Source::Audio(packet.clone()), packet.data.len()),
        };
        live.source.push(item, bytes);
    }

    /// Answers whether it is on air.
    async fn go_live(&mut self) -> bool {
        if self.live.is_some() {
            return true;
        }
        let started_at_ms = now_ms();
        let id = rivulet_store::new_id(started_at_ms);
        let (store, channel, row_id) = (self.store.clone(), self.channel.clone(), id.clone());
        let note = move || {
            let (store, channel, row_id) = (store.clone(), channel.clone(), row_id.clone());
            async move { store.note_broadcast(&row_id, &channel, started_at_ms).await }
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
        self.live = Some(self.hub.start(BroadcastInfo {
            id,
            channel_id: self.channel.id.clone(),
            channel: self.channel.name.clone(),
            started_at_ms,
            first_number,
            latency: self.settings.latency,
            on_demand: self.settings.rungs == Rungs::OnDemand,
            quota_bytes: self.limits.quota_bytes,
            protected: self.channel.protected(),
        }));
    }

    /// Nothing comes any more; what is on air waits, and a slate is asked for.
    fn goes_away(&mut self) {
        let Some(live) = &self.live else { return };
        live.status.send_modify(|status| {
            status.state = LiveState::Reconnecting;
            status.ingest = Ingest::default();
        });
        if self.away {
            return;
        }
        self.away = true;
        live.slate.send_replace(None);
        // Players that began with another codec need not have ours.
        let format = self.formats.0.clone().filter(|format| format.codec == VideoCodec::Avc);
        if format.is_some() && self.settings.while_away == WhileAway::Slate {
            live.slate_wanted.send_replace(format);
        }
    }

    /// Goes on with the slate, or begins it when it is there.
    fn show_slate(&mut self) {
        let Some(live) = &self.live else { return };
        let silent_for = self.last_packet.elapsed();
        if self.slate.is_none() && silent_for >= SLATE_AFTER {
            let Some(slate) = live.slate.borrow().clone() else { return };
            info!("viewers see a slate");
            let frame = slate.length / slate.pictures.len().max(1) as i64;
            let start = self.timeline.newest() + frame;
            self.slate = Some(Player::new(slate, self.formats.1.clone(), start));
            if !self.timeline.rests() {
                self.timeline.pause(silent_for.as_millis() as i64);
            }
        }
        if let Some(player) = &mut self.slate {
            let until = self.timeline.newest() + ticks_from_ms(silent_for.as_millis() as i64);
            let mut outputs = Vec::new();
            player.until(until, &mut outputs);
            outputs.into_iter().for_each(|output| self.push(output));
            self.timeline.rest_until(until);
        }
    }

    fn comes_back(&mut self) {
        self.away = false;
        self.slate = None;
        let Some(live) = &self.live else { return };
        live.status.send_modify(|status| {
            status.state = if status.playable { LiveState::Live } else { LiveState::Starting };
        });
    }

    /// Once a second: what the broadcaster's page shows, and the limits that take time to judge.
    fn report(&mut self) {
        let Some(live) = self.live.clone().filter(|_| self.session.is_some()) else { return };
        let repairs = self.timeline.repairs();
        live.metrics.timestamp_repairs.store(repairs.total(), Relaxed);
        self.health.tick(now_ms(), repairs);
        self.health.left_out = left_out(&self.timeline);
        self.health.over_quota = live.status.borrow().over_quota;
        let ingest = self.health.report(now_ms(), &self.limits);
        live.status.send_if_modified(|status| {
            let changed = status.ingest != ingest;
            status.ingest = ingest;
            changed
        });
        if let Some(reason) = self.health.over_limit(&self.limits) {
            self.refuse(&reason);
        }
    }

    /// Whether it has been on air for as long as it may, in words for the broadcaster.
    fn too_long(&self) -> Option<String> {
        let (live, most) = (self.live.as_ref()?, self.limits.max_duration?);
        let on_air_ms = u128::try_from(now_ms() - live.info.started_at_ms).unwrap_or(0);
        let most_words = match most.as_secs() {
            seconds if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
            seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
            seconds => format!("{seconds} s"),
        };
        let reason = || format!("a broadcast may last {most_words} here, which are over; start another one");
        (on_air_ms >= most.as_millis()).then(reason)
    }

    /// Ends the session for something that is wrong with its stream.
    fn refuse(&mut self, reason: &str) {
        self.hub.set_refusal(&self.channel.name, Some(reason.to_owned()));
        self.kick(Kick::Refused(reason.to_owned()));
    }

    fn kick(&mut self, kick: Kick) {
        if let Some(heard) = self.session.as_mut().and_then(|feeding| feeding.kick.take()) {
            // The session answers with a Detach of its own, which then ends or pauses the broadcast.
            let _ = heard.send(kick);
        }
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

/// What is not used of a multitrack stream, for the broadcaster.
fn left_out(timeline: &Timeline) -> Vec<String> {
    let videos = timeline.faults().map(|(track, fault)| format!("video track {track}: {fault}"));
    let audios = match timeline.unused_audio_tracks() {
        0 => None,
        1 => Some("a second audio track: the first one is used".to_owned()),
        more => Some(format!("{more} further audio tracks: the first one is used")),
    };
    videos.chain(audios).collect()
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

fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}
