//! Small pictures of what is shown, for pages that edit the scene. Made only while somebody looks.

use super::App;
use super::refusal::Refusal;
use crate::frames::Thumbnail;
use aide::axum::ApiRouter;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const QUALITY: u8 = 75;
/// The loop makes one within a fraction of this, or it does not run.
const WITHIN: Duration = Duration::from_secs(2);
const BOUNDARY: &str = "rivulet-thumbnail";

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new()
        .route("/thumbnail.jpg", get(jpg))
        .route("/thumbnail.png", get(png))
        .route("/thumbnails", get(multipart))
}

/// The one after those that were seen.
pub async fn next(thumbnails: &mut watch::Receiver<Thumbnail>) -> Option<Thumbnail> {
    tokio::time::timeout(WITHIN, thumbnails.changed()).await.ok()?.ok()?;
    Some(thumbnails.borrow_and_update().clone())
}

pub fn late() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no_picture", "No picture was drawn in time.")
}

async fn one(app: &App, encode: fn(&Thumbnail) -> Option<Vec<u8>>, kind: &'static str) -> Result<Response, Refusal> {
    let thumbnail = next(&mut app.shared.thumbnails.subscribe()).await.ok_or_else(late)?;
    let body = encode(&thumbnail).ok_or_else(late)?;
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response())
}

async fn jpg(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    one(&app, jpeg, "image/jpeg").await
}

async fn png(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let encode = |thumbnail: &Thumbnail| {
        let mut body = Vec::new();
        let Thumbnail { width, height, rgba, .. } = thumbnail;
        PngEncoder::new(&mut body).write_image(rgba, *width, *height, ExtendedColorType::Rgba8).ok()?;
        Some(body)
    };
    one(&app, encode, "image/png").await
}

/// A picture whenever there is a new one, as browsers show it in an `<img>`.
async fn multipart(State(app): State<Arc<App>>) -> Response {
    let parts = stream::unfold(app.shared.thumbnails.subscribe(), |mut thumbnails| async {
        let body = jpeg(&next(&mut thumbnails).await?)?;
        let head = format!("--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", body.len());
        let part = [head.as_bytes(), &body, b"\r\n"].concat();
        Some((io::Result::Ok(Bytes::from(part)), thumbnails))
    });
    let kind = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(parts)).into_response()
}

fn jpeg(thumbnail: &Thumbnail) -> Option<Vec<u8>> {
    let Thumbnail { width, height, rgba, .. } = thumbnail;
    let rgb: Vec<u8> = rgba.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
    let mut body = Vec::new();
    JpegEncoder::new_with_quality(&mut body, QUALITY)
        .write_image(&rgb, *width, *height, ExtendedColorType::Rgb8)
        .ok()?;
    Some(body)
}
