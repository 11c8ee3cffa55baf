//! The API with a database of its own, and clients of it.

// Each test program uses another part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, Request, StatusCode, header};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use rivulet_api::{Api, Config, Deps};
use rivulet_hub::{Broadcast, BroadcastInfo, ChatNote, Hub, Said};
use rivulet_protocol::ChannelName;
use rivulet_protocol::chat::{Refusal, RefusalCode};
use rivulet_protocol::rest::{Latency, LiveState, Problem, Role};
use rivulet_store::testing::TempDir;
use rivulet_store::{Blobs, SetupToken, Store, password};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Each case gets an empty database; on Postgres they share a server.
#[allow(unused_macros)]
macro_rules! suite {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                let dir = rivulet_store::testing::TempDir::new();
                let url = format!("sqlite:{}", dir.path().join("rivulet.db").display());
                super::$case(super::Site::new(rivulet_store::Store::open(&url).await.unwrap())).await;
            })*
        }

        #[tokio::test]
        async fn postgres() {
            let server = rivulet_store::testing::Postgres::start().await;
            $(
                println!("case {}", stringify!($case));
                $case(Site::new(rivulet_store::Store::open(&server.database().await).await.unwrap())).await;
            )*
        }
    };
}

#[allow(unused_imports)]
pub(crate) use suite;

pub const PASSWORD: &str = "correct horse";
/// Parts of addresses that need more than a parameter: a query, a login elsewhere, an entry made before.
const UNREADABLE: [&str; 4] = ["/search", "/oidc", "/webhooks/", "/export"];
pub const PATIENCE: Duration = Duration::from_secs(5);

pub struct Site {
    pub store: Store,
    pub hub: Hub,
    pub shutdown: CancellationToken,
    pub config: Config,
    pub api: Api,
    pub setup_token: SetupToken,
    pub blobs: Blobs,
    dir: Arc<TempDir>,
}

impl Site {
    pub fn new(store: Store) -> Self {
        let setup_token = SetupToken::generate();
        let config = Config { setup_token: Some(setup_token.clone()), ..Config::default() };
        let (hub, shutdown, dir) = (Hub::default(), CancellationToken::new(), Arc::new(TempDir::new()));
        // A folder is open at once.
        let blobs = Blobs::open(None, dir.path()).now_or_never().unwrap().unwrap();
        let (deps_store, deps_hub) = (store.clone(), hub.clone());
        let deps = Deps { store: deps_store, hub: deps_hub, blobs: blobs.clone(), shutdown: shutdown.clone() };
        Self { store, hub, shutdown, api: Api::new(config.clone(), deps), config, setup_token, blobs, dir }
    }

    pub fn configured(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        let (store, hub) = (self.store.clone(), self.hub.clone());
        let deps = Deps { store, hub, blobs: self.blobs.clone(), shutdown: self.shutdown.clone() };
        Self { api: Api::new(config.clone(), deps), config, ..self }
    }

    pub fn guest(&self) -> Client {
        Client {
            router: self.api.router(),
            headers: HeaderMap::new(),
            from: [203, 0, 113, 1].into(),
            scheme: Scheme::HTTP,
        }
    }

    /// A client with a session of a new user, who has a channel of the same name.
    pub async fn user(&self, name: &str, role: Role) -> Client {
        let hash = password::hash(PASSWORD).await.unwrap();
        let name = ChannelName::parse(name).unwrap();
        let user = self.store.create_user(&name, &hash, role, 1).await.unwrap();
        self.store.create_channel(&name, &user.id, "", 1).await.unwrap();
        let guest = self.guest();
        let answer = guest.post("/login", json!({"username": name, "password": PASSWORD})).await;
        answer.expect(StatusCode::OK);
        guest.with("cookie", &answer.cookie())
    }

    /// In place of the chat: collects what it is told, and says what it is asked to say, but for texts that
    /// begin with `refuse`.
    pub fn chat(&self) -> Arc<Mutex<Vec<String>>> {
        let (told, mut inbox) = (Arc::new(Mutex::new(Vec::new())), self.hub.chat().inbox().unwrap());
        let notes = told.clone();
        tokio::spawn(async move {
            while let Some(note) = inbox.recv().await {
                let text = match note {
                    ChatNote::Acted(id) => format!("acted {id}"),
                    ChatNote::Person(id) => format!("person {id}"),
                    ChatNote::LoggedOut(id) => format!("logged out {id}"),
                    ChatNote::Channel(id) => format!("channel {id}"),
                    ChatNote::Subscribed(id) => format!("subscribed {id}"),
                    ChatNote::Say(say) => {
                        let answer = match say.say.text.split_once(' ') {
                            Some(("refuse", "slow")) => {
                                Err(Refusal::after(RefusalCode::SlowMode, "Slow mode is on.", 11_500))
                            }
                            Some(("refuse", _)) => Err(Refusal::new(RefusalCode::Banned, "You are banned.")),
                            _ => Ok(Said { message_id: Some(say.say.id.clone()), detail: None }),
                        };
                        let text = format!("say {} {}", say.user_id, say.say.text);
                        let _ = say.answer.send(answer);
                        text
                    }
                };
                notes.lock().unwrap().push(text);
            }
        });
        told
    }

    /// Until what was told before has arrived.
    pub async fn settled(&self) {
        let say = rivulet_protocol::chat::Say { id: "settled".into(), text: "settled".into(), reply_to: None };
        self.hub.chat().say("", "", false, say).await.unwrap();
    }

