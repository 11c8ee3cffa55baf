//! The room: what may be said in it, by whom, and what comes of it. Pure: it takes `now` and what is
//! known of the speaker, and answers what everybody gets, what has to be written down, and why not.
//! Moderators' deeds reach it as [`ChatAction`]s, in their order.

mod filter;
mod link;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod walk;

use filter::Filter;
use rivulet_protocol::chat::{
    Act, Audience, Author, ChatAction, EmoteUse, Event, HeldMessage, MAX_CLIENT_ID_CHARS, MAX_TEXT_CHARS, Message,
    Poll, Quote, Refusal, RefusalCode, Say,
};
use rivulet_protocol::rest::{ChatCommand, ChatSettings, Emote, RaidDefence, TermDeed};
use rivulet_store::{ChatFacts, Rule, TakenBack};
use std::collections::{HashMap, VecDeque};

/// Messages that can be answered, pinned and let through again.
const RECENT: usize = 300;
const HISTORY: usize = 50;
/// How long a message that was sent again is known.
const KNOWN_MS: i64 = 5 * 60_000;
/// Nobody says the same again within this time,
const DUPLICATE_MS: i64 = 30_000;
/// and nobody at all where messages have to be unique.
const UNIQUE_MS: i64 = 10 * 60_000;
/// Texts shorter than this may be repeated by others.
const UNIQUE_CHARS: usize = 9;
/// In which the messages of one person are counted; a moderator may write so many times more.
const RATE_WINDOW_MS: i64 = 30_000;
const MODERATORS: usize = 5;
/// So many who never wrote before, within the window, are a burst. It is told once in a while.
const BURST: usize = 20;
const BURST_WINDOW_MS: i64 = 10_000;
const BURST_AGAIN_MS: i64 = 60_000;
/// Whom and what the room remembers at most; the oldest are forgotten.
const MAX_CHATTERS: usize = 20_000;
const MAX_TEXTS: usize = 10_000;
const MAX_HELD: usize = 500;

/// Who wants to say something, as of a moment ago.
#[derive(Debug, Clone, Default)]
pub struct Speaker {
    pub author: Author,
    /// Moderates this channel, or runs it.
    pub moderator: bool,
    pub subscriber: bool,
    /// Why they may say nothing anywhere.
    pub suspended: Option<String>,
    pub follows_since_ms: Option<i64>,
    pub created_at_ms: i64,
    pub verified: bool,
    /// Has not written in this channel before, as far as it is written down.
    pub first: bool,
}

/// What comes of something: for those in the room, and for the books.
#[derive(Debug, Default, PartialEq)]
pub struct Effects {
    pub events: Vec<Outgoing>,
    pub written: Vec<Written>,
    /// The room itself does something that has to be a row first.
    pub shield: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    pub audience: Audience,
    pub event: Event,
}

/// For the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    Message(Message),
    Held(HeldMessage),
    /// Whatever was written before it and came too late for the act.
    TakenBack {
        what: TakenBack,
        by: String,
    },
}

impl Effects {
    fn tell(&mut self, audience: Audience, event: Event) {
        self.events.push(Outgoing { audience, event });
    }
}

/// Whether an event has to reach even those who are too slow for the rest.
pub fn is_critical(event: &Event) -> bool {
    !matches!(event, Event::Message(_) | Event::Poll { .. } | Event::Held { .. } | Event::Burst { .. })
}

/// What the room knows of somebody who has written.
#[derive(Debug, Default)]
struct Chatter {
    /// When they last wrote, in the window; the newest last.
    times: VecDeque<i64>,
    last_text: String,
}

#[derive(Debug)]
struct Known {
    at_ms: i64,
    /// Absent while it is held.
    message_id: Option<String>,
}

