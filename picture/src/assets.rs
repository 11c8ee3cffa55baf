//! Pictures by id: decoded, premultiplied, bounded in bytes. What is too large is refused before it is
//! decoded. Live video is an asset whose picture is replaced.

use crate::bitmap::Bitmap;
use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, Frames, ImageDecoder, ImageFormat, ImageReader, Limits};
use resvg::tiny_skia;
use resvg::usvg::{self, ImageHrefResolver, Options, Tree};
use rivulet_scene::Id;
use std::collections::HashMap;
use std::fmt;
use std::io::Cursor;
use std::sync::Arc;
use vello_cpu::Pixmap;
use vello_cpu::peniko::ImageAlphaType;

const MAX_FILE_BYTES: usize = 32 << 20;
const MAX_EDGE: u32 = 8_192;
pub(crate) const MAX_PIXELS: u64 = 32_000_000;
/// Of a picture that moves, in all.
const MAX_MOVING_PIXELS: u64 = 64_000_000;
const MAX_FRAMES: usize = 500;
/// What is shorter is shown for as long as browsers show it.
const MIN_FRAME_US: i64 = 20_000;
const DEFAULT_FRAME_US: i64 = 100_000;
const MAX_SVG_BYTES: usize = 2 << 20;
/// Elements of an SVG, as written and once all references are followed.
const MAX_SVG_ELEMENTS: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetError {
    pub asset: Id,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Neither PNG, JPEG, WebP, GIF nor SVG.
    UnknownFormat,
    /// More bytes than are taken.
    FileTooLarge,
    /// Width and height in pixels.
    TooManyPixels(u32, u32),
    /// More frames, or pixels in all of them, than are taken.
    TooLong,
    /// More elements, or filters, than are drawn.
    TooComplex,
    /// There is no room beside the other pictures.
    Full,
    /// With what the decoder says.
    Corrupt(String),
}

impl fmt::Display for AssetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "picture {}: ", self.asset)?;
        match &self.reason {
            Reason::UnknownFormat => f.write_str("neither PNG, JPEG, WebP, GIF nor SVG"),
            Reason::FileTooLarge => f.write_str("the file is too large"),
            Reason::TooManyPixels(width, height) => write!(f, "{width} × {height} pixels are too many"),
            Reason::TooLong => f.write_str("it has too many frames"),
            Reason::TooComplex => f.write_str("it has too many elements, or filters"),
            Reason::Full => f.write_str("there is no room beside the other pictures"),
            Reason::Corrupt(how) => write!(f, "it cannot be read: {how}"),
        }
    }
}

impl std::error::Error for AssetError {}

/// A picture that no id stands for yet. To decode takes a while: it is done before [`Assets`] are
/// locked.
#[derive(Debug, Clone)]
pub struct Decoded(Vec<(Arc<Bitmap>, i64)>);

impl Decoded {
    /// Of a file.
    pub fn file(file: &[u8]) -> Result<Self, Reason> {
        decode(file).map(Self)
    }

    /// The newest picture of a live input: opaque RGBA, row after row.
    pub fn live(width: u16, height: u16, rgba: Vec<u8>) -> Result<Self, Reason> {
        if width == 0 || height == 0 || rgba.len() != usize::from(width) * usize::from(height) * 4 {
            return Err(Reason::Corrupt("its size is another".to_owned()));
        }
        Ok(Self(vec![(bitmap(rgba, width, height), i64::MAX)]))
    }
}

#[derive(Debug, Clone)]
struct Asset {
    /// Each with when it ends, in microseconds after the first one's start.
    frames: Arc<[(Arc<Bitmap>, i64)]>,
    bytes: usize,
}

/// A clone costs little, and keeps what there is now.
#[derive(Debug, Clone)]
pub struct Assets {
    assets: HashMap<Id, Asset>,
    bytes: usize,
    max_bytes: usize,
}

