//! One rung's encoder: its settings and its thread.

use super::{Sink, WorkerError, av};
use bytes::Bytes;
use ffmpeg_next::codec::{self, Context};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Dictionary, Packet, Rational, encoder, picture};
use rivulet_protocol::rest::Latency;
use rivulet_protocol::worker::{Output, Period, Rung};
use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

pub fn open(rung: &Rung, period: &Period) -> Result<codec::encoder::video::Encoder, WorkerError> {
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
    for (key, value) in options_of(rung, &period.preset) {
        options.set(key, &value);
    }
    // MP4 wants NAL units behind their length.
    options.set("x264-params", &format!("{}:annexb=0", x264_params(rung, period.latency)));
    Ok(video.open_with(options)?)
}

/// All that decides quality, by the names of libavcodec's options.
pub fn options_of(rung: &Rung, preset: &str) -> [(&'static str, String); 7] {
    let kbps = rung.bitrate_kbps;
    [
        ("b", format!("{kbps}k")),
        ("maxrate", format!("{}k", kbps + kbps / 10)),
        ("bufsize", format!("{}k", kbps * 3 / 2)),
        ("preset", preset.into()),
        ("profile", "high".into()),
        ("level", rung.level.to_string()),
        ("forced-idr", "1".into()),
    ]
}

/// Key frames only where segments start. One thread for each picture of up to 720p: rungs run
/// beside each other, and a thread less is a frame of delay less. For latency, the encoder holds
/// back four pictures and no more, which is 0.13 s at 30 fps: enough to spread its bits well.
pub fn x264_params(rung: &Rung, latency: Latency) -> String {
    let threads = if rung.width * rung.height > 1280 * 720 { 2 } else { 1 };
    let delay = match latency {
        Latency::Low => ":bframes=0:rc-lookahead=4:sync-lookahead=0",
        Latency::Normal => "",
    };
    format!("keyint=infinite:scenecut=0:open-gop=0:threads={threads}{delay}")
}

/// One rung's thread.
pub struct Encode {
    pub period: u32,
    pub rendition: u8,
    pub encoder: codec::encoder::video::Encoder,
    pub sink: Sink,
}

/// A picture on its way to an encoder.
pub struct Job {
    pub picture: Video,
    /// The segment that it starts.
    pub segment: Option<u64>,
}

impl Encode {
    pub fn run(mut self, jobs: Receiver<Job>) -> Result<(), WorkerError> {
        let config = rivulet_media::avc_config(&av::extradata(&self.encoder))
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
                data: Bytes::copy_from_slice(data),
            })?;
        }
        Ok(())
    }
}
