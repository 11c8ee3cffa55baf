//! One rule after the other, by moving `now`.
#![allow(clippy::unwrap_used)]

use super::*;
use rivulet_protocol::chat::{ChatAction, Person};

const T: i64 = 1_700_000_000_000;
const RATE: u32 = 20;

fn author(name: &str) -> Author {
    Author { id: format!("id-{name}"), login: name.into(), display_name: name.into(), ..Author::default() }
}

fn speaker(name: &str) -> Speaker {
    Speaker { author: author(name), created_at_ms: T - 1_000_000_000, ..Speaker::default() }
}

fn person(name: &str) -> Person {
    Person { id: format!("id-{name}"), login: name.into(), display_name: name.into() }
}

struct Stage {
    core: Core,
    next: u32,
    effects: Effects,
}

impl Stage {
    fn new(settings: ChatSettings) -> Self {
        Self::with(ChatFacts { settings, ..ChatFacts::default() })
    }

    fn with(facts: ChatFacts) -> Self {
        Self { core: Core::new(facts, Vec::new(), RATE), next: 0, effects: Effects::default() }
    }

    fn say_as(&mut self, now_ms: i64, speaker: &Speaker, text: &str) -> Result<String, Refusal> {
        self.next += 1;
        let say = Say { id: format!("c{}", self.next), text: text.into(), reply_to: None };
        self.effects = Effects::default();
        self.core.say(now_ms, speaker, &say, false, format!("m{}", self.next), &mut self.effects)
    }

    fn say(&mut self, now_ms: i64, name: &str, text: &str) -> Result<String, RefusalCode> {
        self.say_as(now_ms, &speaker(name), text).map_err(|refusal| refusal.code)
    }

    fn act(&mut self, now_ms: i64, act: Act) {
        let revision = self.core.revision() + 1;
        self.effects = Effects::default();
        let action = ChatAction { revision, at_ms: now_ms, by: person("mod"), act };
        self.core.act(now_ms, &action, &mut self.effects);
    }

    fn heard(&self, moderator: bool) -> Vec<&Event> {
        let hears = |audience| match audience {
            Audience::All => true,
            Audience::Moderators => moderator,
            Audience::Others => !moderator,
        };
        self.effects.events.iter().filter(|it| hears(it.audience)).map(|it| &it.event).collect()
    }

    fn texts(&self, moderator: bool) -> Vec<String> {
        let text = |event: &&Event| match event {
            Event::Message(message) => Some(message.text.clone()),
            _ => None,
        };
        self.heard(moderator).iter().filter_map(text).collect()
    }
}

#[test]
fn what_is_said_is_heard_and_written() {
    let mut stage = Stage::new(ChatSettings::default());
    assert_eq!(stage.say(T, "ann", "  hello\n  there\u{202e} "), Ok("m1".into()));
    assert_eq!(stage.texts(false), ["hello there"]);
    assert!(matches!(&stage.effects.written[..], [Written::Message(message)] if message.text == "hello there"));
    assert_eq!(stage.core.history(false).len(), 1);
}

#[test]
fn the_same_message_sent_again_is_not_said_again() {
    let mut stage = Stage::new(ChatSettings::default());
    let say = Say { id: "mine".into(), text: "hello".into(), reply_to: None };
    let mut effects = Effects::default();
    let mut again = |id: &str, at| stage.core.say(at, &speaker("ann"), &say, false, id.into(), &mut effects);
    assert_eq!(again("m1", T), Ok("m1".into()));
    assert_eq!(again("m2", T + 1000), Ok("m1".into()));
    assert_eq!(again("m3", T + KNOWN_MS), Ok("m3".into()), "that was long ago");
    assert_eq!(effects.events.len(), 2);
    let other = stage.core.say(T, &speaker("bob"), &say, false, "m4".into(), &mut effects);
    assert_eq!(other, Ok("m4".into()), "what others call theirs is their own");
}

