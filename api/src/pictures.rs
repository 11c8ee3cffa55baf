//! Pictures on their way into the blob store and out of it.

use crate::docs::op;
use crate::picture::{self, Kind};
use crate::refusal::Refusal;
use crate::request::{Caller, InPath};
use crate::{App, Shared, channels, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::put_with;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::About;
use rivulet_store::{BlobError, Channel, Picture, random_name};

/// For routes that take a picture as their body.
pub fn body_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(picture::MAX_BYTES)
}

/// Pictures of channels.
pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/avatar",
            put_with(set_avatar, op("channel", "A channel's picture"))
                .delete_with(no_avatar, op("channel", "No picture"))
                .layer(body_limit()),
        )
        .api_route(
            "/channels/{name}/banner",
            put_with(set_banner, op("channel", "The picture above a channel"))
                .delete_with(no_banner, op("channel", "No picture above"))
                .layer(body_limit()),
        )
}

async fn set_avatar(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    file: Bytes,
) -> Result<Json<About>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let picture = app.put_picture(file, Kind::Avatar, &channel.owner_id).await?;
    replace_avatar(&app, &channel, Some(&picture)).await
}

async fn no_avatar(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<About>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    replace_avatar(&app, &channel, None).await
}

async fn replace_avatar(app: &App, channel: &Channel, picture: Option<&Picture>) -> Result<Json<About>, Refusal> {
    app.store.set_channel_avatar(&channel.id, picture).await?;
    app.drop_picture(channel.avatar.as_ref()).await;
    app.rooms.edited(&channel.name);
    Ok(Json(channels::describe(app, channel).await?))
}

async fn set_banner(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    file: Bytes,
) -> Result<Json<About>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let picture = app.put_picture(file, Kind::Banner, &channel.owner_id).await?;
    replace_banner(&app, &channel, Some(&picture)).await
}

async fn no_banner(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<About>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    replace_banner(&app, &channel, None).await
}

async fn replace_banner(app: &App, channel: &Channel, picture: Option<&Picture>) -> Result<Json<About>, Refusal> {
    let old = app.store.profile(&channel.id).await?.and_then(|profile| profile.banner);
    app.store.set_channel_banner(&channel.id, picture).await?;
    app.drop_picture(old.as_ref()).await;
    Ok(Json(channels::describe(app, channel).await?))
}

/// Where pictures are shown from: an address is never used for another.
pub fn files() -> Router<App> {
    Router::new().route("/pictures/{id}/{file}", get(show))
}

async fn show(State(app): State<App>, Path((id, file)): Path<(String, String)>) -> Result<Response, Refusal> {
    let content_type = match file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        _ => return Err(Refusal::not_found()),
    };
    let found = match app.blobs.get(&format!("pictures/{id}/{file}")).await {
        Ok(found) => found.ok_or_else(Refusal::not_found)?,
        Err(BlobError::Key(_)) => return Err(Refusal::not_found()),
        Err(error) => {
            tracing::warn!(%error, "a picture cannot be read");
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Try again.").retry_after(5));
        }
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    Ok((headers, found).into_response())
}

impl Shared {
    /// Writes an upload anew in all sizes of its kind. Its row is there before its objects, so that
    /// none is ever lost in the blob store.
    pub async fn put_picture(&self, file: Bytes, kind: Kind, user_id: &str) -> Result<Picture, Refusal> {
        let rendered = picture::render(file, kind).await.map_err(|e| e.refusal("picture"))?;
        let sizes = rendered.renditions.iter().map(|rendition| rendition.size).collect();
        let picture = Picture { id: random_name(), ending: rendered.ending.to_owned(), sizes };
        let bytes = rendered.renditions.iter().map(|rendition| rendition.bytes.len() as i64).sum();
        self.store.add_picture(&picture, bytes, user_id, now_ms()).await?;
        let content_type = if rendered.ending == "png" { "image/png" } else { "image/jpeg" };
        for rendition in rendered.renditions {
            let stored = self.blobs.put(&picture.object_key(rendition.size), rendition.bytes, content_type).await;
            if let Err(error) = stored {
                tracing::warn!(%error, "a picture cannot be stored");
                self.drop_picture(Some(&picture)).await;
                let detail = "The picture cannot be stored at the moment.";
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5));
            }
        }
        Ok(picture)
    }

    pub async fn drop_pictures_of(&self, channel: &Channel) -> Result<(), Refusal> {
        let banner = self.store.profile(&channel.id).await?.and_then(|profile| profile.banner);
        self.drop_picture(channel.avatar.as_ref()).await;
        self.drop_picture(banner.as_ref()).await;
        Ok(())
    }

    /// Deletes the objects, then the row. What fails stays recorded, and is only logged: whoever
    /// replaced a picture has done so.
    pub async fn drop_picture(&self, picture: Option<&Picture>) {
        let Some(picture) = picture else { return };
        let keys: Vec<String> = picture.sizes.iter().map(|size| picture.object_key(*size)).collect();
        if let Err(error) = self.blobs.delete(&keys).await {
            tracing::warn!(%error, picture = picture.id, "a picture cannot be deleted");
        } else if let Err(error) = self.store.delete_picture(&picture.id).await {
            tracing::warn!(%error, picture = picture.id, "a picture cannot be forgotten");
        }
    }
}
