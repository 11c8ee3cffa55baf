//! Channels and the keys that open them for broadcasting.

use crate::{Store, StoreError, StreamKey, id, placeholders};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{ChannelSettings, Latency, Rungs};
use sqlx::AssertSqlSafe;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub owner_id: String,
    pub title: String,
    pub settings: ChannelSettings,
}

type Row = (String, String, String, String, Option<i64>, Option<String>, Option<String>);

/// A [`Row`] of each channel that the rest of the query chooses.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT channels.id, name, owner_id, title, grace_seconds, latency, rungs FROM channels ", $rest)
    };
}

fn channel((id, name, owner_id, title, grace_seconds, latency, rungs): Row) -> Channel {
    let settings = ChannelSettings {
        grace_seconds: grace_seconds.and_then(|seconds| seconds.try_into().ok()),
        latency: latency.and_then(|text| Latency::parse(&text)),
        rungs: rungs.and_then(|text| Rungs::parse(&text)),
    };
    Channel { id, name, owner_id, title, settings }
}

/// Names asked for in one query; far below what either database takes.
const NAMES_A_QUERY: usize = 500;
/// A key's last use is written down at most this often: publishing must not turn into writing.
const LAST_USED_STEP_MS: i64 = 60_000;

impl Store {
    pub async fn create_channel(
        &self,
        name: &ChannelName,
        owner_id: &str,
        title: &str,
        now_ms: i64,
    ) -> Result<Channel, StoreError> {
        let channel = Channel {
            id: id::new(now_ms),
            name: name.to_string(),
            owner_id: owner_id.to_owned(),
            title: title.to_owned(),
            settings: ChannelSettings::default(),
        };
        sqlx::query("INSERT INTO channels (id, name, owner_id, title, created_at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(&channel.id)
            .bind(&channel.name)
            .bind(owner_id)
            .bind(title)
            .bind(now_ms)
            .execute(&self.pool)
            .await
            .map_err(StoreError::taken)?;
        Ok(channel)
    }

    pub async fn channel_by_name(&self, name: &str) -> Result<Option<Channel>, StoreError> {
        let row: Option<Row> = sqlx::query_as(select!("WHERE name = $1")).bind(name).fetch_optional(&self.pool).await?;
        Ok(row.map(channel))
    }

    /// Up to `limit` channels by name, those after `after`.
    pub async fn channels_page(&self, after: Option<&str>, limit: u32) -> Result<Vec<Channel>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(select!("WHERE name > $1 ORDER BY name LIMIT $2"))
            .bind(after.unwrap_or(""))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(channel).collect())
    }

    /// Those of `names` that exist, in no order.
    pub async fn channels_by_names(&self, names: &[String]) -> Result<Vec<Channel>, StoreError> {
        let mut channels = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_A_QUERY) {
            let list = placeholders(1, names.len());
            let sql = format!(select!("WHERE name IN ({})"), list);
            // Only `$1,$2,…` was put into the text.
            let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(sql));
            for name in names {
                query = query.bind(name);
            }
            channels.extend(query.fetch_all(&self.pool).await?.into_iter().map(channel));
        }
        Ok(channels)
    }

    /// A user's own, by name.
    pub async fn channels_of(&self, user_id: &str) -> Result<Vec<Channel>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as(select!("WHERE owner_id = $1 ORDER BY name")).bind(user_id).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(channel).collect())
    }

    pub async fn set_channel_title(&self, channel_id: &str, title: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE channels SET title = $2 WHERE id = $1")
            .bind(channel_id)
            .bind(title)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn set_channel_settings(&self, channel_id: &str, settings: &ChannelSettings) -> Result<(), StoreError> {
        sqlx::query("UPDATE channels SET grace_seconds = $2, latency = $3, rungs = $4 WHERE id = $1")
            .bind(channel_id)
            .bind(settings.grace_seconds.map(i64::from))
            .bind(settings.latency.map(Latency::as_str))
            .bind(settings.rungs.map(Rungs::as_str))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A new stream key; the channel's old one is worth nothing from here on.
    pub async fn rotate_key(&self, channel_id: &str, now_ms: i64) -> Result<StreamKey, StoreError> {
        let key = StreamKey::generate();
        sqlx::query(
            "INSERT INTO stream_keys (channel_id, key_hash, created_at_ms, last_used_at_ms) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (channel_id) DO UPDATE SET key_hash = excluded.key_hash, \
             created_at_ms = excluded.created_at_ms, last_used_at_ms = 0",
        )
        .bind(channel_id)
        .bind(key.hash().to_hex())
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(key)
    }

    pub async fn has_key(&self, channel_id: &str) -> Result<bool, StoreError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT channel_id FROM stream_keys WHERE channel_id = $1")
            .bind(channel_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// The channel that this key opens.
    pub async fn channel_by_key(&self, key: &StreamKey, now_ms: i64) -> Result<Option<Channel>, StoreError> {
        let hash = key.hash().to_hex();
        let row: Option<Row> =
            sqlx::query_as(select!("JOIN stream_keys ON channels.id = stream_keys.channel_id WHERE key_hash = $1"))
                .bind(&hash)
                .fetch_optional(&self.pool)
                .await?;
        if row.is_some() {
            sqlx::query("UPDATE stream_keys SET last_used_at_ms = $2 WHERE key_hash = $1 AND last_used_at_ms <= $3")
                .bind(&hash)
                .bind(now_ms)
                .bind(now_ms - LAST_USED_STEP_MS)
                .execute(&self.pool)
                .await?;
        }
        Ok(row.map(channel))
    }
}
