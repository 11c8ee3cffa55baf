//! Pictures: decoded once, scaled from rung to rung, encoded by one thread each.

use super::{Sink, WorkerError, av};
use ffmpeg_next::codec::{self, Context};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling::{self, Flags};
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Dictionary, Packet, Rational, encoder, picture};
use rivulet_protocol::worker::{Cut, Output, Period, Rung};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Pictures that may wait for an encoder; then the decoder waits.
const QUEUE: usize = 4;
/// Media time between thumbnails, in 90 kHz ticks.
const THUMBNAIL_EVERY: i64 = 5 * 90_000;
const THUMBNAIL_SIDE: u32 = 360;
/// Above about 1080p60 one thread does not decode in real time on every machine.
const PIXELS_A_THREAD: u64 = 1920 * 1088 * 62;

pub struct VideoPipe {
    config: Vec<u8>,
    decoder: codec::decoder::Video,
    /// Periods that begin at pictures which are not decoded yet.
    pending: VecDeque<Period>,
    active: Option<Active>,
    cuts: VecDeque<Cut>,
    sink: Sink,
    last_pts: i64,
    last_thumbnail: Option<i64>,
    dropped: u32,
}

struct Active {
    period: Period,
    rungs: Vec<RungPipe>,
}

struct RungPipe {
    scaler: Option<Scaler>,
    width: u32,
    height: u32,
    queue: SyncSender<Job>,
    thread: JoinHandle<Result<(), WorkerError>>,
}

struct Job {
    picture: Video,
    segment: Option<u64>,
}

/// Keeps a scaling context for as long as its input looks the same.
struct Scaler {
    context: scaling::Context,
    input: (Pixel, u32, u32),
}

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
    pub fn open(config: Vec<u8>, period: Period, sink: Sink) -> Result<Self, WorkerError> {
        let (width, height) = period.rungs.first().map_or((0, 0), |rung| (rung.width, rung.height));
        let load = u64::from(width) * u64::from(height) * u64::from(period.fps_milli) / 1000;
        let threads = (load / PIXELS_A_THREAD + 1).min(4) as usize;
        let decoder = av::decoder_context(codec::Id::H264, &config, threads)?.decoder().video()?;
        Ok(Self {
            config,
            decoder,
            pending: VecDeque::from([period]),
            active: None,
            cuts: VecDeque::new(),
            sink,
            last_pts: i64::MIN,
            last_thumbnail: None,
            dropped: 0,
        })
    }

    pub fn decodes(&self, config: &[u8]) -> bool {
        self.config == config
    }

    pub fn period(&mut self, period: Period) {
        self.pending.push_back(period);
    }

    pub fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.dropped)
    }

    pub fn push(&mut self, dts: i64, pts: i64, key: bool, cut: Option<Cut>, data: &[u8]) -> Result<(), WorkerError> {
        self.cuts.extend(cut);
        let newest = self.pending.back().or(self.active.as_ref().map(|active| &active.period));
        if !key && newest.is_some_and(|period| period.rungs.is_empty()) {
            // Nothing to encode: key frames are enough for thumbnails.
            return Ok(());
        }
        let mut packet = Packet::copy(data);
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        if self.decoder.send_packet(&packet).is_err() {
            self.dropped += 1;
        }
        self.decoded()
    }

    pub fn finish(mut self) -> Result<(), WorkerError> {
        // A decoder that got nothing yet has nothing to flush and may say so.
        let _ = self.decoder.send_eof();
        self.decoded()?;
        self.active.take().map_or(Ok(()), Active::finish)
    }

    fn decoded(&mut self) -> Result<(), WorkerError> {
        let mut picture = Video::empty();
        while self.decoder.receive_frame(&mut picture).is_ok() {
            let Some(pts) = picture.pts().or(picture.timestamp()) else { continue };
            // Encoders need times that rise.
            if pts > self.last_pts {
                self.last_pts = pts;
                self.picture(&picture, pts)?;
            } else {
                self.dropped += 1;
            }
        }
        Ok(())
    }

    fn picture(&mut self, picture: &Video, pts: i64) -> Result<(), WorkerError> {
        while let Some(period) = self.pending.pop_front_if(|period| period.start.pts <= pts) {
            if let Some(active) = self.active.take() {
                let period = active.period.number;
                active.finish()?;
                self.sink.send(&Output::Finished { period })?;
            }
            self.active = Some(Active::open(period, &self.sink)?);
        }
        let mut segment = None;
        while let Some(cut) = self.cuts.pop_front_if(|cut| cut.pts <= pts) {
            segment = Some(cut.segment);
        }
        let Some(active) = &mut self.active else { return Ok(()) };
        let mut smallest = None;
        for rung in &mut active.rungs {
            let from = smallest.as_ref().unwrap_or(picture);
            let same = (from.format(), from.width(), from.height()) == (Pixel::YUV420P, rung.width, rung.height);
            let mut scaled = match same {
                true => av::share(from)?,
                false => Scaler::run(&mut rung.scaler, from, Pixel::YUV420P, rung.width, rung.height)?,
            };
            scaled.set_pts(Some(pts));
            let job = Job { picture: av::share(&scaled)?, segment };
            rung.queue.send(job).map_err(|_| WorkerError::EncoderGone)?;
            smallest = Some(scaled);
        }
        if active.period.thumbnails && self.last_thumbnail.is_none_or(|last| pts - last >= THUMBNAIL_EVERY) {
            self.last_thumbnail = Some(pts);
            let data = thumbnail(smallest.as_ref().unwrap_or(picture))?;
            self.sink.send(&Output::Thumbnail { data })?;
        }
        Ok(())
    }
}

