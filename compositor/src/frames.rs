//! The frame loop and the encoder's thread. The loop draws what is due and hands pictures over by a
//! short queue; when the encoder does not keep up, a picture is dropped before it is encoded, and no
//! target waits for it. Sound has a thread of its own, by the same clock.

use crate::control::ChatEntry;
use crate::editions::Editions;
use crate::encode::{EncodeError, SoundEncoder, VideoEncoder};
use crate::inputs::{Playout, Show};
use crate::metrics::Metrics;
use crate::outputs::Program;
use crate::pace::{Pace, Rate, Step};
use crate::sound::{Level, Mixer};
use crate::stage::Stage;
use bytes::Bytes;
use rivulet_picture::Planes;
use rivulet_picture::{Assets, Decoded, Painter};
use rivulet_scene::Id;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Pictures between the loop and the encoder.
const QUEUE: usize = 2;
/// Missed pictures that are made up for by the one before them; beyond, there is a gap.
const REPEAT_MS: u32 = 250;
/// Missed sound that is made up for.
const CATCH_UP_MS: u32 = 1_000;
/// The longest sleep, after which it is looked whether to stop.
const NAP: Duration = Duration::from_millis(20);
/// Between thumbnails.
const THUMBNAIL_EVERY: Duration = Duration::from_millis(200);
/// What layers of an input show that has been silent for a while.
const NO_SIGNAL: &[u8] = include_bytes!("no-signal.svg");
/// Every so many pixels in each direction make a thumbnail of 960 or fewer across.
const THUMBNAIL_EDGE: usize = 960;

/// A small picture of what is shown, RGBA.
#[derive(Debug, Clone, Default)]
pub struct Thumbnail {
    pub width: u32,
    pub height: u32,
    pub rgba: Bytes,
    /// Scene time.
    pub at: i64,
    /// Of the layers' boxes, before their transforms.
    pub sizes: BTreeMap<Id, (f64, f64)>,
}

/// What the threads share with the rest of the process.
pub struct Shared {
    pub stage: Arc<Stage>,
    pub assets: Mutex<Assets>,
    pub mixer: Mutex<Mixer>,
    /// What live inputs show, each as the asset of its id.
    pub playouts: Mutex<BTreeMap<Id, Playout>>,
    /// Chats that layers show.
    pub chats: Mutex<BTreeMap<Id, ChatEntry>>,
    pub program: Program,
    /// Other pictures of the scene, for outputs that need them.
    pub editions: Editions,
    pub metrics: Metrics,
    /// Loudness of the sources in the newest block.
    pub levels: Mutex<BTreeMap<String, Level>>,
    /// Made only while somebody is subscribed.
    pub thumbnails: watch::Sender<Thumbnail>,
    /// Scene time of the newest picture.
    pub newest: AtomicI64,
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A picture on its way to the encoder; `None` is the one before it again.
struct Job {
    n: u64,
    picture: Option<Vec<u8>>,
}

/// Starts all three threads, which end with `stop`.
pub fn start(
    shared: Arc<Shared>,
    video: VideoEncoder,
    sound: SoundEncoder,
    rate: Rate,
    stop: CancellationToken,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let start = shared.stage.clock.now();
    let (jobs, waiting) = sync_channel(QUEUE);
    let (empty, reused) = sync_channel(QUEUE + 2);
    let named = |name: &str| Builder::new().name(name.into());
    let (encoding, mixing) = (shared.clone(), shared.clone());
    let ended = stop.clone();
    Ok(vec![
        named("encode").spawn(move || encode(&encoding, video, waiting, empty))?,
        named("sound").spawn(move || mix(&mixing, sound, start, ended))?,
        named("frames").spawn(move || {
            Loop::new(&shared, jobs, reused).run(Pace::new(start, rate, rate.in_millis(REPEAT_MS)), stop)
        })?,
    ])
}

struct Loop<'a> {
    shared: &'a Shared,
    painter: Painter,
    jobs: SyncSender<Job>,
    reused: Receiver<Vec<u8>>,
    /// The newest picture has reached the encoder, so that it can be asked for again.
    handed: bool,
    thumbnail: Instant,
    no_signal: Option<Decoded>,
}

impl<'a> Loop<'a> {
    fn new(shared: &'a Shared, jobs: SyncSender<Job>, reused: Receiver<Vec<u8>>) -> Self {
        let (width, height) = shared.stage.scene().size();
        let painter = Painter::new(width as usize, height as usize);
        Self {
            shared,
            painter,
            jobs,
            reused,
            handed: false,
            thumbnail: Instant::now(),
            no_signal: Decoded::file(NO_SIGNAL).ok(),
        }
    }

