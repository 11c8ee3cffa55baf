//! `Idempotency-Key`: a client that does not know whether its request arrived sends it again, and
//! gets the answer of the first. Of an answer with a secret in it only the fact is kept.

use crate::refusal::Refusal;
use crate::request::Caller;
use crate::{App, MAX_BODY_BYTES, now_ms};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rivulet_store::{Kept, SecretHash};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const MAX_KEY_CHARS: usize = 128;
/// An answer is kept for a day.
const KEEP_MS: i64 = 24 * 3600 * 1000;
/// Longer ones are not kept: nothing that makes something answers that much.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Ends of the addresses whose answers have a secret in them.
const SECRETS: [&str; 13] = [
    "/key",
    "/keys",
    "/rotate",
    "/playback",
    "/chat/ticket",
    "/webhooks",
    "/me/tokens",
    "/me/totp",
    "/me/recovery-codes",
    "/passkeys/start",
    "/passkey/start",
    "/admin/invites",
    "/reset-link",
];

pub fn has_secret(path: &str) -> bool {
    SECRETS.iter().any(|end| path.ends_with(end))
}

/// For calls that make something, of whoever is known.
pub async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    answer_once(&app, request, next).await.unwrap_or_else(Refusal::into_response)
}

async fn answer_once(app: &App, request: Request, next: Next) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let key = parts.headers.get(KEY).and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    if key.is_empty() || key.len() > MAX_KEY_CHARS {
        let detail = "An Idempotency-Key has 1 to 128 visible characters.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "bad_idempotency_key", detail));
    }
    let caller = Caller::from_request_parts(&mut parts, app).await?;
    let Some(user) = caller.known() else { return Ok(next.run(Request::from_parts(parts, body)).await) };
    let bytes = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request is larger than 64 KiB."))?;
    let path = parts.uri.path().to_owned();
    let key = SecretHash::of(&format!("{}\n{key}", user.id));
    let asked = SecretHash::of(&format!("{path}\n{}", String::from_utf8_lossy(&bytes)));
    let now_ms = now_ms();
    match app.store.begin_once(&key, &asked, now_ms, now_ms - KEEP_MS).await? {
        Kept::New => {}
        Kept::Running => {
            let detail = "The first request with this key is not done yet.";
            return Err(Refusal::conflict("still_running", detail).retry_after(1));
        }
        Kept::Other => {
            let detail = "This Idempotency-Key was used for another request.";
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail));
        }
        Kept::Answer { body, .. } if body.is_empty() && has_secret(&path) => {
            let detail = "This was done already; its answer had a secret in it, which is shown once.";
            return Err(Refusal::conflict("shown_once", detail));
        }
        Kept::Answer { status, body } => return Ok(replay(status, body)),
    }
    let running = Running { app: app.clone(), key: Some(key) };
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    running.done(response, &path).await
}

/// A request that is cut off, or fails, leaves its key free for the next try.
struct Running {
    app: App,
    key: Option<SecretHash>,
}

impl Running {
    async fn done(mut self, response: Response, path: &str) -> Result<Response, Refusal> {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, MAX_ANSWER_BYTES).await.map_err(|_| {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The answer is too long to be kept.")
        })?;
        let worth_it = !parts.status.is_server_error() && parts.status != StatusCode::TOO_MANY_REQUESTS;
        let secret = parts.status.is_success() && (has_secret(path) || parts.headers.contains_key(header::SET_COOKIE));
        if worth_it && let Some(key) = self.key.take() {
            let text = if secret { "" } else { std::str::from_utf8(&bytes).unwrap_or_default() };
            self.app.store.end_once(&key, Some((parts.status.as_u16(), text))).await?;
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let app = self.app.clone();
        tokio::spawn(async move {
            if let Err(error) = app.store.end_once(&key, None).await {
                tracing::warn!(%error, "an Idempotency-Key stays taken for a day");
            }
        });
    }
}

fn replay(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = if status.is_success() { "application/json" } else { "application/problem+json" };
    let mut response = (status, Bytes::from(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_a_secret() {
        for (path, want) in [
            ("/api/v1/me/tokens", true),
            ("/api/v1/me/totp", true),
            ("/api/v1/me/recovery-codes", true),
            ("/api/v1/me/passkeys/start", true),
            ("/api/v1/login/passkey/start", true),
            ("/api/v1/channels/ann/key", true),
            ("/api/v1/channels/ann/keys", true),
            ("/api/v1/channels/ann/keys/x/rotate", true),
            ("/api/v1/channels/ann/playback", true),
            ("/api/v1/channels/ann/webhooks", true),
            ("/api/v1/admin/invites", true),
            ("/api/v1/admin/users/ann/reset-link", true),
            ("/api/v1/channels", false),
            ("/api/v1/channels/ann/schedule", false),
            ("/api/v1/channels/ann/webhooks/x/test", false),
            ("/api/v1/admin/users", false),
            ("/api/v1/admin/announcements", false),
        ] {
            assert_eq!(has_secret(path), want, "{path}");
        }
    }
}
