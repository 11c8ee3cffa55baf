//! Removes broadcasts that ended long ago: their objects first, by our own index, then the rows.

use crate::{Deps, now_ms};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

const EVERY: Duration = Duration::from_secs(60);
const BATCH: u32 = 500;

pub async fn run(deps: Deps, keep: Option<Duration>, shutdown: CancellationToken) {
    let Some(keep) = keep else { return };
    loop {
        if let Err(error) = sweep(&deps, now_ms() - keep.as_millis() as i64).await {
            warn!(%error, "retention will try again");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

pub async fn sweep(deps: &Deps, before_ms: i64) -> anyhow::Result<()> {
    for broadcast in deps.store.broadcasts_ended_before(before_ms, BATCH).await? {
        loop {
            let segments = deps.store.segments_of(&broadcast.id, BATCH).await?;
            if segments.is_empty() {
                break;
            }
            let keys: Vec<_> = segments.into_iter().map(|segment| segment.object_key).collect();
            deps.blobs.delete(&keys).await?;
            deps.store.delete_segments(&broadcast.id, &keys).await?;
        }
        deps.store.forget_broadcast(&broadcast.id).await?;
        info!(broadcast = %broadcast.id, "removed by retention");
    }
    Ok(())
}
