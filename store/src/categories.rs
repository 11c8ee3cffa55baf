//! What broadcasts are about.

use crate::{Picture, Store, StoreError};
use sqlx::Row;
use sqlx::any::AnyRow;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub slug: String,
    pub name: String,
    pub picture: Option<Picture>,
}

fn category(row: AnyRow) -> sqlx::Result<Category> {
    let picture: String = row.try_get("picture")?;
    Ok(Category { slug: row.try_get("slug")?, name: row.try_get("name")?, picture: Picture::parse(&picture) })
}

impl Store {
    /// All of them, by name: an admin makes each by hand, so there are hundreds at most.
    pub async fn categories(&self) -> Result<Vec<Category>, StoreError> {
        let sql = "SELECT slug, name, picture FROM categories ORDER BY name LIMIT 1000";
        Ok(sqlx::query(sql).try_map(category).fetch_all(&self.pool).await?)
    }

    pub async fn category(&self, slug: &str) -> Result<Option<Category>, StoreError> {
        let sql = "SELECT slug, name, picture FROM categories WHERE slug = $1";
        Ok(sqlx::query(sql).bind(slug).try_map(category).fetch_optional(&self.pool).await?)
    }

    pub async fn create_category(&self, slug: &str, name: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO categories (slug, name, created_at_ms) VALUES ($1, $2, $3)")
            .bind(slug)
            .bind(name)
            .bind(now_ms)
            .execute(&self.pool)
            .await
            .map_err(StoreError::taken)?;
        Ok(())
    }

    /// Its channels have none from here on.
    pub async fn delete_category(&self, slug: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM categories WHERE slug = $1").bind(slug).execute(&self.pool).await?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn set_category_picture(&self, slug: &str, picture: Option<&Picture>) -> Result<(), StoreError> {
        sqlx::query("UPDATE categories SET picture = $2 WHERE slug = $1")
            .bind(slug)
            .bind(picture.map(Picture::to_string).unwrap_or_default())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
