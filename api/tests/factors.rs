//! Logging in with more than a password, or without one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../src/testing.rs"]
#[allow(dead_code)]
mod devices;
mod site;

use axum::body::Body;
use axum::http::{StatusCode, header};
use devices::{Authenticator, CODE, Provider};
use rivulet_api::OidcSettings;
use rivulet_protocol::rest::{Me, Page, Passkey, PasskeyChallenge, RecoveryCodes, Role, SignUp, TotpSetup};
use serde_json::{Value, json};
use site::{Client, PASSWORD, Site, suite};
use std::time::{SystemTime, UNIX_EPOCH};

suite!(second_factor, passkeys, oidc);

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn account(username: &str) -> Value {
    json!({"username": username, "password": PASSWORD})
}

/// The code of an app that was given `secret`, so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate((now_ms() / 1000 + 30 * steps) as u64).to_string()
}

async fn second_factor(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let guest = site.guest();
    assert_eq!(ann.send_json("PUT", "/me/totp", json!({"code": "123456"})).await.problem(409).0, "challenge_expired");
    let setup: TotpSetup = ann.post("/me/totp", json!({})).await.json();
    assert!(setup.url.starts_with("otpauth://totp/Rivulet:ann?") && setup.qr_svg.starts_with("<svg"), "{}", setup.url);
    assert!(!ann.get("/me").await.json::<Me>().second_factor, "not before it is confirmed");
    assert_eq!(ann.send_json("PUT", "/me/totp", json!({"code": "000000"})).await.problem(422).0, "wrong_code");
    let answer = ann.send_json("PUT", "/me/totp", json!({"code": code(&setup.secret, -1)})).await;
    let codes = answer.json::<RecoveryCodes>().codes;
    let me: Me = ann.get("/me").await.json();
    assert_eq!((codes.len(), me.second_factor, me.recovery_codes_left), (10, true, 10));
    assert_eq!(ann.post("/me/totp", json!({})).await.problem(409).0, "second_factor_on");

    let answer = guest.post("/login", account("ann")).await;
    assert_eq!(answer.problem(401).0, "second_factor_needed");
    let half = guest.with("cookie", &answer.cookie());
    half.get("/me").await.problem(401);
    let second = |code: String| json!({"code": code});
    assert_eq!(guest.post("/login/second", second(code(&setup.secret, 0))).await.problem(401).0, "not_logged_in");
    assert_eq!(half.post("/login/second", second("000000".into())).await.problem(401).0, "wrong_code");
    assert_eq!(half.post("/login/second", second(code(&setup.secret, -1))).await.problem(401).0, "wrong_code", "used");
    let now = code(&setup.secret, 0);
    half.post("/login/second", second(now.clone())).await.expect(StatusCode::OK);
    assert_eq!(
        half.post("/login/second", second(code(&setup.secret, 1))).await.problem(401).0,
        "not_logged_in",
        "once"
    );

    // The phone is gone.
    let half = guest.with("cookie", &guest.post("/login", account("ann")).await.cookie());
    assert_eq!(half.post("/login/second", second(now)).await.problem(401).0, "wrong_code", "never twice");
    let answer = half.post("/login/second", second(codes[0].to_uppercase())).await;
    let me: Me = answer.json();
    assert_eq!(me.recovery_codes_left, 9);
    let half = guest.with("cookie", &guest.post("/login", account("ann")).await.cookie());
    assert_eq!(half.post("/login/second", second(codes[0].clone())).await.problem(401).0, "wrong_code");

    let ann = guest.with("cookie", &answer.cookie());
    let fresh: RecoveryCodes = ann.post("/me/recovery-codes", json!({"password": PASSWORD})).await.json();
    half.post("/login/second", second(codes[1].clone())).await.problem(401);
    half.post("/login/second", second(fresh.codes[1].clone())).await.expect(StatusCode::OK);
    ann.send_json("DELETE", "/me/totp", json!({"password": "wrong horse"})).await.problem(422);
    ann.send_json("DELETE", "/me/totp", json!({"password": PASSWORD})).await.expect(StatusCode::NO_CONTENT);
    guest.post("/login", account("ann")).await.expect(StatusCode::OK);
}

