//! From a room to its clients: a thread for each core, each with its share of every room's clients.
//! They are threads of their own, since a large room is a long row of system calls, and nothing else
//! has to wait behind it. A room that speaks now and then is written at once; one that speaks all the
//! time is written a few times a second, many events in one go, unless a moderator did something.

use crate::clock;
use crate::conn::{Cache, Conn};
use crate::frames::Encoding;
use crate::irc::Place;
use crate::ring::{Batch, Entry, Ring};
use bytes::Bytes;
use rivulet_protocol::chat::close;
use rivulet_store::Channel;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Between two rounds of one room.
const ROUND: Duration = Duration::from_millis(100);
/// Clients that are written to between two looks at the lock of the list.
const CHUNK: usize = 128;
/// How often each client is pinged, in seconds; a client that says nothing for longer than the
/// second is gone.
pub const HEARTBEAT_SECONDS: u32 = 50;
const SILENT_SECONDS: u32 = 125;

/// A room as the fan-out sees it: what happened, and who is there.
pub struct Members {
    id: String,
    name: String,
    ring: Mutex<Ring>,
    /// Something was pushed, for readers in this process.
    pub news: Notify,
    shards: Vec<Share>,
}

#[derive(Default)]
struct Share {
    conns: Mutex<Vec<Arc<Conn>>>,
    /// It waits for its round.
    waits: AtomicBool,
    /// Somebody left in the middle of a round, and another took their place in the list.
    moved: AtomicBool,
}

impl Members {
    fn new(channel: &Channel, shards: usize) -> Self {
        let shards = std::iter::repeat_with(Share::default).take(shards).collect();
        Self { id: channel.id.clone(), name: channel.name.clone(), ring: Mutex::default(), news: Notify::new(), shards }
    }

    fn place(&self) -> Place<'_> {
        Place { id: &self.id, name: &self.name }
    }

    pub fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }

    pub fn batch(&self, cursor: u64, encoding: Encoding, moderator: bool, own: Option<&str>) -> Option<Batch> {
        self.ring().batch(cursor, encoding, moderator, own, self.place())
    }

    pub fn count(&self) -> usize {
        self.shards.iter().map(|share| lock(&share.conns).len()).sum()
    }

    /// For each who is there now.
    pub fn each(&self, mut visit: impl FnMut(&Arc<Conn>)) {
        for share in &self.shards {
            lock(&share.conns).iter().for_each(&mut visit);
        }
    }
}

pub struct Fanout {
    shards: Vec<Arc<Shard>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shard {
    index: usize,
    queue: Mutex<Queue>,
    ready: Condvar,
    /// A clients' wheel: each second has its own to look after.
    wheel: Mutex<Vec<Vec<Weak<Conn>>>>,
}

#[derive(Default)]
struct Queue {
    /// What moderators do does not wait for a round.
    urgent: Vec<Arc<Members>>,
    now: Vec<Arc<Members>>,
    later: BTreeMap<Instant, Vec<Arc<Members>>>,
    stop: bool,
}

impl Fanout {
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let shards: Vec<Arc<Shard>> = (0..threads)
            .map(|index| {
                let wheel = vec![Vec::new(); HEARTBEAT_SECONDS as usize];
                Arc::new(Shard { index, queue: Mutex::default(), ready: Condvar::new(), wheel: Mutex::new(wheel) })
            })
            .collect();
        let start = |shard: &Arc<Shard>| {
            let (name, shard) = (format!("chat-{}", shard.index), shard.clone());
            std::thread::Builder::new().name(name).spawn(move || shard.run())
        };
        let threads = shards.iter().map(start).collect::<Result<_, _>>()?;
        Ok(Self { shards, threads: Mutex::new(threads) })
    }

    pub fn members(&self, channel: &Channel) -> Arc<Members> {
        Arc::new(Members::new(channel, self.shards.len()))
    }

    /// Something happened in a room: everybody there gets it.
    pub fn push(&self, room: &Arc<Members>, entries: impl IntoIterator<Item = Entry>) {
        let mut urgent = false;
        {
            let mut ring = room.ring();
            for entry in entries {
                urgent |= entry.critical;
                ring.push(entry, room.place());
            }
        }
        room.news.notify_waiters();
        for shard in &self.shards {
            shard.wake(room, urgent);
        }
    }

    /// `welcome` makes the first frame, with the ring as it is at that moment; it answers the cursor.
    pub fn join(
        &self,
        room: &Arc<Members>,
        conn: &Arc<Conn>,
        moderator: bool,
        welcome: impl FnOnce(&Ring) -> (u64, Bytes),
    ) {
        let shard = self.shard_of(conn);
        let (cursor, bytes) = welcome(&room.ring());
        // What comes before it is in the list, it gets on joining; what comes after, with the round.
        lock(&room.shards[shard].conns).push(conn.clone());
        conn.join(room.clone(), moderator, cursor, bytes);
    }

