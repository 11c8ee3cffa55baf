//! Secrets that open something by themselves: access tokens of tools, tickets for one act, invites.

use crate::users::{select, user};
use crate::{LAST, SecretHash, Store, StoreError, User, id};
use rivulet_protocol::rest::{Invite, Scope, Token};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A token's last use is written down at most this often: reading must not turn into writing.
const LAST_USED_STEP_MS: i64 = 60_000;

fn scopes(text: &str) -> Vec<Scope> {
    text.split_whitespace().filter_map(Scope::parse).collect()
}

fn token(row: AnyRow) -> sqlx::Result<Token> {
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        scopes: scopes(&row.try_get::<String, _>("scopes")?),
        created_at_ms: row.try_get("created_at_ms")?,
        expires_at_ms: row.try_get("expires_at_ms")?,
        last_used_at_ms: row.try_get("last_used_at_ms")?,
    })
}

/// Whoever sends an access token.
#[derive(Debug, Clone)]
pub struct Bearer {
    pub token_id: String,
    pub user: User,
    pub scopes: Vec<Scope>,
}

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticket {
    /// The password was right; the second factor is missing.
    SecondFactor,
    PasswordReset,
    /// Its body is the address.
    EmailConfirm,
    /// Its body is the secret of an authenticator that was not confirmed yet.
    Totp,
}

impl Ticket {
    fn as_str(self) -> &'static str {
        match self {
            Self::SecondFactor => "second-factor",
            Self::PasswordReset => "password-reset",
            Self::EmailConfirm => "email-confirm",
            Self::Totp => "totp",
        }
    }
}

