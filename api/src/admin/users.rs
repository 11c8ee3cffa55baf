//! People: found, let in, suspended, given roles; and invites for those who are to come.

use super::{Actor, Target, check_suspension};
use crate::accounts::taken;
use crate::docs::{Answer, Created, Done, op};
use crate::forgotten::LINK_MS;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, Named, Origin, Params, RequestId};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::Json;
use axum::extract::State;
use rivulet_protocol::ChannelName;
use rivulet_protocol::policy::{self, Action};
use rivulet_protocol::rest::{
    Invite, InviteCreate, NewInvite, Page, ResetLink, Role, Suspend, UserCreate, UserEdit, UserRecord, UserState,
    WithReason,
};
use rivulet_store::{Glance, InviteCode, User, UserFilter, UserState as State_, password};
use schemars::JsonSchema;
use serde::Deserialize;

const MAX_USES: u32 = 1000;
const MAX_NOTE_CHARS: usize = 200;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/admin/users",
            get_with(list, op("admin", "Users, by name"))
                .post_with(create, op("admin", "Make an account for somebody")),
        )
        .api_route(
            "/admin/users/{name}",
            get_with(show, op("admin", "A user"))
                .patch_with(edit, op("admin", "Change a user's role"))
                .delete_with(remove, op("admin", "Decline a sign-up, or delete an account")),
        )
        .api_route("/admin/users/{name}/approve", post_with(approve, op("admin", "Let somebody in")))
        .api_route("/admin/users/{name}/suspend", post_with(suspend, op("admin", "Suspend a user")))
        .api_route("/admin/users/{name}/restore", post_with(restore, op("admin", "End a user's suspension")))
        .api_route("/admin/users/{name}/reset-link", post_with(reset_link, op("admin", "A link for a new password")))
        .api_route(
            "/admin/invites",
            get_with(invites, op("admin", "Invites, the newest first"))
                .post_with(invite, op("admin", "Make an invite")),
        )
        .api_route("/admin/invites/{id}", delete_with(uninvite, op("admin", "Take an invite back")))
}

#[derive(Deserialize, JsonSchema)]
struct Search {
    /// What the name begins with.
    #[serde(default)]
    q: String,
    state: Option<UserState>,
    after: Option<String>,
    limit: Option<u32>,
}

fn record(user: &User, glance: Option<Glance>, for_admin: bool) -> UserRecord {
    let suspended = user.suspended(now_ms()).cloned();
    let Glance { channels, last_seen_at_ms } = glance.unwrap_or_default();
    UserRecord {
        id: user.id.clone(),
        username: user.name.clone(),
        display_name: user.shown_name().to_owned(),
        role: user.role,
        state: match (&suspended, user.state) {
            (Some(_), _) => UserState::Suspended,
            (None, State_::Pending) => UserState::Pending,
            (None, _) => UserState::Active,
        },
        // An address is for writing to somebody, which is not what moderators do.
        email: user.email.clone().filter(|_| for_admin),
        second_factor: user.totp.is_some(),
        channels,
        created_at_ms: user.created_at_ms,
        last_seen_at_ms,
        sign_up_reason: user.sign_up_reason.clone(),
        suspended,
    }
}