    /// Live, with a row and something to play.
    pub async fn on_air(&self, channel: &str) -> Arc<Broadcast> {
        let row = self.store.channel_by_name(channel).await.unwrap().unwrap();
        let id = self.store.start_broadcast(&row, 1_700_000_000_000).await.unwrap();
        let broadcast = self.hub.start(BroadcastInfo {
            id,
            channel_id: row.id.clone(),
            channel: channel.into(),
            started_at_ms: 1_700_000_000_000,
            first_number: 0,
            latency: Latency::Low,
            on_demand: false,
            quota_bytes: None,
            protected: row.protected(),
        });
        broadcast.status.send_modify(|status| {
            status.state = LiveState::Live;
            status.playable = true;
        });
        broadcast
    }

    pub async fn api_document(&self) -> String {
        let request = Request::builder().uri("/api/openapi.json").body(Body::empty()).unwrap();
        let response = self.api.router().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Every address of the API that can be read, with something that exists in its place for each
    /// parameter. Those that a test cannot read in general are left out.
    pub async fn list_paths(&self) -> Vec<String> {
        let document: Value = serde_json::from_str(&self.api_document().await).unwrap();
        let mut paths = vec![
            "/channels?category=games".to_owned(),
            "/channels?tag=tag7".to_owned(),
            "/channels?language=de&category=art".to_owned(),
            "/channels?after=channel10".to_owned(),
            "/search?q=evening+1".to_owned(),
            "/channels/channel1/followers?after=5000-u5000".to_owned(),
            "/channels/channel1/chat/bans?after=500-u500".to_owned(),
            "/channels/channel1/chat/messages?username=user1".to_owned(),
            "/channels/channel1/chat/actions?username=user1&after=900".to_owned(),
        ];
        for (path, item) in document["paths"].as_object().unwrap() {
            let path = path.trim_start_matches("/api/v1");
            if item.get("get").is_none() || UNREADABLE.iter().any(|part| path.contains(part)) {
                continue;
            }
            let path = path.replace("users/{name}", "users/user1").replace("{name}", "channel1");
            paths.push(path.replace("{slug}", "games").replace("{id}", "b1").replace("{username}", "user1"));
        }
        paths
    }

    pub fn broadcast(&self, channel: &str) -> Arc<Broadcast> {
        self.hub.start(BroadcastInfo {
            id: "b".into(),
            channel_id: "c".into(),
            channel: channel.into(),
            started_at_ms: 1_700_000_000_000,
            first_number: 0,
            latency: Latency::Low,
            on_demand: false,
            quota_bytes: None,
            protected: None,
        })
    }
}

#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub headers: HeaderMap,
    pub from: IpAddr,
    pub scheme: Scheme,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn expect(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{}", self.body);
    }

    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// What every error has; answers its code and field.
    #[track_caller]
    pub fn problem(&self, status: u16) -> (String, Option<String>) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let problem: Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem.status, status);
        assert!(problem.detail.ends_with('.'), "a sentence: {}", problem.detail);
        (problem.code, problem.field)
    }

    pub fn cookie(&self) -> String {
        self.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
    }
}

impl Client {
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.insert(name, value.parse().unwrap());
        client
    }

    pub fn at(&self, address: [u8; 4]) -> Self {
        Self { from: address.into(), ..self.clone() }
    }

    pub async fn start(&self, method: &str, path: &str, body: Body) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}")).body(body).unwrap();
        request.headers_mut().insert(header::HOST, "live.example:8080".parse().unwrap());
        request.headers_mut().extend(self.headers.clone());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.from, 5000)));
        request.extensions_mut().insert(self.scheme.clone());
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Of an address outside of the API.
    pub async fn at_root(&self, method: &str, path: &str) -> axum::response::Response {
        self.at_root_with(method, path, Body::empty()).await
    }

    pub async fn at_root_with(&self, method: &str, path: &str, body: Body) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path).body(body).unwrap();
        request.headers_mut().extend(self.headers.clone());
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// An answer whose body may be anything.
    pub async fn status(&self, path: &str) -> Answer {
        let response = self.start("GET", path, Body::empty()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    pub async fn send(&self, method: &str, path: &str, body: Body) -> Answer {
        let response = self.start(method, path, body).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Body::empty()).await
    }

    pub async fn send_json(&self, method: &str, path: &str, body: Value) -> Answer {
        let client = match self.headers.contains_key(header::CONTENT_TYPE) {
            true => self.clone(),
            false => self.with("content-type", "application/json"),
        };
        client.send(method, path, Body::from(body.to_string())).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send_json("POST", path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send_json("PUT", path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, Body::empty()).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send_json("PATCH", path, body).await
    }

    pub async fn events<T: DeserializeOwned>(&self, path: &str, name: &'static str) -> Events<T> {
        let response = self.start("GET", path, Body::empty()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Events { body: response.into_body(), name, kind: std::marker::PhantomData }
    }
}

pub struct Events<T> {
    pub body: Body,
    name: &'static str,
    kind: std::marker::PhantomData<T>,
}

impl<T: DeserializeOwned + std::fmt::Debug> Events<T> {
    /// The next event; `None` when the server ends the stream.
    pub async fn next(&mut self) -> Option<T> {
        let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("an event in time")?;
        let text = String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap();
        let data = text.strip_prefix(&format!("event: {}\ndata: ", self.name)).expect(&text);
        Some(serde_json::from_str(data.trim_end()).expect(&text))
    }

    pub async fn until(&mut self, wanted: impl Fn(&T) -> bool) -> T {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if wanted(&event) {
                return event;
            }
        }
    }
}
