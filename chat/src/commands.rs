//! Commands that are typed into the chat, as on Twitch: `/timeout ann 10m spam`.

use crate::clock::now_ms;
use crate::core::clean;
use crate::node::Node;
use crate::people::Chatter;
use crate::room::{Room, unavailable};
use rivulet_hub::ChatNote;
use rivulet_protocol::chat::{MAX_TEXT_CHARS, Refusal, RefusalCode};
use rivulet_protocol::rest::ChatSettings;
use rivulet_store::{Deed, DeedError, User};
use std::sync::Arc;

const MAX_TIMEOUT_SECONDS: u32 = 14 * 24 * 3600;
const DEFAULT_TIMEOUT_SECONDS: u32 = 600;
const DEFAULT_SLOW_SECONDS: u32 = 30;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Said by its author, as something they do.
    Me(String),
    Ban {
        login: String,
        seconds: Option<u32>,
        reason: String,
    },
    Unban {
        login: String,
    },
    Purge {
        login: String,
    },
    Warn {
        login: String,
        reason: String,
    },
    Delete {
        message_id: String,
    },
    Clear,
    Announce {
        text: String,
        color: String,
    },
    Pin {
        message_id: String,
    },
    Unpin,
    Shield(bool),
    Slow(u32),
    Followers(Option<u32>),
    Subscribers(bool),
    EmoteOnly(bool),
    Unique(bool),
    Help,
}

impl Command {
    pub fn is_for_moderators(&self) -> bool {
        !matches!(self, Self::Me(_) | Self::Help)
    }
}

const COMMANDS: &str = "/me, /ban, /unban, /timeout, /untimeout, /purge, /warn, /delete, /clear, /announce, /pin, \
    /unpin, /slow, /slowoff, /followers, /followersoff, /subscribers, /subscribersoff, /emoteonly, /emoteonlyoff, \
    /uniquechat, /uniquechatoff, /shield, /shieldoff";

/// `None` for what is no command.
pub fn parse(text: &str) -> Option<Result<Command, Refusal>> {
    let rest = text.strip_prefix('/')?;
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let rest = rest.trim();
    let (first, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let more = more.trim();
    let usage = |how: &str| Err(Refusal::new(RefusalCode::Usage, format!("Write it like this: {how}")));
    let login = first.trim_start_matches('@').to_lowercase();
    let whom = |command: fn(String, String) -> Command, how: &str| match login.is_empty() {
        true => usage(how),
        false => Ok(command(login.clone(), more.to_owned())),
    };
    Some(match name.to_lowercase().as_str() {
        "me" if rest.is_empty() => usage("/me waves"),
        "me" => Ok(Command::Me(rest.to_owned())),
        "ban" => whom(|login, reason| Command::Ban { login, seconds: None, reason }, "/ban NAME [REASON]"),
        "unban" | "untimeout" => whom(|login, _| Command::Unban { login }, "/unban NAME"),
        "purge" => whom(|login, _| Command::Purge { login }, "/purge NAME"),
        "warn" if more.is_empty() => usage("/warn NAME REASON"),
        "warn" => whom(|login, reason| Command::Warn { login, reason }, "/warn NAME REASON"),
        "timeout" => {
            const HOW: &str = "/timeout NAME [10m] [REASON], 1 s to 14 days";
            let (time, reason) = more.split_once(char::is_whitespace).unwrap_or((more, ""));
            match (login.is_empty(), time.is_empty(), seconds(time)) {
                (true, ..) => usage(HOW),
                (_, true, _) => {
                    let seconds = Some(DEFAULT_TIMEOUT_SECONDS);
                    Ok(Command::Ban { login, seconds, reason: String::new() })
                }
                (_, _, Some(seconds)) if (1..=MAX_TIMEOUT_SECONDS).contains(&seconds) => {
                    Ok(Command::Ban { login, seconds: Some(seconds), reason: reason.trim().to_owned() })
                }
                _ => usage(HOW),
            }
        }
        "delete" if first.is_empty() => usage("/delete MESSAGE_ID"),
        "delete" => Ok(Command::Delete { message_id: first.to_owned() }),
        "clear" => Ok(Command::Clear),
        "announce" if rest.is_empty() => usage("/announce TEXT"),
        "announce" => Ok(Command::Announce { text: rest.to_owned(), color: "primary".into() }),
        "announceblue" => Ok(Command::Announce { text: rest.to_owned(), color: "blue".into() }),
        "announcegreen" => Ok(Command::Announce { text: rest.to_owned(), color: "green".into() }),
        "announceorange" => Ok(Command::Announce { text: rest.to_owned(), color: "orange".into() }),
        "announcepurple" => Ok(Command::Announce { text: rest.to_owned(), color: "purple".into() }),
        "pin" if first.is_empty() => usage("/pin MESSAGE_ID"),
        "pin" => Ok(Command::Pin { message_id: first.to_owned() }),
        "unpin" => Ok(Command::Unpin),
        "shield" => Ok(Command::Shield(true)),
        "shieldoff" => Ok(Command::Shield(false)),
        "slow" if first.is_empty() => Ok(Command::Slow(DEFAULT_SLOW_SECONDS)),
        "slow" => match seconds(first).filter(|seconds| *seconds <= 3600) {
            Some(seconds) => Ok(Command::Slow(seconds)),
            None => usage("/slow [SECONDS], at most 3600"),
        },
        "slowoff" => Ok(Command::Slow(0)),
        "followers" if first.is_empty() => Ok(Command::Followers(Some(0))),
        "followers" => match minutes(first) {
            Some(minutes) => Ok(Command::Followers(Some(minutes))),
            None => usage("/followers [30m], at most 90 days"),
        },
        "followersoff" => Ok(Command::Followers(None)),
        "subscribers" => Ok(Command::Subscribers(true)),
        "subscribersoff" => Ok(Command::Subscribers(false)),
        "emoteonly" => Ok(Command::EmoteOnly(true)),
        "emoteonlyoff" => Ok(Command::EmoteOnly(false)),
        "uniquechat" | "unique" | "r9kbeta" => Ok(Command::Unique(true)),
        "uniquechatoff" | "uniqueoff" | "r9kbetaoff" => Ok(Command::Unique(false)),
        "help" => Ok(Command::Help),
        _ => Err(Refusal::new(
            RefusalCode::UnknownCommand,
            format!("There is no command /{name}. There are {COMMANDS}."),
        )),
    })
}

/// `90`, `90s`, `10m`, `2h`, `1d`, `1w`.
fn seconds(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_lowercase().as_str() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    digits.parse::<u32>().ok()?.checked_mul(unit)
}

/// The same, where a bare number is minutes.
fn minutes(text: &str) -> Option<u32> {
    let minutes = match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse().ok()?,
        false => seconds(text)? / 60,
    };
    Some(minutes).filter(|minutes| *minutes <= 129_600)
}

