//! Words of the directory and of channels' pages.

use super::Lang;
use rivulet_protocol::rest::{ReportReason, Suspension};

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
    followed_live: "Live channels that you follow" = "Gefolgte Kanäle, die live sind";
    follows_nobody: "You do not follow anybody yet" = "Noch keinem Kanal gefolgt";
    follows_nobody_text: "Channels that you follow are listed here, live ones first." = "Gefolgte Kanäle stehen hier, die Live-Kanäle zuerst.";
    nobody_live_short: "Nobody is live" = "Niemand ist live";
    search_all: "Search channels, titles, categories and tags" = "Kanäle, Titel, Kategorien und Schlagwörter durchsuchen";
    search_hint: "Each word has to begin a word of a name, a title, a category or a tag."
        = "Jedes Wort muss am Anfang eines Wortes in Name, Titel, Kategorie oder Schlagwort stehen.";
    nothing_found: "Nothing was found" = "Nichts gefunden";
    nothing_found_text: "Try fewer letters or another word." = "Weniger Buchstaben oder ein anderes Wort helfen vielleicht.";
    of_this_channel: "Of this channel" = "Auf diesem Kanal";
    video: "Video" = "Video";
    about: "About" = "Über";
    schedule: "Schedule" = "Zeitplan";
    videos: "Videos" = "Sendungen";
    watch: "Watch" = "Ansehen";
    watch_live: "Watch live" = "Live ansehen";
    manage: "Manage" = "Verwalten";
    follow: "Follow" = "Folgen";
    unfollow: "Unfollow" = "Nicht mehr folgen";
    notify_on: "Tell me when this channel goes live" = "Benachrichtigen, wenn dieser Kanal live geht";
    notify_off: "Do not tell me when this channel goes live" = "Nicht mehr benachrichtigen, wenn dieser Kanal live geht";
    report_channel: "Report this channel" = "Diesen Kanal melden";
    what_is_wrong: "What is wrong, and when did it happen?" = "Was ist nicht in Ordnung, und wann ist es geschehen?";
    send_report: "Send the report" = "Meldung abschicken";
    report_sent: "Thank you. The people who run this server will look at it."
        = "Danke. Die Betreiber dieses Servers sehen sich das an.";
    nothing_about: "Nothing is written here yet" = "Hier steht noch nichts";
    nothing_about_text: "The people of this channel have not said anything about it." = "Zu diesem Kanal hat noch niemand etwas geschrieben.";
    since: "since" = "seit";
    nothing_planned: "Nothing is planned" = "Nichts geplant";
    nothing_planned_text: "There is no broadcast in the schedule for the next four weeks." = "Für die nächsten vier Wochen steht keine Sendung im Zeitplan.";
    is_skipped: "Cancelled" = "Fällt aus";
    add_to_calendar: "Add to a calendar" = "In den Kalender";
    began: "Began" = "Beginn";
    length: "Length" = "Dauer";
    most_viewers: "Most viewers" = "Meiste Zuschauer";
    no_broadcasts: "No broadcasts yet" = "Noch keine Sendungen";
    no_broadcasts_text: "What was broadcast here is listed here." = "Was hier gesendet wurde, steht dann hier.";
    followers_only: "For followers only" = "Nur für Follower";
    followers_only_guest: "Log in and follow this channel to watch." = "Zum Ansehen anmelden und diesem Kanal folgen.";
    followers_only_text: "Follow this channel to watch. The button is below." = "Zum Ansehen diesem Kanal folgen. Der Knopf ist weiter unten.";
    is_private: "This broadcast is private" = "Diese Sendung ist privat";
    is_private_guest: "Log in to watch, if you are a guest of this channel." = "Gäste dieses Kanals können sie nach der Anmeldung sehen.";
    is_private_text: "Only guests whom the channel has named can watch it." = "Nur namentlich eingeladene Gäste können sie sehen.";
    needs_password: "This broadcast needs a password" = "Diese Sendung braucht ein Passwort";
    needs_password_text: "You get it from the people of this channel." = "Es kommt von den Leuten, die den Kanal betreiben.";
}

impl Lang {
    pub fn followers(self, count: u32) -> String {
        match (self, count) {
            (Self::En, 1) => "1 follower".to_owned(),
            (Self::En, _) => format!("{} followers", self.short_count(count.into())),
            (Self::De, _) => format!("{} Follower", self.short_count(count.into())),
        }
    }

