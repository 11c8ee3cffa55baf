//! IRC as Twitch speaks it, so that its bots and clients work here unchanged.

mod line;
mod notices;
pub mod session;
mod web;

pub use line::Line;

use rivulet_protocol::chat::{Author, Badge, Event, Message, Numbered};
use rivulet_protocol::rest::ChatSettings;

/// What clients know the server as: they tell its lines from those of people by it.
const HOST: &str = "tmi.twitch.tv";
pub const PING: &[u8] = b"PING :tmi.twitch.tv\r\n";

/// A channel as lines name it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub id: &'a str,
    pub name: &'a str,
}

/// `key=value` for a line, with what would end it escaped.
struct Tags(Option<String>);

impl Tags {
    /// None of it for a client that did not ask for tags.
    fn new(wanted: bool) -> Self {
        Self(wanted.then(String::new))
    }

    fn add(mut self, key: &str, value: &str) -> Self {
        if let Some(tags) = &mut self.0 {
            tags.push(if tags.is_empty() { '@' } else { ';' });
            tags.push_str(key);
            tags.push('=');
            for c in value.chars() {
                match c {
                    ';' => tags.push_str("\\:"),
                    ' ' => tags.push_str("\\s"),
                    '\\' => tags.push_str("\\\\"),
                    '\r' => tags.push_str("\\r"),
                    '\n' => tags.push_str("\\n"),
                    c => tags.push(c),
                }
            }
        }
        self
    }

    fn number(self, key: &str, value: i64) -> Self {
        self.add(key, &value.to_string())
    }

    fn flag(self, key: &str, value: bool) -> Self {
        self.add(key, if value { "1" } else { "0" })
    }

    /// With the rest of the line behind them, whatever people have put into it.
    fn line(self, rest: std::fmt::Arguments<'_>) -> String {
        let mut line = self.0.map(|tags| tags + " ").unwrap_or_default();
        line += &rest.to_string().replace(['\r', '\n', '\0'], " ");
        line + "\r\n"
    }
}

/// Badges as Twitch calls them.
fn badges(badges: &[Badge]) -> String {
    let badge = |badge: &Badge| match badge.kind.as_str() {
        "custom" => format!("custom-{}/1", badge.version),
        "subscriber" => format!("subscriber/{}", badge.version),
        kind => format!("{kind}/1"),
    };
    badges.iter().map(badge).collect::<Vec<_>>().join(",")
}

/// What a line says of its author.
fn author(tags: Tags, author: &Author) -> Tags {
    let has = |kind: &str| author.badges.iter().any(|badge| badge.kind == kind);
    let months = author.badges.iter().find(|badge| badge.kind == "subscriber");
    let info = months.map(|badge| format!("subscriber/{}", badge.version)).unwrap_or_default();
    let user_type = match (has("admin"), has("staff"), has("moderator")) {
        (true, ..) => "admin",
        (_, true, _) => "global_mod",
        (.., true) => "mod",
        _ => "",
    };
    let tags = tags.add("badge-info", &info).add("badges", &badges(&author.badges)).add("color", &author.color);
    let tags = tags.add("display-name", &author.display_name).flag("mod", has("moderator") || has("editor"));
    tags.flag("subscriber", months.is_some()).flag("turbo", false).add("user-type", user_type)
}

/// `id:0-4,6-10/other:12-16`: by characters, the last one included.
fn emotes(message: &Message) -> String {
    let mut by_id: Vec<(&str, Vec<String>)> = Vec::new();
    for emote in &message.emotes {
        let range = format!("{}-{}", emote.at, emote.at + emote.len.max(1) - 1);
        match by_id.iter_mut().find(|(id, _)| *id == emote.id) {
            Some((_, ranges)) => ranges.push(range),
            None => by_id.push((&emote.id, vec![range])),
        }
    }
    let texts = by_id.into_iter().map(|(id, ranges)| format!("{id}:{}", ranges.join(",")));
    texts.collect::<Vec<_>>().join("/")
}

