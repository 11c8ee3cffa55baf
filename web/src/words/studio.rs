//! Words of the dashboard.

use super::Lang;
use rivulet_protocol::rest::{AccessKind, ChannelRole, Latency, Repeat, Rungs, WebhookEvent, WhileAway};

words! {
    your_channels: "Your channels" = "Eigene Kanäle";
    your_stream: "Your stream" = "Der eigene Stream";
    connect_encoder: "Connect your encoder" = "Encoder verbinden";
    server: "Server" = "Server";
    title: "Title" = "Titel";
    title_placeholder: "What is it about?" = "Worum geht es?";
    title_saved: "The title is saved." = "Der Titel ist gespeichert.";
    broadcast_settings: "Broadcast settings" = "Einstellungen der Sendungen";
    settings_saved: "The settings are saved. They hold from your next broadcast on."
        = "Die Einstellungen sind gespeichert. Sie gelten ab der nächsten Sendung.";
    grace: "Wait for a lost encoder" = "Auf einen verlorenen Encoder warten";
    grace_hint: "An encoder that returns in this time goes on in the same broadcast."
        = "Kehrt der Encoder in dieser Zeit zurück, geht dieselbe Sendung weiter.";
    while_away: "Meanwhile viewers see" = "Zuschauer sehen solange";
    while_away_hint: "The picture of ours keeps every player running, and is in the recording."
        = "Unser Bild hält jeden Player am Laufen und steht auch in der Aufzeichnung.";
    latency: "Latency" = "Verzögerung";
    latency_hint: "Normal makes better pictures, which arrive a little later."
        = "Normal macht bessere Bilder, die etwas später ankommen.";
    qualities: "Qualities" = "Qualitäten";
    qualities_hint: "When the smaller ones are made from your stream, which itself is always there."
        = "Wann die kleineren aus dem Stream gemacht werden; er selbst ist immer da.";
    save_settings: "Save settings" = "Einstellungen speichern";
    obs_settings: "Settings for OBS" = "Einstellungen für OBS";
    obs_service: "Settings › Stream › Service" = "Einstellungen › Stream › Plattform";
    obs_custom: "Custom…" = "Benutzerdefiniert …";
    obs_paste: "Then paste server and key from above." = "Dann Server und Schlüssel von oben einfügen.";
    obs_output_mode: "Output › Output mode" = "Ausgabe › Ausgabemodus";
    obs_advanced: "Advanced" = "Erweitert";
    obs_encoder: "Video encoder" = "Video-Encoder";
    obs_encoders: "NVIDIA NVENC H.264, or x264" = "NVIDIA NVENC H.264 oder x264";
    obs_x264: "x264: CPU preset “veryfast”, profile “high”." = "x264: CPU-Voreinstellung „veryfast“, Profil „high“.";
    obs_rate_control: "Rate control" = "Qualitätsregulierungsmethode";
    obs_bitrate: "Bitrate" = "Bitrate";
    obs_bitrate_hint: "For 1080p at 30 fps. 3000 is good for 720p." = "Für 1080p mit 30 Bildern. 3000 sind gut für 720p.";
    obs_keyframes: "Keyframe interval" = "Keyframe-Intervall";
    obs_keyframes_hint: "Not “auto” (0): viewers join and switch quality at key frames."
        = "Nicht „automatisch“ (0): An Keyframes steigen Zuschauer ein und wechseln die Qualität.";
    obs_sample_rate: "Audio › Sample rate" = "Audio › Abtastrate";
    obs_audio: "Audio encoder, bitrate" = "Audio-Encoder, Bitrate";
    make_channel: "Make your channel" = "Kanal anlegen";
    make_channel_text: "A channel is a page with its own address, where people watch your stream."
        = "Ein Kanal ist eine Seite mit eigener Adresse, auf der andere den Stream sehen.";
    name: "Name" = "Name";
    create_channel: "Create channel" = "Kanal anlegen";
    channel_profile: "Channel profile" = "Profil des Kanals";
    panels_and_links: "Panels and links" = "Tafeln und Links";
    stream_keys: "Stream keys" = "Stream-Schlüssel";
    people: "People" = "Menschen";
    who_may_watch: "Who may watch" = "Wer zusehen darf";
    webhooks: "Webhooks" = "Webhooks";
    webhook: "Webhook" = "Webhook";
    past_broadcasts: "Broadcasts" = "Sendungen";
    about_channel: "About the channel" = "Über den Kanal";
    pictures: "Pictures" = "Bilder";
    banner: "Banner" = "Banner";
    delete_channel: "Delete the channel" = "Kanal löschen";
    delete_channel_text: "Its page, its schedule and what was broadcast on it are removed." = "Seine Seite, sein Zeitplan und seine Sendungen werden entfernt.";
    channel_name_hint: "How the channel is called on its page. Empty is its address." = "So heißt der Kanal auf seiner Seite. Leer ist es seine Adresse.";
    category: "Category" = "Kategorie";
    no_category: "None" = "Keine";
    tags: "Tags" = "Schlagwörter";
    tags_hint: "At most 10, separated by commas, each of letters and digits." = "Höchstens 10, durch Kommas getrennt, nur Buchstaben und Ziffern.";
    spoken_language: "Language of the broadcasts" = "Sprache der Sendungen";
    not_said: "Not said" = "Keine Angabe";
    description: "Description" = "Beschreibung";
    mature_flag: "Not for children" = "Nicht für Kinder";
    mature_hint: "The channel is marked so wherever it is listed." = "Der Kanal wird überall so gekennzeichnet.";
    links: "Links" = "Links";
    link_label: "Text" = "Text";
    link_url: "Address" = "Adresse";
    panels: "Panels" = "Tafeln";
    text: "Text" = "Text";
    markdown_hint: "Markdown: **bold**, *italic*, [link](https://…), lists." = "Markdown: **fett**, *kursiv*, [Link](https://…), Listen.";
    panels_hint: "An empty panel is left out; after saving there is room for one more." = "Eine leere Tafel fällt weg; nach dem Speichern ist Platz für eine weitere.";
    entries: "Entries" = "Einträge";
    no_entries: "Nothing is in the schedule" = "Der Zeitplan ist leer";
    no_entries_text: "Followers see here when to come back." = "Follower sehen hier, wann sie wiederkommen sollen.";
    coming: "The next four weeks" = "Die nächsten vier Wochen";
    new_entry: "New entry" = "Neuer Eintrag";
    starts: "Starts" = "Beginn";
    time_zone: "Time zone" = "Zeitzone";
    time_zone_hint: "The time keeps its place on this clock, summer and winter." = "Die Uhrzeit bleibt auf dieser Uhr dieselbe, im Sommer wie im Winter.";
    minutes: "Minutes" = "Minuten";
    repeats: "Repeats" = "Wiederholung";
    weekdays: "On (weekly only; none is the day of the start)" = "An (nur wöchentlich; ohne Angabe der Tag des Beginns)";
    until: "Until" = "Bis";
    until_hint: "The last day. Empty is for ever." = "Der letzte Tag. Leer ist für immer.";
    skip_it: "Cancel it" = "Ausfallen lassen";
    bring_back: "Bring it back" = "Doch stattfinden lassen";
    replace: "Replace" = "Ersetzen";
    revoke_key_text: "What is sent with it ends at once." = "Was damit gesendet wird, endet sofort.";
    no_keys: "There are no stream keys" = "Es gibt keine Stream-Schlüssel";
    no_keys_text: "An encoder needs one to go live here." = "Ein Encoder braucht einen, um hier live zu gehen.";
    key_without_name: "Without a name" = "Ohne Namen";
    key_name_hint: "Which encoder it is for." = "Für welchen Encoder er ist.";
    helpers: "Who helps" = "Wer hilft";
    add_helper: "Add somebody" = "Jemanden hinzufügen";
    no_helpers: "Nobody helps yet" = "Noch hilft niemand";
    no_helpers_text: "Editors change the channel, moderators look after its chat." = "Redakteure ändern den Kanal, Moderatoren betreuen seinen Chat.";
    role: "Role" = "Rolle";
    add: "Add" = "Hinzufügen";
    no_followers: "Nobody follows this channel yet." = "Noch folgt niemand diesem Kanal.";
    access_password_kept: "There is one. Empty keeps it." = "Es gibt eines. Leer bleibt es, wie es ist.";
    access_password_hint: "At least 4 characters." = "Mindestens 4 Zeichen.";
    guests: "Guests" = "Gäste";
    guests_hint: "User names, one on each line." = "Benutzernamen, einer je Zeile.";
    access_text: "This holds at once, for a running broadcast too." = "Das gilt sofort, auch für eine laufende Sendung.";
    webhook_url: "Address" = "Adresse";
    webhook_url_hint: "An HTTPS address on the internet. Each request is signed." = "Eine HTTPS-Adresse im Internet. Jede Anfrage ist signiert.";
    events: "Events" = "Ereignisse";
    event: "Event" = "Ereignis";
    create_webhook: "Create a webhook" = "Webhook anlegen";
    no_webhooks: "There are no webhooks" = "Es gibt keine Webhooks";
    no_webhooks_text: "They tell other servers when you go live." = "Sie melden anderen Servern, wenn der Kanal live geht.";
    webhook_secret: "The secret of the new webhook" = "Das Geheimnis des neuen Webhooks";
    webhook_secret_once: "With it the receiver checks the signature. It is shown this once." = "Damit prüft der Empfänger die Signatur. Es wird nur dieses eine Mal gezeigt.";
    is_disabled: "Given up after five days of failures" = "Nach fünf Tagen Fehlern aufgegeben";
    test_webhook: "Send a test" = "Test senden";
    deliveries: "Deliveries" = "Zustellungen";
    no_deliveries: "Nothing was sent yet." = "Noch wurde nichts gesendet.";
    sent: "Sent" = "Gesendet";
    answer: "Answer" = "Antwort";
    delivered: "Delivered" = "Zugestellt";
    tried_again: "Tried again" = "Neuer Versuch";
    failed: "Failed" = "Fehlgeschlagen";
    average_viewers: "On average" = "Im Durchschnitt";
    viewers_over_time: "Viewers over time" = "Zuschauer im Verlauf";
    all_broadcasts: "All broadcasts" = "Alle Sendungen";
}