#[test]
fn rules_of_a_room() {
    let minutes = |minutes: i64| minutes * 60_000;
    let base = ChatSettings::default;
    let follower = |since_ms| Speaker { follows_since_ms: Some(since_ms), ..speaker("ann") };
    let young = Speaker { created_at_ms: T - minutes(3), ..speaker("ann") };
    let verified = Speaker { verified: true, ..speaker("ann") };
    let subscriber = Speaker { subscriber: true, ..speaker("ann") };
    let suspended = Speaker { suspended: Some("Spam.".into()), ..speaker("ann") };
    let long = "x".repeat(MAX_TEXT_CHARS + 1);
    use RefusalCode::*;
    for (settings, who, text, want) in [
        (base(), speaker("ann"), "", Some((Empty, None))),
        (base(), speaker("ann"), " \u{202e}\n", Some((Empty, None))),
        (base(), speaker("ann"), &*long, Some((TooLong, None))),
        (base(), suspended, "hi", Some((Suspended, None))),
        (ChatSettings { account_age_minutes: 5, ..base() }, young, "hi", Some((AccountTooYoung, Some(minutes(2))))),
        (ChatSettings { verified_only: true, ..base() }, speaker("ann"), "hi", Some((VerifiedOnly, None))),
        (ChatSettings { verified_only: true, ..base() }, verified, "hi", None),
        (ChatSettings { followers_only_minutes: Some(0), ..base() }, speaker("ann"), "hi", Some((FollowersOnly, None))),
        (ChatSettings { followers_only_minutes: Some(0), ..base() }, follower(T), "hi", None),
        (
            ChatSettings { followers_only_minutes: Some(10), ..base() },
            follower(T - minutes(4)),
            "hi",
            Some((FollowersOnly, Some(minutes(6)))),
        ),
        (ChatSettings { followers_only_minutes: Some(10), ..base() }, subscriber.clone(), "hi", None),
        (ChatSettings { subscribers_only: true, ..base() }, speaker("ann"), "hi", Some((SubscribersOnly, None))),
        (ChatSettings { subscribers_only: true, ..base() }, subscriber, "hi", None),
        (ChatSettings { emote_only: true, ..base() }, speaker("ann"), "Kappa hi", Some((EmoteOnly, None))),
        (ChatSettings { emote_only: true, ..base() }, speaker("ann"), "Kappa 🎉", None),
        (ChatSettings { block_links: true, ..base() }, speaker("ann"), "see evil.example", Some((Links, None))),
    ] {
        let emotes = vec![Emote { id: "e1".into(), code: "Kappa".into(), animated: false, global: true }];
        let mut stage = Stage::with(ChatFacts { settings: settings.clone(), emotes, ..ChatFacts::default() });
        let got = stage.say_as(T, &who, text).err().map(|refusal| (refusal.code, refusal.retry_ms));
        assert_eq!(got, want, "{text} with {settings:?}");
        let moderator = Speaker { moderator: true, ..who };
        let always = matches!(want, Some((Empty | TooLong | Suspended, _)));
        assert_eq!(stage.say_as(T, &moderator, text).is_err(), always, "a moderator is free of most");
    }
}

#[test]
fn slow_mode_says_for_how_long() {
    let mut stage = Stage::new(ChatSettings { slow_seconds: 12, ..ChatSettings::default() });
    assert!(stage.say(T, "ann", "one").is_ok());
    let refusal = stage.say_as(T + 5_500, &speaker("ann"), "two").unwrap_err();
    assert_eq!((refusal.code, refusal.retry_ms), (RefusalCode::SlowMode, Some(6_500)));
    assert!(refusal.detail.contains("7 s"), "{}", refusal.detail);
    assert!(stage.say(T + 5_500, "bob", "hi").is_ok(), "everybody has their own clock");
    assert!(stage.say(T + 12_000, "ann", "two").is_ok());
}

#[test]
fn a_timeout_ends_and_a_ban_does_not() {
    let mut stage = Stage::new(ChatSettings::default());
    stage.say(T, "ann", "one").unwrap();
    stage.act(T, Act::Ban { user: person("ann"), until_ms: Some(T + 10_000), reason: String::new() });
    let cleared = Event::UserCleared { user_id: "id-ann".into(), login: "ann".into(), banned: true, seconds: Some(10) };
    assert!(stage.heard(false).contains(&&cleared) && stage.core.history(false).is_empty());
    let refusal = stage.say_as(T + 1, &speaker("ann"), "two").unwrap_err();
    assert_eq!((refusal.code, refusal.retry_ms), (RefusalCode::TimedOut, Some(9_999)));
    assert!(stage.say(T + 10_000, "ann", "two").is_ok());
    stage.act(T, Act::Ban { user: person("ann"), until_ms: None, reason: String::new() });
    assert_eq!(stage.say(T + 1_000_000_000, "ann", "three"), Err(RefusalCode::Banned));
    stage.act(T, Act::Unban { user: person("ann") });
    assert!(stage.say(T + 1_000_000_000, "ann", "three").is_ok());
}

