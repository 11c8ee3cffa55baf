//! Names that clients choose, for layers, animations, batches, assets, inputs and events.

use crate::limits::MAX_ID_CHARS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Up to 64 of `A-Z a-z 0-9 . _ - :`. What the scene itself names also has a `~`, so that it never
/// meets a client's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(Arc<str>);

impl Id {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of a layer that is on its way out, from then on.
    pub(crate) fn leaving(&self, revision: u64) -> Self {
        let name = self.0.split('~').next().unwrap_or_default();
        Self(format!("{name}~{revision}").into())
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.0.contains('~')
    }

    /// May a client call something so?
    pub(crate) fn is_chosen(&self) -> bool {
        !self.is_leaving()
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let (chosen, number) = name.split_once('~').map_or((name.as_str(), None), |(a, b)| (a, Some(b)));
        let sound = !chosen.is_empty()
            && chosen.len() <= MAX_ID_CHARS
            && chosen.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b))
            && number.is_none_or(|number| number.parse::<u64>().is_ok());
        match sound {
            true => Ok(Self(name.into())),
            false => Err(format!("an id is 1 to {MAX_ID_CHARS} of A-Z a-z 0-9 . _ - :")),
        }
    }
}

impl TryFrom<&str> for Id {
    type Error = String;

    fn try_from(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$" })
    }
}
