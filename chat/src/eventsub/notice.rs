//! What happened in a room, in the words of Twitch's EventSub. Pure: an entry of the ring in, the
//! `event` of a notification out.

use crate::ring::Entry;
use rivulet_protocol::chat::{
    Act, Audience, Author, ChatAction, EmoteUse, Event, Message, Numbered, Person, Poll, Position,
};
use rivulet_protocol::eventsub::Topic;
use rivulet_protocol::rest::ChatSettings;
use serde_json::{Map, Value, json};

/// The channel that it is about, which is a broadcaster there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcaster {
    pub id: String,
    pub login: String,
    pub name: String,
}

/// For one subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The same for the same happening, however often it is told.
    pub id: String,
    pub at_ms: i64,
    pub event: Value,
}

pub fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default()
}

/// `{prefix}user_id`, `{prefix}user_login` and `{prefix}user_name`.
fn person(prefix: &str, id: &str, login: &str, name: &str) -> Map<String, Value> {
    let fields = [("id", id), ("login", login), ("name", name)];
    fields.into_iter().map(|(field, value)| (format!("{prefix}user_{field}"), value.into())).collect()
}

fn of(prefix: &str, who: &Person) -> Map<String, Value> {
    person(prefix, &who.id, &who.login, &who.display_name)
}

impl Broadcaster {
    pub fn fields(&self, prefix: &str) -> Map<String, Value> {
        person(&format!("{prefix}broadcaster_"), &self.id, &self.login, &self.name)
    }

    /// Its fields, and these.
    pub fn event(&self, more: impl IntoIterator<Item = Map<String, Value>>, rest: Value) -> Value {
        let mut event = self.fields("");
        event.extend(more.into_iter().flatten());
        if let Value::Object(rest) = rest {
            event.extend(rest);
        }
        event.into()
    }
}

/// Text and emotes, one after the other.
fn fragments(text: &str, emotes: &[EmoteUse]) -> Value {
    let chars: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| chars.get(from..to).unwrap_or_default().iter().collect::<String>();
    let plain = |text: String| json!({"type": "text", "text": text, "cheermote": null, "emote": null, "mention": null});
    let (mut fragments, mut at) = (Vec::new(), 0);
    for emote in emotes {
        let (from, to) = (emote.at as usize, (emote.at + emote.len) as usize);
        if from > at {
            fragments.push(plain(part(at, from)));
        }
        let shown = json!({"id": emote.id, "emote_set_id": "", "owner_id": "", "format": ["static"]});
        fragments.push(json!({
            "type": "emote", "text": part(from, to), "cheermote": null, "emote": shown, "mention": null,
        }));
        at = to;
    }
    if at < chars.len() {
        fragments.push(plain(part(at, chars.len())));
    }
    fragments.into()
}

fn badges(author: &Author) -> Value {
    let badge = |badge: &rivulet_protocol::chat::Badge| {
        let info = if badge.kind == "subscriber" { badge.version.as_str() } else { "" };
        json!({"set_id": badge.kind, "id": badge.version, "info": info})
    };
    author.badges.iter().map(badge).collect()
}

fn chatter(author: &Author) -> Map<String, Value> {
    person("chatter_", &author.id, &author.login, &author.display_name)
}

fn said(message: &Message) -> Value {
    let reply = message.reply_to.as_ref().map(|quote| {
        json!({
            "parent_message_id": quote.id,
            "parent_message_body": quote.text,
            "parent_user_id": quote.user_id,
            "parent_user_login": quote.login,
            "parent_user_name": quote.display_name,
            "thread_message_id": quote.id,
            "thread_user_id": quote.user_id,
            "thread_user_login": quote.login,
            "thread_user_name": quote.display_name,
        })
    });
    json!({
        "message_id": message.id,
        "message": {"text": message.text, "fragments": fragments(&message.text, &message.emotes)},
        "message_type": if message.first { "user_intro" } else { "text" },
        "color": message.author.color,
        "badges": badges(&message.author),
        "cheer": null,
        "reply": reply,
        "channel_points_custom_reward_id": null,
        "channel_points_animation_id": null,
        "source_broadcaster_user_id": null,
        "source_broadcaster_user_login": null,
        "source_broadcaster_user_name": null,
        "source_message_id": null,
        "source_badges": null,
        "is_source_only": null,
    })
}

