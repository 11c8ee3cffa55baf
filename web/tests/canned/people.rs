//! Canned answers about people, for the account's pages and the administration's.

use super::{now_ms, problem};
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

fn list(items: &[Value]) -> Json<Value> {
    Json(json!({ "items": items }))
}

async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn taken() -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "name_taken", "This name is taken.", Some("username"))
}

pub fn routes() -> Router {
    Router::new().merge(account()).merge(admin())
}

fn account() -> Router {
    Router::new()
        .route("/signup", post(taken))
        .route(
            "/login/second",
            post(async || problem(StatusCode::UNAUTHORIZED, "wrong_code", "The code is wrong.", Some("code"))),
        )
        .route("/password/forgotten", post(nothing))
        .route("/password/reset", post(nothing))
        .route(
            "/me/password",
            post(async || {
                problem(StatusCode::UNPROCESSABLE_ENTITY, "wrong_password", "The password is wrong.", Some("current"))
            }),
        )
        .route("/me/sessions", get(sessions).delete(nothing))
        .route("/me/sessions/{id}", delete(nothing))
        .route("/me/passkeys", get(passkeys))
        .route("/me/passkeys/{id}", delete(nothing))
        .route("/me/tokens", get(tokens).post(new_token))
        .route("/me/tokens/{id}", delete(nothing))
        .route("/me/totp", post(totp).put(recovery_codes).delete(nothing))
        .route("/me/recovery-codes", post(recovery_codes))
        .route("/me/notifications", get(notifications))
        .route("/me/notifications/seen", post(nothing))
        .route("/me/avatar", put(nothing).delete(nothing))
}

async fn sessions() -> Json<Value> {
    let now = now_ms();
    list(&[
        json!({"id": "1", "device": "Firefox on Linux", "address": "192.168.1.20", "created_at_ms": now - DAY_MS,
            "last_used_at_ms": now, "current": true}),
        json!({"id": "2", "device": "Safari on iPhone", "address": "2001:db8:85a3::8a2e:370:7334",
            "created_at_ms": now - 20 * DAY_MS, "last_used_at_ms": now - 2 * DAY_MS, "current": false}),
    ])
}

async fn passkeys() -> Json<Value> {
    list(&[
        json!({"id": "1", "name": "My phone", "created_at_ms": now_ms() - 40 * DAY_MS, "last_used_at_ms": now_ms() - DAY_MS}),
    ])
}

async fn tokens() -> Json<Value> {
    list(&[
        json!({"id": "1", "name": "Chat bot", "scopes": ["chat:read", "chat:write"], "created_at_ms": now_ms() - DAY_MS}),
        json!({"id": "2", "name": "Title changer", "scopes": ["channel:write"], "created_at_ms": now_ms() - 9 * DAY_MS,
            "expires_at_ms": now_ms() + 90 * DAY_MS, "last_used_at_ms": now_ms() - 60_000}),
    ])
}

async fn new_token() -> Json<Value> {
    Json(
        json!({"token": "rvt_preview_preview_preview", "info": {"id": "3", "name": "x", "scopes": [], "created_at_ms": 0}}),
    )
}

async fn totp() -> Json<Value> {
    let qr = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><path fill='#fff' d='M0 0h8v8H0z'/><path d='M1 1h2v2H1zm4 0h2v2H5zM1 5h2v2H1zm3-1h1v1H4zm2 2h1v1H6z'/></svg>";
    Json(json!({"secret": "JBSWY3DPEHPK3PXP", "url": "otpauth://totp/x", "qr_svg": qr}))
}

async fn recovery_codes() -> Json<Value> {
    Json(json!({"codes": ["3k9d-72mq", "x81c-99ab", "p0f2-k3k3", "77aa-b1b1"]}))
}

async fn notifications() -> Json<Value> {
    list(&[
        json!({"kind": "live", "channel": "demo", "display_name": "Demo", "title": "Building a small boat, part 4: the keel",
            "at_ms": now_ms() - 600_000, "seen": false}),
        json!({"kind": "live", "channel": "quiet", "display_name": "Quiet Room", "title": "Piano on Sundays",
            "at_ms": now_ms() - 6 * DAY_MS, "seen": true}),
    ])
}

fn admin() -> Router {
    Router::new()
        .route("/admin/overview", get(overview))
        .route("/admin/users", get(users).post(taken))
        .route("/admin/users/{name}", get(async || Json(user("grace", "suspended"))).patch(nothing).delete(nothing))
        .route("/admin/users/{name}/{act}", post(nothing))
        .route("/admin/channels", get(channels))
        .route("/admin/channels/{name}", post(nothing).patch(nothing))
        .route("/admin/channels/{name}/{act}", post(nothing))
        .route("/admin/invites", get(invites).post(new_invite))
        .route("/admin/reports", get(reports))
        .route("/admin/reports/{id}/resolve", post(nothing))
        .route("/admin/audit", get(audit))
        .route("/admin/settings", get(settings).put(refused_settings))
        .route("/admin/announcements", get(announcements).post(nothing))
        .route("/admin/announcements/{id}", delete(nothing))
        .route("/admin/categories", post(nothing))
}

