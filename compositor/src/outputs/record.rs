//! The programme kept as fragmented MP4 with picture and sound. The blob store has whole objects that never
//! change, so that it is written segment by segment: what was written is there, whatever becomes of the process.
//! A recording is a row of takes: a take has no gap in it, and ends with a playlist; at most [`TAKE`] is without
//! one when the machine fails. [`whole`] reads all of it as one file, with or without playlists.
//!
//! The way through: the program's log -> [`Segmenter`], pure -> a bounded queue -> the writer, which
//! waits for the store. A store that is away for longer than the queue lasts costs segments and ends
//! the take; it never delays anything else.

use super::program::{Description, Item, Kind, Program};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use rivulet_media::cmaf::{self, CmafError, Timescale};
use rivulet_media::{Packet, TICKS_PER_SECOND, Ticks};
use rivulet_store::{BlobError, Blobs};
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A segment ends with the first key frame after so long.
const SEGMENT: Ticks = 4 * TICKS_PER_SECOND;
/// A take ends with the first segment after so long.
const TAKE: Ticks = 600 * TICKS_PER_SECOND;
/// Sound comes a little later than the picture of its time; it is waited for so long.
const WAIT_FOR_SOUND: Ticks = TICKS_PER_SECOND;
/// Segments that wait for the store: a minute.
const QUEUE: usize = 15;
const TRIES: u32 = 5;
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Picture and sound from one key frame to another.
#[derive(Debug, Clone)]
pub struct Segment {
    pub start: Ticks,
    pub end: Ticks,
    pub pictures: Vec<Packet>,
    pub sound: Vec<Packet>,
}

impl Segment {
    /// The same by another clock.
    fn since(self, origin: Ticks) -> Self {
        let moved = |packets: Vec<Packet>| {
            let moved = |packet: Packet| Packet { dts: packet.dts - origin, pts: packet.pts - origin, ..packet };
            packets.into_iter().map(moved).collect()
        };
        let Self { start, end, pictures, sound } = self;
        Self { start: start - origin, end: end - origin, pictures: moved(pictures), sound: moved(sound) }
    }
}

/// Cuts packets into segments.
#[derive(Default)]
pub struct Segmenter {
    pictures: VecDeque<Packet>,
    sound: VecDeque<Packet>,
    /// Where the segment in work ends, once that is known.
    cut: Option<Ticks>,
}

impl Segmenter {
    /// Takes a packet; answers the segment that it made whole.
    pub fn push(&mut self, kind: Kind, packet: Packet) -> Option<Segment> {
        match kind {
            Kind::Picture => {
                if self.pictures.is_empty() && !packet.key {
                    return None;
                }
                let start = self.pictures.front().map_or(packet.dts, |first| first.dts);
                if packet.key && self.cut.is_none() && packet.dts - start >= SEGMENT {
                    self.cut = Some(packet.dts);
                }
                self.pictures.push_back(packet);
            }
            Kind::Sound => self.sound.push_back(packet),
        }
        let start = self.pictures.front()?.dts;
        while self.sound.front().is_some_and(|packet| packet.dts < start) {
            self.sound.pop_front();
        }
        let end = self.cut?;
        let heard = self.sound.back().is_some_and(|packet| packet.dts >= end);
        let late = self.pictures.back().is_some_and(|packet| packet.dts >= end + WAIT_FOR_SOUND);
        (heard || late).then(|| self.take(start, end))
    }

    fn take(&mut self, start: Ticks, end: Ticks) -> Segment {
        self.cut = None;
        let until = |packets: &mut VecDeque<Packet>| {
            let count = packets.iter().take_while(|packet| packet.dts < end).count();
            packets.drain(..count).collect()
        };
        Segment { start, end, pictures: until(&mut self.pictures), sound: until(&mut self.sound) }
    }
}

/// A segment as it is written.
struct File {
    start: Ticks,
    end: Ticks,
    body: Bytes,
    /// Something is missing before it.
    after_gap: bool,
}

#[derive(Debug, Default)]
pub struct Recorded {
    pub bytes: AtomicU64,
    pub segments: AtomicU64,
    /// Segments that the store did not take in time.
    pub lost: AtomicU64,
}

/// Records under `recordings/NAME/` until `stop`, at most `max_bytes`. Returns when all that can be
/// written is.
pub async fn record(
    program: Program,
    blobs: Blobs,
    name: String,
    max_bytes: u64,
    stop: CancellationToken,
    recorded: Arc<Recorded>,
) -> Result<(), CmafError> {
    let writer = Writer::new(program.description(), blobs, name, max_bytes, recorded.clone())?;
    let (queue, files) = mpsc::channel(QUEUE);
    let writing = tokio::spawn(writer.run(files));
    let ended = cut(&program, &queue, &stop, &recorded).await;
    drop(queue);
    let _ = writing.await;
    ended
}

async fn cut(
    program: &Program,
    queue: &mpsc::Sender<File>,
    stop: &CancellationToken,
    recorded: &Recorded,
) -> Result<(), CmafError> {
    let mut reader = program.reader();
    let mut segmenter = Segmenter::default();
    let (mut number, mut after_gap) = (0, false);
    // A file begins at 0.
    let mut origin = None;
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = queue.closed() => return Ok(()),
            next = reader.next() => next,
        };
        let Ok(Item { kind, packet, .. }) = next else {
            segmenter = Segmenter::default();
            after_gap = true;
            continue;
        };
        let Some(segment) = segmenter.push(kind, packet) else { continue };
        number += 1;
        let origin = *origin.get_or_insert(segment.start);
        let Segment { start, end, pictures, sound } = segment.since(origin);
        let timescale = Timescale::audio(&program.description().sound);
        let body = cmaf::movie_fragment(number, &pictures, (timescale, &sound), end)?;
        let file = File { start, end, body, after_gap: std::mem::take(&mut after_gap) };
        if queue.try_send(file).is_err() {
            recorded.lost.fetch_add(1, Relaxed);
            after_gap = true;
        }
    }
}

