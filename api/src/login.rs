//! Logging in, in each of its ways, and out.

use crate::accounts::{describe, taken};
use crate::docs::{Answer, Done, op};
use crate::oidc::Identity;
use crate::passkey::Proof;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cookie, Origin, Params, SESSION_MS};
use crate::{App, device, now_ms, totp};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use rivulet_hub::clock::system_ms;
use rivulet_protocol::ChannelName;
use rivulet_protocol::name::MAX_NAME_LEN;
use rivulet_protocol::rest::{Login, Me, PasskeyChallenge, PasskeyLogin, Role, SecondFactor, SignUp};
use rivulet_store::{NewUser, Place, SecretHash, SessionToken, StoreError, Ticket, TicketToken, User, UserState};
use rivulet_store::{password, random_name};
use schemars::JsonSchema;
use serde::Deserialize;

/// Between the password and the second factor.
const SECOND_FACTOR_MS: i64 = 5 * 60 * 1000;
const OIDC_MS: i64 = 10 * 60 * 1000;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/login", post_with(login, op("account", "Log in with a password")))
        .api_route("/login/second", post_with(second, op("account", "The second factor of a log-in")))
        .api_route("/login/passkey/start", post_with(passkey_start, op("account", "A challenge for a passkey")))
        .api_route("/login/passkey", post_with(passkey, op("account", "Log in with a passkey")))
        .api_route("/login/oidc", get_with(oidc_start, op("account", "To the provider of an account, for browsers")))
        .api_route("/login/oidc/back", get_with(oidc_back, op("account", "Back from the provider of an account")))
        .api_route("/logout", post_with(logout, op("account", "End this session")))
}

fn throttled(seconds: u64) -> Refusal {
    Refusal::too_many("too_many_logins", "Too many failed logins; try again later.", seconds)
}

/// Whether somebody who has proved who they are may come in. Those who are suspended may: they can
/// read, take their data along and leave.
fn admit(user: &User) -> Result<(), Refusal> {
    match user.state {
        UserState::Active => Ok(()),
        UserState::Pending => {
            let detail = "An admin has to let you in first.";
            Err(Refusal::new(StatusCode::FORBIDDEN, "pending", detail))
        }
        UserState::Deleted => Err(wrong_password()),
    }
}

fn wrong_password() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "wrong_password", "Name or password is wrong.")
}

async fn login(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Answer<Me>, Refusal> {
    let account: String = login.username.trim().to_ascii_lowercase().chars().take(MAX_NAME_LEN + 1).collect();
    app.throttle.logins.attempt(&account, origin.from, now_ms()).map_err(throttled)?;
    let found = app.store.user_by_name(&account).await?;
    // An account without a password takes as long as none at all.
    let stored = found.as_ref().map(|(_, hash)| hash.as_str()).filter(|hash| !hash.is_empty());
    let right = password::verify(&login.password, stored).await.map_err(Refusal::password)?;
    let (user, _) = found.filter(|_| right).ok_or_else(wrong_password)?;
    app.throttle.logins.succeeded(&account, origin.from);
    admit(&user)?;
    app.store.delete_expired_sessions(now_ms()).await?;
    if user.totp.is_none() {
        return log_in(&app, &origin, &headers, user).await;
    }
    let (ticket, now_ms) = (TicketToken::generate(), now_ms());
    let until_ms = now_ms + SECOND_FACTOR_MS;
    app.store.add_ticket(Ticket::SecondFactor, &ticket.hash(), &user.id, "", now_ms, until_ms).await?;
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "second_factor_needed", "Now the code of your app.");
    Err(refusal.with_cookie(origin.set_cookie(Cookie::SecondFactor, ticket.reveal(), SECOND_FACTOR_MS)))
}

