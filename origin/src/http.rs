//! HLS over HTTP. Playlists come from the window, segments from the window or, once they have
//! left it, from the blob store, always under the same URL.

use crate::live::Registry;
use crate::playlist;
use crate::recorder::{content_type, file_name, object_key};
use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use rivulet_protocol::ChannelName;
use rivulet_store::Blobs;
use std::net::SocketAddr;
use std::sync::Arc;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

#[derive(Clone)]
pub struct Files {
    pub registry: Arc<Registry>,
    pub blobs: Blobs,
}

pub fn router(files: Files) -> Router {
    Router::new()
        .route("/live/{channel}/master.m3u8", get(multivariant).options(preflight))
        .route("/live/{channel}/thumbnail.jpg", get(thumbnail))
        .route("/live/{channel}/{broadcast}/{rendition}/{file}", get(file).options(preflight))
        .with_state(files)
}

fn not_found() -> Response {
    // Not to be kept: the next second it may exist.
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (StatusCode::NOT_FOUND, headers, "not found\n").into_response()
}

fn bad_request(reason: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], reason).into_response()
}

async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Range, If-None-Match"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn text(body: String, cache: &'static str) -> Response {
    let headers =
        [(header::CONTENT_TYPE, PLAYLIST), (header::CACHE_CONTROL, cache), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, body).into_response()
}

async fn multivariant(State(files): State<Files>, Path(channel): Path<String>) -> Response {
    let Ok(channel) = ChannelName::parse(&channel) else { return not_found() };
    let Some(live) = files.registry.current(channel.as_str()) else { return not_found() };
    let body = playlist::multivariant(&live.window(), &live.broadcast.info.id);
    body.map_or_else(not_found, |body| text(body, "public, max-age=1"))
}

async fn thumbnail(
    State(files): State<Files>,
    Path(channel): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Ok(channel) = ChannelName::parse(&channel) else { return not_found() };
    let picture = files.registry.current(channel.as_str()).and_then(|live| live.broadcast.thumbnail.borrow().clone());
    match picture {
        Some(picture) => bytes(picture, "image/jpeg", "public, max-age=5", None, &method, &headers),
        None => not_found(),
    }
}

async fn file(
    State(files): State<Files>,
    Path((channel, broadcast, rendition, file)): Path<(String, String, String, String)>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain(&broadcast) || !plain(&rendition) || ChannelName::parse(&channel).is_err() {
        return bad_request("not a stream's address\n");
    }
    let live = files.registry.get(&channel, &broadcast);
    if file == "index.m3u8" {
        let Some(live) = live else { return not_found() };
        if let Some(axum::Extension(ConnectInfo(peer))) = peer {
            let agent = headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
            live.saw_player(peer.ip(), agent);
        }
        let window = live.window();
        let cache = if window.ended().is_some() { "public, max-age=60" } else { "public, max-age=1" };
        let body = playlist::media(&window, &rendition, live.broadcast.info.started_at_ms);
        return body.map_or_else(not_found, |body| text(body, cache));
    }
    let Some(number) = number_of(&file) else { return not_found() };
    let tag = format!("\"{broadcast}-{rendition}-{number}\"");
    let kind = content_type(&rendition);
    let in_memory = live.and_then(|live| {
        let window = live.window();
        match u64::try_from(number) {
            Ok(number) => window.segment(&rendition, number).map(|segment| segment.data.clone()),
            Err(_) => window.init(&rendition, (-1 - number) as u32).map(|init| init.data.clone()),
        }
    });
    let body = match in_memory {
        Some(body) => Some(body),
        None => match files.blobs.get(&object_key(&broadcast, &rendition, number)).await {
            Ok(body) => body,
            Err(error) => {
                tracing::warn!(%error, "cannot read a segment");
                let headers = [(header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "1")];
                return (StatusCode::SERVICE_UNAVAILABLE, headers, "storage does not answer\n").into_response();
            }
        },
    };
    match body {
        Some(body) => bytes(body, kind, IMMUTABLE, Some(&tag), &method, &headers),
        None => not_found(),
    }
}

/// The inverse of [`file_name`].
fn number_of(file: &str) -> Option<i64> {
    let number = match file.strip_suffix(".m4s") {
        Some(number) => number.parse::<u32>().ok().map(i64::from),
        None => file.strip_prefix("init-")?.strip_suffix(".mp4")?.parse::<u16>().ok().map(|init| -1 - i64::from(init)),
    };
    // One name for each file: 007.m4s is not 7.m4s.
    number.filter(|number| file_name(*number) == file)
}

fn bytes(
    body: Bytes,
    content_type: &'static str,
    cache: &'static str,
    tag: Option<&str>,
    method: &Method,
    request: &HeaderMap,
) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Content-Range, ETag"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        let known = request.get(header::IF_NONE_MATCH) == Some(&tag);
        headers.insert(header::ETAG, tag);
        if known {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
    }
    let range = request.get(header::RANGE).and_then(|range| range.to_str().ok());
    let total = body.len();
    match range.filter(|_| method == Method::GET).and_then(|range| parse_range(range, total)) {
        None => (headers, body).into_response(),
        Some(Ok((start, end))) => {
            if let Ok(value) = HeaderValue::from_str(&format!("bytes {start}-{}/{total}", end - 1)) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            (StatusCode::PARTIAL_CONTENT, headers, body.slice(start..end)).into_response()
        }
        Some(Err(())) => {
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{total}")) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
        }
    }
}

/// One byte range as start and end (exclusive). `None`: not a range that we serve, so the whole
/// body is the answer (RFC 9110, 14.2). An error: nothing of the body lies in it.
fn parse_range(range: &str, total: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (first.trim(), last.trim()) {
        ("", suffix) => (total.saturating_sub(suffix.parse().ok()?), total),
        (first, "") => (first.parse().ok()?, total),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.saturating_add(1).min(total)),
    };
    Some(if start < end { Ok((start, end)) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, want) in [
            ("bytes=0-1", Some(Ok((0, 2)))),
            ("bytes=4-", Some(Ok((4, 10)))),
            ("bytes=-3", Some(Ok((7, 10)))),
            ("bytes=5-99", Some(Ok((5, 10)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=7-3", Some(Err(()))),
            ("bytes=0-1,4-5", None),
            ("items=0-1", None),
        ] {
            assert_eq!(parse_range(range, 10), want, "{range}");
        }
    }

    #[test]
    fn names() {
        for (name, want) in [
            ("0.m4s", Some(0)),
            ("17.m4s", Some(17)),
            ("init-0.mp4", Some(-1)),
            ("init-3.mp4", Some(-4)),
            ("017.m4s", None),
            ("-1.m4s", None),
            ("..", None),
            ("17.mp4", None),
            ("99999999999999999999.m4s", None),
        ] {
            assert_eq!(number_of(name), want, "{name}");
        }
    }
}
