//! One client's connection: what it still has to get, from a few bytes of its own and from its
//! places in the rings of its rooms. The fan-out writes while the socket takes it; once it does not,
//! the connection's own task waits until it does again.

use crate::clock;
use crate::fanout::Members;
use crate::frames::{self, Encoding};
use crate::irc;
use crate::ring::Batch;
use crate::socket::Socket;
use bytes::{Buf, Bytes};
use rivulet_protocol::address::Network;
use rivulet_protocol::chat::{ServerFrame, close};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::Notify;

/// Of its own, apart from the rooms: answers to what it asks. More is somebody who asks without reading.
const PENDING_BYTES: usize = 256 * 1024;
/// A client that takes nothing for so long is gone, in seconds.
const STUCK_SECONDS: u32 = 45;

pub struct Conn {
    socket: Socket,
    encoding: AtomicU8,
    pub network: Network,
    /// Who it is, once it was said.
    identity: OnceLock<Identity>,
    out: Mutex<Out>,
    /// The socket takes nothing; the connection's task waits for it.
    blocked: AtomicBool,
    /// For the connection's task: there is something to write or to end.
    wake: Notify,
    /// When something was heard from it, in seconds of the server's own clock.
    heard: AtomicU32,
    /// A close code, or zero.
    closing: AtomicU16,
}

struct Identity {
    user_id: Arc<str>,
    may_say: bool,
    may_moderate: bool,
}

#[derive(Default)]
struct Out {
    pending: VecDeque<Bytes>,
    pending_bytes: usize,
    joined: Vec<Joined>,
    blocked_since: u32,
}

struct Joined {
    room: Arc<Members>,
    cursor: u64,
    /// Gets what only moderators get.
    moderator: bool,
}

/// Batches that were made for others at the same place in the same room.
pub type Cache = HashMap<(usize, u64, Encoding, bool), Option<Batch>>;

impl Conn {
    pub fn new(socket: Socket, encoding: Encoding, network: Network, now: u32) -> Self {
        Self {
            socket,
            encoding: AtomicU8::new(encoding as u8),
            network,
            identity: OnceLock::new(),
            out: Mutex::default(),
            blocked: AtomicBool::new(false),
            wake: Notify::new(),
            heard: AtomicU32::new(now),
            closing: AtomicU16::new(0),
        }
    }

    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Said once, before it is in any room.
    pub fn identify(&self, user_id: &str, may_say: bool, may_moderate: bool) {
        let _ = self.identity.set(Identity { user_id: user_id.into(), may_say, may_moderate });
    }

    /// `None` for a guest.
    pub fn user_id(&self) -> Option<&Arc<str>> {
        self.identity.get().map(|identity| &identity.user_id)
    }

    /// The user, where they may write.
    pub fn speaker(&self) -> Option<Arc<str>> {
        self.identity.get().filter(|identity| identity.may_say).map(|identity| identity.user_id.clone())
    }

    /// What it came with is for moderating too.
    pub fn may_moderate(&self) -> bool {
        self.identity.get().is_some_and(|identity| identity.may_moderate)
    }

    pub fn encoding(&self) -> Encoding {
        Encoding::ALL[usize::from(self.encoding.load(Relaxed))]
    }

    pub fn set_encoding(&self, encoding: Encoding) {
        self.encoding.store(encoding as u8, Relaxed);
    }

