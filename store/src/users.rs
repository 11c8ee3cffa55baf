//! Who may log in, and who is.

use crate::channels::suspension;
use crate::chat::forget_user;
use crate::names::skeleton;
use crate::{LAST, Picture, Store, StoreError, id, placeholders};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{Role, Suspension};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use std::collections::HashMap;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Active,
    /// Signed up, and an admin has to let them in.
    Pending,
    /// The account is gone; what refers to it stays.
    Deleted,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Deleted => "deleted",
        }
    }

    fn parse(text: &str) -> Self {
        [Self::Active, Self::Pending].into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Deleted)
    }
}

/// A second factor. Not to be shown, so not to be formatted.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Totp {
    /// Base 32.
    pub secret: String,
    /// The newest step whose code was used.
    pub step: i64,
}

impl std::fmt::Debug for Totp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Totp(redacted)")
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub state: State,
    /// Empty where none was chosen.
    pub display_name: String,
    pub email: Option<String>,
    pub email_verified: bool,
    /// Empty for the browser's choice.
    pub language: String,
    /// `#rrggbb`, or empty.
    pub color: String,
    pub avatar: Option<Picture>,
    pub sign_up_reason: String,
    pub created_at_ms: i64,
    /// Whether it is over has to be asked with the time: [`User::suspended`].
    pub suspension: Option<Suspension>,
    /// False for somebody who came by OIDC and has chosen none.
    pub has_password: bool,
    pub totp: Option<Totp>,
    /// Rises when any of their sessions or tokens ends.
    pub login_revision: i64,
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
            "SELECT users.id, users.name, users.role, users.state, users.display_name, users.email, \
             users.email_verified_at_ms, users.language, users.color, users.avatar, users.sign_up_reason, \
             users.created_at_ms, \
             users.suspended_at_ms, users.suspended_until_ms, users.suspended_reason, users.password_hash, \
             users.totp_secret, users.totp_step, users.login_revision FROM users ",
            $rest
        )
    };
}
pub(crate) use select;

pub(crate) fn user(row: AnyRow) -> sqlx::Result<User> {
    let (secret, step): (String, i64) = (row.try_get("totp_secret")?, row.try_get("totp_step")?);
    Ok(User {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: Role::parse(&row.try_get::<String, _>("role")?).unwrap_or(Role::Viewer),
        state: State::parse(&row.try_get::<String, _>("state")?),
        display_name: row.try_get("display_name")?,
        email: row.try_get("email")?,
        email_verified: row.try_get::<Option<i64>, _>("email_verified_at_ms")?.is_some(),
        language: row.try_get("language")?,
        color: row.try_get("color")?,
        avatar: Picture::parse(&row.try_get::<String, _>("avatar")?),
        sign_up_reason: row.try_get("sign_up_reason")?,
        created_at_ms: row.try_get("created_at_ms")?,
        suspension: suspension(&row)?,
        has_password: !row.try_get::<String, _>("password_hash")?.is_empty(),
        login_revision: row.try_get("login_revision")?,
        totp: Some(Totp { secret, step }).filter(|totp| !totp.secret.is_empty()),
    })
}

/// The user and the hash of the password.
fn with_password(row: AnyRow) -> sqlx::Result<(User, String)> {
    let hash = row.try_get("password_hash")?;
    Ok((user(row)?, hash))
}

/// Somebody who is to become a user.
#[derive(Clone)]
pub struct NewUser<'a> {
    pub name: &'a ChannelName,
    /// Empty for somebody who comes by OIDC.
    pub password_hash: &'a str,
    pub role: Role,
    pub state: State,
    pub email: Option<&'a str>,
    pub email_verified: bool,
    pub sign_up_reason: &'a str,
}

/// Which users a list has.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserFilter<'a> {
    /// What the name begins with.
    pub prefix: &'a str,
    pub state: Option<State>,
    /// Those whose suspension holds at this time.
    pub suspended_at_ms: Option<i64>,
}

/// What a list shows of a user besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    pub channels: Vec<String>,
    pub last_seen_at_ms: Option<i64>,
}

