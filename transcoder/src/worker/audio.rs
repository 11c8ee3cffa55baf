//! Sound that browsers do not all play (Opus, HE-AAC and other kinds), encoded to AAC-LC once for all
//! rungs.

use super::{Sink, WorkerError, av};
use bytes::Bytes;
use ffmpeg_next::codec::{self, Context};
use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::software::resampling;
use ffmpeg_next::util::frame::Audio;
use ffmpeg_next::{ChannelLayout, Packet, Rational, encoder};
use rivulet_protocol::worker::{AudioCodec, AudioEncode, Output};

const FRAME: usize = 1024;
/// A difference that is more than rounding: the timestamps jumped.
const RESYNC: i64 = 90_000 / 10;
const PLANAR: Sample = Sample::F32(sample::Type::Planar);

pub struct AudioPipe {
    period: u32,
    rendition: u8,
    decoder: codec::decoder::Audio,
    bitrate: usize,
    output: Option<Encoded>,
    sink: Sink,
}

/// What can be set up only when the first decoded frame has told rate and layout.
struct Encoded {
    resampler: resampling::Context,
    encoder: codec::encoder::audio::Encoder,
    rate: u32,
    layout: ChannelLayout,
    /// Samples that wait for a full frame, one queue for each channel.
    waiting: Vec<Vec<f32>>,
    /// Time of `waiting[_][0]`, in samples.
    at: i64,
}

impl AudioPipe {
    pub fn open(period: u32, encode: &AudioEncode, sink: Sink) -> Result<Self, WorkerError> {
        let id = match encode.codec {
            AudioCodec::Aac => codec::Id::AAC,
            AudioCodec::Opus => codec::Id::OPUS,
        };
        let decoder = av::decoder_context(id, &encode.config, 1)?.decoder().audio()?;
        Ok(Self {
            period,
            rendition: encode.rendition,
            decoder,
            bitrate: encode.bitrate_kbps as usize * 1000,
            output: None,
            sink,
        })
    }

    pub fn push(&mut self, pts: i64, data: &[u8]) -> Result<(), WorkerError> {
        let mut packet = Packet::copy(data);
        packet.set_pts(Some(pts));
        if self.decoder.send_packet(&packet).is_ok() {
            self.decoded()?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<(), WorkerError> {
        let _ = self.decoder.send_eof();
        self.decoded()?;
        if let Some(output) = &mut self.output {
            output.encoder.send_eof()?;
            packets(output, self.period, self.rendition, &self.sink)?;
        }
        Ok(())
    }

    fn decoded(&mut self) -> Result<(), WorkerError> {
        let mut frame = Audio::empty();
        while self.decoder.receive_frame(&mut frame).is_ok() {
            let Some(pts) = frame.pts() else { continue };
            if frame.channel_layout().is_empty() {
                frame.set_channel_layout(ChannelLayout::default(frame.channels().into()));
            }
            if self.output.as_ref().is_none_or(|output| output.rate != frame.rate()) {
                self.output = Some(self.set_up(&frame, pts)?);
            }
            let Some(output) = &mut self.output else { continue };
            output.take(&frame, pts)?;
            packets(output, self.period, self.rendition, &self.sink)?;
        }
        Ok(())
    }

    fn set_up(&self, frame: &Audio, pts: i64) -> Result<Encoded, WorkerError> {
        let rate = frame.rate();
        let layout = if frame.channels() == 1 { ChannelLayout::MONO } else { ChannelLayout::STEREO };
        let resampler = resampling::Context::get(frame.format(), frame.channel_layout(), rate, PLANAR, layout, rate)?;
        let codec = encoder::find_by_name("aac").ok_or(WorkerError::Missing("this FFmpeg has no AAC encoder"))?;
        let mut context = Context::new_with_codec(codec);
        context.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut audio = context.encoder().audio()?;
        audio.set_rate(rate as i32);
        audio.set_channel_layout(layout);
        audio.set_format(PLANAR);
        audio.set_bit_rate(self.bitrate);
        audio.set_time_base(Rational(1, rate as i32));
        let encoder = audio.open()?;
        let config = av::extradata(&encoder);
        self.sink.send(&Output::AudioFormat { period: self.period, rendition: self.rendition, config })?;
        let channels = layout.channels().max(1) as usize;
        Ok(Encoded { resampler, encoder, rate, layout, waiting: vec![Vec::new(); channels], at: samples(pts, rate) })
    }
}

fn samples(ticks: i64, rate: u32) -> i64 {
    ticks * i64::from(rate) / 90_000
}

impl Encoded {
    fn take(&mut self, frame: &Audio, pts: i64) -> Result<(), WorkerError> {
        let mut planar = Audio::empty();
        self.resampler.run(frame, &mut planar)?;
        let expected = self.at + self.waiting[0].len() as i64;
        let start = samples(pts, self.rate);
        if (start - expected).abs() > samples(RESYNC, self.rate) {
            self.waiting.iter_mut().for_each(Vec::clear);
            self.at = start.max(self.at);
        }
        for (index, waiting) in self.waiting.iter_mut().enumerate() {
            waiting.extend_from_slice(&planar.plane::<f32>(index)[..planar.samples()]);
        }
        while self.waiting[0].len() >= FRAME {
            let mut full = Audio::new(PLANAR, FRAME, self.layout);
            av::set_rate(&mut full, self.rate);
            for (index, waiting) in self.waiting.iter_mut().enumerate() {
                full.plane_mut::<f32>(index)[..FRAME].copy_from_slice(&waiting[..FRAME]);
                waiting.drain(..FRAME);
            }
            full.set_pts(Some(self.at));
            self.at += FRAME as i64;
            self.encoder.send_frame(&full)?;
        }
        Ok(())
    }
}

fn packets(output: &mut Encoded, period: u32, rendition: u8, sink: &Sink) -> Result<(), WorkerError> {
    let mut packet = Packet::empty();
    while output.encoder.receive_packet(&mut packet).is_ok() {
        if let (Some(at), Some(data)) = (packet.pts(), packet.data()) {
            let pts = at * 90_000 / i64::from(output.rate);
            sink.send(&Output::Audio { period, rendition, pts, data: Bytes::copy_from_slice(data) })?;
        }
    }
    Ok(())
}
