//! What a page shows of a channel: a function of the stored row and of what is on air.

use rivulet_hub::{Broadcast, Hub};
use rivulet_protocol::rest::{AccessKind, Channel, Check, Ingest, Level, LiveState};
use rivulet_store::Channel as Row;

/// What is on air on a channel.
pub struct OnAir {
    pub state: LiveState,
    pub playable: bool,
    pub started_at_ms: i64,
    pub revision: u64,
    pub thumbnail_at_ms: Option<i64>,
    pub viewers: u32,
}

impl OnAir {
    /// `watching` pages come on top of the players that have none.
    pub fn of(broadcast: &Broadcast, watching: u32) -> Self {
        let status = broadcast.status.borrow();
        Self {
            state: status.state,
            playable: status.playable,
            started_at_ms: broadcast.info.started_at_ms,
            revision: status.revision,
            thumbnail_at_ms: status.thumbnail_at_ms,
            viewers: watching.saturating_add(*broadcast.players.borrow()),
        }
    }
}

/// A channel that is not on air has no viewers, however many wait on its page.
pub fn channel(row: &Row, on_air: Option<&OnAir>) -> Channel {
    let mut channel = Channel {
        id: row.id.clone(),
        name: row.name.clone(),
        display_name: row.shown_name().to_owned(),
        title: row.title.clone(),
        avatar: row.avatar.as_ref().map(Into::into),
        category: row.category.clone(),
        tags: row.tags.clone(),
        language: row.language.clone(),
        mature: row.mature,
        access: row.access,
        followers: row.followers,
        ..Channel::default()
    };
    if let Some(on_air) = on_air {
        let name = &row.name;
        channel.state = on_air.state;
        channel.viewers = on_air.viewers;
        channel.started_at_ms = Some(on_air.started_at_ms);
        let open = row.access == AccessKind::Public;
        channel.playback = (on_air.playable && open).then(|| format!("/live/{name}/master.m3u8"));
        // Each broadcast counts from zero; with its start added, no two of a channel are alike.
        channel.revision = on_air.started_at_ms.unsigned_abs().saturating_add(on_air.revision);
        // Who may watch has changed: addresses of before are void.
        channel.revision = channel.revision.saturating_add(row.access_revision.unsigned_abs());
        channel.thumbnail =
            on_air.thumbnail_at_ms.filter(|_| open).map(|t| format!("/live/{name}/thumbnail.jpg?t={t}"));
    }
    channel
}

/// The incoming stream, for its broadcaster.
pub fn ingest(channel: &str, hub: &Hub) -> Ingest {
    let status = hub.get(channel).map(|b| b.status.borrow().clone());
    let shed = status.as_ref().map(|status| status.shed.join(", ")).unwrap_or_default();
    let mut ingest = status.map(|status| status.ingest).unwrap_or_default();
    if !shed.is_empty() {
        ingest.checks.push(Check {
            name: "server_load".into(),
            level: Level::Warning,
            measured: format!("Paused: {shed}"),
            advice: "This server is short of processing power. Viewers still get the other qualities, and the \
                     source as you send it; the paused ones come back when there is room."
                .into(),
        });
    }
    ingest.last_refusal = hub.refusal(channel);
    ingest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_starting_live() {
        let row = Row { name: "ann".into(), title: "Hello".into(), ..Row::default() };
        let offline = channel(&row, None);
        assert_eq!(
            (offline.state, offline.viewers, offline.playback, offline.started_at_ms),
            (LiveState::Offline, 0, None, None)
        );

        let on_air = |state| OnAir {
            state,
            playable: state != LiveState::Starting,
            started_at_ms: 5000,
            revision: 2,
            thumbnail_at_ms: Some(7),
            viewers: 3,
        };
        let starting = channel(&row, Some(&on_air(LiveState::Starting)));
        assert_eq!((starting.playback, starting.viewers), (None, 3), "there is nothing to play yet");
        for state in [LiveState::Live, LiveState::Reconnecting] {
            let live = channel(&row, Some(&on_air(state)));
            assert_eq!(live.state, state);
            assert_eq!(live.playback.as_deref(), Some("/live/ann/master.m3u8"));
            assert_eq!(live.thumbnail.as_deref(), Some("/live/ann/thumbnail.jpg?t=7"));
            assert_eq!((live.revision, live.started_at_ms), (5002, Some(5000)));
        }
    }
}
