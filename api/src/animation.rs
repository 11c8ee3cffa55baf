//! Pictures that move. They are written anew as GIF, picture by picture, so that one that is small as a
//! file and large once it is decoded costs no more memory than its pictures in the largest size.

use crate::picture::{self, Picture, PictureError, Rendition};
use image::codecs::gif::{GifDecoder, GifEncoder, Repeat};
use image::codecs::webp::WebPDecoder;
use image::imageops::{self, FilterType};
use image::{AnimationDecoder, Delay, Frame, Frames, ImageDecoder, ImageFormat, RgbaImage};
use std::io::Cursor;

const MAX_FRAMES: usize = 200;
/// That are decoded, of all pictures together.
const MAX_PIXELS: u64 = 64_000_000;
/// From 1, the best, to 30.
const SPEED: i32 = 10;
/// What is less than half there is not there: GIF has nothing in between.
const OPAQUE: u8 = 128;

/// `None` for a picture that does not move. `sizes` are bounds within which all of it is kept.
pub fn render(file: &[u8], sizes: [(u32, u32); 3]) -> Result<Option<Picture>, PictureError> {
    let frames = match image::guess_format(file) {
        Ok(ImageFormat::Gif) => {
            let decoder = GifDecoder::new(Cursor::new(file)).map_err(picture::reason)?;
            bounded(decoder)?.into_frames()
        }
        Ok(ImageFormat::WebP) => {
            let decoder = WebPDecoder::new(Cursor::new(file)).map_err(picture::reason)?;
            if !decoder.has_animation() {
                return Ok(None);
            }
            bounded(decoder)?.into_frames()
        }
        _ => return Ok(None),
    };
    let [.., largest] = sizes;
    let frames = shrunk(frames, largest)?;
    match frames.len() {
        0 | 1 => Ok(None),
        _ => written(frames, sizes).map(Some),
    }
}

/// Refuses what is too large before any of it is decoded.
fn bounded<D: ImageDecoder>(mut decoder: D) -> Result<D, PictureError> {
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > picture::MAX_PIXELS {
        return Err(PictureError::TooLarge);
    }
    decoder.set_limits(picture::limits()).map_err(picture::reason)?;
    Ok(decoder)
}

fn shrunk(frames: Frames<'_>, within: (u32, u32)) -> Result<Vec<(RgbaImage, Delay)>, PictureError> {
    let (mut small, mut pixels) = (Vec::new(), 0);
    for frame in frames {
        let frame = frame.map_err(picture::reason)?;
        let delay = frame.delay();
        let picture = frame.into_buffer();
        pixels += u64::from(picture.width()) * u64::from(picture.height());
        if small.len() == MAX_FRAMES || pixels > MAX_PIXELS {
            return Err(PictureError::TooLong);
        }
        small.push((resized(&picture, within), delay));
    }
    Ok(small)
}

fn resized(picture: &RgbaImage, (max_width, max_height): (u32, u32)) -> RgbaImage {
    let (width, height) = (f64::from(picture.width().max(1)), f64::from(picture.height().max(1)));
    let scale = (f64::from(max_width) / width).min(f64::from(max_height) / height);
    let edge = |length: f64, max: u32| ((length * scale).round() as u32).clamp(1, max);
    imageops::resize(picture, edge(width, max_width), edge(height, max_height), FilterType::Triangle)
}

fn written(mut frames: Vec<(RgbaImage, Delay)>, sizes: [(u32, u32); 3]) -> Result<Picture, PictureError> {
    let mut renditions = Vec::new();
    // Each size is made of the next larger one.
    for size in sizes.into_iter().rev() {
        frames.iter_mut().for_each(|(picture, _)| *picture = resized(picture, size));
        let size = frames.first().map_or(size, |(picture, _)| picture.dimensions());
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new_with_speed(&mut bytes, SPEED);
        encoder.set_repeat(Repeat::Infinite).map_err(|_| PictureError::Broken)?;
        for (picture, delay) in &frames {
            let mut picture = picture.clone();
            picture.pixels_mut().for_each(|pixel| pixel.0[3] = if pixel.0[3] < OPAQUE { 0 } else { 255 });
            let frame = Frame::from_parts(picture, 0, 0, *delay);
            encoder.encode_frame(frame).map_err(|_| PictureError::Broken)?;
        }
        drop(encoder);
        renditions.push(Rendition { size, bytes: bytes.into() });
    }
    renditions.reverse();
    Ok(Picture { ending: "gif", renditions })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::picture::{Kind, render};
    use axum::body::Bytes;
    use image::Rgba;

    /// A GIF of one colour after another.
    fn gif(width: u32, height: u32, count: usize) -> Bytes {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
        for n in 0..count {
            let color = if n % 2 == 0 { Rgba([255, 0, 0, 255]) } else { Rgba([0, 0, 255, 255]) };
            let picture = RgbaImage::from_pixel(width, height, color);
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(70, 1))).unwrap();
        }
        drop(encoder);
        bytes.into()
    }

    #[tokio::test]
    async fn what_moves_goes_on_moving() {
        let emote = render(gif(300, 150, 5), Kind::Emote).await.unwrap();
        assert_eq!(emote.ending, "gif");
        let sizes: Vec<_> = emote.renditions.iter().map(|rendition| rendition.size).collect();
        assert_eq!(sizes, [(56, 28), (112, 56), (224, 112)]);
        for rendition in &emote.renditions {
            let decoder = GifDecoder::new(Cursor::new(&rendition.bytes)).unwrap();
            let frames = decoder.into_frames().collect_frames().unwrap();
            assert_eq!(frames.len(), 5);
            assert_eq!(frames[0].delay().numer_denom_ms(), (70, 1));
            assert_eq!(frames[1].buffer().dimensions(), rendition.size);
            let (red, blue) = (frames[0].buffer().get_pixel(9, 9).0, frames[1].buffer().get_pixel(9, 9).0);
            assert!(red[0] > 200 && red[2] < 60 && blue[2] > 200 && blue[0] < 60, "{red:?} {blue:?}");
        }
    }

    #[tokio::test]
    async fn one_picture_does_not_move() {
        let emote = render(gif(40, 40, 1), Kind::Emote).await.unwrap();
        assert_eq!(emote.ending, "png");
    }

    #[tokio::test]
    async fn bounds() {
        for (file, want) in [
            (gif(8, 8, MAX_FRAMES + 1), PictureError::TooLong),
            (gif(3_000, 3_000, 8), PictureError::TooLong),
            (gif(64, 64, 9).slice(..200), PictureError::Broken),
        ] {
            assert_eq!(render(file, Kind::Emote).await.err(), Some(want));
        }
        assert!(render(gif(8, 8, MAX_FRAMES), Kind::Emote).await.is_ok());
    }
}
