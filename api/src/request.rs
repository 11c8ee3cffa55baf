//! What a handler wants to know of a request: who sends it and from where, the channel in its
//! path, its body. Each is an extractor that refuses in our own words.

use crate::refusal::Refusal;
use crate::{App, Shared, now_ms};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use rivulet_protocol::ChannelName;
use rivulet_protocol::address::{self, Network};
use rivulet_protocol::policy::{self, Action, Actor, Answer};
use rivulet_protocol::rest::{ChannelRole, Page, Scope};
use rivulet_store::{AccessToken, Bearer, Channel, SecretHash, SessionToken, User};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use url::Url;

const MAX_PAGE: u32 = 100;
const DEFAULT_PAGE: u32 = 50;

pub const SESSION_MS: i64 = 30 * 24 * 3600 * 1000;

/// What we keep in browsers. With `Secure`, a cookie whose name starts with `__Host-` can be set by
/// this very host over HTTPS only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    Session,
    /// Between the password and the second factor.
    SecondFactor,
    /// While the browser is at the provider of an account.
    Oidc,
}

/// Where a request comes from, and by which name and scheme it reached us. The listener puts the
/// peer's address and the connection's [`Scheme`] into the request's extensions.
#[derive(Debug, Clone)]
pub struct Origin {
    pub from: Network,
    /// Host and port, as in the address bar.
    pub authority: Option<Authority>,
    pub https: bool,
}

impl Origin {
    pub fn new(app: &Shared, parts: &Parts) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let trusted = |address: &IpAddr| app.config.trusted_proxies.contains(address);
        let proxied = peer.as_ref().is_some_and(trusted);
        let hops = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let peer = peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let address = address::client(peer, hops, &app.config.trusted_proxies);
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let of_request = || parts.uri.authority().cloned().or_else(|| host?.parse().ok());
        match app.public_url() {
            Some(url) => Self {
                from: Network::of(address),
                authority: url.authority().parse().ok(),
                https: url.scheme() == "https",
            },
            None => Self {
                from: Network::of(address),
                authority: of_request(),
                https: match parts.headers.get("x-forwarded-proto").filter(|_| proxied) {
                    Some(proto) => proto == "https",
                    None => parts.extensions.get() == Some(&Scheme::HTTPS),
                },
            },
        }
    }

    fn cookie_name(&self, cookie: Cookie) -> &'static str {
        match (cookie, self.https) {
            (Cookie::Session, true) => "__Host-rivulet",
            (Cookie::Session, false) => "rivulet",
            (Cookie::SecondFactor, true) => "__Host-rivulet-second",
            (Cookie::SecondFactor, false) => "rivulet-second",
            (Cookie::Oidc, true) => "__Host-rivulet-oidc",
            (Cookie::Oidc, false) => "rivulet-oidc",
        }
    }

    /// Sets a cookie; one that lasts no time is removed.
    pub fn set_cookie(&self, cookie: Cookie, value: &str, max_age_ms: i64) -> HeaderValue {
        let secure = if self.https { "; Secure" } else { "" };
        let (name, seconds) = (self.cookie_name(cookie), max_age_ms / 1000);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }

    pub fn session_cookie(&self, token: &SessionToken) -> HeaderValue {
        self.set_cookie(Cookie::Session, token.reveal(), SESSION_MS)
    }

    pub fn no_cookie(&self) -> HeaderValue {
        self.set_cookie(Cookie::Session, "", 0)
    }

    pub fn cookie<'a>(&self, cookie: Cookie, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.cookie_name(cookie)).map(|(_, text)| text)
    }

    /// The session that the request's cookie names.
    pub fn session(&self, headers: &HeaderMap) -> Option<SecretHash> {
        self.cookie(Cookie::Session, headers).and_then(SessionToken::parse).map(|token| token.hash())
    }

    /// This site as browsers know it.
    pub fn site(&self) -> Option<Url> {
        let scheme = if self.https { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{}", self.authority.as_ref()?)).ok()
    }

    /// Of a path of ours, as somebody elsewhere has to write it.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.authority.as_ref().map_or("localhost", Authority::as_str))
    }

    /// What to paste into an encoder.
    pub fn ingest_server(&self, app: &Shared) -> String {
        let host = self.authority.as_ref().map_or("localhost", Authority::host);
        match app.config.rtmps_port {
            Some(port) => format!("rtmps://{host}:{port}/live"),
            None => format!("rtmp://{host}:{}/live", app.config.rtmp_port),
        }
    }
}

impl Shared {
    fn public_url(&self) -> Option<Url> {
        self.config.public_url.as_ref().and_then(|url| Url::parse(url).ok())
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        Ok(Self::new(app, parts))
    }
}

/// Who sends the request.
#[derive(Clone)]
pub struct Caller {
    user: Option<User>,
    /// The access token that came along, if it was one: its id and scopes.
    token: Option<(String, Vec<Scope>)>,
}

