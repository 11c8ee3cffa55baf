//! Text becomes glyphs in places: shaping, line breaking and directions by `parley`, from the fonts that
//! are installed. A family that is missing is replaced, and reported.

use parley::fontique::{Collection, CollectionOptions, SourceCache};
use parley::style::{FontFamily, FontFamilyName, FontStyle, FontWeight, GenericFamily, LineHeight, StyleProperty};
use parley::{
    Alignment, AlignmentOptions, BaseDirection, FontContext, InlineBox, InlineBoxKind, Layout, LayoutContext,
    PositionedLayoutItem, VerticalAlign,
};
use rivulet_scene::kurbo::Rect;
use rivulet_scene::{Align, Color, Direction, Font};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

const DIRECTORIES: [&str; 2] = ["/usr/share/fonts", "/usr/local/share/fonts"];
/// Tried one after the other for what the asked family has no glyph for.
const MAX_FALLBACKS: usize = 24;
/// Families with many scripts, before others.
const BROAD: [&str; 5] = ["DejaVu Sans", "Noto Sans", "Liberation Sans", "Arial", "FreeSans"];
const SERIF: [&str; 4] = ["DejaVu Serif", "Noto Serif", "Liberation Serif", "Times New Roman"];
const MONOSPACE: [&str; 4] = ["DejaVu Sans Mono", "Noto Sans Mono", "Liberation Mono", "Courier New"];
const MAX_MISSING: usize = 100;

/// A paragraph, or several, laid out. Each glyph knows its colour.
pub type Words = Layout<Ink>;

/// The colour of letters; `None` is that of the drawing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ink(pub Option<Color>);

/// How text is set.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    pub font: &'a Font,
    pub size: f64,
    pub weight: f64,
    pub align: Align,
    pub direction: Direction,
    pub line_height: f64,
    /// In pixels, at which lines are broken.
    pub width: Option<f64>,
}

impl<'a> Setting<'a> {
    pub fn of(font: &'a Font) -> Self {
        Self {
            font,
            size: font.size,
            weight: font.weight,
            align: Align::Start,
            direction: Direction::Auto,
            line_height: 1.25,
            width: None,
        }
    }

    /// The same font, so many times as large.
    pub fn times(self, factor: f64) -> Self {
        Self { size: self.size * factor, ..self }
    }

    pub fn bold(self) -> Self {
        Self { weight: self.weight.max(700.0), ..self }
    }

    pub fn within(self, width: f64) -> Self {
        Self { width: Some(width), ..self }
    }
}

pub struct Fonts {
    fonts: FontContext,
    layouts: LayoutContext<Ink>,
    fallbacks: Vec<FontFamilyName<'static>>,
    missing: BTreeSet<String>,
}

