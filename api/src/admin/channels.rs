//! Channels: found, given, taken over, suspended, stopped; and what people report of them.

use super::{Actor, Target, check_reason, check_suspension};
use crate::docs::{Answer, Created, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, InPath, Named, Params, RequestId};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, patch_with, post_with, put_with};
use axum::Json;
use axum::extract::State;
use rivulet_protocol::ChannelName;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{
    ChannelGive, ChannelLimits, ChannelRecord, ChannelTransfer, Page, Report, ReportState, Resolve, Suspend, WithReason,
};
use rivulet_store::{StoreError, User};
use schemars::JsonSchema;
use serde::Deserialize;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/admin/channels",
            get_with(list, op("admin", "Channels, by name"))
                .post_with(give, op("admin", "Make a channel for somebody")),
        )
        .api_route("/admin/channels/{name}", patch_with(transfer, op("admin", "Give a channel to somebody else")))
        .api_route("/admin/channels/{name}/suspend", post_with(suspend, op("admin", "Suspend a channel")))
        .api_route("/admin/channels/{name}/restore", post_with(restore, op("admin", "End a channel's suspension")))
        .api_route("/admin/channels/{name}/limits", put_with(limits, op("admin", "Say what a channel may have")))
        .api_route("/admin/channels/{name}/stop", post_with(stop, op("admin", "End what is live")))
        .api_route("/admin/reports", get_with(reports, op("admin", "What people report, the oldest first")))
        .api_route("/admin/reports/{id}/resolve", post_with(resolve, op("admin", "Close a report")))
}

#[derive(Deserialize, JsonSchema)]
struct Search {
    /// What the name begins with.
    #[serde(default)]
    q: String,
    after: Option<String>,
    limit: Option<u32>,
}

fn shown(app: &App, record: ChannelRecord) -> ChannelRecord {
    let now_ms = now_ms();
    ChannelRecord {
        live: app.hub.get(&record.name).is_some(),
        display_name: if record.display_name.is_empty() { record.name.clone() } else { record.display_name },
        suspended: record.suspended.filter(|suspension| suspension.until_ms.is_none_or(|until| now_ms < until)),
        ..record
    }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(search): Params<Search>,
) -> Result<Json<Page<ChannelRecord>>, Refusal> {
    let cursor = Cursor::new(search.after.as_deref(), search.limit);
    caller.may(Action::Moderate)?;
    let prefix = search.q.trim().to_ascii_lowercase();
    let (after, limit) = (cursor.after().unwrap_or(""), cursor.limit());
    let rows = app.store.channel_records(&prefix, after, limit + 1).await?;
    let Page { items, next } = cursor.page(rows, |record| record.name.clone());
    Ok(Json(Page { items: items.into_iter().map(|record| shown(&app, record)).collect(), next }))
}

async fn answer(app: &App, channel_id: &str) -> Result<ChannelRecord, Refusal> {
    let record = app.store.channel_record(channel_id).await?.ok_or_else(Refusal::not_found)?;
    Ok(shown(app, record))
}

/// Somebody who is to own a channel.
async fn owner(app: &App, name: &str) -> Result<User, Refusal> {
    let found = app.store.user_by_name(&name.trim().to_ascii_lowercase()).await?;
    let unknown = || Refusal::field("owner", "unknown", "There is no user of this name.");
    found.map(|(user, _)| user).ok_or_else(unknown)
}

async fn give(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Body(give): Body<ChannelGive>,
) -> Result<Created<ChannelRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let name = ChannelName::parse(&give.name).map_err(|e| Refusal::name("name", e))?;
    let owner = owner(&app, &give.owner).await?;
    let channel = app.store.create_channel(&name, &owner.id, "", now_ms()).await.map_err(|e| match e {
        StoreError::Taken => Refusal::taken("name"),
        e => e.into(),
    })?;
    actor.log("channel.give", Target::channel(&channel), &owner.name).await?;
    Ok(Answer::new(answer(&app, &channel.id).await?))
}

