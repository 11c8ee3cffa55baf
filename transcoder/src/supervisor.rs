//! One task for each broadcast: reads the source, plans, passes on what is remuxed, and keeps a
//! worker process running for the rest. A worker that dies is replaced at once and begins at the
//! last key frame at or before the previous segment, so that what it had in work is made again.

use crate::ladder::Ladder;
use crate::pipe;
use crate::planner::{Output as Planned, Planner};
use bytes::Bytes;
use rivulet_hub::{Broadcast, Feed, Format, Hub, Lagged, Program, Reader, Starts};
use rivulet_media::{AudioFormat, Packet, VideoFormat, aac::AacInfo, avc::AvcInfo};
use rivulet_protocol::worker::{Input, Output, Period};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info, info_span, warn};

/// What the worker may be behind: about 20 s of a heavy stream. Beyond, it skips ahead.
const LOG_ITEMS: usize = 4_096;
const LOG_BYTES: usize = 64 * 1024 * 1024;
/// Key frames that a new worker may begin at.
const RESTARTS: usize = 64;
/// A worker with input that says nothing for this long hangs.
const SILENT: Duration = Duration::from_secs(5);
/// For the pictures still inside encoders at the end.
const FINISH: Duration = Duration::from_secs(4);
const MAX_BACKOFF: Duration = Duration::from_millis(1_600);

#[derive(Clone)]
pub struct Config {
    pub ladder: Ladder,
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
        while let Some(Some(broadcast)) = shutdown.run_until_cancelled(self.starts.next()).await {
            let span = info_span!("transcode", channel = %broadcast.info.channel);
            tasks.spawn(Director::new(self.config.clone(), broadcast).run().instrument(span));
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
}

/// What the planner's side and the worker's side share.
struct Work {
    log: Feed<Arc<Input>>,
    restarts: Mutex<VecDeque<Restart>>,
    period: watch::Sender<Option<Arc<Period>>>,
    finished: CancellationToken,
}

struct Director {
    config: Arc<Config>,
    broadcast: Arc<Broadcast>,
    planner: Planner,
    work: Arc<Work>,
    segment: u64,
}

impl Director {
    fn new(config: Arc<Config>, broadcast: Arc<Broadcast>) -> Self {
        let work = Arc::new(Work {
            log: Feed::new(LOG_ITEMS, LOG_BYTES),
            restarts: Mutex::default(),
            period: watch::Sender::new(None),
            finished: CancellationToken::new(),
        });
        Self { planner: Planner::new(config.ladder.clone()), config, broadcast, work, segment: 0 }
    }

    async fn run(mut self) {
        let worker = Worker { config: self.config.clone(), broadcast: self.broadcast.clone(), work: self.work.clone() };
        let worker = tokio::spawn(worker.run().in_current_span());
        let mut source = self.broadcast.source.reader();
        let mut planned = Vec::new();
        'source: loop {
            match source.next().await {
                Ok(item) => self.planner.push(item, &mut planned),
                Err(Lagged(lost)) => warn!(lost, "transcoder fell behind its source"),
            }
            for item in planned.drain(..) {
                match item {
                    Planned::Program(program, bytes) => self.program(program, bytes),
                    Planned::Worker { input, bytes, restart } => self.feed(input, bytes, restart),
                    Planned::End => break 'source,
                }
            }
        }
        self.work.finished.cancel();
        if timeout(FINISH * 2, worker).await.is_err() {
            warn!("worker did not finish");
        }
        self.broadcast.program.push(Program::End, 0);
    }

    fn program(&mut self, program: Program, bytes: usize) {
        match &program {
            Program::Period(period, cut) => {
                self.segment = cut.segment;
                if period.number > 0 {
                    self.broadcast.metrics.discontinuities.fetch_add(1, Relaxed);
                }
            }
            Program::Cut(cut) => self.segment = cut.segment,
            _ => {}
        }
        self.broadcast.program.push(program, bytes);
    }

    fn feed(&mut self, input: Arc<Input>, bytes: usize, restart: bool) {
        if let Input::Period(period) = &*input {
            self.work.period.send_replace(Some(Arc::new(period.clone())));
        }
        let position = self.work.log.push(input, bytes);
        let period = self.work.period.borrow().clone();
        if let (true, Some(period)) = (restart, period) {
            let mut restarts = self.work.restarts.lock().unwrap_or_else(PoisonError::into_inner);
            restarts.push_back(Restart { position, period, segment: self.segment });
            if restarts.len() > RESTARTS {
                restarts.pop_front();
            }
        }
    }
}