impl Caller {
    /// A token counts before a cookie; one that is not valid is nobody's, not the cookie's owner's.
    async fn find(app: &Shared, parts: &Parts) -> Result<Self, Refusal> {
        let origin = Origin::new(app, parts);
        let now_ms = now_ms();
        if let Some(authorization) = parts.headers.get(header::AUTHORIZATION) {
            let token = authorization.to_str().ok().and_then(|text| text.split_once(' '));
            let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let token = token.and_then(|(_, token)| AccessToken::parse(token)).ok_or_else(Refusal::bad_token)?;
            let found = app.store.access_token_user(&token.hash(), now_ms).await?;
            let Bearer { token_id, user, scopes } = found.ok_or_else(Refusal::bad_token)?;
            return Ok(Self { user: Some(user), token: Some((token_id, scopes)) });
        }
        let user = match origin.session(&parts.headers) {
            Some(session) => app.store.session_user(&session, &origin.from.to_string(), now_ms).await?,
            None => None,
        };
        Ok(Self { user, token: None })
    }

    /// What came along does not forbid it.
    pub fn may_moderate(&self) -> bool {
        self.token.as_ref().is_none_or(|(_, scopes)| scopes.contains(&Scope::Moderate))
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Its id, if an access token came along.
    pub fn token_id(&self) -> Option<&str> {
        self.token.as_ref().map(|(id, _)| id.as_str())
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let caller = Self::find(app, parts).await?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

impl Caller {
    /// Whoever it is, for what differs from one to another and is nobody's secret.
    pub fn known(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// The user, if they may do this.
    pub fn may(&self, action: Action) -> Result<&User, Refusal> {
        self.ask(action, None)
    }

    /// The same for what concerns a channel.
    pub async fn may_in(&self, app: &Shared, channel: &Channel, action: Action) -> Result<&User, Refusal> {
        let in_channel = self.role_in(app, channel).await?;
        self.ask(action, in_channel)
    }

    pub async fn role_in(&self, app: &Shared, channel: &Channel) -> Result<Option<ChannelRole>, Refusal> {
        let Some(user) = &self.user else { return Ok(None) };
        Ok(app.store.role_in(channel, &user.id).await?)
    }

    fn ask(&self, action: Action, in_channel: Option<ChannelRole>) -> Result<&User, Refusal> {
        let user = self.user.as_ref().ok_or_else(Refusal::log_in)?;
        let suspension = user.suspended(now_ms());
        let scopes = self.token.as_ref().map(|(_, scopes)| scopes.as_slice());
        let actor = Actor { role: user.role, suspended: suspension.is_some(), scopes, in_channel };
        match (policy::may(Some(actor), action), suspension) {
            (Answer::Yes, _) => Ok(user),
            (Answer::LogIn, _) => Err(Refusal::log_in()),
            (Answer::Token, _) => Err(Refusal::not_with_token()),
            (Answer::Suspended, Some(suspension)) => Err(Refusal::suspended(suspension)),
            (Answer::Suspended | Answer::No, _) => Err(Refusal::forbidden()),
        }
    }
}

/// What this request is called in the answer, the log and the audit log.
#[derive(Clone)]
pub struct RequestId(pub Arc<str>);

impl FromRequestParts<App> for RequestId {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Refusal> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self("".into())))
    }
}

/// Which part of a list.
#[derive(Deserialize, JsonSchema)]
pub struct Cursor {
    after: Option<String>,
    limit: Option<u32>,
}

impl Cursor {
    pub fn new(after: Option<&str>, limit: Option<u32>) -> Self {
        Self { after: after.map(str::to_owned), limit }
    }

    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE)
    }

    /// A page of `rows`, of which one more than the limit was asked for.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let limit = self.limit() as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(key);
        Page { items: rows, next }
    }
}

/// The part of the path with this name, as it is.
pub struct Named<const INDEX: usize = 0>(pub String);

impl<const INDEX: usize> FromRequestParts<App> for Named<INDEX> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Refusal::not_found())?;
        let part = params.iter().nth(INDEX).map(|(_, part)| part.to_owned());
        part.map(Self).ok_or_else(Refusal::not_found)
    }
}

/// The channel that `{name}` in the path names.
pub struct InPath(pub Channel);

impl FromRequestParts<App> for InPath {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Refusal::not_found())?;
        let name = params.iter().find(|(key, _)| *key == "name").and_then(|(_, name)| ChannelName::parse(name).ok());
        let Some(name) = name else { return Err(Refusal::not_found()) };
        app.store.channel_by_name(name.as_str()).await?.map(Self).ok_or_else(Refusal::not_found)
    }
}

/// The query string.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        match Query::from_request_parts(parts, app).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(e) => {
                let detail = format!("The query string cannot be read: {}.", e.body_text());
                Err(Refusal::new(StatusCode::BAD_REQUEST, "bad_query", detail))
            }
        }
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, app).await.map_err(|e| match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request is larger than 64 KiB.")
            }
            _ => Refusal::new(StatusCode::BAD_REQUEST, "broken_body", "The request's body broke off."),
        })?;
        // A body whose fields may all be left out may be left out itself.
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|e| Refusal::new(StatusCode::BAD_REQUEST, "bad_body", format!("The body cannot be read: {e}.")))
    }
}

/// A body of the form `T` that is checked field by field, so that a refusal can name the one that
/// is wrong.
pub struct Fields<T> {
    pub fields: Map<String, Value>,
    form: PhantomData<T>,
}

impl<'de, T> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Map::deserialize(from).map(|fields| Self { fields, form: PhantomData })
    }
}

impl<T: JsonSchema> JsonSchema for Fields<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
