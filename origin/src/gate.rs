//! What is not for everybody needs a signed prefix of the path (`/p/TICKET/live/…`), which whatever
//! a playlist names inherits, or comes through a CDN that knows the secret and judges by itself.
//! Asked before anything is looked up.

use crate::http::Files;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rivulet_protocol::ChannelName;
use rivulet_store::SecretHash;
use rivulet_store::playback::{Stage, TicketError};

/// `Authorization: Bearer SECRET`, as the CDN's configuration has it. Only the hash is kept here.
fn is_cdn(files: &Files, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).map(SecretHash::of);
    given.is_some() && given == files.cdn_secret
}

pub async fn watch(State(files): State<Files>, params: RawPathParams, request: Request, next: Next) -> Response {
    let param = |name: &str| params.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    // As the handlers read it: another spelling of a name is the same channel. What is no name is nothing to see.
    let channel = param("channel").and_then(|name| ChannelName::parse(name).ok());
    let Some(channel) = channel else { return next.run(request).await };
    let live = match param("broadcast") {
        Some(broadcast) => files.registry.get(channel.as_str(), broadcast),
        None => files.registry.current(channel.as_str()),
    };
    let (id, protected) = match (&live, param("broadcast")) {
        (Some(live), _) => (live.broadcast.info.id.clone(), *live.broadcast.protected.borrow()),
        // What is over: the row remembers.
        (None, Some(id)) => match files.store.protection(id).await {
            Ok(protected) => (id.to_owned(), protected),
            Err(error) => {
                tracing::warn!(%error, "cannot ask who may watch a recording");
                return refused(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n");
            }
        },
        (None, None) => return next.run(request).await,
    };
    let Some(access_revision) = protected else { return next.run(request).await };
    if is_cdn(&files, request.headers()) {
        return next.run(request).await;
    }
    let Some(ticket) = param("ticket") else {
        return refused(StatusCode::UNAUTHORIZED, "this is not for everybody: open the channel's page\n");
    };
    let key = match files.playback_key().await {
        Ok(key) => key,
        Err(error) => {
            tracing::warn!(%error, "cannot read the playback key");
            return refused(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n");
        }
    };
    match key.check(ticket, Stage { broadcast_id: &id, access_revision }, crate::now_ms()) {
        Ok(()) => private(next.run(request).await),
        Err(TicketError::Expired) => refused(StatusCode::FORBIDDEN, "this address has expired\n"),
        Err(_) => refused(StatusCode::FORBIDDEN, "this address is not valid here\n"),
    }
}

fn refused(status: StatusCode, text: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (status, headers, text).into_response()
}

/// One viewer's addresses are nobody else's to keep.
fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let kept = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    if let Some(Ok(value)) = kept.map(|kept| HeaderValue::from_str(&kept.replacen("public", "private", 1))) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    response
}
