//! Somebody's own account: what it shows, its password, its sessions, taking it along, its end.

use crate::accounts::{check_email, describe};
use crate::docs::{Done, Download, op};
use crate::refusal::{Refusal, sentence};
use crate::request::{Body, Caller, Named, Origin};
use crate::{App, Shared, check, export, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with, put_with};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{Confirm, Me, MeEdit, Page, PasswordChange, Role, Session, User as Shown, WithPassword};
use rivulet_store::names::{DisplayName, DisplayNameError};
use rivulet_store::{SecretHash, Ticket, TicketToken, User, UserState, password};

/// A link that was sent to an address is good for so long.
const CONFIRM_MS: i64 = 24 * 3600 * 1000;
const MAX_LANGUAGE_CHARS: usize = 35;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/me",
            get_with(me, op("account", "The logged-in user"))
                .patch_with(edit, op("account", "Change your account"))
                .delete_with(leave, op("account", "Delete your account")),
        )
        .api_route(
            "/me/avatar",
            put_with(set_avatar, op("account", "Your picture"))
                .delete_with(no_avatar, op("account", "No picture"))
                .layer(crate::pictures::body_limit()),
        )
        .api_route("/me/email/confirm", post_with(confirm, op("account", "Confirm an address")))
        .api_route("/me/password", post_with(change_password, op("account", "Change your password")))
        .api_route(
            "/me/sessions",
            get_with(sessions, op("account", "Where you are logged in"))
                .delete_with(end_sessions, op("account", "Log out everywhere")),
        )
        .api_route("/me/sessions/{id}", delete_with(end_session, op("account", "Log out elsewhere")))
        .api_route("/me/export", get_with(take_along, op("account", "All of your data, as one archive")))
        .api_route("/users/{name}", get_with(show, op("account", "A user")))
}

async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Refusal> {
    Ok(Json(describe(&app, caller.may(Action::ReadAccount)?).await?))
}

impl Shared {
    pub async fn fresh(&self, user_id: &str) -> Result<User, Refusal> {
        self.store.user_by_id(user_id).await?.ok_or_else(Refusal::log_in)
    }

    /// Sends the link that proves whose address it is, where we send mail.
    pub async fn confirm_email(&self, user: &User, address: &str) -> Result<(), Refusal> {
        let (Some(mailer), Some(url)) = (&self.mailer, &self.config.public_url) else { return Ok(()) };
        let (ticket, now_ms) = (TicketToken::generate(), now_ms());
        let until_ms = now_ms + CONFIRM_MS;
        self.store.add_ticket(Ticket::EmailConfirm, &ticket.hash(), &user.id, address, now_ms, until_ms).await?;
        let instance = self.settings().await?.name;
        let text = format!(
            "Hello {},\n\nthis address was given for your account at {instance}. If that was you, open\n\n\
             {}/confirm-email?token={}\n\nIf not, do nothing.\n",
            user.name,
            url.trim_end_matches('/'),
            ticket.reveal()
        );
        mailer.post(address.to_owned(), format!("Your address at {instance}"), text);
        Ok(())
    }
}

/// A name as it is to be shown; empty text for the plain one.
pub fn check_display_name(text: &str, own: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let name = DisplayName::parse(text).map_err(|e| {
        let code = if e == DisplayNameError::Reserved { "reserved" } else { "bad_name" };
        Refusal::field("display_name", code, sentence(e))
    })?;
    Ok(if name.as_str() == own { String::new() } else { name.as_str().to_owned() })
}

