//! Lists of channels, and their pages.

use crate::{
    client::Error,
    pages::{self, ChannelHead, ChatShown, Home, Narrowed, Tab, percent_encode},
    server::{App, Visit, not_found, to_login},
};
use axum::{
    Router,
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{StatusCode, header};
use rivulet_protocol::{
    ChannelName,
    rest::{About, AccessKind, BroadcastInfo, Category, Channel, Channels, ChatRoom, Found, Page, Schedule, Standing},
};
use serde::Deserialize;
use std::sync::Arc;

/// Of the front page's line of categories.
const CATEGORIES: u32 = 12;
/// How far the schedule of a channel is shown.
const SCHEDULE_DAYS: u32 = 28;
/// Entries of a channel's feed.
const FEED_ITEMS: u32 = 30;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route("/categories", get(categories))
        .route("/categories/{slug}", get(category))
        .route("/followed", get(followed))
        .route("/search", get(search))
        .route("/embed/{channel}", get(embed))
        .route("/{channel}", get(channel))
        .route("/{channel}/about", get(about))
        .route("/{channel}/schedule", get(schedule))
        .route("/{channel}/videos", get(videos))
        .route("/{channel}/feed.xml", get(feed))
}

#[derive(Default, Deserialize)]
struct Which {
    after: Option<String>,
    tag: Option<String>,
    language: Option<String>,
}

impl Which {
    /// As a query of the API.
    fn query(&self, category: Option<&str>) -> String {
        let pairs = [
            ("category", category),
            ("tag", self.tag.as_deref()),
            ("language", self.language.as_deref()),
            ("after", self.after.as_deref()),
        ];
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", percent_encode(value?))));
        pairs.collect::<Vec<_>>().join("&")
    }
}

async fn home(visit: Visit, Query(which): Query<Which>) -> Response {
    let query = which.query(None);
    let address = format!("categories?limit={CATEGORIES}");
    let (visitor, list, categories) =
        tokio::join!(visit.visitor(), visit.client.channels(&query), visit.client.get::<Page<Category>>(&address));
    let followed = match visitor.me.is_some() && query.is_empty() {
        true => {
            visit.client.get::<Channels>("me/follows?live=true").await.map(|list| list.channels).unwrap_or_default()
        }
        false => Vec::new(),
    };
    let narrowed = which.tag.map(Narrowed::Tag).or(which.language.map(Narrowed::Language));
    match list {
        Ok(list) => {
            // The list of channels is the page; it does without the rest.
            let categories = categories.map(|page| page.items).unwrap_or_default();
            let page = Home { list, query, narrowed, categories, followed };
            visit.page(StatusCode::OK, &visitor, |visitor| pages::home(visitor, page))
        }
        Err(error) => visit.failed(&visitor, error),
    }
}

async fn categories(visit: Visit) -> Response {
    let (visitor, list) = tokio::join!(visit.visitor(), visit.client.get::<Page<Category>>("categories?limit=100"));
    match list {
        Ok(list) => visit.page(StatusCode::OK, &visitor, |visitor| pages::categories(visitor, list.items)),
        Err(error) => visit.failed(&visitor, error),
    }
}

async fn category(visit: Visit, Path(slug): Path<String>, Query(which): Query<Which>) -> Response {
    let query = which.query(Some(&slug));
    let address = format!("categories/{}", percent_encode(&slug).replace('/', "%2F"));
    let (visitor, category, list) =
        tokio::join!(visit.visitor(), visit.client.get::<Category>(&address), visit.client.channels(&query));
    match category.and_then(|category| Ok((category, list?))) {
        Ok((category, list)) => {
            let narrowed = Some(Narrowed::Category(category));
            let page = Home { list, query, narrowed, categories: Vec::new(), followed: Vec::new() };
            visit.page(StatusCode::OK, &visitor, |visitor| pages::home(visitor, page))
        }
        Err(error) => visit.failed(&visitor, error),
    }
}

async fn followed(visit: Visit, Query(which): Query<Which>) -> Response {
    let address = format!("me/follows?{}", which.query(None));
    let (visitor, list) = tokio::join!(visit.visitor(), visit.client.get::<Channels>(&address));
    match list {
        Ok(list) => visit.page(StatusCode::OK, &visitor, |visitor| pages::followed(visitor, list)),
        Err(error) => visit.failed(&visitor, error),
    }
}

#[derive(Deserialize)]
struct Searched {
    #[serde(default)]
    q: String,
}

async fn search(visit: Visit, Query(Searched { q }): Query<Searched>) -> Response {
    let text: String = q.trim().chars().take(100).collect();
    let visitor = visit.visitor().await;
    if text.is_empty() {
        return visit.page(StatusCode::OK, &visitor, |visitor| pages::search(visitor, "", None));
    }
    match visit.client.get::<Found>(&format!("search?q={}", percent_encode(&text))).await {
        Ok(found) => visit.page(StatusCode::OK, &visitor, |visitor| pages::search(visitor, &text, Some(found))),
        Err(error) => visit.failed(&visitor, error),
    }
}

