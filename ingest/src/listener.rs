//! Accepts RTMP and RTMPS connections and drives a [`Session`] on each: bounded in number, in
//! all and by address, and in the time that a peer may take to say something useful.

use crate::broadcast::{Command, HANDOVER, Publishers, RESTARTING, Settings};
use crate::course::Kick;
use crate::health::Limits;
use crate::keys::{Keys, Unknown};
use crate::lease::Leases;
use crate::session::{Event, Session, SessionError};
use anyhow::Context as _;
use rivulet_hub::Hub;
use rivulet_media::flv::{self, AudioTag, FlvError, VideoTag};
use rivulet_protocol::rest::BroadcastSettings;
use rivulet_store::{Channel, KeyHolder, Store, StreamKey};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{Instrument, debug, info, info_span, warn};

/// Encoders know this code and show the description behind it.
const BAD_NAME: &str = "NetStream.Publish.BadName";
const REJECTED: &str = "NetStream.Publish.Rejected";
const FAILED: &str = "the server has failed at this broadcast";
/// Says, behind a stream key, that this encoder only fills in: it takes the channel from nobody.
const STANDBY: &str = "standby=1";
/// How long a refusal may take to be delivered before the socket is closed.
const GOODBYE: Duration = Duration::from_secs(2);
const READ_BYTES: usize = 64 * 1024;
/// Between looks for broadcasts that no process writes any more.
const LEFT_EVERY: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct Config {
    pub rtmp: SocketAddr,
    /// Address and certificate for RTMPS.
    pub rtmps: Option<(SocketAddr, TlsAcceptor)>,
    pub limits: Limits,
    /// What holds where a channel has nothing of its own.
    pub broadcast: BroadcastSettings,
    /// Names this process among those that share the database, and the one after it on the same data.
    pub node: Arc<str>,
    /// On air at once; what waits for its encoder counts.
    pub max_broadcasts: usize,
    /// From the connection to an accepted stream key.
    pub publish_deadline: Duration,
    /// Without a byte for this long, a publishing encoder counts as lost.
    pub idle: Duration,
    pub max_sessions: usize,
    pub max_sessions_per_address: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rtmp: ([0, 0, 0, 0], 1935).into(),
            rtmps: None,
            limits: Limits::default(),
            broadcast: BroadcastSettings::default(),
            node: "one".into(),
            max_broadcasts: 1_000,
            publish_deadline: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            max_sessions: 1_000,
            max_sessions_per_address: 100,
        }
    }
}

#[derive(Clone)]
pub struct Deps {
    pub store: Store,
    pub hub: Hub,
}

/// Counters for `/metrics`.
#[derive(Debug, Default)]
pub struct Stats {
    pub accepted: AtomicU64,
    pub over_limit: AtomicU64,
    pub refused_keys: AtomicU64,
    /// Sessions that ended by an error of the peer.
    pub failed: AtomicU64,
    pub active: AtomicU64,
}

pub struct Ingest {
    rtmp: TcpListener,
    rtmps: Option<(TcpListener, TlsAcceptor)>,
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    deps: Deps,
    keys: Keys,
    stats: Arc<Stats>,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among the sessions; given back on drop.
struct Seat {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut addresses = self.shared.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
        self.shared.stats.active.fetch_sub(1, Relaxed);
    }
}

impl Shared {
    fn seat(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let from_here = addresses.get(&address).copied().unwrap_or(0);
        let in_all = self.stats.active.load(Relaxed) as usize;
        if in_all >= self.config.max_sessions || from_here >= self.config.max_sessions_per_address {
            return None;
        }
        addresses.insert(address, from_here + 1);
        self.stats.active.fetch_add(1, Relaxed);
        Some(Seat { shared: self.clone(), address })
    }
}

