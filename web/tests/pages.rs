//! The router against an API of a few canned answers: statuses, redirects, cookies, headers.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::Path,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, Request, StatusCode, header};
use rivulet_protocol::rest::{
    BroadcastSettings, Channel, ChannelRole, ChannelSettings, Channels, GoLive, Ingest, Instance, LiveState, Login, Me,
    NewKey, Problem, Role, Settings, Standing,
};
use rivulet_web::{WebDeps, router};
use tower::ServiceExt;

fn problem(status: StatusCode, detail: &str, field: Option<&str>) -> Response {
    let body = Problem {
        status: status.as_u16(),
        code: "test".to_owned(),
        detail: detail.to_owned(),
        field: field.map(str::to_owned),
    };
    (status, Json(body)).into_response()
}

fn demo() -> Channel {
    Channel {
        name: "demo".to_owned(),
        title: "</title><script>alert(1)</script>".to_owned(),
        state: LiveState::Live,
        viewers: 3,
        started_at_ms: Some(0),
        playback: Some("/live/demo/master.m3u8".to_owned()),
        revision: 7,
        ..Channel::default()
    }
}

/// Harm in every field that somebody can write into.
fn room() -> serde_json::Value {
    let harm = "<script>alert(1)</script>";
    let author = serde_json::json!({"id": harm, "login": harm, "display_name": harm, "color": harm,
        "badges": [{"kind": harm, "version": harm}]});
    let message = serde_json::json!({"id": harm, "at_ms": 0, "author": author, "text": format!("{harm} code"),
        "emotes": [{"id": "\"><script>alert(1)</script>", "at": 26, "len": 4}], "announcement": harm,
        "reply_to": {"id": harm, "user_id": harm, "login": harm, "display_name": harm, "text": harm}});
    serde_json::json!({"settings": {}, "shield": false, "chatters": 1, "messages": [message], "pinned": message,
        "poll": {"id": harm, "question": harm, "options": [{"text": harm, "votes": 1}], "ends_at_ms": 0, "ended": false}})
}

fn api() -> Router {
    let me = |headers: HeaderMap| async move {
        match headers.get(header::COOKIE).is_some_and(|cookie| cookie == "session=1") {
            true => Json(Me { username: "ada".to_owned(), role: Role::Admin, ..Me::default() }).into_response(),
            false => problem(StatusCode::UNAUTHORIZED, "guest", None),
        }
    };
    let channel = |Path(name): Path<String>| async move {
        match name.as_str() {
            "demo" => Json(demo()).into_response(),
            "broken" => problem(StatusCode::INTERNAL_SERVER_ERROR, "secret detail", None),
            _ => problem(StatusCode::NOT_FOUND, "no channel", None),
        }
    };
    let login = |Json(login): Json<Login>| async move {
        match login.password.as_str() {
            "right" => {
                ([(header::SET_COOKIE, "session=1; HttpOnly")], Json(Me { username: login.username, ..Me::default() }))
                    .into_response()
            }
            _ => problem(StatusCode::UNAUTHORIZED, "The password is wrong.", Some("password")),
        }
    };

    let instance = Instance { name: "Brook".to_owned(), version: "1".to_owned(), ..Instance::default() };
    let owner = Standing { following: false, notify: false, role: Some(ChannelRole::Owner), may_watch: true };
    let golive = || async {
        Json(GoLive { server: "rtmp://tv.example/live".to_owned(), has_key: true, ingest: Ingest::default() })
    };
    let settings =
        || async { Json(Settings { channel: ChannelSettings::default(), instance: BroadcastSettings::default() }) };
    let routes = Router::new()
        .route("/instance", get(|| async { Json(instance) }))
        .route("/me", get(me))
        .route("/channels", get(|| async { Json(Channels { channels: vec![demo()], next: None }) }))
        .route("/channels/{name}", get(channel))
        .route("/channels/demo/me", get(|| async { Json(owner) }))
        .route("/channels/demo/chat", get(|| async { Json(room()) }))
        .route("/channels/demo/golive", get(golive))
        .route("/channels/demo/settings", get(settings))
        .route(
            "/channels/demo/key",
            post(|| async { Json(NewKey { id: "k".to_owned(), key: "shown-once".to_owned() }) }),
        )
        .route("/login", post(login));
    Router::new().nest("/api/v1", routes)
}

const LOGIN_RIGHT: &str = "_call=POST+login&_form=login&_next=%2Fdashboard&username=ada&password%3Asecret=right";
const LOGIN_WRONG: &str = "_call=POST+login&_form=login&_next=%2Fdashboard&username=ada&password%3Asecret=wrong";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

async fn ask(request: Request<Body>) -> anyhow::Result<Answer> {
    let (parts, body) = router(WebDeps { api: api() }).oneshot(request).await?.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await?.into())?;
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

async fn page(path: &str) -> anyhow::Result<Answer> {
    ask(Request::get(path).header("host", "tv.example").body(Body::empty())?).await
}

async fn form(path: &str, origin: &str, fields: &'static str) -> anyhow::Result<Answer> {
    let request = Request::post(path)
        .header("host", "tv.example")
        .header("origin", origin)
        .header("content-type", "application/x-www-form-urlencoded");
    ask(request.body(fields.into())?).await
}