async fn edit(State(app): State<App>, caller: Caller, Body(edit): Body<MeEdit>) -> Result<Json<Me>, Refusal> {
    let user = caller.may(Action::ChangeAccount)?;
    let display_name = edit.display_name.map(|name| check_display_name(&name, &user.name)).transpose()?;
    if let Some(name) = &display_name
        && !name.is_empty()
        && app.store.name_owner(name).await?.is_some_and(|owner| owner != user.id)
    {
        return Err(Refusal::taken("display_name"));
    }
    let tag =
        |text: &str| text.len() <= MAX_LANGUAGE_CHARS && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if edit.language.as_deref().is_some_and(|language| !tag(language)) {
        return Err(Refusal::field("language", "bad_value", "A language is a tag such as de or pt-BR."));
    }
    let color = edit.color.map(|color| check::color("color", &color)).transpose()?;
    if let Some(email) = &edit.email {
        // It opens the account by a link: that is more than a tool may do.
        caller.may(Action::SecureAccount)?;
        let email = check_email(email)?;
        if email != user.email {
            match email.as_deref().filter(|_| app.mails()) {
                Some(address) if app.store.user_by_email(address).await?.is_none() => {
                    app.confirm_email(user, address).await?;
                }
                Some(_) => return Err(Refusal::email_taken()),
                None => {
                    let set = app.store.set_email(&user.id, email.as_deref(), None).await;
                    set.map_err(crate::accounts::taken)?;
                }
            }
        }
    }
    if let Some(name) = display_name {
        app.store.set_display_name(&user.id, &name).await?;
    }
    if let Some(language) = edit.language {
        app.store.set_language(&user.id, &language).await?;
    }
    if let Some(color) = color {
        app.store.set_color(&user.id, &color).await?;
    }
    app.person_changed(&user.id).await;
    Ok(Json(describe(&app, &app.fresh(&user.id).await?).await?))
}

async fn confirm(State(app): State<App>, Body(confirm): Body<Confirm>) -> Result<Done, Refusal> {
    let bad = || Refusal::field("token", "bad_token", "This link is not valid any more.");
    let ticket = TicketToken::parse(&confirm.token).ok_or_else(bad)?;
    let found = app.store.ticket(Ticket::EmailConfirm, &ticket.hash(), now_ms()).await?;
    let (user_id, address) = found.ok_or_else(bad)?;
    if !app.store.use_ticket(&ticket.hash()).await? {
        return Err(bad());
    }
    let set = app.store.set_email(&user_id, Some(&address), Some(now_ms())).await;
    set.map_err(crate::accounts::taken)?;
    app.person_changed(&user_id).await;
    Ok(Done::default())
}

async fn set_avatar(State(app): State<App>, caller: Caller, file: Bytes) -> Result<Json<Me>, Refusal> {
    let user = caller.may(Action::ChangeAccount)?;
    let picture = app.put_picture(file, crate::picture::Kind::Avatar, &user.id).await?;
    app.store.set_avatar(&user.id, Some(&picture)).await?;
    app.drop_picture(user.avatar.as_ref()).await;
    Ok(Json(describe(&app, &app.fresh(&user.id).await?).await?))
}

