//! What moderators and admins of the instance do. An act is written to the audit log before it is
//! done: one that is not in the log does not happen.

mod categories;
mod channels;
mod instance;
mod users;

pub use instance::take_stock;

use crate::refusal::Refusal;
use crate::request::{Caller, RequestId};
use crate::{App, Shared, now_ms};
use aide::axum::ApiRouter;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{Suspend, Suspension};
use rivulet_store::{Act, User};

const MAX_REASON_CHARS: usize = 500;

pub fn routes() -> ApiRouter<App> {
    users::routes().merge(categories::routes()).merge(channels::routes()).merge(instance::routes())
}

/// What an act is done to.
#[derive(Clone, Copy)]
struct Target<'a> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
}

impl<'a> Target<'a> {
    fn user(user: &'a User) -> Self {
        Self { kind: "user", id: &user.id, name: &user.name }
    }

    fn channel(channel: &'a rivulet_store::Channel) -> Self {
        Self { kind: "channel", id: &channel.id, name: &channel.name }
    }

    fn instance(name: &'a str) -> Self {
        Self { kind: "instance", id: "", name }
    }
}

/// Whoever acts, with the right to.
struct Actor<'a> {
    app: &'a Shared,
    user: &'a User,
    request_id: &'a str,
}

impl<'a> Actor<'a> {
    fn new(app: &'a Shared, caller: &'a Caller, id: &'a RequestId, action: Action) -> Result<Self, Refusal> {
        Ok(Self { app, user: caller.may(action)?, request_id: &id.0 })
    }

    async fn log(&self, action: &str, target: Target<'_>, reason: &str) -> Result<(), Refusal> {
        let reason = check_reason(reason)?;
        let Target { kind, id, name } = target;
        let act = Act { action, target_kind: kind, target_id: id, target: name, reason, request_id: self.request_id };
        self.app.store.log_act(self.user, &act, now_ms()).await?;
        tracing::info!(actor = self.user.name, action, target = name, "privileged act");
        Ok(())
    }
}

fn check_reason(reason: &str) -> Result<&str, Refusal> {
    let reason = reason.trim();
    match reason.chars().count() > MAX_REASON_CHARS || reason.chars().any(|c| c.is_control() && c != '\n') {
        true => Err(Refusal::field("reason", "too_long", "A reason is plain text of at most 500 characters.")),
        false => Ok(reason),
    }
}

/// Those who are suspended get to read why.
fn check_suspension(suspend: &Suspend) -> Result<Suspension, Refusal> {
    let (reason, since_ms) = (check_reason(&suspend.reason)?, now_ms());
    if reason.is_empty() {
        return Err(Refusal::field("reason", "empty", "Say why: they get to read it."));
    }
    if suspend.until_ms.is_some_and(|until| until <= since_ms) {
        return Err(Refusal::field("until_ms", "bad_value", "The end lies in the past."));
    }
    Ok(Suspension { reason: reason.to_owned(), since_ms, until_ms: suspend.until_ms })
}
