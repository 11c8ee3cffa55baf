//! What comes in live: addresses and files of video, each a picture for layers of the kind `video`
//! and a source of sound, both of the input's id.

use super::App;
use super::files::Kind;
use super::refusal::{Body, Refusal};
use crate::clock::Clock;
use crate::frames::lock;
use crate::inputs::{Input, Media, Plan, State as InputState, Way, probe};
use crate::metrics::Metrics;
use crate::settings::Settings as Process;
use crate::sound::Settings;
use crate::stage::Happened;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, put_with};
use anyhow::Context;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use rivulet_outside::{Block, Client, Failure, MAX_URL_BYTES, Resolver};
use rivulet_scene::Id;
use rustls_native_certs::load_native_certs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use tokio_rustls::rustls::pki_types::CertificateDer;
use url::Url;

/// Each is a process that decodes.
const MAX_INPUTS: usize = 8;
const SCHEMES: [&str; 4] = ["rtmp", "rtmps", "http", "https"];
/// Before the name of an input's document.
const KEPT: &str = "input/";
/// In the data folder: files that workers read.
const FOLDER: &str = "inputs";
/// In the data folder: whom workers trust over TLS.
const AUTHORITIES: &str = "authorities.pem";
const EDGES: std::ops::RangeInclusive<u16> = 16..=4_096;

/// What comes in: one of `url` and `file`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `rtmp://…`, `rtmps://…`, `http://…` or `https://…`: a stream, an HLS playlist, a file, a radio
    /// station. Another Rivulet's channel is `https://HOST/live/CHANNEL/master.m3u8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Id of an uploaded file of video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Again and again, where it has an end; otherwise its last picture stays.
    #[serde(default)]
    looped: bool,
    /// Its picture is made to fit into so many pixels, at most the stream's: those of its layer cost
    /// the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<u16>,
    /// Of its sound.
    #[serde(default)]
    settings: Settings,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    id: String,
    #[serde(flatten)]
    wanted: Wanted,
    #[serde(flatten)]
    state: InputState,
    /// That came, since it was added.
    pictures: u64,
    /// How often it was tried again.
    restarts: u64,
}

struct Entry {
    wanted: Wanted,
    input: Input,
    _file: Option<Copy>,
}

/// A file for workers, which goes when nobody needs it.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub struct Inputs {
    list: Mutex<BTreeMap<String, Entry>>,
    /// All that is the same for each.
    program: PathBuf,
    size: (u16, u16),
    interval: i64,
    way: Way,
    folder: PathBuf,
    outside: Client,
    clock: Clock,
}

impl Inputs {
    /// `trust`: authorities besides the system's.
    pub fn new(process: &Process, trust: &[CertificateDer<'_>], clock: Clock) -> anyhow::Result<Self> {
        let folder = process.data.join(FOLDER);
        // What is in it is of a process that was killed.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let authorities = process.data.join(AUTHORITIES);
        let pem: String = load_native_certs().certs.iter().chain(trust).map(|certificate| pem(certificate)).collect();
        std::fs::write(&authorities, pem).with_context(|| format!("cannot write {}", authorities.display()))?;
        let program = match &process.worker {
            Some(program) => program.clone(),
            None => std::env::current_exe().context("cannot find this program's own file")?,
        };
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|block| block.parse::<Block>().ok());
        let allowed: Vec<Block> = everywhere.filter(|_| process.allow_private).collect();
        let edge = |edge: u32| u16::try_from(edge).unwrap_or(*EDGES.end());
        let (width, height) = process.stream_resolution;
        Ok(Self {
            list: Mutex::default(),
            program,
            size: (edge(width), edge(height)),
            interval: process.target_fps.micros(1),
            way: Way { allow_private: process.allow_private, authorities },
            folder,
            outside: Client::new(&allowed, Resolver::system()),
            clock,
        })
    }

    /// Those that were kept go on.
    pub async fn resume(app: &Arc<App>, kept: &BTreeMap<String, String>) {
        for (name, body) in kept {
            let Some(id) = name.strip_prefix(KEPT) else { continue };
            let Ok(wanted) = serde_json::from_str::<Wanted>(body) else {
                tracing::warn!("input={id} cannot be read");
                continue;
            };
            // A name that cannot be looked up now can be later: its worker says so.
            if let Err(refusal) = start(app, id, wanted).await {
                tracing::warn!("input={id} cannot be played: {refusal:?}");
            }
        }
    }