/// Between which names those are that begin with a text, in the order of any collation: letters
/// come after digits, and `z` is the last of them. Others may be between them too.
pub(crate) fn prefix_range(prefix: &str) -> Option<(String, String)> {
    (!prefix.is_empty()).then(|| (prefix.to_owned(), format!("{prefix}{LAST}")))
}

/// Takes a folded name for a user, with whatever they call by it; [`StoreError::Taken`] when it is
/// another's.
pub(crate) async fn claim_name(db: &mut AnyConnection, name: &str, user_id: &str) -> Result<(), StoreError> {
    let folded = skeleton(name);
    sqlx::query("INSERT INTO names (folded, user_id) VALUES ($1, $2) ON CONFLICT (folded) DO NOTHING")
        .bind(&folded)
        .bind(user_id)
        .execute(&mut *db)
        .await?;
    let owner: String =
        sqlx::query_scalar("SELECT user_id FROM names WHERE folded = $1").bind(&folded).fetch_one(db).await?;
    if owner == user_id { Ok(()) } else { Err(StoreError::Taken) }
}

impl Store {
    /// Folds the names that were there before names were folded. Of two that look alike the older
    /// one has the name.
    pub(crate) async fn fold_old_names(&self) -> Result<(), StoreError> {
        if self.instance_value("names_folded").await?.is_some() {
            return Ok(());
        }
        let users: Vec<(String, String)> = sqlx::query_as("SELECT id, name FROM users").fetch_all(&self.pool).await?;
        let channels: Vec<(String, String)> =
            sqlx::query_as("SELECT owner_id, name FROM channels").fetch_all(&self.pool).await?;
        let mut tx = self.pool.begin().await?;
        for (user_id, name) in users.into_iter().chain(channels) {
            match claim_name(&mut tx, &name, &user_id).await {
                Ok(()) | Err(StoreError::Taken) => {}
                Err(e) => return Err(e),
            }
        }
        tx.commit().await?;
        self.set_instance_value("names_folded", "1").await
    }

    /// Whose name looks like this one.
    pub async fn name_owner(&self, name: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT user_id FROM names WHERE folded = $1").bind(skeleton(name));
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// An instance without an admin still has to be set up.
    pub async fn admin_count(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COUNT(*) FROM users WHERE role = 'admin' AND state = 'active'";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    pub async fn create_user(
        &self,
        name: &ChannelName,
        password_hash: &str,
        role: Role,
        now_ms: i64,
    ) -> Result<User, StoreError> {
        let (state, email) = (State::Active, None);
        let user = NewUser { name, password_hash, role, state, email, email_verified: false, sign_up_reason: "" };
        self.add_user(&user, now_ms).await
    }

    /// [`StoreError::Taken`] when the name looks like another's, [`StoreError::EmailTaken`] when the
    /// address is another's.
    pub async fn add_user(&self, new: &NewUser<'_>, now_ms: i64) -> Result<User, StoreError> {
        let id = id::new(now_ms);
        let mut tx = self.pool.begin().await?;
        claim_name(&mut tx, new.name.as_str(), &id).await?;
        sqlx::query(
            "INSERT INTO users (id, name, password_hash, role, state, email, email_verified_at_ms, sign_up_reason, \
             created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&id)
        .bind(new.name.as_str())
        .bind(new.password_hash)
        .bind(new.role.as_str())
        .bind(new.state.as_str())
        .bind(new.email)
        .bind(new.email_verified.then_some(now_ms))
        .bind(new.sign_up_reason)
        .bind(now_ms)
        .execute(&mut *tx)
        .await
        // The name was claimed above, so what is left is the address.
        .map_err(|e| if new.email.is_some() { StoreError::email_taken(e) } else { StoreError::taken(e) })?;
        tx.commit().await?;
        self.user_by_id(&id).await?.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    /// The user and the hash of the password, which is empty where there is none.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<(User, String)>, StoreError> {
        let query = sqlx::query(select!("WHERE users.name = $1 AND users.state <> 'deleted'")).bind(name);
        Ok(query.try_map(with_password).fetch_optional(&self.pool).await?)
    }

    /// The same by an address, which is kept in lower case.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<(User, String)>, StoreError> {
        let query = sqlx::query(select!("WHERE users.email = $1 AND users.state <> 'deleted'")).bind(email);
        Ok(query.try_map(with_password).fetch_optional(&self.pool).await?)
    }

    pub async fn user_by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        Ok(sqlx::query(select!("WHERE users.id = $1")).bind(id).try_map(user).fetch_optional(&self.pool).await?)
    }

