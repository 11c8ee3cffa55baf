//! Who helps to run a channel, and whom it invites to watch.

use crate::{Channel, Store, StoreError, User, placeholders};
use rivulet_protocol::rest::{AccessKind, ChannelRole, Staff};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

fn staff(row: AnyRow) -> sqlx::Result<Staff> {
    let (username, display_name): (String, String) = (row.try_get("name")?, row.try_get("display_name")?);
    let role = ChannelRole::parse(&row.try_get::<String, _>("role")?).unwrap_or(ChannelRole::Moderator);
    let display_name = if display_name.is_empty() { username.clone() } else { display_name };
    Ok(Staff { username, display_name, role, since_ms: row.try_get("created_at_ms")? })
}

impl Store {
    /// What a user is in a channel.
    pub async fn role_in(&self, channel: &Channel, user_id: &str) -> Result<Option<ChannelRole>, StoreError> {
        if channel.owner_id == user_id {
            return Ok(Some(ChannelRole::Owner));
        }
        let sql = "SELECT role FROM channel_staff WHERE channel_id = $1 AND user_id = $2";
        let role: Option<String> =
            sqlx::query_scalar(sql).bind(&channel.id).bind(user_id).fetch_optional(&self.pool).await?;
        Ok(role.and_then(|role| ChannelRole::parse(&role)))
    }

    /// Those who help, by name.
    pub async fn staff_of(&self, channel_id: &str) -> Result<Vec<Staff>, StoreError> {
        let sql = "SELECT users.name, users.display_name, channel_staff.role, channel_staff.created_at_ms \
                   FROM channel_staff JOIN users ON users.id = channel_staff.user_id \
                   WHERE channel_id = $1 ORDER BY users.name";
        Ok(sqlx::query(sql).bind(channel_id).try_map(staff).fetch_all(&self.pool).await?)
    }

    pub async fn set_staff(
        &self,
        channel_id: &str,
        user_id: &str,
        role: ChannelRole,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO channel_staff (channel_id, user_id, role, created_at_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (channel_id, user_id) DO UPDATE SET role = excluded.role",
        )
        .bind(channel_id)
        .bind(user_id)
        .bind(role.as_str())
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub async fn remove_staff(&self, channel_id: &str, user_id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM channel_staff WHERE channel_id = $1 AND user_id = $2";
        Ok(sqlx::query(sql).bind(channel_id).bind(user_id).execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Names of the channels that a user helps to run.
    pub async fn helps(&self, user_id: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT channels.name FROM channel_staff JOIN channels ON channels.id = channel_staff.channel_id \
                   WHERE user_id = $1 ORDER BY channels.name";
        Ok(sqlx::query_scalar(sql).bind(user_id).fetch_all(&self.pool).await?)
    }

    /// Names of those who may watch a private channel.
    pub async fn guests_of(&self, channel_id: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT users.name FROM channel_guests JOIN users ON users.id = channel_guests.user_id \
                   WHERE channel_id = $1 ORDER BY users.name";
        Ok(sqlx::query_scalar(sql).bind(channel_id).fetch_all(&self.pool).await?)
    }

    /// Whether a channel's access lets in somebody who does not run it. A password is asked for
    /// elsewhere, and who is suspended sees what everybody sees.
    pub async fn admits(&self, channel: &Channel, user: &User, now_ms: i64) -> Result<bool, StoreError> {
        if channel.access == AccessKind::Public {
            return Ok(true);
        }
        if user.suspended(now_ms).is_some() {
            return Ok(false);
        }
        match channel.access {
            AccessKind::Followers => Ok(self.follows(&user.id, &channel.id).await?.is_some()),
            AccessKind::Private => self.is_guest(&channel.id, &user.id).await,
            AccessKind::Password | AccessKind::Public => Ok(false),
        }
    }

    async fn is_guest(&self, channel_id: &str, user_id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT user_id FROM channel_guests WHERE channel_id = $1 AND user_id = $2";
        Ok(sqlx::query(sql).bind(channel_id).bind(user_id).fetch_optional(&self.pool).await?.is_some())
    }

    /// These instead of those before.
    pub async fn set_guests(&self, channel_id: &str, user_ids: &[String]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM channel_guests WHERE channel_id = $1")
            .bind(channel_id)
            .execute(&mut *transaction)
            .await?;
        for user_id in user_ids {
            sqlx::query("INSERT INTO channel_guests (channel_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(channel_id)
                .bind(user_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Name and id of those of `names` that exist and are not deleted, in no order.
    pub async fn user_ids(&self, names: &[String]) -> Result<Vec<(String, String)>, StoreError> {
        let mut found = Vec::with_capacity(names.len());
        for names in names.chunks(500) {
            let list = placeholders(1, names.len());
            let sql = format!("SELECT name, id FROM users WHERE name IN ({list}) AND state <> 'deleted'");
            // Only `$1,$2,…` was put into the text.
            let mut query = sqlx::query_as::<_, (String, String)>(AssertSqlSafe(sql));
            for name in names {
                query = query.bind(name);
            }
            found.extend(query.fetch_all(&self.pool).await?);
        }
        Ok(found)
    }
}
