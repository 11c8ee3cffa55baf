//! The ways in, and a person's own account.

use crate::{
    pages::{self, Settings},
    server::{App, Visit, gateway::own_path, to_login},
};
use axum::{
    Router,
    extract::Query,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use rivulet_protocol::rest::{Notification, Page, Passkey, Session, Token};
use serde::Deserialize;
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login", get(login))
        .route("/signup", get(signup))
        .route("/setup", get(setup))
        .route("/password", get(forgotten))
        .route("/reset-password", get(reset))
        .route("/settings", get(profile))
        .route("/confirm-email", get(confirm_email))
        .route("/settings/security", get(security))
        .route("/settings/tokens", get(tokens))
        .route("/settings/notifications", get(push))
        .route("/settings/data", get(data))
        .route("/notifications", get(notifications))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
    /// Why coming back from the provider of an account failed: a code of the API.
    error: Option<String>,
    #[serde(default)]
    token: String,
    #[serde(default)]
    invite: String,
    after: Option<String>,
}

async fn login(visit: Visit, Query(query): Query<Asked>) -> Response {
    let visitor = visit.visitor().await;
    let next = own_path(&query.next);
    if visitor.me.is_some() {
        return Redirect::to(&next).into_response();
    }
    visit.page(StatusCode::OK, &visitor, |visitor| pages::login(visitor, next, query.error))
}

async fn signup(visit: Visit, Query(query): Query<Asked>) -> Response {
    let visitor = visit.visitor().await;
    if visitor.me.is_some() {
        return Redirect::to("/").into_response();
    }
    visit.page(StatusCode::OK, &visitor, |visitor| pages::signup(visitor, query.invite))
}

async fn setup(visit: Visit, Query(query): Query<Asked>) -> Response {
    let visitor = visit.visitor().await;
    visit.page(StatusCode::OK, &visitor, |visitor| pages::setup(visitor, query.token))
}

async fn forgotten(visit: Visit) -> Response {
    let visitor = visit.visitor().await;
    visit.page(StatusCode::OK, &visitor, pages::forgotten)
}

async fn reset(visit: Visit, Query(query): Query<Asked>) -> Response {
    let visitor = visit.visitor().await;
    visit.page(StatusCode::OK, &visitor, |visitor| pages::reset(visitor, query.token))
}

async fn confirm_email(visit: Visit, Query(query): Query<Asked>) -> Response {
    let visitor = visit.visitor().await;
    visit.page(StatusCode::OK, &visitor, |visitor| pages::confirm_email(visitor, query.token))
}

/// The page for whoever is logged in.
async fn settings(visit: &Visit, page: Settings) -> Response {
    let visitor = visit.visitor().await;
    let Some(me) = visitor.me.clone() else { return to_login(&visitor.here) };
    visit.page(StatusCode::OK, &visitor, |visitor| pages::settings(visitor, &me, page))
}

async fn profile(visit: Visit) -> Response {
    settings(&visit, Settings::Profile).await
}

async fn security(visit: Visit) -> Response {
    let lists = tokio::try_join!(
        visit.client.get::<Page<Passkey>>("me/passkeys?limit=100"),
        visit.client.get::<Page<Session>>("me/sessions?limit=100"),
    );
    match lists {
        Ok((passkeys, sessions)) => {
            settings(&visit, Settings::Security { passkeys: passkeys.items, sessions: sessions.items }).await
        }
        Err(error) => visit.failed(&visit.visitor().await, error),
    }
}

async fn tokens(visit: Visit) -> Response {
    match visit.client.get::<Page<Token>>("me/tokens?limit=100").await {
        Ok(tokens) => settings(&visit, Settings::Tokens(tokens.items)).await,
        Err(error) => visit.failed(&visit.visitor().await, error),
    }
}

async fn push(visit: Visit) -> Response {
    settings(&visit, Settings::Notifications).await
}

async fn data(visit: Visit) -> Response {
    settings(&visit, Settings::Data).await
}

async fn notifications(visit: Visit, Query(query): Query<Asked>) -> Response {
    let after = query.after.map(|after| format!("?after={}", pages::percent_encode(&after))).unwrap_or_default();
    let address = format!("me/notifications{after}");
    let (visitor, list) = tokio::join!(visit.visitor(), visit.client.get::<Page<Notification>>(&address));
    match list {
        Ok(list) => visit.page(StatusCode::OK, &visitor, |visitor| pages::notifications(visitor, list)),
        Err(error) => visit.failed(&visitor, error),
    }
}