async fn record_of(app: &App, user: &User, for_admin: bool) -> Result<UserRecord, Refusal> {
    let glance = app.store.at_a_glance(std::slice::from_ref(&user.id)).await?.remove(&user.id);
    Ok(record(user, glance, for_admin))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(search): Params<Search>,
) -> Result<Json<Page<UserRecord>>, Refusal> {
    let cursor = Cursor::new(search.after.as_deref(), search.limit);
    let actor = caller.may(Action::Moderate)?;
    let prefix = search.q.trim().to_ascii_lowercase();
    let filter = UserFilter {
        prefix: &prefix,
        state: match search.state {
            Some(UserState::Active) => Some(State_::Active),
            Some(UserState::Pending) => Some(State_::Pending),
            Some(UserState::Suspended) | None => None,
        },
        suspended_at_ms: (search.state == Some(UserState::Suspended)).then(now_ms),
    };
    let (after, limit) = (cursor.after().unwrap_or(""), cursor.limit());
    let rows = app.store.users_page(filter, after, limit + 1).await?;
    let rows = cursor.page(rows, |user| user.name.clone());
    let ids: Vec<String> = rows.items.iter().map(|user| user.id.clone()).collect();
    let mut glances = app.store.at_a_glance(&ids).await?;
    let for_admin = actor.role == Role::Admin;
    let items = rows.items.iter().map(|user| record(user, glances.remove(&user.id), for_admin));
    Ok(Json(Page { items: items.collect(), next: rows.next }))
}

/// The user that the path names.
async fn named(app: &App, name: &str) -> Result<User, Refusal> {
    let found = app.store.user_by_name(&name.to_ascii_lowercase()).await?;
    found.map(|(user, _)| user).ok_or_else(Refusal::not_found)
}

/// The same for an act: nobody acts on those who are above, or beside, them.
async fn below(app: &App, actor: &Actor<'_>, name: &str) -> Result<User, Refusal> {
    let user = named(app, name).await?;
    match policy::outranks(actor.user.role, user.role) && user.id != actor.user.id {
        true => Ok(user),
        false => Err(Refusal::forbidden()),
    }
}

async fn show(State(app): State<App>, caller: Caller, Named(name): Named) -> Result<Json<UserRecord>, Refusal> {
    let actor = caller.may(Action::Moderate)?;
    Ok(Json(record_of(&app, &named(&app, &name).await?, actor.role == Role::Admin).await?))
}

async fn answer(app: &App, user_id: &str, actor: &Actor<'_>) -> Result<UserRecord, Refusal> {
    record_of(app, &app.fresh(user_id).await?, actor.user.role == Role::Admin).await
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Body(create): Body<UserCreate>,
) -> Result<Created<UserRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let name = ChannelName::parse(&create.username).map_err(|e| Refusal::name("username", e))?;
    let hash = password::hash(&create.password).await.map_err(Refusal::password)?;
    let user = app.store.create_user(&name, &hash, create.role, now_ms()).await.map_err(taken)?;
    actor.log("user.create", Target::user(&user), create.role.as_str()).await?;
    Ok(Answer::new(answer(&app, &user.id, &actor).await?))
}

async fn edit(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(name): Named,
    Body(edit): Body<UserEdit>,
) -> Result<Json<UserRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let user = named(&app, &name).await?;
    if let Some(role) = edit.role.filter(|role| *role != user.role) {
        if user.role == Role::Admin && app.store.admin_count().await? <= 1 {
            return Err(Refusal::conflict("last_admin", "This is the last admin; make somebody else one first."));
        }
        let action = format!("user.role.{}", role.as_str());
        actor.log(&action, Target::user(&user), &edit.reason).await?;
        app.store.set_role(&user.id, role).await?;
        app.person_changed(&user.id).await;
    }
    Ok(Json(answer(&app, &user.id, &actor).await?))
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(name): Named,
    Body(with): Body<WithReason>,
) -> Result<Done, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let user = below(&app, &actor, &name).await?;
    let action = if user.state == State_::Pending { "user.decline" } else { "user.delete" };
    actor.log(action, Target::user(&user), &with.reason).await?;
    app.delete_account(&user).await?;
    Ok(Done::default())
}

async fn approve(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(name): Named,
    Body(with): Body<WithReason>,
) -> Result<Json<UserRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let user = named(&app, &name).await?;
    if user.state == State_::Pending {
        actor.log("user.approve", Target::user(&user), &with.reason).await?;
        app.store.set_state(&user.id, State_::Active).await?;
        if let (Some(mailer), Some(address), Some(url)) = (&app.mailer, &user.email, &app.config.public_url) {
            let instance = app.settings().await?.name;
            let text = format!("Hello {},\n\nyour account at {instance} is ready: {url}\n", user.name);
            mailer.post(address.clone(), format!("Welcome to {instance}"), text);
        }
    }
    Ok(Json(answer(&app, &user.id, &actor).await?))
}

