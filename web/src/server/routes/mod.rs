//! Which page is where, and what each asks of the API.

mod account;
mod admin;
mod studio;
mod watch;

use super::App;
use axum::Router;
use std::sync::Arc;

pub fn pages() -> Router<Arc<App>> {
    Router::new().merge(account::routes()).merge(admin::routes()).merge(studio::routes()).merge(watch::routes())
}
