//! Pictures: decoded once, scaled from rung to rung, encoded by one thread each.

use super::encode::{self, Encode, Job};
use super::{Sink, WorkerError, av};
use bytes::Bytes;
use ffmpeg_next::codec::{self, Context};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling::{self, Flags};
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Packet, Rational, encoder};
use rivulet_protocol::worker::{Cut, Output, Period, Rung, VideoCodec, VideoDecode};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Pictures that may wait for an encoder; then the decoder waits.
const QUEUE: usize = 4;
/// Media time between thumbnails, in 90 kHz ticks.
const THUMBNAIL_EVERY: i64 = 5 * 90_000;
const THUMBNAIL_SIDE: u32 = 360;
/// Above about 1080p60 one thread does not decode in real time on every machine.
const PIXELS_A_THREAD: u64 = 1920 * 1088 * 62;
/// Packets that a rung which starts in the past may be behind; a minute of them is beyond hope.
const BEHIND: usize = 4_096;
/// Packets kept for such a rung: two segments of 4 s at 120 pictures a second.
const PAST: usize = 1_024;

/// A coded picture of the source.
#[derive(Clone)]
pub struct Source {
    pub dts: i64,
    pub pts: i64,
    pub key: bool,
    pub cut: Option<Cut>,
    pub data: Bytes,
}

pub struct VideoPipe {
    format: VideoDecode,
    decoder: Decoder,
    /// Periods that begin at pictures which are not decoded yet.
    pending: VecDeque<Period>,
    active: Option<Active>,
    /// The newest segments of the source, for rungs that start in the past.
    past: VecDeque<Source>,
    behind: Option<Behind>,
    sink: Sink,
    last_thumbnail: Option<i64>,
}

struct Active {
    period: Period,
    /// From the largest to the smallest.
    rungs: Vec<RungPipe>,
    scalers: Scalers,
}

struct RungPipe {
    rung: Rung,
    queue: SyncSender<Job>,
    thread: JoinHandle<Result<(), WorkerError>>,
}

/// Pictures of the source in the order shown, each with the segment that it starts.
struct Decoder {
    decoder: codec::decoder::Video,
    cuts: VecDeque<Cut>,
    last_pts: i64,
    dropped: u32,
}

impl Decoder {
    fn open(format: &VideoDecode, period: &Period) -> Result<Self, WorkerError> {
        let (width, height) = period.rungs.first().map_or((0, 0), |rung| (rung.width, rung.height));
        let load = u64::from(width) * u64::from(height) * u64::from(period.fps_milli) / 1000;
        let threads = (load / PIXELS_A_THREAD + 1).min(4) as usize;
        let id = match format.codec {
            VideoCodec::Avc => codec::Id::H264,
            VideoCodec::Hevc => codec::Id::HEVC,
            VideoCodec::Av1 => codec::Id::AV1,
            VideoCodec::Vp9 => codec::Id::VP9,
        };
        let decoder = av::decoder_context(id, &format.config, threads)?.decoder().video()?;
        Ok(Self { decoder, cuts: VecDeque::new(), last_pts: i64::MIN, dropped: 0 })
    }

    fn push(
        &mut self,
        source: &Source,
        picture: impl FnMut(&Video, i64, Option<u64>) -> Result<(), WorkerError>,
    ) -> Result<(), WorkerError> {
        self.cuts.extend(source.cut);
        let mut packet = Packet::copy(&source.data);
        packet.set_pts(Some(source.pts));
        packet.set_dts(Some(source.dts));
        if self.decoder.send_packet(&packet).is_err() {
            self.dropped += 1;
        }
        self.decoded(picture)
    }

    fn finish(
        &mut self,
        picture: impl FnMut(&Video, i64, Option<u64>) -> Result<(), WorkerError>,
    ) -> Result<(), WorkerError> {
        // A decoder that got nothing yet has nothing to flush and may say so.
        let _ = self.decoder.send_eof();
        self.decoded(picture)
    }

    fn decoded(
        &mut self,
        mut picture: impl FnMut(&Video, i64, Option<u64>) -> Result<(), WorkerError>,
    ) -> Result<(), WorkerError> {
        let mut frame = Video::empty();
        while self.decoder.receive_frame(&mut frame).is_ok() {
            let Some(pts) = frame.pts().or(frame.timestamp()) else { continue };
            // Encoders need times that rise.
            if pts <= self.last_pts {
                self.dropped += 1;
                continue;
            }
            self.last_pts = pts;
            let mut segment = None;
            while let Some(cut) = self.cuts.pop_front_if(|cut| cut.pts <= pts) {
                segment = Some(cut.segment);
            }
            picture(&frame, pts, segment)?;
        }
        Ok(())
    }
}