async fn second(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Body(second): Body<SecondFactor>,
) -> Result<Answer<Me>, Refusal> {
    let expired = || Refusal::new(StatusCode::UNAUTHORIZED, "not_logged_in", "Log in with your password first.");
    let ticket = origin.cookie(Cookie::SecondFactor, &headers).and_then(TicketToken::parse).ok_or_else(expired)?;
    let found = app.store.ticket(Ticket::SecondFactor, &ticket.hash(), now_ms()).await?;
    let (user_id, _) = found.ok_or_else(expired)?;
    let user = app.store.user_by_id(&user_id).await?.ok_or_else(expired)?;
    // A name has no colon, so this is nobody's count of passwords.
    let account = format!("second:{}", user.name);
    app.throttle.logins.attempt(&account, origin.from, now_ms()).map_err(throttled)?;
    if !prove(&app, &user, &second.code).await? {
        let detail = "This code is not right, or was used already.";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "wrong_code", detail).at("code"));
    }
    app.throttle.logins.succeeded(&account, origin.from);
    if !app.store.use_ticket(&ticket.hash()).await? {
        return Err(expired());
    }
    admit(&user)?;
    log_in(&app, &origin, &headers, user).await
}

/// Whether this is the code of the user's app, or one of the recovery codes. It is used up.
async fn prove(app: &App, user: &User, code: &str) -> Result<bool, Refusal> {
    let Some(factor) = &user.totp else { return Ok(false) };
    if let Some(step) = totp::verify(&factor.secret, code, factor.step, system_ms())? {
        return Ok(app.store.use_totp_step(&user.id, step).await?);
    }
    match totp::recovery_code(code) {
        Some(code) => Ok(app.store.use_recovery_code(&user.id, &SecretHash::of(&code)).await?),
        None => Ok(false),
    }
}

async fn passkey_start(State(app): State<App>, origin: Origin) -> Result<Json<PasskeyChallenge>, Refusal> {
    let site = origin.site().ok_or_else(Refusal::not_found)?;
    Ok(Json(app.passkeys.start_login(&site, now_ms())?))
}

async fn passkey(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Body(login): Body<PasskeyLogin>,
) -> Result<Answer<Me>, Refusal> {
    let unknown = || {
        let detail = "This passkey is not known here; log in with your password.";
        Refusal::new(StatusCode::UNAUTHORIZED, "unknown_passkey", detail)
    };
    let site = origin.site().ok_or_else(Refusal::not_found)?;
    let proof = Proof::read(login.credential)?;
    let row = app.store.passkey_by_credential(&proof.credential_id()).await?.ok_or_else(unknown)?;
    let mut passkey = serde_json::from_str(&row.body).map_err(|_| unknown())?;
    app.passkeys.finish_login(&site, &login.ticket, &proof, &mut passkey, now_ms())?;
    let body = serde_json::to_string(&passkey).map_err(|_| unknown())?;
    app.store.passkey_used(&row.id, &body, now_ms()).await?;
    let user = app.store.user_by_id(&row.user_id).await?.ok_or_else(unknown)?;
    admit(&user)?;
    // The device has asked for a finger or a code: that is two factors.
    log_in(&app, &origin, &headers, user).await
}

/// A new session each time: one that somebody else planted in the browser is worth nothing.
pub async fn log_in(app: &App, origin: &Origin, headers: &HeaderMap, user: User) -> Result<Answer<Me>, Refusal> {
    if let Some(old) = origin.session(headers) {
        app.store.delete_session(&old).await?;
    }
    let (token, now_ms) = (SessionToken::generate(), now_ms());
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let (device, address) = (device::name(agent), origin.from.to_string());
    let place = Place { device: &device, address: &address };
    app.store.create_session(&user.id, &token.hash(), place, now_ms, now_ms + SESSION_MS).await?;
    Ok(Answer { body: describe(app, &user).await?, cookie: Some(origin.session_cookie(&token)) })
}

async fn logout(State(app): State<App>, origin: Origin, headers: HeaderMap) -> Result<Done, Refusal> {
    if let Some(session) = origin.session(&headers)
        && let Some(user_id) = app.store.delete_session(&session).await?
    {
        app.logged_out(&user_id).await;
    }
    Ok(Done { cookie: Some(origin.no_cookie()) })
}

fn back_at(origin: &Origin) -> Result<String, Refusal> {
    let site = origin.site().ok_or_else(Refusal::not_found)?;
    Ok(site.join("/api/v1/login/oidc/back").map_err(|_| Refusal::not_found())?.into())
}

