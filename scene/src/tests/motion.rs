//! Animations and transitions, moment by moment.

use super::*;

/// Values of a property of `a` at these milliseconds.
fn seen<const N: usize>(scene: &Scene, path: &str, at_ms: [i64; N]) -> [f64; N] {
    at_ms.map(|at| (number(scene, path, ms(at)) * 1e6).round() / 1e6)
}

fn fade(more: Json) -> Json {
    let track = json!({ "property": "opacity", "keyframes": [{ "value": 0 }, { "value": 1 }] });
    json!({ "op": "animate", "animation": {
        "id": "fade", "effect": { "target": "a", "tracks": [track], "timing": more },
    } })
}

#[test]
fn timing() {
    // Opacity of `a`, which is 1 by itself, at -, 0, 250, 500, 999, 1000, 1500, 2000 and 3500 ms.
    let table: &[(Json, [f64; 8])] = &[
        (json!({ "duration_ms": 1000 }), [0.0, 0.25, 0.5, 0.999, 1.0, 1.0, 1.0, 1.0]),
        (json!({ "duration_ms": 1000, "direction": "reverse" }), [1.0, 0.75, 0.5, 0.001, 0.0, 0.0, 0.0, 0.0]),
        (
            json!({ "duration_ms": 1000, "direction": "reverse", "fill": "none" }),
            [1.0, 0.75, 0.5, 0.001, 1.0, 1.0, 1.0, 1.0],
        ),
        (json!({ "duration_ms": 1000, "delay_ms": 500 }), [1.0, 1.0, 0.0, 0.499, 0.5, 1.0, 1.0, 1.0]),
        (json!({ "duration_ms": 1000, "delay_ms": 500, "fill": "both" }), [0.0, 0.0, 0.0, 0.499, 0.5, 1.0, 1.0, 1.0]),
        (json!({ "duration_ms": 1000, "iterations": 2 }), [0.0, 0.25, 0.5, 0.999, 0.0, 0.5, 1.0, 1.0]),
        (json!({ "duration_ms": 1000, "iterations": 2.5 }), [0.0, 0.25, 0.5, 0.999, 0.0, 0.5, 0.0, 0.5]),
        (
            json!({ "duration_ms": 1000, "iterations": 2, "direction": "alternate" }),
            [0.0, 0.25, 0.5, 0.999, 1.0, 0.5, 0.0, 0.0],
        ),
        (
            json!({ "duration_ms": 1000, "iterations": "infinite", "direction": "alternate-reverse" }),
            [1.0, 0.75, 0.5, 0.001, 0.0, 0.5, 1.0, 0.5],
        ),
        (json!({ "duration_ms": 1000, "easing": "steps(2, end)" }), [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0]),
        (json!({ "duration_ms": 0 }), [1.0; 8]),
    ];
    for (timing, expected) in table {
        let mut scene = one();
        at(&mut scene, T, json!([fade(timing.clone())]));
        assert_eq!(seen(&scene, "opacity", [0, 250, 500, 999]), expected[..4], "{timing}");
        let later = [1_000, 1_500, 2_000, 3_500].map(|at| {
            let mut then = scene.clone();
            then.advance(ms(at));
            seen(&then, "opacity", [at])[0]
        });
        assert_eq!(later, expected[4..], "{timing}");
    }
}

#[test]
fn keyframes_have_offsets_easings_and_composites() {
    let mut scene = one();
    at(
        &mut scene,
        T,
        json!([
            { "op": "update", "id": "a", "patch": { "transform": { "x": 100 } } },
            { "op": "animate", "animation": { "id": "k", "on_finish": "remove", "effect": { "target": "a", "timing": {
                "duration_ms": 1000,
            }, "tracks": [
                { "property": "transform.x", "composite": "add", "keyframes": [
                    { "value": 0 }, { "value": 10, "easing": "steps(1, end)" }, { "value": 30 }, { "value": 50, "offset": 0.8 },
                ] },
                { "property": "transform.y", "keyframes": [{ "value": 60, "offset": 0.5 }] },
                { "property": "fill", "keyframes": [{ "value": "#000000" }, { "value": "#ffffff" }] },
            ] } } },
        ]),
    );
    // Spread over 0 to 0.8, and from there to what lies below.
    let third = 800.0 / 3.0;
    assert_eq!(seen(&scene, "transform.x", [0, 500, 800, 900]), [100.0, 110.0, 150.0, 125.0]);
    let at_third = number(&scene, "transform.x", T + (third * 500.0) as i64);
    assert!((at_third - 105.0).abs() < 0.01, "{at_third}");
    assert_eq!(seen(&scene, "transform.y", [0, 250, 500, 750]), [0.0, 30.0, 60.0, 30.0]);
    assert_eq!(scene.shown("a", "fill", ms(500)), Some(Value::Color(Color::rgb(128, 128, 128))));
    scene.advance(ms(1_000));
    assert_eq!(seen(&scene, "transform.x", [1_000]), [100.0]);
}

