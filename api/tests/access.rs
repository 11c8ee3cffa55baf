//! Every route of the API, called as everybody: who gets in and who does not is one table.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod site;

use axum::http::StatusCode;
use rivulet_protocol::rest::{ChannelRole, Role, Suspension};
use rivulet_store::testing::TempDir;
use rivulet_store::{Place, SessionToken, Store};
use serde_json::{Value, json};
use site::{Answer, Client, Site};
use std::collections::BTreeMap;

/// In this order: a guest, a viewer, somebody with another channel, the channel's moderator, its
/// editor, its owner, a moderator of the instance, an admin, somebody who is suspended.
///
/// `y` gets in (whatever comes of it), `l` has to log in, `-` may not, `s` may not while suspended.
const ROUTES: &[(&str, &str)] = &include!("access_table.in");

const CALLERS: [&str; 9] = ["guest", "vic", "olga", "mod", "ed", "ann", "mia", "boss", "sue"];

async fn site() -> (Site, TempDir) {
    let dir = TempDir::new();
    let url = format!("sqlite:{}", dir.path().join("rivulet.db").display());
    let site = Site::new(Store::open(&url).await.unwrap());
    let mut ids = BTreeMap::new();
    for (name, role) in [
        ("vic", Role::Viewer),
        ("olga", Role::Viewer),
        ("mod", Role::Viewer),
        ("ed", Role::Viewer),
        ("ann", Role::Viewer),
        ("mia", Role::Moderator),
        ("boss", Role::Admin),
        ("sue", Role::Viewer),
        ("target", Role::Viewer),
        ("spare", Role::Admin),
    ] {
        let name = rivulet_protocol::ChannelName::parse(name).unwrap();
        // Nobody logs in with it.
        let user = site.store.create_user(&name, "hash", role, 1).await.unwrap();
        ids.insert(name.to_string(), user.id);
    }
    for (channel, owner) in [("ann", "ann"), ("olga", "olga")] {
        let name = rivulet_protocol::ChannelName::parse(channel).unwrap();
        site.store.create_channel(&name, &ids[owner], "", 1).await.unwrap();
    }
    let channel = site.store.channel_by_name("ann").await.unwrap().unwrap();
    site.store.set_staff(&channel.id, &ids["mod"], ChannelRole::Moderator, 1).await.unwrap();
    site.store.set_staff(&channel.id, &ids["ed"], ChannelRole::Editor, 1).await.unwrap();
    let suspension = Suspension { reason: "Spam".into(), since_ms: 1, until_ms: None };
    site.store.suspend_user(&ids["sue"], Some(&suspension)).await.unwrap();
    site.chat();
    (site, dir)
}

async fn caller(site: &Site, name: &str) -> Client {
    let guest = site.guest();
    let Some((user, _)) = site.store.user_by_name(name).await.unwrap() else { return guest };
    let token = SessionToken::generate();
    site.store.create_session(&user.id, &token.hash(), Place::default(), 1, i64::MAX).await.unwrap();
    guest.with("cookie", &format!("rivulet={}", token.reveal()))
}

/// A body of the right form, so that nobody is refused for another reason.
fn body(route: &str) -> Value {
    let reason = json!({"reason": "A test"});
    match route {
        "POST /login" => json!({"username": "vic", "password": "wrong horse"}),
        "POST /login/second" | "PUT /me/totp" => json!({"code": "000000"}),
        "POST /login/passkey" => json!({"ticket": "x", "credential": {}}),
        "POST /me/passkeys" => json!({"ticket": "x", "credential": {}, "name": "x"}),
        "POST /setup" => json!({"token": "x", "username": "x", "password": "x"}),
        "POST /signup" => json!({"username": "x", "password": "x"}),
        "POST /password/forgotten" => json!({"username": "x"}),
        "POST /password/reset" => json!({"token": "x", "password": "x"}),
        "POST /me/email/confirm" => json!({"token": "x"}),
        "POST /me/password" => json!({"current": "wrong horse", "password": "x"}),
        "DELETE /me" | "DELETE /me/totp" | "POST /me/recovery-codes" => json!({"password": "wrong horse"}),
        "POST /me/tokens" => json!({"name": "x", "scopes": ["user:read"]}),
        "PUT /me/push" | "DELETE /me/push" => json!({"endpoint": "x", "p256dh": "x", "auth": "x"}),
        "POST /channels" => json!({"name": "x"}),
        "PUT /channels/{name}/access" => json!({"kind": "public"}),
        "PUT /channels/{name}/staff/{username}" => json!({"role": "moderator"}),
        "POST /channels/{name}/keys" => json!({"name": "x"}),
        "POST /channels/{name}/report" => json!({"reason": "spam"}),
        "POST /channels/{name}/webhooks" => json!({"url": "x", "events": ["stream.online"]}),
        "POST /channels/{name}/schedule" | "PUT /channels/{name}/schedule/{id}" => {
            json!({"title": "x", "start": "x", "time_zone": "x", "minutes": 1, "repeat": "once"})
        }
        "POST /admin/users" => json!({"username": "x", "password": "x", "role": "viewer"}),
        "POST /admin/channels" => json!({"name": "x", "owner": "x"}),
        "PATCH /admin/channels/{name}" => json!({"owner": "x"}),
        "PUT /admin/channels/{name}/limits" => json!({"max_fps": 0}),
        "POST /admin/invites" => json!({"uses": 0}),
        "POST /admin/announcements" => json!({"text": ""}),
        "POST /admin/categories" => json!({"name": ""}),
        "POST /admin/reports/{id}/resolve" => json!({"state": "acted"}),
        "PUT /admin/settings" => json!({
            "name": "", "sign_up": "open", "retention_hours": 1, "ladder": "", "max_channels_per_user": 1,
            "viewers_create_channels": true,
        }),
        "POST /channels/{name}/chat/messages"
        | "POST /channels/{name}/chat/announcements"
        | "POST /channels/{name}/chat/terms"
        | "POST /channels/{name}/chat/unban-requests"
        | "POST /channels/{name}/chat/users/{username}/notes" => json!({"text": "x"}),
        "PUT /channels/{name}/chat/settings" | "PUT /channels/{name}/chat/shield" => json!({}),
        "PUT /channels/{name}/chat/pin" => json!({"message_id": ""}),
        "POST /channels/{name}/chat/held/{id}" => json!({"allow": true}),
        "PUT /channels/{name}/chat/unban-requests/{id}" => json!({"approve": true}),
        "PUT /channels/{name}/chat/commands/{command}" => json!({"reply": "x"}),
        "POST /channels/{name}/polls" => json!({"question": "x", "options": ["a", "b"], "seconds": 60}),
        "POST /channels/{name}/polls/{id}/vote" => json!({"option": 0}),
        "POST /channels/{name}/raid" => json!({"channel": "olga"}),
        _ => reason,
    }
}

