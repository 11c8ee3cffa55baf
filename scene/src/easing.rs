//! How progress in time becomes progress in value: the timing functions of CSS, Penner's equations by
//! the names of easings.net, and springs.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::f64::consts::PI;

/// A spring has settled when it strays no further than this from its end.
const SETTLED: f64 = 0.001;
const MAX_SETTLING_S: f64 = 60.0;
const MAX_STEPS: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Easing {
    name: String,
    curve: Curve,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Curve {
    Linear,
    Bezier([f64; 4]),
    Steps(u32, Jump),
    Penner(Penner, Side),
    Spring(Spring),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Jump {
    Start,
    End,
    Both,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Penner {
    Power(i32),
    Sine,
    Expo,
    Circ,
    Elastic,
    Back,
    Bounce,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    In,
    Out,
    InOut,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Spring {
    mass: f64,
    stiffness: f64,
    damping: f64,
}

impl Default for Easing {
    fn default() -> Self {
        Self { name: "linear".to_owned(), curve: Curve::Linear }
    }
}

impl Easing {
    pub fn is_default(&self) -> bool {
        self.curve == Curve::Linear
    }

    /// Progress in value at progress `p` in time. Outside of 0 to 1 it is that of the nearer end.
    pub fn at(&self, p: f64) -> f64 {
        let p = p.clamp(0.0, 1.0);
        match self.curve {
            Curve::Linear => p,
            Curve::Bezier(points) => bezier(points, p),
            Curve::Steps(count, jump) => steps(count, jump, p),
            Curve::Penner(..) | Curve::Spring(_) if p == 0.0 || p == 1.0 => p,
            Curve::Penner(function, Side::In) => function.accelerating(p),
            Curve::Penner(function, Side::Out) => 1.0 - function.accelerating(1.0 - p),
            Curve::Penner(function, Side::InOut) => function.both(p),
            Curve::Spring(spring) => spring.at(p * spring.settling_s()),
        }
    }

    /// How long it lasts of itself, in milliseconds: springs do.
    pub fn own_duration_ms(&self) -> Option<f64> {
        match self.curve {
            Curve::Spring(spring) => Some((spring.settling_s() * 1_000.0).round()),
            _ => None,
        }
    }
}

/// CSS's curve from (0, 0) to (1, 1): y where x is `p`, found by halving, so that it is the same
/// everywhere.
fn bezier([x1, y1, x2, y2]: [f64; 4], p: f64) -> f64 {
    let axis = |a: f64, b: f64, t: f64| {
        let u = 1.0 - t;
        3.0 * u * u * t * a + 3.0 * u * t * t * b + t * t * t
    };
    if p <= 0.0 || p >= 1.0 {
        return p;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if axis(x1, x2, middle) < p { low = middle } else { high = middle }
    }
    axis(y1, y2, (low + high) / 2.0)
}

fn steps(count: u32, jump: Jump, p: f64) -> f64 {
    let count = f64::from(count);
    let step = (p * count).floor();
    match jump {
        Jump::Start => ((step + 1.0) / count).min(1.0),
        Jump::End => (step / count).min(1.0),
        Jump::Both => ((step + 1.0) / (count + 1.0)).min(1.0),
        Jump::None => (step / (count - 1.0)).min(1.0),
    }
}

impl Penner {
    /// The half that begins slowly.
    fn accelerating(self, p: f64) -> f64 {
        const OVERSHOOT: f64 = 1.70158;
        match self {
            Self::Power(power) => p.powi(power),
            Self::Sine => 1.0 - (p * PI / 2.0).cos(),
            Self::Expo => (10.0 * p - 10.0).exp2(),
            Self::Circ => 1.0 - (1.0 - p * p).sqrt(),
            Self::Elastic => -(10.0 * p - 10.0).exp2() * ((p * 10.0 - 10.75) * (2.0 * PI / 3.0)).sin(),
            Self::Back => (OVERSHOOT + 1.0) * p * p * p - OVERSHOOT * p * p,
            Self::Bounce => 1.0 - bounce(1.0 - p),
        }
    }

    /// Two of these overshoot otherwise when they do so on both sides.
    fn both(self, p: f64) -> f64 {
        const OVERSHOOT: f64 = 1.70158 * 1.525;
        let half = |p: f64| match self {
            Self::Back => p * p * ((OVERSHOOT + 1.0) * p - OVERSHOOT),
            Self::Elastic => -(10.0 * p - 10.0).exp2() * ((p * 10.0 - 11.125) * (2.0 * PI / 4.5)).sin(),
            other => other.accelerating(p),
        };
        if p < 0.5 { half(2.0 * p) / 2.0 } else { 1.0 - half(2.0 - 2.0 * p) / 2.0 }
    }
}

fn bounce(p: f64) -> f64 {
    const STEEP: f64 = 7.5625;
    const WIDTH: f64 = 2.75;
    let hop = |middle: f64, low: f64| STEEP * (p - middle / WIDTH).powi(2) + low;
    match p * WIDTH {
        ..1.0 => hop(0.0, 0.0),
        ..2.0 => hop(1.5, 0.75),
        ..2.5 => hop(2.25, 0.9375),
        _ => hop(2.625, 0.984_375),
    }
}

impl Spring {
    /// Where a weight is, `t` seconds after it was let go at 0, with its rest at 1.
    fn at(self, t: f64) -> f64 {
        let (rate, own) = (self.damping / (2.0 * self.mass), (self.stiffness / self.mass).sqrt());
        if rate < own {
            let swing = (own * own - rate * rate).sqrt();
            1.0 - (-rate * t).exp() * ((swing * t).cos() + rate / swing * (swing * t).sin())
        } else if rate == own {
            1.0 - (-own * t).exp() * (1.0 + own * t)
        } else {
            let root = (rate * rate - own * own).sqrt();
            let (slow, fast) = (rate - root, rate + root);
            1.0 - (fast * (-slow * t).exp() - slow * (-fast * t).exp()) / (fast - slow)
        }
    }

    /// When it is as good as at rest. One that swings has an envelope; others come nearer all the time.
    fn settling_s(self) -> f64 {
        let (rate, own) = (self.damping / (2.0 * self.mass), (self.stiffness / self.mass).sqrt());
        if rate < own {
            let height = own / (own * own - rate * rate).sqrt();
            return ((height / SETTLED).ln() / rate).clamp(0.001, MAX_SETTLING_S);
        }
        let (mut before, mut after) = (0.0, MAX_SETTLING_S);
        for _ in 0..40 {
            let middle = (before + after) / 2.0;
            if 1.0 - self.at(middle) > SETTLED { before = middle } else { after = middle }
        }
        after
    }
}

impl TryFrom<String> for Easing {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let curve = curve(name.trim()).ok_or_else(|| {
            "not an easing: linear, ease, ease-in, ease-out, ease-in-out, step-start, step-end, cubic-bezier(x1, y1, x2, \
             y2), steps(n, start|end), spring(mass, stiffness, damping), or a name such as easeOutBack"
                .to_owned()
        })?;
        Ok(Self { name, curve })
    }
}

impl From<Easing> for String {
    fn from(easing: Easing) -> Self {
        easing.name
    }
}

fn curve(name: &str) -> Option<Curve> {
    Some(match name {
        "linear" => Curve::Linear,
        "ease" => Curve::Bezier([0.25, 0.1, 0.25, 1.0]),
        "ease-in" => Curve::Bezier([0.42, 0.0, 1.0, 1.0]),
        "ease-out" => Curve::Bezier([0.0, 0.0, 0.58, 1.0]),
        "ease-in-out" => Curve::Bezier([0.42, 0.0, 0.58, 1.0]),
        "step-start" => Curve::Steps(1, Jump::Start),
        "step-end" => Curve::Steps(1, Jump::End),
        _ => return penner(name).or_else(|| function(name)),
    })
}

fn penner(name: &str) -> Option<Curve> {
    let rest = name.strip_prefix("ease")?;
    let (side, rest) = match (rest.strip_prefix("InOut"), rest.strip_prefix("In"), rest.strip_prefix("Out")) {
        (Some(rest), ..) => (Side::InOut, rest),
        (None, Some(rest), _) => (Side::In, rest),
        (None, None, Some(rest)) => (Side::Out, rest),
        _ => return None,
    };
    let function = match rest {
        "Quad" => Penner::Power(2),
        "Cubic" => Penner::Power(3),
        "Quart" => Penner::Power(4),
        "Quint" => Penner::Power(5),
        "Sine" => Penner::Sine,
        "Expo" => Penner::Expo,
        "Circ" => Penner::Circ,
        "Elastic" => Penner::Elastic,
        "Back" => Penner::Back,
        "Bounce" => Penner::Bounce,
        _ => return None,
    };
    Some(Curve::Penner(function, side))
}

fn function(text: &str) -> Option<Curve> {
    let (name, arguments) = text.strip_suffix(')')?.split_once('(')?;
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let number = |at: usize| arguments.get(at)?.parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() <= 100_000.0);
    match (name, arguments.len()) {
        ("cubic-bezier", 4) => {
            let points = [number(0)?, number(1)?, number(2)?, number(3)?];
            let sound = (0.0..=1.0).contains(&points[0]) && (0.0..=1.0).contains(&points[2]);
            sound.then_some(Curve::Bezier(points))
        }
        ("steps", 1 | 2) => {
            let count = arguments[0].parse().ok().filter(|count| (1..=MAX_STEPS).contains(count))?;
            let jump = match arguments.get(1).copied().unwrap_or("end") {
                "start" | "jump-start" => Jump::Start,
                "end" | "jump-end" => Jump::End,
                "jump-both" => Jump::Both,
                "jump-none" if count > 1 => Jump::None,
                _ => return None,
            };
            Some(Curve::Steps(count, jump))
        }
        ("spring", 3) => {
            let spring = Spring { mass: number(0)?, stiffness: number(1)?, damping: number(2)? };
            let sound = spring.mass > 0.0 && spring.stiffness > 0.0 && spring.damping > 0.0;
            sound.then_some(Curve::Spring(spring))
        }
        _ => None,
    }
}

impl JsonSchema for Easing {
    fn schema_name() -> Cow<'static, str> {
        "Easing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A timing function of CSS, a name of easings.net, or spring(mass, stiffness, damping)",
            "type": "string",
            "examples": ["ease-out", "cubic-bezier(0.2, 0, 0, 1)", "steps(4, end)", "easeOutBack", "spring(1, 170, 26)"],
        })
    }
}