/// Keeps a scaling context for as long as its input looks the same.
struct Scaler {
    context: scaling::Context,
    input: (Pixel, u32, u32),
}

/// One for each rung, by rendition.
type Scalers = BTreeMap<u8, Option<Scaler>>;

impl Scaler {
    fn run(
        slot: &mut Option<Self>,
        from: &Video,
        format: Pixel,
        width: u32,
        height: u32,
    ) -> Result<Video, WorkerError> {
        let input = (from.format(), from.width(), from.height());
        if slot.as_ref().is_none_or(|scaler| scaler.input != input) {
            let context = scaling::Context::get(input.0, input.1, input.2, format, width, height, Flags::BICUBIC)?;
            *slot = Some(Self { context, input });
        }
        let mut to = Video::empty();
        if let Some(scaler) = slot {
            scaler.context.run(from, &mut to)?;
        }
        to.set_pts(from.pts());
        Ok(to)
    }
}

impl VideoPipe {
    pub fn open(format: VideoDecode, period: Period, sink: Sink) -> Result<Self, WorkerError> {
        Ok(Self {
            decoder: Decoder::open(&format, &period)?,
            format,
            pending: VecDeque::from([period]),
            active: None,
            past: VecDeque::new(),
            behind: None,
            sink,
            last_thumbnail: None,
        })
    }

    pub fn decodes(&self, format: &VideoDecode) -> bool {
        self.format == *format
    }

    pub fn period(&mut self, period: Period) -> Result<(), WorkerError> {
        self.caught_up(period.start.pts)?;
        self.past.clear();
        self.pending.push_back(period);
        Ok(())
    }

    /// From now on these are the rungs. New ones begin at the oldest segment that is kept.
    pub fn rungs(&mut self, rungs: Vec<Rung>) -> Result<(), WorkerError> {
        if let Some(period) = self.pending.back_mut() {
            period.rungs = rungs;
            return Ok(());
        }
        // One group catches up at a time: what is still behind joins first.
        self.caught_up(self.decoder.last_pts.saturating_add(1))?;
        let Some(active) = &mut self.active else { return Ok(()) };
        let (kept, stopped): (Vec<_>, Vec<_>) =
            active.rungs.drain(..).partition(|pipe| rungs.iter().any(|rung| rung.rendition == pipe.rung.rendition));
        active.rungs = kept;
        for pipe in stopped {
            let (period, rendition) = (active.period.number, pipe.rung.rendition);
            pipe.finish()?;
            self.sink.send(&Output::Stopped { period, rendition })?;
        }
        let runs = |rung: &Rung| active.rungs.iter().any(|pipe| pipe.rung.rendition == rung.rendition);
        let new: Vec<Rung> = rungs.iter().filter(|rung| !runs(rung)).cloned().collect();
        active.period.rungs = rungs;
        if !new.is_empty() {
            let period = Period { rungs: new, ..active.period.clone() };
            self.behind = Some(Behind::start(&self.format, period, &self.past, &self.sink)?);
        }
        Ok(())
    }

