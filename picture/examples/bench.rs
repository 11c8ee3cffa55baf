//! What a frame costs, as ratios against named peers in the same run:
//!
//!     cargo run --release -p rivulet-picture --example bench    (a part of `make bench`)
//!
//! Times are of this process's processor, or that of ffmpeg, so that a busy machine does little harm.

use image::{ImageFormat, Rgba, RgbaImage};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rivulet_picture::{Assets, Painter};
use rivulet_scene::{Batch, DisplayList, Id, Limits, Scene};
use serde_json::{Value, json};
use std::error::Error;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use vello_cpu::kurbo::{Affine, Rect};
use vello_cpu::peniko::ImageAlphaType;
use vello_cpu::{Image, ImageSource, Level, PixelMetadata, Pixmap, RenderContext, RenderSettings, Resources};

type Outcome<T> = Result<T, Box<dyn Error>>;

const WIDTH: u32 = 1920;
const HEIGHT: u32 = 1080;
const LAYER: (u32, u32) = (480, 270);
const ROUNDS: usize = 15;
/// Frames of one round.
const FRAMES: i64 = 20;
const FRAME_US: i64 = 1_000_000 / 60;
const NOW: i64 = 1_777_660_200_000_000;
const FFMPEG_FRAMES: i64 = 600;

fn main() -> Outcome<()> {
    fifty_layers()?;
    typical()
}

/// Processor milliseconds, of this process or of those that it waited for.
fn spent(who: UsageWho) -> Outcome<f64> {
    let usage = getrusage(who)?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1_000.0)
}

