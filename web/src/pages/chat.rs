//! The chat of a channel. The markup shows what was said last without any script;
//! `web/player/src/chat.js` takes it over by the data attributes and goes on with it.

use super::{
    channel::is_public,
    document::{Page, Visitor},
    form::{Form, Input, Kind},
    parts, percent_encode,
};
use crate::{text, words::Lang};
use leptos::prelude::*;
use rivulet_protocol::{
    chat::{Author, Badge, Message, Poll},
    rest::{Channel, ChatRoom, ChatSettings, Standing, UnbanState},
};

/// Where a chat is, which says what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatPlace {
    /// Beside the video.
    Page,
    /// The same, once the password was given.
    Locked,
    /// In a window of its own.
    Popout,
    /// In OBS, for those who broadcast and moderate.
    Dock,
    /// In the picture: nothing but messages.
    Overlay,
    /// In the moderation view.
    Desk,
}

impl ChatPlace {
    fn name(self) -> &'static str {
        match self {
            Self::Page | Self::Locked => "page",
            Self::Popout => "popout",
            Self::Dock => "dock",
            Self::Overlay => "overlay",
            Self::Desk => "desk",
        }
    }
}

/// What a channel's page shows of its chat.
pub enum ChatShown {
    Room(Box<ChatRoom>),
    /// Nothing before the password was given.
    AfterPassword,
    Not,
}

impl ChatShown {
    pub fn room(self) -> Option<ChatRoom> {
        match self {
            Self::Room(room) => Some(*room),
            Self::AfterPassword => Some(ChatRoom {
                settings: ChatSettings::default(),
                shield: false,
                chatters: 0,
                messages: Vec::new(),
                pinned: None,
                poll: None,
                you: None,
            }),
            Self::Not => None,
        }
    }
}

/// How an overlay looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverlayLook {
    /// Seconds until a message fades; `None` is never.
    pub fade: Option<u32>,
    /// Of the letters, in pixels.
    pub size: Option<u32>,
}

/// A channel with its chat, and where the visitor stands.
pub struct Chatting {
    pub channel: Channel,
    pub room: ChatRoom,
    pub standing: Option<Standing>,
}

pub fn popout(visitor: &Visitor, it: Chatting) -> Page {
    alone(visitor, &it, ChatPlace::Popout, ().into_any())
}

pub fn dock(visitor: &Visitor, it: Chatting) -> Page {
    let lang = visitor.lang;
    // Whoever is logged in in OBS needs no token.
    let token = visitor.me.is_none().then(|| {
        view! {
            <form class="dock-token stack">
                <p class="field-error" data-why="" role="alert"></p>
                <div class="field">
                    <label for="dock-token">{lang.dock_token()}</label>
                    <input id="dock-token" type="password" autocomplete="off" required/>
                    <p class="hint">{lang.dock_token_hint()}</p>
                </div>
                <button class="button button-primary">{lang.dock_connect()}</button>
            </form>
        }
    });
    alone(visitor, &it, ChatPlace::Dock, token.into_any())
}

fn alone(visitor: &Visitor, it: &Chatting, place: ChatPlace, before: AnyView) -> Page {
    let title = visitor.lang.chat_of(&text::name(&it.channel));
    let body = view! { <h1 class="visually-hidden">{title.clone()}</h1> {before} {chat(visitor, it, place)} };
    Page { chat: true, alone: Some("chat-alone"), ..Page::plain(title.clone(), title, body.into_any()) }
}

pub fn overlay(visitor: &Visitor, it: Chatting, look: OverlayLook) -> Page {
    let title = visitor.lang.chat_of(&text::name(&it.channel));
    let lines = it.room.messages.iter().map(|message| line(visitor.lang, message)).collect_view();
    let body = view! {
        <h1 class="visually-hidden">{title.clone()}</h1>
        <section
            id="chat"
            class="chat chat-overlay"
            aria-label=title.clone()
            data-kind=ChatPlace::Overlay.name()
            data-channel=it.channel.name.clone()
            data-ticket=needs_ticket(visitor, &it.channel)
            data-words=visitor.lang.chat_words()
            data-fade=look.fade.map(|fade| fade.to_string())
            data-size=look.size.map(|size| size.to_string())
        >
            {stage(visitor.lang, lines)}
            <p class="chat-state notice" role="status" hidden></p>
        </section>
    };
    let page = Page::plain(title.clone(), title, body.into_any());
    Page { chat: true, framed: true, alone: Some("over-picture"), ..page }
}