/// Sends a browser on, with a cookie.
fn go(to: &str, cookie: axum::http::HeaderValue) -> Response {
    ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

/// From a page of ours and logged in, the account there becomes one of the ways into this one.
async fn oidc_start(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Response, Refusal> {
    let oidc = app.oidc.as_ref().ok_or_else(Refusal::not_found)?;
    let ours = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let user = caller.known().filter(|_| ours && !caller.has_token()).map(|user| user.id.clone());
    match oidc.start(&back_at(&origin)?, user, now_ms()).await {
        Ok(start) => Ok(go(start.url.as_str(), origin.set_cookie(Cookie::Oidc, &start.state, OIDC_MS))),
        Err(refusal) => Ok(failed(&origin, &refusal)),
    }
}

/// Somebody looks at a browser, not at JSON.
fn failed(origin: &Origin, refusal: &Refusal) -> Response {
    go(&format!("/login?error={}", refusal.code()), origin.set_cookie(Cookie::Oidc, "", 0))
}

#[derive(Deserialize, JsonSchema)]
struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

async fn oidc_back(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Params(back): Params<Back>,
) -> Result<Response, Refusal> {
    match come_back(&app, &origin, &headers, back).await {
        Ok((to, cookie)) => {
            let mut response = go(to, cookie);
            response.headers_mut().append(header::SET_COOKIE, origin.set_cookie(Cookie::Oidc, "", 0));
            Ok(response)
        }
        Err(refusal) => Ok(failed(&origin, &refusal)),
    }
}

async fn come_back(
    app: &App,
    origin: &Origin,
    headers: &HeaderMap,
    back: Back,
) -> Result<(&'static str, axum::http::HeaderValue), Refusal> {
    let oidc = app.oidc.as_ref().ok_or_else(Refusal::not_found)?;
    if back.state.is_empty() || origin.cookie(Cookie::Oidc, headers) != Some(&back.state) {
        // Started in another browser: somebody else's account would be logged in here.
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "challenge_expired", "Try again."));
    }
    let (identity, for_user) = oidc.finish(&back.state, &back.code, now_ms()).await?;
    let known = app.store.user_by_identity(&identity.issuer, &identity.subject).await?;
    if let Some(user_id) = for_user {
        match known {
            None => app.store.add_identity(&identity.issuer, &identity.subject, &user_id).await?,
            Some(user) if user.id == user_id => {}
            Some(_) => return Err(Refusal::conflict("taken", "This account there belongs to another one here.")),
        }
        return Ok(("/settings", origin.set_cookie(Cookie::Oidc, "", 0)));
    }
    let user = match known {
        Some(user) => user,
        None => newcomer(app, &identity).await?,
    };
    admit(&user)?;
    let answer = log_in(app, origin, headers, user).await?;
    Ok(("/", answer.cookie.unwrap_or_else(|| origin.no_cookie())))
}

/// Somebody whom the provider knows and we do not yet. What holds for signing up holds for them; an
/// address is taken over only when nobody has it, because it would open that account.
async fn newcomer(app: &App, identity: &Identity) -> Result<User, Refusal> {
    let state = match app.settings().await?.sign_up {
        SignUp::Open => UserState::Active,
        SignUp::Approval => UserState::Pending,
        SignUp::Invite | SignUp::Closed => {
            let detail = "There is no account here for yours there; ask the admin.";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "sign_up_closed", detail));
        }
    };
    let email = identity.email.as_deref().map(str::to_ascii_lowercase);
    let email = match &email {
        Some(address) if app.store.user_by_email(address).await?.is_none() => Some(address.as_str()),
        _ => None,
    };
    let wished = identity.name.as_deref().unwrap_or_default();
    let wished: String = wished.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(18).collect();
    // The name as it is, then with something behind it, then any.
    for attempt in
        [wished.clone(), format!("{wished}_{}", &random_name()[..5]), format!("user_{}", &random_name()[..10])]
    {
        let Ok(name) = ChannelName::parse(&attempt) else { continue };
        let new = NewUser {
            name: &name,
            password_hash: "",
            role: Role::Viewer,
            state,
            email,
            email_verified: email.is_some(),
            sign_up_reason: "",
        };
        match app.store.add_user(&new, now_ms()).await {
            Ok(user) => {
                app.store.add_identity(&identity.issuer, &identity.subject, &user.id).await?;
                tracing::info!(user = user.name, "signed up by OIDC");
                return Ok(user);
            }
            Err(StoreError::Taken) => {}
            Err(e) => return Err(taken(e)),
        }
    }
    Err(Refusal::conflict("taken", "No free name was found for you; ask the admin."))
}
