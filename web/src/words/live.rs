//! Words of the parts that change by themselves for every viewer.

use super::Lang;
use rivulet_protocol::rest::{Channel, LiveState};

words! {
    live_now: "Live now" = "Jetzt live";
    offline: "Offline" = "Offline";
    nobody_live: "Nobody is live at the moment" = "Gerade ist niemand live";
    nobody_live_hint: "A channel appears here by itself when its stream begins."
        = "Ein Kanal erscheint hier von selbst, sobald sein Stream beginnt.";
    mature: "Mature" = "Ab 18";
    restricted: "Restricted" = "Eingeschränkt";
    state: "State" = "Zustand";
    watching: "Watching" = "Zuschauer";
    live_for: "Live for" = "Live seit";
    unreachable: "The server cannot be reached. Check the connection and try again."
        = "Der Server ist nicht erreichbar. Bitte die Verbindung prüfen und noch einmal versuchen.";
    unreadable: "The server gave an answer that makes no sense here. Try again."
        = "Der Server hat etwas Unverständliches geantwortet. Bitte noch einmal versuchen.";
}

impl Lang {
    pub fn state_name(self, state: LiveState) -> &'static str {
        match (self, state) {
            (_, LiveState::Offline) => "Offline",
            (_, LiveState::Live) => "Live",
            (Self::En, LiveState::Starting) => "Starting",
            (Self::En, LiveState::Reconnecting) => "Reconnecting",
            (Self::De, LiveState::Starting) => "Beginnt",
            (Self::De, LiveState::Reconnecting) => "Verbindet neu",
        }
    }

    /// What the browser's tab says on a channel's page.
    pub fn channel_title(self, channel: &Channel, instance: &str) -> String {
        let name = crate::text::name(channel);
        match channel.state {
            LiveState::Offline => format!("{name} · {instance}"),
            _ if channel.title.trim().is_empty() => format!("{name} live · {instance}"),
            _ => format!("{} · {name} · {instance}", channel.title),
        }
    }
}
