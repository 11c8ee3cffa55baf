//! Emotes and badges: their pictures, on the way in and out.

use super::{doer, named, taken};
use crate::check;
use crate::docs::{Answer, Created, Done, op};
use crate::picture::{self, Kind};
use crate::refusal::Refusal;
use crate::request::{Caller, InPath, Params, RequestId};
use crate::{App, Shared, channels, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, put_with};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{ChatBadge, Emote, Page};
use rivulet_store::{Act, BlobError, Channel, Doer, random_name};
use schemars::JsonSchema;
use serde::Deserialize;

const MAX_BYTES: usize = 1024 * 1024;
const MAX_TITLE_CHARS: usize = 40;

pub fn routes() -> ApiRouter<App> {
    let limit = || DefaultBodyLimit::max(MAX_BYTES);
    ApiRouter::new()
        .api_route("/channels/{name}/chat/emotes", get_with(emotes, op("chat", "What can be written in a chat")))
        .api_route(
            "/channels/{name}/chat/emotes/{code}",
            put_with(put_emote, op("chat", "Add an emote, or replace it"))
                .delete_with(no_emote, op("chat", "Remove an emote"))
                .layer(limit()),
        )
        .api_route("/admin/emotes", get_with(instance_emotes, op("admin", "Emotes of the instance")))
        .api_route(
            "/admin/emotes/{code}",
            put_with(put_instance_emote, op("admin", "Add an emote for all channels"))
                .delete_with(no_instance_emote, op("admin", "Remove an emote of all channels"))
                .layer(limit()),
        )
        .api_route(
            "/channels/{name}/chat/badges",
            get_with(badges, op("chat", "A channel's badges"))
                .post_with(add_badge, op("chat", "Add a badge"))
                .layer(limit()),
        )
        .api_route("/channels/{name}/chat/badges/{id}", delete_with(no_badge, op("chat", "Remove a badge")))
        .api_route(
            "/channels/{name}/chat/badges/{id}/holders/{username}",
            put_with(give_badge, op("chat", "Give somebody a badge"))
                .delete_with(take_badge, op("chat", "Take a badge from somebody")),
        )
}

/// Where the pictures are shown from: an address is never used for another.
pub fn files() -> Router<App> {
    Router::new().route("/emotes/{id}/{size}", get(show))
}

fn object_key(id: &str, size: usize) -> String {
    format!("emotes/{id}/{size}")
}

async fn show(State(app): State<App>, Path((id, size)): Path<(String, String)>) -> Result<Response, Refusal> {
    let size = size.parse().ok().filter(|size| (1..=3).contains(size)).ok_or_else(Refusal::not_found)?;
    let found = match app.blobs.get(&object_key(&id, size)).await {
        Ok(found) => found.ok_or_else(Refusal::not_found)?,
        Err(BlobError::Key(_)) => return Err(Refusal::not_found()),
        Err(error) => {
            tracing::warn!(%error, "an emote cannot be read");
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Try again.").retry_after(5));
        }
    };
    let headers = [
        (header::CONTENT_TYPE, content_type(&found)),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    Ok((headers, found).into_response())
}

/// We wrote it, so it is one of the two.
fn content_type(bytes: &Bytes) -> &'static str {
    if bytes.starts_with(b"GIF8") { "image/gif" } else { "image/png" }
}

/// What was put into the blob store.
struct Put {
    id: String,
    animated: bool,
    bytes: i64,
}

impl Shared {
    /// Its objects are there before anything refers to them.
    async fn put_emote_picture(&self, file: Bytes) -> Result<Put, Refusal> {
        let rendered = picture::render(file, Kind::Emote).await.map_err(|e| e.refusal("picture"))?;
        let put = Put {
            id: random_name(),
            animated: rendered.ending == "gif",
            bytes: rendered.renditions.iter().map(|rendition| rendition.bytes.len() as i64).sum(),
        };
        for (size, rendition) in (1..).zip(rendered.renditions) {
            let content_type = content_type(&rendition.bytes);
            if let Err(error) = self.blobs.put(&object_key(&put.id, size), rendition.bytes, content_type).await {
                tracing::warn!(%error, "an emote cannot be stored");
                self.drop_emote_picture(&put.id).await;
                let detail = "The picture cannot be stored at the moment.";
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5));
            }
        }
        Ok(put)
    }

    async fn drop_emote_picture(&self, id: &str) {
        let keys: Vec<String> = (1..=3).map(|size| object_key(id, size)).collect();
        if let Err(error) = self.blobs.delete(&keys).await {
            tracing::warn!(%error, picture = id, "an emote cannot be deleted");
        }
    }

    /// Of a channel that ends.
    pub async fn drop_emotes_of(&self, channel: &Channel) -> Result<(), Refusal> {
        for id in self.store.chat_pictures(&channel.id).await? {
            self.drop_emote_picture(&id).await;
        }
        Ok(())
    }

    async fn put_emote(&self, channel: Option<&Channel>, by: &Doer, code: &str, file: Bytes) -> Result<Emote, Refusal> {
        let put = self.put_emote_picture(file).await?;
        let emote = Emote { id: put.id, code: code.to_owned(), animated: put.animated, global: channel.is_none() };
        match self.store.put_emote(channel, by, &emote, put.bytes, now_ms()).await {
            Ok(Some(old)) => self.drop_emote_picture(&old).await,
            Ok(None) => {}
            Err(error) => {
                self.drop_emote_picture(&emote.id).await;
                return Err(taken(error, "code"));
            }
        }
        Ok(emote)
    }
}

