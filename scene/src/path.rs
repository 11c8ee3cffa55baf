//! Paths in SVG's words: as outlines, and as ways to move along.

use crate::limits::{MAX_PATH_CHARS, MAX_PATH_POINTS};
use kurbo::{BezPath, PathEl, Point};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// How far a flattened curve may lie from the true one, in pixels.
const TOLERANCE: f64 = 0.1;
/// Coordinates beyond this are nonsense.
const MAX_COORDINATE: f64 = 100_000.0;

/// The `d` of an SVG path, known to be sound.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathData {
    text: Arc<str>,
    /// Corners of the flattened path, each with the way from its start.
    way: Arc<[(Point, f64)]>,
}

impl PathData {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The outline. It was read before, so this cannot fail.
    pub fn outline(&self) -> BezPath {
        BezPath::from_svg(&self.text).unwrap_or_default()
    }

    /// Where `p` (0 to 1, beyond them the ends) of the way is, and its direction in degrees, clockwise from
    /// the right.
    pub fn at(&self, p: f64) -> (Point, f64) {
        let length = self.way.last().map_or(0.0, |(_, way)| *way);
        let way = p.clamp(0.0, 1.0) * length;
        let after = self.way.partition_point(|(_, to)| *to < way).clamp(1, self.way.len().max(2) - 1);
        match (self.way.get(after - 1), self.way.get(after)) {
            (Some((a, from)), Some((b, to))) => {
                let part = if to > from { (way - from) / (to - from) } else { 0.0 };
                (a.lerp(*b, part), (*b - *a).atan2().to_degrees())
            }
            (Some((a, _)), None) => (*a, 0.0),
            _ => (Point::ZERO, 0.0),
        }
    }
}

impl PartialEq for PathData {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<String> for PathData {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > MAX_PATH_CHARS {
            return Err(format!("a path is at most {MAX_PATH_CHARS} characters long"));
        }
        let outline = BezPath::from_svg(&text).map_err(|error| format!("not the data of an SVG path: {error}"))?;
        let sound = |p: &Point| p.x.abs() <= MAX_COORDINATE && p.y.abs() <= MAX_COORDINATE;
        if outline.is_empty() || !outline.iter().all(|part| points(&part).iter().all(sound)) {
            return Err(format!("a path needs a point, and none beyond {MAX_COORDINATE}"));
        }
        let (mut way, mut length, mut start) = (Vec::<(Point, f64)>::new(), 0.0, Point::ZERO);
        kurbo::flatten(outline.iter(), TOLERANCE, |part| {
            let (to, drawn) = match part {
                PathEl::MoveTo(to) => (to, false),
                PathEl::ClosePath => (start, true),
                other => (points(&other).last().copied().unwrap_or(start), true),
            };
            if !drawn {
                start = to;
            }
            if way.len() < MAX_PATH_POINTS {
                length += way.last().filter(|_| drawn).map_or(0.0, |(from, _)| from.distance(to));
                way.push((to, length));
            }
        });
        match way.len() {
            MAX_PATH_POINTS.. => Err(format!("a path may have at most {MAX_PATH_POINTS} corners once it is flattened")),
            _ => Ok(Self { text: text.into(), way: way.into() }),
        }
    }
}

fn points(part: &PathEl) -> Vec<Point> {
    match *part {
        PathEl::MoveTo(a) | PathEl::LineTo(a) => vec![a],
        PathEl::QuadTo(a, b) => vec![a, b],
        PathEl::CurveTo(a, b, c) => vec![a, b, c],
        PathEl::ClosePath => Vec::new(),
    }
}

impl From<PathData> for String {
    fn from(path: PathData) -> Self {
        path.text.as_ref().to_owned()
    }
}

impl JsonSchema for PathData {
    fn schema_name() -> Cow<'static, str> {
        "PathData".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "The d attribute of an SVG path", "type": "string", "maxLength": MAX_PATH_CHARS })
    }
}