    pub fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.decoder.dropped)
    }

    pub fn push(&mut self, source: Source) -> Result<(), WorkerError> {
        if let Some(cut) = source.cut {
            if self.behind.as_ref().is_some_and(Behind::is_close) {
                self.caught_up(cut.pts)?;
            }
            // Keeps the segment that begins here and the one before it.
            let before = self.past.iter().rposition(|past| past.cut.is_some()).unwrap_or(0);
            self.past.drain(..before);
        }
        if let Some(behind) = &self.behind {
            behind.push(source.clone())?;
        }
        if self.past.len() == PAST {
            self.past.pop_front();
        }
        self.past.push_back(source.clone());
        let newest = self.pending.back().or(self.active.as_ref().map(|active| &active.period));
        if !source.key && newest.is_some_and(|period| period.rungs.is_empty()) {
            // Nothing to encode: key frames are enough for thumbnails.
            return Ok(());
        }
        let Self { decoder, pending, active, sink, last_thumbnail, .. } = self;
        decoder
            .push(&source, |picture, pts, segment| show(pending, active, sink, last_thumbnail, picture, pts, segment))
    }

    /// Rungs that were behind are fed with the others from this picture on.
    fn caught_up(&mut self, from: i64) -> Result<(), WorkerError> {
        let Some(behind) = self.behind.take() else { return Ok(()) };
        let rungs = behind.catch_up(from)?;
        if let Some(active) = &mut self.active {
            let made = |pipe: RungPipe| RungPipe { rung: Rung { made_until: Some(from - 1), ..pipe.rung }, ..pipe };
            active.rungs.extend(rungs.into_iter().map(made));
            active.rungs.sort_by_key(|pipe| pipe.rung.rendition);
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<(), WorkerError> {
        self.caught_up(i64::MAX)?;
        let Self { decoder, pending, active, sink, last_thumbnail, .. } = &mut self;
        decoder.finish(|picture, pts, segment| show(pending, active, sink, last_thumbnail, picture, pts, segment))?;
        self.active.take().map_or(Ok(()), Active::finish)
    }
}

/// A decoded picture goes to the rungs of its period, and now and then to the thumbnail.
fn show(
    pending: &mut VecDeque<Period>,
    current: &mut Option<Active>,
    sink: &Sink,
    last_thumbnail: &mut Option<i64>,
    picture: &Video,
    pts: i64,
    segment: Option<u64>,
) -> Result<(), WorkerError> {
    while let Some(period) = pending.pop_front_if(|period| period.start.pts <= pts) {
        if let Some(active) = current.take() {
            let period = active.period.number;
            active.finish()?;
            sink.send(&Output::Finished { period })?;
        }
        *current = Some(Active::open(period, sink)?);
    }
    let Some(active) = current else { return Ok(()) };
    let smallest = encode_all(&mut active.rungs, &mut active.scalers, picture, pts, segment)?;
    if last_thumbnail.is_none_or(|last| pts - last >= THUMBNAIL_EVERY) {
        *last_thumbnail = Some(pts);
        let data = thumbnail(smallest.as_ref().unwrap_or(picture))?.into();
        sink.send(&Output::Thumbnail { data })?;
    }
    Ok(())
}

/// Scales from rung to rung; answers the smallest picture that was made.
fn encode_all(
    rungs: &mut [RungPipe],
    scalers: &mut Scalers,
    picture: &Video,
    pts: i64,
    segment: Option<u64>,
) -> Result<Option<Video>, WorkerError> {
    let mut smallest = None;
    for pipe in rungs {
        if pipe.rung.made_until.is_some_and(|until| pts <= until) {
            continue;
        }
        let from = smallest.as_ref().unwrap_or(picture);
        let (width, height) = (pipe.rung.width, pipe.rung.height);
        let same = (from.format(), from.width(), from.height()) == (Pixel::YUV420P, width, height);
        let mut scaled = match same {
            true => av::share(from)?,
            false => Scaler::run(scalers.entry(pipe.rung.rendition).or_default(), from, Pixel::YUV420P, width, height)?,
        };
        scaled.set_pts(Some(pts));
        let job = Job { picture: av::share(&scaled)?, segment };
        pipe.queue.send(job).map_err(|_| WorkerError::EncoderGone)?;
        smallest = Some(scaled);
    }
    Ok(smallest)
}

impl Active {
    fn open(period: Period, sink: &Sink) -> Result<Self, WorkerError> {
        let rungs = RungPipe::open_all(&period, sink)?;
        Ok(Self { period, rungs, scalers: Scalers::new() })
    }

    fn finish(self) -> Result<(), WorkerError> {
        self.rungs.into_iter().try_for_each(RungPipe::finish)
    }
}

impl RungPipe {
    fn open_all(period: &Period, sink: &Sink) -> Result<Vec<Self>, WorkerError> {
        let mut rungs = Vec::new();
        for rung in &period.rungs {
            let encoder = encode::open(rung, period)?;
            let (queue, jobs) = sync_channel(QUEUE);
            let encode = Encode { period: period.number, rendition: rung.rendition, encoder, sink: sink.clone() };
            let thread = std::thread::Builder::new().name(rung.name.clone()).spawn(move || encode.run(jobs))?;
            rungs.push(Self { rung: rung.clone(), queue, thread });
        }
        Ok(rungs)
    }

    /// Waits for the pictures that are still inside the encoder.
    fn finish(self) -> Result<(), WorkerError> {
        drop(self.queue);
        self.thread.join().map_err(|_| WorkerError::EncoderGone)?
    }
}

/// Rungs that started in the past, on a thread with a decoder of its own.
struct Behind {
    sources: SyncSender<Late>,
    waiting: Arc<AtomicUsize>,
    thread: JoinHandle<Result<Vec<RungPipe>, WorkerError>>,
}

enum Late {
    Source(Source),
    /// Pictures from this one on are somebody else's.
    Until(i64),
}

impl Behind {
    fn start(format: &VideoDecode, period: Period, past: &VecDeque<Source>, sink: &Sink) -> Result<Self, WorkerError> {
        let format = format.clone();
        let mut rungs = RungPipe::open_all(&period, sink)?;
        let (sources, late) = sync_channel(BEHIND);
        let waiting = Arc::new(AtomicUsize::new(0));
        let this = Self {
            sources,
            waiting: waiting.clone(),
            thread: std::thread::Builder::new().name("behind".into()).spawn(move || {
                let mut decoder = Decoder::open(&format, &period)?;
                Self::run(&mut decoder, &mut rungs, &late, &waiting)?;
                Ok(rungs)
            })?,
        };
        // Decoding can begin only where a segment does.
        past.iter().skip_while(|source| source.cut.is_none()).try_for_each(|source| this.push(source.clone()))?;
        Ok(this)
    }

    fn run(
        decoder: &mut Decoder,
        rungs: &mut [RungPipe],
        late: &Receiver<Late>,
        waiting: &AtomicUsize,
    ) -> Result<(), WorkerError> {
        let mut scalers = Scalers::new();
        let until = loop {
            match late.recv() {
                Ok(Late::Source(source)) => {
                    decoder.push(&source, |picture, pts, segment| {
                        encode_all(rungs, &mut scalers, picture, pts, segment).map(drop)
                    })?;
                    waiting.fetch_sub(1, Relaxed);
                }
                Ok(Late::Until(pts)) => break pts,
                Err(_) => break i64::MAX,
            }
        };
        decoder.finish(|picture, pts, segment| match pts < until {
            true => encode_all(rungs, &mut scalers, picture, pts, segment).map(drop),
            false => Ok(()),
        })
    }

    fn push(&self, source: Source) -> Result<(), WorkerError> {
        self.waiting.fetch_add(1, Relaxed);
        self.sources.try_send(Late::Source(source)).map_err(|_| WorkerError::EncoderGone)
    }

    /// Nearly nothing waits: the others would not have to wait long for it.
    fn is_close(&self) -> bool {
        self.waiting.load(Relaxed) <= QUEUE
    }

    /// The rungs, once all pictures before this one are in their queues.
    fn catch_up(self, until: i64) -> Result<Vec<RungPipe>, WorkerError> {
        self.sources.send(Late::Until(until)).map_err(|_| WorkerError::EncoderGone)?;
        self.thread.join().map_err(|_| WorkerError::EncoderGone)?
    }
}

fn thumbnail(picture: &Video) -> Result<Vec<u8>, WorkerError> {
    let side = picture.width().min(picture.height()).max(1);
    let fit =
        |length: u32| ((u64::from(length) * u64::from(THUMBNAIL_SIDE.min(side)) / u64::from(side)) as u32 & !1).max(2);
    let (width, height) = (fit(picture.width()), fit(picture.height()));
    let mut small = Scaler::run(&mut None, picture, Pixel::YUVJ420P, width, height)?;
    small.set_pts(Some(0));
    let codec = encoder::find(codec::Id::MJPEG).ok_or(WorkerError::Missing("this FFmpeg has no JPEG encoder"))?;
    let mut video = Context::new_with_codec(codec).encoder().video()?;
    video.set_width(width);
    video.set_height(height);
    video.set_format(Pixel::YUVJ420P);
    video.set_time_base(Rational(1, 1));
    video.set_qmin(3);
    video.set_qmax(6);
    let mut encoder = video.open()?;
    encoder.send_frame(&small)?;
    encoder.send_eof()?;
    let mut packet = Packet::empty();
    encoder.receive_packet(&mut packet)?;
    Ok(packet.data().unwrap_or_default().to_vec())
}
