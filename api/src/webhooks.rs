//! Webhooks: what happens on a channel is sent to the servers that its people named, signed by the
//! Standard Webhooks specification, and again for two days when nobody takes it.

use crate::docs::{Answer, Created, Done, op};
use crate::refusal::{Refusal, sentence};
use crate::request::{Body, Caller, Cursor, InPath, Named, Params};
use crate::{App, Shared, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::join_all;
use rivulet_outside::{Bounds, Failure};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{Delivery, NewWebhook, Page, Webhook, WebhookCreate};
use rivulet_store::{Attempt, Due, StoreError, random};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const MAX_WEBHOOKS: usize = 10;
const PREFIX: &str = "whsec_";
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), body_bytes: 1024 };
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Sent at once.
const AT_ONCE: u32 = 8;
/// What was taken and not sent by then is due again.
const LEASE_MS: i64 = 60_000;
const SECOND_MS: i64 = 1000;
const HOUR_MS: i64 = 3600 * SECOND_MS;
/// Between one attempt and the next.
const PAUSES_MS: [i64; 8] =
    [5 * SECOND_MS, 300 * SECOND_MS, HOUR_MS / 2, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS];
const GIVE_UP_MS: i64 = 5 * 24 * HOUR_MS;
const KEEP_MS: i64 = 7 * 24 * HOUR_MS;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/webhooks",
            get_with(list, op("webhooks", "A channel's webhooks")).post_with(create, op("webhooks", "Make a webhook")),
        )
        .api_route("/channels/{name}/webhooks/{id}", delete_with(remove, op("webhooks", "Delete a webhook")))
        .api_route(
            "/channels/{name}/webhooks/{id}/test",
            post_with(test, op("webhooks", "Send a test, and see the answer")),
        )
        .api_route(
            "/channels/{name}/webhooks/{id}/deliveries",
            get_with(deliveries, op("webhooks", "What was sent, the newest first")),
        )
}

async fn list(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Page<Webhook>>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    Ok(Json(Page { items: app.store.webhooks_of(&channel.id).await?, next: None }))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(create): Body<WebhookCreate>,
) -> Result<Created<NewWebhook>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let mut events = create.events;
    events.sort_by_key(|event| event.as_str());
    events.dedup();
    if events.is_empty() {
        return Err(Refusal::field("events", "bad_value", "Choose at least one event."));
    }
    if app.store.webhooks_of(&channel.id).await?.len() >= MAX_WEBHOOKS {
        return Err(Refusal::conflict("too_many_webhooks", "A channel has at most 10 webhooks."));
    }
    let url = app.http.check(create.url.trim()).await.map_err(|e| Refusal::field("url", "bad_url", sentence(e)))?;
    let secret = format!("{PREFIX}{}", BASE64.encode(random::<24>()));
    let info = app.store.add_webhook(&channel.id, url.as_str(), &secret, &events, now_ms()).await?;
    Ok(Answer::new(NewWebhook { secret, info }))
}

/// The webhook that the path names after the channel.
async fn webhook(app: &App, caller: &Caller, channel: &rivulet_store::Channel, id: &str) -> Result<Webhook, Refusal> {
    caller.may_in(app, channel, Action::EditChannel).await?;
    app.store.webhook(&channel.id, id).await?.ok_or_else(Refusal::not_found)
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Named(id): Named<1>,
) -> Result<Done, Refusal> {
    webhook(&app, &caller, &channel, &id).await?;
    app.store.delete_webhook(&channel.id, &id).await?;
    Ok(Done::default())
}

async fn test(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Named(id): Named<1>,
) -> Result<Json<Delivery>, Refusal> {
    let webhook = webhook(&app, &caller, &channel, &id).await?;
    let now_ms = now_ms();
    let body = json!({"type": "test", "timestamp": now_ms, "data": {"channel": channel.name}}).to_string();
    let due = app.store.add_delivery(&webhook.id, "test", &body, now_ms).await?.ok_or_else(Refusal::not_found)?;
    let outcome = send(&app, &due).await;
    // A test says how things are now, for better or for worse nothing else follows from it.
    app.store.attempted(&due, &outcome.attempt(None), due.failing_since_ms, webhook.disabled).await?;
    app.store.delivery(&due.id).await?.map(Json).ok_or_else(Refusal::not_found)
}

async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Named(id): Named<1>,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<Delivery>>, Refusal> {
    let webhook = webhook(&app, &caller, &channel, &id).await?;
    let rows = app.store.deliveries_of(&webhook.id, cursor.after(), cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |delivery| delivery.id.clone())))
}