#[test]
fn an_act_counts_once() {
    let mut stage = Stage::new(ChatSettings::default());
    let action = |revision, act| ChatAction { revision, at_ms: T, by: person("mod"), act };
    let mut effects = Effects::default();
    stage.core.act(T, &action(2, Act::Unban { user: person("ann") }), &mut effects);
    let ban = Act::Ban { user: person("ann"), until_ms: None, reason: String::new() };
    stage.core.act(T, &action(1, ban.clone()), &mut effects);
    assert!(stage.say(T, "ann", "hi").is_ok(), "it was before, and seen already");
    stage.core.rewind(0);
    stage.core.act(T, &action(1, ban), &mut effects);
    assert_eq!(stage.say(T + 60_000, "ann", "hi"), Err(RefusalCode::Banned));
}

#[test]
fn a_warning_stands_in_the_way_until_it_is_acknowledged() {
    let mut stage = Stage::new(ChatSettings::default());
    stage.act(T, Act::Warn { user: person("ann"), reason: "Be kind.".into() });
    assert_eq!(stage.say(T, "ann", "hi"), Err(RefusalCode::Warned));
    stage.act(T, Act::WarningAcknowledged { user: person("ann") });
    assert!(stage.say(T, "ann", "hi").is_ok());
}

#[test]
fn what_is_said_too_often() {
    let mut stage = Stage::new(ChatSettings { unique: true, ..ChatSettings::default() });
    stage.say(T, "ann", "Hello everybody").unwrap();
    assert_eq!(stage.say(T + 1, "ann", "Hello everybody"), Err(RefusalCode::Duplicate));
    assert_eq!(stage.say(T + 1, "bob", "hello EVERYBODY"), Err(RefusalCode::Duplicate));
    assert!(stage.say(T + 1, "bob", "yes").is_ok() && stage.say(T + 2, "cat", "yes").is_ok(), "short ones may");
    assert!(stage.say(T + UNIQUE_MS, "bob", "Hello everybody").is_ok());
    let mut stage = Stage::new(ChatSettings::default());
    for n in 0..RATE {
        stage.say(T + n as i64, "ann", &format!("n{n}")).unwrap();
    }
    let refusal = stage.say_as(T + 100, &speaker("ann"), "more").unwrap_err();
    assert_eq!((refusal.code, refusal.retry_ms), (RefusalCode::RateLimit, Some(RATE_WINDOW_MS - 100)));
    assert!(stage.say(T + RATE_WINDOW_MS, "ann", "more").is_ok());
}

#[test]
fn a_held_message_waits_for_a_moderator() {
    let rules = vec![
        Rule { text: "hold".into(), pattern: false, deed: TermDeed::Hold },
        Rule { text: "bad".into(), pattern: false, deed: TermDeed::Block },
        Rule { text: "ugly".into(), pattern: false, deed: TermDeed::Replace },
    ];
    let mut stage = Stage::with(ChatFacts { rules, ..ChatFacts::default() });
    assert_eq!(stage.say(T, "ann", "please hold this"), Err(RefusalCode::Held));
    assert!(stage.heard(false).is_empty());
    assert!(matches!(stage.heard(true)[..], [Event::Held { message }] if message.reason == "hold"));
    stage.act(T + 5, Act::HoldResolved { id: "m1".into(), allowed: true });
    assert_eq!(stage.texts(false), ["please hold this"]);
    stage.act(T + 6, Act::HoldResolved { id: "m1".into(), allowed: true });
    assert!(stage.texts(false).is_empty(), "once");
    assert_eq!(stage.say(T + 10, "ann", "a bad one"), Err(RefusalCode::BlockedTerm));
    stage.say(T + 20, "ann", "an ugly one").unwrap();
    assert_eq!(stage.texts(false), ["an *** one"]);
}

