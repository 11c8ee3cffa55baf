//! Two nodes with one store and one bus, and clients of the real kind.

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rivulet_bus::Bus;
use rivulet_chat::{Chat, Config, Deps};
use rivulet_hub::{BroadcastInfo, ChatNote, Hub};
use rivulet_protocol::ChannelName;
use rivulet_protocol::chat::{
    ClientFrame, Event, Hello, MSGPACK, Message, Position, Refusal, Say, ServerFrame, VERSION, Welcome,
};
use rivulet_protocol::eventsub::{Subscription, Topic};
use rivulet_protocol::rest::{AccessKind, Latency, Role, Scope, TermCreate, TermDeed};
use rivulet_store::testing::{Postgres, Redis, TempDir};
use rivulet_store::{AccessToken, CHAT_TICKET_MS, Channel, ChatPass, Deed, Doer, Store, SubscribeError, User};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};
use tokio_util::sync::CancellationToken;

pub const MAX_CONNECTIONS_PER_ADDRESS: usize = 600;
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

/// As our server does it, on plain TCP.
async fn serve(listener: TcpListener, router: Router) {
    while let Ok((stream, peer)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone().layer(Extension(ConnectInfo(peer))));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::spawn(connection);
    }
}

struct Node {
    address: SocketAddr,
    hub: Hub,
    shutdown: CancellationToken,
    running: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    store: Store,
    nodes: Vec<Node>,
    _servers: (Option<Postgres>, Option<Redis>, TempDir),
}

#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
    pub channel: Channel,
    pub owner: User,
}

impl World {
    pub async fn embedded() -> Self {
        let dir = TempDir::new();
        let store = Store::open(&format!("sqlite:{}", dir.path().join("rivulet.db").display())).await.unwrap();
        let bus = Bus::local();
        Self::new(store, [bus.clone(), bus], (None, None, dir)).await
    }

    pub async fn distributed() -> Self {
        let (postgres, redis) = tokio::join!(Postgres::start(), Redis::start());
        let store = Store::open(&postgres.database().await).await.unwrap();
        let buses = [Bus::redis(&redis.url()).await.unwrap(), Bus::redis(&redis.url()).await.unwrap()];
        Self::new(store, buses, (Some(postgres), Some(redis), TempDir::new())).await
    }

