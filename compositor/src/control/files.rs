//! Pictures, sound and video that people upload. Each is an object in the blob store, so that it is there
//! after a restart; pictures may be fetched from an address instead. They are decoded at once, within limits, so that a bad one is refused here.

use super::App;
use super::refusal::Refusal;
use crate::frames::lock;
use crate::sound::{Feed, file};
use crate::stage::Happened;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, put_with};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use rivulet_outside::{Bounds, Failure};
use rivulet_picture::{AssetError, Decoded};
use rivulet_scene::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MAX_FILES: usize = 500;
const MAX_BYTES: usize = 32 * 1024 * 1024;
const MAX_VIDEO_BYTES: usize = 256 * 1024 * 1024;
/// Of a picture that is fetched.
const FETCH: Bounds = Bounds { time: Duration::from_secs(20), body_bytes: MAX_BYTES };
const REFRESH_SECONDS: std::ops::RangeInclusive<u64> = 5..=86_400;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Before the name of a file's document.
const KEPT: &str = "file/";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Picture,
    Sound,
    Video,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct File {
    kind: Kind,
    bytes: usize,
    /// In the blob store; another one for each upload, since objects never change.
    blob: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
}

/// Where a picture comes from, if it was not uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Origin {
    /// `https://…` of a picture.
    url: String,
    /// Fetches it again, every so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_seconds: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    id: String,
    kind: Kind,
    bytes: usize,
    /// Where it comes from, if it was not uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_seconds: Option<u64>,
}

impl File {
    fn shown(&self, id: &str) -> Shown {
        Shown {
            id: id.to_owned(),
            kind: self.kind,
            bytes: self.bytes,
            url: self.origin.as_ref().map(|origin| origin.url.clone()),
            refresh_seconds: self.origin.as_ref().and_then(|origin| origin.refresh_seconds),
        }
    }
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

    /// Whether there is a file of this kind.
    pub fn is(&self, id: &str, kind: Kind) -> bool {
        lock(&self.0).get(id).is_some_and(|file| file.kind == kind)
    }

    /// The content of a file of this kind.
    pub async fn content(&self, app: &App, id: &str, kind: Kind) -> Result<Bytes, Refusal> {
        let file = lock(&self.0).get(id).filter(|file| file.kind == kind).cloned();
        let what = format!("{kind:?}").to_lowercase();
        let missing =
            || Refusal::field("file", "not_found", format!("There is no file of {what} {id:?}; upload it first."));
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
            put_with(put, |op| {
                op.summary("Upload a picture, or a file of sound or video, by its Content-Type").description(
                    "With `application/json` and `{\"url\": \"https://…\", \"refresh_seconds\": 60}` a picture is \
                     fetched from there, and again every so often; without `refresh_seconds`, once.",
                )
            })
            .delete_with(delete, |op| op.summary("Delete a file")),
        )
        .layer(DefaultBodyLimit::max(MAX_VIDEO_BYTES))
}

async fn list(State(app): State<Arc<App>>) -> Json<Vec<Shown>> {
    let files = lock(&app.files.0);
    Json(files.iter().map(|(id, file)| file.shown(id)).collect())
}

async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Shown>, Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/json") {
        let origin: Origin =
            serde_json::from_slice(&body).map_err(|error| Refusal::field("url", "invalid", error.to_string()))?;
        origin.check()?;
        let body = origin.fetch(&app).await?;
        return store(&app, id, Kind::Picture, "image", body, Some(origin)).await;
    }
    let kind = match content_type.split('/').next() {
        Some("audio") => Kind::Sound,
        Some("video") => Kind::Video,
        _ => Kind::Picture,
    };
    store(&app, id, kind, content_type, body, None).await
}

/// Keeps a file in the place of what had its id, once it is known to be of use.
async fn store(
    app: &App,
    id: String,
    kind: Kind,
    content_type: &str,
    body: Bytes,
    origin: Option<Origin>,
) -> Result<Json<Shown>, Refusal> {
    let name = Id::try_from(id.clone()).map_err(|message| Refusal::field("id", "invalid", message))?;
    let full = || Refusal::new(StatusCode::CONFLICT, "too_many", format!("There are {MAX_FILES} files already."));
    if lock(&app.files.0).len() >= MAX_FILES && !lock(&app.files.0).contains_key(&id) {
        return Err(full());
    }
    if kind != Kind::Video && body.len() > MAX_BYTES {
        let detail = format!("A picture or a file of sound has at most {MAX_BYTES} bytes.");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
    }
    match kind {
        Kind::Picture if app.inputs.has(&id) => {
            let detail = format!("A live input has the id {id:?} already.");
            return Err(Refusal::new(StatusCode::CONFLICT, "id_in_use", detail));
        }
        Kind::Picture => decode(app, &id, body.clone()).await?,
        Kind::Sound => check_sound(body.clone()).await?,
        Kind::Video => app.inputs.check(&body).await?,
    }
    let blob = format!("compositor/files/{}", rivulet_store::new_id(app.stage().clock.now_ms()));
    app.blobs.put(&blob, body.clone(), content_type).await.map_err(|error| storage(&error))?;
    let file = File { kind, bytes: body.len(), blob, origin };
    let (kept, shown) = (serde_json::to_string(&file).ok(), file.shown(&id));
    let before = lock(&app.files.0).insert(id.clone(), file);
    if kind != Kind::Picture && before.as_ref().is_some_and(|before| before.kind == Kind::Picture) {
        lock(&app.shared.assets).remove(&name);
    }
    app.keeper.put(&format!("{KEPT}{name}"), kept);
    app.stage().tell(Happened::Other { event: "files", id });
    app.keeper.flush().await;
    forget(app, before).await;
    Ok(Json(shown))
}

