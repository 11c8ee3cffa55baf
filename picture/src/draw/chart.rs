//! Charts: lines, areas, bars and candles over a grid, with the newest value beside the title.

use super::faded;
use crate::fonts::Setting;
use crate::pen::{Pen, rounded};
use rivulet_scene::kurbo::{BezPath, Point, Rect};
use rivulet_scene::{Chart, ChartForm};

/// Lines of the grid, about.
const LINES: f64 = 6.0;
const MAX_LINES: usize = 12;

/// From data to pixels.
struct Scale {
    area: Rect,
    min: f64,
    max: f64,
}

impl Scale {
    fn y(&self, value: f64) -> f64 {
        let part = ((value - self.min) / (self.max - self.min)).clamp(0.0, 1.0);
        self.area.y1 - part * self.area.height()
    }

    /// The middle of place `n` of `count`.
    fn x(&self, n: usize, count: usize) -> f64 {
        self.area.x0 + (n as f64 + 0.5) * self.step(count)
    }

    fn step(&self, count: usize) -> f64 {
        self.area.width() / count.max(1) as f64
    }
}

pub fn draw(pen: &mut Pen<'_>, chart: &Chart) {
    let em = chart.font.size;
    pen.rect(Rect::new(0.0, 0.0, chart.width, chart.height), em * 0.8, chart.background);
    let Some((min, max)) = range(chart) else { return };
    let step = step((max - min) / LINES);
    let of = || Setting::of(&chart.font);
    let number = |value: f64| format!("{value:.*}", usize::from(chart.decimals));
    let head = if chart.title.is_empty() { em * 0.4 } else { em * 1.8 };
    let first = (min / step).ceil() * step;
    let values = (0..MAX_LINES).map(|n| first + n as f64 * step).take_while(|value| *value <= max);
    let scale_words: Vec<_> = values.map(|value| (value, number(value))).collect();
    let widths = scale_words.iter().map(|(_, text)| f64::from(pen.fonts.set(text, &of().times(0.8)).width()));
    let side = widths.fold(0.0, f64::max) + em * 1.2;
    let foot = if chart.labels.is_empty() { em * 0.9 } else { em * 1.9 };
    let area = Rect::new(em, head + em, (chart.width - side).max(em + 1.0), (chart.height - foot).max(head + em + 1.0));
    let scale = Scale { area, min, max };
    for (value, text) in &scale_words {
        let y = scale.y(*value);
        pen.rect(Rect::new(area.x0, y - 0.5, area.x1, y + 0.5), 0.0, faded(chart.fill, 0.13));
        let words = pen.fonts.set(text, &of().times(0.8));
        let at = Point::new(area.x1 + em * 0.5, y - f64::from(words.height()) / 2.0);
        pen.words(&words, at, faded(chart.fill, 0.6), None);
    }
    match chart.form {
        ChartForm::Line | ChartForm::Area => line(pen, chart, &scale),
        ChartForm::Bars => bars(pen, chart, &scale),
        ChartForm::Candles => candles(pen, chart, &scale),
    }
    for (n, label) in chart.labels.iter().enumerate() {
        let words = pen.fonts.set_line(label, of().times(0.8), scale.step(chart.labels.len()));
        let x = scale.x(n, chart.labels.len()) - f64::from(words.width()) / 2.0;
        pen.words(&words, Point::new(x, area.y1 + em * 0.5), faded(chart.fill, 0.6), None);
    }
    heading(pen, chart, number);
}

/// The title, and the newest value with its way from the first one.
fn heading(pen: &mut Pen<'_>, chart: &Chart, number: impl Fn(f64) -> String) {
    if chart.title.is_empty() {
        return;
    }
    let em = chart.font.size;
    let candles = chart.form == ChartForm::Candles;
    let ends = match candles {
        true => chart.candles.first().zip(chart.candles.last()).map(|(first, last)| (first.open, last.close)),
        false => chart.values.first().copied().zip(chart.values.last().copied()),
    };
    let mut room = chart.width - 2.0 * em;
    if let Some((first, last)) = ends {
        let (sign, color) = if last < first { ("▼", chart.down) } else { ("▲", chart.up) };
        let setting = Setting::of(&chart.font).times(1.1).bold();
        let words = pen.fonts.set(&format!("{sign} {}", number(last)), &setting);
        let wide = f64::from(words.width());
        pen.words(&words, Point::new(chart.width - em - wide, em * 0.7), color, None);
        room -= wide + em;
    }
    let title = pen.fonts.set_line(&chart.title, Setting::of(&chart.font).times(1.1).bold(), room.max(1.0));
    pen.words(&title, Point::new(em, em * 0.7), chart.fill, None);
}

