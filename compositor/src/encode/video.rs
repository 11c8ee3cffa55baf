//! I420 in, H.264 out, without delay: each picture gives its packet at once.

use super::{EncodeError, av};
use crate::pace::Rate;
use bytes::Bytes;
use ffmpeg_next::codec::{self, Context};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Dictionary, Packet as AvPacket, Rational, encoder, picture};
use rivulet_media::{Packet, VideoCodec, VideoFormat};
use rivulet_picture::Planes;
use serde::{Deserialize, Serialize};

/// Distance of key frames: what every platform wants.
pub const GOP_MS: u32 = 2_000;
/// Pixels a second that one x264 thread is trusted with: 1920x1080 at 45. A thread more costs
/// quality, because pictures without delay are cut into a slice for each.
const PIXELS_A_THREAD: f64 = 1920.0 * 1080.0 * 45.0;
const MAX_THREADS: f64 = 8.0;

/// x264's, from quick to thorough. The slower ones hold no live picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    Ultrafast,
    Superfast,
    #[default]
    Veryfast,
    Faster,
    Fast,
    Medium,
}

impl Preset {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ultrafast => "ultrafast",
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Fast => "fast",
            Self::Medium => "medium",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoSettings {
    /// Even, as 4:2:0 needs it.
    pub width: u32,
    pub height: u32,
    pub rate: Rate,
    pub bitrate_kbps: u32,
    pub preset: Preset,
}

impl VideoSettings {
    fn threads(&self) -> u32 {
        let pixels = f64::from(self.width) * f64::from(self.height) * self.rate.per_second();
        (pixels / PIXELS_A_THREAD).ceil().clamp(1.0, MAX_THREADS) as u32
    }
}

pub struct VideoEncoder {
    settings: VideoSettings,
    encoder: codec::encoder::video::Encoder,
    format: VideoFormat,
    /// The newest picture, which may be asked for again.
    frame: Video,
    /// The first picture from which on the next key frame is due.
    next_key: u64,
}

impl VideoEncoder {
    pub fn open(settings: VideoSettings) -> Result<Self, EncodeError> {
        ffmpeg_next::init()?;
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
        let codec = encoder::find_by_name("libx264").ok_or(EncodeError::Missing("this FFmpeg has no libx264"))?;
        let mut context = Context::new_with_codec(codec);
        context.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut video = context.encoder().video()?;
        video.set_width(settings.width);
        video.set_height(settings.height);
        video.set_format(Pixel::YUV420P);
        video.set_time_base(Rational(1, 90_000));
        let (num, den) = settings.rate.parts();
        video.set_frame_rate(Some(Rational(num as i32, den as i32)));
        let mut options = Dictionary::new();
        for (key, value) in options_of(&settings) {
            options.set(key, &value);
        }
        let encoder = video.open_with(options)?;
        let config = rivulet_media::avc_config(&av::extradata(&encoder))
            .ok_or(EncodeError::Missing("the encoder made no parameter sets"))?;
        let format = VideoFormat::read(VideoCodec::Avc, &Bytes::from(config), None)?
            .ok_or(EncodeError::Missing("the encoder made no parameter sets"))?;
        let mut frame = Video::new(Pixel::YUV420P, settings.width, settings.height);
        for (plane, grey) in [(0, 16), (1, 128), (2, 128)] {
            frame.data_mut(plane).fill(grey);
        }
        Ok(Self { settings, encoder, format, frame, next_key: 0 })
    }

    /// With the `AVCDecoderConfigurationRecord` of all that comes.
    pub fn format(&self) -> &VideoFormat {
        &self.format
    }

    /// Encodes picture `n`. `None` is the one before it again, which costs little and is a few
    /// bytes. Numbers rise; a gap in them is one in the stream.
    pub fn push(&mut self, n: u64, picture: Option<Planes<'_>>) -> Result<Vec<Packet>, EncodeError> {
        if let Some(planes) = picture {
            self.copy(planes)?;
        }
        self.frame.set_pts(Some(self.settings.rate.ticks(n)));
        let key = n >= self.next_key;
        if key {
            let gop = self.settings.rate.in_millis(GOP_MS);
            self.next_key = (n / gop + 1) * gop;
        }
        self.frame.set_kind(if key { picture::Type::I } else { picture::Type::None });
        self.encoder.send_frame(&self.frame)?;
        self.packets()
    }

    /// What the encoder still holds.
    pub fn finish(mut self) -> Result<Vec<Packet>, EncodeError> {
        self.encoder.send_eof()?;
        self.packets()
    }

    fn copy(&mut self, planes: Planes<'_>) -> Result<(), EncodeError> {
        let (width, height) = (self.settings.width as usize, self.settings.height as usize);
        let chroma = (width.div_ceil(2), height.div_ceil(2));
        let sizes = [(width, height), chroma, chroma];
        let sources = [planes.y, planes.u, planes.v];
        let fits = sources.iter().zip(sizes).all(|(source, (width, height))| source.len() == width * height);
        if (planes.width, planes.height) != (width, height) || !fits {
            return Err(EncodeError::Size(planes.width, planes.height, self.settings.width, self.settings.height));
        }
        av::make_writable(&mut self.frame)?;
        for (index, (source, (width, _))) in sources.into_iter().zip(sizes).enumerate() {
            let stride = self.frame.stride(index);
            let rows = self.frame.data_mut(index).chunks_mut(stride);
            for (to, from) in rows.zip(source.chunks(width)) {
                to[..width].copy_from_slice(from);
            }
        }
        Ok(())
    }

    fn packets(&mut self) -> Result<Vec<Packet>, EncodeError> {
        let mut packets = Vec::new();
        let mut packet = AvPacket::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let (Some(pts), Some(data)) = (packet.pts(), packet.data()) else { continue };
            let dts = packet.dts().unwrap_or(pts);
            packets.push(Packet { dts, pts, key: packet.is_key(), data: Bytes::copy_from_slice(data) });
        }
        Ok(packets)
    }
}

/// All that decides quality, by the names of libavcodec's options. The rate is as good as constant:
/// no second has more than its share; less when there is nothing to say.
fn options_of(settings: &VideoSettings) -> [(&'static str, String); 8] {
    let rate = format!("{}k", settings.bitrate_kbps);
    let threads = settings.threads();
    // Key frames only where we say so; MP4 and FLV want NAL units behind their length.
    let keys = "keyint=infinite:scenecut=0:open-gop=0:annexb=0";
    let colours = "colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=off";
    [
        ("b", rate.clone()),
        ("maxrate", rate.clone()),
        ("bufsize", rate),
        ("preset", settings.preset.name().into()),
        ("tune", "zerolatency".into()),
        ("profile", "high".into()),
        ("forced-idr", "1".into()),
        ("x264-params", format!("{keys}:{colours}:threads={threads}")),
    ]
}
