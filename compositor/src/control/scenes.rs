//! Scenes: the live one, in whole or by batches of changes, and those that were saved.

use super::App;
use super::refusal::{Body, Refusal};
use crate::frames::lock;
use crate::stage::{Happened, saved};
use aide::OperationInput;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use rivulet_scene::{Applied, Batch, Document, Id};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const MAX_SAVED: usize = 200;

/// Saved scenes by id, as they were.
#[derive(Default)]
pub struct Saved(Mutex<BTreeMap<String, Document>>);

impl Saved {
    /// Those of the documents that were kept which are scenes.
    pub fn of(kept: &BTreeMap<String, String>) -> Self {
        let scenes = kept.iter().filter_map(|(name, body)| {
            let id = crate::stage::is_saved(name)?;
            Some((id.to_owned(), serde_json::from_str(body).ok()?))
        });
        Self(Mutex::new(scenes.collect()))
    }
}

#[derive(Serialize, JsonSchema)]
struct Revision {
    revision: u64,
}

#[derive(Serialize, JsonSchema)]
struct SavedScene {
    id: String,
    layers: usize,
}

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new()
        .api_route(
            "/scene",
            get_with(document, |op| op.summary("The live scene"))
                .put_with(replace, |op| op.summary("Another scene in its place")),
        )
        .api_route("/scene/batches", post_with(batch, |op| op.summary("Changes: all of them at once, or none")))
        .api_route("/scene/layers", post_with(add, |op| op.summary("Add a layer")))
        .api_route(
            "/scene/layers/{id}",
            get_with(layer, |op| op.summary("A layer"))
                .patch_with(update, |op| op.summary("Change fields of a layer (RFC 7396)"))
                .delete_with(remove, |op| op.summary("Remove a layer")),
        )
        .api_route("/scene/animations", post_with(animate, |op| op.summary("Start an animation")))
        .api_route("/scenes", get_with(list, |op| op.summary("Saved scenes")))
        .api_route(
            "/scenes/{id}",
            put_with(save, |op| op.summary("Save the live scene under this id"))
                .get_with(show, |op| op.summary("A saved scene"))
                .delete_with(forget, |op| op.summary("Delete a saved scene")),
        )
        .api_route("/scenes/{id}/recall", post_with(recall, |op| op.summary("Make a saved scene the live one")))
}

async fn document(State(app): State<Arc<App>>) -> Json<Document> {
    Json(app.stage().scene().document())
}

async fn replace(State(app): State<Arc<App>>, Body(document): Body<Document>) -> Result<Json<Revision>, Refusal> {
    let revision = app.stage().replace(document)?;
    app.keeper.flush().await;
    Ok(Json(Revision { revision }))
}

/// A batch whose errors name the field, whatever is wrong.
struct Changes(Batch);

impl<S: Send + Sync> FromRequest<S> for Changes {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let Body(document) = Body::<Value>::from_request(request, state).await?;
        Ok(Self(Batch::parse(document)?))
    }
}

impl OperationInput for Changes {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Body::<Batch>::operation_input(ctx, operation);
    }
}

async fn batch(State(app): State<Arc<App>>, Changes(batch): Changes) -> Result<Json<Applied>, Refusal> {
    apply(&app, batch).await
}

async fn apply(app: &App, batch: Batch) -> Result<Json<Applied>, Refusal> {
    let applied = app.stage().apply(batch)?;
    app.keeper.flush().await;
    Ok(Json(applied))
}

/// A batch of the one change that a shorter address stands for.
async fn change(app: &App, change: Value) -> Result<Json<Applied>, Refusal> {
    // Errors then name the field.
    apply(app, Batch::parse(json!({ "changes": [change] }))?).await
}

async fn add(State(app): State<Arc<App>>, Body(layer): Body<Value>) -> Result<Json<Applied>, Refusal> {
    change(&app, json!({ "op": "add", "layer": layer })).await
}

async fn update(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(patch): Body<Value>,
) -> Result<Json<Applied>, Refusal> {
    change(&app, json!({ "op": "update", "id": id, "patch": patch })).await
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Applied>, Refusal> {
    change(&app, json!({ "op": "remove", "id": id })).await
}

async fn animate(State(app): State<Arc<App>>, Body(animation): Body<Value>) -> Result<Json<Applied>, Refusal> {
    change(&app, json!({ "op": "animate", "animation": animation })).await
}

async fn layer(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let layer = app.stage().scene().layer(&id).and_then(|layer| serde_json::to_value(layer).ok());
    layer.map(Json).ok_or_else(|| Refusal::not_found("layer", &id))
}

async fn list(State(app): State<Arc<App>>) -> Json<Vec<SavedScene>> {
    let saved = lock(&app.saved.0);
    Json(saved.iter().map(|(id, scene)| SavedScene { id: id.clone(), layers: scene.layers.len() }).collect())
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Document>, Refusal> {
    lock(&app.saved.0).get(&id).cloned().map(Json).ok_or_else(|| Refusal::not_found("saved scene", &id))
}

async fn save(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let name = Id::try_from(id).map_err(|message| Refusal::field("id", "invalid", message))?;
    let scene = app.stage().scene().document();
    let body = serde_json::to_string(&scene).ok();
    {
        let mut kept = lock(&app.saved.0);
        if kept.len() >= MAX_SAVED && !kept.contains_key(name.as_str()) {
            let detail = format!("There are {MAX_SAVED} saved scenes already; delete one.");
            return Err(Refusal::new(StatusCode::CONFLICT, "too_many", detail));
        }
        kept.insert(name.to_string(), scene);
    }
    app.keeper.put(&saved(name.as_str()), body);
    app.stage().tell(Happened::Other { event: "scenes", id: name.to_string() });
    app.keeper.flush().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn recall(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Revision>, Refusal> {
    let scene = lock(&app.saved.0).get(&id).cloned().ok_or_else(|| Refusal::not_found("saved scene", &id))?;
    let revision = app.stage().replace(scene)?;
    app.keeper.flush().await;
    Ok(Json(Revision { revision }))
}

async fn forget(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    lock(&app.saved.0).remove(&id).ok_or_else(|| Refusal::not_found("saved scene", &id))?;
    app.keeper.put(&saved(&id), None);
    app.stage().tell(Happened::Other { event: "scenes", id });
    app.keeper.flush().await;
    Ok(StatusCode::NO_CONTENT)
}
