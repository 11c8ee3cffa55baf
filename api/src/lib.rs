//! The REST API under `/api/v1`, sessions, and live events for pages. Reads and writes facts in
//! the store; what is on air it reads from the hub and never touches the media. The bodies are in
//! `rivulet_protocol::rest`; web pages and scripts use this same API, there is no second one.

mod access;
mod accounts;
mod broadcast;
mod channels;
mod check;
mod directory;
mod docs;
mod events;
mod guard;
mod jobs;
mod markdown;
mod people;
mod policy;
mod refusal;
mod request;
mod rooms;
mod schedule;
mod slots;
mod throttle;
mod view;

use aide::axum::ApiRouter;
use aide::openapi::OpenApi;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use rivulet_hub::{Hub, Order};
use rivulet_protocol::rest::BroadcastSettings;
use rivulet_store::playback::PlaybackKey;
use rivulet_store::{SetupToken, Store, StoreError};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;

const MAX_BODY_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub struct Config {
    /// Such as `https://live.example`; without it, what the request says.
    pub public_url: Option<String>,
    pub rtmp_port: u16,
    /// Set when a certificate is configured; pages then show `rtmps://`.
    pub rtmps_port: Option<u16>,
    pub instance_name: String,
    /// What a broadcast has where its channel has nothing of its own.
    pub broadcast: BroadcastSettings,
    /// Opens `POST /setup` while there are no users.
    pub setup_token: Option<SetupToken>,
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Open event streams in all, and from one address.
    pub max_event_streams: usize,
    pub max_event_streams_per_address: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            rtmp_port: 1935,
            rtmps_port: None,
            instance_name: "Rivulet".into(),
            broadcast: BroadcastSettings::default(),
            setup_token: None,
            trusted_proxies: Vec::new(),
            max_event_streams: 20_000,
            max_event_streams_per_address: 200,
        }
    }
}

#[derive(Clone)]
pub struct Deps {
    pub store: Store,
    pub hub: Hub,
    /// Ends the event streams, which would otherwise hold up the end of the server.
    pub shutdown: CancellationToken,
}

struct Shared {
    config: Config,
    store: Store,
    hub: Hub,
    shutdown: CancellationToken,
    /// Taken by the first user, and for good.
    setup: Mutex<Option<SetupToken>>,
    logins: throttle::Logins,
    slots: slots::Slots,
    rooms: rooms::Rooms,
    playback_key: OnceCell<PlaybackKey>,
}

type App = Arc<Shared>;

impl Shared {
    /// What signs playback addresses.
    async fn playback_key(&self) -> Result<&PlaybackKey, StoreError> {
        self.playback_key.get_or_try_init(|| self.store.playback_key()).await
    }

    /// Pages that show the channel, and players without a page.
    fn viewers(&self, channel: &str) -> u32 {
        let players = self.hub.get(channel).map_or(0, |b| *b.players.borrow());
        self.rooms.watching(channel).saturating_add(players)
    }

    /// Ends what is on air on a channel.
    fn cut(&self, channel: &str, reason: &str) {
        if let Some(broadcast) = self.hub.get(channel) {
            broadcast.orders.send_replace(Some(Order::End { reason: reason.to_owned() }));
        }
    }
}

#[derive(Clone)]
pub struct Api(App);

impl Api {
    pub fn new(mut config: Config, deps: Deps) -> Self {
        let Deps { store, hub, shutdown } = deps;
        Self(Arc::new(Shared {
            setup: Mutex::new(config.setup_token.take()),
            logins: throttle::Logins::default(),
            slots: slots::Slots::new(config.max_event_streams, config.max_event_streams_per_address),
            rooms: rooms::Rooms::new(store.clone(), hub.clone(), shutdown.clone()),
            playback_key: OnceCell::new(),
            config,
            store,
            hub,
            shutdown,
        }))
    }

    /// Everything under `/api`. Serve it with `into_make_service_with_connect_info::<SocketAddr>`,
    /// otherwise all clients count as one address.
    pub fn router(&self) -> Router {
        let mut document = OpenApi::default();
        let requests = ApiRouter::new()
            .merge(access::routes())
            .merge(accounts::routes())
            .merge(broadcast::routes())
            .merge(channels::routes())
            .merge(directory::routes())
            .merge(people::routes())
            .merge(schedule::routes());
        let requests = ApiRouter::new().nest("/api/v1", requests).finish_api_with(&mut document, docs::describe);
        docs::complete(&mut document);
        let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
        let document = move || async move { ([(header::CONTENT_TYPE, "application/json")], document.clone()) };
        let v1 = requests
            .route("/api/openapi.json", get(document))
            .layer(from_fn(guard::deadline))
            .merge(Router::new().nest("/api/v1", broadcast::streams()))
            .method_not_allowed_fallback(guard::method_not_allowed)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self.0.clone());
        Router::new()
            .merge(v1)
            .route("/api/{*rest}", any(guard::not_found))
            .layer(from_fn_with_state(self.0.clone(), guard::same_site))
    }

    /// Viewers of everything that is on air.
    pub fn watching_total(&self) -> u32 {
        self.0.hub.list().iter().map(|b| self.viewers(&b.info.channel)).fold(0, u32::saturating_add)
    }

    /// Pages that show the channel, and players without a page.
    pub fn viewers(&self, channel: &str) -> u32 {
        self.0.viewers(channel)
    }

    /// What it does without being asked, until the server begins to stop.
    pub async fn run(self, shutdown: CancellationToken) {
        jobs::run(&self.0, &shutdown).await;
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_millis() as i64)
}
