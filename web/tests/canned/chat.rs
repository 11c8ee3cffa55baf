//! Canned answers about the chat of a channel. There is no WebSocket here: pages show what was said.

use super::{now_ms, problem};
use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};

fn list(items: &[Value]) -> Json<Value> {
    Json(json!({ "items": items }))
}

async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}

pub fn routes() -> Router {
    Router::new()
        .route("/channels/{name}/chat", get(room))
        .route("/channels/{name}/chat/ticket", post(async || Json(json!({"ticket": "preview", "expires_at_ms": 0}))))
        .route("/channels/{name}/chat/messages", post(too_soon).delete(nothing))
        .route("/channels/{name}/chat/messages/{id}", delete(nothing))
        .route("/channels/{name}/chat/settings", get(async || Json(settings())).put(nothing))
        .route(
            "/channels/{name}/chat/shield",
            get(async || Json(json!({"on": false, "settings": settings()}))).put(nothing),
        )
        .route("/channels/{name}/chat/held", get(held))
        .route("/channels/{name}/chat/held/{id}", post(nothing))
        .route("/channels/{name}/chat/actions", get(actions))
        .route("/channels/{name}/chat/unban-requests", get(requests).post(nothing))
        .route("/channels/{name}/chat/unban-requests/{id}", put(nothing))
        .route("/channels/{name}/chat/terms", get(terms).post(bad_pattern))
        .route("/channels/{name}/chat/bans", get(bans))
        .route("/channels/{name}/chat/bans/{user}", put(nothing).delete(nothing))
        .route("/channels/{name}/chat/networks", get(networks))
        .route("/channels/{name}/chat/networks/{id}", delete(nothing))
        .route("/channels/{name}/chat/warnings/{user}", post(nothing))
        .route("/channels/{name}/chat/users/{user}", get(chatter))
        .route("/channels/{name}/chat/emotes", get(async || emotes(false)))
        .route("/channels/{name}/chat/badges", get(badges))
        .route("/channels/{name}/chat/commands", get(commands))
        .route("/channels/{name}/polls", get(async || list(&[poll()])).post(nothing))
        .route("/channels/{name}/polls/{id}/vote", post(nothing))
        .route("/admin/emotes", get(async || emotes(true)))
}

/// A picture for every emote.
pub fn pictures() -> Router {
    const SMILE: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 28 28' width='28' height='28'>\
        <circle cx='14' cy='14' r='13' fill='#fc3'/><path d='M8 17q6 6 12 0' fill='none' stroke='#420' stroke-width='2'/>\
        <circle cx='10' cy='11' r='2'/><circle cx='18' cy='11' r='2'/></svg>";
    Router::new()
        .route("/emotes/{id}/{size}", get(async || ([(header::CONTENT_TYPE, "image/svg+xml")], SMILE).into_response()))
}

async fn too_soon() -> Response {
    problem(StatusCode::TOO_MANY_REQUESTS, "slow_mode", "Slow mode: wait for 12 s.", None)
}

async fn bad_pattern() -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_pattern", "This is no pattern: unclosed group.", Some("text"))
}

fn person(login: &str) -> Value {
    json!({"id": format!("u-{login}"), "login": login, "display_name": login})
}

fn author(login: &str, color: &str, badges: &[(&str, &str)]) -> Value {
    let badges: Vec<Value> = badges.iter().map(|(kind, version)| json!({"kind": kind, "version": version})).collect();
    json!({"id": format!("u-{login}"), "login": login, "display_name": login, "color": color, "badges": badges})
}

fn message(n: i64, author: Value, text: &str) -> Value {
    json!({"id": format!("m{n}"), "at_ms": now_ms() - 60_000 + n * 1_000, "author": author, "text": text})
}

fn messages() -> Vec<Value> {
    let mut quoted =
        message(5, author("grace", "#2cc4ad", &[("subscriber", "6")]), "@demo the keel looks great riverHi");
    quoted["emotes"] = json!([{"id": "e1", "at": 27, "len": 7}]);
    quoted["reply_to"] = json!({"id": "m2", "user_id": "u-demo", "login": "demo", "display_name": "demo", "text": "What do you think of it?"});
    let mut announced = message(6, author("hedy", "", &[("moderator", "")]), "The next stream is on Sunday.");
    announced["announcement"] = json!("green");
    let mut waves = message(4, author("linus", "#8b4513", &[]), "waves");
    waves["action"] = json!(true);
    vec![
        message(1, author("margaret", "#1e2a99", &[]), "Good evening everybody 🦀"),
        message(2, author("demo", "", &[("admin", ""), ("broadcaster", "")]), "What do you think of it?"),
        message(
            3,
            author("ada", "#ff0000", &[("custom", "b1")]),
            "<b>not bold</b> and https://example.org/plans is a link",
        ),
        waves,
        quoted,
        announced,
        message(
            7,
            author("a_name_of_twenty_five_chr", "", &[]),
            "A long message, which goes over several lines and has averyveryverylongwordwithoutanyspacesinitthathastobebrokensomewhere in it.",
        ),
    ]
}

