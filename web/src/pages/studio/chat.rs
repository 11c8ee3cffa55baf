//! How the chat of a channel is set up: rules, terms and bans, emotes and badges, commands, polls, raids.

use super::moderation::{ban_inputs, followers_choice, minutes, shield_button};
use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, Tone, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::{
    chat::Poll,
    rest::{
        BanCreate, Channel, ChannelRole, ChatBadge, ChatBan, ChatCommand, ChatSettings, Emote, NetworkBan,
        Page as Listed, RaidDefence, RaidsFrom, Shield, Term, TermDeed,
    },
};

/// Which of the pages, with what the API said for it.
pub enum ChatAdmin {
    Settings(Box<(ChatSettings, Shield)>),
    Rules(Vec<Term>, Listed<ChatBan>, Vec<NetworkBan>),
    Pictures(Vec<Emote>, Vec<ChatBadge>),
    Extras(Vec<ChatCommand>, Vec<Poll>),
}

const DELAYS: [u32; 3] = [2, 4, 6];
const AGES_MINUTES: &[u32] = &[10, 60, 1_440, 10_080, 43_200];
const POLL_SECONDS: [u32; 5] = [30, 60, 120, 300, 600];
const PICTURES: &str = "image/png,image/jpeg,image/webp,image/gif";

pub fn chat(visitor: &Visitor, channel: &Channel, role: Option<ChannelRole>, page: ChatAdmin) -> AnyView {
    let lang = visitor.lang;
    let base = format!("/dashboard/{}/chat", channel.name);
    let (path, body) = match page {
        ChatAdmin::Settings(both) => ("", settings(visitor, channel, &both.0, &both.1)),
        ChatAdmin::Rules(terms, bans, networks) => ("/rules", rules(visitor, channel, &terms, &bans, &networks)),
        ChatAdmin::Pictures(emotes, badges) => ("/emotes", pictures(visitor, channel, &emotes, &badges)),
        ChatAdmin::Extras(commands, polls) => ("/extras", extras(visitor, channel, &commands, &polls, role)),
    };
    let entries = [
        ("", lang.chat_settings()),
        ("/rules", lang.chat_rules()),
        ("/emotes", lang.chat_pictures()),
        ("/extras", lang.chat_extras()),
    ];
    let entries = entries.map(|(path, text)| (format!("{base}{path}"), text.to_owned())).to_vec();
    view! { {parts::tabs(lang.chat(), &format!("{base}{path}"), entries)} {body} }.into_any()
}

fn settings(visitor: &Visitor, channel: &Channel, settings: &ChatSettings, shield: &Shield) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "chat-settings", format!("PUT channels/{}/chat/settings", channel.name));
    let defences =
        RaidDefence::ALL.iter().map(|it| (it.as_str().to_owned(), lang.raid_defence(*it).to_owned())).collect();
    let sources = RaidsFrom::ALL.iter().map(|it| (it.as_str().to_owned(), lang.raids_from(*it).to_owned())).collect();
    let hosts = Input::new(Kind::Lines, "link_hosts", lang.link_hosts()).value(settings.link_hosts.join("\n"));
    let raid_channels =
        Input::new(Kind::Lines, "raid_channels", lang.raid_channels()).value(settings.raid_channels.join("\n"));
    let retention =
        Input::new(Kind::Number, "retention_days", lang.chat_retention()).value(settings.retention_days.to_string());
    let inputs = view! {
        {modes(visitor, &form, "", settings)}
        {form.input(hosts.hint(lang.link_hosts_hint()))}
        {form.input(Input::choice("raid_defence", lang.raid_defence_label(), defences).value(settings.raid_defence.as_str()))}
        {form.input(Input::choice("raids_from", lang.raids_from_label(), sources).value(settings.raids_from.as_str()))}
        {form.input(raid_channels.hint(lang.raid_channels_hint()))}
        {form.input(Input::check("share_bans", lang.share_bans(), settings.share_bans).hint(lang.share_bans_hint()))}
        {form.input(retention.required().hint(lang.chat_retention_hint()))}
        <button class="button button-primary">{lang.save()}</button>
    };
    let own = form.done("stack", inputs.into_any());
    let form = Form::new(visitor, "shield-bundle", format!("PUT channels/{}/chat/shield", channel.name));
    let inputs = view! {
        <p class="muted">{lang.shield_bundle_text()}</p>
        {modes(visitor, &form, "settings.", &shield.settings)}
        <button class="button button-primary">{lang.save()}</button>
    };
    let bundle = form.done("stack", inputs.into_any());
    view! {
        {panel("settings", lang.chat_modes(), own)}
        {panel("shield-mode", lang.shield_mode(), shield_button(visitor, channel, shield.on))}
        {panel("bundle", lang.shield_bundle(), bundle)}
        {panel("obs", lang.chat_in_obs(), in_obs(visitor, channel))}
    }
    .into_any()
}

