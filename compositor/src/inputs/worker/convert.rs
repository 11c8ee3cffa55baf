//! Whatever a source's pictures and sound are, they leave as I420 (BT.709, limited range) of the size
//! that is asked for, and as 48 kHz stereo.

use super::av;
use crate::inputs::wire::MAX_FRAMES;
use crate::sound::RATE;
use ffmpeg_next::format::{Pixel, Sample, sample};
use ffmpeg_next::software::{resampling, scaling};
use ffmpeg_next::util::frame::{Audio, Video};
use ffmpeg_next::{ChannelLayout, Error, color};

const PACKED: Sample = Sample::F32(sample::Type::Packed);
/// What a resampler may hold back, in samples.
const MARGIN: usize = 256;
/// The sides of a source.
const MAX_EDGE: u32 = 8_192;

/// All that the way of converting depends on.
type Kind = (Pixel, u32, u32, color::Space, bool);

pub struct Pictures {
    most: (u16, u16),
    scaler: Option<(Kind, scaling::Context)>,
    scaled: Video,
    bytes: Vec<u8>,
}

impl Pictures {
    /// That fit into so many pixels.
    pub fn new(width: u16, height: u16) -> Self {
        Self { most: (width, height), scaler: None, scaled: Video::empty(), bytes: Vec::new() }
    }

    /// Answers the size of what [`Self::bytes`] then holds.
    pub fn convert(&mut self, frame: &Video) -> Result<(u16, u16), Error> {
        let (width, height) = (frame.width(), frame.height());
        if width == 0 || height == 0 || width > MAX_EDGE || height > MAX_EDGE {
            return Err(Error::InvalidData);
        }
        let to = fit((width, height), frame.aspect_ratio().into(), self.most);
        let (space, full) = (space_of(frame), frame.color_range() == color::Range::JPEG);
        let kind = (frame.format(), width, height, space, full);
        if self.scaler.as_ref().is_none_or(|(of, _)| *of != kind) {
            let (across, down) = (to.0.into(), to.1.into());
            let flags = scaling::Flags::BILINEAR | scaling::Flags::ACCURATE_RND;
            let mut made = scaling::Context::get(frame.format(), width, height, Pixel::YUV420P, across, down, flags)?;
            av::set_colors(&mut made, space, full);
            (self.scaler, self.scaled) = (Some((kind, made)), Video::empty());
        }
        let Some((_, scaler)) = &mut self.scaler else { return Err(Error::Bug) };
        scaler.run(frame, &mut self.scaled)?;
        self.bytes.clear();
        for plane in 0..3 {
            let half = |edge: u16| usize::from(if plane == 0 { edge } else { edge / 2 });
            let rows = self.scaled.data(plane).chunks(self.scaled.stride(plane)).take(half(to.1));
            rows.for_each(|row| self.bytes.extend_from_slice(&row[..half(to.0)]));
        }
        Ok(to)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Pictures that do not say so are what everybody takes them for.
fn space_of(frame: &Video) -> color::Space {
    match frame.color_space() {
        color::Space::Unspecified | color::Space::Reserved if frame.height() >= 720 => color::Space::BT709,
        space => space,
    }
}

/// The largest size within `most` of a picture whose pixels may not be square; never larger than the
/// picture itself. Edges are even.
fn fit((width, height): (u32, u32), aspect: f64, most: (u16, u16)) -> (u16, u16) {
    let aspect = if (0.1..=10.0).contains(&aspect) { aspect } else { 1.0 };
    let (width, height) = (f64::from(width) * aspect, f64::from(height));
    let scale = (f64::from(most.0) / width).min(f64::from(most.1) / height).min(1.0);
    let even = |edge: f64, most: u16| ((edge * scale / 2.0).round() as u16 * 2).clamp(2, most);
    (even(width, most.0), even(height, most.1))
}

#[derive(Default)]
pub struct Sound {
    resampler: Option<((Sample, ChannelLayout, u32), resampling::Context)>,
    bytes: Vec<u8>,
}

impl Sound {
    /// Answers how many frames [`Self::bytes`] then holds.
    pub fn convert(&mut self, frame: &mut Audio) -> Result<u32, Error> {
        if frame.channel_layout().is_empty() {
            frame.set_channel_layout(ChannelLayout::default(frame.channels().into()));
        }
        let (layout, rate) = (frame.channel_layout(), frame.rate());
        let kind = (frame.format(), layout, rate);
        if rate == 0 || frame.samples() == 0 {
            return Err(Error::InvalidData);
        }
        if self.resampler.as_ref().is_none_or(|(of, _)| *of != kind) {
            let made = resampling::Context::get(kind.0, layout, rate, PACKED, ChannelLayout::STEREO, RATE)?;
            self.resampler = Some((kind, made));
        }
        let Some((_, resampler)) = &mut self.resampler else { return Err(Error::Bug) };
        let room = (frame.samples() + MARGIN) as u64 * u64::from(RATE) / u64::from(rate);
        let mut to = Audio::new(PACKED, room as usize + MARGIN, ChannelLayout::STEREO);
        resampler.run(frame, &mut to)?;
        let frames = to.samples().min(MAX_FRAMES as usize);
        self.bytes.clear();
        self.bytes.extend_from_slice(&to.data(0)[..frames * 8]);
        Ok(frames as u32)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (size, aspect, most, fitted) in [
            ((1920, 1080), 1.0, (1280, 720), (1280, 720)),
            ((640, 360), 1.0, (1280, 720), (640, 360)),
            ((641, 361), 0.0, (1280, 720), (642, 362)),
            ((1080, 1920), 1.0, (1280, 720), (406, 720)),
            ((720, 576), 16.0 / 15.0, (1920, 1080), (768, 576)),
            ((8000, 2), 1.0, (100, 100), (100, 2)),
            ((100, 100), f64::NAN, (64, 64), (64, 64)),
        ] {
            assert_eq!(fit(size, aspect, most), fitted, "{size:?} {aspect} into {most:?}");
        }
    }
}
