//! Drawing what changed gives the bytes of drawing everything, after any changes.

use super::{assets, fonts};
use crate::{Painter, Rect};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rivulet_scene::{Area, Batch, Limits, MAIN, Scene, View};
use serde_json::{Value, json};

const NOW: i64 = 1_777_660_200_000_000;
const SIZE: (u32, u32) = (320, 182);

fn apply(scene: &mut Scene, now: i64, changes: Value) -> bool {
    let batch = Batch::parse(json!({ "changes": changes })).unwrap_or_else(|error| panic!("{error}"));
    scene.apply(batch, now).is_ok()
}

fn transform(random: &mut StdRng) -> Value {
    let (x, y) = (random.random_range(-60..320), random.random_range(-60..180));
    match random.random_range(0..4) {
        0 => json!({ "x": x, "y": y, "rotation": random.random_range(0..360), "anchor": { "x": 0.5, "y": 0.5 } }),
        1 => json!({ "x": x, "y": y, "scale_x": f64::from(random.random_range(1..15)) / 10.0 }),
        _ => json!({ "x": x, "y": y, "rotation": 0, "scale_x": 1 }),
    }
}

fn content(random: &mut StdRng) -> Value {
    let size = json!({ "size": 20 });
    match random.random_range(0..10) {
        0 => json!({ "kind": "group" }),
        1 => json!({ "kind": "image", "asset": (["photo", "badge", "nothing"][random.random_range(0..3)]) }),
        2 => json!({ "kind": "text", "text": "words", "font": size }),
        3 => json!({ "kind": "clock", "font": size }),
        4 => json!({ "kind": "ticker", "width": 200, "height": 30, "items": ["one", "two"], "font": size }),
        5 => json!({ "kind": "chart", "width": 120, "height": 90, "values": [1, 3, 2] }),
        6 => json!({ "kind": "video", "input": "camera", "width": 90, "height": 60 }),
        7 => json!({ "kind": "qr", "data": "x", "size": 60 }),
        _ => {
            json!({ "kind": "shape", "fill": "#3060c0c0", "geometry": { "type": "ellipse", "width": 90, "height": 60 } })
        }
    }
}

fn change(random: &mut StdRng) -> Value {
    let id = format!("l{}", random.random_range(0..9));
    let blend = ["normal", "normal", "multiply", "screen", "additive"][random.random_range(0..5)];
    let transition = match random.random_range(0..6) {
        0 => json!({ "type": "fade", "duration_ms": 200 }),
        1 => json!({ "type": "slide", "duration_ms": 150, "direction": "up" }),
        2 => json!({ "type": "wipe", "duration_ms": 170 }),
        3 => json!({ "type": "scale", "duration_ms": 130 }),
        4 => json!({ "duration_ms": 160 }),
        _ => json!(null),
    };
    let mut look = json!({ "transform": transform(random), "blend": blend, "z": random.random_range(0..3),
        "opacity": (if random.random_bool(0.6) { 1.0 } else { 0.6 }), "visible": random.random_bool(0.9) });
    match random.random_range(0..9) {
        0 => look["mask"] = json!({ "layer": format!("l{}", random.random_range(0..9)) }),
        1 => look["shadow"] = json!({ "blur": 3 }),
        2 => look["corner_radius"] = json!(12),
        3 => look["crop"] = json!({ "left": 10, "bottom": 8 }),
        _ => {}
    }
    match random.random_range(0..8) {
        0..3 => {
            let mut layer = content(random);
            layer.as_object_mut().unwrap().extend(look.as_object().unwrap().clone());
            layer["id"] = json!(id);
            layer["parent"] = json!(random.random_bool(0.3).then(|| format!("l{}", random.random_range(0..9))));
            json!({ "op": "add", "layer": layer, "transition": transition })
        }
        3..6 => json!({ "op": "update", "id": id, "patch": look, "transition": transition }),
        6 => json!({ "op": "move", "id": id, "index": random.random_range(0..4) }),
        _ => json!({ "op": "remove", "id": id, "transition": transition }),
    }
}

/// Larger than it is, with black above and below.
fn tall() -> View {
    let area = Area { x: 41, y: 7, width: 101, height: 151 };
    View { name: super::id(MAIN), area, width: 160, height: 284 }
}

/// Where the scene is on it.
const INSIDE: Rect = Rect { x0: 0, y0: 22, x1: 160, y1: 22 + 240 };

