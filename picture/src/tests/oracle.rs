//! The compositor beside vello_cpu, which draws the same bitmaps as image fills.

use crate::bitmap::Bitmap;
use crate::compose::{Op, compose};
use crate::rect::Rect;
use fearless_simd::Level;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rivulet_scene::Blend;
use rivulet_scene::kurbo::{self, Affine};
use std::sync::Arc;
use vello_cpu::peniko::{BlendMode, Compose, Mix};
use vello_cpu::{Image, ImageSource, Pixmap, RenderContext, RenderSettings, Resources};

const WIDTH: usize = 200;
const HEIGHT: usize = 120;
/// Rounding that adds up over layers.
const NEAR: u8 = 5;

fn noise(random: &mut StdRng) -> Arc<Bitmap> {
    let (width, height) = (random.random_range(1..90), random.random_range(1..70));
    let mut pixels = Pixmap::new(width, height);
    let kind = random.random_range(0..4);
    for pixel in pixels.data_as_u8_slice_mut().chunks_exact_mut(4) {
        let alpha: u8 = match (kind, random.random_range(0..3)) {
            (0, _) | (1, 0) => 255,
            (2, 0) => 0,
            _ => random.random(),
        };
        let channel = |c: u8| ((u16::from(c) * u16::from(alpha) + 127) / 255) as u8;
        pixel.copy_from_slice(&[channel(random.random()), channel(random.random()), channel(random.random()), alpha]);
    }
    Bitmap::new(pixels)
}

fn some_ops(random: &mut StdRng, blends: &[Blend]) -> Vec<Op> {
    (0..random.random_range(1..7))
        .map(|_| Op {
            opacity: if random.random_bool(0.5) { 255 } else { random.random() },
            blend: blends[random.random_range(0..blends.len())],
            ..Op::new(noise(random), random.random_range(-40..WIDTH as i32), random.random_range(-40..HEIGHT as i32))
        })
        .collect()
}

fn by_vello(ops: &[Op], ground: [u8; 4]) -> Vec<u8> {
    let settings = RenderSettings { level: Level::new(), num_threads: 0 };
    let mut context = RenderContext::new_with(WIDTH as u16, HEIGHT as u16, settings);
    let [r, g, b, a] = ground;
    context.set_paint(vello_cpu::color::AlphaColor::from_rgba8(r, g, b, a));
    context.fill_rect(&kurbo::Rect::new(0.0, 0.0, WIDTH as f64, HEIGHT as f64));
    for op in ops {
        let mode = match op.blend {
            Blend::Normal => BlendMode::new(Mix::Normal, Compose::SrcOver),
            Blend::Multiply => BlendMode::new(Mix::Multiply, Compose::SrcOver),
            Blend::Screen => BlendMode::new(Mix::Screen, Compose::SrcOver),
            Blend::Additive => BlendMode::new(Mix::Normal, Compose::Plus),
        };
        context.push_layer(None, Some(mode), Some(f32::from(op.opacity) / 255.0), None, None);
        context.set_transform(Affine::translate((f64::from(op.x), f64::from(op.y))));
        let image = ImageSource::Pixmap(op.bitmap.pixels().clone());
        context.set_paint(Image { image, sampler: Default::default() });
        context.fill_rect(&kurbo::Rect::new(0.0, 0.0, op.bitmap.width() as f64, op.bitmap.height() as f64));
        context.pop_layer();
        context.reset_transform();
    }
    context.flush();
    let mut pixels = Pixmap::new(WIDTH as u16, HEIGHT as u16);
    context.render(&mut pixels, &mut Resources::new());
    pixels.data_as_u8_slice().to_vec()
}

#[test]
fn the_same_as_vello_but_for_rounding() {
    let ground = [40, 90, 140, 255];
    for seed in 0..60 {
        let mut random = StdRng::seed_from_u64(seed);
        let ops = some_ops(&mut random, &[Blend::Normal, Blend::Multiply, Blend::Screen, Blend::Additive]);
        let mut own = vec![0; WIDTH * HEIGHT * 4];
        compose(Level::new(), &mut own, WIDTH, ground, &ops, Rect::sized(WIDTH, HEIGHT));
        let vello = by_vello(&ops, ground);
        let worst = own.iter().zip(&vello).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= NEAR, "seed {seed}: {worst}");
    }
}

/// Neither runs, bands, clips nor what is hidden make a difference to a pixel.
#[test]
fn pixel_by_pixel_it_is_the_same() {
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut ops = some_ops(&mut random, &[Blend::Normal, Blend::Screen]);
        for op in &mut ops {
            op.clip = op.clip.intersect(Rect::new(3, 5, 170, 101));
        }
        let ground = [9, 8, 7, 255];
        let mut own = vec![0; WIDTH * HEIGHT * 4];
        compose(Level::new(), &mut own, WIDTH, ground, &ops, Rect::sized(WIDTH, HEIGHT));
        let mut single = vec![0; WIDTH * HEIGHT * 4];
        for y in 0..HEIGHT as i32 {
            for x in 0..WIDTH as i32 {
                compose(Level::baseline(), &mut single, WIDTH, ground, &ops, Rect::new(x, y, x + 1, y + 1));
            }
        }
        assert!(own == single, "seed {seed}");
    }
}
