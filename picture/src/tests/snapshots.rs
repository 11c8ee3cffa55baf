//! One picture of each kind of layer, held against what somebody has looked at. Differences are numbers
//! first. `UPDATE_SNAPSHOTS=1` takes the pictures as they are now: look at them before they are kept.

use super::{assets, fonts, png};
use crate::Painter;
use image::RgbaImage;
use rivulet_scene::{Batch, Limits, Scene};
use serde_json::{Value, json};
use std::path::PathBuf;

/// 2026-05-01T18:30:00Z.
const NOW: i64 = 1_777_660_200_000_000;
/// A channel that differs by more is another one,
const NEAR: u8 = 24;
/// and of so many pixels in a thousand it may be: other versions of a library move edges a little.
const OTHERS_PER_MILLE: usize = 3;

fn painted(size: (u32, u32), layers: &[Value]) -> RgbaImage {
    let mut scene = Scene::new(size.0, size.1, Limits::default());
    let changes: Vec<Value> = layers.iter().map(|layer| json!({ "op": "add", "layer": layer })).collect();
    let background = json!({ "op": "canvas", "background": "#2b3345" });
    let changes = [vec![background], changes].concat();
    let batch = Batch::parse(json!({ "changes": changes })).unwrap_or_else(|error| panic!("{error}"));
    scene.apply(batch, NOW).unwrap_or_else(|error| panic!("{error}"));
    let mut painter = Painter::with_fonts(16, 16, &[fonts()]);
    painter.paint(&scene.list(NOW), &assets());
    assert!(painter.missing_fonts().is_empty() && painter.missing_assets().is_empty());
    RgbaImage::from_raw(size.0, size.1, painter.rgba().to_vec()).expect("a whole picture")
}

fn at(x: i32, y: i32) -> Value {
    json!({ "x": x, "y": y })
}

fn wave(n: i32) -> f64 {
    100.0 + f64::from(n) * 0.4 + 6.0 * (f64::from(n) / 5.0).sin() + 2.5 * (f64::from(n) * 1.7).cos()
}

fn hold(name: &str, size: (u32, u32), layers: &[Value]) {
    let picture = painted(size, layers);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("snapshots/{name}.png"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, png(&picture)).expect("it is kept");
    }
    let known = image::open(&path).unwrap_or_else(|error| panic!("{name}: {error}")).into_rgba8();
    assert_eq!(picture.dimensions(), known.dimensions(), "{name}");
    let other =
        picture.pixels().zip(known.pixels()).filter(|(a, b)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > NEAR));
    let (others, all) = (other.count(), picture.pixels().len());
    assert!(others * 1_000 <= all * OTHERS_PER_MILLE, "{name}: {others} of {all} pixels are others");
}

#[test]
fn card() {
    let history = [("mara_k", "$ 410"), ("The Real Bob", "$ 395"), ("ひろ", "$ 380"), ("lee", "$ 300"), ("x", "$ 1")];
    let history: Vec<_> = history.map(|(who, amount)| json!({ "who": who, "amount": amount })).into();
    hold(
        "card",
        (520, 680),
        &[json!({
            "id": "a", "kind": "feed", "transform": at(20, 20), "picture": "photo", "title": "Evening over the hills, 1974, signed",
            "subtitle": "Lot 12 · oil on canvas", "bid": "$ 425", "ends_at": "2026-05-01T18:31:27Z", "history": history,
            "shadow": { "blur": 10 },
        })],
    );
}

#[test]
fn charts() {
    let values: Vec<f64> = (0..60).map(wave).collect();
    let candles: Vec<_> = (0..40)
        .map(|n| {
            let (open, close) = (wave(n), wave(n + 1));
            json!({ "open": open, "close": close, "high": open.max(close) + 2.0, "low": open.min(close) - 1.5 })
        })
        .collect();
    let chart = |id: &str, x: i32, y: i32, form: &str, more: Value| {
        let mut layer =
            json!({ "id": id, "kind": "chart", "transform": at(x, y), "form": form, "width": 460, "height": 270 });
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    hold(
        "charts",
        (980, 600),
        &[
            chart("a", 20, 20, "line", json!({ "title": "Viewers", "values": values, "decimals": 0 })),
            chart("b", 500, 20, "candles", json!({ "title": "BTC/USD", "candles": candles })),
            chart(
                "c",
                20,
                310,
                "bars",
                json!({ "title": "P/L", "values": [3, 5, -2, 8, 6, -4, 9], "decimals": 0,
            "labels": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] }),
            ),
            chart("d", 500, 310, "area", json!({ "title": "Balance", "values": values })),
        ],
    );
}

