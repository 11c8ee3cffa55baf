//! The moderation view: the chat with what waits for a decision and what was done beside it. Its lists
//! and forms work by loading the page again; `web/player/src/chat/desk.js` keeps them up to date.

use crate::{
    pages::{
        chat::{self, ChatPlace, Chatting},
        document::Visitor,
        form::{Form, Input, Kind},
        parts::{self, confirmed, panel},
    },
    words::Lang,
};
use leptos::prelude::*;
use rivulet_protocol::{
    chat::{ChatAction, HeldMessage, Message},
    rest::{BanCreate, Channel, ChatNote, ChatSettings, Chatter, UnbanRequest},
};

/// What the view shows beside the chat.
pub struct Desk {
    pub chatting: Chatting,
    pub held: Vec<HeldMessage>,
    pub requests: Vec<UnbanRequest>,
    pub actions: Vec<ChatAction>,
}

pub fn moderation(visitor: &Visitor, desk: Desk) -> AnyView {
    let lang = visitor.lang;
    let Desk { chatting, held, requests, actions } = desk;
    let channel = &chatting.channel;
    let modes = view! {
        {shield_button(visitor, channel, chatting.room.shield)}
        {modes(visitor, channel, &chatting.room.settings)}
    };
    let clear = Form::new(visitor, "clear", format!("DELETE channels/{}/chat/messages", channel.name));
    let clear_button = view! { <button class="button button-danger">{lang.clear_chat()}</button> };
    let clear = confirmed(lang.clear_chat(), lang.clear_chat_question(), clear.done("", clear_button.into_any()));
    let announce = view! { {chat::announce(visitor, channel)} {clear} };
    view! {
        <div class="desk" data-desk="">
            {chat::chat(visitor, &chatting, ChatPlace::Desk)}
            <div class="desk-side">
                {panel("held", lang.held_messages(), held_list(visitor, channel, &held))}
                {panel("requests", lang.unban_requests(), request_list(visitor, channel, &requests))}
                {panel("modes", lang.chat_modes(), modes.into_any())}
                {panel("announcement", lang.announce_label(), announce.into_any())}
                {panel("log", lang.action_log(), action_list(lang, &actions))}
            </div>
        </div>
    }
    .into_any()
}

fn none_yet(list: &'static str, text: &'static str, empty: bool) -> AnyView {
    view! { <p class="muted" data-empty=list hidden=!empty>{text}</p> }.into_any()
}

fn held_list(visitor: &Visitor, channel: &Channel, held: &[HeldMessage]) -> AnyView {
    let lang = visitor.lang;
    let one = |it: &HeldMessage| {
        let call = format!("POST channels/{}/chat/held/{}", channel.name, it.id);
        let form = Form::new(visitor, format!("hold-{}", it.id), call);
        let buttons = view! {
            <button class="button" name="allow:bool" value="on" aria-keyshortcuts="A">{lang.chat_word("allow")}</button>
            <button class="button" name="allow:bool" value="" aria-keyshortcuts="D">{lang.chat_word("deny")}</button>
        };
        view! {
            <li class="desk-item" id=format!("held-{}", it.id) tabindex="0">
                <p><strong>{it.message.author.display_name.clone()}</strong>": " {chat::body(&it.message)}</p>
                <p class="muted">{it.reason.clone()}</p>
                {form.done("actions", buttons.into_any())}
            </li>
        }
    };
    view! {
        {none_yet("held-list", lang.nothing_held(), held.is_empty())}
        <ol class="desk-list" id="held-list" data-held-list="" aria-label=lang.held_messages()>
            {held.iter().map(one).collect_view()}
        </ol>
        <p class="hint">{lang.held_keys()} " " {lang.chat_keys()}</p>
    }
    .into_any()
}

fn request_list(visitor: &Visitor, channel: &Channel, requests: &[UnbanRequest]) -> AnyView {
    let lang = visitor.lang;
    let one = |it: &UnbanRequest| {
        let call = format!("PUT channels/{}/chat/unban-requests/{}", channel.name, it.id);
        let form = Form::new(visitor, format!("answer-{}", it.id), call);
        let answer = lang.chat_word("answer");
        let inputs = view! {
            <input name="answer" maxlength="500" aria-label=answer placeholder=answer/>
            <button class="button" name="approve:bool" value="on">{lang.chat_word("approve")}</button>
            <button class="button" name="approve:bool" value="">{lang.chat_word("deny")}</button>
        };
        let name = if it.user.display_name.is_empty() { &it.user.login } else { &it.user.display_name };
        let href = format!("/dashboard/{}/moderation/{}", channel.name, it.user.login);
        view! {
            <li class="desk-item" id=format!("request-{}", it.id)>
                <p><a href=href>{name.clone()}</a>": " {it.text.clone()}</p>
                {form.done("actions", inputs.into_any())}
            </li>
        }
    };
    view! {
        {none_yet("requests-list", lang.no_unban_requests(), requests.is_empty())}
        <ol class="desk-list" id="requests-list" data-requests-list="" aria-label=lang.unban_requests()>
            {requests.iter().map(one).collect_view()}
        </ol>
    }
    .into_any()
}