fn path(route: &str) -> String {
    let path = route.split_once(' ').unwrap().1;
    let of_user = path.starts_with("/admin/users/") || path.starts_with("/users/");
    let name = if of_user { "target" } else { "ann" };
    let path = path.replace("{name}", name).replace("{username}", "target").replace("{slug}", "games");
    let path = path.replace("{code}", "Wave").replace("{command}", "wave");
    path.replace("{id}", "none").replace("{date}", "2026-01-01")
}

fn letter(route: &str, answer: &Answer) -> char {
    let code = serde_json::from_str::<Value>(&answer.body).ok();
    let code = code.as_ref().and_then(|problem| problem["code"].as_str()).unwrap_or_default();
    assert!(!answer.status.is_server_error(), "{route}: {} {}", answer.status, answer.body);
    assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{route}");
    assert_ne!(code, "bad_body", "{route} needs another body: {}", answer.body);
    match (answer.status.as_u16(), code) {
        (401, "not_logged_in") => 'l',
        (403, "suspended") => 's',
        (403, "forbidden") => '-',
        _ => 'y',
    }
}

/// All routes of the document, as `METHOD /path`.
async fn documented() -> Vec<String> {
    let (site, _dir) = site().await;
    let document: Value = serde_json::from_str(&site.api_document().await).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods = |(path, item): (&String, &Value)| {
        let path = path.strip_prefix("/api/v1").unwrap().to_owned();
        let of = |method: &String| format!("{} {path}", method.to_uppercase());
        item.as_object().unwrap().keys().map(of).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

#[tokio::test]
async fn every_route_as_everybody() {
    let table: BTreeMap<&str, &str> = ROUTES.iter().copied().collect();
    let mut wrong = Vec::new();
    let routes = documented().await;
    for route in &routes {
        let method = route.split_once(' ').unwrap().0;
        let mut seen = String::new();
        let (mut here, mut _dir) = site().await;
        for name in CALLERS {
            // What was deleted is there for the next one.
            if method == "DELETE" && name != CALLERS[0] {
                (here, _dir) = site().await;
            }
            let client = caller(&here, name).await;
            let picture = route.ends_with("/avatar")
                || route.ends_with("/banner")
                || route.ends_with("/logo")
                || route.ends_with("/emotes/{code}")
                || route.ends_with("/picture");
            let answer = match (method, picture) {
                ("GET", _) => client.status(&path(route)).await,
                ("POST", _) if route.ends_with("/badges") => {
                    let path = format!("{}?title=x", path(route));
                    client.with("content-type", "image/png").send("POST", &path, "x".into()).await
                }
                ("PUT", true) => client.with("content-type", "image/png").send("PUT", &path(route), "x".into()).await,
                _ => client.send_json(method, &path(route), body(route)).await,
            };
            seen.push(letter(route, &answer));
        }
        if table.get(route.as_str()) != Some(&seen.as_str()) {
            wrong.push(format!("    ({route:?}, {seen:?}),"));
        }
    }
    let gone: Vec<_> = table.keys().filter(|route| !routes.iter().any(|known| known == *route)).collect();
    assert!(wrong.is_empty(), "the table is another:\n{}", wrong.join("\n"));
    assert!(gone.is_empty(), "no such routes: {gone:?}");
}
