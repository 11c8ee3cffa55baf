//! What is known of somebody in a room: warnings, notes, and what they ask for once they are banned.

use super::append;
use super::lists::person;
use super::moderation::{Deed, DeedError, Doer, Done, lock, log};
use crate::{Channel, LAST, Store, StoreError, User, id};
use rivulet_protocol::chat::Act;
use rivulet_protocol::rest::{ChatNote, UnbanRequest, UnbanState};
use sqlx::Row;
use sqlx::any::AnyRow;

const MAX_NOTES: i64 = 100;
/// Who was refused asks again after this.
const ASK_AGAIN_MS: i64 = 24 * 3600 * 1000;

fn request(row: AnyRow) -> sqlx::Result<UnbanRequest> {
    Ok(UnbanRequest {
        user: person(&row)?,
        id: row.try_get("request_id")?,
        text: row.try_get("text")?,
        created_at_ms: row.try_get("created_at_ms")?,
        state: UnbanState::parse(&row.try_get::<String, _>("state")?).unwrap_or_default(),
        answer: row.try_get("answer")?,
        answered_by: row.try_get("by_name")?,
    })
}

macro_rules! requests {
    ($rest:literal) => {
        concat!(
            "SELECT users.id, users.name, users.display_name, chat_unban_requests.id AS request_id, \
             chat_unban_requests.text, chat_unban_requests.created_at_ms, chat_unban_requests.state, \
             chat_unban_requests.answer, COALESCE(doers.name, '') AS by_name FROM chat_unban_requests \
             JOIN users ON users.id = chat_unban_requests.user_id \
             LEFT JOIN users AS doers ON doers.id = chat_unban_requests.answered_by \
             WHERE chat_unban_requests.channel_id = $1 AND ",
            $rest
        )
    };
}

impl Store {
    /// What somebody is warned of and has not acknowledged.
    pub async fn chat_warning(&self, channel_id: &str, user_id: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT reason FROM chat_warnings WHERE channel_id = $1 AND user_id = $2";
        Ok(sqlx::query_scalar(sql).bind(channel_id).bind(user_id).fetch_optional(&self.pool).await?)
    }

    /// By whoever was warned. Answers whether there was a warning.
    pub async fn acknowledge_warning(&self, channel: &Channel, user: &User, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM chat_warnings WHERE channel_id = $1 AND user_id = $2";
        let gone = sqlx::query(sql).bind(&channel.id).bind(&user.id).execute(&mut *tx).await?.rows_affected() > 0;
        if gone {
            append(&mut tx, &channel.id, &user.into(), Act::WarningAcknowledged { user: user.into() }, now_ms).await?;
        }
        tx.commit().await?;
        Ok(gone)
    }

