//! Who may use the API. With a token, whoever knows it. Without, programs on this machine; but not
//! the pages that a browser on this machine has open: a name that they brought along, or another
//! page's origin, gives them away.
//!
//! A page cannot give its WebSocket a header, but it can offer subprotocols: `rivulet`, which is the
//! one that it gets, and `bearer.` with the token in base64url.

use super::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rivulet_store::SecretHash;
use std::net::IpAddr;
use std::sync::Arc;

pub struct Guard {
    token: Option<SecretHash>,
}

impl Guard {
    pub fn new(token: Option<&str>) -> Self {
        Self { token: token.map(SecretHash::of) }
    }

    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        match &self.token {
            Some(token) => {
                let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
                let offered = || text(header::SEC_WEBSOCKET_PROTOCOL).and_then(offered_token);
                let given = bearer.map(|bearer| bearer.trim().to_owned()).or_else(offered);
                given.is_some_and(|given| SecretHash::of(&given) == *token)
            }
            None => {
                let origin = text(header::ORIGIN).map(|origin| origin.split_once("://").map_or("", |(_, host)| host));
                text(header::HOST).is_some_and(is_this_machine) && origin.is_none_or(is_this_machine)
            }
        }
    }
}

/// The token among offered subprotocols.
fn offered_token(offered: &str) -> Option<String> {
    let encoded = offered.split(',').find_map(|protocol| protocol.trim().strip_prefix("bearer."))?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.allows(request.headers()) {
        true => next.run(request).await,
        false => {
            let detail = "Send the compositor's token as `Authorization: Bearer …`.";
            Refusal::new(StatusCode::UNAUTHORIZED, "bad_token", detail).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_let_in() {
        let token = Guard::new(Some("a-long-secret-token"));
        let open = Guard::new(None);
        type Row<'a> = (&'a Guard, &'a [(header::HeaderName, &'a str)], bool);
        let protocols = |secret: &str| format!("rivulet, bearer.{}", URL_SAFE_NO_PAD.encode(secret));
        let (right, wrong) = (protocols("a-long-secret-token"), protocols("another"));
        let rows: [Row<'_>; 15] = [
            (&token, &[(header::AUTHORIZATION, "Bearer a-long-secret-token")], true),
            (&token, &[(header::AUTHORIZATION, "Bearer another")], false),
            (&token, &[(header::AUTHORIZATION, "a-long-secret-token")], false),
            (&token, &[(header::HOST, "localhost")], false),
            (&token, &[(header::SEC_WEBSOCKET_PROTOCOL, right.as_str())], true),
            (&token, &[(header::SEC_WEBSOCKET_PROTOCOL, wrong.as_str())], false),
            (&token, &[(header::SEC_WEBSOCKET_PROTOCOL, "bearer.a-long-secret-token")], false),
            (&token, &[(header::SEC_WEBSOCKET_PROTOCOL, "rivulet")], false),
            (&open, &[(header::HOST, "localhost:4200")], true),
            (&open, &[(header::HOST, "[::1]:4200")], true),
            (&open, &[(header::HOST, "127.0.0.1")], true),
            (&open, &[(header::HOST, "evil.example:4200")], false),
            (&open, &[(header::HOST, "localhost"), (header::ORIGIN, "https://evil.example")], false),
            (&open, &[(header::HOST, "localhost"), (header::ORIGIN, "http://localhost:3000")], true),
            (&open, &[], false),
        ];
        for (guard, headers, allowed) in rows {
            let map: HeaderMap = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
            assert_eq!(guard.allows(&map), allowed, "{headers:?}");
        }
    }
}
