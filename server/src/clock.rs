//! Follows the system's clock when it is set, at a time when nobody notices.

use rivulet_hub::{Hub, clock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Less is what clocks do.
const STEP_MS: u64 = 1_000;

pub async fn follow(hub: Hub, shutdown: CancellationToken) {
    let mut told = false;
    while shutdown.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        let behind_ms = clock::behind_ms();
        if behind_ms.unsigned_abs() < STEP_MS {
            told = false;
        } else if hub.list().is_empty() {
            clock::settle();
            info!(seconds = behind_ms / 1_000, "the system's clock was set; its time is taken over");
        } else if !std::mem::replace(&mut told, true) {
            let seconds = behind_ms / 1_000;
            warn!(seconds, "the system's clock was set; its time is taken over when nothing is on air");
        }
    }
}