/// What is put into OBS, as addresses.
fn in_obs(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let address = |label: &'static str, hint: &'static str, path: &str| {
        let url = format!("{}{path}?channel={}", visitor.origin, channel.name);
        view! { <div class="field"><p class="label">{label}</p><code class="secret">{url}</code><p class="hint">{hint}</p></div> }
    };
    view! {
        {address(lang.obs_overlay(), lang.obs_overlay_hint(), "/overlay/chat")}
        {address(lang.obs_dock(), lang.obs_dock_hint(), "/dock/chat")}
    }
    .into_any()
}

/// Who may say what, as inputs whose names begin with `at`.
fn modes(visitor: &Visitor, form: &Form<'_>, at: &str, settings: &ChatSettings) -> AnyView {
    let lang = visitor.lang;
    let name = |field: &str| format!("{at}{field}");
    let number = |field: &str, label, choices, value: String| {
        form.input(Input::new(Kind::NumberChoice(choices), name(field), label).value(value))
    };
    let followers = settings.followers_only_minutes.map(|minutes| minutes.to_string()).unwrap_or_default();
    let zero = |text: &'static str| vec![("0".to_owned(), text.to_owned())];
    let mut delays = zero(lang.no_delay());
    delays.extend(DELAYS.map(|seconds| (seconds.to_string(), lang.of_seconds(seconds))));
    let mut ages = zero(lang.any_age());
    ages.extend(minutes(lang, "", AGES_MINUTES).into_iter().skip(1));
    let slow =
        Input::new(Kind::Number, name("slow_seconds"), lang.slow_mode()).value(settings.slow_seconds.to_string());
    let check = |field: &str, label, on| form.input(Input::check(name(field), label, on));
    view! {
        <div class="pair pair-end">
            {form.input(slow.required())}
            {number("followers_only_minutes", lang.followers_mode(), followers_choice(lang), followers)}
            {number("account_age_minutes", lang.account_age(), ages, settings.account_age_minutes.to_string())}
            {number("delay_seconds", lang.delay_mode(), delays, settings.delay_seconds.to_string())}
        </div>
        <div class="pair">
            {check("subscribers_only", lang.subscribers_mode(), settings.subscribers_only)}
            {check("emote_only", lang.emote_mode(), settings.emote_only)}
            {check("unique", lang.unique_mode(), settings.unique)}
            {check("verified_only", lang.verified_mode(), settings.verified_only)}
            {check("block_links", lang.block_links(), settings.block_links)}
        </div>
    }
    .into_any()
}

