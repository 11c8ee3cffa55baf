//! Finding channels: the directory, categories, search, what one follows.

use super::{Channel, Picture};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/channels`: live channels first (most viewers first), then the rest by name.
/// `?category=SLUG`, `?tag=TAG`, `?language=TAG` and `?live=true` narrow it; `?after=NAME&limit=N` (at
/// most 100) pages through the offline ones. `GET /api/v1/me/follows` is the same of what one follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Channels {
    pub channels: Vec<Channel>,
    /// Pass as `after` to get the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /api/v1/categories`, a list: those with the most viewers first, then by name.
/// `GET /api/v1/categories/{slug}` is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Category {
    pub slug: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
    pub live_channels: u32,
    pub viewers: u32,
}

/// `GET /api/v1/search?q=TEXT`: every word has to begin a word of the name, title, category or tags.
/// At most 50 channels, live ones first, and 10 categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    pub channels: Vec<Channel>,
    pub categories: Vec<Category>,
}
