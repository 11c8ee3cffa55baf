//! What happens on a channel, for the servers that its people told us to tell: each event is a row
//! for each webhook that wants it, before anything is sent.

use rivulet_protocol::rest::WebhookEvent;
use rivulet_store::{Channel, Store, StoreError};
use serde_json::{Value, json};

pub async fn happened(store: &Store, channel: &Channel, event: WebhookEvent, data: Value) -> Result<(), StoreError> {
    let now_ms = crate::now_ms();
    let body = json!({"type": event.as_str(), "timestamp": now_ms, "data": data});
    store.queue_deliveries(&channel.id, event, &body.to_string(), now_ms).await
}

/// What is said of a channel that has changed.
pub fn channel(channel: &Channel) -> Value {
    json!({
        "channel": channel.name,
        "title": channel.title,
        "category": channel.category,
        "tags": channel.tags,
        "language": channel.language,
        "mature": channel.mature,
    })
}