/// The chat by itself, for the page that it stands on.
pub fn chat(visitor: &Visitor, it: &Chatting, place: ChatPlace) -> AnyView {
    let Chatting { channel, room, standing } = it;
    let lang = visitor.lang;
    let follows = matches!(place, ChatPlace::Page | ChatPlace::Locked | ChatPlace::Popout);
    let following = standing.as_ref().is_some_and(|standing| standing.following);
    let you = room.you.as_ref();
    let vote = you.and_then(|you| you.vote).map(|vote| vote.to_string());
    let ban = you.and_then(|you| you.ban.as_ref());
    let ban = ban.map(|ban| ban.until_ms.map_or_else(|| "for-good".to_owned(), |until| until.to_string()));
    let request = you.and_then(|you| you.unban_request.as_ref()).map(|request| request.state.as_str());
    let lines = room.messages.iter().map(|message| line(lang, message)).collect_view();
    let write = match visitor.me.is_some() || place == ChatPlace::Dock {
        true => composer(visitor, channel),
        false => {
            let href = format!("/login?next={}", percent_encode(&format!("/{}", channel.name)));
            view! {
                <p class="chat-guest">
                    <a class="button button-primary button-wide" href=href target="_top">{lang.chat_log_in()}</a>
                </p>
            }
            .into_any()
        }
    };
    view! {
        <section
            id="chat"
            class="chat"
            aria-label=lang.chat()
            hidden=place == ChatPlace::Locked
            data-locked=(place == ChatPlace::Locked).then_some("yes")
            data-kind=place.name()
            data-channel=channel.name.clone()
            data-ticket=needs_ticket(visitor, channel)
            data-follows=if follows { "yes" } else { "no" }
            data-following=if following { "yes" } else { "no" }
            data-vote=vote
            data-ban=ban
            data-request=request
            data-words=lang.chat_words()
        >
            {head(lang, channel, place)}
            <p class="chat-state notice" role="status" hidden></p>
            <div class="chat-cards">{cards(visitor, channel, room)}</div>
            {stage(lang, lines)}
            <noscript><p class="chat-noscript">{lang.chat_no_script()} " " <a href="">{lang.chat_reload()}</a></p></noscript>
            {write}
        </section>
    }
    .into_any()
}

/// A guest reads what is for everybody without one.
fn needs_ticket(visitor: &Visitor, channel: &Channel) -> &'static str {
    if visitor.me.is_some() || !is_public(channel) { "yes" } else { "no" }
}

fn head(lang: Lang, channel: &Channel, place: ChatPlace) -> AnyView {
    let popout = (place != ChatPlace::Popout && place != ChatPlace::Dock).then(|| {
        let href = format!("/popout/{}/chat", channel.name);
        view! {
            <a class="icon-button" href=href target="_blank" aria-label=lang.chat_popout() title=lang.chat_popout()>
                {parts::icon(parts::WINDOW)}
            </a>
        }
    });
    let away = matches!(place, ChatPlace::Page | ChatPlace::Locked).then(|| {
        view! {
            <button type="button" class="icon-button chat-away" aria-label=lang.chat_hide() title=lang.chat_hide() hidden data-with-script="">
                {parts::icon(parts::TO_RIGHT)}
            </button>
        }
    });
    view! {
        <header class="chat-head">
            <h2>{lang.chat()}</h2>
            <details class="menu chat-menu" hidden data-with-script="">
                <summary class="icon-button" aria-label=lang.chat_options() title=lang.chat_options()>{parts::icon(parts::SLIDERS)}</summary>
                <div class="menu-body">
                    <div class="check-row">
                        <input type="checkbox" class="chat-times" id="chat-times"/>
                        <label for="chat-times">{lang.chat_times()}</label>
                    </div>
                </div>
            </details>
            {popout}
            {away}
        </header>
    }
    .into_any()
}

/// The list of messages, and what lies over it.
fn stage(lang: Lang, lines: impl IntoView + 'static) -> AnyView {
    view! {
        <div class="chat-stage">
            <div class="chat-log" role="log" aria-live="polite" aria-label=lang.chat_messages() tabindex="0">
                <ol>{lines}</ol>
            </div>
            <p class="chat-status visually-hidden" role="status"></p>
            <button type="button" class="chat-newer" hidden></button>
        </div>
    }
    .into_any()
}

