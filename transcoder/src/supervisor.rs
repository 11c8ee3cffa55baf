//! One task for each broadcast: reads the source, plans, passes on what is remuxed, and keeps a
//! worker process running for what is watched. A worker that dies is replaced at once: it decodes
//! from the last key frames on and encodes what comes after the last picture that was delivered.

use crate::ladder::Ladder;
use crate::pipe;
use crate::planner::{Output as Planned, Planner, Wanted};
use crate::shed::Shedder;
use crate::slate::Slates;
use anyhow::Context as _;
use bytes::Bytes;
use rivulet_hub::{Broadcast, Feed, Format, Hub, Lagged, Order, Program, Reader, RenditionKind, Starts};
use rivulet_media::{AudioCodec, AudioFormat, Packet, VideoCodec, VideoFormat, ms_from_ticks};
use rivulet_protocol::worker::{Input, Output, Period, Rung};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info, info_span, warn};

/// What the worker may be behind: about 20 s of a heavy stream. Beyond, it skips ahead.
const LOG_ITEMS: usize = 1_024;
const LOG_BYTES: usize = 64 * 1024 * 1024;
/// Key frames that a new worker may begin at.
const RESTARTS: usize = 16;
/// A worker with input that says nothing for this long hangs.
const SILENT: Duration = Duration::from_secs(5);
/// For the pictures still inside encoders at the end.
const FINISH: Duration = Duration::from_secs(4);
const MAX_BACKOFF: Duration = Duration::from_millis(1_600);
/// A worker that has just begun is behind for a while.
const CATCH_UP: Duration = Duration::from_secs(8);
const FAILED: &str = "the server has failed at this broadcast; start another one";
const THUMBNAIL_WITHIN: Duration = Duration::from_secs(5);
const THUMBNAILS_AT_ONCE: usize = 2;

#[derive(Clone)]
pub struct Config {
    /// The one that holds for broadcasts that start from now on.
    pub ladder: watch::Receiver<Ladder>,
    /// How long a rung is made after the last request for it.
    pub warm: Duration,
    /// The program that is a worker when called with `args`.
    pub worker: PathBuf,
    pub args: Vec<OsString>,
}

#[derive(Clone)]
pub struct Deps {
    pub hub: Hub,
}

pub struct Transcoder {
    config: Arc<Config>,
    starts: Starts,
}

impl Transcoder {
    pub fn new(config: Config, deps: Deps) -> Self {
        Self { config: Arc::new(config), starts: deps.hub.starts() }
    }

    /// Serves every broadcast until `shutdown`, then returns once those that run have ended.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let tasks = TaskTracker::new();
        let slates = Arc::new(Slates::default());
        while let Some(Some(broadcast)) = shutdown.run_until_cancelled(self.starts.next()).await {
            let span = info_span!("transcode", channel = %broadcast.info.channel);
            let director = Director::new(self.config.clone(), slates.clone(), broadcast.clone());
            let work = async move {
                if tokio::spawn(director.run().in_current_span()).await.is_err() {
                    broadcast.program.push(Program::End { over: true }, 0);
                    broadcast.orders.send_replace(Some(Order::End { reason: FAILED.into() }));
                }
            };
            tasks.spawn(work.instrument(span));
        }
        tasks.close();
        tasks.wait().await;
    }
}

/// A place in the worker's log where decoding can begin, and the settings that hold there.
#[derive(Clone)]
struct Restart {
    position: u64,
    period: Arc<Period>,
    segment: u64,
    key: Arc<Input>,
}

/// What a worker has to do.
#[derive(Debug, Clone, Default, PartialEq)]
struct Need {
    period: u32,
    rungs: Vec<Rung>,
    audio: bool,
}

impl Need {
    fn is_some(&self) -> bool {
        self.audio || !self.rungs.is_empty()
    }
}

/// What the planner's side and the worker's side share.
struct Work {
    log: Feed<Arc<Input>>,
    restarts: Mutex<VecDeque<Restart>>,
    need: watch::Sender<Need>,
    finished: CancellationToken,
    /// Newest picture of the source, and since when a worker works on which.
    newest: AtomicI64,
    reached: Mutex<Option<(Instant, i64)>>,
}