pub struct Core {
    facts: ChatFacts,
    bans: HashMap<String, Option<i64>>,
    warnings: HashMap<String, String>,
    emotes: HashMap<String, String>,
    filter: Filter,
    commands: HashMap<String, (ChatCommand, i64)>,
    chatters: HashMap<String, Chatter>,
    /// By the speaker's id and what their client calls the message.
    known: HashMap<(String, String), Known>,
    known_order: VecDeque<(String, String)>,
    /// What was said lately, by its text.
    texts: HashMap<String, i64>,
    texts_order: VecDeque<String>,
    recent: VecDeque<Message>,
    held: HashMap<String, HeldMessage>,
    /// Held back for those who do not moderate, until then.
    delayed: VecDeque<(i64, Message)>,
    newcomers: VecDeque<i64>,
    burst_told_ms: i64,
    rate: usize,
}

impl Core {
    /// `recent` is what was said last, the oldest first; `rate` what one person may write in 30 seconds.
    pub fn new(facts: ChatFacts, recent: Vec<Message>, rate: u32) -> Self {
        let mut core = Self {
            bans: facts.bans.iter().cloned().collect(),
            warnings: facts.warnings.iter().cloned().collect(),
            emotes: HashMap::new(),
            filter: Filter::new(&facts.rules),
            commands: HashMap::new(),
            chatters: HashMap::new(),
            known: HashMap::new(),
            known_order: VecDeque::new(),
            texts: HashMap::new(),
            texts_order: VecDeque::new(),
            recent: recent.into(),
            held: facts.held.iter().map(|held| (held.id.clone(), held.clone())).collect(),
            delayed: VecDeque::new(),
            newcomers: VecDeque::new(),
            burst_told_ms: i64::MIN / 2,
            rate: rate.max(1) as usize,
            facts,
        };
        let (emotes, commands) = (std::mem::take(&mut core.facts.emotes), std::mem::take(&mut core.facts.commands));
        core.set_emotes(emotes);
        core.set_commands(commands);
        core
    }

    /// Of the newest act it has seen.
    pub fn revision(&self) -> i64 {
        self.facts.revision
    }

    pub fn settings(&self) -> &ChatSettings {
        &self.facts.settings
    }

    pub fn pinned(&self) -> Option<&Message> {
        self.facts.pinned.as_ref()
    }

    pub fn poll(&self) -> Option<&Poll> {
        self.facts.poll.as_ref()
    }

    pub fn warnings(&self) -> &HashMap<String, String> {
        &self.warnings
    }

    pub fn networks(&self) -> &[String] {
        &self.facts.networks
    }

    pub fn set_rules(&mut self, rules: &[Rule]) {
        self.filter = Filter::new(rules);
    }

    /// Whose guests are shut out.
    pub fn set_networks(&mut self, networks: Vec<String>) {
        self.facts.networks = networks;
    }

    /// The channel's own come before the instance's.
    pub fn set_emotes(&mut self, emotes: Vec<Emote>) {
        self.emotes.clear();
        for emote in emotes {
            self.emotes.entry(emote.code).or_insert(emote.id);
        }
    }

    pub fn set_commands(&mut self, commands: Vec<ChatCommand>) {
        let used = std::mem::take(&mut self.commands);
        let kept = |name: &str| used.get(name).map_or(i64::MIN / 2, |(_, at)| *at);
        self.commands = commands.into_iter().map(|c| (c.name.clone(), (c.clone(), kept(&c.name)))).collect();
    }

    /// New numbers of the running poll.
    pub fn set_poll(&mut self, poll: Poll, effects: &mut Effects) {
        if self.facts.poll.as_ref().is_some_and(|old| old.id == poll.id && *old != poll) {
            effects.tell(Audience::All, Event::Poll { poll: poll.clone() });
            self.facts.poll = Some(poll);
        }
    }