/// What the data spans, with some air; nothing without data.
fn range(chart: &Chart) -> Option<(f64, f64)> {
    let (low, high): (Vec<f64>, Vec<f64>) = match chart.form {
        ChartForm::Candles => chart.candles.iter().map(|candle| (candle.low, candle.high)).unzip(),
        _ => chart.values.iter().map(|value| (*value, *value)).unzip(),
    };
    let mut min = low.into_iter().reduce(f64::min)?;
    let mut max = high.into_iter().reduce(f64::max)?;
    if chart.form == ChartForm::Bars {
        (min, max) = (min.min(0.0) * 1.08, max.max(0.0) * 1.08);
    } else {
        let air = (max - min) * 0.06;
        (min, max) = (min - air, max + air);
    }
    let (min, max) = (chart.min.unwrap_or(min), chart.max.unwrap_or(max));
    Some(if max > min { (min, max) } else { (min - 1.0, min + 1.0) })
}

/// One, two or five times a power of ten: the first of these that is no less than `least`.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

fn line(pen: &mut Pen<'_>, chart: &Chart, scale: &Scale) {
    let count = chart.values.len();
    let at = |n: usize, value: &f64| {
        // From edge to edge.
        let part = if count > 1 { n as f64 / (count - 1) as f64 } else { 0.5 };
        Point::new(scale.area.x0 + part * scale.area.width(), scale.y(*value))
    };
    let points: Vec<Point> = chart.values.iter().enumerate().map(|(n, value)| at(n, value)).collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let mut path = BezPath::new();
    path.move_to(*first);
    points.iter().skip(1).for_each(|point| path.line_to(*point));
    if chart.form == ChartForm::Area {
        let mut under = path.clone();
        under.line_to((last.x, scale.area.y1));
        under.line_to((first.x, scale.area.y1));
        under.close_path();
        pen.fade(&under, faded(chart.accent, 0.45), faded(chart.accent, 0.02));
    }
    let em = chart.font.size;
    pen.stroke(&path, em * 0.15, chart.accent);
    let dot = |radius: f64| rounded(Rect::from_center_size(*last, (2.0 * radius, 2.0 * radius)), radius);
    pen.fill(&dot(em * 0.45), faded(chart.accent, 0.3));
    pen.fill(&dot(em * 0.22), chart.fill);
}

fn bars(pen: &mut Pen<'_>, chart: &Chart, scale: &Scale) {
    let count = chart.values.len();
    let half = (scale.step(count) * 0.34).max(0.5);
    let zero = scale.y(0.0);
    for (n, value) in chart.values.iter().enumerate() {
        let (x, y) = (scale.x(n, count), scale.y(*value));
        let color = if *value < 0.0 { chart.down } else { chart.accent };
        let bar = Rect::new(x - half, y.min(zero), x + half, y.max(zero).max(y.min(zero) + 1.0));
        pen.rect(bar, half.min(chart.font.size * 0.25), color);
    }
}

fn candles(pen: &mut Pen<'_>, chart: &Chart, scale: &Scale) {
    let count = chart.candles.len();
    let half = (scale.step(count) * 0.32).max(0.5);
    for (n, candle) in chart.candles.iter().enumerate() {
        let x = scale.x(n, count);
        let color = if candle.close < candle.open { chart.down } else { chart.up };
        let (open, close) = (scale.y(candle.open), scale.y(candle.close));
        let wick = (half * 0.22).clamp(0.5, 1.5);
        pen.rect(Rect::new(x - wick, scale.y(candle.high), x + wick, scale.y(candle.low)), 0.0, color);
        let body = Rect::new(x - half, open.min(close), x + half, open.max(close).max(open.min(close) + 1.0));
        pen.rect(body, half.min(2.0), color);
    }
}