impl Store {
    pub async fn add_access_token(
        &self,
        user_id: &str,
        hash: &SecretHash,
        name: &str,
        scopes: &[Scope],
        now_ms: i64,
        expires_at_ms: Option<i64>,
    ) -> Result<Token, StoreError> {
        let id = id::new(now_ms);
        let list: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        sqlx::query(
            "INSERT INTO access_tokens (id, token_hash, user_id, name, scopes, created_at_ms, expires_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(hash.to_hex())
        .bind(user_id)
        .bind(name)
        .bind(list.join(" "))
        .bind(now_ms)
        .bind(expires_at_ms)
        .execute(&self.pool)
        .await?;
        let (name, scopes) = (name.to_owned(), scopes.to_vec());
        Ok(Token { id, name, scopes, created_at_ms: now_ms, expires_at_ms, last_used_at_ms: None })
    }

    pub async fn access_tokens_of(&self, user_id: &str) -> Result<Vec<Token>, StoreError> {
        let sql = "SELECT id, name, scopes, created_at_ms, expires_at_ms, last_used_at_ms FROM access_tokens \
                   WHERE user_id = $1 ORDER BY created_at_ms, id";
        Ok(sqlx::query(sql).bind(user_id).try_map(token).fetch_all(&self.pool).await?)
    }

    /// Whose token this is and what it may be used for, while it lasts; notes that it is used.
    pub async fn access_token_user(&self, hash: &SecretHash, now_ms: i64) -> Result<Option<Bearer>, StoreError> {
        let sql = "SELECT id, user_id, scopes FROM access_tokens \
                   WHERE token_hash = $1 AND (expires_at_ms IS NULL OR expires_at_ms > $2)";
        let found: Option<(String, String, String)> =
            sqlx::query_as(sql).bind(hash.to_hex()).bind(now_ms).fetch_optional(&self.pool).await?;
        let Some((token_id, user_id, list)) = found else { return Ok(None) };
        let sql = select!("WHERE users.id = $1 AND users.state = 'active'");
        let found = sqlx::query(sql).bind(&user_id).try_map(user).fetch_optional(&self.pool).await?;
        let sql = "UPDATE access_tokens SET last_used_at_ms = $2 \
                   WHERE id = $1 AND (last_used_at_ms IS NULL OR last_used_at_ms <= $3)";
        sqlx::query(sql).bind(&token_id).bind(now_ms).bind(now_ms - LAST_USED_STEP_MS).execute(&self.pool).await?;
        Ok(found.map(|user| Bearer { token_id, user, scopes: scopes(&list) }))
    }

    pub async fn delete_access_token(&self, user_id: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM access_tokens WHERE user_id = $1 AND id = $2";
        let gone = sqlx::query(sql).bind(user_id).bind(id).execute(&self.pool).await?.rows_affected() > 0;
        self.raise_login_revision(user_id).await?;
        Ok(gone)
    }

    pub async fn delete_access_tokens_of(&self, user_id: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM access_tokens WHERE user_id = $1").bind(user_id).execute(&self.pool).await?;
        self.raise_login_revision(user_id).await
    }

    /// A new ticket; the user's others of its kind are void.
    pub async fn add_ticket(
        &self,
        kind: Ticket,
        hash: &SecretHash,
        user_id: &str,
        body: &str,
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("DELETE FROM tickets WHERE expires_at_ms <= $1").bind(now_ms).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM tickets WHERE user_id = $1 AND kind = $2")
            .bind(user_id)
            .bind(kind.as_str())
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO tickets (token_hash, kind, user_id, body, expires_at_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(hash.to_hex())
            .bind(kind.as_str())
            .bind(user_id)
            .bind(body)
            .bind(expires_at_ms)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whose ticket this is, and its body; it stays good.
    pub async fn ticket(
        &self,
        kind: Ticket,
        hash: &SecretHash,
        now_ms: i64,
    ) -> Result<Option<(String, String)>, StoreError> {
        let sql = "SELECT user_id, body FROM tickets WHERE token_hash = $1 AND kind = $2 AND expires_at_ms > $3";
        let query = sqlx::query_as(sql).bind(hash.to_hex()).bind(kind.as_str()).bind(now_ms);
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// The body of the newest ticket of its kind, for what the user does in a session.
    pub async fn ticket_of(&self, kind: Ticket, user_id: &str, now_ms: i64) -> Result<Option<String>, StoreError> {
        let sql = "SELECT body FROM tickets WHERE user_id = $1 AND kind = $2 AND expires_at_ms > $3";
        let query = sqlx::query_scalar(sql).bind(user_id).bind(kind.as_str()).bind(now_ms);
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// Of two who bring the same ticket at the same time one gets true.
    pub async fn use_ticket(&self, hash: &SecretHash) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM tickets WHERE token_hash = $1").bind(hash.to_hex());
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    pub async fn delete_tickets_of(&self, user_id: &str, kind: Ticket) -> Result<(), StoreError> {
        let sql = "DELETE FROM tickets WHERE user_id = $1 AND kind = $2";
        sqlx::query(sql).bind(user_id).bind(kind.as_str()).execute(&self.pool).await?;
        Ok(())
    }

    pub async fn add_invite(
        &self,
        hash: &SecretHash,
        note: &str,
        uses: u32,
        created_by: &User,
        now_ms: i64,
        expires_at_ms: Option<i64>,
    ) -> Result<Invite, StoreError> {
        let id = id::new(now_ms);
        sqlx::query(
            "INSERT INTO invites (id, code_hash, note, uses_left, created_by, created_at_ms, expires_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(hash.to_hex())
        .bind(note)
        .bind(i64::from(uses))
        .bind(&created_by.id)
        .bind(now_ms)
        .bind(expires_at_ms)
        .execute(&self.pool)
        .await?;
        let (note, created_by) = (note.to_owned(), created_by.name.clone());
        Ok(Invite { id, note, uses_left: uses, created_by, created_at_ms: now_ms, expires_at_ms })
    }

    /// Up to `limit`, the newest first, those before `before`.
    pub async fn invites(&self, before: Option<&str>, limit: u32) -> Result<Vec<Invite>, StoreError> {
        let sql = "SELECT invites.id, note, uses_left, users.name, invites.created_at_ms, expires_at_ms FROM invites \
                   JOIN users ON users.id = invites.created_by WHERE invites.id < $1 \
                   ORDER BY invites.id DESC LIMIT $2";
        let query = sqlx::query(sql).bind(before.unwrap_or(LAST)).bind(i64::from(limit)).try_map(|row: AnyRow| {
            Ok(Invite {
                id: row.try_get("id")?,
                note: row.try_get("note")?,
                uses_left: row.try_get::<i64, _>("uses_left")?.try_into().unwrap_or(0),
                created_by: row.try_get("name")?,
                created_at_ms: row.try_get("created_at_ms")?,
                expires_at_ms: row.try_get("expires_at_ms")?,
            })
        });
        Ok(query.fetch_all(&self.pool).await?)
    }

    pub async fn delete_invite(&self, id: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query("DELETE FROM invites WHERE id = $1").bind(id).execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Takes one use of an invite; answers whether there was one.
    pub async fn use_invite(&self, hash: &SecretHash, now_ms: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE invites SET uses_left = uses_left - 1 WHERE code_hash = $1 AND uses_left > 0 \
                   AND (expires_at_ms IS NULL OR expires_at_ms > $2)";
        Ok(sqlx::query(sql).bind(hash.to_hex()).bind(now_ms).execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Gives one use back, when nothing came of it.
    pub async fn return_invite(&self, hash: &SecretHash) -> Result<(), StoreError> {
        let sql = "UPDATE invites SET uses_left = uses_left + 1 WHERE code_hash = $1";
        sqlx::query(sql).bind(hash.to_hex()).execute(&self.pool).await?;
        Ok(())
    }
}
