//! Text, shapes and QR codes.

use super::{Extent, outline, setting};
use crate::fonts::Fonts;
use crate::pen::Pen;
use qrcode::QrCode;
use rivulet_scene::kurbo::{BezPath, Point, Rect, Shape as _};
use rivulet_scene::{Qr, Shape, TextStyle};

/// Of light modules round a code, as its standard asks for.
const QUIET: usize = 4;

pub fn text_extent(words: &str, style: &TextStyle, fonts: &mut Fonts) -> Extent {
    let set = fonts.set(words, &setting(style));
    let width = style.width.unwrap_or_else(|| f64::from(set.width()).ceil());
    let outline = style.outline.as_ref().map_or(0.0, |outline| outline.width);
    Extent {
        width: (width + 2.0 * style.padding).max(1.0),
        height: (f64::from(set.height()).ceil() + 2.0 * style.padding).max(1.0),
        // Slanted letters and tails leave their boxes a little.
        margin: outline + style.font.size * 0.3,
    }
}

pub fn text(pen: &mut Pen<'_>, words: &str, style: &TextStyle) {
    let set = pen.fonts.set(words, &setting(style));
    if let Some(background) = style.background {
        let Extent { width, height, .. } = text_extent(words, style, pen.fonts);
        pen.rect(Rect::new(0.0, 0.0, width, height), style.padding.min(style.font.size / 3.0), background);
    }
    let outline = style.outline.as_ref().map(|outline| (outline.color, outline.width));
    pen.words(&set, Point::new(style.padding, style.padding), style.fill, outline);
}

pub fn shape(pen: &mut Pen<'_>, shape: &Shape) {
    let path = outline(&shape.geometry);
    if let Some(fill) = &shape.fill {
        let (width, height) = shape.geometry.size();
        pen.paint(&path, Rect::new(0.0, 0.0, width, height), fill);
    }
    if let Some(stroke) = &shape.stroke {
        pen.stroke(&path, stroke.width, stroke.color);
    }
}

pub fn qr(pen: &mut Pen<'_>, qr: &Qr) {
    pen.rect(Rect::new(0.0, 0.0, qr.size, qr.size), 0.0, qr.background);
    // The scene bounds the data to what the largest code holds.
    let Ok(code) = QrCode::new(qr.data.as_bytes()) else { return };
    let count = code.width();
    let module = qr.size / (count + 2 * QUIET) as f64;
    let mut path = BezPath::new();
    for (n, _) in code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == qrcode::Color::Dark) {
        let (x, y) = ((n % count + QUIET) as f64 * module, (n / count + QUIET) as f64 * module);
        path.extend(Rect::new(x, y, x + module, y + module).path_elements(0.1));
    }
    pen.fill(&path, qr.fill);
}
