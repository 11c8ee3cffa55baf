//! Targets and the recording: added, started, stopped. Keys go in and never come out.

use super::App;
use super::refusal::{Body, Refusal};
use crate::editions::{Edition, Fault, MAX_EDITIONS, Own, Spec};
use crate::frames::{Shared, lock};
use crate::outputs::record::{Recorded, record, whole};
use crate::outputs::{Address, Given, Key, Place, Platform, Program, State as TargetState, Target, Trust};
use crate::stage::Happened;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rivulet_scene::{Id, MAIN};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

const MAX_OUTPUTS: usize = 32;
/// Of one recording: two days at 4 Mbit/s.
const MAX_RECORDING_BYTES: u64 = 100 << 30;
/// Before the name of a target's document.
const KEPT: &str = "output/";

struct Output {
    platform: Platform,
    address: Address,
    key: Key,
    own: Option<Own>,
    target: Target,
    /// What it sends while it is on, if that is not the main picture.
    edition: Option<Arc<Edition>>,
    /// By a setting, which alone can change it.
    given: bool,
}

struct Recording {
    name: String,
    stop: CancellationToken,
    recorded: Arc<Recorded>,
}

#[derive(Default)]
pub struct Outputs {
    list: Mutex<BTreeMap<String, Output>>,
    recording: Mutex<Option<Recording>>,
}

/// A target as it is added.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewOutput {
    platform: Platform,
    /// `rtmp://HOST/APP` or `rtmps://…`; without it, the platform's own.
    #[serde(default)]
    url: Option<String>,
    /// Shown to nobody again.
    key: Key,
    /// Whether it connects at once.
    #[serde(default = "yes")]
    on: bool,
    /// Another picture than the main one, encoded for this output and those that want the same.
    #[serde(default)]
    video: Option<Own>,
}

fn yes() -> bool {
    true
}

/// The same as it is kept. The key is needed again after a restart, so that it is among it.
#[derive(Serialize, Deserialize)]
struct Kept {
    platform: Platform,
    url: String,
    key: String,
    on: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    video: Option<Own>,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    id: String,
    platform: Platform,
    url: String,
    on: bool,
    video: Option<Own>,
    /// What it sends while it is on: `main`, or the name of an encode that outputs of equal needs share.
    encode: Option<String>,
    #[serde(flatten)]
    state: TargetState,
    bytes: u64,
    pictures: u64,
    dropped_pictures: u64,
    dropped_sound: u64,
    reconnects: u64,
    /// By a setting: it can be started and stopped, and neither replaced nor removed.
    given: bool,
}

#[derive(Serialize, JsonSchema)]
struct ShownRecording {
    on: bool,
    /// Where it is in the blob store, `recordings/NAME/`, and at `/v1/recordings/NAME.mp4`.
    name: Option<String>,
    bytes: u64,
    segments: u64,
    lost_segments: u64,
}

impl Output {
    fn shown(&self, id: &str) -> Shown {
        let counters = self.target.counters();
        Shown {
            id: id.to_owned(),
            platform: self.platform,
            url: self.address.to_string(),
            on: self.target.is_wanted(),
            video: self.own.clone(),
            encode: self.target.is_wanted().then(|| self.encode().to_owned()),
            state: self.target.state(),
            bytes: counters.bytes.load(Relaxed),
            pictures: counters.pictures.load(Relaxed),
            dropped_pictures: counters.dropped_pictures.load(Relaxed),
            dropped_sound: counters.dropped_sound.load(Relaxed),
            reconnects: counters.reconnects.load(Relaxed),
            given: self.given,
        }
    }

    fn encode(&self) -> &str {
        self.edition.as_ref().map_or(MAIN, |edition| &edition.name)
    }

    fn kept(&self) -> Option<String> {
        let Self { platform, address, key, own, target, .. } = self;
        let (url, key) = (address.to_string(), key.reveal().to_owned());
        serde_json::to_string(&Kept { platform: *platform, url, key, on: target.is_wanted(), video: own.clone() }).ok()
    }
}

