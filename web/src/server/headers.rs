//! Headers of every answer: what the browser may load and run, and who may frame us.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use std::fmt::Write;

/// What a page needs more than the strictest one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// media-chrome writes inline styles into its shadow roots; `blob:` is what hls.js feeds.
    pub player: bool,
    /// Other sites show it in a frame.
    pub framed: bool,
}

/// Pages differ by visitor and by the moment.
const PAGE_CACHE_CONTROL: &str = "private, no-cache";

/// For one rendering of a page: its scripts carry the nonce.
pub fn nonce() -> String {
    rand::random::<[u8; 16]>().iter().fold(String::new(), |mut nonce, byte| {
        // Writing into a string does not fail.
        let _ = write!(nonce, "{byte:02x}");
        nonce
    })
}

/// Scripts with the page's nonce and nothing from other hosts. WebAssembly needs its own permission.
fn policy(nonce: &str, needs: Needs) -> String {
    let (style, media) = match needs.player {
        true => ("'self' 'unsafe-inline'", "'self' blob:"),
        false => ("'self'", "'self'"),
    };
    let ancestors = if needs.framed { "*" } else { "'none'" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src {style}; img-src 'self' data: blob:; \
         media-src {media}; connect-src 'self'; font-src 'self'; worker-src 'self' blob:; manifest-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
}

pub fn allow(headers: &mut HeaderMap, nonce: &str, needs: Needs) {
    if let Ok(policy) = HeaderValue::from_str(&policy(nonce, needs)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// For whatever no page has said anything about: files, redirects.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(PAGE_CACHE_CONTROL));
    response
}