    async fn new(store: Store, buses: [Bus; 2], servers: (Option<Postgres>, Option<Redis>, TempDir)) -> Self {
        let owner = store.create_user(&name("owner"), "", Role::Viewer, now_ms()).await.unwrap();
        let channel = store.create_channel(&name("stage"), &owner.id, "", now_ms()).await.unwrap();
        let mut nodes = Vec::new();
        for bus in buses {
            let (hub, shutdown) = (Hub::default(), CancellationToken::new());
            let config =
                Config { max_connections_per_address: MAX_CONNECTIONS_PER_ADDRESS, threads: 2, ..Config::default() };
            let chat = Chat::bind(config, Deps { store: store.clone(), hub: hub.clone(), bus }).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            match nodes.is_empty() {
                true => {
                    tokio::spawn(serve(listener, chat.router()));
                }
                // Here it is more than TCP below the upgrade, as it is with TLS.
                false => {
                    let service = chat.router().into_make_service_with_connect_info::<SocketAddr>();
                    tokio::spawn(async move { axum::serve(listener, service).await });
                }
            }
            let running = Mutex::new(Some(tokio::spawn(chat.run(shutdown.clone()))));
            nodes.push(Node { address, hub, shutdown, running });
        }
        Self { inner: Arc::new(Inner { store, nodes, _servers: servers }), channel, owner }
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    pub fn hub(&self, node: usize) -> &Hub {
        &self.inner.nodes[node].hub
    }

    pub fn address(&self, node: usize) -> SocketAddr {
        self.inner.nodes[node].address
    }

    pub async fn stop_node(&self, node: usize) {
        let node = &self.inner.nodes[node];
        node.shutdown.cancel();
        let running = node.running.lock().unwrap().take();
        if let Some(running) = running {
            timeout(PATIENCE, running).await.unwrap().unwrap();
        }
    }

    pub async fn stop(&self) {
        for node in 0..self.inner.nodes.len() {
            self.stop_node(node).await;
        }
    }

    pub async fn user(&self, user: &str) -> User {
        self.store().create_user(&name(user), "", Role::Viewer, now_ms()).await.unwrap()
    }

    pub async fn users(&self, name: &str, count: usize) -> Vec<User> {
        let mut users = Vec::new();
        for n in 0..count {
            users.push(self.user(&format!("{name}{n}")).await);
        }
        users
    }

    pub async fn token(&self, user: &User, scopes: &[Scope]) -> String {
        let token = AccessToken::generate();
        self.store().add_access_token(&user.id, &token.hash(), "test", scopes, now_ms(), None).await.unwrap();
        token.reveal().to_owned()
    }

    /// A token and the id of its row.
    pub async fn token_row(&self, user: &User, scopes: &[Scope]) -> (String, String) {
        let token = AccessToken::generate();
        let row = self.store().add_access_token(&user.id, &token.hash(), "bot", scopes, now_ms(), None).await.unwrap();
        (token.reveal().to_owned(), row.id)
    }

    /// A session of EventSub that was welcomed.
    pub async fn events(&self, node: usize) -> Events {
        let address = format!("ws://{}/eventsub/ws", self.address(node));
        let (socket, _) = connect_async(address).await.unwrap();
        let mut events = Events { socket, id: String::new(), kept: Vec::new() };
        let welcome = events.next("session_welcome").await;
        events.id = welcome["payload"]["session"]["id"].as_str().unwrap().to_owned();
        events
    }

    /// As the API of a node does it.
    pub async fn subscribe(
        &self,
        node: usize,
        events: &Events,
        (user, token_id): (&User, &str),
        topic: Topic,
    ) -> Result<Subscription, SubscribeError> {
        let who = (user.id.as_str(), token_id);
        let made = self.store().subscribe_eventsub(&events.id, who, topic, &self.channel.id, now_ms()).await?;
        self.subscriptions_changed(node, events).await;
        Ok(made)
    }

    pub async fn subscriptions_changed(&self, node: usize, events: &Events) {
        self.hub(node).chat().tell(ChatNote::Subscribed(events.id.clone())).await;
    }

    pub fn go_live(&self, node: usize) {
        let broadcast = self.hub(node).start(BroadcastInfo {
            id: "b1".into(),
            channel_id: self.channel.id.clone(),
            channel: self.channel.name.clone(),
            started_at_ms: now_ms(),
            first_number: 0,
            latency: Latency::Low,
            on_demand: false,
            quota_bytes: None,
            protected: None,
        });
        broadcast.status.send_modify(|status| status.playable = true);
    }

    /// What comes back for bytes on a connection of its own: the opcodes of the frames, and the code of
    /// a close. Listens until the answer to the chat's ping, or the end.
    pub async fn raw(&self, node: usize, bytes: &[u8], until_pong: bool) -> (Vec<u8>, Option<u16>) {
        let mut stream = TcpStream::connect(self.address(node)).await.unwrap();
        let request = format!(
            "GET /chat/{} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.channel.name
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        while stream.read_u8().await.unwrap() != b'\n' || stream.read_u8().await.unwrap() != b'\r' {}
        stream.read_u8().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let (mut opcodes, mut code) = (Vec::new(), None);
        let read = async {
            loop {
                let Ok(first) = stream.read_u8().await else { return };
                let len = match stream.read_u8().await.unwrap() {
                    126 => usize::from(stream.read_u16().await.unwrap()),
                    len => usize::from(len),
                };
                assert!(first & 0xf0 == 0x80 && len < 65_536, "whole frames without masks");
                let mut body = vec![0; len];
                stream.read_exact(&mut body).await.unwrap();
                opcodes.push(first & 0x0f);
                if first == 0x88 {
                    code = Some(body.get(..2).map_or(1005, |code| u16::from_be_bytes(code.try_into().unwrap())));
                }
                if until_pong && body == br#"{"op":"pong"}"# {
                    return;
                }
            }
        };
        timeout(PATIENCE, read).await.expect("an end");
        (opcodes, code)
    }

    async fn ticket(&self, user: &User) -> String {
        let key = self.store().playback_key().await.unwrap();
        let expires_at_ms = now_ms() + CHAT_TICKET_MS;
        let pass =
            ChatPass { user_id: user.id.clone(), login_revision: user.login_revision, may_say: true, expires_at_ms };
        key.sign_chat(&self.channel, &pass)
    }

    pub async fn term(&self, text: &str, deed: TermDeed) {
        let term = TermCreate { text: text.into(), pattern: false, deed };
        self.store().add_chat_term(&self.channel, &Doer::server(), term, now_ms()).await.unwrap();
        self.acted(0).await;
    }

    /// As the API of a node does it.
    pub async fn moderate(&self, node: usize, deed: Deed<'_>) {
        let owner = Doer { person: (&self.owner).into(), role: Role::Admin, ..Doer::default() };
        self.store().moderate(&self.channel, &owner, deed, now_ms()).await.unwrap();
        self.acted(node).await;
    }

    async fn acted(&self, node: usize) {
        self.hub(node).chat().tell(ChatNote::Acted(self.channel.id.clone())).await;
    }

    pub async fn set_access(&self, kind: AccessKind) {
        self.store().set_access(&self.channel.id, kind, None).await.unwrap();
        self.hub(0).chat().tell(ChatNote::Channel(self.channel.id.clone())).await;
    }

    /// A front may know a channel's row for two seconds.
    pub async fn until_channel_is_read_anew(&self) {
        tokio::time::sleep(Duration::from_millis(2100)).await;
    }

    /// Until a message that is held is in the queue.
    pub async fn written(&self, id: &str) {
        let begun = std::time::Instant::now();
        loop {
            let facts = self.store().chat_facts(&self.channel.id, now_ms()).await.unwrap();
            if facts.held.iter().any(|held| held.id == id) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the held message was not written down");
            tokio::task::yield_now().await;
        }
    }

    pub async fn connect_to(&self, node: usize, channel: &str) -> Result<Client, u16> {
        self.open(node, channel, &[]).await
    }

    /// A connection that has said nothing yet, or the status that it was refused with.
    pub async fn connect(&self, node: usize, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        self.open(node, &self.channel.name, headers).await
    }

    async fn open(&self, node: usize, channel: &str, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        let mut request = format!("ws://{}/chat/{channel}", self.address(node)).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Client::new(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            // A server that does not choose one of the protocols that were offered.
            Err(error) => panic!("{error}"),
        }
    }

    async fn greet(&self, mut client: Client, hello: Hello) -> Result<Client, u16> {
        client.send(&ClientFrame::Hello(Hello { v: VERSION, ..hello })).await;
        match client.next().await {
            Ok(ServerFrame::Welcome(welcome)) => {
                client.position = welcome.position;
                client.welcome = *welcome;
                Ok(client)
            }
            Ok(other) => panic!("{other:?} instead of a welcome"),
            Err(code) => Err(code),
        }
    }

    pub async fn client(&self, node: usize, user: &User) -> Client {
        let client = self.connect(node, &[]).await.unwrap();
        let hello = Hello { ticket: Some(self.ticket(user).await), ..Hello::default() };
        self.greet(client, hello).await.unwrap()
    }

    /// One that speaks MessagePack.
    pub async fn packed(&self, node: usize, user: &User) -> Client {
        let mut client = self.connect(node, &[("sec-websocket-protocol", MSGPACK)]).await.unwrap();
        client.packed = true;
        let hello = Hello { ticket: Some(self.ticket(user).await), ..Hello::default() };
        self.greet(client, hello).await.unwrap()
    }

    pub async fn guest(&self, node: usize, resume: Option<Position>) -> Client {
        let client = self.connect(node, &[]).await.unwrap();
        self.greet(client, Hello { resume, ..Hello::default() }).await.unwrap()
    }

    /// One for whom the kernel keeps next to nothing.
    pub async fn slow_guest(&self, node: usize) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(self.address(node)).await.unwrap();
        let address = format!("ws://{}/chat/{}", self.address(node), self.channel.name);
        let (socket, _) = client_async(address, MaybeTlsStream::Plain(stream)).await.unwrap();
        self.greet(Client::new(socket), Hello::default()).await.unwrap()
    }

