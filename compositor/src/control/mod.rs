//! The control API: what people and programs do to the compositor while it is live. HTTP on one
//! port; on another a WebSocket with every event and the same operations, which are passed to the
//! very same router.

mod chats;
mod files;
mod guard;
mod inputs;
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
use axum::{Extension, Json, Router};
use rivulet_store::Blobs;
use std::sync::Arc;

pub use chats::{Entry as ChatEntry, resume as resume_chats};
pub use files::{Files, refresh};
pub use guard::Guard;
pub use inputs::Inputs;
pub use outputs::Outputs;
pub use scenes::Saved;
pub use socket::serve as serve_socket;
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

/// What is at `/v1`, with its OpenAPI document at `/v1/openapi.json`; each request is looked at by
/// `guard` first.
pub fn router(app: Arc<App>, guard: Guard) -> Router {
    let mut document = OpenApi::default();
    let routes = ApiRouter::new()
        .merge(scenes::routes())
        .merge(outputs::routes())
        .merge(inputs::routes())
        .merge(chats::routes())
        .merge(sound::routes())
        .merge(files::routes())
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .merge(files::uploads())
        .merge(thumbnail::routes());
    let router = ApiRouter::new()
        .nest("/v1", routes)
        .finish_api_with(&mut document, |api| api.title("Rivulet compositor").version(env!("CARGO_PKG_VERSION")));
    let document = Arc::new(document);
    let shown =
        axum::routing::get(|Extension(document): Extension<Arc<OpenApi>>| async move { Json((*document).clone()) });
    router
        .route("/v1/openapi.json", shown)
        .layer(Extension(document))
        .layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::check))
        .with_state(app)
}