impl Assets {
    /// Decoded pictures take `max_bytes` at most.
    pub fn new(max_bytes: usize) -> Self {
        Self { assets: HashMap::new(), bytes: 0, max_bytes }
    }

    /// Decodes a file and keeps it in place of what had its id. Answers width and height.
    pub fn insert(&mut self, id: Id, file: &[u8]) -> Result<(usize, usize), AssetError> {
        match Decoded::file(file) {
            Ok(picture) => self.keep(id, picture),
            Err(reason) => Err(AssetError { asset: id, reason }),
        }
    }

    /// Keeps a picture in place of what had its id. Answers width and height.
    pub fn keep(&mut self, id: Id, Decoded(frames): Decoded) -> Result<(usize, usize), AssetError> {
        let bytes = frames.iter().map(|(bitmap, _)| bitmap.bytes()).sum::<usize>();
        let before = self.assets.get(&id).map_or(0, |asset| asset.bytes);
        let Some((first, _)) = frames.first() else {
            return Err(AssetError { asset: id, reason: Reason::Corrupt("no picture is in it".to_owned()) });
        };
        if self.bytes - before + bytes > self.max_bytes {
            return Err(AssetError { asset: id, reason: Reason::Full });
        }
        let size = (first.width(), first.height());
        self.bytes = self.bytes - before + bytes;
        self.assets.insert(id, Asset { frames: frames.into(), bytes });
        Ok(size)
    }

    pub fn remove(&mut self, id: &Id) {
        if let Some(asset) = self.assets.remove(id) {
            self.bytes -= asset.bytes;
        }
    }

    pub fn contains(&self, id: &Id) -> bool {
        self.assets.contains_key(id)
    }

    /// Of all pictures, decoded.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is shown at a scene time. Pictures that move go round and round, all in step with the clock.
    pub(crate) fn at(&self, id: &Id, now: i64) -> Option<&Arc<Bitmap>> {
        let frames = &self.assets.get(id)?.frames;
        let (first, length) = frames.last().map(|(bitmap, end)| (bitmap, *end))?;
        if frames.len() == 1 || length <= 0 {
            return Some(first);
        }
        let at = now.rem_euclid(length);
        frames.get(frames.partition_point(|(_, end)| *end <= at)).map(|(bitmap, _)| bitmap)
    }
}

fn bitmap(rgba: Vec<u8>, width: u16, height: u16) -> Arc<Bitmap> {
    let metadata = vello_cpu::PixelMetadata { may_have_transparency: true, alpha_type: ImageAlphaType::Alpha };
    Bitmap::new(Pixmap::from_parts(rgba, width, height, metadata))
}

fn corrupt(error: impl fmt::Display) -> Reason {
    Reason::Corrupt(error.to_string())
}

fn decode(file: &[u8]) -> Result<Vec<(Arc<Bitmap>, i64)>, Reason> {
    if file.len() > MAX_FILE_BYTES {
        return Err(Reason::FileTooLarge);
    }
    match image::guess_format(file) {
        Ok(ImageFormat::Gif) => moving(bounded(GifDecoder::new(Cursor::new(file)).map_err(corrupt)?)?.into_frames()),
        Ok(ImageFormat::WebP) => {
            let decoder = bounded(WebPDecoder::new(Cursor::new(file)).map_err(corrupt)?)?;
            if decoder.has_animation() { moving(decoder.into_frames()) } else { still(file, ImageFormat::WebP) }
        }
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => still(file, format),
        _ if looks_like_svg(file) => svg(file),
        _ => Err(Reason::UnknownFormat),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_EDGE);
    limits.max_image_height = Some(MAX_EDGE);
    limits.max_alloc = Some(MAX_PIXELS * 8);
    limits
}

fn check(width: u32, height: u32) -> Result<(), Reason> {
    let fits = width <= MAX_EDGE && height <= MAX_EDGE && u64::from(width) * u64::from(height) <= MAX_PIXELS;
    fits.then_some(()).ok_or(Reason::TooManyPixels(width, height))
}

