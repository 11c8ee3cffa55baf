//! Assembly: opens what is kept, binds the ports, goes on where it was, and stops in the order in
//! which media flows.

use crate::clock::Clock;
use crate::control::{self, App, Control, Desk, Files, Guard, Inputs, Outputs};
use crate::editions::Editions;
use crate::encode::{SoundEncoder, VideoEncoder};
use crate::frames::{self, Shared};
use crate::keep::{Keeper, Shelf};
use crate::metrics::Metrics;
use crate::outputs::{Description, Program, Trust};
use crate::settings::Settings;
use crate::stage::{self, Stage};
use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use rivulet_picture::Assets;
use rivulet_scene::Limits;
use rivulet_store::{Blobs, Store};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Without a picture for so long, something is wrong.
const HEALTHY_WITHIN_US: i64 = 2_000_000;

/// Runs until `signal`.
pub async fn run(settings: Settings, signal: CancellationToken) -> anyhow::Result<()> {
    Compositor::load(settings).await?.run(signal).await
}

/// Opened and bound, with nothing drawn yet.
pub struct Compositor {
    settings: Settings,
    pub(crate) app: Arc<App>,
    video: VideoEncoder,
    sound: SoundEncoder,
    http: TcpListener,
    websocket: TcpListener,
    metrics: TcpListener,
    health: TcpListener,
}

/// Where the ports are, once they are bound.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    pub http: SocketAddr,
    pub websocket: SocketAddr,
    pub metrics: SocketAddr,
    pub health: SocketAddr,
}

impl Compositor {
    pub async fn load(settings: Settings) -> anyhow::Result<Self> {
        settings.check().map_err(anyhow::Error::msg)?;
        let data = &settings.data;
        std::fs::create_dir_all(data)
            .with_context(|| format!("cannot make the data folder {}; choose another with --data", data.display()))?;
        let blobs = Blobs::open(settings.blobs.as_deref(), data).await?;
        let shelf = match &settings.redis_url {
            Some(url) => Shelf::redis(url).await.context("cannot reach Redis")?,
            None => {
                let file = || format!("sqlite:{}", data.join("compositor.db").display());
                Shelf::Store(Store::open(&settings.database_url.clone().unwrap_or_else(file)).await?)
            }
        };
        let kept = shelf.all().await.context("cannot read what was kept")?;
        let trust = match &settings.trust {
            Some(path) => vec![CertificateDer::from_pem_file(path).context("cannot read the certificate of --trust")?],
            None => Vec::new(),
        };
        let (video, sound) =
            (VideoEncoder::open(settings.video())?, SoundEncoder::open(settings.stream_audio_bitrate)?);
        let program = Program::new(Description {
            video: video.format().clone(),
            sound: sound.format().clone(),
            rate: settings.target_fps,
            video_kbps: settings.stream_bitrate,
            audio_kbps: settings.stream_audio_bitrate,
        });
        let clock = Clock::start();
        let keeper = Keeper::spawn(shelf, move || clock.now_ms());
        let limits = Limits { layers: settings.max_layers.into(), ..Limits::default() };
        let live = kept.get(stage::live()).map(String::as_str);
        let stage = Arc::new(Stage::new(settings.stream_resolution, limits, live, clock, keeper.clone()));
        let shared = Arc::new(Shared {
            stage,
            assets: Assets::new(settings.pictures_mib << 20).into(),
            mixer: Default::default(),
            playouts: Default::default(),
            chats: Default::default(),
            program,
            editions: Editions::new(settings.video()),
            metrics: Metrics::new()?,
            levels: Default::default(),
            thumbnails: watch::Sender::default(),
            newest: i64::MIN.into(),
        });
        let inputs = Inputs::new(&settings, &trust, clock)?;
        let trust = Trust::new(&trust);
        let given = settings.given().map_err(anyhow::Error::msg)?;
        let outputs = Outputs::open(&kept, given, &shared, &trust).map_err(anyhow::Error::msg)?;
        let app = Arc::new(App {
            shared,
            keeper,
            blobs,
            outputs,
            trust,
            inputs,
            files: Files::of(&kept),
            desk: Desk::of(&kept),
            saved: control::Saved::of(&kept),
        });
        Files::resume(&app).await;
        Desk::resume(&app).await;
        Inputs::resume(&app, &kept).await;
        control::resume_chats(&app, &kept);
        let bind = async |name: &str, at: SocketAddr| {
            TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at} for {name}"))
        };
        let (http, websocket) = (bind("http", settings.http).await?, bind("websocket", settings.websocket).await?);
        let (metrics, health) = (bind("metrics", settings.metrics).await?, bind("health", settings.health).await?);
        Ok(Self { settings, app, video, sound, http, websocket, metrics, health })
    }

    pub fn addresses(&self) -> std::io::Result<Addresses> {
        Ok(Addresses {
            http: self.http.local_addr()?,
            websocket: self.websocket.local_addr()?,
            metrics: self.metrics.local_addr()?,
            health: self.health.local_addr()?,
        })
    }

    pub async fn run(self, signal: CancellationToken) -> anyhow::Result<()> {
        let addresses = self.addresses()?;
        let Self { settings, app, video, sound, http, websocket, metrics, health } = self;
        for (name, at) in [
            ("compositor-http", addresses.http),
            ("compositor-websocket", addresses.websocket),
            ("compositor-metrics", addresses.metrics),
            ("compositor-health", addresses.health),
        ] {
            info!("listening name={name} addr={at}");
        }
        let stop = CancellationToken::new();
        let threads = frames::start(app.shared.clone(), video, sound, settings.target_fps, stop.clone())?;
        let guard = Arc::new(Guard::new(settings.token.as_deref()));
        let Control { http: router, sockets } = Control::new(app.clone(), guard.clone());
        tokio::select! {
            () = signal.cancelled() => {}
            served = axum::serve(http, router) => served?,
            () = sockets.serve(websocket, guard) => {}
            () = control::refresh(app.clone()) => {}
            served = axum::serve(metrics, Router::new().route("/metrics", get(show_metrics)).with_state(app.clone())) => served?,
            served = axum::serve(health, Router::new().route("/health", get(show_health)).with_state(app.clone())) => served?,
        }
        app.outputs.close().await;
        stop.cancel();
        let shared = app.shared.clone();
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().for_each(|thread| _ = thread.join());
            shared.editions.join();
        });
        joined.await?;
        app.keeper.flush().await;
        Ok(())
    }
}

async fn show_metrics(State(app): State<Arc<App>>) -> Result<String, StatusCode> {
    let inputs = app.inputs.metrics(&app.shared.metrics);
    let text = app.outputs.metrics(&app.shared.metrics).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(text + &inputs)
}

/// Well while pictures are drawn.
async fn show_health(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    match app.shared.stage.clock.now() - app.shared.newest.load(Relaxed) {
        since if since < HEALTHY_WITHIN_US => (StatusCode::OK, "ok\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "no picture was drawn for two seconds\n"),
    }
}
