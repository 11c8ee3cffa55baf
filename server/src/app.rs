//! Assembly. [`App::load`] opens storage and binds ports, [`App::run`] runs the parts until a
//! signal, and then stops them in the order in which media flows, so that nothing is lost.

use crate::config::Serve;
use crate::faults::{self, Parts};
use crate::host::Host;
use crate::tuning::Tuning;
use crate::{clock, http, metrics};
use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rivulet_api::Api;
use rivulet_bus::Bus;
use rivulet_chat::Chat;
use rivulet_hub::Hub;
use rivulet_ingest::Ingest;
use rivulet_origin::Origin;
use rivulet_store::{Blobs, SetupToken, Store};
use rivulet_transcoder::Transcoder;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing_subscriber::EnvFilter;

pub fn start(settings: Serve) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("RIVULET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Whoever read the log may be gone; to complain about that, on the same closed pipe, would panic.
    let log = tracing_subscriber::fmt().log_internal_errors(false);
    let log = log.with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_json {
        true => log.json().init(),
        false => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
    }
    faults::count();
    open_many_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = App::load(settings).await?;
        app.run(signals()?).await
    })
}

pub fn compose(settings: rivulet_compositor::Settings, attached: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("RIVULET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    log.with_writer(std::io::stderr).with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let signal = signals()?;
        if attached {
            end_with_input(signal.clone());
        }
        rivulet_compositor::run(settings, signal).await
    })
}

/// On a thread of its own, which nobody waits for: a read cannot be taken back.
fn end_with_input(signal: CancellationToken) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        signal.cancel();
    });
}

/// Every viewer and everybody in a chat is an open file: as many as the system lets us have.
fn open_many_files() {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((some, most)) if some < most => {
            if let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, most, most) {
                tracing::warn!(%error, "at most {some} connections at once");
            }
        }
        _ => {}
    }
}

/// Cancelled by SIGTERM and SIGINT.
fn signals() -> anyhow::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
        cancel.cancel();
    });
    Ok(token)
}

pub struct App {
    settings: Serve,
    store: Store,
    blobs: Blobs,
    hub: Hub,
    ingest: Ingest,
    transcoder: Transcoder,
    origin: Origin,
    chat: Chat,
    registry: prometheus::Registry,
    tuning: Tuning,
    http: http::Server,
    setup: Option<SetupToken>,
}

