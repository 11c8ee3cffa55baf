//! Polls: one at a time in a channel. Votes only change numbers, which the room reads while it runs.

use super::append;
use super::moderation::{DeedError, Doer, lock, log};
use crate::{Channel, LAST, Store, StoreError, id, placeholders};
use rivulet_protocol::chat::{Act, Person, Poll, PollOption};
use rivulet_protocol::rest::PollCreate;
use sqlx::{AnyConnection, AssertSqlSafe};

/// Marks a poll as ended and reads it; `None` when it was not running.
async fn finish(db: &mut AnyConnection, channel_id: &str, poll_id: &str) -> Result<Option<Poll>, StoreError> {
    let sql = "UPDATE polls SET ended = 1 WHERE id = $1 AND channel_id = $2 AND ended = 0 \
               RETURNING question, ends_at_ms";
    let found: Option<(String, i64)> =
        sqlx::query_as(sql).bind(poll_id).bind(channel_id).fetch_optional(&mut *db).await?;
    let Some((question, ends_at_ms)) = found else { return Ok(None) };
    let sql = "SELECT text, votes FROM poll_options WHERE poll_id = $1 ORDER BY number";
    let options: Vec<(String, i64)> = sqlx::query_as(sql).bind(poll_id).fetch_all(db).await?;
    let options = options.into_iter().map(option).collect();
    Ok(Some(Poll { id: poll_id.to_owned(), question, options, ends_at_ms, ended: true }))
}

fn option((text, votes): (String, i64)) -> PollOption {
    PollOption { text, votes: votes.try_into().unwrap_or(0) }
}

impl Store {
    pub async fn running_poll(&self, channel_id: &str) -> Result<Option<Poll>, StoreError> {
        let sql = "SELECT id, question, ends_at_ms, ended FROM polls \
                   WHERE channel_id = $1 AND ended = 0 AND id < $2 ORDER BY id DESC LIMIT 1";
        let rows = sqlx::query_as(sql).bind(channel_id).bind(LAST).fetch_all(&self.pool).await?;
        Ok(self.with_options(rows).await?.pop())
    }

    /// Up to `limit`, the newest first, those before `before`.
    pub async fn polls(&self, channel_id: &str, before: Option<&str>, limit: u32) -> Result<Vec<Poll>, StoreError> {
        let sql = "SELECT id, question, ends_at_ms, ended FROM polls \
                   WHERE channel_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
        let query = sqlx::query_as(sql).bind(channel_id).bind(before.unwrap_or(LAST)).bind(i64::from(limit));
        self.with_options(query.fetch_all(&self.pool).await?).await
    }

    async fn with_options(&self, rows: Vec<(String, String, i64, i64)>) -> Result<Vec<Poll>, StoreError> {
        let poll = |(id, question, ends_at_ms, ended)| {
            let ended: i64 = ended;
            Poll { id, question, options: Vec::new(), ends_at_ms, ended: ended != 0 }
        };
        let mut polls: Vec<Poll> = rows.into_iter().map(poll).collect();
        if polls.is_empty() {
            return Ok(polls);
        }
        let sql = format!(
            "SELECT poll_id, text, votes FROM poll_options WHERE poll_id IN ({}) ORDER BY poll_id, number",
            placeholders(1, polls.len())
        );
        // Only `$1,$2,…` was put into the text.
        let mut query = sqlx::query_as::<_, (String, String, i64)>(AssertSqlSafe(sql));
        for poll in &polls {
            query = query.bind(poll.id.clone());
        }
        for (poll_id, text, votes) in query.fetch_all(&self.pool).await? {
            let poll = polls.iter_mut().find(|poll| poll.id == poll_id);
            poll.into_iter().for_each(|poll| poll.options.push(option((text.clone(), votes))));
        }
        Ok(polls)
    }

