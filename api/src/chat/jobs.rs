//! What happens to rooms without a request: polls end, raids leave, what is old goes.

use crate::{Shared, now_ms};
use rivulet_store::StoreError;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Polls and raids end within this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY: Duration = Duration::from_secs(600);
const HOUR_MS: i64 = 3600 * 1000;

pub async fn run(app: &Shared, shutdown: &CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    forget.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = look.tick() => due(app).await,
            _ = forget.tick() => old(app).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a job of the chat failed");
        }
    }
}

async fn due(app: &Shared) -> Result<(), StoreError> {
    let ended = app.store.end_due_polls(now_ms()).await?;
    app.acted(&ended).await;
    for raid in app.store.leaving_raids(now_ms()).await? {
        tracing::info!(from = raid.from.name, to = raid.to.name, viewers = raid.viewers, "a raid leaves");
        app.acted(&[raid.to.id]).await;
    }
    Ok(())
}

async fn old(app: &Shared) -> Result<(), StoreError> {
    let hours = app.settings().await?.retention_hours;
    let keep_ms = (hours > 0).then(|| i64::from(hours) * HOUR_MS);
    let count = app.store.forget_chat(keep_ms, now_ms()).await?;
    if count > 0 {
        tracing::info!(count, "messages removed by retention");
    }
    Ok(())
}