#[test]
fn tickers_clocks_and_countdowns() {
    let font = json!({ "size": 56, "weight": 700 });
    hold(
        "time",
        (960, 300),
        &[
            json!({ "id": "t", "kind": "ticker", "width": 960, "transform": at(0, 236),
            "items": ["Market opens in 30 minutes", "Tonight: the grand final", "New: vote with !buy and !sell"] }),
            json!({ "id": "c", "kind": "clock", "offset_minutes": 120, "transform": at(40, 60), "font": font }),
            json!({ "id": "d", "kind": "countdown", "to": "2026-05-01T18:42:05Z", "transform": at(420, 50), "font": font,
            "background": "#11141ceb", "padding": 18, "fill": "#ffb84d" }),
        ],
    );
}

#[test]
fn words() {
    let text = |id: &str, x: i32, y: i32, text: &str, more: Value| {
        let mut layer =
            json!({ "id": id, "kind": "text", "text": text, "transform": at(x, y), "font": { "size": 34 } });
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    hold(
        "words",
        (900, 420),
        &[
            text(
                "a",
                30,
                20,
                "Outlined, bold",
                json!({ "font": { "size": 60, "weight": 700 }, "outline": { "color": "#000000", "width": 5 } }),
            ),
            text(
                "b",
                30,
                110,
                "Broken where it would be wider than its box, and centred",
                json!({ "width": 380, "align": "center" }),
            ),
            text("c", 460, 110, "مرحبا بالعالم 123 שלום", json!({ "width": 400 })),
            text("d", 460, 180, "Ελληνικά, кириллица", json!({ "font": { "size": 34, "family": "serif" } })),
            text(
                "e",
                460,
                250,
                "mono 0123",
                json!({ "font": { "size": 34, "family": "monospace" }, "background": "#00000088", "padding": 12 }),
            ),
            text(
                "f",
                30,
                330,
                "With a shadow",
                json!({ "font": { "size": 44, "weight": 700 }, "shadow": { "blur": 4, "y": 4, "color": "#000000" } }),
            ),
        ],
    );
}

#[test]
fn shapes_masks_and_corners() {
    let gradient = |form: &str| {
        json!({ "type": form, "angle": 45, "stops": [
        { "offset": 0, "color": "#7c4dff" }, { "offset": 1, "color": "#18ffff" }] })
    };
    let rect = |w: i32, h: i32| json!({ "type": "rect", "width": w, "height": h, "radius": 12 });
    hold(
        "shapes",
        (760, 420),
        &[
            json!({ "id": "a", "kind": "shape", "geometry": rect(160, 120), "fill": gradient("linear"), "transform": at(30, 30) }),
            json!({ "id": "b", "kind": "shape", "geometry": { "type": "ellipse", "width": 160, "height": 120 },
            "fill": gradient("radial"), "stroke": { "color": "#ffffff", "width": 6 }, "transform": at(220, 30) }),
            json!({ "id": "c", "kind": "shape", "geometry": { "type": "path", "width": 160, "height": 120,
            "d": "M 0 120 C 40 -60 120 180 160 0 L 160 120 Z" }, "fill": "#ff5c6a", "transform": at(410, 30) }),
            json!({ "id": "d", "kind": "image", "asset": "photo", "corner_radius": 40, "shadow": {}, "transform": {
            "x": 30, "y": 200, "bounds": { "type": "scale_inner", "width": 220, "height": 180 } } }),
            json!({ "id": "e", "kind": "image", "asset": "photo", "mask": { "shape": { "type": "ellipse", "width": 400, "height": 260 } },
            "transform": { "x": 380, "y": 290, "scale_x": 0.5, "scale_y": 0.5, "rotation": 20, "anchor": { "x": 0.5, "y": 0.5 } } }),
            json!({ "id": "m", "kind": "image", "asset": "badge", "visible": false, "transform": { "x": 520, "y": 190, "scale_x": 1.6, "scale_y": 1.6 } }),
            json!({ "id": "f", "kind": "image", "asset": "photo", "mask": { "layer": "m" }, "transform": at(420, 160) }),
            json!({ "id": "g", "kind": "shape", "geometry": rect(120, 100), "fill": "#ffffff", "blend": "multiply", "opacity": 0.5, "transform": at(590, 40) }),
            json!({ "id": "h", "kind": "shape", "geometry": rect(120, 100), "fill": "#2040ff", "blend": "screen", "transform": at(620, 70) }),
        ],
    );
}

#[test]
fn pictures_sprites_and_video() {
    let states = json!([{ "asset": "shut" }, { "mouth": "open", "asset": "open" }]);
    hold(
        "pictures",
        (760, 300),
        &[
            json!({ "id": "a", "kind": "video", "input": "camera", "width": 320, "height": 240, "transform": at(20, 30) }),
            json!({ "id": "b", "kind": "video", "input": "camera", "width": 160, "height": 160, "fit": "cover",
            "corner_radius": 80, "transform": at(360, 30) }),
            json!({ "id": "c", "kind": "sprite", "states": states, "transform": at(560, 20) }),
            json!({ "id": "d", "kind": "sprite", "states": states, "mouth": "open", "transform": {
            "x": 560, "y": 190, "scale_x": 0.6, "scale_y": 0.6 } }),
            json!({ "id": "e", "kind": "image", "asset": "badge", "opacity": 0.7, "transform": at(440, 170) }),
        ],
    );
}

#[test]
fn chat_and_qr() {
    let lines: Vec<_> = [
        ("mara_k", "hello everyone!"),
        ("The Real Bob", "who is bidding on lot 12? I would, but my wallet says no"),
        ("lee", "🎉 שלום to all"),
        ("streamer", "welcome, two minutes left"),
    ]
    .map(|(author, text)| json!({ "author": author, "text": text }))
    .into();
    hold(
        "chat",
        (760, 340),
        &[
            json!({ "id": "a", "kind": "chat", "lines": lines, "width": 420, "height": 300, "transform": at(20, 20) }),
            json!({ "id": "b", "kind": "qr", "data": "https://rivulet.example/lot/12", "transform": at(480, 40) }),
        ],
    );
}

#[test]
fn names_have_signs_before_them() {
    let badges = ["admin", "broadcaster", "editor", "moderator", "subscriber"];
    let one = |n: usize| json!({ "author": badges[n], "text": "hello everyone", "badges": [badges[n]] });
    let all = json!({ "author": "all", "text": "hello everyone, this takes two lines", "badges": badges });
    let rtl = json!({ "author": "לי", "text": "שלום לכולם", "badges": ["moderator"] });
    let lines: Vec<_> = (0..5).map(one).chain([all, rtl]).collect();
    let layer =
        json!({ "id": "a", "kind": "chat", "lines": lines, "width": 420, "height": 340, "transform": at(20, 20) });
    hold("badges", (460, 380), &[layer]);
}

#[test]
fn groups_are_faded_and_turned_as_one() {
    let rect = |id: &str, x: i32, fill: &str| {
        json!({ "id": id, "kind": "shape", "parent": "g", "fill": fill,
        "geometry": { "type": "rect", "width": 120, "height": 120 }, "transform": at(x, x) })
    };
    hold(
        "groups",
        (360, 300),
        &[
            json!({ "id": "g", "kind": "group", "width": 200, "height": 200, "opacity": 0.5, "transform": {
            "x": 180, "y": 150, "rotation": 15, "anchor": { "x": 0.5, "y": 0.5 } } }),
            rect("a", 0, "#ff5c6a"),
            rect("b", 60, "#5ca0ff"),
        ],
    );
}
