//! What the API refuses, in the visitor's language. The API writes English sentences, some with
//! values in them; a code that is not known here keeps its sentence.

use super::Lang;
use rivulet_protocol::rest::Problem;

impl Lang {
    pub fn problem(self, problem: &Problem) -> String {
        let known = match self {
            Self::En => None,
            Self::De => german(&problem.code),
        };
        known.map_or_else(|| problem.detail.clone(), str::to_owned)
    }
}

fn german(code: &str) -> Option<&'static str> {
    Some(match code {
        "bad_body" | "broken_body" => "Die Anfrage war nicht lesbar. Bitte noch einmal versuchen.",
        "bad_character" => "Das muss einzeiliger Text ohne Steuerzeichen sein.",
        "bad_date" => "Das ist kein Datum, das hier möglich ist.",
        "bad_email" => "Das ist keine E-Mail-Adresse.",
        "bad_invite" => "Diese Einladung gilt nicht oder nicht mehr.",
        "bad_language" => "Das ist kein Sprachkürzel.",
        "bad_name" => "Ein Name hat 2 bis 25 Zeichen: a bis z, Ziffern und _.",
        "bad_passkey" => "Dieser Passkey wurde nicht angenommen.",
        "bad_picture" => "Das ist kein Bild, das hier angenommen wird: PNG, JPEG, WebP oder GIF.",
        "bad_tag" => "Ein Schlagwort hat 1 bis 25 Buchstaben und Ziffern.",
        "bad_time" => "Das ist keine Uhrzeit, die es dort gibt.",
        "bad_token" => "Dieser Link gilt nicht mehr; bitte einen neuen anfordern.",
        "bad_url" => "Das ist keine Adresse, die hier möglich ist.",
        "bad_value" => "Das ist hier nicht möglich.",
        "bad_zone" => "Diese Zeitzone gibt es nicht.",
        "busy" | "timeout" => "Der Server ist gerade beschäftigt. Bitte noch einmal versuchen.",
        "challenge_expired" => "Das hat zu lange gedauert. Bitte noch einmal versuchen.",
        "database_away" => {
            "Der Server erreicht gerade seine Datenbank nicht. Nichts ist verloren; bitte gleich noch einmal versuchen."
        }
        "empty" => "Das darf nicht leer sein.",
        "followers_only" => "Das dürfen nur Follower sehen.",
        "forbidden" | "scope_missing" => "Das ist diesem Konto nicht erlaubt.",
        "internal" => "Auf dem Server ist etwas schiefgegangen.",
        "name_taken" | "taken" => "Dieser Name ist schon vergeben.",
        "not_found" => "Das gibt es hier nicht.",
        "not_logged_in" => "Dafür muss man angemeldet sein.",
        "offline" => "Auf diesem Kanal läuft gerade nichts.",
        "password_needed" => "Dafür wird das Passwort gebraucht.",
        "pending" => "Ein Admin muss dieses Konto erst freischalten.",
        "private" => "Das dürfen nur eingeladene Gäste sehen.",
        "provider_failed" => "Der Anbieter des Kontos hat nicht richtig geantwortet.",
        "reserved" => "Dieser Name ist dem Server vorbehalten.",
        "second_factor_needed" => "Jetzt noch der Code aus der App.",
        "shown_once" => "Das ist schon geschehen; die Antwort enthielt ein Geheimnis, das nur einmal gezeigt wird.",
        "sign_up_closed" => "Dieser Server nimmt keine neuen Konten an.",
        "suspended" => "Das geht nicht, solange das Konto gesperrt ist.",
        "too_large" => "Das ist zu groß.",
        "too_long" => "Das ist zu lang.",
        "too_many" | "too_many_channels" => "Das sind zu viele.",
        "too_many_attempts" | "too_many_logins" | "too_many_requests" => {
            "Zu viele Versuche. Bitte später noch einmal versuchen."
        }
        "too_many_reports" => "Erst müssen die früheren Meldungen geprüft werden.",
        "too_common" => "Dieses Passwort ist zu leicht zu erraten.",
        "too_short" => "Das ist zu kurz.",
        "unknown_passkey" => "Dieser Passkey ist hier nicht bekannt.",
        "unknown" => "Das gibt es nicht.",
        "wrong_code" => "Dieser Code ist falsch.",
        "wrong_password" => "Das Passwort ist falsch.",
        _ => return None,
    })
}
