//! One row, one fault, one answer; and nothing has changed.

use super::*;

fn refused(scene: &Scene, batch: Json) -> (Code, String) {
    let mut copy = scene.clone();
    let before = copy.document();
    let error = Batch::parse(batch.clone()).and_then(|batch| copy.apply(batch, T)).expect_err(&batch.to_string());
    assert_eq!(copy.document(), before, "{batch}");
    assert!(!error.message.is_empty());
    (error.code, error.field)
}

#[test]
fn changes() {
    let mut scene = one();
    at(
        &mut scene,
        T,
        json!([
            { "op": "add", "layer": { "id": "g", "kind": "group" } },
            { "op": "add", "layer": { "id": "h", "kind": "group", "parent": "g" } },
        ]),
    );
    let animate = |effect: Json| json!({ "op": "animate", "animation": { "id": "x", "effect": effect } });
    let track = |property: &str, value: Json| {
        json!({ "target": "a", "timing": { "duration_ms": 1 },
        "tracks": [{ "property": property, "keyframes": [{ "value": value }] }] })
    };
    let long = "x".repeat(2_001);
    let many: Vec<_> = (0..201).map(|_| json!({ "value": 1 })).collect();
    let points: Vec<_> = (0..2_001).collect();
    let text = |more: Json| with(json!({ "id": "t", "kind": "text", "text": "" }), more);
    let table = [
        (json!({ "op": "update", "id": "b", "patch": {} }), Code::UnknownLayer, "/id"),
        (json!({ "op": "remove", "id": "b" }), Code::UnknownLayer, "/id"),
        (json!({ "op": "move", "id": "b" }), Code::UnknownLayer, "/id"),
        (json!({ "op": "move", "id": "g", "parent": "h" }), Code::Cycle, "/parent"),
        (json!({ "op": "move", "id": "g", "parent": "g" }), Code::Cycle, "/parent"),
        (json!({ "op": "move", "id": "a", "parent": "z" }), Code::UnknownLayer, "/parent"),
        (json!({ "op": "move", "id": "g", "parent": "a" }), Code::Invalid, "/parent"),
        (json!({ "op": "add", "layer": rect("a") }), Code::DuplicateId, "/layer/id"),
        (json!({ "op": "add", "layer": rect("a b") }), Code::Invalid, "/layer/id"),
        (json!({ "op": "add", "layer": rect("a~1") }), Code::Invalid, "/layer/id"),
        (json!({ "op": "add", "layer": { "id": "b", "kind": "html" } }), Code::Invalid, "/layer/kind"),
        (json!({ "op": "add", "layer": { "id": "b" } }), Code::Invalid, "/layer/kind"),
        (
            json!({ "op": "add", "layer": with(rect("b"), json!({ "opacity": 1.5 })) }),
            Code::OutOfRange,
            "/layer/opacity",
        ),
        (json!({ "op": "add", "layer": with(rect("b"), json!({ "colour": 1 })) }), Code::Invalid, "/layer/colour"),
        (json!({ "op": "add", "layer": with(rect("b"), json!({ "fill": "red" })) }), Code::Invalid, "/layer/fill"),
        (json!({ "op": "add", "layer": with(rect("b"), json!({ "parent": "a" })) }), Code::Invalid, "/layer/parent"),
        (
            json!({ "op": "add", "layer": with(rect("b"), json!({ "mask": { "layer": "b" } })) }),
            Code::Cycle,
            "/layer/mask/layer",
        ),
        (
            json!({ "op": "add", "layer": with(rect("b"), json!({ "mask": { "layer": "c" } })) }),
            Code::UnknownLayer,
            "/layer/mask/layer",
        ),
        (
            json!({ "op": "add", "layer": with(rect("b"), json!({ "transform": { "x": 1e9 } })) }),
            Code::OutOfRange,
            "/layer/transform/x",
        ),
        (
            json!({ "op": "add", "layer": with(rect("b"), json!({ "geometry": { "type": "path", "d": "M", "width": 1, "height": 1 } })) }),
            Code::Invalid,
            "/layer/geometry",
        ),
        (json!({ "op": "add", "layer": text(json!({ "text": long })) }), Code::TooLong, "/layer/text"),
        (json!({ "op": "add", "layer": text(json!({ "font": { "size": 0 } })) }), Code::OutOfRange, "/layer/font/size"),
        (json!({ "op": "add", "layer": text(json!({ "wrap": 1 })) }), Code::Invalid, "/layer/wrap"),
        (
            json!({ "op": "add", "layer": { "id": "c", "kind": "clock", "format": "%!" } }),
            Code::Invalid,
            "/layer/format",
        ),
        (
            json!({ "op": "add", "layer": { "id": "c", "kind": "chart", "values": points } }),
            Code::TooMany,
            "/layer/values",
        ),
        (json!({ "op": "add", "layer": { "id": "c", "kind": "qr", "data": "" } }), Code::Invalid, "/layer/data"),
        (
            json!({ "op": "add", "layer": rect("b"), "transition": { "duration_ms": -1 } }),
            Code::OutOfRange,
            "/transition/duration_ms",
        ),
        (
            json!({ "op": "add", "layer": rect("b"), "transition": { "easing": "wild" } }),
            Code::Invalid,
            "/transition/easing",
        ),
        (json!({ "op": "update", "id": "a", "patch": { "opacity": -0.1 } }), Code::OutOfRange, "/patch/opacity"),
        (json!({ "op": "update", "id": "a", "patch": { "opacity": "half" } }), Code::Invalid, "/patch/opacity"),
        (json!({ "op": "update", "id": "a", "patch": { "id": "b" } }), Code::ReadOnly, "/patch/id"),
        (json!({ "op": "update", "id": "a", "patch": { "parent": "g" } }), Code::ReadOnly, "/patch/parent"),
        (json!({ "op": "cancel", "animation": "x" }), Code::UnknownAnimation, "/animation"),
        (json!({ "op": "unschedule", "batch": "x" }), Code::UnknownBatch, "/batch"),
        (json!({ "op": "canvas", "width": 1001 }), Code::OutOfRange, "/width"),
        (json!({ "op": "canvas", "height": 100_000 }), Code::OutOfRange, "/height"),
        (json!({ "op": "explode" }), Code::Invalid, "/op"),
        (animate(track("transform.z", json!(1))), Code::UnknownProperty, "/animation/effect/tracks/0/property"),
        (animate(track("opacity", json!("#ff0000"))), Code::Invalid, "/animation/effect/tracks/0/keyframes/0/value"),
        (animate(track("shadow.blur", json!(1))), Code::UnknownProperty, "/animation/effect/tracks/0/property"),
        (animate(track("opacity", json!(1e300))), Code::OutOfRange, "/animation/effect/tracks/0/keyframes/0/value"),
        (
            animate(with(track("opacity", json!(1)), json!({ "target": "b" }))),
            Code::UnknownLayer,
            "/animation/effect/tracks/0/property",
        ),
        (
            animate(with(track("opacity", json!(1)), json!({ "timing": {} }))),
            Code::Invalid,
            "/animation/effect/timing/duration_ms",
        ),
        (animate(json!({ "target": "a", "timing": { "duration_ms": 1 } })), Code::Invalid, "/animation/effect"),
        (
            animate(
                json!({ "target": "a", "timing": { "duration_ms": 1 }, "tracks": [{ "property": "opacity", "keyframes": many }] }),
            ),
            Code::TooMany,
            "/animation/effect/tracks/0/keyframes",
        ),
        (
            animate(json!({ "target": "a", "timing": { "duration_ms": 1 }, "motion": { "path": "hello" } })),
            Code::Invalid,
            "/animation/effect/motion/path",
        ),
    ];
    for (change, code, field) in table {
        // Behind a change that would go through.
        let first = json!({ "op": "update", "id": "a", "patch": { "opacity": 0.5 } });
        let answer = refused(&scene, json!({ "changes": [first, change] }));
        assert_eq!(answer, (code, format!("/changes/1{field}")), "{change}");
    }
}

