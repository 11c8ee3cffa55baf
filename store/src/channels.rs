//! Channels: what they are and who may watch them.

use crate::users::claim_name;
use crate::{Picture, Store, StoreError, chat, id, placeholders, search};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{
    AccessKind, CategoryRef, ChannelEdit, ChannelLimits, ChannelSettings, Latency, Link, Panel, Rungs, Suspension,
    WhileAway,
};
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
    /// What an admin lets it have.
    pub limits: ChannelLimits,
}

impl Channel {
    /// What signatures of playback addresses have to be for; `None` where everybody may watch.
    pub fn protected(&self) -> Option<i64> {
        (self.access != AccessKind::Public).then_some(self.access_revision)
    }

    /// The name that people see.
    pub fn shown_name(&self) -> &str {
        if self.display_name.is_empty() { &self.name } else { &self.display_name }
    }

    /// The suspension that holds now.
    pub fn suspended(&self, now_ms: i64) -> Option<&Suspension> {
        self.suspension.as_ref().filter(|suspension| suspension.until_ms.is_none_or(|until| now_ms < until))
    }
}

/// The query for a [`Channel`] of each row for which a condition holds, perhaps with a join before
/// it. A deleted channel is none.
macro_rules! select {
    ($condition:literal) => {
        $crate::channels::select!("", $condition)
    };
    ($join:literal, $condition:literal) => {
        concat!(
            "SELECT channels.id, channels.name, owner_id, channels.created_at_ms, display_name, title, category, \
             categories.name AS category_name, tags, language, mature, avatar, access, access_revision, followers, \
             suspended_at_ms, suspended_until_ms, suspended_reason, grace_seconds, latency, rungs, \
             while_away, limits \
             FROM channels LEFT JOIN categories ON categories.slug = channels.category ",
            $join,
            " WHERE channels.deleted_at_ms IS NULL AND ",
            $condition
        )
    };
}
pub(crate) use select;

pub(crate) fn channel(row: AnyRow) -> sqlx::Result<Channel> {
    let category: Option<String> = row.try_get("category")?;
    let category_name: Option<String> = row.try_get("category_name")?;
    let latency: Option<String> = row.try_get("latency")?;
    let rungs: Option<String> = row.try_get("rungs")?;
    let while_away: Option<String> = row.try_get("while_away")?;
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
            while_away: while_away.and_then(|text| WhileAway::parse(&text)),
        },
        limits: limits(&row)?,
    })
}

pub(crate) fn limits(row: &AnyRow) -> sqlx::Result<ChannelLimits> {
    let limits: Option<String> = row.try_get("limits")?;
    Ok(limits.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
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

type Query<'q, T> = sqlx::query::Map<'q, sqlx::Any, fn(AnyRow) -> sqlx::Result<T>, sqlx::any::AnyArguments>;

fn by_id(id: &str) -> Query<'_, Channel> {
    sqlx::query(select!("channels.id = $1")).bind(id.to_owned()).try_map(channel as fn(AnyRow) -> sqlx::Result<Channel>)
}

/// Names asked for in one query; far below what either database takes.
const NAMES_A_QUERY: usize = 500;

/// What a list of channels is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listing<'a> {
    /// A slug.
    pub category: Option<&'a str>,
    pub tag: Option<&'a str>,
    pub language: Option<&'a str>,
}

impl Listing<'_> {
    pub fn admits(&self, channel: &Channel) -> bool {
        self.category.is_none_or(|slug| channel.category.as_ref().is_some_and(|category| category.slug == slug))
            && self.tag.is_none_or(|tag| channel.tags.iter().any(|own| own == tag))
            && self.language.is_none_or(|language| channel.language == language)
    }
}

/// What the about page shows besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub description: String,
    pub banner: Option<Picture>,
    pub links: Vec<Link>,
    pub panels: Vec<Panel>,
    /// The name that people see of its owner.
    pub owner: String,
}

impl Store {
    pub async fn create_channel(
        &self,
        name: &ChannelName,
        owner_id: &str,
        title: &str,
        now_ms: i64,
    ) -> Result<Channel, StoreError> {
        let id = id::new(now_ms);
        let mut transaction = self.pool.begin().await?;
        sqlx::query("INSERT INTO channels (id, name, owner_id, title, created_at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(&id)
            .bind(name.as_str())
            .bind(owner_id)
            .bind(title)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::taken)?;
        claim_name(&mut transaction, name.as_str(), owner_id).await?;
        let channel = by_id(&id).fetch_one(&mut *transaction).await?;
        search::index(&mut transaction, &channel).await?;
        transaction.commit().await?;
        Ok(channel)
    }

