//! The WebSocket front: `/chat/{channel}`. The protocol itself is tungstenite's, on whatever has been
//! read; what is written goes through the connection, where the fan-out writes too.

use crate::Config;
use crate::clock;
use crate::conn::Conn;
use crate::frames::{self, Encoding};
use crate::node::{Node, Presence};
use crate::places::Places;
use crate::ring::Ring;
use crate::socket::Socket;
use crate::upgrade::{self, Asked, refuse};
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use rivulet_protocol::ChannelName;
use rivulet_protocol::address::Network;
use rivulet_protocol::chat::{
    ClientFrame, Hello, JSON, MAX_FRAME_BYTES, MSGPACK, Position, Refusal, RefusalCode, Say, ServerFrame, VERSION,
    Welcome, You, close,
};
use rivulet_protocol::rest::{AccessKind, Scope};
use rivulet_store::{AccessToken, Bearer, CHAT_TICKET_MS, Channel, ChatPass, User};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{self, Message};

/// From the connection to its hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// What a client may take to answer our goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// Frames of one client within the window before they are refused, and before it is thrown out.
const WINDOW: Duration = Duration::from_secs(10);
const FRAMES: u32 = 60;
const FLOOD: u32 = 300;
/// Most frames are far smaller; it grows for those that are not.
const READ_BUFFER: usize = 1024;
/// How old a channel's row may be for somebody who comes in.
const CHANNEL_KEPT: Duration = Duration::from_secs(2);
const MAX_CHANNELS_KEPT: usize = 1000;

struct Front {
    config: Config,
    node: Arc<Node>,
    places: Places,
    channels: Mutex<HashMap<String, (Instant, Channel)>>,
}

pub fn router(config: Config, node: Arc<Node>, places: Places) -> Router {
    let front = Front { config, node, places, channels: Mutex::default() };
    Router::new().route("/chat/{channel}", get(accept)).with_state(Arc::new(front))
}

async fn accept(State(front): State<Arc<Front>>, Path(channel): Path<String>, mut request: Request) -> Response {
    let Ok(name) = ChannelName::parse(&channel) else {
        return refuse(StatusCode::NOT_FOUND, "There is no such channel.\n");
    };
    let headers = request.headers();
    let Some(encoding) = encoding(headers) else { return upgrade::required() };
    if !is_own_page(headers, request.uri(), front.config.public_url.as_deref()) {
        return refuse(StatusCode::FORBIDDEN, "Pages of other sites cannot open the chat.\n");
    }
    let protocol = match encoding {
        Encoding::Msgpack => Some(MSGPACK),
        _ => offered(headers).next().map(|_| JSON),
    };
    let asked = match Asked::new(&mut request, &front.config, &front.places) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let channel = match front.channel(name.as_str()).await {
        Ok(Some(channel)) => channel,
        Ok(None) => return refuse(StatusCode::NOT_FOUND, "There is no such channel.\n"),
        Err(error) => {
            tracing::warn!(%error, "a chat connection is refused");
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "The chat cannot be reached right now.\n");
        }
    };
    let network = asked.network;
    asked.accept(protocol, async move |upgraded| {
        let (socket, read) = Socket::upgraded(upgraded);
        front.talk(channel, network, socket, read, encoding).await;
    })
}

fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The first that we know of what the client offers; JSON for one that offers nothing.
fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let mut any = false;
    for protocol in offered(headers) {
        any = true;
        match protocol {
            JSON => return Some(Encoding::Json),
            MSGPACK => return Some(Encoding::Msgpack),
            _ => {}
        }
    }
    (!any).then_some(Encoding::Json)
}

/// Programs send no origin. A page's has to be our own.
fn is_own_page(headers: &HeaderMap, uri: &Uri, public_url: Option<&str>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host_of = |url: &str| url.parse::<Uri>().ok()?.authority().map(|authority| authority.as_str().to_owned());
    let Some(origin) = origin.to_str().ok().and_then(host_of) else { return false };
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let named = named.or_else(|| uri.authority().map(|authority| authority.as_str().to_owned()));
    [named, public_url.and_then(host_of)].iter().flatten().any(|own| own.eq_ignore_ascii_case(&origin))
}

/// Who a client is.
struct Identity {
    user: Option<User>,
    may_say: bool,
    /// Gets what moderators get, if they are one.
    may_moderate: bool,
    ticket: Option<ChatPass>,
}