#[test]
fn a_delay_is_for_those_who_do_not_moderate() {
    let mut stage = Stage::new(ChatSettings { delay_seconds: 4, ..ChatSettings::default() });
    stage.say(T, "ann", "one").unwrap();
    assert_eq!((stage.texts(true), stage.texts(false)), (vec!["one".to_owned()], vec![]));
    assert!(stage.core.history(false).is_empty() && stage.core.history(true).len() == 1, "who comes in hears it not");
    assert_eq!(stage.core.due(), Some(T + 4000));
    stage.say(T + 1000, "bob", "two").unwrap();
    stage.act(T + 2000, Act::Delete { message_id: "m1".into(), user: person("ann"), text: "one".into() });
    stage.effects = Effects::default();
    stage.core.tick(T + 5000, &mut stage.effects);
    assert_eq!(
        (stage.texts(false), stage.texts(true)),
        (vec!["two".to_owned()], vec![]),
        "what was deleted never came"
    );
    let moderator = Speaker { moderator: true, ..speaker("mod") };
    stage.say_as(T + 6000, &moderator, "three").unwrap();
    assert_eq!(stage.texts(false), ["three"]);
}

#[test]
fn a_burst_of_newcomers_raises_the_shield() {
    let mut stage = Stage::new(ChatSettings { raid_defence: RaidDefence::Shield, ..ChatSettings::default() });
    let newcomer = |n: usize| Speaker { first: true, ..speaker(&format!("bot{n}")) };
    let mut shields = 0;
    for n in 0..BURST {
        stage.say_as(T + n as i64, &newcomer(n), "hi").unwrap();
        shields += u32::from(stage.effects.shield);
    }
    assert_eq!(shields, 1);
    assert!(stage.heard(true).iter().any(|event| matches!(event, Event::Burst { shield: true, .. })));
    stage.say_as(T + 1000, &newcomer(100), "hi").unwrap();
    assert!(!stage.effects.shield, "once is enough");
    let mut calm = Stage::new(ChatSettings { raid_defence: RaidDefence::Shield, ..ChatSettings::default() });
    for n in 0..BURST {
        calm.say_as(T + n as i64 * BURST_WINDOW_MS, &newcomer(n), "hi").unwrap();
        assert!(!calm.effects.shield);
    }
}

#[test]
fn emotes_replies_and_commands() {
    let emotes = vec![
        Emote { id: "own".into(), code: "Wave".into(), animated: false, global: false },
        Emote { id: "global".into(), code: "Wave".into(), animated: false, global: true },
    ];
    let commands = vec![ChatCommand {
        name: "rules".into(),
        reply: "{user}: be kind Wave".into(),
        cooldown_seconds: 30,
        moderators_only: false,
    }];
    let mut stage = Stage::with(ChatFacts { emotes, commands, ..ChatFacts::default() });
    stage.say(T, "ann", "ünd Wave Wave, Wave").unwrap();
    let used = |event: &Event| match event {
        Event::Message(message) => message.emotes.iter().map(|e| (e.id.clone(), e.at, e.len)).collect(),
        _ => Vec::new(),
    };
    assert_eq!(used(stage.heard(false)[0]), [("own".to_owned(), 4, 4), ("own".to_owned(), 15, 4)]);
    let answer = Say { id: String::new(), text: "yes".into(), reply_to: Some("m1".into()) };
    let mut effects = Effects::default();
    stage.core.say(T, &speaker("bob"), &answer, false, "m9".into(), &mut effects).unwrap();
    assert!(matches!(&effects.events[0].event, Event::Message(m) if m.reply_to.as_ref().unwrap().login == "ann"));
    stage.say(T, "cat", "!rules please").unwrap();
    assert_eq!(stage.texts(false), ["!rules please", "cat: be kind Wave"]);
    stage.say(T + 29_000, "dan", "!RULES").unwrap();
    assert_eq!(stage.texts(false), ["!RULES"], "it cools down");
    stage.say(T + 30_000, "eve", "!rules").unwrap();
    assert_eq!(stage.texts(false).len(), 2);
}

#[test]
fn stacked_marks_are_cut() {
    let zalgo = format!("a{}b", "\u{301}".repeat(50));
    assert_eq!(clean(&zalgo).chars().count(), 6);
    assert_eq!(clean("ẛ̣ é naïve"), "ẛ̣ é naïve");
}