    pub fn has(&self, id: &str) -> bool {
        lock(&self.list).contains_key(id)
    }

    /// How each input sounds.
    pub fn sounds(&self) -> BTreeMap<String, Settings> {
        lock(&self.list).iter().map(|(id, entry)| (id.clone(), entry.wanted.settings)).collect()
    }

    /// False: there is no such input.
    pub fn sounds_like(app: &App, id: &str, settings: Settings) -> bool {
        let body = {
            let mut list = lock(&app.inputs.list);
            let Some(entry) = list.get_mut(id) else { return false };
            entry.wanted.settings = settings;
            serde_json::to_string(&entry.wanted).ok()
        };
        app.keeper.put(&format!("{KEPT}{id}"), body);
        true
    }

    /// The process that decodes an input.
    #[cfg(test)]
    pub fn worker(&self, id: &str) -> Option<u32> {
        lock(&self.list).get(id).and_then(|entry| entry.input.pid())
    }

    /// The client for addresses that people type in.
    pub fn outside(&self) -> &Client {
        &self.outside
    }

    pub fn metrics(&self, metrics: &Metrics) -> String {
        let list = lock(&self.list);
        metrics.inputs(list.iter().map(|(id, entry)| (id.as_str(), &entry.input)))
    }

    /// Refuses what no worker can open as video.
    pub async fn check(&self, body: &Bytes) -> Result<(), Refusal> {
        let copy = self.copy(body).await?;
        let plan = self.plan(Media::File(copy.0.clone()), false, self.size);
        probe(&plan)
            .await
            .map_err(|reason| Refusal::field("file", "bad_video", format!("It cannot be played: {reason}.")))
    }

    fn plan(&self, media: Media, looped: bool, size: (u16, u16)) -> Plan {
        Plan { program: self.program.clone(), media, looped, size, interval: self.interval, way: self.way.clone() }
    }

    async fn copy(&self, body: &Bytes) -> Result<Copy, Refusal> {
        let path = self.folder.join(rivulet_store::new_id(self.clock.now_ms()));
        let copy = Copy(path.clone());
        let written = tokio::fs::write(path, body).await;
        written.map(|()| copy).map_err(|error| {
            tracing::warn!("a file for an input cannot be written: {error}");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "storage", "The data folder takes no file.")
        })
    }

    /// A URL of one of these schemes.
    pub fn parse_url(&self, text: &str, schemes: &[&str]) -> Result<Url, Refusal> {
        let bad = |code: &str, detail: String| Refusal::field("url", code, detail);
        if text.len() > MAX_URL_BYTES {
            return Err(bad("too_long", format!("A URL has at most {MAX_URL_BYTES} characters.")));
        }
        let url = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
        url.ok_or_else(|| bad("bad_url", format!("This is no URL of {}.", schemes.join("://, ") + "://")))
    }

    /// A URL that may be gone to, now.
    pub async fn check_url(&self, text: &str, schemes: &[&str]) -> Result<(), Refusal> {
        let bad = |code: &str, detail: String| Refusal::field("url", code, detail);
        let url = self.parse_url(text, schemes)?;
        let host = url.host_str().unwrap_or_default();
        match self.outside.reach(&url).await {
            Ok(_) => Ok(()),
            Err(Failure::Forbidden) => {
                let detail = format!("{host} is not on the public internet; --allow-private lets us go there.");
                Err(bad("private_address", detail))
            }
            Err(failure) => Err(bad("bad_url", format!("{host}: {failure}."))),
        }
    }
}

impl Wanted {
    /// The size that its pictures have to fit into.
    fn size(&self, most: (u16, u16)) -> Result<(u16, u16), Refusal> {
        let edge = |field: &str, asked: Option<u16>, most: u16| match asked {
            Some(edge) if !EDGES.contains(&edge) => {
                let detail = format!("It must be {} to {}.", EDGES.start(), EDGES.end());
                Err(Refusal::field(field, "out_of_range", detail))
            }
            asked => Ok(asked.map_or(most, |edge| edge.min(most) & !1)),
        };
        Ok((edge("width", self.width, most.0)?, edge("height", self.height, most.1)?))
    }