/// Reads from the socket, and writes to the connection, for the length of one poll.
struct Io<'a, 'b> {
    conn: &'a Conn,
    cx: &'a mut Context<'b>,
    /// What came with the request.
    early: &'a mut Vec<u8>,
}

impl Read for Io<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.early.is_empty() {
            return match self.conn.socket().poll_read(self.cx, buffer) {
                Poll::Ready(read) => read,
                Poll::Pending => Err(ErrorKind::WouldBlock.into()),
            };
        }
        let count = self.early.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.early[..count]);
        self.early.drain(..count);
        Ok(count)
    }
}

impl Write for Io<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.conn.send(Bytes::copy_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The server's end of a connection that was upgraded. What it writes goes through the connection.
pub fn server_end() -> WebSocketContext {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_FRAME_BYTES * 2)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    WebSocketContext::new(Role::Server, Some(config))
}

/// The next message, as far as it is there.
pub fn read(
    conn: &Conn,
    socket: &mut WebSocketContext,
    early: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<tungstenite::Result<Message>> {
    match socket.read(&mut Io { conn, cx, early }) {
        // Something is arranged for that wakes us up.
        Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        read => Poll::Ready(read),
    }
}

/// What a client has to say next.
enum Heard {
    Frame(Message),
    /// Its connection is to end, with this code.
    Close(u16),
    Gone,
}

struct Talk {
    conn: Arc<Conn>,
    socket: WebSocketContext,
    early: Vec<u8>,
}

impl Talk {
    async fn hear(&mut self) -> Heard {
        let conn = self.conn.clone();
        let (socket, early) = (&mut self.socket, &mut self.early);
        let heard = conn.attend(|cx| {
            loop {
                match read(&conn, socket, early, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(Message::Ping(_) | Message::Pong(_))) => conn.hear(clock::seconds()),
                    Poll::Ready(Ok(message)) => {
                        conn.hear(clock::seconds());
                        return Poll::Ready(Heard::Frame(message));
                    }
                    Poll::Ready(Err(tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_))) => {
                        return Poll::Ready(Heard::Close(close::BAD_FRAME));
                    }
                    Poll::Ready(Err(tungstenite::Error::Protocol(_))) => {
                        return Poll::Ready(Heard::Close(CloseCode::Protocol.into()));
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(Heard::Gone),
                }
            }
        });
        heard.await.unwrap_or_else(Heard::Close)
    }

    /// Says goodbye and waits a moment for the answer, so that the client reads it.
    async fn end(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: reason(code).into() };
        let mut said = false;
        let farewell = poll_fn(|cx| {
            if !said {
                said = true;
                let mut io = Io { conn: &self.conn, cx, early: &mut self.early };
                let _ = self.socket.close(&mut io, Some(frame.clone()));
            }
            if self.conn.is_blocked() && self.conn.poll_unblocked(cx).is_pending() {
                return Poll::Pending;
            }
            // Whatever still comes is not for us any more; its end is what we wait for.
            loop {
                let mut rest = [0; 512];
                if ready!(self.conn.socket().poll_read(cx, &mut rest))? == 0 {
                    return Poll::Ready(io::Result::Ok(()));
                }
            }
        });
        let _ = timeout(GOODBYE, farewell).await;
    }
}

fn reason(code: u16) -> &'static str {
    match code {
        close::RESTART => "the server restarts; come back in a moment",
        close::TOO_SLOW => "too slow to read",
        close::SILENT => "nothing was heard",
        close::TICKET => "the ticket or token is not valid (any more)",
        close::BAD_FRAME => "that is no frame of this protocol",
        close::FORBIDDEN => "this channel's chat is not open to you",
        close::TOO_MANY => "too many connections or frames",
        close::GONE => "there is no such channel",
        _ => "",
    }
}

