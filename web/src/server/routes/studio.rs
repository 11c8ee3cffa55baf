//! The dashboard: what a person's channels are run with.

use crate::{
    client::Error,
    pages::{self, ChatAdmin, Chatting, Dashboard, Desk, Studio, percent_encode},
    server::{App, Visit, not_found, to_login},
};
use axum::{
    Router,
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use rivulet_protocol::{
    ChannelName,
    rest::{
        About, Access, BroadcastInfo, Category, Channel, ChannelRole, ChatSettings, Delivery, Follower, GoLive, Page,
        Schedule, Settings, Shield, Staff, Standing, StreamKeyInfo, ViewerSample, Webhook,
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::Arc;

const SCHEDULE_DAYS: u32 = 28;
/// Pages of a hundred measurements that a plot is made of.
const MAX_SAMPLE_PAGES: u32 = 20;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard", get(first))
        .route("/dashboard/{channel}", get(golive))
        .route("/dashboard/{channel}/profile", get(profile))
        .route("/dashboard/{channel}/panels", get(panels))
        .route("/dashboard/{channel}/schedule", get(schedule))
        .route("/dashboard/{channel}/keys", get(keys))
        .route("/dashboard/{channel}/people", get(people))
        .route("/dashboard/{channel}/access", get(access))
        .route("/dashboard/{channel}/webhooks", get(webhooks))
        .route("/dashboard/{channel}/webhooks/{id}", get(webhook))
        .route("/dashboard/{channel}/chat", get(chat))
        .route("/dashboard/{channel}/chat/rules", get(chat_rules))
        .route("/dashboard/{channel}/chat/emotes", get(chat_pictures))
        .route("/dashboard/{channel}/chat/extras", get(chat_extras))
        .route("/dashboard/{channel}/moderation", get(moderation))
        .route("/dashboard/{channel}/moderation/{user}", get(chatter))
        .route("/dashboard/{channel}/broadcasts", get(broadcasts))
        .route("/dashboard/{channel}/broadcasts/{id}", get(broadcast))
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

impl After {
    fn query(&self) -> String {
        self.after.as_ref().map(|after| format!("?after={}", percent_encode(after))).unwrap_or_default()
    }
}

/// The person's first channel, or the form that makes it.
async fn first(visit: Visit) -> Response {
    let visitor = visit.visitor().await;
    let Some(me) = &visitor.me else { return to_login(&visitor.here) };
    match me.channels.first().or(me.helps.first()) {
        Some(name) => Redirect::to(&format!("/dashboard/{name}")).into_response(),
        None => {
            let name = me.username.clone();
            visit.page(StatusCode::OK, &visitor, |visitor| pages::create_channel(visitor, name))
        }
    }
}

/// What the API has below a channel.
struct Of<'a> {
    visit: &'a Visit,
    name: ChannelName,
}

impl Of<'_> {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.visit.client.get(&format!("channels/{}{path}", self.name)).await
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Error> {
        Ok(self.get::<Page<T>>(&format!("{path}?limit=100")).await?.items)
    }
}

/// The page of the channel `name` that `make` asks the API for.
async fn studio(visit: &Visit, name: &str, make: impl AsyncFnOnce(&Of<'_>) -> Result<Studio, Error>) -> Response {
    let visitor = visit.visitor().await;
    if visitor.me.is_none() {
        return to_login(&visitor.here);
    }
    let Ok(name) = ChannelName::parse(name) else {
        return visit.page(StatusCode::NOT_FOUND, &visitor, pages::not_found);
    };
    let of = Of { visit, name };
    let standing = async {
        let (channel, standing) = tokio::try_join!(of.get::<Channel>(""), of.get::<Standing>("/me"))?;
        Ok::<_, Error>((channel, standing.role))
    };
    let answer = match standing.await {
        // A moderator has no encoder to look after.
        Ok((channel, Some(ChannelRole::Moderator)))
            if visitor.here.split('?').next() == Some(&format!("/dashboard/{}", channel.name)) =>
        {
            return Redirect::to(&format!("/dashboard/{}/moderation", channel.name)).into_response();
        }
        Ok((channel, role)) => make(&of).await.map(|page| Dashboard { channel, role, page }),
        Err(error) => Err(error),
    };
    match answer {
        Ok(page) => visit.page(StatusCode::OK, &visitor, |visitor| pages::dashboard(visitor, page)),
        Err(error) => visit.failed(&visitor, error),
    }
}

async fn golive(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| {
        let page = tokio::try_join!(of.get::<GoLive>("/golive"), of.get::<Settings>("/settings"))?;
        Ok(Studio::GoLive(Box::new(page)))
    })
    .await
}

/// Those to choose from.
async fn categories(visit: &Visit) -> Result<Vec<Category>, Error> {
    Ok(visit.client.get::<Page<Category>>("categories?limit=100").await?.items)
}

async fn profile(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| {
        let (about, categories) = tokio::try_join!(of.get::<About>("/about"), categories(of.visit))?;
        Ok(Studio::Profile(Box::new(about), categories))
    })
    .await
}