    /// As others see it.
    fn shown(&self) -> Self {
        let url = self.url.as_ref().map(|text| match Url::parse(text) {
            Ok(mut url) if url.password().is_some() => {
                let _ = url.set_password(Some("***"));
                url.into()
            }
            _ => text.clone(),
        });
        Self { url, ..self.clone() }
    }
}

fn pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines.collect::<String>())
}

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new().api_route("/inputs", get_with(list, |op| op.summary("Live inputs and their states"))).api_route(
        "/inputs/{id}",
        put_with(put, |op| op.summary("Add an input, or replace it"))
            .get_with(show, |op| op.summary("An input and its state"))
            .delete_with(delete, |op| op.summary("Remove an input")),
    )
}

fn shown(id: &str, entry: &Entry) -> Shown {
    let counters = entry.input.counters();
    Shown {
        id: id.to_owned(),
        wanted: entry.wanted.shown(),
        state: entry.input.state(),
        pictures: counters.pictures.load(Relaxed),
        restarts: counters.restarts.load(Relaxed),
    }
}

async fn list(State(app): State<Arc<App>>) -> Json<Vec<Shown>> {
    Json(lock(&app.inputs.list).iter().map(|(id, entry)| shown(id, entry)).collect())
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Shown>, Refusal> {
    let shown = lock(&app.inputs.list).get(&id).map(|entry| shown(&id, entry));
    shown.map(Json).ok_or_else(|| Refusal::not_found("input", &id))
}

/// Puts an input in the place of what had its id.
async fn start(app: &Arc<App>, id: &str, wanted: Wanted) -> Result<(), Refusal> {
    let name = Id::try_from(id.to_owned()).map_err(|message| Refusal::field("id", "invalid", message))?;
    wanted.settings.check()?;
    let inputs = &app.inputs;
    let size = wanted.size(inputs.size)?;
    let (media, file) = match (&wanted.url, &wanted.file) {
        (Some(url), None) => (Media::Url(url.clone()), None),
        (None, Some(file)) => {
            let copy = inputs.copy(&app.files.content(app, file, Kind::Video).await?).await?;
            (Media::File(copy.0.clone()), Some(copy))
        }
        _ => return Err(Refusal::field("url", "invalid", "Give one of `url` and `file`.")),
    };
    let plan = inputs.plan(media, wanted.looped, size);
    let mut list = lock(&inputs.list);
    if list.len() >= MAX_INPUTS && !list.contains_key(id) {
        let detail = format!("There are {MAX_INPUTS} inputs already; remove one.");
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many", detail));
    }
    let (weak, of) = (Arc::downgrade(&app.shared), id.to_owned());
    let changed = move || {
        if let Some(shared) = weak.upgrade() {
            shared.stage.tell(Happened::Other { event: "inputs", id: of.clone() });
        }
    };
    let input = Input::spawn(plan, inputs.clock, changed);
    lock(&app.shared.mixer).set(id, input.playout().clone(), wanted.settings)?;
    lock(&app.shared.playouts).insert(name, input.playout().clone());
    list.insert(id.to_owned(), Entry { wanted, input, _file: file });
    Ok(())
}

async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Shown>, Refusal> {
    if app.files.is(&id, Kind::Picture) || app.desk.has(&id) {
        let detail = format!("A picture or a source of sound has the id {id:?} already.");
        return Err(Refusal::new(StatusCode::CONFLICT, "id_in_use", detail));
    }
    if let Some(url) = &wanted.url {
        app.inputs.check_url(url, &SCHEMES).await?;
    }
    start(&app, &id, wanted).await?;
    keep(&app, &id).await;
    show(State(app), Path(id)).await
}

async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    lock(&app.inputs.list).remove(&id).ok_or_else(|| Refusal::not_found("input", &id))?;
    if let Ok(name) = Id::try_from(id.clone()) {
        lock(&app.shared.playouts).remove(&name);
        lock(&app.shared.assets).remove(&name);
    }
    lock(&app.shared.mixer).remove(&id);
    keep(&app, &id).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn keep(app: &App, id: &str) {
    let body = lock(&app.inputs.list).get(id).and_then(|entry| serde_json::to_string(&entry.wanted).ok());
    app.keeper.put(&format!("{KEPT}{id}"), body);
    app.stage().tell(Happened::Other { event: "inputs", id: id.to_owned() });
    app.keeper.flush().await;
}
