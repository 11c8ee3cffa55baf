//! Everything that the rooms and the fronts of this process share.

use crate::clock;
use crate::commands;
use crate::fanout::Fanout;
use crate::people::{Chatter, People, is_about_the_speaker};
use crate::room::{Room, unavailable};
use crate::scribe::Scribe;
use crate::signal::{EVERYWHERE, NodeSignal, RoomSignal, node_topic, read, write};
use rivulet_bus::Bus;
use rivulet_hub::{ChatNote, Hub, Said};
use rivulet_protocol::chat::{Refusal, RefusalCode, Say, close};
use rivulet_protocol::rest::AccessKind;
use rivulet_store::playback::PlaybackKey;
use rivulet_store::{Channel, Store, StoreError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Messages on their way to other nodes and back.
const MAX_FORWARDED: usize = 10_000;
/// Things that others want of this node, at once.
const MAX_SERVED: usize = 512;
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

type Answer = oneshot::Sender<Result<String, Refusal>>;

pub struct Node {
    /// Of this process, for the others.
    pub name: String,
    pub store: Store,
    pub hub: Hub,
    pub bus: Bus,
    pub fanout: Fanout,
    pub scribe: Scribe,
    pub people: People,
    /// Messages of one person in 30 seconds.
    pub rate: u32,
    pub shutdown: CancellationToken,
    rooms: Mutex<HashMap<String, Arc<Room>>>,
    forwarded: Mutex<HashMap<u64, Answer>>,
    next_id: AtomicU64,
    /// Of the rooms.
    pub tasks: TaskTracker,
    key: OnceCell<PlaybackKey>,
    this: Weak<Node>,
}

/// Somebody is in a room, or about to be; the room stays for as long.
pub struct Presence {
    pub room: Arc<Room>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.room.clients.fetch_sub(1, Relaxed);
    }
}

