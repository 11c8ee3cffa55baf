//! How long chat is kept, and what goes when somebody leaves.

use super::json;
use super::room::parsed;
use crate::{Store, StoreError, id};
use rivulet_protocol::chat::{Act, Author, Message, Person};
use rivulet_protocol::rest::ChatSettings;
use sqlx::{AnyConnection, AssertSqlSafe};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Rows that go in one statement: others write in between.
const BATCH: i64 = 2_000;
/// What was done to a room stays at least as long.
const ACTIONS_MS: i64 = 90 * DAY_MS;

impl Store {
    /// Removes what is older than the channel says or, where it says nothing, than `keep_ms`; without
    /// that it stays. Of channels that are gone, everything. Answers how many messages went.
    pub async fn forget_chat(&self, keep_ms: Option<i64>, now_ms: i64) -> Result<u64, StoreError> {
        let (mut after, mut count) = (String::new(), 0);
        loop {
            let sql = "SELECT chat_rooms.channel_id, chat_rooms.settings, channels.deleted_at_ms FROM chat_rooms \
                       JOIN channels ON channels.id = chat_rooms.channel_id \
                       WHERE chat_rooms.channel_id > $1 ORDER BY chat_rooms.channel_id LIMIT 500";
            let rooms: Vec<(String, String, Option<i64>)> =
                sqlx::query_as(sql).bind(&after).fetch_all(&self.pool).await?;
            let Some((last, ..)) = rooms.last() else { return Ok(count) };
            after.clone_from(last);
            for (channel_id, settings, deleted_at_ms) in rooms {
                let days = parsed::<ChatSettings>(&settings).unwrap_or_default().retention_days;
                let own = (days > 0).then(|| i64::from(days) * DAY_MS);
                let keep_ms = if deleted_at_ms.is_some() { Some(0) } else { own.or(keep_ms) };
                if let Some(keep_ms) = keep_ms {
                    count += self.forget_chat_of(&channel_id, keep_ms, now_ms).await?;
                }
            }
        }
    }

    async fn forget_chat_of(&self, channel_id: &str, keep_ms: i64, now_ms: i64) -> Result<u64, StoreError> {
        let (before, mut count) = (id::earliest(now_ms.saturating_sub(keep_ms).max(0)), 0);
        for table in ["chat_messages", "chat_held"] {
            let sql = format!(
                "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE channel_id = $1 AND id < $2 LIMIT $3)"
            );
            loop {
                // Only the name of a table was put into the text.
                let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(channel_id).bind(&before).bind(BATCH);
                let gone = query.execute(&self.pool).await?.rows_affected();
                count += if table == "chat_messages" { gone } else { 0 };
                if gone < BATCH as u64 {
                    break;
                }
            }
        }
        let acts_before = now_ms.saturating_sub(if keep_ms == 0 { 0 } else { keep_ms.max(ACTIONS_MS) });
        let sql = "DELETE FROM chat_actions WHERE channel_id = $1 AND at_ms < $2";
        sqlx::query(sql).bind(channel_id).bind(acts_before).execute(&self.pool).await?;
        let sql = "DELETE FROM chat_bans WHERE channel_id = $1 AND until_ms < $2";
        sqlx::query(sql).bind(channel_id).bind(now_ms.saturating_sub(DAY_MS)).execute(&self.pool).await?;
        Ok(count)
    }
}

/// Of a channel that ends, what is small; messages go with the next [`Store::forget_chat`].
pub(crate) const OF_CHANNEL: [&str; 9] = [
    "DELETE FROM chat_bans WHERE channel_id = $1",
    "DELETE FROM chat_network_bans WHERE channel_id = $1",
    "DELETE FROM chat_warnings WHERE channel_id = $1",
    "DELETE FROM chat_terms WHERE channel_id = $1",
    "DELETE FROM chat_notes WHERE channel_id = $1",
    "DELETE FROM chat_emotes WHERE channel_id = $1",
    "DELETE FROM chat_badges WHERE channel_id = $1",
    "DELETE FROM chat_commands WHERE channel_id = $1",
    "DELETE FROM raids WHERE channel_id = $1 OR to_id = $1",
];

