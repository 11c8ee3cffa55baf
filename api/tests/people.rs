//! Accounts as their owners see them: signing up, profiles, passwords, tokens, leaving.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../src/testing.rs"]
#[allow(dead_code)]
mod devices;
mod site;

use axum::body::Body;
use axum::http::{StatusCode, header};
use devices::MailServer;
use rivulet_protocol::rest::{Me, NewToken, Page, Role, Session, SignUp, Token, User};
use rivulet_store::InviteCode;
use serde_json::{Value, json};
use site::{Client, PASSWORD, Site, suite};
use std::time::{SystemTime, UNIX_EPOCH};

suite!(
    signing_up,
    signing_up_by_invite,
    signing_up_with_approval,
    names_that_look_alike,
    profiles,
    pictures,
    sessions,
    passwords,
    mail,
    tokens,
    asking_twice,
    limits,
    leaving,
);

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn with_sign_up(site: Site, mode: SignUp) -> Site {
    site.configured(|config| config.settings.sign_up = mode)
}

fn account(username: &str) -> Value {
    json!({"username": username, "password": PASSWORD})
}

async fn signing_up(site: Site) {
    assert_eq!(site.guest().post("/signup", account("ann")).await.problem(403).0, "sign_up_closed");
    let site = with_sign_up(site, SignUp::Open);
    let guest = site.guest();
    for (body, code, field) in [
        (json!({"username": "a", "password": PASSWORD}), "bad_name", "username"),
        (json!({"username": "admin", "password": PASSWORD}), "reserved", "username"),
        (json!({"username": "ann", "password": "short"}), "too_short", "password"),
        (json!({"username": "ann", "password": PASSWORD, "email": "nonsense"}), "bad_email", "email"),
        (json!({"username": "ann", "password": PASSWORD, "reason": "x".repeat(501)}), "too_long", "reason"),
    ] {
        let problem = guest.at([203, 0, 113, 9]).post("/signup", body).await.problem(422);
        assert_eq!(problem, (code.into(), Some(field.into())));
    }
    let body = json!({"username": " Ann ", "password": PASSWORD, "email": "Ann@D.example"});
    let answer = guest.post("/signup", body).await;
    answer.expect(StatusCode::CREATED);
    let me: Me = answer.json();
    assert_eq!((me.username.as_str(), me.role, me.channels.len()), ("ann", Role::Viewer, 0));
    assert_eq!((me.email.as_deref(), me.email_verified), (Some("ann@d.example"), false));
    let ann = guest.with("cookie", &answer.cookie());
    assert_eq!(ann.get("/me").await.json::<Me>(), me);
    assert_eq!(guest.post("/signup", account("ann")).await.problem(409), ("taken".into(), Some("username".into())));
    let body = json!({"username": "bob", "password": PASSWORD, "email": "ANN@d.example"});
    assert_eq!(guest.post("/signup", body).await.problem(409), ("taken".into(), Some("email".into())));
    // Ten from one address in a quarter of an hour.
    let crowd = guest.at([203, 0, 113, 50]);
    for _ in 0..10 {
        crowd.post("/signup", account("ann")).await.problem(409);
    }
    assert_eq!(crowd.post("/signup", account("zoe")).await.problem(429).0, "too_many_sign_ups");
    guest.post("/signup", account("zoe")).await.expect(StatusCode::CREATED);
}

