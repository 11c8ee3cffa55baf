//! Easings against values that others publish.

use crate::Easing;

fn easing(name: &str) -> Easing {
    Easing::try_from(name.to_owned()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn known_values() {
    // At a quarter, half and three quarters: CSS by bisecting in another program, Penner's by his formulas.
    let table: &[(&str, [f64; 3])] = &[
        ("linear", [0.25, 0.5, 0.75]),
        ("ease", [0.408_511, 0.802_403, 0.960_459]),
        ("ease-in", [0.093_465, 0.315_357, 0.621_862]),
        ("ease-out", [0.378_138, 0.684_643, 0.906_535]),
        ("ease-in-out", [0.129_162, 0.5, 0.870_838]),
        ("cubic-bezier(0, 0, 1, 1)", [0.25, 0.5, 0.75]),
        ("steps(4, end)", [0.25, 0.5, 0.75]),
        ("steps(4, start)", [0.5, 0.75, 1.0]),
        ("steps(2, jump-both)", [1.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0]),
        ("steps(2, jump-none)", [0.0, 1.0, 1.0]),
        ("step-start", [1.0, 1.0, 1.0]),
        ("step-end", [0.0, 0.0, 0.0]),
        ("easeInQuad", [0.0625, 0.25, 0.5625]),
        ("easeOutQuad", [0.4375, 0.75, 0.9375]),
        ("easeInOutCubic", [0.0625, 0.5, 0.9375]),
        ("easeInQuart", [0.003_906, 0.0625, 0.316_406]),
        ("easeOutQuint", [0.762_695, 0.968_75, 0.999_023]),
        ("easeInSine", [0.076_120, 0.292_893, 0.617_317]),
        ("easeInOutSine", [0.146_447, 0.5, 0.853_553]),
        ("easeInExpo", [0.005_524, 0.031_25, 0.176_777]),
        ("easeOutCirc", [0.661_438, 0.866_025, 0.968_246]),
        ("easeInBack", [-0.064_137, -0.087_698, 0.182_590]),
        ("easeOutBack", [0.817_410, 1.087_698, 1.064_137]),
        ("easeInOutBack", [-0.099_682, 0.5, 1.099_682]),
        ("easeOutElastic", [0.911_612, 1.015_625, 1.005_524]),
        ("easeInOutElastic", [0.011_969, 0.5, 0.988_031]),
        ("easeOutBounce", [0.472_656, 0.765_625, 0.972_656]),
        ("easeInBounce", [0.027_344, 0.234_375, 0.527_344]),
    ];
    for (name, values) in table {
        for (p, expected) in [0.25, 0.5, 0.75].into_iter().zip(values) {
            let value = easing(name).at(p);
            assert!((value - expected).abs() < 2e-6, "{name} at {p}: {value}, not {expected}");
        }
    }
}

#[test]
fn every_function_begins_and_ends_where_it_should() {
    let sides = ["In", "Out", "InOut"];
    let forms = ["Quad", "Cubic", "Quart", "Quint", "Sine", "Expo", "Circ", "Elastic", "Back", "Bounce"];
    let penner = sides.iter().flat_map(|side| forms.iter().map(move |form| format!("ease{side}{form}")));
    let others =
        ["ease", "cubic-bezier(0.3, -2, 0.7, 3)", "spring(1, 100, 10)", "spring(1, 100, 20)", "spring(2, 40, 60)"];
    for name in penner.chain(others.map(str::to_owned)) {
        let easing = easing(&name);
        assert_eq!([-1.0, 0.0, 1.0, 2.0].map(|p| easing.at(p)), [0.0, 0.0, 1.0, 1.0], "{name}");
        // Without leaps: the steepest are elastic ones and the ends of circles.
        let steps = (0..1_000).map(|n| (easing.at(f64::from(n + 1) / 1e3) - easing.at(f64::from(n) / 1e3)).abs());
        assert!(steps.fold(0.0, f64::max) < 0.07, "{name}");
    }
}

#[test]
fn springs_settle_within_their_own_time() {
    for name in
        ["spring(1, 170, 26)", "spring(1, 100, 10)", "spring(1, 100, 20)", "spring(1, 100, 30)", "spring(3, 20, 40)"]
    {
        let spring = easing(name);
        let duration = spring.own_duration_ms().unwrap();
        assert!((100.0..60_000.0).contains(&duration), "{name}: {duration}");
        assert!((0..20).all(|n| (spring.at(0.999 - f64::from(n) * 0.0001) - 1.0).abs() < 0.002), "{name}");
    }
    // A weight on a spring without friction would be at 1 - cos(t √(k/m)); a little friction changes little.
    let loose = easing("spring(1, 100, 0.1)");
    let t = 0.05;
    let at = loose.at(t * 1_000.0 / loose.own_duration_ms().unwrap());
    assert!((at - (1.0 - (10.0f64 * t).cos())).abs() < 0.01, "{at}");
}

#[test]
fn what_is_no_easing_is_refused() {
    for wrong in [
        "",
        "eas",
        "easeMiddleQuad",
        "easeInWild",
        "cubic-bezier(1, 2)",
        "cubic-bezier(2, 0, 0, 1)",
        "steps(0)",
        "steps(1, jump-none)",
        "steps(4, sideways)",
        "steps(99999)",
        "spring(0, 1, 1)",
        "spring(1, 1, -1)",
        "cubic-bezier(0, NaN, 1, 1)",
        "cubic-bezier(0, inf, 1, 1)",
        "linear(",
        "steps",
    ] {
        assert!(Easing::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
}
