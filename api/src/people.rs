//! Who follows a channel, who helps to run it, and who says that something is wrong with it.

use crate::access::may_watch;
use crate::check;
use crate::docs::{Answer, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, InPath, Params};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{
    ChannelRole, Follow, Follower, Page, ReportCreate, Staff, StaffEdit, Standing, WebhookEvent,
};
use rivulet_store::{Channel, User};
use serde_json::json;

const MAX_STAFF: usize = 100;
const MAX_REPORT_CHARS: usize = 1_000;
/// Open reports of one person: enough for a bad day, too few to bury a moderator.
const MAX_OPEN_REPORTS: i64 = 20;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/channels/{name}/me", get_with(standing, op("channel", "Where one stands with a channel")))
        .api_route(
            "/channels/{name}/follow",
            put_with(follow, op("channel", "Follow a channel"))
                .delete_with(unfollow, op("channel", "Unfollow a channel")),
        )
        .api_route("/channels/{name}/followers", get_with(followers, op("channel", "Followers, the newest first")))
        .api_route("/channels/{name}/staff", get_with(staff, op("channel", "Who helps to run a channel")))
        .api_route(
            "/channels/{name}/staff/{username}",
            put_with(set_staff, op("channel", "Let somebody help to run a channel"))
                .delete_with(remove_staff, op("channel", "Take that back")),
        )
        .api_route("/channels/{name}/report", post_with(report, op("channel", "Tell the moderators about a channel")))
}

async fn standing(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Standing>, Refusal> {
    Ok(Json(describe(&app, &caller, &channel).await?))
}

async fn describe(app: &App, caller: &Caller, channel: &Channel) -> Result<Standing, Refusal> {
    let follows = match caller.known() {
        Some(user) => app.store.follows(&user.id, &channel.id).await?,
        None => None,
    };
    Ok(Standing {
        following: follows.is_some(),
        notify: follows == Some(true),
        role: caller.role_in(app, channel).await?,
        may_watch: may_watch(app, caller, channel).await?,
    })
}

async fn follow(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(follow): Body<Follow>,
) -> Result<Json<Standing>, Refusal> {
    let user = caller.may(Action::Follow)?;
    if app.store.follow(&user.id, &channel.id, follow.notify, now_ms()).await? {
        app.rooms.edited(&channel.name);
        let data = json!({"channel": channel.name, "user": user.name, "display_name": user.shown_name()});
        crate::events::happened(&app.store, &channel, WebhookEvent::Follow, data).await?;
        app.person_changed(&user.id).await;
    }
    Ok(Json(describe(&app, &caller, &channel).await?))
}

async fn unfollow(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Standing>, Refusal> {
    let user = caller.may(Action::Follow)?;
    app.store.unfollow(&user.id, &channel.id).await?;
    app.person_changed(&user.id).await;
    app.rooms.edited(&channel.name);
    Ok(Json(describe(&app, &caller, &channel).await?))
}

async fn followers(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<Follower>>, Refusal> {
    caller.may_in(&app, &channel, Action::SeeChannelInside).await?;
    let before = cursor.after().map(|cursor| {
        let parts = cursor.split_once('-').and_then(|(time, id)| Some((time.parse().ok()?, id)));
        parts.ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "bad_cursor", "This is no cursor of this list."))
    });
    let rows = app.store.followers(&channel.id, before.transpose()?, cursor.limit() + 1).await?;
    let Page { items, next } = cursor.page(rows, |(follower, id)| format!("{}-{id}", follower.since_ms));
    Ok(Json(Page { items: items.into_iter().map(|(follower, _)| follower).collect(), next }))
}

async fn staff(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Page<Staff>>, Refusal> {
    caller.may_in(&app, &channel, Action::SeeChannelInside).await?;
    Ok(Json(Page { items: app.store.staff_of(&channel.id).await?, next: None }))
}

async fn named(app: &App, username: &str) -> Result<User, Refusal> {
    let found = app.store.user_by_name(&username.to_ascii_lowercase()).await?;
    found.map(|(user, _)| user).ok_or_else(|| Refusal::field("username", "unknown", "There is no user of this name."))
}

async fn set_staff(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
    Body(edit): Body<StaffEdit>,
) -> Result<Json<Page<Staff>>, Refusal> {
    caller.may_in(&app, &channel, Action::OwnChannel).await?;
    let user = named(&app, &username).await?;
    if edit.role == ChannelRole::Owner || user.id == channel.owner_id {
        let detail = "The owner stays the owner; others are editors or moderators.";
        return Err(Refusal::field("role", "bad_value", detail));
    }
    if app.store.staff_of(&channel.id).await?.len() >= MAX_STAFF {
        let detail = format!("At most {MAX_STAFF} people help to run a channel.");
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many_staff", detail));
    }
    app.store.set_staff(&channel.id, &user.id, edit.role, now_ms()).await?;
    app.person_changed(&user.id).await;
    Ok(Json(Page { items: app.store.staff_of(&channel.id).await?, next: None }))
}

async fn remove_staff(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, username)): Path<(String, String)>,
) -> Result<Json<Page<Staff>>, Refusal> {
    // Anybody may give up what they have themselves.
    let own = caller.may(Action::ChangeAccount).is_ok_and(|user| user.name == username);
    if !own {
        caller.may_in(&app, &channel, Action::OwnChannel).await?;
    }
    let user = named(&app, &username).await?;
    if !app.store.remove_staff(&channel.id, &user.id).await? {
        return Err(Refusal::not_found());
    }
    app.person_changed(&user.id).await;
    let items = if own { vec![] } else { app.store.staff_of(&channel.id).await? };
    Ok(Json(Page { items, next: None }))
}

async fn report(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(report): Body<ReportCreate>,
) -> Result<Answer<(), 202>, Refusal> {
    let user = caller.may(Action::Report)?;
    let text = check::text("text", &report.text, MAX_REPORT_CHARS)?;
    if app.store.open_reports_by(&user.id).await? >= MAX_OPEN_REPORTS {
        return Err(Refusal::too_many("too_many_reports", "Your earlier reports have to be looked at first.", 3600));
    }
    app.store.add_report(&channel.id, &user.id, report.reason, &text, now_ms()).await?;
    Ok(Answer::new(()))
}