async fn signing_up_by_invite(site: Site) {
    let site = with_sign_up(site, SignUp::Invite);
    site.user("boss", Role::Admin).await;
    let boss = site.store.user_by_name("boss").await.unwrap().unwrap().0;
    let (guest, code) = (site.guest(), InviteCode::generate());
    site.store.add_invite(&code.hash(), "", 1, &boss, 1, None).await.unwrap();
    let with = |name: &str, invite: &str| json!({"username": name, "password": PASSWORD, "invite": invite});
    for wrong in ["", "nonsense", InviteCode::generate().reveal()] {
        let problem = guest.post("/signup", with("ann", wrong)).await.problem(422);
        assert_eq!(problem, ("bad_invite".into(), Some("invite".into())));
    }
    // What comes to nothing costs nothing.
    guest.post("/signup", with("boss", code.reveal())).await.problem(409);
    guest.post("/signup", with("ann", code.reveal())).await.expect(StatusCode::CREATED);
    assert_eq!(guest.post("/signup", with("bob", code.reveal())).await.problem(422).0, "bad_invite");
    let late = InviteCode::generate();
    site.store.add_invite(&late.hash(), "", 5, &boss, 1, Some(now_ms() - 1)).await.unwrap();
    assert_eq!(guest.post("/signup", with("bob", late.reveal())).await.problem(422).0, "bad_invite");
}

async fn signing_up_with_approval(site: Site) {
    let site = with_sign_up(site, SignUp::Approval);
    let boss = site.user("boss", Role::Admin).await;
    let guest = site.guest();
    let answer = guest.post("/signup", json!({"username": "ann", "password": PASSWORD, "reason": "I sing."})).await;
    answer.expect(StatusCode::ACCEPTED);
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    assert_eq!(guest.post("/login", account("ann")).await.problem(403).0, "pending");
    let waiting: Page<Value> = boss.get("/admin/users?state=pending").await.json();
    assert_eq!((waiting.items.len(), &waiting.items[0]["sign_up_reason"]), (1, &"I sing.".into()));
    boss.post("/admin/users/ann/approve", json!({})).await.expect(StatusCode::OK);
    guest.post("/login", account("ann")).await.expect(StatusCode::OK);
    // Declined.
    guest.post("/signup", account("bob")).await.expect(StatusCode::ACCEPTED);
    boss.send_json("DELETE", "/admin/users/bob", json!({"reason": "spam"})).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(guest.post("/login", account("bob")).await.problem(401).0, "wrong_password");
}

async fn names_that_look_alike(site: Site) {
    let site = with_sign_up(site, SignUp::Open);
    let paypal = site.user("paypal", Role::Viewer).await;
    let guest = site.guest();
    for alike in ["paypa1", "PAYPAI", "paypal"] {
        assert_eq!(guest.post("/signup", account(alike)).await.problem(409).0, "taken", "{alike}");
    }
    let eve = site.user("eve", Role::Viewer).await;
    assert_eq!(eve.post("/channels", json!({"name": "paypa1"})).await.problem(409).0, "taken");
    paypal.post("/channels", json!({"name": "paypa1"})).await.expect(StatusCode::CREATED);
    let shown = eve.patch("/me", json!({"display_name": "PayPaI"})).await.problem(409);
    assert_eq!(shown, ("taken".into(), Some("display_name".into())));
    assert_eq!(paypal.patch("/me", json!({"display_name": "PayPal"})).await.json::<Me>().display_name, "PayPal");
}

