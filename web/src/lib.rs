//! Pages: server rendered, with islands that are hydrated in the browser.
//!
//! The way of a page: `server` takes the request, asks the REST API for a snapshot (in process,
//! through `client`), and `pages` renders the snapshot to HTML in one go. The parts that change by
//! themselves are `islands`: the server renders them into the page too, and the same code, built to
//! WebAssembly, takes them over in the browser. Everything else stays plain HTML: links, forms and
//! the player (`web/player`, an ES module of its own) work when WebAssembly is blocked.
//!
//! This crate knows nothing about users, channels or media beyond what the REST API says.

// A page is one nested type, and deep markup makes a deep type.
#![recursion_limit = "512"]

mod browser;
pub mod client;
mod islands;
mod text;
mod words;

#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod server;

#[cfg(feature = "ssr")]
pub use server::{WebDeps, router};

/// Prepares the reactive system; the boot script then hands over each island of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
