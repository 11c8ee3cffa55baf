//! The programme kept as fragmented MP4 in the blob store: whole segments only, picture and sound in
//! files of their own, and playlists that hold them together. A recording is a row of takes: a take
//! has no gap in it, and at most [`TAKE`] of it is without a playlist when the machine fails.
//!
//! The way through: the program's log -> [`Segmenter`], pure -> a bounded queue -> the writer, which
//! waits for the store. A store that is away for longer than the queue lasts costs segments and ends
//! the take; it never delays anything else.

use super::program::{Description, Item, Kind, Program};
use bytes::Bytes;
use rivulet_media::cmaf::{self, CmafError, Timescale};
use rivulet_media::{Packet, TICKS_PER_SECOND, Ticks};
use rivulet_store::Blobs;
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
struct Files {
    start: Ticks,
    end: Ticks,
    picture: Bytes,
    sound: Bytes,
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
    queue: &mpsc::Sender<Files>,
    stop: &CancellationToken,
    recorded: &Recorded,
) -> Result<(), CmafError> {
    let mut reader = program.reader();
    let mut segmenter = Segmenter::default();
    let (mut number, mut after_gap) = (0, false);
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
        let timescale = Timescale::audio(&program.description().sound);
        let files = Files {
            start: segment.start,
            end: segment.end,
            picture: cmaf::fragment(number, Timescale::VIDEO, &segment.pictures, segment.end, true)?,
            sound: cmaf::fragment(number, timescale, &segment.sound, segment.end, true)?,
            after_gap: std::mem::take(&mut after_gap),
        };
        if queue.try_send(files).is_err() {
            recorded.lost.fetch_add(1, Relaxed);
            after_gap = true;
        }
    }
}

/// One take in work: what its playlists will say.
struct Take {
    number: u32,
    start: Ticks,
    segments: Vec<Ticks>,
    bytes: u64,
}

struct Writer {
    blobs: Blobs,
    name: String,
    inits: [Bytes; 2],
    /// What the main playlist says of picture and sound.
    codecs: String,
    size: (u32, u32),
    left: u64,
    takes: u32,
    take: Option<Take>,
    recorded: Arc<Recorded>,
}

const FOLDERS: [&str; 2] = ["picture", "sound"];

impl Writer {
    fn new(
        description: &Description,
        blobs: Blobs,
        name: String,
        max_bytes: u64,
        recorded: Arc<Recorded>,
    ) -> Result<Self, CmafError> {
        Ok(Self {
            blobs,
            name,
            inits: [cmaf::video_init(&description.video)?, cmaf::audio_init(&description.sound)?],
            codecs: format!("{},mp4a.40.2", description.video.codecs),
            size: (description.video.width, description.video.height),
            left: max_bytes,
            takes: 0,
            take: None,
            recorded,
        })
    }

    async fn run(mut self, mut files: mpsc::Receiver<Files>) {
        while let Some(files) = files.recv().await {
            if files.after_gap {
                self.end().await;
            }
            let bytes = (files.picture.len() + files.sound.len()) as u64;
            if bytes > self.left {
                warn!("recording={} has reached its bound and ends", self.name);
                break;
            }
            if self.segment(&files).await {
                self.left -= bytes;
                self.recorded.bytes.fetch_add(bytes, Relaxed);
                self.recorded.segments.fetch_add(1, Relaxed);
            } else {
                self.recorded.lost.fetch_add(1, Relaxed);
                self.end().await;
            }
            if self.take.as_ref().is_some_and(|take| files.end - take.start >= TAKE) {
                self.end().await;
            }
        }
        self.end().await;
    }

    /// False: it could not be written.
    async fn segment(&mut self, files: &Files) -> bool {
        if self.take.is_none() {
            for (folder, init) in FOLDERS.into_iter().zip(self.inits.clone()) {
                if !self.put(self.takes, &format!("{folder}/init.mp4"), init, "video/mp4").await {
                    return false;
                }
            }
            self.take = Some(Take { number: self.takes, start: files.start, segments: Vec::new(), bytes: 0 });
            self.takes += 1;
        }
        let Some(take) = &self.take else { return false };
        let (number, at) = (take.number, take.segments.len());
        for (folder, body) in FOLDERS.into_iter().zip([&files.picture, &files.sound]) {
            if !self.put(number, &format!("{folder}/{at}.m4s"), body.clone(), "video/iso.segment").await {
                return false;
            }
        }
        if let Some(take) = &mut self.take {
            take.segments.push(files.end - files.start);
            take.bytes += (files.picture.len() + files.sound.len()) as u64;
        }
        true
    }

    /// Writes the playlists of the take in work, if there is one.
    async fn end(&mut self) {
        const TYPE: &str = "application/vnd.apple.mpegurl";
        let Some(take) = self.take.take().filter(|take| !take.segments.is_empty()) else { return };
        let mut whole = true;
        for folder in FOLDERS {
            let playlist = playlist(folder, &take.segments);
            whole &= self.put(take.number, &format!("{folder}.m3u8"), playlist.into(), TYPE).await;
        }
        whole = whole && self.put(take.number, "index.m3u8", self.index(&take).into(), TYPE).await;
        match whole {
            true => info!("recording={} take={} segments={}", self.name, take.number, take.segments.len()),
            false => warn!("recording={} take={} has no playlist", self.name, take.number),
        }
    }

    fn index(&self, take: &Take) -> String {
        let ticks: Ticks = take.segments.iter().sum();
        let bandwidth = take.bytes * 8 * TICKS_PER_SECOND as u64 / ticks.max(1) as u64;
        let ((width, height), codecs) = (self.size, &self.codecs);
        format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"sound\",DEFAULT=YES,AUTOSELECT=YES,URI=\"sound.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"{codecs}\",RESOLUTION={width}x{height},AUDIO=\"sound\"\n\
             picture.m3u8\n"
        )
    }

    async fn put(&self, take: u32, path: &str, body: Bytes, content_type: &str) -> bool {
        let key = format!("recordings/{}/{take}/{path}", self.name);
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

fn playlist(folder: &str, segments: &[Ticks]) -> String {
    let seconds = |ticks: Ticks| ticks as f64 / TICKS_PER_SECOND as f64;
    let target = segments.iter().map(|ticks| seconds(*ticks).round() as u64).max().unwrap_or(0).max(1);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-MAP:URI=\"{folder}/init.mp4\"\n"
    );
    for (number, ticks) in segments.iter().enumerate() {
        let _ = writeln!(text, "#EXTINF:{:.5},\n{folder}/{number}.m4s", seconds(*ticks));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}
