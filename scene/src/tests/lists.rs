//! What is listed, and in which order.

use super::*;

fn ids(list: &DisplayList) -> Vec<String> {
    list.items.iter().map(|item| item.id.to_string()).collect()
}

/// All of the canvas, as large as it is.
fn view(name: &str) -> View {
    View { name: id(name), area: Area::sized(1_280, 720), width: 1_280, height: 720 }
}

#[test]
fn a_layer_is_in_all_views_or_in_some() {
    let mut scene = scene();
    let add = |name: &str, more: Json| json!({ "op": "add", "layer": with(rect(name), more) });
    at(
        &mut scene,
        T,
        json!([
            add("a", json!({ "exclude": ["main"] })),
            add("b", json!({ "only": ["main"] })),
            add("c", json!({ "only": ["tall", "wide"] })),
            add("d", json!({ "only": ["tall"], "exclude": ["tall"] })),
            // A mask is not seen, and does its work.
            add("e", json!({ "mask": { "layer": "c" } })),
        ]),
    );
    let seen = |name: &str| ids(&scene.list_for(T, &view(name))).concat();
    assert_eq!(["main", "tall", "wide", "other"].map(seen), ["be", "ace", "ace", "ae"]);
    let list = scene.list(T);
    let Some(Clip::Item(mask)) = &list.items[1].mask else { panic!("{list:?}") };
    assert_eq!(mask.id, id("c"));
}

#[test]
fn a_view_is_an_area_in_the_middle() {
    let mut scene = scene();
    let group = json!({ "id": "g", "kind": "group", "opacity": 0.5, "transform": { "x": 100 } });
    let inside = with(rect("b"), json!({ "parent": "g", "mask": { "layer": "a" } }));
    let adding = [rect("a"), group, inside].map(|layer| json!({ "op": "add", "layer": layer }));
    at(&mut scene, T, json!(adding));
    for ((x, y, width, height), (across, down), inside, corner) in [
        ((0, 0, 1280, 720), (640, 360), (0, 0, 640, 360), (0.0, 0.0)),
        ((0, 0, 1280, 720), (1080, 1920), (0, 656, 1080, 608), (0.0, 656.0)),
        ((440, 0, 405, 720), (1080, 1920), (0, 0, 1080, 1920), (-440.0 * 1080.0 / 405.0, 0.0)),
        ((0, 360, 640, 360), (2000, 720), (360, 0, 1280, 720), (360.0, -720.0)),
        ((7, 9, 3, 1), (64, 64), (0, 21, 64, 22), (-7.0 * 64.0 / 3.0, 21.0 - 9.0 * 22.0)),
    ] {
        let view = View { area: Area { x, y, width, height }, width: across, height: down, ..view(MAIN) };
        let list = scene.list_for(T, &view);
        let (left, top, wide, high) = inside;
        assert_eq!((list.width, list.height), (across, down));
        let at = list.items[0].parent * kurbo::Point::ZERO;
        let even = |edge: u32| edge / 2 * 2;
        assert_eq!(list.inside, Area { x: left, y: even(top), width: wide, height: high });
        let moved = f64::from(even(top)) - f64::from(top);
        assert!((at - kurbo::Point::new(corner.0, corner.1 + moved)).hypot() < 1e-6, "{view:?}: {at:?}");
        // What is drawn on the surface of a group has its mask where it would be on the canvas.
        let What::Group { items, .. } = &list.items[1].what else { panic!("a group") };
        let Some(Clip::Item(mask)) = &items[0].mask else { panic!("a mask") };
        assert!((mask.parent * kurbo::Point::ZERO - kurbo::Point::new(-100.0, 0.0)).hypot() < 1e-6);
    }
}

