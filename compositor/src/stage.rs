//! The live scene with what is around it: who may change it, what is kept of it, who hears of it.

use crate::clock::Clock;
use crate::keep::Keeper;
use rivulet_scene::{Applied, Batch, DisplayList, Document, Error, Event, Id, Limits, Line, Scene, View};
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// Under which the live scene is kept.
const LIVE: &str = "live";
/// Before the name of a scene that was saved.
const SAVED: &str = "scene/";
/// A client that is further behind is told that it missed some.
const EVENTS: usize = 1_024;

/// What happened to anything, for those who watch.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Happened {
    Scene(Event),
    /// The whole scene is another one.
    Recalled {
        event: &'static str,
        revision: u64,
    },
    /// A part of the API that has to be read again, such as `outputs`.
    Other {
        event: &'static str,
        id: String,
    },
}

pub struct Stage {
    scene: Mutex<Scene>,
    limits: Limits,
    pub clock: Clock,
    pub keeper: Arc<Keeper>,
    events: broadcast::Sender<Arc<Happened>>,
}

impl Stage {
    /// With the scene that was kept, if it can be read.
    pub fn new(size: (u32, u32), limits: Limits, kept: Option<&str>, clock: Clock, keeper: Arc<Keeper>) -> Self {
        let restored = kept.and_then(|kept| serde_json::from_str(kept).ok()).and_then(|document: Document| {
            // The picture's size is a setting, and not the scene's.
            Scene::restore(Document { width: size.0, height: size.1, ..document }, limits).ok()
        });
        if kept.is_some() && restored.is_none() {
            tracing::warn!("the scene that was kept cannot be read; it begins empty");
        }
        let scene = restored.unwrap_or_else(|| Scene::new(size.0, size.1, limits));
        Self { scene: Mutex::new(scene), limits, clock, keeper, events: broadcast::Sender::new(EVENTS) }
    }

    pub fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn events(&self) -> broadcast::Receiver<Arc<Happened>> {
        self.events.subscribe()
    }

    pub fn tell(&self, happened: Happened) {
        let _ = self.events.send(Arc::new(happened));
    }

    /// Applies a batch now, or keeps it until its time.
    pub fn apply(&self, batch: Batch) -> Result<Applied, Error> {
        let mut scene = self.scene();
        let applied = scene.apply(batch, self.clock.now())?;
        self.keep(&scene);
        Ok(applied)
    }

    /// Another scene in the place of this one; its revision goes on.
    pub fn replace(&self, document: Document) -> Result<u64, Error> {
        let mut scene = self.scene();
        let revision = scene.revision() + 1;
        let (width, height) = scene.size();
        *scene = Scene::restore(Document { revision, width, height, ..document }, self.limits)?;
        self.keep(&scene);
        drop(scene);
        self.tell(Happened::Recalled { event: "recalled", revision });
        Ok(revision)
    }

    /// What happens by itself up to `now`, as the frame loop does it; and what the main picture and each of
    /// `views` show then.
    pub fn advance<'a>(
        &self,
        now: i64,
        levels: impl Iterator<Item = (Id, f64)>,
        chats: impl Iterator<Item = (Id, Arc<Vec<Line>>)>,
        views: impl Iterator<Item = &'a View>,
    ) -> (DisplayList, Vec<DisplayList>) {
        let mut scene = self.scene();
        scene.read(chats);
        levels.for_each(|(source, level_db)| scene.hear(source, level_db));
        let events = scene.advance(now);
        if !events.is_empty() {
            self.keep(&scene);
        }
        let lists = (scene.list(now), views.map(|view| scene.list_for(now, view)).collect());
        drop(scene);
        events.into_iter().for_each(|event| self.tell(Happened::Scene(event)));
        lists
    }

    fn keep(&self, scene: &Scene) {
        if let Ok(body) = serde_json::to_string(&scene.document()) {
            self.keeper.put(LIVE, Some(body));
        }
    }
}

/// The name of a saved scene's document.
pub fn saved(id: &str) -> String {
    format!("{SAVED}{id}")
}

/// Under which name the live scene is kept.
pub fn live() -> &'static str {
    LIVE
}

/// The scene that a document is of, if it is a saved one.
pub fn is_saved(name: &str) -> Option<&str> {
    name.strip_prefix(SAVED)
}
