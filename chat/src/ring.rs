//! The newest events of a room on this node, each encoded once for every kind of client. Clients
//! have a cursor into it instead of a queue of their own, so a slow one costs nothing: it finds that
//! its place is gone, is told so, and goes on with the newest.

use crate::frames::{self, Encoding};
use crate::irc::Place;
use bytes::{Bytes, BytesMut};
use rivulet_protocol::chat::{Audience, Event, Numbered, Position, ServerFrame};
use rivulet_protocol::rest::ChatSettings;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// Events that a client may be behind.
const ENTRIES: usize = 1024;
/// The same in bytes of JSON.
const BYTES: usize = 2 * 1024 * 1024;
/// Events that must not be left out, kept for longer.
const CRITICAL: usize = 512;
/// Written to one client in one go.
const BATCH_BYTES: usize = 64 * 1024;

pub struct Entry {
    pub audience: Audience,
    pub critical: bool,
    pub event: Numbered,
    /// The settings that it replaces.
    before: Option<Box<ChatSettings>>,
    frames: [OnceLock<Bytes>; Encoding::ALL.len()],
}

impl Entry {
    pub fn new(audience: Audience, critical: bool, event: Numbered) -> Self {
        Self { audience, critical, event, before: None, frames: Default::default() }
    }

    /// As bytes for the wire.
    pub fn frame(&self, encoding: Encoding, place: Place<'_>) -> &Bytes {
        let encode = || frames::event(encoding, place, &self.event, self.before.as_deref());
        self.frames[encoding as usize].get_or_init(encode)
    }

    /// Said by them in a way that their own client shows by itself.
    fn is_by(&self, user_id: &str) -> bool {
        matches!(&self.event.event, Event::Message(message)
            if message.author.id == user_id && message.announcement.is_none())
    }

    fn is_for(&self, moderator: bool) -> bool {
        match self.audience {
            Audience::All => true,
            Audience::Moderators => moderator,
            Audience::Others => !moderator,
        }
    }
}

/// For one client, or for many at the same place.
#[derive(Clone)]
pub struct Batch {
    pub bytes: Bytes,
    /// The cursor after it.
    pub next: u64,
    /// Something before it is gone that must not be left out: the client has to begin anew.
    pub lost: bool,
}

#[derive(Default)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// Of the first entry.
    first: u64,
    bytes: usize,
    /// Those that are not in `entries` any more, with their place.
    critical: VecDeque<(u64, Arc<Entry>)>,
    /// A client before this place has missed one that is in neither.
    complete_from: u64,
    /// The position before the first entry.
    before: Position,
    /// As they are after the newest entry.
    settings: ChatSettings,
}

impl Ring {
    /// Begins after a position that everybody has seen.
    pub fn start(&mut self, before: Position) {
        self.before = before;
    }

    /// What holds when nothing has been pushed yet.
    pub fn settings(&mut self, settings: ChatSettings) {
        self.settings = settings;
    }