    pub async fn channel_by_name(&self, name: &str) -> Result<Option<Channel>, StoreError> {
        Ok(sqlx::query(select!("channels.name = $1")).bind(name).try_map(channel).fetch_optional(&self.pool).await?)
    }

    pub async fn channel_by_id(&self, id: &str) -> Result<Option<Channel>, StoreError> {
        Ok(by_id(id).fetch_optional(&self.pool).await?)
    }

    /// Up to `limit` channels by name, those after `after`; without private ones and those that are
    /// suspended.
    pub async fn channels_page(
        &self,
        listing: Listing<'_>,
        after: Option<&str>,
        now_ms: i64,
        limit: u32,
    ) -> Result<Vec<Channel>, StoreError> {
        let mut bound = vec![];
        let mut conditions = String::new();
        for (value, condition) in [
            (listing.category, "AND channels.category = "),
            (listing.language, "AND channels.language = "),
            (listing.tag, "AND channels.id IN (SELECT channel_id FROM channel_tags WHERE tag = "),
        ] {
            let Some(value) = value else { continue };
            bound.push(value);
            let end = if condition.contains('(') { ")" } else { "" };
            conditions.push_str(&format!("{condition}${}{end} ", bound.len() + 3));
        }
        let sql = format!(
            select!(
                "channels.name > $1 AND (suspended_at_ms IS NULL OR suspended_until_ms <= $2) \
                 AND access <> 'private' {} ORDER BY channels.name LIMIT $3"
            ),
            conditions
        );
        // Only fixed conditions and numbers of parameters were put into the text.
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(after.unwrap_or("")).bind(now_ms).bind(i64::from(limit));
        for value in bound {
            query = query.bind(value);
        }
        Ok(query.try_map(channel).fetch_all(&self.pool).await?)
    }

    /// Those of `names` that exist, in no order.
    pub async fn channels_by_names(&self, names: &[String]) -> Result<Vec<Channel>, StoreError> {
        let mut channels = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_A_QUERY) {
            let list = placeholders(1, names.len());
            let sql = format!(select!("channels.name IN ({})"), list);
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
        let query = sqlx::query(select!("owner_id = $1 ORDER BY channels.name")).bind(user_id);
        Ok(query.try_map(channel).fetch_all(&self.pool).await?)
    }

