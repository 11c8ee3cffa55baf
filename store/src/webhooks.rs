//! Servers that want to be told what happens on a channel, and what they still have to be told.

use crate::{Store, StoreError, id};
use rivulet_protocol::rest::WebhookEvent;

impl Store {
    /// A row for each webhook of the channel that wants this event.
    pub async fn queue_deliveries(
        &self,
        channel_id: &str,
        event: WebhookEvent,
        body: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let sql = "SELECT id, events FROM webhooks WHERE channel_id = $1 AND disabled = 0";
        let hooks: Vec<(String, String)> = sqlx::query_as(sql).bind(channel_id).fetch_all(&self.pool).await?;
        let wants = |events: &String| events.split_whitespace().any(|wanted| wanted == event.as_str());
        for (webhook_id, _) in hooks.iter().filter(|(_, events)| wants(events)) {
            sqlx::query(
                "INSERT INTO deliveries (id, webhook_id, event, body, created_at_ms, next_at_ms) \
                 VALUES ($1, $2, $3, $4, $5, $5)",
            )
            .bind(id::new(now_ms))
            .bind(webhook_id)
            .bind(event.as_str())
            .bind(body)
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        }
        Ok(())
    }
}