    /// For the connection's task: waits for what `poll` waits for, and keeps the connection going
    /// meanwhile. Otherwise it is to end, with this code.
    pub async fn attend<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Result<T, u16> {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            let next = poll_fn(|cx| {
                if let Some(code) = self.closing() {
                    return Poll::Ready(Some(Err(code)));
                }
                let unblocked = self.is_blocked() && self.poll_unblocked(cx).is_ready();
                // Then it may have been told to end, or be blocked anew.
                if unblocked || woken.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                poll(cx).map(|done| Some(Ok(done)))
            });
            if let Some(next) = next.await {
                return next;
            }
        }
    }

    pub fn hear(&self, now: u32) {
        self.heard.store(now, Relaxed);
    }

    pub fn heard(&self) -> u32 {
        self.heard.load(Relaxed)
    }

    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Acquire)
    }

    /// The task says goodbye and ends.
    pub fn close(&self, code: u16) {
        let _ = self.closing.compare_exchange(0, code, Relaxed, Relaxed);
        self.wake.notify_one();
    }

    pub fn closing(&self) -> Option<u16> {
        Some(self.closing.load(Relaxed)).filter(|code| *code != 0)
    }

    /// A frame for this client alone.
    pub fn tell(&self, frame: &ServerFrame) {
        self.send(frames::encode(self.encoding(), frame));
    }

    pub fn send(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let mut out = self.lock();
        if out.pending_bytes + bytes.len() > PENDING_BYTES {
            drop(out);
            return self.close(close::TOO_SLOW);
        }
        out.pending_bytes += bytes.len();
        out.pending.push_back(bytes);
        self.try_write(&mut out, &mut Cache::new());
    }

    /// From now on it gets what happens in a room after `cursor`, after `welcome`; as a moderator of
    /// this room, who may be none of another.
    pub fn join(&self, room: Arc<Members>, moderator: bool, cursor: u64, welcome: Bytes) {
        let mut out = self.lock();
        out.pending_bytes += welcome.len();
        out.pending.push_back(welcome);
        out.joined.retain(|joined| !Arc::ptr_eq(&joined.room, &room));
        out.joined.push(Joined { room, cursor, moderator });
        self.try_write(&mut out, &mut Cache::new());
    }

    pub fn leave(&self, room: &Arc<Members>) {
        self.lock().joined.retain(|joined| !Arc::ptr_eq(&joined.room, room));
    }

    /// Writes what there is, as far as the socket takes it without waiting.
    pub fn flush(&self, cache: &mut Cache) {
        if !self.is_blocked() {
            self.try_write(&mut self.lock(), cache);
        }
    }

    fn try_write(&self, out: &mut Out, cache: &mut Cache) {
        if self.is_blocked() {
            return;
        }
        self.write(out, &mut |bytes| self.socket.try_write(bytes), cache);
        if self.is_blocked() {
            // Its task goes on with it.
            self.wake.notify_one();
        }
    }

    /// For the connection's task, while the socket takes nothing.
    pub fn poll_unblocked(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut out = self.lock();
        let mut waits = false;
        self.blocked.store(false, Release);
        let mut write = |bytes: &[u8]| match self.socket.poll_write(cx, bytes) {
            Poll::Ready(done) => done,
            Poll::Pending => {
                waits = true;
                Err(ErrorKind::WouldBlock.into())
            }
        };
        self.write(&mut out, &mut write, &mut Cache::new());
        if waits { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Asks whether somebody is there, in the way of its protocol.
    pub fn ping(&self) {
        if self.is_blocked() {
            return;
        }
        match self.encoding() {
            Encoding::Json | Encoding::Msgpack => self.send(Bytes::from_static(frames::PING)),
            encoding => self.send(frames::lines(encoding, irc::PING)),
        }
    }

    /// Nothing was taken for too long.
    pub fn is_stuck(&self, now: u32) -> bool {
        self.is_blocked() && now.saturating_sub(self.lock().blocked_since) > STUCK_SECONDS
    }

    fn write(&self, out: &mut Out, write: &mut dyn FnMut(&[u8]) -> std::io::Result<usize>, cache: &mut Cache) {
        let mut wrote = false;
        loop {
            while let Some(front) = out.pending.front_mut() {
                match write(front) {
                    Ok(0) => return self.close(close::TOO_SLOW),
                    Ok(written) => {
                        wrote = true;
                        front.advance(written);
                        out.pending_bytes = out.pending_bytes.saturating_sub(written);
                        if front.is_empty() {
                            out.pending.pop_front();
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        if wrote || out.blocked_since == 0 {
                            out.blocked_since = clock::seconds();
                        }
                        self.blocked.store(true, Release);
                        return;
                    }
                    // The peer is gone; its task finds out when it reads.
                    Err(_) => return self.close(close::SILENT),
                }
            }
            out.blocked_since = 0;
            let encoding = self.encoding();
            // On IRC nobody gets what they said themselves.
            let own = self.user_id().filter(|_| encoding.is_irc());
            let batch = out.joined.iter_mut().find_map(|joined| {
                let moderator = joined.moderator;
                let read = || joined.room.batch(joined.cursor, encoding, moderator, own.map(|id| &**id));
                let batch = match own {
                    None => {
                        let key = (Arc::as_ptr(&joined.room) as usize, joined.cursor, encoding, moderator);
                        cache.entry(key).or_insert_with(read).clone()
                    }
                    Some(_) => read(),
                }?;
                joined.cursor = batch.next;
                Some(batch)
            });
            let Some(batch) = batch else { return };
            if batch.lost {
                return self.close(close::TOO_SLOW);
            }
            if !batch.bytes.is_empty() {
                out.pending_bytes += batch.bytes.len();
                out.pending.push_back(batch.bytes);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