#[test]
fn what_changed_is_all_that_needs_drawing() {
    let mut assets = assets();
    let mut painter = Painter::with_fonts(1, 1, &[fonts()]);
    let mut whole = Painter::with_fonts(1, 1, &[fonts()]);
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut scene, mut now, mut partial) = (Scene::new(SIZE.0, SIZE.1, Limits::default()), NOW, 0);
        for step in 0..60 {
            now += random.random_range(0..90_000);
            if random.random_bool(0.5) {
                apply(&mut scene, now, json!([change(&mut random)]));
            }
            if random.random_bool(0.2) {
                let tone = random.random();
                let frame = (0..64 * 36).flat_map(|_| [tone, 90, 20, 255]).collect();
                let picture = crate::Decoded::live(64, 36, frame).expect("it is one");
                assets.keep(super::id("camera"), picture).expect("it is taken");
            }
            // The whole scene, or a part of it on a picture of another shape.
            let list = if seed % 2 == 0 { scene.list(now) } else { scene.list_for(now, &tall()) };
            let damage = painter.paint(&list, &assets);
            // Nothing is remembered by this one but bitmaps.
            whole.invalidate();
            whole.paint(&list, &assets);
            assert!(painter.rgba() == whole.rgba(), "seed {seed}, step {step}");
            let planes = |painter: &Painter| {
                let planes = painter.planes();
                (planes.y.to_vec(), planes.u.to_vec(), planes.v.to_vec())
            };
            assert!(planes(&painter) == planes(&whole), "seed {seed}, step {step}");
            let bounds = if seed % 2 == 0 { Rect::sized(SIZE.0 as usize, SIZE.1 as usize) } else { INSIDE };
            let (width, _) = painter.size();
            let outside = painter.rgba().as_chunks::<4>().0.iter().enumerate().all(|(at, pixel)| {
                let (x, y) = ((at % width) as i32, (at / width) as i32);
                bounds.contains(Rect::new(x, y, x + 1, y + 1)) || *pixel == [0, 0, 0, 255]
            });
            assert!(outside, "seed {seed}, step {step}");
            assert!(damage.rects.len() <= 8 && damage.rects.iter().all(|rect| bounds.contains(*rect)));
            partial += usize::from(damage.rects.iter().map(|rect| rect.area()).sum::<usize>() < bounds.area());
            assert!(painter.paint(&list, &assets).is_empty(), "seed {seed}, step {step}");
        }
        assert!(partial > 20, "seed {seed}: {partial}");
    }
}

/// Bitmaps that are kept are those that would be drawn.
#[test]
fn what_was_drawn_before_makes_no_difference() {
    let assets = assets();
    let mut painter = Painter::with_fonts(1, 1, &[fonts()]);
    let mut random = StdRng::seed_from_u64(7);
    let (mut scene, mut now) = (Scene::new(SIZE.0, SIZE.1, Limits::default()), NOW);
    for _ in 0..80 {
        now += 30_000;
        apply(&mut scene, now, json!([change(&mut random)]));
        painter.paint(&scene.list(now), &assets);
    }
    let mut fresh = Painter::with_fonts(1, 1, &[fonts()]);
    fresh.paint(&scene.list(now), &assets);
    assert!(painter.rgba() == fresh.rgba());
}

#[test]
fn an_unchanged_picture_costs_no_drawing_and_a_small_change_little() {
    let assets = assets();
    let mut painter = Painter::with_fonts(1, 1, &[fonts()]);
    let mut scene = Scene::new(640, 360, Limits::default());
    let clock = json!({ "id": "c", "kind": "clock", "font": { "size": 20 }, "transform": { "x": 20, "y": 20 } });
    let photo = json!({ "id": "p", "kind": "image", "asset": "photo", "transform": { "x": 200, "y": 80 } });
    assert!(apply(&mut scene, NOW, json!([{ "op": "add", "layer": photo }, { "op": "add", "layer": clock }])));
    assert_eq!(painter.paint(&scene.list(NOW), &assets).rects, [Rect::new(0, 0, 640, 360)]);
    assert!(painter.paint(&scene.list(NOW + 900_000), &assets).is_empty());
    let damage = painter.paint(&scene.list(NOW + 1_000_000), &assets);
    let [rect] = damage.rects[..] else { panic!("{damage:?}") };
    assert!(Rect::new(0, 0, 160, 64).contains(rect), "{rect:?}");
    assert!(painter.cache_bytes() < 1 << 20);
}

#[test]
fn colours_are_bt_709_in_limited_range() {
    let mut painter = Painter::with_fonts(1, 1, &[fonts()]);
    // Y, Cb and Cr by the standard's own formulas.
    for (color, expected) in [
        ("#000000", [16, 128, 128]),
        ("#ffffff", [235, 128, 128]),
        ("#ff0000", [63, 102, 240]),
        ("#00ff00", [173, 42, 26]),
        ("#0000ff", [32, 240, 118]),
        ("#808080", [126, 128, 128]),
    ] {
        let mut scene = Scene::new(32, 18, Limits::default());
        assert!(apply(&mut scene, NOW, json!([{ "op": "canvas", "background": color }])));
        painter.paint(&scene.list(NOW), &assets());
        let planes = painter.planes();
        assert_eq!((planes.y.len(), planes.u.len(), planes.v.len()), (32 * 18, 16 * 9, 16 * 9));
        let own = [planes.y[100], planes.u[40], planes.v[40]];
        assert!(own.iter().zip(expected).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 1), "{color}: {own:?}");
    }
}