async fn passkeys(site: Site) {
    let site = site.configured(|config| config.public_url = Some("https://live.example".into()));
    let ann = site.user("ann", Role::Viewer).await;
    let guest = site.guest();
    let mut device = Authenticator::new("https://live.example");
    let start: PasskeyChallenge = ann.post("/me/passkeys/start", json!({})).await.json();
    let answer = json!({"ticket": start.ticket, "name": "My phone", "credential": device.create(&start.options)});
    let made = ann.post("/me/passkeys", answer.clone()).await;
    made.expect(StatusCode::CREATED);
    assert_eq!(made.json::<Passkey>().name, "My phone");
    assert_eq!(ann.post("/me/passkeys", answer).await.problem(422).0, "challenge_expired");

    let start: PasskeyChallenge = guest.post("/login/passkey/start", json!({})).await.json();
    let login = json!({"ticket": start.ticket, "credential": device.get(&start.options)});
    let answer = guest.post("/login/passkey", login.clone()).await;
    assert_eq!(answer.json::<Me>().username, "ann");
    guest.with("cookie", &answer.cookie()).get("/me").await.expect(StatusCode::OK);
    assert_eq!(guest.post("/login/passkey", login).await.problem(422).0, "challenge_expired", "replayed");

    let list: Page<Passkey> = ann.get("/me/passkeys").await.json();
    assert!(list.items[0].last_used_at_ms.is_some());
    ann.send("DELETE", &format!("/me/passkeys/{}", list.items[0].id), Body::empty())
        .await
        .expect(StatusCode::NO_CONTENT);
    let start: PasskeyChallenge = guest.post("/login/passkey/start", json!({})).await.json();
    let login = json!({"ticket": start.ticket, "credential": device.get(&start.options)});
    assert_eq!(guest.post("/login/passkey", login).await.problem(401).0, "unknown_passkey");
    assert_eq!(
        guest.post("/login/passkey", json!({"ticket": "x", "credential": {}})).await.problem(422).0,
        "bad_passkey"
    );
}

/// Through the provider and back; answers where the browser ends up, and with which cookie.
async fn by_provider(guest: &Client, provider: &Provider) -> (String, Option<String>) {
    let start = guest.get("/login/oidc").await;
    start.expect(StatusCode::SEE_OTHER);
    let to = start.headers[header::LOCATION].to_str().unwrap().parse().unwrap();
    let state = provider.authorize(&to);
    let back = format!("/login/oidc/back?code={CODE}&state={state}");
    let foreign = guest.get(&back).await;
    assert_eq!(foreign.headers[header::LOCATION], "/login?error=challenge_expired", "another browser's");
    let answer = guest.with("cookie", &start.cookie()).get(&back).await;
    let session = answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| {
        cookie.to_str().unwrap().split(';').next().filter(|cookie| cookie.starts_with("rivulet=rvs_"))
    });
    (answer.headers[header::LOCATION].to_str().unwrap().to_owned(), session.map(str::to_owned).next())
}

async fn oidc(site: Site) {
    site.guest().get("/login/oidc").await.problem(404);
    let provider = Provider::start().await;
    let settings = OidcSettings {
        issuer: provider.issuer.clone(),
        client_id: "rivulet".into(),
        client_secret: String::new(),
        name: "Home".into(),
    };
    let site = site.configured(|config| {
        config.oidc = Some(settings);
        config.outbound_allow = vec!["127.0.0.1".parse().unwrap()];
    });
    let guest = site.guest();
    assert_eq!(guest.get("/instance").await.json::<Value>()["oidc"], "Log in with Home");
    assert_eq!(by_provider(&guest, &provider).await, ("/login?error=sign_up_closed".into(), None));
    let site = site.configured(|config| config.settings.sign_up = SignUp::Open);
    let guest = site.guest();
    let (to, cookie) = by_provider(&guest, &provider).await;
    assert_eq!(to, "/");
    let ann = guest.with("cookie", &cookie.unwrap());
    let me: Me = ann.get("/me").await.json();
    assert_eq!((me.username.as_str(), me.has_password, me.email_verified), ("ann", false, true));
    // The same person again; and nobody without a password logs in with one.
    let (_, cookie) = by_provider(&guest, &provider).await;
    assert_eq!(guest.with("cookie", &cookie.unwrap()).get("/me").await.json::<Me>().id, me.id);
    guest.post("/login", json!({"username": "ann", "password": ""})).await.problem(401);
    // Somebody else whom the provider calls the same.
    *provider.claims.lock().unwrap() = json!({"sub": "subject-2"});
    let (_, cookie) = by_provider(&guest, &provider).await;
    let other: Me = guest.with("cookie", &cookie.unwrap()).get("/me").await.json();
    assert!(other.username.starts_with("ann_") && other.email.is_none(), "{other:?}");
    // A first password needs no old one.
    let first = json!({"password": PASSWORD});
    ann.post("/me/password", first).await.expect(StatusCode::NO_CONTENT);
    guest.post("/login", account("ann")).await.expect(StatusCode::OK);
}
