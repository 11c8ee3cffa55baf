//! Pictures that are as they should be, and those that are not.

use super::{id, photo, png};
use crate::assets::{Assets, Decoded, Reason};
use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, ImageFormat, Rgba, RgbaImage};
use std::io::Cursor;

fn refused(file: &[u8]) -> Reason {
    let mut assets = Assets::new(1 << 30);
    let error = assets.insert(id("x"), file).expect_err("it is refused");
    assert_eq!(error.asset, id("x"));
    assert!(error.to_string().contains('x') && assets.bytes() == 0);
    error.reason
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let picture = image::load_from_memory(&photo()).unwrap().into_rgb8();
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn every_format_is_decoded() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let mut assets = Assets::new(1 << 20);
        assert_eq!(assets.insert(id("x"), &encoded(format)), Ok((400, 260)), "{format:?}");
        assert_eq!(assets.bytes(), 400 * 260 * 4);
        assets.remove(&id("x"));
        assert_eq!(assets.bytes(), 0);
    }
}

#[test]
fn a_picture_that_moves_does_so_with_time() {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    for (red, ms) in [(10, 200), (200, 300)] {
        let picture = RgbaImage::from_pixel(4, 4, Rgba([red, 0, 0, 255]));
        encoder.encode_frame(Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(ms, 1))).unwrap();
    }
    drop(encoder);
    let mut assets = Assets::new(1 << 20);
    assets.insert(id("x"), &file).unwrap();
    let red = |ms: i64| assets.at(&id("x"), ms * 1_000).unwrap().row(0)[0];
    assert_eq!([0, 199, 200, 499, 500, 700, -1].map(red), [10, 10, 200, 200, 10, 200, 200]);
}

/// The start of a PNG, which says how large it would be.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(&RgbaImage::new(1, 1));
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&sum.to_be_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

#[test]
fn what_is_too_large_is_refused_before_it_is_decoded() {
    assert_eq!(refused(&claiming(10_000, 10_000)), Reason::TooManyPixels(10_000, 10_000));
    assert_eq!(refused(&claiming(8_000, 8_000)), Reason::TooManyPixels(8_000, 8_000));
    assert_eq!(refused(&claiming(60_000, 1)), Reason::TooManyPixels(60_000, 1));
    assert_eq!(refused(&vec![0; 33 << 20]), Reason::FileTooLarge);
    let mut assets = Assets::new(400 * 260 * 4 + 3);
    assert!(assets.insert(id("a"), &photo()).is_ok());
    assert_eq!(assets.insert(id("b"), &photo()).unwrap_err().reason, Reason::Full);
    // In its own place there is room.
    assert!(assets.insert(id("a"), &photo()).is_ok());
    assert_eq!(Decoded::live(2, 2, vec![0; 15]).unwrap_err(), Reason::Corrupt("its size is another".into()));
}

#[test]
fn what_is_broken_is_refused() {
    assert_eq!(refused(b"hello"), Reason::UnknownFormat);
    assert_eq!(refused(b""), Reason::UnknownFormat);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let file = encoded(format);
        // Of a JPEG that was cut off, what there is of it is shown, as browsers do.
        let end = if format == ImageFormat::Jpeg { 40 } else { file.len() / 8 };
        assert!(matches!(refused(&file[..end]), Reason::Corrupt(_)), "{format:?}");
    }
    assert!(matches!(refused(b"<svg xmlns='http://www.w3.org/2000/svg'><rect"), Reason::Corrupt(_)));
}

fn svg(inside: &str) -> Vec<u8> {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='20' height='20'>{inside}</svg>"
    )
    .into_bytes()
}

#[test]
fn svg_bombs_are_refused() {
    // Ten to the tenth rectangles, by reference.
    let mut uses = "<g id='u0'><rect width='1' height='1'/></g>".to_owned();
    for level in 1..=10 {
        let ten = format!("<use xlink:href='#u{}'/>", level - 1).repeat(10);
        uses.push_str(&format!("<g id='u{level}'>{ten}</g>"));
    }
    assert!(matches!(refused(&svg(&uses)), Reason::TooComplex | Reason::Corrupt(_)));
    // The same by entities.
    let mut entities = "<!DOCTYPE svg [<!ENTITY e0 'x'>".to_owned();
    for level in 1..=10 {
        entities.push_str(&format!("<!ENTITY e{level} '{}'>", format!("&e{};", level - 1).repeat(10)));
    }
    let bomb = [format!("{entities}]>").into_bytes(), svg("<title>&e10;</title>")].concat();
    assert!(matches!(refused(&bomb), Reason::TooComplex | Reason::Corrupt(_)));
    assert_eq!(refused(&svg(&"<g/>".repeat(50_000))), Reason::TooComplex);
    let blur =
        "<filter id='f'><feGaussianBlur stdDeviation='9999'/></filter><rect filter='url(#f)' width='9' height='9'/>";
    assert_eq!(refused(&svg(blur)), Reason::TooComplex);
    let huge =
        b"<svg xmlns='http://www.w3.org/2000/svg' width='90000' height='90000'><rect width='9' height='9'/></svg>";
    assert_eq!(refused(huge), Reason::TooManyPixels(90_000, 90_000));
}

#[test]
fn svg_reaches_no_file() {
    let mut assets = Assets::new(1 << 20);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/card.png");
    for href in [path, "file:///etc/passwd", "http://127.0.0.1:1/x.png"] {
        let image = format!("<image width='20' height='20' xlink:href='{href}'/>");
        assert_eq!(assets.insert(id("x"), &svg(&image)), Ok((20, 20)));
        let bitmap = assets.at(&id("x"), 0).unwrap();
        assert!((0..20).all(|y| bitmap.row(y).iter().all(|byte| *byte == 0)), "{href}");
    }
}
