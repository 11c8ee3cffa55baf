//! Logging in with an account of somewhere else (OpenID Connect): authorization code, PKCE and a
//! nonce. The provider is the admin's choice; what it answers is still a stranger's text, fetched
//! by the client that reaches no inner address.

use crate::refusal::Refusal;
use axum::body::Bytes;
use axum::http::StatusCode;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use rivulet_outside::{Bounds, Client, Failure};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

const BOUNDS: Bounds = Bounds { time: Duration::from_secs(8), body_bytes: 256 * 1024 };
/// The provider's addresses and keys are fetched again after that.
const FRESH_MS: i64 = 10 * 60 * 1000;
/// A person types a password there.
const FLOW_MS: i64 = 10 * 60 * 1000;
/// Log-ins that are under way; the oldest is forgotten on top of that.
const MAX_FLOWS: usize = 10_000;

#[derive(Clone)]
pub struct Settings {
    /// Such as `https://id.example/realms/home`.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// What the button says.
    pub name: String,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Who somebody is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    /// Never changes and is never given to another.
    pub subject: String,
    /// Only when the provider has verified it.
    pub email: Option<String>,
    /// What to propose as a name.
    pub name: Option<String>,
}

struct Flow {
    until_ms: i64,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    redirect: RedirectUrl,
    /// Who is to get this identity; nobody when it is for logging in.
    user_id: Option<String>,
}

pub struct Oidc {
    pub settings: Settings,
    http: Client,
    provider: tokio::sync::Mutex<Option<(i64, Arc<CoreProviderMetadata>)>>,
    flows: Mutex<HashMap<String, Flow>>,
}

type Fetching = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send>>;

/// Where to send the browser, and what ties the flow to this very browser: it goes into a cookie.
pub struct Start {
    pub url: Url,
    pub state: String,
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> Refusal {
    tracing::warn!(%error, "log-in by the provider: {what}");
    let detail = "The provider of your account cannot be reached or did not agree; the server's log says why.";
    Refusal::new(StatusCode::BAD_GATEWAY, "provider_failed", detail)
}

fn expired() -> Refusal {
    let detail = "This log-in took too long or was started elsewhere; try again.";
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "challenge_expired", detail)
}

impl Oidc {
    pub fn new(settings: Settings, http: Client) -> Self {
        Self { settings, http, provider: tokio::sync::Mutex::default(), flows: Mutex::default() }
    }

    /// What the library asks others with.
    fn fetcher(&self) -> impl Fn(HttpRequest) -> Fetching + use<> {
        let http = self.http.clone();
        move |request| {
            let http = http.clone();
            Box::pin(async move {
                let answer = http.send(request.map(Bytes::from), BOUNDS).await?;
                if !answer.whole {
                    return Err(Failure::Protocol("the answer is too long".into()));
                }
                let mut response = HttpResponse::new(answer.body.into());
                (*response.status_mut(), *response.headers_mut()) = (answer.status, answer.headers);
                Ok(response)
            })
        }
    }

    async fn provider(&self, now_ms: i64) -> Result<Arc<CoreProviderMetadata>, Refusal> {
        let mut provider = self.provider.lock().await;
        match &*provider {
            Some((at_ms, found)) if at_ms + FRESH_MS > now_ms => Ok(found.clone()),
            _ => {
                let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|e| failed("its issuer", &e))?;
                let fetch = self.fetcher();
                let found = CoreProviderMetadata::discover_async(issuer, &fetch).await;
                let found = Arc::new(found.map_err(|e| failed("its configuration", &chain(&e)))?);
                *provider = Some((now_ms, found.clone()));
                Ok(found)
            }
        }
    }

    /// `redirect` is the address of ours that the provider sends the browser back to.
    pub async fn start(&self, redirect: &str, user_id: Option<String>, now_ms: i64) -> Result<Start, Refusal> {
        let provider = self.provider(now_ms).await?;
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|e| failed("our own address", &e))?;
        let client_id = ClientId::new(self.settings.client_id.clone());
        let client =
            CoreClient::from_provider_metadata((*provider).clone(), client_id, None).set_redirect_uri(redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let scopes = ["email", "profile"].map(|scope| Scope::new(scope.into()));
        let (url, state, nonce) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        let state = state.into_secret();
        let flow = Flow { until_ms: now_ms + FLOW_MS, nonce, verifier, redirect, user_id };
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        if flows.len() >= MAX_FLOWS {
            flows.retain(|_, flow| flow.until_ms > now_ms);
        }
        if flows.len() >= MAX_FLOWS {
            let oldest = flows.iter().min_by_key(|(_, flow)| flow.until_ms).map(|(state, _)| state.clone());
            oldest.and_then(|oldest| flows.remove(&oldest));
        }
        flows.insert(state.clone(), flow);
        Ok(Start { url, state })
    }

    /// The browser is back, with `code` and `state` in its address. Answers who it is, and who was
    /// to get this identity. The caller has compared `state` with the cookie.
    pub async fn finish(&self, state: &str, code: &str, now_ms: i64) -> Result<(Identity, Option<String>), Refusal> {
        let flow = self.flows.lock().unwrap_or_else(PoisonError::into_inner).remove(state);
        let flow = flow.filter(|flow| flow.until_ms > now_ms).ok_or_else(expired)?;
        let provider = self.provider(now_ms).await?;
        let client_id = ClientId::new(self.settings.client_id.clone());
        let secret = Some(self.settings.client_secret.clone()).filter(|secret| !secret.is_empty());
        let client = CoreClient::from_provider_metadata((*provider).clone(), client_id, secret.map(ClientSecret::new))
            .set_redirect_uri(flow.redirect);
        let fetch = self.fetcher();
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|e| failed("it has no token endpoint", &e))?.set_pkce_verifier(flow.verifier);
        let tokens = request.request_async(&fetch).await.map_err(|e| failed("it gave no token", &chain(&e)))?;
        let token = tokens.id_token().ok_or_else(|| failed("it gave no ID token", &"only an access token"))?;
        let claims = match token.claims(&client.id_token_verifier(), &flow.nonce) {
            Ok(claims) => claims,
            Err(e) => {
                // Its keys may be others by now.
                *self.provider.lock().await = None;
                return Err(failed("its ID token is not valid", &chain(&e)));
            }
        };
        let verified = claims.email_verified() == Some(true);
        let name = claims.preferred_username().map(|name| name.as_str().chars().take(64).collect());
        let identity = Identity {
            issuer: claims.issuer().as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
            email: claims.email().filter(|_| verified).map(|email| email.as_str().to_owned()),
            name,
        };
        match identity.subject.is_empty() || identity.subject.len() > 255 {
            true => Err(failed("its subject is empty or too long", &identity.subject.len())),
            false => Ok((identity, flow.user_id)),
        }
    }
}

/// An error with all its causes; the library's own text is only the first of them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
#[path = "oidc_tests.rs"]
mod tests;
