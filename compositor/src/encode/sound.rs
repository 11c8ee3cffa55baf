//! Mixed sound to AAC-LC, a block of 1024 samples at a time.

use super::{EncodeError, av};
use crate::sound::{BLOCK, RATE};
use bytes::Bytes;
use ffmpeg_next::codec::{self, Context};
use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::util::frame::Audio;
use ffmpeg_next::{ChannelLayout, Packet as AvPacket, Rational, encoder};
use rivulet_media::{AudioCodec, AudioFormat, Packet, TICKS_PER_SECOND, Ticks};

const PLANAR: Sample = Sample::F32(sample::Type::Planar);

pub struct SoundEncoder {
    encoder: codec::encoder::audio::Encoder,
    format: AudioFormat,
}

impl SoundEncoder {
    pub fn open(bitrate_kbps: u32) -> Result<Self, EncodeError> {
        ffmpeg_next::init()?;
        let codec = encoder::find_by_name("aac").ok_or(EncodeError::Missing("this FFmpeg has no AAC encoder"))?;
        let mut context = Context::new_with_codec(codec);
        context.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut audio = context.encoder().audio()?;
        audio.set_rate(RATE as i32);
        audio.set_channel_layout(ChannelLayout::STEREO);
        audio.set_format(PLANAR);
        audio.set_bit_rate(bitrate_kbps as usize * 1_000);
        audio.set_time_base(Rational(1, RATE as i32));
        let encoder = audio.open()?;
        let format = AudioFormat::read(AudioCodec::Aac, &Bytes::from(av::extradata(&encoder)))?;
        Ok(Self { encoder, format })
    }

    /// With the AudioSpecificConfig of all that comes.
    pub fn format(&self) -> &AudioFormat {
        &self.format
    }

    /// Encodes block `n`, samples of left and right in turn. Numbers rise; a gap in them is one in
    /// the stream. What comes out is of earlier blocks, with their times; the encoder begins with a
    /// block from before the start, which is left out.
    pub fn push(&mut self, n: u64, block: &[[f32; 2]; BLOCK]) -> Result<Vec<Packet>, EncodeError> {
        let mut frame = Audio::new(PLANAR, BLOCK, ChannelLayout::STEREO);
        frame.set_rate(RATE);
        for side in 0..2 {
            for (to, from) in frame.plane_mut::<f32>(side).iter_mut().zip(block) {
                *to = from[side];
            }
        }
        frame.set_pts(Some((n * BLOCK as u64) as i64));
        self.encoder.send_frame(&frame)?;
        self.packets()
    }

    /// What the encoder still holds.
    pub fn finish(mut self) -> Result<Vec<Packet>, EncodeError> {
        self.encoder.send_eof()?;
        self.packets()
    }

    fn packets(&mut self) -> Result<Vec<Packet>, EncodeError> {
        let mut packets = Vec::new();
        let mut packet = AvPacket::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let (Some(sample), Some(data)) = (packet.pts(), packet.data()) else { continue };
            if sample < 0 {
                continue;
            }
            let pts = ticks(sample);
            packets.push(Packet { dts: pts, pts, key: true, data: Bytes::copy_from_slice(data) });
        }
        Ok(packets)
    }
}

fn ticks(samples: i64) -> Ticks {
    samples * TICKS_PER_SECOND / i64::from(RATE)
}
