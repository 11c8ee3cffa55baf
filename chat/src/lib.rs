//! Chat: rooms, the fronts that clients come in by, and what moderators do.
//!
//! The way of a message: `websocket` (or `irc`, or the API through the hub) -> `node` -> the task of
//! the `room` -> the pure `core`, which refuses it or says what comes of it -> numbered events -> the
//! `ring` of every node -> `fanout`, which writes them to the clients. Beside it: `scribe` writes it
//! down, `bus` carries it to other nodes. What moderators do is a row first; the room reads it.

mod clock;
mod commands;
mod conn;
mod core;
mod eventsub;
mod fanout;
mod frames;
mod irc;
mod node;
mod people;
mod places;
mod ring;
mod room;
mod scribe;
mod signal;
mod socket;
mod upgrade;
mod websocket;

pub use frames::{Encoding, decode};
pub use irc::Line;

use axum::Router;
use fanout::Fanout;
use node::Node;
use places::Places;
use rivulet_bus::Bus;
use rivulet_hub::Hub;
use rivulet_store::Store;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub struct Config {
    /// Such as `https://live.example`: pages of other sites cannot chat in the name of a visitor.
    pub public_url: Option<String>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Connections in all, and from one address.
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    /// Where IRC clients come in.
    pub irc: SocketAddr,
    /// Messages that one person may write in 30 seconds; moderators five times as many.
    pub rate: u32,
    /// Threads that write to clients.
    pub threads: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxies: Vec::new(),
            max_connections: 200_000,
            max_connections_per_address: 500,
            irc: SocketAddr::from(([127, 0, 0, 1], 0)),
            rate: 20,
            threads: std::thread::available_parallelism().map_or(2, Into::into),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen for irc on {0}: {1}; stop what uses this port or choose another with --irc")]
    Port(SocketAddr, std::io::Error),
    #[error("cannot start a thread for the chat: {0}")]
    Thread(#[from] std::io::Error),
}

#[derive(Clone)]
pub struct Deps {
    pub store: Store,
    pub hub: Hub,
    pub bus: Bus,
}

pub struct Chat {
    config: Config,
    node: Arc<Node>,
    irc: TcpListener,
    places: Places,
    /// Rooms and connections end.
    stopping: CancellationToken,
}

impl Chat {
    /// Takes the port.
    pub async fn bind(config: Config, deps: Deps) -> Result<Self, BindError> {
        let Deps { store, hub, bus } = deps;
        let stopping = CancellationToken::new();
        let irc = TcpListener::bind(config.irc).await.map_err(|error| BindError::Port(config.irc, error))?;
        let node = Node::new(store, hub, bus, Fanout::new(config.threads)?, config.rate, stopping.clone());
        Ok(Self { config, node, irc, places: Places::default(), stopping })
    }

    /// Where IRC clients come in.
    pub fn irc_addr(&self) -> std::io::Result<SocketAddr> {
        self.irc.local_addr()
    }

    /// `/chat/{channel}` and `/eventsub/ws`. Serve it with `into_make_service_with_connect_info::<SocketAddr>`.
    pub fn router(&self) -> Router {
        let eventsub = eventsub::router(self.config.clone(), self.node.clone(), self.places.clone());
        websocket::router(self.config.clone(), self.node.clone(), self.places.clone()).merge(eventsub)
    }

    /// Until `shutdown`; then every client is told to come back, and everything is written down.
    pub async fn run(self, shutdown: CancellationToken) {
        let Some(notes) = self.node.hub.chat().inbox() else {
            return tracing::error!("another chat runs in this process");
        };
        let serving = tokio::spawn(self.node.clone().serve(notes));
        tokio::spawn(eventsub::tell_streams(self.node.clone()));
        let irc = irc::session::listen(self.irc, self.config, self.node.clone(), self.places, shutdown.clone());
        tokio::spawn(irc);
        shutdown.cancelled().await;
        for room in self.node.all_rooms() {
            room.members.each(|conn| conn.close(rivulet_protocol::chat::close::RESTART));
        }
        self.stopping.cancel();
        let _ = serving.await;
        self.node.closed().await;
    }
}
