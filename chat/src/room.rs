//! One room on this node. One task changes it: it owns the room, or follows the node that does.
//!
//! The owner puts what is said in order and numbers it; it gives it to its own clients at once, and
//! to the bus for those of other nodes. Everybody keeps the room's state up to date, so that any node
//! can take the room over, when the owner leaves or its lease runs out.

use crate::clock::now_ms;
use crate::core::{Core, Effects, Outgoing, Written, is_critical};
use crate::fanout::Members;
use crate::node::Node;
use crate::people::Chatter;
use crate::ring::Entry;
use crate::signal::{RoomSignal, Sent, read, room_topic, write};
use rivulet_bus::Entry as Logged;
use rivulet_protocol::chat::{Act, Audience, ChatAction, Event, Numbered, Position, Refusal, RefusalCode, Say};
use rivulet_store::{Channel, ChatWrite, Deed, Doer, Lease, StoreError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Requests that wait for the room's task.
const REQUESTS: usize = 1024;
/// Taken together, so that they go out together.
const AT_ONCE: usize = 128;
/// How long nobody else may have the room.
const LEASE_MS: i64 = 10_000;
/// The lease is renewed, the store is looked at for acts that were not heard of, the others are told.
const BEAT: Duration = Duration::from_secs(3);
/// An owner who was not heard of for so long may be gone.
const SILENT: Duration = Duration::from_secs(8);
/// The numbers of a running poll.
const POLL: Duration = Duration::from_secs(2);
/// A room without clients is left after a while.
const EMPTY: Duration = Duration::from_secs(30);
/// Acts that are read at once.
const ACTS: u32 = 500;
/// Messages that the room knows when it opens.
const REMEMBERED: u32 = 100;
/// What an answer of another node may take.
const ANSWER: Duration = Duration::from_secs(3);

pub enum Request {
    Say {
        from: Arc<Chatter>,
        say: Say,
        action: bool,
        answer: oneshot::Sender<Result<String, Refusal>>,
    },
    /// Read the new acts.
    Acted {
        tell_others: bool,
    },
}

pub struct Room {
    pub channel: Channel,
    pub members: Arc<Members>,
    core: Mutex<Core>,
    requests: mpsc::Sender<Request>,
    /// Something is known of it.
    ready: watch::Sender<bool>,
    /// Clients here, and those that are just coming.
    pub clients: AtomicUsize,
    /// Of the channel, as those who are here were let in.
    pub access_revision: AtomicI64,
}

impl Room {
    pub fn open(node: &Arc<Node>, channel: Channel) -> Arc<Self> {
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let room = Arc::new(Self {
            members: node.fanout.members(&channel),
            core: Mutex::new(Core::new(Default::default(), Vec::new(), node.rate)),
            requests,
            ready: watch::Sender::new(false),
            clients: AtomicUsize::new(0),
            access_revision: AtomicI64::new(channel.access_revision),
            channel,
        });
        let (keeper, kept) = (node.clone(), room.clone());
        node.tasks.spawn(async move {
            if tokio::spawn(Keeper::run(keeper.clone(), kept.clone(), inbox)).await.is_err() {
                keeper.give_up(&kept);
            }
        });
        room
    }

    /// Until the room knows what holds in it.
    pub async fn ready(&self) {
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    pub fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn say(&self, from: Arc<Chatter>, say: Say, action: bool) -> Result<String, Refusal> {
        let (answer, said) = oneshot::channel();
        let request = Request::Say { from, say, action, answer };
        if self.requests.try_send(request).is_err() {
            return Err(Refusal::after(RefusalCode::RateLimit, "Too many write at once; try again.", 1000));
        }
        timeout(ANSWER, said).await.ok().and_then(Result::ok).unwrap_or_else(|| Err(unavailable()))
    }

    pub async fn acted(&self, tell_others: bool) {
        let _ = self.requests.send(Request::Acted { tell_others }).await;
    }
}

pub fn unavailable() -> Refusal {
    Refusal::after(RefusalCode::Unavailable, "The chat cannot be reached right now; try again.", 2000)
}

/// What the task has: the owner of the room, or one who follows it.
struct Keeper {
    node: Arc<Node>,
    room: Arc<Room>,
    topic: String,
    /// Whose the room is, as far as it is known.
    lease: Lease,
    heard: Instant,
    /// Of the newest event.
    position: Position,
    /// Events that the bus has not taken yet, in order.
    unsent: Vec<Sent>,
    after_sent: Position,
    counts: HashMap<String, (u32, Instant)>,
}

impl Keeper {
    async fn run(node: Arc<Node>, room: Arc<Room>, mut inbox: mpsc::Receiver<Request>) {
        let topic = room_topic(&room.channel.id);
        let mut signals = node.bus.subscribe(&topic).await;
        let mut keeper = Self {
            node: node.clone(),
            room: room.clone(),
            topic,
            lease: Lease { owner: String::new(), epoch: 0, until_ms: 0, clean: true },
            heard: Instant::now(),
            position: Position::default(),
            unsent: Vec::new(),
            after_sent: Position::default(),
            counts: HashMap::new(),
        };
        while let Err(error) = keeper.load().await {
            tracing::warn!(%error, channel = room.channel.name, "a chat room cannot be opened; trying again");
            tokio::select! {
                () = sleep(Duration::from_secs(1)) => {}
                () = node.shutdown.cancelled() => return,
            }
        }
        room.ready.send_replace(true);
        let mut health = node.bus.health();
        let mut next_beat = Instant::now();
        let mut next_poll = Instant::now() + POLL;
        let mut empty_since = Instant::now();
        loop {
            let due = room.core().due().map(|at| Duration::from_millis((at - now_ms()).max(0) as u64));
            let due = due.map_or(next_beat, |due| (Instant::now() + due).min(next_beat)).min(next_poll);
            tokio::select! {
                biased;
                () = node.shutdown.cancelled() => break,
                request = inbox.recv() => {
                    let Some(first) = request else { break };
                    let mut requests = vec![first];
                    while requests.len() < AT_ONCE && let Ok(more) = inbox.try_recv() {
                        requests.push(more);
                    }
                    keeper.serve(requests).await;
                }
                signal = signals.next() => keeper.hear(signal.ok()).await,
                _ = health.changed() => {
                    // What could not be sent goes now; what was missed is read.
                    keeper.send().await;
                    keeper.catch_up().await;
                    next_beat = Instant::now();
                }
                () = sleep_until(due) => {}
            }
            let now = Instant::now();
            if room.clients.load(Relaxed) > 0 {
                empty_since = now;
            } else if now - empty_since > EMPTY && keeper.unsent.is_empty() && node.close(&room) {
                break;
            }
            if now >= next_beat {
                next_beat = now + BEAT;
                keeper.beat().await;
            }
            if now >= next_poll {
                next_poll = now + POLL;
                keeper.look_at_poll().await;
            }
            if keeper.owns() {
                let mut effects = Effects::default();
                room.core().tick(now_ms(), &mut effects);
                keeper.publish(effects).await;
            }
        }
        keeper.leave().await;
    }

    fn owns(&self) -> bool {
        self.lease.owner == self.node.name
    }

    /// What the store and the log know of the room.
    async fn load(&mut self) -> Result<(), StoreError> {
        let now_ms = now_ms();
        let channel_id = &self.room.channel.id;
        let facts = self.node.store.chat_facts(channel_id, now_ms).await?;
        let messages = self.node.store.last_chat_messages(channel_id, REMEMBERED).await?;
        self.room.members.ring().settings(facts.settings.clone());
        *self.room.core() = Core::new(facts, messages, self.node.rate);
        let log = self.node.bus.log(&self.topic).await.unwrap_or_default();
        self.take_in(&log);
        self.claim().await
    }

    /// Takes the room if nobody has it.
    async fn claim(&mut self) -> Result<(), StoreError> {
        let now_ms = now_ms();
        let (channel_id, name) = (&self.room.channel.id, &self.node.name);
        let had = self.owns();
        let lease = self.node.store.lease_room(channel_id, name, now_ms, now_ms + LEASE_MS).await?;
        let news = lease.owner == *name && (!had || lease.epoch != self.lease.epoch);
        self.lease = lease;
        if news {
            self.take_over().await?;
        }
        Ok(())
    }

    /// The room is ours from now on: what nobody has told is told.
    async fn take_over(&mut self) -> Result<(), StoreError> {
        let (channel_id, name) = (self.room.channel.id.clone(), self.node.name.clone());
        // Whatever the last owner could still say is in the log.
        self.catch_up().await;
        let told = {
            let ring = self.room.members.ring();
            let acts = ring.after(Position::default()).filter_map(|entry| match &entry.event.event {
                Event::Action { action } => Some(action.revision),
                _ => None,
            });
            acts.max()
        };
        self.position = Position { epoch: self.lease.epoch, n: 0 };
        self.after_sent = self.position;
        {
            let mut core = self.room.core();
            core.take_over(now_ms());
            if let Some(told) = told {
                core.rewind(told);
            }
            let mut ring = self.room.members.ring();
            if ring.position() == Position::default() {
                ring.start(self.position);
            }
        }
        let clean = self.lease.clean;
        self.node.store.open_room(&channel_id, &name).await?;
        self.catch_acts().await?;
        if !clean {
            let mut effects = Effects::default();
            let event = Event::Interrupted { up_to_ms: now_ms() };
            effects.events.push(Outgoing { audience: Audience::All, event });
            self.publish(effects).await;
        }
        tracing::debug!(channel = self.room.channel.name, epoch = self.lease.epoch, "owns the chat room");
        Ok(())
    }

    async fn serve(&mut self, requests: Vec<Request>) {
        fail::fail_point!("chat::room");
        let mut says = Vec::new();
        for request in requests {
            match request {
                Request::Say { from, say, action, answer } => says.push((from, say, action, answer)),
                Request::Acted { tell_others } => {
                    if let Err(error) = self.catch_acts().await {
                        tracing::warn!(%error, "acts of moderators cannot be read");
                    }
                    if tell_others {
                        let signal = RoomSignal::Acted { node: self.node.name.clone() };
                        let _ = self.node.bus.publish(&self.topic, &write(&signal)).await;
                    }
                }
            }
        }
        if says.is_empty() {
            return;
        }
        if !self.owns() {
            for (from, say, action, answer) in says {
                self.node.forward(&self.lease.owner, &self.room.channel.id, &from.user.id, say, action, answer);
            }
            return;
        }
        // Cut off, nobody tells us of bans; then the rows are asked before each word.
        let sure = match self.is_cut_off() {
            true => self.catch_acts().await.is_ok(),
            false => now_ms() < self.lease.until_ms || !self.node.bus.is_shared(),
        };
        let mut answers = Vec::with_capacity(says.len());
        let mut all = Effects::default();
        for (from, say, action, answer) in says {
            let result = if sure {
                let now_ms = now_ms();
                let id = rivulet_store::new_id(now_ms);
                self.room.core().say(now_ms, &from.speaker, &say, action, id, &mut all)
            } else {
                Err(unavailable())
            };
            answers.push((answer, result));
        }
        self.publish(all).await;
        for (answer, result) in answers {
            let _ = answer.send(result);
        }
    }

    fn is_cut_off(&self) -> bool {
        self.node.bus.is_shared() && !self.node.bus.is_up()
    }

    /// Numbers what came of something, and gives it to everybody.
    async fn publish(&mut self, effects: Effects) {
        let sent_ms = now_ms();
        let channel_id = &self.room.channel.id;
        for written in effects.written {
            self.node.scribe.write(match written {
                Written::Message(message) => ChatWrite::Message {
                    channel_id: channel_id.clone(),
                    broadcast_id: self.node.hub.get(&self.room.channel.name).map(|b| b.info.id.clone()),
                    message,
                },
                Written::Held(held) => ChatWrite::Held { channel_id: channel_id.clone(), held },
                Written::TakenBack { what, by } => ChatWrite::TakenBack { channel_id: channel_id.clone(), what, by },
            });
        }
        if !effects.events.is_empty() {
            let sent: Vec<Sent> = effects
                .events
                .into_iter()
                .map(|Outgoing { audience, event }| {
                    self.position.n += 1;
                    Sent { audience, event: Numbered { position: self.position, sent_ms, event } }
                })
                .collect();
            self.deliver(&sent);
            self.unsent.extend(sent);
            self.send().await;
        }
        if effects.shield {
            let deed = Deed::Shield { on: true, settings: None };
            match self.node.store.moderate(&self.room.channel, &Doer::server(), deed, sent_ms).await {
                Ok(_) => {
                    let _ = Box::pin(self.catch_acts()).await;
                }
                Err(error) => tracing::warn!(%error, "shield mode cannot be turned on"),
            }
        }
    }

    /// To the clients of this node.
    fn deliver(&self, sent: &[Sent]) {
        let entries =
            sent.iter().map(|Sent { audience, event }| Entry::new(*audience, is_critical(&event.event), event.clone()));
        self.node.fanout.push(&self.room.members, entries);
    }

    /// To the other nodes: all that the bus has not taken yet.
    async fn send(&mut self) {
        if self.unsent.is_empty() || !self.owns() {
            return;
        }
        let surplus = self.unsent.len().saturating_sub(rivulet_bus::LOG_ENTRIES);
        if surplus > 0 {
            // Others will find that something is missing.
            self.after_sent = self.unsent[surplus - 1].event.position;
            self.unsent.drain(..surplus);
        }
        let log: Vec<Logged> =
            self.unsent.iter().map(|sent| Logged { at: at(sent.event.position), body: write(sent).into() }).collect();
        let signal = RoomSignal::Events {
            node: self.node.name.clone(),
            after: self.after_sent,
            events: std::mem::take(&mut self.unsent),
        };
        let sent = self.node.bus.record(&self.topic, &log, &write(&signal)).await;
        let RoomSignal::Events { events, .. } = signal else { return };
        match sent {
            Ok(()) => self.after_sent = self.position,
            Err(_) => self.unsent = events,
        }
    }

    async fn hear(&mut self, signal: Option<Arc<[u8]>>) {
        let Some(signal) = signal else { return self.catch_up().await };
        match read::<RoomSignal>(&signal) {
            Some(RoomSignal::Events { node, .. } | RoomSignal::Acted { node }) if node == self.node.name => {}
            Some(RoomSignal::Events { node, after, events }) => {
                self.heard_of(&node);
                if after == self.position || self.position == Position::default() {
                    self.follow(&events);
                } else if events.last().is_some_and(|last| last.event.position > self.position) {
                    self.catch_up().await;
                }
            }
            Some(RoomSignal::Acted { .. }) => {
                let _ = self.catch_acts().await;
            }
            Some(RoomSignal::Beat { node, clients, owner }) => {
                if node == self.node.name {
                    return;
                }
                self.counts.insert(node.clone(), (clients, Instant::now()));
                if let Some(position) = owner {
                    self.heard_of(&node);
                    if self.position == Position::default() {
                        self.position = position;
                        self.room.members.ring().start(position);
                    } else if position > self.position {
                        self.catch_up().await;
                    }
                }
            }
            Some(RoomSignal::Left { node }) if node != self.node.name => {
                self.counts.remove(&node);
                let _ = self.claim().await;
            }
            _ => {}
        }
    }

    fn heard_of(&mut self, owner: &str) {
        self.heard = Instant::now();
        if self.lease.owner != owner {
            self.lease.owner = owner.to_owned();
        }
    }

    /// Events of another owner, right after those that we have.
    fn follow(&mut self, events: &[Sent]) {
        let new: Vec<Sent> = events.iter().filter(|sent| sent.event.position > self.position).cloned().collect();
        let Some(last) = new.last() else { return };
        if self.position == Position::default() {
            self.room.members.ring().start(before(&new[0].event.position));
        }
        self.position = last.event.position;
        // The state first: who comes now finds what is in the ring already in the history too.
        let mut core = self.room.core();
        new.iter().for_each(|sent| core.follow(sent.audience, &sent.event.event));
        self.deliver(&new);
    }

    /// Reads what was missed in the log; what is not there any more is missing.
    async fn catch_up(&mut self) {
        if self.owns() {
            return;
        }
        match self.node.bus.log(&self.topic).await {
            Ok(log) => self.take_in(&log),
            Err(error) => tracing::debug!(%error, "the log of a chat room cannot be read"),
        }
        if let Err(error) = self.catch_acts().await {
            tracing::debug!(%error, "acts of moderators cannot be read");
        }
    }

    fn take_in(&mut self, log: &[Logged]) {
        let entries: Vec<Sent> = log.iter().filter_map(|entry| read(&entry.body)).collect();
        let Some(first) = entries.first().map(|sent| sent.event.position) else { return };
        let expected = Position { n: self.position.n + 1, ..self.position };
        if self.position != Position::default() && first > expected {
            // Between what we had and the oldest in the log something is gone.
            let lost = Sent {
                audience: Audience::All,
                event: Numbered {
                    position: before(&first),
                    sent_ms: now_ms(),
                    event: Event::Interrupted { up_to_ms: entries[0].event.sent_ms },
                },
            };
            if lost.event.position > self.position {
                self.follow(&[lost]);
            }
        }
        self.follow(&entries);
    }

    /// Reads the acts that the room has not seen. Its owner tells of them.
    async fn catch_acts(&mut self) -> Result<(), StoreError> {
        loop {
            let channel_id = self.room.channel.id.clone();
            let revision = self.room.core().revision();
            let actions = self.node.store.chat_actions_after(&channel_id, revision, ACTS).await?;
            let more = actions.len() == ACTS as usize;
            let mut effects = Effects::default();
            for action in &actions {
                self.reread(&channel_id, action).await?;
                self.room.core().act(now_ms(), action, &mut effects);
            }
            if self.owns() {
                Box::pin(self.publish(effects)).await;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// What an act only points to.
    async fn reread(&self, channel_id: &str, action: &ChatAction) -> Result<(), StoreError> {
        let store = &self.node.store;
        match &action.act {
            Act::Rules { .. } => {
                let (rules, commands) = (store.chat_rules(channel_id).await?, store.chat_commands(channel_id).await?);
                let mut core = self.room.core();
                core.set_rules(&rules);
                core.set_commands(commands);
            }
            Act::Emotes { .. } => {
                let emotes = store.emotes(channel_id).await?;
                self.room.core().set_emotes(emotes);
                self.node.people.forget_all();
            }
            Act::Network { .. } => {
                let networks = store.chat_networks(channel_id).await?;
                self.room.core().set_networks(networks);
                self.node.shut_out(&self.room);
            }
            _ => {}
        }
        Ok(())
    }

    async fn look_at_poll(&mut self) {
        if !self.owns() || self.room.core().poll().is_none() {
            return;
        }
        if let Ok(Some(poll)) = self.node.store.running_poll(&self.room.channel.id).await {
            let mut effects = Effects::default();
            self.room.core().set_poll(poll, &mut effects);
            self.publish(effects).await;
        }
    }

    async fn beat(&mut self) {
        let renewed = match self.owns() || self.heard.elapsed() > SILENT {
            true => self.claim().await,
            false => Ok(()),
        };
        if let Err(error) = renewed {
            tracing::warn!(%error, channel = self.room.channel.name, "the lease of a chat room cannot be renewed");
        }
        if let Err(error) = self.catch_acts().await {
            tracing::debug!(%error, "acts of moderators cannot be read");
        }
        let clients = self.room.members.count().try_into().unwrap_or(u32::MAX);
        let beat =
            RoomSignal::Beat { node: self.node.name.clone(), clients, owner: self.owns().then_some(self.position) };
        if self.node.bus.is_shared() {
            let _ = self.node.bus.publish(&self.topic, &write(&beat)).await;
        }
        self.counts.retain(|_, (_, at)| at.elapsed() < BEAT * 4);
        let elsewhere: u32 = self.counts.values().map(|(count, _)| *count).fold(0, u32::saturating_add);
        self.node.hub.chat().set_chatters(&self.room.channel.id, clients.saturating_add(elsewhere));
    }

    /// For good: everything is written, and whoever comes next need not wait for the lease to end.
    async fn leave(&mut self) {
        self.node.hub.chat().set_chatters(&self.room.channel.id, 0);
        if !self.owns() {
            return;
        }
        self.node.scribe.flush().await;
        if let Err(error) = self.node.store.leave_room(&self.room.channel.id, &self.node.name).await {
            tracing::warn!(%error, channel = self.room.channel.name, "a chat room cannot be left");
        }
        let left = RoomSignal::Left { node: self.node.name.clone() };
        let _ = self.node.bus.publish(&self.topic, &write(&left)).await;
    }
}

fn at(position: Position) -> rivulet_bus::Position {
    (position.epoch, position.n)
}

fn before(position: &Position) -> Position {
    Position { n: position.n.saturating_sub(1), ..*position }
}