    /// Up to `limit` users by name, those after `after`. Deleted ones are in no list.
    pub async fn users_page(&self, filter: UserFilter<'_>, after: &str, limit: u32) -> Result<Vec<User>, StoreError> {
        let mut conditions = String::new();
        let mut bound = Vec::new();
        if let Some(state) = filter.state {
            bound.push(state.as_str().to_owned());
            conditions.push_str("AND users.state = $3 ");
        }
        if let Some((first, last)) = prefix_range(filter.prefix) {
            let n = bound.len() + 3;
            conditions.push_str(&format!(
                "AND users.name >= ${n} AND users.name <= ${} AND SUBSTR(users.name, 1, {}) = ${n} ",
                n + 1,
                filter.prefix.len()
            ));
            bound.extend([first, last]);
        }
        if filter.suspended_at_ms.is_some() {
            conditions.push_str(&format!(
                "AND users.suspended_at_ms IS NOT NULL \
                 AND (users.suspended_until_ms IS NULL OR users.suspended_until_ms > ${}) ",
                bound.len() + 3
            ));
        }
        let sql = format!(
            select!("WHERE users.name > $1 AND users.state <> 'deleted' {} ORDER BY users.name LIMIT $2"),
            conditions
        );
        // Only fixed conditions, numbers of parameters and a length were put into the text.
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(i64::from(limit));
        for value in bound {
            query = query.bind(value);
        }
        if let Some(time_ms) = filter.suspended_at_ms {
            query = query.bind(time_ms);
        }
        Ok(query.try_map(user).fetch_all(&self.pool).await?)
    }

    /// Of those of `ids` who have any: their channels' names, and when each was last here.
    pub async fn at_a_glance(&self, ids: &[String]) -> Result<HashMap<String, Glance>, StoreError> {
        let mut glances: HashMap<String, Glance> = HashMap::new();
        if ids.is_empty() {
            return Ok(glances);
        }
        let list = placeholders(1, ids.len());
        let sql = format!(
            "SELECT owner_id, name FROM channels WHERE owner_id IN ({list}) AND deleted_at_ms IS NULL \
             ORDER BY owner_id, name"
        );
        // Only `$1,$2,…` was put into the texts.
        let mut channels = sqlx::query_as::<_, (String, String)>(AssertSqlSafe(sql));
        let sql =
            format!("SELECT user_id, MAX(last_used_at_ms) FROM sessions WHERE user_id IN ({list}) GROUP BY user_id");
        let mut seen = sqlx::query_as::<_, (String, i64)>(AssertSqlSafe(sql));
        for id in ids {
            (channels, seen) = (channels.bind(id), seen.bind(id));
        }
        for (owner, name) in channels.fetch_all(&self.pool).await? {
            glances.entry(owner).or_default().channels.push(name);
        }
        for (user, at_ms) in seen.fetch_all(&self.pool).await? {
            glances.entry(user).or_default().last_seen_at_ms = Some(at_ms);
        }
        Ok(glances)
    }