    /// Somebody says something; `action` is with `/me`. `id` is what the message will be called.
    pub fn say(
        &mut self,
        now_ms: i64,
        speaker: &Speaker,
        say: &Say,
        action: bool,
        id: String,
        effects: &mut Effects,
    ) -> Result<String, Refusal> {
        let key = (speaker.author.id.clone(), say.id.clone());
        if let Some(known) = self.known(&key, now_ms) {
            return known.ok_or_else(held);
        }
        let text = clean(&say.text);
        self.allowed(now_ms, speaker, &text)?;
        let reply_to = say.reply_to.as_deref().and_then(|id| self.recent.iter().find(|m| m.id == id)).map(quote);
        let first = speaker.first && !self.chatters.contains_key(&speaker.author.id);
        let message = Message {
            id,
            at_ms: now_ms,
            author: speaker.author.clone(),
            emotes: self.emotes_in(&text),
            text,
            reply_to,
            action,
            announcement: None,
            first,
            deleted: false,
        };
        let verdict = if speaker.moderator { filter::Verdict::Fine } else { self.filter.judge(&message.text) };
        self.note(now_ms, &speaker.author.id, &message.text);
        match verdict {
            filter::Verdict::Blocked => {
                return Err(Refusal::new(RefusalCode::BlockedTerm, "This channel does not allow something in it."));
            }
            filter::Verdict::Held(reason) if self.held.len() < MAX_HELD => {
                let held_message = HeldMessage { id: message.id.clone(), message, reason };
                self.remember(key, now_ms, None);
                self.held.insert(held_message.id.clone(), held_message.clone());
                effects.written.push(Written::Held(held_message.clone()));
                effects.tell(Audience::Moderators, Event::Held { message: held_message });
                return Err(held());
            }
            filter::Verdict::Held(_) => {
                return Err(Refusal::new(RefusalCode::BlockedTerm, "Too many messages wait for a moderator."));
            }
            filter::Verdict::Replaced(text) => {
                let emotes = self.emotes_in(&text);
                self.publish(now_ms, speaker.moderator, Message { text, emotes, ..message.clone() }, effects);
            }
            filter::Verdict::Fine => self.publish(now_ms, speaker.moderator, message.clone(), effects),
        }
        self.remember(key, now_ms, Some(message.id.clone()));
        if first {
            self.newcomer(now_ms, effects);
        }
        self.answer_command(now_ms, speaker, &message, effects);
        Ok(message.id)
    }

    /// What the room has against somebody saying this now.
    fn allowed(&self, now_ms: i64, speaker: &Speaker, text: &str) -> Result<(), Refusal> {
        use RefusalCode::*;
        let user_id = &speaker.author.id;
        let settings = &self.facts.settings;
        if text.is_empty() {
            return Err(Refusal::new(Empty, "There is nothing in it."));
        }
        if text.chars().count() > MAX_TEXT_CHARS {
            return Err(Refusal::new(TooLong, format!("A message has at most {MAX_TEXT_CHARS} characters.")));
        }
        if let Some(reason) = &speaker.suspended {
            return Err(Refusal::new(Suspended, format!("Your account is suspended. {reason}").trim_end()));
        }
        match self.bans.get(user_id) {
            Some(None) => return Err(Refusal::new(Banned, "You are banned from this chat.")),
            Some(Some(until_ms)) if *until_ms > now_ms => {
                let left = until_ms - now_ms;
                return Err(Refusal::after(TimedOut, format!("You are timed out for {}.", span(left)), left));
            }
            _ => {}
        }
        if let Some(reason) = self.warnings.get(user_id) {
            return Err(Refusal::new(Warned, format!("Acknowledge the warning first: {reason}")));
        }
        let chatter = self.chatters.get(user_id);
        let times = || chatter.iter().flat_map(|c| c.times.iter().copied());
        let rate = if speaker.moderator { self.rate.saturating_mul(MODERATORS) } else { self.rate };
        if times().filter(|at| now_ms - at < RATE_WINDOW_MS).count() >= rate {
            let oldest = times().rev().nth(rate - 1).unwrap_or(now_ms);
            let left = (oldest + RATE_WINDOW_MS - now_ms).max(1);
            return Err(Refusal::after(RateLimit, format!("You write too fast; go on in {}.", span(left)), left));
        }
        if speaker.moderator {
            return Ok(());
        }
        let minutes = |since: i64| (now_ms - since) / 60_000;
        if settings.account_age_minutes > 0 && minutes(speaker.created_at_ms) < settings.account_age_minutes.into() {
            let left = speaker.created_at_ms + i64::from(settings.account_age_minutes) * 60_000 - now_ms;
            return Err(Refusal::after(
                AccountTooYoung,
                format!("Your account is too new: {} left.", span(left)),
                left,
            ));
        }
        if settings.verified_only && !speaker.verified {
            return Err(Refusal::new(VerifiedOnly, "Confirm your e-mail address to write here."));
        }
        if let Some(needed) = settings.followers_only_minutes.filter(|_| !speaker.subscriber) {
            match speaker.follows_since_ms {
                None => return Err(Refusal::new(FollowersOnly, "Only followers may write: follow the channel.")),
                Some(since) if minutes(since) < needed.into() => {
                    let left = since + i64::from(needed) * 60_000 - now_ms;
                    let detail = format!("You have to follow the channel for {} more.", span(left));
                    return Err(Refusal::after(FollowersOnly, detail, left));
                }
                Some(_) => {}
            }
        }
        if settings.subscribers_only && !speaker.subscriber {
            return Err(Refusal::new(SubscribersOnly, "Only subscribers may write."));
        }
        if settings.emote_only && !self.only_emotes(text) {
            return Err(Refusal::new(EmoteOnly, "Only emotes may be written."));
        }
        let slow_ms = i64::from(settings.slow_seconds) * 1000;
        if let Some(last) = times().next_back().filter(|last| slow_ms > 0 && now_ms - last < slow_ms) {
            let left = last + slow_ms - now_ms;
            return Err(Refusal::after(SlowMode, format!("Slow mode: {} left.", span(left)), left));
        }
        if let Some((chatter, last)) = chatter.zip(times().next_back()) {
            let left = last + DUPLICATE_MS - now_ms;
            if left > 0 && chatter.last_text == text {
                return Err(Refusal::after(Duplicate, "You have just said the same.", left));
            }
        }
        if settings.unique && text.chars().count() >= UNIQUE_CHARS {
            let left = self.texts.get(&text.to_lowercase()).map_or(0, |at| at + UNIQUE_MS - now_ms);
            if left > 0 {
                return Err(Refusal::after(Duplicate, "Somebody has said the same.", left));
            }
        }
        if settings.block_links && !speaker.subscriber && link::foreign(text, &settings.link_hosts) {
            return Err(Refusal::new(Links, "Links are not allowed here."));
        }
        Ok(())
    }

