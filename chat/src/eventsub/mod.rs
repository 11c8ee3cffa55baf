//! `/eventsub/ws`: what happens, for bots that know Twitch's EventSub. A session is a connection; what it
//! gets is asked for over HTTP (`/helix/eventsub/subscriptions`) and kept in rows, so that any process can
//! take the request. The process with the connection reads the rows, and hands on what its rooms do.

mod notice;
mod session;
mod streams;

use crate::Config;
use crate::node::Node;
use crate::places::Places;
use crate::upgrade::{Asked, refuse};
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use session::Session;
use std::sync::Arc;
use std::time::Duration;
pub use streams::tell as tell_streams;

struct Front {
    config: Config,
    node: Arc<Node>,
    places: Places,
}

#[derive(Deserialize)]
struct Asks {
    /// Something is sent at least this often.
    keepalive_timeout_seconds: Option<u64>,
}

/// That a session's rows have changed.
pub fn topic(session_id: &str) -> String {
    format!("chat.eventsub.{session_id}")
}

pub fn router(config: Config, node: Arc<Node>, places: Places) -> Router {
    Router::new().route("/eventsub/ws", get(accept)).with_state(Arc::new(Front { config, node, places }))
}

/// Pages of other sites are welcome: a session is nobody's until a token subscribes with it.
async fn accept(State(front): State<Arc<Front>>, Query(asks): Query<Asks>, mut request: Request) -> Response {
    let keepalive = asks.keepalive_timeout_seconds.unwrap_or(10);
    if !(10..=600).contains(&keepalive) {
        return refuse(StatusCode::BAD_REQUEST, "keepalive_timeout_seconds is 10 to 600.\n");
    }
    let asked = match Asked::new(&mut request, &front.config, &front.places) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let node = front.node.clone();
    asked.accept(None, async move |upgraded| Session::run(node, upgraded, Duration::from_secs(keepalive)).await)
}
