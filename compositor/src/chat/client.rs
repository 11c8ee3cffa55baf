//! The connection to a chat: a guest, who reads. It comes back by itself.

use super::room::Room;
use crate::clock::Clock;
use crate::frames::lock;
use crate::outputs::{Event, Machine, State, Trust};
use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use rivulet_outside::Client;
use rivulet_protocol::chat::{ClientFrame, Hello, ServerFrame};
use rivulet_scene::Line;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::CancellationToken;
use url::Url;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The server pings more often.
const SILENT: Duration = Duration::from_secs(125);
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// From this close code on, coming back would not help.
const FOR_GOOD: u16 = 4_500;

/// Why a connection ended; the second, if it would again.
enum Ended {
    Lost(anyhow::Error),
    Refused(String),
}

impl<E: Into<anyhow::Error>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Lost(error.into())
    }
}

struct Shared {
    url: Url,
    machine: Mutex<Machine>,
    lines: Mutex<Arc<Vec<Line>>>,
    outside: Client,
    trust: Trust,
    clock: Clock,
}

/// Handle; the connection ends with it.
pub struct Chat {
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Drop for Chat {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Chat {
    /// `changed` is called when its state is another.
    pub fn spawn(
        url: Url,
        outside: Client,
        trust: Trust,
        clock: Clock,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (machine, lines) = Default::default();
        let shared = Arc::new(Shared { url, machine, lines, outside, trust, clock });
        let stop = CancellationToken::new();
        let (own, ended) = (shared.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = own.run(&changed) => {}
                () = ended.cancelled() => {}
            }
        });
        Self { shared, stop }
    }

    /// What is to be seen now, the newest last.
    pub fn lines(&self) -> Arc<Vec<Line>> {
        lock(&self.shared.lines).clone()
    }

    pub fn state(&self) -> State {
        lock(&self.shared.machine).state(self.shared.clock.now())
    }
}

impl Shared {
    fn on(&self, event: Event) {
        lock(&self.machine).on(event, self.clock.now(), rand::random());
    }

    async fn run(&self, changed: &(impl Fn() + Sync)) {
        loop {
            self.on(Event::Start);
            let ended = self.live(changed).await;
            match ended {
                Err(Ended::Refused(reason)) => self.on(Event::Refused(reason)),
                Err(Ended::Lost(error)) => self.on(Event::Lost(format!("{error:#}"))),
                Ok(()) => self.on(Event::Lost("the server hung up".into())),
            }
            changed();
            let wake = lock(&self.machine).wake();
            sleep(wake.map_or(SILENT, |wake| self.clock.until(wake))).await;
            self.on(Event::Woken);
        }
    }

    async fn live(&self, changed: &(impl Fn() + Sync)) -> Result<(), Ended> {
        let tcp = timeout(CONNECT_WITHIN, self.connect()).await.context("nothing answers in time")??;
        match self.url.scheme() {
            "wss" => {
                let host = self.url.host_str().unwrap_or_default().to_owned();
                let tls = timeout(CONNECT_WITHIN, self.trust.connect(host, tcp)).await;
                self.converse(tls.context("nothing answers in time")??, changed).await
            }
            _ => self.converse(tcp, changed).await,
        }
    }

    /// To an address that was looked at.
    async fn connect(&self) -> anyhow::Result<TcpStream> {
        let port = self.url.port_or_known_default().unwrap_or_default();
        let mut failure = None;
        for address in self.outside.reach(&self.url).await? {
            match TcpStream::connect((address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Some(error),
            }
        }
        bail!("nothing answers: {}", failure.map_or_else(String::new, |error| error.to_string()))
    }

    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        changed: &(impl Fn() + Sync),
    ) -> Result<(), Ended> {
        let bounded = Some(MAX_MESSAGE_BYTES);
        let config = WebSocketConfig::default().max_message_size(bounded).max_frame_size(bounded);
        let opening = client_async_with_config(self.url.as_str(), stream, Some(config));
        let (mut socket, _) = timeout(CONNECT_WITHIN, opening).await.context("nothing answers in time")??;
        let hello = ClientFrame::Hello(Hello { v: 1, ..Hello::default() });
        socket.send(Message::text(serde_json::to_string(&hello)?)).await?;
        let mut room = Room::default();
        loop {
            let message = timeout(SILENT, socket.next()).await.context("nothing comes")?;
            match message.transpose()? {
                Some(Message::Text(text)) => {
                    // Kinds will be added: what cannot be read is left out.
                    let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) else { continue };
                    if matches!(frame, ServerFrame::Welcome(_)) {
                        self.on(Event::Live);
                        changed();
                    }
                    if room.hear(frame, self.clock.now()) {
                        *lock(&self.lines) = Arc::new(room.lines());
                    }
                }
                Some(Message::Close(Some(close))) if u16::from(close.code) >= FOR_GOOD => {
                    return Err(Ended::Refused(format!("the server closed it: {}", close.reason)));
                }
                Some(Message::Close(_)) | None => return Ok(()),
                Some(_) => {}
            }
        }
    }
}