fn rules(
    visitor: &Visitor,
    channel: &Channel,
    terms: &[Term],
    bans: &Listed<ChatBan>,
    networks: &[NetworkBan],
) -> AnyView {
    let lang = visitor.lang;
    let base = format!("channels/{}/chat", channel.name);
    let form = Form::new(visitor, "term", format!("POST {base}/terms"));
    let deeds = TermDeed::ALL.iter().map(|it| (it.as_str().to_owned(), lang.term_deed(*it).to_owned())).collect();
    let inputs = view! {
        {form.input(Input::text("text", lang.term()).required().max(260).hint(lang.term_hint()))}
        {form.input(Input::check("pattern", lang.term_pattern(), false))}
        {form.input(Input::choice("deed", lang.term_deed_label(), deeds))}
        <button class="button button-primary">{lang.add()}</button>
    };
    let new_term = form.done("stack", inputs.into_any());
    let row = |it: &Term| {
        let removal = Form::new(visitor, format!("term-{}", it.id), format!("DELETE {base}/terms/{}", it.id));
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        let pattern = it.rule.pattern.then(|| parts::badge(Tone::Plain, lang.pattern()));
        vec![
            view! { <span class="mono">{it.rule.text.clone()}</span> " " {pattern} }.into_any(),
            words(lang.term_deed(it.rule.deed)),
            words(it.by.clone()),
            removal.done("", button.into_any()),
        ]
    };
    let heads = [lang.term(), lang.term_deed_label(), lang.banned_by(), ""];
    let term_list = match terms.is_empty() {
        true => parts::empty(lang.no_terms(), lang.no_terms_text()),
        false => table(lang, lang.blocked_terms(), &heads, terms.iter().map(row).collect()),
    };
    let form = Form::new(visitor, "ban", format!("PUT {base}/bans/{{username}}"));
    let inputs = view! {
        {form.input(Input::new(Kind::InPath, "username", lang.user_name()).required())}
        {ban_inputs(visitor, &form, &BanCreate::default())}
        <button class="button button-danger">{lang.ban()}</button>
    };
    let new_ban = form.done("stack", inputs.into_any());
    let networks =
        (!networks.is_empty()).then(|| panel("networks", lang.networks(), network_list(visitor, channel, networks)));
    view! {
        {panel("terms", lang.blocked_terms(), term_list)}
        {panel("new-term", lang.add_term(), new_term)}
        {panel("bans", lang.bans(), ban_list(visitor, channel, bans))}
        {panel("new-ban", lang.ban_somebody(), new_ban)}
        {networks}
    }
    .into_any()
}

fn ban_list(visitor: &Visitor, channel: &Channel, bans: &Listed<ChatBan>) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &ChatBan| {
        let login = &it.user.login;
        let removal =
            Form::new(visitor, format!("unban-{login}"), format!("DELETE channels/{}/chat/bans/{login}", channel.name));
        let button = view! { <button class="button button-quiet">{lang.unban()}</button> };
        let until = it.until_ms.map_or_else(|| words(lang.for_good()), |until| parts::moment(lang, until));
        let by = it.shared_from.as_ref().map_or_else(|| it.by.clone(), |from| format!("{} ({from})", it.by));
        vec![
            parts::link(format!("/dashboard/{}/moderation/{login}", channel.name), login.clone()),
            until,
            words(it.reason.clone()),
            words(by),
            removal.done("", button.into_any()),
        ]
    };
    let heads = [lang.user_name(), lang.until(), lang.reason(), lang.banned_by(), ""];
    match bans.items.is_empty() {
        true => parts::empty(lang.no_bans(), lang.no_bans_text()),
        false => view! {
            {table(lang, lang.bans(), &heads, bans.items.iter().map(row).collect())}
            {parts::more(lang, &visitor.here, bans.next.as_deref())}
        }
        .into_any(),
    }
}

fn network_list(visitor: &Visitor, channel: &Channel, networks: &[NetworkBan]) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &NetworkBan| {
        let call = format!("DELETE channels/{}/chat/networks/{}", channel.name, it.id);
        let removal = Form::new(visitor, format!("network-{}", it.id), call);
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        vec![
            words(it.username.clone()),
            parts::date(lang, it.created_at_ms),
            words(it.by.clone()),
            removal.done("", button.into_any()),
        ]
    };
    let heads = [lang.seen_there(), lang.made(), lang.banned_by(), ""];
    table(lang, lang.networks(), &heads, networks.iter().map(row).collect())
}

