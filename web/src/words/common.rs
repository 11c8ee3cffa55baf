//! Words of every page: header, footer, errors, forms.

use super::Lang;
use rivulet_protocol::rest::Suspension;

words! {
    skip: "Skip to the content" = "Zum Inhalt springen";
    contents: "Contents" = "Inhalt";
    actions: "Actions" = "Aktionen";
    api: "The API" = "Die API";
    api_text: "Everything that these pages do is done with it. Programs send an access token: Authorization: Bearer rvt_…"
        = "Alles, was diese Seiten tun, geschieht damit. Programme senden einen Zugangsschlüssel: Authorization: Bearer rvt_…";
    types: "Types" = "Typen";
    parameters: "Parameters" = "Parameter";
    place: "Place" = "Ort";
    kind: "Type" = "Typ";
    request_body: "Body" = "Inhalt der Anfrage";
    answers: "Answers" = "Antworten";
    optional: "optional" = "freiwillig";
    main_navigation: "Main" = "Hauptnavigation";
    browse: "Browse" = "Entdecken";
    go_live: "Go live" = "Live gehen";
    following: "Following" = "Gefolgt";
    categories: "Categories" = "Kategorien";
    search: "Search" = "Suchen";
    account: "Account" = "Konto";
    your_channel: "Your channel" = "Eigener Kanal";
    dashboard: "Dashboard" = "Studio";
    account_settings: "Settings" = "Einstellungen";
    admin: "Administration" = "Verwaltung";
    notifications: "Notifications" = "Benachrichtigungen";
    sign_up: "Sign up" = "Registrieren";
    for_developers: "For developers" = "Für Entwickler";
    show_more: "Show more" = "Mehr anzeigen";
    no_data: "There are no measurements yet." = "Es gibt noch keine Messwerte.";
    reason: "Reason" = "Grund";
    cancel: "Cancel" = "Abbrechen";
    delete: "Delete" = "Löschen";
    remove: "Remove" = "Entfernen";
    never: "Never" = "Nie";
    log_in: "Log in" = "Anmelden";
    log_out: "Log out" = "Abmelden";
    footer: "live streaming on a server of our own, with Rivulet" = "Live-Streaming auf einem eigenen Server, mit Rivulet";
    language: "Language" = "Sprache";
    saved: "Saved." = "Gespeichert.";
    save: "Save" = "Speichern";
    see_who_is_live: "See who is live" = "Wer ist live?";
    not_found: "Page not found" = "Seite nicht gefunden";
    not_found_text: "There is no channel or page at this address. Perhaps it was misspelt."
        = "Unter dieser Adresse gibt es weder einen Kanal noch eine Seite. Vielleicht ist sie falsch geschrieben.";
    broken: "Something went wrong" = "Etwas ist schiefgegangen";
    broken_text: "The server could not make this page. Try again in a moment; its log says what happened."
        = "Der Server konnte diese Seite nicht erstellen. Bitte gleich noch einmal versuchen; sein Protokoll sagt, was geschehen ist.";
    away: "Back in a moment" = "Gleich wieder da";
    away_text: "The server cannot reach its database right now. What is on air goes on; try this page again in a moment."
        = "Der Server erreicht gerade seine Datenbank nicht. Was auf Sendung ist, läuft weiter; bitte diese Seite gleich noch einmal laden.";
    foreign_form: "This form came from elsewhere" = "Dieses Formular kam von woanders";
    foreign_form_text: "The request was sent by a page of another site, so it was not carried out."
        = "Die Anfrage kam von der Seite einer anderen Website und wurde deshalb nicht ausgeführt.";
    too_large: "That was too much" = "Das war zu viel";
    too_large_text: "The form was larger than this server takes. Go back and make it shorter, or choose a smaller file."
        = "Das Formular war größer, als dieser Server annimmt. Bitte zurückgehen und kürzen oder eine kleinere Datei wählen.";
    bad_form: "This form could not be read" = "Dieses Formular war nicht lesbar";
    bad_form_text: "The browser sent something other than the form that was on the page. Go back and try again."
        = "Der Browser hat etwas anderes geschickt als das Formular der Seite. Bitte zurückgehen und noch einmal versuchen.";
}

impl Lang {
    pub fn notifications_unread(self, count: u32) -> String {
        match self {
            Self::En => format!("Notifications, {count} new"),
            Self::De => format!("Benachrichtigungen, {count} neu"),
        }
    }

    pub fn you_are_suspended(self, suspension: &Suspension) -> String {
        let until = suspension.until_ms.map(|until| self.moment(until));
        match (self, until) {
            (Self::En, Some(until)) => format!("Your account is suspended until {until}: {}", suspension.reason),
            (Self::En, None) => format!("Your account is suspended: {}", suspension.reason),
            (Self::De, Some(until)) => format!("Dieses Konto ist gesperrt bis {until}: {}", suspension.reason),
            (Self::De, None) => format!("Dieses Konto ist gesperrt: {}", suspension.reason),
        }
    }

    /// Of a plot: the highest value in it.
    pub fn at_most(self, viewers: u32) -> String {
        match self {
            Self::En => format!("at most {}", self.viewers(viewers)),
            Self::De => format!("höchstens {}", self.viewers(viewers)),
        }
    }

    /// That the form of this name was saved.
    pub fn saved_form(self, form: &str) -> &'static str {
        match form {
            "title" => self.title_saved(),
            "settings" => self.settings_saved(),
            "report" => self.report_sent(),
            _ => self.saved(),
        }
    }

    pub fn home_title(self, instance: &str) -> String {
        match self {
            Self::En => format!("{instance}: live now"),
            Self::De => format!("{instance}: jetzt live"),
        }
    }

    pub fn home_description(self, instance: &str) -> String {
        match self {
            Self::En => format!("Live channels on {instance}."),
            Self::De => format!("Live-Kanäle auf {instance}."),
        }
    }
}
