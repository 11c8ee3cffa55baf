//! A forgotten password: a link by e-mail, or one that the admin passes on.

use crate::docs::{Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Origin};
use crate::{App, Shared, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use axum::http::StatusCode;
use rivulet_protocol::rest::{Forgotten, PasswordReset};
use rivulet_store::{Ticket, TicketToken, User, UserState, password};

/// A link that was mailed; one from an admin is good for [`LINK_MS`].
const MAILED_MS: i64 = 3600 * 1000;
pub const LINK_MS: i64 = 24 * 3600 * 1000;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/password/forgotten",
            post_with(forgotten, |operation| {
                let operation = op("account", "A link for a new password, by e-mail")(operation);
                operation.response_with::<202, (), _>(|response| response.description("Whoever it is"))
            }),
        )
        .api_route("/password/reset", post_with(reset, op("account", "Set a new password with such a link")))
}

impl Shared {
    /// Answers the secret of a link that sets a new password; older ones are void.
    pub async fn reset_ticket(&self, user: &User, good_for_ms: i64) -> Result<TicketToken, Refusal> {
        let (ticket, now_ms) = (TicketToken::generate(), now_ms());
        let until_ms = now_ms + good_for_ms;
        self.store.add_ticket(Ticket::PasswordReset, &ticket.hash(), &user.id, "", now_ms, until_ms).await?;
        Ok(ticket)
    }
}

/// The answer is the same, and takes as long, whether there is such an account or not.
async fn forgotten(
    State(app): State<App>,
    origin: Origin,
    Body(forgotten): Body<Forgotten>,
) -> Result<StatusCode, Refusal> {
    app.throttle.forgotten.attempt(origin.from, now_ms()).map_err(|seconds| {
        Refusal::too_many("too_many_requests", "Too many of these from your address; try again later.", seconds)
    })?;
    // Behind the caller's back: writing takes longer than finding nobody.
    tokio::spawn(async move {
        if let Err(refusal) = send_link(&app, &forgotten.username).await {
            tracing::warn!(?refusal, "no link for a forgotten password");
        }
    });
    Ok(StatusCode::ACCEPTED)
}

async fn send_link(app: &Shared, who: &str) -> Result<(), Refusal> {
    let (Some(mailer), Some(url)) = (&app.mailer, &app.config.public_url) else { return Ok(()) };
    let who = who.trim().to_ascii_lowercase();
    let found = match who.contains('@') {
        true => app.store.user_by_email(&who).await?,
        false => app.store.user_by_name(&who).await?,
    };
    // An address that was never confirmed may be somebody else's.
    let Some((user, _)) = found.filter(|(user, _)| user.state == UserState::Active && user.email_verified) else {
        return Ok(());
    };
    let Some(address) = user.email.clone() else { return Ok(()) };
    let ticket = app.reset_ticket(&user, MAILED_MS).await?;
    let instance = app.settings().await?.name;
    let text = format!(
        "Hello {},\n\nsomebody asked for a new password for your account at {instance}. If that was you, open\n\n\
         {}/reset-password?token={}\n\nwithin an hour. If not, do nothing: your password stays as it is.\n",
        user.name,
        url.trim_end_matches('/'),
        ticket.reveal()
    );
    mailer.post(address, format!("A new password for {instance}"), text);
    Ok(())
}

async fn reset(State(app): State<App>, Body(reset): Body<PasswordReset>) -> Result<Done, Refusal> {
    let bad = || Refusal::field("token", "bad_token", "This link is not valid any more; ask for another.");
    let ticket = TicketToken::parse(&reset.token).ok_or_else(bad)?;
    let found = app.store.ticket(Ticket::PasswordReset, &ticket.hash(), now_ms()).await?;
    let (user_id, _) = found.ok_or_else(bad)?;
    let hash = password::hash(&reset.password).await.map_err(Refusal::password)?;
    if !app.store.use_ticket(&ticket.hash()).await? {
        return Err(bad());
    }
    app.store.set_password_hash(&user_id, &hash).await?;
    app.store.delete_sessions_of(&user_id, None).await?;
    app.logged_out(&user_id).await;
    tracing::info!(user = user_id, "password reset");
    Ok(Done::default())
}