impl Fonts {
    /// Those below the given directories; the system's if there are none.
    pub fn load<P: AsRef<Path>>(directories: &[P]) -> Self {
        let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: false });
        match directories {
            [] => collection.load_fonts_from_paths(DIRECTORIES),
            own => collection.load_fonts_from_paths(own),
        }
        let mut names: Vec<String> = collection.family_names().map(str::to_owned).collect();
        let rank = |name: &String| BROAD.iter().position(|broad| name == broad).unwrap_or(BROAD.len());
        names.sort_by_key(|name| (rank(name), !name.contains("Sans"), name.clone()));
        names.truncate(MAX_FALLBACKS);
        for (generic, wanted) in [
            (GenericFamily::SansSerif, &BROAD[..]),
            (GenericFamily::Serif, &SERIF[..]),
            (GenericFamily::Monospace, &MONOSPACE[..]),
        ] {
            let first = wanted.iter().copied().chain(names.iter().map(String::as_str));
            let found: Vec<_> = first.filter_map(|name| collection.family_id(name)).take(1).collect();
            collection.set_generic_families(generic, found.into_iter());
        }
        let fallbacks = names.into_iter().map(|name| FontFamilyName::Named(Cow::Owned(name))).collect();
        let fonts = FontContext { collection, source_cache: SourceCache::default() };
        Self { fonts, layouts: LayoutContext::new(), fallbacks, missing: BTreeSet::new() }
    }

    /// Families that were asked for and are not there.
    pub fn missing(&self) -> &BTreeSet<String> {
        &self.missing
    }

    fn family(&mut self, name: &str) -> Vec<FontFamilyName<'static>> {
        let asked = match name {
            "sans-serif" => FontFamilyName::Generic(GenericFamily::SansSerif),
            "serif" => FontFamilyName::Generic(GenericFamily::Serif),
            "monospace" => FontFamilyName::Generic(GenericFamily::Monospace),
            name => {
                if self.fonts.collection.family_id(name).is_none() && self.missing.len() < MAX_MISSING {
                    self.missing.insert(name.to_owned());
                }
                FontFamilyName::Named(Cow::Owned(name.to_owned()))
            }
        };
        let generic = FontFamilyName::Generic(GenericFamily::SansSerif);
        [asked, generic].into_iter().chain(self.fallbacks.iter().cloned()).collect()
    }

    pub fn set(&mut self, text: &str, setting: &Setting<'_>) -> Words {
        self.set_parts(None, &[(text, Ink(None), setting.weight)], setting)
    }

    /// One text of parts, each with its colour and weight. `before` it is room of this width and height, on its
    /// first line.
    pub fn set_parts(
        &mut self,
        before: Option<(f64, f64)>,
        parts: &[(&str, Ink, f64)],
        setting: &Setting<'_>,
    ) -> Words {
        let text: String = parts.iter().map(|(text, ..)| *text).collect();
        let family = FontFamily::List(Cow::Owned(self.family(&setting.font.family)));
        let mut builder = self.layouts.ranged_builder(&mut self.fonts, &text, 1.0, false);
        builder.set_base_direction(match setting.direction {
            Direction::Auto => BaseDirection::Auto,
            Direction::Ltr => BaseDirection::Ltr,
            Direction::Rtl => BaseDirection::Rtl,
        });
        builder.push_default(StyleProperty::FontFamily(family));
        builder.push_default(StyleProperty::FontSize(setting.size as f32));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(setting.line_height as f32)));
        if setting.font.italic {
            builder.push_default(StyleProperty::FontStyle(FontStyle::Italic));
        }
        let mut start = 0;
        for (part, ink, weight) in parts {
            let range = start..start + part.len();
            start = range.end;
            builder.push(StyleProperty::Brush(*ink), range.clone());
            builder.push(StyleProperty::FontWeight(FontWeight::new(*weight as f32)), range);
        }
        if let Some((width, height)) = before {
            builder.push_inline_box(InlineBox {
                id: 0,
                kind: InlineBoxKind::InFlow,
                index: 0,
                width: width as f32,
                height: height as f32,
                // As far below the line as letters reach.
                baseline: Some(height as f32 * 0.8),
                vertical_align: VerticalAlign::BASELINE,
            });
        }
        let mut words = builder.build(&text);
        words.break_all_lines(setting.width.map(|width| width as f32));
        let alignment = match setting.align {
            Align::Start => Alignment::Start,
            Align::Center => Alignment::Center,
            Align::End => Alignment::End,
            Align::Left => Alignment::Left,
            Align::Right => Alignment::Right,
        };
        words.align(alignment, AlignmentOptions::default());
        words
    }

    /// Where the room before words is, if there is any.
    pub fn place_before(words: &Words) -> Option<Rect> {
        let mut items = words.lines().flat_map(|line| line.items().collect::<Vec<_>>());
        items.find_map(|item| match item {
            PositionedLayoutItem::InlineBox(room) => {
                let (x, y) = (f64::from(room.x), f64::from(room.y));
                Some(Rect::new(x, y, x + f64::from(room.width), y + f64::from(room.height)))
            }
            PositionedLayoutItem::GlyphRun(_) => None,
        })
    }

    /// On one line, cut off with an ellipsis where it does not fit.
    pub fn set_line(&mut self, text: &str, setting: Setting<'_>, width: f64) -> Words {
        let line: String = text.chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
        let whole = self.set(&line, &setting);
        if f64::from(whole.width()) <= width {
            return whole;
        }
        let ends: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
        let (mut fits, mut too_long) = (0, ends.len());
        while fits + 1 < too_long {
            let middle = (fits + too_long) / 2;
            let cut = format!("{}…", line[..ends[middle]].trim_end());
            if f64::from(self.set(&cut, &setting).width()) <= width { fits = middle } else { too_long = middle }
        }
        let end = ends.get(fits).copied().unwrap_or(0);
        self.set(&format!("{}…", line[..end].trim_end()), &setting)
    }
}