async fn panels(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| Ok(Studio::Panels(Box::new(of.get("/about").await?)))).await
}

async fn schedule(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| {
        let path = format!("/schedule?days={SCHEDULE_DAYS}");
        let (schedule, categories) = tokio::try_join!(of.get::<Schedule>(&path), categories(of.visit))?;
        Ok(Studio::Schedule(schedule, categories))
    })
    .await
}

async fn keys(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| Ok(Studio::Keys(of.list::<StreamKeyInfo>("/keys").await?))).await
}

async fn people(visit: Visit, Path(name): Path<String>, Query(after): Query<After>) -> Response {
    studio(&visit, &name, async |of| {
        let followers = format!("/followers{}", after.query());
        let (staff, followers) = tokio::try_join!(of.list::<Staff>("/staff"), of.get::<Page<Follower>>(&followers))?;
        Ok(Studio::People(staff, followers))
    })
    .await
}

async fn access(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| Ok(Studio::Access(of.get::<Access>("/access").await?))).await
}

async fn webhooks(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| Ok(Studio::Webhooks(of.list("/webhooks").await?))).await
}

async fn webhook(visit: Visit, Path((name, id)): Path<(String, String)>) -> Response {
    if !is_id(&id) {
        return not_found(visit).await;
    }
    studio(&visit, &name, async |of| {
        let deliveries = format!("/webhooks/{id}/deliveries");
        let (all, deliveries) = tokio::try_join!(of.list::<Webhook>("/webhooks"), of.list::<Delivery>(&deliveries))?;
        let found = all.into_iter().find(|webhook| webhook.id == id);
        Ok(Studio::Webhook(found.ok_or_else(Error::absent)?, deliveries))
    })
    .await
}

async fn broadcasts(visit: Visit, Path(name): Path<String>, Query(after): Query<After>) -> Response {
    let path = format!("/broadcasts{}", after.query());
    studio(&visit, &name, async |of| Ok(Studio::Broadcasts(of.get(&path).await?))).await
}

async fn broadcast(visit: Visit, Path((name, id)): Path<(String, String)>) -> Response {
    if !is_id(&id) {
        return not_found(visit).await;
    }
    studio(&visit, &name, async |of| {
        let path = format!("/broadcasts/{id}");
        let info = of.get::<BroadcastInfo>(&path).await?;
        let mut samples = Vec::new();
        let mut after = String::new();
        for _ in 0..MAX_SAMPLE_PAGES {
            let page = of.get::<Page<ViewerSample>>(&format!("{path}/viewers?limit=100{after}")).await?;
            samples.extend(page.items);
            let Some(next) = page.next else { break };
            after = format!("&after={}", percent_encode(&next));
        }
        Ok(Studio::Broadcast(Box::new(info), samples))
    })
    .await
}

async fn chat(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| {
        let both = tokio::try_join!(of.get::<ChatSettings>("/chat/settings"), of.get::<Shield>("/chat/shield"))?;
        Ok(Studio::Chat(ChatAdmin::Settings(Box::new(both))))
    })
    .await
}

async fn chat_rules(visit: Visit, Path(name): Path<String>, Query(after): Query<After>) -> Response {
    studio(&visit, &name, async |of| {
        let bans = format!("/chat/bans{}", after.query());
        let (terms, bans, networks) =
            tokio::try_join!(of.list("/chat/terms"), of.get(&bans), of.list("/chat/networks"))?;
        Ok(Studio::Chat(ChatAdmin::Rules(terms, bans, networks)))
    })
    .await
}

async fn chat_pictures(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| {
        let (emotes, badges) = tokio::try_join!(of.list("/chat/emotes"), of.list("/chat/badges"))?;
        Ok(Studio::Chat(ChatAdmin::Pictures(emotes, badges)))
    })
    .await
}

async fn chat_extras(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| {
        let (commands, polls) = tokio::try_join!(of.list("/chat/commands"), of.list("/polls"))?;
        Ok(Studio::Chat(ChatAdmin::Extras(commands, polls)))
    })
    .await
}

async fn moderation(visit: Visit, Path(name): Path<String>) -> Response {
    studio(&visit, &name, async |of| {
        let (channel, standing, room) = tokio::try_join!(of.get(""), of.get("/me"), of.get("/chat"))?;
        let (held, requests, actions) =
            tokio::try_join!(of.list("/chat/held"), of.list("/chat/unban-requests"), of.list("/chat/actions"))?;
        let chatting = Chatting { channel, room, standing: Some(standing) };
        Ok(Studio::Moderation(Box::new(Desk { chatting, held, requests, actions })))
    })
    .await
}

async fn chatter(visit: Visit, Path((name, user)): Path<(String, String)>) -> Response {
    if !is_id(&user) {
        return not_found(visit).await;
    }
    let path = format!("/chat/users/{user}");
    studio(&visit, &name, async |of| Ok(Studio::Chatter(Box::new(of.get(&path).await?)))).await
}

/// What becomes a part of an API path is an id and nothing else.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
