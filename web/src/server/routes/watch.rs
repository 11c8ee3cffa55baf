//! The directory and channels' pages.

use crate::{
    pages,
    server::{App, Visit, not_found},
};
use axum::{
    Router,
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use rivulet_protocol::ChannelName;
use serde::Deserialize;
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(home)).route("/embed/{channel}", get(embed)).route("/{channel}", get(channel))
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn home(visit: Visit, Query(query): Query<After>) -> Response {
    // Only a name can come after; anything else begins at the beginning.
    let after = query.after.and_then(|name| ChannelName::parse(&name).ok()).map(|name| name.to_string());
    let ((visitor, needs_setup), list) = tokio::join!(visit.visitor(), visit.client.channels(after.as_deref()));
    match list {
        Ok(list) => visit.page(StatusCode::OK, &visitor, |visitor| pages::home(visitor, needs_setup, list, after)),
        Err(error) => visit.failed(&visitor, error),
    }
}

async fn channel(visit: Visit, Path(name): Path<String>) -> Response {
    let Ok(valid) = ChannelName::parse(&name) else { return not_found(visit).await };
    if valid.as_str() != name {
        return Redirect::permanent(&format!("/{valid}")).into_response();
    }
    let ((visitor, _), channel) = tokio::join!(visit.visitor(), visit.client.channel(valid.as_str()));
    match channel {
        Ok(channel) => visit.page(StatusCode::OK, &visitor, |visitor| pages::channel(visitor, channel)),
        Err(error) => visit.failed(&visitor, error),
    }
}

/// The player alone, for a frame on another site.
async fn embed(visit: Visit, Path(name): Path<String>) -> Response {
    let Ok(valid) = ChannelName::parse(&name) else { return not_found(visit).await };
    let ((visitor, _), channel) = tokio::join!(visit.visitor(), visit.client.channel(valid.as_str()));
    match channel {
        Ok(channel) => visit.page(StatusCode::OK, &visitor, |visitor| pages::embed(visitor, channel)),
        Err(error) => visit.failed(&visitor, error),
    }
}
