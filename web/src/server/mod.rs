//! The router of all pages, for the server to mount next to the API and the origin.

mod assets;
mod gateway;
mod headers;
mod routes;
mod visit;

pub use headers::Needs;

use crate::{
    client::Error,
    pages::{self, Page, Visitor},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{StatusCode, header};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use visit::Visit;

/// A form with a picture, which the API takes up to 8 MiB.
const MAX_BODY_BYTES: usize = (8 << 20) + (64 << 10);

pub struct WebDeps {
    /// The REST API with its full paths (`/api/v1/…`). Pages get all that they show from it.
    pub api: Router,
}

struct App {
    api: Router,
    assets: assets::Assets,
}

/// Pages, forms and embedded files. Every other address has the 404 page.
pub fn router(deps: WebDeps) -> Router {
    let app = Arc::new(App { api: deps.api, assets: assets::Assets::load() });
    let pages = routes::pages()
        .route("/favicon.ico", get(favicon))
        .route("/service-worker.js", get(service_worker))
        .route("/assets/{name}", get(asset))
        .fallback(not_found)
        .with_state(app.clone());
    // Around the whole router and not its routes: the gateway asks for another method than came.
    let gateway = tower::Layer::layer(&middleware::from_fn_with_state(app, gateway::gateway), pages);
    Router::new()
        // The API answers for all other addresses below `/api`.
        .route_service("/api/docs", gateway.clone())
        .fallback_service(gateway)
        .layer(middleware::map_response(headers::secure))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

async fn not_found(visit: Visit) -> Response {
    let visitor = visit.visitor().await;
    visit.page(StatusCode::NOT_FOUND, &visitor, pages::not_found)
}

async fn asset(State(app): State<Arc<App>>, Path(name): Path<String>, headers: http::HeaderMap) -> Response {
    app.assets.serve(&name, &headers)
}

/// At one address for ever, and at the top: it is for all pages.
async fn service_worker(State(app): State<Arc<App>>, headers: http::HeaderMap) -> Response {
    let mut response = match app.assets.name_of("service-worker.js") {
        Some(name) => app.assets.serve(name, &headers),
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-cache"));
    response
}

/// Browsers ask for this address on pages that name no icon, such as a bare playlist.
async fn favicon(State(app): State<Arc<App>>) -> Response {
    match app.assets.files().logo.as_deref() {
        Some(logo) => Redirect::temporary(logo).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn to_login(here: &str) -> Response {
    Redirect::to(&format!("/login?next={}", pages::percent_encode(here))).into_response()
}

impl Visit {
    fn page(&self, status: StatusCode, visitor: &Visitor, page: impl FnOnce(&Visitor) -> Page) -> Response {
        let nonce = headers::nonce();
        let (html, needs) = pages::render(self.app.assets.files(), visitor, &nonce, page);
        let mut response = (status, axum::response::Html(html)).into_response();
        headers::allow(response.headers_mut(), &nonce, needs);
        self.with_cookies(response)
    }

    /// Hands on the cookies that the API has set, and a language that was just chosen.
    fn with_cookies(&self, mut response: Response) -> Response {
        for cookie in self.client.transport.take_set_cookies().into_iter().chain(self.lang_cookie()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// The page for an answer of the API that is no snapshot.
    fn failed(&self, visitor: &Visitor, error: Error) -> Response {
        match error.status() {
            Some(400 | 404) => self.page(StatusCode::NOT_FOUND, visitor, pages::not_found),
            Some(401) => to_login(&visitor.here),
            // Whose channel it is, is nobody else's business.
            Some(403) => self.page(StatusCode::NOT_FOUND, visitor, pages::not_found),
            Some(503) => {
                let mut response = self.page(StatusCode::SERVICE_UNAVAILABLE, visitor, pages::away);
                response.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from_static("5"));
                response
            }
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
