//! `/{channel}` with its tabs, and `/embed/{channel}`. The markup is complete without any script of
//! ours except the player's own.

use super::{
    chat::{self, ChatPlace, ChatShown, Chatting},
    document::{Islands, Page, Visitor},
    form::{Form, Input, Kind},
    parts::{self, AvatarSize, Tone},
    percent_encode, player,
};
use crate::{islands::NowPlaying, text};
use leptos::prelude::*;
use rivulet_protocol::rest::{
    About, AccessKind, BroadcastInfo, Channel, LiveState, Occurrence, Page as Listed, Panel, ReportReason, Schedule,
    Standing,
};

pub struct ChannelHead {
    pub channel: Channel,
    /// Where the visitor stands with the channel; `None` for a guest.
    pub standing: Option<Standing>,
}

/// What a tab shows besides the channel itself.
pub enum Tab {
    About(Box<About>),
    Schedule(Schedule),
    Videos(Listed<BroadcastInfo>),
}

pub fn channel(visitor: &Visitor, head: ChannelHead, shown: ChatShown) -> Page {
    let page = preview(visitor, &head.channel);
    let instance = visitor.instance.name.clone();
    let ChannelHead { channel, standing } = head;
    let place = match shown {
        ChatShown::AfterPassword => ChatPlace::Locked,
        _ => ChatPlace::Page,
    };
    let chatting = shown.room().map(|room| Chatting { channel: channel.clone(), room, standing: standing.clone() });
    let class = if chatting.is_some() { "watch watch-with-chat" } else { "watch" };
    let has_chat = chatting.is_some();
    let chat = chatting.map(|it| {
        view! {
            {chat::chat(visitor, &it, place)}
            <button type="button" class="button button-quiet chat-back" hidden>
                {parts::icon(parts::SPEECH)} {visitor.lang.chat_show()}
            </button>
        }
    });
    let avatar = parts::avatar(&channel.name, channel.avatar.as_ref(), AvatarSize::Large);
    let body = view! {
        <div class=class>
            {player::player(visitor, &channel, standing.as_ref())}
            <div class="watch-head">
                {avatar}
                <NowPlaying lang=visitor.lang channel=channel.clone() instance=instance now_ms=visitor.now_ms/>
            </div>
            {chat}
            <div class="watch-rest">
                {marks_and_actions(visitor, &channel, standing.as_ref())}
                {tabs(visitor, &channel, "")}
                {report(visitor, &channel)}
            </div>
        </div>
    };
    Page { islands: Islands::Viewer, player: true, chat: has_chat, body: body.into_any(), ..page }
}

/// The player alone, which fills its frame.
pub fn embed(visitor: &Visitor, head: ChannelHead) -> Page {
    let body = player::player(visitor, &head.channel, head.standing.as_ref());
    Page { framed: true, alone: Some("framed"), player: true, body, ..preview(visitor, &head.channel) }
}

pub fn channel_tab(visitor: &Visitor, head: ChannelHead, tab: Tab) -> Page {
    let lang = visitor.lang;
    let ChannelHead { channel, standing } = head;
    let (path, title, body) = match tab {
        Tab::About(about) => ("/about", lang.about(), about_tab(visitor, *about)),
        Tab::Schedule(schedule) => ("/schedule", lang.schedule(), schedule_tab(visitor, &channel, schedule)),
        Tab::Videos(list) => ("/videos", lang.videos(), videos_tab(visitor, &channel, list)),
    };
    let page = preview(visitor, &channel);
    let live = channel.state != LiveState::Offline;
    let watch = live.then(|| {
        view! { <a class="button button-primary" href=format!("/{}", channel.name)>{lang.watch_live()}</a> }
    });
    let name = text::name(&channel);
    let body = view! {
        <div class="watch">
            <div class="watch-head">
                {parts::avatar(&channel.name, channel.avatar.as_ref(), AvatarSize::Large)}
                <div class="now-playing-text">
                    <h1>{name.clone()}</h1>
                    <p class="muted">{channel.title.clone()}</p>
                </div>
                {watch}
            </div>
            {marks_and_actions(visitor, &channel, standing.as_ref())}
            {tabs(visitor, &channel, path)}
            {body}
        </div>
    };
    Page { title: format!("{title} · {name} · {}", visitor.instance.name), body: body.into_any(), ..page }
}

/// What there is to say of the channel in a link to it.
fn preview(visitor: &Visitor, channel: &Channel) -> Page {
    let (lang, instance) = (visitor.lang, &visitor.instance.name);
    let description = match channel.state {
        LiveState::Offline => lang.offline_on(&text::name(channel), instance),
        _ => lang.live_on(&text::name(channel), instance, &text::heading(channel)),
    };
    let avatar =
        || channel.avatar.as_ref().and_then(|picture| picture.at_least(512)).map(|picture| picture.url.clone());
    let image = channel.thumbnail.clone().or_else(avatar);
    let feed = Some((text::name(channel), format!("/{}/feed.xml", channel.name)));
    Page { image, feed, ..Page::plain(lang.channel_title(channel, instance), description, ().into_any()) }
}

