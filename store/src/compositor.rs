//! What the compositor goes on with after a restart, as documents that this crate does not look into.

use crate::{Store, StoreError};
use sqlx::Row;

impl Store {
    /// All documents with their names.
    pub async fn compositor_documents(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows =
            sqlx::query("SELECT name, body FROM compositor_documents ORDER BY name").fetch_all(&self.pool).await?;
        rows.into_iter().map(|row| Ok((row.try_get("name")?, row.try_get("body")?))).collect()
    }

    /// Writes a document, or replaces it; `None` deletes it.
    pub async fn keep_compositor_document(
        &self,
        name: &str,
        body: Option<&str>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let query = match body {
            None => sqlx::query("DELETE FROM compositor_documents WHERE name = $1").bind(name),
            Some(body) => sqlx::query(
                "INSERT INTO compositor_documents (name, body, changed_at) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at",
            )
            .bind(name)
            .bind(body)
            .bind(now_ms),
        };
        query.execute(&self.pool).await?;
        Ok(())
    }
}