fn action_list(lang: Lang, actions: &[ChatAction]) -> AnyView {
    let one = |it: &ChatAction| {
        view! {
            <li id=format!("action-{}", it.revision)>
                <span class="muted">{parts::moment(lang, it.at_ms)}</span> " " {lang.chat_action(it)}
            </li>
        }
    };
    view! {
        {none_yet("actions-list", lang.no_actions(), actions.is_empty())}
        <ol class="desk-list desk-log" id="actions-list" data-actions-list="" aria-label=lang.action_log() tabindex="0">
            {actions.iter().map(one).collect_view()}
        </ol>
    }
    .into_any()
}

pub fn shield_button(visitor: &Visitor, channel: &Channel, on: bool) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "shield", format!("PUT channels/{}/chat/shield", channel.name));
    let text = lang.chat_word(if on { "shield_off" } else { "shield_on" });
    let (value, pressed) = (if on { "" } else { "on" }, on.to_string());
    let inputs = view! {
        <p class="muted">{lang.shield_text()}</p>
        <button class="button shield-button" name="on:bool" value=value aria-pressed=pressed data-shield="">{text}</button>
    };
    form.done("stack", inputs.into_any())
}

/// Choices of a number of minutes.
pub fn minutes(lang: Lang, none: &'static str, from: &[u32]) -> Vec<(String, String)> {
    let some = from.iter().map(|minutes| (minutes.to_string(), lang.of_minutes(*minutes)));
    std::iter::once((String::new(), none.to_owned())).chain(some).collect()
}

pub const FOLLOWED_MINUTES: &[u32] = &[10, 60, 1_440, 10_080, 43_200, 129_600];

pub fn followers_choice(lang: Lang) -> Vec<(String, String)> {
    let mut choices = minutes(lang, lang.everybody(), FOLLOWED_MINUTES);
    choices.insert(1, ("0".to_owned(), lang.all_followers().to_owned()));
    choices
}

/// Those that change often.
fn modes(visitor: &Visitor, channel: &Channel, settings: &ChatSettings) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "modes", format!("PUT channels/{}/chat/settings", channel.name));
    let followers = settings.followers_only_minutes.map(|minutes| minutes.to_string()).unwrap_or_default();
    let slow = Input::new(Kind::Number, "slow_seconds", lang.slow_mode()).value(settings.slow_seconds.to_string());
    let inputs = view! {
        {form.input(slow.required())}
        {form.input(Input::new(Kind::NumberChoice(followers_choice(lang)), "followers_only_minutes", lang.followers_mode()).value(followers))}
        {form.input(Input::check("subscribers_only", lang.subscribers_mode(), settings.subscribers_only))}
        {form.input(Input::check("emote_only", lang.emote_mode(), settings.emote_only))}
        {form.input(Input::check("unique", lang.unique_mode(), settings.unique))}
        <button class="button">{lang.save()}</button>
    };
    form.done("stack", inputs.into_any())
}

/// Timeouts that are offered, in seconds.
const TIMEOUTS: &[u32] = &[10, 60, 600, 3_600, 86_400, 604_800, 1_209_600];

/// How long a ban is: empty is for good.
pub fn ban_inputs(visitor: &Visitor, form: &Form<'_>, chosen: &BanCreate) -> AnyView {
    let lang = visitor.lang;
    let some = TIMEOUTS.iter().map(|seconds| (seconds.to_string(), lang.of_seconds(*seconds)));
    let choices = std::iter::once((String::new(), lang.for_good().to_owned())).chain(some).collect();
    let seconds = chosen.seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
    view! {
        {form.input(Input::new(Kind::NumberChoice(choices), "seconds", lang.ban_length()).value(seconds).optional())}
        {form.input(Input::text("reason", lang.reason()).max(300))}
    }
    .into_any()
}

