//! Why a document or a change was refused: a code for programs, a pointer to the field, and a sentence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Not of the form that the field has.
    Invalid,
    /// A number that is not finite, or outside of what the field takes.
    OutOfRange,
    /// More characters than the field takes.
    TooLong,
    /// More entries (layers, keyframes, points, animations, batches) than are taken.
    TooMany,
    /// Groups within groups beyond the limit.
    TooDeep,
    UnknownLayer,
    UnknownAnimation,
    UnknownBatch,
    /// The layer has no such property now that could be animated.
    UnknownProperty,
    DuplicateId,
    /// A group would be inside of itself, or a mask would mask its own mask.
    Cycle,
    /// May not be changed by an update.
    ReadOnly,
    /// The scene is not at the revision that the batch was made for.
    RevisionConflict,
}

/// `field` is a JSON pointer into what was sent, such as `/changes/2/layer/opacity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Error {
    pub code: Code,
    pub field: String,
    pub message: String,
}

impl Error {
    pub fn new(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, field: field.into(), message: message.into() }
    }

    /// The same, seen from further out.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        self.field.insert_str(0, outer);
        self
    }

    pub(crate) fn unknown_layer(field: &str, id: &str) -> Self {
        Self::new(Code::UnknownLayer, field, format!("there is no layer {id:?}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for Error {}

/// Reads `value`, and says where it is wrong.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        use serde_path_to_error::Segment;
        let field = error.path().iter().fold(String::new(), |field, segment| match segment {
            Segment::Seq { index } => format!("{field}/{index}"),
            Segment::Map { key } => format!("{field}/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => field,
        });
        Error::new(Code::Invalid, field, error.into_inner().to_string())
    })
}
