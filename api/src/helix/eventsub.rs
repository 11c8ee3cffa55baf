//! Who gets what on `/eventsub/ws`. The session there is one of the chat; here its rows are changed.

use super::{Asked, Refused, chat::channel_of, time};
use crate::request::Caller;
use crate::{App, chat, now_ms};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use rivulet_protocol::eventsub::{MAX_SESSIONS, MAX_SUBSCRIPTIONS, Needs, Subscription, Topic};
use rivulet_protocol::policy::Action;
use rivulet_store::{SubscribeError, User};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub fn routes() -> Router<App> {
    Router::new().route("/helix/eventsub/subscriptions", get(list).post(subscribe).delete(unsubscribe))
}

fn bad(message: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, message.into())
}

/// What is subscribed to ends with the token that it was subscribed with.
fn bearer(caller: &Caller) -> Result<(&User, &str), Refused> {
    let needed = || Refused::new(StatusCode::UNAUTHORIZED, "Send an access token.");
    Ok((caller.known().ok_or_else(needed)?, caller.token_id().ok_or_else(needed)?))
}

#[derive(Deserialize)]
struct New {
    r#type: String,
    version: String,
    condition: Map<String, Value>,
    transport: Transport,
}

#[derive(Deserialize)]
struct Transport {
    method: String,
    #[serde(default)]
    session_id: String,
}

fn all(subscriptions: &[Subscription]) -> Value {
    subscriptions.iter().map(|it| it.shown("enabled", &time(it.created_at_ms))).collect()
}

fn answer(data: Value, total: usize) -> Json<Value> {
    Json(json!({
        "data": data,
        "total": total,
        "total_cost": 0,
        "max_total_cost": MAX_SESSIONS * MAX_SUBSCRIPTIONS,
        "pagination": {},
    }))
}

async fn subscribe(
    State(app): State<App>,
    caller: Caller,
    body: axum::body::Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let (user, token_id) = bearer(&caller)?;
    let new: New = serde_json::from_slice(&body).map_err(|e| bad(format!("The body cannot be read: {e}.")))?;
    let topic = Topic::parse(&new.r#type).filter(|topic| topic.version() == new.version);
    let topic = topic.ok_or_else(|| bad("There is no such type, or not in this version; docs/chat.md lists them."))?;
    if new.transport.method != "websocket" {
        return Err(bad("The transport's method is websocket; webhooks are on the channel's own page."));
    }
    let condition = |key: &str| new.condition.get(key).and_then(Value::as_str).filter(|id| !id.is_empty());
    let key = topic.channel_key();
    let id = condition(key).ok_or_else(|| bad(format!("The condition has to name the {key}.")))?;
    if let Some(key) = topic.user_key()
        && let Some(id) = condition(key)
        && id != user.id
        && channel_of(&app, id).await?.is_none_or(|channel| channel.owner_id != user.id)
    {
        return Err(bad(format!("The {key} is not that of the token's user.")));
    }
    let unknown = || bad("There is no such broadcaster.");
    let channel = channel_of(&app, id).await?.ok_or_else(unknown)?;
    match topic.needs() {
        Needs::Nothing => {
            crate::channels::visible(&app, &caller, &channel).await?;
        }
        Needs::Chat => chat::readable(&app, &caller, &channel).await?,
        Needs::Moderator => {
            caller.may_in(&app, &channel, Action::ModerateChat).await?;
        }
    }
    let session_id = &new.transport.session_id;
    let made =
        app.store.subscribe_eventsub(session_id, (&user.id, token_id), topic, &channel.id, now_ms()).await.map_err(
            |error| {
                let status = match &error {
                    SubscribeError::Store(_) => {
                        return Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on the server.");
                    }
                    SubscribeError::NoSession => StatusCode::BAD_REQUEST,
                    SubscribeError::Exists => StatusCode::CONFLICT,
                    SubscribeError::TooManySessions | SubscribeError::TooMany => StatusCode::TOO_MANY_REQUESTS,
                };
                Refused(status, crate::refusal::sentence(error))
            },
        )?;
    app.subscribed(session_id).await;
    let total = app.store.eventsub_subscriptions_of(&user.id).await?.len();
    Ok((StatusCode::ACCEPTED, answer(all(&[made]), total)))
}

/// At most as many as fit in one page.
async fn list(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Result<Json<Value>, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let (user, _) = bearer(&caller)?;
    let mut found = app.store.eventsub_subscriptions_of(&user.id).await?;
    let total = found.len();
    let is = |name: &str, value: &str| asked.one(name).is_none_or(|wanted| wanted == value);
    found.retain(|it| {
        is("type", it.topic.as_str())
            && is("subscription_id", &it.id)
            && is("user_id", &it.channel_id)
            && is("status", "enabled")
    });
    Ok(answer(all(&found), total))
}

async fn unsubscribe(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Result<StatusCode, Refused> {
    let asked = Asked::new(query.as_deref())?;
    let (user, _) = bearer(&caller)?;
    let id = asked.one("id").ok_or_else(|| bad("The parameter id is missing."))?;
    let unknown = || Refused::new(StatusCode::NOT_FOUND, "There is no such subscription.");
    let session_id = app.store.unsubscribe_eventsub(&user.id, id).await?.ok_or_else(unknown)?;
    app.subscribed(&session_id).await;
    Ok(StatusCode::NO_CONTENT)
}
