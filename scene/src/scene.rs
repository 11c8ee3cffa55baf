//! The scene: its layers, what moves them, and the batches that wait. All changes go through here.

use crate::batch::{Batch, Change};
use crate::color::Color;
use crate::content::Line;
use crate::error::{Code, Error};
use crate::id::Id;
use crate::layer::Layer;
use crate::limits::{Limits, MAX_WAITING};
use crate::property::Value;
use crate::timing::Running;
use crate::transition::Transitions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sources whose loudness is known.
const MAX_SOURCES: usize = 32;
/// That nobody has taken yet; the oldest go.
const MAX_EVENTS: usize = 1_000;

/// A layer in its place, with the transitions that it is in.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub layer: Arc<Layer>,
    pub transitions: Transitions,
}

impl Node {
    pub fn new(layer: Layer) -> Self {
        Self { layer: Arc::new(layer), transitions: Transitions::default() }
    }

    pub fn id(&self) -> &Id {
        &self.layer.base.id
    }
}

/// A batch that waits for its time or its event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    pub id: Id,
    /// In microseconds of scene time; nothing for one that waits for an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
    pub batch: Batch,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Applied {
    /// Of the scene, after it.
    pub revision: u64,
    /// By which it can be taken back, if it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<Id>,
}

/// What happened, for those who watch the scene.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// These changes were made, in this order.
    Changed {
        at: i64,
        revision: u64,
        changes: Vec<Change>,
    },
    Scheduled {
        at: i64,
        batch: Id,
        due: Option<i64>,
    },
    /// A batch that waited could not be applied.
    Refused {
        at: i64,
        batch: Id,
        error: Error,
    },
    Fired {
        at: i64,
        name: Id,
    },
    AnimationEnded {
        at: i64,
        animation: Id,
        how: Ending,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Finished,
    Cancelled,
    /// What it moved is gone.
    Removed,
}

#[derive(Debug, Clone)]
pub struct Scene {
    pub(crate) limits: Limits,
    pub(crate) revision: u64,
    /// The latest time that was heard of: it never runs backwards.
    pub(crate) clock: i64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) background: Color,
    /// In the order of their documents, which within a group is that from back to front.
    pub(crate) nodes: Vec<Node>,
    /// In the order in which they were started; later ones go on top.
    pub(crate) running: Vec<Running>,
    /// In the order in which they came.
    pub(crate) waiting: Vec<Waiting>,
    /// Names for what clients left unnamed.
    pub(crate) named: u64,
    /// Loudness of sources, in decibels. It is of the moment, and not part of the document.
    pub(crate) levels: BTreeMap<Id, f64>,
    /// What was said in chats that are followed, the newest last.
    pub(crate) chats: BTreeMap<Id, Arc<Vec<Line>>>,
    pub(crate) events: Vec<Event>,
}

