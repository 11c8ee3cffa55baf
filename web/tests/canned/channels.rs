//! Canned answers about a channel, for its tabs and its dashboard.

use super::{now_ms, problem};
use axum::{
    Json, Router,
    http::StatusCode,
    response::Response,
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

pub fn routes() -> Router {
    Router::new()
        .route("/categories", get(categories))
        .route("/categories/{slug}", get(async || Json(category("crafts", "Crafts & Making", 2, 1_296))))
        .route("/channels/{name}/about", get(about))
        .route("/channels/{name}/me", get(standing))
        .route("/channels/{name}/follow", put(nothing).delete(nothing))
        .route("/channels/{name}/report", post(nothing))
        .route("/channels/{name}/playback", post(locked))
        .route("/channels/{name}/schedule", get(schedule).post(refused_entry))
        .route("/channels/{name}/broadcasts", get(broadcasts))
        .route("/channels/{name}/broadcasts/{id}", get(async || Json(broadcast("b1", 1, false))))
        .route("/channels/{name}/broadcasts/{id}/viewers", get(samples))
        .route("/channels/{name}/keys", get(keys).post(new_key))
        .route("/channels/{name}/keys/{id}", delete(nothing))
        .route("/channels/{name}/keys/{id}/rotate", post(new_key))
        .route("/channels/{name}/staff", get(staff))
        .route("/channels/{name}/staff/{user}", put(no_such_user).delete(nothing))
        .route("/channels/{name}/followers", get(followers))
        .route("/channels/{name}/access", get(access).put(access))
        .route("/channels/{name}/webhooks", get(webhooks).post(new_webhook))
        .route("/channels/{name}/webhooks/{id}", delete(nothing))
        .route("/channels/{name}/webhooks/{id}/test", post(async || Json(delivery(false))))
        .route("/channels/{name}/webhooks/{id}/deliveries", get(async || list(&[delivery(true), delivery(false)])))
}

fn category(slug: &str, name: &str, live: u32, viewers: u32) -> Value {
    json!({"slug": slug, "name": name, "live_channels": live, "viewers": viewers})
}

async fn categories() -> Json<Value> {
    list(&[
        category("crafts", "Crafts & Making", 2, 1_296),
        category("music", "Music", 1, 12),
        category("games", "Games", 0, 0),
        category("science", "Science", 0, 0),
        category("food", "Food", 0, 0),
        category("travel", "Travel & Outdoors", 0, 0),
    ])
}

async fn about() -> Json<Value> {
    Json(json!({
        "description": "Small boats, built slowly. Wood, epoxy and a lot of sanding, every Saturday.",
        "links": [{"label": "Plans", "url": "https://example.org/plans"}, {"label": "Mastodon", "url": "https://example.org/@demo"}],
        "panels": [
            {"title": "What is this?", "text": "A **pram** of 2.4 m.", "html": "<p>A <strong>pram</strong> of 2.4 m, out of four sheets of plywood. Ask anything, and see the <a href=\"https://example.org\">plans</a>.</p><ul><li>Keel</li><li>Planks</li></ul>"},
            {"title": "Rules", "text": "Be kind.", "html": "<p>Be kind.</p>"},
        ],
        "owner": "Ada", "created_at_ms": now_ms() - 300 * DAY_MS,
    }))
}

async fn standing() -> Json<Value> {
    Json(json!({"following": true, "notify": true, "role": "owner", "may_watch": true}))
}

async fn locked() -> Response {
    problem(StatusCode::FORBIDDEN, "wrong_password", "The password is wrong.", Some("password"))
}

async fn schedule() -> Json<Value> {
    let occurrence = |days: i64, skipped: bool| {
        let start = now_ms() / DAY_MS * DAY_MS + days * DAY_MS + 19 * 3_600_000;
        json!({"entry": "e1", "title": "Boat building", "category": "Crafts & Making", "starts_at_ms": start,
            "ends_at_ms": start + 7_200_000, "date": format!("2026-11-{:02}", 20 + days), "skipped": skipped})
    };
    Json(json!({
        "entries": [{"id": "e1", "title": "Boat building", "category": "crafts", "start": "2026-11-21T20:00",
            "time_zone": "Europe/Berlin", "minutes": 120, "repeat": "weekly", "weekdays": ["sa", "we"], "until": "", "skips": []}],
        "occurrences": [occurrence(1, false), occurrence(4, true), occurrence(8, false)],
    }))
}

async fn refused_entry() -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_time_zone", "There is no time zone of this name.", Some("time_zone"))
}

