//! What is read of a room page by page: messages, acts, bans, what waits.

use super::action;
use super::room::{held, message};
use crate::{LAST, Store, StoreError};
use rivulet_protocol::chat::{ChatAction, HeldMessage, Message, Person};
use rivulet_protocol::rest::{ChatBan, NetworkBan};
use sqlx::Row;
use sqlx::any::AnyRow;

/// From the columns `id`, `name` and `display_name`.
pub(super) fn person(row: &AnyRow) -> sqlx::Result<Person> {
    let (login, display_name): (String, String) = (row.try_get("name")?, row.try_get("display_name")?);
    let display_name = if display_name.is_empty() { login.clone() } else { display_name };
    Ok(Person { id: row.try_get("id")?, login, display_name })
}

fn ban(row: AnyRow) -> sqlx::Result<ChatBan> {
    Ok(ChatBan {
        user: person(&row)?,
        until_ms: row.try_get("until_ms")?,
        reason: row.try_get("reason")?,
        by: row.try_get("by_name")?,
        at_ms: row.try_get("created_at_ms")?,
        shared_from: Some(row.try_get::<String, _>("shared_from")?).filter(|channel| !channel.is_empty()),
    })
}

macro_rules! bans {
    ($rest:literal) => {
        concat!(
            "SELECT users.id, users.name, users.display_name, chat_bans.until_ms, chat_bans.reason, \
             COALESCE(doers.name, '') AS by_name, chat_bans.created_at_ms, chat_bans.shared_from FROM chat_bans \
             JOIN users ON users.id = chat_bans.user_id LEFT JOIN users AS doers ON doers.id = chat_bans.by_id \
             WHERE chat_bans.channel_id = $1 AND (chat_bans.until_ms IS NULL OR chat_bans.until_ms > $2) AND ",
            $rest
        )
    };
}

impl Store {
    /// Up to `limit`, the newest first, those before `before`; those that were taken back too.
    pub async fn chat_messages_page(
        &self,
        channel_id: &str,
        user_id: Option<&str>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = match user_id {
            Some(_) => {
                "SELECT body, deleted_at_ms FROM chat_messages WHERE channel_id = $1 AND id < $2 AND user_id = $4 \
                 ORDER BY id DESC LIMIT $3"
            }
            None => {
                "SELECT body, deleted_at_ms FROM chat_messages WHERE channel_id = $1 AND id < $2 \
                 ORDER BY id DESC LIMIT $3"
            }
        };
        let mut query = sqlx::query(sql).bind(channel_id).bind(before.unwrap_or(LAST)).bind(i64::from(limit));
        if let Some(user_id) = user_id {
            query = query.bind(user_id);
        }
        Ok(query.try_map(message).fetch_all(&self.pool).await?)
    }

    /// Up to `limit` messages of a broadcast, the oldest first, those after `after`; without those that
    /// were taken back.
    pub async fn chat_of_broadcast(
        &self,
        broadcast_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = "SELECT body, deleted_at_ms FROM chat_messages WHERE broadcast_id = $1 AND id > $2 \
                   AND deleted_at_ms IS NULL ORDER BY id LIMIT $3";
        let query = sqlx::query(sql).bind(broadcast_id).bind(after.unwrap_or("")).bind(i64::from(limit));
        Ok(query.try_map(message).fetch_all(&self.pool).await?)
    }

    /// Up to `limit`, the newest first, those before a revision; of all, or about one user.
    pub async fn chat_actions_page(
        &self,
        channel_id: &str,
        user_id: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ChatAction>, StoreError> {
        let sql = match user_id {
            Some(_) => {
                "SELECT revision, at_ms, actor, body FROM chat_actions WHERE channel_id = $1 AND revision < $2 \
                 AND user_id = $4 ORDER BY revision DESC LIMIT $3"
            }
            None => {
                "SELECT revision, at_ms, actor, body FROM chat_actions WHERE channel_id = $1 AND revision < $2 \
                 ORDER BY revision DESC LIMIT $3"
            }
        };
        let mut query = sqlx::query(sql).bind(channel_id).bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit));
        if let Some(user_id) = user_id {
            query = query.bind(user_id);
        }
        Ok(query.try_map(action).fetch_all(&self.pool).await?)
    }

    /// Up to `limit` that hold now, the newest first; those before the time and the user's id that a
    /// page ended with.
    pub async fn chat_bans(
        &self,
        channel_id: &str,
        before: Option<(i64, &str)>,
        now_ms: i64,
        limit: u32,
    ) -> Result<Vec<ChatBan>, StoreError> {
        let (time, id) = before.unwrap_or((i64::MAX, ""));
        let query = sqlx::query(bans!(
            "(chat_bans.created_at_ms, chat_bans.user_id) < ($3, $4) \
             ORDER BY chat_bans.created_at_ms DESC, chat_bans.user_id DESC LIMIT $5"
        ));
        let query = query.bind(channel_id).bind(now_ms).bind(time).bind(id).bind(i64::from(limit));
        Ok(query.try_map(ban).fetch_all(&self.pool).await?)
    }

    /// The one that holds now.
    pub async fn chat_ban(&self, channel_id: &str, user_id: &str, now_ms: i64) -> Result<Option<ChatBan>, StoreError> {
        let query = sqlx::query(bans!("chat_bans.user_id = $3")).bind(channel_id).bind(now_ms).bind(user_id);
        Ok(query.try_map(ban).fetch_optional(&self.pool).await?)
    }

    /// Up to `limit` by their ids, those after `after`.
    pub async fn network_bans(
        &self,
        channel_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<NetworkBan>, StoreError> {
        let sql = "SELECT chat_network_bans.id, COALESCE(users.name, '') AS name, COALESCE(doers.name, '') AS by_name, \
                   chat_network_bans.created_at_ms FROM chat_network_bans \
                   LEFT JOIN users ON users.id = chat_network_bans.user_id \
                   LEFT JOIN users AS doers ON doers.id = chat_network_bans.by_id \
                   WHERE chat_network_bans.channel_id = $1 AND chat_network_bans.id > $2 \
                   ORDER BY chat_network_bans.id LIMIT $3";
        let query = sqlx::query(sql).bind(channel_id).bind(after.unwrap_or("")).bind(i64::from(limit));
        let query = query.try_map(|row: AnyRow| {
            Ok(NetworkBan {
                id: row.try_get("id")?,
                username: row.try_get("name")?,
                by: row.try_get("by_name")?,
                created_at_ms: row.try_get("created_at_ms")?,
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// Up to `limit` that wait for a decision, the oldest first, those after `after`.
    pub async fn held_messages(
        &self,
        channel_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMessage>, StoreError> {
        let sql = "SELECT id, body, reason FROM chat_held WHERE channel_id = $1 AND state = 'open' AND id > $2 \
                   ORDER BY id LIMIT $3";
        let query = sqlx::query(sql).bind(channel_id).bind(after.unwrap_or("")).bind(i64::from(limit));
        Ok(query.try_map(held).fetch_all(&self.pool).await?)
    }
}
