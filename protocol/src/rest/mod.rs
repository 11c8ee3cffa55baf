//! Bodies of the REST API under `/api/v1`. Times are milliseconds since the Unix epoch, ids are
//! opaque text. A list is a [`Page`]; every error is a [`Problem`]. In a body that edits, an absent
//! field leaves things as they are, and empty text or an empty list clears.

mod account;
mod admin;
mod automation;
mod broadcast;
mod channel;
mod chat;
mod directory;
mod schedule;

pub use account::*;
pub use admin::*;
pub use automation::*;
pub use broadcast::*;
pub use channel::*;
pub use chat::*;
pub use directory::*;
pub use schedule::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every error answer (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    pub status: u16,
    /// A short, stable, machine-readable name such as `wrong_password`.
    pub code: String,
    /// One sentence for the person.
    pub detail: String,
    /// The field of the request that is wrong, where there is one; `links.2.url` for one inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// A part of a list. `?after=CURSOR&limit=N` asks for the next one; the limit is at most 100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass as `after`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Bodies with a secret in them say who, never what: one `{:?}` in a log line would be enough to
/// leak it.
macro_rules! redacted {
    ($($body:ident { $($shown:ident),* })*) => {$(
        impl std::fmt::Debug for $body {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($body))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}
use redacted;

/// Unit enums that are text in the database and in query strings, spelled as in JSON.
macro_rules! as_text {
    ($($name:ident { $($variant:ident = $text:literal),* $(,)? })*) => {$(
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),*
                }
            }

            /// The opposite of `as_str`.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    )*};
}
pub(crate) use as_text;
