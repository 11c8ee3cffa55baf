//! The browser's files, embedded in the binary. `scripts/build-web` puts them into `web/dist` under
//! names that contain a hash of their content, each with a brotli and a gzip form beside it.

use crate::pages::Files;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::Embed;
use std::collections::BTreeMap;

#[derive(Embed)]
#[folder = "dist/"]
struct Dist;

/// A name that contains its content's hash never changes its content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Encodings that files are kept in, the smallest first: name on the wire, ending of the file.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

pub struct Assets {
    /// Plain name -> name with hash, as the build wrote it.
    names: BTreeMap<String, String>,
    files: Files,
}

impl Assets {
    pub fn load() -> Self {
        let manifest = Dist::get("manifest.json");
        let names: BTreeMap<String, String> = match manifest.map(|file| serde_json::from_slice(&file.data)) {
            Some(Ok(names)) => names,
            Some(Err(error)) => {
                tracing::error!(%error, "web/dist/manifest.json is unreadable: run scripts/build-web and build again");
                BTreeMap::new()
            }
            None => {
                tracing::warn!(
                    "this binary was built without the browser bundle, so pages have no style and no player: \
                     run scripts/build-web and build again"
                );
                BTreeMap::new()
            }
        };
        let url = |plain: &str| names.get(plain).map(|name| format!("/assets/{name}"));
        let files = Files {
            style: url("style.css"),
            logo: url("logo.svg"),
            player: url("player.js"),
            page: url("page.js"),
            account: url("account.js"),
            chat: url("chat.js"),
            viewer: url("viewer.js").zip(url("viewer.wasm")),
            studio: url("studio.js").zip(url("studio.wasm")),
        };
        Self { names, files }
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The name with hash of a file.
    pub fn name_of(&self, plain: &str) -> Option<&str> {
        self.names.get(plain).map(String::as_str)
    }

    pub fn serve(&self, name: &str, request: &HeaderMap) -> Response {
        // Only what the manifest names is served, never the encoded forms or the manifest itself.
        if !self.names.values().any(|known| known == name) {
            return (StatusCode::NOT_FOUND, "no such file\n").into_response();
        }
        let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let encoded = ENCODINGS
            .into_iter()
            .filter(|(encoding, _)| accepts(accepted, encoding))
            .find_map(|(encoding, ending)| Some((encoding, Dist::get(&format!("{name}{ending}"))?)));
        let (encoding, file) = match encoded {
            Some((encoding, file)) => (Some(encoding), file),
            None => match Dist::get(name) {
                Some(file) => (None, file),
                None => return (StatusCode::NOT_FOUND, "no such file\n").into_response(),
            },
        };
        let mut response = Response::new(Body::from(file.data.into_owned()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Whether the value of an `Accept-Encoding` header allows `encoding` by name.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|weight| weight.parse::<f32>().ok());
        named && weight.unwrap_or(1.0) > 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_taken_by_name_and_weight() {
        for (header, encoding, accepted) in [
            ("gzip, deflate, br", "br", true),
            ("gzip, deflate", "br", false),
            ("br;q=0, gzip", "br", false),
            ("br;q=0.5", "br", true),
            ("GZIP", "gzip", true),
            ("", "gzip", false),
        ] {
            assert_eq!(accepts(header, encoding), accepted, "{header:?} {encoding}");
        }
    }

    #[test]
    fn only_files_of_the_manifest_are_served() {
        let assets = Assets { names: BTreeMap::new(), files: Files::default() };
        for name in ["manifest.json", "../Cargo.toml", ".gitkeep"] {
            assert_eq!(assets.serve(name, &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
        }
    }
}
