//! HLS and DASH over HTTP. Playlists come from the window, segments from the window or, once they have
//! left it, from the blob store, always under the same URL.

use crate::dash;
use crate::directives::Directives;
use crate::gate;
use crate::live::{Found, Live, Registry, Unanswered};
use crate::playlist;
use crate::recorder::{content_type, object_key};
use crate::recording;
use axum::Router;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::StreamExt;
use rivulet_media::cmaf::read_init;
use rivulet_protocol::ChannelName;
use rivulet_store::playback::PlaybackKey;
use rivulet_store::{Blobs, SecretHash, Store, StoreError};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::OnceCell;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const MANIFEST: &str = "application/dash+xml";
/// A thumbnail older than this is made anew when somebody looks at it.
const OLD_THUMBNAIL_MS: i64 = 15_000;
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// What a full spool still sends is listed once it has arrived.
const RECORDING: &str = "public, max-age=10";
/// Parts do not change either, but are of use for a moment only.
const PART: &str = "public, max-age=60, immutable";

#[derive(Clone)]
pub struct Files {
    pub registry: Arc<Registry>,
    pub blobs: Blobs,
    pub store: Store,
    pub cdn_secret: Option<SecretHash>,
    pub playback_key: Arc<OnceCell<PlaybackKey>>,
}

impl Files {
    /// Read when the first protected broadcast is watched.
    pub async fn playback_key(&self) -> Result<&PlaybackKey, StoreError> {
        self.playback_key.get_or_try_init(|| self.store.playback_key()).await
    }
}

pub fn router(files: Files) -> Router {
    let routes = Router::new()
        .route("/live/{channel}/master.m3u8", get(multivariant).options(preflight))
        .route("/live/{channel}/manifest.mpd", get(manifest).options(preflight))
        .route(dash::TIME, get(time).options(preflight))
        .route("/live/{channel}/thumbnail.jpg", get(thumbnail))
        .route("/live/{channel}/{broadcast}/recording.m3u8", get(recorded).options(preflight))
        .route("/live/{channel}/{broadcast}/{rendition}/{file}", get(file).options(preflight))
        .route_layer(from_fn_with_state(files.clone(), gate::watch));
    Router::new().nest("/p/{ticket}", routes.clone()).merge(routes).with_state(files)
}

fn not_found() -> Response {
    // Not to be kept: the next second it may exist.
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (StatusCode::NOT_FOUND, headers, "not found\n").into_response()
}

fn bad_request(reason: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (StatusCode::BAD_REQUEST, headers, reason).into_response()
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

fn text(kind: &'static str, body: impl Into<Bytes>, cache: &'static str) -> Response {
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, body.into()).into_response()
}

async fn multivariant(State(files): State<Files>, Path(ChannelPath { channel }): Path<ChannelPath>) -> Response {
    let Ok(channel) = ChannelName::parse(&channel) else { return not_found() };
    let Some(live) = files.registry.current(channel.as_str()) else { return not_found() };
    let body = playlist::multivariant(&live.window(), &live.broadcast.info.id, |id| live.is_shed(id));
    body.map_or_else(not_found, |body| text(PLAYLIST, body, "public, max-age=1"))
}

async fn manifest(State(files): State<Files>, Path(ChannelPath { channel }): Path<ChannelPath>) -> Response {
    let Ok(channel) = ChannelName::parse(&channel) else { return not_found() };
    let Some(live) = files.registry.current(channel.as_str()) else { return not_found() };
    let info = &live.broadcast.info;
    let body = dash::manifest(&live.window(), &info.id, info.started_at_ms, crate::now_ms());
    body.map_or_else(not_found, |body| text(MANIFEST, body, "public, max-age=1"))
}

/// Of a broadcast that is over.
async fn recorded(
    State(files): State<Files>,
    Path(RecordingPath { channel, broadcast }): Path<RecordingPath>,
) -> Response {
    let Ok(channel) = ChannelName::parse(&channel) else { return not_found() };
    let renditions = async {
        if files.store.began(channel.as_str(), &broadcast).await?.is_none() {
            return Ok(Vec::new());
        }
        files.store.recorded(&broadcast).await
    };
    let renditions = match renditions.await {
        Ok(renditions) => renditions,
        Err(error) => return away(&error, "the database does not answer\n"),
    };
    let mut described = Vec::with_capacity(renditions.len());
    for of in renditions {
        match files.blobs.get(&object_key(&broadcast, &of.rendition, -1 - of.init)).await {
            Ok(init) => described.extend(init.and_then(|init| read_init(&init)).map(|track| (of, track))),
            Err(error) => return away(&error, "storage does not answer\n"),
        }
    }
    recording::multivariant(&described).map_or_else(not_found, |body| text(PLAYLIST, body, RECORDING))
}

