//! What clients ask for: changes, all of a batch or none.

use crate::animation::Animation;
use crate::color::Color;
use crate::content::Fields;
use crate::error::{Code, Error, parse};
use crate::id::Id;
use crate::layer::Layer;
use crate::limits::{Check, MAX_CHANGES};
use crate::time::When;
use crate::transition::Transition;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// By which one that waits can be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    pub at: When,
    /// When an event of this name is fired, once, instead of at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<Id>,
    /// Refused unless the scene is at this revision when the batch comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_revision: Option<u64>,
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Change {
    Add(Add),
    Update(Update),
    Remove(Remove),
    Move(Move),
    Animate(Animate),
    /// Ends an animation; the layers are as they were.
    Cancel(OfAnimation),
    Pause(OfAnimation),
    Play(OfAnimation),
    Seek(Seek),
    /// Ends an animation as if its time were over.
    Finish(OfAnimation),
    /// Lets the batches go that wait for an event.
    Fire(Fire),
    Canvas(Canvas),
    /// Takes a batch back that waits.
    Unschedule(OfBatch),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    #[schemars(with = "Layer")]
    pub layer: Value,
    /// Among the layers of its group; without it, the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    pub id: Id,
    /// Merged into the layer as RFC 7396 says: `null` takes a field back to its default.
    pub patch: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    pub id: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    pub id: Id,
    /// The group; `null` is the top. Without it, the layer stays in its group.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub parent: Option<Option<Id>>,
    /// Among the layers of the group; without it, the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
}

/// `null` is something else than nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Id>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Animate {
    pub animation: Animation,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfAnimation {
    pub animation: Id,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seek {
    pub animation: Id,
    /// Of the animation's own time, delays counted.
    pub to_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fire {
    pub event: Id,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Canvas {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfBatch {
    pub batch: Id,
}

impl Batch {
    pub fn of(changes: impl Into<Vec<Change>>) -> Self {
        Self { changes: changes.into(), ..Self::default() }
    }

    /// Reads a batch, and says which field is wrong: deserializing it does so only for people.
    pub fn parse(mut document: Value) -> Result<Self, Error> {
        let changes = match document.as_object_mut().and_then(|fields| fields.remove("changes")) {
            Some(Value::Array(changes)) => changes,
            _ => return Err(Error::new(Code::Invalid, "/changes", "a batch is an object with a list of changes")),
        };
        let batch: Self = parse(document)?;
        if changes.len() > MAX_CHANGES {
            return Err(Error::new(Code::TooMany, "/changes", format!("a batch has at most {MAX_CHANGES} changes")));
        }
        let read = |(n, change)| Change::parse(change).map_err(|error| error.within(&format!("/changes/{n}")));
        let changes = changes.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { changes, ..batch })
    }

    /// What can be said of it without a scene.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut check = Check::default();
        check.count("/changes", self.changes.len(), MAX_CHANGES);
        check.done()?;
        for id in [&self.id, &self.on].into_iter().flatten() {
            if !id.is_chosen() {
                return Err(Error::new(Code::Invalid, "/id", "holds a ~"));
            }
        }
        for (n, change) in self.changes.iter().enumerate() {
            change.check().map_err(|error| error.within(&format!("/changes/{n}")))?;
        }
        Ok(())
    }
}

impl Change {
    pub fn parse(mut document: Value) -> Result<Self, Error> {
        let op = match document.as_object_mut().and_then(|fields| fields.remove("op")) {
            Some(Value::String(op)) => op,
            _ => return Err(Error::new(Code::Invalid, "/op", "a change is an object with an op")),
        };
        match op.as_str() {
            "add" => parse(document).map(Self::Add),
            "update" => parse(document).map(Self::Update),
            "remove" => parse(document).map(Self::Remove),
            "move" => parse(document).map(Self::Move),
            "animate" => parse(document).map(Self::Animate),
            "cancel" => parse(document).map(Self::Cancel),
            "pause" => parse(document).map(Self::Pause),
            "play" => parse(document).map(Self::Play),
            "seek" => parse(document).map(Self::Seek),
            "finish" => parse(document).map(Self::Finish),
            "fire" => parse(document).map(Self::Fire),
            "canvas" => parse(document).map(Self::Canvas),
            "unschedule" => parse(document).map(Self::Unschedule),
            _ => Err(Error::new(Code::Invalid, "/op", format!("there is no change {op:?}"))),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let mut check = Check::default();
        let transition = match self {
            Self::Add(Add { layer, transition, .. }) => {
                Layer::parse(layer.clone()).map_err(|error| error.within("/layer"))?;
                transition
            }
            Self::Update(Update { transition, .. }) | Self::Remove(Remove { transition, .. }) => transition,
            Self::Animate(Animate { animation }) => {
                animation.check(&mut check);
                return check.done().map_err(|error| error.within("/animation"));
            }
            _ => &None,
        };
        if let Some(transition) = transition {
            transition.check(&mut check);
        }
        check.done().map_err(|error| error.within("/transition"))
    }
}
