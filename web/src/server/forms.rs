//! Plain form posts: they work before and without WebAssembly. Each calls the API in process, hands
//! its cookies on, and redirects; a refusal shows the page again with the reason at the field.

use super::{show_dashboard, visit::Visit};
use crate::pages::{self, FormError, LoginForm, Notice, SetupForm};
use axum::{
    Form,
    extract::FromRequestParts,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use rivulet_protocol::rest::{ChannelEdit, ChannelSettings, Latency, Login, Rungs, Setup};
use serde::Deserialize;
use std::sync::Arc;

/// A visit whose request a page of ours sent. Cookies go along with requests from any site, so a
/// form that changes something must not be taken from another one.
pub struct OwnForm(Visit);

impl FromRequestParts<Arc<super::App>> for OwnForm {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<super::App>) -> Result<Self, Response> {
        let visit = match Visit::from_request_parts(parts, app).await {
            Ok(visit) => visit,
            Err(never) => match never {},
        };
        if same_origin(&parts.headers) {
            return Ok(Self(visit));
        }
        let (visitor, _) = visit.visitor().await;
        Err(visit.page(StatusCode::FORBIDDEN, &visitor, pages::foreign_form))
    }
}

/// Every browser names the origin of a form post. A request without one comes from a program, which
/// has no cookies that its user did not give it.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some((_, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return false };
    // A proxy may have its own idea of the host; browsers cannot be made to send either header.
    [text("host"), text("x-forwarded-host")].into_iter().flatten().any(|host| host.eq_ignore_ascii_case(authority))
}

/// Where to go after logging in: a path of ours, whatever the query said.
pub fn own_path(next: &str) -> String {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if ours { next.to_owned() } else { "/".to_owned() }
}

pub fn to_login(here: &str) -> Response {
    Redirect::to(&format!("/login?next={}", pages::percent_encode(here))).into_response()
}

/// 303 with the cookies that the API set.
fn redirect(visit: &Visit, to: &str) -> Response {
    visit.with_cookies(Redirect::to(to).into_response())
}

