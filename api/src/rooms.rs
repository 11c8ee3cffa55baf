//! The pages that follow a channel, gathered in one room. Its one task waits for whatever can
//! change in the channel, and renders the events once for all pages, at most four times a second.
//! The room is there as long as somebody is in it.
//!
//! Everything is looked up anew after each wake-up and all signals are watched before that, so a
//! change can be merged with a later one, and cannot be lost.

use crate::view::{self, OnAir};
use rivulet_hub::{Hub, HubEvent};
use rivulet_store::{Channel, Store};
use serde::Serialize;
use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const MIN_INTERVAL: Duration = Duration::from_millis(250);
/// The hub has no signal for a refused publish, so that is looked up this often.
const REFUSAL_INTERVAL: Duration = Duration::from_secs(1);

pub struct Rooms(Arc<Inner>);

struct Inner {
    store: Store,
    hub: Hub,
    shutdown: CancellationToken,
    rooms: Mutex<HashMap<String, Arc<Room>>>,
}

struct Room {
    /// The stored row has to be read anew.
    edited: Notify,
    /// Pages that show the player.
    watching: watch::Sender<u32>,
    /// Rendered events.
    channel: watch::Sender<Arc<str>>,
    ingest: watch::Sender<Arc<str>>,
}

/// A page in a room; dropping it leaves. It has a receiver from the moment of joining, because a
/// room ends when nobody has one.
pub struct Page {
    room: Arc<Room>,
    watching: bool,
    channel: watch::Receiver<Arc<str>>,
}

impl Page {
    pub fn channel(&self) -> watch::Receiver<Arc<str>> {
        self.channel.clone()
    }

    pub fn ingest(&self) -> watch::Receiver<Arc<str>> {
        self.room.ingest.subscribe()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.watching {
            self.room.watching.send_modify(|n| *n = n.saturating_sub(1));
        }
    }
}

impl Rooms {
    pub fn new(store: Store, hub: Hub, shutdown: CancellationToken) -> Self {
        Self(Arc::new(Inner { store, hub, shutdown, rooms: Mutex::default() }))
    }

    pub fn join(&self, row: Channel, watching: bool) -> Page {
        let mut rooms = self.0.lock();
        let room = match rooms.get(&row.name) {
            Some(room) => {
                room.watching.send_modify(|n| *n += u32::from(watching));
                room.clone()
            }
            None => {
                let room = Arc::new(Room::new(u32::from(watching)));
                room.render(&row, &self.0.hub);
                rooms.insert(row.name.clone(), room.clone());
                tokio::spawn(self.0.clone().run(room.clone(), row));
                room
            }
        };
        Page { watching, channel: room.channel.subscribe(), room }
    }

    /// Pages that show the channel's player.
    pub fn watching(&self, channel: &str) -> u32 {
        self.0.lock().get(channel).map_or(0, |room| *room.watching.borrow())
    }

    /// The stored row has changed.
    pub fn edited(&self, channel: &str) {
        if let Some(room) = self.0.lock().get(channel) {
            room.edited.notify_one();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>, room: Arc<Room>, mut row: Channel) {
        let mut events = self.hub.events();
        let mut watching = room.watching.subscribe();
        let mut look = tokio::time::interval(REFUSAL_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The row may have been edited between its reading and the room's making.
        room.edited.notify_one();
        loop {
            watching.mark_unchanged();
            let on_air = self.hub.get(&row.name);
            let mut status = on_air.as_ref().map(|broadcast| broadcast.status.subscribe());
            let mut players = on_air.as_ref().map(|broadcast| broadcast.players.subscribe());
            room.render(&row, &self.hub);
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = room.channel.closed() => {
                    if self.close(&row.name, &room) {
                        return;
                    }
                }
                () = room.edited.notified() => match self.store.channel_by_name(&row.name).await {
                    Ok(newest) => row = newest.unwrap_or(row),
                    Err(error) => tracing::warn!(%error, channel = row.name, "pages show an old title"),
                },
                () = about(&mut events, &row.name) => {}
                () = changed(&mut status) => {}
                () = changed(&mut players) => {}
                _ = watching.changed() => {}
                _ = look.tick() => {}
            }
            tokio::time::sleep(MIN_INTERVAL).await;
        }
    }

    /// Joining happens under the same lock, so nobody enters a room that is being closed.
    fn close(&self, name: &str, room: &Room) -> bool {
        let mut rooms = self.lock();
        let empty = room.channel.is_closed();
        if empty {
            rooms.remove(name);
        }
        empty
    }
}

impl Room {
    fn new(watching: u32) -> Self {
        let nothing = || watch::Sender::new(Arc::from(""));
        Self { edited: Notify::new(), watching: watch::Sender::new(watching), channel: nothing(), ingest: nothing() }
    }

    fn render(&self, row: &Channel, hub: &Hub) {
        let on_air = hub.get(&row.name).map(|broadcast| OnAir::of(&broadcast, *self.watching.borrow()));
        publish(&self.channel, &view::channel(row, on_air.as_ref()));
        publish(&self.ingest, &view::ingest(&row.name, hub));
    }
}

/// Wakes the pages only when they get to see something new.
fn publish(to: &watch::Sender<Arc<str>>, value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(json) => {
            to.send_if_modified(|old| {
                let new = **old != *json;
                if new {
                    *old = json.into();
                }
                new
            });
        }
        Err(error) => tracing::error!(%error, "an event cannot be written as JSON"),
    }
}

/// A start or an end on this channel, or so many that we lost count.
async fn about(events: &mut broadcast::Receiver<HubEvent>, channel: &str) {
    loop {
        match events.recv().await {
            Ok(HubEvent::Started(broadcast) | HubEvent::Ended(broadcast)) if broadcast.info.channel != channel => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => pending().await,
        }
    }
}

async fn changed<T>(watched: &mut Option<watch::Receiver<T>>) {
    let changed = match watched {
        Some(watched) => watched.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        pending().await
    }
}
