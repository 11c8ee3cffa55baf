//! Webhooks of a channel, and what is still to be delivered to them.

use crate::{LAST, Store, StoreError, id};
use rivulet_protocol::rest::{Delivery, Webhook, WebhookEvent};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A delivery that is due, with all that sending it needs.
pub struct Due {
    pub id: String,
    pub webhook_id: String,
    pub url: String,
    /// Signs it.
    pub secret: String,
    pub body: String,
    pub attempts: i64,
    /// Since when nothing could be delivered to the webhook.
    pub failing_since_ms: Option<i64>,
}

/// What came of an attempt.
pub struct Attempt<'a> {
    pub delivered: bool,
    pub status: Option<u16>,
    pub answer: &'a str,
    pub took_ms: u32,
    /// `None` when nothing is left to do.
    pub next_at_ms: Option<i64>,
}

fn webhook(row: AnyRow) -> sqlx::Result<Webhook> {
    let events: String = row.try_get("events")?;
    Ok(Webhook {
        id: row.try_get("id")?,
        url: row.try_get("url")?,
        events: events.split_whitespace().filter_map(WebhookEvent::parse).collect(),
        created_at_ms: row.try_get("created_at_ms")?,
        disabled: row.try_get::<i64, _>("disabled")? != 0,
    })
}

fn delivery(row: AnyRow) -> sqlx::Result<Delivery> {
    Ok(Delivery {
        id: row.try_get("id")?,
        event: row.try_get("event")?,
        created_at_ms: row.try_get("created_at_ms")?,
        attempts: row.try_get::<i64, _>("attempts")?.try_into().unwrap_or(0),
        delivered: row.try_get::<i64, _>("delivered")? != 0,
        next_at_ms: row.try_get("next_at_ms")?,
        status: row.try_get::<Option<i64>, _>("status")?.and_then(|status| status.try_into().ok()),
        answer: row.try_get("answer")?,
        took_ms: row.try_get::<i64, _>("took_ms")?.try_into().unwrap_or(0),
    })
}

fn due(row: AnyRow) -> sqlx::Result<Due> {
    Ok(Due {
        id: row.try_get("id")?,
        webhook_id: row.try_get("webhook_id")?,
        url: row.try_get("url")?,
        secret: row.try_get("secret")?,
        body: row.try_get("body")?,
        attempts: row.try_get("attempts")?,
        failing_since_ms: row.try_get("failing_since_ms")?,
    })
}

macro_rules! webhooks {
    ($rest:literal) => {
        concat!("SELECT id, url, events, created_at_ms, disabled FROM webhooks WHERE channel_id = $1 ", $rest)
    };
}

macro_rules! deliveries {
    ($rest:literal) => {
        concat!(
            "SELECT id, event, created_at_ms, attempts, delivered, next_at_ms, status, answer, took_ms \
             FROM deliveries WHERE ",
            $rest
        )
    };
}

macro_rules! dues {
    ($rest:literal) => {
        concat!(
            "SELECT deliveries.id, webhook_id, url, secret, body, attempts, failing_since_ms FROM deliveries \
             JOIN webhooks ON webhooks.id = deliveries.webhook_id WHERE ",
            $rest
        )
    };
}

