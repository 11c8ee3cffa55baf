//! When channels mean to be live: each entry as its REST body, and the dates that it leaves out.

use crate::channels::words;
use crate::{Store, StoreError, id};
use rivulet_protocol::rest::{ScheduleEdit, ScheduleEntry};

type Row = (String, String, String);

/// `None` for a body that another version wrote and this one does not know.
fn entry((id, body, skips): Row) -> Option<ScheduleEntry> {
    let edit: ScheduleEdit = serde_json::from_str(&body).ok()?;
    Some(ScheduleEntry { id, edit, skips: words(&skips) })
}

fn body(edit: &ScheduleEdit) -> String {
    serde_json::to_string(edit).unwrap_or_default()
}

impl Store {
    /// The oldest first.
    pub async fn schedule(&self, channel_id: &str) -> Result<Vec<ScheduleEntry>, StoreError> {
        let sql = "SELECT id, body, skips FROM schedule WHERE channel_id = $1 ORDER BY created_at_ms, id";
        let rows: Vec<Row> = sqlx::query_as(sql).bind(channel_id).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    pub async fn schedule_entry(&self, channel_id: &str, id: &str) -> Result<Option<ScheduleEntry>, StoreError> {
        let sql = "SELECT id, body, skips FROM schedule WHERE channel_id = $1 AND id = $2";
        let row: Option<Row> = sqlx::query_as(sql).bind(channel_id).bind(id).fetch_optional(&self.pool).await?;
        Ok(row.and_then(entry))
    }

    pub async fn add_schedule_entry(
        &self,
        channel_id: &str,
        edit: ScheduleEdit,
        now_ms: i64,
    ) -> Result<ScheduleEntry, StoreError> {
        let id = id::new(now_ms);
        sqlx::query("INSERT INTO schedule (id, channel_id, body, skips, created_at_ms) VALUES ($1, $2, $3, '', $4)")
            .bind(&id)
            .bind(channel_id)
            .bind(body(&edit))
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        Ok(ScheduleEntry { id, edit, skips: vec![] })
    }

    /// Writes an entry that exists.
    pub async fn set_schedule_entry(&self, channel_id: &str, entry: &ScheduleEntry) -> Result<(), StoreError> {
        sqlx::query("UPDATE schedule SET body = $3, skips = $4 WHERE channel_id = $1 AND id = $2")
            .bind(channel_id)
            .bind(&entry.id)
            .bind(body(&entry.edit))
            .bind(entry.skips.join(" "))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn delete_schedule_entry(&self, channel_id: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM schedule WHERE channel_id = $1 AND id = $2";
        Ok(sqlx::query(sql).bind(channel_id).bind(id).execute(&self.pool).await?.rows_affected() > 0)
    }
}