    /// All of a user, the newest first.
    pub async fn chat_notes(&self, channel_id: &str, user_id: &str) -> Result<Vec<ChatNote>, StoreError> {
        let sql = "SELECT chat_notes.id, chat_notes.text, COALESCE(users.name, '') AS by_name, chat_notes.created_at_ms \
                   FROM chat_notes LEFT JOIN users ON users.id = chat_notes.by_id \
                   WHERE chat_notes.channel_id = $1 AND chat_notes.user_id = $2 ORDER BY chat_notes.id DESC";
        let query = sqlx::query(sql).bind(channel_id).bind(user_id).try_map(|row: AnyRow| {
            Ok(ChatNote {
                id: row.try_get("id")?,
                text: row.try_get("text")?,
                by: row.try_get("by_name")?,
                at_ms: row.try_get("created_at_ms")?,
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    pub async fn add_chat_note(
        &self,
        channel: &Channel,
        by: &Doer,
        user: &User,
        text: &str,
        now_ms: i64,
    ) -> Result<ChatNote, DeedError> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        let sql = "SELECT COUNT(*) FROM chat_notes WHERE channel_id = $1 AND user_id = $2";
        let count: i64 = sqlx::query_scalar(sql).bind(&channel.id).bind(&user.id).fetch_one(&mut *tx).await?;
        if count >= MAX_NOTES {
            return Err(DeedError::TooMany(MAX_NOTES));
        }
        let id = id::new(now_ms);
        let sql = "INSERT INTO chat_notes (id, channel_id, user_id, text, by_id, created_at_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(&id).bind(&channel.id).bind(&user.id).bind(text).bind(&by.person.id);
        query.bind(now_ms).execute(&mut *tx).await?;
        log(&mut tx, channel, by, Act::Note { user: user.into() }, "", now_ms).await?;
        tx.commit().await?;
        Ok(ChatNote { id, text: text.into(), by: by.person.login.clone(), at_ms: now_ms })
    }

    /// Answers whether it was there.
    pub async fn delete_chat_note(
        &self,
        channel: &Channel,
        by: &Doer,
        user: &User,
        id: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM chat_notes WHERE id = $1 AND channel_id = $2 AND user_id = $3";
        let query = sqlx::query(sql).bind(id).bind(&channel.id).bind(&user.id);
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        log(&mut tx, channel, by, Act::Note { user: user.into() }, "", now_ms).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Up to `limit` that are open, the oldest first, those after `after`.
    pub async fn unban_requests(
        &self,
        channel_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<UnbanRequest>, StoreError> {
        let query = sqlx::query(requests!(
            "chat_unban_requests.state = 'open' AND chat_unban_requests.id > $2 \
             ORDER BY chat_unban_requests.id LIMIT $3"
        ));
        let query = query.bind(channel_id).bind(after.unwrap_or("")).bind(i64::from(limit));
        Ok(query.try_map(request).fetch_all(&self.pool).await?)
    }

    /// Somebody's last one.
    pub async fn unban_request_of(&self, channel_id: &str, user_id: &str) -> Result<Option<UnbanRequest>, StoreError> {
        let query = sqlx::query(requests!(
            "chat_unban_requests.user_id = $2 AND chat_unban_requests.id < $3 \
             ORDER BY chat_unban_requests.id DESC LIMIT 1"
        ));
        Ok(query.bind(channel_id).bind(user_id).bind(LAST).try_map(request).fetch_optional(&self.pool).await?)
    }

    /// By whoever is banned: one at a time, and not again on the day of a refusal.
    pub async fn ask_for_unban(
        &self,
        channel: &Channel,
        user: &User,
        text: &str,
        now_ms: i64,
    ) -> Result<UnbanRequest, DeedError> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        let sql = "SELECT created_at_ms FROM chat_bans WHERE channel_id = $1 AND user_id = $2 \
                   AND (until_ms IS NULL OR until_ms > $3)";
        let query = sqlx::query(sql).bind(&channel.id).bind(&user.id).bind(now_ms);
        if query.fetch_optional(&mut *tx).await?.is_none() {
            return Err(DeedError::NotBanned);
        }
        let sql = "SELECT id FROM chat_unban_requests WHERE channel_id = $1 AND user_id = $2 \
                   AND (state = 'open' OR (state = 'denied' AND id > $3)) LIMIT 1";
        let recent = id::earliest(now_ms.saturating_sub(ASK_AGAIN_MS));
        let query = sqlx::query(sql).bind(&channel.id).bind(&user.id).bind(recent);
        if query.fetch_optional(&mut *tx).await?.is_some() {
            return Err(DeedError::Busy);
        }
        let id = id::new(now_ms);
        let sql = "INSERT INTO chat_unban_requests (id, channel_id, user_id, text, created_at_ms) \
                   VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(sql).bind(&id).bind(&channel.id).bind(&user.id).bind(text).bind(now_ms);
        query.execute(&mut *tx).await?;
        let act = Act::UnbanRequested { id: id.clone(), user: user.into() };
        append(&mut tx, &channel.id, &user.into(), act, now_ms).await?;
        tx.commit().await?;
        Ok(UnbanRequest {
            id,
            user: user.into(),
            text: text.into(),
            created_at_ms: now_ms,
            state: UnbanState::Open,
            answer: String::new(),
            answered_by: String::new(),
        })
    }

    /// Lets them back in, or not.
    pub async fn answer_unban_request(
        &self,
        channel: &Channel,
        by: &Doer,
        id: &str,
        approve: bool,
        answer: &str,
        now_ms: i64,
    ) -> Result<(UnbanRequest, Done), DeedError> {
        let query = sqlx::query(requests!("chat_unban_requests.id = $2")).bind(&channel.id).bind(id);
        let found = query.try_map(request).fetch_optional(&self.pool).await?;
        let asked = found.filter(|request| request.state == UnbanState::Open).ok_or(DeedError::NoSuch)?;
        let user = self.user_by_id(&asked.user.id).await?.ok_or(DeedError::NoSuch)?;
        let mut channels = vec![channel.id.clone()];
        if approve {
            match self.moderate(channel, by, Deed::Unban { user: &user }, now_ms).await {
                Ok(done) => channels = done.channels,
                // The ban is over by now.
                Err(DeedError::NotBanned) => {}
                Err(error) => return Err(error),
            }
        }
        let mut tx = self.pool.begin().await?;
        let state = if approve { UnbanState::Approved } else { UnbanState::Denied };
        let sql = "UPDATE chat_unban_requests SET state = $2, answer = $3, answered_by = $4 \
                   WHERE id = $1 AND state = 'open'";
        let query = sqlx::query(sql).bind(id).bind(state.as_str()).bind(answer).bind(&by.person.id);
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(DeedError::NoSuch);
        }
        let act = Act::UnbanAnswered { id: id.into(), user: asked.user.clone(), approved: approve };
        let action = log(&mut tx, channel, by, act, answer, now_ms).await?;
        tx.commit().await?;
        let (answer, answered_by) = (answer.into(), by.person.login.clone());
        Ok((UnbanRequest { state, answer, answered_by, ..asked }, Done { action, channels }))
    }
}
