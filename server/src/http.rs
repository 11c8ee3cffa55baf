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
use hyper::server::conn::http1;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rivulet_store::Store;
use std::net::SocketAddr;
use std::pin::Pin;
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
/// Requests at once on a connection of HTTP/2; the client waits with more.
const MAX_STREAMS: u32 = 128;
/// What connections may take to finish once everything else has stopped.
const GOODBYE: Duration = Duration::from_secs(2);

/// The listeners of one router: HTTP/1.1 and HTTP/2 on both, as the client prefers.
pub struct Server {
    http: TcpListener,
    https: Option<(TcpListener, TlsAcceptor)>,
}

impl Server {
    /// Takes the ports; `https` is an address and a certificate, whose configuration offers `h2` and `http/1.1`.
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

    /// Where it listens in clear.
    pub fn http_addr(&self) -> std::io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Where it listens with TLS, if it has a certificate.
    pub fn https_addr(&self) -> Option<SocketAddr> {
        self.https.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Serves `router` on every listener until `shutdown`, then lets open requests finish for a moment.
    pub async fn run(self, router: Router, shutdown: CancellationToken) {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30)).max_concurrent_streams(MAX_STREAMS);
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
        let protocols = Arc::new(Protocols { http1, any: builder });
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
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
                protocols: protocols.clone(),
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

struct Protocols {
    http1: http1::Builder,
    /// Finds out which version the client speaks, in a buffer twice as large.
    any: Builder<TokioExecutor>,
}

struct Connection {
    protocols: Arc<Protocols>,
    router: Router,
    peer: SocketAddr,
    scheme: Scheme,
    shutdown: CancellationToken,
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Connection {
    /// Thousands of players wait for their next segment, most of them in clear behind a proxy and
    /// with HTTP/1: what else a connection may be is boxed, so that theirs stay small.
    async fn serve(self, socket: TcpStream, tls: Option<TlsAcceptor>) -> Ended {
        socket.set_nodelay(true)?;
        let deadline = Instant::now() + HEADERS_WITHIN;
        match tls {
            None => {
                let mut first = [0];
                timeout_at(deadline, socket.peek(&mut first)).await??;
                // HTTP/2 in clear begins with "PRI".
                self.drive(socket, first != *b"P", deadline).await
            }
            Some(tls) => {
                let encrypted = async {
                    let socket = timeout_at(deadline, tls.accept(socket)).await??;
                    let is_http1 = socket.get_ref().1.alpn_protocol() == Some(b"http/1.1");
                    self.drive(socket, is_http1, deadline).await
                };
                Box::pin(encrypted).await
            }
        }
    }

    async fn drive<S>(self, socket: S, is_http1: bool, deadline: Instant) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { protocols, router, peer, scheme, shutdown } = self;
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
        let (socket, service) = (TokioIo::new(socket), TowerToHyperService::new(service));
        let silent = async {
            sleep_until(deadline).await;
            if asked.load(Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        if is_http1 {
            let connection = protocols.http1.serve_connection(socket, service).with_upgrades();
            finish(connection, |connection| connection.graceful_shutdown(), silent, shutdown).await
        } else {
            let connection = protocols.any.serve_connection_with_upgrades(socket, service);
            Box::pin(finish(connection, |connection| connection.graceful_shutdown(), silent, shutdown)).await
        }
    }
}

/// Until the connection has ended, or nobody spoke on it, or, at a shutdown, after its last answer.
async fn finish<C, E>(
    connection: C,
    last_answer: fn(Pin<&mut C>),
    silent: impl Future<Output = ()>,
    shutdown: CancellationToken,
) -> Ended
where
    C: Future<Output = Result<(), E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    tokio::pin!(connection);
    tokio::select! {
        ended = &mut connection => ended.map_err(Into::into),
        () = silent => Err("no request came in time".into()),
        () = shutdown.cancelled() => {
            last_answer(connection.as_mut());
            connection.await.map_err(Into::into)
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
