//! What the instance keeps of itself: settings, announcements, the audit log, reports, and answers
//! that a client may ask for twice.

use crate::{LAST, SecretHash, Store, StoreError, User, id};
use rivulet_protocol::rest::{Announcement, AnnouncementRecord, AuditEntry, Report, ReportReason, ReportState};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

/// A privileged act, on its way into the log.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// Stable name such as `user.suspend`.
    pub action: &'a str,
    pub target_kind: &'a str,
    pub target_id: &'a str,
    pub target: &'a str,
    pub reason: &'a str,
    pub request_id: &'a str,
}

/// Which entries of the log a list has; empty text is all.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    pub actor: &'a str,
    pub target: &'a str,
    pub action: &'a str,
}

/// How much there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    pub channels: i64,
    pub recorded_bytes: i64,
    pub recorded_broadcasts: i64,
    pub picture_bytes: i64,
}

/// What is known of a request that carried an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is the first; its answer is to be kept.
    New,
    /// The first is not done yet.
    Running,
    /// The key was used for something else.
    Other,
    /// What the first was answered. A body that is empty was not kept.
    Answer { status: u16, body: String },
}

fn announcement(row: AnyRow) -> sqlx::Result<AnnouncementRecord> {
    let announcement = Announcement {
        id: row.try_get("id")?,
        text: row.try_get("text")?,
        urgent: row.try_get::<i64, _>("urgent")? != 0,
    };
    Ok(AnnouncementRecord {
        announcement,
        created_by: row.try_get("created_by")?,
        created_at_ms: row.try_get("created_at_ms")?,
        until_ms: row.try_get("until_ms")?,
    })
}

fn report(row: AnyRow) -> sqlx::Result<Report> {
    Ok(Report {
        id: row.try_get("id")?,
        channel: row.try_get("channel")?,
        reporter: row.try_get("reporter")?,
        reason: ReportReason::parse(&row.try_get::<String, _>("reason")?).unwrap_or(ReportReason::Other),
        text: row.try_get("text")?,
        created_at_ms: row.try_get("created_at_ms")?,
        state: ReportState::parse(&row.try_get::<String, _>("state")?).unwrap_or(ReportState::Open),
        note: row.try_get("note")?,
        resolved_by: row.try_get("resolved_by")?,
    })
}

macro_rules! reports {
    ($rest:literal) => {
        concat!(
            "SELECT reports.id, channels.name AS channel, users.name AS reporter, reports.reason, reports.text, \
             reports.created_at_ms, reports.state, reports.note, COALESCE(resolvers.name, '') AS resolved_by \
             FROM reports JOIN channels ON channels.id = reports.channel_id \
             JOIN users ON users.id = reports.reporter_id \
             LEFT JOIN users AS resolvers ON resolvers.id = reports.resolved_by ",
            $rest
        )
    };
}

/// Writes an act of somebody, by id and name, into the log.
pub(crate) async fn log_act(
    db: &mut AnyConnection,
    (actor_id, actor): (&str, &str),
    act: &Act<'_>,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit (id, at_ms, actor_id, actor, action, target_kind, target_id, target, reason, request_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id::new(now_ms))
    .bind(now_ms)
    .bind(actor_id)
    .bind(actor)
    .bind(act.action)
    .bind(act.target_kind)
    .bind(act.target_id)
    .bind(act.target)
    .bind(act.reason)
    .bind(act.request_id)
    .execute(db)
    .await?;
    Ok(())
}