/// Carries it out, and says so.
pub async fn run(node: &Node, room: &Arc<Room>, from: &Chatter, command: Command) -> Result<String, Refusal> {
    if let Some(reason) = &from.speaker.suspended {
        return Err(Refusal::new(RefusalCode::Suspended, format!("Your account is suspended. {reason}").trim_end()));
    }
    let whom = |login: String| async move {
        match node.store.user_by_name(&login).await {
            Ok(Some((user, _))) => Ok(user),
            Ok(None) => Err(Refusal::new(RefusalCode::NoSuchUser, format!("There is no user {login}."))),
            Err(error) => Err(failed(error.into())),
        }
    };
    let own = || async {
        let (own, ..) = node.store.own_chat_settings(&room.channel.id).await.map_err(|error| failed(error.into()))?;
        Ok::<_, Refusal>(own)
    };
    match command {
        Command::Me(_) => Err(Refusal::new(RefusalCode::Usage, "Write it like this: /me waves")),
        Command::Help => Ok(format!("There are {COMMANDS}.")),
        Command::Ban { login, seconds, reason } => {
            let user: User = whom(login).await?;
            act(node, room, from, Deed::Ban { user: &user, seconds, reason: &reason }).await?;
            Ok(match seconds {
                Some(seconds) => format!("{} is timed out for {seconds} s.", user.shown_name()),
                None => format!("{} is banned.", user.shown_name()),
            })
        }
        Command::Unban { login } => {
            let user = whom(login).await?;
            act(node, room, from, Deed::Unban { user: &user }).await?;
            Ok(format!("{} may write again.", user.shown_name()))
        }
        Command::Purge { login } => {
            let user = whom(login).await?;
            act(node, room, from, Deed::Purge { user: &user }).await?;
            Ok(format!("What {} said is gone.", user.shown_name()))
        }
        Command::Warn { login, reason } => {
            let user = whom(login).await?;
            act(node, room, from, Deed::Warn { user: &user, reason: &reason }).await?;
            Ok(format!("{} is warned.", user.shown_name()))
        }
        Command::Delete { message_id } => {
            act(node, room, from, Deed::Delete { message_id: &message_id }).await?;
            Ok("The message is gone.".into())
        }
        Command::Clear => {
            act(node, room, from, Deed::Clear).await?;
            Ok("The chat is empty.".into())
        }
        Command::Announce { text, color } => {
            let text: String = clean(&text).chars().take(MAX_TEXT_CHARS).collect();
            if text.is_empty() {
                return Err(Refusal::new(RefusalCode::Empty, "There is nothing in it."));
            }
            let author = from.speaker.author.clone();
            act(node, room, from, Deed::Announce { text: &text, color: &color, author }).await?;
            Ok("It is announced.".into())
        }
        Command::Pin { message_id } => {
            act(node, room, from, Deed::Pin { message_id: &message_id }).await?;
            Ok("It is pinned.".into())
        }
        Command::Unpin => {
            act(node, room, from, Deed::Unpin).await?;
            Ok("Nothing is pinned any more.".into())
        }
        Command::Shield(on) => {
            act(node, room, from, Deed::Shield { on, settings: None }).await?;
            Ok(if on { "Shield mode is on." } else { "Shield mode is off." }.into())
        }
        Command::Slow(slow_seconds) => {
            set(node, room, from, ChatSettings { slow_seconds, ..own().await? }).await?;
            Ok(format!("One message every {slow_seconds} s."))
        }
        Command::Followers(followers_only_minutes) => {
            set(node, room, from, ChatSettings { followers_only_minutes, ..own().await? }).await?;
            Ok(match followers_only_minutes {
                Some(minutes) => format!("Only followers of {minutes} min or more may write."),
                None => "One need not follow to write.".into(),
            })
        }
        Command::Subscribers(subscribers_only) => {
            set(node, room, from, ChatSettings { subscribers_only, ..own().await? }).await?;
            Ok("It is set.".into())
        }
        Command::EmoteOnly(emote_only) => {
            set(node, room, from, ChatSettings { emote_only, ..own().await? }).await?;
            Ok("It is set.".into())
        }
        Command::Unique(unique) => {
            set(node, room, from, ChatSettings { unique, ..own().await? }).await?;
            Ok("It is set.".into())
        }
    }
}

