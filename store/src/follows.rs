//! Who follows what.

use crate::channels::{channel, select};
use crate::{Channel, Store, StoreError};
use rivulet_protocol::rest::Follower;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::HashSet;

/// With the user's id.
fn follower(row: AnyRow) -> sqlx::Result<(Follower, String)> {
    let (username, display_name): (String, String) = (row.try_get("name")?, row.try_get("display_name")?);
    let display_name = if display_name.is_empty() { username.clone() } else { display_name };
    Ok((Follower { username, display_name, since_ms: row.try_get("created_at_ms")? }, row.try_get("user_id")?))
}

impl Store {
    /// Answers whether this is news; to be told or not can change without it.
    pub async fn follow(&self, user_id: &str, channel_id: &str, notify: bool, now_ms: i64) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let new = sqlx::query(
            "INSERT INTO follows (user_id, channel_id, notify, created_at_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (user_id, channel_id) DO NOTHING",
        )
        .bind(user_id)
        .bind(channel_id)
        .bind(i64::from(notify))
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?
        .rows_affected()
            > 0;
        let sql = match new {
            true => "UPDATE channels SET followers = followers + 1 WHERE id = $1",
            false => "UPDATE follows SET notify = $3 WHERE channel_id = $1 AND user_id = $2",
        };
        let query = sqlx::query(sql).bind(channel_id);
        let query = if new { query } else { query.bind(user_id).bind(i64::from(notify)) };
        query.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(new)
    }

    pub async fn unfollow(&self, user_id: &str, channel_id: &str) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let gone = sqlx::query("DELETE FROM follows WHERE user_id = $1 AND channel_id = $2")
            .bind(user_id)
            .bind(channel_id)
            .execute(&mut *transaction)
            .await?;
        if gone.rows_affected() > 0 {
            sqlx::query("UPDATE channels SET followers = followers - 1 WHERE id = $1")
                .bind(channel_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Whether a user follows a channel, and whether they want to be told when it goes live.
    pub async fn follows(&self, user_id: &str, channel_id: &str) -> Result<Option<bool>, StoreError> {
        let sql = "SELECT notify FROM follows WHERE user_id = $1 AND channel_id = $2";
        let notify: Option<i64> =
            sqlx::query_scalar(sql).bind(user_id).bind(channel_id).fetch_optional(&self.pool).await?;
        Ok(notify.map(|notify| notify != 0))
    }

    /// Since when.
    pub async fn follows_since(&self, user_id: &str, channel_id: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT created_at_ms FROM follows WHERE user_id = $1 AND channel_id = $2";
        Ok(sqlx::query_scalar(sql).bind(user_id).bind(channel_id).fetch_optional(&self.pool).await?)
    }

    /// Up to `limit` channels that a user follows, by name, those after `after`.
    pub async fn followed(&self, user_id: &str, after: &str, limit: u32) -> Result<Vec<Channel>, StoreError> {
        let query = sqlx::query(select!(
            "JOIN follows ON follows.channel_id = channels.id",
            "follows.user_id = $1 AND channels.name > $2 ORDER BY channels.name LIMIT $3"
        ));
        let query = query.bind(user_id).bind(after).bind(i64::from(limit));
        Ok(query.try_map(channel).fetch_all(&self.pool).await?)
    }

    /// Those of the channels with these names that a user follows, in no order.
    pub async fn followed_among(&self, user_id: &str, names: &[String]) -> Result<Vec<Channel>, StoreError> {
        let sql = "SELECT channel_id FROM follows WHERE user_id = $1 LIMIT 1000";
        let ids: Vec<String> = sqlx::query_scalar(sql).bind(user_id).fetch_all(&self.pool).await?;
        let ids: HashSet<String> = ids.into_iter().collect();
        let mut channels = self.channels_by_names(names).await?;
        channels.retain(|channel| ids.contains(&channel.id));
        Ok(channels)
    }

    /// Up to `limit` followers with their ids, the newest first; those before the time and id that a
    /// page ended with.
    pub async fn followers(
        &self,
        channel_id: &str,
        before: Option<(i64, &str)>,
        limit: u32,
    ) -> Result<Vec<(Follower, String)>, StoreError> {
        let (time, id) = before.unwrap_or((i64::MAX, ""));
        let sql = "SELECT users.name, users.display_name, follows.created_at_ms, follows.user_id \
                   FROM follows JOIN users ON users.id = follows.user_id \
                   WHERE follows.channel_id = $1 AND (follows.created_at_ms, follows.user_id) < ($2, $3) \
                   ORDER BY follows.created_at_ms DESC, follows.user_id DESC LIMIT $4";
        let query = sqlx::query(sql).bind(channel_id).bind(time).bind(id).bind(i64::from(limit));
        Ok(query.try_map(follower).fetch_all(&self.pool).await?)
    }

    /// Up to `limit` ids of users who want to be told when the channel goes live, those after `after`.
    pub async fn to_notify(&self, channel_id: &str, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT user_id FROM follows WHERE channel_id = $1 AND notify = 1 AND user_id > $2 \
                   ORDER BY user_id LIMIT $3";
        let query = sqlx::query_scalar(sql).bind(channel_id).bind(after).bind(i64::from(limit));
        Ok(query.fetch_all(&self.pool).await?)
    }
}
