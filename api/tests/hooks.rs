//! Webhooks as the server at the other end sees them, and the part of Twitch's API that we have.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod site;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rivulet_protocol::rest::{Delivery, NewWebhook, Page, Role, Webhook};
use serde_json::{Value, json};
use site::{Client, PATIENCE, Site, suite};
use tokio::sync::mpsc;

suite!(webhooks, a_test_shows_the_answer, what_fails_is_tried_again, helix);

type Received = mpsc::UnboundedReceiver<(HeaderMap, String)>;

/// A server that answers `status`, and what it is sent.
async fn other_server(status: u16) -> (String, Received) {
    type Sender = mpsc::UnboundedSender<(HeaderMap, String)>;
    async fn take(
        State((status, told)): State<(u16, Sender)>,
        headers: HeaderMap,
        body: String,
    ) -> (StatusCode, String) {
        told.send((headers, body)).unwrap();
        (StatusCode::from_u16(status).unwrap(), format!("I say {status}. {}", "x".repeat(5000)))
    }
    let (told, received) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take)).with_state((status, told));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn inside(site: Site) -> Site {
    let site = site.configured(|config| config.outbound_allow = vec!["127.0.0.1".parse().unwrap()]);
    tokio::spawn(site.api.clone().run(site.shutdown.clone()));
    site
}

async fn hook(client: &Client, url: &str, events: Value) -> NewWebhook {
    let made = client.post("/channels/ann/webhooks", json!({"url": url, "events": events})).await;
    made.expect(StatusCode::CREATED);
    made.json()
}

