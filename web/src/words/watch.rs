//! Words of the directory and of channels' pages.

use super::Lang;

words! {
    player: "Player" = "Player";
    unmute: "Unmute" = "Ton an";
    low_latency: "Low latency" = "Niedrige Verzögerung";
    behind_live: "Behind live" = "Hinter live";
    offline_hint: "Leave this page open: the picture appears by itself when the stream begins."
        = "Einfach offen lassen: Das Bild erscheint von selbst, sobald der Stream beginnt.";
    starting: "Starting…" = "Beginnt …";
    starting_hint: "The stream has begun. The first picture is on its way."
        = "Der Stream hat begonnen. Das erste Bild ist unterwegs.";
    reconnecting: "Reconnecting…" = "Verbindet neu …";
    reconnecting_hint: "The broadcaster’s connection was lost. It goes on as soon as it is back."
        = "Die Verbindung zum Sender ist abgerissen. Es geht weiter, sobald sie wieder da ist.";
    needs_script: "The player needs JavaScript" = "Der Player braucht JavaScript";
    or_open: "Or open " = "Oder ";
    the_stream: "the stream" = "den Stream";
    in_media_player: " in a media player such as VLC." = " in einem Medienplayer wie VLC öffnen.";
    almost_there: "Almost there" = "Fast geschafft";
    almost_there_text: "This server has no users yet. Open the setup link that it printed in its terminal to make your account."
        = "Dieser Server hat noch keine Benutzer. Der Einrichtungslink, den er im Terminal ausgegeben hat, führt zum ersten Konto.";
    no_channels: "There are no channels yet" = "Es gibt noch keine Kanäle";
    no_channels_text: "Be the first: make a channel and go live." = "Wer macht den Anfang? Kanal anlegen und live gehen.";
    more_channels: "More channels" = "Weitere Kanäle";
}

impl Lang {
    pub fn is_offline(self, channel: &str) -> String {
        match self {
            Self::En => format!("{channel} is offline"),
            Self::De => format!("{channel} ist offline"),
        }
    }

    pub fn offline_on(self, channel: &str, instance: &str) -> String {
        match self {
            Self::En => format!("{channel} is offline on {instance} at the moment."),
            Self::De => format!("{channel} ist auf {instance} gerade offline."),
        }
    }

    pub fn live_on(self, channel: &str, instance: &str, title: &str) -> String {
        match self {
            Self::En => format!("{channel} is live on {instance}: {title}"),
            Self::De => format!("{channel} ist live auf {instance}: {title}"),
        }
    }
}
