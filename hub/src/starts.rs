//! Following what goes on air. A part that serves every broadcast asks one [`Starts`] for the
//! next, and need not care whether it came late or fell behind.

use crate::{Broadcast, Hub, HubEvent};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Each broadcast once: those on air, then every one that starts.
pub struct Starts {
    hub: Hub,
    events: Receiver<HubEvent>,
    /// Ids of those on air that were handed out or wait for it.
    known: HashSet<String>,
    waiting: VecDeque<Arc<Broadcast>>,
}

impl Starts {
    pub(crate) fn new(hub: Hub) -> Self {
        let events = hub.events();
        let mut starts = Self { hub, events, known: HashSet::new(), waiting: VecDeque::new() };
        starts.read_registry();
        starts
    }

    /// The next broadcast, waiting for it; `None` when none can come any more. Cancel safe. One
    /// that has ended while the caller was far behind may be missing.
    pub async fn next(&mut self) -> Option<Arc<Broadcast>> {
        loop {
            if let Some(broadcast) = self.waiting.pop_front() {
                return Some(broadcast);
            }
            match self.events.recv().await {
                Ok(HubEvent::Started(broadcast)) => {
                    if self.known.insert(broadcast.info.id.clone()) {
                        return Some(broadcast);
                    }
                }
                Ok(HubEvent::Ended(broadcast)) => {
                    self.known.remove(&broadcast.info.id);
                }
                Err(RecvError::Lagged(_)) => self.read_registry(),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The registry holds all that the events until now have said. They are dropped first, so that
    /// what happens in between is seen twice rather than never.
    fn read_registry(&mut self) {
        self.events = self.events.resubscribe();
        let live = self.hub.list();
        let known = live.iter().map(|broadcast| broadcast.info.id.clone()).collect();
        let known = std::mem::replace(&mut self.known, known);
        self.waiting.extend(live.into_iter().filter(|broadcast| !known.contains(&broadcast.info.id)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::BroadcastInfo;
    use rivulet_protocol::rest::Latency;
    use std::time::Duration;
    use tokio::time::timeout;

    fn start(hub: &Hub, channel: &str) -> Arc<Broadcast> {
        hub.start(BroadcastInfo {
            id: format!("id of {channel}"),
            channel_id: channel.into(),
            channel: channel.into(),
            started_at_ms: 0,
            first_number: 0,
            latency: Latency::Low,
            on_demand: false,
            quota_bytes: None,
            protected: None,
        })
    }

    async fn next(starts: &mut Starts) -> Option<String> {
        let next = timeout(Duration::from_millis(20), starts.next()).await;
        next.ok().map(|broadcast| broadcast.unwrap().info.channel.clone())
    }

    #[tokio::test]
    async fn those_on_air_then_every_one_that_starts() {
        let hub = Hub::default();
        start(&hub, "early");
        let mut starts = hub.starts();
        hub.end(&start(&hub, "short"));
        start(&hub, "late");
        assert_eq!(next(&mut starts).await.as_deref(), Some("early"));
        assert_eq!(next(&mut starts).await.as_deref(), Some("short"), "its feeds are still to be drained");
        assert_eq!(next(&mut starts).await.as_deref(), Some("late"));
        assert_eq!(next(&mut starts).await, None, "each once");
        assert_eq!(starts.known.len(), 2, "what has ended is forgotten");
    }

    #[tokio::test]
    async fn falling_behind_loses_nothing_that_is_on_air() {
        let hub = Hub::default();
        let mut starts = hub.starts();
        let old = start(&hub, "old");
        let gone = start(&hub, "gone");
        assert_eq!(next(&mut starts).await.as_deref(), Some("old"));
        assert_eq!(next(&mut starts).await.as_deref(), Some("gone"));
        hub.end(&gone);
        start(&hub, "missed");
        for _ in 0..1_000 {
            hub.end(&start(&hub, "flicker"));
        }
        start(&hub, "newest");
        let mut both = [next(&mut starts).await.unwrap(), next(&mut starts).await.unwrap()];
        both.sort();
        assert_eq!(both, ["missed", "newest"]);
        assert_eq!(next(&mut starts).await, None, "each once");
        assert_eq!(starts.known.len(), 3, "what has ended is forgotten");
        hub.end(&old);
        start(&hub, "next");
        assert_eq!(next(&mut starts).await.as_deref(), Some("next"));
    }
}