async fn webhooks(site: Site) {
    let site = inside(site);
    let (ann, bob) = (site.user("ann", Role::Viewer).await, site.user("bob", Role::Viewer).await);
    for (url, events, field) in [
        ("https://10.0.0.1/", json!(["channel.update"]), "url"),
        ("http://example.org/", json!(["channel.update"]), "url"),
        ("ftp://example.org/", json!(["channel.update"]), "url"),
        ("nonsense", json!(["channel.update"]), "url"),
        ("http://127.0.0.1:1/", json!([]), "events"),
    ] {
        let answer = ann.post("/channels/ann/webhooks", json!({"url": url, "events": events})).await;
        assert_eq!(answer.problem(422).1.as_deref(), Some(field), "{url}");
    }
    bob.post("/channels/ann/webhooks", json!({"url": "http://127.0.0.1:1/", "events": ["channel.update"]}))
        .await
        .problem(403);
    let (url, mut received) = other_server(204).await;
    let made = hook(&ann, &url, json!(["channel.follow", "channel.update"])).await;
    ann.patch("/channels/ann", json!({"title": "Songs"})).await.expect(StatusCode::OK);
    let (headers, body) = tokio::time::timeout(PATIENCE, received.recv()).await.unwrap().unwrap();
    let text = |name: &str| headers[name].to_str().unwrap();
    let key = BASE64.decode(made.secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let signed = format!("{}.{}.{body}", text("webhook-id"), text("webhook-timestamp"));
    let signature = BASE64.decode(text("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    ring::hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["type"], &body["data"]["title"]), (&"channel.update".into(), &"Songs".into()));
    bob.put("/channels/ann/follow", json!({})).await.expect(StatusCode::OK);
    let (_, body) = tokio::time::timeout(PATIENCE, received.recv()).await.unwrap().unwrap();
    assert!(body.contains("channel.follow") && body.contains("bob"), "{body}");

    let path = format!("/channels/ann/webhooks/{}", made.info.id);
    let list = ann.get("/channels/ann/webhooks").await;
    assert!(!list.body.contains("whsec_"));
    assert_eq!(list.json::<Page<Webhook>>().items, [made.info]);
    bob.get(&format!("{path}/deliveries")).await.problem(403);
    bob.delete(&path).await.problem(403);
    ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
    ann.delete(&path).await.problem(404);
    for _ in 0..10 {
        hook(&ann, "http://127.0.0.1:1/", json!(["stream.online"])).await;
    }
    let answer = ann.post("/channels/ann/webhooks", json!({"url": url, "events": ["stream.online"]})).await;
    assert_eq!(answer.problem(409).0, "too_many_webhooks");
}

async fn a_test_shows_the_answer(site: Site) {
    let site = inside(site);
    let ann = site.user("ann", Role::Viewer).await;
    let (url, mut received) = other_server(418).await;
    let made = hook(&ann, &url, json!(["stream.online"])).await;
    let delivery: Delivery = ann.post(&format!("/channels/ann/webhooks/{}/test", made.info.id), json!({})).await.json();
    assert_eq!((delivery.event.as_str(), delivery.status, delivery.delivered), ("test", Some(418), false));
    assert!(delivery.answer.starts_with("I say 418.") && delivery.answer.len() == 1024, "{}", delivery.answer);
    assert_eq!((delivery.attempts, delivery.next_at_ms), (1, None));
    assert!(received.recv().await.unwrap().1.contains("\"test\""));
    // Nothing listens there.
    let made = hook(&ann, "http://127.0.0.1:1/", json!(["stream.online"])).await;
    let delivery: Delivery = ann.post(&format!("/channels/ann/webhooks/{}/test", made.info.id), json!({})).await.json();
    assert_eq!(delivery.status, None);
    assert!(delivery.answer.starts_with("Nothing answers there"), "{}", delivery.answer);
}

async fn what_fails_is_tried_again(site: Site) {
    let site = inside(site);
    let ann = site.user("ann", Role::Viewer).await;
    for (status, disabled) in [(500, false), (410, true)] {
        let (url, mut received) = other_server(status).await;
        let made = hook(&ann, &url, json!(["channel.update"])).await;
        ann.patch("/channels/ann", json!({"title": format!("Songs {status}")})).await.expect(StatusCode::OK);
        tokio::time::timeout(PATIENCE, received.recv()).await.unwrap().unwrap();
        let path = format!("/channels/ann/webhooks/{}", made.info.id);
        let noted = async {
            loop {
                let list: Page<Delivery> = ann.get(&format!("{path}/deliveries")).await.json();
                if list.items[0].attempts > 0 {
                    break list.items[0].clone();
                }
                tokio::task::yield_now().await;
            }
        };
        let delivery = tokio::time::timeout(PATIENCE, noted).await.unwrap();
        assert_eq!(
            (delivery.status, delivery.delivered, delivery.next_at_ms.is_none()),
            (Some(status), false, disabled)
        );
        let hooks: Page<Webhook> = ann.get("/channels/ann/webhooks").await.json();
        assert_eq!(hooks.items.iter().find(|hook| hook.id == made.info.id).unwrap().disabled, disabled);
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
    }
}

async fn helix(site: Site) {
    let (ann, bob) = (site.user("ann", Role::Viewer).await, site.user("bob", Role::Viewer).await);
    ann.patch("/channels/ann", json!({"title": "Songs", "category": "music", "language": "de"}))
        .await
        .expect(StatusCode::OK);
    bob.put("/channels/ann/follow", json!({})).await.expect(StatusCode::OK);
    site.on_air("ann").await;
    let get = async |client: &Client, path: &str| {
        let response = client.at_root("GET", path).await;
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status.as_u16(), serde_json::from_slice::<Value>(&bytes).unwrap())
    };
    let guest = site.guest();
    let (_, users) = get(&guest, "/helix/users?login=ann&login=BOB&login=nobody").await;
    assert_eq!((users["data"].as_array().unwrap().len(), &users["data"][0]["login"]), (2, &"ann".into()));
    let id = users["data"][0]["id"].as_str().unwrap();
    assert_eq!(get(&guest, "/helix/users").await.0, 401);
    let (_, streams) = get(&guest, "/helix/streams?user_login=ann&user_login=bob").await;
    let stream = &streams["data"][0];
    assert_eq!(streams["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&stream["title"], &stream["game_name"], &stream["type"]),
        (&"Songs".into(), &"Music".into(), &"live".into())
    );
    assert_eq!(stream["started_at"], "2023-11-14T22:13:20Z");
    assert_eq!(get(&guest, "/helix/streams?game_id=art").await.1["data"], json!([]));
    let (_, channels) = get(&guest, &format!("/helix/channels?broadcaster_id={id}")).await;
    assert_eq!(channels["data"][0]["broadcaster_language"], "de");
    let (status, error) = get(&guest, "/helix/channels").await;
    assert_eq!((status, &error["error"], &error["status"]), (400, &"Bad Request".into(), &400.into()));
    let path = format!("/helix/channels/followers?broadcaster_id={id}");
    let (_, followers) = get(&guest, &path).await;
    assert_eq!((&followers["total"], &followers["data"]), (&1.into(), &json!([])), "who they are is not for everybody");
    let (_, followers) = get(&ann, &path).await;
    assert_eq!(followers["data"][0]["user_login"], "bob");
}
