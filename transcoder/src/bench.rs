//! What `rivulet bench ladder` needs: a clip as the server would feed it to a worker, and the same
//! encoder settings for a peer.

use crate::ladder::Ladder;
use crate::pipe;
use crate::planner::{Output, Planner, Wanted};
use crate::worker::encode;
use bytes::Bytes;
use ffmpeg_next::{codec, format, media};
use rivulet_hub::Source;
use rivulet_media::{Packet, Players, TICKS_PER_SECOND, VideoCodec, VideoFormat};
use rivulet_protocol::worker::{Output as Made, Rung};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// The video of a file, as an encoder would send it.
pub struct Clip {
    pub width: u32,
    pub height: u32,
    format: VideoFormat,
    packets: Vec<Packet>,
}

/// Messages for a worker, ready to be written.
pub struct Feed(Vec<Vec<u8>>);

impl Feed {
    pub fn write(&self, pipe: &mut impl Write) -> std::io::Result<()> {
        self.0.iter().try_for_each(|frame| pipe.write_all(frame))
    }
}

pub fn read_clip(path: &Path) -> anyhow::Result<Clip> {
    ffmpeg_next::init()?;
    let mut input = format::input(path)?;
    let stream = input.streams().best(media::Type::Video).ok_or_else(|| anyhow::anyhow!("it has no video"))?;
    anyhow::ensure!(stream.parameters().id() == codec::Id::H264, "its video is not H.264");
    let (index, base) = (stream.index(), stream.time_base());
    let context = codec::Context::from_parameters(stream.parameters())?;
    let config = Bytes::from(crate::worker::extradata(&context));
    let format = VideoFormat::read(VideoCodec::Avc, &config, None)?;
    let format = format.ok_or_else(|| anyhow::anyhow!("its format has no size"))?;
    let ticks = |time: i64| time * TICKS_PER_SECOND * i64::from(base.0) / i64::from(base.1) + TICKS_PER_SECOND;
    let mut packets = Vec::new();
    for (stream, packet) in input.packets() {
        if let (true, Some(data), Some(pts)) = (stream.index() == index, packet.data(), packet.pts()) {
            let data = Bytes::copy_from_slice(data);
            let key = format.is_key(&data)?;
            packets.push(Packet { dts: ticks(packet.dts().unwrap_or(pts)), pts: ticks(pts), key, data });
        }
    }
    anyhow::ensure!(!packets.is_empty(), "it has no pictures");
    Ok(Clip { width: format.width, height: format.height, format, packets })
}

impl Clip {
    pub fn pictures(&self) -> usize {
        self.packets.len()
    }

    pub fn seconds(&self) -> f64 {
        let times = || self.packets.iter().map(|packet| packet.pts);
        let span = times().max().unwrap_or(0) - times().min().unwrap_or(0);
        span as f64 / TICKS_PER_SECOND as f64 * self.packets.len() as f64 / (self.packets.len() - 1).max(1) as f64
    }

    pub fn fps(&self) -> f64 {
        self.pictures() as f64 / self.seconds()
    }

    pub fn plan(&self, ladder: &Ladder) -> Vec<Rung> {
        ladder.plan(self.width, self.height, self.format.fps_milli.unwrap_or(30_000), Players::All).rungs
    }

    /// The clip through the planner, as the server does it.
    pub fn feed(&self, ladder: &Ladder) -> anyhow::Result<Feed> {
        let mut planner = Planner::new(ladder.clone(), 0);
        let mut out = Vec::new();
        planner.want(Wanted::All, &mut out);
        let at = self.packets.first().map_or(0, |packet| packet.pts);
        planner
            .push(Source::Period { at, video: Some(self.format.clone()), audio: None, tracks: Vec::new() }, &mut out);
        self.packets.iter().for_each(|packet| planner.push(Source::Video(packet.clone()), &mut out));
        let mut frames = Vec::new();
        for item in out {
            if let Output::Worker { input, .. } = item {
                frames.push(pipe::encode(&*input)?);
            }
        }
        Ok(Feed(frames))
    }

    /// What a worker answers, until its end: every rendition as a raw H.264 stream, with a picture
    /// for each of the clip's.
    pub fn made(&self, worker: &mut impl Read) -> anyhow::Result<BTreeMap<u8, Vec<u8>>> {
        let (mut streams, mut pictures) = (BTreeMap::<u8, Vec<u8>>::new(), BTreeMap::<u8, usize>::new());
        while let Some(message) = pipe::read(worker)? {
            match message {
                Made::VideoFormat { rendition, config, .. } => {
                    let sets = parameter_sets(&config).ok_or_else(|| anyhow::anyhow!("no parameter sets"))?;
                    streams.entry(rendition).or_default().extend(sets);
                }
                Made::Video { rendition, data, .. } => {
                    streams.entry(rendition).or_default().extend(start_codes(&data));
                    *pictures.entry(rendition).or_default() += 1;
                }
                _ => {}
            }
        }
        let complete = pictures.values().all(|count| *count == self.pictures());
        anyhow::ensure!(complete, "of {} pictures the renditions have {pictures:?}", self.pictures());
        Ok(streams)
    }
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// NAL units behind start codes instead of lengths.
fn start_codes(data: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(data.len()), data);
    while let Some((length, body)) = rest.split_first_chunk::<4>() {
        let (nal, after) = body.split_at(body.len().min(u32::from_be_bytes(*length) as usize));
        out.extend(START_CODE);
        out.extend(nal);
        rest = after;
    }
    out
}

/// The same for the one SPS and PPS of an `AVCDecoderConfigurationRecord`.
fn parameter_sets(config: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = config.get(6..)?.split_first_chunk::<2>()?;
    let (sps, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let (length, rest) = rest.get(1..)?.split_first_chunk::<2>()?;
    let pps = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    Some([&START_CODE, sps, &START_CODE, pps].concat())
}

/// Options of libavcodec that make a peer's encoder equal to ours.
pub fn encoder_options(rung: &Rung, ladder: &Ladder) -> Vec<(&'static str, String)> {
    let mut options = encode::options_of(rung, &ladder.preset).to_vec();
    options.push(("x264-params", encode::x264_params(rung, ladder.latency)));
    options
}
