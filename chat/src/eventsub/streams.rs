//! Which channels go on air and off it, for the sessions of every process.

use crate::node::Node;
use crate::signal::{read, write};
use rivulet_hub::{Broadcast, HubEvent};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

pub const TOPIC: &str = "chat.streams";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stream {
    pub channel_id: String,
    pub broadcast_id: String,
    pub started_at_ms: i64,
    pub online: bool,
}

impl Stream {
    fn of(broadcast: &Broadcast, online: bool) -> Self {
        let info = &broadcast.info;
        let (channel_id, broadcast_id) = (info.channel_id.clone(), info.id.clone());
        Self { channel_id, broadcast_id, started_at_ms: info.started_at_ms, online }
    }

    pub fn read(signal: &[u8]) -> Option<Self> {
        read(signal)
    }
}

/// Tells of the broadcasts of this process, until the node ends.
pub async fn tell(node: Arc<Node>) {
    let mut events = node.hub.events();
    loop {
        let event = tokio::select! {
            () = node.shutdown.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(HubEvent::Started(broadcast)) => {
                let node = node.clone();
                tokio::spawn(async move {
                    let playable = broadcast.status.subscribe();
                    tokio::select! {
                        () = until_playable(playable) => publish(&node, &Stream::of(&broadcast, true)).await,
                        () = node.shutdown.cancelled() => {}
                    }
                });
            }
            Ok(HubEvent::Ended(broadcast)) => {
                if broadcast.status.borrow().playable {
                    publish(&node, &Stream::of(&broadcast, false)).await;
                }
            }
            // Whoever wants to be sure asks `/helix/streams`.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Never, for one that ended before.
async fn until_playable(mut status: tokio::sync::watch::Receiver<rivulet_hub::Status>) {
    let _ = status.wait_for(|status| status.playable).await;
}

async fn publish(node: &Node, stream: &Stream) {
    let _ = node.bus.publish(TOPIC, &write(stream)).await;
}
