//! One request for a page: the client that asks the API on the visitor's behalf, and who it is.

use super::{App, now_ms};
use crate::{
    client::{Client, InProcess},
    form::Flash,
    pages::Visitor,
    words::Lang,
};
use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, Uri, header, request::Parts};
use rivulet_protocol::rest::Instance;
use std::{convert::Infallible, sync::Arc};

/// Shown where the API cannot even say its own name.
const DEFAULT_INSTANCE: &str = "Rivulet";

const LANG_COOKIE: &str = "lang";
const LANG_COOKIE_ATTRIBUTES: &str = "Path=/; Max-Age=31536000; SameSite=Lax";

pub struct Visit {
    pub app: Arc<App>,
    pub client: Client<InProcess>,
    /// The language that the visitor chose, in this browser.
    chosen: Option<Lang>,
    /// The one that the browser prefers.
    accepted: Lang,
    /// Path and query.
    pub here: String,
    /// The language was chosen by this very request.
    chose_lang: bool,
    flash: Option<Flash>,
    saved: Option<String>,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of(parts, app))
    }
}

impl Visit {
    pub fn of(parts: &mut Parts, app: &Arc<App>) -> Self {
        let now = query_value(&parts.uri, "lang").and_then(|tag| Lang::parse(&tag));
        Self {
            app: app.clone(),
            client: Client::new(InProcess::new(app.api.clone(), parts)),
            chosen: now.or_else(|| kept_language(&parts.headers)),
            accepted: accepted_language(&parts.headers),
            here: parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned(),
            chose_lang: now.is_some(),
            flash: parts.extensions.remove(),
            saved: query_value(&parts.uri, "saved"),
        }
    }

    /// Who looks at what. Every page needs this, an error page too, so whatever fails here makes a guest of the visitor instead of another error.
    pub async fn visitor(&self) -> Visitor {
        let (instance, me) = tokio::join!(self.client.instance(), self.client.me());
        let instance = match instance {
            Ok(instance) => instance,
            Err(error) => {
                tracing::warn!(?error, "the API did not say what this instance is");
                Instance { name: DEFAULT_INSTANCE.to_owned(), ..Instance::default() }
            }
        };
        let me = me.unwrap_or_else(|error| {
            tracing::warn!(?error, "the API did not say who is logged in");
            None
        });
        // What the account says holds where this browser says nothing.
        let of_account = me.as_ref().and_then(|me| Lang::parse(me.language.as_deref()?));
        Visitor {
            lang: self.chosen.or(of_account).unwrap_or(self.accepted),
            instance,
            me,
            origin: self.client.transport.origin(),
            here: self.here.clone(),
            flash: self.flash.clone(),
            saved: self.saved.clone(),
            said: Arc::default(),
            now_ms: now_ms(),
        }
    }

    /// The cookie that keeps a language which was just chosen.
    pub fn lang_cookie(&self) -> Option<HeaderValue> {
        let lang = self.chosen.filter(|_| self.chose_lang)?;
        HeaderValue::from_str(&format!("{LANG_COOKIE}={}; {LANG_COOKIE_ATTRIBUTES}", lang.tag())).ok()
    }
}

fn kept_language(headers: &HeaderMap) -> Option<Lang> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == LANG_COOKIE).and_then(|(_, tag)| Lang::parse(tag))
}

fn accepted_language(headers: &HeaderMap) -> Lang {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    header.map(Lang::accepted).unwrap_or_default()
}

/// A value of the query that needs no decoding; others are no values of ours.
fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    plain.then(|| value.to_owned())
}