    fn run(mut self, mut pace: Pace, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let clock = self.shared.stage.clock;
            match pace.step(clock.now()) {
                Step::Wait(until) => std::thread::sleep(clock.until(until).min(NAP)),
                Step::Make(n) => self.frame(n, pace.time_of(n)),
                Step::Again(n) => {
                    self.hand(Job { n, picture: None });
                    let editions = self.shared.editions.all();
                    editions.iter().filter(|edition| edition.has(n)).for_each(|edition| edition.show(n, None));
                }
                Step::Leave(..) => {}
            }
            self.shared.metrics.lateness(pace.lateness());
        }
    }

    fn frame(&mut self, n: u64, at: i64) {
        let began = Instant::now();
        let levels: Vec<_> = lock(&self.shared.levels)
            .iter()
            .filter_map(|(source, level)| Some((Id::try_from(source.as_str()).ok()?, f64::from(level.db()))))
            .collect();
        self.show_inputs(at);
        let chats: Vec<_> =
            lock(&self.shared.chats).iter().map(|(id, entry)| (id.clone(), entry.chat().lines())).collect();
        let editions: Vec<_> = self.shared.editions.all().into_iter().filter(|edition| edition.has(n)).collect();
        let views = editions.iter().map(|edition| &edition.spec.view);
        let (list, lists) = self.shared.stage.advance(at, levels.into_iter(), chats.into_iter(), views);
        let damage = {
            let assets = lock(&self.shared.assets);
            for (edition, list) in editions.iter().zip(lists) {
                edition.show(n, Some((list, assets.clone())));
            }
            self.shared.metrics.picture_bytes(assets.bytes() + self.painter.cache_bytes());
            self.painter.paint(&list, &assets)
        };
        let changed = !damage.is_empty() || !self.handed;
        let picture = changed.then(|| {
            let planes = self.painter.planes();
            let mut buffer = self.reused.try_recv().unwrap_or_default();
            buffer.clear();
            [planes.y, planes.u, planes.v].iter().for_each(|plane| buffer.extend_from_slice(plane));
            buffer
        });
        // A picture that did not get through is sent with the next frame, changed or not.
        self.handed = self.hand(Job { n, picture });
        self.shared.newest.store(at, Relaxed);
        self.thumbnail(at);
        self.shared.metrics.frame(began.elapsed());
    }

    /// Pictures of inputs that are due now take the places of those before them.
    fn show_inputs(&self, at: i64) {
        // Locked to the end, so that no picture comes after that of an input which is removed.
        for (id, playout) in &*lock(&self.shared.playouts) {
            let picture = match playout.show(at) {
                Show::Same => continue,
                Show::NoSignal => self.no_signal.clone(),
                Show::Picture(picture) => picture.decoded(),
            };
            let Some(picture) = picture else { continue };
            if lock(&self.shared.assets).keep(id.clone(), picture).is_err() {
                self.shared.metrics.no_room();
            }
        }
    }

    fn hand(&mut self, job: Job) -> bool {
        match self.jobs.try_send(job) {
            Ok(()) => self.handed,
            Err(TrySendError::Full(_)) => {
                self.shared.metrics.overrun();
                false
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    fn thumbnail(&mut self, at: i64) {
        if self.shared.thumbnails.receiver_count() == 0 || self.thumbnail.elapsed() < THUMBNAIL_EVERY {
            return;
        }
        self.thumbnail = Instant::now();
        let (width, height) = self.painter.size();
        let step = width.max(height).div_ceil(THUMBNAIL_EDGE);
        let pixels = self.painter.rgba().as_chunks::<4>().0;
        let rows = pixels.chunks_exact(width).step_by(step);
        let rgba: Vec<u8> = rows.flat_map(|row| row.iter().step_by(step)).flatten().copied().collect();
        let (width, height) = (width.div_ceil(step) as u32, height.div_ceil(step) as u32);
        let sizes = self.painter.sizes().clone();
        self.shared.thumbnails.send_replace(Thumbnail { width, height, rgba: rgba.into(), at, sizes });
    }
}

fn encode(shared: &Shared, mut encoder: VideoEncoder, jobs: Receiver<Job>, empty: SyncSender<Vec<u8>>) {
    let (width, height) = (encoder.format().width as usize, encoder.format().height as usize);
    let (luma, chroma) = (width * height, width.div_ceil(2) * height.div_ceil(2));
    for Job { n, picture } in jobs {
        let began = Instant::now();
        let planes = picture.as_ref().map(|picture| {
            let (y, rest) = picture.split_at(luma);
            let (u, v) = rest.split_at(chroma);
            Planes { width, height, y, u, v }
        });
        match encoder.push(n, planes) {
            Ok(packets) => packets.into_iter().for_each(|packet| shared.program.picture(packet)),
            Err(error) => return failed(&error),
        }
        shared.metrics.encode(began.elapsed());
        if let Some(picture) = picture {
            let _ = empty.try_send(picture);
        }
    }
}

fn mix(shared: &Shared, mut encoder: SoundEncoder, start: i64, stop: CancellationToken) {
    let mut pace = Pace::new(start, Rate::SOUND, Rate::SOUND.in_millis(CATCH_UP_MS));
    while !stop.is_cancelled() {
        let clock = shared.stage.clock;
        let n = match pace.step(clock.now()) {
            Step::Wait(until) => {
                std::thread::sleep(clock.until(until).min(NAP));
                continue;
            }
            Step::Leave(..) => continue,
            Step::Make(n) | Step::Again(n) => n,
        };
        let block = {
            let mut mixer = lock(&shared.mixer);
            let block = mixer.block(pace.time_of(n));
            *lock(&shared.levels) = mixer.levels().map(|(id, level)| (id.to_owned(), level)).collect();
            block
        };
        match encoder.push(n, &block) {
            Ok(packets) => packets.into_iter().for_each(|packet| {
                shared.editions.sound(&packet);
                shared.program.sound(packet);
            }),
            Err(error) => return failed(&error),
        }
    }
}

/// The health check says the rest: nothing is encoded any more.
fn failed(error: &EncodeError) {
    tracing::error!("the encoder failed: {error}");
}
