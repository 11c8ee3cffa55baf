//! All rows that are about one user, for that user.

use crate::{Store, StoreError};
use serde_json::{Map, Value};
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{Column, Row, ValueRef};

/// Name of the file, and what is in it. Secrets and their hashes are in none.
const FILES: [(&str, &str); 15] = [
    (
        "account",
        "SELECT id, name, display_name, role, state, email, email_verified_at_ms, language, color, sign_up_reason, \
         created_at_ms, suspended_at_ms, suspended_until_ms, suspended_reason FROM users WHERE id = $1",
    ),
    (
        "sessions",
        "SELECT device, address, created_at_ms, last_used_at_ms, expires_at_ms FROM sessions WHERE user_id = $1 \
         ORDER BY created_at_ms",
    ),
    (
        "access_tokens",
        "SELECT name, scopes, created_at_ms, expires_at_ms, last_used_at_ms FROM access_tokens WHERE user_id = $1 \
         ORDER BY created_at_ms",
    ),
    ("passkeys", "SELECT name, created_at_ms, last_used_at_ms FROM passkeys WHERE user_id = $1 ORDER BY created_at_ms"),
    ("identities", "SELECT issuer, subject FROM oidc_identities WHERE user_id = $1 ORDER BY issuer, subject"),
    (
        "channels",
        "SELECT id, name, display_name, title, description, category, tags, language, mature, access, links, panels, \
         followers, created_at_ms FROM channels WHERE owner_id = $1 ORDER BY name",
    ),
    (
        "broadcasts",
        "SELECT channels.name AS channel, broadcasts.title, broadcasts.category, started_at_ms, ended_at_ms, \
         peak_viewers FROM broadcasts JOIN channels ON channels.id = broadcasts.channel_id WHERE owner_id = $1 \
         ORDER BY started_at_ms",
    ),
    (
        "schedule",
        "SELECT channels.name AS channel, body, skips FROM schedule JOIN channels ON channels.id = schedule.channel_id \
         WHERE owner_id = $1 ORDER BY schedule.id",
    ),
    (
        "follows",
        "SELECT channels.name AS channel, notify, follows.created_at_ms FROM follows \
         JOIN channels ON channels.id = follows.channel_id WHERE user_id = $1 ORDER BY channels.name",
    ),
    (
        "helps",
        "SELECT channels.name AS channel, role, channel_staff.created_at_ms FROM channel_staff \
         JOIN channels ON channels.id = channel_staff.channel_id WHERE user_id = $1 ORDER BY channels.name",
    ),
    (
        "reports",
        "SELECT channels.name AS channel, reason, text, reports.created_at_ms, state FROM reports \
         JOIN channels ON channels.id = reports.channel_id WHERE reporter_id = $1 ORDER BY reports.id",
    ),
    (
        "messages",
        "SELECT channels.name AS channel, chat_messages.at_ms, chat_messages.body, chat_messages.deleted_at_ms \
         FROM chat_messages JOIN channels ON channels.id = chat_messages.channel_id WHERE chat_messages.user_id = $1 \
         ORDER BY chat_messages.id",
    ),
    (
        "bans",
        "SELECT channels.name AS channel, chat_bans.reason, chat_bans.created_at_ms, chat_bans.until_ms FROM chat_bans \
         JOIN channels ON channels.id = chat_bans.channel_id WHERE chat_bans.user_id = $1 ORDER BY channels.name",
    ),
    ("acts", "SELECT at_ms, action, target_kind, target, reason FROM audit WHERE actor_id = $1 ORDER BY id"),
    (
        "notifications",
        "SELECT endpoint, created_at_ms FROM push_subscriptions WHERE user_id = $1 ORDER BY created_at_ms",
    ),
];

fn object(row: AnyRow) -> sqlx::Result<Value> {
    let mut object = Map::new();
    for (index, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(index)?;
        let value = match raw.type_info().kind() {
            _ if raw.is_null() => Value::Null,
            AnyTypeInfoKind::BigInt | AnyTypeInfoKind::Integer => row.try_get::<i64, _>(index)?.into(),
            _ => row.try_get::<String, _>(index)?.into(),
        };
        object.insert(column.name().to_owned(), value);
    }
    Ok(Value::Object(object))
}

impl Store {
    /// Names of files and their rows.
    pub async fn export(&self, user_id: &str) -> Result<Vec<(&'static str, Vec<Value>)>, StoreError> {
        let mut files = Vec::new();
        for (name, sql) in FILES {
            files.push((name, sqlx::query(sql).bind(user_id).try_map(object).fetch_all(&self.pool).await?));
        }
        Ok(files)
    }
}