async fn transfer(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(transfer): Body<ChannelTransfer>,
) -> Result<Json<ChannelRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let owner = owner(&app, &transfer.owner).await?;
    let reason = format!("to {}: {}", owner.name, check_reason(&transfer.reason)?);
    actor.log("channel.transfer", Target::channel(&channel), reason.trim_end_matches([':', ' '])).await?;
    app.store.transfer_channel(&channel.id, &owner.id).await?;
    app.person_changed(&channel.owner_id).await;
    app.person_changed(&owner.id).await;
    app.cut(&channel.name, "the channel has another owner");
    Ok(Json(answer(&app, &channel.id).await?))
}

async fn suspend(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(suspend): Body<Suspend>,
) -> Result<Json<ChannelRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Moderate)?;
    let suspension = check_suspension(&suspend)?;
    actor.log("channel.suspend", Target::channel(&channel), &suspension.reason).await?;
    app.store.suspend_channel(&channel.id, Some(&suspension)).await?;
    app.room_changed(&channel.id).await;
    app.cut(&channel.name, "the channel is suspended");
    app.rooms.edited(&channel.name);
    Ok(Json(answer(&app, &channel.id).await?))
}

async fn restore(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(with): Body<WithReason>,
) -> Result<Json<ChannelRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Moderate)?;
    actor.log("channel.restore", Target::channel(&channel), &with.reason).await?;
    app.store.suspend_channel(&channel.id, None).await?;
    app.room_changed(&channel.id).await;
    app.rooms.edited(&channel.name);
    Ok(Json(answer(&app, &channel.id).await?))
}

async fn stop(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(with): Body<WithReason>,
) -> Result<Json<ChannelRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Moderate)?;
    actor.log("channel.stop", Target::channel(&channel), &with.reason).await?;
    let reason = check_reason(&with.reason)?;
    app.cut(&channel.name, if reason.is_empty() { "a moderator has ended it" } else { reason });
    Ok(Json(answer(&app, &channel.id).await?))
}

/// The least and the most of each limit.
fn check_limits(limits: &ChannelLimits) -> Result<(), Refusal> {
    let fields = [
        ("max_side", limits.max_side, 16..=8_192),
        ("max_fps", limits.max_fps, 1..=240),
        ("max_kbps", limits.max_kbps, 50..=200_000),
        ("max_minutes", limits.max_minutes, 1..=60 * 24 * 366),
        ("quota_mib", limits.quota_mib, 0..=u32::MAX),
    ];
    let wrong = fields.into_iter().find(|(_, value, range)| value.is_some_and(|value| !range.contains(&value)));
    wrong.map_or(Ok(()), |(field, _, range)| {
        let detail = format!("Between {} and {}, or nothing.", range.start(), range.end());
        Err(Refusal::field(field, "bad_value", detail))
    })
}

async fn limits(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(limits): Body<ChannelLimits>,
) -> Result<Json<ChannelRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    check_limits(&limits)?;
    actor.log("channel.limits", Target::channel(&channel), &serde_json::to_string(&limits).unwrap_or_default()).await?;
    app.store.set_channel_limits(&channel.id, &limits).await?;
    Ok(Json(answer(&app, &channel.id).await?))
}

#[derive(Deserialize, JsonSchema)]
struct Queue {
    /// Open ones, where it is absent.
    state: Option<ReportState>,
    after: Option<String>,
    limit: Option<u32>,
}

async fn reports(
    State(app): State<App>,
    caller: Caller,
    Params(queue): Params<Queue>,
) -> Result<Json<Page<Report>>, Refusal> {
    let cursor = Cursor::new(queue.after.as_deref(), queue.limit);
    caller.may(Action::Moderate)?;
    let state = queue.state.unwrap_or(ReportState::Open);
    let rows = app.store.reports(state, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |report| report.id.clone())))
}

async fn resolve(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(report): Named,
    Body(resolve): Body<Resolve>,
) -> Result<Json<Report>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Moderate)?;
    if resolve.state == ReportState::Open {
        return Err(Refusal::field("state", "bad_value", "A report is closed as acted or dismissed."));
    }
    let note = check_reason(&resolve.note).map_err(|refusal| refusal.at("note"))?;
    let action = format!("report.{}", resolve.state.as_str());
    actor.log(&action, Target { kind: "report", id: &report, name: &report }, note).await?;
    let resolved = app.store.resolve_report(&report, resolve.state, note, &actor.user.id).await?;
    resolved.map(Json).ok_or_else(Refusal::not_found)
}
