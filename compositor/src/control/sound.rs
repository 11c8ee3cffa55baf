//! What is heard: files that play, their gains, and how loud everything is.

use super::App;
use super::files::Kind;
use super::inputs::Inputs;
use super::refusal::{Body, Refusal};
use crate::frames::lock;
use crate::sound::{Level, Settings, file};
use crate::stage::Happened;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, patch_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rivulet_scene::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The name of the document.
const KEPT: &str = "sound";

/// A file that plays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Source {
    /// Id of an uploaded file of sound.
    file: String,
    /// Again and again; otherwise the source is gone after its end.
    #[serde(default)]
    looped: bool,
    #[serde(default)]
    settings: Settings,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Kept {
    sources: BTreeMap<String, Source>,
    master_db: f32,
}

/// What plays, as it was asked for.
#[derive(Default)]
pub struct Desk(Mutex<Kept>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    settings: Settings,
    /// In which the gain gets there.
    #[serde(default)]
    fade_ms: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Master {
    /// -96 to 24; -96 is silence.
    gain_db: f32,
    #[serde(default)]
    fade_ms: u32,
}

#[derive(Serialize, JsonSchema)]
struct ShownSource {
    /// That it plays; without one, it is the sound of the live input of its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    looped: bool,
    settings: Settings,
    level: Option<Level>,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    sources: BTreeMap<String, ShownSource>,
    master_db: f32,
    level: Level,
}

impl Desk {
    pub fn of(kept: &BTreeMap<String, String>) -> Self {
        let kept = kept.get(KEPT).and_then(|body| serde_json::from_str(body).ok());
        Self(Mutex::new(kept.unwrap_or_default()))
    }

    pub fn has(&self, id: &str) -> bool {
        lock(&self.0).sources.contains_key(id)
    }

    /// Starts what was playing. A file that is not there any more is left out.
    pub async fn resume(app: &App) {
        let kept = lock(&app.desk.0).clone();
        let _ = lock(&app.shared.mixer).fade_master(kept.master_db, 0);
        for (id, source) in kept.sources {
            if let Err(refusal) = play(app, &id, &source).await {
                tracing::warn!("source={id} cannot be played: {refusal:?}");
                lock(&app.desk.0).sources.remove(&id);
            }
        }
    }
}

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new()
        .api_route("/sound", get_with(show, |op| op.summary("What is heard, and how loud")))
        .api_route("/sound/master", patch_with(master, |op| op.summary("The gain of all")))
        .api_route(
            "/sound/sources/{id}",
            put_with(put, |op| op.summary("Play a file"))
                .patch_with(change, |op| op.summary("Gain, mute, ducking; with a fade"))
                .delete_with(delete, |op| op.summary("End a source")),
        )
}

async fn play(app: &App, id: &str, source: &Source) -> Result<(), Refusal> {
    source.settings.check()?;
    let body = app.files.content(app, &source.file, Kind::Sound).await?;
    let looped = source.looped;
    let line = tokio::task::spawn_blocking(move || file::play(body, looped)).await;
    let line = line.map_err(|_| Refusal::field("file", "bad_sound", "This file cannot be decoded."))?;
    let line = line.map_err(|error| Refusal::field("file", "bad_sound", error.to_string()))?;
    Ok(lock(&app.shared.mixer).set(id, line, source.settings)?)
}

async fn show(State(app): State<Arc<App>>) -> Json<Shown> {
    let (levels, level) = {
        let mut mixer = lock(&app.shared.mixer);
        let mut kept = lock(&app.desk.0);
        mixer.take_ended().iter().for_each(|id| _ = kept.sources.remove(id));
        (lock(&app.shared.levels).clone(), mixer.level())
    };
    let kept = lock(&app.desk.0).clone();
    let shown = |id: String, file, looped, settings| {
        let level = levels.get(&id).copied();
        (id, ShownSource { file, looped, settings, level })
    };
    let files = kept.sources.into_iter().map(|(id, own)| shown(id, Some(own.file), own.looped, own.settings));
    let inputs = app.inputs.sounds().into_iter().map(|(id, settings)| shown(id, None, false, settings));
    Json(Shown { sources: files.chain(inputs).collect(), master_db: kept.master_db, level })
}

async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(source): Body<Source>,
) -> Result<Json<Shown>, Refusal> {
    Id::try_from(id.clone()).map_err(|message| Refusal::field("id", "invalid", message))?;
    refuse_input(&app, &id)?;
    play(&app, &id, &source).await?;
    lock(&app.desk.0).sources.insert(id.clone(), source);
    keep(&app, &id).await;
    Ok(show(State(app)).await)
}

async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<Shown>, Refusal> {
    if !lock(&app.shared.mixer).change(&id, change.settings, change.fade_ms)? {
        return Err(Refusal::not_found("source", &id));
    }
    if !Inputs::sounds_like(&app, &id, change.settings)
        && let Some(source) = lock(&app.desk.0).sources.get_mut(&id)
    {
        source.settings = change.settings;
    }
    keep(&app, &id).await;
    Ok(show(State(app)).await)
}

async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    refuse_input(&app, &id)?;
    if !lock(&app.shared.mixer).remove(&id) {
        return Err(Refusal::not_found("source", &id));
    }
    lock(&app.desk.0).sources.remove(&id);
    keep(&app, &id).await;
    Ok(StatusCode::NO_CONTENT)
}

fn refuse_input(app: &App, id: &str) -> Result<(), Refusal> {
    if !app.inputs.has(id) {
        return Ok(());
    }
    let detail = format!("{id:?} is the sound of a live input: change its settings, or the input.");
    Err(Refusal::new(StatusCode::CONFLICT, "id_in_use", detail))
}

async fn master(State(app): State<Arc<App>>, Body(master): Body<Master>) -> Result<Json<Shown>, Refusal> {
    lock(&app.shared.mixer).fade_master(master.gain_db, master.fade_ms)?;
    lock(&app.desk.0).master_db = master.gain_db;
    keep(&app, "master").await;
    Ok(show(State(app)).await)
}

async fn keep(app: &App, id: &str) {
    let body = serde_json::to_string(&*lock(&app.desk.0)).ok();
    app.keeper.put(KEPT, body);
    app.stage().tell(Happened::Other { event: "sound", id: id.to_owned() });
    app.keeper.flush().await;
}
