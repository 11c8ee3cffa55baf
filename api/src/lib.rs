//! The REST API under `/api/v1`, sessions, and live events for pages. Reads and writes facts in
//! the store; what is on air it reads from the hub and never touches the media. The bodies are in
//! `rivulet_protocol::rest`; web pages and scripts use this same API, there is no second one.

mod access;
mod accounts;
mod admin;
mod animation;
mod broadcast;
mod channels;
mod chat;
mod check;
mod device;
mod directory;
mod docs;
mod events;
mod export;
mod factors;
mod forgotten;
mod guard;
mod helix;
mod jobs;
mod limits;
mod login;
mod markdown;
mod me;
mod notifications;
mod oidc;
mod once;
mod outside;
mod passkey;
mod people;
mod picture;
mod pictures;
mod refusal;
mod request;
mod rooms;
mod schedule;
mod slots;
#[cfg(test)]
mod testing;
mod throttle;
mod tokens;
mod totp;
mod view;
mod webhooks;

use aide::axum::ApiRouter;
use aide::openapi::OpenApi;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use outside::mail::Mailer;
pub(crate) use rivulet_hub::clock::now_ms;
use rivulet_hub::{Hub, Order};
use rivulet_outside::{Client, Resolver};
use rivulet_protocol::rest::{BroadcastSettings, InstanceSettings, SignUp};
use rivulet_store::playback::PlaybackKey;
use rivulet_store::{Blobs, SetupToken, Store, StoreError, Usage};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell, watch};
use tokio_util::sync::CancellationToken;

pub use oidc::Settings as OidcSettings;
pub use outside::mail::Smtp;
pub use rivulet_outside::Block as AddressBlock;

const MAX_BODY_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub struct Config {
    /// Such as `https://live.example`; without it, what the request says.
    pub public_url: Option<String>,
    pub rtmp_port: u16,
    /// Set when a certificate is configured; pages then show `rtmps://`.
    pub rtmps_port: Option<u16>,
    /// What holds where the admin has set nothing.
    pub settings: InstanceSettings,
    /// Whether a text is a ladder that the transcoder takes.
    pub check_ladder: fn(&str) -> bool,
    /// Where mail goes; none is sent without it, nor without [`Config::public_url`].
    pub smtp: Option<Smtp>,
    pub oidc: Option<OidcSettings>,
    /// Addresses that requests of ours may reach though they are not public.
    pub outbound_allow: Vec<AddressBlock>,
    /// Of one user, tool or address.
    pub requests_a_minute: u32,
    /// The folder whose disk the admin is told of.
    pub data: Option<PathBuf>,
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
            settings: InstanceSettings {
                name: "Rivulet".into(),
                sign_up: SignUp::Closed,
                retention_hours: 7 * 24,
                ladder: "1080:5000,720:2800,480:1400,360:800".into(),
                max_channels_per_user: 10,
                viewers_create_channels: true,
            },
            check_ladder: |_| true,
            smtp: None,
            oidc: None,
            outbound_allow: Vec::new(),
            requests_a_minute: 1200,
            data: None,
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
    /// For pictures.
    pub blobs: Blobs,
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
    blobs: Blobs,
    http: Client,
    mailer: Option<Mailer>,
    oidc: Option<oidc::Oidc>,
    passkeys: passkey::Passkeys,
    throttle: throttle::Throttle,
    limits: limits::Limits,
    /// As it was counted last.
    usage: watch::Sender<Usage>,
    slots: slots::Slots,
    rooms: rooms::Rooms,
    playback_key: OnceCell<PlaybackKey>,
    push: OnceCell<outside::push::Sender>,
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
        let Deps { store, hub, blobs, shutdown } = deps;
        let http = Client::new(&config.outbound_allow, Resolver::system());
        let mailer = config.smtp.as_ref().and_then(|smtp| match Mailer::new(smtp) {
            Ok(mailer) => Some(mailer),
            Err(error) => {
                tracing::error!(%error, "no mail can be sent");
                None
            }
        });
        Self(Arc::new(Shared {
            setup: Mutex::new(config.setup_token.take()),
            blobs,
            mailer,
            oidc: config.oidc.take().map(|settings| oidc::Oidc::new(settings, http.clone())),
            http,
            passkeys: passkey::Passkeys::default(),
            throttle: throttle::Throttle::default(),
            limits: limits::Limits::new(config.requests_a_minute),
            usage: watch::Sender::default(),
            slots: slots::Slots::new(config.max_event_streams, config.max_event_streams_per_address),
            rooms: rooms::Rooms::new(store.clone(), hub.clone(), shutdown.clone()),
            playback_key: OnceCell::new(),
            push: OnceCell::new(),
            config,
            store,
            hub,
            shutdown,
        }))
    }

    /// Everything under `/api`, and pictures. Serve it with
    /// `into_make_service_with_connect_info::<SocketAddr>`, otherwise all clients count as one address.
    pub fn router(&self) -> Router {
        self.build(true)
    }

    /// The same for calls of our own pages: how often a browser may ask is counted where it asks.
    pub fn in_process(&self) -> Router {
        self.build(false)
    }

    fn build(&self, limited: bool) -> Router {
        let mut document = OpenApi::default();
        let requests = ApiRouter::new()
            .merge(access::routes())
            .merge(accounts::routes())
            .merge(admin::routes())
            .merge(broadcast::routes())
            .merge(channels::routes())
            .merge(chat::routes())
            .merge(directory::routes())
            .merge(factors::routes())
            .merge(forgotten::routes())
            .merge(login::routes())
            .merge(me::routes())
            .merge(notifications::routes())
            .merge(people::routes())
            .merge(pictures::routes())
            .merge(schedule::routes())
            .merge(tokens::routes())
            .merge(webhooks::routes());
        let requests = ApiRouter::new().nest("/api/v1", requests).finish_api_with(&mut document, docs::describe);
        docs::complete(&mut document);
        let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
        let document = move || async move { ([(header::CONTENT_TYPE, "application/json")], document.clone()) };
        let app = &self.0;
        let v1 = requests
            .route("/api/openapi.json", get(document))
            .layer(from_fn_with_state(app.clone(), once::once))
            .merge(helix::routes())
            .layer(from_fn(guard::deadline))
            .merge(Router::new().nest("/api/v1", broadcast::streams()))
            .method_not_allowed_fallback(guard::method_not_allowed)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(app.clone());
        let all = Router::new().merge(v1).route("/api/{*rest}", any(guard::not_found));
        let all = if limited { all.layer(from_fn_with_state(app.clone(), limits::limit)) } else { all };
        // A page has many, which browsers keep.
        let files = pictures::files().merge(chat::files()).layer(from_fn(guard::deadline)).with_state(app.clone());
        let all = all.merge(files).layer(from_fn_with_state(app.clone(), guard::same_site));
        all.layer(from_fn_with_state(app.clone(), guard::away)).layer(from_fn(guard::name))
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
        let app = &*self.0;
        tokio::join!(
            jobs::run(app, &shutdown),
            chat::jobs::run(app, &shutdown),
            webhooks::run(app, &shutdown),
            admin::take_stock(app, &shutdown),
        );
    }
}
