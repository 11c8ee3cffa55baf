//! Who gets what on `/eventsub/ws`. The rows say it; the process that has the connection reads them.

use crate::{Store, StoreError, id};
use rivulet_protocol::eventsub::{MAX_SESSIONS, MAX_SUBSCRIPTIONS, Subscription, Topic};
use sqlx::Row;
use sqlx::any::AnyRow;

/// How long a session that nobody keeps alive is still one.
pub const EVENTSUB_ALIVE_MS: i64 = 90_000;

#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    #[error("there is no such session, or it is somebody else's")]
    NoSession,
    #[error("this session has such a subscription already")]
    Exists,
    #[error("a user has at most {MAX_SESSIONS} sessions with subscriptions")]
    TooManySessions,
    #[error("a session has at most {MAX_SUBSCRIPTIONS} subscriptions")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SubscribeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

fn subscription(row: &AnyRow) -> sqlx::Result<Subscription> {
    let topic: String = row.try_get("topic")?;
    let unknown = || sqlx::Error::Decode(format!("the topic {topic} of a subscription").into());
    Ok(Subscription {
        id: row.try_get("id")?,
        session_id: row.try_get("session_id")?,
        user_id: row.try_get("user_id")?,
        channel_id: row.try_get("channel_id")?,
        topic: Topic::parse(&topic).ok_or_else(unknown)?,
        created_at_ms: row.try_get("created_at_ms")?,
    })
}

impl Store {
    pub async fn open_eventsub_session(&self, session_id: &str, now_ms: i64) -> Result<(), StoreError> {
        // Those of processes that were killed.
        let sql = "DELETE FROM eventsub_sessions WHERE alive_until_ms < $1";
        sqlx::query(sql).bind(now_ms).execute(&self.pool).await?;
        let sql = "INSERT INTO eventsub_sessions (id, alive_until_ms) VALUES ($1, $2)";
        sqlx::query(sql).bind(session_id).bind(now_ms + EVENTSUB_ALIVE_MS).execute(&self.pool).await?;
        Ok(())
    }

    /// Keeps a session alive, and answers its subscriptions, each with whether its token still holds.
    pub async fn keep_eventsub_session(
        &self,
        session_id: &str,
        now_ms: i64,
    ) -> Result<Vec<(Subscription, bool)>, StoreError> {
        let sql = "UPDATE eventsub_sessions SET alive_until_ms = $2 WHERE id = $1";
        sqlx::query(sql).bind(session_id).bind(now_ms + EVENTSUB_ALIVE_MS).execute(&self.pool).await?;
        let sql = "SELECT eventsub_subscriptions.id, session_id, eventsub_subscriptions.user_id, channel_id, topic, \
                   eventsub_subscriptions.created_at_ms, \
                   CAST(CASE WHEN access_tokens.id IS NOT NULL \
                   AND (access_tokens.expires_at_ms IS NULL OR access_tokens.expires_at_ms > $2) \
                   AND users.state = 'active' THEN 1 ELSE 0 END AS BIGINT) AS holds \
                   FROM eventsub_subscriptions JOIN users ON users.id = eventsub_subscriptions.user_id \
                   LEFT JOIN access_tokens ON access_tokens.id = eventsub_subscriptions.token_id \
                   WHERE session_id = $1";
        let read = |row: AnyRow| Ok((subscription(&row)?, row.try_get::<i64, _>("holds")? != 0));
        Ok(sqlx::query(sql).bind(session_id).bind(now_ms).try_map(read).fetch_all(&self.pool).await?)
    }

    /// With all its subscriptions.
    pub async fn close_eventsub_session(&self, session_id: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM eventsub_sessions WHERE id = $1").bind(session_id).execute(&self.pool).await?;
        Ok(())
    }

    /// The first subscription of a session makes it its user's.
    pub async fn subscribe_eventsub(
        &self,
        session_id: &str,
        (user_id, token_id): (&str, &str),
        topic: Topic,
        channel_id: &str,
        now_ms: i64,
    ) -> Result<Subscription, SubscribeError> {
        let mut tx = self.pool.begin().await?;
        let sql = "UPDATE eventsub_sessions SET user_id = $2 \
                   WHERE id = $1 AND alive_until_ms >= $3 AND user_id IN ('', $2)";
        let mine = sqlx::query(sql).bind(session_id).bind(user_id).bind(now_ms).execute(&mut *tx).await?;
        if mine.rows_affected() == 0 {
            return Err(SubscribeError::NoSession);
        }
        let sql = "SELECT COUNT(*) FROM eventsub_sessions WHERE user_id = $1 AND alive_until_ms >= $2";
        let sessions: i64 = sqlx::query_scalar(sql).bind(user_id).bind(now_ms).fetch_one(&mut *tx).await?;
        if sessions > MAX_SESSIONS as i64 {
            return Err(SubscribeError::TooManySessions);
        }
        let sql = "SELECT COUNT(*) FROM eventsub_subscriptions WHERE session_id = $1";
        let had: i64 = sqlx::query_scalar(sql).bind(session_id).fetch_one(&mut *tx).await?;
        if had >= MAX_SUBSCRIPTIONS as i64 {
            return Err(SubscribeError::TooMany);
        }
        let id = id::new(now_ms);
        let sql = "INSERT INTO eventsub_subscriptions \
                   (id, session_id, user_id, token_id, topic, channel_id, created_at_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (session_id, topic, channel_id) DO NOTHING";
        let query = sqlx::query(sql).bind(&id).bind(session_id).bind(user_id).bind(token_id);
        let made = query.bind(topic.as_str()).bind(channel_id).bind(now_ms).execute(&mut *tx).await?;
        if made.rows_affected() == 0 {
            return Err(SubscribeError::Exists);
        }
        tx.commit().await?;
        let (session_id, user_id, channel_id) = (session_id.to_owned(), user_id.to_owned(), channel_id.to_owned());
        Ok(Subscription { id, session_id, user_id, channel_id, topic, created_at_ms: now_ms })
    }

    /// A user's, the oldest first; there are at most [`MAX_SESSIONS`] times [`MAX_SUBSCRIPTIONS`].
    pub async fn eventsub_subscriptions_of(&self, user_id: &str) -> Result<Vec<Subscription>, StoreError> {
        let sql = "SELECT id, session_id, user_id, channel_id, topic, created_at_ms FROM eventsub_subscriptions \
                   WHERE user_id = $1 ORDER BY id";
        let query = sqlx::query(sql).bind(user_id).try_map(|row: AnyRow| subscription(&row));
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// Answers whose session it was; `None` if the user has no such subscription.
    pub async fn unsubscribe_eventsub(&self, user_id: &str, id: &str) -> Result<Option<String>, StoreError> {
        let sql = "DELETE FROM eventsub_subscriptions WHERE user_id = $1 AND id = $2 RETURNING session_id";
        Ok(sqlx::query_scalar(sql).bind(user_id).bind(id).fetch_optional(&self.pool).await?)
    }
}