/// What moderators know of somebody, and what they can do.
pub fn chatter(visitor: &Visitor, channel: &Channel, chatter: Chatter) -> AnyView {
    let lang = visitor.lang;
    let login = chatter.user.login.clone();
    let base = format!("channels/{}/chat", channel.name);
    let follows = match chatter.follows_since_ms {
        Some(since) => view! { {lang.followed_since()} " " {parts::date(lang, since)} }.into_any(),
        None => lang.does_not_follow().into_any(),
    };
    let ban = chatter.ban.as_ref().map(|ban| {
        let form = Form::new(visitor, "unban", format!("DELETE {base}/bans/{login}"));
        let until = ban.until_ms.map(|until| view! { " " {lang.chat_word("until")} " " {parts::moment(lang, until)} });
        let word = lang.chat_word(if ban.until_ms.is_some() { "is_timed_out" } else { "is_banned" });
        let button = view! { <button class="button">{lang.unban()}</button> };
        view! {
            <p class="notice notice-bad">{login.clone()} " " {word} {until} " (" {ban.by.clone()} ") " {ban.reason.clone()}</p>
            {form.done("", button.into_any())}
        }
    });
    let role = chatter.role.map(|role| parts::badge(parts::Tone::Plain, lang.channel_role(role)));
    let about = view! {
        <p><strong>{chatter.user.display_name.clone()}</strong> " @" {login.clone()} " " {role}</p>
        <p class="muted">{lang.account_made()} " " {parts::date(lang, chatter.created_at_ms)} " · " {follows}</p>
        {ban}
    };
    let deeds = {
        let ban = Form::new(visitor, "ban", format!("PUT {base}/bans/{login}"));
        let inputs = view! {
            {ban_inputs(visitor, &ban, &BanCreate { seconds: Some(600), ..BanCreate::default() })}
            <button class="button button-danger">{lang.ban()}</button>
        };
        let ban = ban.done("stack", inputs.into_any());
        let warn = Form::new(visitor, "warn", format!("POST {base}/warnings/{login}"));
        let inputs = view! {
            {warn.input(Input::text("reason", lang.reason()).required().max(300))}
            <button class="button">{lang.warn()}</button>
        };
        let warn = warn.done("stack", inputs.into_any());
        let network = Form::new(visitor, "network", format!("PUT {base}/users/{login}/network"));
        let button = view! { <button class="button">{lang.shut_out_network()}</button> };
        let network =
            view! { {network.done("", button.into_any())} <p class="hint">{lang.shut_out_network_text()}</p> };
        let purge = Form::new(visitor, "purge", format!("POST {base}/purge/{login}"));
        let button = view! { <button class="button">{lang.purge()}</button> };
        view! { <div class="pair">{ban} <div class="stack">{warn} {purge.done("", button.into_any())} {network}</div></div> }
    };
    let notes = notes(visitor, &format!("{base}/users/{login}/notes"), &chatter.notes);
    let said = |message: &Message| {
        let gone = message.deleted.then(|| view! { " " <em>{lang.taken_back()}</em> });
        view! {
            <li class:chat-deleted=message.deleted>
                <span class="muted">{parts::moment(lang, message.at_ms)}</span> " " <span class="chat-text">{chat::body(message)}</span> {gone}
            </li>
        }
    };
    let messages = match chatter.messages.is_empty() {
        true => view! { <p class="muted">{lang.nothing_said_here()}</p> }.into_any(),
        false => view! { <ol class="desk-list">{chatter.messages.iter().map(said).collect_view()}</ol> }.into_any(),
    };
    view! {
        {panel("about", chatter.user.display_name.clone(), about.into_any())}
        {panel("deeds", lang.moderation(), deeds.into_any())}
        {panel("notes", lang.notes(), notes)}
        {panel("messages", lang.chat_messages(), messages)}
        {panel("log", lang.action_log(), action_list(lang, &chatter.actions))}
    }
    .into_any()
}

fn notes(visitor: &Visitor, path: &str, notes: &[ChatNote]) -> AnyView {
    let lang = visitor.lang;
    let one = |it: &ChatNote| {
        let form = Form::new(visitor, format!("note-{}", it.id), format!("DELETE {path}/{}", it.id));
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        view! {
            <li class="desk-item">
                <p class="prose">{it.text.clone()}</p>
                <p class="muted">{it.by.clone()} " · " {parts::moment(lang, it.at_ms)}</p>
                {form.done("", button.into_any())}
            </li>
        }
    };
    let form = Form::new(visitor, "note", format!("POST {path}"));
    let inputs = view! {
        {form.input(Input::text("text", lang.note()).required().max(500))}
        <button class="button">{lang.add_note()}</button>
    };
    view! { <ol class="desk-list">{notes.iter().map(one).collect_view()}</ol> {form.done("stack", inputs.into_any())} }
        .into_any()
}
