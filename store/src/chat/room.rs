//! What the owner of a room reads when it opens it, and writes down while it runs it.

use super::json;
use super::moderation::CLEARED_MS;
use crate::{LAST, Store, StoreError, id};
use rivulet_protocol::chat::{HeldMessage, Message, Poll};
use rivulet_protocol::rest::{ChatCommand, ChatSettings, Emote, TermDeed};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// All that decides over a message, as of [`ChatFacts::revision`].
#[derive(Debug, Clone, Default)]
pub struct ChatFacts {
    pub revision: i64,
    /// Shield mode included.
    pub settings: ChatSettings,
    pub shielded: bool,
    pub pinned: Option<Message>,
    pub poll: Option<Poll>,
    /// Who is banned, until when.
    pub bans: Vec<(String, Option<i64>)>,
    /// Who has a warning to acknowledge, and what it says.
    pub warnings: Vec<(String, String)>,
    pub networks: Vec<String>,
    pub rules: Vec<Rule>,
    pub commands: Vec<ChatCommand>,
    /// The channel's own and the instance's; the channel's first.
    pub emotes: Vec<Emote>,
    pub held: Vec<HeldMessage>,
}

/// A blocked term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub text: String,
    pub pattern: bool,
    pub deed: TermDeed,
}

/// The right to put a room's messages in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The process that has it.
    pub owner: String,
    /// How often it has changed hands.
    pub epoch: u64,
    pub until_ms: i64,
    /// The last owner has written down all that was said.
    pub clean: bool,
}