impl Outputs {
    /// Those that were kept go on, and those that are given start. A given one hides what was kept under
    /// its name; that is there again when it is not given any more.
    pub fn open(
        kept: &BTreeMap<String, String>,
        given: Vec<Given>,
        shared: &Shared,
        trust: &Trust,
    ) -> Result<Self, String> {
        let program = &shared.program;
        if given.len() > MAX_OUTPUTS {
            return Err(format!("{} targets are given, and {MAX_OUTPUTS} outputs are taken", given.len()));
        }
        for Given { id, platform, .. } in &given {
            let complaints = platform.complaints(&program.description().offer());
            if !complaints.is_empty() {
                return Err(format!("target {id}: {}", complaints.join("; ")));
            }
        }
        let given: BTreeMap<String, Output> = given
            .into_iter()
            .map(|Given { id, platform, address, key }| {
                let place = Place { id: id.to_string(), address: address.clone(), key: key.clone() };
                let target = Target::spawn(place, Some(program.clone()), trust.clone());
                (id.to_string(), Output { platform, address, key, own: None, target, edition: None, given: true })
            })
            .collect();
        let mut list = given;
        for (name, body) in kept {
            let Some(id) = name.strip_prefix(KEPT).filter(|id| !list.contains_key(*id)) else { continue };
            match restored(shared, trust, &list, id, body) {
                Some(output) => _ = list.insert(id.to_owned(), output),
                None => tracing::warn!("output={id} cannot be read"),
            }
        }
        Ok(Self { list: Mutex::new(list), recording: Mutex::default() })
    }

    /// An error for the one who would change what a setting gives.
    fn changeable(&self, id: &str) -> Result<(), Refusal> {
        match lock(&self.list).get(id) {
            Some(Output { given: true, .. }) => {
                let detail = format!(
                    "The output {id:?} is given by --target or RIVULET_COMPOSITOR_TARGETS: change it there. It can be \
                     started and stopped here."
                );
                Err(Refusal::new(StatusCode::CONFLICT, "given", detail))
            }
            _ => Ok(()),
        }
    }

    pub fn metrics(&self, metrics: &crate::metrics::Metrics) -> prometheus::Result<String> {
        let list = lock(&self.list);
        let editions = list.values().filter_map(|output| output.edition.as_deref());
        let text = metrics.editions(editions);
        Ok(metrics.render(list.iter().map(|(id, output)| (id.as_str(), &output.target)))? + &text)
    }

    /// Ends all streams in good order.
    pub async fn close(&self) {
        if let Some(recording) = lock(&self.recording).take() {
            recording.stop.cancel();
        }
        let list = std::mem::take(&mut *lock(&self.list));
        for output in list.into_values() {
            output.target.close().await;
        }
    }
}

/// An output as it was kept; one that cannot send what it should is off.
fn restored(shared: &Shared, trust: &Trust, list: &BTreeMap<String, Output>, id: &str, body: &str) -> Option<Output> {
    let Kept { platform, url, key, on, video: own } = serde_json::from_str(body).ok()?;
    let (address, key) = (Address::parse(platform, Some(&url)).ok()?, Key::parse(&key).ok()?);
    let (program, edition) = match on.then(|| source(shared, list, id, own.as_ref())) {
        Some(Ok((program, edition))) => (Some(program), edition),
        Some(Err(refusal)) => {
            tracing::warn!("output={id} stays off: {}", refusal.detail());
            (None, None)
        }
        None => (None, None),
    };
    let place = Place { id: id.to_owned(), address: address.clone(), key: key.clone() };
    let target = Target::spawn(place, program, trust.clone());
    Some(Output { platform, address, key, own, target, edition, given: false })
}

fn spec(shared: &Shared, own: Option<&Own>) -> Result<Option<Spec>, Refusal> {
    let wrong = |Fault { field, message }| Refusal::field(&format!("video.{field}"), "out_of_range", message);
    shared.editions.spec(own).map_err(wrong)
}