fn tabs(visitor: &Visitor, channel: &Channel, current: &str) -> AnyView {
    let lang = visitor.lang;
    let entry = |path: &str, text: &str| (format!("/{}{path}", channel.name), text.to_owned());
    let entries = vec![
        entry("", lang.video()),
        entry("/about", lang.about()),
        entry("/schedule", lang.schedule()),
        entry("/videos", lang.videos()),
    ];
    parts::tabs(lang.of_this_channel(), &format!("/{}{current}", channel.name), entries)
}

/// Category, tags and language; how many follow; the button to follow.
fn marks_and_actions(visitor: &Visitor, channel: &Channel, standing: Option<&Standing>) -> AnyView {
    let lang = visitor.lang;
    let category = channel.category.as_ref().map(|category| {
        let href = format!("/categories/{}", percent_encode(&category.slug));
        view! { <li><a class="tag tag-strong" href=href>{category.name.clone()}</a></li> }
    });
    let tag = |tag: &String| {
        view! { <li><a class="tag" href=format!("/?tag={}", percent_encode(tag))>{tag.clone()}</a></li> }
    };
    let spoken = (!channel.language.is_empty()).then(|| {
        let href = format!("/?language={}", percent_encode(&channel.language));
        view! { <li><a class="tag" href=href>{lang.spoken(&channel.language)}</a></li> }
    });
    let mature = channel.mature.then(|| view! { <li>{parts::badge(Tone::Warning, lang.mature())}</li> });
    let manage = standing.and_then(|standing| standing.role).map(|_| {
        view! { <a class="button button-quiet" href=format!("/dashboard/{}", channel.name)>{lang.manage()}</a> }
    });
    view! {
        <div class="watch-bar">
            <ul class="tags">{category}{channel.tags.iter().map(tag).collect_view()}{spoken}{mature}</ul>
            <div class="watch-actions">
                <span class="muted">{lang.followers(channel.followers)}</span>
                {manage}
                {follow(visitor, channel, standing)}
            </div>
        </div>
    }
    .into_any()
}

fn follow(visitor: &Visitor, channel: &Channel, standing: Option<&Standing>) -> AnyView {
    let lang = visitor.lang;
    let path = visitor.here.split('?').next().unwrap_or("/").to_owned();
    let Some(standing) = standing else {
        let href = format!("/login?next={}", percent_encode(&path));
        return view! { <a class="button button-primary" href=href>{lang.follow()}</a> }.into_any();
    };
    let call = |method: &str| format!("{method} channels/{}/follow", channel.name);
    if !standing.following {
        let form = Form::new(visitor, "follow", call("PUT")).next(path);
        let inputs = view! {
            {form.hidden("notify:bool", "on")}
            <button class="button button-primary">{lang.follow()}</button>
        };
        return form.done("", inputs.into_any());
    }
    let notify = Form::new(visitor, "notify", call("PUT")).next(path.clone());
    let (value, label) = if standing.notify { ("", lang.notify_off()) } else { ("on", lang.notify_on()) };
    let pressed = standing.notify.to_string();
    let bell = view! {
        {notify.hidden("notify:bool", value)}
        <button class="icon-button" class:on=standing.notify aria-pressed=pressed aria-label=label title=label>
            {parts::icon(parts::BELL)}
        </button>
    };
    let unfollow = Form::new(visitor, "unfollow", call("DELETE")).next(path);
    let button = view! { <button class="button">{lang.unfollow()}</button> };
    view! { {notify.done("", bell.into_any())} {unfollow.done("", button.into_any())} }.into_any()
}

fn report(visitor: &Visitor, channel: &Channel) -> Option<AnyView> {
    visitor.me.as_ref()?;
    let lang = visitor.lang;
    let form = Form::new(visitor, "report", format!("POST channels/{}/report", channel.name));
    let reasons = ReportReason::ALL.iter().map(|it| (it.as_str().to_owned(), lang.report_reason(*it).to_owned()));
    let inputs = view! {
        {form.input(Input::choice("reason", lang.reason(), reasons.collect()))}
        {form.input(Input::new(Kind::Area, "text", lang.what_is_wrong()).max(1000))}
        <button class="button">{lang.send_report()}</button>
    }
    .into_any();
    let open = form.has_news();
    Some(
        view! {
            <details class="report" open=open>
                <summary>{lang.report_channel()}</summary>
                {form.done("stack", inputs)}
            </details>
        }
        .into_any(),
    )
}

