//! What proves who somebody is besides a password: codes of an app, recovery codes, passkeys,
//! an account of somewhere else.

use crate::users::{select, user};
use crate::{SecretHash, Store, StoreError, User, id};
use sqlx::Row;
use sqlx::any::AnyRow;

#[derive(Clone, PartialEq, Eq)]
pub struct Passkey {
    pub id: String,
    pub user_id: String,
    pub name: String,
    /// The public key and the counter, as JSON.
    pub body: String,
    pub created_at_ms: i64,
    pub last_used_at_ms: Option<i64>,
}

fn passkey(row: AnyRow) -> sqlx::Result<Passkey> {
    Ok(Passkey {
        id: row.try_get("id")?,
        user_id: row.try_get("user_id")?,
        name: row.try_get("name")?,
        body: row.try_get("body")?,
        created_at_ms: row.try_get("created_at_ms")?,
        last_used_at_ms: row.try_get("last_used_at_ms")?,
    })
}

macro_rules! passkeys {
    ($rest:literal) => {
        concat!("SELECT id, user_id, name, body, created_at_ms, last_used_at_ms FROM passkeys WHERE ", $rest)
    };
}

impl Store {
    /// A second factor, with its recovery codes; `step` is the one it was confirmed with.
    pub async fn set_totp(
        &self,
        user_id: &str,
        secret: &str,
        step: i64,
        codes: &[SecretHash],
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("UPDATE users SET totp_secret = $2, totp_step = $3 WHERE id = $1")
            .bind(user_id)
            .bind(secret)
            .bind(step)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
        for code in codes {
            sqlx::query("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)")
                .bind(user_id)
                .bind(code.to_hex())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Answers false when this step, or a later one, was used already: of two who bring the same
    /// code at the same time one gets in.
    pub async fn use_totp_step(&self, user_id: &str, step: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
        Ok(sqlx::query(sql).bind(user_id).bind(step).execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Answers whether there was such a code; it is gone now.
    pub async fn use_recovery_code(&self, user_id: &str, code: &SecretHash) -> Result<bool, StoreError> {
        let sql = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
        Ok(sqlx::query(sql).bind(user_id).bind(code.to_hex()).execute(&self.pool).await?.rows_affected() > 0)
    }

    pub async fn recovery_codes_left(&self, user_id: &str) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1";
        Ok(sqlx::query_scalar(sql).bind(user_id).fetch_one(&self.pool).await?)
    }

    /// [`StoreError::Taken`] when somebody has this very key.
    pub async fn add_passkey(
        &self,
        user_id: &str,
        credential_id: &str,
        name: &str,
        body: &str,
        now_ms: i64,
    ) -> Result<Passkey, StoreError> {
        let id = id::new(now_ms);
        sqlx::query(
            "INSERT INTO passkeys (id, credential_id, user_id, name, body, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&id)
        .bind(credential_id)
        .bind(user_id)
        .bind(name)
        .bind(body)
        .bind(now_ms)
        .execute(&self.pool)
        .await
        .map_err(StoreError::taken)?;
        let (user_id, name, body) = (user_id.to_owned(), name.to_owned(), body.to_owned());
        Ok(Passkey { id, user_id, name, body, created_at_ms: now_ms, last_used_at_ms: None })
    }

    pub async fn passkeys_of(&self, user_id: &str) -> Result<Vec<Passkey>, StoreError> {
        let query = sqlx::query(passkeys!("user_id = $1 ORDER BY created_at_ms, id")).bind(user_id);
        Ok(query.try_map(passkey).fetch_all(&self.pool).await?)
    }

    pub async fn passkey_by_credential(&self, credential_id: &str) -> Result<Option<Passkey>, StoreError> {
        let query = sqlx::query(passkeys!("credential_id = $1")).bind(credential_id);
        Ok(query.try_map(passkey).fetch_optional(&self.pool).await?)
    }

    pub async fn passkey_used(&self, id: &str, body: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE passkeys SET body = $2, last_used_at_ms = $3 WHERE id = $1")
            .bind(id)
            .bind(body)
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn delete_passkey(&self, user_id: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM passkeys WHERE user_id = $1 AND id = $2";
        Ok(sqlx::query(sql).bind(user_id).bind(id).execute(&self.pool).await?.rows_affected() > 0)
    }

    pub async fn user_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<User>, StoreError> {
        let sql = select!(
            "JOIN oidc_identities ON users.id = oidc_identities.user_id \
             WHERE oidc_identities.issuer = $1 AND oidc_identities.subject = $2"
        );
        Ok(sqlx::query(sql).bind(issuer).bind(subject).try_map(user).fetch_optional(&self.pool).await?)
    }

    /// [`StoreError::Taken`] when it is somebody else's.
    pub async fn add_identity(&self, issuer: &str, subject: &str, user_id: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO oidc_identities (issuer, subject, user_id) VALUES ($1, $2, $3)")
            .bind(issuer)
            .bind(subject)
            .bind(user_id)
            .execute(&self.pool)
            .await
            .map_err(StoreError::taken)?;
        Ok(())
    }
}