impl Ingest {
    pub async fn bind(config: Config, deps: Deps) -> anyhow::Result<Self> {
        let listen = |addr: SocketAddr, name: &'static str| async move {
            TcpListener::bind(addr).await.with_context(|| {
                format!("cannot listen for {name} on {addr}; stop what uses this port or choose another with --{name}")
            })
        };
        let rtmp = listen(config.rtmp, "rtmp").await?;
        let rtmps = match &config.rtmps {
            Some((addr, tls)) => Some((listen(*addr, "rtmps").await?, tls.clone())),
            None => None,
        };
        let shared = Shared {
            config,
            keys: Keys::new(deps.store.clone()),
            deps,
            stats: Arc::default(),
            addresses: Mutex::default(),
        };
        Ok(Self { rtmp, rtmps, shared: Arc::new(shared) })
    }

    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.rtmp.local_addr()
    }

    pub fn rtmps_addr(&self) -> Option<SocketAddr> {
        self.rtmps.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    pub fn stats(&self) -> Arc<Stats> {
        self.shared.stats.clone()
    }

    /// Accepts until `shutdown`, then returns once every broadcast has ended.
    pub async fn run(self, shutdown: CancellationToken) {
        let (hub, store) = (self.shared.deps.hub.clone(), self.shared.deps.store.clone());
        let config = &self.shared.config;
        let settings =
            Settings { limits: config.limits, broadcast: config.broadcast, max_broadcasts: config.max_broadcasts };
        let leases = Leases::new(store.clone(), config.node.clone());
        let publishers = Publishers::new(hub, store, leases, settings, shutdown.clone());
        if let Err(error) = publishers.resume(true).await {
            warn!(%error, "cannot look for broadcasts to go on with");
        }
        let _left = AbortOnDropHandle::new(tokio::spawn(look_for_left(publishers.clone(), shutdown.clone())));
        let sessions = TaskTracker::new();
        let mut number = 0u64;
        loop {
            let (socket, tls) = tokio::select! {
                accepted = self.rtmp.accept() => (accepted, None),
                accepted = accept_tls(&self.rtmps) => accepted,
                () = shutdown.cancelled() => break,
            };
            let (socket, peer) = match socket {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, most likely: give the sessions that end a moment.
                    debug!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Some(seat) = self.shared.seat(peer.ip()) else {
                self.shared.stats.over_limit.fetch_add(1, Relaxed);
                continue;
            };
            self.shared.stats.accepted.fetch_add(1, Relaxed);
            number += 1;
            let span = info_span!("rtmp", session = number, %peer);
            let connection = Connection { number, shared: self.shared.clone(), publishers: publishers.clone() };
            let work = async move {
                let ended = connection.serve(socket, tls).await;
                if let Err(error) = ended {
                    seat.shared.stats.failed.fetch_add(1, Relaxed);
                    info!(%error, "session ended");
                }
            };
            sessions.spawn(work.instrument(span));
        }
        publishers.drained().await;
        sessions.close();
        let _ = timeout(GOODBYE, sessions.wait()).await;
    }
}

/// Broadcasts that no process writes any more are taken up by whoever looks first.
async fn look_for_left(publishers: Publishers, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(LEFT_EVERY)).await.is_some() {
        // While the database is away there is nothing to be found; others say so.
        let _ = publishers.resume(false).await;
    }
}

async fn accept_tls(
    rtmps: &Option<(TcpListener, TlsAcceptor)>,
) -> (std::io::Result<(TcpStream, SocketAddr)>, Option<TlsAcceptor>) {
    match rtmps {
        Some((listener, tls)) => (listener.accept().await, Some(tls.clone())),
        None => std::future::pending().await,
    }
}

