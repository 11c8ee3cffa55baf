//! What people are told of the channels that they follow: in pages, and by their browsers' push
//! services while no page is open.

use crate::docs::{Done, op};
use crate::outside::push::{Sender, Sent, Subscriber};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Cursor, Params};
use crate::{App, Shared, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::{StreamExt, stream};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{Notification, Page, PushSubscription};
use rivulet_store::{Channel, PushTarget, StoreError};
use serde_json::json;

const DAY_MS: i64 = 24 * 3600 * 1000;
/// What is older is no news.
const KEPT_MS: i64 = 14 * DAY_MS;
/// A page says `9+` for more.
const MAX_UNREAD: u32 = 10;
const MAX_BROWSERS: usize = 20;
/// Read from the database, and sent, at a time.
const BATCH: u32 = 500;
const AT_A_TIME: usize = 16;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/me/notifications", get_with(list, op("account", "What happened on channels that one follows")))
        .api_route("/me/notifications/seen", post_with(seen, op("account", "Mark all notifications as seen")))
        .api_route(
            "/me/push",
            put_with(subscribe, op("account", "Let a browser be told too"))
                .delete_with(unsubscribe, op("account", "Tell a browser nothing more")),
        )
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(cursor): Params<Cursor>,
) -> Result<Json<Page<Notification>>, Refusal> {
    let user = caller.may(Action::ReadAccount)?;
    let before_ms = match cursor.after() {
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "bad_cursor", "This is no cursor of this list."))?,
        None => i64::MAX,
    };
    let rows = app.store.notifications(&user.id, now_ms() - KEPT_MS, before_ms, cursor.limit() + 1).await?;
    Ok(Json(cursor.page(rows, |notification| notification.at_ms.to_string())))
}

/// For the number beside the bell.
pub async fn unread(app: &Shared, user_id: &str) -> Result<u32, StoreError> {
    app.store.unread(user_id, now_ms() - KEPT_MS, MAX_UNREAD).await
}

async fn seen(State(app): State<App>, caller: Caller) -> Result<Done, Refusal> {
    let user = caller.may(Action::ChangeAccount)?;
    app.store.notifications_seen(&user.id, now_ms()).await?;
    Ok(Done::default())
}

async fn subscribe(
    State(app): State<App>,
    caller: Caller,
    Body(subscription): Body<PushSubscription>,
) -> Result<Done, Refusal> {
    let user = caller.may(Action::ChangeAccount)?;
    let PushSubscription { endpoint, p256dh, auth } = subscription;
    if Subscriber::parse(&endpoint, &p256dh, &auth).is_none() {
        return Err(Refusal::field("p256dh", "bad_key", "These are not the keys of a browser."));
    }
    let checked = app.http.check(&endpoint).await;
    checked.map_err(|failure| Refusal::field("endpoint", "bad_url", crate::refusal::sentence(failure)))?;
    if app.store.push_targets_of(&user.id).await?.len() >= MAX_BROWSERS {
        let detail = format!("At most {MAX_BROWSERS} browsers of one account are told.");
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many_browsers", detail));
    }
    let target = PushTarget { user_id: user.id.clone(), endpoint, p256dh, auth };
    app.store.add_push_target(&target, now_ms()).await?;
    Ok(Done::default())
}

async fn unsubscribe(
    State(app): State<App>,
    caller: Caller,
    Body(subscription): Body<PushSubscription>,
) -> Result<Done, Refusal> {
    let user = caller.may(Action::ChangeAccount)?;
    let own = app.store.push_targets_of(&user.id).await?;
    if own.iter().any(|target| target.endpoint == subscription.endpoint) {
        app.store.remove_push_target(&subscription.endpoint).await?;
    }
    Ok(Done::default())
}

impl Shared {
    /// Who we are to push services; made by whoever needs it first.
    pub async fn push(&self) -> Result<&Sender, StoreError> {
        let open = async || {
            let kept = self.store.instance_default("push_key", &Sender::generate()).await?;
            Sender::open(&kept).ok_or(StoreError::Damaged("the key for Web Push"))
        };
        self.push.get_or_try_init(open).await
    }
}

/// Tells every browser whose user has the channel's bell on. Those that are gone are forgotten; a
/// service that does not answer is not asked again: by then it is no news.
pub async fn went_live(app: &Shared, channel: &Channel) -> Result<(), StoreError> {
    let sender = app.push().await?;
    let text = json!({
        "title": channel.shown_name(),
        "body": channel.title,
        "url": format!("/{}", channel.name),
        "icon": channel.avatar.as_ref().and_then(|avatar| Some(format!("/{}", avatar.object_key(*avatar.sizes.last()?)))),
    })
    .to_string();
    let mut after = None;
    loop {
        let targets = app.store.push_targets(&channel.id, after.as_ref(), BATCH).await?;
        after = targets.last().cloned();
        if after.is_none() {
            return Ok(());
        }
        let sending = stream::iter(targets).map(|target| {
            let text = &text;
            async move {
                let to = Subscriber::parse(&target.endpoint, &target.p256dh, &target.auth)?;
                match sender.send(&app.http, &to, text, now_ms()).await {
                    Ok(Sent::Gone) => Some(target.endpoint),
                    Ok(Sent::Taken) => None,
                    Ok(Sent::Refused(status)) => {
                        tracing::info!(status, "a push service refused a message");
                        None
                    }
                    Err(failure) => {
                        tracing::info!(%failure, "a push service was not reached");
                        None
                    }
                }
            }
        });
        let gone: Vec<Option<String>> = sending.buffer_unordered(AT_A_TIME).collect().await;
        for endpoint in gone.into_iter().flatten() {
            app.store.remove_push_target(&endpoint).await?;
        }
    }
}
