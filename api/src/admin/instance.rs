//! The instance itself: its settings, what it tells everybody, what was done to it, how it fares.

use super::{Actor, Target};
use crate::docs::{Answer, Created, Done, op};
use crate::picture::Kind;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, Named, Params, RequestId};
use crate::{App, Shared, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, put_with};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use rivulet_hub::Broadcast;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{
    Announcement, AnnouncementCreate, AnnouncementRecord, AuditEntry, InstanceSettings, LiveNow, Overview, Page,
    Storage,
};
use rivulet_store::{AuditFilter, Picture, UserState};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const TAKE_STOCK_EVERY: Duration = Duration::from_secs(60);
const MAX_NAME_CHARS: usize = 50;
const MAX_TEXT_CHARS: usize = 300;
const MAX_RETENTION_HOURS: u32 = 10 * 365 * 24;
const MAX_LADDER_CHARS: usize = 200;
const MAX_CHANNELS: u32 = 1000;
/// A quality that nobody has asked for since is not encoded.
const WARM: Duration = Duration::from_secs(30);

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/admin/overview", get_with(overview, op("admin", "How the instance fares")))
        .api_route(
            "/admin/settings",
            get_with(settings, op("admin", "Settings of the instance"))
                .put_with(set_settings, op("admin", "Set the settings of the instance")),
        )
        .api_route(
            "/admin/logo",
            put_with(set_logo, op("admin", "The instance's logo"))
                .delete_with(no_logo, op("admin", "No logo"))
                .layer(crate::pictures::body_limit()),
        )
        .api_route(
            "/admin/announcements",
            get_with(announcements, op("admin", "Announcements, with those that are over"))
                .post_with(announce, op("admin", "Tell everybody something")),
        )
        .api_route("/admin/announcements/{id}", delete_with(unannounce, op("admin", "Take an announcement back")))
        .api_route("/admin/audit", get_with(audit, op("admin", "What was done, the newest first")))
}

async fn overview(State(app): State<App>, caller: Caller) -> Result<Json<Overview>, Refusal> {
    caller.may(Action::Administer)?;
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    let usage = app.usage.borrow().clone();
    let disk = app.config.data.as_deref().and_then(disk);
    let mut live: Vec<LiveNow> = app.hub.list().iter().map(|broadcast| live_now(&app, broadcast)).collect();
    live.sort_by(|a, b| b.viewers.cmp(&a.viewers).then_with(|| a.channel.cmp(&b.channel)));
    let names: Vec<String> = live.iter().map(|live| live.channel.clone()).collect();
    for channel in app.store.channels_by_names(&names).await? {
        if let Some(live) = live.iter_mut().find(|live| live.channel == channel.name) {
            live.title = channel.title;
        }
    }
    Ok(Json(Overview {
        version: env!("CARGO_PKG_VERSION").into(),
        users: count(app.store.user_count(UserState::Active).await?),
        pending_users: count(app.store.user_count(UserState::Pending).await?),
        channels: count(usage.channels),
        open_reports: count(app.store.open_reports().await?),
        live,
        storage: Storage {
            recorded_bytes: count(usage.recorded_bytes),
            recorded_broadcasts: count(usage.recorded_broadcasts),
            picture_bytes: count(usage.picture_bytes),
            disk_free_bytes: disk.map(|(free, _)| free),
            disk_bytes: disk.map(|(_, all)| all),
        },
    }))
}

/// Counts what takes a look at whole tables: too much for a page that somebody waits for.
pub async fn take_stock(app: &Shared, shutdown: &CancellationToken) {
    let mut every = tokio::time::interval(TAKE_STOCK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = every.tick() => match app.store.usage().await {
                Ok(usage) => drop(app.usage.send_replace(usage)),
                Err(error) => tracing::warn!(%error, "what is stored cannot be counted"),
            },
        }
    }
}

fn live_now(app: &Shared, broadcast: &Broadcast) -> LiveNow {
    let channel = broadcast.info.channel.clone();
    let elapsed_ms = now_ms().saturating_sub(broadcast.info.started_at_ms).max(1);
    let cpu_ms = broadcast.metrics.worker_cpu_ms.load(Ordering::Relaxed);
    let video = broadcast.status.borrow().ingest.video.clone();
    let source = video.map_or_else(String::new, |v| {
        format!("{}x{} {} fps {} kb/s", v.width, v.height, v.fps_milli.div_ceil(1000), v.bitrate_kbps)
    });
    LiveNow {
        title: String::new(),
        started_at_ms: broadcast.info.started_at_ms,
        viewers: app.rooms.watching(&channel).saturating_add(*broadcast.players.borrow()),
        source,
        rungs: broadcast.demand.wanted(WARM).into_iter().collect(),
        // Over its whole time: what it costs to have it.
        cpu_percent: u32::try_from(cpu_ms.saturating_mul(100) / elapsed_ms.unsigned_abs()).unwrap_or(u32::MAX),
        channel,
    }
}

