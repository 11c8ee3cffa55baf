//! One connection of `/eventsub/ws`. It only listens; a task for each subscription reads the room's ring.

use super::notice::{Broadcaster, Notice, Reader, time};
use super::streams::{self, Stream};
use super::topic;
use crate::clock::now_ms;
use crate::node::Node;
use crate::signal::{EVERYWHERE, RoomSignal, read as read_signal};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rivulet_protocol::eventsub::{Needs, Subscription, Topic, UNUSED_SECONDS};
use rivulet_store::{Channel, StoreError, random_name};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::task::AbortOnDropHandle;

/// Why a session ends, as EventSub numbers it.
const CLIENT_SPOKE: u16 = 4001;
const SILENT: u16 = 4002;
const UNUSED: u16 = 4003;
const TOO_SLOW: u16 = 4005;

/// Clients say nothing here.
const MAX_FRAME_BYTES: usize = 4096;
/// Between two looks at the rows, to see what holds no more; also between two pings.
const LOOK: Duration = Duration::from_secs(30);
/// A client that answers no ping for so long is gone.
const SILENT_AFTER: Duration = Duration::from_secs(70);
/// What a client may take for one message.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Notices that wait to be written; then the readers wait, and fall behind in their rings.
const WAITING: usize = 256;

struct Subscribed {
    subscription: Subscription,
    channel: Broadcaster,
    /// Of what happens in rooms; streams come by the bus.
    _reader: Option<AbortOnDropHandle<()>>,
}

pub struct Session {
    node: Arc<Node>,
    id: String,
    connected_at_ms: i64,
    socket: WebSocketStream<TokioIo<Upgraded>>,
    subscribed: HashMap<String, Subscribed>,
    notices: mpsc::Sender<(String, Notice)>,
    keepalive: Duration,
    spoke: Instant,
    heard: Instant,
}

impl Session {
    pub async fn run(node: Arc<Node>, upgraded: Upgraded, keepalive: Duration) {
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let (notices, waiting) = mpsc::channel(WAITING);
        let now = Instant::now();
        let mut session = Self {
            id: random_name(),
            connected_at_ms: now_ms(),
            socket,
            subscribed: HashMap::new(),
            notices,
            keepalive,
            spoke: now,
            heard: now,
            node,
        };
        let code = match session.node.store.open_eventsub_session(&session.id, session.connected_at_ms).await {
            Ok(()) => session.listen(waiting).await,
            Err(error) => {
                tracing::warn!(%error, "a session of EventSub cannot be opened");
                Some(CloseCode::Again.into())
            }
        };
        if let Err(error) = session.node.store.close_eventsub_session(&session.id).await {
            tracing::warn!(%error, "a session of EventSub is left behind");
        }
        if let Some(code) = code {
            let frame = CloseFrame { code: code.into(), reason: reason(code).into() };
            let _ = timeout(WRITE_WITHIN, session.socket.close(Some(frame))).await;
        }
    }

    /// Until it ends: then the answer is why, unless the client is gone.
    async fn listen(&mut self, mut waiting: mpsc::Receiver<(String, Notice)>) -> Option<u16> {
        let node = self.node.clone();
        let mut changes = node.bus.subscribe(&topic(&self.id)).await;
        let mut everywhere = node.bus.subscribe(EVERYWHERE).await;
        let mut streams = node.bus.subscribe(streams::TOPIC).await;
        let mut look_at = Instant::now() + LOOK;
        let unused_at = Instant::now() + Duration::from_secs(UNUSED_SECONDS);
        let mut used = false;
        let mut step = self.welcome().await;
        loop {
            if let Break(code) = step {
                return code;
            }
            let keepalive_at = self.spoke + self.keepalive;
            step = tokio::select! {
                () = node.shutdown.cancelled() => Break(Some(CloseCode::Restart.into())),
                frame = self.socket.next() => self.hear(frame),
                _ = changes.next() => self.look().await,
                Some((id, notice)) = waiting.recv() => self.notify(&id, notice).await,
                Ok(signal) = everywhere.next() => match self.is_about(read_signal(&signal)) {
                    true => self.look().await,
                    false => Continue(()),
                },
                Ok(signal) = streams.next() => match Stream::read(&signal) {
                    Some(stream) => self.stream(&stream).await,
                    None => Continue(()),
                },
                () = sleep_until(keepalive_at) => self.send("session_keepalive", json!({}), json!({})).await,
                () = sleep_until(unused_at), if !used => Break(Some(UNUSED)),
                () = sleep_until(look_at) => {
                    look_at = Instant::now() + LOOK;
                    match self.heard.elapsed() > SILENT_AFTER {
                        true => Break(Some(SILENT)),
                        false => match self.write(Message::Ping(Default::default())).await {
                            Continue(()) => self.look().await,
                            gone => gone,
                        },
                    }
                }
            };
            used |= !self.subscribed.is_empty();
        }
    }