async fn recorded_media(files: &Files, channel: &str, broadcast: &str, rendition: &str) -> Response {
    let read = async {
        let Some(started_at_ms) = files.store.began(channel, broadcast).await? else { return Ok(None) };
        let segments = files.store.recorded_segments(broadcast, rendition, recording::MAX_SEGMENTS).await?;
        Ok(recording::media(&segments, started_at_ms))
    };
    match read.await {
        Ok(body) => body.map_or_else(not_found, |body| text(PLAYLIST, body, RECORDING)),
        Err(error) => away::<StoreError>(&error, "the database does not answer\n"),
    }
}

/// The clock that DASH players go by.
async fn time() -> Response {
    text("text/plain", playlist::date_time(crate::now_ms()), "no-store")
}

async fn thumbnail(
    State(files): State<Files>,
    Path(ChannelPath { channel }): Path<ChannelPath>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Ok(channel) = ChannelName::parse(&channel) else { return not_found() };
    let live = files.registry.current(channel.as_str());
    if let Some(live) = &live {
        let made_at_ms = live.broadcast.status.borrow().thumbnail_at_ms;
        if made_at_ms.is_none_or(|at| crate::now_ms() - at > OLD_THUMBNAIL_MS) {
            live.broadcast.thumbnail_wanted.notify_one();
        }
    }
    let picture = live.and_then(|live| live.broadcast.thumbnail.borrow().clone());
    match picture {
        Some(picture) => bytes(picture, "image/jpeg", "public, max-age=5", None, &method, &headers),
        None => not_found(),
    }
}