    pub fn push(&mut self, mut entry: Entry, place: Place<'_>) {
        if let Event::Settings { settings } = &entry.event.event {
            entry.before = Some(Box::new(std::mem::replace(&mut self.settings, settings.clone())));
        }
        self.bytes += entry.frame(Encoding::Json, place).len();
        self.entries.push_back(Arc::new(entry));
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.frame(Encoding::Json, place).len();
            self.before = oldest.event.position;
            if oldest.critical {
                if self.critical.len() >= CRITICAL
                    && let Some((place, _)) = self.critical.pop_front()
                {
                    self.complete_from = place + 1;
                }
                self.critical.push_back((self.first, oldest));
            }
            self.first += 1;
        }
    }

    /// The cursor of a client that has seen everything.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The position of the newest entry.
    pub fn position(&self) -> Position {
        self.entries.back().map_or(self.before, |entry| entry.event.position)
    }

    /// The cursor behind a position, if everything after it is still here.
    pub fn find(&self, position: Position) -> Option<u64> {
        if position == self.before {
            return Some(self.first);
        }
        let index = self.entries.binary_search_by(|entry| entry.event.position.cmp(&position)).ok()?;
        Some(self.first + index as u64 + 1)
    }

    /// The cursor before the first entry of that time or later.
    pub fn since(&self, sent_ms: i64) -> u64 {
        self.first + self.entries.partition_point(|entry| entry.event.sent_ms < sent_ms) as u64
    }

    /// What comes after a cursor, and the cursor after that: all that is still here, for a reader in
    /// this process.
    pub fn read(&self, cursor: u64) -> (Vec<Arc<Entry>>, u64) {
        let lost = self.critical.iter().filter(|(place, _)| *place >= cursor).map(|(_, entry)| entry);
        let start = cursor.max(self.first).min(self.end()) - self.first;
        let entries = lost.chain(self.entries.range(start as usize..)).cloned().collect();
        (entries, self.end())
    }

    /// Entries in order, those after `position`.
    pub fn after(&self, position: Position) -> impl Iterator<Item = &Arc<Entry>> {
        let index = self.entries.partition_point(|entry| entry.event.position <= position);
        self.entries.range(index..)
    }

    /// What a client at `cursor` gets next, without what the user `own` said; `None` when that is nothing.
    pub fn batch(
        &self,
        cursor: u64,
        encoding: Encoding,
        moderator: bool,
        own: Option<&str>,
        place: Place<'_>,
    ) -> Option<Batch> {
        if cursor >= self.end() {
            return None;
        }
        let mut bytes = BytesMut::new();
        let gap = cursor < self.first;
        if gap {
            let lost = self.critical.iter().skip_while(|(place, _)| *place < cursor);
            for (_, entry) in lost.filter(|(_, entry)| entry.is_for(moderator)) {
                bytes.extend_from_slice(entry.frame(encoding, place));
            }
            let told = ServerFrame::Gap { to: self.before };
            bytes.extend_from_slice(&frames::encode(encoding, &told));
        }
        let start = cursor.max(self.first);
        let mut next = start;
        let entries = self.entries.range((start - self.first) as usize..);
        let mut only: Option<&Bytes> = None;
        for entry in entries {
            if entry.is_for(moderator) && !own.is_some_and(|own| entry.is_by(own)) {
                let frame = entry.frame(encoding, place);
                if !bytes.is_empty() && bytes.len() + frame.len() > BATCH_BYTES {
                    break;
                }
                match only.take() {
                    None if bytes.is_empty() => only = Some(frame),
                    first => {
                        if let Some(first) = first {
                            bytes.extend_from_slice(first);
                        }
                        bytes.extend_from_slice(frame);
                    }
                }
            }
            next += 1;
        }
        // Most often it is one frame, which all share.
        let bytes = only.cloned().unwrap_or_else(|| bytes.freeze());
        Some(Batch { bytes, next, lost: cursor < self.complete_from })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLACE: Place<'_> = Place { id: "c1", name: "c" };

    fn entry(n: u64, audience: Audience, critical: bool) -> Entry {
        let event = Numbered {
            position: Position { epoch: 1, n },
            sent_ms: 0,
            event: Event::Deleted { message_id: format!("m{n}"), login: String::new() },
        };
        Entry::new(audience, critical, event)
    }

    fn text(batch: &Batch) -> String {
        String::from_utf8_lossy(&batch.bytes).into_owned()
    }

    #[test]
    fn a_reader_gets_each_event_once() {
        let mut ring = Ring::default();
        for n in 1..=3 {
            ring.push(entry(n, Audience::All, false), PLACE);
        }
        let batch = ring.batch(0, Encoding::Json, false, None, PLACE).unwrap();
        assert!(
            ["m1", "m2", "m3"].iter().all(|id| text(&batch).contains(id))
                && batch.next == 3
                && !text(&batch).contains("gap")
        );
        assert!(ring.batch(3, Encoding::Json, false, None, PLACE).is_none());
        let last = ring.batch(2, Encoding::Json, false, None, PLACE).unwrap();
        assert!(last.bytes.len() < batch.bytes.len() && last.next == 3);
    }

    #[test]
    fn who_gets_what() {
        let mut ring = Ring::default();
        ring.push(entry(1, Audience::Moderators, false), PLACE);
        ring.push(entry(2, Audience::Others, false), PLACE);
        let moderator = ring.batch(0, Encoding::Json, true, None, PLACE).unwrap();
        assert!(text(&moderator).contains("m1") && !text(&moderator).contains("m2"));
        let viewer = ring.batch(0, Encoding::Json, false, None, PLACE).unwrap();
        assert!(text(&viewer).contains("m2") && !text(&viewer).contains("m1") && viewer.next == 2);
        assert!(ring.batch(1, Encoding::Json, true, None, PLACE).unwrap().bytes.is_empty());
    }

    #[test]
    fn a_slow_reader_is_told_and_misses_no_deed() {
        let mut ring = Ring::default();
        for n in 1..=3 * ENTRIES as u64 {
            ring.push(entry(n, Audience::All, n % 100 == 0), PLACE);
        }
        let batch = ring.batch(0, Encoding::Json, false, None, PLACE).unwrap();
        assert!(text(&batch).contains("gap"));
        assert!(text(&batch).contains("\"m100\"") && !text(&batch).contains("\"m101\""));
        assert!(ring.find(Position { epoch: 1, n: 5 }).is_none());
        assert_eq!(ring.find(ring.position()), Some(ring.end()));
        let before = Position { epoch: 1, n: 2 * ENTRIES as u64 };
        let cursor = ring.find(before).unwrap();
        assert!(!text(&ring.batch(cursor, Encoding::Json, false, None, PLACE).unwrap()).contains("gap"));
        assert_eq!(ring.after(before).count(), ENTRIES);
    }

    #[test]
    fn a_reader_who_missed_a_deed_begins_anew() {
        let mut ring = Ring::default();
        for n in 1..=(ENTRIES + CRITICAL) as u64 {
            ring.push(entry(n, Audience::All, true), PLACE);
        }
        let lost = |ring: &Ring, cursor| ring.batch(cursor, Encoding::Json, false, None, PLACE).unwrap().lost;
        assert!(!lost(&ring, 0), "all of them are still there");
        ring.push(entry((ENTRIES + CRITICAL) as u64 + 1, Audience::All, true), PLACE);
        assert!(lost(&ring, 0) && !lost(&ring, 1));
    }
}