    /// Whether its user is another than before.
    fn is_about(&self, signal: Option<RoomSignal>) -> bool {
        let Some(RoomSignal::Person { user_id } | RoomSignal::LoggedOut { user_id }) = signal else { return false };
        self.subscribed.values().next().is_some_and(|it| it.subscription.user_id == user_id)
    }

    fn hear(&mut self, frame: Option<Result<Message, Error>>) -> ControlFlow<Option<u16>> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Continue(()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Break(None),
            Some(Ok(_)) => Break(Some(CLIENT_SPOKE)),
        }
    }

    async fn write(&mut self, message: Message) -> ControlFlow<Option<u16>> {
        match timeout(WRITE_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Continue(()),
            Ok(Err(_)) => Break(None),
            Err(_) => Break(Some(TOO_SLOW)),
        }
    }

    /// A message with what its metadata has besides.
    async fn tell(
        &mut self,
        kind: &str,
        id: String,
        at_ms: i64,
        more: Value,
        payload: Value,
    ) -> ControlFlow<Option<u16>> {
        let mut metadata = json!({"message_id": id, "message_type": kind, "message_timestamp": time(at_ms)});
        if let (Value::Object(metadata), Value::Object(more)) = (&mut metadata, more) {
            metadata.extend(more);
        }
        self.spoke = Instant::now();
        self.write(Message::text(json!({"metadata": metadata, "payload": payload}).to_string())).await
    }

    async fn send(&mut self, kind: &str, more: Value, payload: Value) -> ControlFlow<Option<u16>> {
        self.tell(kind, random_name(), now_ms(), more, payload).await
    }

    async fn welcome(&mut self) -> ControlFlow<Option<u16>> {
        let session = json!({
            "id": self.id,
            "status": "connected",
            "connected_at": time(self.connected_at_ms),
            "keepalive_timeout_seconds": self.keepalive.as_secs(),
            "reconnect_url": null,
            "recovery_url": null,
        });
        self.send("session_welcome", json!({}), json!({"session": session})).await
    }

    async fn notify(&mut self, id: &str, notice: Notice) -> ControlFlow<Option<u16>> {
        let Some(subscribed) = self.subscribed.get(id) else { return Continue(()) };
        let (more, shown) = about(&subscribed.subscription, "enabled");
        let Notice { id: happening, at_ms, event } = notice;
        // One for each subscription: clients drop what they had.
        let message_id = format!("{id}-{happening}");
        let payload = json!({"subscription": shown, "event": event});
        self.tell("notification", message_id, at_ms, more, payload).await
    }

    async fn stream(&mut self, stream: &Stream) -> ControlFlow<Option<u16>> {
        let wanted = if stream.online { Topic::Online } else { Topic::Offline };
        let theirs =
            |it: &&Subscribed| it.subscription.topic == wanted && it.subscription.channel_id == stream.channel_id;
        let Some(it) = self.subscribed.values().find(theirs) else { return Continue(()) };
        let online = json!({"id": stream.broadcast_id, "type": "live", "started_at": time(stream.started_at_ms)});
        let event = it.channel.event([], if stream.online { online } else { json!({}) });
        let id = it.subscription.id.clone();
        self.notify(&id, Notice { id: stream.broadcast_id.clone(), at_ms: now_ms(), event }).await
    }

    /// Reads what it is subscribed to, and who may still be.
    async fn look(&mut self) -> ControlFlow<Option<u16>> {
        let rows = match self.node.store.keep_eventsub_session(&self.id, now_ms()).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "subscriptions of EventSub cannot be read");
                return Continue(());
            }
        };
        let node = self.node.clone();
        self.subscribed.retain(|id, _| rows.iter().any(|(row, _)| row.id == *id));
        for (subscription, holds) in rows {
            let channel = match allowed(&node, &subscription, holds).await {
                Ok(channel) => channel,
                Err(error) => {
                    tracing::warn!(%error, "a subscription of EventSub cannot be checked");
                    continue;
                }
            };
            match channel {
                Some(channel) => self.subscribe(subscription, channel).await,
                None => self.revoke(subscription).await?,
            }
        }
        Continue(())
    }

    async fn subscribe(&mut self, subscription: Subscription, channel: Channel) {
        if self.subscribed.contains_key(&subscription.id) {
            return;
        }
        let broadcaster =
            Broadcaster { id: channel.id.clone(), login: channel.name.clone(), name: channel.shown_name().to_owned() };
        let reader = match subscription.topic {
            Topic::Online | Topic::Offline => None,
            _ => {
                let moderator = moderates(&self.node.clone(), &channel, &subscription.user_id).await.unwrap_or(false);
                let out = self.notices.clone();
                let read = read(self.node.clone(), subscription.clone(), channel, broadcaster.clone(), moderator, out);
                Some(AbortOnDropHandle::new(tokio::spawn(read)))
            }
        };
        let id = subscription.id.clone();
        self.subscribed.insert(id, Subscribed { subscription, channel: broadcaster, _reader: reader });
    }

    /// It is told that it is none any more.
    async fn revoke(&mut self, subscription: Subscription) -> ControlFlow<Option<u16>> {
        self.subscribed.remove(&subscription.id);
        let gone = self.node.store.unsubscribe_eventsub(&subscription.user_id, &subscription.id).await;
        if let Err(error) = gone {
            tracing::warn!(%error, "a subscription of EventSub stays");
        }
        let (more, shown) = about(&subscription, "authorization_revoked");
        self.send("revocation", more, json!({"subscription": shown})).await
    }
}