impl Scene {
    /// An empty one; sizes in pixels.
    pub fn new(width: u32, height: u32, limits: Limits) -> Self {
        Self {
            limits,
            revision: 0,
            clock: i64::MIN,
            width,
            height,
            background: Color::BLACK,
            nodes: Vec::new(),
            running: Vec::new(),
            waiting: Vec::new(),
            named: 0,
            levels: BTreeMap::new(),
            chats: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// From back to front within each group; without those that are on their way out.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.nodes.iter().filter(|node| !node.id().is_leaving()).map(|node| node.layer.as_ref())
    }

    pub fn layer(&self, id: &str) -> Option<&Layer> {
        self.layers().find(|layer| layer.base.id.as_str() == id)
    }

    pub fn animations(&self) -> &[Running] {
        &self.running
    }

    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// A property's value as it is shown at `now`, with transitions and animations.
    pub fn shown(&self, id: &str, path: &str, now: i64) -> Option<Value> {
        let node = self.nodes.iter().find(|node| node.id().as_str() == id)?;
        let samples = self.samples(now);
        self.resolved(node, &node.layer, &samples, now).property(path)
    }

    /// How loud a source is from now on, in decibels below full scale. Beyond 32 sources the first by
    /// name is forgotten.
    pub fn hear(&mut self, source: Id, level_db: f64) {
        self.levels.insert(source, level_db);
        if self.levels.len() > MAX_SOURCES {
            self.levels.pop_first();
        }
    }

    /// What is to be seen of each chat from now on.
    pub fn read(&mut self, chats: impl Iterator<Item = (Id, Arc<Vec<Line>>)>) {
        self.chats = chats.take(MAX_SOURCES).collect();
    }

    /// Applies all of `batch`, or nothing of it; or keeps it until its time or its event. What it causes
    /// comes with the next [`Scene::advance`].
    pub fn apply(&mut self, batch: Batch, now: i64) -> Result<Applied, Error> {
        self.catch_up(now);
        let now = self.clock;
        batch.check()?;
        if let Some(expected) = batch.if_revision.filter(|revision| *revision != self.revision) {
            let message = format!("the scene is at revision {}, not {expected}", self.revision);
            return Err(Error::new(Code::RevisionConflict, "/if_revision", message));
        }
        let due = match batch.on {
            Some(_) => None,
            None => Some(batch.at.from(now)),
        };
        if due.is_some_and(|due| due <= now) {
            self.apply_now(&batch.changes, now)?;
            return Ok(Applied { revision: self.revision, waits: None });
        }
        self.keep(batch, due, now)
    }

    fn keep(&mut self, batch: Batch, due: Option<i64>, now: i64) -> Result<Applied, Error> {
        if !batch.at.is_near(now) {
            return Err(Error::new(Code::OutOfRange, "/at", "is more than a year ahead"));
        }
        if self.waiting.len() >= MAX_WAITING {
            return Err(Error::new(Code::TooMany, "", format!("{MAX_WAITING} batches wait already")));
        }
        let id = match &batch.id {
            Some(id) if self.waiting.iter().any(|waiting| waiting.id == *id) => {
                return Err(Error::new(Code::DuplicateId, "/id", format!("the batch {id:?} waits already")));
            }
            Some(id) => id.clone(),
            None => self.name(),
        };
        self.note(Event::Scheduled { at: now, batch: id.clone(), due });
        self.waiting.push(Waiting { id: id.clone(), due, batch });
        Ok(Applied { revision: self.revision, waits: Some(id) })
    }

    fn name(&mut self) -> Id {
        loop {
            self.named += 1;
            let id = Id::try_from(format!("batch-{}", self.named));
            if let Some(id) = id.ok().filter(|id| self.waiting.iter().all(|waiting| waiting.id != *id)) {
                return id;
            }
        }
    }

    /// All or nothing: the changes are made on a copy, which is cheap, as layers are shared.
    pub(crate) fn apply_now(&mut self, changes: &[Change], now: i64) -> Result<(), Error> {
        let mut next = self.clone();
        for (n, change) in changes.iter().enumerate() {
            next.change(change, now).map_err(|error| error.within(&format!("/changes/{n}")))?;
        }
        next.revision += 1;
        next.end_orphans(now);
        next.note(Event::Changed { at: now, revision: next.revision, changes: changes.to_vec() });
        *self = next;
        // After the batch as a whole, so that it sees all of it.
        for change in changes {
            if let Change::Fire(fire) = change {
                self.fire(&fire.event, now);
            }
        }
        Ok(())
    }

    /// Each batch waits for one event only, so that a chain of them comes to an end.
    fn fire(&mut self, name: &Id, now: i64) {
        self.note(Event::Fired { at: now, name: name.clone() });
        let (due, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|waiting| waiting.batch.on.as_ref() == Some(name));
        self.waiting = rest;
        for waiting in due {
            self.release(waiting, now);
        }
    }

    fn release(&mut self, waiting: Waiting, now: i64) {
        if let Err(error) = self.apply_now(&waiting.batch.changes, now) {
            self.note(Event::Refused { at: now, batch: waiting.id, error });
        }
    }

    /// What is due at `now` happens, each at its own time. Answers what has happened since the last call.
    pub fn advance(&mut self, now: i64) -> Vec<Event> {
        self.catch_up(now);
        std::mem::take(&mut self.events)
    }

    /// When something next happens by itself; `i64::MAX` if nothing will.
    pub fn next_due(&self) -> i64 {
        let batches = self.waiting.iter().filter_map(|waiting| waiting.due);
        let ends = self.running.iter().map(Running::end);
        let transitions = self.nodes.iter().map(|node| node.transitions.end());
        batches.chain(ends).chain(transitions).min().unwrap_or(i64::MAX)
    }

    pub(crate) fn catch_up(&mut self, now: i64) {
        loop {
            let due = self.next_due();
            if due > now {
                break;
            }
            // Something that was due in the past, before the clock was set, happens now.
            let at = due.max(self.clock);
            self.clock = at;
            self.end_transitions(due);
            self.end_animations(at, due);
            while let Some(n) = self.waiting.iter().position(|waiting| waiting.due.is_some_and(|own| own <= due)) {
                let waiting = self.waiting.remove(n);
                self.release(waiting, at);
            }
        }
        self.clock = self.clock.max(now);
    }

    fn end_transitions(&mut self, due: i64) {
        for node in &mut self.nodes {
            node.transitions.advance(due);
        }
        let gone: Vec<Id> = self
            .nodes
            .iter()
            .filter(|node| node.id().is_leaving() && node.transitions.is_empty())
            .filter(|node| node.layer.base.parent.as_ref().is_none_or(|parent| !parent.is_leaving()))
            .map(|node| node.id().clone())
            .collect();
        for id in gone {
            let branch = self.branch(&id);
            self.nodes.retain(|node| !branch.contains(node.id()));
        }
    }

    fn end_animations(&mut self, now: i64, due: i64) {
        while let Some(n) = self.running.iter().position(|running| running.end() <= due) {
            self.finish(n, now);
        }
    }

    pub(crate) fn note(&mut self, event: Event) {
        if self.events.len() == MAX_EVENTS {
            self.events.remove(0);
        }
        self.events.push(event);
    }
}