impl Store {
    pub async fn add_webhook(
        &self,
        channel_id: &str,
        url: &str,
        secret: &str,
        events: &[WebhookEvent],
        now_ms: i64,
    ) -> Result<Webhook, StoreError> {
        let id = id::new(now_ms);
        let list: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
        sqlx::query(
            "INSERT INTO webhooks (id, channel_id, url, secret, events, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&id)
        .bind(channel_id)
        .bind(url)
        .bind(secret)
        .bind(list.join(" "))
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(Webhook { id, url: url.to_owned(), events: events.to_vec(), created_at_ms: now_ms, disabled: false })
    }

    /// The oldest first.
    pub async fn webhooks_of(&self, channel_id: &str) -> Result<Vec<Webhook>, StoreError> {
        let query = sqlx::query(webhooks!("ORDER BY created_at_ms, id")).bind(channel_id);
        Ok(query.try_map(webhook).fetch_all(&self.pool).await?)
    }

    pub async fn webhook(&self, channel_id: &str, id: &str) -> Result<Option<Webhook>, StoreError> {
        let query = sqlx::query(webhooks!("AND id = $2")).bind(channel_id).bind(id);
        Ok(query.try_map(webhook).fetch_optional(&self.pool).await?)
    }

    pub async fn delete_webhook(&self, channel_id: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM webhooks WHERE channel_id = $1 AND id = $2";
        Ok(sqlx::query(sql).bind(channel_id).bind(id).execute(&self.pool).await?.rows_affected() > 0)
    }

    /// A delivery that is not in the queue: whoever makes it sends it.
    pub async fn add_delivery(
        &self,
        webhook_id: &str,
        event: &str,
        body: &str,
        now_ms: i64,
    ) -> Result<Option<Due>, StoreError> {
        let id = id::new(now_ms);
        sqlx::query("INSERT INTO deliveries (id, webhook_id, event, body, created_at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(&id)
            .bind(webhook_id)
            .bind(event)
            .bind(body)
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        Ok(sqlx::query(dues!("deliveries.id = $1")).bind(&id).try_map(due).fetch_optional(&self.pool).await?)
    }

    /// Up to `limit` of a webhook, the newest first, those before `before`.
    pub async fn deliveries_of(
        &self,
        webhook_id: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let sql = deliveries!("webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        let query = sqlx::query(sql).bind(webhook_id).bind(before.unwrap_or(LAST)).bind(i64::from(limit));
        Ok(query.try_map(delivery).fetch_all(&self.pool).await?)
    }

    pub async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        Ok(sqlx::query(deliveries!("id = $1")).bind(id).try_map(delivery).fetch_optional(&self.pool).await?)
    }

    /// Takes up to `limit` that are due. They are nobody else's until `until_ms`, and due again then
    /// if whoever took them is gone.
    pub async fn take_due(&self, now_ms: i64, until_ms: i64, limit: u32) -> Result<Vec<Due>, StoreError> {
        let sql = "SELECT id FROM deliveries WHERE next_at_ms <= $1 ORDER BY next_at_ms LIMIT $2";
        let ids: Vec<String> =
            sqlx::query_scalar(sql).bind(now_ms).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let mut taken = Vec::new();
        for id in ids {
            let sql = "UPDATE deliveries SET next_at_ms = $2 WHERE id = $1 AND next_at_ms <= $3";
            let done = sqlx::query(sql).bind(&id).bind(until_ms).bind(now_ms).execute(&self.pool).await?;
            if done.rows_affected() > 0 {
                let query = sqlx::query(dues!("deliveries.id = $1")).bind(&id);
                taken.extend(query.try_map(due).fetch_optional(&self.pool).await?);
            }
        }
        Ok(taken)
    }

    /// Notes an attempt, and how the webhook fares since.
    pub async fn attempted(
        &self,
        due: &Due,
        attempt: &Attempt<'_>,
        failing_since_ms: Option<i64>,
        disable: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE deliveries SET attempts = attempts + 1, delivered = $2, status = $3, answer = $4, took_ms = $5, \
             next_at_ms = $6 WHERE id = $1",
        )
        .bind(&due.id)
        .bind(i64::from(attempt.delivered))
        .bind(attempt.status.map(i64::from))
        .bind(attempt.answer)
        .bind(i64::from(attempt.took_ms))
        .bind(attempt.next_at_ms)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE webhooks SET failing_since_ms = $2, disabled = $3 WHERE id = $1")
            .bind(&due.webhook_id)
            .bind(failing_since_ms)
            .bind(i64::from(disable))
            .execute(&mut *tx)
            .await?;
        if disable {
            sqlx::query("UPDATE deliveries SET next_at_ms = NULL WHERE webhook_id = $1")
                .bind(&due.webhook_id)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Forgets what was done with before a time.
    pub async fn prune_deliveries(&self, before_ms: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM deliveries WHERE created_at_ms < $1 AND next_at_ms IS NULL";
        sqlx::query(sql).bind(before_ms).execute(&self.pool).await?;
        Ok(())
    }
}
