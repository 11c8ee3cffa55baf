#![allow(clippy::unwrap_used)]
use super::*;
use crate::testing::{CODE, Provider};
use rivulet_outside::Resolver;
use serde_json::{Value, json};

const BACK: &str = "https://live.example/api/v1/oidc/callback";

fn oidc(issuer: &str, allowed: &[&str]) -> Oidc {
    let settings = Settings {
        issuer: issuer.into(),
        client_id: "rivulet".into(),
        client_secret: "hunter2".into(),
        name: "Home".into(),
    };
    let allowed: Vec<_> = allowed.iter().map(|block| block.parse().unwrap()).collect();
    Oidc::new(settings, Client::new(&allowed, Resolver::system()))
}

fn code<T>(result: Result<T, Refusal>) -> &'static str {
    result.map(|_| "accepted").unwrap_or_else(|refusal| refusal.code())
}

#[tokio::test]
async fn who_somebody_is() {
    let provider = Provider::start().await;
    let oidc = oidc(&provider.issuer, &["127.0.0.1"]);
    let start = oidc.start(BACK, Some("u1".into()), 0).await.unwrap();
    assert_eq!(provider.authorize(&start.url), start.state);
    let identity = Identity {
        issuer: provider.issuer.clone(),
        subject: "subject-1".into(),
        email: Some("ann@d.example".into()),
        name: Some("ann".into()),
    };
    assert_eq!(oidc.finish(&start.state, CODE, 1).await.unwrap(), (identity, Some("u1".into())));
    assert_eq!(code(oidc.finish(&start.state, CODE, 1).await), "challenge_expired", "once");

    *provider.claims.lock().unwrap() = json!({"email_verified": false});
    let start = oidc.start(BACK, None, 0).await.unwrap();
    provider.authorize(&start.url);
    let (identity, user) = oidc.finish(&start.state, CODE, 1).await.unwrap();
    assert_eq!((identity.email, user), (None, None), "an address that nobody has verified is nobody's");
}

#[tokio::test]
async fn what_is_not_accepted() {
    let provider = Provider::start().await;
    let oidc = oidc(&provider.issuer, &["127.0.0.1"]);
    for (claims, want) in [
        (json!({}), "accepted"),
        (json!({"nonce": "another"}), "provider_failed"),
        (json!({"aud": "another"}), "provider_failed"),
        (json!({"iss": "https://another.example"}), "provider_failed"),
        (json!({"exp": 1}), "provider_failed"),
        (json!({"sub": ""}), "provider_failed"),
        (json!({"sub": "x".repeat(256)}), "provider_failed"),
        (json!({"sub": Value::Null}), "provider_failed"),
    ] {
        *provider.claims.lock().unwrap() = claims.clone();
        let start = oidc.start(BACK, None, 0).await.unwrap();
        provider.authorize(&start.url);
        assert_eq!(code(oidc.finish(&start.state, CODE, 1).await), want, "{claims}");
    }
    *provider.claims.lock().unwrap() = json!({});
    let start = oidc.start(BACK, None, 0).await.unwrap();
    provider.authorize(&start.url);
    assert_eq!(code(oidc.finish(&start.state, "guessed", 1).await), "provider_failed");
    let start = oidc.start(BACK, None, 0).await.unwrap();
    assert_eq!(code(oidc.finish(&start.state, CODE, FLOW_MS).await), "challenge_expired");
    assert_eq!(code(oidc.finish("guessed", CODE, 1).await), "challenge_expired");
    // The newest flow's proof does not fit an older one.
    let (old, new) = (oidc.start(BACK, None, 0).await.unwrap(), oidc.start(BACK, None, 0).await.unwrap());
    provider.authorize(&new.url);
    assert_eq!(code(oidc.finish(&old.state, CODE, 1).await), "provider_failed");
}

#[tokio::test]
async fn a_provider_inside_needs_the_admins_word() {
    let provider = Provider::start().await;
    assert_eq!(code(oidc(&provider.issuer, &[]).start(BACK, None, 0).await), "provider_failed");
    assert_eq!(code(oidc("http://127.0.0.1:9", &["127.0.0.1"]).start(BACK, None, 0).await), "provider_failed");
}