    pub fn leave(&self, room: &Arc<Members>, conn: &Arc<Conn>) {
        conn.leave(room);
        let share = &room.shards[self.shard_of(conn)];
        let mut conns = lock(&share.conns);
        if let Some(index) = conns.iter().position(|other| Arc::ptr_eq(other, conn)) {
            conns.swap_remove(index);
            share.moved.store(true, Release);
        }
    }

    /// Looks after the connection from now on: pings, and the end of it when nobody is there.
    pub fn look_after(&self, conn: &Arc<Conn>) {
        let mut wheel = lock(&self.shards[self.shard_of(conn)].wheel);
        let slot = (clock::seconds() % HEARTBEAT_SECONDS) as usize;
        wheel[slot].push(Arc::downgrade(conn));
    }

    fn shard_of(&self, conn: &Arc<Conn>) -> usize {
        // Allocations are aligned, so their lowest bits say nothing.
        (Arc::as_ptr(conn) as usize >> 8) % self.shards.len()
    }
}

impl Drop for Fanout {
    fn drop(&mut self) {
        for shard in &self.shards {
            lock(&shard.queue).stop = true;
            shard.ready.notify_one();
        }
        for thread in lock(&self.threads).drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shard {
    fn wake(&self, room: &Arc<Members>, urgent: bool) {
        let share = &room.shards[self.index];
        let waits = share.waits.swap(true, AcqRel);
        if urgent {
            lock(&self.queue).urgent.push(room.clone());
        } else if !waits {
            lock(&self.queue).now.push(room.clone());
        } else {
            return;
        }
        self.ready.notify_one();
    }

    fn run(&self) {
        let mut second = clock::seconds();
        let mut flushed: std::collections::HashMap<usize, Instant> = std::collections::HashMap::new();
        loop {
            let due = {
                let mut queue = lock(&self.queue);
                loop {
                    if queue.stop {
                        return;
                    }
                    let now = Instant::now();
                    let mut due = std::mem::take(&mut queue.now);
                    // Rooms that had their round just now wait for the next.
                    due.retain(|room| {
                        let key = Arc::as_ptr(room) as usize;
                        match flushed.get(&key).map(|at| *at + ROUND).filter(|next| *next > now) {
                            Some(next) => {
                                queue.later.entry(next).or_default().push(room.clone());
                                false
                            }
                            None => true,
                        }
                    });
                    due.append(&mut queue.urgent);
                    while let Some(first) = queue.later.first_entry()
                        && *first.key() <= now
                    {
                        due.extend(first.remove());
                    }
                    if !due.is_empty() || clock::seconds() != second {
                        break due;
                    }
                    let wait = queue.later.keys().next().map_or(ROUND * 10, |next| *next - now).min(ROUND * 10);
                    let waited = self.ready.wait_timeout(queue, wait);
                    queue = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            };
            let now = Instant::now();
            flushed.retain(|_, at| now.duration_since(*at) < ROUND);
            for room in due {
                flushed.insert(Arc::as_ptr(&room) as usize, now);
                room.shards[self.index].waits.store(false, Release);
                // What fails at one room is not the other rooms' trouble.
                let _ = catch_unwind(AssertUnwindSafe(|| self.round(&room)));
            }
            while second != clock::seconds() {
                second += 1;
                self.look_after(second);
            }
        }
    }

    fn round(&self, room: &Members) {
        let share = &room.shards[self.index];
        let mut cache = Cache::new();
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            share.moved.store(false, Release);
            let mut start = 0;
            loop {
                chunk.clear();
                chunk.extend(lock(&share.conns).iter().skip(start).take(CHUNK).cloned());
                if chunk.is_empty() {
                    break;
                }
                start += chunk.len();
                chunk.iter().for_each(|conn| conn.flush(&mut cache));
                if cache.len() > 1024 {
                    cache.clear();
                }
            }
            if !share.moved.load(Acquire) {
                return;
            }
        }
    }

    fn look_after(&self, second: u32) {
        let slot = (second % HEARTBEAT_SECONDS) as usize;
        let mut mine = std::mem::take(&mut lock(&self.wheel)[slot]);
        mine.retain(|conn| {
            let Some(conn) = conn.upgrade() else { return false };
            if second.saturating_sub(conn.heard()) > SILENT_SECONDS {
                conn.close(close::SILENT);
            } else if conn.is_stuck(second) {
                conn.close(close::TOO_SLOW);
            } else {
                conn.ping();
            }
            true
        });
        lock(&self.wheel)[slot].append(&mut mine);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