#[derive(Deserialize)]
pub struct LoginFields {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

pub async fn login(OwnForm(visit): OwnForm, Form(fields): Form<LoginFields>) -> Response {
    let LoginFields { username, password, next } = fields;
    let next = own_path(&next);
    match visit.client.login(&Login { username: username.clone(), password }).await {
        Ok(_) => redirect(&visit, &next),
        Err(error) => {
            let status = refusal_status(error.status());
            let (visitor, _) = visit.visitor().await;
            let form = LoginForm { username, next, error: Some(error.into()) };
            visit.page(status, &visitor, || pages::login(&visitor.instance, form))
        }
    }
}

pub async fn logout(OwnForm(visit): OwnForm) -> Response {
    if let Err(error) = visit.client.logout().await {
        tracing::warn!(?error, "logging out failed");
    }
    redirect(&visit, "/")
}

#[derive(Deserialize)]
pub struct SetupFields {
    token: String,
    username: String,
    password: String,
}

pub async fn setup(OwnForm(visit): OwnForm, Form(fields): Form<SetupFields>) -> Response {
    let SetupFields { token, username, password } = fields;
    match visit.client.setup(&Setup { token: token.clone(), username: username.clone(), password }).await {
        Ok(_) => redirect(&visit, "/dashboard"),
        Err(error) => {
            let status = refusal_status(error.status());
            let (visitor, needs_setup) = visit.visitor().await;
            let form = SetupForm { token, username, error: Some(error.into()) };
            visit.page(status, &visitor, || pages::setup(&visitor.instance, needs_setup, form))
        }
    }
}

#[derive(Deserialize)]
pub struct ChannelFields {
    name: String,
}

pub async fn create_channel(OwnForm(visit): OwnForm, Form(fields): Form<ChannelFields>) -> Response {
    match visit.client.create_channel(fields.name.trim()).await {
        Ok(channel) => redirect(&visit, &format!("/dashboard?channel={}", channel.name)),
        Err(error) => refused(&visit, None, error).await,
    }
}

#[derive(Deserialize)]
pub struct TitleFields {
    channel: String,
    title: String,
}

pub async fn edit_title(OwnForm(visit): OwnForm, Form(fields): Form<TitleFields>) -> Response {
    let TitleFields { channel, title } = fields;
    let Some(channel) = channel_name(&channel) else { return super::not_found(visit).await };
    match visit.client.edit_channel(&channel, &ChannelEdit { title: Some(title), ..ChannelEdit::default() }).await {
        Ok(_) => redirect(&visit, &format!("/dashboard?channel={channel}&saved=title")),
        Err(error) => refused(&visit, Some(&channel), error).await,
    }
}

#[derive(Deserialize)]
pub struct SettingsFields {
    channel: String,
    grace_seconds: String,
    latency: String,
    rungs: String,
}

/// An empty choice, as any that the lists do not have, is the server's own.
pub async fn edit_settings(OwnForm(visit): OwnForm, Form(fields): Form<SettingsFields>) -> Response {
    let SettingsFields { channel, grace_seconds, latency, rungs } = fields;
    let Some(channel) = channel_name(&channel) else { return super::not_found(visit).await };
    let settings = ChannelSettings {
        grace_seconds: grace_seconds.parse().ok(),
        latency: Latency::parse(&latency),
        rungs: Rungs::parse(&rungs),
    };
    match visit.client.set_settings(&channel, &settings).await {
        Ok(_) => redirect(&visit, &format!("/dashboard?channel={channel}&saved=settings")),
        Err(error) => refused(&visit, Some(&channel), error).await,
    }
}

#[derive(Deserialize)]
pub struct KeyFields {
    channel: String,
}

/// Answers with the page itself instead of a redirect: the key exists nowhere else.
pub async fn make_key(OwnForm(visit): OwnForm, Form(fields): Form<KeyFields>) -> Response {
    let Some(channel) = channel_name(&fields.channel) else { return super::not_found(visit).await };
    match visit.client.make_key(&channel).await {
        Ok(new) => {
            let mut response = show_dashboard(&visit, Some(&channel), Some(new.key), None).await;
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => refused(&visit, Some(&channel), error).await,
    }
}

/// The dashboard with the reason on it; the login page where the session has ended.
async fn refused(visit: &Visit, channel: Option<&str>, error: crate::client::Error) -> Response {
    if error.status() == Some(401) {
        return to_login("/dashboard");
    }
    show_dashboard(visit, channel, None, Some(Notice::Wrong(FormError::from(error)))).await
}

/// A name becomes part of an API path, so nothing but a name will do.
fn channel_name(raw: &str) -> Option<String> {
    rivulet_protocol::ChannelName::parse(raw).ok().map(|name| name.to_string())
}

/// The API's own status where it refused, so that scripts and password managers see the failure.
fn refusal_status(status: Option<u16>) -> StatusCode {
    status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn the_way_back_never_leaves_this_site() {
        for (next, path) in [
            ("/dashboard?channel=demo", "/dashboard?channel=demo"),
            ("", "/"),
            ("https://example.org/", "/"),
            ("//example.org/", "/"),
            ("/\\example.org/", "/"),
            ("/\t/example.org", "/"),
        ] {
            assert_eq!(own_path(next), path, "{next:?}");
        }
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let header = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            pairs.iter().map(header).collect::<HeaderMap>()
        };
        assert!(same_origin(&headers(&[("host", "tv.example:8080"), ("origin", "http://tv.example:8080")])));
        assert!(same_origin(&headers(&[
            ("host", "127.0.0.1:8080"),
            ("x-forwarded-host", "tv.example"),
            ("origin", "https://tv.example"),
        ])));
        assert!(same_origin(&headers(&[("host", "tv.example")])));
        assert!(!same_origin(&headers(&[("host", "tv.example"), ("origin", "https://evil.example")])));
        assert!(!same_origin(&headers(&[("host", "tv.example"), ("origin", "null")])));
    }
}