    /// Takes the channel away from everybody; its name stays taken, and its row as long as
    /// something is recorded of it.
    pub async fn delete_channel(&self, channel_id: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for sql in [
            "DELETE FROM channel_keys WHERE channel_id = $1",
            "DELETE FROM channel_staff WHERE channel_id = $1",
            "DELETE FROM channel_guests WHERE channel_id = $1",
            "DELETE FROM channel_tags WHERE channel_id = $1",
            "DELETE FROM follows WHERE channel_id = $1",
            "DELETE FROM schedule WHERE channel_id = $1",
            "DELETE FROM search_words WHERE channel_id = $1",
            "DELETE FROM webhooks WHERE channel_id = $1",
            "UPDATE channels SET title = '', description = '', links = '[]', panels = '[]', followers = 0 WHERE id = $1",
        ] {
            sqlx::query(sql).bind(channel_id).execute(&mut *transaction).await?;
        }
        for sql in chat::OF_CHANNEL {
            sqlx::query(sql).bind(channel_id).execute(&mut *transaction).await?;
        }
        sqlx::query("UPDATE channels SET deleted_at_ms = $2 WHERE id = $1")
            .bind(channel_id)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub async fn profile(&self, channel_id: &str) -> Result<Option<Profile>, StoreError> {
        let sql = "SELECT description, banner, links, panels, users.name AS owner, users.display_name AS owner_display \
                   FROM channels JOIN users ON users.id = channels.owner_id WHERE channels.id = $1";
        let profile = |row: AnyRow| {
            let (name, display_name): (String, String) = (row.try_get("owner")?, row.try_get("owner_display")?);
            Ok(Profile {
                description: row.try_get("description")?,
                banner: Picture::parse(&row.try_get::<String, _>("banner")?),
                links: serde_json::from_str(&row.try_get::<String, _>("links")?).unwrap_or_default(),
                panels: serde_json::from_str(&row.try_get::<String, _>("panels")?).unwrap_or_default(),
                owner: if display_name.is_empty() { name } else { display_name },
            })
        };
        Ok(sqlx::query(sql).bind(channel_id).try_map(profile).fetch_optional(&self.pool).await?)
    }

    /// Changes what the edit names; its values have been checked, and its tags are single words.
    pub async fn edit_channel(&self, channel_id: &str, edit: &ChannelEdit) -> Result<(), StoreError> {
        let json = |value: Option<serde_json::Result<String>>| value.and_then(Result::ok);
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "UPDATE channels SET title = COALESCE($2, title), display_name = COALESCE($3, display_name), \
             description = COALESCE($4, description), tags = COALESCE($5, tags), language = COALESCE($6, language), \
             mature = COALESCE($7, mature), links = COALESCE($8, links), panels = COALESCE($9, panels), \
             category = CASE WHEN $10 = 1 THEN $11 ELSE category END WHERE id = $1",
        )
        .bind(channel_id)
        .bind(&edit.title)
        .bind(&edit.display_name)
        .bind(&edit.description)
        .bind(edit.tags.as_ref().map(|tags| tags.join(" ")))
        .bind(&edit.language)
        .bind(edit.mature.map(i64::from))
        .bind(json(edit.links.as_ref().map(serde_json::to_string)))
        .bind(json(edit.panels.as_ref().map(serde_json::to_string)))
        .bind(i64::from(edit.category.is_some()))
        .bind(edit.category.as_deref().filter(|slug| !slug.is_empty()))
        .execute(&mut *transaction)
        .await?;
        if let Some(tags) = &edit.tags {
            sqlx::query("DELETE FROM channel_tags WHERE channel_id = $1")
                .bind(channel_id)
                .execute(&mut *transaction)
                .await?;
            for tag in tags {
                sqlx::query("INSERT INTO channel_tags (tag, channel_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(tag)
                    .bind(channel_id)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        if let Some(channel) = by_id(channel_id).fetch_optional(&mut *transaction).await? {
            search::index(&mut transaction, &channel).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Takes back the access of whoever had it: signed addresses of before are void. Without a
    /// hash, the password stays as it is.
    pub async fn set_access(
        &self,
        channel_id: &str,
        access: AccessKind,
        password_hash: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE channels SET access = $2, access_password_hash = COALESCE($3, access_password_hash), \
             access_revision = access_revision + 1 WHERE id = $1",
        )
        .bind(channel_id)
        .bind(access.as_str())
        .bind(password_hash)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The hash of the password that viewers need; empty where there is none.
    pub async fn access_password(&self, channel_id: &str) -> Result<String, StoreError> {
        let sql = "SELECT access_password_hash FROM channels WHERE id = $1";
        let hash: Option<String> = sqlx::query_scalar(sql).bind(channel_id).fetch_optional(&self.pool).await?;
        Ok(hash.unwrap_or_default())
    }

    pub async fn set_channel_avatar(&self, channel_id: &str, picture: Option<&Picture>) -> Result<(), StoreError> {
        self.set_channel_picture("UPDATE channels SET avatar = $2 WHERE id = $1", channel_id, picture).await
    }

    pub async fn set_channel_banner(&self, channel_id: &str, picture: Option<&Picture>) -> Result<(), StoreError> {
        self.set_channel_picture("UPDATE channels SET banner = $2 WHERE id = $1", channel_id, picture).await
    }

    async fn set_channel_picture(
        &self,
        sql: &'static str,
        channel_id: &str,
        picture: Option<&Picture>,
    ) -> Result<(), StoreError> {
        let text = picture.map(Picture::to_string).unwrap_or_default();
        sqlx::query(sql).bind(channel_id).bind(text).execute(&self.pool).await?;
        Ok(())
    }

    pub async fn set_channel_limits(&self, channel_id: &str, limits: &ChannelLimits) -> Result<(), StoreError> {
        let limits = serde_json::to_string(limits).unwrap_or_default();
        let query = sqlx::query("UPDATE channels SET limits = $2 WHERE id = $1").bind(channel_id).bind(limits);
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// They replace the channel's own; what is absent is the instance's from here on.
    pub async fn set_channel_settings(&self, channel_id: &str, settings: &ChannelSettings) -> Result<(), StoreError> {
        sqlx::query("UPDATE channels SET grace_seconds = $2, latency = $3, rungs = $4, while_away = $5 WHERE id = $1")
            .bind(channel_id)
            .bind(settings.grace_seconds.map(i64::from))
            .bind(settings.latency.map(Latency::as_str))
            .bind(settings.rungs.map(Rungs::as_str))
            .bind(settings.while_away.map(WhileAway::as_str))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
