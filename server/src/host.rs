//! A channel that is hosted by the compositor. The compositor is a child process of this same binary,
//! since it encodes, and libav never runs in the server. Like any of its clients, we tell it by its API
//! where to send its picture: to our own ingest, with a key of the channel. It ends when its standard
//! input does, which is when we end, however that happens; until then it is started again.

use crate::config::Serve;
use crate::demo;
use anyhow::{Context, bail};
use axum::body::Body;
use hyper::Request;
use hyper_util::rt::TokioIo;
use rivulet_protocol::rest::StreamKeyInfo;
use rivulet_store::{Channel, Store, StreamKey};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The name of the key that the compositor has, among the channel's.
const KEY: &str = "compositor";
/// The name of its output.
const OUTPUT: &str = "here";
const STARTS_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(100);
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// After the end of its input: it ends its stream, and writes down what it has not yet.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(5);
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// Which channel is hosted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosted {
    /// Somebody's, who makes its scene in the editor.
    Channel(String),
    Demo,
}

pub struct Host {
    store: Store,
    hosted: Hosted,
    rtmp: SocketAddr,
    data: PathBuf,
    api: Api,
}

impl Host {
    pub fn new(settings: &Serve, hosted: Hosted, store: Store, rtmp: SocketAddr) -> Self {
        let api = Api { address: settings.compositor_http, token: settings.compositor_token.clone() };
        Self { store, hosted, rtmp, data: settings.storage.data.join("compositor"), api }
    }

    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.broadcast(&shutdown).await {
                warn!("the compositor is started again: {}", crate::one_line(&error));
            }
            tokio::select! {
                () = sleep(AGAIN) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// From the start of the compositor to its end.
    async fn broadcast(&self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let mut child = self.spawn()?;
        let input = child.stdin.take();
        let ended = tokio::select! {
            told = self.tell() => match told {
                Ok(()) => tokio::select! {
                    status = child.wait() => Err(anyhow::anyhow!("it ended: {}", status?)),
                    () = shutdown.cancelled() => Ok(()),
                },
                Err(error) => Err(error),
            },
            status = child.wait() => Err(anyhow::anyhow!("it ended: {}", status?)),
            () = shutdown.cancelled() => Ok(()),
        };
        drop(input);
        if timeout(ENDS_WITHIN, child.wait()).await.is_err() {
            child.kill().await.context("cannot end the compositor")?;
        }
        ended
    }

    /// What is not said here it reads from the environment, which is ours.
    fn spawn(&self) -> anyhow::Result<Child> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        command.args(["compositor", "--attached", "--http"]).arg(self.api.address.to_string());
        command.arg("--data").arg(&self.data);
        if self.hosted == Hosted::Demo {
            // Less work than what it does by itself; the scene is drawn for this size.
            command.args(["--stream-resolution", demo::SIZE]);
        }
        if let Some(token) = &self.api.token {
            command.env("RIVULET_COMPOSITOR_TOKEN", token);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
        command.spawn().context("cannot start the compositor")
    }

    async fn tell(&self) -> anyhow::Result<()> {
        let channel = match &self.hosted {
            Hosted::Demo => demo::channel(&self.store).await?,
            Hosted::Channel(name) => self.store.channel_by_name(name).await?.with_context(|| {
                format!("there is no channel {name:?} to be hosted; make it first, or leave --hosted out")
            })?,
        };
        self.api.answers().await?;
        if self.hosted == Hosted::Demo {
            demo::set_up(&self.api).await?;
        }
        let url = format!("rtmp://{}/live", local(self.rtmp));
        let known = self.store.keys_of(&channel.id).await?.into_iter().find(|known| known.name == KEY);
        // One that goes on where it was is left alone: to be told anew would end its broadcast.
        let outputs = self.api.get("/v1/outputs").await?;
        let goes_on =
            outputs.as_array().is_some_and(|all| all.iter().any(|own| own["id"] == OUTPUT && own["url"] == url));
        if !(goes_on && known.is_some()) {
            let key = self.key(&channel, known).await?;
            // It makes way for an encoder of the broadcaster's own.
            let key = format!("{}?standby=1", key.reveal());
            let output = json!({ "platform": "rivulet", "url": url, "key": key });
            self.api.send("PUT", &format!("/v1/outputs/{OUTPUT}"), &output).await?;
        }
        info!("the compositor hosts channel={} editor=http://{}/", channel.name, local(self.api.address));
        Ok(())
    }

    /// A new one instead of `known`. The channel's other keys stay.
    async fn key(&self, channel: &Channel, known: Option<StreamKeyInfo>) -> anyhow::Result<StreamKey> {
        if let Some(known) = known {
            self.store.revoke_key(&channel.id, &known.id).await?;
        }
        Ok(self.store.add_key(&channel.id, KEY, rivulet_hub::clock::now_ms()).await?.1)
    }
}

/// As somebody on this machine reaches it.
fn local(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        _ => address,
    }
}

/// The compositor's API, as its client.
pub struct Api {
    address: SocketAddr,
    token: Option<String>,
}

impl Api {
    /// Returns once it does.
    async fn answers(&self) -> anyhow::Result<()> {
        let asking = async {
            while TcpStream::connect(local(self.address)).await.is_err() {
                sleep(ASK_EVERY).await;
            }
        };
        timeout(STARTS_WITHIN, asking).await.context("the compositor did not start in time")
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.call("GET", path, "application/json", Vec::new()).await?)?)
    }

    pub async fn send(&self, method: &str, path: &str, body: &serde_json::Value) -> anyhow::Result<()> {
        self.call(method, path, "application/json", body.to_string().into_bytes()).await.map(drop)
    }

    pub async fn call(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let exchange = async {
            let stream = TcpStream::connect(local(self.address)).await?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let mut request = Request::builder().method(method).uri(path);
            request = request.header("host", local(self.address).to_string()).header("content-type", kind);
            if let Some(token) = &self.token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let response = sender.send_request(request.body(Body::from(body))?).await?;
            let status = response.status();
            let answer = axum::body::to_bytes(Body::new(response.into_body()), MAX_ANSWER_BYTES).await?;
            if !status.is_success() {
                bail!("the compositor answered {status}: {}", String::from_utf8_lossy(&answer));
            }
            anyhow::Ok(answer.to_vec())
        };
        let answer = timeout(ANSWERS_WITHIN, exchange).await;
        answer.unwrap_or_else(|_| bail!("no answer in time")).with_context(|| format!("{method} {path}"))
    }
}