/// The channel, if its user may still have it.
async fn allowed(node: &Node, subscription: &Subscription, holds: bool) -> Result<Option<Channel>, StoreError> {
    let channel = node.store.channel_by_id(&subscription.channel_id).await?;
    let Some(channel) = channel.filter(|channel| holds && channel.suspended(now_ms()).is_none()) else {
        return Ok(None);
    };
    let may = match subscription.topic.needs() {
        Needs::Nothing => true,
        Needs::Chat => node.admits(&channel, &subscription.user_id).await?,
        Needs::Moderator => moderates(node, &channel, &subscription.user_id).await?,
    };
    Ok(Some(channel).filter(|_| may))
}

async fn moderates(node: &Node, channel: &Channel, user_id: &str) -> Result<bool, StoreError> {
    let chatter = node.people.look(channel, user_id).await?;
    Ok(chatter.is_some_and(|it| it.speaker.moderator && it.speaker.suspended.is_none()))
}

/// What metadata and payload say of a subscription.
fn about(subscription: &Subscription, status: &str) -> (Value, Value) {
    let topic = subscription.topic;
    let more = json!({"subscription_type": topic.as_str(), "subscription_version": topic.version()});
    (more, subscription.shown(status, &time(subscription.created_at_ms)))
}

/// Hands on what happens in a room from the moment of the subscription on.
async fn read(
    node: Arc<Node>,
    subscription: Subscription,
    channel: Channel,
    place: Broadcaster,
    moderator: bool,
    out: mpsc::Sender<(String, Notice)>,
) {
    let presence = node.enter(&channel).await;
    let members = presence.room.members.clone();
    let running = presence.room.core().poll().filter(|poll| !poll.ended).cloned();
    let mut reader = Reader::new(running.as_ref(), subscription.created_at_ms);
    let mut cursor = members.ring().since(subscription.created_at_ms);
    loop {
        let news = members.news.notified();
        tokio::pin!(news);
        news.as_mut().enable();
        let (entries, next) = members.ring().read(cursor);
        cursor = next;
        if entries.is_empty() {
            news.await;
            continue;
        }
        for entry in entries {
            if let Some(notice) = reader.read(subscription.topic, &place, moderator, &entry)
                && out.send((subscription.id.clone(), notice)).await.is_err()
            {
                return;
            }
        }
    }
}

fn reason(code: u16) -> &'static str {
    match code {
        CLIENT_SPOKE => "nothing is to be sent here but pongs",
        SILENT => "no pong was heard",
        UNUSED => "nobody subscribed in time",
        TOO_SLOW => "too slow to read",
        _ => "the server restarts; come back in a moment",
    }
}