fn said(place: Place<'_>, message: &Message, tagged: bool) -> String {
    let Place { id, name } = place;
    let tags = author(Tags::new(tagged), &message.author).add("emotes", &emotes(message)).add("flags", "");
    let tags = tags.flag("first-msg", message.first).flag("returning-chatter", false).add("id", &message.id);
    let tags = tags.add("room-id", id).number("tmi-sent-ts", message.at_ms).add("user-id", &message.author.id);
    let tags = match &message.reply_to {
        Some(quote) => tags
            .add("reply-parent-msg-id", &quote.id)
            .add("reply-parent-user-id", &quote.user_id)
            .add("reply-parent-user-login", &quote.login)
            .add("reply-parent-display-name", &quote.display_name)
            .add("reply-parent-msg-body", &quote.text),
        None => tags,
    };
    let (login, text) = (&message.author.login, &message.text);
    if let Some(color) = &message.announcement {
        let tags = tags.add("login", login).add("msg-id", "announcement").add("msg-param-color", &color.to_uppercase());
        return tags.add("system-msg", "").line(format_args!(":{HOST} USERNOTICE #{name} :{text}"));
    }
    let text = if message.action { format!("\u{1}ACTION {text}\u{1}") } else { text.clone() };
    tags.line(format_args!(":{login}!{login}@{login}.{HOST} PRIVMSG #{name} :{text}"))
}

/// The modes of a room: all of them for somebody who comes in, and after that what has changed.
pub fn room_state(place: Place<'_>, settings: &ChatSettings, before: Option<&ChatSettings>, tagged: bool) -> String {
    let modes = |it: &ChatSettings| {
        [
            ("emote-only", i64::from(it.emote_only)),
            ("followers-only", it.followers_only_minutes.map_or(-1, i64::from)),
            ("r9k", i64::from(it.unique)),
            ("slow", i64::from(it.slow_seconds)),
            ("subs-only", i64::from(it.subscribers_only)),
        ]
    };
    let before = before.map(modes);
    let changed = modes(settings).into_iter().filter(|mode| before.is_none_or(|before| !before.contains(mode)));
    let mut changed = changed.peekable();
    if changed.peek().is_none() {
        return String::new();
    }
    let tags = Tags::new(tagged).add("room-id", place.id);
    let tags = changed.fold(tags, |tags, (mode, value)| tags.number(mode, value));
    tags.line(format_args!(":{HOST} ROOMSTATE #{}", place.name))
}

/// What somebody is in a room, for themselves.
fn user_state(name: &str, who: &Author, tagged: bool) -> String {
    author(Tags::new(tagged), who).add("emote-sets", "0").line(format_args!(":{HOST} USERSTATE #{name}"))
}

fn notice(name: &str, id: &str, text: &str, tagged: bool) -> String {
    Tags::new(tagged).add("msg-id", id).line(format_args!(":{HOST} NOTICE #{name} :{text}"))
}