impl App {
    pub async fn load(settings: Serve) -> anyhow::Result<Self> {
        settings.check_roles().map_err(anyhow::Error::msg)?;
        std::fs::create_dir_all(&settings.storage.data).and_then(|()| writable(&settings.storage.data)).with_context(
            || {
                format!(
                    "cannot write to the data folder {}; choose another with --data",
                    settings.storage.data.display()
                )
            },
        )?;
        let limits = settings.limits().map_err(anyhow::Error::msg)?;
        let tls = match (&settings.tls_cert, &settings.tls_key) {
            (Some(cert), Some(key)) => Some(certificate(cert, key)?),
            _ => None,
        };
        let store = Store::open(&settings.storage.database()).await?;
        let blobs = Blobs::open(settings.storage.blobs.as_deref(), &settings.storage.data).await?;
        blobs.check().await?;
        let tuning = Tuning::new(&settings, store.clone()).map_err(anyhow::Error::msg)?;
        tuning.read().await;
        let hub = Hub::default();
        let registry = prometheus::Registry::new();
        let ingest = rivulet_ingest::Config {
            rtmp: settings.rtmp,
            rtmps: tls.clone().map(|tls| (settings.rtmps, TlsAcceptor::from(Arc::new(tls)))),
            limits,
            broadcast: settings.broadcast(),
            node: node(&settings.storage.data)?,
            max_broadcasts: settings.max_broadcasts,
            max_sessions: settings.max_sessions,
            max_sessions_per_address: settings.max_sessions_per_address,
            ..Default::default()
        };
        let deps = rivulet_ingest::Deps { store: store.clone(), hub: hub.clone() };
        let ingest = Ingest::bind(ingest, deps).await?;
        let worker = std::env::current_exe().context("cannot find this program's own file")?;
        let transcoder = Transcoder::new(
            rivulet_transcoder::Config {
                ladder: tuning.ladder(),
                warm: settings.warm,
                worker,
                args: vec!["worker".into(), "--memory-mib".into(), settings.worker_memory_mib.to_string().into()],
            },
            rivulet_transcoder::Deps { hub: hub.clone() },
        );
        let origin = Origin::new(
            rivulet_origin::Config {
                spool: settings.storage.data.join("spool"),
                spool_max_bytes: settings.spool_mib * 1024 * 1024,
                disk: settings.storage.data.clone(),
                disk_reserve_bytes: settings.reserve_mib * 1024 * 1024,
                part: settings.part().map_err(anyhow::Error::msg)?,
                retention: tuning.retention(),
                cdn_secret: settings.cdn_secret.as_deref().map(rivulet_store::SecretHash::of),
            },
            rivulet_origin::Deps { store: store.clone(), blobs: blobs.clone(), hub: hub.clone() },
            &registry,
        )?;
        let bus = match &settings.redis_url {
            Some(url) => Bus::redis(url).await?,
            None => Bus::local(),
        };
        let chat = Chat::bind(
            rivulet_chat::Config {
                public_url: settings.public_url.clone(),
                trusted_proxies: settings.trusted_proxies.clone(),
                max_connections: settings.max_chatters,
                max_connections_per_address: settings.max_chatters_per_address,
                irc: settings.irc,
                rate: settings.chat_rate,
                ..Default::default()
            },
            rivulet_chat::Deps { store: store.clone(), hub: hub.clone(), bus },
        )
        .await?;
        let https = tls.map(|mut tls| {
            tls.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
            (settings.https, TlsAcceptor::from(Arc::new(tls)))
        });
        let http = http::Server::bind(settings.http, https).await?;
        let setup = (store.admin_count().await? == 0).then(SetupToken::generate);
        Ok(Self { settings, store, blobs, hub, ingest, transcoder, origin, chat, registry, tuning, http, setup })
    }