async fn overview() -> Json<Value> {
    let live = |channel: &str, title: &str, viewers: u32, cpu: u32| {
        json!({"channel": channel, "title": title, "started_at_ms": now_ms() - 5_400_000, "viewers": viewers,
            "source": "1920x1080 30 fps 6000 kb/s", "rungs": ["720p", "360p"], "cpu_percent": cpu})
    };
    Json(json!({
        "version": "0.1.0", "users": 12_408, "pending_users": 2, "channels": 311, "open_reports": 1,
        "live": [live("demo", "Building a small boat, part 4: the keel", 1_284, 143), live("river", "Night walk", 12, 38)],
        "storage": {"recorded_bytes": 812_000_000_000_u64, "recorded_broadcasts": 932, "picture_bytes": 412_000_000,
            "disk_free_bytes": 211_000_000_000_u64, "disk_bytes": 2_000_000_000_000_u64},
    }))
}

fn user(name: &str, state: &str) -> Value {
    let suspended = (state == "suspended").then(|| json!({"reason": "Spam in three channels", "since_ms": now_ms() - DAY_MS, "until_ms": now_ms() + 6 * DAY_MS}));
    let mut user = json!({
        "id": name, "username": name, "display_name": name, "role": "viewer", "state": state, "second_factor": false,
        "email": format!("{name}@example.org"), "channels": [name], "created_at_ms": now_ms() - 100 * DAY_MS,
        "last_seen_at_ms": now_ms() - 3_600_000,
        "sign_up_reason": if state == "pending" { "I stream piano on Sundays and a friend is here." } else { "" },
    });
    if let Some(suspended) = suspended {
        user["suspended"] = suspended;
    }
    user
}

async fn users() -> Json<Value> {
    list(&[user("ada", "active"), user("grace", "suspended"), user("linus", "pending"), user("margaret", "active")])
}

async fn channels() -> Json<Value> {
    let channel = |name: &str, live: bool| {
        json!({"id": name, "name": name, "display_name": name, "title": "Building a small boat", "owner": "ada",
            "access": "public", "followers": 312, "created_at_ms": now_ms() - 90 * DAY_MS, "live": live, "limits": {"max_kbps": 6000}})
    };
    list(&[channel("demo", true), channel("quiet", false)])
}

async fn invites() -> Json<Value> {
    list(&[json!({"id": "1", "note": "For Grace", "uses_left": 1, "created_by": "demo", "created_at_ms": now_ms()})])
}

async fn new_invite() -> Json<Value> {
    Json(json!({"url": "https://tv.example/signup?invite=preview", "info": {"id": "2", "note": "", "uses_left": 1,
        "created_by": "demo", "created_at_ms": 0}}))
}

async fn reports() -> Json<Value> {
    list(&[json!({"id": "1", "channel": "river", "reporter": "ada", "reason": "copyright",
        "text": "They show a whole film, since about 20:15.", "created_at_ms": now_ms() - 1_800_000, "state": "open"})])
}

async fn audit() -> Json<Value> {
    let entry = |actor: &str, action: &str, target: &str, reason: &str| {
        json!({"id": "1", "at_ms": now_ms() - 60_000, "actor": actor, "action": action, "target_kind": "user",
            "target": target, "reason": reason, "request_id": "0193f6a2-77aa"})
    };
    list(&[
        entry("demo", "user.suspend", "grace", "Spam in three channels"),
        entry("demo", "instance.settings", "instance", ""),
    ])
}

async fn settings() -> Json<Value> {
    Json(json!({"name": "Rivulet", "sign_up": "approval", "retention_hours": 168, "ladder": "1080p,720p=2500,360p",
        "max_channels_per_user": 3, "viewers_create_channels": true}))
}

async fn refused_settings() -> Response {
    problem(
        StatusCode::UNPROCESSABLE_ENTITY,
        "bad_ladder",
        "“4kp” is no quality: write 720p or 720p=2500.",
        Some("ladder"),
    )
    .into_response()
}

async fn announcements() -> Json<Value> {
    list(&[json!({"id": "1", "text": "Maintenance on Sunday at 3 in the morning, for half an hour.", "urgent": false,
        "created_by": "demo", "created_at_ms": now_ms(), "until_ms": now_ms() + DAY_MS})])
}