#[test]
fn what_is_missing_is_reported() {
    let mut painter = Painter::with_fonts(1, 1, &[fonts()]);
    let mut scene = Scene::new(320, 180, Limits::default());
    let text = json!({ "id": "t", "kind": "text", "text": "x", "font": { "family": "Comic Papyrus" } });
    assert!(apply(
        &mut scene,
        NOW,
        json!([{ "op": "add", "layer": text },
        { "op": "add", "layer": { "id": "i", "kind": "image", "asset": "lost" } }])
    ));
    painter.paint(&scene.list(NOW), &assets());
    assert_eq!(painter.missing_fonts().iter().collect::<Vec<_>>(), ["Comic Papyrus"]);
    assert_eq!(painter.missing_assets().iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["lost"]);
    // The words are there nevertheless.
    assert!(painter.rgba().chunks_exact(4).any(|pixel| pixel[0] > 200));
}

/// Whatever a scene lets through can be drawn, in bounded memory.
#[test]
fn the_largest_and_smallest_of_everything() {
    let assets = assets();
    let mut painter = Painter::with_fonts(1, 1, &[fonts()]);
    let mut random = StdRng::seed_from_u64(3);
    let extreme = |random: &mut StdRng, edge: f64| edge * [-1.0, -1e-6, 0.0, 1e-6, 0.5, 1.0][random.random_range(0..6)];
    let text = "width ".repeat(300);
    let contents = [
        json!({ "kind": "text", "text": text, "font": { "size": 1000 } }),
        json!({ "kind": "text", "text": text, "width": 1, "font": { "size": 4 }, "outline": { "color": "#fff", "width": 1000 } }),
        json!({ "kind": "image", "asset": "photo" }),
        json!({ "kind": "ticker", "width": 4096, "height": 4096, "items": [text[..190]], "font": { "size": 1000 } }),
        json!({ "kind": "chart", "width": 1, "height": 1, "values": [1e12, -1e12], "title": "x" }),
        json!({ "kind": "chart", "values": [5, 5, 5], "min": 9, "max": 3, "labels": ["x"] }),
        json!({ "kind": "feed", "width": 1, "height": 1, "picture": "photo", "title": "x", "bid": "x" }),
        json!({ "kind": "chat", "width": 1, "height": 4096, "lines": [{ "author": "x", "text": text }] }),
        json!({ "kind": "qr", "data": "x".repeat(1000), "size": 1 }),
        json!({ "kind": "shape", "stroke": { "color": "#fff", "width": 1000 }, "geometry": { "type": "rect", "width": 1, "height": 4096 } }),
        json!({ "kind": "shape", "fill": { "stops": [] }, "geometry": { "type": "path", "d": "M -100000 0 L 100000 9 Z", "width": 1, "height": 1 } }),
        json!({ "kind": "group", "opacity": 0.5 }),
    ];
    for step in 0..60 {
        let mut scene = Scene::new(320, 180, Limits::default());
        let mut layer = contents[step % contents.len()].clone();
        let more = json!({ "id": "a", "corner_radius": random.random_range(0..2) * 1000,
            "transform": { "x": extreme(&mut random, 1e5), "y": extreme(&mut random, 100.0),
                "scale_x": extreme(&mut random, 100.0), "scale_y": extreme(&mut random, 100.0),
                "rotation": extreme(&mut random, 90.0), "anchor": { "x": 0.5, "y": extreme(&mut random, 100.0) } },
            "crop": { "left": extreme(&mut random, 50.0).max(0.0) } });
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if random.random_bool(0.1) {
            layer["shadow"] = json!({ "blur": 20, "x": 1000 });
        }
        assert!(apply(&mut scene, NOW, json!([{ "op": "add", "layer": layer }])));
        let child =
            json!({ "id": "b", "kind": "image", "asset": "photo", "transform": { "scale_x": 100, "scale_y": 100 } });
        if step % contents.len() == 11 {
            let child = json!({ "op": "add", "layer": child });
            assert!(apply(&mut scene, NOW, json!([child, { "op": "move", "id": "b", "parent": "a" }])));
        }
        painter.paint(&scene.list(NOW), &assets);
        assert!(painter.cache_bytes() < 512 << 20, "step {step}");
    }
}
