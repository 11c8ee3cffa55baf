//! Blending rows of premultiplied RGBA. The loops are plain arithmetic on 32-bit words; compiled for each
//! level of SIMD that the machine may have (`fearless_simd` picks at run time), they become vectors. All
//! levels give the same bytes.

use fearless_simd::{Level, dispatch};
use rivulet_scene::Blend;

/// Every second channel of a pixel.
const EVEN: u32 = 0x00ff_00ff;
const HALF: u32 = 0x0080_0080;

/// Each channel of `pixel` times `by` / 255, rounded: two channels at a time, which 16 bits each have room
/// for.
#[inline(always)]
fn scaled(pixel: u32, by: u32) -> u32 {
    let even = (pixel & EVEN) * by + HALF;
    let odd = ((pixel >> 8) & EVEN) * by + HALF;
    let even = ((even + ((even >> 8) & EVEN)) >> 8) & EVEN;
    let odd = (odd + ((odd >> 8) & EVEN)) & !EVEN;
    even | odd
}

#[inline(always)]
fn each(to: &mut [u8], from: &[u8], opacity: u32, blend: impl Fn(u32, u32) -> u32) {
    let (to, _) = to.as_chunks_mut::<4>();
    let (from, _) = from.as_chunks::<4>();
    for (to, from) in to.iter_mut().zip(from) {
        let source = scaled(u32::from_le_bytes(*from), opacity);
        *to = blend(source, u32::from_le_bytes(*to)).to_le_bytes();
    }
}

/// Source over destination. No channel of a premultiplied pixel is above its alpha, so nothing carries.
#[inline(always)]
fn over(source: u32, below: u32) -> u32 {
    source + scaled(below, 255 - (source >> 24))
}

#[inline(always)]
fn normal(to: &mut [u8], from: &[u8]) {
    let (to, _) = to.as_chunks_mut::<4>();
    let (from, _) = from.as_chunks::<4>();
    for (to, from) in to.iter_mut().zip(from) {
        *to = over(u32::from_le_bytes(*from), u32::from_le_bytes(*to)).to_le_bytes();
    }
}

#[inline(always)]
fn channels(source: u32, below: u32, blend: impl Fn(u32, u32) -> u32) -> u32 {
    let channel = |shift: u32| blend((source >> shift) & 255, (below >> shift) & 255) << shift;
    channel(0) | channel(8) | channel(16) | channel(24)
}

#[inline(always)]
fn divided(product: u32) -> u32 {
    let product = product + 128;
    (product + (product >> 8)) >> 8
}

#[inline(always)]
fn multiply(source: u32, below: u32) -> u32 {
    let (clear, beyond) = (255 - (source >> 24), 255 - (below >> 24));
    channels(source, below, |s, d| divided(s * d + s * beyond + d * clear))
}

#[inline(always)]
fn screen(source: u32, below: u32) -> u32 {
    channels(source, below, |s, d| s + d - divided(s * d))
}

#[inline(always)]
fn additive(source: u32, below: u32) -> u32 {
    channels(source, below, |s, d| (s + d).min(255))
}

/// Blends `from` onto `to`, pixel by pixel; both have whole pixels of four bytes.
pub fn blend(level: Level, to: &mut [u8], from: &[u8], opacity: u8, mode: Blend) {
    let opacity_word = u32::from(opacity);
    match (mode, opacity) {
        (Blend::Normal, 255) => dispatch!(level, _simd => normal(to, from)),
        (Blend::Normal, _) => dispatch!(level, _simd => each(to, from, opacity_word, over)),
        (Blend::Multiply, _) => dispatch!(level, _simd => each(to, from, opacity_word, multiply)),
        (Blend::Screen, _) => dispatch!(level, _simd => each(to, from, opacity_word, screen)),
        (Blend::Additive, _) => dispatch!(level, _simd => each(to, from, opacity_word, additive)),
    }
}

/// Each channel of `pixels` times the alpha of the pixel of `mask` at its place.
pub fn masked(pixels: &mut [u8], mask: &[u8]) {
    let (pixels, _) = pixels.as_chunks_mut::<4>();
    let (mask, _) = mask.as_chunks::<4>();
    for (pixel, mask) in pixels.iter_mut().zip(mask) {
        *pixel = scaled(u32::from_le_bytes(*pixel), u32::from(mask[3])).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MODES: [Blend; 4] = [Blend::Normal, Blend::Multiply, Blend::Screen, Blend::Additive];

    /// x / 255, rounded, as one does it on paper.
    fn rounded(x: u32) -> u32 {
        (2 * x + 255) / 510
    }

    /// One channel after the other, without tricks.
    fn reference(to: [u8; 4], from: [u8; 4], opacity: u8, mode: Blend) -> [u8; 4] {
        let source = from.map(|c| rounded(u32::from(c) * u32::from(opacity)));
        let below = to.map(u32::from);
        std::array::from_fn(|n| {
            let (s, d, sa, da) = (source[n], below[n], source[3], below[3]);
            let value = match mode {
                Blend::Normal => s + rounded(d * (255 - sa)),
                Blend::Multiply => rounded(s * d + s * (255 - da) + d * (255 - sa)),
                Blend::Screen => s + d - rounded(s * d),
                Blend::Additive => (s + d).min(255),
            };
            u8::try_from(value).expect("a channel")
        })
    }

    fn pixel() -> impl Strategy<Value = [u8; 4]> {
        any::<[u8; 4]>().prop_map(|[r, g, b, a]| [r.min(a), g.min(a), b.min(a), a])
    }

    proptest! {
        #[test]
        fn vectors_and_words_are_the_reference(
            pixels in prop::collection::vec((pixel(), pixel()), 0..70),
            opacity in any::<u8>(),
        ) {
            let (to, from): (Vec<_>, Vec<_>) = pixels.iter().copied().unzip();
            for mode in MODES {
                let expected: Vec<u8> = pixels.iter().flat_map(|(to, from)| reference(*to, *from, opacity, mode)).collect();
                for level in [Level::new(), Level::baseline()] {
                    let mut own = to.concat();
                    blend(level, &mut own, &from.concat(), opacity, mode);
                    prop_assert_eq!(&own, &expected, "{:?}", mode);
                }
            }
        }
    }

    #[test]
    fn every_product_is_rounded() {
        for a in 0..=255 {
            for b in 0..=255u32 {
                assert_eq!(scaled(a * 0x0101_0101, b), rounded(a * b) * 0x0101_0101);
            }
        }
    }
}