#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Protocol(#[from] SessionError),
    #[error(transparent)]
    Media(#[from] FlvError),
    #[error("connection: {0}")]
    Io(#[from] std::io::Error),
    #[error("no stream key was accepted in time")]
    Deadline,
    #[error("nothing was received for too long")]
    Idle,
    #[error("refused: {0}")]
    Refused(String),
}

struct Connection {
    number: u64,
    shared: Arc<Shared>,
    publishers: Publishers,
}

/// The channel that this session feeds.
struct Feeding {
    channel: Channel,
    /// Of the stream key that it came with.
    key_hash: String,
    owner: mpsc::Sender<Command>,
    /// Until it was heard.
    kicked: Option<oneshot::Receiver<Kick>>,
}

/// Room for what one message holds, kept so that a message costs no allocation.
#[derive(Default)]
struct Tags {
    video: Vec<VideoTag>,
    audio: Vec<AudioTag>,
    commands: Vec<Command>,
}

impl Connection {
    async fn serve(self, socket: TcpStream, tls: Option<TlsAcceptor>) -> Result<(), Ended> {
        socket.set_nodelay(true)?;
        let deadline = Instant::now() + self.shared.config.publish_deadline;
        match tls {
            None => self.drive(socket, deadline).await,
            Some(tls) => {
                let socket = timeout_at(deadline, tls.accept(socket)).await.map_err(|_| Ended::Deadline)??;
                self.drive(socket, deadline).await
            }
        }
    }

    async fn drive<S: AsyncRead + AsyncWrite + Unpin>(&self, mut socket: S, deadline: Instant) -> Result<(), Ended> {
        let mut session = Session::default();
        let mut feeding = None;
        let result = self.exchange(&mut socket, &mut session, &mut feeding, deadline).await;
        // Until the owner knows of the end, it can be heard: one that cannot has failed.
        if let Some(Feeding { owner, channel, key_hash, kicked: _heard }) = feeding {
            let unsupported = matches!(result, Err(Ended::Media(FlvError::VideoCodec(_) | FlvError::AudioCodec(_))));
            if let (true, Err(error)) = (unsupported, &result) {
                self.shared.deps.hub.set_refusal(&channel.name, Some(error.to_string()));
                let _ = session.reject(REJECTED, &error.to_string());
            }
            let on_purpose = result.is_ok() || unsupported || matches!(result, Err(Ended::Refused(_)));
            if !on_purpose {
                self.shared.keys.still(&key_hash);
            }
            let _ = owner.send(Command::Detach { session: self.number, on_purpose }).await;
        }
        let goodbye = async {
            socket.write_all(&session.output()).await?;
            socket.shutdown().await?;
            // A connection that is closed while something is on its way takes our last words with it, and to
            // an encoder that says goodbye in several of its own, it has failed.
            tokio::io::copy(&mut socket, &mut tokio::io::sink()).await
        };
        let _ = timeout(GOODBYE, goodbye).await;
        result
    }

    async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut S,
        session: &mut Session,
        feeding: &mut Option<Feeding>,
        deadline: Instant,
    ) -> Result<(), Ended> {
        let mut buffer = vec![0; READ_BYTES];
        let mut events = Vec::new();
        let mut tags = Tags::default();
        // The server goes, and the encoder has been asked to connect anew.
        let mut leaving = false;
        // One timer that is looked at when it fires: to set it with every read costs more than the read's parsing.
        let alarm = sleep_until(deadline);
        tokio::pin!(alarm);
        let mut until = deadline;
        loop {
            let publishing = feeding.is_some();
            let kicked = async {
                match feeding {
                    Some(Feeding { kicked: Some(kicked), .. }) => {
                        kicked.await.unwrap_or_else(|_| Kick::Refused(FAILED.into()))
                    }
                    _ => std::future::pending().await,
                }
            };
            let received = tokio::select! {
                received = socket.read(&mut buffer) => received?,
                () = &mut alarm => {
                    if until <= Instant::now() && leaving {
                        return Err(Ended::Refused(RESTARTING.into()));
                    }
                    if until <= Instant::now() {
                        return Err(if publishing { Ended::Idle } else { Ended::Deadline });
                    }
                    alarm.as_mut().reset(until);
                    continue;
                }
                kick = kicked => {
                    let reason = match kick {
                        Kick::Refused(reason) => reason,
                        Kick::Restarting if session.request_reconnect(RESTARTING)? => {
                            socket.write_all(&session.output()).await?;
                            if let Some(feeding) = feeding {
                                feeding.kicked = None;
                            }
                            // It sends on until its next key frame, and what it sends is still taken.
                            leaving = true;
                            until = Instant::now() + HANDOVER;
                            alarm.as_mut().reset(until);
                            continue;
                        }
                        Kick::Restarting => RESTARTING.to_owned(),
                    };
                    session.reject(REJECTED, &reason)?;
                    return Err(Ended::Refused(reason));
                }
            };
            if received == 0 {
                return Err(Ended::Io(std::io::ErrorKind::UnexpectedEof.into()));
            }
            fail::fail_point!("ingest::session");
            session.input(&buffer[..received], &mut events)?;
            let mut queue = std::collections::VecDeque::from(std::mem::take(&mut events));
            while let Some(event) = queue.pop_front() {
                match event {
                    Event::Publish { key } => {
                        *feeding = Some(self.authenticate(session, &key).await?);
                        alarm.as_mut().reset(Instant::now() + self.shared.config.idle);
                        session.accept(&mut events)?;
                        queue.extend(events.drain(..));
                    }
                    Event::Unpublish => return Ok(()),
                    media => {
                        let Some(feeding) = feeding.as_ref() else { continue };
                        // A closed queue means that the owner has kicked us; the reason is on its way.
                        self.commands(media, &mut tags)?;
                        for command in tags.commands.drain(..) {
                            let _ = feeding.owner.send(command).await;
                        }
                    }
                }
            }
            socket.write_all(&session.output()).await?;
            if feeding.is_some() && !leaving {
                until = Instant::now() + self.shared.config.idle;
            }
        }
    }

    /// Fills `tags.commands` with what an event says.
    fn commands(&self, event: Event, tags: &mut Tags) -> Result<(), FlvError> {
        let session = self.number;
        let Tags { video, audio, commands } = tags;
        match event {
            Event::Video { ts, data } => {
                // The bytes of a message are counted once.
                let mut bytes = data.len();
                flv::video(data, video)?;
                commands.extend(video.drain(..).map(|tag| {
                    let bytes = std::mem::take(&mut bytes);
                    Command::Video { session, ts, tag, bytes }
                }));
            }
            Event::Audio { ts, data } => {
                let mut bytes = data.len();
                flv::audio(data, audio)?;
                commands.extend(audio.drain(..).map(|tag| {
                    let bytes = std::mem::take(&mut bytes);
                    Command::Audio { session, ts, tag, bytes }
                }));
            }
            Event::Metadata(metadata) => commands.push(Command::Metadata { session, metadata }),
            Event::Publish { .. } | Event::Unpublish => {}
        }
        Ok(())
    }

    async fn authenticate(&self, session: &mut Session, key: &str) -> Result<Feeding, Ended> {
        // Encoders append parameters such as ?bandwidthtest=1.
        let (key, parameters) = key.split_once('?').unwrap_or((key, ""));
        let standby = parameters.split('&').any(|parameter| parameter == STANDBY);
        let (key_hash, channel) = match StreamKey::parse(key) {
            None => (String::new(), Ok(None)),
            Some(key) => (key.hash().to_hex(), self.shared.keys.holder(&key).await),
        };
        let refuse = |session: &mut Session, reason: &str| {
            self.shared.stats.refused_keys.fetch_add(1, Relaxed);
            session.reject(BAD_NAME, reason)?;
            Err(Ended::Refused(reason.to_owned()))
        };
        match channel {
            Ok(Some(KeyHolder { suspended: Some(suspension), channel, .. })) => {
                let reason = match suspension.reason.as_str() {
                    "" => "this channel is suspended".to_owned(),
                    reason => format!("this channel is suspended: {reason}"),
                };
                self.publishers.refused(&channel, &reason);
                refuse(session, &reason)
            }
            Ok(Some(KeyHolder { channel, key_id, suspended: None })) => {
                if standby && self.publishers.is_fed(&channel) {
                    return refuse(
                        session,
                        "another encoder is on air, from which a standby does not take the channel",
                    );
                }
                let (kick, kicked) = oneshot::channel();
                let owner = match self.publishers.attach(&channel, key_id, self.number, kick).await {
                    Ok(owner) => owner,
                    Err(unavailable) => {
                        self.publishers.refused(&channel, &unavailable.to_string());
                        return refuse(session, &unavailable.to_string());
                    }
                };
                info!(channel = %channel.name, "publishing");
                Ok(Feeding { channel, key_hash, owner, kicked: Some(kicked) })
            }
            Ok(None) if key.trim().is_empty() => refuse(session, "no stream key; copy it from your Go live page"),
            Ok(None) => refuse(session, "wrong stream key; copy it again from your Go live page"),
            Err(Unknown) => refuse(session, "the server's database does not answer; try again in a moment"),
        }
    }
}