impl Lang {
    pub fn stream_to(self, instance: &str) -> String {
        match self {
            Self::En => format!("Stream to {instance}."),
            Self::De => format!("Auf {instance} streamen."),
        }
    }

    pub fn panel_number(self, number: usize) -> String {
        match self {
            Self::En => format!("Panel {number}"),
            Self::De => format!("Tafel {number}"),
        }
    }

    pub fn took(self, ms: u32) -> String {
        match self {
            Self::En => format!("in {ms} ms"),
            Self::De => format!("in {ms} ms"),
        }
    }

    pub fn repeat(self, repeat: Repeat) -> &'static str {
        match (self, repeat) {
            (Self::En, Repeat::Once) => "Once",
            (Self::En, Repeat::Daily) => "Every day",
            (Self::En, Repeat::Weekly) => "Every week",
            (Self::En, Repeat::Fortnightly) => "Every second week",
            (Self::De, Repeat::Once) => "Einmal",
            (Self::De, Repeat::Daily) => "Täglich",
            (Self::De, Repeat::Weekly) => "Jede Woche",
            (Self::De, Repeat::Fortnightly) => "Jede zweite Woche",
        }
    }

    pub fn channel_role(self, role: ChannelRole) -> &'static str {
        match (self, role) {
            (Self::En, ChannelRole::Owner) => "Owner",
            (Self::En, ChannelRole::Editor) => "Editor",
            (_, ChannelRole::Moderator) => "Moderator",
            (Self::De, ChannelRole::Owner) => "Inhaber",
            (Self::De, ChannelRole::Editor) => "Redakteur",
        }
    }

    pub fn channel_role_does(self, role: ChannelRole) -> &'static str {
        match (self, role) {
            (Self::En, ChannelRole::Editor) => "Editor: changes all but who helps and keys",
            (Self::En, ChannelRole::Moderator) => "Moderator: looks after the chat",
            (Self::De, ChannelRole::Editor) => "Redakteur: ändert alles außer Helfern und Schlüsseln",
            (Self::De, ChannelRole::Moderator) => "Moderator: betreut den Chat",
            (_, ChannelRole::Owner) => self.channel_role(role),
        }
    }

    pub fn access_kind(self, kind: AccessKind) -> &'static str {
        match (self, kind) {
            (Self::En, AccessKind::Public) => "Everybody",
            (Self::En, AccessKind::Followers) => "Followers, logged in",
            (Self::En, AccessKind::Password) => "Who knows the password",
            (Self::En, AccessKind::Private) => "Guests that you name",
            (Self::De, AccessKind::Public) => "Alle",
            (Self::De, AccessKind::Followers) => "Angemeldete Follower",
            (Self::De, AccessKind::Password) => "Wer das Passwort kennt",
            (Self::De, AccessKind::Private) => "Namentlich eingeladene Gäste",
        }
    }

    pub fn webhook_event(self, event: WebhookEvent) -> &'static str {
        match (self, event) {
            (Self::En, WebhookEvent::StreamOnline) => "The channel goes live",
            (Self::En, WebhookEvent::StreamOffline) => "The channel goes offline",
            (Self::En, WebhookEvent::Follow) => "Somebody follows",
            (Self::En, WebhookEvent::Update) => "Title or category changes",
            (Self::De, WebhookEvent::StreamOnline) => "Der Kanal geht live",
            (Self::De, WebhookEvent::StreamOffline) => "Der Kanal geht offline",
            (Self::De, WebhookEvent::Follow) => "Jemand folgt",
            (Self::De, WebhookEvent::Update) => "Titel oder Kategorie ändert sich",
        }
    }

    pub fn open_page_of(self, channel: &str) -> String {
        match self {
            Self::En => format!("Open {channel}’s page"),
            Self::De => format!("Seite von {channel} öffnen"),
        }
    }

    pub fn servers_default(self, choice: &str) -> String {
        match self {
            Self::En => format!("Server’s default: {choice}"),
            Self::De => format!("Vorgabe des Servers: {choice}"),
        }
    }

    pub fn grace_of(self, seconds: u32) -> String {
        match (self, seconds / 60, seconds % 60) {
            (Self::En, 0, 0) => "Do not wait".to_owned(),
            (Self::En, 0, 1) => "1 second".to_owned(),
            (Self::En, 0, seconds) => format!("{seconds} seconds"),
            (Self::En, 1, 0) => "1 minute".to_owned(),
            (Self::En, minutes, 0) => format!("{minutes} minutes"),
            (Self::De, 0, 0) => "Nicht warten".to_owned(),
            (Self::De, 0, 1) => "1 Sekunde".to_owned(),
            (Self::De, 0, seconds) => format!("{seconds} Sekunden"),
            (Self::De, 1, 0) => "1 Minute".to_owned(),
            (Self::De, minutes, 0) => format!("{minutes} Minuten"),
            (_, minutes, seconds) => format!("{minutes} min {seconds} s"),
        }
    }

    /// `missing_ms` of a recording could not be kept.
    pub fn recording_lacks(self, missing_ms: u64) -> String {
        let length = self.duration(missing_ms.try_into().unwrap_or(i64::MAX));
        match self {
            Self::En => format!("{length} of the recording are missing: there was no room for them."),
            Self::De => format!("{length} der Aufzeichnung fehlen: Es war kein Platz dafür."),
        }
    }

    pub fn while_away_of(self, away: WhileAway) -> &'static str {
        match (self, away) {
            (Self::En, WhileAway::Slate) => "“Reconnecting”",
            (Self::De, WhileAway::Slate) => "„Reconnecting“",
            (Self::En, WhileAway::Wait) => "The last picture",
            (Self::De, WhileAway::Wait) => "Das letzte Bild",
        }
    }

    pub fn latency_of(self, latency: Latency) -> &'static str {
        match (self, latency) {
            (Self::En, Latency::Low) => "Low",
            (Self::De, Latency::Low) => "Niedrig",
            (_, Latency::Normal) => "Normal",
        }
    }

    pub fn qualities_of(self, rungs: Rungs) -> &'static str {
        match (self, rungs) {
            (Self::En, Rungs::OnDemand) => "While watched",
            (Self::En, Rungs::Always) => "Always",
            (Self::De, Rungs::OnDemand) => "Solange jemand zusieht",
            (Self::De, Rungs::Always) => "Immer",
        }
    }
}
