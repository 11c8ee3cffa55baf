//! The chat by itself: in a window, in an OBS dock, and as a layer over a picture.

use super::watch::of_channel;
use crate::{
    pages::{self, Chatting, OverlayLook, Visitor},
    server::{App, Visit},
};
use axum::{
    Router,
    extract::{Path, Query},
    response::Response,
    routing::get,
};
use http::StatusCode;
use rivulet_protocol::rest::ChatRoom;
use serde::Deserialize;
use std::sync::Arc;

/// Of an overlay's letters, in pixels.
const SIZES_PX: std::ops::RangeInclusive<u32> = 8..=96;
const MAX_FADE_SECONDS: u32 = 3_600;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/popout/{channel}/chat", get(popout))
        .route("/dock/chat", get(dock))
        .route("/overlay/chat", get(overlay))
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    channel: String,
    fade: Option<String>,
    size: Option<String>,
}

/// The channel `name` with its chat, where the visitor may read it.
async fn chatting(visit: &Visit, name: &str) -> Result<(Visitor, Chatting), Response> {
    let (visitor, channel, standing) = of_channel(visit, name, "").await?;
    match visit.client.get::<ChatRoom>(&format!("channels/{}/chat", channel.name)).await {
        Ok(room) => Ok((visitor, Chatting { channel, room, standing })),
        Err(error) => Err(visit.failed(&visitor, error)),
    }
}

async fn popout(visit: Visit, Path(name): Path<String>) -> Response {
    let name = name.to_ascii_lowercase();
    match chatting(&visit, &name).await {
        Ok((visitor, it)) => visit.page(StatusCode::OK, &visitor, |visitor| pages::popout(visitor, it)),
        Err(response) => response,
    }
}

async fn dock(visit: Visit, Query(which): Query<Which>) -> Response {
    let name = which.channel.to_ascii_lowercase();
    match chatting(&visit, &name).await {
        Ok((visitor, it)) => visit.page(StatusCode::OK, &visitor, |visitor| pages::dock(visitor, it)),
        Err(response) => response,
    }
}

async fn overlay(visit: Visit, Query(which): Query<Which>) -> Response {
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u32>().ok());
    let look = OverlayLook {
        fade: number(&which.fade).filter(|fade| (1..=MAX_FADE_SECONDS).contains(fade)),
        size: number(&which.size).filter(|size| SIZES_PX.contains(size)),
    };
    let name = which.channel.to_ascii_lowercase();
    match chatting(&visit, &name).await {
        Ok((visitor, it)) => visit.page(StatusCode::OK, &visitor, |visitor| pages::overlay(visitor, it, look)),
        Err(response) => response,
    }
}
