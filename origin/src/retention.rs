//! Removes broadcasts that ended long ago: their objects first, by our own index, then the rows.

use crate::{Deps, now_ms};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

const EVERY: Duration = Duration::from_secs(60);
const BATCH: u32 = 500;

pub async fn run(deps: Deps, keep: watch::Receiver<Option<Duration>>, shutdown: CancellationToken) {
    loop {
        let before_ms = keep.borrow().map_or(0, |keep| now_ms() - keep.as_millis() as i64);
        if let Err(error) = sweep(&deps, before_ms).await {
            warn!(%error, "retention will try again");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

pub async fn sweep(deps: &Deps, before_ms: i64) -> anyhow::Result<()> {
    let mut broadcasts = deps.store.broadcasts_of_deleted(BATCH).await?;
    broadcasts.extend(deps.store.broadcasts_ended_before(before_ms, BATCH).await?);
    for broadcast in broadcasts {
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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use rivulet_hub::Hub;
    use rivulet_protocol::ChannelName;
    use rivulet_protocol::rest::Role;
    use rivulet_store::testing::TempDir;
    use rivulet_store::{Blobs, Segment, Store};

    #[tokio::test]
    async fn what_is_too_old_goes_and_the_rest_stays() {
        let dir = TempDir::new();
        let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).await.unwrap();
        let blobs = Blobs::open(None, dir.path()).await.unwrap();
        let name = ChannelName::parse("ada").unwrap();
        let owner = store.create_user(&name, "hash", Role::Viewer, 1).await.unwrap();
        let channel = store.create_channel(&name, &owner.id, "title", 1).await.unwrap();
        let mut kept = Vec::new();
        for ended_at_ms in [1_000, 9_000] {
            let id = store.start_broadcast(&channel, 500).await.unwrap();
            for number in 0..700 {
                let object_key = crate::recorder::object_key(&id, "source", number);
                if number < 3 {
                    blobs.put(&object_key, Bytes::from_static(b"x"), "video/mp4").await.unwrap();
                }
                let rendition = "source".into();
                let (start_ticks, duration_ticks, bytes, init, period) = (0, 1, 1, 0, 0);
                let row = Segment {
                    broadcast_id: id.clone(),
                    rendition,
                    number,
                    start_ticks,
                    duration_ticks,
                    bytes,
                    object_key,
                    init,
                    period,
                };
                store.add_segments(&[row]).await.unwrap();
            }
            store.end_broadcast(&id, ended_at_ms).await.unwrap();
            kept.push(id);
        }
        let deps = Deps { store: store.clone(), blobs: blobs.clone(), hub: Hub::default() };
        sweep(&deps, 5_000).await.unwrap();
        let key = |id: &str| crate::recorder::object_key(id, "source", 2);
        assert_eq!(blobs.get(&key(&kept[0])).await.unwrap(), None);
        assert!(store.segments_of(&kept[0], 1).await.unwrap().is_empty());
        assert!(blobs.get(&key(&kept[1])).await.unwrap().is_some());
        assert_eq!(store.broadcasts_ended_before(i64::MAX, 10).await.unwrap().len(), 1);
    }
}