async fn no_avatar(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Refusal> {
    let user = caller.may(Action::ChangeAccount)?;
    app.store.set_avatar(&user.id, None).await?;
    app.drop_picture(user.avatar.as_ref()).await;
    Ok(Json(describe(&app, &app.fresh(&user.id).await?).await?))
}

impl Shared {
    /// Whoever finds a browser open does not know the password. An account without one cannot ask
    /// for it.
    pub async fn check_password(
        &self,
        user: &User,
        origin: &Origin,
        field: &'static str,
        given: &str,
    ) -> Result<(), Refusal> {
        if !user.has_password {
            return Ok(());
        }
        self.throttle.logins.attempt(&user.name, origin.from, now_ms()).map_err(|seconds| {
            Refusal::too_many("too_many_logins", "Too many wrong passwords; try again later.", seconds)
        })?;
        let found = self.store.user_by_name(&user.name).await?;
        let stored = found.as_ref().map(|(_, hash)| hash.as_str());
        if !password::verify(given, stored).await.map_err(Refusal::password)? {
            return Err(Refusal::field(field, "wrong_password", "This is not your password."));
        }
        self.throttle.logins.succeeded(&user.name, origin.from);
        Ok(())
    }
}

async fn change_password(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Result<Done, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    app.check_password(user, &origin, "current", &change.current).await?;
    let hash = password::hash(&change.password).await.map_err(Refusal::password)?;
    app.store.set_password_hash(&user.id, &hash).await?;
    app.store.delete_sessions_of(&user.id, origin.session(&headers).as_ref()).await?;
    app.logged_out(&user.id).await;
    app.store.delete_tickets_of(&user.id, Ticket::PasswordReset).await?;
    tracing::info!(user = user.name, "password changed");
    Ok(Done::default())
}

async fn sessions(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    caller: Caller,
) -> Result<Json<Page<Session>>, Refusal> {
    let user = caller.may(Action::ReadAccount)?;
    let current = origin.session(&headers).map(SecretHash::to_hex);
    let rows = app.store.sessions_of(&user.id, now_ms()).await?;
    let items = rows.into_iter().map(|row| Session {
        current: Some(&row.id) == current.as_ref(),
        id: row.id,
        device: row.device,
        address: row.address,
        created_at_ms: row.created_at_ms,
        last_used_at_ms: row.last_used_at_ms,
    });
    Ok(Json(Page { items: items.collect(), next: None }))
}

async fn end_session(State(app): State<App>, caller: Caller, Named(id): Named) -> Result<Done, Refusal> {
    let user = caller.may(Action::LeaveAccount)?;
    if !app.store.delete_session_of(&user.id, &id).await? {
        return Err(Refusal::not_found());
    }
    app.logged_out(&user.id).await;
    Ok(Done::default())
}

async fn end_sessions(State(app): State<App>, origin: Origin, caller: Caller) -> Result<Done, Refusal> {
    let user = caller.may(Action::LeaveAccount)?;
    app.store.delete_sessions_of(&user.id, None).await?;
    app.logged_out(&user.id).await;
    Ok(Done { cookie: Some(origin.no_cookie()) })
}

async fn take_along(State(app): State<App>, caller: Caller) -> Result<Download, Refusal> {
    export::archive(&app, caller.may(Action::LeaveAccount)?).await
}

async fn leave(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    Body(with): Body<WithPassword>,
) -> Result<Done, Refusal> {
    let user = caller.may(Action::LeaveAccount)?;
    app.check_password(user, &origin, "password", &with.password).await?;
    app.delete_account(user).await?;
    tracing::info!(user = user.id, "account deleted");
    Ok(Done { cookie: Some(origin.no_cookie()) })
}

impl Shared {
    /// The account, its pictures, its channels and what is live on them.
    pub async fn delete_account(&self, user: &User) -> Result<(), Refusal> {
        if user.role == Role::Admin && self.store.admin_count().await? <= 1 {
            let detail = "This is the last admin; make somebody else one first.";
            return Err(Refusal::conflict("last_admin", detail));
        }
        let channels = self.store.channels_of(&user.id).await?;
        self.drop_picture(user.avatar.as_ref()).await;
        for channel in channels {
            self.cut(&channel.name, "the channel was deleted");
            self.drop_pictures_of(&channel).await?;
            self.drop_emotes_of(&channel).await?;
            self.store.delete_channel(&channel.id, now_ms()).await?;
            self.rooms.edited(&channel.name);
            self.room_changed(&channel.id).await;
        }
        self.store.delete_user(&user.id).await?;
        self.logged_out(&user.id).await;
        self.person_changed(&user.id).await;
        Ok(())
    }
}

async fn show(State(app): State<App>, Named(name): Named) -> Result<Json<Shown>, Refusal> {
    let found = app.store.user_by_name(&name.to_ascii_lowercase()).await?;
    let (user, _) = found.filter(|(user, _)| user.state == UserState::Active).ok_or_else(Refusal::not_found)?;
    let channels = app.store.channels_of(&user.id).await?;
    Ok(Json(Shown {
        display_name: user.shown_name().to_owned(),
        avatar: user.avatar.as_ref().map(Into::into),
        channels: channels.into_iter().map(|channel| channel.name).collect(),
        id: user.id,
        username: user.name,
        role: user.role,
        created_at_ms: user.created_at_ms,
    }))
}
