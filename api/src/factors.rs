//! Second factors and passkeys of an account: set up, listed, taken away.

use crate::docs::{Answer, Created, Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Named, Origin};
use crate::{App, now_ms, passkey, totp};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::Json;
use axum::extract::State;
use rivulet_hub::clock::system_ms;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{
    NewPasskey, Page, Passkey, PasskeyChallenge, RecoveryCodes, TotpConfirm, TotpSetup, WithPassword,
};
use rivulet_store::{SecretHash, StoreError, Ticket, TicketToken, User};

/// For scanning the code and typing what the app says.
const SETUP_MS: i64 = 15 * 60 * 1000;
const MAX_PASSKEYS: usize = 20;
const MAX_NAME_CHARS: usize = 50;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/me/totp",
            post_with(start, op("account", "A secret for an authenticator"))
                .put_with(confirm, op("account", "Turn the second factor on"))
                .delete_with(turn_off, op("account", "Turn the second factor off")),
        )
        .api_route("/me/recovery-codes", post_with(new_codes, op("account", "New recovery codes instead of the old")))
        .api_route(
            "/me/passkeys",
            get_with(passkeys, op("account", "Your passkeys")).post_with(add_passkey, op("account", "Keep a passkey")),
        )
        .api_route("/me/passkeys/start", post_with(start_passkey, op("account", "A challenge for a new passkey")))
        .api_route("/me/passkeys/{id}", delete_with(remove_passkey, op("account", "Forget a passkey")))
}

/// What a person calls something of theirs.
pub fn check_label(field: &'static str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
        return Err(Refusal::field(field, "bad_name", "A name is one line of 1 to 50 characters."));
    }
    Ok(text.to_owned())
}

fn on_already() -> Refusal {
    Refusal::conflict("second_factor_on", "The second factor is on already; turn it off first.")
}

async fn start(State(app): State<App>, caller: Caller) -> Result<Json<TotpSetup>, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    if user.totp.is_some() {
        return Err(on_already());
    }
    let (secret, now_ms) = (totp::new_secret(), now_ms());
    // Found by its user, so nobody has to bring the ticket.
    let ticket = TicketToken::generate().hash();
    app.store.add_ticket(Ticket::Totp, &ticket, &user.id, &secret, now_ms, now_ms + SETUP_MS).await?;
    Ok(Json(totp::enrolment(&secret, &app.settings().await?.name, &user.name)?))
}

fn wrong_code() -> Refusal {
    Refusal::field("code", "wrong_code", "This is not the code that the app shows now.")
}

async fn confirm(
    State(app): State<App>,
    caller: Caller,
    Body(confirm): Body<TotpConfirm>,
) -> Result<Json<RecoveryCodes>, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    if user.totp.is_some() {
        return Err(on_already());
    }
    let secret = app.store.ticket_of(Ticket::Totp, &user.id, now_ms()).await?;
    let secret = secret.ok_or_else(|| Refusal::conflict("challenge_expired", "This took too long; start again."))?;
    let step = totp::verify(&secret, &confirm.code, 0, system_ms())?.ok_or_else(wrong_code)?;
    app.store.delete_tickets_of(&user.id, Ticket::Totp).await?;
    tracing::info!(user = user.name, "second factor on");
    set_codes(&app, user, &secret, step).await
}

async fn set_codes(app: &App, user: &User, secret: &str, step: i64) -> Result<Json<RecoveryCodes>, Refusal> {
    let codes = totp::recovery_codes();
    let hashes: Vec<SecretHash> = codes.iter().map(|code| SecretHash::of(code)).collect();
    app.store.set_totp(&user.id, secret, step, &hashes).await?;
    Ok(Json(RecoveryCodes { codes }))
}

async fn turn_off(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    Body(with): Body<WithPassword>,
) -> Result<Done, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    app.check_password(user, &origin, "password", &with.password).await?;
    app.store.set_totp(&user.id, "", 0, &[]).await?;
    tracing::info!(user = user.name, "second factor off");
    Ok(Done::default())
}

async fn new_codes(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    Body(with): Body<WithPassword>,
) -> Result<Json<RecoveryCodes>, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    app.check_password(user, &origin, "password", &with.password).await?;
    let off = || Refusal::conflict("second_factor_off", "Recovery codes belong to a second factor; turn one on first.");
    let factor = user.totp.as_ref().ok_or_else(off)?;
    set_codes(&app, user, &factor.secret, factor.step).await
}

fn shown(row: rivulet_store::Passkey) -> Passkey {
    let rivulet_store::Passkey { id, name, created_at_ms, last_used_at_ms, .. } = row;
    Passkey { id, name, created_at_ms, last_used_at_ms }
}

async fn passkeys(State(app): State<App>, caller: Caller) -> Result<Json<Page<Passkey>>, Refusal> {
    let user = caller.may(Action::ReadAccount)?;
    let rows = app.store.passkeys_of(&user.id).await?;
    Ok(Json(Page { items: rows.into_iter().map(shown).collect(), next: None }))
}

async fn start_passkey(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
) -> Result<Json<PasskeyChallenge>, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    let site = origin.site().ok_or_else(Refusal::not_found)?;
    let rows = app.store.passkeys_of(&user.id).await?;
    if rows.len() >= MAX_PASSKEYS {
        return Err(Refusal::conflict("too_many_passkeys", "An account has at most 20 passkeys."));
    }
    let known: Vec<_> = rows.iter().filter_map(|row| serde_json::from_str(&row.body).ok()).collect();
    let instance = app.settings().await?.name;
    Ok(Json(app.passkeys.start_registration(&site, &instance, user, &known, now_ms())?))
}

async fn add_passkey(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    Body(new): Body<NewPasskey>,
) -> Result<Created<Passkey>, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    let name = check_label("name", &new.name)?;
    let site = origin.site().ok_or_else(Refusal::not_found)?;
    let key = app.passkeys.finish_registration(&site, &user.id, &new.ticket, new.credential, now_ms())?;
    let body = serde_json::to_string(&key).map_err(|_| Refusal::not_found())?;
    let added = app.store.add_passkey(&user.id, &passkey::credential_id(&key), &name, &body, now_ms()).await;
    let row = added.map_err(|e| match e {
        StoreError::Taken => Refusal::conflict("taken", "This passkey belongs to an account already."),
        e => e.into(),
    })?;
    tracing::info!(user = user.name, "new passkey");
    Ok(Answer::new(shown(row)))
}

async fn remove_passkey(State(app): State<App>, caller: Caller, Named(id): Named) -> Result<Done, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    match app.store.delete_passkey(&user.id, &id).await? {
        true => Ok(Done::default()),
        false => Err(Refusal::not_found()),
    }
}