/// What the output `id` sends, with this of its own; what it has sent so far does not count any more. Called
/// with all outputs locked, so that no encode is opened twice, or one too many.
fn source(
    shared: &Shared,
    list: &BTreeMap<String, Output>,
    id: &str,
    own: Option<&Own>,
) -> Result<(Program, Option<Arc<Edition>>), Refusal> {
    let Some(spec) = spec(shared, own)? else { return Ok((shared.program.clone(), None)) };
    let others = list.iter().filter(|(other, _)| *other != id);
    let encoded: BTreeSet<&str> =
        others.filter_map(|(_, output)| output.edition.as_ref()).map(|edition| edition.name.as_str()).collect();
    let name = spec.name(shared.editions.main().rate);
    if encoded.len() >= MAX_EDITIONS && !encoded.contains(name.as_str()) {
        let detail = format!(
            "{MAX_EDITIONS} pictures beside the main one are encoded already: stop an output that needs one of its \
             own, or give this one the same as another."
        );
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many", detail));
    }
    let edition = shared.editions.open(&spec, shared.program.description()).map_err(|error| {
        tracing::error!("encode={name}: {error}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "no_encoder", "The encoder of this picture does not start.")
    })?;
    Ok((edition.program.clone(), Some(edition)))
}

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new()
        .api_route("/outputs", get_with(list, |op| op.summary("Targets and their states")))
        .api_route(
            "/outputs/{id}",
            put_with(put, |op| op.summary("Add a target, or replace it"))
                .get_with(show, |op| op.summary("A target and its state"))
                .delete_with(delete, |op| op.summary("Remove a target")),
        )
        .api_route("/outputs/{id}/start", post_with(start, |op| op.summary("Connect, or ask again now")))
        .api_route("/outputs/{id}/stop", post_with(stop, |op| op.summary("End the stream to a target")))
        .api_route("/recording", get_with(recording, |op| op.summary("The recording")))
        .route("/recordings/{file}", get(recorded))
        .api_route("/recording/start", post_with(start_recording, |op| op.summary("Begin a recording")))
        .api_route("/recording/stop", post_with(stop_recording, |op| op.summary("End the recording")))
}

async fn list(State(app): State<Arc<App>>) -> Json<Vec<Shown>> {
    Json(lock(&app.outputs.list).iter().map(|(id, output)| output.shown(id)).collect())
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Shown>, Refusal> {
    let shown = lock(&app.outputs.list).get(&id).map(|output| output.shown(&id));
    shown.map(Json).ok_or_else(|| Refusal::not_found("output", &id))
}

async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(new): Body<NewOutput>,
) -> Result<Json<Shown>, Refusal> {
    let name = Id::try_from(id.clone()).map_err(|message| Refusal::field("id", "invalid", message))?;
    app.outputs.changeable(&id)?;
    let address = Address::parse(new.platform, new.url.as_deref());
    let address = address.map_err(|error| Refusal::field("url", "bad_url", error.to_string()))?;
    let stream = app.shared.program.description();
    let offer = match spec(&app.shared, new.video.as_ref())? {
        Some(own) => own.offer(app.shared.editions.main(), stream.audio_kbps),
        None => stream.offer(),
    };
    let complaints = new.platform.complaints(&offer);
    if !complaints.is_empty() {
        return Err(Refusal::field("platform", "not_taken", complaints.join("; ")));
    }
    let before = {
        let mut list = lock(&app.outputs.list);
        if list.len() >= MAX_OUTPUTS && !list.contains_key(&id) {
            let detail = format!("There are {MAX_OUTPUTS} outputs already; remove one.");
            return Err(Refusal::new(StatusCode::CONFLICT, "too_many", detail));
        }
        let place = Place { id: name.to_string(), address: address.clone(), key: new.key.clone() };
        let (program, edition) = match new.on {
            true => {
                let (program, edition) = source(&app.shared, &list, &id, new.video.as_ref())?;
                (Some(program), edition)
            }
            false => (None, None),
        };
        let target = Target::spawn(place, program, app.trust.clone());
        let NewOutput { platform, key, video: own, .. } = new;
        list.insert(id.clone(), Output { platform, address, key, own, target, edition, given: false })
    };
    if let Some(before) = before {
        before.target.close().await;
    }
    keep(&app, &id).await;
    show(State(app), Path(id)).await
}

