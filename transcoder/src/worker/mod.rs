//! The worker process: messages in on standard input, messages out on standard output, libav in
//! between, in a cage without files and network. Whatever it cannot decode it skips; when libav
//! crashes, only this process ends, and the server starts another.
//!
//! The way of a frame: reader (main thread) -> decoder -> one scaling after the other, from the
//! largest rung down -> a bounded queue for each rung -> its encoder thread -> standard output.
//! A rung that somebody begins to watch starts in the past, with a decoder of its own on a thread
//! of its own, until it has caught up.

mod audio;
mod av;
pub(crate) mod encode;
mod video;

pub(crate) use av::extradata;

use crate::pipe;
use crate::worker::video::Source;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use rivulet_cage::{self as cage, Needs};
use rivulet_protocol::worker::{Input, Output, Period};
use std::io::{self, BufReader, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where all threads write their messages.
#[derive(Clone)]
pub struct Sink(Arc<Mutex<Box<dyn Write + Send>>>);

impl Sink {
    pub fn send(&self, message: &Output) -> io::Result<()> {
        let frame = pipe::encode(message)?;
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&frame)?;
        out.flush()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("pipe: {0}")]
    Pipe(#[from] io::Error),
    #[error("libav: {0}")]
    Av(#[from] ffmpeg_next::Error),
    #[error("{0}")]
    Missing(&'static str),
    #[error("an encoder thread has ended")]
    EncoderGone,
}

/// Runs until standard input ends, with so much memory.
pub fn main(memory_bytes: u64) -> Result<(), WorkerError> {
    ffmpeg_next::init()?;
    if let Err(error) = cage::enter(memory_bytes, Needs::Nothing) {
        // Said once for each worker; pictures are worth more than the cage.
        eprintln!("rivulet: a transcoder runs without its cage ({error}); see rivulet doctor");
    }
    run(BufReader::with_capacity(256 * 1024, io::stdin().lock()), Box::new(io::stdout()))
}

/// Locks this process in as `main` does, and tries the bars: an error says what does not hold.
pub fn probe(memory_bytes: u64) -> Result<(), String> {
    ffmpeg_next::init().map_err(|e| e.to_string())?;
    cage::enter(memory_bytes, Needs::Nothing).map_err(|e| e.to_string())?;
    let thread = std::thread::spawn(move || cage::leaks(memory_bytes));
    match thread.join() {
        Ok(leaks) if leaks.is_empty() => Ok(()),
        Ok(leaks) => Err(format!("it can {}", leaks.join(", "))),
        Err(_) => Err("it cannot make threads".into()),
    }
}

fn run(mut input: impl io::Read, output: Box<dyn Write + Send>) -> Result<(), WorkerError> {
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
    let sink = Sink(Arc::new(Mutex::new(output)));
    let mut pipeline = Pipeline { period: None, video: None, audio: None, progress: Progress::new(), sink };
    while let Some(message) = pipe::read(&mut input)? {
        pipeline.push(message)?;
    }
    pipeline.finish()
}

/// Whether this FFmpeg has what a worker needs.
pub fn self_test() -> Result<(), String> {
    ffmpeg_next::init().map_err(|e| e.to_string())?;
    let encoders = ["libx264", "aac", "mjpeg"];
    if let Some(name) = encoders.iter().find(|name| ffmpeg_next::encoder::find_by_name(name).is_none()) {
        return Err(format!("this FFmpeg has no encoder {name}; install Debian's libavcodec"));
    }
    let decoders = ["h264", "hevc", "libdav1d", "vp9", "aac", "opus"];
    match decoders.iter().find(|name| ffmpeg_next::decoder::find_by_name(name).is_none()) {
        Some(name) => Err(format!("this FFmpeg has no decoder {name}; install Debian's libavcodec")),
        None => Ok(()),
    }
}

struct Pipeline {
    /// Number of the newest period.
    period: Option<u32>,
    video: Option<video::VideoPipe>,
    audio: Option<audio::AudioPipe>,
    progress: Progress,
    sink: Sink,
}

impl Pipeline {
    fn push(&mut self, message: Input) -> Result<(), WorkerError> {
        match message {
            Input::Period(period) => self.period(period)?,
            Input::Rungs(rungs) => {
                if let Some(video) = &mut self.video {
                    video.rungs(rungs)?;
                }
            }
            Input::Video { dts, pts, key, cut, data } => {
                if let Some(video) = &mut self.video {
                    video.push(Source { dts, pts, key, cut, data })?;
                    self.progress.report(&self.sink, pts, video.take_dropped())?;
                }
            }
            Input::Audio { pts, data } => {
                if let Some(audio) = &mut self.audio {
                    audio.push(pts, &data)?;
                }
            }
        }
        Ok(())
    }

    fn period(&mut self, period: Period) -> Result<(), WorkerError> {
        if let Some(audio) = self.audio.take() {
            audio.finish()?;
        }
        if let Some(encode) = &period.audio {
            self.audio = Some(audio::AudioPipe::open(period.number, encode, self.sink.clone())?);
        }
        let before = self.period.replace(period.number);
        match (&mut self.video, &period.video) {
            (Some(video), Some(source)) if video.decodes(source) => video.period(period)?,
            (video, source) => {
                if let Some(video) = video.take() {
                    video.finish()?;
                }
                if let Some(before) = before {
                    self.sink.send(&Output::Finished { period: before })?;
                }
                if let Some(source) = source {
                    *video = Some(video::VideoPipe::open(source.clone(), period, self.sink.clone())?);
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), WorkerError> {
        if let Some(video) = self.video {
            video.finish()?;
        }
        if let Some(audio) = self.audio {
            audio.finish()?;
        }
        Ok(())
    }
}

/// Reports about once a second what was done and what it cost.
struct Progress {
    last: Instant,
    last_pts: Option<i64>,
    last_cpu_ms: u32,
}

impl Progress {
    fn new() -> Self {
        Self { last: Instant::now(), last_pts: None, last_cpu_ms: cpu_ms() }
    }

    fn report(&mut self, sink: &Sink, pts: i64, dropped: u32) -> Result<(), WorkerError> {
        let from = *self.last_pts.get_or_insert(pts);
        if self.last.elapsed() < Duration::from_secs(1) {
            return Ok(());
        }
        let cpu = cpu_ms();
        let media_ms = u32::try_from((pts - from) / 90).unwrap_or(0);
        sink.send(&Output::Progress { pts, media_ms, cpu_ms: cpu - self.last_cpu_ms, dropped })?;
        (self.last, self.last_pts, self.last_cpu_ms) = (Instant::now(), Some(pts), cpu);
        Ok(())
    }
}

/// Processor time of this process so far.
fn cpu_ms() -> u32 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0 };
    let ms = |time: TimeVal| time.num_milliseconds() as u32;
    ms(usage.user_time()) + ms(usage.system_time())
}