#[test]
fn groups_of_effects() {
    let mut scene = one();
    let step = |property: &str, to: f64, duration: f64| {
        json!({
            "tracks": [{ "property": property, "keyframes": [{ "value": to }] }], "timing": { "duration_ms": duration },
        })
    };
    let together = json!({ "parallel": [step("transform.y", 40.0, 200.0), step("transform.rotation", 90.0, 400.0)] });
    at(
        &mut scene,
        T,
        json!([{ "op": "animate", "animation": { "id": "s", "effect": {
        "target": "a", "sequence": [step("transform.x", 100.0, 400.0), together],
        "timing": { "iterations": 2, "direction": "alternate" },
    } } }]),
    );
    assert_eq!(seen(&scene, "transform.x", [0, 200, 400, 800, 1_200, 1_400]), [0.0, 50.0, 100.0, 100.0, 100.0, 50.0]);
    assert_eq!(seen(&scene, "transform.y", [200, 400, 500, 600, 800, 1_100]), [0.0, 0.0, 20.0, 40.0, 40.0, 20.0]);
    assert_eq!(seen(&scene, "transform.rotation", [400, 600, 800, 1_000]), [0.0, 45.0, 90.0, 45.0]);
    assert_eq!(scene.next_due(), ms(1_600));
}

#[test]
fn motion_follows_a_path_and_may_turn_with_it() {
    let mut scene = one();
    at(
        &mut scene,
        T,
        json!([{ "op": "animate", "animation": { "id": "m", "effect": { "target": "a",
        "motion": { "path": "M 0 0 H 100 V 300", "orient": true }, "timing": { "duration_ms": 400 } } } }]),
    );
    assert_eq!(seen(&scene, "transform.x", [0, 50, 100, 200]), [0.0, 50.0, 100.0, 100.0]);
    assert_eq!(seen(&scene, "transform.y", [0, 50, 100, 200]), [0.0, 0.0, 0.0, 100.0]);
    assert_eq!(seen(&scene, "transform.rotation", [50, 200]), [0.0, 90.0]);
    scene.advance(ms(400));
    assert_eq!((seen(&scene, "transform.x", [400]), seen(&scene, "transform.y", [400])), ([100.0], [300.0]));
    // Along a circle at an even pace: a quarter of the way is a quarter of the turn.
    let circle = PathData::try_from("M 100 0 A 100 100 0 0 1 -100 0 A 100 100 0 0 1 100 0".to_owned()).unwrap();
    let (place, angle) = circle.at(0.25);
    assert!(
        place.distance(kurbo::Point::new(0.0, 100.0)) < 0.5 && (angle.abs() - 180.0).abs() < 3.0,
        "{place} {angle}"
    );
}

#[test]
fn animations_are_paused_sought_and_finished() {
    let mut scene = one();
    at(&mut scene, T, json!([fade(json!({ "duration_ms": 1000 }))]));
    let of = |op: &str| json!([{ "op": op, "animation": "fade" }]);
    at(&mut scene, ms(300), of("pause"));
    assert_eq!(seen(&scene, "opacity", [300, 90_000]), [0.3, 0.3]);
    at(&mut scene, ms(5_000), json!([{ "op": "seek", "animation": "fade", "to_ms": 600 }]));
    assert_eq!(seen(&scene, "opacity", [5_000, 6_000]), [0.6, 0.6]);
    at(&mut scene, ms(6_000), of("play"));
    assert_eq!(seen(&scene, "opacity", [6_000, 6_200]), [0.6, 0.8]);
    let mut cancelled = scene.clone();
    at(&mut cancelled, ms(6_100), of("cancel"));
    assert_eq!(seen(&cancelled, "opacity", [6_100]), [1.0]);
    at(&mut scene, ms(6_200), json!([{ "op": "seek", "animation": "fade", "to_ms": 100 }]));
    assert_eq!(seen(&scene, "opacity", [6_200, 6_300]), [0.1, 0.2]);
    at(&mut scene, ms(6_300), of("finish"));
    assert_eq!((seen(&scene, "opacity", [6_300]), scene.animations().len()), ([1.0], 0));
}

#[test]
fn springs_last_as_long_as_they_need() {
    let mut scene = one();
    at(
        &mut scene,
        T,
        json!([{ "op": "animate", "animation": { "id": "s", "effect": { "target": "a",
        "tracks": [{ "property": "transform.x", "keyframes": [
            { "value": 0, "easing": "spring(1, 100, 10)" }, { "value": 100 }] }] } } }]),
    );
    let highest = (0..2_000).map(|t| number(&scene, "transform.x", ms(t))).fold(0.0, f64::max);
    assert!((105.0..120.0).contains(&highest), "{highest}");
    assert!((ms(500)..ms(3_000)).contains(&scene.next_due()));
}

