//! The control API: what people and programs do to the compositor while it is live. HTTP on one
//! port, with a page that uses it; on another a WebSocket with every event and the same operations,
//! which are passed to the very same router.

mod chats;
mod editor;
mod files;
mod guard;
mod inputs;
mod outlines;
mod outputs;
mod refusal;
mod scenes;
mod socket;
mod sound;
mod thumbnail;

use crate::frames::Shared;
use crate::keep::Keeper;
use crate::outputs::Trust;
use crate::stage::Stage;
use aide::axum::ApiRouter;
use aide::openapi::OpenApi;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Extension, Json, Router};
use rivulet_store::Blobs;
use socket::Sockets;
use std::sync::Arc;

pub use chats::{Entry as ChatEntry, resume as resume_chats};
pub use files::{Files, refresh};
pub use guard::Guard;
pub use inputs::Inputs;
pub use outputs::Outputs;
pub use scenes::Saved;
pub use sound::Desk;

/// Of a body in JSON; a scene of 50 layers has a tenth of it.
const MAX_JSON_BYTES: usize = 4 * 1024 * 1024;

/// All that requests are about.
pub struct App {
    pub shared: Arc<Shared>,
    pub keeper: Arc<Keeper>,
    pub blobs: Blobs,
    pub trust: Trust,
    pub outputs: Outputs,
    pub inputs: Inputs,
    pub files: Files,
    pub desk: Desk,
    pub saved: Saved,
}

impl App {
    pub fn stage(&self) -> &Stage {
        &self.shared.stage
    }
}

/// What the two ports serve.
pub struct Control {
    pub http: Router,
    pub sockets: Sockets,
}

impl Control {
    /// What is at `/v1`, with its OpenAPI document at `/v1/openapi.json`, is for whom `guard` lets in; the
    /// page at `/` is for everybody.
    pub fn new(app: Arc<App>, guard: Arc<Guard>) -> Self {
        let sockets = Sockets::new(api(app.clone()), app.shared.stage.clone());
        let socket = Router::new().route("/v1/socket", get(socket::upgrade)).with_state(sockets.clone());
        let http = api(app).merge(socket).layer(axum::middleware::from_fn_with_state(guard, guard::check));
        Self { http: http.merge(editor::routes()), sockets }
    }
}

fn api(app: Arc<App>) -> Router {
    let mut document = OpenApi::default();
    let routes = ApiRouter::new()
        .merge(scenes::routes())
        .merge(outputs::routes())
        .merge(inputs::routes())
        .merge(chats::routes())
        .merge(sound::routes())
        .merge(files::routes())
        .merge(outlines::routes())
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .merge(files::uploads())
        .merge(thumbnail::routes());
    let router = ApiRouter::new()
        .nest("/v1", routes)
        .finish_api_with(&mut document, |api| api.title("Rivulet compositor").version(env!("CARGO_PKG_VERSION")));
    let document = Arc::new(document);
    let shown = get(|Extension(document): Extension<Arc<OpenApi>>| async move { Json((*document).clone()) });
    router.route("/v1/openapi.json", shown).layer(Extension(document)).with_state(app)
}
