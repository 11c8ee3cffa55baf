//! The ids that clients of Twitch switch on.

use crate::commands::Command;
use rivulet_protocol::chat::RefusalCode;

/// Why a message was not said.
pub fn refused(code: RefusalCode) -> &'static str {
    use RefusalCode::*;
    match code {
        SlowMode => "msg_slowmode",
        FollowersOnly => "msg_followersonly",
        SubscribersOnly => "msg_subsonly",
        EmoteOnly => "msg_emoteonly",
        Duplicate => "msg_duplicate",
        RateLimit => "msg_ratelimit",
        Banned => "msg_banned",
        TimedOut => "msg_timedout",
        Suspended => "msg_suspended",
        VerifiedOnly | AccountTooYoung => "msg_verified_email",
        Held => "msg_rejected",
        BlockedTerm | Links => "msg_rejected_mandatory",
        UnknownCommand => "unrecognized_cmd",
        Forbidden | Scope => "no_permission",
        NoSuchUser => "invalid_user",
        NoSuchMessage => "bad_delete_message_error",
        LogIn | Warned | Empty | TooLong | Usage | Unavailable => "msg_bad_characters",
    }
}

/// What a command has done.
pub fn done(command: &Command) -> &'static str {
    match command {
        Command::Ban { seconds: None, .. } => "ban_success",
        Command::Ban { .. } => "timeout_success",
        Command::Unban { .. } => "unban_success",
        Command::Delete { .. } => "delete_message_success",
        Command::Slow(0) => "slow_off",
        Command::Slow(_) => "slow_on",
        Command::Followers(None) => "followers_off",
        Command::Followers(Some(0)) => "followers_on_zero",
        Command::Followers(Some(_)) => "followers_on",
        Command::Subscribers(true) => "subs_on",
        Command::Subscribers(false) => "subs_off",
        Command::EmoteOnly(true) => "emote_only_on",
        Command::EmoteOnly(false) => "emote_only_off",
        Command::Unique(true) => "r9k_on",
        Command::Unique(false) => "r9k_off",
        Command::Help => "cmds_available",
        _ => "cmd_success",
    }
}
