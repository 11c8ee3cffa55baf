//! The router against an API of a few canned answers: statuses, redirects, cookies, headers.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::Path,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, Request, StatusCode, header};
use rivulet_protocol::rest::{Channel, Channels, Instance, LiveState, Login, Me, Problem, Role};
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
    let instance = Instance { name: "Brook".to_owned(), ..Instance::default() };
    let routes = Router::new()
        .route("/instance", get(|| async { Json(instance) }))
        .route("/me", get(me))
        .route("/channels", get(|| async { Json(Channels { channels: vec![demo()], next: None }) }))
        .route("/channels/{name}", get(channel))
        .route("/login", post(login));
    Router::new().nest("/api/v1", routes)
}

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
        ("/dashboard/key", 303, "/dashboard"),
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
    for path in ["/", "/demo"] {
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
    let answer = form("/login", "http://tv.example", "username=ada&password=right&next=%2Fdashboard").await?;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), "/dashboard");
    assert_eq!(answer.header(header::SET_COOKIE), "session=1; HttpOnly");
    Ok(())
}

#[tokio::test]
async fn a_refused_login_says_why_and_keeps_the_name() -> anyhow::Result<()> {
    let answer = form("/login", "http://tv.example", "username=ada&password=wrong").await?;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("The password is wrong."));
    assert!(answer.body.contains(r#"value="ada""#));
    Ok(())
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() -> anyhow::Result<()> {
    let answer = form("/login", "http://evil.example", "username=ada&password=right").await?;
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
