//! The browser's files are embedded at compile time: a new bundle has to build this crate anew, but
//! not its WebAssembly half, which is part of the bundle.

fn main() {
    let embeds = std::env::var_os("CARGO_FEATURE_SSR").is_some();
    println!("cargo:rerun-if-changed={}", if embeds { "dist" } else { "build.rs" });
}
