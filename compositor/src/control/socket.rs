//! The WebSocket: every event as it happens, and requests, which are those of the HTTP API:
//! `{"id": 1, "method": "POST", "path": "/v1/scene/batches", "body": {…}}` is answered by
//! `{"id": 1, "status": 200, "body": {…}}`. A client that does not read is told that it missed
//! events, and one that takes nothing at all is left.
//!
//! It has a port of its own, and is at `/v1/socket` of the HTTP port as well: so a page needs to know
//! one address only, whatever stands in front of it.

use super::guard::Guard;
use crate::stage::{Happened, Stage};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Handshake, Response};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};
use tower::ServiceExt;

/// On both ports.
const MAX_CLIENTS: usize = 64;
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Of those that a client offers, the subprotocol that it gets.
const PROTOCOL: &str = "rivulet";

/// What clients are served with.
#[derive(Clone)]
pub struct Sockets {
    /// Asks nobody who they are: a client was let in when it came.
    api: Router,
    stage: Arc<Stage>,
    places: Arc<Semaphore>,
}

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

impl Sockets {
    pub fn new(api: Router, stage: Arc<Stage>) -> Self {
        Self { api, stage, places: Arc::new(Semaphore::new(MAX_CLIENTS)) }
    }

    /// Serves a port of its own until it is dropped.
    pub async fn serve(self, listener: TcpListener, guard: Arc<Guard>) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors: some will be free again.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = self.places.clone().try_acquire_owned() else { continue };
            let (sockets, guard) = (self.clone(), guard.clone());
            tokio::spawn(async move {
                if let Some(socket) = shake_hands(stream, &guard).await {
                    sockets.talk(socket, place).await;
                }
            });
        }
    }

    async fn talk(self, mut socket: WebSocketStream<impl Line>, _place: OwnedSemaphorePermit) {
        // Clients come and go as they like.
        let _ = self.exchange(&mut socket).await;
    }

    async fn exchange(&self, socket: &mut WebSocketStream<impl Line>) -> Result<(), Error> {
        let mut events = self.stage.events();
        loop {
            let answer = tokio::select! {
                event = events.recv() => match event {
                    Ok(happened) => of_event(&happened),
                    Err(RecvError::Lagged(count)) => json!({ "event": "missed", "count": count }),
                    Err(RecvError::Closed) => return Ok(()),
                },
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.call(&text).await,
                    Some(Ok(Message::Close(_))) | None => return Ok(()),
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => return Err(error),
                },
            };
            send(socket, answer).await?;
        }
    }

    async fn call(&self, text: &str) -> Value {
        let call: Call = match serde_json::from_str(text) {
            Ok(call) => call,
            Err(error) => return json!({ "status": 400, "body": { "code": "bad_body", "detail": error.to_string() } }),
        };
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::GET);
        let request =
            Request::builder().method(method).uri(&call.path).header(header::CONTENT_TYPE, "application/json");
        let body = call.body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        // What never ends has no answer here.
        let Ok(request) = request.body(body).map_err(drop).and_then(|request| match request.uri().path() {
            "/v1/thumbnails" => Err(()),
            _ => Ok(request),
        }) else {
            return json!({ "id": call.id, "status": 404 });
        };
        let Ok(response) = self.api.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        json!({ "id": call.id, "status": status, "body": body })
    }
}

/// What a client is connected by.
trait Line: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Line for T {}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES)).max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// Is `wanted` among the words of a header?
fn has(headers: &HeaderMap, name: header::HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(wanted))
}

fn protocol(request: &HeaderMap) -> Option<HeaderValue> {
    has(request, header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL).then(|| HeaderValue::from_static(PROTOCOL))
}

/// On the port of its own. Nothing for who may not come in, or is none of us.
async fn shake_hands(stream: TcpStream, guard: &Guard) -> Option<WebSocketStream<TcpStream>> {
    // What tungstenite wants back when a client is turned away is large.
    #[allow(clippy::result_large_err)]
    let check = |request: &Handshake, mut response: Response| -> Result<Response, ErrorResponse> {
        if guard.allows(request.headers()) {
            if let Some(protocol) = protocol(request.headers()) {
                response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
            }
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        Err(refusal)
    };
    let accepting = accept_hdr_async_with_config(stream, check, Some(config()));
    timeout(HANDSHAKE_WITHIN, accepting).await.ok()?.ok()
}

/// On the HTTP port, where the guard has looked already.
pub async fn upgrade(State(sockets): State<Sockets>, mut request: HttpRequest) -> HttpResponse {
    let headers = request.headers();
    let asked = has(headers, header::CONNECTION, "upgrade") && has(headers, header::UPGRADE, "websocket");
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let accept = key.filter(|_| asked && version).and_then(|key| HeaderValue::from_str(&key).ok());
    let protocol = protocol(headers);
    let (Some(accept), Some(on)) = (accept, request.extensions_mut().remove::<OnUpgrade>()) else {
        let headers = [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")];
        return (StatusCode::UPGRADE_REQUIRED, headers, "This is for WebSocket clients.\n").into_response();
    };
    let Ok(place) = sockets.places.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "There are too many connections.\n").into_response();
    };
    tokio::spawn(async move {
        let Ok(Ok(upgraded)) = timeout(HANDSHAKE_WITHIN, on).await else { return };
        let stream = TokioIo::new(upgraded);
        sockets.talk(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config())).await, place).await;
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = protocol {
        answer.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

fn of_event(happened: &Happened) -> Value {
    serde_json::to_value(happened).unwrap_or_default()
}

async fn send(socket: &mut WebSocketStream<impl Line>, answer: Value) -> Result<(), Error> {
    let sending = socket.send(Message::text(answer.to_string()));
    timeout(WRITE_WITHIN, sending).await.unwrap_or(Err(Error::ConnectionClosed))
}