#[test]
fn batches() {
    let scene = one();
    assert_eq!(
        refused(&scene, json!({ "if_revision": 7, "changes": [] })),
        (Code::RevisionConflict, "/if_revision".into())
    );
    assert_eq!(refused(&scene, json!({ "at": "soon", "changes": [] })), (Code::Invalid, "/at".into()));
    assert_eq!(
        refused(&scene, json!({ "at": "2036-01-01T00:00:00Z", "changes": [] })),
        (Code::OutOfRange, "/at".into())
    );
    assert_eq!(refused(&scene, json!({ "changes": {} })), (Code::Invalid, "/changes".into()));
    assert_eq!(refused(&scene, json!({ "changes": [], "extra": 1 })), (Code::Invalid, "/extra".into()));
    assert_eq!(refused(&scene, json!([])), (Code::Invalid, "/changes".into()));
    let many: Vec<_> = (0..201).map(|_| json!({ "op": "fire", "event": "x" })).collect();
    assert_eq!(refused(&scene, json!({ "changes": many })), (Code::TooMany, "/changes".into()));
    // What waits is read now, and not only once it is due.
    let bad = json!({ "op": "add", "layer": { "id": "b", "kind": "html" } });
    let field = "/changes/0/layer/kind".to_owned();
    assert_eq!(refused(&scene, json!({ "at": "+1s", "changes": [bad] })), (Code::Invalid, field));
}

