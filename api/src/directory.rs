//! Finding channels: the directory, categories, search, and what one follows.

use crate::channels::create;
use crate::docs::op;
use crate::refusal::Refusal;
use crate::request::{Caller, Cursor, Params};
use crate::view::{self, OnAir};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Json;
use axum::extract::{Path, State};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{AccessKind, Category, Channels, Found, Page};
use rivulet_store::{Channel, Listing};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;

const MAX_FOUND: u32 = 50;
const MAX_CATEGORIES_FOUND: usize = 10;
/// Longer ones find nothing that shorter ones do not.
const MAX_QUERY_CHARS: usize = 200;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels",
            get_with(directory, op("directory", "Channels, live ones first"))
                .post_with(create, op("channel", "Make a channel")),
        )
        .api_route("/me/follows", get_with(followed, op("directory", "Channels that one follows, live ones first")))
        .api_route("/categories", get_with(categories, op("directory", "Categories, the most watched first")))
        .api_route("/categories/{slug}", get_with(category, op("directory", "A category")))
        .api_route("/search", get_with(search, op("directory", "Channels and categories by the beginnings of words")))
}

#[derive(Deserialize, JsonSchema)]
struct Narrowed {
    /// The name that the last page ended with.
    after: Option<String>,
    /// At most 100.
    limit: Option<u32>,
    /// A category's slug.
    category: Option<String>,
    tag: Option<String>,
    language: Option<String>,
    /// Only what is on air.
    #[serde(default)]
    live: bool,
}

/// What is on air, by the channel's name.
fn on_air(app: &App) -> HashMap<String, OnAir> {
    let broadcasts = app.hub.list();
    let entry = |broadcast: &std::sync::Arc<rivulet_hub::Broadcast>| {
        let name = &broadcast.info.channel;
        (name.clone(), OnAir::of(broadcast, app.rooms.watching(name)))
    };
    broadcasts.iter().map(entry).collect()
}

fn by_viewers(channels: &mut [rivulet_protocol::rest::Channel]) {
    channels.sort_by(|a, b| b.viewers.cmp(&a.viewers).then_with(|| a.name.cmp(&b.name)));
}

/// Two queries, however many channels are on air.
async fn directory(State(app): State<App>, Params(narrowed): Params<Narrowed>) -> Result<Json<Channels>, Refusal> {
    let Narrowed { after, limit, category, tag, language, live: live_only } = narrowed;
    let (category, tag, language) = (category.as_deref(), tag.as_deref(), language.as_deref());
    let listing = Listing { category, tag, language };
    let (live, now_ms) = (on_air(&app), now_ms());
    let mut channels = Vec::new();
    if after.is_none() {
        let names: Vec<String> = live.keys().cloned().collect();
        let rows = app.store.channels_by_names(&names).await?;
        let rows = rows.iter().filter(|row| listing.admits(row) && listed(row, now_ms));
        channels.extend(rows.map(|row| view::channel(row, live.get(&row.name))));
        by_viewers(&mut channels);
    }
    if live_only {
        return Ok(Json(Channels { channels, next: None }));
    }
    let cursor = Cursor::new(after.as_deref(), limit);
    let rows = app.store.channels_page(listing, cursor.after(), now_ms, cursor.limit() + 1).await?;
    let Page { items: rows, next } = cursor.page(rows, |row| row.name.clone());
    channels.extend(rows.iter().filter(|row| !live.contains_key(&row.name)).map(|row| view::channel(row, None)));
    Ok(Json(Channels { channels, next }))
}

fn listed(channel: &Channel, now_ms: i64) -> bool {
    channel.access != AccessKind::Private && channel.suspended(now_ms).is_none()
}

/// What is live comes first on each page; the first has all of it that one follows, among up to a
/// thousand.
async fn followed(
    State(app): State<App>,
    caller: Caller,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Channels>, Refusal> {
    let user = caller.may(Action::ReadAccount)?;
    let (live, now_ms) = (on_air(&app), now_ms());
    let mut channels = Vec::new();
    if cursor.after().is_none() {
        let names: Vec<String> = live.keys().cloned().collect();
        let rows = app.store.followed_among(&user.id, &names).await?;
        let rows = rows.iter().filter(|row| row.suspended(now_ms).is_none());
        channels.extend(rows.map(|row| view::channel(row, live.get(&row.name))));
        by_viewers(&mut channels);
    }
    let rows = app.store.followed(&user.id, cursor.after().unwrap_or(""), cursor.limit() + 1).await?;
    let Page { items: rows, next } = cursor.page(rows, |row| row.name.clone());
    channels.extend(rows.iter().filter(|row| !live.contains_key(&row.name)).map(|row| view::channel(row, None)));
    Ok(Json(Channels { channels, next }))
}

/// All of them, with what is on air in each.
async fn counted(app: &App) -> Result<Vec<Category>, Refusal> {
    let (live, now_ms) = (on_air(app), now_ms());
    let names: Vec<String> = live.keys().cloned().collect();
    let mut counts: HashMap<String, (u32, u32)> = HashMap::new();
    for row in app.store.channels_by_names(&names).await? {
        let (Some(category), true) = (&row.category, listed(&row, now_ms)) else { continue };
        let (channels, viewers) = counts.entry(category.slug.clone()).or_default();
        *channels += 1;
        *viewers = viewers.saturating_add(live.get(&row.name).map_or(0, |on_air| on_air.viewers));
    }
    let categories = app.store.categories().await?.into_iter().map(|category| {
        let (live_channels, viewers) = counts.get(&category.slug).copied().unwrap_or_default();
        let picture = category.picture.as_ref().map(Into::into);
        Category { slug: category.slug, name: category.name, picture, live_channels, viewers }
    });
    let mut categories: Vec<Category> = categories.collect();
    categories.sort_by_key(|category| std::cmp::Reverse((category.viewers, category.live_channels)));
    Ok(categories)
}

async fn categories(State(app): State<App>) -> Result<Json<Page<Category>>, Refusal> {
    Ok(Json(Page { items: counted(&app).await?, next: None }))
}

async fn category(State(app): State<App>, Path(slug): Path<String>) -> Result<Json<Category>, Refusal> {
    let found = counted(&app).await?.into_iter().find(|category| category.slug == slug);
    found.map(Json).ok_or_else(Refusal::not_found)
}

#[derive(Deserialize, JsonSchema)]
struct Query {
    q: String,
}

async fn search(State(app): State<App>, Params(Query { q }): Params<Query>) -> Result<Json<Found>, Refusal> {
    let text: String = q.chars().take(MAX_QUERY_CHARS).collect();
    let live = on_air(&app);
    let rows = app.store.search(&text, now_ms(), MAX_FOUND).await?;
    let mut channels: Vec<_> = rows.iter().map(|row| view::channel(row, live.get(&row.name))).collect();
    // What is on air comes first; among the rest the order stays.
    channels.sort_by_key(|channel| (channel.started_at_ms.is_none(), std::cmp::Reverse(channel.viewers)));
    let wanted = rivulet_store::search::words(&text);
    let matches = |category: &Category| {
        let words = rivulet_store::search::words(&category.name);
        !wanted.is_empty() && wanted.iter().all(|start| words.iter().any(|word| word.starts_with(start)))
    };
    let categories = counted(&app).await?.into_iter().filter(matches).take(MAX_CATEGORIES_FOUND).collect();
    Ok(Json(Found { channels, categories }))
}
