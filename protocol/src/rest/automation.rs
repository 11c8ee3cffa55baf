//! Webhooks: what a channel tells other servers, by the Standard Webhooks specification.

use super::{as_text, redacted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookEvent {
    #[serde(rename = "stream.online")]
    StreamOnline,
    #[serde(rename = "stream.offline")]
    StreamOffline,
    #[serde(rename = "channel.follow")]
    Follow,
    #[serde(rename = "channel.update")]
    Update,
}
as_text!(WebhookEvent {
    StreamOnline = "stream.online",
    StreamOffline = "stream.offline",
    Follow = "channel.follow",
    Update = "channel.update",
});

/// `POST /api/v1/channels/{name}/webhooks` by those who edit the channel; answers [`NewWebhook`]. At most 10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookCreate {
    pub url: String,
    pub events: Vec<WebhookEvent>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct NewWebhook {
    /// `whsec_…`, for checking the signature; shown this once.
    pub secret: String,
    pub info: Webhook,
}

/// `GET /api/v1/channels/{name}/webhooks`, a list; `DELETE …/webhooks/{id}`. `POST …/webhooks/{id}/test` sends
/// an event `test` at once and answers [`Delivery`] with what came back. `GET …/webhooks/{id}/deliveries` lists
/// the newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    pub events: Vec<WebhookEvent>,
    pub created_at_ms: i64,
    /// Nothing is sent any more after five days of failures.
    pub disabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    pub id: String,
    pub event: String,
    pub created_at_ms: i64,
    pub attempts: u32,
    pub delivered: bool,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at_ms: Option<i64>,
    /// Status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The first kilobyte of the last answer, or why there was none.
    pub answer: String,
    /// How long the last answer took.
    pub took_ms: u32,
}

redacted! {
    NewWebhook { info }
}
