//! What this server is, the first user, and those who sign up after.

use crate::docs::{Answer, op};
use crate::login::log_in;
use crate::outside::mail;
use crate::refusal::Refusal;
use crate::request::{Body, Origin};
use crate::{App, Shared, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{Instance, InstanceSettings, Me, NewAccount, Role, Setup, SignUp};
use rivulet_store::{InviteCode, NewUser, Picture, SetupToken, StoreError, User, UserState, password};

const MAX_REASON_CHARS: usize = 500;
/// Announcements that a page shows.
const MAX_ANNOUNCEMENTS: usize = 5;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/instance", get_with(instance, op("instance", "What this server is")))
        .api_route("/setup", post_with(setup, op("instance", "Make the first account")))
        .api_route(
            "/signup",
            post_with(sign_up, |operation| {
                let operation = op("account", "Make an account")(operation);
                operation.response::<201, Json<Me>>().response_with::<202, (), _>(|r| r.description("An admin decides"))
            }),
        )
}

impl Shared {
    /// What the admin has set; the flags where nothing was.
    pub async fn settings(&self) -> Result<InstanceSettings, StoreError> {
        let stored = self.store.instance_value("settings").await?;
        let stored = stored.and_then(|text| serde_json::from_str(&text).ok());
        Ok(stored.unwrap_or_else(|| self.config.settings.clone()))
    }

    /// Links in mail have to be ours: what a request says of our name is not asked.
    pub fn mails(&self) -> bool {
        self.mailer.is_some() && self.config.public_url.is_some()
    }
}

async fn instance(State(app): State<App>) -> Result<Json<Instance>, Refusal> {
    let settings = app.settings().await?;
    let logo = app.store.instance_value("logo").await?.and_then(|text| Picture::parse(&text));
    let announcements = app.store.announcements(None, 20).await?.into_iter();
    let now_ms = now_ms();
    let running = announcements.filter(|record| record.until_ms.is_none_or(|until| now_ms < until));
    Ok(Json(Instance {
        name: settings.name,
        version: env!("CARGO_PKG_VERSION").into(),
        needs_setup: app.store.admin_count().await? == 0,
        sign_up: settings.sign_up,
        logo: logo.and_then(|logo| Some(format!("/{}", logo.object_key(*logo.sizes.last()?)))),
        oidc: app.oidc.as_ref().map(|oidc| format!("Log in with {}", oidc.settings.name)),
        mail: app.mails(),
        push_key: app.push().await?.public_key(),
        announcements: running.take(MAX_ANNOUNCEMENTS).map(|record| record.announcement).collect(),
    }))
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
    let user = app.store.create_user(&name, &hash, Role::Admin, now_ms).await.map_err(taken)?;
    *token = None;
    app.store.create_channel(&name, &user.id, "", now_ms).await?;
    tracing::info!(user = user.name, "first user created");
    log_in(&app, &origin, &headers, user).await
}

/// In words for the one who chose the name.
pub fn taken(error: StoreError) -> Refusal {
    match error {
        StoreError::Taken => Refusal::taken("username"),
        StoreError::EmailTaken => Refusal::email_taken(),
        e => e.into(),
    }
}

/// An address that a person gave, as it is kept; `None` for empty text.
pub fn check_email(text: &str) -> Result<Option<String>, Refusal> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    match mail::check_address(text) {
        Ok(address) => Ok(Some(address.to_ascii_lowercase())),
        Err(_) => Err(Refusal::field("email", "bad_email", "This is not an e-mail address.")),
    }
}

async fn sign_up(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Body(new): Body<NewAccount>,
) -> Result<Response, Refusal> {
    let mode = app.settings().await?.sign_up;
    if mode == SignUp::Closed {
        let detail = "Accounts are made by the admin here.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "sign_up_closed", detail));
    }
    app.throttle.sign_ups.attempt(origin.from, now_ms()).map_err(|seconds| {
        Refusal::too_many("too_many_sign_ups", "Too many accounts from your address; try again later.", seconds)
    })?;
    let name = ChannelName::parse(&new.username).map_err(|e| Refusal::name("username", e))?;
    let email = check_email(&new.email)?;
    if new.reason.chars().count() > MAX_REASON_CHARS {
        return Err(Refusal::field("reason", "too_long", "A reason has at most 500 characters."));
    }
    let hash = password::hash(&new.password).await.map_err(Refusal::password)?;
    let invite = match mode {
        SignUp::Invite => Some(spend_invite(&app, &new.invite).await?),
        _ => None,
    };
    let state = if mode == SignUp::Approval { UserState::Pending } else { UserState::Active };
    let user = NewUser {
        name: &name,
        password_hash: &hash,
        role: Role::Viewer,
        state,
        email: email.as_deref(),
        email_verified: false,
        sign_up_reason: new.reason.trim(),
    };
    let user = match (app.store.add_user(&user, now_ms()).await, invite) {
        (Ok(user), _) => user,
        (Err(e), None) => return Err(taken(e)),
        (Err(e), Some(invite)) => {
            app.store.return_invite(&invite.hash()).await?;
            return Err(taken(e));
        }
    };
    tracing::info!(user = user.name, "signed up");
    if let Some(address) = &user.email {
        app.confirm_email(&user, address).await?;
    }
    match state {
        UserState::Active => {
            let answer = log_in(&app, &origin, &headers, user).await?;
            Ok(Answer::<Me, 201> { body: answer.body, cookie: answer.cookie }.into_response())
        }
        _ => Ok(StatusCode::ACCEPTED.into_response()),
    }
}

async fn spend_invite(app: &App, code: &str) -> Result<InviteCode, Refusal> {
    if let Some(code) = InviteCode::parse(code)
        && app.store.use_invite(&code.hash(), now_ms()).await?
    {
        return Ok(code);
    }
    Err(Refusal::field("invite", "bad_invite", "This invite is not valid, or was used up."))
}

/// What somebody sees of their own account.
pub async fn describe(app: &App, user: &User) -> Result<Me, Refusal> {
    let channels = app.store.channels_of(&user.id).await?;
    Ok(Me {
        id: user.id.clone(),
        username: user.name.clone(),
        display_name: user.shown_name().to_owned(),
        role: user.role,
        color: user.color.clone(),
        email: user.email.clone(),
        email_verified: user.email_verified,
        language: Some(user.language.clone()).filter(|language| !language.is_empty()),
        avatar: user.avatar.as_ref().map(Into::into),
        channels: channels.into_iter().map(|channel| channel.name).collect(),
        helps: app.store.helps(&user.id).await?,
        second_factor: user.totp.is_some(),
        recovery_codes_left: app.store.recovery_codes_left(&user.id).await?.try_into().unwrap_or(0),
        has_password: user.has_password,
        unread: crate::notifications::unread(app, &user.id).await?,
        suspended: user.suspended(now_ms()).cloned(),
    })
}
