//! `/dashboard/{channel}`: what the people who run a channel do with it.

mod access;
mod broadcasts;
mod chat;
mod golive;
mod keys;
mod moderation;
mod panels;
mod people;
mod profile;
mod schedule;
mod webhooks;

use super::{
    document::{Islands, Page, Section, Visitor},
    form::{Form, Input},
    parts,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{
    About, Access, BroadcastInfo, Category, Channel, ChannelRole, Chatter, Delivery, Follower, GoLive, Page as Listed,
    Role, Schedule, Settings, Staff, StreamKeyInfo, ViewerSample, Webhook,
};

pub use chat::{ChatAdmin, emotes};
pub use moderation::Desk;

/// Which of the pages, with what the API said for it.
pub enum Studio {
    GoLive(Box<(GoLive, Settings)>),
    Profile(Box<About>, Vec<Category>),
    Panels(Box<About>),
    Schedule(Schedule, Vec<Category>),
    Keys(Vec<StreamKeyInfo>),
    People(Vec<Staff>, Listed<Follower>),
    Access(Access),
    Webhooks(Vec<Webhook>),
    Webhook(Webhook, Vec<Delivery>),
    Broadcasts(Listed<BroadcastInfo>),
    Broadcast(Box<BroadcastInfo>, Vec<ViewerSample>),
    Chat(ChatAdmin),
    Moderation(Box<Desk>),
    Chatter(Box<Chatter>),
}

pub struct Dashboard {
    pub channel: Channel,
    /// What the visitor is in this channel; `None` for those who look after the whole instance.
    pub role: Option<ChannelRole>,
    pub page: Studio,
}

pub fn dashboard(visitor: &Visitor, dashboard: Dashboard) -> Page {
    let Dashboard { channel, role, page } = dashboard;
    let lang = visitor.lang;
    let islands = if matches!(page, Studio::GoLive(_)) { Islands::Studio } else { Islands::None };
    let has_chat = matches!(page, Studio::Moderation(_));
    let (path, title, body) = match page {
        Studio::GoLive(page) => ("", lang.go_live(), golive::golive(visitor, &channel, page.0, page.1)),
        Studio::Profile(about, categories) => {
            ("/profile", lang.channel_profile(), profile::profile(visitor, &channel, &about, categories, role))
        }
        Studio::Panels(about) => ("/panels", lang.panels_and_links(), panels::panels(visitor, &channel, &about)),
        Studio::Schedule(schedule, categories) => {
            ("/schedule", lang.schedule(), schedule::schedule(visitor, &channel, schedule, categories))
        }
        Studio::Keys(keys) => ("/keys", lang.stream_keys(), keys::keys(visitor, &channel, keys)),
        Studio::People(staff, followers) => {
            ("/people", lang.people(), people::people(visitor, &channel, staff, followers))
        }
        Studio::Access(access) => ("/access", lang.who_may_watch(), access::access(visitor, &channel, access)),
        Studio::Webhooks(webhooks) => ("/webhooks", lang.webhooks(), webhooks::webhooks(visitor, &channel, webhooks)),
        Studio::Webhook(webhook, deliveries) => {
            ("/webhooks", lang.webhooks(), webhooks::webhook(visitor, &channel, &webhook, deliveries))
        }
        Studio::Broadcasts(list) => ("/broadcasts", lang.past_broadcasts(), broadcasts::list(visitor, &channel, list)),
        Studio::Broadcast(info, samples) => {
            ("/broadcasts", lang.past_broadcasts(), broadcasts::one(visitor, &channel, &info, &samples))
        }
        Studio::Chat(page) => ("/chat", lang.chat(), chat::chat(visitor, &channel, role, page)),
        Studio::Moderation(desk) => ("/moderation", lang.moderation(), moderation::moderation(visitor, *desk)),
        Studio::Chatter(chatter) => {
            ("/moderation", lang.moderation(), moderation::chatter(visitor, &channel, *chatter))
        }
    };
    let base = format!("/dashboard/{}", channel.name);
    let body = view! {
        {channels(visitor, &channel.name)}
        {parts::settled(lang.of_this_channel(), &format!("{base}{path}"), entries(visitor, &base, role), title.to_owned(), body)}
    };
    let page = Page::plain(
        format!("{title} · {} · {}", channel.name, visitor.instance.name),
        lang.stream_to(&visitor.instance.name),
        body.into_any(),
    );
    Page { islands, chat: has_chat, section: Section::GoLive, ..page }
}

/// The pages of a channel that its role is for.
fn entries(visitor: &Visitor, base: &str, role: Option<ChannelRole>) -> Vec<(String, String)> {
    let lang = visitor.lang;
    let edits = role != Some(ChannelRole::Moderator);
    let owns = role == Some(ChannelRole::Owner) || visitor.me.as_ref().is_some_and(|me| me.role == Role::Admin);
    let all = [
        ("", lang.go_live(), edits),
        ("/profile", lang.channel_profile(), edits),
        ("/panels", lang.panels_and_links(), edits),
        ("/schedule", lang.schedule(), edits),
        ("/moderation", lang.moderation(), true),
        ("/chat", lang.chat(), true),
        ("/broadcasts", lang.past_broadcasts(), true),
        ("/access", lang.who_may_watch(), edits),
        ("/people", lang.people(), owns),
        ("/keys", lang.stream_keys(), owns),
        ("/webhooks", lang.webhooks(), edits),
    ];
    let mine = all.into_iter().filter(|(_, _, shown)| *shown);
    mine.map(|(path, text, _)| (format!("{base}{path}"), text.to_owned())).collect()
}

/// The visitor's channels, to change between them.
fn channels(visitor: &Visitor, chosen: &str) -> Option<AnyView> {
    let me = visitor.me.as_ref()?;
    let several = me.channels.len() + me.helps.len() > 1;
    let names = me.channels.iter().chain(&me.helps);
    let entries = names.map(|name| (format!("/dashboard/{name}"), name.clone())).collect();
    several.then(|| parts::tabs(visitor.lang.your_channels(), &format!("/dashboard/{chosen}"), entries))
}

pub fn create_channel(visitor: &Visitor, name: String) -> Page {
    let lang = visitor.lang;
    let form = Form::new(visitor, "channel", "POST channels").next("/dashboard/{name}");
    let head = view! {
        <h1>{lang.make_channel()}</h1>
        <p class="muted">{lang.make_channel_text()}</p>
    };
    let name = Input::text("name", lang.name()).value(name).hint(lang.name_hint()).required();
    let inputs = view! {
        {form.input(name)}
        <button class="button button-primary button-wide">{lang.create_channel()}</button>
    };
    let body = form.titled("panel form", Some(head.into_any()), inputs.into_any());
    let title = format!("{} · {}", lang.make_channel(), visitor.instance.name);
    Page { section: Section::GoLive, ..Page::plain(title, lang.stream_to(&visitor.instance.name), body) }
}