/// One take in work: what its playlist will say.
struct Take {
    number: u32,
    start: Ticks,
    segments: Vec<Ticks>,
}

struct Writer {
    blobs: Blobs,
    name: String,
    init: Bytes,
    left: u64,
    take: Option<Take>,
    /// Those before it.
    done: Vec<Take>,
    recorded: Arc<Recorded>,
}

impl Writer {
    fn new(
        description: &Description,
        blobs: Blobs,
        name: String,
        max_bytes: u64,
        recorded: Arc<Recorded>,
    ) -> Result<Self, CmafError> {
        let init = cmaf::movie_init(&description.video, &description.sound)?;
        Ok(Self { blobs, name, init, left: max_bytes, take: None, done: Vec::new(), recorded })
    }

    async fn run(mut self, mut files: mpsc::Receiver<File>) {
        while let Some(file) = files.recv().await {
            if file.after_gap {
                self.end().await;
            }
            let bytes = file.body.len() as u64;
            if bytes > self.left {
                warn!("recording={} has reached its bound and ends", self.name);
                break;
            }
            if self.segment(&file).await {
                self.left -= bytes;
                self.recorded.bytes.fetch_add(bytes, Relaxed);
                self.recorded.segments.fetch_add(1, Relaxed);
            } else {
                self.recorded.lost.fetch_add(1, Relaxed);
                self.end().await;
            }
            if self.take.as_ref().is_some_and(|take| file.end - take.start >= TAKE) {
                self.end().await;
            }
        }
        self.end().await;
        if !self.done.is_empty() {
            let all = self.put("index.m3u8", playlist(&self.done, |take| format!("{take}/")).into(), PLAYLIST).await;
            info!("recording={} takes={} playlist={all}", self.name, self.done.len());
        }
    }

    /// False: it could not be written.
    async fn segment(&mut self, file: &File) -> bool {
        let take = match self.take.take() {
            Some(take) => take,
            None => {
                let number = self.done.len() as u32;
                if !self.put(&format!("{number}/init.mp4"), self.init.clone(), "video/mp4").await {
                    return false;
                }
                Take { number, start: file.start, segments: Vec::new() }
            }
        };
        let path = format!("{}/{}.m4s", take.number, take.segments.len());
        let written = self.put(&path, file.body.clone(), "video/iso.segment").await;
        let take = self.take.insert(take);
        if written {
            take.segments.push(file.end - file.start);
        }
        written
    }

    /// Writes the playlist of the take in work, if there is one.
    async fn end(&mut self) {
        let Some(take) = self.take.take().filter(|take| !take.segments.is_empty()) else { return };
        let (number, segments) = (take.number, take.segments.len());
        let own = playlist(std::slice::from_ref(&take), |_| String::new());
        self.done.push(take);
        match self.put(&format!("{number}/index.m3u8"), own.into(), PLAYLIST).await {
            true => info!("recording={} take={number} segments={segments}", self.name),
            false => warn!("recording={} take={number} has no playlist", self.name),
        }
    }

    async fn put(&self, path: &str, body: Bytes, content_type: &str) -> bool {
        let key = key(&self.name, path);
        for attempt in 1..=TRIES {
            match self.blobs.put(&key, body.clone(), content_type).await {
                Ok(()) => return true,
                Err(error) if attempt == TRIES => warn!("recording={}: {error}", self.name),
                Err(_) => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
        false
    }
}

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

fn key(name: &str, path: &str) -> String {
    format!("recordings/{name}/{path}")
}

/// Of takes whose files are in `folder` of their number. Between two of them there may be a gap.
fn playlist(takes: &[Take], folder: impl Fn(u32) -> String) -> String {
    let seconds = |ticks: Ticks| ticks as f64 / TICKS_PER_SECOND as f64;
    let all = takes.iter().flat_map(|take| &take.segments);
    let target = all.map(|ticks| seconds(*ticks).round() as u64).max().unwrap_or(0).max(1);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n"
    );
    let mut before: Option<Ticks> = None;
    for take in takes {
        let folder = folder(take.number);
        if before.is_some_and(|end| end != take.start) {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{folder}init.mp4\"");
        for (number, ticks) in take.segments.iter().enumerate() {
            let _ = writeln!(text, "#EXTINF:{:.5},\n{folder}{number}.m4s", seconds(*ticks));
        }
        before = Some(take.start + take.segments.iter().sum::<Ticks>());
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The recording `name` as one file, piece by piece, as far as it has been written; `None` if nothing is.
/// All of its takes have the same tracks and one timeline, so that their fragments follow one another, with
/// or without playlists.
pub async fn whole(
    blobs: Blobs,
    name: String,
) -> Result<Option<impl Stream<Item = Result<Bytes, BlobError>>>, BlobError> {
    let Some(init) = blobs.get(&key(&name, "0/init.mp4")).await? else { return Ok(None) };
    let pieces = stream::try_unfold((0, 0), move |(mut take, mut number)| {
        let (blobs, name) = (blobs.clone(), name.clone());
        async move {
            loop {
                let piece = blobs.get(&key(&name, &format!("{take}/{number}.m4s"))).await?;
                match (piece, number) {
                    (Some(piece), _) => return Ok(Some((piece, (take, number + 1)))),
                    (None, 0) => return Ok(None),
                    (None, _) => (take, number) = (take + 1, 0),
                }
            }
        }
    });
    Ok(Some(stream::once(async { Ok(init) }).chain(pieces)))
}
