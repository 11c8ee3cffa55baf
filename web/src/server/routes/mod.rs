//! Which page is where, and what each asks of the API.

mod studio;
mod watch;

use super::{App, Visit, gateway::own_path};
use crate::pages;
use axum::{
    Router,
    extract::Query,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;

pub fn pages() -> Router<Arc<App>> {
    Router::new().route("/login", get(login)).route("/setup", get(setup)).merge(studio::routes()).merge(watch::routes())
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn login(visit: Visit, Query(query): Query<Next>) -> Response {
    let (visitor, _) = visit.visitor().await;
    let next = own_path(&query.next);
    if visitor.me.is_some() {
        return Redirect::to(&next).into_response();
    }
    visit.page(StatusCode::OK, &visitor, |visitor| pages::login(visitor, next))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn setup(visit: Visit, Query(query): Query<Token>) -> Response {
    let (visitor, needs_setup) = visit.visitor().await;
    visit.page(StatusCode::OK, &visitor, |visitor| pages::setup(visitor, needs_setup, query.token))
}
