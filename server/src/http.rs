//! The HTTP front: accepts connections, with deadlines that axum's own server does not have, and
//! answers health and metrics.

use crate::metrics::Metrics;
use anyhow::Context;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rivulet_store::Store;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::debug;

const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 50_000;
/// What connections may take to finish once everything else has stopped.
const GOODBYE: Duration = Duration::from_secs(2);

pub struct Server {
    listener: TcpListener,
}

impl Server {
    pub async fn bind(addr: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(addr).await.with_context(|| {
            format!("cannot listen for http on {addr}; stop what uses this port or choose another with --http")
        })?;
        Ok(Self { listener })
    }

    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub async fn run(self, router: Router, shutdown: CancellationToken) {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));
        let (builder, places) = (Arc::new(builder), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
        let connections = TaskTracker::new();
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let (socket, peer) = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        debug!(%error, "accept failed");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
                () = shutdown.cancelled() => break,
            };
            let _ = socket.set_nodelay(true);
            let router = router.clone();
            let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let mut request = request.map(axum::body::Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().oneshot(request)
            });
            let (builder, shutdown) = (builder.clone(), shutdown.clone());
            connections.spawn(async move {
                let _place = place;
                let service = TowerToHyperService::new(service);
                let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
                tokio::pin!(connection);
                let ended = tokio::select! {
                    ended = &mut connection => ended,
                    () = shutdown.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                if let Err(error) = ended {
                    debug!(%error, %peer, "http connection ended");
                }
            });
        }
        connections.close();
        let _ = tokio::time::timeout(GOODBYE, connections.wait()).await;
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