fn broadcast(id: &str, days: i64, running: bool) -> Value {
    let start = now_ms() - days * DAY_MS;
    let mut info = json!({"id": id, "title": format!("Building a small boat, part {}", 5 - days), "started_at_ms": start,
        "peak_viewers": 900 + 130 * days, "average_viewers": 410});
    if !running {
        info["ended_at_ms"] = json!(start + 7_260_000);
    }
    info
}

async fn broadcasts() -> Json<Value> {
    list(&[broadcast("b0", 0, true), broadcast("b1", 1, false), broadcast("b2", 2, false), broadcast("b3", 4, false)])
}

async fn samples() -> Json<Value> {
    let sample = |minute: i64| {
        let swing = ((minute as f64) / 9.0).sin() * 120.0;
        let viewers = (minute as f64 * 9.0 - minute as f64 * minute as f64 * 0.06 + swing).max(0.0);
        json!({"at_ms": now_ms() - DAY_MS + minute * 60_000, "viewers": viewers as u32})
    };
    list(&(0..120).map(sample).collect::<Vec<_>>())
}

async fn keys() -> Json<Value> {
    list(&[
        json!({"id": "k1", "name": "OBS at home", "created_at_ms": now_ms() - 90 * DAY_MS, "last_used_at_ms": now_ms() - 60_000}),
        json!({"id": "k2", "name": "Phone", "created_at_ms": now_ms() - DAY_MS}),
    ])
}

async fn new_key() -> Json<Value> {
    Json(json!({"id": "k3", "key": "preview-key-preview-key-preview"}))
}

async fn staff() -> Json<Value> {
    list(&[
        json!({"username": "ada", "display_name": "Ada", "role": "owner", "since_ms": now_ms() - 300 * DAY_MS}),
        json!({"username": "grace", "display_name": "Grace", "role": "moderator", "since_ms": now_ms() - 3 * DAY_MS}),
    ])
}

async fn no_such_user() -> Response {
    problem(StatusCode::NOT_FOUND, "no_user", "There is no such user.", Some("username"))
}

async fn followers() -> Json<Value> {
    list(&[json!({"username": "linus", "display_name": "Linus", "since_ms": now_ms() - 2 * DAY_MS})])
}

async fn access() -> Json<Value> {
    Json(json!({"kind": "password", "has_password": true, "guests": ["grace"]}))
}

fn webhook() -> Value {
    json!({"id": "w1", "url": "https://bot.example.org/hooks/rivulet", "events": ["stream.online", "stream.offline"],
        "created_at_ms": now_ms() - 30 * DAY_MS, "disabled": false})
}

async fn webhooks() -> Json<Value> {
    list(&[webhook()])
}

async fn new_webhook() -> Json<Value> {
    Json(json!({"secret": "whsec_preview", "info": webhook()}))
}

fn delivery(delivered: bool) -> Value {
    match delivered {
        true => json!({"id": "d1", "event": "stream.online", "created_at_ms": now_ms() - 3_600_000, "attempts": 1,
            "delivered": true, "status": 204, "answer": "", "took_ms": 84}),
        false => json!({"id": "d2", "event": "test", "created_at_ms": now_ms(), "attempts": 1, "delivered": false,
            "status": 500, "answer": "<h1>Internal Server Error</h1>", "took_ms": 312}),
    }
}
