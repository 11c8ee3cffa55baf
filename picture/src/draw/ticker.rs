//! A ticker: a band, and a strip of words that runs through it again and again.

use crate::fonts::{Ink, Setting, Words};
use crate::pen::Pen;
use rivulet_scene::Ticker;
use rivulet_scene::kurbo::{Point, Rect};

/// Copies of a strip that are drawn at most.
const MAX_COPIES: usize = 64;

/// One round of the words.
pub struct Strip {
    words: Words,
    /// To the same place of the next round, in pixels.
    pub length: f64,
}

impl Strip {
    /// Nothing without words.
    pub fn set(ticker: &Ticker, fonts: &mut crate::fonts::Fonts) -> Option<Self> {
        let items: Vec<&String> = ticker.items.iter().filter(|item| !item.trim().is_empty()).collect();
        if items.is_empty() {
            return None;
        }
        let lines: Vec<String> = items.iter().map(|item| item.replace('\n', " ")).collect();
        let separator = format!("\u{2003}{}\u{2003}", ticker.separator);
        let weight = ticker.font.weight;
        let accent = Ink(Some(ticker.accent));
        let parts: Vec<_> =
            lines.iter().flat_map(|line| [(line.as_str(), Ink(None), weight), (&separator, accent, 700.0)]).collect();
        let words = fonts.set_parts(None, &parts, &Setting::of(&ticker.font));
        let length = f64::from(words.full_width()).ceil().max(1.0);
        Some(Self { words, length })
    }

    /// Where copies begin that can be seen, after `travel` pixels.
    pub fn places(&self, width: f64, travel: f64) -> impl Iterator<Item = f64> + use<> {
        let (first, length) = (-travel.rem_euclid(self.length), self.length);
        (0..MAX_COPIES).map(move |n| first + n as f64 * length).take_while(move |x| *x < width)
    }

    /// With its left end at `x`.
    pub fn draw(&self, pen: &mut Pen<'_>, ticker: &Ticker, x: f64) {
        let y = (ticker.height - f64::from(self.words.height())) / 2.0;
        pen.words(&self.words, Point::new(x, y), ticker.fill, None);
    }
}

/// The band alone.
pub fn band(pen: &mut Pen<'_>, ticker: &Ticker) {
    pen.rect(Rect::new(0.0, 0.0, ticker.width, ticker.height), 0.0, ticker.background);
    pen.rect(Rect::new(0.0, 0.0, ticker.width, (ticker.height * 0.05).max(2.0)), 0.0, ticker.accent);
}

pub fn draw(pen: &mut Pen<'_>, ticker: &Ticker, travel: f64) {
    band(pen, ticker);
    let Some(strip) = Strip::set(ticker, pen.fonts) else { return };
    let whole = crate::pen::rounded(Rect::new(0.0, 0.0, ticker.width, ticker.height), 0.0);
    pen.clipped(Some(&whole), |pen| {
        for x in strip.places(ticker.width, travel) {
            strip.draw(pen, ticker, x);
        }
    });
}