/// Emotes at `path` of the API, and the form for another one.
pub fn emotes(visitor: &Visitor, path: &str, emotes: &[&Emote]) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &&Emote| {
        let removal = Form::new(visitor, format!("emote-{}", it.code), format!("DELETE {path}/{}", it.code));
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        let (src, srcset) = (format!("/emotes/{}/1", it.id), format!("/emotes/{0}/1 1x, /emotes/{0}/2 2x", it.id));
        let moves = it.animated.then(|| parts::badge(Tone::Plain, lang.moves()));
        vec![
            view! { <img class="emote" src=src srcset=srcset alt="" height="28" loading="lazy"/> }.into_any(),
            view! { <span class="mono">{it.code.clone()}</span> " " {moves} }.into_any(),
            removal.done("", button.into_any()),
        ]
    };
    let list = match emotes.is_empty() {
        true => parts::empty(lang.no_own_emotes(), lang.no_own_emotes_text()),
        false => table(lang, lang.emotes(), &[lang.picture(), lang.emote_code(), ""], emotes.iter().map(row).collect()),
    };
    let form = Form::new(visitor, "emote", format!("PUT {path}/{{code}}")).upload();
    let file = Input::new(Kind::File(PICTURES), "file", lang.choose_picture()).required().hint(lang.emote_file_hint());
    let code = Input::new(Kind::InPath, "code", lang.emote_code()).required().max(25).hint(lang.emote_code_hint());
    let inputs = view! {
        {form.input(code)}
        {form.input(file)}
        <button class="button button-primary">{lang.add_emote()}</button>
    };
    view! {
        {panel("emotes", lang.emotes(), list)}
        {panel("new-emote", lang.add_emote(), form.done("stack", inputs.into_any()))}
    }
    .into_any()
}

fn pictures(visitor: &Visitor, channel: &Channel, all: &[Emote], badges: &[ChatBadge]) -> AnyView {
    let lang = visitor.lang;
    let own: Vec<&Emote> = all.iter().filter(|emote| !emote.global).collect();
    let base = format!("channels/{}/chat", channel.name);
    let form = Form::new(visitor, "badge", format!("POST {base}/badges?title={{title}}")).upload();
    let file = Input::new(Kind::File(PICTURES), "file", lang.choose_picture()).required().hint(lang.picture_hint());
    let inputs = view! {
        {form.input(Input::new(Kind::InPath, "title", lang.title()).required().max(40))}
        {form.input(file)}
        <button class="button button-primary">{lang.add_badge()}</button>
    };
    let new_badge = form.done("stack", inputs.into_any());
    let list = match badges.is_empty() {
        true => parts::empty(lang.no_badges(), lang.no_badges_text()),
        false => {
            let rows = badges.iter().map(|it| badge(visitor, &base, it)).collect_view();
            view! { <div class="rows">{rows}</div> }.into_any()
        }
    };
    view! {
        {emotes(visitor, &format!("{base}/emotes"), &own)}
        {panel("badges", lang.badges(), list)}
        {panel("new-badge", lang.add_badge(), new_badge)}
    }
    .into_any()
}

fn badge(visitor: &Visitor, base: &str, it: &ChatBadge) -> AnyView {
    let lang = visitor.lang;
    let path = format!("{base}/badges/{}", it.id);
    let give = Form::new(visitor, format!("give-{}", it.id), format!("PUT {path}/holders/{{username}}"));
    let button = view! { <button class="button">{lang.give_badge()}</button> };
    let input = give.input_with(Input::new(Kind::InPath, "username", lang.user_name()).required(), button.into_any());
    let open = give.has_news();
    let give = give.done("", input);
    let holder = |name: &String| {
        let form = Form::new(visitor, format!("take-{}-{name}", it.id), format!("DELETE {path}/holders/{name}"));
        let label = format!("{} {name}", lang.take_badge());
        let button = view! { <button class="icon-button" aria-label=label>"✕"</button> };
        view! { <li class="pill">{name.clone()} {form.done("", button.into_any())}</li> }
    };
    let removal = Form::new(visitor, format!("badge-{}", it.id), format!("DELETE {path}"));
    let button = view! { <button class="button button-quiet">{lang.delete()}</button> };
    let removal = removal.done("", button.into_any());
    let src = format!("/emotes/{}/1", it.picture);
    view! {
        <details class="row" open=open>
            <summary>
                <span class="row-marks"><img src=src alt="" width="18" height="18"/> <strong>{it.title.clone()}</strong></span>
            </summary>
            <ul class="pills" aria-label=lang.holders()>{it.holders.iter().map(holder).collect_view()}</ul>
            {give}
            {removal}
        </details>
    }
    .into_any()
}

