//! The browser's files are embedded at compile time: a new bundle has to build this crate anew.

fn main() {
    println!("cargo:rerun-if-changed=dist");
}