/// What the owner of a room writes down, in its order.
#[derive(Debug, Clone)]
pub enum ChatWrite {
    Message {
        channel_id: String,
        broadcast_id: Option<String>,
        message: Message,
    },
    /// For the queue that moderators look at.
    Held {
        channel_id: String,
        held: HeldMessage,
    },
    /// Messages before it that came too late for the deed.
    TakenBack {
        channel_id: String,
        what: TakenBack,
        by: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenBack {
    One(String),
    /// All of a user.
    Of(String),
    /// All that anybody can still see.
    All,
}

/// The channel's own and those of shield mode, as they are in a row.
pub(super) fn settings(own: &str, shield: &str) -> (ChatSettings, ChatSettings) {
    (parsed(own).unwrap_or_default(), parsed(shield).unwrap_or_else(ChatSettings::locked_down))
}

pub(super) fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

pub(crate) fn message(row: AnyRow) -> sqlx::Result<Message> {
    let body: String = row.try_get("body")?;
    let message: Message = serde_json::from_str(&body).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
    Ok(Message { deleted: row.try_get::<Option<i64>, _>("deleted_at_ms")?.is_some(), ..message })
}

pub(crate) fn held(row: AnyRow) -> sqlx::Result<HeldMessage> {
    let body: String = row.try_get("body")?;
    let message = serde_json::from_str(&body).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
    Ok(HeldMessage { id: row.try_get("id")?, message, reason: row.try_get("reason")? })
}

impl Store {
    /// What holds in a channel's chat now.
    pub async fn chat_settings(&self, channel_id: &str) -> Result<ChatSettings, StoreError> {
        let sql = "SELECT settings, shield, shielded FROM chat_rooms WHERE channel_id = $1";
        let row: Option<(String, String, i64)> =
            sqlx::query_as(sql).bind(channel_id).fetch_optional(&self.pool).await?;
        let Some((own, shield, on)) = row else { return Ok(ChatSettings::default()) };
        let (own, shield) = settings(&own, &shield);
        Ok(if on == 0 { own } else { own.shielded_by(&shield) })
    }

    /// The channel's own, what shield mode adds to them, and whether it is on.
    pub async fn own_chat_settings(&self, channel_id: &str) -> Result<(ChatSettings, ChatSettings, bool), StoreError> {
        let sql = "SELECT settings, shield, shielded FROM chat_rooms WHERE channel_id = $1";
        let row: Option<(String, String, i64)> =
            sqlx::query_as(sql).bind(channel_id).fetch_optional(&self.pool).await?;
        let (own, shield, on) = row.unwrap_or_default();
        let (own, shield) = settings(&own, &shield);
        Ok((own, shield, on != 0))
    }

    /// Bans that are over are left out. Rows that come between its queries are read again as actions.
    pub async fn chat_facts(&self, channel_id: &str, now_ms: i64) -> Result<ChatFacts, StoreError> {
        let sql = "SELECT revision, shielded, pinned FROM chat_rooms WHERE channel_id = $1";
        let row: Option<(i64, i64, String)> = sqlx::query_as(sql).bind(channel_id).fetch_optional(&self.pool).await?;
        let (revision, shielded, pinned) = row.unwrap_or_default();
        let sql =
            "SELECT user_id, until_ms FROM chat_bans WHERE channel_id = $1 AND (until_ms IS NULL OR until_ms > $2)";
        let bans = sqlx::query_as(sql).bind(channel_id).bind(now_ms).fetch_all(&self.pool).await?;
        let sql = "SELECT user_id, reason FROM chat_warnings WHERE channel_id = $1";
        let warnings = sqlx::query_as(sql).bind(channel_id).fetch_all(&self.pool).await?;
        let sql = "SELECT id, body, reason FROM chat_held WHERE channel_id = $1 AND state = 'open' ORDER BY id";
        let held = sqlx::query(sql).bind(channel_id).try_map(held).fetch_all(&self.pool).await?;
        Ok(ChatFacts {
            revision,
            settings: self.chat_settings(channel_id).await?,
            shielded: shielded != 0,
            pinned: parsed(&pinned),
            poll: self.running_poll(channel_id).await?,
            bans,
            warnings,
            networks: self.chat_networks(channel_id).await?,
            rules: self.chat_rules(channel_id).await?,
            commands: self.chat_commands(channel_id).await?,
            emotes: self.emotes(channel_id).await?,
            held,
        })
    }

    /// Those whose guests are not let in.
    pub async fn chat_networks(&self, channel_id: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT network FROM chat_network_bans WHERE channel_id = $1";
        Ok(sqlx::query_scalar(sql).bind(channel_id).fetch_all(&self.pool).await?)
    }

    pub async fn chat_rules(&self, channel_id: &str) -> Result<Vec<Rule>, StoreError> {
        let sql = "SELECT text, pattern, deed FROM chat_terms WHERE channel_id = $1 ORDER BY id";
        let query = sqlx::query(sql).bind(channel_id).try_map(|row: AnyRow| {
            Ok(Rule {
                text: row.try_get("text")?,
                pattern: row.try_get::<i64, _>("pattern")? != 0,
                deed: TermDeed::parse(&row.try_get::<String, _>("deed")?).unwrap_or_default(),
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    pub async fn chat_commands(&self, channel_id: &str) -> Result<Vec<ChatCommand>, StoreError> {
        let sql = "SELECT name, reply, cooldown_seconds, moderators_only FROM chat_commands \
                   WHERE channel_id = $1 ORDER BY name";
        let query = sqlx::query(sql).bind(channel_id).try_map(|row: AnyRow| {
            Ok(ChatCommand {
                name: row.try_get("name")?,
                reply: row.try_get("reply")?,
                cooldown_seconds: row.try_get::<i64, _>("cooldown_seconds")?.try_into().unwrap_or(0),
                moderators_only: row.try_get::<i64, _>("moderators_only")? != 0,
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// The channel's own, then those of the instance, each by their code.
    pub async fn emotes(&self, channel_id: &str) -> Result<Vec<Emote>, StoreError> {
        let sql = "SELECT id, channel_id, code, animated FROM chat_emotes WHERE channel_id = $1 OR channel_id = '' \
                   ORDER BY channel_id DESC, code";
        let query = sqlx::query(sql).bind(channel_id).try_map(|row: AnyRow| {
            Ok(Emote {
                id: row.try_get("id")?,
                code: row.try_get("code")?,
                animated: row.try_get::<i64, _>("animated")? != 0,
                global: row.try_get::<String, _>("channel_id")?.is_empty(),
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// Takes the room, or keeps it, for `node`. Otherwise says who has it.
    pub async fn lease_room(
        &self,
        channel_id: &str,
        node: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Lease, StoreError> {
        sqlx::query("INSERT INTO chat_rooms (channel_id) VALUES ($1) ON CONFLICT (channel_id) DO NOTHING")
            .bind(channel_id)
            .execute(&self.pool)
            .await?;
        // Whoever has it keeps the epoch; whoever takes it from another, or begins anew, has the next.
        let sql = "UPDATE chat_rooms SET lease_until_ms = $4, owner = $2, \
                   epoch = CASE WHEN owner = $2 THEN epoch ELSE epoch + 1 END \
                   WHERE channel_id = $1 AND (owner = $2 OR lease_until_ms < $3)";
        sqlx::query(sql).bind(channel_id).bind(node).bind(now_ms).bind(until_ms).execute(&self.pool).await?;
        let sql = "SELECT owner, epoch, lease_until_ms, clean FROM chat_rooms WHERE channel_id = $1";
        let (owner, epoch, until_ms, clean): (String, i64, i64, i64) =
            sqlx::query_as(sql).bind(channel_id).fetch_one(&self.pool).await?;
        Ok(Lease { owner, epoch: epoch.try_into().unwrap_or(0), until_ms, clean: clean != 0 })
    }

    /// From now on something may be unwritten.
    pub async fn open_room(&self, channel_id: &str, node: &str) -> Result<(), StoreError> {
        let sql = "UPDATE chat_rooms SET clean = 0 WHERE channel_id = $1 AND owner = $2";
        sqlx::query(sql).bind(channel_id).bind(node).execute(&self.pool).await?;
        Ok(())
    }

    /// Everything is written: another may have the room at once.
    pub async fn leave_room(&self, channel_id: &str, node: &str) -> Result<(), StoreError> {
        let sql =
            "UPDATE chat_rooms SET lease_until_ms = 0, owner = '', clean = 1 WHERE channel_id = $1 AND owner = $2";
        sqlx::query(sql).bind(channel_id).bind(node).execute(&self.pool).await?;
        Ok(())
    }

    /// All or none; what is there stays as it is.
    pub async fn write_chat(&self, rows: &[ChatWrite], now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for row in rows {
            match row {
                ChatWrite::Message { channel_id, broadcast_id, message } => {
                    let sql = "INSERT INTO chat_messages \
                               (id, channel_id, broadcast_id, user_id, reply_user_id, at_ms, body) \
                               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
                    let query = sqlx::query(sql).bind(&message.id).bind(channel_id).bind(broadcast_id);
                    let query = query.bind(&message.author.id).bind(message.reply_to.as_ref().map(|q| &q.user_id));
                    let query = query.bind(message.at_ms).bind(json(message)?);
                    query.execute(&mut *transaction).await?;
                }
                ChatWrite::Held { channel_id, held } => {
                    let sql = "INSERT INTO chat_held (id, channel_id, user_id, body, reason, created_at_ms) \
                               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
                    let query = sqlx::query(sql).bind(&held.id).bind(channel_id).bind(&held.message.author.id);
                    let query = query.bind(json(&held.message)?).bind(&held.reason).bind(held.message.at_ms);
                    query.execute(&mut *transaction).await?;
                }
                ChatWrite::TakenBack { channel_id, what, by } => {
                    let day_ago = id::new(now_ms - CLEARED_MS);
                    let what = match what {
                        TakenBack::One(id) => Taken::One(id),
                        TakenBack::Of(user_id) => Taken::Of(user_id),
                        TakenBack::All => Taken::Since(&day_ago),
                    };
                    take_back(&mut transaction, channel_id, what, by, now_ms).await?;
                }
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Up to `limit` that were not taken back, the newest of them, the oldest first.
    pub async fn last_chat_messages(&self, channel_id: &str, limit: u32) -> Result<Vec<Message>, StoreError> {
        let sql = "SELECT body, deleted_at_ms FROM chat_messages WHERE channel_id = $1 AND id < $2 \
                   AND deleted_at_ms IS NULL ORDER BY id DESC LIMIT $3";
        let query = sqlx::query(sql).bind(channel_id).bind(LAST).bind(i64::from(limit));
        let mut messages = query.try_map(message).fetch_all(&self.pool).await?;
        messages.reverse();
        Ok(messages)
    }

    /// Those that were taken back too.
    pub async fn chat_message(&self, channel_id: &str, id: &str) -> Result<Option<Message>, StoreError> {
        let sql = "SELECT body, deleted_at_ms FROM chat_messages WHERE id = $1 AND channel_id = $2";
        Ok(sqlx::query(sql).bind(id).bind(channel_id).try_map(message).fetch_optional(&self.pool).await?)
    }

    pub async fn pinned_message(&self, channel_id: &str) -> Result<Option<Message>, StoreError> {
        let sql = "SELECT pinned FROM chat_rooms WHERE channel_id = $1";
        let pinned: Option<String> = sqlx::query_scalar(sql).bind(channel_id).fetch_optional(&self.pool).await?;
        Ok(pinned.and_then(|pinned| parsed(&pinned)))
    }

    /// Whether somebody has written in a channel before.
    pub async fn has_chatted(&self, channel_id: &str, user_id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM chat_messages WHERE channel_id = $1 AND user_id = $2 LIMIT 1";
        Ok(sqlx::query(sql).bind(channel_id).bind(user_id).fetch_optional(&self.pool).await?.is_some())
    }
}

/// Which messages are taken back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Taken<'a> {
    One(&'a str),
    Of(&'a str),
    /// From this id on.
    Since(&'a str),
}

/// Marks them, within the transaction of the act that does it. Answers how many there were.
pub(super) async fn take_back(
    transaction: &mut AnyConnection,
    channel_id: &str,
    what: Taken<'_>,
    by: &str,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let (condition, which) = match what {
        Taken::One(id) => ("id = $4", id),
        Taken::Of(user_id) => ("user_id = $4", user_id),
        Taken::Since(id) => ("id >= $4", id),
    };
    let sql = format!(
        "UPDATE chat_messages SET deleted_at_ms = $2, deleted_by = $3 \
         WHERE channel_id = $1 AND {condition} AND deleted_at_ms IS NULL"
    );
    // Only one of the three conditions above was put into the text.
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(channel_id).bind(now_ms).bind(by).bind(which);
    Ok(query.execute(&mut *transaction).await?.rows_affected())
}