fn extras(
    visitor: &Visitor,
    channel: &Channel,
    commands: &[ChatCommand],
    polls: &[Poll],
    role: Option<ChannelRole>,
) -> AnyView {
    let lang = visitor.lang;
    // A raid takes everybody along, which is for those who edit the channel.
    let raids = (role != Some(ChannelRole::Moderator)).then(|| panel("raid", lang.raid(), raid(visitor, channel)));
    view! {
        {panel("commands", lang.commands(), command_list(visitor, channel, commands))}
        {panel("new-command", lang.add_command(), new_command(visitor, channel))}
        {panel("polls", lang.polls(), poll_list(visitor, channel, polls))}
        {panel("new-poll", lang.start_poll(), new_poll(visitor, channel))}
        {raids}
    }
    .into_any()
}

fn command_list(visitor: &Visitor, channel: &Channel, commands: &[ChatCommand]) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &ChatCommand| {
        let call = format!("DELETE channels/{}/chat/commands/{}", channel.name, it.name);
        let removal = Form::new(visitor, format!("command-{}", it.name), call);
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        let only = it.moderators_only.then(|| parts::badge(Tone::Plain, lang.command_moderators()));
        vec![
            view! { <span class="mono">"!" {it.name.clone()}</span> " " {only} }.into_any(),
            words(it.reply.clone()),
            words(lang.of_seconds(it.cooldown_seconds)),
            removal.done("", button.into_any()),
        ]
    };
    let heads = [lang.command_name(), lang.command_reply(), lang.cooldown(), ""];
    match commands.is_empty() {
        true => parts::empty(lang.no_commands(), lang.no_commands_text()),
        false => table(lang, lang.commands(), &heads, commands.iter().map(row).collect()),
    }
}

fn new_command(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "command", format!("PUT channels/{}/chat/commands/{{command}}", channel.name));
    let inputs = view! {
        {form.input(Input::new(Kind::InPath, "command", lang.command_name()).required().max(25))}
        {form.input(Input::text("reply", lang.command_reply()).required().max(400).hint(lang.command_reply_hint()))}
        {form.input(Input::new(Kind::Number, "cooldown_seconds", lang.cooldown()).value("5").required())}
        {form.input(Input::check("moderators_only", lang.command_moderators(), false))}
        <button class="button button-primary">{lang.save()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn poll_list(visitor: &Visitor, channel: &Channel, polls: &[Poll]) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &Poll| {
        let votes: Vec<String> = it.options.iter().map(|option| format!("{}: {}", option.text, option.votes)).collect();
        let end = (!it.ended).then(|| {
            let call = format!("POST channels/{}/polls/{}/end", channel.name, it.id);
            let form = Form::new(visitor, format!("end-{}", it.id), call);
            form.done("", view! { <button class="button">{lang.end_poll()}</button> }.into_any())
        });
        vec![
            words(it.question.clone()),
            words(votes.join(" · ")),
            parts::moment(lang, it.ends_at_ms),
            view! { {end} }.into_any(),
        ]
    };
    match polls.is_empty() {
        true => view! { <p class="muted">{lang.no_polls()}</p> }.into_any(),
        false => table(
            lang,
            lang.polls(),
            &[lang.poll_question(), lang.votes(), lang.until(), ""],
            polls.iter().map(row).collect(),
        ),
    }
}

fn new_poll(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "poll", format!("POST channels/{}/polls", channel.name));
    let times = POLL_SECONDS.map(|seconds| (seconds.to_string(), lang.of_seconds(seconds))).to_vec();
    let inputs = view! {
        {form.input(Input::text("question", lang.poll_question()).required().max(140))}
        {form.input(Input::new(Kind::Lines, "options", lang.poll_options()).required().hint(lang.poll_options_hint()))}
        {form.input(Input::new(Kind::NumberChoice(times), "seconds", lang.ban_length()).value("120"))}
        <button class="button button-primary">{lang.start_poll()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn raid(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "raid", format!("POST channels/{}/raid", channel.name));
    let button = view! { <button class="button button-primary">{lang.start_raid()}</button> };
    let input = form.input_with(Input::text("channel", lang.channel()).required().max(25), button.into_any());
    let start = form.done("", input);
    let cancel = Form::new(visitor, "raid-cancel", format!("DELETE channels/{}/raid", channel.name));
    let button = view! { <button class="button button-quiet">{lang.cancel_raid()}</button> };
    let cancel = cancel.done("", button.into_any());
    view! { <p class="muted">{lang.raid_text()}</p> {start} {cancel} }.into_any()
}