    /// [`DeedError::Busy`] while another one runs.
    pub async fn start_poll(
        &self,
        channel: &Channel,
        by: &Doer,
        create: &PollCreate,
        now_ms: i64,
    ) -> Result<Poll, DeedError> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        let sql = "SELECT id FROM polls WHERE channel_id = $1 AND ended = 0";
        if sqlx::query(sql).bind(&channel.id).fetch_optional(&mut *tx).await?.is_some() {
            return Err(DeedError::Busy);
        }
        let (id, ends_at_ms) = (id::new(now_ms), now_ms.saturating_add(i64::from(create.seconds) * 1000));
        let sql = "INSERT INTO polls (id, channel_id, question, ends_at_ms, created_at_ms) VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(sql).bind(&id).bind(&channel.id).bind(&create.question).bind(ends_at_ms).bind(now_ms);
        query.execute(&mut *tx).await?;
        for (number, text) in (0i64..).zip(&create.options) {
            let sql = "INSERT INTO poll_options (poll_id, number, text) VALUES ($1, $2, $3)";
            sqlx::query(sql).bind(&id).bind(number).bind(text).execute(&mut *tx).await?;
        }
        let options = create.options.iter().map(|text| PollOption { text: text.clone(), votes: 0 }).collect();
        let poll = Poll { id, question: create.question.clone(), options, ends_at_ms, ended: false };
        log(&mut tx, channel, by, Act::Poll { poll: poll.clone() }, &poll.question, now_ms).await?;
        tx.commit().await?;
        Ok(poll)
    }

    /// One vote for each user, which they may change.
    pub async fn vote(
        &self,
        channel_id: &str,
        poll_id: &str,
        user_id: &str,
        number: u32,
        now_ms: i64,
    ) -> Result<(), DeedError> {
        let mut tx = self.pool.begin().await?;
        // The first statement writes: votes for one poll wait for one another.
        let sql = "UPDATE polls SET ended = 0 WHERE id = $1 AND channel_id = $2 AND ended = 0 AND ends_at_ms > $3";
        let query = sqlx::query(sql).bind(poll_id).bind(channel_id).bind(now_ms);
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(DeedError::NoSuch);
        }
        let sql = "SELECT number FROM poll_votes WHERE poll_id = $1 AND user_id = $2";
        let before: Option<i64> = sqlx::query_scalar(sql).bind(poll_id).bind(user_id).fetch_optional(&mut *tx).await?;
        let number = i64::from(number);
        if before == Some(number) {
            return Ok(());
        }
        let sql = "UPDATE poll_options SET votes = votes + 1 WHERE poll_id = $1 AND number = $2";
        if sqlx::query(sql).bind(poll_id).bind(number).execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(DeedError::NoSuch);
        }
        if let Some(before) = before {
            let sql = "UPDATE poll_options SET votes = votes - 1 WHERE poll_id = $1 AND number = $2";
            sqlx::query(sql).bind(poll_id).bind(before).execute(&mut *tx).await?;
        }
        let sql = "INSERT INTO poll_votes (poll_id, user_id, number) VALUES ($1, $2, $3) \
                   ON CONFLICT (poll_id, user_id) DO UPDATE SET number = excluded.number";
        sqlx::query(sql).bind(poll_id).bind(user_id).bind(number).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The option that somebody voted for.
    pub async fn vote_of(&self, poll_id: &str, user_id: &str) -> Result<Option<u32>, StoreError> {
        let sql = "SELECT number FROM poll_votes WHERE poll_id = $1 AND user_id = $2";
        let number: Option<i64> =
            sqlx::query_scalar(sql).bind(poll_id).bind(user_id).fetch_optional(&self.pool).await?;
        Ok(number.and_then(|number| number.try_into().ok()))
    }

    /// Before its time is up.
    pub async fn end_poll(&self, channel: &Channel, by: &Doer, poll_id: &str, now_ms: i64) -> Result<Poll, DeedError> {
        let mut tx = self.pool.begin().await?;
        let poll = finish(&mut tx, &channel.id, poll_id).await?.ok_or(DeedError::NoSuch)?;
        log(&mut tx, channel, by, Act::Poll { poll: poll.clone() }, &poll.question, now_ms).await?;
        tx.commit().await?;
        Ok(poll)
    }

    /// Ends the polls whose time is up. Answers their channels.
    pub async fn end_due_polls(&self, now_ms: i64) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT id, channel_id FROM polls WHERE ended = 0 AND ends_at_ms <= $1";
        let due: Vec<(String, String)> = sqlx::query_as(sql).bind(now_ms).fetch_all(&self.pool).await?;
        let mut channels = Vec::new();
        for (poll_id, channel_id) in due {
            let mut tx = self.pool.begin().await?;
            // Another server may have been quicker.
            let Some(poll) = finish(&mut tx, &channel_id, &poll_id).await? else { continue };
            append(&mut tx, &channel_id, &Person::default(), Act::Poll { poll }, now_ms).await?;
            tx.commit().await?;
            channels.push(channel_id);
        }
        Ok(channels)
    }
}