#[test]
fn from_back_to_front() {
    let mut scene = scene();
    let add = |name: &str, more: Json| json!({ "op": "add", "layer": with(rect(name), more) });
    at(
        &mut scene,
        T,
        json!([
            add("a", json!({})), add("b", json!({ "z": 5 })), add("c", json!({})),
            { "op": "add", "layer": { "id": "g", "kind": "group", "transform": { "x": 10, "scale_x": 2, "scale_y": 2 } } },
            add("d", json!({ "parent": "g", "z": 99 })), add("e", json!({ "visible": false })),
            add("f", json!({ "exclude": ["twitch"] })),
        ]),
    );
    let list = scene.list(T);
    assert_eq!(ids(&list), ["a", "c", "d", "f", "b"]);
    assert_eq!(list.items[2].parent * kurbo::Point::new(1.0, 1.0), kurbo::Point::new(12.0, 2.0));
    assert_eq!(ids(&scene.list_for(T, &view("twitch"))), ["a", "c", "d", "b"]);
    assert_eq!(scene.list_for(T, &view(MAIN)), list);
    at(&mut scene, T, json!([{ "op": "move", "id": "c", "index": 0 }, { "op": "move", "id": "d", "parent": null }]));
    assert_eq!(ids(&scene.list(T)), ["c", "a", "f", "b", "d"]);
    // Translucent, a group is drawn as one.
    at(
        &mut scene,
        T,
        json!([{ "op": "move", "id": "a", "parent": "g" }, { "op": "update", "id": "g", "patch": { "opacity": 0.5 } }]),
    );
    let list = scene.list(T);
    assert_eq!(ids(&list), ["c", "g", "f", "b", "d"]);
    let What::Group { items, .. } = &list.items[1].what else { panic!("a group") };
    assert_eq!((items.len(), items[0].opacity, items[0].parent), (1, 1.0, kurbo::Affine::IDENTITY));
}

#[test]
fn masks_are_on_the_surface_of_what_they_mask() {
    let mut scene = scene();
    at(
        &mut scene,
        T,
        json!([
            { "op": "add", "layer": with(rect("m"), json!({ "visible": false, "transform": { "x": 30 } })) },
            { "op": "add", "layer": { "id": "g", "kind": "group", "opacity": 0.5, "transform": { "x": 10 } } },
            { "op": "add", "layer": with(rect("a"), json!({ "parent": "g", "mask": { "layer": "m" } })) },
        ]),
    );
    let list = scene.list(T);
    let What::Group { items, .. } = &list.items[0].what else { panic!("a group") };
    let Some(Clip::Item(mask)) = &items[0].mask else { panic!("a mask") };
    // 30 on the canvas is 20 within the group.
    assert_eq!(mask.parent * mask.transform.matrix(100.0, 50.0) * kurbo::Point::ZERO, kurbo::Point::new(20.0, 0.0));
    // A mask that goes takes nothing with it.
    at(&mut scene, T, json!([{ "op": "remove", "id": "m" }]));
    assert_eq!(scene.layer("a").unwrap().base.mask, None);
}

#[test]
fn bounds_and_anchors() {
    let place = |transform: Json, size: (f64, f64)| {
        let transform: Transform = serde_json::from_value(transform).unwrap();
        let matrix = transform.matrix(size.0, size.1);
        let round = |p: kurbo::Point| ((p.x * 1e6).round() / 1e6, (p.y * 1e6).round() / 1e6);
        (round(matrix * kurbo::Point::ZERO), round(matrix * kurbo::Point::new(size.0, size.1)))
    };
    let bounds = |form: &str| json!({ "bounds": { "type": form, "width": 100, "height": 100 } });
    let table = [
        (json!({}), ((0.0, 0.0), (200.0, 100.0))),
        (json!({ "x": 5, "y": 6, "scale_x": 2 }), ((5.0, 6.0), (405.0, 106.0))),
        (json!({ "x": 100, "y": 50, "anchor": { "x": 0.5, "y": 0.5 } }), ((0.0, 0.0), (200.0, 100.0))),
        (json!({ "x": 100, "y": 50, "anchor": { "x": 0.5, "y": 0.5 }, "rotation": 180 }), ((200.0, 100.0), (0.0, 0.0))),
        (bounds("stretch"), ((0.0, 0.0), (100.0, 100.0))),
        (bounds("scale_inner"), ((0.0, 25.0), (100.0, 75.0))),
        (bounds("scale_outer"), ((-50.0, 0.0), (150.0, 100.0))),
        (bounds("scale_to_width"), ((0.0, 25.0), (100.0, 75.0))),
        (bounds("scale_to_height"), ((-50.0, 0.0), (150.0, 100.0))),
        (bounds("max_only"), ((0.0, 25.0), (100.0, 75.0))),
    ];
    for (transform, expected) in table {
        assert_eq!(place(transform.clone(), (200.0, 100.0)), expected, "{transform}");
    }
    assert_eq!(place(bounds("max_only"), (20.0, 10.0)), ((40.0, 45.0), (60.0, 55.0)));
}

