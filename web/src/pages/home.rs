//! `/` and the other lists of channels: by category or tag, what one follows, what was searched.

use super::{
    document::{Islands, Page, Section, Visitor},
    parts, percent_encode,
};
use crate::{
    islands::{Directory, channel_card, channel_chip},
    words::Lang,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Category, Channel, Channels, Found, LiveState};

pub struct Home {
    pub list: Channels,
    /// The query of the list, as in the API.
    pub query: String,
    pub narrowed: Option<Narrowed>,
    pub categories: Vec<Category>,
    /// Live channels that the visitor follows.
    pub followed: Vec<Channel>,
}

/// The list is of some channels only.
pub enum Narrowed {
    Category(Category),
    Tag(String),
    Language(String),
}

pub fn home(visitor: &Visitor, page: Home) -> Page {
    let Home { list, query, narrowed, categories, followed } = page;
    let (lang, instance) = (visitor.lang, visitor.instance.name.as_str());
    let Channels { channels, next } = list;
    let first = !query.contains("after=");
    let nobody = channels.is_empty() && first && narrowed.is_none();
    let strip = (narrowed.is_none() && first && !categories.is_empty()).then(|| category_strip(lang, categories));
    let of_mine = (!followed.is_empty()).then(|| {
        view! {
            <section aria-labelledby="followed-live">
                <h2 id="followed-live">{lang.followed_live()}</h2>
                <ul class="cards">{followed.into_iter().map(|channel| channel_card(lang, channel)).collect_view()}</ul>
            </section>
        }
    });
    let heading = match &narrowed {
        None => lang.live_now().to_owned(),
        Some(Narrowed::Category(category)) => category.name.clone(),
        Some(Narrowed::Tag(tag)) => format!("#{tag}"),
        Some(Narrowed::Language(tag)) => lang.spoken(tag),
    };
    let (title, section) = match narrowed {
        None => (lang.home_title(instance), Section::Browse),
        Some(Narrowed::Category(_)) => (format!("{heading} · {instance}"), Section::Categories),
        Some(_) => (format!("{heading} · {instance}"), Section::Browse),
    };
    let body = view! {
        {nobody.then(|| welcome(visitor))}
        {of_mine}
        {strip}
        <Directory lang=lang heading=heading channels=channels query=query/>
        {parts::more(lang, &visitor.here, next.as_deref())}
    };
    Page { islands: Islands::Viewer, section, ..Page::plain(title, lang.home_description(instance), body.into_any()) }
}

/// The very first page that anybody sees of a new server.
fn welcome(visitor: &Visitor) -> AnyView {
    let lang = visitor.lang;
    let needs_setup = visitor.instance.needs_setup;
    let (title, text) = match needs_setup {
        true => (lang.almost_there(), lang.almost_there_text()),
        false => (lang.no_channels(), lang.no_channels_text()),
    };
    view! {
        <div class="empty empty-welcome">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {(!needs_setup).then(|| view! { <p><a class="button button-primary" href="/dashboard">{lang.go_live()}</a></p> })}
        </div>
    }
    .into_any()
}

fn category_strip(lang: Lang, categories: Vec<Category>) -> AnyView {
    let entry = |category: Category| {
        let href = format!("/categories/{}", percent_encode(&category.slug));
        let live =
            (category.live_channels > 0).then(|| view! { <span class="muted">{lang.viewers(category.viewers)}</span> });
        view! { <li><a class="pill" href=href><span>{category.name}</span>{live}</a></li> }
    };
    view! {
        <nav aria-label=lang.categories()>
            <ul class="pills">{categories.into_iter().map(entry).collect_view()}</ul>
        </nav>
    }
    .into_any()
}