impl Active {
    fn open(period: Period, sink: &Sink) -> Result<Self, WorkerError> {
        let mut rungs = Vec::new();
        for rung in &period.rungs {
            let encoder = open_encoder(rung, &period)?;
            let (queue, jobs) = sync_channel(QUEUE);
            let encode = Encode { period: period.number, rendition: rung.rendition, encoder, sink: sink.clone() };
            let thread = std::thread::Builder::new()
                .name(rung.name.clone())
                .spawn(move || encode.run(jobs))
                .map_err(WorkerError::Pipe)?;
            rungs.push(RungPipe { scaler: None, width: rung.width, height: rung.height, queue, thread });
        }
        Ok(Self { period, rungs })
    }

    fn finish(self) -> Result<(), WorkerError> {
        for rung in self.rungs {
            drop(rung.queue);
            rung.thread.join().map_err(|_| WorkerError::EncoderGone)??;
        }
        Ok(())
    }
}

fn open_encoder(rung: &Rung, period: &Period) -> Result<codec::encoder::video::Encoder, WorkerError> {
    let codec = encoder::find_by_name("libx264").ok_or(WorkerError::Missing("this FFmpeg has no libx264"))?;
    let mut context = Context::new_with_codec(codec);
    context.set_flags(codec::Flags::GLOBAL_HEADER);
    let mut video = context.encoder().video()?;
    video.set_width(rung.width);
    video.set_height(rung.height);
    video.set_format(Pixel::YUV420P);
    video.set_time_base(Rational(1, 90_000));
    video.set_frame_rate(Some(Rational(period.fps_milli as i32, 1000)));
    let mut options = Dictionary::new();
    for (key, value) in encoder_options(rung, &period.preset) {
        options.set(key, &value);
    }
    // MP4 wants NAL units behind their length.
    options.set("x264-params", &format!("{}:annexb=0", x264_params(rung)));
    Ok(video.open_with(options)?)
}

/// All that decides quality, by the names of libavcodec's options.
pub fn encoder_options(rung: &Rung, preset: &str) -> [(&'static str, String); 6] {
    let kbps = rung.bitrate_kbps;
    [
        ("b", format!("{kbps}k")),
        ("maxrate", format!("{}k", kbps + kbps / 10)),
        ("bufsize", format!("{}k", kbps * 3 / 2)),
        ("preset", preset.into()),
        ("profile", "high".into()),
        ("forced-idr", "1".into()),
    ]
}

/// Key frames only where segments start. One thread for each picture of up to 720p: rungs run
/// beside each other, and a thread less is a frame of delay less.
pub fn x264_params(rung: &Rung) -> String {
    let threads = if rung.width * rung.height > 1280 * 720 { 2 } else { 1 };
    format!("keyint=infinite:scenecut=0:open-gop=0:threads={threads}")
}

/// One rung's thread.
struct Encode {
    period: u32,
    rendition: u8,
    encoder: codec::encoder::video::Encoder,
    sink: Sink,
}

impl Encode {
    fn run(mut self, jobs: Receiver<Job>) -> Result<(), WorkerError> {
        let config = avc_config(&av::extradata(&self.encoder))
            .ok_or(WorkerError::Missing("the encoder made no parameter sets"))?;
        self.sink.send(&Output::VideoFormat { period: self.period, rendition: self.rendition, config })?;
        let mut marks = VecDeque::new();
        for Job { mut picture, segment } in jobs {
            picture.set_kind(if segment.is_some() { picture::Type::I } else { picture::Type::None });
            if let (Some(segment), Some(pts)) = (segment, picture.pts()) {
                marks.push_back((pts, segment));
            }
            self.encoder.send_frame(&picture)?;
            self.packets(&mut marks)?;
        }
        self.encoder.send_eof()?;
        self.packets(&mut marks)
    }

    fn packets(&mut self, marks: &mut VecDeque<(i64, u64)>) -> Result<(), WorkerError> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let (Some(pts), Some(data)) = (packet.pts(), packet.data()) else { continue };
            let key = packet.is_key();
            let segment = marks.pop_front_if(|mark| key && mark.0 == pts).map(|mark| mark.1);
            self.sink.send(&Output::Video {
                period: self.period,
                rendition: self.rendition,
                dts: packet.dts().unwrap_or(pts),
                pts,
                key,
                segment,
                data: data.to_vec(),
            })?;
        }
        Ok(())
    }
}

/// `AVCDecoderConfigurationRecord` from the length-prefixed parameter sets of an encoder.
fn avc_config(extradata: &[u8]) -> Option<Vec<u8>> {
    let (mut sps, mut pps) = (None, None);
    let mut rest = extradata;
    while let Some((length, body)) = rest.split_first_chunk::<4>() {
        let (nal, after) = body.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        match nal.first()? & 0x1f {
            7 => sps = Some(nal),
            8 => pps = Some(nal),
            _ => {}
        }
        rest = after;
    }
    let (sps, pps) = (sps?, pps?);
    let mut config = vec![1, *sps.get(1)?, *sps.get(2)?, *sps.get(3)?, 0xff, 0xe1];
    config.extend((sps.len() as u16).to_be_bytes());
    config.extend(sps);
    config.push(1);
    config.extend((pps.len() as u16).to_be_bytes());
    config.extend(pps);
    if *sps.get(1)? >= 100 {
        // High profile: 4:2:0, 8 bits, no extensions.
        config.extend([0xfd, 0xf8, 0xf8, 0]);
    }
    Some(config)
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
