//! Whether a channel may record more. Looked up now and then: what comes until the next look is
//! recorded all the same.

use rivulet_hub::Broadcast;
use rivulet_store::Store;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Runs until the broadcast ends, where it has a quota.
pub async fn run(broadcast: Arc<Broadcast>, store: Store) {
    let Some(quota) = broadcast.info.quota_bytes else { return std::future::pending().await };
    loop {
        match store.recorded_bytes(&broadcast.info.channel_id).await {
            Ok(bytes) => {
                let over = bytes >= quota;
                let changed =
                    broadcast.status.send_if_modified(|status| std::mem::replace(&mut status.over_quota, over) != over);
                if changed {
                    info!(bytes, quota, over, "the channel's quota for recordings");
                }
            }
            Err(error) => warn!(%error, "cannot look up what is recorded"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