impl Store {
    pub async fn instance_value(&self, name: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT value FROM instance WHERE name = $1").bind(name);
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// What is there under the name; `value` from here on, where nothing was.
    pub async fn instance_default(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let sql = "INSERT INTO instance (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        sqlx::query(sql).bind(name).bind(value).execute(&self.pool).await?;
        let sql = "SELECT value FROM instance WHERE name = $1";
        Ok(sqlx::query_scalar(sql).bind(name).fetch_one(&self.pool).await?)
    }

    pub async fn set_instance_value(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO instance (name, value) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(name).bind(value).execute(&self.pool).await?;
        Ok(())
    }

    pub async fn log_act(&self, actor: &User, act: &Act<'_>, now_ms: i64) -> Result<(), StoreError> {
        log_act(&mut *self.pool.acquire().await?, (&actor.id, &actor.name), act, now_ms).await
    }

    /// Up to `limit`, the newest first, those before `before`.
    pub async fn audit_page(
        &self,
        filter: AuditFilter<'_>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut conditions = String::new();
        let mut bound = Vec::new();
        for (value, column) in [(filter.actor, "actor"), (filter.target, "target"), (filter.action, "action")] {
            if !value.is_empty() {
                bound.push(value);
                conditions.push_str(&format!("AND {column} = ${} ", bound.len() + 2));
            }
        }
        let sql = format!(
            "SELECT id, at_ms, actor, action, target_kind, target, reason, request_id FROM audit \
             WHERE id < $1 {conditions} ORDER BY id DESC LIMIT $2"
        );
        // Only names of columns and numbers of parameters were put into the text.
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(before.unwrap_or(LAST)).bind(i64::from(limit));
        for value in bound {
            query = query.bind(value);
        }
        let query = query.try_map(|row: AnyRow| {
            Ok(AuditEntry {
                id: row.try_get("id")?,
                at_ms: row.try_get("at_ms")?,
                actor: row.try_get("actor")?,
                action: row.try_get("action")?,
                target_kind: row.try_get("target_kind")?,
                target: row.try_get("target")?,
                reason: row.try_get("reason")?,
                request_id: row.try_get("request_id")?,
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    pub async fn add_announcement(
        &self,
        text: &str,
        urgent: bool,
        until_ms: Option<i64>,
        created_by: &str,
        now_ms: i64,
    ) -> Result<Announcement, StoreError> {
        let id = id::new(now_ms);
        sqlx::query(
            "INSERT INTO announcements (id, text, urgent, created_by, created_at_ms, until_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&id)
        .bind(text)
        .bind(i64::from(urgent))
        .bind(created_by)
        .bind(now_ms)
        .bind(until_ms)
        .execute(&self.pool)
        .await?;
        Ok(Announcement { id, text: text.to_owned(), urgent })
    }

    /// Up to `limit`, the newest first, those before `before`.
    pub async fn announcements(&self, before: Option<&str>, limit: u32) -> Result<Vec<AnnouncementRecord>, StoreError> {
        let sql = "SELECT id, text, urgent, created_by, created_at_ms, until_ms FROM announcements \
                   WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let query = sqlx::query(sql).bind(before.unwrap_or(LAST)).bind(i64::from(limit));
        Ok(query.try_map(announcement).fetch_all(&self.pool).await?)
    }

    pub async fn delete_announcement(&self, id: &str) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM announcements WHERE id = $1").bind(id);
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    pub async fn open_reports(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM reports WHERE state = 'open'").fetch_one(&self.pool).await?)
    }

    /// Up to `limit` of a state, the oldest first, those after `after`.
    pub async fn reports(
        &self,
        state: ReportState,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Report>, StoreError> {
        let sql = reports!("WHERE reports.state = $1 AND reports.id > $2 ORDER BY reports.id LIMIT $3");
        let query = sqlx::query(sql).bind(state.as_str()).bind(after.unwrap_or("")).bind(i64::from(limit));
        Ok(query.try_map(report).fetch_all(&self.pool).await?)
    }

    /// `None` when there is no such report.
    pub async fn resolve_report(
        &self,
        id: &str,
        state: ReportState,
        note: &str,
        resolved_by: &str,
    ) -> Result<Option<Report>, StoreError> {
        sqlx::query("UPDATE reports SET state = $2, note = $3, resolved_by = $4 WHERE id = $1")
            .bind(id)
            .bind(state.as_str())
            .bind(note)
            .bind(resolved_by)
            .execute(&self.pool)
            .await?;
        let query = sqlx::query(reports!("WHERE reports.id = $1")).bind(id);
        Ok(query.try_map(report).fetch_optional(&self.pool).await?)
    }

    /// Reads whole tables.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        let sql = "SELECT COUNT(*) FROM channels WHERE deleted_at_ms IS NULL";
        let channels = sqlx::query_scalar(sql).fetch_one(&self.pool).await?;
        // Postgres adds up to NUMERIC, which the driver for both does not know.
        let sql = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT), COUNT(DISTINCT broadcast_id) FROM segments";
        let (recorded_bytes, recorded_broadcasts) = sqlx::query_as(sql).fetch_one(&self.pool).await?;
        let sql = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM (SELECT bytes FROM pictures \
                   UNION ALL SELECT bytes FROM chat_emotes UNION ALL SELECT bytes FROM chat_badges) AS all_pictures";
        let picture_bytes = sqlx::query_scalar(sql).fetch_one(&self.pool).await?;
        Ok(Usage { channels, recorded_bytes, recorded_broadcasts, picture_bytes })
    }

    /// Notes a request under its key, unless there is one already.
    pub async fn begin_once(
        &self,
        key: &SecretHash,
        request: &SecretHash,
        now_ms: i64,
        forget_before_ms: i64,
    ) -> Result<Kept, StoreError> {
        sqlx::query("DELETE FROM idempotent_answers WHERE created_at_ms < $1")
            .bind(forget_before_ms)
            .execute(&self.pool)
            .await?;
        let sql = "INSERT INTO idempotent_answers (key_hash, request_hash, status, body, created_at_ms) \
                   VALUES ($1, $2, 0, '', $3) ON CONFLICT (key_hash) DO NOTHING";
        let done = sqlx::query(sql).bind(key.to_hex()).bind(request.to_hex()).bind(now_ms).execute(&self.pool).await?;
        if done.rows_affected() > 0 {
            return Ok(Kept::New);
        }
        let sql = "SELECT request_hash, status, body FROM idempotent_answers WHERE key_hash = $1";
        let found: Option<(String, i64, String)> =
            sqlx::query_as(sql).bind(key.to_hex()).fetch_optional(&self.pool).await?;
        Ok(match found {
            // Given up between the two statements; the client tries again.
            None => Kept::Running,
            Some((hash, _, _)) if hash != request.to_hex() => Kept::Other,
            Some((_, 0, _)) => Kept::Running,
            Some((_, status, body)) => Kept::Answer { status: status.try_into().unwrap_or(500), body },
        })
    }

    /// Keeps the answer, or forgets the request when there is none that is worth it.
    pub async fn end_once(&self, key: &SecretHash, answer: Option<(u16, &str)>) -> Result<(), StoreError> {
        match answer {
            Some((status, body)) => {
                let sql = "UPDATE idempotent_answers SET status = $2, body = $3 WHERE key_hash = $1";
                sqlx::query(sql).bind(key.to_hex()).bind(i64::from(status)).bind(body).execute(&self.pool).await?
            }
            None => {
                let sql = "DELETE FROM idempotent_answers WHERE key_hash = $1";
                sqlx::query(sql).bind(key.to_hex()).execute(&self.pool).await?
            }
        };
        Ok(())
    }
}
