//! Who may log in, and who is.

use crate::{SecretHash, Store, StoreError, id};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::Role;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: String,
    pub role: Role,
}

type Row = (String, String, String);

fn user((id, name, role): Row) -> User {
    User { id, name, role: Role::parse(&role).unwrap_or(Role::Viewer) }
}

impl Store {
    /// An instance without an admin still has to be set up.
    pub async fn admin_count(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE role = 'admin'").fetch_one(&self.pool).await?)
    }

    pub async fn create_user(
        &self,
        name: &ChannelName,
        password_hash: &str,
        role: Role,
        now_ms: i64,
    ) -> Result<User, StoreError> {
        let user = User { id: id::new(now_ms), name: name.to_string(), role };
        sqlx::query("INSERT INTO users (id, name, password_hash, role, created_at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(&user.id)
            .bind(&user.name)
            .bind(password_hash)
            .bind(role.as_str())
            .bind(now_ms)
            .execute(&self.pool)
            .await
            .map_err(StoreError::taken)?;
        Ok(user)
    }

    /// The user and the hash of the password.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<(User, String)>, StoreError> {
        let row: Option<(String, String, String, String)> =
            sqlx::query_as("SELECT id, name, role, password_hash FROM users WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(id, name, role, hash)| (user((id, name, role)), hash)))
    }

    pub async fn create_session(
        &self,
        user_id: &str,
        token: &SecretHash,
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO sessions (token_hash, user_id, created_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4)")
            .bind(token.to_hex())
            .bind(user_id)
            .bind(now_ms)
            .bind(expires_at_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Whose session this is, while it lasts.
    pub async fn session_user(&self, token: &SecretHash, now_ms: i64) -> Result<Option<User>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT users.id, users.name, users.role FROM sessions JOIN users ON users.id = sessions.user_id \
             WHERE sessions.token_hash = $1 AND sessions.expires_at_ms > $2",
        )
        .bind(token.to_hex())
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(user))
    }

    pub async fn delete_session(&self, token: &SecretHash) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token.to_hex()).execute(&self.pool).await?;
        Ok(())
    }

    /// Answers how many there were.
    pub async fn delete_expired_sessions(&self, now_ms: i64) -> Result<u64, StoreError> {
        let done =
            sqlx::query("DELETE FROM sessions WHERE expires_at_ms <= $1").bind(now_ms).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }
}
