//! One input: a task that keeps its worker processes running, reads what they send, and ends them
//! when they hang. What goes wrong is tried again after a while; nothing of it touches the programme.

use super::playout::{Picture, Playout};
use super::wire::{MAX_MESSAGE_BYTES, Message, Request, Task, Way};
use crate::clock::Clock;
use crate::frames::lock;
use crate::outputs::{Event, Machine, State as Connection};
use anyhow::{Context, bail};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// For connecting, and finding out what it is.
const OPEN_WITHIN: Duration = Duration::from_secs(20);
/// Without a message for so long, the worker hangs, or its source does.
const SILENT: Duration = Duration::from_secs(12);
/// What the program is called with to be a worker.
pub const WORKER: &str = "compositor-input";
const MAX_REASON_CHARS: usize = 200;

/// What an input plays.
#[derive(Debug, Clone)]
pub enum Media {
    /// An address that was looked at.
    Url(String),
    /// A file of this machine.
    File(PathBuf),
}

/// All that a worker is told, and where it is.
#[derive(Debug, Clone)]
pub struct Plan {
    pub program: PathBuf,
    pub media: Media,
    pub looped: bool,
    /// Pictures are made to fit.
    pub size: (u16, u16),
    /// Between pictures of the programme, in microseconds.
    pub interval: i64,
    pub way: Way,
}

impl Plan {
    fn request(&self) -> Request {
        let (url, file) = match &self.media {
            Media::Url(url) => (url.clone(), false),
            Media::File(path) => (path.display().to_string(), true),
        };
        let ((width, height), interval) = (self.size, self.interval);
        Request { url, file, looped: self.looped, width, height, interval }
    }

    /// A server that sends on whether it is read or not.
    fn is_live(&self) -> bool {
        matches!(&self.media, Media::Url(url) if url.starts_with("rtmp"))
    }
}

/// What people see of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    Connecting,
    Live,
    /// It is connected, and nothing comes.
    Stalled,
    /// It is tried again by itself.
    Waiting {
        seconds: u32,
        reason: String,
    },
    /// It leads where no input may; it is asked again after a long time.
    Refused {
        seconds: u32,
        reason: String,
    },
    /// It has played to its end.
    Ended,
}

impl State {
    pub const NAMES: [&'static str; 6] = ["connecting", "live", "stalled", "waiting", "refused", "ended"];

    pub fn name(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Stalled => "stalled",
            Self::Waiting { .. } => "waiting",
            Self::Refused { .. } => "refused",
            Self::Ended => "ended",
        }
    }
}

#[derive(Default)]
pub struct Counters {
    pub pictures: AtomicU64,
    pub restarts: AtomicU64,
}

struct Shared {
    machine: Mutex<Machine>,
    ended: Mutex<bool>,
    counters: Counters,
    playout: Playout,
    clock: Clock,
    /// Process id of the worker that decodes, for tests that end it.
    pid: Mutex<Option<u32>>,
}

