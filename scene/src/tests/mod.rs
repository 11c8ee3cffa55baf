mod easings;
mod lists;
mod motion;
mod refusals;
mod schema;
mod steady;
mod walk;

use crate::*;
use serde_json::{Value as Json, json};

/// A moment in 2026, in microseconds.
const T: i64 = 1_777_000_000_000_000;

fn ms(ms: i64) -> i64 {
    T + ms * 1_000
}

fn id(name: &str) -> Id {
    Id::try_from(name).expect("a good id")
}

fn scene() -> Scene {
    Scene::new(1280, 720, Limits::default())
}

fn try_at(scene: &mut Scene, now: i64, changes: Json) -> Result<Applied, Error> {
    scene.apply(Batch::parse(json!({ "changes": changes }))?, now)
}

fn at(scene: &mut Scene, now: i64, changes: Json) -> Applied {
    try_at(scene, now, changes).expect("it is applied")
}

fn rect(name: &str) -> Json {
    json!({
        "id": name, "kind": "shape", "fill": "#ff0000",
        "geometry": { "type": "rect", "width": 100, "height": 50 },
    })
}

fn with(mut layer: Json, more: Json) -> Json {
    let (Some(layer_fields), Json::Object(more)) = (layer.as_object_mut(), more) else { panic!("objects") };
    layer_fields.extend(more);
    layer
}

/// A scene with the layer `a`.
fn one() -> Scene {
    let mut scene = scene();
    at(&mut scene, T, json!([{ "op": "add", "layer": rect("a") }]));
    scene
}

fn number(scene: &Scene, path: &str, now: i64) -> f64 {
    match scene.shown("a", path, now) {
        Some(Value::Number(number)) => number,
        other => panic!("{path} is {other:?}"),
    }
}

/// Through text and back, as through a disk.
fn restored(scene: &Scene) -> Scene {
    let text = serde_json::to_string(&scene.document()).expect("it is written");
    let document = serde_json::from_str(&text).expect("it is read");
    Scene::restore(document, scene.limits).expect("it is sound")
}

#[test]
fn the_parts_of_a_document_are_written_as_they_are_read() {
    for color in ["#102030", "#10203040"] {
        assert_eq!(String::from(Color::try_from(color.to_owned()).unwrap()), color);
    }
    assert_eq!(Color::try_from("#fa0".to_owned()), Ok(Color::rgb(255, 170, 0)));
    for wrong in ["", "red", "#12", "#12345", "#gggggg", "#é234"] {
        assert!(Color::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
    for (text, when) in [
        ("now", When::Now),
        ("+500ms", When::After(500_000)),
        ("+1.5s", When::After(1_500_000)),
        ("2026-05-01T18:30:00Z", When::At(Moment(1_777_660_200_000_000))),
    ] {
        assert_eq!(When::try_from(text.to_owned()), Ok(when));
        assert_eq!(When::try_from(String::from(when)), Ok(when));
    }
    for wrong in ["", "later", "+", "+5", "-5ms", "+1e3s", "+-5ms", "2026-05-01"] {
        assert!(When::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
}

#[test]
fn a_patch_is_merged_as_rfc_7396_says() {
    let mut scene = one();
    at(
        &mut scene,
        T,
        json!([{ "op": "update", "id": "a", "patch": {
        "opacity": 0.5, "transform": { "x": 10 }, "shadow": { "blur": 3 }, "geometry": { "width": 7 },
    } }]),
    );
    let layer = scene.layer("a").unwrap();
    assert_eq!((layer.base.opacity, layer.base.transform.x), (0.5, 10.0));
    assert_eq!(layer.property("geometry.width"), Some(Value::Number(7.0)));
    assert_eq!(layer.property("geometry.height"), Some(Value::Number(50.0)));
    assert_eq!(layer.property("shadow.blur"), Some(Value::Number(3.0)));
    at(&mut scene, T, json!([{ "op": "update", "id": "a", "patch": { "shadow": null, "opacity": null } }]));
    let layer = scene.layer("a").unwrap();
    assert_eq!((layer.base.opacity, layer.property("shadow.blur")), (1.0, None));
}

#[test]
fn batches_wait_for_their_time_and_their_event() {
    let mut scene = one();
    let batch = |more: Json| Batch::parse(with(json!({ "changes": [] }), more)).unwrap();
    let show = |x: i32| json!([{ "op": "update", "id": "a", "patch": { "transform": { "x": x } } }]);
    let late = scene.apply(batch(json!({ "at": "+200ms", "changes": show(2) })), T).unwrap();
    scene.apply(batch(json!({ "at": "+100ms", "changes": show(1) })), T).unwrap();
    scene.apply(batch(json!({ "id": "goal", "on": "goal", "changes": show(3) })), T).unwrap();
    let failing = json!([{ "op": "update", "id": "a", "patch": { "opacity": 0 } }, { "op": "remove", "id": "b" }]);
    scene.apply(batch(json!({ "id": "bad", "at": "+300ms", "changes": failing })), T).unwrap();
    assert_eq!([ms(99), ms(100), ms(199), ms(250)].map(|t| scene.list(t).items[0].transform.x), [0.0, 1.0, 1.0, 2.0]);
    scene.advance(ms(150));
    at(&mut scene, ms(150), json!([{ "op": "unschedule", "batch": late.waits.unwrap() }]));
    let events = scene.advance(ms(400));
    assert!(events.iter().any(|event| matches!(event,
        Event::Refused { at, batch, error } if (*at, batch.as_str(), error.code) == (ms(300), "bad", Code::UnknownLayer)
            && error.field == "/changes/1/id")));
    assert_eq!((number(&scene, "transform.x", ms(400)), number(&scene, "opacity", ms(400))), (1.0, 1.0));
    at(&mut scene, ms(500), json!([{ "op": "fire", "event": "goal" }]));
    assert_eq!(number(&scene, "transform.x", ms(500)), 3.0);
    assert!(scene.waiting().is_empty());
}