#[test]
fn numbers_that_json_does_not_have() {
    let mut scene = one();
    for value in [f64::NAN, f64::INFINITY] {
        let mut animation = Animation {
            id: id("x"),
            effect: Effect { target: Some(id("a")), ..Effect::default() },
            rate: 1.0,
            on_finish: OnFinish::Commit,
        };
        animation.effect.timing.duration_ms = Some(1.0);
        let keyframe =
            Keyframe { offset: None, value: Value::Number(value), easing: Easing::default(), composite: None };
        let track = Track { property: "opacity".into(), keyframes: vec![keyframe], composite: Composite::Replace };
        animation.effect.tracks = vec![track];
        let error = scene.apply(Batch::of([Change::Animate(Animate { animation })]), T).expect_err("refused");
        assert_eq!(error.code, Code::OutOfRange);
    }
    let huge = r#"{"changes":[{"op":"update","id":"a","patch":{"opacity":1e999}}]}"#;
    assert!(serde_json::from_str::<Json>(huge).is_err());
}

#[test]
fn limits() {
    let mut scene = Scene::new(64, 64, Limits { layers: 3, depth: 2 });
    let group =
        |name: &str, parent: Json| json!({ "op": "add", "layer": { "id": name, "kind": "group", "parent": parent } });
    at(&mut scene, T, json!([group("a", json!(null)), group("b", json!("a"))]));
    assert_eq!(
        refused(&scene, json!({ "changes": [group("c", json!("b"))] })),
        (Code::TooDeep, "/changes/0/layer/parent".into())
    );
    at(&mut scene, T, json!([group("c", json!(null))]));
    assert_eq!(
        refused(&scene, json!({ "changes": [group("d", json!(null))] })),
        (Code::TooMany, "/changes/0/layer".into())
    );
    // A whole branch counts where it is moved to.
    let change = json!({ "changes": [{ "op": "move", "id": "a", "parent": "c" }] });
    assert_eq!(refused(&scene, change), (Code::TooDeep, "/changes/0/parent".into()));

    let mut scene = one();
    let fade = |n: usize| {
        json!([{ "op": "animate", "animation": { "id": format!("x{n}"), "effect": {
        "target": "a", "timing": { "duration_ms": 1000 }, "tracks": [{ "property": "opacity", "keyframes": [{ "value": 1 }] }] } } }])
    };
    (0..limits::MAX_ANIMATIONS).for_each(|n| drop(at(&mut scene, T, fade(n))));
    assert_eq!(try_at(&mut scene, T, fade(999)).map_err(|error| error.code), Err(Code::TooMany));
    assert_eq!(try_at(&mut scene, T, fade(0)).map_err(|error| error.code), Err(Code::DuplicateId));
    let wait = || Batch { at: When::After(1), ..Batch::default() };
    (0..limits::MAX_WAITING).for_each(|_| drop(scene.apply(wait(), T).unwrap()));
    assert_eq!(scene.apply(wait(), T).map_err(|error| error.code), Err(Code::TooMany));
}

#[test]
fn documents() {
    let document = serde_json::to_value(one().document()).unwrap();
    let restore = |more: Json| {
        let document = serde_json::from_value(with(document.clone(), more)).map_err(|error| error.to_string())?;
        Scene::restore(document, Limits::default()).map_err(|error| format!("{:?} {}", error.code, error.field))
    };
    let group = |id: &str, parent: &str| json!({ "id": id, "kind": "group", "parent": parent });
    assert!(restore(json!({})).is_ok());
    for (more, expected) in [
        (json!({ "width": 3 }), "OutOfRange /width"),
        (json!({ "layers": [rect("a"), rect("a")] }), "DuplicateId /layers/1/id"),
        (json!({ "layers": [group("a", "b"), group("b", "a")] }), "UnknownLayer /layers/1/parent"),
        (
            json!({ "layers": [with(rect("a"), json!({ "mask": { "layer": "z" } }))] }),
            "UnknownLayer /layers/0/mask/layer",
        ),
        (json!({ "leaving": [{ "place": 0, "layer": rect("b") }] }), "Invalid /leaving/0"),
        (json!({ "transitions": { "z": {} } }), "UnknownLayer /transitions/z"),
        (
            json!({ "transitions": { "a": { "shifts": [{ "start": i64::MIN, "transition": {} }] } } }),
            "OutOfRange /transitions/a/start",
        ),
        (
            json!({ "waiting": [{ "id": "w", "due": i64::MAX, "batch": { "changes": [] } }] }),
            "OutOfRange /waiting/0/due",
        ),
    ] {
        assert_eq!(restore(more.clone()).err().as_deref(), Some(expected), "{more}");
    }
    // In any order.
    let layers = json!([with(rect("a"), json!({ "parent": "g", "mask": { "layer": "m" } })), group("g", "h"), rect("m"), { "id": "h", "kind": "group" }]);
    let scene = restore(json!({ "layers": layers })).unwrap();
    assert_eq!(scene.layers().map(|layer| layer.base.id.as_str()).collect::<Vec<_>>(), ["a", "g", "m", "h"]);
}