async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    app.outputs.changeable(&id)?;
    let output = lock(&app.outputs.list).remove(&id).ok_or_else(|| Refusal::not_found("output", &id))?;
    output.target.close().await;
    keep(&app, &id).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn start(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Shown>, Refusal> {
    {
        let mut list = lock(&app.outputs.list);
        let output = list.get(&id).ok_or_else(|| Refusal::not_found("output", &id))?;
        let (program, edition) = source(&app.shared, &list, &id, output.own.as_ref())?;
        if let Some(output) = list.get_mut(&id) {
            output.edition = edition;
            output.target.start(program);
        }
    }
    keep(&app, &id).await;
    show(State(app), Path(id)).await
}

async fn stop(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Shown>, Refusal> {
    {
        let mut list = lock(&app.outputs.list);
        let output = list.get_mut(&id).ok_or_else(|| Refusal::not_found("output", &id))?;
        output.target.stop();
        output.edition = None;
    }
    keep(&app, &id).await;
    show(State(app), Path(id)).await
}

/// A given one is not kept: its setting is there at the next start, and then it starts.
async fn keep(app: &App, id: &str) {
    let (given, body) = match lock(&app.outputs.list).get(id) {
        Some(output) => (output.given, output.kept()),
        None => (false, None),
    };
    if !given {
        app.keeper.put(&format!("{KEPT}{id}"), body);
    }
    app.stage().tell(Happened::Other { event: "outputs", id: id.to_owned() });
    app.keeper.flush().await;
}

async fn recording(State(app): State<Arc<App>>) -> Json<ShownRecording> {
    let recording = lock(&app.outputs.recording);
    let counted = |read: fn(&Recorded) -> u64| recording.as_ref().map_or(0, |recording| read(&recording.recorded));
    Json(ShownRecording {
        on: recording.as_ref().is_some_and(|recording| !recording.stop.is_cancelled()),
        name: recording.as_ref().map(|recording| recording.name.clone()),
        bytes: counted(|recorded| recorded.bytes.load(Relaxed)),
        segments: counted(|recorded| recorded.segments.load(Relaxed)),
        lost_segments: counted(|recorded| recorded.lost.load(Relaxed)),
    })
}

/// `NAME.mp4`: picture and sound in one file, as far as they have been written.
async fn recorded(State(app): State<Arc<App>>, Path(file): Path<String>) -> Result<Response, Refusal> {
    let name = file.strip_suffix(".mp4").and_then(|name| Id::try_from(name).ok());
    let name = name.ok_or_else(|| Refusal::not_found("recording", &file))?;
    let away = |error| {
        tracing::warn!("recording={name}: {error}");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no_store", "The recording cannot be read now.")
    };
    let found = whole(app.blobs.clone(), name.to_string()).await.map_err(away)?;
    let pieces = found.ok_or_else(|| Refusal::not_found("recording", name.as_str()))?;
    Ok(([(header::CONTENT_TYPE, "video/mp4")], axum::body::Body::from_stream(pieces)).into_response())
}

async fn start_recording(State(app): State<Arc<App>>) -> Json<ShownRecording> {
    {
        let mut recording = lock(&app.outputs.recording);
        if recording.as_ref().is_none_or(|recording| recording.stop.is_cancelled()) {
            let name = rivulet_store::new_id(app.stage().clock.now_ms());
            let (stop, recorded) = (CancellationToken::new(), Arc::<Recorded>::default());
            let (program, blobs) = (app.shared.program.clone(), app.blobs.clone());
            let work = record(program, blobs, name.clone(), MAX_RECORDING_BYTES, stop.clone(), recorded.clone());
            let ended = stop.clone();
            tokio::spawn(async move {
                if let Err(error) = work.await {
                    tracing::warn!("the recording ended: {error}");
                }
                ended.cancel();
            });
            app.stage().tell(Happened::Other { event: "recording", id: name.clone() });
            *recording = Some(Recording { name, stop, recorded });
        }
    }
    recording(State(app)).await
}

async fn stop_recording(State(app): State<Arc<App>>) -> Json<ShownRecording> {
    if let Some(recording) = &*lock(&app.outputs.recording) {
        recording.stop.cancel();
        app.stage().tell(Happened::Other { event: "recording", id: recording.name.clone() });
    }
    recording(State(app)).await
}
