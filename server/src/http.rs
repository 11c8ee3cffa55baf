//! The HTTP front: accepts connections in clear and with TLS, with deadlines that axum's own server
//! does not have, and answers health and metrics.

use crate::metrics::Metrics;
use anyhow::Context;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Scheme;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rivulet_store::Store;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::debug;

/// From a connection to the head of its first request, TLS included; then for each head that has begun.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 50_000;
/// What connections may take to finish once everything else has stopped.
const GOODBYE: Duration = Duration::from_secs(2);

/// The listeners of one router: HTTP/1.1 and HTTP/2 on both, as the client prefers.
pub struct Server {
    http: TcpListener,
    https: Option<(TcpListener, TlsAcceptor)>,
}

impl Server {
    /// `https` is an address and a certificate, whose configuration offers `h2` and `http/1.1`.
    pub async fn bind(http: SocketAddr, https: Option<(SocketAddr, TlsAcceptor)>) -> anyhow::Result<Self> {
        let listen = |addr: SocketAddr, name: &'static str| async move {
            TcpListener::bind(addr).await.with_context(|| {
                format!("cannot listen for {name} on {addr}; stop what uses this port or choose another with --{name}")
            })
        };
        let http = listen(http, "http").await?;
        let https = match https {
            Some((addr, tls)) => Some((listen(addr, "https").await?, tls)),
            None => None,
        };
        Ok(Self { http, https })
    }

    pub fn http_addr(&self) -> std::io::Result<SocketAddr> {
        self.http.local_addr()
    }

    pub fn https_addr(&self) -> Option<SocketAddr> {
        self.https.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    pub async fn run(self, router: Router, shutdown: CancellationToken) {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));
        let (builder, places) = (Arc::new(builder), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
        let connections = TaskTracker::new();
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let (accepted, tls) = tokio::select! {
                accepted = self.http.accept() => (accepted, None),
                accepted = accept_tls(&self.https) => accepted,
                () = shutdown.cancelled() => break,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    debug!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
            let connection = Connection {
                builder: builder.clone(),
                router: router.clone(),
                peer,
                scheme,
                shutdown: shutdown.clone(),
            };
            connections.spawn(async move {
                let _place = place;
                if let Err(error) = connection.serve(socket, tls).await {
                    debug!(%error, %peer, "http connection ended");
                }
            });
        }
        connections.close();
        let _ = tokio::time::timeout(GOODBYE, connections.wait()).await;
    }
}

async fn accept_tls(
    https: &Option<(TcpListener, TlsAcceptor)>,
) -> (std::io::Result<(TcpStream, SocketAddr)>, Option<TlsAcceptor>) {
    match https {
        Some((listener, tls)) => (listener.accept().await, Some(tls.clone())),
        None => std::future::pending().await,
    }
}

struct Connection {
    builder: Arc<Builder<TokioExecutor>>,
    router: Router,
    peer: SocketAddr,
    scheme: Scheme,
    shutdown: CancellationToken,
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Connection {
    async fn serve(self, socket: TcpStream, tls: Option<TlsAcceptor>) -> Ended {
        socket.set_nodelay(true)?;
        let deadline = Instant::now() + HEADERS_WITHIN;
        match tls {
            None => self.drive(socket, deadline).await,
            Some(tls) => self.drive(timeout_at(deadline, tls.accept(socket)).await??, deadline).await,
        }
    }

    async fn drive<S>(self, socket: S, deadline: Instant) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { builder, router, peer, scheme, shutdown } = self;
        let asked = Arc::new(AtomicBool::new(false));
        let seen = asked.clone();
        let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            seen.store(true, Relaxed);
            let mut request = request.map(axum::body::Body::new);
            name_host(&mut request);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(scheme.clone());
            router.clone().oneshot(request)
        });
        let connection =
            builder.serve_connection_with_upgrades(TokioIo::new(socket), TowerToHyperService::new(service));
        tokio::pin!(connection);
        let silent = async {
            sleep_until(deadline).await;
            if asked.load(Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            ended = &mut connection => ended,
            () = silent => Err("no request came in time".into()),
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }
}

/// HTTP/2 names the host in the request's target alone; handlers read the header.
fn name_host(request: &mut Request) {
    let Some(authority) = request.uri().authority() else { return };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(header::HOST, host);
    }
}

#[derive(Clone)]
struct Health {
    store: Store,
    metrics: Arc<Metrics>,
}

/// `/healthz`, `/readyz` and `/metrics`.
pub fn health(store: Store, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(exposition))
        .with_state(Health { store, metrics })
}

async fn ready(State(health): State<Health>) -> Response {
    match tokio::time::timeout(Duration::from_secs(3), health.store.ping()).await {
        Ok(Ok(())) => "ok\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
    }
}

async fn exposition(State(health): State<Health>) -> Response {
    match health.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Counts every request and the time to its answer's first byte.
pub async fn measure(State(metrics): State<Arc<Metrics>>, request: Request, next: axum::middleware::Next) -> Response {
    let since = Instant::now();
    let response = next.run(request).await;
    metrics.request(response.status(), since.elapsed());
    response
}