/// A message as it was. Colours of people's own, links and the like come with the script.
fn line(lang: Lang, message: &Message) -> AnyView {
    let quote = message.reply_to.as_ref().map(|quote| {
        let of = lang.chat_word("reply_to").replace("{name}", &quote.display_name);
        view! { <p class="chat-quote">{of} " " {quote.text.clone()}</p> }
    });
    let label = message.announcement.as_ref().map(|_| {
        view! { <p class="chat-label">{lang.chat_word("announcement")}</p> }
    });
    let class = if message.announcement.is_some() { "chat-line chat-announcement" } else { "chat-line" };
    let said = if message.action { "chat-text chat-action" } else { "chat-text" };
    let colon = (!message.action).then(|| view! { <span class="chat-colon">": "</span> });
    view! {
        <li class=class data-key=message.id.clone() data-color=message.announcement.clone()>
            {label}
            {quote}
            {author(lang, &message.author)}
            {colon}
            " "
            <span class=said>{body(message)}</span>
        </li>
    }
    .into_any()
}

fn author(lang: Lang, author: &Author) -> AnyView {
    let badge = |it: &Badge| {
        let name = lang.badge_name(&it.kind, &it.version);
        view! {
            <span class="chat-badge" data-kind=it.kind.clone() role="img" aria-label=name.clone() title=name></span>
        }
    };
    let badges: Vec<_> = author.badges.iter().filter(|badge| badge.kind != "custom").map(badge).collect();
    let badges = (!badges.is_empty()).then(|| view! { <span class="chat-badges">{badges}</span> });
    let name = if author.display_name.is_empty() { &author.login } else { &author.display_name };
    let hue = text::hue(&author.login).to_string();
    view! { {badges} <span class="chat-name" data-hue=hue>{name.clone()}</span> }.into_any()
}

/// The text with its emotes, whose positions count characters.
pub fn body(message: &Message) -> AnyView {
    let characters: Vec<char> = message.text.chars().collect();
    let between = |from: usize, to: usize| characters.get(from..to).map(|part| part.iter().collect::<String>());
    let mut parts = Vec::new();
    let mut at = 0;
    for emote in &message.emotes {
        let (from, len) = (emote.at as usize, emote.len as usize);
        let (Some(before), Some(code)) = (between(at, from), between(from, from.saturating_add(len))) else { continue };
        let srcset = format!("/emotes/{0}/1 1x, /emotes/{0}/2 2x, /emotes/{0}/3 4x", emote.id);
        let src = format!("/emotes/{}/1", emote.id);
        parts.push(before.into_any());
        let picture =
            view! { <img class="emote" src=src srcset=srcset alt=code.clone() title=code height="28" loading="lazy"/> };
        parts.push(picture.into_any());
        at = from + len;
    }
    parts.push(between(at, characters.len()).unwrap_or_default().into_any());
    parts.collect_view().into_any()
}

/// What stands above the messages: a warning, a ban, a poll, the pinned message.
fn cards(visitor: &Visitor, channel: &Channel, room: &ChatRoom) -> AnyView {
    let lang = visitor.lang;
    let you = room.you.as_ref();
    let warning = you.and_then(|you| you.warning.clone()).map(|warning| {
        let form = Form::new(visitor, "warning", format!("POST channels/{}/chat/warning", channel.name));
        let button = view! { <button class="button">{lang.chat_word("understood")}</button> };
        view! {
            <section class="chat-card chat-bad">
                <p><strong>{lang.chat_word("warned")}</strong> " " {warning}</p>
                {form.done("", button.into_any())}
            </section>
        }
    });
    let banned = you.filter(|you| you.ban.as_ref().is_some_and(|ban| ban.until_ms.is_none())).map(|you| {
        let request = you.unban_request.as_ref().map(|request| request.state);
        let next = match request {
            Some(state @ (UnbanState::Open | UnbanState::Denied)) => {
                view! { <p>{lang.unban_state(state)}</p> }.into_any()
            }
            _ => unban_form(visitor, channel),
        };
        view! { <section class="chat-card chat-bad"><p><strong>{lang.chat_word("you_are_banned")}</strong></p>{next}</section> }
    });
    let poll = room.poll.as_ref().map(|running| poll(visitor, channel, running, you.and_then(|you| you.vote)));
    let pinned = room.pinned.as_ref().map(|message| {
        view! {
            <section class="chat-card" aria-label=lang.chat_word("pinned")>
                <p class="chat-label">{lang.chat_word("pinned")}</p>
                <p class="chat-pinned-text">{author(lang, &message.author)} ": " {body(message)}</p>
            </section>
        }
    });
    view! { {warning} {banned} {poll} {pinned} }.into_any()
}