    pub async fn try_guest(&self, node: usize) -> Result<Client, u16> {
        self.greet(self.connect(node, &[]).await.unwrap(), Hello::default()).await
    }

    pub async fn with_token(&self, node: usize, token: &str) -> Result<Client, u16> {
        let client = self.connect(node, &[]).await.unwrap();
        self.greet(client, Hello { token: Some(token.to_owned()), ..Hello::default() }).await
    }

    pub async fn with_ticket(&self, node: usize, ticket: &str) -> Result<Client, u16> {
        let client = self.connect(node, &[]).await.unwrap();
        self.greet(client, Hello { ticket: Some(ticket.to_owned()), ..Hello::default() }).await
    }
}

/// What a frame says, if it is a message.
pub fn said(frame: &ServerFrame) -> Option<&Message> {
    match frame {
        ServerFrame::Event(numbered) => match &numbered.event {
            Event::Message(message) => Some(message),
            _ => None,
        },
        _ => None,
    }
}

pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    packed: bool,
    pub welcome: Welcome,
    /// Of the newest event it has heard.
    pub position: Position,
    /// Heard while it waited for something else.
    kept: Vec<ServerFrame>,
}

impl Client {
    fn new(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        let nothing = r#"{"v":0,"channel_id":"","position":{"epoch":0,"n":0},"recovered":false,"history":[],"settings":{},"heartbeat_ms":0}"#;
        let welcome = serde_json::from_str(nothing).unwrap();
        Self { socket, packed: false, welcome, position: Position::default(), kept: Vec::new() }
    }