/// Processor milliseconds for each of the frames that `draw` draws.
fn timed(mut draw: impl FnMut(i64), frames: i64) -> Outcome<f64> {
    let start = spent(UsageWho::RUSAGE_SELF)?;
    for n in 0..frames {
        draw(n);
    }
    Ok((spent(UsageWho::RUSAGE_SELF)? - start) / frames as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A quarter transparent, the rest from nearly so to nearly opaque.
fn translucent(seed: u32) -> RgbaImage {
    RgbaImage::from_fn(LAYER.0, LAYER.1, |x, y| match x {
        0..120 => Rgba([0; 4]),
        _ => Rgba([(x + seed * 40) as u8, (y + seed * 90) as u8, (x * y / 97) as u8, 40 + (y % 180) as u8]),
    })
}

fn png(picture: &RgbaImage) -> Outcome<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

fn scene(layers: Vec<Value>) -> Outcome<Scene> {
    let mut scene = Scene::new(WIDTH, HEIGHT, Limits::default());
    scene.apply(Batch::parse(json!({ "changes": layers }))?, NOW)?;
    Ok(scene)
}

/// Where layer `n` is in frame `frame`.
fn place(n: i64, frame: i64) -> (i64, i64) {
    ((n * 173 + frame * (n % 7 + 3)) % 1440, (n * 97 + frame * (n % 5 + 2)) % 810)
}

fn fifty_layers() -> Outcome<()> {
    let pictures: Vec<RgbaImage> = (0..5).map(translucent).collect();
    let mut assets = Assets::new(64 << 20);
    for (n, picture) in pictures.iter().enumerate() {
        assets.insert(Id::try_from(format!("p{n}"))?, &png(picture)?)?;
    }
    let layers = (0..50).map(
        |n| json!({ "op": "add", "layer": { "id": format!("l{n}"), "kind": "image", "asset": format!("p{}", n % 5) } }),
    );
    let list = scene(layers.collect())?.list(NOW);
    let moved = |frame: i64| -> DisplayList {
        let mut list = list.clone();
        for (n, item) in list.items.iter_mut().enumerate() {
            let (x, y) = place(n as i64, frame);
            (item.transform.x, item.transform.y) = (x as f64, y as f64);
        }
        list
    };
    let lists: Vec<DisplayList> = (0..FRAMES).map(moved).collect();
    let mut painter = Painter::new(WIDTH as usize, HEIGHT as usize);

    let metadata = PixelMetadata { may_have_transparency: true, alpha_type: ImageAlphaType::Alpha };
    let vello_pictures: Vec<Arc<Pixmap>> = pictures
        .iter()
        .map(|picture| Arc::new(Pixmap::from_parts(picture.as_raw().clone(), LAYER.0 as u16, LAYER.1 as u16, metadata)))
        .collect();
    let settings = RenderSettings { level: Level::new(), num_threads: 0 };
    let mut context = RenderContext::new_with(WIDTH as u16, HEIGHT as u16, settings);
    let (mut resources, mut target) = (Resources::new(), Pixmap::new(WIDTH as u16, HEIGHT as u16));

    let skia_pictures: Vec<tiny_skia::Pixmap> = pictures
        .iter()
        .map(|picture| tiny_skia::Pixmap::decode_png(&png(picture)?).map_err(Into::into))
        .collect::<Outcome<_>>()?;
    let mut skia = tiny_skia::Pixmap::new(WIDTH, HEIGHT).ok_or("no room")?;

    let (mut own, mut vello, mut tiny) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(timed(
            |n| {
                painter.paint(&lists[n as usize], &assets);
            },
            FRAMES,
        )?);
        vello.push(timed(
            |frame| {
                context.reset();
                context.set_paint(vello_cpu::color::palette::css::BLACK);
                context.fill_rect(&Rect::new(0.0, 0.0, WIDTH.into(), HEIGHT.into()));
                for n in 0..50 {
                    let (x, y) = place(n, frame);
                    context.set_transform(Affine::translate((x as f64, y as f64)));
                    let image = ImageSource::Pixmap(vello_pictures[n as usize % 5].clone());
                    context.set_paint(Image { image, sampler: Default::default() });
                    context.fill_rect(&Rect::new(0.0, 0.0, LAYER.0.into(), LAYER.1.into()));
                }
                context.flush();
                context.render(&mut target, &mut resources);
            },
            FRAMES,
        )?);
        tiny.push(timed(
            |frame| {
                skia.fill(tiny_skia::Color::BLACK);
                for n in 0..50 {
                    let (x, y) = place(n, frame);
                    let paint = tiny_skia::PixmapPaint::default();
                    let source = skia_pictures[n as usize % 5].as_ref();
                    skia.draw_pixmap(x as i32, y as i32, source, &paint, tiny_skia::Transform::identity(), None);
                }
            },
            FRAMES / 4,
        )?);
    }
    let (own, vello, tiny) = (median(own), median(vello), median(tiny));
    println!("50 translucent layers of 480x270, all moving, 1920x1080, processor ms a frame:");
    println!("  painter, with damage and I420   {own:7.2}");
    println!("  vello_cpu, RGBA alone           {vello:7.2}   {:5.2} x", vello / own);
    println!("  tiny-skia, RGBA alone           {tiny:7.2}   {:5.2} x", tiny / own);
    Ok(())
}

/// The layers that move: along a line, to and fro.
const MOVING: [usize; 3] = [4, 9, 15];

fn typical() -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("rivulet-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut assets = Assets::new(64 << 20);
    let mut changes = Vec::new();
    let base = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba([(x / 8) as u8, (y / 5) as u8, 90, 255]));
    for n in 0..20usize {
        let picture = match n {
            0 => base.clone(),
            _ => image::imageops::thumbnail(&translucent(n as u32), 480 - 12 * n as u32, 270 - 6 * n as u32),
        };
        let file = png(&picture)?;
        std::fs::write(folder.join(format!("{n}.png")), &file)?;
        assets.insert(Id::try_from(format!("p{n}"))?, &file)?;
        let (x, y) = fixed(n);
        let layer = json!({ "id": format!("l{n}"), "kind": "image", "asset": format!("p{n}"), "transform": { "x": x, "y": y } });
        changes.push(json!({ "op": "add", "layer": layer }));
        if MOVING.contains(&n) {
            changes.push(json!({ "op": "animate", "animation": { "id": format!("a{n}"), "effect": {
                "target": format!("l{n}"), "timing": { "duration_ms": 4000, "iterations": "infinite", "direction": "alternate" },
                "tracks": [{ "property": "transform.x", "keyframes": [{ "value": x }, { "value": x + 400 }] }] } } }));
        }
    }
    let scene = scene(changes)?;
    let lists = |n: i64| scene.list(NOW + n * FRAME_US);
    let mut painter = Painter::new(WIDTH as usize, HEIGHT as usize);
    painter.paint(&lists(0), &assets);
    let (mut listed, mut partial, mut whole, mut still) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS as i64 {
        let first = round * FRAMES;
        listed.push(timed(|n| drop(std::hint::black_box(lists(first + n))), FRAMES)?);
        partial.push(timed(|n| drop(painter.paint(&lists(first + n), &assets)), FRAMES)?);
        whole.push(timed(
            |n| {
                painter.invalidate();
                painter.paint(&lists(first + n), &assets);
            },
            FRAMES,
        )?);
        let same = lists(first);
        painter.paint(&same, &assets);
        still.push(timed(|_| drop(painter.paint(&same, &assets)), FRAMES)?);
    }
    let (listed, partial, whole, still) = (median(listed), median(partial), median(whole), median(still));
    println!("20 layers, 3 of them moving, 1920x1080, processor ms a frame:");
    println!("  list alone                      {listed:7.3}");
    println!("  list and painter, with I420     {partial:7.2}");
    println!("  the same, all drawn anew        {whole:7.2}   {:5.2} x", whole / partial);
    println!("  an unchanged list               {still:7.3}");
    match overlays(&folder) {
        Ok(ffmpeg) => {
            println!(
                "  ffmpeg's overlay, to I420       {ffmpeg:7.2}   {:5.2} x ({:.2} of its time)",
                ffmpeg / partial,
                partial / ffmpeg
            );
        }
        Err(error) => println!("  ffmpeg's overlay: {error}"),
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn fixed(n: usize) -> (usize, usize) {
    if n == 0 { (0, 0) } else { ((n * 263) % 1100, (n * 171) % 800) }
}

/// The same picture by a chain of ffmpeg's filters. Each picture is decoded once.
fn overlays(folder: &Path) -> Outcome<f64> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-filter_complex_threads", "1", "-threads", "1"]);
    let mut graph = String::new();
    for n in 0..20usize {
        command.args(["-framerate", "60", "-i"]).arg(folder.join(format!("{n}.png")));
        graph += &format!("[{n}]format={},loop=-1:1,setpts=N[p{n}];", if n == 0 { "yuv420p" } else { "yuva420p" });
    }
    for n in 1..20usize {
        let (x, y) = fixed(n);
        let x = match MOVING.contains(&n) {
            true => format!("{x}+100*abs(4-mod(t\\,8))"),
            false => x.to_string(),
        };
        let below = if n == 1 { "p0".to_owned() } else { format!("o{}", n - 1) };
        graph += &format!("[{below}][p{n}]overlay=x='{x}':y={y}:shortest=0[o{n}];");
    }
    let graph = graph.trim_end_matches(';');
    command.args(["-filter_complex", graph, "-map", "[o19]", "-r", "60", "-frames:v", &FFMPEG_FRAMES.to_string()]);
    command.args(["-f", "null", "-"]).stdout(Stdio::null());
    let start = spent(UsageWho::RUSAGE_CHILDREN)?;
    let status = command.status()?;
    if !status.success() {
        return Err(format!("ended with {status}").into());
    }
    Ok((spent(UsageWho::RUSAGE_CHILDREN)? - start) / FFMPEG_FRAMES as f64)
}
