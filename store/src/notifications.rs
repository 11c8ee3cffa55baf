//! What people are told of the channels that they follow, in pages and by their browsers' push
//! services. Nothing is written when a channel goes live: what is news to somebody is read from
//! what they follow.

use crate::{Picture, SecretHash, Store, StoreError};
use rivulet_protocol::rest::{Notification, NotificationKind};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A browser that is told even while no page is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushTarget {
    pub user_id: String,
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

fn target(row: AnyRow) -> sqlx::Result<PushTarget> {
    Ok(PushTarget {
        user_id: row.try_get("user_id")?,
        endpoint: row.try_get("endpoint")?,
        p256dh: row.try_get("p256dh")?,
        auth: row.try_get("auth")?,
    })
}

impl Store {
    /// Up to `limit`, the newest first, of what went on air between two times on channels whose bell the
    /// user has on.
    pub async fn notifications(
        &self,
        user_id: &str,
        after_ms: i64,
        before_ms: i64,
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        let seen_at_ms = self.seen_at(user_id).await?;
        let sql = "SELECT channels.name, channels.display_name, channels.avatar, broadcasts.title, started_at_ms \
                   FROM follows JOIN channels ON channels.id = follows.channel_id \
                   JOIN broadcasts ON broadcasts.channel_id = follows.channel_id \
                   WHERE follows.user_id = $1 AND follows.notify = 1 AND started_at_ms > $2 AND started_at_ms < $3 \
                   AND started_at_ms >= follows.created_at_ms AND channels.deleted_at_ms IS NULL \
                   AND channels.access <> 'private' \
                   ORDER BY started_at_ms DESC LIMIT $4";
        let notification = |row: AnyRow| {
            let (name, display_name): (String, String) = (row.try_get("name")?, row.try_get("display_name")?);
            let at_ms = row.try_get("started_at_ms")?;
            Ok(Notification {
                kind: NotificationKind::Live,
                display_name: if display_name.is_empty() { name.clone() } else { display_name },
                channel: name,
                avatar: Picture::parse(&row.try_get::<String, _>("avatar")?).as_ref().map(Into::into),
                title: row.try_get("title")?,
                at_ms,
                seen: at_ms <= seen_at_ms,
            })
        };
        let query = sqlx::query(sql).bind(user_id).bind(after_ms).bind(before_ms).bind(i64::from(limit));
        Ok(query.try_map(notification).fetch_all(&self.pool).await?)
    }

    async fn seen_at(&self, user_id: &str) -> Result<i64, StoreError> {
        let sql = "SELECT notifications_seen_at_ms FROM users WHERE id = $1";
        let seen: Option<i64> = sqlx::query_scalar(sql).bind(user_id).fetch_optional(&self.pool).await?;
        Ok(seen.unwrap_or(0))
    }

    /// How many there are after a time that were not seen yet; at most `limit` are counted.
    pub async fn unread(&self, user_id: &str, after_ms: i64, limit: u32) -> Result<u32, StoreError> {
        let after_ms = after_ms.max(self.seen_at(user_id).await?);
        Ok(self.notifications(user_id, after_ms, i64::MAX, limit).await?.len().try_into().unwrap_or(limit))
    }

    pub async fn notifications_seen(&self, user_id: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE users SET notifications_seen_at_ms = $2 WHERE id = $1")
            .bind(user_id)
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A browser belongs to whoever subscribed with it last.
    pub async fn add_push_target(&self, target: &PushTarget, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO push_subscriptions (endpoint_hash, user_id, endpoint, p256dh, auth, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (endpoint_hash) DO UPDATE SET user_id = excluded.user_id, \
             p256dh = excluded.p256dh, auth = excluded.auth",
        )
        .bind(SecretHash::of(&target.endpoint).to_hex())
        .bind(&target.user_id)
        .bind(&target.endpoint)
        .bind(&target.p256dh)
        .bind(&target.auth)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub async fn push_targets_of(&self, user_id: &str) -> Result<Vec<PushTarget>, StoreError> {
        let sql = "SELECT user_id, endpoint, p256dh, auth FROM push_subscriptions WHERE user_id = $1";
        Ok(sqlx::query(sql).bind(user_id).try_map(target).fetch_all(&self.pool).await?)
    }

    pub async fn remove_push_target(&self, endpoint: &str) -> Result<(), StoreError> {
        let hash = SecretHash::of(endpoint).to_hex();
        sqlx::query("DELETE FROM push_subscriptions WHERE endpoint_hash = $1").bind(hash).execute(&self.pool).await?;
        Ok(())
    }

    /// Up to `limit` browsers of those who want to be told of a channel, in an order of their own;
    /// those after the one that a batch ended with.
    pub async fn push_targets(
        &self,
        channel_id: &str,
        after: Option<&PushTarget>,
        limit: u32,
    ) -> Result<Vec<PushTarget>, StoreError> {
        let sql = "SELECT follows.user_id, endpoint, p256dh, auth \
                   FROM follows JOIN push_subscriptions ON push_subscriptions.user_id = follows.user_id \
                   WHERE follows.channel_id = $1 AND follows.notify = 1 AND (follows.user_id, endpoint_hash) > ($2, $3) \
                   ORDER BY follows.user_id, endpoint_hash LIMIT $4";
        let (user_id, hash) = match after {
            Some(target) => (target.user_id.clone(), SecretHash::of(&target.endpoint).to_hex()),
            None => Default::default(),
        };
        let query = sqlx::query(sql).bind(channel_id).bind(user_id).bind(hash).bind(i64::from(limit));
        Ok(query.try_map(target).fetch_all(&self.pool).await?)
    }
}
