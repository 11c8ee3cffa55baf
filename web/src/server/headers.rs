//! Headers of every answer: what the browser may load and run, and who may frame us.

use axum::response::Response;
use http::{HeaderValue, header};

/// No inline scripts and nothing from other hosts. WebAssembly needs its own permission; inline
/// styles are those inside media-chrome's shadow roots; `blob:` media is what hls.js feeds.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; \
     font-src 'self'; worker-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Pages differ by visitor and by the moment.
const PAGE_CACHE_CONTROL: &str = "private, no-cache";

pub async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(PAGE_CACHE_CONTROL));
    response
}
