//! The WebSocket: every event as it happens, and requests, which are those of the HTTP API:
//! `{"id": 1, "method": "POST", "path": "/v1/scene/batches", "body": {…}}` is answered by
//! `{"id": 1, "status": 200, "body": {…}}`. A client that does not read is told that it missed
//! events, and one that takes nothing at all is left.

use super::guard::Guard;
use crate::stage::{Happened, Stage};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Handshake, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};
use tower::ServiceExt;

const MAX_CLIENTS: usize = 64;
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const WRITE_WITHIN: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(default)]
    id: Value,
    method: String,
    path: String,
    #[serde(default)]
    body: Option<Value>,
}

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, router: Router, guard: Arc<Guard>, stage: Arc<Stage>) {
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: some will be free again.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let (router, guard, stage) = (router.clone(), guard.clone(), stage.clone());
        tokio::spawn(async move {
            let _ = client(stream, router, &guard, &stage).await;
            drop(place);
        });
    }
}

async fn client(stream: TcpStream, router: Router, guard: &Guard, stage: &Stage) -> Result<(), Error> {
    let mut headers = HeaderMap::new();
    // What tungstenite wants back when a client is turned away is large.
    #[allow(clippy::result_large_err)]
    let check = |request: &Handshake, response: Response| -> Result<Response, ErrorResponse> {
        if guard.allows(request.headers()) {
            headers = request.headers().clone();
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        Err(refusal)
    };
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES)).max_frame_size(Some(MAX_MESSAGE_BYTES));
    let accepting = accept_hdr_async_with_config(stream, check, Some(config));
    let Ok(socket) = timeout(HANDSHAKE_WITHIN, accepting).await else { return Ok(()) };
    let mut socket = socket?;
    let mut events = stage.events();
    loop {
        let answer = tokio::select! {
            event = events.recv() => match event {
                Ok(happened) => of_event(&happened),
                Err(RecvError::Lagged(count)) => json!({ "event": "missed", "count": count }),
                Err(RecvError::Closed) => return Ok(()),
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => call(&text, &router, &headers).await,
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error),
            },
        };
        send(&mut socket, answer).await?;
    }
}

fn of_event(happened: &Happened) -> Value {
    serde_json::to_value(happened).unwrap_or_default()
}

async fn send(socket: &mut WebSocketStream<TcpStream>, answer: Value) -> Result<(), Error> {
    let sending = socket.send(Message::text(answer.to_string()));
    timeout(WRITE_WITHIN, sending).await.unwrap_or(Err(Error::ConnectionClosed))
}

async fn call(text: &str, router: &Router, headers: &HeaderMap) -> Value {
    let call: Call = match serde_json::from_str(text) {
        Ok(call) => call,
        Err(error) => return json!({ "status": 400, "body": { "code": "bad_body", "detail": error.to_string() } }),
    };
    let method = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::GET);
    let mut request =
        Request::builder().method(method).uri(&call.path).header(header::CONTENT_TYPE, "application/json");
    for name in [header::HOST, header::AUTHORIZATION, header::ORIGIN] {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let body = call.body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    // What never ends has no answer here.
    let Ok(request) = request.body(body).map_err(drop).and_then(|request| match request.uri().path() {
        "/v1/thumbnails" => Err(()),
        _ => Ok(request),
    }) else {
        return json!({ "id": call.id, "status": 404 });
    };
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    json!({ "id": call.id, "status": status, "body": body })
}