fn bounded<D: ImageDecoder>(mut decoder: D) -> Result<D, Reason> {
    let (width, height) = decoder.dimensions();
    check(width, height)?;
    decoder.set_limits(limits()).map_err(corrupt)?;
    Ok(decoder)
}

fn still(file: &[u8], format: ImageFormat) -> Result<Vec<(Arc<Bitmap>, i64)>, Reason> {
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.no_limits();
    let decoder = bounded(reader.into_decoder().map_err(corrupt)?)?;
    let picture = image::DynamicImage::from_decoder(decoder).map_err(corrupt)?.into_rgba8();
    let (width, height) = picture.dimensions();
    Ok(vec![(bitmap(picture.into_raw(), width as u16, height as u16), i64::MAX)])
}

fn moving(frames: Frames<'_>) -> Result<Vec<(Arc<Bitmap>, i64)>, Reason> {
    let (mut all, mut pixels, mut end) = (Vec::new(), 0, 0);
    for frame in frames {
        let frame = frame.map_err(corrupt)?;
        let (ms, parts) = frame.delay().numer_denom_ms();
        let length = i64::from(ms) * 1_000 / i64::from(parts.max(1));
        end += if length < MIN_FRAME_US { DEFAULT_FRAME_US } else { length };
        let picture = frame.into_buffer();
        let (width, height) = picture.dimensions();
        pixels += u64::from(width) * u64::from(height);
        if all.len() == MAX_FRAMES || pixels > MAX_MOVING_PIXELS {
            return Err(Reason::TooLong);
        }
        all.push((bitmap(picture.into_raw(), width as u16, height as u16), end));
    }
    Ok(all)
}

fn looks_like_svg(file: &[u8]) -> bool {
    let start = &file[..file.len().min(4_096)];
    start.windows(4).any(|part| part == b"<svg") && std::str::from_utf8(file).is_ok()
}

/// Drawn in its own size. Files and addresses that it refers to are not looked at, and words are not
/// drawn, for want of fonts that are the same everywhere.
fn svg(file: &[u8]) -> Result<Vec<(Arc<Bitmap>, i64)>, Reason> {
    if file.len() > MAX_SVG_BYTES || file.iter().filter(|byte| **byte == b'<').count() > 2 * MAX_SVG_ELEMENTS {
        return Err(Reason::TooComplex);
    }
    let nothing = ImageHrefResolver { resolve_data: Box::new(|_, _, _| None), resolve_string: Box::new(|_, _| None) };
    let options = Options { image_href_resolver: nothing, ..Options::default() };
    let tree = Tree::from_data(file, &options).map_err(|error| match error {
        usvg::Error::ElementsLimitReached => Reason::TooComplex,
        error => corrupt(error),
    })?;
    // Blurs and the like cost time without a bound that can be seen beforehand.
    if elements(tree.root(), 0) > MAX_SVG_ELEMENTS || !tree.filters().is_empty() {
        return Err(Reason::TooComplex);
    }
    let size = tree.size().to_int_size();
    check(size.width(), size.height())?;
    let mut drawn = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or(Reason::TooComplex)?;
    resvg::render(&tree, tiny_skia::Transform::default(), &mut drawn.as_mut());
    let metadata =
        vello_cpu::PixelMetadata { may_have_transparency: true, alpha_type: ImageAlphaType::AlphaPremultiplied };
    let pixels = Pixmap::from_parts(drawn.take(), size.width() as u16, size.height() as u16, metadata);
    Ok(vec![(Bitmap::new(pixels), i64::MAX)])
}

/// Of a group and what it holds, counted until there are too many.
fn elements(group: &usvg::Group, mut count: usize) -> usize {
    for node in group.children() {
        count += 1;
        if count > MAX_SVG_ELEMENTS {
            break;
        }
        if let usvg::Node::Group(inner) = node {
            count = elements(inner, count);
        }
    }
    count
}
