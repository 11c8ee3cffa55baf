//! From sRGB to what encoders take: I420, BT.709, limited range; and back, for what decoders give.

use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPlanarImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, rgba_to_yuv420,
    yuv420_to_rgba,
};

/// I420, BT.709 limited; strides are `width` and `width.div_ceil(2)`.
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    pub width: usize,
    pub height: usize,
    pub y: &'a [u8],
    pub u: &'a [u8],
    pub v: &'a [u8],
}

impl Planes<'_> {
    /// RGBA, opaque, row after row; nothing for planes that are not as large as they say.
    pub fn rgba(&self) -> Option<Vec<u8>> {
        let Self { width, height, y, u, v } = *self;
        let half = width.div_ceil(2) as u32;
        let image = YuvPlanarImage {
            y_plane: y,
            y_stride: width as u32,
            u_plane: u,
            u_stride: half,
            v_plane: v,
            v_stride: half,
            width: width as u32,
            height: height as u32,
        };
        let mut rgba = vec![0; width * height * 4];
        let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt709);
        yuv420_to_rgba(&image, &mut rgba, width as u32 * 4, range, matrix).ok()?;
        Some(rgba)
    }
}

#[derive(Debug)]
pub struct Frame {
    width: usize,
    height: usize,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Frame {
    pub fn new(width: usize, height: usize) -> Self {
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        Self { width, height, y: vec![16; width * height], u: vec![128; chroma], v: vec![128; chroma] }
    }

    pub fn planes(&self) -> Planes<'_> {
        Planes { width: self.width, height: self.height, y: &self.y, u: &self.u, v: &self.v }
    }

    /// Takes over the rows from `start`, which is even, to `end` of a picture in RGBA.
    pub fn convert(&mut self, rgba: &[u8], (start, end): (usize, usize)) {
        let end = end.min(self.height);
        if start >= end {
            return;
        }
        let (width, half) = (self.width, self.width.div_ceil(2));
        let chroma = start / 2 * half..end.div_ceil(2) * half;
        let mut image = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(&mut self.y[start * width..end * width]),
            y_stride: width as u32,
            u_plane: BufferStoreMut::Borrowed(&mut self.u[chroma.clone()]),
            u_stride: half as u32,
            v_plane: BufferStoreMut::Borrowed(&mut self.v[chroma]),
            v_stride: half as u32,
            width: width as u32,
            height: (end - start) as u32,
        };
        let rows = &rgba[start * width * 4..end * width * 4];
        let (range, matrix, mode) = (YuvRange::Limited, YuvStandardMatrix::Bt709, YuvConversionMode::Balanced);
        let converted = rgba_to_yuv420(&mut image, rows, width as u32 * 4, range, matrix, mode);
        debug_assert!(converted.is_ok(), "planes and rows have the sizes that they are made with");
    }
}