async fn suspend(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(name): Named,
    Body(suspend): Body<Suspend>,
) -> Result<Json<UserRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Moderate)?;
    let user = below(&app, &actor, &name).await?;
    let suspension = check_suspension(&suspend)?;
    actor.log("user.suspend", Target::user(&user), &suspension.reason).await?;
    app.store.suspend_user(&user.id, Some(&suspension)).await?;
    app.person_changed(&user.id).await;
    for channel in app.store.channels_of(&user.id).await? {
        app.cut(&channel.name, "its owner is suspended");
    }
    Ok(Json(answer(&app, &user.id, &actor).await?))
}

async fn restore(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(name): Named,
    Body(with): Body<WithReason>,
) -> Result<Json<UserRecord>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Moderate)?;
    let user = below(&app, &actor, &name).await?;
    actor.log("user.restore", Target::user(&user), &with.reason).await?;
    app.store.suspend_user(&user.id, None).await?;
    app.person_changed(&user.id).await;
    Ok(Json(answer(&app, &user.id, &actor).await?))
}

async fn reset_link(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    id: RequestId,
    Named(name): Named,
) -> Result<Json<ResetLink>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let user = named(&app, &name).await?;
    actor.log("user.reset_link", Target::user(&user), "").await?;
    let ticket = app.reset_ticket(&user, LINK_MS).await?;
    let url = link(&origin, "reset-password", "token", ticket.reveal())?;
    Ok(Json(ResetLink { url, expires_at_ms: now_ms() + LINK_MS }))
}

/// An address of ours to pass on, as the admin's own browser knows it.
fn link(origin: &Origin, page: &str, name: &str, secret: &str) -> Result<String, Refusal> {
    let mut url = origin.site().ok_or_else(Refusal::not_found)?;
    url.set_path(page);
    url.query_pairs_mut().append_pair(name, secret);
    Ok(url.into())
}

async fn invites(
    State(app): State<App>,
    caller: Caller,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<Invite>>, Refusal> {
    caller.may(Action::Administer)?;
    let rows = app.store.invites(cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |invite| invite.id.clone())))
}

async fn invite(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    id: RequestId,
    Body(create): Body<InviteCreate>,
) -> Result<Created<NewInvite>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let (note, now_ms) = (create.note.trim(), now_ms());
    if note.chars().count() > MAX_NOTE_CHARS || note.chars().any(char::is_control) {
        return Err(Refusal::field("note", "too_long", "A note is one line of at most 200 characters."));
    }
    if !(1..=MAX_USES).contains(&create.uses) {
        return Err(Refusal::field("uses", "bad_value", "An invite is good for 1 to 1000 people."));
    }
    if create.expires_at_ms.is_some_and(|end| end <= now_ms) {
        return Err(Refusal::field("expires_at_ms", "bad_value", "The end lies in the past."));
    }
    let code = InviteCode::generate();
    let url = link(&origin, "signup", "invite", code.reveal())?;
    actor.log("invite.create", Target::instance(note), "").await?;
    let hash = code.hash();
    let info = app.store.add_invite(&hash, note, create.uses, actor.user, now_ms, create.expires_at_ms).await?;
    Ok(Answer::new(NewInvite { url, info }))
}

async fn uninvite(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(invite): Named,
) -> Result<Done, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    actor.log("invite.delete", Target { kind: "invite", id: &invite, name: &invite }, "").await?;
    match app.store.delete_invite(&invite).await? {
        true => Ok(Done::default()),
        false => Err(Refusal::not_found()),
    }
}