    /// What is spoken; a language that has no name here is called by its tag.
    pub fn spoken(self, tag: &str) -> String {
        let known = LANGUAGES.iter().find(|(known, ..)| *known == tag);
        known.map_or_else(
            || tag.to_owned(),
            |(_, english, german)| match self {
                Self::En => (*english).to_owned(),
                Self::De => (*german).to_owned(),
            },
        )
    }

    /// Tag and name of each language that a channel can choose.
    pub fn spoken_languages(self) -> Vec<(String, String)> {
        LANGUAGES.iter().map(|(tag, ..)| ((*tag).to_owned(), self.spoken(tag))).collect()
    }

    pub fn results_for(self, text: &str) -> String {
        match self {
            Self::En => format!("Results for “{text}”"),
            Self::De => format!("Ergebnisse für „{text}“"),
        }
    }

    pub fn run_by(self, owner: &str) -> String {
        match self {
            Self::En => format!("A channel of {owner}"),
            Self::De => format!("Ein Kanal von {owner}"),
        }
    }

    pub fn channel_is_suspended(self, suspension: &Suspension) -> String {
        match self {
            Self::En => format!("This channel is suspended: {}", suspension.reason),
            Self::De => format!("Dieser Kanal ist gesperrt: {}", suspension.reason),
        }
    }

    pub fn report_reason(self, reason: ReportReason) -> &'static str {
        match (self, reason) {
            (Self::En, ReportReason::Illegal) => "Against the law",
            (Self::En, ReportReason::Hate) => "Hate or harassment",
            (Self::En, ReportReason::Violence) => "Violence or self-harm",
            (Self::En, ReportReason::Sexual) => "Sexual content",
            (Self::En, ReportReason::Impersonation) => "Pretends to be somebody else",
            (Self::En, ReportReason::Copyright) => "Copyright",
            (Self::En, ReportReason::Spam) => "Spam or fraud",
            (Self::En, ReportReason::Other) => "Something else",
            (Self::De, ReportReason::Illegal) => "Verstößt gegen Gesetze",
            (Self::De, ReportReason::Hate) => "Hass oder Belästigung",
            (Self::De, ReportReason::Violence) => "Gewalt oder Selbstverletzung",
            (Self::De, ReportReason::Sexual) => "Sexuelle Inhalte",
            (Self::De, ReportReason::Impersonation) => "Gibt sich als jemand anderes aus",
            (Self::De, ReportReason::Copyright) => "Urheberrecht",
            (Self::De, ReportReason::Spam) => "Spam oder Betrug",
            (Self::De, ReportReason::Other) => "Etwas anderes",
        }
    }

    pub fn broadcasts_of(self, channel: &str) -> String {
        match self {
            Self::En => format!("Broadcasts of {channel}"),
            Self::De => format!("Sendungen von {channel}"),
        }
    }

    pub fn is_live_now(self, channel: &str) -> String {
        match self {
            Self::En => format!("{channel} is live now."),
            Self::De => format!("{channel} ist jetzt live."),
        }
    }

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

/// Tag, English and German name.
const LANGUAGES: [(&str, &str, &str); 24] = [
    ("ar", "Arabic", "Arabisch"),
    ("cs", "Czech", "Tschechisch"),
    ("da", "Danish", "Dänisch"),
    ("de", "German", "Deutsch"),
    ("el", "Greek", "Griechisch"),
    ("en", "English", "Englisch"),
    ("es", "Spanish", "Spanisch"),
    ("fi", "Finnish", "Finnisch"),
    ("fr", "French", "Französisch"),
    ("hu", "Hungarian", "Ungarisch"),
    ("it", "Italian", "Italienisch"),
    ("ja", "Japanese", "Japanisch"),
    ("ko", "Korean", "Koreanisch"),
    ("nl", "Dutch", "Niederländisch"),
    ("no", "Norwegian", "Norwegisch"),
    ("pl", "Polish", "Polnisch"),
    ("pt", "Portuguese", "Portugiesisch"),
    ("ro", "Romanian", "Rumänisch"),
    ("sv", "Swedish", "Schwedisch"),
    ("tr", "Turkish", "Türkisch"),
    ("uk", "Ukrainian", "Ukrainisch"),
    ("vi", "Vietnamese", "Vietnamesisch"),
    ("zh", "Chinese", "Chinesisch"),
    ("sgn", "Sign language", "Gebärdensprache"),
];
