//! What people tell the moderators about channels.

use crate::{Store, StoreError, id};
use rivulet_protocol::rest::ReportReason;

impl Store {
    pub async fn add_report(
        &self,
        channel_id: &str,
        reporter_id: &str,
        reason: ReportReason,
        text: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO reports (id, channel_id, reporter_id, reason, text, state, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, 'open', $6)",
        )
        .bind(id::new(now_ms))
        .bind(channel_id)
        .bind(reporter_id)
        .bind(reason.as_str())
        .bind(text)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub async fn open_reports_by(&self, reporter_id: &str) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM reports WHERE reporter_id = $1 AND state = 'open'";
        Ok(sqlx::query_scalar(sql).bind(reporter_id).fetch_one(&self.pool).await?)
    }
}