    pub fn is_packed(&self) -> bool {
        self.packed
    }

    pub async fn send(&mut self, frame: &ClientFrame) {
        let frame = match self.packed {
            true => Frame::binary(rmp_serde::to_vec_named(frame).unwrap()),
            false => Frame::text(serde_json::to_string(frame).unwrap()),
        };
        // It may have been closed; then that is what comes back.
        let _ = self.socket.send(frame).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        let _ = self.socket.send(Frame::text(text.to_owned())).await;
    }

    /// The next frame, or the code that the server closed with.
    async fn next(&mut self) -> Result<ServerFrame, u16> {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            let frame: ServerFrame = match frame {
                Some(Ok(Frame::Text(text))) => serde_json::from_str(&text).unwrap(),
                Some(Ok(Frame::Binary(bytes))) => rmp_serde::from_slice(&bytes).unwrap(),
                Some(Ok(Frame::Close(close))) => return Err(close.map_or(1005, |close| close.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Err(1006),
            };
            if let ServerFrame::Event(numbered) = &frame {
                assert!(numbered.position > self.position, "events rise: {numbered:?} after {:?}", self.position);
                self.position = numbered.position;
            }
            return Ok(frame);
        }
    }

    async fn find<T>(&mut self, mut wanted: impl FnMut(&ServerFrame) -> Option<T>) -> T {
        for index in 0..self.kept.len() {
            if let Some(found) = wanted(&self.kept[index]) {
                self.kept.remove(index);
                return found;
            }
        }
        loop {
            let frame = self.next().await.expect("an open connection");
            match wanted(&frame) {
                Some(found) => return found,
                None => self.kept.push(frame),
            }
        }
    }

    /// The next message that somebody said.
    pub async fn message(&mut self) -> Message {
        self.find(|frame| said(frame).cloned()).await
    }

    pub async fn event(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        self.find(|frame| match frame {
            ServerFrame::Event(numbered) if wanted(&numbered.event) => Some(numbered.event.clone()),
            _ => None,
        })
        .await
    }

    pub async fn say(&mut self, id: &str, text: &str) -> Result<Option<String>, Refusal> {
        self.say_to(id, text, None).await
    }

    pub async fn say_to(&mut self, id: &str, text: &str, to: Option<&str>) -> Result<Option<String>, Refusal> {
        let say = Say { id: id.to_owned(), text: text.to_owned(), reply_to: to.map(str::to_owned) };
        self.send(&ClientFrame::Say(say)).await;
        self.find(|frame| match frame {
            ServerFrame::Ack { id: of, message_id, .. } if of == id => Some(Ok(message_id.clone())),
            ServerFrame::Refused { id: of, refusal } if of == id => Some(Err(refusal.clone())),
            _ => None,
        })
        .await
    }

    /// Nothing was said that was not asked for, up to the answer to a ping.
    pub async fn quiet(&mut self) {
        self.send(&ClientFrame::Ping).await;
        self.find(|frame| (*frame == ServerFrame::Pong).then_some(())).await;
        let left: Vec<_> = self.kept.iter().filter_map(said).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Everything that comes, up to the last.
    pub async fn everything_until(mut self, last: impl Fn(&ServerFrame) -> bool) -> Vec<ServerFrame> {
        let mut frames = std::mem::take(&mut self.kept);
        while !frames.last().is_some_and(&last) {
            frames.push(self.next().await.expect("an open connection"));
        }
        frames
    }

    /// The code that the server ends the connection with.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

/// A frame of a client.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A client of EventSub.
pub struct Events {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    id: String,
    /// Notifications that came while another was waited for.
    kept: Vec<serde_json::Value>,
}

impl Events {
    pub async fn send(&mut self, text: &str) {
        self.socket.send(Frame::text(text.to_owned())).await.unwrap();
    }

    /// The next message, or the code that the server closed with.
    async fn hear(&mut self) -> Result<serde_json::Value, u16> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a message in time") {
                Some(Ok(Frame::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Frame::Close(close))) => return Err(close.map_or(1005, |close| close.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// The next message of this kind.
    async fn next(&mut self, kind: &str) -> serde_json::Value {
        let next = async {
            loop {
                let message = self.hear().await.expect("an open session");
                if message["metadata"]["message_type"] == kind {
                    return message;
                }
            }
        };
        timeout(PATIENCE, next).await.unwrap_or_else(|_| panic!("no {kind}"))
    }

    /// The event of the next notification of a type.
    pub async fn notification(&mut self, topic: &str) -> serde_json::Value {
        loop {
            let wanted = |message: &serde_json::Value| message["metadata"]["subscription_type"] == topic;
            if let Some(index) = self.kept.iter().position(wanted) {
                let mut message = self.kept.remove(index);
                assert_eq!(message["payload"]["subscription"]["transport"]["session_id"], self.id);
                return message["payload"]["event"].take();
            }
            let message = self.next("notification").await;
            self.kept.push(message);
        }
    }

    /// The type of the next subscription that is taken away.
    pub async fn revoked(&mut self) -> String {
        let message = self.next("revocation").await;
        assert_eq!(message["payload"]["subscription"]["status"], "authorization_revoked");
        message["metadata"]["subscription_type"].as_str().unwrap().to_owned()
    }

    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.hear().await {
                return code;
            }
        }
    }
}
