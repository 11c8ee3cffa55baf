//! What a chat has of its own: terms that are blocked, and commands.

use super::doer;
use crate::check;
use crate::docs::{Answer, Created, Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, InPath, Params, RequestId};
use crate::{App, channels, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use regex::RegexBuilder;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{ChatCommand, MAX_PATTERN_BYTES, Page, Term, TermCreate};

const MAX_TERM_CHARS: usize = 260;
const MAX_COMMAND_CHARS: usize = 25;
const MAX_REPLY_CHARS: usize = 400;
const MAX_COOLDOWN_SECONDS: u32 = 3_600;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/chat/terms",
            get_with(terms, op("chat", "Blocked terms")).post_with(add_term, op("chat", "Block a term")),
        )
        .api_route("/channels/{name}/chat/terms/{id}", delete_with(no_term, op("chat", "Do not block a term")))
        .api_route("/channels/{name}/chat/commands", get_with(commands, op("chat", "A channel's commands")))
        .api_route(
            "/channels/{name}/chat/commands/{command}",
            put_with(set_command, op("chat", "Set a command")).delete_with(no_command, op("chat", "Remove a command")),
        )
}

async fn terms(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<Term>>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let rows = app.store.chat_terms(&channel.id, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |term| term.id.clone())))
}

async fn add_term(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(create): Body<TermCreate>,
) -> Result<Created<Term>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let text = check::some_line("text", &create.text, MAX_TERM_CHARS)?;
    match create.pattern {
        true => check_pattern(&text)?,
        false if text.chars().all(|c| c == '*' || c.is_whitespace()) => {
            return Err(Refusal::field("text", "matches_everything", "This would block everything."));
        }
        false => {}
    }
    let term = app.store.add_chat_term(&channel, &by, TermCreate { text, ..create }, now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Answer::new(term))
}

/// Compiles within bounds, and does not match whatever is said.
fn check_pattern(text: &str) -> Result<(), Refusal> {
    let mut pattern = RegexBuilder::new(text);
    let pattern = pattern.case_insensitive(true).size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES);
    match pattern.build() {
        Ok(pattern) if pattern.is_match("") => {
            Err(Refusal::field("text", "matches_everything", "This would block everything."))
        }
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(Refusal::field("text", "too_complex", "This pattern is too large once it is unfolded."))
        }
        Err(_) => Err(Refusal::field("text", "bad_pattern", "This is no regular expression of the crate regex.")),
    }
}

async fn no_term(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, term)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    app.store.delete_chat_term(&channel, &by, &term, now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Done::default())
}

async fn commands(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
) -> Result<Json<Page<ChatCommand>>, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
    Ok(Json(Page { items: app.store.chat_commands(&channel.id).await?, next: None }))
}

async fn set_command(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, command)): Path<(String, String)>,
    Body(body): Body<ChatCommand>,
) -> Result<Json<ChatCommand>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let name = command.trim_start_matches('!').to_ascii_lowercase();
    let good = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good || name.is_empty() || name.len() > MAX_COMMAND_CHARS {
        return Err(Refusal::field("name", "bad_name", "A command has 1 to 25 letters, digits and _."));
    }
    let command = ChatCommand {
        name,
        reply: check::some_line("reply", &body.reply, MAX_REPLY_CHARS)?,
        cooldown_seconds: check::between("cooldown_seconds", body.cooldown_seconds, 0, MAX_COOLDOWN_SECONDS)?,
        moderators_only: body.moderators_only,
    };
    app.store.set_chat_command(&channel, &by, &command, now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Json(command))
}

async fn no_command(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Path((_, command)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    app.store.delete_chat_command(&channel, &by, &command.to_ascii_lowercase(), now_ms()).await?;
    app.acted(&[channel.id]).await;
    Ok(Done::default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn patterns() {
        for good in ["buy (now|here)", r"\bfoo+\b", "(a+)+$x", "ä{2,5}"] {
            assert!(check_pattern(good).is_ok(), "{good}");
        }
        for (bad, code) in [
            ("(", "bad_pattern"),
            (r"(a)\1", "bad_pattern"),
            ("(?=x)", "bad_pattern"),
            (".*", "matches_everything"),
            ("x?", "matches_everything"),
            (r"\w{1000}{1000}", "too_complex"),
        ] {
            assert_eq!(check_pattern(bad).unwrap_err().code(), code, "{bad}");
        }
    }
}
