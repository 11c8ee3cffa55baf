//! The server's transport: one call of the API's router, on behalf of the visitor whose page is
//! being made. The visitor's cookies, address and scheme go in; cookies that the API sets come out.

use super::{Call, Error, Reply, Transport};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header, request::Parts, uri::Scheme};
use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};
use tower::ServiceExt;

/// No answer that a page is made of is longer.
const MAX_BODY_BYTES: usize = 4 << 20;

/// What the API may need to know about the visitor: who it is, where from, and at which address
/// the person reached us.
const FORWARDED: [HeaderName; 9] = [
    header::COOKIE,
    header::HOST,
    header::ORIGIN,
    header::USER_AGENT,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("sec-fetch-site"),
];

pub struct InProcess {
    api: Router,
    headers: HeaderMap,
    peer: Option<ConnectInfo<SocketAddr>>,
    scheme: Option<Scheme>,
    set_cookies: Mutex<Vec<HeaderValue>>,
}

impl InProcess {
    /// Calls on behalf of the request that `visitor` is the head of.
    pub fn new(api: Router, visitor: &Parts) -> Self {
        let headers = FORWARDED
            .iter()
            .flat_map(|name| visitor.headers.get_all(name).iter().map(move |value| (name.clone(), value.clone())))
            .collect();
        let (peer, scheme) = (visitor.extensions.get().copied(), visitor.extensions.get().cloned());
        Self { api, headers, peer, scheme, set_cookies: Mutex::default() }
    }

    /// Scheme and host as the visitor's browser has them; a proxy says what it hides.
    pub fn origin(&self) -> String {
        let text = |name: HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        let forwarded = text(HeaderName::from_static("x-forwarded-proto"));
        let scheme = forwarded.or(self.scheme.as_ref().map(Scheme::as_str)).unwrap_or("http");
        let host = text(HeaderName::from_static("x-forwarded-host")).or(text(header::HOST)).unwrap_or("localhost");
        format!("{scheme}://{host}")
    }

    /// The cookies that the API has set so far, for the answer to the visitor.
    pub fn take_set_cookies(&self) -> Vec<HeaderValue> {
        std::mem::take(&mut self.set_cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transport for InProcess {
    async fn send(&self, call: Call) -> Result<Reply, Error> {
        let mut request = Request::builder().method(call.method).uri(&call.path);
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.headers.clone());
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
            if let Some(key) = call.key.as_deref().and_then(|key| HeaderValue::from_str(key).ok()) {
                headers.insert(HeaderName::from_static("idempotency-key"), key);
            }
            if let Some(content_type) = call.body.content_type() {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
        }
        if let Some(peer) = self.peer {
            request = request.extension(peer);
        }
        if let Some(scheme) = self.scheme.clone() {
            request = request.extension(scheme);
        }
        let request =
            request.body(Body::from(call.body.into_bytes())).map_err(|error| Error::Unreachable(error.to_string()))?;
        let response = match self.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let cookies = response.headers().get_all(header::SET_COOKIE).iter().cloned();
        self.set_cookies.lock().unwrap_or_else(PoisonError::into_inner).extend(cookies);
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), MAX_BODY_BYTES)
            .await
            .map_err(|error| Error::Unreadable(error.to_string()))?;
        let body = String::from_utf8(body.into()).map_err(|error| Error::Unreadable(error.to_string()))?;
        Ok(Reply { status, body })
    }
}