#[tokio::test]
async fn every_address_has_its_status() -> anyhow::Result<()> {
    for (path, status, location) in [
        ("/", 200, ""),
        ("/demo", 200, ""),
        ("/login", 200, ""),
        ("/setup?token=x", 200, ""),
        ("/nobody", 404, ""),
        ("/no/such/page", 404, ""),
        ("/a%20b", 404, ""),
        ("/..%2f..%2fetc", 404, ""),
        ("/broken", 500, ""),
        ("/Demo", 308, "/demo"),
        ("/dashboard", 303, "/login?next=/dashboard"),
        ("/embed/demo", 200, ""),
        ("/embed/nobody", 404, ""),
        ("/popout/nobody/chat", 404, ""),
        ("/overlay/chat", 404, ""),
        ("/dock/chat?channel=nobody", 404, ""),
        ("/assets/manifest.json", 404, ""),
    ] {
        let answer = page(path).await?;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.header(header::LOCATION), location, "{path}");
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"), "{path}");
        assert!(!answer.body.contains("secret detail"), "{path} shows an error's inside");
    }
    Ok(())
}

#[tokio::test]
async fn what_people_wrote_stays_text() -> anyhow::Result<()> {
    for path in ["/", "/demo", "/popout/demo/chat", "/dock/chat?channel=demo", "/overlay/chat?channel=demo"] {
        let body = page(path).await?.body;
        assert!(!body.contains("<script>alert"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn the_player_finds_its_stream_in_the_markup() -> anyhow::Result<()> {
    let body = page("/demo").await?.body;
    for part in [
        r#"data-playback="/live/demo/master.m3u8""#,
        r#"data-revision="7""#,
        r#"data-state="live""#,
        r#"data-events="/api/v1/channels/demo/events?watching=1""#,
    ] {
        assert!(body.contains(part), "{part}");
    }
    Ok(())
}

#[tokio::test]
async fn a_login_hands_on_the_cookie_and_goes_back() -> anyhow::Result<()> {
    let answer = form("/login?next=/dashboard", "http://tv.example", LOGIN_RIGHT).await?;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), "/dashboard");
    assert_eq!(answer.header(header::SET_COOKIE), "session=1; HttpOnly");
    Ok(())
}

#[tokio::test]
async fn a_refused_login_says_why_and_keeps_the_name() -> anyhow::Result<()> {
    let answer = form("/login?next=/dashboard", "http://tv.example", LOGIN_WRONG).await?;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("The password is wrong."));
    assert!(answer.body.contains(r#"value="ada""#));
    assert!(!answer.body.contains(r#"value="wrong""#), "a password is not sent back");
    assert!(answer.body.contains(r#"<input type="hidden" name="_next" value="/dashboard""#), "the way on is kept");
    Ok(())
}

#[tokio::test]
async fn what_is_no_form_of_ours_calls_nothing() -> anyhow::Result<()> {
    for fields in ["", "username=ada&password=right", "_call=GET+me", "_call=POST+../x", "_call=POST+login&a:b=c"] {
        let answer = form("/login", "http://tv.example", fields).await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fields}");
    }
    let request = Request::post("/login").header("host", "tv.example");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(ask(request.body("a".repeat(65_537).into())?).await?.status, StatusCode::PAYLOAD_TOO_LARGE);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_shown_once_is_on_the_page_and_kept_by_nobody() -> anyhow::Result<()> {
    let fields = "_call=POST+channels/demo/key&_form=key&_once=1";
    let request = Request::post("/dashboard/demo")
        .header("host", "tv.example")
        .header("cookie", "session=1")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = ask(request.body(fields.into())?).await?;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("shown-once"));
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    Ok(())
}

#[tokio::test]
async fn pages_speak_the_visitor_s_language() -> anyhow::Result<()> {
    let ask_in = async |path: &str, cookie: &str, accept: &str| {
        let request = Request::get(path).header("host", "tv.example").header("cookie", cookie);
        ask(request.header("accept-language", accept).body(Body::empty())?).await
    };
    for (path, cookie, accept, lang) in [
        ("/login", "", "fr", "en"),
        ("/login", "", "de-CH,en;q=0.3", "de"),
        ("/login", "a=b; lang=en", "de", "en"),
        ("/login?lang=de", "lang=en", "en", "de"),
        ("/login?lang=xx", "lang=de", "en", "de"),
    ] {
        let answer = ask_in(path, cookie, accept).await?;
        assert!(answer.body.contains(&format!(r#"<html lang="{lang}">"#)), "{path} {cookie} {accept}");
        let chosen = answer.header(header::SET_COOKIE).starts_with("lang=de");
        assert_eq!(chosen, path.ends_with("=de"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn only_the_embedded_player_and_the_overlay_are_framed() -> anyhow::Result<()> {
    for (path, ancestors) in [
        ("/demo", "'none'"),
        ("/", "'none'"),
        ("/embed/demo", "*"),
        ("/embed/nobody", "'none'"),
        ("/overlay/chat?channel=demo", "*"),
        ("/popout/demo/chat", "'none'"),
        ("/dock/chat?channel=demo", "'none'"),
    ] {
        let answer = page(path).await?;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.ends_with(&format!("frame-ancestors {ancestors}")), "{path}: {policy}");
    }
    Ok(())
}

#[tokio::test]
async fn a_nonce_is_never_used_again() -> anyhow::Result<()> {
    let nonce = async || -> anyhow::Result<String> {
        let answer = page("/demo").await?;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        let nonce = policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\''));
        let (nonce, _) = nonce.ok_or_else(|| anyhow::anyhow!("no nonce in {policy}"))?;
        Ok(nonce.to_owned())
    };
    assert_ne!(nonce().await?, nonce().await?);
    Ok(())
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() -> anyhow::Result<()> {
    let answer = form("/login", "http://evil.example", LOGIN_RIGHT).await?;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.header(header::SET_COOKIE), "");
    Ok(())
}

#[tokio::test]
async fn the_visitor_s_session_reaches_the_api() -> anyhow::Result<()> {
    let request = Request::get("/").header("host", "tv.example").header("cookie", "session=1");
    let answer = ask(request.body(Body::empty())?).await?;
    assert!(answer.body.contains("Log out"));
    Ok(())
}