/// `v1,SIGNATURE` of a message, by the key behind `whsec_`.
fn signature(secret: &str, id: &str, timestamp_s: i64, body: &str) -> String {
    let key = BASE64.decode(secret.strip_prefix(PREFIX).unwrap_or(secret)).unwrap_or_default();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let tag = ring::hmac::sign(&key, format!("{id}.{timestamp_s}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(tag))
}

struct Outcome {
    status: Option<u16>,
    answer: String,
    took_ms: u32,
}

impl Outcome {
    fn delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    fn attempt(&self, next_at_ms: Option<i64>) -> Attempt<'_> {
        let Self { status, answer, took_ms } = self;
        Attempt { delivered: self.delivered(), status: *status, answer, took_ms: *took_ms, next_at_ms }
    }
}

async fn send(app: &Shared, due: &Due) -> Outcome {
    let timestamp_s = now_ms() / 1000;
    let request = Request::post(&due.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", &due.id)
        .header("webhook-timestamp", timestamp_s)
        .header("webhook-signature", signature(&due.secret, &due.id, timestamp_s, &due.body))
        .body(Bytes::from(due.body.clone()));
    let started = Instant::now();
    let answer = match request {
        Ok(request) => app.http.send(request, BOUNDS).await,
        Err(_) => Err(Failure::BadUrl),
    };
    let took_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    match answer {
        Ok(answer) => {
            // Postgres has no place for a NUL in a text.
            let text = String::from_utf8_lossy(&answer.body).replace('\0', "\u{fffd}");
            Outcome { status: Some(answer.status.as_u16()), answer: text, took_ms }
        }
        Err(failure) => Outcome { status: None, answer: sentence(failure), took_ms },
    }
}

/// When a delivery that failed is tried again; spread a little, so that what failed together is not
/// tried together.
fn next_attempt(attempts: i64, now_ms: i64, chance: u8) -> Option<i64> {
    let pause_ms = PAUSES_MS.get(usize::try_from(attempts).ok()?)?;
    Some(now_ms + pause_ms + pause_ms * i64::from(chance) / (10 * 255))
}

async fn deliver(app: &Shared, due: Due) -> Result<(), StoreError> {
    let outcome = send(app, &due).await;
    let now_ms = now_ms();
    if outcome.delivered() {
        return app.store.attempted(&due, &outcome.attempt(None), None, false).await;
    }
    let since_ms = due.failing_since_ms.unwrap_or(now_ms);
    // Who answers 410 wants nothing more.
    let disable = outcome.status == Some(StatusCode::GONE.as_u16()) || now_ms - since_ms >= GIVE_UP_MS;
    let next_at_ms = next_attempt(due.attempts, now_ms, random::<1>()[0]).filter(|_| !disable);
    app.store.attempted(&due, &outcome.attempt(next_at_ms), Some(since_ms), disable).await
}

/// One look at the queue; answers whether there may be more.
pub async fn deliver_due(app: &Shared) -> Result<bool, StoreError> {
    let now_ms = now_ms();
    let due = app.store.take_due(now_ms, now_ms + LEASE_MS, AT_ONCE).await?;
    let more = due.len() == AT_ONCE as usize;
    for done in join_all(due.into_iter().map(|due| deliver(app, due))).await {
        done?;
    }
    Ok(more)
}

/// Until the server ends. What is not sent by then is sent by the next one.
pub async fn run(app: &Shared, shutdown: &CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut prune = tokio::time::interval(Duration::from_secs(3600));
    loop {
        let done = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = prune.tick() => app.store.prune_deliveries(now_ms() - KEEP_MS).await,
            _ = look.tick() => deliver_due(app).await.map(|more| if more { look.reset_immediately() }),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "webhooks wait");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_the_specification() {
        let body = r#"{"test": 2432232314}"#;
        let signed =
            signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn later_and_later_and_then_no_more() {
        assert_eq!(next_attempt(0, 1000, 0), Some(6000));
        assert_eq!(next_attempt(0, 1000, 255), Some(6500));
        assert_eq!(next_attempt(3, 0, 0), Some(2 * HOUR_MS));
        assert_eq!(next_attempt(8, 0, 0), None);
        assert_eq!(next_attempt(-1, 0, 0), None);
        assert!(PAUSES_MS.iter().sum::<i64>() < GIVE_UP_MS);
    }
}
