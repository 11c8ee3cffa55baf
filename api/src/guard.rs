//! What happens to every request before its handler: a foreign page cannot act with somebody's
//! cookie, nothing runs for ever, and answers are nobody's to cache.

use crate::App;
use crate::refusal::Refusal;
use crate::request::{Origin, RequestId};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rivulet_store::random_name;
use std::time::Duration;
use tracing::Instrument;
use url::Url;

const DEADLINE: Duration = Duration::from_secs(15);
/// 8 MiB over a slow line.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(90);

/// Gives each request a name, for its answer, the log and the audit log.
pub async fn name(mut request: Request, next: Next) -> Response {
    let id = random_name();
    request.extensions_mut().insert(RequestId(id.as_str().into()));
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

pub async fn not_found() -> Refusal {
    Refusal::not_found()
}

pub async fn method_not_allowed() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take that method.")
}

/// Not for event streams, which are meant to stay.
pub async fn deadline(request: Request, next: Next) -> Response {
    let time = if is_image(request.headers()) { UPLOAD_DEADLINE } else { DEADLINE };
    tokio::time::timeout(time, next.run(request)).await.unwrap_or_else(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "The server did not manage this in time.")
            .into_response()
    })
}

/// What waits for a database that is away is told so; what can be answered without it is answered.
pub async fn away(State(app): State<App>, request: Request, next: Next) -> Response {
    tokio::select! {
        biased;
        response = next.run(request) => response,
        () = app.store.away() => Refusal::away().into_response(),
    }
}

/// Refuses what a page of another site makes a browser send: browsers say where a request comes
/// from, and a body that is JSON they send abroad only after asking. What is no browser has
/// neither header, and nobody else's cookie.
pub async fn same_site(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        if is_foreign(&parts.headers, &Origin::new(&app, &parts)) {
            let detail = "This came from a page of another site.";
            return Refusal::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response();
        }
        // Neither is sent abroad by a browser without asking.
        let picture = matches!(parts.method, Method::PUT | Method::POST) && is_image(&parts.headers);
        if has_body(&parts.headers) && !is_json(&parts.headers) && !picture {
            let detail = "The body has to have the content type application/json, or that of a picture.";
            return Refusal::new(StatusCode::FORBIDDEN, "not_json", detail).into_response();
        }
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn is_foreign(headers: &HeaderMap, here: &Origin) -> bool {
    // `none` is a person's own doing, such as an address typed in.
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    // `null`, of a sandboxed frame, is no URL and therefore foreign.
    let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else { return true };
    let Some(authority) = &here.authority else { return true };
    let port = authority.port_u16().or_else(|| match origin.scheme() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    });
    let same_host = origin.host_str().is_some_and(|host| host.eq_ignore_ascii_case(authority.host()));
    !(same_host && origin.port_or_known_default() == port)
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
        || headers.contains_key(header::CONTENT_TYPE)
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What kind of picture it is the file itself says.
fn is_image(headers: &HeaderMap) -> bool {
    content_type(headers).get(..6).is_some_and(|start| start.eq_ignore_ascii_case("image/"))
}

fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).split(';').next().is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rivulet_protocol::address::Network;

    #[test]
    fn pages_of_other_sites() {
        for (authority, origin, site, foreign) in [
            ("live.example", None, None, false),
            ("live.example", None, Some("same-origin"), false),
            ("live.example", None, Some("none"), false),
            ("live.example", None, Some("same-site"), true),
            ("live.example", None, Some("cross-site"), true),
            ("live.example", Some("https://live.example"), Some("cross-site"), true),
            ("live.example", Some("https://live.example"), None, false),
            ("LIVE.example", Some("https://live.example:443"), None, false),
            ("live.example:443", Some("https://live.example"), None, false),
            ("live.example", Some("http://live.example"), None, false),
            ("live.example:8080", Some("http://live.example:8080"), Some("same-origin"), false),
            ("live.example:8080", Some("http://live.example"), None, true),
            ("live.example", Some("https://live.example.evil.example"), None, true),
            ("live.example", Some("https://evil.example"), None, true),
            ("live.example", Some("null"), None, true),
            ("live.example", Some(""), None, true),
            ("[::1]:8080", Some("http://[::1]:8080"), None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            let from = Network::of([127, 0, 0, 1].into());
            let here = Origin { from, authority: authority.parse().ok(), https: true };
            assert_eq!(is_foreign(&headers, &here), foreign, "{authority} {origin:?} {site:?}");
        }
    }
}
