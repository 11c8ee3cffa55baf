//! The same scene and moment give the same list, whatever calls came between.

use super::*;
use proptest::prelude::*;

/// Something of everything that moves.
fn busy() -> Scene {
    let mut scene = scene();
    at(
        &mut scene,
        T,
        json!([
            { "op": "add", "layer": rect("a") },
            { "op": "add", "layer": rect("b") },
            { "op": "add", "layer": { "id": "clock", "kind": "clock" } },
            { "op": "animate", "animation": { "id": "sway", "effect": { "target": "a", "timing": {
                "duration_ms": 700, "iterations": "infinite", "direction": "alternate", "easing": "ease-in-out" },
                "tracks": [{ "property": "transform.x", "keyframes": [{ "value": 0 }, { "value": 500 }] }] } } },
            { "op": "animate", "animation": { "id": "in", "effect": { "target": "b", "sequence": [
                { "tracks": [{ "property": "opacity", "keyframes": [{ "value": 0 }, { "value": 1 }] }], "timing": { "duration_ms": 300 } },
                { "motion": { "path": "M 0 0 C 50 100 200 100 300 0", "orient": true }, "timing": { "duration_ms": 900 } }] } } },
            { "op": "animate", "animation": { "id": "more", "effect": { "target": "b", "timing": { "duration_ms": 450 },
                "tracks": [{ "property": "transform.y", "composite": "add", "keyframes": [{ "value": 33 }] }] } } },
        ]),
    );
    let later = |wait: &str, changes: Json| Batch::parse(json!({ "at": wait, "changes": changes })).unwrap();
    let tween = json!({ "duration_ms": 500, "easing": "easeOutBack" });
    for (wait, changes) in [
        (
            "+400ms",
            json!([{ "op": "update", "id": "b", "patch": { "fill": "#00ff00", "corner_radius": 9 }, "transition": tween }]),
        ),
        ("+600ms", json!([{ "op": "update", "id": "b", "patch": { "corner_radius": 2 }, "transition": tween }])),
        ("+800ms", json!([{ "op": "add", "layer": rect("c"), "transition": { "type": "scale", "duration_ms": 400 } }])),
        ("+1000ms", json!([{ "op": "pause", "animation": "sway" }])),
        ("+1100ms", json!([{ "op": "remove", "id": "c", "transition": { "type": "wipe", "duration_ms": 350 } }])),
        ("+1200ms", json!([{ "op": "play", "animation": "sway" }, { "op": "remove", "id": "nobody" }])),
        ("+1300ms", json!([{ "op": "play", "animation": "sway" }])),
    ] {
        scene.apply(later(wait, changes), T).unwrap();
    }
    scene
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lists_depend_on_the_moment_alone(
        mut between in prop::collection::vec((0i64..2_500_000, 0u8..3), 0..12),
        last in 0i64..2_500_000,
    ) {
        let start = busy();
        let direct = start.list(T + last);
        let mut scene = start.clone();
        between.retain(|(at, _)| *at <= last);
        between.sort_unstable();
        for (at, what) in between {
            match what {
                0 => drop(scene.advance(T + at)),
                1 => prop_assert_eq!(scene.list(T + at), start.list(T + at)),
                _ => {
                    scene.advance(T + at);
                    scene = restored(&scene);
                }
            }
        }
        prop_assert_eq!(scene.list(T + last), direct);
    }
}

#[test]
fn a_day_without_drift() {
    const FRAMES: i64 = 24 * 3_600 * 30;
    let mut scene = busy();
    let frame = |n: i64| T + n * 1_000_000 / 30;
    for n in 0..FRAMES {
        scene.advance(frame(n));
        if n % 60_000 == 0 {
            scene = restored(&scene);
        }
    }
    // The swaying began at T, and stood still for 300 ms.
    let (end, period) = (frame(FRAMES), 1_400_000);
    let phase = (end - T - 300_000) % period;
    let mut young = busy();
    let same = T + 300_000 + period + phase;
    young.advance(same);
    assert_eq!(scene.shown("a", "transform.x", end), young.shown("a", "transform.x", same));
    let words = |list: DisplayList| match &list.items.last().unwrap().what {
        What::Drawing(clock) => clock.words.clone(),
        What::Group { .. } => panic!("the clock"),
    };
    assert_eq!(words(scene.list(end)), words(busy().list(T)));
}