fn about_tab(visitor: &Visitor, about: About) -> AnyView {
    let lang = visitor.lang;
    let banner = about.banner.as_ref().and_then(|picture| picture.at_least(1200)).map(|picture| {
        view! { <img class="banner" src=picture.url.clone() alt="" width=picture.width height=picture.height/> }
    });
    let suspended = about.suspended.as_ref().map(|suspension| {
        view! { <p class="notice notice-bad">{lang.channel_is_suspended(suspension)}</p> }
    });
    let link = |link: &rivulet_protocol::rest::Link| {
        view! { <li><a class="pill" href=link.url.clone() rel="noopener nofollow ugc me">{link.label.clone()}</a></li> }
    };
    let links = (!about.links.is_empty())
        .then(|| view! { <ul class="pills">{about.links.iter().map(link).collect_view()}</ul> });
    let bare = about.description.is_empty() && about.panels.is_empty() && about.links.is_empty();
    let body = match bare {
        true => parts::empty(lang.nothing_about(), lang.nothing_about_text()),
        false => view! {
            <p class="prose">{about.description}</p>
            {links}
            <div class="panels">{about.panels.into_iter().map(about_panel).collect_view()}</div>
        }
        .into_any(),
    };
    view! {
        <section class="stack" aria-label=lang.about()>
            {banner} {suspended} {body}
            <p class="muted">{lang.run_by(&about.owner)} " · " {lang.since()} " " {parts::date(lang, about.created_at_ms)}</p>
        </section>
    }
    .into_any()
}

fn about_panel(panel: Panel) -> AnyView {
    let title = (!panel.title.is_empty()).then(|| view! { <h2>{panel.title}</h2> });
    // The API has made this HTML out of Markdown, and left nothing in it that could do harm.
    view! { <article class="panel">{title}<div class="prose" inner_html=panel.html></div></article> }.into_any()
}

fn schedule_tab(visitor: &Visitor, channel: &Channel, schedule: Schedule) -> AnyView {
    let lang = visitor.lang;
    let entry = |it: &Occurrence| {
        let category = (!it.category.is_empty()).then(|| view! { <span class="muted">{it.category.clone()}</span> });
        let skipped = it.skipped.then(|| parts::badge(Tone::Warning, lang.is_skipped()));
        let title = if it.title.is_empty() { text::name(channel) } else { it.title.clone() };
        view! {
            <li class="occurrence" class:skipped=it.skipped>
                <span class="occurrence-when">{parts::moment(lang, it.starts_at_ms)}</span>
                <span class="card-lines"><strong>{title}</strong>{category}</span>
                <span class="muted">{lang.duration(it.ends_at_ms - it.starts_at_ms)}</span>
                {skipped}
            </li>
        }
    };
    let body = match schedule.occurrences.is_empty() {
        true => parts::empty(lang.nothing_planned(), lang.nothing_planned_text()),
        false => {
            view! { <ol class="occurrences">{schedule.occurrences.iter().map(entry).collect_view()}</ol> }.into_any()
        }
    };
    let calendar = format!("/api/v1/channels/{}/schedule.ics", channel.name);
    view! {
        <section class="stack" aria-label=lang.schedule()>
            {body}
            <p><a class="button" href=calendar>{lang.add_to_calendar()}</a></p>
        </section>
    }
    .into_any()
}

fn videos_tab(visitor: &Visitor, channel: &Channel, list: Listed<BroadcastInfo>) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &BroadcastInfo| {
        let length = it.ended_at_ms.unwrap_or(visitor.now_ms) - it.started_at_ms;
        let live = it.ended_at_ms.is_none().then(|| parts::badge(Tone::Live, lang.state_name(LiveState::Live)));
        let title = if it.title.is_empty() { text::name(channel) } else { it.title.clone() };
        vec![
            view! { <strong>{title}</strong> " " {live} }.into_any(),
            parts::moment(lang, it.started_at_ms),
            parts::words(lang.duration(length)),
            parts::words(lang.count(it.peak_viewers.into())),
        ]
    };
    let heads = [lang.title(), lang.began(), lang.length(), lang.most_viewers()];
    let body = match list.items.is_empty() {
        true => parts::empty(lang.no_broadcasts(), lang.no_broadcasts_text()),
        false => parts::table(lang, lang.videos(), &heads, list.items.iter().map(row).collect()),
    };
    view! {
        <section class="stack" aria-label=lang.videos()>{body}{parts::more(lang, &visitor.here, list.next.as_deref())}</section>
    }
    .into_any()
}

/// Whether everybody may watch.
pub fn is_public(channel: &Channel) -> bool {
    channel.access == AccessKind::Public
}