impl Work {
    /// How far the worker is behind its source, once it has had time to catch up.
    fn lag(&self) -> Option<Duration> {
        let (since, reached) = (*self.reached.lock().unwrap_or_else(PoisonError::into_inner))?;
        let behind = ms_from_ticks(self.newest.load(Relaxed) - reached);
        (since.elapsed() > CATCH_UP).then(|| Duration::from_millis(behind.max(0).unsigned_abs()))
    }
}

struct Director {
    config: Arc<Config>,
    slates: Arc<Slates>,
    broadcast: Arc<Broadcast>,
    planner: Planner,
    work: Arc<Work>,
    /// The running period's description.
    period: Option<Arc<Period>>,
    /// Encoded rungs of the period from best to worst, made or not, that could be given up.
    sheddable: Vec<String>,
    shedder: Shedder,
    segment: u64,
}

impl Director {
    fn new(config: Arc<Config>, slates: Arc<Slates>, broadcast: Arc<Broadcast>) -> Self {
        let work = Arc::new(Work {
            log: Feed::new(LOG_ITEMS, LOG_BYTES),
            restarts: Mutex::default(),
            need: watch::Sender::new(Need::default()),
            finished: CancellationToken::new(),
            newest: AtomicI64::new(0),
            reached: Mutex::new(None),
        });
        let ladder = Ladder { latency: broadcast.info.latency, ..config.ladder.borrow().clone() };
        Self {
            planner: Planner::new(ladder, broadcast.info.first_number),
            config,
            slates,
            broadcast,
            work,
            period: None,
            sheddable: Vec::new(),
            shedder: Shedder::default(),
            segment: 0,
        }
    }