    /// Everybody gets it; or moderators first, and the others a moment later.
    fn publish(&mut self, now_ms: i64, by_moderator: bool, message: Message, effects: &mut Effects) {
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(message.clone());
        effects.written.push(Written::Message(message.clone()));
        let delay_ms = i64::from(self.facts.settings.delay_seconds) * 1000;
        if delay_ms == 0 || by_moderator {
            effects.tell(Audience::All, Event::Message(message));
        } else {
            effects.tell(Audience::Moderators, Event::Message(message.clone()));
            self.delayed.push_back((now_ms + delay_ms, message));
        }
    }

    fn answer_command(&mut self, now_ms: i64, speaker: &Speaker, asked: &Message, effects: &mut Effects) {
        let Some(name) = asked.text.strip_prefix('!').and_then(|rest| rest.split_whitespace().next()) else { return };
        let Some((command, used_ms)) = self.commands.get_mut(&name.to_lowercase()) else { return };
        let cooled = now_ms - *used_ms >= i64::from(command.cooldown_seconds) * 1000;
        if !cooled || (command.moderators_only && !speaker.moderator) {
            return;
        }
        *used_ms = now_ms;
        let text = command.reply.replace("{user}", &speaker.author.display_name);
        let text: String = text.chars().take(MAX_TEXT_CHARS).collect();
        let author = Author { display_name: "!".into(), login: "!".into(), ..Author::default() };
        let reply = Message {
            id: format!("{}-reply", asked.id),
            at_ms: now_ms,
            author,
            emotes: self.emotes_in(&text),
            text,
            reply_to: Some(quote(asked)),
            action: false,
            announcement: None,
            first: false,
            deleted: false,
        };
        self.publish(now_ms, false, reply, effects);
    }