#[test]
fn tweens_and_their_interruption() {
    let to = |x: i32, interrupt: &str| {
        json!([{ "op": "update", "id": "a", "patch": { "transform": { "x": x } },
        "transition": { "duration_ms": 100, "interrupt": interrupt } }])
    };
    for (interrupt, expected) in
        [("replace", [50.0, 25.0, 0.0, 0.0]), ("finish", [100.0, 50.0, 0.0, 0.0]), ("wait", [50.0, 100.0, 50.0, 0.0])]
    {
        let mut scene = one();
        at(&mut scene, T, to(100, "replace"));
        assert_eq!(seen(&scene, "transform.x", [0, 25]), [0.0, 25.0]);
        at(&mut scene, ms(50), to(0, interrupt));
        assert_eq!(seen(&scene, "transform.x", [50, 100, 150, 200]), expected, "{interrupt}");
        // A change without a transition ends it.
        at(&mut scene, ms(60), json!([{ "op": "update", "id": "a", "patch": { "transform": { "x": 7 } } }]));
        assert_eq!(seen(&scene, "transform.x", [60, 200]), [7.0, 7.0], "{interrupt}");
    }
}

#[test]
fn layers_come_change_and_go_with_transitions() {
    let mut scene = scene();
    let how = |form: &str| json!({ "type": form, "duration_ms": 100, "direction": "left" });
    at(&mut scene, T, json!([{ "op": "add", "layer": rect("a"), "transition": how("slide") }]));
    let x = |scene: &Scene, at: i64| scene.list(ms(at)).items.iter().map(|item| item.transform.x).collect::<Vec<_>>();
    assert_eq!([0, 50, 100].map(|at| x(&scene, at)), [vec![1280.0], vec![640.0], vec![0.0]]);

    // From one picture to another, without a dip in between.
    scene.advance(ms(200));
    let patch = json!({ "fill": "#00ff00" });
    at(&mut scene, ms(200), json!([{ "op": "update", "id": "a", "patch": patch, "transition": how("fade") }]));
    let What::Group { items, .. } = &scene.list(ms(225)).items[0].what else { panic!("a group") };
    let shown: Vec<_> = items.iter().map(|item| (item.opacity, item.blend)).collect();
    assert_eq!(shown, [(0.75, Blend::Normal), (0.25, Blend::Additive)]);

    at(&mut scene, ms(400), json!([{ "op": "remove", "id": "a", "transition": how("wipe") }]));
    assert!(scene.layer("a").is_none());
    assert_eq!(scene.list(ms(450)).items[0].reveal, Some(Reveal { left: 0.0, top: 0.0, right: 0.5, bottom: 1.0 }));
    // Its name is free at once, and what leaves stays behind it.
    at(&mut scene, ms(450), json!([{ "op": "add", "layer": rect("a") }]));
    assert_eq!([450, 499, 500].map(|at| scene.list(ms(at)).items.len()), [2, 2, 1]);
    scene.advance(ms(500));
    assert_eq!(scene.document().leaving, []);
}

#[test]
fn a_fade_that_is_called_back_turns_where_it_is() {
    let mut scene = scene();
    let how = json!({ "type": "fade", "duration_ms": 100 });
    at(&mut scene, T, json!([{ "op": "add", "layer": rect("a"), "transition": how }]));
    at(&mut scene, ms(40), json!([{ "op": "update", "id": "a", "patch": { "visible": false }, "transition": how }]));
    let opacity = |at: i64| scene.list(ms(at)).items.first().map(|item| (item.opacity * 100.0).round());
    assert_eq!([40, 60, 80].map(opacity), [Some(40.0), Some(20.0), None]);
}

#[test]
fn an_animation_ends_with_what_it_moves() {
    for change in [
        json!({ "op": "remove", "id": "a" }),
        json!({ "op": "remove", "id": "a", "transition": {} }),
        json!({ "op": "update", "id": "a", "patch": { "shadow": null } }),
    ] {
        let mut scene = one();
        at(
            &mut scene,
            T,
            json!([
                { "op": "update", "id": "a", "patch": { "shadow": {} } },
                { "op": "animate", "animation": { "id": "glow", "effect": { "target": "a", "timing": { "duration_ms": 100 },
                    "tracks": [{ "property": "shadow.blur", "keyframes": [{ "value": 40 }] }] } } },
            ]),
        );
        scene.advance(T);
        at(&mut scene, ms(10), json!([change]));
        let ended = Event::AnimationEnded { at: ms(10), animation: id("glow"), how: Ending::Removed };
        assert!(scene.advance(ms(10)).contains(&ended), "{change}");
    }
}