pub fn categories(visitor: &Visitor, categories: Vec<Category>) -> Page {
    let lang = visitor.lang;
    let tile = |category: Category| category_tile(lang, category);
    let body = view! {
        <h1>{lang.categories()}</h1>
        <ul class="tiles">{categories.into_iter().map(tile).collect_view()}</ul>
    };
    let title = format!("{} · {}", lang.categories(), visitor.instance.name);
    let description = lang.home_description(&visitor.instance.name);
    Page { section: Section::Categories, ..Page::plain(title, description, body.into_any()) }
}

fn category_tile(lang: Lang, category: Category) -> AnyView {
    let href = format!("/categories/{}", percent_encode(&category.slug));
    let picture = category.picture.as_ref().and_then(|picture| picture.at_least(300));
    let picture = match picture {
        Some(picture) => {
            let url = picture.url.clone();
            view! { <img class="tile-picture" src=url alt="" width="300" height="400" loading="lazy"/> }.into_any()
        }
        None => {
            let hue = crate::text::hue(&category.slug).to_string();
            view! { <span class="tile-picture" data-hue=hue aria-hidden="true">{crate::text::initial(&category.name)}</span> }
                .into_any()
        }
    };
    let live = match category.live_channels {
        0 => lang.nobody_live_short().to_owned(),
        _ => lang.viewers(category.viewers),
    };
    view! {
        <li><a class="tile" href=href>{picture}<strong>{category.name}</strong><span class="muted">{live}</span></a></li>
    }
    .into_any()
}

/// What the visitor follows: live channels first.
pub fn followed(visitor: &Visitor, list: Channels) -> Page {
    let lang = visitor.lang;
    let Channels { channels, next } = list;
    let body = match channels.is_empty() {
        true => parts::empty(lang.follows_nobody(), lang.follows_nobody_text()),
        false => channel_lists(lang, channels),
    };
    let body = view! {
        <h1>{lang.following()}</h1>
        {body}
        {parts::more(lang, &visitor.here, next.as_deref())}
    };
    let title = format!("{} · {}", lang.following(), visitor.instance.name);
    Page { section: Section::Following, ..Page::plain(title, lang.followed_live().to_owned(), body.into_any()) }
}

/// Live ones as cards, the others beneath.
fn channel_lists(lang: Lang, channels: Vec<Channel>) -> AnyView {
    let (live, rest): (Vec<_>, Vec<_>) = channels.into_iter().partition(|channel| channel.state != LiveState::Offline);
    let cards = (!live.is_empty()).then(|| {
        view! { <ul class="cards">{live.into_iter().map(|channel| channel_card(lang, channel)).collect_view()}</ul> }
    });
    let chips = (!rest.is_empty()).then(|| {
        view! {
            <section aria-labelledby="offline">
                <h2 id="offline">{lang.offline()}</h2>
                <ul class="chips">{rest.into_iter().map(channel_chip).collect_view()}</ul>
            </section>
        }
    });
    view! { {cards} {chips} }.into_any()
}

pub fn search(visitor: &Visitor, text: &str, found: Option<Found>) -> Page {
    let lang = visitor.lang;
    let results = match found {
        None => view! { <p class="muted">{lang.search_hint()}</p> }.into_any(),
        Some(Found { channels, categories }) if channels.is_empty() && categories.is_empty() => {
            parts::empty(lang.nothing_found(), lang.nothing_found_text())
        }
        Some(Found { channels, categories }) => {
            let strip = (!categories.is_empty()).then(|| category_strip(lang, categories));
            view! { {strip} {channel_lists(lang, channels)} }.into_any()
        }
    };
    let heading = if text.is_empty() { lang.search().to_owned() } else { lang.results_for(text) };
    let body = view! {
        <h1>{heading.clone()}</h1>
        <form class="search-page" action="/search">
            <input type="search" name="q" aria-label=lang.search_all() value=text.to_owned() maxlength="100" required/>
            <button class="button button-primary">{lang.search()}</button>
        </form>
        {results}
    };
    Page::plain(format!("{heading} · {}", visitor.instance.name), lang.search_all().to_owned(), body.into_any())
}