    fn newcomer(&mut self, now_ms: i64, effects: &mut Effects) {
        while self.newcomers.front().is_some_and(|at| now_ms - at >= BURST_WINDOW_MS) {
            self.newcomers.pop_front();
        }
        self.newcomers.push_back(now_ms);
        let defence = self.facts.settings.raid_defence;
        let burst = self.newcomers.len() >= BURST && now_ms - self.burst_told_ms >= BURST_AGAIN_MS;
        if !burst || defence == RaidDefence::Off {
            return;
        }
        self.burst_told_ms = now_ms;
        effects.shield = defence == RaidDefence::Shield && !self.facts.shielded;
        let event = Event::Burst {
            chatters: self.newcomers.len().try_into().unwrap_or(u32::MAX),
            seconds: (BURST_WINDOW_MS / 1000) as u32,
            shield: effects.shield,
        };
        effects.tell(Audience::Moderators, event);
    }

    /// What the room's owner elsewhere has made of something.
    pub fn follow(&mut self, audience: Audience, event: &Event) {
        match event {
            Event::Message(message) if audience == Audience::Others => {
                self.delayed.retain(|(_, held_back)| held_back.id != message.id);
            }
            Event::Message(message) => {
                if self.recent.len() >= RECENT {
                    self.recent.pop_front();
                }
                self.recent.push_back(message.clone());
                if audience == Audience::Moderators {
                    self.delayed.push_back((i64::MAX, message.clone()));
                }
            }
            Event::Deleted { message_id, .. } => self.forget(&TakenBack::One(message_id.clone())),
            Event::UserCleared { user_id, .. } => self.forget(&TakenBack::Of(user_id.clone())),
            Event::Cleared => self.forget(&TakenBack::All),
            Event::Held { message } => {
                self.held.insert(message.id.clone(), message.clone());
            }
            Event::HoldResolved { id, .. } => {
                self.held.remove(id);
            }
            _ => {}
        }
    }

    /// The acts after this revision will be taken for new ones.
    pub fn rewind(&mut self, revision: i64) {
        self.facts.revision = self.facts.revision.min(revision);
    }

    /// Whoever held messages back is gone: they are let go now.
    pub fn take_over(&mut self, now_ms: i64) {
        self.delayed.iter_mut().for_each(|(at, _)| *at = (*at).min(now_ms));
    }

    /// For somebody who opens the chat: the newest messages, the oldest first, but for those that are
    /// held back.
    pub fn history(&self, moderator: bool) -> Vec<Message> {
        let held_back = |message: &&Message| !moderator && self.delayed.iter().any(|(_, held)| held.id == message.id);
        let mut newest: Vec<Message> =
            self.recent.iter().rev().filter(|m| !held_back(m)).take(HISTORY).cloned().collect();
        newest.reverse();
        newest
    }

    /// When [`Core::tick`] has something to do.
    pub fn due(&self) -> Option<i64> {
        self.delayed.front().map(|(at, _)| *at)
    }

    pub fn tick(&mut self, now_ms: i64, effects: &mut Effects) {
        while let Some((_, message)) = self.delayed.pop_front_if(|(at, _)| *at <= now_ms) {
            effects.tell(Audience::Others, Event::Message(message));
        }
    }

