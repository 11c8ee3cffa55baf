mod assets;
mod damage;
mod oracle;
mod snapshots;

use crate::Assets;
use image::{ImageFormat, Rgba, RgbaImage};
use rivulet_scene::Id;
use std::io::Cursor;
use std::path::PathBuf;

fn png(picture: &RgbaImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).expect("it is written");
    file.into_inner()
}

/// Hills below an evening sky.
fn photo() -> Vec<u8> {
    png(&RgbaImage::from_fn(400, 260, |x, y| {
        let hill = 170.0 + 35.0 * (f64::from(x) / 60.0).sin() + 12.0 * (f64::from(x) / 17.0).cos();
        let far = 140.0 + 25.0 * (f64::from(x) / 45.0 + 2.0).sin();
        let sun = (f64::from(x) - 290.0).hypot(f64::from(y) - 95.0) < 32.0;
        let shade = (y / 3) as u8;
        match f64::from(y) {
            y if y > hill => Rgba([24, 54, 60, 255]),
            y if y > far => Rgba([62, 82, 110, 255]),
            _ if sun => Rgba([255, 236, 190, 255]),
            _ => Rgba([250 - shade / 2, 150 - shade, 90 + shade, 255]),
        }
    }))
}

/// A face with an open or closed mouth, on nothing.
fn face(open: bool) -> Vec<u8> {
    png(&RgbaImage::from_fn(160, 160, |x, y| {
        let from = |cx: f64, cy: f64| (f64::from(x) - cx).hypot(f64::from(y) - cy);
        let mouth = (f64::from(x) - 80.0).abs() < 28.0 && (f64::from(y) - 112.0).abs() < if open { 14.0 } else { 3.0 };
        match () {
            () if from(80.0, 80.0) > 76.0 => Rgba([0; 4]),
            () if from(54.0, 64.0) < 9.0 || from(106.0, 64.0) < 9.0 || mouth => Rgba([40, 30, 50, 255]),
            () => Rgba([255, 205, 120, 255]),
        }
    }))
}

fn assets() -> Assets {
    let mut assets = Assets::new(64 << 20);
    assets.insert(id("photo"), &photo()).expect("it is decoded");
    assets.insert(id("shut"), &face(false)).expect("it is decoded");
    assets.insert(id("open"), &face(true)).expect("it is decoded");
    let badge = br##"<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120"><defs><linearGradient id="g"
        x2="0" y2="1"><stop stop-color="#7c4dff"/><stop offset="1" stop-color="#18ffff"/></linearGradient></defs>
        <path fill="url(#g)" d="M60 4 L74 44 L116 44 L82 69 L95 110 L60 85 L25 110 L38 69 L4 44 L46 44 Z"/></svg>"##;
    assets.insert(id("badge"), badge).expect("it is decoded");
    let video = (0..64 * 36).flat_map(|n| [(n % 64 * 4) as u8, (n / 64 * 7) as u8, 120, 255]).collect();
    assets.keep(id("camera"), crate::Decoded::live(64, 36, video).expect("it is one")).expect("it is taken");
    assets
}

fn fonts() -> PathBuf {
    PathBuf::from("/usr/share/fonts/truetype/dejavu")
}

fn id(name: &str) -> Id {
    Id::try_from(name).expect("a good id")
}