    async fn run(mut self) {
        let broadcast = self.broadcast.clone();
        let worker = Worker::new(self.config.clone(), broadcast.clone(), self.work.clone());
        let worker = tokio::spawn(worker.run().in_current_span());
        // However this ends, the worker has nothing more to wait for.
        let _finished = self.work.finished.clone().drop_guard();
        let mut source = broadcast.source.reader();
        let mut news = broadcast.demand.news();
        let mut slate_wanted = broadcast.slate_wanted.subscribe();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut planned = Vec::new();
        let over = 'source: loop {
            tokio::select! {
                item = source.next() => match item {
                    Ok(item) => {
                        fail::fail_point!("transcoder::director");
                        self.planner.push(item, &mut planned);
                    }
                    Err(Lagged(lost)) => warn!(lost, "transcoder fell behind its source"),
                },
                _ = news.changed() => self.demand(&mut planned),
                _ = second.tick() => {
                    self.shed();
                    self.demand(&mut planned);
                }
                () = broadcast.thumbnail_wanted.notified() => self.thumbnail(),
                _ = slate_wanted.changed() => self.slate(),
            }
            for item in planned.drain(..) {
                match item {
                    Planned::Program(program, bytes) => self.program(program, bytes),
                    Planned::Worker { input, bytes, restart } => self.feed(input, bytes, restart),
                    Planned::Rungs(rungs) => self.work.need.send_modify(|need| need.rungs = rungs),
                    Planned::End { over } => break 'source over,
                }
            }
        };
        self.work.finished.cancel();
        if timeout(FINISH * 2, worker).await.is_err() {
            warn!("worker did not finish");
        }
        broadcast.program.push(Program::End { over }, 0);
    }

    /// Tells the planner what is watched, but for what the machine has no time for.
    fn demand(&mut self, planned: &mut Vec<Planned>) {
        let wanted = self.broadcast.demand.wanted(self.config.warm);
        let shed = &self.broadcast.status.borrow().shed;
        let wanted = match self.broadcast.info.on_demand {
            true => Wanted::These(wanted.into_iter().filter(|name| !shed.contains(name)).collect()),
            false if shed.is_empty() => Wanted::All,
            false => Wanted::These(self.sheddable.iter().filter(|name| !shed.contains(name)).cloned().collect()),
        };
        self.planner.want(wanted, planned);
    }

    fn shed(&mut self) {
        let made = self.work.need.borrow().rungs.iter().filter(|rung| rung.rendition > 0).count();
        let given_up = self.broadcast.status.borrow().shed.len();
        let count = self.shedder.tick(Instant::now().into_std(), self.work.lag(), given_up + made);
        if count == given_up {
            return;
        }
        // The largest of those that are made; those given up before stay so.
        let need = self.work.need.borrow().clone();
        let made = |name: &&String| need.rungs.iter().any(|rung| rung.name == **name);
        self.broadcast.status.send_modify(|status| {
            match self.sheddable.iter().find(made).filter(|_| count > given_up) {
                Some(largest) => status.shed.push(largest.clone()),
                None => status.shed.truncate(count),
            }
            status.revision += 1;
        });
        warn!(shed = ?self.broadcast.status.borrow().shed, "the machine is short of time for these qualities");
    }

    /// One picture of a stream that nobody watches.
    fn thumbnail(&self) {
        let newest = self.work.restarts.lock().unwrap_or_else(PoisonError::into_inner).back().cloned();
        if self.work.need.borrow().is_some() {
            return;
        }
        if let Some(restart) = newest {
            let (config, broadcast) = (self.config.clone(), self.broadcast.clone());
            let picture = async move {
                match timeout(THUMBNAIL_WITHIN, thumbnail(&config, &restart)).await {
                    Ok(Ok(Some(picture))) => drop(broadcast.program.push(Program::Thumbnail(picture), 0)),
                    Ok(Ok(None)) => {}
                    Ok(Err(error)) => warn!(%error, "no thumbnail"),
                    Err(_) => warn!("no thumbnail in time"),
                }
            };
            tokio::spawn(picture.in_current_span());
        }
    }

    /// What the viewers see while the encoder is away.
    fn slate(&self) {
        let Some(like) = self.broadcast.slate_wanted.borrow().clone() else { return };
        let (config, slates, broadcast) = (self.config.clone(), self.slates.clone(), self.broadcast.clone());
        let slate = async move {
            match slates.get(&config, &like).await {
                Ok(slate) => drop(broadcast.slate.send_replace(Some(slate))),
                Err(error) => warn!(%error, "no slate"),
            }
        };
        tokio::spawn(slate.in_current_span());
    }

    fn program(&mut self, program: Program, bytes: usize) {
        match &program {
            Program::Period(period, cut) => {
                self.segment = cut.segment;
                // The best one cuts the segments and fills the recording.
                self.sheddable = period
                    .renditions
                    .iter()
                    .skip(1)
                    .filter(|rendition| rendition.encoded && rendition.kind != RenditionKind::Audio)
                    .map(|rendition| rendition.id.clone())
                    .collect();
                if period.number > self.broadcast.info.first_number {
                    self.broadcast.metrics.discontinuities.fetch_add(1, Relaxed);
                }
            }
            Program::Cut(cut) => self.segment = cut.segment,
            _ => {}
        }
        self.broadcast.program.push(program, bytes);
    }

    fn feed(&mut self, input: Arc<Input>, bytes: usize, restart: bool) {
        match &*input {
            Input::Period(period) => {
                let need = Need { period: period.number, rungs: period.rungs.clone(), audio: period.audio.is_some() };
                self.period = Some(Arc::new(period.clone()));
                self.work.need.send_replace(need);
            }
            Input::Video { pts, .. } => self.work.newest.store(*pts, Relaxed),
            _ => {}
        }
        let position = self.work.log.push(input.clone(), bytes);
        if let (true, Some(period)) = (restart, &self.period) {
            let mut restarts = self.work.restarts.lock().unwrap_or_else(PoisonError::into_inner);
            let first = restarts.is_empty();
            restarts.push_back(Restart { position, period: period.clone(), segment: self.segment, key: input });
            if restarts.len() > RESTARTS {
                restarts.pop_front();
            }
            if first {
                self.broadcast.thumbnail_wanted.notify_one();
            }
        }
    }
}