/// Handle; the input ends with it.
pub struct Input {
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Drop for Input {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Input {
    /// Starts it. `changed` is called when its state is another.
    pub fn spawn(plan: Plan, clock: Clock, changed: impl Fn() + Send + Sync + 'static) -> Self {
        let playout = Playout::new(plan.interval);
        let shared = Arc::new(Shared {
            machine: Mutex::default(),
            ended: Mutex::default(),
            counters: Counters::default(),
            playout,
            clock,
            pid: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let (own, ended) = (shared.clone(), stop.clone());
        tokio::spawn(async move {
            let work = own.run(&plan, &changed);
            tokio::select! {
                () = work => {}
                () = ended.cancelled() => {}
            }
        });
        Self { shared, stop }
    }

    pub fn playout(&self) -> &Playout {
        &self.shared.playout
    }

    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    pub fn state(&self) -> State {
        let now = self.shared.clock.now();
        if *lock(&self.shared.ended) {
            return State::Ended;
        }
        match lock(&self.shared.machine).state(now) {
            Connection::Live if !self.shared.playout.has_signal(now) => State::Stalled,
            Connection::Live => State::Live,
            Connection::Off | Connection::Connecting => State::Connecting,
            Connection::Waiting { seconds, reason } => State::Waiting { seconds, reason },
            Connection::Refused { seconds, reason } => State::Refused { seconds, reason },
        }
    }

    #[cfg(test)]
    pub fn pid(&self) -> Option<u32> {
        *lock(&self.shared.pid)
    }
}

impl Shared {
    fn on(&self, event: Event) {
        lock(&self.machine).on(event, self.clock.now(), rand::random());
    }

    async fn run(&self, plan: &Plan, changed: &(impl Fn() + Sync)) {
        loop {
            self.on(Event::Start);
            changed();
            match self.live(plan, changed).await {
                Ok(Some(Message::Failed { reason, refused: true })) => self.on(Event::Refused(bounded(&reason))),
                Ok(Some(Message::Failed { reason, .. })) => self.on(Event::Lost(bounded(&reason))),
                Ok(_) => {
                    *lock(&self.ended) = true;
                    self.playout.end();
                    changed();
                    return;
                }
                Err(error) => self.on(Event::Lost(bounded(&format!("{error:#}")))),
            }
            *lock(&self.pid) = None;
            self.counters.restarts.fetch_add(1, Relaxed);
            changed();
            let wake = lock(&self.machine).wake();
            sleep(wake.map_or(SILENT, |wake| self.clock.until(wake))).await;
            self.on(Event::Woken);
        }
    }

    /// The life of one process. Answers its last message.
    async fn live(&self, plan: &Plan, changed: &(impl Fn() + Sync)) -> anyhow::Result<Option<Message>> {
        let mut workers = Workers::spawn(plan).context("no worker can be started")?;
        *lock(&self.pid) = workers.decoder.id();
        let Some(stdout) = workers.decoder.stdout.take() else { bail!("a worker without a pipe") };
        let mut stdout = BufReader::with_capacity(64 * 1024, stdout);
        self.playout.restart(plan.is_live());
        let mut within = OPEN_WITHIN;
        loop {
            let next = timeout(within, read(&mut stdout)).await;
            let Ok(message) = next else { bail!("nothing comes") };
            let Some((message, payload)) = message? else {
                bail!("its worker ended: {}", exit(&mut workers.decoder).await)
            };
            let now = self.clock.now();
            let wait = match message {
                Message::Opened { .. } => {
                    within = SILENT;
                    self.on(Event::Live);
                    changed();
                    0
                }
                Message::Picture { pts, width, height } => {
                    self.counters.pictures.fetch_add(1, Relaxed);
                    self.playout.picture(pts, Picture { width, height, planes: payload }, now)
                }
                Message::Sound { pts, .. } => {
                    let (samples, _) = payload.as_chunks::<4>();
                    let samples: Vec<f32> = samples.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
                    self.playout.sound(pts, samples.as_chunks::<2>().0, now)
                }
                last @ (Message::Ended | Message::Failed { .. }) => return Ok(Some(last)),
            };
            if wait > 0 {
                sleep(Duration::from_micros(wait as u64)).await;
            }
        }
    }
}

/// Whether a worker can open it; why not.
pub async fn probe(plan: &Plan) -> Result<(), String> {
    let opening = async {
        let mut workers = Workers::spawn(plan)?;
        let Some(stdout) = workers.decoder.stdout.take() else { bail!("a worker without a pipe") };
        match read(&mut BufReader::new(stdout)).await? {
            Some((Message::Opened { picture: true, .. }, _)) => Ok(()),
            Some((Message::Opened { .. }, _)) => bail!("there is no picture in it"),
            Some((Message::Failed { reason, .. }, _)) => bail!("{reason}"),
            _ => bail!("its worker ended"),
        }
    };
    match timeout(OPEN_WITHIN, opening).await {
        Ok(opened) => opened.map_err(|error| bounded(&format!("{error:#}"))),
        Err(_) => Err("it takes too long to open".into()),
    }
}

fn bounded(reason: &str) -> String {
    reason.chars().take(MAX_REASON_CHARS).collect()
}

/// The processes of an input; they end with this.
struct Workers {
    decoder: Child,
    /// None for what is there already.
    _fetcher: Option<Child>,
}

impl Workers {
    /// Each finds its task on the socket between them, before all that the other one says.
    fn spawn(plan: &Plan) -> anyhow::Result<Self> {
        let (decoding, fetching) = UnixStream::pair()?;
        tell(&fetching, &Task::Decode(plan.request()))?;
        let fetcher = match plan.media {
            Media::Url(_) => {
                tell(&decoding, &Task::Fetch(plan.way.clone()))?;
                Some(run(plan, fetching, Stdio::null())?)
            }
            Media::File(_) => None,
        };
        Ok(Self { decoder: run(plan, decoding, Stdio::piped())?, _fetcher: fetcher })
    }
}

fn tell(mut other: &UnixStream, task: &Task) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(task)?;
    line.push(b'\n');
    Ok(other.write_all(&line)?)
}

fn run(plan: &Plan, socket: UnixStream, stdout: Stdio) -> std::io::Result<Child> {
    Command::new(&plan.program)
        .arg(WORKER)
        .env_clear()
        .stdin(OwnedFd::from(socket))
        .stdout(stdout)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
}

/// The next message and what is behind it; `None` at the end of the pipe.
async fn read(pipe: &mut BufReader<ChildStdout>) -> anyhow::Result<Option<(Message, Vec<u8>)>> {
    let mut length = [0; 4];
    match pipe.read_exact(&mut length).await {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_MESSAGE_BYTES {
        bail!("its worker sent a message of {length} bytes");
    }
    let mut message = vec![0; length];
    pipe.read_exact(&mut message).await?;
    let message: Message = serde_json::from_slice(&message)?;
    let mut payload = vec![0; message.payload().context("its worker sent a picture or sound of a strange size")?];
    pipe.read_exact(&mut payload).await?;
    Ok(Some((message, payload)))
}

async fn exit(child: &mut Child) -> String {
    match timeout(Duration::from_secs(1), child.wait()).await {
        Ok(Ok(status)) => status.to_string(),
        _ => "it still runs".into(),
    }
}