impl Origin {
    fn check(&self) -> Result<(), Refusal> {
        match self.refresh_seconds {
            Some(seconds) if !REFRESH_SECONDS.contains(&seconds) => {
                let (min, max) = (REFRESH_SECONDS.start(), REFRESH_SECONDS.end());
                Err(Refusal::field("refresh_seconds", "out_of_range", format!("It must be {min} to {max}.")))
            }
            _ => Ok(()),
        }
    }

    async fn fetch(&self, app: &App) -> Result<Bytes, Refusal> {
        let bad = |detail: String| Refusal::field("url", "bad_url", detail);
        let request = Request::get(&self.url).body(Bytes::new()).map_err(|_| bad(Failure::BadUrl.to_string()))?;
        let answer = app.inputs.outside().send(request, FETCH).await.map_err(|failure| match failure {
            Failure::Forbidden => {
                let detail = "This is not on the public internet; --allow-private lets pictures come from there.";
                Refusal::field("url", "private_address", detail)
            }
            Failure::Plain => bad("A picture comes by https://.".into()),
            failure => bad(failure.to_string()),
        })?;
        match answer.status {
            StatusCode::OK if answer.whole => Ok(answer.body),
            StatusCode::OK => Err(Refusal::field("url", "too_large", format!("It has more than {MAX_BYTES} bytes."))),
            status => Err(bad(format!("The server answers {status}."))),
        }
    }
}

/// Fetches pictures anew whose time has come, one after the other. Serves until it is dropped.
pub async fn refresh(app: Arc<App>) {
    let mut due: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let origins: Vec<(String, Origin, u64)> = lock(&app.files.0)
            .iter()
            .filter_map(|(id, file)| Some((id.clone(), file.origin.clone()?, file.origin.as_ref()?.refresh_seconds?)))
            .collect();
        due.retain(|id, _| origins.iter().any(|(other, ..)| other == id));
        for (id, origin, seconds) in origins {
            let interval = Duration::from_secs(seconds);
            let at = *due.entry(id.clone()).or_insert_with(|| Instant::now() + interval);
            if at > Instant::now() {
                continue;
            }
            due.insert(id.clone(), Instant::now() + interval);
            if let Err(refusal) = renew(&app, &id, origin).await {
                // What was there before is shown on.
                tracing::warn!("file={id} cannot be fetched anew: {refusal:?}");
            }
        }
    }
}

async fn renew(app: &App, id: &str, origin: Origin) -> Result<(), Refusal> {
    let body = origin.fetch(app).await?;
    let now = || lock(&app.files.0).get(id).filter(|file| file.origin.as_ref() == Some(&origin)).cloned();
    // Deleted or replaced meanwhile.
    let Some(file) = now() else { return Ok(()) };
    let before = app.blobs.get(&file.blob).await.map_err(|error| storage(&error))?;
    if before.is_some_and(|before| before == body) || now().is_none() {
        return Ok(());
    }
    store(app, id.to_owned(), Kind::Picture, "image", body, Some(origin)).await.map(drop)
}

async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let file = lock(&app.files.0).remove(&id).ok_or_else(|| Refusal::not_found("file", &id))?;
    if file.kind == Kind::Picture
        && let Ok(id) = Id::try_from(id.clone())
    {
        lock(&app.shared.assets).remove(&id);
    }
    app.keeper.put(&format!("{KEPT}{id}"), None);
    app.stage().tell(Happened::Other { event: "files", id });
    app.keeper.flush().await;
    forget(&app, Some(file)).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Off the async threads, and before anything is locked that pictures are drawn with: a large one takes
/// a while.
async fn decode(app: &App, id: &str, body: Bytes) -> Result<(), Refusal> {
    let id = Id::try_from(id).map_err(|message| Refusal::field("id", "invalid", message))?;
    let decoded = tokio::task::spawn_blocking(move || Decoded::file(&body)).await;
    let bad = |detail: String| Refusal::field("file", "bad_picture", detail);
    let picture = decoded.map_err(|_| bad("This picture cannot be decoded.".into()))?;
    let kept = picture
        .map_err(|reason| AssetError { asset: id.clone(), reason })
        .and_then(|picture| lock(&app.shared.assets).keep(id, picture));
    kept.map(drop).map_err(|error| bad(error.to_string()))
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