/// What is at `rest` of the channel's address: `/{channel}` itself where that is empty.
pub async fn of_channel(
    visit: &Visit,
    name: &str,
    rest: &str,
) -> Result<(pages::Visitor, Channel, Option<Standing>), Response> {
    let valid = match ChannelName::parse(name) {
        Ok(valid) => valid,
        Err(_) => {
            let visitor = visit.visitor().await;
            return Err(visit.page(StatusCode::NOT_FOUND, &visitor, pages::not_found));
        }
    };
    if valid.as_str() != name {
        return Err(Redirect::permanent(&format!("/{valid}{rest}")).into_response());
    }
    let address = format!("channels/{valid}");
    let (visitor, channel) = tokio::join!(visit.visitor(), visit.client.get::<Channel>(&address));
    let channel = match channel {
        Ok(channel) => channel,
        Err(error) => return Err(visit.failed(&visitor, error)),
    };
    // A guest stands nowhere, and a page without it is still a page.
    let standing = match visitor.me {
        Some(_) => visit.client.get::<Standing>(&format!("channels/{valid}/me")).await.ok(),
        None => None,
    };
    Ok((visitor, channel, standing))
}

async fn channel(visit: Visit, Path(name): Path<String>) -> Response {
    match of_channel(&visit, &name, "").await {
        Ok((visitor, channel, standing)) => {
            // The page is there to watch; where the chat cannot be read it does without.
            let room = visit.client.get::<ChatRoom>(&format!("channels/{}/chat", channel.name)).await;
            let room = match room {
                Ok(room) => ChatShown::Room(Box::new(room)),
                Err(_) if channel.access == AccessKind::Password => ChatShown::AfterPassword,
                Err(_) => ChatShown::Not,
            };
            visit.page(StatusCode::OK, &visitor, |visitor| {
                pages::channel(visitor, ChannelHead { channel, standing }, room)
            })
        }
        Err(response) => response,
    }
}

/// One of the channel's tabs, with what the API has at `path` below the channel.
async fn tab<T: serde::de::DeserializeOwned>(
    visit: &Visit,
    name: &str,
    rest: &str,
    path: &str,
    tab: impl FnOnce(T) -> Tab,
) -> Response {
    let (visitor, channel, standing) = match of_channel(visit, name, rest).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match visit.client.get::<T>(&format!("channels/{}/{path}", channel.name)).await {
        Ok(found) => {
            let (head, tab) = (ChannelHead { channel, standing }, tab(found));
            visit.page(StatusCode::OK, &visitor, |visitor| pages::channel_tab(visitor, head, tab))
        }
        Err(error) => visit.failed(&visitor, error),
    }
}

async fn about(visit: Visit, Path(name): Path<String>) -> Response {
    tab::<About>(&visit, &name, "/about", "about", |about| Tab::About(Box::new(about))).await
}

async fn schedule(visit: Visit, Path(name): Path<String>) -> Response {
    let path = format!("schedule?days={SCHEDULE_DAYS}");
    tab::<Schedule>(&visit, &name, "/schedule", &path, Tab::Schedule).await
}

async fn videos(visit: Visit, Path(name): Path<String>, Query(which): Query<Which>) -> Response {
    let path = format!("broadcasts?{}", which.query(None));
    tab::<Page<BroadcastInfo>>(&visit, &name, "/videos", &path, Tab::Videos).await
}

/// The player alone, for a frame on another site.
async fn embed(visit: Visit, Path(name): Path<String>) -> Response {
    match of_channel(&visit, &name, "").await {
        Ok((visitor, channel, standing)) => {
            visit.page(StatusCode::OK, &visitor, |visitor| pages::embed(visitor, ChannelHead { channel, standing }))
        }
        Err(response) => response,
    }
}

/// RSS: what is live, and what was.
async fn feed(visit: Visit, Path(name): Path<String>) -> Response {
    let Ok(name) = ChannelName::parse(&name) else { return not_found(visit).await };
    let visitor = visit.visitor().await;
    let answer: Result<_, Error> = async {
        let channel = visit.client.get::<Channel>(&format!("channels/{name}")).await?;
        let address = format!("channels/{name}/broadcasts?limit={FEED_ITEMS}");
        Ok((channel, visit.client.get::<Page<BroadcastInfo>>(&address).await?))
    }
    .await;
    match answer {
        Ok((channel, broadcasts)) => {
            let feed = pages::feed(&visitor, &channel, &broadcasts.items);
            ([(header::CONTENT_TYPE, "application/rss+xml; charset=utf-8")], feed).into_response()
        }
        Err(error) if error.status() == Some(401) => to_login(&visitor.here),
        Err(error) => visit.failed(&visitor, error),
    }
}
