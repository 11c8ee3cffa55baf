//! Stream keys: what opens a channel for broadcasting. A channel has several, by name.

use crate::{Channel, Store, StoreError, StreamKey, id};
use rivulet_protocol::rest::{StreamKeyInfo, Suspension};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A key's last use is written down at most this often: publishing must not turn into writing.
const LAST_USED_STEP_MS: i64 = 60_000;

/// Whose a stream key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    pub channel: Channel,
    pub key_id: String,
    /// Of the channel or its owner, as it holds now.
    pub suspended: Option<Suspension>,
}

fn info(row: AnyRow) -> sqlx::Result<StreamKeyInfo> {
    let last_used_at_ms: i64 = row.try_get("last_used_at_ms")?;
    Ok(StreamKeyInfo {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        created_at_ms: row.try_get("created_at_ms")?,
        last_used_at_ms: (last_used_at_ms > 0).then_some(last_used_at_ms),
    })
}

impl Store {
    /// By name.
    pub async fn keys_of(&self, channel_id: &str) -> Result<Vec<StreamKeyInfo>, StoreError> {
        let sql = "SELECT id, name, created_at_ms, last_used_at_ms FROM channel_keys WHERE channel_id = $1 \
                   ORDER BY name, id";
        Ok(sqlx::query(sql).bind(channel_id).try_map(info).fetch_all(&self.pool).await?)
    }

    /// One more key; answers its id too.
    pub async fn add_key(&self, channel_id: &str, name: &str, now_ms: i64) -> Result<(String, StreamKey), StoreError> {
        let (id, key) = (id::new(now_ms), StreamKey::generate());
        sqlx::query(
            "INSERT INTO channel_keys (id, channel_id, name, key_hash, created_at_ms, last_used_at_ms) \
             VALUES ($1, $2, $3, $4, $5, 0)",
        )
        .bind(&id)
        .bind(channel_id)
        .bind(name)
        .bind(key.hash().to_hex())
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok((id, key))
    }

    /// A new key under an old one's id and name; `None` when the channel has no such key.
    pub async fn rotate_one_key(
        &self,
        channel_id: &str,
        key_id: &str,
        now_ms: i64,
    ) -> Result<Option<StreamKey>, StoreError> {
        let key = StreamKey::generate();
        let done = sqlx::query(
            "UPDATE channel_keys SET key_hash = $3, created_at_ms = $4, last_used_at_ms = 0 \
             WHERE channel_id = $1 AND id = $2",
        )
        .bind(channel_id)
        .bind(key_id)
        .bind(key.hash().to_hex())
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok((done.rows_affected() > 0).then_some(key))
    }

    /// Answers whether there was such a key.
    pub async fn revoke_key(&self, channel_id: &str, key_id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM channel_keys WHERE channel_id = $1 AND id = $2";
        Ok(sqlx::query(sql).bind(channel_id).bind(key_id).execute(&self.pool).await?.rows_affected() > 0)
    }

    /// A new key; all others of the channel are worth nothing from here on.
    pub async fn rotate_key(&self, channel_id: &str, now_ms: i64) -> Result<(String, StreamKey), StoreError> {
        sqlx::query("DELETE FROM channel_keys WHERE channel_id = $1").bind(channel_id).execute(&self.pool).await?;
        self.add_key(channel_id, "", now_ms).await
    }

    pub async fn has_key(&self, channel_id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM channel_keys WHERE channel_id = $1 LIMIT 1";
        Ok(sqlx::query(sql).bind(channel_id).fetch_optional(&self.pool).await?.is_some())
    }

    /// The channel that this key opens.
    pub async fn channel_by_key(&self, key: &StreamKey, now_ms: i64) -> Result<Option<KeyHolder>, StoreError> {
        let hash = key.hash().to_hex();
        let sql = "SELECT id, channel_id FROM channel_keys WHERE key_hash = $1";
        let found: Option<(String, String)> = sqlx::query_as(sql).bind(&hash).fetch_optional(&self.pool).await?;
        let Some((key_id, channel_id)) = found else { return Ok(None) };
        sqlx::query("UPDATE channel_keys SET last_used_at_ms = $2 WHERE id = $1 AND last_used_at_ms <= $3")
            .bind(&key_id)
            .bind(now_ms)
            .bind(now_ms - LAST_USED_STEP_MS)
            .execute(&self.pool)
            .await?;
        let Some(channel) = self.channel_by_id(&channel_id).await? else { return Ok(None) };
        let owner = self.user_by_id(&channel.owner_id).await?;
        let of_owner = owner.as_ref().and_then(|owner| owner.suspended(now_ms));
        let suspended = channel.suspended(now_ms).or(of_owner).cloned();
        Ok(Some(KeyHolder { channel, key_id, suspended }))
    }
}
