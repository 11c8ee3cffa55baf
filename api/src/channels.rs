//! A channel: what everybody sees of it, and what those who edit it change.

use crate::check;
use crate::docs::{Answer, Created, Done, op};
use crate::markdown;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, InPath};
use crate::view::{self, OnAir};
use crate::{App, events, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rivulet_protocol::ChannelName;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{About, Channel, ChannelCreate, ChannelEdit, Link, Panel, Role, WebhookEvent};
use rivulet_store::StoreError;

const MAX_TITLE_CHARS: usize = 140;
const MAX_DISPLAY_CHARS: usize = 25;
const MAX_DESCRIPTION_CHARS: usize = 500;
const MAX_TAGS: usize = 10;
const MAX_LINKS: usize = 10;
const MAX_PANELS: usize = 12;
const MAX_PANEL_CHARS: usize = 4_000;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}",
            get_with(show, op("channel", "A channel"))
                .patch_with(edit, op("channel", "Change a channel"))
                .delete_with(delete, op("channel", "End a channel for good")),
        )
        .api_route("/channels/{name}/about", get_with(about, op("channel", "What a channel says of itself")))
}

/// For `POST /channels`, whose other half is the directory.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(create): Body<ChannelCreate>,
) -> Result<Created<Channel>, Refusal> {
    let user = caller.may(Action::CreateChannel)?;
    let name = ChannelName::parse(&create.name).map_err(|e| Refusal::name("name", e))?;
    // Names are taken for ever, so there is a bound for everybody but admins.
    if user.role != Role::Admin {
        let settings = app.settings().await?;
        if !settings.viewers_create_channels {
            let detail = "Channels are made by the admin here.";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "channels_by_admin", detail));
        }
        let max = settings.max_channels_per_user;
        if app.store.channels_of(&user.id).await?.len() >= max as usize {
            let detail = format!("A user has at most {max} channels.");
            return Err(Refusal::new(StatusCode::CONFLICT, "too_many_channels", detail));
        }
    }
    let channel = app.store.create_channel(&name, &user.id, "", now_ms()).await.map_err(|e| match e {
        StoreError::Taken => Refusal::taken("name"),
        e => e.into(),
    })?;
    Ok(Answer::new(current(&app, &channel)))
}

/// As it is at this moment.
pub fn current(app: &App, row: &rivulet_store::Channel) -> Channel {
    let on_air = app.hub.get(&row.name).map(|broadcast| OnAir::of(&broadcast, app.rooms.watching(&row.name)));
    view::channel(row, on_air.as_ref())
}

/// A suspended channel is seen by those who run it or look after the instance.
pub async fn visible(app: &App, caller: &Caller, channel: &rivulet_store::Channel) -> Result<(), Refusal> {
    let Some(suspension) = channel.suspended(now_ms()) else { return Ok(()) };
    if caller.may_in(app, channel, Action::WatchInside).await.is_ok() {
        return Ok(());
    }
    let detail = match suspension.reason.trim_end_matches('.') {
        "" => "This channel is suspended.".to_owned(),
        reason => format!("This channel is suspended: {reason}."),
    };
    Err(Refusal::new(StatusCode::FORBIDDEN, "channel_suspended", detail))
}

async fn show(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Channel>, Refusal> {
    visible(&app, &caller, &channel).await?;
    Ok(Json(current(&app, &channel)))
}

async fn about(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<About>, Refusal> {
    visible(&app, &caller, &channel).await?;
    Ok(Json(describe(&app, &channel).await?))
}

pub async fn describe(app: &App, channel: &rivulet_store::Channel) -> Result<About, Refusal> {
    let profile = app.store.profile(&channel.id).await?.ok_or_else(Refusal::not_found)?;
    let with_html = |panel: Panel| Panel { html: markdown::to_html(&panel.text), ..panel };
    Ok(About {
        description: profile.description,
        banner: profile.banner.as_ref().map(Into::into),
        links: profile.links,
        panels: profile.panels.into_iter().map(with_html).collect(),
        owner: profile.owner,
        created_at_ms: channel.created_at_ms,
        suspended: channel.suspended(now_ms()).cloned(),
    })
}

async fn edit(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(edit): Body<ChannelEdit>,
) -> Result<Json<Channel>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let edit = checked(&app, edit).await?;
    app.store.edit_channel(&channel.id, &edit).await?;
    app.rooms.edited(&channel.name);
    let edited = app.store.channel_by_id(&channel.id).await?.ok_or_else(Refusal::not_found)?;
    let news = (&edited.title, &edited.category, &edited.tags, &edited.language, edited.mature);
    if news != (&channel.title, &channel.category, &channel.tags, &channel.language, channel.mature) {
        events::happened(&app.store, &edited, WebhookEvent::Update, events::channel(&edited)).await?;
    }
    Ok(Json(current(&app, &edited)))
}

async fn checked(app: &App, edit: ChannelEdit) -> Result<ChannelEdit, Refusal> {
    let category = match edit.category {
        Some(slug) if !slug.is_empty() && app.store.category(&slug).await?.is_none() => {
            return Err(Refusal::field("category", "unknown", "There is no such category."));
        }
        category => category,
    };
    Ok(ChannelEdit {
        title: edit.title.map(|title| check::line("title", &title, MAX_TITLE_CHARS)).transpose()?,
        display_name: edit
            .display_name
            .map(|name| check::line("display_name", &name, MAX_DISPLAY_CHARS))
            .transpose()?,
        description: edit
            .description
            .map(|text| check::text("description", &text, MAX_DESCRIPTION_CHARS))
            .transpose()?,
        category,
        tags: edit.tags.map(tags).transpose()?,
        language: edit.language.map(|language| check::language("language", &language)).transpose()?,
        mature: edit.mature,
        links: edit.links.map(links).transpose()?,
        panels: edit.panels.map(panels).transpose()?,
    })
}

fn tags(tags: Vec<String>) -> Result<Vec<String>, Refusal> {
    check::count("tags", tags.len(), MAX_TAGS)?;
    let mut checked: Vec<String> = vec![];
    for tag in tags {
        let tag = check::tag("tags", &tag)?;
        if !checked.contains(&tag) {
            checked.push(tag);
        }
    }
    Ok(checked)
}

fn links(links: Vec<Link>) -> Result<Vec<Link>, Refusal> {
    check::count("links", links.len(), MAX_LINKS)?;
    let links = links.into_iter().enumerate().map(|(n, link)| {
        let url = check::link(format!("links.{n}.url"), &link.url)?;
        Ok(Link { label: check::line(format!("links.{n}.label"), &link.label, 50)?, url })
    });
    links.collect()
}

fn panels(panels: Vec<Panel>) -> Result<Vec<Panel>, Refusal> {
    check::count("panels", panels.len(), MAX_PANELS)?;
    let panels = panels.into_iter().enumerate().map(|(n, panel)| {
        let title = check::line(format!("panels.{n}.title"), &panel.title, 80)?;
        let text = check::text(format!("panels.{n}.text"), &panel.text, MAX_PANEL_CHARS)?;
        Ok(Panel { title, text, html: String::new() })
    });
    panels.collect()
}

/// Its name stays taken; what was recorded goes with the next round of retention.
async fn delete(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Done, Refusal> {
    caller.may_in(&app, &channel, Action::OwnChannel).await?;
    app.drop_emotes_of(&channel).await?;
    app.store.delete_channel(&channel.id, now_ms()).await?;
    app.room_changed(&channel.id).await;
    app.cut(&channel.name, "the channel was deleted");
    tracing::info!(channel = channel.name, "channel deleted");
    Ok(Done::default())
}