struct Worker {
    config: Arc<Config>,
    broadcast: Arc<Broadcast>,
    work: Arc<Work>,
}

impl Worker {
    async fn run(self) {
        let mut periods = self.work.period.subscribe();
        tokio::select! {
            started = periods.wait_for(Option::is_some) => if started.is_err() { return },
            () = self.work.finished.cancelled() => return,
        }
        let mut failures = 0u32;
        let mut resume = None;
        loop {
            let started = Instant::now();
            match self.live(resume.take()).await {
                Ok(()) => return,
                Err(error) => {
                    self.broadcast.metrics.worker_restarts.fetch_add(1, Relaxed);
                    failures = if started.elapsed() > Duration::from_secs(10) { 1 } else { failures + 1 };
                    warn!(%error, failures, "worker ended; starting another");
                }
            }
            if self.work.finished.is_cancelled() {
                return;
            }
            // The first replacement comes at once; a stream that kills each one must not spin.
            let backoff = Duration::from_millis(50) * 2u32.saturating_pow(failures.min(6) - 1);
            tokio::time::sleep(backoff.min(MAX_BACKOFF)).await;
            resume = self.restart(failures);
        }
    }

    /// Where the next worker begins: far enough back to make the unfinished segments again, or,
    /// where that has failed before, as late as possible.
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

    /// The life of one process. `Ok`: the broadcast is over and all of it was delivered.
    async fn live(&self, resume: Option<Restart>) -> anyhow::Result<()> {
        let mut child = Command::new(&self.config.worker)
            .args(&self.config.args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            anyhow::bail!("a worker without pipes");
        };
        info!(pid = child.id(), "worker runs");
        let (reader, first) = match resume {
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
                fed?;
                timeout(FINISH, &mut receiving).await??;
            }
            received = &mut receiving => {
                received?;
                anyhow::bail!("its output ended: {}", exit(&mut child).await);
            }
            () = pulse.stops() => anyhow::bail!("it hangs"),
        }
        Ok(())
    }

    async fn feed(
        &self,
        mut stdin: ChildStdin,
        mut log: Reader<Arc<Input>>,
        first: Option<Arc<Period>>,
        pulse: &Pulse,
    ) -> anyhow::Result<()> {
        if let Some(period) = first {
            stdin.write_all(&pipe::encode(&Input::Period((*period).clone()))?).await?;
        }
        let mut skip_to_key = false;
        loop {
            let item = tokio::select! {
                biased;
                item = log.next() => item,
                () = self.work.finished.cancelled() => break,
            };
            match item {
                Err(Lagged(lost)) => {
                    // Too slow for real time: the newest pictures matter more than all of them.
                    warn!(lost, "worker fell behind and skips ahead");
                    self.broadcast.metrics.dropped_frames.fetch_add(lost, Relaxed);
                    if let Some(newest) = self.restart(u32::MAX) {
                        log = self.work.log.reader_from(newest.position).0;
                        stdin.write_all(&pipe::encode(&Input::Period((*newest.period).clone()))?).await?;
                    }
                    skip_to_key = true;
                }
                Ok(input) => {
                    skip_to_key &= !matches!(&*input, Input::Video { key: true, .. } | Input::Period(_));
                    if !skip_to_key {
                        stdin.write_all(&pipe::encode(&*input)?).await?;
                        pulse.fed.send_replace(Instant::now());
                    }
                }
            }
        }
        stdin.shutdown().await?;
        Ok(())
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
                let format = Format::Video(VideoFormat { avc: AvcInfo::parse(&config)?, config });
                (Program::Format { period, rendition: rendition.into(), format }, 0)
            }
            Output::AudioFormat { period, rendition, config } => {
                let config = Bytes::from(config);
                let format = Format::Audio(AudioFormat { aac: AacInfo::parse(&config)?, config });
                (Program::Format { period, rendition: rendition.into(), format }, 0)
            }
            Output::Video { period, rendition, dts, pts, key, segment, data } => {
                let bytes = data.len();
                let packet = Packet { dts, pts, key, data: data.into() };
                (Program::Sample { period, rendition: rendition.into(), segment, packet }, bytes)
            }
            Output::Audio { period, rendition, pts, data } => {
                let bytes = data.len();
                let packet = Packet { dts: pts, pts, key: true, data: data.into() };
                (Program::Sample { period, rendition: rendition.into(), segment: None, packet }, bytes)
            }
            Output::Finished { period } => (Program::Finished { period }, 0),
            Output::Thumbnail { data } => (Program::Thumbnail(data.into()), 0),
            Output::Progress { media_ms, cpu_ms, dropped, .. } => {
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
