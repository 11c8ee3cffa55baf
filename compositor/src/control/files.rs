//! Pictures and sound that people upload. Each is an object in the blob store, so that it is there
//! after a restart; pictures are decoded at once, within limits, so that a bad one is refused here.

use super::App;
use super::refusal::Refusal;
use crate::frames::lock;
use crate::sound::file;
use crate::stage::Happened;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, put_with};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use rivulet_scene::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const MAX_FILES: usize = 500;
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Before the name of a file's document.
const KEPT: &str = "file/";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Picture,
    Sound,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct File {
    kind: Kind,
    bytes: usize,
    /// In the blob store; another one for each upload, since objects never change.
    blob: String,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    id: String,
    kind: Kind,
    bytes: usize,
}

#[derive(Default)]
pub struct Files(Mutex<BTreeMap<String, File>>);

impl Files {
    pub fn of(kept: &BTreeMap<String, String>) -> Self {
        let files = kept
            .iter()
            .filter_map(|(name, body)| Some((name.strip_prefix(KEPT)?.to_owned(), serde_json::from_str(body).ok()?)));
        Self(Mutex::new(files.collect()))
    }

    /// Decodes all pictures again.
    pub async fn resume(app: &App) {
        let files = lock(&app.files.0).clone();
        for (id, file) in files.into_iter().filter(|(_, file)| file.kind == Kind::Picture) {
            match app.blobs.get(&file.blob).await {
                Ok(Some(body)) => {
                    if let Err(refusal) = decode(app, &id, body).await {
                        tracing::warn!("file={id} cannot be shown: {refusal:?}");
                    }
                }
                Ok(None) => tracing::warn!("file={id} is gone from the blob store"),
                Err(error) => tracing::warn!("file={id}: {error}"),
            }
        }
    }

    /// The content of a file of sound.
    pub async fn sound(&self, app: &App, id: &str) -> Result<Bytes, Refusal> {
        let file = lock(&self.0).get(id).filter(|file| file.kind == Kind::Sound).cloned();
        let missing =
            || Refusal::field("file", "not_found", format!("There is no file of sound {id:?}; upload it first."));
        let blob = app.blobs.get(&file.ok_or_else(missing)?.blob).await;
        blob.map_err(|error| storage(&error))?.ok_or_else(missing)
    }
}

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new().api_route("/files", get_with(list, |op| op.summary("Uploaded files")))
}

/// Apart from the others, because bodies may be larger.
pub fn uploads() -> ApiRouter<Arc<App>> {
    ApiRouter::new()
        .api_route(
            "/files/{id}",
            put_with(put, |op| op.summary("Upload a picture or a file of sound, by its Content-Type"))
                .delete_with(delete, |op| op.summary("Delete a file")),
        )
        .layer(DefaultBodyLimit::max(MAX_BYTES))
}

async fn list(State(app): State<Arc<App>>) -> Json<Vec<Shown>> {
    let files = lock(&app.files.0);
    Json(files.iter().map(|(id, file)| Shown { id: id.clone(), kind: file.kind, bytes: file.bytes }).collect())
}

async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Shown>, Refusal> {
    let name = Id::try_from(id.clone()).map_err(|message| Refusal::field("id", "invalid", message))?;
    let full = || Refusal::new(StatusCode::CONFLICT, "too_many", format!("There are {MAX_FILES} files already."));
    if lock(&app.files.0).len() >= MAX_FILES && !lock(&app.files.0).contains_key(&id) {
        return Err(full());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = if content_type.starts_with("audio/") { Kind::Sound } else { Kind::Picture };
    match kind {
        Kind::Picture => decode(&app, &id, body.clone()).await?,
        Kind::Sound => check_sound(body.clone()).await?,
    }
    let blob = format!("compositor/files/{}", rivulet_store::new_id(app.stage().clock.now_ms()));
    app.blobs.put(&blob, body.clone(), content_type).await.map_err(|error| storage(&error))?;
    let file = File { kind, bytes: body.len(), blob };
    let kept = serde_json::to_string(&file).ok();
    let before = lock(&app.files.0).insert(id.clone(), file);
    app.keeper.put(&format!("{KEPT}{name}"), kept);
    app.stage().tell(Happened::Other { event: "files", id: id.clone() });
    app.keeper.flush().await;
    forget(&app, before).await;
    Ok(Json(Shown { id, kind, bytes: body.len() }))
}

async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let file = lock(&app.files.0).remove(&id).ok_or_else(|| Refusal::not_found("file", &id))?;
    if let Ok(id) = Id::try_from(id.clone()) {
        lock(&app.shared.assets).remove(&id);
    }
    app.keeper.put(&format!("{KEPT}{id}"), None);
    app.stage().tell(Happened::Other { event: "files", id });
    app.keeper.flush().await;
    forget(&app, Some(file)).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Off the async threads: a large picture takes a while.
async fn decode(app: &App, id: &str, body: Bytes) -> Result<(), Refusal> {
    let id = Id::try_from(id).map_err(|message| Refusal::field("id", "invalid", message))?;
    let shared = app.shared.clone();
    let decoded = tokio::task::spawn_blocking(move || lock(&shared.assets).insert(id, &body)).await;
    match decoded {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Refusal::field("file", "bad_picture", error.to_string())),
        Err(_) => Err(Refusal::field("file", "bad_picture", "This picture cannot be decoded.")),
    }
}

async fn check_sound(body: Bytes) -> Result<(), Refusal> {
    let checked = tokio::task::spawn_blocking(move || file::play(body, false)).await;
    match checked {
        Ok(Ok(line)) => {
            line.close();
            Ok(())
        }
        Ok(Err(error)) => Err(Refusal::field("file", "bad_sound", error.to_string())),
        Err(_) => Err(Refusal::field("file", "bad_sound", "This file cannot be decoded.")),
    }
}

/// An object that nothing refers to any more.
async fn forget(app: &App, file: Option<File>) {
    if let Some(file) = file
        && let Err(error) = app.blobs.delete(&[file.blob]).await
    {
        tracing::warn!("an object is left in the blob store: {error}");
    }
}

fn storage(error: &rivulet_store::BlobError) -> Refusal {
    tracing::warn!("{error}");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "storage", "The blob store does not answer; try again.")
}