pub(crate) fn spawn(config: &Config) -> std::io::Result<Child> {
    Command::new(&config.worker)
        .args(&config.args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
}

/// A worker that lives for one key frame.
async fn thumbnail(config: &Config, restart: &Restart) -> anyhow::Result<Option<Bytes>> {
    static PLACES: Semaphore = Semaphore::const_new(THUMBNAILS_AT_ONCE);
    let _place = PLACES.acquire().await?;
    let mut child = spawn(config)?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        anyhow::bail!("a worker without pipes");
    };
    let period = Period { rungs: Vec::new(), audio: None, ..(*restart.period).clone() };
    stdin.write_all(&pipe::encode(&Input::Period(period))?).await?;
    stdin.write_all(&pipe::encode(&*restart.key)?).await?;
    drop(stdin);
    let mut picture = None;
    while let Some(message) = pipe::read_async(&mut stdout).await? {
        if let Output::Thumbnail { data } = message {
            picture = Some(data);
        }
    }
    Ok(picture)
}

/// What one rung has given so far.
struct Made {
    name: String,
    until: i64,
}

struct Worker {
    config: Arc<Config>,
    broadcast: Arc<Broadcast>,
    work: Arc<Work>,
    /// By period and rendition.
    made: Mutex<BTreeMap<(u32, u8), Made>>,
}

/// Why a worker's process has ended well.
enum Ended {
    Broadcast,
    Unwanted,
}

impl Worker {
    fn new(config: Arc<Config>, broadcast: Arc<Broadcast>, work: Arc<Work>) -> Self {
        Self { config, broadcast, work, made: Mutex::default() }
    }

    async fn run(self) {
        let mut need = self.work.need.subscribe();
        let mut failures = 0u32;
        loop {
            tokio::select! {
                biased;
                needed = need.wait_for(Need::is_some) => if needed.is_err() { return },
                () = self.work.finished.cancelled() => return,
            }
            let started = Instant::now();
            let result = self.live(self.restart(failures)).await;
            *self.work.reached.lock().unwrap_or_else(PoisonError::into_inner) = None;
            match result {
                Ok(Ended::Broadcast) => return,
                Ok(Ended::Unwanted) => failures = 0,
                Err(error) => {
                    self.broadcast.metrics.worker_restarts.fetch_add(1, Relaxed);
                    failures = if started.elapsed() > Duration::from_secs(10) { 1 } else { failures + 1 };
                    warn!(%error, failures, "worker ended; starting another");
                    if self.work.finished.is_cancelled() {
                        return;
                    }
                    // The first replacement comes at once; a stream that kills each one must not spin.
                    let backoff = Duration::from_millis(50) * 2u32.saturating_pow(failures.min(6) - 1);
                    tokio::time::sleep(backoff.min(MAX_BACKOFF)).await;
                }
            }
            let need = self.work.need.borrow().clone();
            self.forget(|period, rendition, _| {
                period == need.period && !need.rungs.iter().any(|rung| rung.rendition == rendition)
            });
        }
    }

    /// Where a worker begins: far enough back to have the newest whole segment or, where that has
    /// failed before, as late as possible.
    fn restart(&self, failures: u32) -> Option<Restart> {
        let restarts = self.work.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = restarts.back()?;
        if failures > 2 {
            return Some(newest.clone());
        }
        let wanted = newest.segment.saturating_sub(1);
        let before = restarts.iter().rev().find(|restart| restart.segment <= wanted);
        // The first key frame of that segment, if several are in it.
        let first = before.and_then(|before| restarts.iter().find(|restart| restart.segment == before.segment));
        first.or(restarts.front()).cloned()
    }

    /// The period as a worker has to begin it now: what is wanted by now, from where it was made.
    fn begin(&self, mut period: Period) -> Period {
        let need = self.work.need.borrow();
        if need.period == period.number {
            period.rungs.clone_from(&need.rungs);
        }
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        for rung in &mut period.rungs {
            rung.made_until = made.get(&(period.number, rung.rendition)).map(|made| made.until);
        }
        period
    }