fn unban_form(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "unban-request", format!("POST channels/{}/chat/unban-requests", channel.name));
    let inputs = view! {
        {form.input(Input::text("text", lang.chat_word("unban_why")).required().max(500))}
        <button class="button">{lang.chat_word("unban_ask")}</button>
    };
    form.done("stack", inputs.into_any())
}

fn poll(visitor: &Visitor, channel: &Channel, poll: &Poll, chosen: Option<u32>) -> AnyView {
    let lang = visitor.lang;
    let all: u32 = poll.options.iter().map(|option| option.votes).sum();
    let option = |(index, option): (usize, &rivulet_protocol::chat::PollOption)| {
        let share = (option.votes * 100 + all / 2).checked_div(all).unwrap_or(0);
        let text = view! { <span class="chat-option-text">{option.text.clone()}</span><span>{share} " %"</span> };
        let is_chosen = chosen == u32::try_from(index).ok();
        let head = match visitor.me.is_some() && !poll.ended {
            true => {
                let call = format!("POST channels/{}/polls/{}/vote", channel.name, poll.id);
                let form = Form::new(visitor, format!("vote-{index}"), call);
                let input = form.hidden("option:number", index.to_string());
                let pressed = is_chosen.to_string();
                let inputs = view! { {input} <button class="button chat-option" aria-pressed=pressed>{text}</button> };
                form.done("", inputs.into_any())
            }
            false => view! { <div class="chat-option">{text}</div> }.into_any(),
        };
        view! { <li>{head}<meter min="0" max="100" value=share.to_string() aria-label=option.text.clone()></meter></li> }
    };
    let label = if poll.ended { lang.chat_word("poll_ended") } else { lang.chat_word("poll") };
    view! {
        <section class="chat-card chat-poll" aria-label=lang.chat_word("poll")>
            <p class="chat-label">{label}</p>
            <p class="chat-question">{poll.question.clone()}</p>
            <ol>{poll.options.iter().enumerate().map(option).collect_view()}</ol>
        </section>
    }
    .into_any()
}

fn composer(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "say", format!("POST channels/{}/chat/messages", channel.name));
    let inputs = view! {
        <p class="chat-modes" hidden></p>
        <p class="chat-replying" hidden></p>
        <p class="chat-blocked" id="chat-blocked" role="status" hidden></p>
        <ul class="chat-offers" id="chat-offers" role="listbox" aria-label=lang.chat_suggestions() hidden></ul>
        <div class="chat-picker" id="chat-picker" hidden></div>
        <div class="chat-write">
            <label class="visually-hidden" for="chat-text">{lang.chat_message()}</label>
            <textarea id="chat-text" name="text" rows="2" required placeholder=lang.chat_placeholder() autocomplete="off"
                aria-autocomplete="list" aria-controls="chat-offers" aria-describedby="chat-blocked"></textarea>
        </div>
        <div class="chat-write-actions">
            <span class="chat-count muted" hidden></span>
            <button type="button" class="icon-button chat-picker-open" aria-label=lang.chat_emotes() title=lang.chat_emotes()
                aria-expanded="false" aria-controls="chat-picker" hidden>{parts::icon(parts::SMILE)}</button>
            <button class="button button-primary chat-send">{lang.chat_word("send")}</button>
        </div>
    };
    form.done("chat-composer", inputs.into_any())
}

/// Says something to everybody, in a box of its own.
pub fn announce(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "announce", format!("POST channels/{}/chat/announcements", channel.name));
    let colors = [
        ("primary", lang.color_primary()),
        ("blue", lang.color_blue()),
        ("green", lang.color_green()),
        ("orange", lang.color_orange()),
        ("purple", lang.color_purple()),
    ];
    let colors = colors.map(|(value, name)| (value.to_owned(), name.to_owned())).to_vec();
    let inputs = view! {
        {form.input(Input::text("text", lang.announce_label()).required().max(500))}
        {form.input(Input::new(Kind::Choice(colors), "color", lang.color()))}
        <button class="button">{lang.announce_chat()}</button>
    };
    form.done("stack", inputs.into_any())
}