/// An event as a line, or nothing where IRC has none for it. `before` are the settings that it replaces.
pub fn event(place: Place<'_>, event: &Numbered, before: Option<&ChatSettings>, tagged: bool) -> String {
    let Place { id, name } = place;
    let at = |tags: Tags| tags.add("room-id", id).number("tmi-sent-ts", event.sent_ms);
    match &event.event {
        Event::Message(message) => said(place, message, tagged),
        Event::Deleted { message_id, login } => {
            let tags = at(Tags::new(tagged).add("login", login)).add("target-msg-id", message_id);
            // What it said is not said again.
            tags.line(format_args!(":{HOST} CLEARMSG #{name} :"))
        }
        Event::UserCleared { user_id, login, banned, seconds } => {
            let tags = at(Tags::new(tagged)).add("target-user-id", user_id);
            // Without a time it would be a ban: who is only cleared has the shortest timeout, as on Twitch.
            let tags = match seconds.or((!banned).then_some(1)) {
                Some(seconds) => tags.number("ban-duration", i64::from(seconds)),
                None => tags,
            };
            tags.line(format_args!(":{HOST} CLEARCHAT #{name} :{login}"))
        }
        Event::Cleared => at(Tags::new(tagged)).line(format_args!(":{HOST} CLEARCHAT #{name}")),
        Event::Settings { settings } => room_state(place, settings, before, tagged),
        Event::RaidIn { channel_id, channel, display_name, viewers } => {
            let text = format!("{viewers} raiders from {display_name} have joined!");
            let tags = at(Tags::new(tagged).add("display-name", display_name).add("login", channel));
            let tags = tags.add("user-id", channel_id).add("msg-id", "raid").add("msg-param-displayName", display_name);
            let tags = tags.add("msg-param-login", channel).number("msg-param-viewerCount", i64::from(*viewers));
            tags.add("system-msg", &text).line(format_args!(":{HOST} USERNOTICE #{name}"))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rivulet_protocol::chat::{EmoteUse, Position, Quote};

    const PLACE: Place<'_> = Place { id: "c1", name: "stage" };

    fn lines(it: Event) -> (String, String) {
        let numbered = Numbered { position: Position { epoch: 1, n: 1 }, sent_ms: 1_700_000_000_000, event: it };
        let before = ChatSettings::default();
        let line = |tagged| event(PLACE, &numbered, Some(&before), tagged);
        (line(true), line(false))
    }

    fn message() -> Message {
        let badge = |kind: &str| Badge { kind: kind.into(), version: "1".into() };
        Message {
            id: "m1".into(),
            at_ms: 1_700_000_000_000,
            author: Author {
                id: "u1".into(),
                login: "ann".into(),
                display_name: "Ann B; C".into(),
                color: "#ff0000".into(),
                badges: vec![badge("moderator")],
            },
            text: "ünd Wave Wave".into(),
            emotes: vec![EmoteUse { id: "e1".into(), at: 4, len: 4 }, EmoteUse { id: "e1".into(), at: 9, len: 4 }],
            reply_to: None,
            action: false,
            announcement: None,
            first: true,
            deleted: false,
        }
    }

    #[test]
    fn a_message() {
        let (tagged, plain) = lines(Event::Message(message()));
        assert_eq!(plain, ":ann!ann@ann.tmi.twitch.tv PRIVMSG #stage :ünd Wave Wave\r\n");
        let tags = "@badge-info=;badges=moderator/1;color=#ff0000;display-name=Ann\\sB\\:\\sC;mod=1;subscriber=0;\
            turbo=0;user-type=mod;emotes=e1:4-7,9-12;flags=;first-msg=1;returning-chatter=0;id=m1;room-id=c1;\
            tmi-sent-ts=1700000000000;user-id=u1 ";
        assert_eq!(tagged, format!("{tags}{plain}"));
        let quote = Quote {
            id: "m0".into(),
            user_id: "u0".into(),
            login: "bob".into(),
            display_name: "Bob".into(),
            text: "a b".into(),
        };
        let (tagged, plain) = lines(Event::Message(Message { reply_to: Some(quote), action: true, ..message() }));
        assert!(tagged.contains(";reply-parent-msg-id=m0;") && tagged.contains("reply-parent-msg-body=a\\sb "));
        assert!(plain.ends_with(" :\u{1}ACTION ünd Wave Wave\u{1}\r\n"));
    }

    #[test]
    fn a_text_is_one_line() {
        let announced =
            Message { text: "hear\r\n:tmi.twitch.tv RECONNECT".into(), announcement: Some("blue".into()), ..message() };
        let (_, plain) = lines(Event::Message(announced));
        assert_eq!(plain, ":tmi.twitch.tv USERNOTICE #stage :hear  :tmi.twitch.tv RECONNECT\r\n");
    }

    #[test]
    fn what_moderators_do() {
        let cleared = |seconds| Event::UserCleared { user_id: "u1".into(), login: "ann".into(), banned: true, seconds };
        for (event, want) in [
            (
                cleared(Some(600)),
                "@room-id=c1;tmi-sent-ts=1700000000000;target-user-id=u1;ban-duration=600 :tmi.twitch.tv CLEARCHAT #stage :ann\r\n",
            ),
            (
                cleared(None),
                "@room-id=c1;tmi-sent-ts=1700000000000;target-user-id=u1 :tmi.twitch.tv CLEARCHAT #stage :ann\r\n",
            ),
            (
                Event::UserCleared { user_id: "u1".into(), login: "ann".into(), banned: false, seconds: None },
                "@room-id=c1;tmi-sent-ts=1700000000000;target-user-id=u1;ban-duration=1 :tmi.twitch.tv CLEARCHAT #stage :ann\r\n",
            ),
            (Event::Cleared, "@room-id=c1;tmi-sent-ts=1700000000000 :tmi.twitch.tv CLEARCHAT #stage\r\n"),
            (
                Event::Deleted { message_id: "m1".into(), login: "ann".into() },
                "@login=ann;room-id=c1;tmi-sent-ts=1700000000000;target-msg-id=m1 :tmi.twitch.tv CLEARMSG #stage :\r\n",
            ),
            (
                Event::Settings {
                    settings: ChatSettings { slow_seconds: 12, unique: true, ..ChatSettings::default() },
                },
                "@room-id=c1;r9k=1;slow=12 :tmi.twitch.tv ROOMSTATE #stage\r\n",
            ),
            (Event::Settings { settings: ChatSettings { delay_seconds: 2, ..ChatSettings::default() } }, ""),
            (Event::Unpinned, ""),
        ] {
            assert_eq!(lines(event).0, want);
        }
    }

    #[test]
    fn all_modes_for_who_comes_in() {
        let settings = ChatSettings { followers_only_minutes: Some(0), ..ChatSettings::default() };
        let want =
            "@room-id=c1;emote-only=0;followers-only=0;r9k=0;slow=0;subs-only=0 :tmi.twitch.tv ROOMSTATE #stage\r\n";
        assert_eq!(room_state(PLACE, &settings, None, true), want);
    }
}