fn settings(settings: &ChatSettings) -> Value {
    let some = |number: u32| Some(number).filter(|number| *number > 0);
    json!({
        "emote_mode": settings.emote_only,
        "follower_mode": settings.followers_only_minutes.is_some(),
        "follower_mode_duration_minutes": settings.followers_only_minutes,
        "slow_mode": settings.slow_seconds > 0,
        "slow_mode_wait_time_seconds": some(settings.slow_seconds),
        "subscriber_mode": settings.subscribers_only,
        "unique_chat_mode": settings.unique,
    })
}

fn poll(poll: &Poll) -> Value {
    let choice = |(number, option): (usize, &rivulet_protocol::chat::PollOption)| {
        let votes = option.votes;
        json!({"id": number.to_string(), "title": option.text, "bits_votes": 0, "channel_points_votes": 0, "votes": votes})
    };
    let choices: Value = poll.options.iter().enumerate().map(choice).collect();
    let none = json!({"is_enabled": false, "amount_per_vote": 0});
    json!({
        "id": poll.id,
        "title": poll.question,
        "choices": choices,
        "bits_voting": none,
        "channel_points_voting": none,
    })
}

/// What a moderator did, for `channel.moderate`. What is not among that one's actions is left out.
fn moderated(action: &ChatAction) -> Option<Value> {
    let user = |who: &Person| of("", who);
    let with = |who: &Person, rest: Value| {
        let mut fields = user(who);
        if let Value::Object(rest) = rest {
            fields.extend(rest);
        }
        Value::from(fields)
    };
    let (name, details) = match &action.act {
        Act::Ban { user, until_ms: None, reason } => ("ban", with(user, json!({"reason": reason}))),
        Act::Ban { user, until_ms: Some(until), reason } => {
            ("timeout", with(user, json!({"reason": reason, "expires_at": time(*until)})))
        }
        Act::Unban { user } => ("unban", with(user, json!({}))),
        Act::Delete { message_id, user, text } => {
            ("delete", with(user, json!({"message_id": message_id, "message_body": text})))
        }
        Act::Warn { user, reason } => ("warn", with(user, json!({"reason": reason, "chat_rules_cited": []}))),
        Act::Clear => ("clear", Value::Null),
        Act::UnbanAnswered { user, approved, .. } => {
            let name = if *approved { "approve_unban_request" } else { "deny_unban_request" };
            let details = json!({"is_approved": approved, "moderator_message": ""});
            return Some(json!({"action": name, "unban_request": with(user, details)}));
        }
        _ => return None,
    };
    let mut event = Map::from_iter([("action".to_owned(), name.into())]);
    for key in ["ban", "timeout", "unban", "delete", "warn"] {
        event.insert(key.to_owned(), if key == name { details.clone() } else { Value::Null });
    }
    Some(event.into())
}

/// What follows from what moderators did.
fn acted(topic: Topic, place: &Broadcaster, action: &ChatAction) -> Option<Value> {
    let by = of("moderator_", &action.by);
    let at = time(action.at_ms);
    Some(match (topic, &action.act) {
        (Topic::Moderate, _) => place.event([by], moderated(action)?),
        (Topic::Ban, Act::Ban { user, until_ms, reason }) => {
            let (permanent, ends_at) = (until_ms.is_none(), until_ms.map(time));
            let rest = json!({"reason": reason, "banned_at": at, "ends_at": ends_at, "is_permanent": permanent});
            place.event([of("", user), by], rest)
        }
        (Topic::Unban, Act::Unban { user }) => place.event([of("", user), by], json!({})),
        (Topic::MessageDelete, Act::Delete { message_id, user, .. }) => {
            place.event([of("target_", user)], json!({"message_id": message_id}))
        }
        (Topic::ClearUserMessages, Act::Ban { user, .. } | Act::Purge { user }) => {
            place.event([of("target_", user)], json!({}))
        }
        (Topic::WarningSend, Act::Warn { user, reason }) => {
            place.event([of("", user), by], json!({"reason": reason, "chat_rules_cited": null}))
        }
        (Topic::WarningAcknowledge, Act::WarningAcknowledged { user }) => place.event([of("", user)], json!({})),
        (Topic::ShieldBegin, Act::Shield { on: true, .. }) => place.event([by], json!({"started_at": at})),
        (Topic::ShieldEnd, Act::Shield { on: false, .. }) => place.event([by], json!({"ended_at": at})),
        _ => return None,
    })
}