async fn profiles(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let me: Me = ann.patch("/me", json!({"display_name": " Änn Lee ", "language": "de"})).await.json();
    assert_eq!((me.display_name.as_str(), me.language.as_deref()), ("Änn Lee", Some("de")));
    let me: Me = ann.patch("/me", json!({})).await.json();
    assert_eq!(me.display_name, "Änn Lee", "what is absent stays");
    let shown: User = site.guest().get("/users/ANN").await.json();
    assert_eq!((shown.username.as_str(), shown.display_name.as_str()), ("ann", "Änn Lee"));
    assert!(!site.guest().get("/users/ann").await.body.contains("mail"), "nobody's business");
    for (body, field) in [
        (json!({"display_name": "x".repeat(26)}), "display_name"),
        (json!({"display_name": "a\u{202e}b"}), "display_name"),
        (json!({"display_name": "Admin"}), "display_name"),
        (json!({"language": "de_DE; DROP"}), "language"),
        (json!({"email": "a@b@c"}), "email"),
    ] {
        assert_eq!(ann.patch("/me", body).await.problem(422).1.as_deref(), Some(field));
    }
    let me: Me = ann.patch("/me", json!({"display_name": "", "language": "", "email": "a@b.example"})).await.json();
    assert_eq!((me.display_name.as_str(), me.language, me.email.as_deref()), ("ann", None, Some("a@b.example")));
    site.user("bob", Role::Viewer).await.patch("/me", json!({"email": "A@b.example"})).await.problem(409);
    assert_eq!(ann.patch("/me", json!({"email": ""})).await.json::<Me>().email, None);
    site.guest().get("/users/nobody").await.problem(404);
    site.guest().patch("/me", json!({})).await.problem(401);
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(width, height).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn pictures(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let upload = ann.with("content-type", "image/png");
    let me: Me = upload.send("PUT", "/me/avatar", Body::from(png(300, 200))).await.json();
    let avatar = me.avatar.unwrap();
    assert_eq!(
        avatar.sizes.iter().map(|size| (size.width, size.height)).collect::<Vec<_>>(),
        [(64, 64), (128, 128), (256, 256)]
    );
    let shown = site.guest().at_root("GET", &avatar.sizes[0].url).await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert_eq!(shown.headers()[header::CONTENT_TYPE], "image/jpeg");
    assert_eq!(shown.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    // Another one takes its place, and the old one is gone.
    let me: Me = upload.send("PUT", "/me/avatar", Body::from(png(64, 64))).await.json();
    assert_ne!(me.avatar.as_ref(), Some(&avatar));
    assert_eq!(site.guest().at_root("GET", &avatar.sizes[0].url).await.status(), StatusCode::NOT_FOUND);
    for wrong in ["/pictures/x/64x64.svg", "/pictures/../rivulet.png", "/pictures/%2e%2e/x.png", "/pictures/a/b.png"] {
        assert_eq!(site.guest().at_root("GET", wrong).await.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
    let svg = ann.with("content-type", "image/svg+xml").send("PUT", "/me/avatar", Body::from("<svg/>")).await;
    assert_eq!(svg.problem(422).0, "bad_picture");
    let large = upload.send("PUT", "/me/avatar", Body::from(vec![0; 8 * 1024 * 1024 + 1])).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ann.send("DELETE", "/me/avatar", Body::empty()).await.json::<Me>().avatar, None);
    // Of a channel, by those who edit it.
    let about: Value = upload.send("PUT", "/channels/ann/banner", Body::from(png(800, 200))).await.json();
    assert_eq!(about["banner"]["sizes"][2]["width"], 1440);
    let bob = site.user("bob", Role::Viewer).await.with("content-type", "image/png");
    bob.send("PUT", "/channels/ann/avatar", Body::from(png(8, 8))).await.problem(403);
}

async fn sessions(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let guest = site.guest().at([198, 51, 100, 7]);
    let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604";
    let answer = guest.with("user-agent", phone).post("/login", account("ann")).await;
    let elsewhere = guest.with("cookie", &answer.cookie());
    let list: Page<Session> = elsewhere.get("/me/sessions").await.json();
    assert_eq!(list.items.len(), 2);
    let here = list.items.iter().find(|session| session.current).unwrap();
    assert_eq!((here.device.as_str(), here.address.as_str()), ("Safari on iPhone", "198.51.100.7"));
    let other = list.items.iter().find(|session| !session.current).unwrap();
    let bob = site.user("bob", Role::Viewer).await;
    bob.send("DELETE", &format!("/me/sessions/{}", other.id), Body::empty()).await.problem(404);
    ann.get("/me").await.expect(StatusCode::OK);
    elsewhere.send("DELETE", &format!("/me/sessions/{}", other.id), Body::empty()).await.expect(StatusCode::NO_CONTENT);
    ann.get("/me").await.problem(401);
    let again = guest.post("/login", account("ann")).await;
    elsewhere.send("DELETE", "/me/sessions", Body::empty()).await.expect(StatusCode::NO_CONTENT);
    elsewhere.get("/me").await.problem(401);
    guest.with("cookie", &again.cookie()).get("/me").await.problem(401);
}

async fn passwords(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let boss = site.user("boss", Role::Admin).await;
    let guest = site.guest();
    let other = guest.with("cookie", &guest.post("/login", account("ann")).await.cookie());
    let change = |current: &str, password: &str| json!({"current": current, "password": password});
    let wrong = ann.post("/me/password", change("wrong horse", "battery staple")).await.problem(422);
    assert_eq!(wrong, ("wrong_password".into(), Some("current".into())));
    assert_eq!(ann.post("/me/password", change(PASSWORD, "short")).await.problem(422).0, "too_short");
    ann.post("/me/password", change(PASSWORD, "battery staple")).await.expect(StatusCode::NO_CONTENT);
    ann.get("/me").await.expect(StatusCode::OK);
    other.get("/me").await.problem(401);
    guest.post("/login", account("ann")).await.problem(401);

    // Forgotten: without mail the answer is the same, and the admin has a link to give.
    for who in ["ann", "nobody", "ann@d.example", ""] {
        guest.post("/password/forgotten", json!({"username": who})).await.expect(StatusCode::ACCEPTED);
    }
    let link: Value = boss.post("/admin/users/ann/reset-link", json!({})).await.json();
    let url = link["url"].as_str().unwrap();
    let token = url.strip_prefix("http://live.example:8080/reset-password?token=").unwrap();
    let reset = |token: &str, password: &str| json!({"token": token, "password": password});
    assert_eq!(guest.post("/password/reset", reset(token, "short")).await.problem(422).0, "too_short");
    guest.post("/password/reset", reset(token, PASSWORD)).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(guest.post("/password/reset", reset(token, PASSWORD)).await.problem(422).0, "bad_token", "once");
    assert_eq!(guest.post("/password/reset", reset("nonsense", PASSWORD)).await.problem(422).0, "bad_token");
    ann.get("/me").await.problem(401);
    guest.post("/login", account("ann")).await.expect(StatusCode::OK);
}

/// What a mail's link has in it; long lines of a mail are broken up with `=`.
fn token_in(mail: &str, page: &str) -> String {
    let mail = mail.replace("=\n", "").replace("=3D", "=");
    let (_, rest) = mail.split_once(&format!("https://live.example/{page}?token=")).expect(&mail);
    rest.split_whitespace().next().unwrap().to_owned()
}

async fn mail(site: Site) {
    let mut server = MailServer::start().await;
    let smtp = format!("smtp://127.0.0.1:{}?tls=none&from=rivulet@live.example", server.port);
    let site = site.configured(|config| {
        config.smtp = Some(smtp.parse().unwrap());
        config.public_url = Some("https://live.example".into());
    });
    let (ann, guest) = (site.user("ann", Role::Viewer).await, site.guest());
    assert!(guest.get("/instance").await.json::<Value>()["mail"].as_bool().unwrap());
    // An address counts when its owner has said so.
    let me: Me = ann.patch("/me", json!({"email": "ann@d.example"})).await.json();
    assert_eq!(me.email, None);
    let mail = server.next().await;
    assert!(mail.contains("RCPT TO:<ann@d.example>"), "{mail}");
    let token = json!({"token": token_in(&mail, "confirm-email")});
    guest.post("/me/email/confirm", token.clone()).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(guest.post("/me/email/confirm", token).await.problem(422).0, "bad_token", "once");
    let me: Me = ann.get("/me").await.json();
    assert_eq!((me.email.as_deref(), me.email_verified), (Some("ann@d.example"), true));
    for who in ["ann", "Ann@D.example"] {
        guest.post("/password/forgotten", json!({"username": who})).await.expect(StatusCode::ACCEPTED);
        let token = token_in(&server.next().await, "reset-password");
        let reset = json!({"token": token, "password": "battery staple"});
        guest.post("/password/reset", reset).await.expect(StatusCode::NO_CONTENT);
        guest.post("/login", json!({"username": "ann", "password": "battery staple"})).await.expect(StatusCode::OK);
    }
}

async fn tokens(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let make = |scopes: Value| json!({"name": "My bot", "scopes": scopes});
    for (body, field) in [
        (make(json!([])), "scopes"),
        (make(json!(["admin"])), "scopes"),
        (json!({"name": "", "scopes": ["user:read"]}), "name"),
        (json!({"name": "x", "scopes": ["user:read"], "expires_at_ms": 1}), "expires_at_ms"),
    ] {
        assert_eq!(ann.post("/me/tokens", body).await.problem(422).1.as_deref(), Some(field));
    }
    assert_eq!(ann.post("/me/tokens", make(json!(["everything"]))).await.problem(400).0, "bad_body");
    let made = ann.post("/me/tokens", make(json!(["user:read", "channel:write", "user:read"]))).await;
    made.expect(StatusCode::CREATED);
    let made: NewToken = made.json();
    assert!(made.token.starts_with("rvt_") && made.info.scopes.len() == 2);
    let bot = site.guest().with("authorization", &format!("Bearer {}", made.token));
    assert_eq!(bot.get("/me").await.json::<Me>().username, "ann");
    bot.patch("/channels/ann", json!({"title": "By a bot"})).await.expect(StatusCode::OK);
    for (method, path) in [
        ("PATCH", "/me"),
        ("POST", "/me/tokens"),
        ("POST", "/me/password"),
        ("POST", "/me/totp"),
        ("DELETE", "/me"),
        ("GET", "/me/export"),
        ("GET", "/channels/ann/golive"),
    ] {
        let body = json!({"name": "x", "scopes": ["user:read"], "password": PASSWORD});
        assert_eq!(bot.send_json(method, path, body).await.problem(403).0, "scope_missing", "{method} {path}");
    }
    for wrong in ["Bearer nonsense", "Bearer rvt_", "Basic YW5uOng=", "nonsense"] {
        let answer = ann.with("authorization", wrong).get("/me").await;
        assert_eq!(answer.problem(401).0, "bad_token", "not the cookie's either: {wrong}");
    }
    let list: Page<Token> = ann.get("/me/tokens").await.json();
    assert!(list.items[0].last_used_at_ms.is_some());
    assert!(!ann.get("/me/tokens").await.body.contains("rvt_"));
    ann.send("DELETE", &format!("/me/tokens/{}", made.info.id), Body::empty()).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(bot.get("/me").await.problem(401).0, "bad_token");
}

async fn asking_twice(site: Site) {
    let (ann, bob) = (site.user("ann", Role::Viewer).await, site.user("bob", Role::Viewer).await);
    let once = ann.with("idempotency-key", "key-1");
    let first = once.post("/channels", json!({"name": "second"})).await;
    first.expect(StatusCode::CREATED);
    let again = once.post("/channels", json!({"name": "second"})).await;
    again.expect(StatusCode::CREATED);
    assert_eq!((again.body, &again.headers["idempotency-replayed"]), (first.body, &"true".parse().unwrap()));
    ann.post("/channels", json!({"name": "second"})).await.problem(409);
    assert_eq!(once.post("/channels", json!({"name": "third"})).await.problem(422).0, "idempotency_key_reused");
    assert_eq!(once.post("/me/tokens", json!({})).await.problem(422).0, "idempotency_key_reused");
    bob.with("idempotency-key", "key-1").post("/channels", json!({"name": "bobs"})).await.expect(StatusCode::CREATED);
    // A refusal is an answer too.
    let wrong = ann.with("idempotency-key", "key-2");
    wrong.post("/channels", json!({"name": "x"})).await.problem(422);
    assert_eq!(wrong.post("/channels", json!({"name": "x"})).await.problem(422).0, "bad_name");
    // What is shown once is not shown twice.
    let secret = ann.with("idempotency-key", "key-3");
    let body = json!({"name": "bot", "scopes": ["user:read"]});
    secret.post("/me/tokens", body.clone()).await.expect(StatusCode::CREATED);
    assert_eq!(secret.post("/me/tokens", body).await.problem(409).0, "shown_once");
    assert_eq!(ann.get("/me/tokens").await.json::<Page<Token>>().items.len(), 1);
    for bad in ["", &"x".repeat(129)] {
        let answer = ann.with("idempotency-key", bad).post("/channels", json!({"name": "fourth"})).await;
        assert_eq!(answer.problem(400).0, "bad_idempotency_key");
    }
}

async fn limits(site: Site) {
    let site = site.configured(|config| config.requests_a_minute = 5);
    let guest = site.guest();
    for remaining in (0..5).rev() {
        let answer = guest.get("/instance").await;
        answer.expect(StatusCode::OK);
        assert_eq!(answer.headers["ratelimit-policy"], "\"default\";q=5;w=60");
        let state = answer.headers["ratelimit"].to_str().unwrap();
        assert!(state.starts_with(&format!("\"default\";r={remaining};t=")), "{state}");
        assert_eq!(answer.headers["x-request-id"].len(), 26);
    }
    let refused = guest.get("/instance").await;
    assert_eq!(refused.problem(429).0, "too_many_requests");
    assert!(refused.headers.contains_key(header::RETRY_AFTER) && refused.headers.contains_key("x-request-id"));
    guest.at([203, 0, 113, 2]).get("/instance").await.expect(StatusCode::OK);
    // Our own pages ask as often as they need to.
    let pages = Client { router: site.api.in_process(), ..guest };
    for _ in 0..10 {
        pages.get("/instance").await.expect(StatusCode::OK);
    }
}

async fn leaving(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let boss = site.user("boss", Role::Admin).await;
    ann.patch("/me", json!({"email": "ann@d.example", "display_name": "Ännchen"})).await.expect(StatusCode::OK);
    ann.send_json("PUT", "/channels/boss/follow", json!({})).await.expect(StatusCode::OK);
    ann.with("content-type", "image/png")
        .send("PUT", "/me/avatar", Body::from(png(64, 64)))
        .await
        .expect(StatusCode::OK);
    let archive = ann.start("GET", "/me/export", Body::empty()).await;
    assert_eq!(archive.headers()[header::CONTENT_TYPE], "application/gzip");
    let bytes = axum::body::to_bytes(archive.into_body(), 1 << 20).await.unwrap();
    let mut files = std::collections::HashMap::new();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        files.insert(entry.path().unwrap().to_string_lossy().into_owned(), content);
    }
    let json = |name: &str| serde_json::from_slice::<Value>(&files[name]).unwrap();
    assert_eq!(json("account.json")[0]["email"], "ann@d.example");
    assert_eq!(json("channels.json")[0]["name"], "ann");
    assert_eq!(json("follows.json")[0]["channel"], "boss");
    assert!(json("sessions.json")[0]["created_at_ms"].is_i64());
    assert!(files.keys().any(|name| name.starts_with("pictures/")), "{:?}", files.keys());
    assert!(!String::from_utf8_lossy(&files["account.json"]).contains("argon2"));

    ann.send_json("DELETE", "/me", json!({"password": "wrong horse"})).await.problem(422);
    ann.send_json("DELETE", "/me", json!({"password": PASSWORD})).await.expect(StatusCode::NO_CONTENT);
    ann.get("/me").await.problem(401);
    let guest = site.guest();
    guest.post("/login", account("ann")).await.problem(401);
    guest.get("/users/ann").await.problem(404);
    guest.get("/channels/ann").await.problem(404);
    assert_eq!(
        boss.post("/admin/users", json!({"username": "ann", "password": PASSWORD, "role": "viewer"}))
            .await
            .problem(409)
            .0,
        "taken"
    );
    let rows = site.store.export(&site.store.user_by_name("boss").await.unwrap().unwrap().0.id).await.unwrap();
    assert!(!format!("{rows:?}").contains("Ännchen"));
    let last = boss.send_json("DELETE", "/me", json!({"password": PASSWORD})).await.problem(409);
    assert_eq!(last.0, "last_admin");
}
