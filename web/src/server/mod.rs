//! The router of all pages, for the server to mount next to the API and the origin.

mod assets;
mod forms;
mod headers;
mod visit;

use crate::{
    client::Error,
    pages::{self, ChannelPage, Dashboard, LoginForm, Page, Saved, SetupForm, Visitor},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use rivulet_protocol::{
    ChannelName,
    rest::{Channel, GoLive, Settings},
};
use serde::Deserialize;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use visit::Visit;

/// No form of ours is longer.
const MAX_FORM_BYTES: usize = 16 << 10;

pub struct WebDeps {
    /// The REST API with its full paths (`/api/v1/…`). Pages get all that they show from it.
    pub api: Router,
}

struct App {
    api: Router,
    assets: assets::Assets,
}

/// Pages, forms and embedded files. The fallback answers every other address with the 404 page.
pub fn router(deps: WebDeps) -> Router {
    let app = Arc::new(App { api: deps.api, assets: assets::Assets::load() });
    Router::new()
        .route("/", get(home))
        .route("/login", get(login).post(forms::login))
        .route("/logout", post(forms::logout))
        .route("/setup", get(setup).post(forms::setup))
        .route("/dashboard", get(dashboard))
        .route("/dashboard/channel", post(forms::create_channel).get(to_dashboard))
        .route("/dashboard/title", post(forms::edit_title).get(to_dashboard))
        .route("/dashboard/settings", post(forms::edit_settings).get(to_dashboard))
        .route("/dashboard/key", post(forms::make_key).get(to_dashboard))
        .route("/favicon.ico", get(favicon))
        .route("/assets/{name}", get(asset))
        .route("/{channel}", get(channel))
        .fallback(not_found)
        .layer(middleware::map_response(headers::secure))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .with_state(app)
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn home(visit: Visit, Query(query): Query<After>) -> Response {
    // Only a name can come after; anything else begins at the beginning.
    let after = query.after.and_then(|name| ChannelName::parse(&name).ok()).map(|name| name.to_string());
    let (visitor, list) = tokio::join!(visit.visitor(), visit.client.channels(after.as_deref()));
    match list {
        Ok(list) => visit.page(StatusCode::OK, &visitor.0, || pages::home(&visitor.0.instance, visitor.1, list, after)),
        Err(error) => visit.failed(&visitor.0, error),
    }
}

async fn channel(visit: Visit, Path(name): Path<String>) -> Response {
    let Ok(valid) = ChannelName::parse(&name) else { return not_found(visit).await };
    if valid.as_str() != name {
        return Redirect::permanent(&format!("/{valid}")).into_response();
    }
    let (visitor, channel) = tokio::join!(visit.visitor(), visit.client.channel(valid.as_str()));
    match channel {
        Ok(channel) => {
            let instance = visitor.0.instance.clone();
            let page = ChannelPage { channel, instance, now_ms: now_ms() };
            visit.page(StatusCode::OK, &visitor.0, || pages::channel(page))
        }
        Err(error) => visit.failed(&visitor.0, error),
    }
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn login(visit: Visit, Query(query): Query<Next>) -> Response {
    let (visitor, _) = visit.visitor().await;
    let next = forms::own_path(&query.next);
    if visitor.me.is_some() {
        return Redirect::to(&next).into_response();
    }
    visit.page(StatusCode::OK, &visitor, || pages::login(&visitor.instance, LoginForm { next, ..LoginForm::default() }))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn setup(visit: Visit, Query(query): Query<Token>) -> Response {
    let (visitor, needs_setup) = visit.visitor().await;
    visit.page(StatusCode::OK, &visitor, || {
        pages::setup(&visitor.instance, needs_setup, SetupForm { token: query.token, ..SetupForm::default() })
    })
}

#[derive(Deserialize)]
struct Chosen {
    channel: Option<String>,
    /// What was saved by the form that led here.
    saved: Option<Saved>,
}

async fn dashboard(visit: Visit, Query(query): Query<Chosen>) -> Response {
    let notice = query.saved.map(pages::Notice::Saved);
    show_dashboard(&visit, query.channel.as_deref(), None, notice).await
}

/// The Go live page of the chosen channel, or of the person's first.
async fn show_dashboard(
    visit: &Visit,
    channel: Option<&str>,
    made_key: Option<String>,
    notice: Option<pages::Notice>,
) -> Response {
    let (visitor, _) = visit.visitor().await;
    let Some(me) = visitor.me.clone() else { return forms::to_login(&visitor.here) };
    let name = match channel {
        Some(name) => match ChannelName::parse(name) {
            Ok(name) => Some(name.to_string()),
            Err(_) => return visit.page(StatusCode::NOT_FOUND, &visitor, pages::not_found),
        },
        None => me.channels.first().cloned(),
    };
    let chosen = match name {
        Some(name) => match own_channel(visit, &name).await {
            Ok(chosen) => Some(chosen),
            Err(error) => return visit.failed(&visitor, error),
        },
        None => None,
    };
    let status = match &notice {
        Some(pages::Notice::Wrong(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(pages::Notice::Saved(_)) | None => StatusCode::OK,
    };
    let instance = visitor.instance.clone();
    let page = Dashboard { instance, own: me.channels, username: me.username, chosen, made_key, notice };
    visit.page(status, &visitor, || pages::dashboard(page))
}

/// The address of a form, opened as a page: after a reload, or by hand.
async fn to_dashboard() -> Redirect {
    Redirect::to("/dashboard")
}

async fn own_channel(visit: &Visit, name: &str) -> Result<(Channel, GoLive, Settings), Error> {
    tokio::try_join!(visit.client.channel(name), visit.client.golive(name), visit.client.settings(name))
}

async fn not_found(visit: Visit) -> Response {
    let (visitor, _) = visit.visitor().await;
    visit.page(StatusCode::NOT_FOUND, &visitor, pages::not_found)
}

async fn asset(State(app): State<Arc<App>>, Path(name): Path<String>, headers: http::HeaderMap) -> Response {
    app.assets.serve(&name, &headers)
}

/// Browsers ask for this address on pages that name no icon, such as a bare playlist.
async fn favicon(State(app): State<Arc<App>>) -> Response {
    match app.assets.files().logo.as_deref() {
        Some(logo) => Redirect::temporary(logo).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Visit {
    fn page(&self, status: StatusCode, visitor: &Visitor, page: impl FnOnce() -> Page) -> Response {
        let html = pages::render(self.app.assets.files(), visitor, page);
        self.with_cookies((status, axum::response::Html(html)).into_response())
    }

    /// Hands on the cookies that the API has set.
    fn with_cookies(&self, mut response: Response) -> Response {
        for cookie in self.client.transport.take_set_cookies() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// The page for an answer of the API that is no snapshot.
    fn failed(&self, visitor: &Visitor, error: Error) -> Response {
        match error.status() {
            Some(400 | 404) => self.page(StatusCode::NOT_FOUND, visitor, pages::not_found),
            Some(401) => forms::to_login(&visitor.here),
            // Whose channel it is, is nobody else's business.
            Some(403) => self.page(StatusCode::NOT_FOUND, visitor, pages::not_found),
            _ => {
                tracing::error!(page = visitor.here, ?error, "the API gave no answer that a page can be made of");
                self.page(StatusCode::INTERNAL_SERVER_ERROR, visitor, pages::broken)
            }
        }
    }
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
