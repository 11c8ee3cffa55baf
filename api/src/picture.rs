//! Pictures that people upload. What arrives is decoded within limits and written anew, in the sizes
//! that pages show, so nothing of the file itself (its metadata, or a second file hidden in it)
//! reaches anybody. One picture is worked on at a time, off the async threads: it must not take
//! the processor, nor the memory, from the video.

use crate::animation;
use crate::refusal::Refusal;
use axum::body::Bytes;
use axum::http::StatusCode;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use tokio::sync::Semaphore;

/// Of a file that is uploaded.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
const MAX_EDGE: u32 = 8192;
/// 64 MB when decoded to four bytes each.
pub const MAX_PIXELS: u64 = 16_000_000;
/// What a decoder may ask for.
const MAX_ALLOC_BYTES: u64 = 160 * 1024 * 1024;
const JPEG_QUALITY: u8 = 88;

static RUNNING: Semaphore = Semaphore::const_new(1);
/// The one that runs and those that wait, each with its bytes in memory.
static ADMITTED: Semaphore = Semaphore::const_new(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Avatar,
    Banner,
    Emote,
    Logo,
}

/// How a picture fills its size.
enum Fit {
    /// The middle of it, all of the size.
    Cover,
    /// All of it, within the size.
    Contain,
}

impl Kind {
    /// Width and height.
    pub fn sizes(self) -> [(u32, u32); 3] {
        match self {
            Self::Avatar => [(64, 64), (128, 128), (256, 256)],
            Self::Banner => [(480, 120), (960, 240), (1440, 360)],
            // As high as a line; wide ones go up to three times that.
            Self::Emote => [(84, 28), (168, 56), (336, 112)],
            Self::Logo => [(64, 64), (128, 128), (256, 256)],
        }
    }

    fn fit(self) -> Fit {
        match self {
            Self::Avatar | Self::Banner => Fit::Cover,
            Self::Emote | Self::Logo => Fit::Contain,
        }
    }

    /// Flat colours with sharp edges, which JPEG blurs.
    fn is_drawn(self) -> bool {
        matches!(self, Self::Emote | Self::Logo)
    }
}

/// One picture in one size.
pub struct Rendition {
    /// Width and height as they came out: smaller than wished where all of the picture is kept.
    pub size: (u32, u32),
    pub bytes: Bytes,
}

pub struct Picture {
    /// `jpg`, `png` or, where it moves, `gif`; for all sizes.
    pub ending: &'static str,
    pub renditions: Vec<Rendition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("a picture is a PNG, JPEG, GIF or WebP file")]
    Type,
    #[error("a picture has at most 8 MiB, 8192 pixels on a side and 16 million in all")]
    TooLarge,
    #[error("a moving picture has at most 200 pictures and 64 million pixels in all")]
    TooLong,
    #[error("this picture is damaged")]
    Broken,
    #[error("too many pictures arrive at this moment; try again in a few seconds")]
    Busy,
}

impl PictureError {
    pub fn refusal(self, field: &'static str) -> Refusal {
        let detail = crate::refusal::sentence(self);
        match self {
            Self::Type => Refusal::field(field, "bad_picture", detail),
            Self::TooLarge | Self::TooLong => Refusal::field(field, "too_large", detail),
            Self::Broken => Refusal::field(field, "bad_picture", detail),
            Self::Busy => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5),
        }
    }
}

/// Reads a file of any of the types and writes it in all sizes of its kind.
pub async fn render(file: Bytes, kind: Kind) -> Result<Picture, PictureError> {
    if file.len() > MAX_BYTES {
        return Err(PictureError::TooLarge);
    }
    let _admitted = ADMITTED.try_acquire().map_err(|_| PictureError::Busy)?;
    // The permit goes with the work: a caller that gives up does not make room for a second.
    let running = RUNNING.acquire().await.map_err(|_| PictureError::Busy)?;
    let work = tokio::task::spawn_blocking(move || {
        let _running = running;
        let moving = if kind == Kind::Emote { animation::render(&file, kind.sizes())? } else { None };
        match moving {
            Some(picture) => Ok(picture),
            None => decode(&file).and_then(|picture| encode(picture, kind)),
        }
    });
    // A panic in a decoder is a damaged picture, and the end of nothing else.
    work.await.unwrap_or(Err(PictureError::Broken))
}