fn poll() -> Value {
    json!({"id": "p1", "question": "Which wood for the mast?", "ends_at_ms": now_ms() + 90_000, "ended": false, "options": [
        {"text": "Spruce", "votes": 31}, {"text": "Douglas fir", "votes": 12}, {"text": "Whatever floats", "votes": 3}]})
}

fn settings() -> Value {
    json!({"slow_seconds": 5, "followers_only_minutes": 10, "unique": true, "link_hosts": ["example.org"]})
}

async fn room() -> Json<Value> {
    Json(json!({
        "settings": settings(), "shield": false, "chatters": 42, "messages": messages(), "poll": poll(),
        "pinned": message(0, author("demo", "", &[("broadcaster", "")]), "Plans and parts list: https://example.org/plans"),
        "you": {"moderator": true, "vote": 0},
    }))
}

async fn held() -> Json<Value> {
    list(&[
        json!({"id": "h1", "message": message(8, author("eve", "", &[]), "buy followers at https://example.org/x"), "reason": "followers"}),
        json!({"id": "h2", "message": message(9, author("mallory", "", &[]), "a second one"), "reason": "second*"}),
    ])
}

async fn actions() -> Json<Value> {
    let action = |n: i64, mut act: Value| {
        act["revision"] = json!(n);
        act["at_ms"] = json!(now_ms() - (10 - n) * 60_000);
        act["by"] = person("hedy");
        act
    };
    list(&[
        action(4, json!({"act": "shield", "on": false, "settings": settings()})),
        action(3, json!({"act": "ban", "user": person("eve"), "until_ms": now_ms() + 600_000, "reason": "spam"})),
        action(2, json!({"act": "delete", "message_id": "m0", "user": person("eve"), "text": "buy followers"})),
        action(1, json!({"act": "warn", "user": person("eve"), "reason": "Please stop."})),
    ])
}

async fn requests() -> Json<Value> {
    list(&[
        json!({"id": "r1", "user": person("mallory"), "text": "Sorry, it will not happen again.", "created_at_ms": now_ms(),
        "state": "open", "answer": "", "answered_by": ""}),
    ])
}

async fn terms() -> Json<Value> {
    list(&[
        json!({"id": "t1", "text": "buy follow*", "pattern": false, "deed": "block", "by": "hedy", "created_at_ms": 0}),
        json!({"id": "t2", "text": "(?i)sp[a@]m", "pattern": true, "deed": "hold", "by": "demo", "created_at_ms": 0}),
    ])
}

fn ban(login: &str, until_ms: Option<i64>) -> Value {
    json!({"user": person(login), "until_ms": until_ms, "reason": "spam", "by": "hedy", "at_ms": now_ms()})
}

async fn bans() -> Json<Value> {
    list(&[ban("eve", Some(now_ms() + 600_000)), ban("mallory", None)])
}

async fn networks() -> Json<Value> {
    list(&[json!({"id": "n1", "username": "mallory", "by": "hedy", "created_at_ms": now_ms()})])
}

async fn chatter() -> Json<Value> {
    let mut gone = message(2, author("eve", "", &[]), "buy followers");
    gone["deleted"] = json!(true);
    let Json(actions) = actions().await;
    Json(json!({
        "user": person("eve"), "created_at_ms": now_ms() - 86_400_000, "ban": ban("eve", Some(now_ms() + 600_000)),
        "messages": [message(3, author("eve", "", &[]), "hello"), gone], "actions": actions["items"],
        "notes": [{"id": "n1", "text": "Came with a raid.", "by": "hedy", "at_ms": now_ms()}],
    }))
}

fn emotes(global: bool) -> Json<Value> {
    list(&[
        json!({"id": "e1", "code": "riverHi", "animated": false, "global": global}),
        json!({"id": "e2", "code": "riverWave", "animated": true, "global": global}),
    ])
}

async fn badges() -> Json<Value> {
    list(&[json!({"id": "b1", "title": "Boat builder", "picture": "e1", "holders": ["ada", "grace"]})])
}

async fn commands() -> Json<Value> {
    list(&[
        json!({"name": "plans", "reply": "{user}: https://example.org/plans", "cooldown_seconds": 5, "moderators_only": false}),
    ])
}