impl Front {
    async fn channel(&self, name: &str) -> Result<Option<Channel>, rivulet_store::StoreError> {
        let kept = || self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, channel)) = kept().get(name)
            && at.elapsed() < CHANNEL_KEPT
        {
            return Ok(Some(channel.clone()));
        }
        let channel = self.node.store.channel_by_name(name).await?;
        let channel = channel.filter(|channel| channel.suspended(clock::now_ms()).is_none());
        if let Some(channel) = &channel {
            let mut kept = kept();
            if kept.len() >= MAX_CHANNELS_KEPT {
                kept.retain(|_, (at, _)| at.elapsed() < CHANNEL_KEPT);
            }
            if kept.len() < MAX_CHANNELS_KEPT {
                kept.insert(name.to_owned(), (Instant::now(), channel.clone()));
            }
        }
        Ok(channel)
    }

    async fn talk(&self, channel: Channel, network: Network, socket: Socket, early: Vec<u8>, encoding: Encoding) {
        // Until it has said who it is, nobody else knows this connection.
        let unknown = Arc::new(Conn::new(socket, encoding, network, clock::seconds()));
        let mut talk = Talk { conn: unknown, socket: server_end(), early };
        // Most connections only listen, for hours: what else they do is boxed, so that they are small.
        let code = match Box::pin(self.greet(&mut talk, channel)).await {
            Ok(presence) => {
                let code = self.listen(&mut talk, &presence).await;
                self.node.fanout.leave(&presence.room.members, &talk.conn);
                code
            }
            Err(code) => code,
        };
        if let Some(code) = code {
            Box::pin(talk.end(code)).await;
        }
    }

    /// Hears who it is, and lets it in. Otherwise the connection ends, with this code unless it is gone.
    async fn greet(&self, talk: &mut Talk, channel: Channel) -> Result<Presence, Option<u16>> {
        let hello = match timeout(HELLO_WITHIN, talk.hear()).await {
            Ok(Heard::Frame(message)) => frame(talk.conn.encoding(), message),
            Ok(Heard::Close(code)) => return Err(Some(code)),
            Ok(Heard::Gone) => return Err(None),
            Err(_) => return Err(Some(close::SILENT)),
        };
        let hello = match hello {
            Some(Ok(ClientFrame::Hello(hello))) if hello.v == VERSION => hello,
            _ => return Err(Some(close::BAD_FRAME)),
        };
        let identity = self.identify(&channel, &hello).await?;
        let presence = self.node.enter(&channel).await;
        let network = talk.conn.network.to_string();
        if identity.user.is_none() && presence.room.core().networks().contains(&network) {
            return Err(Some(close::FORBIDDEN));
        }
        self.welcome(&talk.conn, &presence, identity, hello.resume).await?;
        Ok(presence)
    }

    async fn identify(&self, channel: &Channel, hello: &Hello) -> Result<Identity, u16> {
        let store = &self.node.store;
        let now_ms = clock::now_ms();
        let failed = |error| {
            tracing::warn!(%error, "a chat client cannot be looked up");
            close::RESTART
        };
        if let Some(token) = &hello.token {
            let token = AccessToken::parse(token).ok_or(close::TICKET)?;
            let found = store.access_token_user(&token.hash(), now_ms).await.map_err(failed)?;
            let Bearer { user, scopes, .. } = found.ok_or(close::TICKET)?;
            if !scopes.contains(&Scope::ChatRead) || !self.node.admits(channel, &user.id).await.map_err(failed)? {
                return Err(close::FORBIDDEN);
            }
            let (may_say, may_moderate) = (scopes.contains(&Scope::ChatWrite), scopes.contains(&Scope::Moderate));
            return Ok(Identity { user: Some(user), may_say, may_moderate, ticket: None });
        }
        if let Some(ticket) = &hello.ticket {
            let key = self.node.playback_key().await.map_err(failed)?;
            let pass = key.check_chat(ticket, channel, now_ms).map_err(|_| close::TICKET)?;
            let user = match pass.user_id.is_empty() {
                true => None,
                false => Some(store.chat_pass_user(&pass).await.map_err(failed)?.ok_or(close::TICKET)?),
            };
            let may_say = pass.may_say && user.is_some();
            return Ok(Identity { user, may_say, may_moderate: may_say, ticket: Some(pass) });
        }
        match channel.access {
            AccessKind::Public => Ok(Identity { user: None, may_say: false, may_moderate: false, ticket: None }),
            _ => Err(close::FORBIDDEN),
        }
    }

    /// Tells the client where it is, and lets it hear the room from there on.
    async fn welcome(
        &self,
        conn: &Arc<Conn>,
        presence: &Presence,
        identity: Identity,
        resume: Option<Position>,
    ) -> Result<(), u16> {
        let room = &presence.room;
        let (mut you, mut moderator) = (None, false);
        if let Some(user) = &identity.user {
            let chatter = self.node.people.find(&room.channel, &user.id).await.map_err(|_| close::RESTART)?;
            let chatter = chatter.ok_or(close::TICKET)?;
            moderator = chatter.speaker.moderator && identity.may_moderate;
            conn.identify(&user.id, identity.may_say, identity.may_moderate);
            you = Some(You { author: chatter.speaker.author.clone(), may_say: identity.may_say, moderator });
        }
        let ticket = match identity.ticket {
            Some(pass) => {
                let key = self.node.playback_key().await.map_err(|_| close::RESTART)?;
                let expires_at_ms = clock::now_ms() + CHAT_TICKET_MS;
                Some(key.sign_chat(&room.channel, &ChatPass { expires_at_ms, ..pass }))
            }
            None => None,
        };
        let core = room.core();
        let warning = you.as_ref().and_then(|you| core.warnings().get(&you.author.id).cloned());
        let history = if resume.is_some() { Vec::new() } else { core.history(moderator) };
        let mut welcome = Welcome {
            v: VERSION,
            channel_id: room.channel.id.clone(),
            you,
            position: Position::default(),
            recovered: false,
            history,
            settings: core.settings().clone(),
            pinned: core.pinned().cloned(),
            poll: core.poll().cloned(),
            warning,
            ticket,
            heartbeat_ms: crate::fanout::HEARTBEAT_SECONDS * 1000,
        };
        self.node.fanout.join(&room.members, conn, moderator, |ring: &Ring| {
            let found = resume.and_then(|position| ring.find(position));
            welcome.recovered = found.is_some();
            welcome.position = resume.filter(|_| found.is_some()).unwrap_or(ring.position());
            if resume.is_some() && found.is_none() {
                welcome.history = core.history(moderator);
            }
            let frame = ServerFrame::Welcome(Box::new(welcome));
            (found.unwrap_or(ring.end()), frames::encode(conn.encoding(), &frame))
        });
        drop(core);
        self.node.fanout.look_after(conn);
        Ok(())
    }

    /// Until the client goes, or has to: then the answer is why.
    async fn listen(&self, talk: &mut Talk, presence: &Presence) -> Option<u16> {
        let conn = talk.conn.clone();
        let mut window = (Instant::now(), 0);
        loop {
            let message = match talk.hear().await {
                Heard::Frame(message) => message,
                Heard::Close(code) => return Some(code),
                Heard::Gone => return None,
            };
            if window.0.elapsed() >= WINDOW {
                window = (Instant::now(), 0);
            }
            window.1 += 1;
            if window.1 > FLOOD {
                return Some(close::TOO_MANY);
            }
            match frame(conn.encoding(), message) {
                None => {}
                Some(Ok(ClientFrame::Ping)) => conn.tell(&ServerFrame::Pong),
                Some(Ok(ClientFrame::Say(say))) if window.1 > FRAMES => {
                    let left = WINDOW.saturating_sub(window.0.elapsed()).as_millis() as i64;
                    let refusal = Refusal::after(RefusalCode::RateLimit, "You write too fast.", left);
                    conn.tell(&ServerFrame::Refused { id: say.id, refusal });
                }
                Some(Ok(ClientFrame::Say(say))) => Box::pin(self.say(&conn, presence, say)).await,
                Some(Ok(ClientFrame::Hello(_)) | Err(())) => return Some(close::BAD_FRAME),
            }
        }
    }

    async fn say(&self, conn: &Arc<Conn>, presence: &Presence, say: Say) {
        let id = say.id.clone();
        let result = match conn.speaker() {
            Some(user_id) => self.node.say(&presence.room, &user_id, conn.may_moderate(), say).await,
            None if conn.user_id().is_some() => {
                Err(Refusal::new(RefusalCode::Scope, "This token or ticket is for reading only."))
            }
            None => Err(Refusal::new(RefusalCode::LogIn, "Log in to write.")),
        };
        conn.tell(&match result {
            Ok(said) => ServerFrame::Ack { id, message_id: said.message_id, detail: said.detail },
            Err(refusal) => ServerFrame::Refused { id, refusal },
        });
    }
}

/// What a message says; `None` for one that says nothing.
fn frame(encoding: Encoding, message: Message) -> Option<Result<ClientFrame, ()>> {
    let payload = match (encoding, &message) {
        (_, Message::Close(_)) => return None,
        (Encoding::Msgpack, Message::Binary(bytes)) => bytes.as_ref(),
        (_, Message::Text(text)) => text.as_bytes(),
        _ => return Some(Err(())),
    };
    Some(frames::decode(encoding, payload).map_err(|_| ()))
}
