//! Where layers are, for pages that edit the scene: the sizes that their words and pictures have, and the
//! transforms that animations give them, both at the moment of one thumbnail.

use super::App;
use super::refusal::Refusal;
use super::thumbnail::{late, next};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Json;
use axum::extract::State;
use rivulet_scene::{Id, Transform};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize, JsonSchema)]
struct LayerOutline {
    id: Id,
    /// In pixels, before its transform. Nothing of a layer that is not drawn, or of a group that is not
    /// drawn as one.
    size: Option<(f64, f64)>,
    /// As it is now.
    transform: Transform,
}

#[derive(Serialize, JsonSchema)]
struct Outlines {
    /// In microseconds of scene time.
    at: i64,
    layers: Vec<LayerOutline>,
}

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new().api_route("/outlines", get_with(outlines, |op| op.summary("Where each layer is now")))
}

async fn outlines(State(app): State<Arc<App>>) -> Result<Json<Outlines>, Refusal> {
    let thumbnail = next(&mut app.shared.thumbnails.subscribe()).await.ok_or_else(late)?;
    let transforms = app.stage().scene().transforms(thumbnail.at);
    let layers = transforms.into_iter().map(|(id, transform)| {
        let size = thumbnail.sizes.get(&id).copied();
        LayerOutline { id, size, transform }
    });
    Ok(Json(Outlines { at: thumbnail.at, layers: layers.collect() }))
}
