//! Which page is where, and what each asks of the API.

mod account;
mod admin;
mod chat;
mod studio;
mod watch;

use super::{App, Visit};
use crate::{client::Call, pages};
use axum::{Router, response::Response, routing::get};
use http::StatusCode;
use std::sync::Arc;

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/api/docs", get(docs))
        .merge(account::routes())
        .merge(admin::routes())
        .merge(chat::routes())
        .merge(studio::routes())
        .merge(watch::routes())
}

/// What the API says of itself.
async fn docs(visit: Visit) -> Response {
    let call = Call { path: "/api/openapi.json".to_owned(), ..Call::bare("GET", "") };
    let (visitor, document) = tokio::join!(visit.visitor(), visit.client.value(call));
    match document {
        Ok(document) => visit.page(StatusCode::OK, &visitor, |visitor| pages::docs(visitor, &document)),
        Err(error) => visit.failed(&visitor, error),
    }
}
