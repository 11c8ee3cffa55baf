//! The editor: a page of plain modules, compiled in. Anybody may have it, since it holds nothing: what
//! it shows it asks the API for, with the token that a person gives it.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "editor/"]
struct Files;

const PAGE: &str = "index.html";
/// Nothing but its own modules runs, and nobody but this server hears of anything.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub fn routes() -> Router {
    Router::new()
        .route("/", get(async |headers: HeaderMap| serve(PAGE, &headers)))
        .route("/editor/{name}", get(async |Path(name): Path<String>, headers: HeaderMap| serve(&name, &headers)))
}

fn serve(name: &str, request: &HeaderMap) -> Response {
    let Some(file) = Files::get(name) else { return (StatusCode::NOT_FOUND, "no such file\n").into_response() };
    let hash: String = file.metadata.sha256_hash().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    // Names have no hash, so browsers ask each time whether a file is still the same.
    let headers = [
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_TYPE, content_type(name)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    match request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, file.data.into_owned()).into_response(),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_known_is_not_sent_again() {
        let first = serve(PAGE, &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let known = HeaderMap::from_iter([(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone())]);
        assert_eq!(serve(PAGE, &known).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(serve("main.js", &known).status(), StatusCode::OK);
        assert_eq!(serve("../Cargo.toml", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }

    /// A file that a module imports and that was forgotten, or has no type, breaks the whole page.
    #[test]
    fn every_file_is_named_and_known() {
        for name in Files::iter() {
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
            let text = String::from_utf8(Files::get(&name).unwrap().data.into_owned()).unwrap();
            for import in text.lines().filter_map(|line| line.split(" from \"./").nth(1)) {
                let import = import.split('"').next().unwrap();
                assert!(Files::get(import).is_some(), "{name} imports {import}");
            }
        }
    }
}
