//! Sessions of browsers. Only the hash of a token is kept, which is also the session's id.

use crate::users::{select, user};
use crate::{SecretHash, Store, StoreError, User};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A session's last use is written down at most this often: reading must not turn into writing.
const LAST_USED_STEP_MS: i64 = 60_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub device: String,
    pub address: String,
    pub created_at_ms: i64,
    pub last_used_at_ms: i64,
}

/// Where a session is used, for its owner to recognise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    pub device: &'a str,
    pub address: &'a str,
}

impl Store {
    pub async fn create_session(
        &self,
        user_id: &str,
        token: &SecretHash,
        place: Place<'_>,
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sessions (token_hash, user_id, device, address, created_at_ms, last_used_at_ms, \
             expires_at_ms) VALUES ($1, $2, $3, $4, $5, $5, $6)",
        )
        .bind(token.to_hex())
        .bind(user_id)
        .bind(place.device)
        .bind(place.address)
        .bind(now_ms)
        .bind(expires_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whose session this is, while it lasts; notes that it is used from `address`.
    pub async fn session_user(
        &self,
        token: &SecretHash,
        address: &str,
        now_ms: i64,
    ) -> Result<Option<User>, StoreError> {
        let hash = token.to_hex();
        let sql = select!(
            "JOIN sessions ON users.id = sessions.user_id \
             WHERE sessions.token_hash = $1 AND sessions.expires_at_ms > $2 AND users.state = 'active'"
        );
        let found = sqlx::query(sql).bind(&hash).bind(now_ms).try_map(user).fetch_optional(&self.pool).await?;
        if found.is_some() {
            let sql = "UPDATE sessions SET last_used_at_ms = $2, address = $3 \
                       WHERE token_hash = $1 AND last_used_at_ms <= $4";
            let query = sqlx::query(sql).bind(&hash).bind(now_ms).bind(address).bind(now_ms - LAST_USED_STEP_MS);
            query.execute(&self.pool).await?;
        }
        Ok(found)
    }

    /// The newest use first.
    pub async fn sessions_of(&self, user_id: &str, now_ms: i64) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT token_hash, device, address, created_at_ms, last_used_at_ms FROM sessions \
                   WHERE user_id = $1 AND expires_at_ms > $2 ORDER BY last_used_at_ms DESC, token_hash";
        let query = sqlx::query(sql).bind(user_id).bind(now_ms).try_map(|row: AnyRow| {
            Ok(Session {
                id: row.try_get("token_hash")?,
                device: row.try_get("device")?,
                address: row.try_get("address")?,
                created_at_ms: row.try_get("created_at_ms")?,
                last_used_at_ms: row.try_get("last_used_at_ms")?,
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// Whose it was.
    pub async fn delete_session(&self, token: &SecretHash) -> Result<Option<String>, StoreError> {
        let sql = "DELETE FROM sessions WHERE token_hash = $1 RETURNING user_id";
        let user_id: Option<String> = sqlx::query_scalar(sql).bind(token.to_hex()).fetch_optional(&self.pool).await?;
        if let Some(user_id) = &user_id {
            self.raise_login_revision(user_id).await?;
        }
        Ok(user_id)
    }

    /// Answers whether the user had it.
    pub async fn delete_session_of(&self, user_id: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND token_hash = $2";
        let gone = sqlx::query(sql).bind(user_id).bind(id).execute(&self.pool).await?.rows_affected() > 0;
        self.raise_login_revision(user_id).await?;
        Ok(gone)
    }

    /// All of a user's, but for `except`.
    pub async fn delete_sessions_of(&self, user_id: &str, except: Option<&SecretHash>) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2")
            .bind(user_id)
            .bind(except.map(|hash| hash.to_hex()).unwrap_or_default())
            .execute(&self.pool)
            .await?;
        self.raise_login_revision(user_id).await
    }

    /// Where a user was seen last.
    pub(crate) async fn last_network(&self, user_id: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT address FROM sessions WHERE user_id = $1 AND address <> '' \
                   ORDER BY last_used_at_ms DESC LIMIT 1";
        Ok(sqlx::query_scalar(sql).bind(user_id).fetch_optional(&self.pool).await?)
    }

    /// Answers how many there were.
    pub async fn delete_expired_sessions(&self, now_ms: i64) -> Result<u64, StoreError> {
        let done =
            sqlx::query("DELETE FROM sessions WHERE expires_at_ms <= $1").bind(now_ms).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }
}