fn away<E: std::fmt::Display>(error: &E, reason: &'static str) -> Response {
    tracing::warn!(%error, "cannot read a recording");
    let headers =
        [(header::CACHE_CONTROL, "no-store"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, reason).into_response()
}

fn unanswered(why: Unanswered) -> Response {
    match why {
        Unanswered::Gone => not_found(),
        Unanswered::TooFar => bad_request("too far ahead of the broadcast\n"),
        Unanswered::Late => {
            let headers = [(header::CACHE_CONTROL, "no-store"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, "not made in time\n").into_response()
        }
    }
}

#[derive(Deserialize)]
struct FilePath {
    channel: String,
    broadcast: String,
    rendition: String,
    file: String,
}

/// Of addresses with and without a ticket before it.
#[derive(Deserialize)]
struct RecordingPath {
    channel: String,
    broadcast: String,
}

/// The same.
#[derive(Deserialize)]
struct ChannelPath {
    channel: String,
}

async fn file(
    State(files): State<Files>,
    Path(FilePath { channel, broadcast, rendition, file }): Path<FilePath>,
    RawQuery(query): RawQuery,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let (true, true, Ok(channel)) = (plain(&broadcast), plain(&rendition), ChannelName::parse(&channel)) else {
        return bad_request("not a stream's address\n");
    };
    let live = files.registry.get(channel.as_str(), &broadcast);
    if file == "index.m3u8" {
        let Some(live) = live else { return not_found() };
        if let Some(axum::Extension(ConnectInfo(peer))) = peer {
            let agent = headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
            live.saw_player(peer.ip(), agent);
        }
        return media(&live, &rendition, query.as_deref()).await;
    }
    if file == "recording.m3u8" {
        return recorded_media(&files, channel.as_str(), &broadcast, &rendition).await;
    }
    let Some(file) = File::parse(&file) else { return not_found() };
    let kind = content_type(&rendition);
    let tag = format!("\"{broadcast}-{rendition}-{file}\"");
    if let Some(live) = &live {
        live.want(&rendition);
        let in_memory = match file {
            File::Init(number) => live.init(&rendition, number).await,
            File::Part(segment, part) => {
                return match live.part(&rendition, segment, part).await {
                    Ok(body) => bytes(body, kind, PART, Some(&tag), &method, &headers),
                    Err(why) => unanswered(why),
                };
            }
            File::Segment(number) => match live.segment(&rendition, number) {
                Found::Whole(data) => Some(data),
                Found::Coming => return in_work(live.clone(), rendition, number, kind).await,
                Found::NotHere => None,
                Found::TooFar => return unanswered(Unanswered::TooFar),
            },
        };
        if let Some(body) = in_memory {
            return bytes(body, kind, IMMUTABLE, Some(&tag), &method, &headers);
        }
    }
    let Some(number) = file.object_number() else { return not_found() };
    // Boxed, as it is by far the largest of what a request may wait for.
    match Box::pin(files.blobs.get(&object_key(&broadcast, &rendition, number))).await {
        Ok(Some(body)) => bytes(body, kind, IMMUTABLE, Some(&tag), &method, &headers),
        Ok(None) => not_found(),
        Err(error) => away(&error, "storage does not answer\n"),
    }
}

async fn media(live: &Live, rendition: &str, query: Option<&str>) -> Response {
    let directives = match Directives::parse(query) {
        Ok(directives) => directives,
        Err(reason) => return bad_request(reason),
    };
    live.want(rendition);
    if live.is_shed(rendition) {
        return not_found();
    }
    match live.playlist(rendition, directives.wanted, directives.delta).await {
        Ok(body) => {
            let cache = match directives.wanted {
                _ if live.window().ended() => "public, max-age=60",
                // The address names what is in it.
                Some(_) => "public, max-age=12",
                None => "public, max-age=1",
            };
            text(PLAYLIST, body, cache)
        }
        Err(why) => unanswered(why),
    }
}

/// A segment that is still being made: its parts as they come.
async fn in_work(live: Arc<Live>, rendition: String, number: u64, kind: &'static str) -> Response {
    let first = match live.next_part(&rendition, number, 0).await {
        Ok(first) => first,
        Err(why) => return unanswered(why),
    };
    let rest = futures_util::stream::unfold(Some((live, 1)), move |state| {
        let rendition = rendition.clone();
        async move {
            let (live, had) = state?;
            match live.next_part(&rendition, number, had).await {
                Ok(Some(part)) => Some((Ok(part), Some((live, had + 1)))),
                Ok(None) => None,
                // Whoever reads must not take it for whole.
                Err(why) => Some((Err(std::io::Error::other(format!("{why:?}"))), None)),
            }
        }
    });
    let body = futures_util::stream::iter(first.map(Ok)).chain(rest);
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, IMMUTABLE), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, axum::body::Body::from_stream(body)).into_response()
}

/// A file of a rendition, by its name in URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Init(u32),
    Segment(u64),
    Part(u64, usize),
}

impl File {
    fn parse(name: &str) -> Option<Self> {
        let file = match name.strip_suffix(".m4s") {
            Some(numbers) => match numbers.split_once('.') {
                Some((segment, part)) => {
                    Self::Part(segment.parse::<u32>().ok()?.into(), part.parse::<u16>().ok()?.into())
                }
                None => Self::Segment(numbers.parse::<u32>().ok()?.into()),
            },
            None => Self::Init(name.strip_prefix("init-")?.strip_suffix(".mp4")?.parse().ok()?),
        };
        // One name for each file: 007.m4s is not 7.m4s.
        (file.to_string() == name).then_some(file)
    }

    /// Its number in the blob store; parts are not stored.
    fn object_number(self) -> Option<i64> {
        match self {
            Self::Init(number) => Some(-1 - i64::from(number)),
            Self::Segment(number) => i64::try_from(number).ok(),
            Self::Part(..) => None,
        }
    }
}

impl std::fmt::Display for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Init(number) => write!(f, "init-{number}.mp4"),
            Self::Segment(number) => write!(f, "{number}.m4s"),
            Self::Part(segment, part) => write!(f, "{segment}.{part}.m4s"),
        }
    }
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
            ("0.m4s", Some(File::Segment(0))),
            ("17.m4s", Some(File::Segment(17))),
            ("17.3.m4s", Some(File::Part(17, 3))),
            ("init-0.mp4", Some(File::Init(0))),
            ("init-3.mp4", Some(File::Init(3))),
            ("017.m4s", None),
            ("17.03.m4s", None),
            ("17..m4s", None),
            ("-1.m4s", None),
            ("..", None),
            ("17.mp4", None),
            ("99999999999999999999.m4s", None),
        ] {
            assert_eq!(File::parse(name), want, "{name}");
        }
    }
}