/// The first picture of the file, the right way up.
fn decode(file: &[u8]) -> Result<DynamicImage, PictureError> {
    let format = image::guess_format(file).map_err(|_| PictureError::Type)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP) {
        return Err(PictureError::Type);
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(reason)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_ALLOC_BYTES {
        return Err(PictureError::TooLarge);
    }
    let orientation = decoder.orientation().map_err(reason)?;
    // Eight bits a channel from here on; what was decoded is let go before it is turned.
    let picture = DynamicImage::from_decoder(decoder).map_err(reason)?;
    let mut picture = match picture.color().has_alpha() {
        true => DynamicImage::ImageRgba8(picture.into_rgba8()),
        false => DynamicImage::ImageRgb8(picture.into_rgb8()),
    };
    picture.apply_orientation(orientation);
    Ok(picture)
}

pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_EDGE);
    limits.max_image_height = Some(MAX_EDGE);
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    limits
}

pub fn reason(error: image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooLarge,
        image::ImageError::Unsupported(_) => PictureError::Type,
        _ => PictureError::Broken,
    }
}

fn encode(picture: DynamicImage, kind: Kind) -> Result<Picture, PictureError> {
    let drawn = kind.is_drawn() || is_see_through(&picture);
    let mut renditions = Vec::new();
    // Each size is made of the next larger one, which is much less work than of the original.
    let mut from = picture;
    for (width, height) in kind.sizes().into_iter().rev() {
        from = match kind.fit() {
            Fit::Cover => from.resize_to_fill(width, height, FilterType::Lanczos3),
            Fit::Contain => from.resize(width, height, FilterType::Lanczos3),
        };
        let mut bytes = Vec::new();
        let written = match drawn {
            true => from.write_with_encoder(PngEncoder::new(&mut bytes)),
            false => from.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)),
        };
        written.map_err(|_| PictureError::Broken)?;
        renditions.push(Rendition { size: from.dimensions(), bytes: bytes.into() });
    }
    renditions.reverse();
    Ok(Picture { ending: if drawn { "png" } else { "jpg" }, renditions })
}

