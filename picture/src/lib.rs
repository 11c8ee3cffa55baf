//! A display list becomes pixels. Pure: no socket, clock or thread; the only files it reads are fonts, when
//! a [`Painter`] is made.
//!
//! The way of a layer: `plan` finds its bitmap, drawn by `vello_cpu` (`pen`, `draw`) when it is
//! new or has changed, and kept in `cache`; `compose` blends bitmaps at whole pixels, row by row (`span`),
//! within what `damage` says has changed; `planes` converts those rows to I420.
//!
//! The contract: [`Painter::paint`] with each list in turn; the same lists and assets give the same bytes,
//! whatever was drawn before. What cannot be drawn (a picture that is not there, a font) is left out or
//! replaced, and can be asked for afterwards. [`Assets`] decodes pictures, within bounds, and holds the
//! newest ones of live inputs.

mod assets;
mod bitmap;
mod cache;
mod compose;
mod damage;
mod draw;
mod fonts;
mod painter;
mod pen;
mod plan;
mod planes;
mod rect;
mod shadow;
mod span;
#[cfg(test)]
mod tests;

pub use assets::{AssetError, Assets, Decoded, Reason};
pub use damage::Damage;
pub use painter::Painter;
pub use planes::Planes;
pub use rect::Rect;