    /// The life of one process.
    async fn live(&self, start: Option<Restart>) -> anyhow::Result<Ended> {
        let mut child = spawn(&self.config)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            anyhow::bail!("a worker without pipes");
        };
        info!(pid = child.id(), "worker runs");
        let (reader, first) = match start {
            None => (self.work.log.reader(), None),
            Some(restart) => (self.work.log.reader_from(restart.position).0, Some(restart.period)),
        };
        let pulse = Pulse::new();
        let feeding = self.feed(stdin, reader, first, &pulse);
        let receiving = self.receive(stdout, &pulse);
        tokio::pin!(feeding, receiving);
        tokio::select! {
            // All input is in: what is left comes out within a moment.
            fed = &mut feeding => {
                let ended = fed?;
                timeout(FINISH, &mut receiving).await??;
                Ok(ended)
            }
            received = &mut receiving => {
                received?;
                anyhow::bail!("its output ended: {}", exit(&mut child).await);
            }
            () = pulse.stops() => anyhow::bail!("it hangs"),
        }
    }

    async fn feed(
        &self,
        mut stdin: ChildStdin,
        mut log: Reader<Arc<Input>>,
        first: Option<Arc<Period>>,
        pulse: &Pulse,
    ) -> anyhow::Result<Ended> {
        let mut need = self.work.need.subscribe();
        let mut sent = Need::default();
        let mut skip_to_key = false;
        if let Some(period) = first {
            let period = self.begin((*period).clone());
            (sent.period, sent.rungs) = (period.number, period.rungs.clone());
            stdin.write_all(&pipe::encode(&Input::Period(period))?).await?;
        }
        let ended = loop {
            let item = tokio::select! {
                biased;
                // First, since it is how a worker that cannot keep up is relieved.
                changed = need.changed() => {
                    let now = need.borrow_and_update().clone();
                    if changed.is_err() || !now.is_some() {
                        stdin.write_all(&pipe::encode(&Input::Rungs(Vec::new()))?).await?;
                        break Ended::Unwanted;
                    }
                    // The rungs of a period that the worker has not seen yet come with it.
                    if now.period == sent.period && now.rungs != sent.rungs {
                        stdin.write_all(&pipe::encode(&Input::Rungs(now.rungs.clone()))?).await?;
                        sent = now;
                    }
                    continue;
                }
                item = log.next() => item,
                () = self.work.finished.cancelled() => break Ended::Broadcast,
            };
            match item {
                Err(Lagged(lost)) => {
                    // Too slow for real time: the newest pictures matter more than all of them.
                    warn!(lost, "worker fell behind and skips ahead");
                    self.broadcast.metrics.dropped_frames.fetch_add(lost, Relaxed);
                    if let Some(newest) = self.restart(u32::MAX) {
                        log = self.work.log.reader_from(newest.position).0;
                        let period = self.begin((*newest.period).clone());
                        (sent.period, sent.rungs) = (period.number, period.rungs.clone());
                        stdin.write_all(&pipe::encode(&Input::Period(period))?).await?;
                    }
                    skip_to_key = true;
                }
                Ok(input) => {
                    skip_to_key &= !matches!(&*input, Input::Video { key: true, .. } | Input::Period(_));
                    if skip_to_key {
                        continue;
                    }
                    let frame = match &*input {
                        Input::Period(period) => {
                            let period = self.begin(period.clone());
                            (sent.period, sent.rungs) = (period.number, period.rungs.clone());
                            pipe::encode(&Input::Period(period))?
                        }
                        input => pipe::encode(input)?,
                    };
                    stdin.write_all(&frame).await?;
                    pulse.fed.send_replace(Instant::now());
                }
            }
        };
        stdin.shutdown().await?;
        Ok(ended)
    }

    /// Tells the origin that nothing more comes of these rungs until somebody watches them.
    fn forget(&self, which: impl Fn(u32, u8, &Made) -> bool) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|(period, rendition), rung| {
            let idle = which(*period, *rendition, rung);
            if idle {
                self.broadcast.program.push(Program::Idle { period: *period, rendition: (*rendition).into() }, 0);
            }
            !idle
        });
    }

    async fn receive(&self, stdout: ChildStdout, pulse: &Pulse) -> anyhow::Result<()> {
        let mut stdout = BufReader::with_capacity(256 * 1024, stdout);
        while let Some(message) = pipe::read_async(&mut stdout).await? {
            pulse.heard.send_replace(Instant::now());
            self.output(message)?;
        }
        Ok(())
    }

    fn output(&self, message: Output) -> anyhow::Result<()> {
        let metrics = &self.broadcast.metrics;
        let (program, bytes) = match message {
            Output::VideoFormat { period, rendition, config } => {
                let config = Bytes::from(config);
                let format = VideoFormat::read(VideoCodec::Avc, &config, None)?;
                let format = Format::Video(format.context("a format without a size")?);
                let name = {
                    let need = self.work.need.borrow();
                    need.rungs.iter().find(|rung| rung.rendition == rendition).map(|rung| rung.name.clone())
                };
                let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
                made.entry((period, rendition))
                    .or_insert_with(|| Made { name: name.unwrap_or_default(), until: i64::MIN });
                drop(made);
                (Program::Format { period, rendition: rendition.into(), format }, 0)
            }
            Output::AudioFormat { period, rendition, config } => {
                let config = Bytes::from(config);
                let format = Format::Audio(AudioFormat::read(AudioCodec::Aac, &config)?);
                (Program::Format { period, rendition: rendition.into(), format }, 0)
            }
            Output::Video { period, rendition, dts, pts, key, segment, data } => {
                let bytes = data.len();
                let packet = Packet { dts, pts, key, data };
                if let Some(made) =
                    self.made.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&(period, rendition))
                {
                    made.until = made.until.max(pts);
                }
                (Program::Sample { period, rendition: rendition.into(), segment, packet }, bytes)
            }
            Output::Audio { period, rendition, pts, data } => {
                let bytes = data.len();
                let packet = Packet { dts: pts, pts, key: true, data };
                (Program::Sample { period, rendition: rendition.into(), segment: None, packet }, bytes)
            }
            Output::Finished { period } => {
                self.broadcast.program.push(Program::Finished { period }, 0);
                // A rung of the same name goes on in the next period.
                let need = self.work.need.borrow().clone();
                self.forget(|of, _, made| of <= period && !need.rungs.iter().any(|rung| rung.name == made.name));
                let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
                made.retain(|(of, _), _| *of > period);
                return Ok(());
            }
            Output::Stopped { period, rendition } => {
                self.forget(|of, index, _| (of, index) == (period, rendition));
                return Ok(());
            }
            Output::Thumbnail { data } => (Program::Thumbnail(data), 0),
            Output::Progress { pts, media_ms, cpu_ms, dropped } => {
                let mut reached = self.work.reached.lock().unwrap_or_else(PoisonError::into_inner);
                let since = reached.map_or_else(Instant::now, |(since, _)| since);
                *reached = Some((since, pts));
                metrics.worker_cpu_ms.fetch_add(cpu_ms.into(), Relaxed);
                metrics.encoded_media_ms.fetch_add(media_ms.into(), Relaxed);
                metrics.dropped_frames.fetch_add(dropped.into(), Relaxed);
                return Ok(());
            }
        };
        self.broadcast.program.push(program, bytes);
        Ok(())
    }
}

/// When a worker last took input and last gave output.
struct Pulse {
    fed: watch::Sender<Instant>,
    heard: watch::Sender<Instant>,
}

impl Pulse {
    fn new() -> Self {
        Self { fed: watch::Sender::new(Instant::now()), heard: watch::Sender::new(Instant::now()) }
    }

    /// Returns when the worker hangs. Silence is right while there is nothing to do.
    async fn stops(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (fed, heard) = (*self.fed.borrow(), *self.heard.borrow());
            if fed > heard + Duration::from_secs(1) && heard.elapsed() > SILENT {
                return;
            }
        }
    }
}

async fn exit(child: &mut Child) -> String {
    match timeout(Duration::from_secs(1), child.wait()).await {
        Ok(Ok(status)) => status.to_string(),
        _ => "it still runs".into(),
    }
}
