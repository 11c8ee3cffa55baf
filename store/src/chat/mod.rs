//! Chat. What is done to a room is a row in `chat_actions` first, with what it changes in the same
//! transaction ([`Store::act`]); the room then reads the rows that it has not seen. What is said in a
//! room is written down by its owner, in batches.

mod author;
mod eventsub;
mod keep;
mod lists;
mod moderation;
mod people;
mod polls;
mod raids;
mod room;
mod rules;
mod ticket;

pub use eventsub::{EVENTSUB_ALIVE_MS, SubscribeError};
pub(crate) use keep::{OF_CHANNEL, forget_user};
pub use moderation::{Deed, DeedError, Doer, Done};
pub use raids::Leaving;
pub use room::{ChatFacts, ChatWrite, Lease, Rule, TakenBack};
pub use ticket::{CHAT_TICKET_MS, ChatPass};

use crate::{Store, StoreError};
use rivulet_protocol::chat::{Act, ChatAction, Person};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

fn action(row: AnyRow) -> sqlx::Result<ChatAction> {
    let (actor, body): (String, String) = (row.try_get("actor")?, row.try_get("body")?);
    let damaged = |error: serde_json::Error| sqlx::Error::Decode(Box::new(error));
    Ok(ChatAction {
        revision: row.try_get("revision")?,
        at_ms: row.try_get("at_ms")?,
        by: serde_json::from_str::<Person>(&actor).map_err(damaged)?,
        act: serde_json::from_str::<Act>(&body).map_err(damaged)?,
    })
}

/// JSON of one of our own types.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Damaged("a chat body"))
}

/// Id of the user whose name or words are in it.
fn about(act: &Act) -> &str {
    match act {
        Act::Announce { message } | Act::Pin { message } => &message.author.id,
        act => act.user().map_or("", |user| &user.id),
    }
}

/// Puts an act into a room's log, within the transaction that also changes what it is about.
pub(crate) async fn append(
    transaction: &mut AnyConnection,
    channel_id: &str,
    by: &Person,
    act: Act,
    now_ms: i64,
) -> Result<ChatAction, StoreError> {
    let sql = "INSERT INTO chat_rooms (channel_id, revision) VALUES ($1, 1) \
               ON CONFLICT (channel_id) DO UPDATE SET revision = chat_rooms.revision + 1 RETURNING revision";
    let revision: i64 = sqlx::query_scalar(sql).bind(channel_id).fetch_one(&mut *transaction).await?;
    sqlx::query(
        "INSERT INTO chat_actions (channel_id, revision, at_ms, actor, actor_id, user_id, act, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(channel_id)
    .bind(revision)
    .bind(now_ms)
    .bind(json(by)?)
    .bind(&by.id)
    .bind(about(&act))
    .bind(act.name())
    .bind(json(&act)?)
    .execute(&mut *transaction)
    .await?;
    Ok(ChatAction { revision, at_ms: now_ms, by: by.clone(), act })
}

impl Store {
    /// An act that changes nothing but the room that reads it.
    pub async fn act(&self, channel_id: &str, by: &Person, act: Act, now_ms: i64) -> Result<ChatAction, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let action = append(&mut transaction, channel_id, by, act, now_ms).await?;
        transaction.commit().await?;
        Ok(action)
    }

    /// Up to `limit` acts after `revision`, in their order.
    pub async fn chat_actions_after(
        &self,
        channel_id: &str,
        revision: i64,
        limit: u32,
    ) -> Result<Vec<ChatAction>, StoreError> {
        let sql = "SELECT revision, at_ms, actor, body FROM chat_actions WHERE channel_id = $1 AND revision > $2 \
                   ORDER BY revision LIMIT $3";
        let query = sqlx::query(sql).bind(channel_id).bind(revision).bind(i64::from(limit));
        Ok(query.try_map(action).fetch_all(&self.pool).await?)
    }
}
