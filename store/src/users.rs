//! Who may log in, and who is.

use crate::channels::suspension;
use crate::{Picture, SecretHash, Store, StoreError, id};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{Role, Suspension};
use sqlx::Row;
use sqlx::any::AnyRow;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: String,
    /// Empty where none was chosen.
    pub display_name: String,
    pub role: Role,
    pub email: Option<String>,
    pub email_verified: bool,
    /// Empty for the browser's.
    pub language: String,
    pub avatar: Option<Picture>,
    pub created_at_ms: i64,
    /// Whether it is over has to be asked with the time: [`User::suspended`].
    pub suspension: Option<Suspension>,
}

impl User {
    /// The name that people see.
    pub fn shown_name(&self) -> &str {
        if self.display_name.is_empty() { &self.name } else { &self.display_name }
    }

    /// The suspension that holds now.
    pub fn suspended(&self, now_ms: i64) -> Option<&Suspension> {
        self.suspension.as_ref().filter(|suspension| suspension.until_ms.is_none_or(|until| now_ms < until))
    }
}

/// The query for a [`User`] of each row that the rest of it chooses.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT users.id, users.name, users.display_name, users.role, email, email_verified_at_ms, language, \
             avatar, users.created_at_ms, suspended_at_ms, suspended_until_ms, suspended_reason, password_hash \
             FROM users ",
            $rest
        )
    };
}

fn user(row: AnyRow) -> sqlx::Result<User> {
    Ok(User {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        display_name: row.try_get("display_name")?,
        role: Role::parse(&row.try_get::<String, _>("role")?).unwrap_or_default(),
        email: row.try_get("email")?,
        email_verified: row.try_get::<Option<i64>, _>("email_verified_at_ms")?.is_some(),
        language: row.try_get("language")?,
        avatar: Picture::parse(&row.try_get::<String, _>("avatar")?),
        created_at_ms: row.try_get("created_at_ms")?,
        suspension: suspension(&row)?,
    })
}

/// The user and the hash of the password.
fn with_password(row: AnyRow) -> sqlx::Result<(User, String)> {
    let hash = row.try_get("password_hash")?;
    Ok((user(row)?, hash))
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
        let user = User { id: id::new(now_ms), name: name.to_string(), role, created_at_ms: now_ms, ..User::default() };
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
        let query = sqlx::query(select!("WHERE users.name = $1 AND users.state <> 'deleted'")).bind(name);
        Ok(query.try_map(with_password).fetch_optional(&self.pool).await?)
    }

    pub async fn user_by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let query = sqlx::query(select!("WHERE users.id = $1")).bind(id);
        Ok(query.try_map(user).fetch_optional(&self.pool).await?)
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
        let query = sqlx::query(select!(
            "JOIN sessions ON users.id = sessions.user_id \
             WHERE sessions.token_hash = $1 AND sessions.expires_at_ms > $2 AND users.state = 'active'"
        ));
        Ok(query.bind(token.to_hex()).bind(now_ms).try_map(user).fetch_optional(&self.pool).await?)
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