#[test]
fn time_is_resolved_into_words_and_states() {
    let mut scene = scene();
    let end = String::from(Moment(ms(90_500)));
    at(
        &mut scene,
        T,
        json!([
            { "op": "add", "layer": { "id": "clock", "kind": "clock", "offset_minutes": 90, "format": "%H:%M:%S" } },
            { "op": "add", "layer": { "id": "left", "kind": "countdown", "to": end, "done": "Live" } },
            { "op": "add", "layer": { "id": "card", "kind": "feed", "ends_at": end } },
            { "op": "add", "layer": { "id": "host", "kind": "sprite", "drive": { "source": "mic" }, "states": [
                { "asset": "shut" }, { "mouth": "half", "asset": "half" }, { "mouth": "open", "asset": "open" }] } },
            { "op": "add", "layer": { "id": "news", "kind": "ticker", "speed": 100, "items": ["x"] } },
        ]),
    );
    let words = |at: i64, n: usize| match &scene.list(ms(at)).items[n].what {
        What::Drawing(drawing) => drawing.words.clone(),
        What::Group { .. } => panic!("a drawing"),
    };
    assert_eq!([words(0, 0), words(999, 0), words(1_000, 0)], ["04:36:40", "04:36:40", "04:36:41"]);
    assert_eq!([0, 500, 501, 30_501, 90_499].map(|at| words(at, 1)), ["1:31", "1:30", "1:30", "1:00", "0:01"]);
    assert_eq!([words(90_500, 1), words(90_500, 2), words(0, 2)], ["Live", "0:00", "1:31"]);
    let mut asset = |level: f64| {
        scene.hear(id("mic"), level);
        let What::Drawing(drawing) = scene.list(T).items[3].what.clone() else { panic!("a drawing") };
        drawing.asset.unwrap().to_string()
    };
    assert_eq!([-90.0, -40.0, -10.0, -60.0].map(&mut asset), ["shut", "half", "open", "shut"]);
    at(&mut scene, T, json!([{ "op": "update", "id": "host", "patch": { "mouth": "open" } }]));
    let What::Drawing(drawing) = &scene.list(T).items[3].what else { panic!("a drawing") };
    assert_eq!(drawing.asset, Some(id("open")));
}

#[test]
fn a_new_message_comes_in() {
    let mut scene = scene();
    let arrival = json!({ "duration_ms": 400, "easing": "linear" });
    let chat = json!({ "id": "chat", "kind": "chat", "source": "own", "arrival": arrival });
    at(&mut scene, T, json!([{ "op": "add", "layer": chat }]));
    let line = |came: Option<i64>| {
        let (author, text) = ("ann".to_owned(), "hello".to_owned());
        Line { badges: Vec::new(), author, color: None, text, came }
    };
    let said = [None, Some(ms(-900)), Some(T), Some(ms(100))].map(line).to_vec();
    scene.read([(id("own"), said.into())].into_iter());
    let arriving = |at: i64| match &scene.list(ms(at)).items[0].what {
        What::Drawing(drawing) => drawing.arriving.clone(),
        What::Group { .. } => panic!("a drawing"),
    };
    // The frame of which it is part may be of a moment before it.
    for (at, want) in [(-1, &[0.0, 0.0][..]), (100, &[0.0, 0.25]), (200, &[0.25, 0.5]), (400, &[0.75]), (500, &[])] {
        assert_eq!(arriving(at), want, "{at}");
    }
}

#[test]
fn eyes_blink_now_and_then() {
    let mut scene = scene();
    at(
        &mut scene,
        T,
        json!([{ "op": "add", "layer": { "id": "host", "kind": "sprite", "blink_ms": 4000, "states": [
        { "asset": "open" }, { "eyes": "closed", "asset": "closed" }] } }]),
    );
    let closed = |at: i64| {
        matches!(&scene.list(ms(at)).items[0].what,
        What::Drawing(drawing) if drawing.asset == Some(id("closed")))
    };
    let (mut blinks, mut shut) = (0, 0);
    for at in (0..400_000).step_by(10) {
        shut += i64::from(closed(at));
        blinks += i64::from(closed(at) && !closed(at - 10));
    }
    assert_eq!((blinks, shut * 10 / blinks), (100, 150));
}
