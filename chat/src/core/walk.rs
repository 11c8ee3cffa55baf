//! Long random walks through a room beside a small model of it, which knows the rules by heart and
//! keeps everything for ever.
#![allow(clippy::unwrap_used)]

use super::*;
use rivulet_protocol::chat::Person;

/// Numbers that look random; the seed is all that has to be known to walk the same way again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[derive(Default)]
struct Model {
    /// Who, when, what; of those that were let through or stopped only by their words.
    spoken: Vec<(usize, i64, String)>,
    bans: HashMap<usize, Option<i64>>,
    warned: Vec<usize>,
    slow_ms: i64,
    said: HashMap<(usize, String), String>,
}

impl Model {
    fn verdict(&self, now: i64, who: usize, moderator: bool, text: &str) -> Option<RefusalCode> {
        let mine = |within: i64| self.spoken.iter().filter(move |(w, at, _)| *w == who && now - at < within);
        match self.bans.get(&who) {
            Some(None) => return Some(RefusalCode::Banned),
            Some(Some(until)) if *until > now => return Some(RefusalCode::TimedOut),
            _ => {}
        }
        if self.warned.contains(&who) {
            return Some(RefusalCode::Warned);
        }
        if mine(30_000).count() >= if moderator { 100 } else { 20 } {
            return Some(RefusalCode::RateLimit);
        }
        if moderator {
            return None;
        }
        if self.slow_ms > 0 && mine(self.slow_ms).next().is_some() {
            return Some(RefusalCode::SlowMode);
        }
        let last = self.spoken.iter().rfind(|(w, ..)| *w == who);
        last.filter(|(_, at, said)| now - at < 30_000 && said == text).map(|_| RefusalCode::Duplicate)
    }
}

fn person(who: usize) -> Person {
    Person { id: format!("u{who}"), login: format!("u{who}"), display_name: String::new() }
}

fn walk(seed: u64) {
    let mut dice = Dice(seed);
    let mut core = Core::new(ChatFacts::default(), Vec::new(), 20);
    let mut model = Model::default();
    let mut now = 1_700_000_000_000;
    let mut shown: Vec<(String, usize)> = Vec::new();
    for step in 0..600 {
        now += match dice.roll(10) {
            0 => 31_000,
            1..4 => dice.roll(4000) as i64,
            _ => dice.roll(300) as i64,
        };
        let who = dice.roll(4) as usize;
        let mut effects = Effects::default();
        let mut act = |core: &mut Core, act: Act| {
            let action = ChatAction { revision: core.revision() + 1, at_ms: now, by: Person::default(), act };
            core.act(now, &action, &mut effects);
        };
        let place = format!("seed {seed}, step {step}");
        match dice.roll(20) {
            0 => {
                let until_ms = (dice.roll(3) > 0).then(|| now + 1 + dice.roll(20_000) as i64);
                act(&mut core, Act::Ban { user: person(who), until_ms, reason: String::new() });
                model.bans.insert(who, until_ms);
                shown.retain(|(_, by)| *by != who);
            }
            1 | 2 => {
                act(&mut core, Act::Unban { user: person(who) });
                model.bans.remove(&who);
            }
            3 => {
                act(&mut core, Act::Warn { user: person(who), reason: String::new() });
                model.warned.push(who);
            }
            4 | 5 => {
                act(&mut core, Act::WarningAcknowledged { user: person(who) });
                model.warned.retain(|warned| *warned != who);
            }
            6 => {
                let slow_seconds = dice.roll(3) as u32 * 3;
                act(&mut core, Act::Settings { settings: ChatSettings { slow_seconds, ..ChatSettings::default() } });
                model.slow_ms = i64::from(slow_seconds) * 1000;
            }
            7 => {
                if let Some(index) = (!shown.is_empty()).then(|| dice.roll(shown.len() as u64) as usize) {
                    let (message_id, by) = shown.remove(index);
                    act(&mut core, Act::Delete { message_id, user: person(by), text: String::new() });
                }
            }
            _ => {
                let moderator = who == 0;
                let speaker = Speaker {
                    author: Author { id: format!("u{who}"), ..Author::default() },
                    moderator,
                    ..Speaker::default()
                };
                // Sometimes what was sent before is sent again.
                let client_id = format!("c{}", step as u64 - dice.roll(3).min(step as u64));
                let text = format!("text {}", dice.roll(6));
                let say = Say { id: client_id.clone(), text: text.clone(), reply_to: None };
                let id = format!("m{step}");
                let got = core.say(now, &speaker, &say, false, id.clone(), &mut effects).map_err(|it| it.code);
                let want = match model.said.get(&(who, client_id.clone())) {
                    Some(before) => Ok(before.clone()),
                    None => model.verdict(now, who, moderator, &text).map_or(Ok(id.clone()), Err),
                };
                assert_eq!(got, want, "{place}");
                let new = got == Ok(id.clone());
                assert_eq!(effects.events.len(), usize::from(new), "{place}");
                if new {
                    model.spoken.push((who, now, text));
                    model.said.insert((who, client_id), id.clone());
                    shown.push((id, who));
                }
            }
        }
        let history: Vec<String> = core.history(false).into_iter().map(|message| message.id).collect();
        let newest: Vec<String> = shown.iter().rev().take(HISTORY).rev().map(|(id, _)| id.clone()).collect();
        assert_eq!(history, newest, "{place}");
    }
}

#[test]
fn the_room_does_what_the_model_says() {
    for seed in 0..300 {
        walk(seed);
    }
}
