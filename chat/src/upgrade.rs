//! From a request of HTTP to a WebSocket, for every front that has one there.

use crate::Config;
use crate::places::{Place, Places};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use rivulet_protocol::address::{self, Network};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const UPGRADE_WITHIN: Duration = Duration::from_secs(10);

/// A request for a WebSocket that may become one.
pub struct Asked {
    key: HeaderValue,
    on: OnUpgrade,
    pub network: Network,
    place: Place,
}

pub fn refuse(status: StatusCode, text: &'static str) -> Response {
    (status, text).into_response()
}

/// For a request that is none for a WebSocket of ours.
pub fn required() -> Response {
    let mut response = refuse(StatusCode::UPGRADE_REQUIRED, "This is for WebSocket clients; see /api/docs.\n");
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

impl Asked {
    /// Takes a place among the connections.
    pub fn new(request: &mut Request, config: &Config, places: &Places) -> Result<Self, Box<Response>> {
        let headers = request.headers();
        let key = key(headers).ok_or_else(required)?;
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let peer: IpAddr = peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let network = Network::of(address::client(peer, hops, &config.trusted_proxies));
        let too_many = || refuse(StatusCode::TOO_MANY_REQUESTS, "There are too many connections of your address.\n");
        let place = places.take(network, config).ok_or_else(too_many)?;
        let on = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(required)?;
        Ok(Self { key, on, network, place })
    }

    /// Says yes, in a subprotocol if one was offered, and then talks, holding the place.
    pub fn accept<T>(
        self,
        protocol: Option<&'static str>,
        talk: impl FnOnce(Upgraded) -> T + Send + 'static,
    ) -> Response
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let Self { key, on, place, .. } = self;
        tokio::spawn(async move {
            let Ok(Ok(upgraded)) = Box::pin(timeout(UPGRADE_WITHIN, on)).await else { return };
            let _place = place;
            talk(upgraded).await;
        });
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let answer = response.headers_mut();
        answer.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
            answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = protocol {
            answer.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        response
    }
}

/// The key of a request that is one for a WebSocket of RFC 6455.
fn key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name, wanted: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(wanted))
    };
    let asked = has(header::CONNECTION, "upgrade") && has(header::UPGRADE, "websocket");
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| asked && version).cloned()
}
