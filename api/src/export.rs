//! All that is kept of a person, as one archive for them: a table is a JSON file, and the pictures
//! that they put up are as they are shown. Hashes of secrets are of no use to anybody and left out.

use crate::App;
use crate::docs::Download;
use crate::refusal::Refusal;
use axum::http::StatusCode;
use flate2::Compression;
use flate2::write::GzEncoder;
use rivulet_store::User;
use std::io;

/// Pictures on top of that are left out: an account has a handful.
const MAX_PICTURES: usize = 200;

pub async fn archive(app: &App, user: &User) -> Result<Download, Refusal> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, rows) in app.store.export(&user.id).await? {
        files.push((format!("{name}.json"), serde_json::to_vec_pretty(&rows).unwrap_or_default()));
    }
    for picture in app.store.pictures_of(&user.id).await?.iter().take(MAX_PICTURES) {
        let Some(largest) = picture.sizes.last() else { continue };
        let key = picture.object_key(*largest);
        match app.blobs.get(&key).await {
            Ok(Some(bytes)) => files.push((key, bytes.to_vec())),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a picture is missing in an export"),
        }
    }
    let packed = tokio::task::spawn_blocking(move || pack(files)).await;
    let bytes = packed.map_err(io::Error::other).flatten().map_err(|error| {
        tracing::error!(%error, "an export cannot be packed");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on the server.")
    })?;
    Ok(Download { name: format!("rivulet-{}.tar.gz", user.name), bytes })
}

fn pack(files: Vec<(String, Vec<u8>)>) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice())?;
    }
    archive.into_inner()?.finish()
}
