//! What moderators and admins see. Who may see what is the API's to say.

use crate::{
    client::Error,
    pages::{self, Admin, AuditFilter, percent_encode},
    server::{App, Visit, not_found, to_login},
};
use axum::{
    Router,
    extract::{Path, Query},
    response::Response,
    routing::get,
};
use http::StatusCode;
use rivulet_protocol::{
    ChannelName,
    rest::{AnnouncementRecord, Category, Emote, Invite, Page, ReportState, UserRecord, UserState},
};
use serde::Deserialize;
use std::sync::Arc;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(overview))
        .route("/admin/users", get(users))
        .route("/admin/users/{name}", get(user))
        .route("/admin/channels", get(channels))
        .route("/admin/sign-ups", get(signups))
        .route("/admin/reports", get(reports))
        .route("/admin/audit", get(audit))
        .route("/admin/settings", get(settings))
        .route("/admin/announcements", get(announcements))
        .route("/admin/categories", get(categories))
        .route("/admin/emotes", get(emotes))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Which {
    q: String,
    state: String,
    actor: String,
    target: String,
    action: String,
    after: String,
}

/// What is not empty, as a query.
fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(name, value)| format!("{name}={}", percent_encode(value))).collect::<Vec<_>>().join("&")
}

async fn admin(visit: &Visit, page: impl Future<Output = Result<Admin, Error>>) -> Response {
    let (visitor, page) = tokio::join!(visit.visitor(), page);
    if visitor.me.is_none() {
        return to_login(&visitor.here);
    }
    match page {
        Ok(page) => visit.page(StatusCode::OK, &visitor, |visitor| pages::admin(visitor, page)),
        Err(error) => visit.failed(&visitor, error),
    }
}

async fn overview(visit: Visit) -> Response {
    admin(&visit, async { Ok(Admin::Overview(Box::new(visit.client.get("admin/overview").await?))) }).await
}

async fn users(visit: Visit, Query(which): Query<Which>) -> Response {
    let state = UserState::parse(&which.state);
    let state_text = state.map(UserState::as_str).unwrap_or_default();
    let query = query(&[("q", which.q.trim()), ("state", state_text), ("after", &which.after)]);
    admin(&visit, async {
        let list = visit.client.get(&format!("admin/users?{query}")).await?;
        Ok(Admin::Users { list, searched: which.q.clone(), state })
    })
    .await
}

async fn user(visit: Visit, Path(name): Path<String>) -> Response {
    // Names of users are made like those of channels; a reserved one is nobody's.
    let Ok(name) = ChannelName::parse(&name) else { return not_found(visit).await };
    admin(&visit, async { Ok(Admin::User(Box::new(visit.client.get(&format!("admin/users/{name}")).await?))) }).await
}

async fn channels(visit: Visit, Query(which): Query<Which>) -> Response {
    let query = query(&[("q", which.q.trim()), ("after", &which.after)]);
    admin(&visit, async {
        let list = visit.client.get(&format!("admin/channels?{query}")).await?;
        Ok(Admin::Channels { list, searched: which.q.clone() })
    })
    .await
}

async fn signups(visit: Visit) -> Response {
    admin(&visit, async {
        let (waiting, invites) = tokio::try_join!(
            visit.client.get::<Page<UserRecord>>("admin/users?state=pending&limit=100"),
            visit.client.get::<Page<Invite>>("admin/invites?limit=100"),
        )?;
        Ok(Admin::SignUps { waiting: waiting.items, invites: invites.items })
    })
    .await
}

async fn reports(visit: Visit, Query(which): Query<Which>) -> Response {
    let state = ReportState::parse(&which.state).unwrap_or(ReportState::Open);
    let query = query(&[("state", state.as_str()), ("after", &which.after)]);
    admin(&visit, async {
        Ok(Admin::Reports { list: visit.client.get(&format!("admin/reports?{query}")).await?, state })
    })
    .await
}

async fn audit(visit: Visit, Query(which): Query<Which>) -> Response {
    let Which { actor, target, action, after, .. } = which;
    let query =
        query(&[("actor", actor.trim()), ("target", target.trim()), ("action", action.trim()), ("after", &after)]);
    admin(&visit, async {
        let list = visit.client.get(&format!("admin/audit?{query}")).await?;
        Ok(Admin::Audit { list, filter: AuditFilter { actor, target, action } })
    })
    .await
}

async fn settings(visit: Visit) -> Response {
    admin(&visit, async { Ok(Admin::Settings(Box::new(visit.client.get("admin/settings").await?))) }).await
}

async fn announcements(visit: Visit) -> Response {
    admin(&visit, async {
        let list = visit.client.get::<Page<AnnouncementRecord>>("admin/announcements?limit=100").await?;
        Ok(Admin::Announcements(list.items))
    })
    .await
}

async fn emotes(visit: Visit) -> Response {
    admin(&visit, async { Ok(Admin::Emotes(visit.client.get::<Page<Emote>>("admin/emotes?limit=100").await?.items)) })
        .await
}

async fn categories(visit: Visit) -> Response {
    admin(&visit, async {
        // The list is for everybody; the page is not.
        visit.client.get::<serde_json::Value>("admin/settings").await?;
        let list = visit.client.get::<Page<Category>>("categories?limit=100").await?;
        Ok(Admin::Categories(list.items))
    })
    .await
}
