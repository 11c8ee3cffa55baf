//! What moderators and admins see and do of channels that are not theirs.

use crate::channels::{limits, suspension};
use crate::users::prefix_range;
use crate::{Store, StoreError};
use rivulet_protocol::rest::{AccessKind, ChannelRecord, Suspension};
use sqlx::Row;
use sqlx::any::AnyRow;

fn record(row: AnyRow) -> sqlx::Result<ChannelRecord> {
    Ok(ChannelRecord {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        display_name: row.try_get("display_name")?,
        title: row.try_get("title")?,
        owner: row.try_get("owner")?,
        access: AccessKind::parse(&row.try_get::<String, _>("access")?).unwrap_or(AccessKind::Private),
        followers: row.try_get::<i64, _>("followers")?.try_into().unwrap_or(0),
        created_at_ms: row.try_get("created_at_ms")?,
        live: false,
        suspended: suspension(&row)?,
        limits: limits(&row)?,
    })
}

macro_rules! records {
    ($rest:literal) => {
        concat!(
            "SELECT channels.id, channels.name, channels.display_name, channels.title, users.name AS owner, \
             channels.access, channels.followers, channels.created_at_ms, channels.suspended_at_ms, \
             channels.suspended_until_ms, channels.suspended_reason, channels.limits FROM channels \
             JOIN users ON users.id = channels.owner_id WHERE channels.deleted_at_ms IS NULL AND ",
            $rest
        )
    };
}

impl Store {
    /// Up to `limit` channels whose name begins with `prefix`, by name, those after `after`. Whether
    /// one is live the store does not know.
    pub async fn channel_records(
        &self,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<ChannelRecord>, StoreError> {
        let Some((first, last)) = prefix_range(prefix) else {
            let query = sqlx::query(records!("channels.name > $1 ORDER BY channels.name LIMIT $2"));
            let query = query.bind(after).bind(i64::from(limit));
            return Ok(query.try_map(record).fetch_all(&self.pool).await?);
        };
        let sql = records!(
            "channels.name > $1 AND channels.name >= $2 AND channels.name <= $3 \
             AND SUBSTR(channels.name, 1, LENGTH($2)) = $2 ORDER BY channels.name LIMIT $4"
        );
        let query = sqlx::query(sql).bind(after).bind(first).bind(last).bind(i64::from(limit));
        Ok(query.try_map(record).fetch_all(&self.pool).await?)
    }

    pub async fn channel_record(&self, channel_id: &str) -> Result<Option<ChannelRecord>, StoreError> {
        let query = sqlx::query(records!("channels.id = $1")).bind(channel_id);
        Ok(query.try_map(record).fetch_optional(&self.pool).await?)
    }

    /// `None` restores.
    pub async fn suspend_channel(&self, channel_id: &str, suspension: Option<&Suspension>) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE channels SET suspended_at_ms = $2, suspended_until_ms = $3, suspended_reason = $4 WHERE id = $1",
        )
        .bind(channel_id)
        .bind(suspension.map(|s| s.since_ms))
        .bind(suspension.and_then(|s| s.until_ms))
        .bind(suspension.map_or("", |s| &s.reason))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Gives a channel to somebody else; its keys were the old owner's.
    pub async fn transfer_channel(&self, channel_id: &str, owner_id: &str) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("UPDATE channels SET owner_id = $2 WHERE id = $1")
            .bind(channel_id)
            .bind(owner_id)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM channel_keys WHERE channel_id = $1").bind(channel_id).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM channel_staff WHERE channel_id = $1 AND user_id = $2")
            .bind(channel_id)
            .bind(owner_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