/// Of one subscription: what it has seen of polls.
#[derive(Debug, Default)]
pub struct Reader {
    /// The poll that runs, and since when.
    poll: Option<(String, i64)>,
}

impl Reader {
    /// `poll`: the one that runs already.
    pub fn new(poll: Option<&Poll>, now_ms: i64) -> Self {
        Self { poll: poll.map(|poll| (poll.id.clone(), now_ms)) }
    }

    fn polled(&mut self, topic: Topic, place: &Broadcaster, it: &Poll, at_ms: i64) -> Option<Value> {
        let known = self.poll.as_ref().filter(|(id, _)| *id == it.id).map(|(_, since)| *since);
        let since = known.unwrap_or(at_ms);
        self.poll = Some((it.id.clone(), since));
        let now = match (it.ended, known) {
            (true, _) => Topic::PollEnd,
            (false, None) => Topic::PollBegin,
            (false, Some(_)) => Topic::PollProgress,
        };
        if topic != now {
            return None;
        }
        let (key, more) = match now {
            Topic::PollEnd => ("ended_at", json!({"status": "completed", "started_at": time(since)})),
            _ => ("ends_at", json!({"started_at": time(since)})),
        };
        let end = if now == Topic::PollEnd { at_ms } else { it.ends_at_ms };
        let mut rest = poll(it);
        rest[key] = time(end).into();
        if let (Value::Object(rest), Value::Object(more)) = (&mut rest, more) {
            rest.extend(more);
        }
        Some(place.event([], rest))
    }

    /// For a subscriber who moderates the channel, or does not; `None` if it is not for this topic.
    pub fn read(&mut self, topic: Topic, place: &Broadcaster, moderator: bool, entry: &Entry) -> Option<Notice> {
        let Numbered { position: Position { epoch, n }, sent_ms, event } = &entry.event;
        if let Event::Action { action } = event {
            let event = acted(topic, place, action)?;
            return Some(Notice { id: format!("act-{}", action.revision), at_ms: action.at_ms, event });
        }
        let for_them = match entry.audience {
            Audience::All => true,
            Audience::Moderators => moderator,
            Audience::Others => !moderator,
        };
        let event = match (topic, event) {
            _ if !for_them => return None,
            (Topic::Message, Event::Message(message)) if message.announcement.is_none() => {
                place.event([chatter(&message.author)], said(message))
            }
            (Topic::Notification, Event::Message(message)) => {
                let color = message.announcement.as_ref()?;
                let rest = json!({
                    "chatter_is_anonymous": false,
                    "color": message.author.color,
                    "badges": badges(&message.author),
                    "system_message": "",
                    "message_id": message.id,
                    "message": {"text": message.text, "fragments": fragments(&message.text, &message.emotes)},
                    "notice_type": "announcement",
                    "announcement": {"color": color.to_uppercase()},
                });
                place.event([chatter(&message.author)], rest)
            }
            (Topic::Clear, Event::Cleared) => place.event([], json!({})),
            (Topic::SettingsUpdate, Event::Settings { settings: now }) => place.event([], settings(now)),
            (Topic::Raid, Event::RaidIn { channel_id, channel, display_name, viewers }) => {
                let mut event = place.fields("to_");
                event.extend(person("from_broadcaster_", channel_id, channel, display_name));
                event.insert("viewers".into(), (*viewers).into());
                event.into()
            }
            (topic, Event::Poll { poll }) => self.polled(topic, place, poll, *sent_ms)?,
            _ => return None,
        };
        Some(Notice { id: format!("{epoch}-{n}"), at_ms: *sent_ms, event })
    }
}
