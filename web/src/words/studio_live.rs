//! Words of the parts that change by themselves for a broadcaster.

use super::Lang;

words! {
    copy: "Copy" = "Kopieren";
    copied: "Copied" = "Kopiert";
    to_clipboard: "to the clipboard" = "in die Zwischenablage";
    reveal: "Reveal" = "Anzeigen";
    hide: "Hide" = "Verbergen";
    stream_key: "Stream key" = "Stream-Schlüssel";
    key_once: "Copy it now: only a fingerprint of it is kept, so it cannot be shown again. Whoever has it can stream here."
        = "Jetzt kopieren: Gespeichert wird nur ein Fingerabdruck, er lässt sich nicht noch einmal anzeigen. Wer ihn hat, kann hier senden.";
    key_exists: "This channel has a key. It was shown when it was made; if it is lost, make a new one."
        = "Dieser Kanal hat einen Schlüssel. Er wurde beim Erstellen gezeigt; ist er verloren, hilft nur ein neuer.";
    no_key: "This channel has no key yet." = "Dieser Kanal hat noch keinen Schlüssel.";
    make_new_key: "Make a new key" = "Neuen Schlüssel erstellen";
    old_key_stops: "The old key stops working at once. A stream that runs with it is not cut off until it reconnects."
        = "Der alte Schlüssel gilt sofort nicht mehr. Ein laufender Stream endet erst, wenn er neu verbinden muss.";
    replace_key: "Replace the key" = "Schlüssel ersetzen";
    create_key: "Create stream key" = "Stream-Schlüssel erstellen";
    ffmpeg_label: "Or try it with ffmpeg, a test picture and no OBS" = "Oder mit ffmpeg und einem Testbild ausprobieren, ganz ohne OBS";
    ffmpeg_command: "ffmpeg command" = "ffmpeg-Befehl";
    ffmpeg_placeholder: "Put your key in place of " = "Der eigene Schlüssel gehört an die Stelle von ";
    last_refused: "The last attempt was refused: " = "Der letzte Versuch wurde abgelehnt: ";
    level_good: "Good: " = "Gut: ";
    level_warning: "Warning: " = "Warnung: ";
    level_bad: "Problem: " = "Problem: ";
    waiting_for_encoder: "Waiting for your encoder…" = "Warten auf den Encoder …";
    waiting_hint: "This changes by itself within two seconds of pressing “Start Streaming”."
        = "Das ändert sich von selbst, zwei Sekunden nachdem „Stream starten“ gedrückt wurde.";
    connected: "Connected" = "Verbunden";
    mono: "mono" = "mono";
    stereo: "stereo" = "stereo";
}

impl Lang {
    pub fn connected_with(self, encoder: &str) -> String {
        format!("{}: {encoder}", self.connected())
    }

    pub fn audio_channels(self, count: u8) -> String {
        match (self, count) {
            (_, 1) => self.mono().to_owned(),
            (_, 2) => self.stereo().to_owned(),
            (Self::En, more) => format!("{more} channels"),
            (Self::De, more) => format!("{more} Kanäle"),
        }
    }
}