    pub async fn run(self, signal: CancellationToken) -> anyhow::Result<()> {
        let (http_addr, rtmp_addr) = (self.http.http_addr()?, self.ingest.local_addr()?);
        info!("listening name=http addr={http_addr}");
        if let Some(addr) = self.http.https_addr() {
            info!("listening name=https addr={addr}");
        }
        info!("listening name=rtmp addr={rtmp_addr}");
        if let Some(addr) = self.ingest.rtmps_addr() {
            info!("listening name=rtmps addr={addr}");
        }
        info!("listening name=irc addr={}", self.chat.irc_addr()?);
        // Event streams and idle connections end with the last of media, not with the signal.
        let drained = CancellationToken::new();
        let api = Api::new(
            rivulet_api::Config {
                public_url: self.settings.public_url.clone(),
                rtmp_port: rtmp_addr.port(),
                rtmps_port: self.ingest.rtmps_addr().map(|addr| addr.port()),
                settings: self.settings.instance(),
                check_ladder: |ladder| rivulet_transcoder::Ladder::parse_rungs(ladder).is_ok(),
                smtp: self.settings.smtp.clone(),
                oidc: self.settings.oidc(),
                outbound_allow: self.settings.outbound_allow.clone(),
                requests_a_minute: self.settings.requests,
                data: Some(self.settings.storage.data.clone()),
                broadcast: self.settings.broadcast(),
                setup_token: self.setup.clone(),
                trusted_proxies: self.settings.trusted_proxies.clone(),
                ..Default::default()
            },
            rivulet_api::Deps {
                store: self.store.clone(),
                hub: self.hub.clone(),
                blobs: self.blobs.clone(),
                shutdown: drained.clone(),
            },
        );
        let metrics =
            Arc::new(metrics::Metrics::new(self.registry, self.hub.clone(), self.ingest.stats(), api.clone())?);
        let mut parts = Parts::new();
        parts.start("the metrics", metrics.clone().follow());
        let jobs = parts.start("the API's jobs", api.clone().run(signal.clone()));
        parts.start("the settings", self.tuning.run(signal.clone()));
        parts.start("the clock", clock::follow(self.hub.clone(), signal.clone()));
        let router = rivulet_web::router(rivulet_web::WebDeps { api: api.in_process() })
            .merge(self.origin.router())
            .merge(self.chat.router())
            .merge(api.router())
            .merge(http::health(self.store.clone(), metrics.clone()))
            .layer(axum::middleware::from_fn_with_state(metrics, http::measure));
        let serving = parts.start("HTTP", self.http.run(router, drained.clone()));
        let chat = parts.start("the chat", self.chat.run(signal.clone()));
        let stop_last = CancellationToken::new();
        let origin = parts.start("the origin", self.origin.run(stop_last.clone()));
        let transcoder = parts.start("the transcoder", self.transcoder.run(stop_last.clone()));
        let ingest = parts.start("ingest", self.ingest.run(signal.clone()));
        let hosting = self.settings.hosted().map(|hosted| {
            let host = Host::new(&self.settings, hosted, self.store.clone(), rtmp_addr);
            tokio::spawn(host.run(signal.clone()))
        });
        welcome(&self.settings, http_addr, self.setup.as_ref());

        let ended = tokio::select! {
            () = signal.cancelled() => Ok(()),
            failed = parts.fail() => {
                signal.cancel();
                failed
            }
        };
        let drain = async {
            // In the order of the flow: each part has heard the end before it is told to stop.
            let _ = jobs.await;
            let _ = ingest.await;
            let _ = chat.await;
            stop_last.cancel();
            let _ = transcoder.await;
            let _ = origin.await;
            drained.cancel();
            let _ = serving.await;
            if let Some(hosting) = hosting {
                let _ = hosting.await;
            }
            self.store.close().await;
        };
        if tokio::time::timeout(Duration::from_millis(9_500), drain).await.is_err() {
            tracing::warn!("not everything stopped in time");
        }
        ended
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(".probe");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(probe)
}

/// What TLS listeners share.
pub fn certificate(cert: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate {}", cert.display()))?;
    let key_der =
        PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot read the key {}", key.display()))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .with_context(|| format!("{} and {} do not belong together", cert.display(), key.display()))
}

/// The name of this data folder among those of all servers on one database; made at the first start.
fn node(data: &Path) -> anyhow::Result<Arc<str>> {
    let file = data.join("node");
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    let known = known.trim();
    if !known.is_empty() {
        return Ok(known.into());
    }
    let name = rivulet_store::new_id(rivulet_hub::clock::now_ms());
    std::fs::write(&file, &name).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(name.into())
}

/// The address that other machines in the network reach, as the routing table has it.
fn lan_address() -> Option<IpAddr> {
    // Connecting a datagram socket sends nothing; 192.0.2.1 is reserved for documentation.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|addr| addr.ip())
}

/// What the person at the terminal needs, in a box.
fn welcome(settings: &Serve, http: SocketAddr, setup: Option<&SetupToken>) {
    let host = match http.ip() {
        ip if !ip.is_unspecified() => SocketAddr::new(ip, http.port()).to_string(),
        _ => SocketAddr::new(lan_address().unwrap_or([127, 0, 0, 1].into()), http.port()).to_string(),
    };
    let base = settings.public_url.clone().unwrap_or_else(|| format!("http://{host}"));
    let base = base.trim_end_matches('/');
    let mut lines = vec![format!("Open {base}/")];
    if let Some(token) = setup {
        lines.push("Make your account (works once, until the next start):".into());
        lines.push(format!("setup: {base}/setup?token={}", token.reveal()));
    }
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let rule = "─".repeat(width + 2);
    eprintln!("┌{rule}┐");
    for line in lines {
        eprintln!("│ {line:width$} │");
    }
    eprintln!("└{rule}┘");
}
