//! The dashboard: a person's own channels.

use crate::{
    client::Error,
    pages::{self, Dashboard},
    server::{App, Visit, to_login},
};
use axum::{Router, extract::Query, response::Response, routing::get};
use http::StatusCode;
use rivulet_protocol::{
    ChannelName,
    rest::{Channel, GoLive, Settings},
};
use serde::Deserialize;
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/dashboard", get(dashboard))
}

#[derive(Deserialize)]
struct Chosen {
    channel: Option<String>,
}

/// The Go live page of the chosen channel, or of the person's first.
async fn dashboard(visit: Visit, Query(query): Query<Chosen>) -> Response {
    let visitor = visit.visitor().await;
    let Some(me) = visitor.me.clone() else { return to_login(&visitor.here) };
    let name = match query.channel {
        Some(name) => match ChannelName::parse(&name) {
            Ok(name) => Some(name.to_string()),
            Err(_) => return visit.page(StatusCode::NOT_FOUND, &visitor, pages::not_found),
        },
        None => me.channels.first().cloned(),
    };
    let chosen = match name {
        Some(name) => match own_channel(&visit, &name).await {
            Ok(chosen) => Some(chosen),
            Err(error) => return visit.failed(&visitor, error),
        },
        None => None,
    };
    let page = Dashboard { own: me.channels, username: me.username, chosen };
    visit.page(StatusCode::OK, &visitor, |visitor| pages::dashboard(visitor, page))
}

async fn own_channel(visit: &Visit, name: &str) -> Result<(Channel, GoLive, Settings), Error> {
    let (channel, golive, settings) =
        (format!("channels/{name}"), format!("channels/{name}/golive"), format!("channels/{name}/settings"));
    tokio::try_join!(visit.client.get(&channel), visit.client.get(&golive), visit.client.get(&settings))
}
