//! The first user, logging in and out.

use crate::docs::{Answer, Done, op};
use crate::policy::Action;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Origin, SESSION_MS};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rivulet_protocol::ChannelName;
use rivulet_protocol::name::MAX_NAME_LEN;
use rivulet_protocol::rest::{Instance, Login, Me, Role, Setup};
use rivulet_store::{SessionToken, SetupToken, StoreError, User, password};

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/instance", get_with(instance, op("instance", "What this server is")))
        .api_route("/setup", post_with(setup, op("instance", "Make the first account")))
        .api_route("/login", post_with(login, op("account", "Log in with a password")))
        .api_route("/logout", post_with(logout, op("account", "End this session")))
        .api_route("/me", get_with(me, op("account", "The logged-in user")))
}

async fn instance(State(app): State<App>) -> Result<Json<Instance>, Refusal> {
    let needs_setup = app.store.admin_count().await? == 0;
    let name = app.config.instance_name.clone();
    Ok(Json(Instance { name, version: env!("CARGO_PKG_VERSION").into(), needs_setup, ..Instance::default() }))
}

async fn setup(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Body(setup): Body<Setup>,
) -> Result<Answer<Me>, Refusal> {
    let closed = |detail: &str| Refusal::new(StatusCode::FORBIDDEN, "setup_closed", detail);
    // Held to the end: two people with the same link do not both become the first.
    let mut token = app.setup.lock().await;
    if token.is_none() || app.store.admin_count().await? > 0 {
        *token = None;
        return Err(closed("Rivulet is set up already; log in instead."));
    }
    // Hashes are compared, so the time it takes says nothing about the token.
    let given = SetupToken::parse(&setup.token).map(|token| token.hash());
    if given.is_none() || given != token.as_ref().map(|token| token.hash()) {
        return Err(closed("This setup link is not valid; use the one in the server's newest log."));
    }
    let name = ChannelName::parse(&setup.username).map_err(|e| Refusal::name("username", e))?;
    let hash = password::hash(&setup.password).await.map_err(Refusal::password)?;
    let now_ms = now_ms();
    let user = app.store.create_user(&name, &hash, Role::Admin, now_ms).await.map_err(|e| match e {
        StoreError::Taken => Refusal::taken("username"),
        e => e.into(),
    })?;
    *token = None;
    app.store.create_channel(&name, &user.id, "", now_ms).await?;
    tracing::info!(user = user.name, "first user created");
    log_in(&app, &origin, &headers, user).await
}

async fn login(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Answer<Me>, Refusal> {
    let account: String = login.username.trim().to_ascii_lowercase().chars().take(MAX_NAME_LEN + 1).collect();
    app.logins
        .attempt(&account, origin.from, now_ms())
        .map_err(|seconds| Refusal::too_many("too_many_logins", "Too many failed logins; try again later.", seconds))?;
    let found = app.store.user_by_name(&account).await?;
    let stored = found.as_ref().map(|(_, hash)| hash.as_str());
    let right = password::verify(&login.password, stored).await.map_err(Refusal::password)?;
    let Some((user, _)) = found.filter(|_| right) else {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "wrong_password", "Name or password is wrong."));
    };
    app.logins.succeeded(&account, origin.from);
    app.store.delete_expired_sessions(now_ms()).await?;
    log_in(&app, &origin, &headers, user).await
}

/// A new session each time: one that somebody else planted in the browser is worth nothing.
async fn log_in(app: &App, origin: &Origin, headers: &HeaderMap, user: User) -> Result<Answer<Me>, Refusal> {
    if let Some(old) = origin.session(headers) {
        app.store.delete_session(&old).await?;
    }
    let (token, now_ms) = (SessionToken::generate(), now_ms());
    app.store.create_session(&user.id, &token.hash(), now_ms, now_ms + SESSION_MS).await?;
    Ok(Answer { body: describe(app, &user).await?, cookie: Some(origin.session_cookie(&token)) })
}

async fn logout(State(app): State<App>, origin: Origin, headers: HeaderMap) -> Result<Done, Refusal> {
    if let Some(session) = origin.session(&headers) {
        app.store.delete_session(&session).await?;
    }
    Ok(Done { cookie: Some(origin.no_cookie()) })
}

async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Refusal> {
    Ok(Json(describe(&app, caller.may(Action::ReadAccount)?).await?))
}

async fn describe(app: &App, user: &User) -> Result<Me, Refusal> {
    let channels = app.store.channels_of(&user.id).await?;
    let channels = channels.into_iter().map(|channel| channel.name).collect();
    Ok(Me {
        id: user.id.clone(),
        username: user.name.clone(),
        display_name: user.name.clone(),
        role: user.role,
        channels,
        has_password: true,
        ..Me::default()
    })
}
