//! Words of the dashboard.

use super::Lang;
use rivulet_protocol::rest::{Latency, Rungs};

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
}

impl Lang {
    pub fn stream_to(self, instance: &str) -> String {
        match self {
            Self::En => format!("Stream to {instance}."),
            Self::De => format!("Auf {instance} streamen."),
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
