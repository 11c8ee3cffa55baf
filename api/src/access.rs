//! Who may watch a channel, and the signed addresses for those who may.

use crate::check;
use crate::docs::op;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, InPath, Origin};
use crate::{App, channels, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{Access, AccessEdit, AccessKind, LiveState, Playback, PlaybackRequest};
use rivulet_store::playback::{Stage, TICKET_MS};
use rivulet_store::{Channel, password};

const MIN_PASSWORD_CHARS: usize = 4;
const MAX_GUESTS: usize = 1_000;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/access",
            get_with(show, op("channel", "Who may watch")).put_with(edit, op("channel", "Say who may watch")),
        )
        .api_route("/channels/{name}/playback", post_with(playback, op("channel", "An address to play what is on air")))
}

async fn show(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Access>, Refusal> {
    caller.may_in(&app, &channel, Action::ManageAccess).await?;
    Ok(Json(describe(&app, &channel).await?))
}

async fn describe(app: &App, channel: &Channel) -> Result<Access, Refusal> {
    Ok(Access {
        kind: channel.access,
        has_password: !app.store.access_password(&channel.id).await?.is_empty(),
        guests: app.store.guests_of(&channel.id).await?,
    })
}

async fn edit(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(edit): Body<AccessEdit>,
) -> Result<Json<Access>, Refusal> {
    caller.may_in(&app, &channel, Action::ManageAccess).await?;
    let hash = match edit.password.as_deref().filter(|password| !password.is_empty()) {
        Some(password) if password.chars().count() < MIN_PASSWORD_CHARS => {
            let detail = format!("A password for viewers has at least {MIN_PASSWORD_CHARS} characters.");
            return Err(Refusal::field("password", "too_short", detail));
        }
        Some(password) => Some(password::hash_any(password).await.map_err(Refusal::password)?),
        None => None,
    };
    if edit.kind == AccessKind::Password && hash.is_none() && app.store.access_password(&channel.id).await?.is_empty() {
        return Err(Refusal::field("password", "empty", "Choose a password for your viewers."));
    }
    if let Some(names) = &edit.guests {
        check::count("guests", names.len(), MAX_GUESTS)?;
        let names: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
        let known = app.store.user_ids(&names).await?;
        if let Some(unknown) = names.iter().find(|name| !known.iter().any(|(known, _)| known == *name)) {
            let unknown: String = unknown.chars().take(50).collect();
            return Err(Refusal::field("guests", "unknown", format!("There is no user {unknown}.")));
        }
        let ids: Vec<String> = known.into_iter().map(|(_, id)| id).collect();
        app.store.set_guests(&channel.id, &ids).await?;
    }
    app.store.set_access(&channel.id, edit.kind, hash.as_deref()).await?;
    let channel = app.store.channel_by_id(&channel.id).await?.ok_or_else(Refusal::not_found)?;
    if let Some(broadcast) = app.hub.get(&channel.name) {
        app.store.set_protected(&broadcast.info.id, channel.protected().is_some()).await?;
        broadcast.protected.send_replace(channel.protected());
    }
    app.rooms.edited(&channel.name);
    app.room_changed(&channel.id).await;
    Ok(Json(describe(&app, &channel).await?))
}

/// Whether the caller may watch without a password.
pub async fn may_watch(app: &App, caller: &Caller, channel: &Channel) -> Result<bool, Refusal> {
    if channel.access == AccessKind::Public || caller.may_in(app, channel, Action::WatchInside).await.is_ok() {
        return Ok(true);
    }
    match caller.known() {
        Some(user) => Ok(app.store.admits(channel, user, now_ms()).await?),
        None => Ok(false),
    }
}

/// Lets in who may watch, or who knows the channel's password.
pub async fn admitted(
    app: &App,
    origin: &Origin,
    caller: &Caller,
    channel: &Channel,
    given_password: &str,
) -> Result<(), Refusal> {
    channels::visible(app, caller, channel).await?;
    let forbidden = |code, detail: &str| Err(Refusal::new(StatusCode::FORBIDDEN, code, detail));
    if !may_watch(app, caller, channel).await? {
        match channel.access {
            AccessKind::Followers => return forbidden("followers_only", "Log in and follow the channel to watch."),
            AccessKind::Private => return forbidden("private", "This channel is for its guests."),
            AccessKind::Password if given_password.is_empty() => {
                return forbidden("password_needed", "This channel needs a password.");
            }
            AccessKind::Password => {
                let key = format!("channel:{}", channel.name);
                app.throttle.logins.attempt(&key, origin.from, now_ms()).map_err(|seconds| {
                    Refusal::too_many("too_many_attempts", "Too many wrong passwords; try again later.", seconds)
                })?;
                let hash = app.store.access_password(&channel.id).await?;
                if !password::verify(given_password, Some(&hash)).await.map_err(Refusal::password)? {
                    return forbidden("wrong_password", "That is not the password.");
                }
                app.throttle.logins.succeeded(&key, origin.from);
            }
            AccessKind::Public => {}
        }
    }
    Ok(())
}

async fn playback(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    InPath(channel): InPath,
    Body(request): Body<PlaybackRequest>,
) -> Result<Json<Playback>, Refusal> {
    admitted(&app, &origin, &caller, &channel, &request.password).await?;
    let live = app.hub.get(&channel.name).filter(|broadcast| {
        let status = broadcast.status.borrow();
        status.playable && status.state != LiveState::Offline
    });
    let Some(broadcast) = live else {
        return Err(Refusal::new(StatusCode::CONFLICT, "offline", "Nothing is on air on this channel."));
    };
    let path = format!("/live/{}/master.m3u8", channel.name);
    let Some(access_revision) = *broadcast.protected.borrow() else {
        return Ok(Json(Playback { url: path, expires_at_ms: None }));
    };
    let expires_at_ms = now_ms() + TICKET_MS;
    let viewer = caller.known().map_or_else(|| origin.from.to_string(), |user| user.id.clone());
    let stage = Stage { broadcast_id: &broadcast.info.id, access_revision };
    let ticket = app.playback_key().await?.sign(stage, &viewer, expires_at_ms);
    Ok(Json(Playback { url: format!("/p/{ticket}{path}"), expires_at_ms: Some(expires_at_ms) }))
}