    /// A deed of a moderator, or what the server has done. One that was seen before changes nothing.
    pub fn act(&mut self, now_ms: i64, action: &ChatAction, effects: &mut Effects) {
        if action.revision <= self.facts.revision {
            return;
        }
        self.facts.revision = action.revision;
        let (by, login) = (action.by.id.clone(), action.by.login.clone());
        match &action.act {
            Act::Ban { user, until_ms, .. } => {
                self.bans.insert(user.id.clone(), *until_ms);
                self.take_back(TakenBack::Of(user.id.clone()), by, effects);
                let seconds = until_ms.map(|until_ms| ((until_ms - now_ms).max(0) as u64).div_ceil(1000));
                effects.tell(
                    Audience::All,
                    Event::UserCleared {
                        user_id: user.id.clone(),
                        login: user.login.clone(),
                        banned: true,
                        seconds: seconds.map(|seconds| seconds.try_into().unwrap_or(u32::MAX)),
                    },
                );
            }
            Act::Unban { user } => {
                self.bans.remove(&user.id);
            }
            Act::Purge { user } => {
                self.take_back(TakenBack::Of(user.id.clone()), by, effects);
                let (user_id, login) = (user.id.clone(), user.login.clone());
                effects.tell(Audience::All, Event::UserCleared { user_id, login, banned: false, seconds: None });
            }
            Act::Delete { message_id, user, .. } => {
                self.take_back(TakenBack::One(message_id.clone()), by, effects);
                let (message_id, login) = (message_id.clone(), user.login.clone());
                effects.tell(Audience::All, Event::Deleted { message_id, login });
            }
            Act::Clear => {
                self.take_back(TakenBack::All, by, effects);
                effects.tell(Audience::All, Event::Cleared);
            }
            Act::Warn { user, reason } => {
                self.warnings.insert(user.id.clone(), reason.clone());
                let (user_id, login) = (user.id.clone(), user.login.clone());
                effects.tell(Audience::All, Event::Warned { user_id, login, reason: reason.clone() });
            }
            Act::WarningAcknowledged { user } => {
                self.warnings.remove(&user.id);
            }
            Act::Settings { settings } | Act::Shield { settings, .. } => {
                if let Act::Shield { on, .. } = action.act {
                    self.facts.shielded = on;
                }
                if self.facts.settings != *settings {
                    self.facts.settings = settings.clone();
                    effects.tell(Audience::All, Event::Settings { settings: settings.clone() });
                }
            }
            Act::Emotes { .. } => effects.tell(Audience::All, Event::Emotes),
            Act::HoldResolved { id, allowed } => {
                if let Some(held) = self.held.remove(id)
                    && *allowed
                {
                    let message = Message { at_ms: now_ms, ..held.message };
                    self.publish(now_ms, true, message, effects);
                }
                let event = Event::HoldResolved { id: id.clone(), allowed: *allowed, by: login };
                effects.tell(Audience::Moderators, event);
            }
            Act::Announce { message } => {
                let emotes = self.emotes_in(&message.text);
                self.publish(now_ms, true, Message { emotes, ..message.clone() }, effects);
            }
            Act::Pin { message } => {
                self.facts.pinned = Some(message.clone());
                effects.tell(Audience::All, Event::Pinned { message: message.clone() });
            }
            Act::Unpin => {
                self.facts.pinned = None;
                effects.tell(Audience::All, Event::Unpinned);
            }
            Act::Poll { poll } => {
                self.facts.poll = (!poll.ended).then(|| poll.clone());
                effects.tell(Audience::All, Event::Poll { poll: poll.clone() });
            }
            Act::RaidOut { channel, display_name, viewers, leaves_at_ms } => effects.tell(
                Audience::All,
                Event::RaidOut {
                    channel: channel.clone(),
                    display_name: display_name.clone(),
                    viewers: *viewers,
                    leaves_at_ms: *leaves_at_ms,
                },
            ),
            Act::RaidCancelled => effects.tell(Audience::All, Event::RaidCancelled),
            Act::RaidIn { channel_id, channel, display_name, viewers } => effects.tell(
                Audience::All,
                Event::RaidIn {
                    channel_id: channel_id.clone(),
                    channel: channel.clone(),
                    display_name: display_name.clone(),
                    viewers: *viewers,
                },
            ),
            Act::Rules { .. }
            | Act::UnbanRequested { .. }
            | Act::UnbanAnswered { .. }
            | Act::Network { .. }
            | Act::Note { .. } => {}
        }
        effects.tell(Audience::Moderators, Event::Action { action: action.clone() });
    }

    fn take_back(&mut self, what: TakenBack, by: String, effects: &mut Effects) {
        self.forget(&what);
        effects.written.push(Written::TakenBack { what, by });
    }

    fn forget(&mut self, what: &TakenBack) {
        let hit = |message: &Message| match what {
            TakenBack::One(id) => message.id == *id,
            TakenBack::Of(user_id) => message.author.id == *user_id,
            TakenBack::All => true,
        };
        self.recent.retain(|message| !hit(message));
        self.delayed.retain(|(_, message)| !hit(message));
    }

    fn known(&self, key: &(String, String), now_ms: i64) -> Option<Option<String>> {
        let known = self.known.get(key).filter(|_| !key.1.is_empty())?;
        (now_ms - known.at_ms < KNOWN_MS).then(|| known.message_id.clone())
    }