fn check_code(code: &str) -> Result<&str, Refusal> {
    let good = (2..=25).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
    match good {
        true => Ok(code),
        false => Err(Refusal::field("code", "bad_code", "An emote is written with 2 to 25 letters and digits.")),
    }
}

/// The instance's first.
async fn emotes(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Page<Emote>>, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
    let mut items = app.store.emotes(&channel.id).await?;
    items.sort_by_key(|emote| !emote.global);
    Ok(Json(Page { items, next: None }))
}

async fn put_emote(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, code)): Path<(String, String)>,
    file: Bytes,
) -> Result<Json<Emote>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::EditChannel, &id).await?;
    let emote = app.put_emote(Some(&channel), &by, check_code(&code)?, file).await?;
    app.acted(&[channel.id]).await;
    Ok(Json(emote))
}

async fn no_emote(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, code)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::EditChannel, &id).await?;
    let picture = app.store.delete_emote(Some(&channel), &by, &code, now_ms()).await?;
    app.drop_emote_picture(&picture).await;
    app.acted(&[channel.id]).await;
    Ok(Done::default())
}

/// An admin, whose act is in the log before it is done.
async fn admin(app: &App, caller: &Caller, id: &RequestId, action: &str, code: &str) -> Result<Doer, Refusal> {
    let user = caller.may(Action::Administer)?;
    let act = Act { action, target_kind: "emote", target_id: code, target: code, reason: "", request_id: &id.0 };
    app.store.log_act(user, &act, now_ms()).await?;
    Ok(Doer { person: user.into(), role: user.role, in_channel: None, request_id: id.0.to_string() })
}

async fn instance_emotes(State(app): State<App>, caller: Caller) -> Result<Json<Page<Emote>>, Refusal> {
    caller.may(Action::Administer)?;
    Ok(Json(Page { items: app.store.emotes("").await?, next: None }))
}

async fn put_instance_emote(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Path(code): Path<String>,
    file: Bytes,
) -> Result<Json<Emote>, Refusal> {
    caller.may(Action::Administer)?;
    let code = check_code(&code)?;
    let by = admin(&app, &caller, &id, "emote.set", code).await?;
    let emote = app.put_emote(None, &by, code, file).await?;
    app.acted(&app.store.emotes_changed(&by, now_ms()).await?).await;
    Ok(Json(emote))
}

async fn no_instance_emote(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Path(code): Path<String>,
) -> Result<Done, Refusal> {
    let by = admin(&app, &caller, &id, "emote.delete", &code).await?;
    let picture = app.store.delete_emote(None, &by, &code, now_ms()).await?;
    app.drop_emote_picture(&picture).await;
    app.acted(&app.store.emotes_changed(&by, now_ms()).await?).await;
    Ok(Done::default())
}

async fn badges(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
) -> Result<Json<Page<ChatBadge>>, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
    Ok(Json(Page { items: app.store.chat_badges(&channel.id).await?, next: None }))
}

#[derive(Deserialize, JsonSchema)]
struct Titled {
    title: String,
}

async fn add_badge(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Params(Titled { title }): Params<Titled>,
    file: Bytes,
) -> Result<Created<ChatBadge>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::EditChannel, &id).await?;
    let title = check::some_line("title", &title, MAX_TITLE_CHARS)?;
    let put = app.put_emote_picture(file).await?;
    let added = app.store.add_chat_badge(&channel, &by, &title, &put.id, put.bytes, now_ms()).await;
    if added.is_err() {
        app.drop_emote_picture(&put.id).await;
    }
    let badge = added?;
    app.acted(&[channel.id]).await;
    Ok(Answer::new(badge))
}

async fn no_badge(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, badge)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::EditChannel, &id).await?;
    let picture = app.store.delete_chat_badge(&channel, &by, &badge, now_ms()).await?;
    app.drop_emote_picture(&picture).await;
    app.acted(&[channel.id]).await;
    Ok(Done::default())
}

async fn give_badge(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, badge, username)): Path<(String, String, String)>,
) -> Result<Done, Refusal> {
    hold_badge(&app, &caller, &id, &channel, (&badge, &username), true).await
}

async fn take_badge(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, badge, username)): Path<(String, String, String)>,
) -> Result<Done, Refusal> {
    hold_badge(&app, &caller, &id, &channel, (&badge, &username), false).await
}

async fn hold_badge(
    app: &App,
    caller: &Caller,
    id: &RequestId,
    channel: &Channel,
    (badge, username): (&str, &str),
    holds: bool,
) -> Result<Done, Refusal> {
    let by = doer(app, caller, channel, Action::EditChannel, id).await?;
    let user = named(app, username).await?;
    app.store.hold_chat_badge(channel, &by, badge, &user, holds, now_ms()).await?;
    app.person_changed(&user.id).await;
    Ok(Done::default())
}