fn is_see_through(picture: &DynamicImage) -> bool {
    picture.color().has_alpha() && picture.pixels().any(|(_, _, pixel)| pixel.0[3] != 255)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    fn written(picture: &DynamicImage, format: ImageFormat) -> Bytes {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner().into()
    }

    /// Red on the left, blue on the right.
    fn two_sides(width: u32, height: u32) -> DynamicImage {
        let side = |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        RgbImage::from_fn(width, height, side).into()
    }

    fn sizes(picture: &Picture) -> Vec<(u32, u32)> {
        let size = |rendition: &Rendition| image::load_from_memory(&rendition.bytes).unwrap().dimensions();
        picture.renditions.iter().map(size).collect()
    }

    #[tokio::test]
    async fn every_type_in_every_size() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let file = written(&two_sides(600, 300), format);
            let avatar = render(file.clone(), Kind::Avatar).await.unwrap();
            assert_eq!(sizes(&avatar), [(64, 64), (128, 128), (256, 256)], "{format:?}");
            let banner = render(file.clone(), Kind::Banner).await.unwrap();
            assert_eq!(sizes(&banner), [(480, 120), (960, 240), (1440, 360)], "{format:?}");
            let emote = render(file, Kind::Emote).await.unwrap();
            assert_eq!(sizes(&emote), [(56, 28), (112, 56), (224, 112)], "{format:?}: all of it is kept");
            assert_eq!((avatar.ending, emote.ending), ("jpg", "png"), "{format:?}");
        }
    }

    #[tokio::test]
    async fn the_middle_is_kept_and_so_is_transparency() {
        let picture = RgbaImage::from_fn(300, 100, |x, _| match x {
            100..200 => Rgba([0, 255, 0, 128]),
            _ => Rgba([255, 0, 0, 255]),
        });
        let avatar = render(written(&picture.into(), ImageFormat::Png), Kind::Avatar).await.unwrap();
        assert_eq!(avatar.ending, "png");
        let small = image::load_from_memory(&avatar.renditions[0].bytes).unwrap().into_rgba8();
        assert_eq!(small.get_pixel(32, 32).0, [0, 255, 0, 128]);
    }

    /// A JPEG whose EXIF says that it lies on its side, with a place in it.
    fn sideways() -> Bytes {
        let file = written(&two_sides(300, 300), ImageFormat::Jpeg);
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        exif.extend_from_slice(b"GPS 52.5200 N 13.4050 E");
        let mut bytes = file[..2].to_vec();
        bytes.extend_from_slice(&[0xff, 0xe1]);
        bytes.extend_from_slice(&u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        bytes.extend_from_slice(&exif);
        bytes.extend_from_slice(&file[2..]);
        bytes.into()
    }

    #[tokio::test]
    async fn it_is_turned_upright_and_its_metadata_is_gone() {
        let avatar = render(sideways(), Kind::Avatar).await.unwrap();
        let largest = &avatar.renditions[2].bytes;
        let picture = image::load_from_memory(largest).unwrap().into_rgb8();
        let (above, below) = (picture.get_pixel(128, 20).0, picture.get_pixel(128, 230).0);
        assert!(above[0] > 200 && above[2] < 60, "red was on the left and is above: {above:?}");
        assert!(below[2] > 200 && below[0] < 60, "blue is below: {below:?}");
        for rendition in &avatar.renditions {
            let has = |text: &[u8]| rendition.bytes.windows(text.len()).any(|window| window == text);
            assert!(!has(b"Exif") && !has(b"GPS"));
        }
    }

    #[tokio::test]
    async fn a_second_file_inside_is_gone() {
        const SCRIPT: &[u8] = b"<script>alert(1)</script>PK\x03\x04";
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif] {
            let mut file = written(&two_sides(64, 64), format).to_vec();
            file.extend_from_slice(SCRIPT);
            let picture = render(file.into(), Kind::Emote).await.unwrap();
            for rendition in picture.renditions {
                assert!(!rendition.bytes.windows(8).any(|window| window == &SCRIPT[..8]), "{format:?}");
            }
        }
    }

    /// The head of a PNG that claims a size, with no more than that behind it.
    fn png_of(width: u32, height: u32) -> Bytes {
        let mut file = written(&two_sides(8, 8), ImageFormat::Png).to_vec();
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = file[12..29].iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1))))
        });
        file[29..33].copy_from_slice(&(!crc).to_be_bytes());
        file.into()
    }

    #[tokio::test]
    async fn bombs_damage_and_other_files() {
        use PictureError::{Broken, TooLarge, Type};
        let png = written(&two_sides(300, 300), ImageFormat::Png);
        let jpeg = written(&two_sides(300, 300), ImageFormat::Jpeg);
        let gif = written(&two_sides(300, 300), ImageFormat::Gif);
        let webp = written(&two_sides(300, 300), ImageFormat::WebP);
        // A real one: 100 million black pixels in some 100 KB.
        let bomb = written(&image::GrayImage::new(10_000, 10_000).into(), ImageFormat::Png);
        assert!(bomb.len() < MAX_BYTES);
        for (what, file, want) in [
            ("bomb", bomb, TooLarge),
            ("claims 10k x 10k", png_of(10_000, 10_000), TooLarge),
            ("claims 8k x 8k", png_of(8_000, 8_000), TooLarge),
            ("claims 2^31", png_of(0x7fff_ffff, 1), TooLarge),
            ("claims more than it has", png_of(2_000, 2_000), Broken),
            ("claims nothing", png_of(0, 0), Broken),
            ("too many bytes", vec![0; MAX_BYTES + 1].into(), TooLarge),
            ("half a PNG", png.slice(..png.len() / 2), Broken),
            ("half a JPEG", jpeg.slice(..200), Broken),
            ("half a GIF", gif.slice(..100), Broken),
            ("half a WebP", webp.slice(..webp.len() / 2), Broken),
            ("the name of a PNG", png.slice(..8), Broken),
            ("nothing", Bytes::new(), Type),
            ("SVG", Bytes::from_static(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), Type),
            ("HTML", Bytes::from_static(b"<!doctype html><script>1</script>"), Type),
            ("BMP", Bytes::from_static(b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0"), Type),
            ("PDF", Bytes::from_static(b"%PDF-1.7"), Type),
            ("an empty GIF", Bytes::from_static(b"GIF89a\x01\0\x01\0\0\0\0;"), Broken),
        ] {
            assert_eq!(render(file, Kind::Avatar).await.err(), Some(want), "{what}");
        }
    }
}
