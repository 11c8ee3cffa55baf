//! Access tokens: what tools and bots hold. A token does what its scopes say and no more than its
//! user may.

use crate::docs::{Answer, Created, Done, op};
use crate::factors::check_label;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Named};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with};
use axum::Json;
use axum::extract::State;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{NewToken, Page, Role, Scope, Token, TokenCreate};
use rivulet_store::AccessToken;

const MAX_TOKENS: usize = 50;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/me/tokens",
            get_with(list, op("account", "Your access tokens"))
                .post_with(create, op("account", "Make an access token")),
        )
        .api_route("/me/tokens/{id}", delete_with(revoke, op("account", "Revoke an access token")))
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Page<Token>>, Refusal> {
    let user = caller.may(Action::ReadAccount)?;
    Ok(Json(Page { items: app.store.access_tokens_of(&user.id).await?, next: None }))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(create): Body<TokenCreate>,
) -> Result<Created<NewToken>, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    let (name, now_ms) = (check_label("name", &create.name)?, now_ms());
    let mut scopes = create.scopes;
    scopes.sort_by_key(|scope| scope.as_str());
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Refusal::field("scopes", "bad_value", "A token without a scope can do nothing: choose some."));
    }
    let beyond = match user.role {
        Role::Admin => &[][..],
        // Anybody may moderate a chat of their own.
        Role::Moderator | Role::Viewer => &[Scope::Admin],
    };
    if scopes.iter().any(|scope| beyond.contains(scope)) {
        return Err(Refusal::field("scopes", "forbidden", "One of these scopes is more than you may do yourself."));
    }
    if create.expires_at_ms.is_some_and(|end| end <= now_ms) {
        return Err(Refusal::field("expires_at_ms", "bad_value", "The end lies in the past."));
    }
    if app.store.access_tokens_of(&user.id).await?.len() >= MAX_TOKENS {
        return Err(Refusal::conflict("too_many_tokens", "An account has at most 50 access tokens; revoke one."));
    }
    let token = AccessToken::generate();
    let hash = token.hash();
    let info = app.store.add_access_token(&user.id, &hash, &name, &scopes, now_ms, create.expires_at_ms).await?;
    tracing::info!(user = user.name, token = info.id, "new access token");
    Ok(Answer::new(NewToken { token: token.reveal().to_owned(), info }))
}

async fn revoke(State(app): State<App>, caller: Caller, Named(id): Named) -> Result<Done, Refusal> {
    let user = caller.may(Action::SecureAccount)?;
    if !app.store.delete_access_token(&user.id, &id).await? {
        return Err(Refusal::not_found());
    }
    app.logged_out(&user.id).await;
    Ok(Done::default())
}