/// Free bytes and all.
fn disk(path: &Path) -> Option<(u64, u64)> {
    let disk = nix::sys::statvfs::statvfs(path).ok()?;
    let block = disk.fragment_size();
    Some((disk.blocks_available().saturating_mul(block), disk.blocks().saturating_mul(block)))
}

async fn settings(State(app): State<App>, caller: Caller) -> Result<Json<InstanceSettings>, Refusal> {
    caller.may(Action::Administer)?;
    Ok(Json(app.settings().await?))
}

async fn set_settings(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Body(settings): Body<InstanceSettings>,
) -> Result<Json<InstanceSettings>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let name = settings.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Refusal::field("name", "bad_name", "A name is one line of 1 to 50 characters."));
    }
    if settings.retention_hours > MAX_RETENTION_HOURS {
        return Err(Refusal::field("retention_hours", "bad_value", "At most ten years; 0 keeps them for ever."));
    }
    if settings.max_channels_per_user > MAX_CHANNELS {
        return Err(Refusal::field("max_channels_per_user", "bad_value", "At most 1000."));
    }
    if settings.ladder.len() > MAX_LADDER_CHARS || !(app.config.check_ladder)(&settings.ladder) {
        return Err(Refusal::field("ladder", "bad_value", "Qualities are SHORT_SIDE:KBPS, such as 720:2800,480:1400."));
    }
    let settings = InstanceSettings { name, ..settings };
    let text = serde_json::to_string(&settings).unwrap_or_default();
    actor.log("instance.settings", Target::instance("settings"), "").await?;
    app.store.set_instance_value("settings", &text).await?;
    Ok(Json(settings))
}

async fn set_logo(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    file: Bytes,
) -> Result<Json<InstanceSettings>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    // It is the instance's, and outlives the account of whoever put it up.
    let picture = app.put_picture(file, Kind::Logo, "").await?;
    actor.log("instance.logo", Target::instance("logo"), "").await?;
    replace_logo(&app, &picture.to_string()).await
}

async fn no_logo(State(app): State<App>, caller: Caller, id: RequestId) -> Result<Json<InstanceSettings>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    actor.log("instance.logo", Target::instance("no logo"), "").await?;
    replace_logo(&app, "").await
}

async fn replace_logo(app: &App, text: &str) -> Result<Json<InstanceSettings>, Refusal> {
    let old = app.store.instance_value("logo").await?.and_then(|text| Picture::parse(&text));
    app.store.set_instance_value("logo", text).await?;
    app.drop_picture(old.as_ref()).await;
    Ok(Json(app.settings().await?))
}

async fn announcements(
    State(app): State<App>,
    caller: Caller,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<AnnouncementRecord>>, Refusal> {
    caller.may(Action::Administer)?;
    let rows = app.store.announcements(cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |record| record.announcement.id.clone())))
}

async fn announce(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Body(create): Body<AnnouncementCreate>,
) -> Result<Created<Announcement>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let (text, now_ms) = (create.text.trim(), now_ms());
    if text.is_empty() || text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
        return Err(Refusal::field("text", "bad_value", "An announcement is one line of 1 to 300 characters."));
    }
    if create.until_ms.is_some_and(|until| until <= now_ms) {
        return Err(Refusal::field("until_ms", "bad_value", "The end lies in the past."));
    }
    actor.log("announcement.create", Target::instance("announcements"), text).await?;
    let made = app.store.add_announcement(text, create.urgent, create.until_ms, &actor.user.name, now_ms).await?;
    Ok(Answer::new(made))
}

async fn unannounce(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(announcement): Named,
) -> Result<Done, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let target = Target { kind: "announcement", id: &announcement, name: &announcement };
    actor.log("announcement.delete", target, "").await?;
    match app.store.delete_announcement(&announcement).await? {
        true => Ok(Done::default()),
        false => Err(Refusal::not_found()),
    }
}

#[derive(Deserialize, JsonSchema)]
struct Filter {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    action: String,
    after: Option<String>,
    limit: Option<u32>,
}

async fn audit(
    State(app): State<App>,
    caller: Caller,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<AuditEntry>>, Refusal> {
    let cursor = Cursor::new(filter.after.as_deref(), filter.limit);
    caller.may(Action::Moderate)?;
    let rows = AuditFilter { actor: &filter.actor, target: &filter.target, action: &filter.action };
    let rows = app.store.audit_page(rows, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |entry| entry.id.clone())))
}