    fn remember(&mut self, key: (String, String), now_ms: i64, message_id: Option<String>) {
        if key.1.is_empty() || key.1.chars().count() > MAX_CLIENT_ID_CHARS {
            return;
        }
        let (known, full) = (&self.known, self.known_order.len() >= MAX_TEXTS);
        let old = |key: &mut (String, String)| full || known.get(key).is_none_or(|it| now_ms - it.at_ms >= KNOWN_MS);
        if let Some(oldest) = self.known_order.pop_front_if(old) {
            self.known.remove(&oldest);
        }
        if self.known.insert(key.clone(), Known { at_ms: now_ms, message_id }).is_none() {
            self.known_order.push_back(key);
        }
    }

    /// They have written, whether or not it was let through.
    fn note(&mut self, now_ms: i64, user_id: &str, text: &str) {
        if self.chatters.len() >= MAX_CHATTERS && !self.chatters.contains_key(user_id) {
            let since = now_ms - RATE_WINDOW_MS.max(i64::from(self.facts.settings.slow_seconds) * 1000);
            self.chatters.retain(|_, chatter| chatter.times.back().is_some_and(|at| *at > since));
        }
        let chatter = self.chatters.entry(user_id.to_owned()).or_default();
        while chatter.times.len() > 1 && chatter.times.front().is_some_and(|at| now_ms - at >= RATE_WINDOW_MS) {
            chatter.times.pop_front();
        }
        chatter.times.push_back(now_ms);
        text.clone_into(&mut chatter.last_text);
        if self.facts.settings.unique {
            while self.texts_order.len() >= MAX_TEXTS {
                self.texts_order.pop_front().map(|oldest| self.texts.remove(&oldest));
            }
            let text = text.to_lowercase();
            if self.texts.insert(text.clone(), now_ms).is_none() {
                self.texts_order.push_back(text);
            }
        }
    }

    fn emotes_in(&self, text: &str) -> Vec<EmoteUse> {
        if self.emotes.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut at = 0;
        for word in text.split(' ') {
            let len = word.chars().count() as u32;
            if let Some(id) = self.emotes.get(word) {
                found.push(EmoteUse { id: id.clone(), at, len });
            }
            at += len + 1;
        }
        found
    }

    fn only_emotes(&self, text: &str) -> bool {
        let emoji = |c: char| !c.is_alphanumeric() && !c.is_ascii();
        text.split(' ').all(|word| self.emotes.contains_key(word) || word.chars().all(emoji))
    }
}

fn held() -> Refusal {
    Refusal::new(RefusalCode::Held, "A moderator looks at your message first.")
}

fn quote(message: &Message) -> Quote {
    Quote {
        id: message.id.clone(),
        user_id: message.author.id.clone(),
        login: message.author.login.clone(),
        display_name: message.author.display_name.clone(),
        text: message.text.chars().take(100).collect(),
    }
}

/// One line, without what cannot be seen and turns or hides text, and with single spaces.
pub fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_whitespace() || c.is_control() => ' ',
        c => c,
    };
    // Overrides of the writing direction, and marks that other characters are put under without end.
    let hidden = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}');
    let text: String = text.chars().filter(|c| !hidden(c)).map(shown).collect();
    let mut marks = 0;
    let unstacked = text.split_whitespace().collect::<Vec<_>>().join(" ");
    unstacked
        .chars()
        .filter(|c| {
            marks = if unicode_normalization::char::is_combining_mark(*c) { marks + 1 } else { 0 };
            marks <= 4
        })
        .collect()
}

/// For people: `12 s`, `5 min`, `3 h`, `2 d`, rounded up.
fn span(ms: i64) -> String {
    let seconds = (ms.max(0) as u64).div_ceil(1000);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} d", seconds.div_ceil(86_400)),
    }
}

/// The deed of a rule, for the one that decides.
fn severity(deed: TermDeed) -> u8 {
    match deed {
        TermDeed::Block => 2,
        TermDeed::Hold => 1,
        TermDeed::Replace => 0,
    }
}