/// Of somebody who leaves, what is about them alone.
const OF_USER: [&str; 10] = [
    "DELETE FROM chat_messages WHERE user_id = $1",
    "DELETE FROM chat_held WHERE user_id = $1",
    "DELETE FROM chat_bans WHERE user_id = $1",
    "DELETE FROM chat_warnings WHERE user_id = $1",
    "DELETE FROM chat_notes WHERE user_id = $1",
    "DELETE FROM chat_unban_requests WHERE user_id = $1",
    "DELETE FROM chat_badge_holders WHERE user_id = $1",
    "DELETE FROM poll_votes WHERE user_id = $1",
    "UPDATE chat_network_bans SET user_id = '' WHERE user_id = $1",
    "UPDATE users SET login_revision = login_revision + 1 WHERE id = $1",
];

/// Takes somebody out of all chats: what they said goes, and so does their name from what others did
/// and answered. `gone` is what they are called from now on.
pub(crate) async fn forget_user(db: &mut AnyConnection, user_id: &str, gone: &str) -> Result<(), StoreError> {
    for sql in OF_USER {
        sqlx::query(sql).bind(user_id).execute(&mut *db).await?;
    }
    let sql = "SELECT id, body FROM chat_messages WHERE reply_user_id = $1";
    let answers: Vec<(String, String)> = sqlx::query_as(sql).bind(user_id).fetch_all(&mut *db).await?;
    for (id, body) in answers {
        let Some(message) = parsed::<Message>(&body) else { continue };
        let sql = "UPDATE chat_messages SET body = $2, reply_user_id = NULL WHERE id = $1";
        let body = json(&Message { reply_to: None, ..message })?;
        sqlx::query(sql).bind(id).bind(body).execute(&mut *db).await?;
    }
    let nobody = Person { id: user_id.to_owned(), login: gone.to_owned(), display_name: gone.to_owned() };
    let sql = "SELECT channel_id, revision, body FROM chat_actions WHERE user_id = $1";
    let about: Vec<(String, i64, String)> = sqlx::query_as(sql).bind(user_id).fetch_all(&mut *db).await?;
    for (channel_id, revision, body) in about {
        let Some(mut act) = parsed::<Act>(&body) else { continue };
        anonymous(&mut act, &nobody);
        let sql = "UPDATE chat_actions SET body = $3 WHERE channel_id = $1 AND revision = $2";
        sqlx::query(sql).bind(channel_id).bind(revision).bind(json(&act)?).execute(&mut *db).await?;
    }
    let sql = "UPDATE chat_actions SET actor = $2 WHERE actor_id = $1";
    sqlx::query(sql).bind(user_id).bind(json(&nobody)?).execute(&mut *db).await?;
    let sql = "UPDATE chat_rooms SET pinned = '' WHERE pinned LIKE $1";
    sqlx::query(sql).bind(format!("%\"id\":\"{user_id}\"%")).execute(&mut *db).await?;
    Ok(())
}

/// Takes a name and words out of an act.
fn anonymous(act: &mut Act, nobody: &Person) {
    match act {
        Act::Ban { user, .. }
        | Act::Unban { user }
        | Act::Purge { user }
        | Act::Warn { user, .. }
        | Act::WarningAcknowledged { user }
        | Act::UnbanRequested { user, .. }
        | Act::UnbanAnswered { user, .. }
        | Act::Note { user } => user.clone_from(nobody),
        Act::Delete { user, text, .. } => {
            user.clone_from(nobody);
            text.clear();
        }
        Act::Announce { message } | Act::Pin { message } => {
            let Person { id, login, display_name } = nobody.clone();
            message.author = Author { id, login, display_name, ..Author::default() };
            message.text.clear();
            message.emotes.clear();
            message.reply_to = None;
        }
        _ => {}
    }
}
