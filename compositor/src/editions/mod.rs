//! Encodes for outputs that need another picture than the main one: other layers, another size, fewer pictures
//! or another bitrate. Each is a thread with a painter and an encoder of its own, so that it delays neither the
//! picture nor another of its kind; outputs that need the same share one, and with the last of them it ends.
//!
//! The way of a picture: the frame loop lists what a view shows -> a short queue -> painter, encoder -> the
//! edition's own [`Program`]. When the thread does not keep up, the list is dropped: the next one is whole again.

mod own;

pub use own::{Fault, Own, Spec};

use crate::encode::{EncodeError, VideoEncoder, VideoSettings};
use crate::frames::lock;
use crate::outputs::{Description, Program};
use rivulet_media::Packet;
use rivulet_picture::{Assets, Painter};
use rivulet_scene::{DisplayList, View};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// At once, beside the main one.
pub const MAX_EDITIONS: usize = 4;
/// Lists between the loop and an edition's thread.
const QUEUE: usize = 2;

#[derive(Debug, Default)]
pub struct Counters {
    pub pictures: AtomicU64,
    /// Pictures that the thread had no time for.
    pub dropped: AtomicU64,
    pub draw_us: AtomicU64,
    pub encode_us: AtomicU64,
}

/// A picture that is due; `None` is the one before it again.
struct Job {
    n: u64,
    scene: Option<(DisplayList, Assets)>,
}

/// Handle of an encode, which ends with the last one.
pub struct Edition {
    pub spec: Spec,
    pub name: String,
    pub program: Program,
    pub counters: Arc<Counters>,
    jobs: SyncSender<Job>,
}

/// All that are encoded.
pub struct Editions {
    main: VideoSettings,
    list: Mutex<Vec<Weak<Edition>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Editions {
    /// `main` is what everybody gets who needs nothing else.
    pub fn new(main: VideoSettings) -> Self {
        Self { main, list: Mutex::default(), threads: Mutex::default() }
    }

    pub fn main(&self) -> &VideoSettings {
        &self.main
    }

    /// What that comes to; nothing for the main one.
    pub fn spec(&self, own: Option<&Own>) -> Result<Option<Spec>, Fault> {
        let spec = own.map(|own| own.spec(&self.main)).transpose()?;
        let main = Own::default().spec(&self.main)?;
        Ok(spec.filter(|spec| *spec != main))
    }

    /// The one that is encoded so, or a new one, beside the stream that `main` describes.
    pub fn open(&self, spec: &Spec, main: &Description) -> Result<Arc<Edition>, EncodeError> {
        if let Some(edition) = self.all().into_iter().find(|edition| edition.spec == *spec) {
            return Ok(edition);
        }
        let encoder = VideoEncoder::open(spec.settings(&self.main))?;
        let program = Program::new(Description {
            video: encoder.format().clone(),
            rate: spec.rate(self.main.rate),
            video_kbps: spec.bitrate_kbps,
            ..main.clone()
        });
        let (jobs, waiting) = sync_channel(QUEUE);
        let (name, counters) = (spec.name(self.main.rate), Arc::<Counters>::default());
        let thread = {
            let (view, program, counters) = (spec.view.clone(), program.clone(), counters.clone());
            let named = Builder::new().name("edition".into());
            named.spawn(move || encode(&view, encoder, &program, &counters, &waiting))?
        };
        let edition = Arc::new(Edition { spec: spec.clone(), name, program, counters, jobs });
        lock(&self.list).push(Arc::downgrade(&edition));
        let mut threads = lock(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(edition)
    }

    /// Those that outputs need now.
    pub fn all(&self) -> Vec<Arc<Edition>> {
        let mut list = lock(&self.list);
        list.retain(|edition| edition.strong_count() > 0);
        list.iter().filter_map(Weak::upgrade).collect()
    }

    /// Sound is encoded once, for all.
    pub fn sound(&self, packet: &Packet) {
        self.all().iter().for_each(|edition| edition.program.sound(packet.clone()));
    }

    /// Waits for the threads of those that have ended.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *lock(&self.threads));
        threads.into_iter().for_each(|thread| _ = thread.join());
    }
}

impl Edition {
    /// Is picture `n` of the stream one of its own?
    pub fn has(&self, n: u64) -> bool {
        n.is_multiple_of(self.spec.every.into())
    }

    /// Picture `n` of the stream; without a scene, the one before it again.
    pub fn show(&self, n: u64, scene: Option<(DisplayList, Assets)>) {
        let job = Job { n: n / u64::from(self.spec.every), scene };
        if let Err(TrySendError::Full(_)) = self.jobs.try_send(job) {
            self.counters.dropped.fetch_add(1, Relaxed);
        }
    }
}

fn encode(view: &View, mut encoder: VideoEncoder, program: &Program, counters: &Counters, jobs: &Receiver<Job>) {
    let mut painter = Painter::new(view.width as usize, view.height as usize);
    for Job { n, scene } in jobs {
        let began = Instant::now();
        let changed = scene.is_some_and(|(list, assets)| !painter.paint(&list, &assets).is_empty());
        let drawn = began.elapsed();
        match encoder.push(n, changed.then(|| painter.planes())) {
            Ok(packets) => packets.into_iter().for_each(|packet| program.picture(packet)),
            Err(error) => return tracing::error!("the encoder of a view failed: {error}"),
        }
        let micros = |took: Duration| took.as_micros() as u64;
        counters.pictures.fetch_add(1, Relaxed);
        counters.draw_us.fetch_add(micros(drawn), Relaxed);
        counters.encode_us.fetch_add(micros(began.elapsed() - drawn), Relaxed);
    }
}
