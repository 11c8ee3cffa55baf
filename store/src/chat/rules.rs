//! What a room has of its own: blocked terms, commands, emotes and badges.

use super::moderation::{DeedError, Doer, entry, lock, log};
use crate::{Channel, Store, StoreError, User, id, placeholders};
use rivulet_protocol::chat::Act;
use rivulet_protocol::rest::{ChatBadge, ChatCommand, Emote, Term, TermCreate, TermDeed};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

const MAX_TERMS: i64 = 500;
const MAX_COMMANDS: i64 = 100;
const MAX_EMOTES: i64 = 200;
const MAX_INSTANCE_EMOTES: i64 = 500;
const MAX_BADGES: i64 = 20;
const MAX_HOLDERS: i64 = 1_000;

fn rules(what: &str) -> Act {
    Act::Rules { what: what.into() }
}

fn emotes(what: &str) -> Act {
    Act::Emotes { what: what.into() }
}

/// Fails when there are as many rows already as there may be.
async fn check_count(db: &mut AnyConnection, sql: &'static str, id: &str, max: i64) -> Result<(), DeedError> {
    let count: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(db).await?;
    if count < max { Ok(()) } else { Err(DeedError::TooMany(max)) }
}

impl Store {
    /// Up to `limit` by their ids, those after `after`.
    pub async fn chat_terms(&self, channel_id: &str, after: Option<&str>, limit: u32) -> Result<Vec<Term>, StoreError> {
        let sql = "SELECT chat_terms.id, chat_terms.text, chat_terms.pattern, chat_terms.deed, \
                   COALESCE(users.name, '') AS by_name, chat_terms.created_at_ms FROM chat_terms \
                   LEFT JOIN users ON users.id = chat_terms.by_id \
                   WHERE chat_terms.channel_id = $1 AND chat_terms.id > $2 ORDER BY chat_terms.id LIMIT $3";
        let query = sqlx::query(sql).bind(channel_id).bind(after.unwrap_or("")).bind(i64::from(limit));
        let query = query.try_map(|row: AnyRow| {
            Ok(Term {
                id: row.try_get("id")?,
                rule: TermCreate {
                    text: row.try_get("text")?,
                    pattern: row.try_get::<i64, _>("pattern")? != 0,
                    deed: TermDeed::parse(&row.try_get::<String, _>("deed")?).unwrap_or_default(),
                },
                by: row.try_get("by_name")?,
                created_at_ms: row.try_get("created_at_ms")?,
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    pub async fn add_chat_term(
        &self,
        channel: &Channel,
        by: &Doer,
        rule: TermCreate,
        now_ms: i64,
    ) -> Result<Term, DeedError> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        check_count(&mut tx, "SELECT COUNT(*) FROM chat_terms WHERE channel_id = $1", &channel.id, MAX_TERMS).await?;
        let id = id::new(now_ms);
        let sql = "INSERT INTO chat_terms (id, channel_id, text, pattern, deed, by_id, created_at_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let query = sqlx::query(sql).bind(&id).bind(&channel.id).bind(&rule.text).bind(i64::from(rule.pattern));
        query.bind(rule.deed.as_str()).bind(&by.person.id).bind(now_ms).execute(&mut *tx).await?;
        log(&mut tx, channel, by, rules("terms"), &format!("new term: {}", rule.text), now_ms).await?;
        tx.commit().await?;
        Ok(Term { id, rule, by: by.person.login.clone(), created_at_ms: now_ms })
    }

    pub async fn delete_chat_term(&self, channel: &Channel, by: &Doer, id: &str, now_ms: i64) -> Result<(), DeedError> {
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM chat_terms WHERE id = $1 AND channel_id = $2 RETURNING text";
        let text: Option<String> = sqlx::query_scalar(sql).bind(id).bind(&channel.id).fetch_optional(&mut *tx).await?;
        let text = text.ok_or(DeedError::NoSuch)?;
        log(&mut tx, channel, by, rules("terms"), &format!("no term: {text}"), now_ms).await?;
        tx.commit().await?;
        Ok(())
    }

    /// One instead of another of the same name.
    pub async fn set_chat_command(
        &self,
        channel: &Channel,
        by: &Doer,
        command: &ChatCommand,
        now_ms: i64,
    ) -> Result<(), DeedError> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        let sql = "INSERT INTO chat_commands (channel_id, name, reply, cooldown_seconds, moderators_only) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (channel_id, name) DO UPDATE SET reply = excluded.reply, \
                   cooldown_seconds = excluded.cooldown_seconds, moderators_only = excluded.moderators_only";
        let query = sqlx::query(sql).bind(&channel.id).bind(&command.name).bind(&command.reply);
        let query = query.bind(i64::from(command.cooldown_seconds)).bind(i64::from(command.moderators_only));
        query.execute(&mut *tx).await?;
        let sql = "SELECT COUNT(*) FROM chat_commands WHERE channel_id = $1";
        check_count(&mut tx, sql, &channel.id, MAX_COMMANDS + 1).await?;
        log(&mut tx, channel, by, rules("commands"), &format!("!{}", command.name), now_ms).await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn delete_chat_command(
        &self,
        channel: &Channel,
        by: &Doer,
        name: &str,
        now_ms: i64,
    ) -> Result<(), DeedError> {
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM chat_commands WHERE channel_id = $1 AND name = $2";
        if sqlx::query(sql).bind(&channel.id).bind(name).execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(DeedError::NoSuch);
        }
        log(&mut tx, channel, by, rules("commands"), &format!("no !{name}"), now_ms).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Of a channel, or of the instance. Answers the id of the one that had the code before.
    pub async fn put_emote(
        &self,
        channel: Option<&Channel>,
        by: &Doer,
        emote: &Emote,
        bytes: i64,
        now_ms: i64,
    ) -> Result<Option<String>, DeedError> {
        let (channel_id, max) = channel.map_or(("", MAX_INSTANCE_EMOTES), |channel| (&channel.id, MAX_EMOTES));
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM chat_emotes WHERE channel_id = $1 AND code = $2 RETURNING id";
        let old = sqlx::query_scalar(sql).bind(channel_id).bind(&emote.code).fetch_optional(&mut *tx).await?;
        check_count(&mut tx, "SELECT COUNT(*) FROM chat_emotes WHERE channel_id = $1", channel_id, max).await?;
        let sql = "INSERT INTO chat_emotes (id, channel_id, code, animated, bytes, created_at_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(&emote.id).bind(channel_id).bind(&emote.code);
        let query = query.bind(i64::from(emote.animated)).bind(bytes).bind(now_ms);
        query.execute(&mut *tx).await.map_err(StoreError::taken)?;
        if let Some(channel) = channel {
            log(&mut tx, channel, by, emotes("emotes"), &emote.code, now_ms).await?;
        }
        tx.commit().await?;
        Ok(old)
    }

    /// Answers its id.
    pub async fn delete_emote(
        &self,
        channel: Option<&Channel>,
        by: &Doer,
        code: &str,
        now_ms: i64,
    ) -> Result<String, DeedError> {
        let channel_id = channel.map_or("", |channel| &channel.id);
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM chat_emotes WHERE channel_id = $1 AND code = $2 RETURNING id";
        let id: Option<String> = sqlx::query_scalar(sql).bind(channel_id).bind(code).fetch_optional(&mut *tx).await?;
        let id = id.ok_or(DeedError::NoSuch)?;
        if let Some(channel) = channel {
            log(&mut tx, channel, by, emotes("emotes"), &format!("no {code}"), now_ms).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    /// Tells the rooms that are open of what changed for all of them. Answers their channels.
    pub async fn emotes_changed(&self, by: &Doer, now_ms: i64) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT channel_id FROM chat_rooms WHERE lease_until_ms > $1";
        let open: Vec<String> = sqlx::query_scalar(sql).bind(now_ms).fetch_all(&self.pool).await?;
        for channel_id in &open {
            self.act(channel_id, &by.person, emotes("emotes"), now_ms).await?;
        }
        Ok(open)
    }

    /// Pictures of a channel's emotes and badges.
    pub async fn chat_pictures(&self, channel_id: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT id FROM chat_emotes WHERE channel_id = $1 UNION ALL \
                   SELECT picture FROM chat_badges WHERE channel_id = $1";
        Ok(sqlx::query_scalar(sql).bind(channel_id).fetch_all(&self.pool).await?)
    }

    /// All of a channel, with the names of those who wear them.
    pub async fn chat_badges(&self, channel_id: &str) -> Result<Vec<ChatBadge>, StoreError> {
        let sql = "SELECT id, title, picture FROM chat_badges WHERE channel_id = $1 ORDER BY id";
        let rows: Vec<(String, String, String)> = sqlx::query_as(sql).bind(channel_id).fetch_all(&self.pool).await?;
        let badge = |(id, title, picture)| ChatBadge { id, title, picture, holders: Vec::new() };
        let mut badges: Vec<ChatBadge> = rows.into_iter().map(badge).collect();
        if badges.is_empty() {
            return Ok(badges);
        }
        let sql = format!(
            "SELECT badge_id, users.name FROM chat_badge_holders JOIN users ON users.id = chat_badge_holders.user_id \
             WHERE badge_id IN ({}) ORDER BY users.name",
            placeholders(1, badges.len())
        );
        // Only `$1,$2,…` was put into the text.
        let mut query = sqlx::query_as::<_, (String, String)>(AssertSqlSafe(sql));
        for badge in &badges {
            query = query.bind(badge.id.clone());
        }
        for (badge_id, name) in query.fetch_all(&self.pool).await? {
            badges.iter_mut().filter(|badge| badge.id == badge_id).for_each(|badge| badge.holders.push(name.clone()));
        }
        Ok(badges)
    }

    pub async fn add_chat_badge(
        &self,
        channel: &Channel,
        by: &Doer,
        title: &str,
        picture: &str,
        bytes: i64,
        now_ms: i64,
    ) -> Result<ChatBadge, DeedError> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        check_count(&mut tx, "SELECT COUNT(*) FROM chat_badges WHERE channel_id = $1", &channel.id, MAX_BADGES).await?;
        let id = id::new(now_ms);
        let sql = "INSERT INTO chat_badges (id, channel_id, title, picture, bytes, created_at_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(&id).bind(&channel.id).bind(title).bind(picture).bind(bytes).bind(now_ms);
        query.execute(&mut *tx).await?;
        log(&mut tx, channel, by, emotes("badges"), title, now_ms).await?;
        tx.commit().await?;
        Ok(ChatBadge { id, title: title.into(), picture: picture.into(), holders: Vec::new() })
    }

    /// Answers its picture.
    pub async fn delete_chat_badge(
        &self,
        channel: &Channel,
        by: &Doer,
        id: &str,
        now_ms: i64,
    ) -> Result<String, DeedError> {
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM chat_badges WHERE id = $1 AND channel_id = $2 RETURNING picture, title";
        let found: Option<(String, String)> =
            sqlx::query_as(sql).bind(id).bind(&channel.id).fetch_optional(&mut *tx).await?;
        let (picture, title) = found.ok_or(DeedError::NoSuch)?;
        log(&mut tx, channel, by, emotes("badges"), &format!("no {title}"), now_ms).await?;
        tx.commit().await?;
        Ok(picture)
    }

    /// Gives a badge to somebody, or takes it from them.
    pub async fn hold_chat_badge(
        &self,
        channel: &Channel,
        by: &Doer,
        badge_id: &str,
        user: &User,
        holds: bool,
        now_ms: i64,
    ) -> Result<(), DeedError> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        let sql = "SELECT title FROM chat_badges WHERE id = $1 AND channel_id = $2";
        let title: Option<String> =
            sqlx::query_scalar(sql).bind(badge_id).bind(&channel.id).fetch_optional(&mut *tx).await?;
        let title = title.ok_or(DeedError::NoSuch)?;
        let sql = match holds {
            true => "INSERT INTO chat_badge_holders (badge_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            false => "DELETE FROM chat_badge_holders WHERE badge_id = $1 AND user_id = $2",
        };
        let changed = sqlx::query(sql).bind(badge_id).bind(&user.id).execute(&mut *tx).await?.rows_affected() > 0;
        if !changed && !holds {
            return Err(DeedError::NoSuch);
        }
        let sql = "SELECT COUNT(*) FROM chat_badge_holders WHERE badge_id = $1";
        check_count(&mut tx, sql, badge_id, MAX_HOLDERS + 1).await?;
        let what = if holds { title } else { format!("no {title}") };
        entry(&mut tx, channel, by, "chat.badge", Some(&user.into()), &what, now_ms).await?;
        tx.commit().await?;
        Ok(())
    }
}