    pub async fn user_count(&self, state: State) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE state = $1").bind(state.as_str());
        Ok(query.fetch_one(&self.pool).await?)
    }

    async fn set(&self, sql: &'static str, user_id: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(sql).bind(user_id).bind(value).execute(&self.pool).await?;
        Ok(())
    }

    pub async fn set_display_name(&self, user_id: &str, name: &str) -> Result<(), StoreError> {
        self.set("UPDATE users SET display_name = $2 WHERE id = $1", user_id, name).await
    }

    pub async fn set_language(&self, user_id: &str, language: &str) -> Result<(), StoreError> {
        self.set("UPDATE users SET language = $2 WHERE id = $1", user_id, language).await
    }

    pub async fn set_color(&self, user_id: &str, color: &str) -> Result<(), StoreError> {
        self.set("UPDATE users SET color = $2 WHERE id = $1", user_id, color).await
    }

    pub async fn set_password_hash(&self, user_id: &str, hash: &str) -> Result<(), StoreError> {
        self.set("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, hash).await
    }

    pub async fn set_role(&self, user_id: &str, role: Role) -> Result<(), StoreError> {
        self.set("UPDATE users SET role = $2 WHERE id = $1", user_id, role.as_str()).await
    }

    pub async fn set_state(&self, user_id: &str, state: State) -> Result<(), StoreError> {
        self.set("UPDATE users SET state = $2 WHERE id = $1", user_id, state.as_str()).await
    }

    /// The picture's text, or nothing.
    pub async fn set_avatar(&self, user_id: &str, picture: Option<&Picture>) -> Result<(), StoreError> {
        let text = picture.map(Picture::to_string).unwrap_or_default();
        self.set("UPDATE users SET avatar = $2 WHERE id = $1", user_id, &text).await
    }

    /// [`StoreError::EmailTaken`] when it is another's.
    pub async fn set_email(
        &self,
        user_id: &str,
        email: Option<&str>,
        verified_at_ms: Option<i64>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE users SET email = $2, email_verified_at_ms = $3 WHERE id = $1")
            .bind(user_id)
            .bind(email)
            .bind(verified_at_ms)
            .execute(&self.pool)
            .await
            .map_err(StoreError::email_taken)?;
        Ok(())
    }

    /// Something that they logged in with has ended.
    pub(crate) async fn raise_login_revision(&self, user_id: &str) -> Result<(), StoreError> {
        let sql = "UPDATE users SET login_revision = login_revision + 1 WHERE id = $1";
        sqlx::query(sql).bind(user_id).execute(&self.pool).await?;
        Ok(())
    }

    /// `None` restores.
    pub async fn suspend_user(&self, user_id: &str, suspension: Option<&Suspension>) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE users SET suspended_at_ms = $2, suspended_until_ms = $3, suspended_reason = $4 WHERE id = $1",
        )
        .bind(user_id)
        .bind(suspension.map(|s| s.since_ms))
        .bind(suspension.and_then(|s| s.until_ms))
        .bind(suspension.map_or("", |s| &s.reason))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes all that tells who the user was. The row stays, under a name that says nothing, for
    /// what refers to it; its look-alikes stay taken, so that nobody takes its place.
    pub async fn delete_user(&self, user_id: &str) -> Result<(), StoreError> {
        let gone = format!("deleted_{}", &user_id[user_id.len().saturating_sub(12)..]);
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE users SET name = $2, state = 'deleted', role = 'viewer', password_hash = '', display_name = '', \
             email = NULL, email_verified_at_ms = NULL, language = '', color = '', avatar = '', sign_up_reason = '', \
             totp_secret = '', totp_step = 0, suspended_reason = '' WHERE id = $1",
        )
        .bind(user_id)
        .bind(&gone)
        .execute(&mut *tx)
        .await?;
        for sql in [
            "DELETE FROM sessions WHERE user_id = $1",
            "DELETE FROM access_tokens WHERE user_id = $1",
            "DELETE FROM recovery_codes WHERE user_id = $1",
            "DELETE FROM passkeys WHERE user_id = $1",
            "DELETE FROM oidc_identities WHERE user_id = $1",
            "DELETE FROM tickets WHERE user_id = $1",
            "DELETE FROM push_subscriptions WHERE user_id = $1",
            "DELETE FROM channel_staff WHERE user_id = $1",
            "DELETE FROM channel_guests WHERE user_id = $1",
            "UPDATE channels SET followers = followers - 1 WHERE id IN \
             (SELECT channel_id FROM follows WHERE user_id = $1)",
            "DELETE FROM follows WHERE user_id = $1",
        ] {
            sqlx::query(sql).bind(user_id).execute(&mut *tx).await?;
        }
        forget_user(&mut tx, user_id, &gone).await?;
        for sql in [
            "UPDATE audit SET actor = $2 WHERE actor_id = $1",
            "UPDATE audit SET target = $2 WHERE target_kind = 'user' AND target_id = $1",
        ] {
            sqlx::query(sql).bind(user_id).bind(&gone).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
