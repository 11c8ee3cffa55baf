//! Channels: what they are and who may watch them.

use crate::{Picture, Store, StoreError, id, placeholders};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{AccessKind, CategoryRef, ChannelSettings, Latency, Rungs, Suspension};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub owner_id: String,
    pub created_at_ms: i64,
    /// Empty where none was chosen.
    pub display_name: String,
    pub title: String,
    pub category: Option<CategoryRef>,
    pub tags: Vec<String>,
    pub language: String,
    pub mature: bool,
    pub avatar: Option<Picture>,
    pub access: AccessKind,
    /// Rises when playback addresses that were signed before are to be void.
    pub access_revision: i64,
    pub followers: u32,
    /// Whether it is over has to be asked with the time: [`Channel::suspended`].
    pub suspension: Option<Suspension>,
    /// What it has of its own.
    pub settings: ChannelSettings,
}

impl Channel {
    /// The name that people see.
    pub fn shown_name(&self) -> &str {
        if self.display_name.is_empty() { &self.name } else { &self.display_name }
    }

    /// The suspension that holds now.
    pub fn suspended(&self, now_ms: i64) -> Option<&Suspension> {
        self.suspension.as_ref().filter(|suspension| suspension.until_ms.is_none_or(|until| now_ms < until))
    }
}

/// The query for a [`Channel`] of each row that the rest of it chooses.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT channels.id, channels.name, owner_id, channels.created_at_ms, display_name, title, category, \
             categories.name AS category_name, tags, language, mature, avatar, access, access_revision, followers, \
             suspended_at_ms, suspended_until_ms, suspended_reason, grace_seconds, latency, rungs \
             FROM channels LEFT JOIN categories ON categories.slug = channels.category ",
            $rest
        )
    };
}
pub(crate) use select;

pub(crate) fn channel(row: AnyRow) -> sqlx::Result<Channel> {
    let category: Option<String> = row.try_get("category")?;
    let category_name: Option<String> = row.try_get("category_name")?;
    let latency: Option<String> = row.try_get("latency")?;
    let rungs: Option<String> = row.try_get("rungs")?;
    Ok(Channel {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        owner_id: row.try_get("owner_id")?,
        created_at_ms: row.try_get("created_at_ms")?,
        display_name: row.try_get("display_name")?,
        title: row.try_get("title")?,
        category: category.zip(category_name).map(|(slug, name)| CategoryRef { slug, name }),
        tags: words(&row.try_get::<String, _>("tags")?),
        language: row.try_get("language")?,
        mature: row.try_get::<i64, _>("mature")? != 0,
        avatar: Picture::parse(&row.try_get::<String, _>("avatar")?),
        // Whatever the row says that is unknown to this version is not for everybody.
        access: AccessKind::parse(&row.try_get::<String, _>("access")?).unwrap_or(AccessKind::Private),
        access_revision: row.try_get("access_revision")?,
        followers: row.try_get::<i64, _>("followers")?.try_into().unwrap_or(0),
        suspension: suspension(&row)?,
        settings: ChannelSettings {
            grace_seconds: row.try_get::<Option<i64>, _>("grace_seconds")?.and_then(|seconds| seconds.try_into().ok()),
            latency: latency.and_then(|text| Latency::parse(&text)),
            rungs: rungs.and_then(|text| Rungs::parse(&text)),
        },
    })
}

/// From the three columns that users and channels have for it.
pub(crate) fn suspension(row: &AnyRow) -> sqlx::Result<Option<Suspension>> {
    let since: Option<i64> = row.try_get("suspended_at_ms")?;
    let (until_ms, reason) = (row.try_get("suspended_until_ms")?, row.try_get("suspended_reason")?);
    Ok(since.map(|since_ms| Suspension { reason, since_ms, until_ms }))
}

/// A list that is one column, separated by spaces.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Names asked for in one query; far below what either database takes.
const NAMES_A_QUERY: usize = 500;

impl Store {
    pub async fn create_channel(
        &self,
        name: &ChannelName,
        owner_id: &str,
        title: &str,
        now_ms: i64,
    ) -> Result<Channel, StoreError> {
        let id = id::new(now_ms);
        sqlx::query("INSERT INTO channels (id, name, owner_id, title, created_at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(&id)
            .bind(name.as_str())
            .bind(owner_id)
            .bind(title)
            .bind(now_ms)
            .execute(&self.pool)
            .await
            .map_err(StoreError::taken)?;
        self.channel_by_id(&id).await?.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    pub async fn channel_by_name(&self, name: &str) -> Result<Option<Channel>, StoreError> {
        Ok(sqlx::query(select!("WHERE channels.name = $1"))
            .bind(name)
            .try_map(channel)
            .fetch_optional(&self.pool)
            .await?)
    }

    pub async fn channel_by_id(&self, id: &str) -> Result<Option<Channel>, StoreError> {
        Ok(sqlx::query(select!("WHERE channels.id = $1")).bind(id).try_map(channel).fetch_optional(&self.pool).await?)
    }

    /// Up to `limit` channels by name, those after `after`.
    pub async fn channels_page(&self, after: Option<&str>, limit: u32) -> Result<Vec<Channel>, StoreError> {
        let query = sqlx::query(select!("WHERE channels.name > $1 ORDER BY channels.name LIMIT $2"));
        let query = query.bind(after.unwrap_or("")).bind(i64::from(limit));
        Ok(query.try_map(channel).fetch_all(&self.pool).await?)
    }

    /// Those of `names` that exist, in no order.
    pub async fn channels_by_names(&self, names: &[String]) -> Result<Vec<Channel>, StoreError> {
        let mut channels = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_A_QUERY) {
            let list = placeholders(1, names.len());
            let sql = format!(select!("WHERE channels.name IN ({})"), list);
            // Only `$1,$2,…` was put into the text.
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for name in names {
                query = query.bind(name);
            }
            channels.extend(query.try_map(channel).fetch_all(&self.pool).await?);
        }
        Ok(channels)
    }

    /// A user's own, by name.
    pub async fn channels_of(&self, user_id: &str) -> Result<Vec<Channel>, StoreError> {
        let query = sqlx::query(select!("WHERE owner_id = $1 ORDER BY channels.name")).bind(user_id);
        Ok(query.try_map(channel).fetch_all(&self.pool).await?)
    }

    pub async fn set_channel_title(&self, channel_id: &str, title: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE channels SET title = $2 WHERE id = $1")
            .bind(channel_id)
            .bind(title)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// They replace the channel's own; what is absent is the instance's from here on.
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
}