impl Node {
    pub fn new(store: Store, hub: Hub, bus: Bus, fanout: Fanout, rate: u32, shutdown: CancellationToken) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            name: rivulet_store::random_name(),
            scribe: Scribe::start(store.clone(), shutdown.clone()),
            people: People::new(store.clone()),
            store,
            hub,
            bus,
            fanout,
            rate,
            shutdown,
            rooms: Mutex::default(),
            forwarded: Mutex::default(),
            next_id: AtomicU64::new(1),
            tasks: TaskTracker::new(),
            key: OnceCell::new(),
            this: this.clone(),
        })
    }

    /// The channel's room, opened if need be and known.
    pub async fn enter(&self, channel: &Channel) -> Presence {
        let room = {
            let mut rooms = self.rooms();
            let open = || match self.this.upgrade() {
                Some(node) => Room::open(&node, channel.clone()),
                None => unreachable!("a node that is asked is there"),
            };
            let room = rooms.entry(channel.id.clone()).or_insert_with(open);
            room.clients.fetch_add(1, Relaxed);
            room.clone()
        };
        let presence = Presence { room };
        presence.room.ready().await;
        presence
    }

    /// Whether the room is gone: nobody came while it was being closed.
    pub fn close(&self, room: &Arc<Room>) -> bool {
        let mut rooms = self.rooms();
        let empty = room.clients.load(Relaxed) == 0;
        if empty {
            rooms.remove(&room.channel.id);
        }
        empty
    }

    /// The room's task has failed: whoever is in it comes back, to a new one.
    pub fn give_up(&self, room: &Arc<Room>) {
        let mut rooms = self.rooms();
        if rooms.get(&room.channel.id).is_some_and(|now| Arc::ptr_eq(now, room)) {
            rooms.remove(&room.channel.id);
        }
        drop(rooms);
        room.members.each(|conn| conn.close(close::RESTART));
    }

    pub fn all_rooms(&self) -> Vec<Arc<Room>> {
        self.rooms().values().cloned().collect()
    }

    /// Whether somebody may be in a channel's room, who has a token, which says nothing of the channel.
    pub async fn admits(&self, channel: &Channel, user_id: &str) -> Result<bool, StoreError> {
        if channel.access == AccessKind::Public {
            return Ok(true);
        }
        let Some(chatter) = self.people.find(channel, user_id).await? else { return Ok(false) };
        let runs_it = chatter.speaker.moderator && chatter.speaker.suspended.is_none();
        Ok(runs_it || self.store.admits(channel, &chatter.user, clock::now_ms()).await?)
    }

    /// Somebody says something, or gives a command, in a room.
    /// A token may be for writing and not for moderating.
    pub async fn say(&self, room: &Arc<Room>, user_id: &str, may_moderate: bool, say: Say) -> Result<Said, Refusal> {
        let command = commands::parse(&say.text);
        if !may_moderate && matches!(&command, Some(Ok(command)) if command.is_for_moderators()) {
            return Err(Refusal::new(RefusalCode::Scope, "This token may not moderate."));
        }
        let unknown = |error: StoreError| {
            tracing::warn!(%error, "a speaker cannot be looked up");
            unavailable()
        };
        let nobody = || Refusal::new(RefusalCode::LogIn, "Your account is gone.");
        let channel = &room.channel;
        let from = self.people.find(channel, user_id).await.map_err(unknown)?.ok_or_else(nobody)?;
        match self.say_as(room, from.clone(), say.clone()).await {
            // They may have followed the channel a moment ago.
            Err(refusal) if is_about_the_speaker(&refusal) && !from.is_fresh() => {
                let from = self.people.look(channel, user_id).await.map_err(unknown)?.ok_or_else(nobody)?;
                self.say_as(room, from, say).await
            }
            said => said,
        }
    }

    async fn say_as(&self, room: &Arc<Room>, from: Arc<Chatter>, say: Say) -> Result<Said, Refusal> {
        let said = |id| Said { message_id: Some(id), detail: None };
        match commands::parse(&say.text) {
            None => room.say(from, say, false).await.map(said),
            Some(Err(refusal)) => Err(refusal),
            Some(Ok(commands::Command::Me(text))) => room.say(from, Say { text, ..say }, true).await.map(said),
            Some(Ok(command)) => {
                let detail = commands::run(self, room, &from, command).await?;
                Ok(Said { message_id: None, detail: Some(detail) })
            }
        }
    }

    /// To the node that owns the room.
    pub fn forward(&self, owner: &str, channel_id: &str, user_id: &str, say: Say, action: bool, answer: Answer) {
        let id = self.next_id.fetch_add(1, Relaxed);
        if owner.is_empty() || lock(&self.forwarded).len() >= MAX_FORWARDED {
            let _ = answer.send(Err(unavailable()));
            return;
        }
        lock(&self.forwarded).insert(id, answer);
        let (channel_id, user_id) = (channel_id.to_owned(), user_id.to_owned());
        let signal = NodeSignal::Say { id, node: self.name.clone(), channel_id, user_id, say, action };
        let (topic, Some(node)) = (node_topic(owner), self.this.upgrade()) else { return };
        tokio::spawn(async move {
            let sent = node.bus.publish(&topic, &write(&signal)).await;
            if sent.is_ok() {
                tokio::time::sleep(ANSWER_WITHIN).await;
            }
            // Nobody has answered, so nobody knows: the same message again is not said twice.
            node.answered(id, Err(unavailable()));
        });
    }

    fn answered(&self, id: u64, result: Result<String, Refusal>) {
        if let Some(answer) = lock(&self.forwarded).remove(&id) {
            let _ = answer.send(result);
        }
    }

    /// Guests whose network was shut out have to go.
    pub fn shut_out(&self, room: &Room) {
        let networks: Vec<String> = room.core().networks().to_vec();
        room.members.each(|conn| {
            if conn.user_id().is_none() && networks.contains(&conn.network.to_string()) {
                conn.close(close::FORBIDDEN);
            }
        });
    }

    /// What other nodes and the rest of this process want, until the end.
    pub async fn serve(self: Arc<Self>, mut notes: mpsc::Receiver<ChatNote>) {
        let mut mine = self.bus.subscribe(&node_topic(&self.name)).await;
        let mut everywhere = self.bus.subscribe(EVERYWHERE).await;
        let places = Arc::new(tokio::sync::Semaphore::new(MAX_SERVED));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let node = self.clone();
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                Some(note) = notes.recv() => {
                    if let ChatNote::Acted(channel_id) = &note {
                        // In their order, and before anything that comes after.
                        node.acted(channel_id).await;
                    } else {
                        tokio::spawn(async move { node.note(note).await; drop(place) });
                    }
                }
                Ok(signal) = mine.next() => {
                    tokio::spawn(async move { node.signal(&signal).await; drop(place) });
                }
                Ok(signal) = everywhere.next() => match read(&signal) {
                    Some(RoomSignal::Person { user_id }) => self.changed(&user_id),
                    Some(RoomSignal::LoggedOut { user_id }) => self.logged_out(&user_id),
                    Some(RoomSignal::Channel { channel_id }) => {
                        tokio::spawn(async move { node.channel_changed(&channel_id).await; drop(place) });
                    }
                    _ => {}
                },
            }
        }
    }

    async fn acted(&self, channel_id: &str) {
        let room = self.rooms().get(channel_id).cloned();
        match room {
            Some(room) => room.acted(true).await,
            None => {
                let signal = RoomSignal::Acted { node: self.name.clone() };
                let _ = self.bus.publish(&crate::signal::room_topic(channel_id), &write(&signal)).await;
            }
        }
    }

    async fn note(&self, note: ChatNote) {
        match note {
            ChatNote::Acted(channel_id) => self.acted(&channel_id).await,
            ChatNote::Person(user_id) => {
                self.changed(&user_id);
                let _ = self.bus.publish(EVERYWHERE, &write(&RoomSignal::Person { user_id })).await;
            }
            ChatNote::LoggedOut(user_id) => {
                self.logged_out(&user_id);
                let _ = self.bus.publish(EVERYWHERE, &write(&RoomSignal::LoggedOut { user_id })).await;
            }
            ChatNote::Channel(channel_id) => {
                self.channel_changed(&channel_id).await;
                let _ = self.bus.publish(EVERYWHERE, &write(&RoomSignal::Channel { channel_id })).await;
            }
            ChatNote::Subscribed(session_id) => {
                let _ = self.bus.publish(&crate::eventsub::topic(&session_id), b"").await;
            }
            ChatNote::Say(asked) => {
                let result = match self.store.channel_by_id(&asked.channel_id).await {
                    Ok(Some(channel)) => {
                        let presence = self.enter(&channel).await;
                        self.say(&presence.room, &asked.user_id, asked.may_moderate, asked.say).await
                    }
                    _ => Err(unavailable()),
                };
                let _ = asked.answer.send(result);
            }
        }
    }

    async fn signal(&self, signal: &[u8]) {
        match read(signal) {
            Some(NodeSignal::Say { id, node, channel_id, user_id, say, action }) => {
                let result = self.say_for(&channel_id, &user_id, say, action).await;
                let _ = self.bus.publish(&node_topic(&node), &write(&NodeSignal::Answer { id, result })).await;
            }
            Some(NodeSignal::Answer { id, result }) => self.answered(id, result),
            None => {}
        }
    }

    async fn say_for(&self, channel_id: &str, user_id: &str, say: Say, action: bool) -> Result<String, Refusal> {
        let channel = self.store.channel_by_id(channel_id).await.ok().flatten().ok_or_else(unavailable)?;
        let from = self.people.find(&channel, user_id).await.ok().flatten().ok_or_else(unavailable)?;
        let room = self.rooms().get(channel_id).cloned().ok_or_else(unavailable)?;
        room.say(from, say, action).await
    }

    fn changed(&self, user_id: &str) {
        self.people.forget(user_id);
    }

    /// Its row is another now, or it is gone: whoever may not be here any more comes back and is refused.
    async fn channel_changed(&self, channel_id: &str) {
        self.people.forget_all();
        let Some(room) = self.rooms().get(channel_id).cloned() else { return };
        let Ok(now) = self.store.channel_by_id(channel_id).await else { return };
        let code = match now.filter(|channel| channel.suspended(clock::now_ms()).is_none()) {
            None => close::GONE,
            Some(channel) if room.access_revision.swap(channel.access_revision, Relaxed) == channel.access_revision => {
                return;
            }
            Some(_) => close::TICKET,
        };
        room.members.each(|conn| conn.close(code));
    }

    fn logged_out(&self, user_id: &str) {
        self.people.forget(user_id);
        for room in self.all_rooms() {
            room.members.each(|conn| {
                if conn.user_id().is_some_and(|id| **id == *user_id) {
                    conn.close(close::TICKET);
                }
            });
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Arc<Room>>> {
        lock(&self.rooms)
    }

    /// What tickets are signed with.
    pub async fn playback_key(&self) -> Result<&PlaybackKey, StoreError> {
        self.key.get_or_try_init(|| self.store.playback_key()).await
    }

    /// Until every room has been left.
    pub async fn closed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
