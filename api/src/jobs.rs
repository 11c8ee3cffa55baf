//! What the API does without being asked: notes how many watch, and tells of what goes on and off
//! the air.

use crate::{Shared, events, notifications, now_ms};
use rivulet_hub::{Broadcast, HubEvent};
use rivulet_protocol::rest::{AccessKind, WebhookEvent};
use rivulet_store::StoreError;
use serde_json::json;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const SAMPLE_EVERY: Duration = Duration::from_secs(60);

/// Until the server ends.
pub async fn run(app: &Shared, shutdown: &CancellationToken) {
    let mut hub = app.hub.events();
    let mut sample = tokio::time::interval(SAMPLE_EVERY);
    sample.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = sample.tick() => sample_viewers(app).await,
            event = hub.recv() => match event {
                Ok(HubEvent::Started(broadcast)) => online(app, &broadcast).await,
                Ok(HubEvent::Ended(broadcast)) => offline(app, &broadcast, shutdown).await,
                // So many at once that some were missed: the next ones are told again.
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "starts and ends were not told to webhooks");
                    Ok(())
                }
                Err(RecvError::Closed) => return,
            },
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a job of the API failed");
        }
    }
}

async fn sample_viewers(app: &Shared) -> Result<(), StoreError> {
    for broadcast in app.hub.list() {
        let viewers = app.viewers(&broadcast.info.channel);
        app.store.add_viewer_sample(&broadcast.info.id, now_ms(), viewers).await?;
    }
    Ok(())
}

async fn online(app: &Shared, broadcast: &Broadcast) -> Result<(), StoreError> {
    // One that goes on after a restart of the server is no news.
    if broadcast.info.first_number > 0 {
        return Ok(());
    }
    app.store.add_viewer_sample(&broadcast.info.id, now_ms(), app.viewers(&broadcast.info.channel)).await?;
    tell(app, broadcast, WebhookEvent::StreamOnline).await?;
    // Private channels are nobody else's news.
    let channel = app.store.channel_by_id(&broadcast.info.channel_id).await?;
    match channel.filter(|channel| channel.access != AccessKind::Private) {
        Some(channel) => notifications::went_live(app, &channel).await,
        None => Ok(()),
    }
}

async fn offline(app: &Shared, broadcast: &Broadcast, shutdown: &CancellationToken) -> Result<(), StoreError> {
    // It goes on in the next process.
    if shutdown.is_cancelled() {
        return Ok(());
    }
    tell(app, broadcast, WebhookEvent::StreamOffline).await
}

async fn tell(app: &Shared, broadcast: &Broadcast, event: WebhookEvent) -> Result<(), StoreError> {
    let Some(channel) = app.store.channel_by_id(&broadcast.info.channel_id).await? else { return Ok(()) };
    let info = &broadcast.info;
    let mut data = json!({"broadcast": info.id, "started_at": info.started_at_ms});
    if let (Some(data), serde_json::Value::Object(more)) = (data.as_object_mut(), events::channel(&channel)) {
        data.extend(more);
    }
    events::happened(&app.store, &channel, event, data).await
}