async fn set(node: &Node, room: &Arc<Room>, from: &Chatter, settings: ChatSettings) -> Result<(), Refusal> {
    act(node, room, from, Deed::Settings(&settings)).await
}

async fn act(node: &Node, room: &Arc<Room>, from: &Chatter, deed: Deed<'_>) -> Result<(), Refusal> {
    let done = node.store.moderate(&room.channel, &from.doer(), deed, now_ms()).await.map_err(failed)?;
    for channel_id in done.channels {
        node.hub.chat().tell(ChatNote::Acted(channel_id)).await;
    }
    Ok(())
}

fn failed(error: DeedError) -> Refusal {
    let code = match &error {
        DeedError::Forbidden | DeedError::Banned => RefusalCode::Forbidden,
        DeedError::NoSuchMessage => RefusalCode::NoSuchMessage,
        DeedError::NoSuch | DeedError::NotBanned | DeedError::Busy | DeedError::TooMany(_) => RefusalCode::Usage,
        DeedError::Store(error) => {
            tracing::warn!(%error, "a command cannot be carried out");
            return unavailable();
        }
    };
    let mut detail = error.to_string();
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Refusal::new(code, detail + ".")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_typed() {
        let ban = |seconds, reason: &str| Command::Ban { login: "ann".into(), seconds, reason: reason.into() };
        for (text, want) in [
            ("/me waves", Command::Me("waves".into())),
            ("/ban Ann", ban(None, "")),
            ("/BAN @ann  some reason", ban(None, "some reason")),
            ("/timeout ann", ban(Some(600), "")),
            ("/timeout ann 30", ban(Some(30), "")),
            ("/timeout ann 10m spam", ban(Some(600), "spam")),
            ("/timeout ann 2w", ban(Some(1_209_600), "")),
            ("/unban ann", Command::Unban { login: "ann".into() }),
            ("/slow", Command::Slow(30)),
            ("/slow 12", Command::Slow(12)),
            ("/slowoff", Command::Slow(0)),
            ("/followers 10", Command::Followers(Some(10))),
            ("/followers 1d", Command::Followers(Some(1440))),
            ("/followersoff", Command::Followers(None)),
        ] {
            assert_eq!(parse(text).unwrap(), Ok(want), "{text}");
        }
        assert!(parse("hello /me").is_none());
        for (text, code) in [
            ("/ban", RefusalCode::Usage),
            ("/timeout ann 15d", RefusalCode::Usage),
            ("/timeout ann 0", RefusalCode::Usage),
            ("/timeout ann soon", RefusalCode::Usage),
            ("/timeout ann 99999999999w", RefusalCode::Usage),
            ("/slow 2h", RefusalCode::Usage),
            ("/warn ann", RefusalCode::Usage),
            ("/me", RefusalCode::Usage),
            ("/fly", RefusalCode::UnknownCommand),
            ("/", RefusalCode::UnknownCommand),
        ] {
            assert_eq!(parse(text).unwrap().unwrap_err().code, code, "{text}");
        }
    }
}
