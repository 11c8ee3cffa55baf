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
        "wrong_password" => "Benutzername oder Passwort ist falsch.",
        "name_taken" => "Dieser Name ist schon vergeben.",
        "bad_name" => "Ein Name hat 2 bis 25 Zeichen: a bis z, Ziffern und _.",
        "reserved" => "Dieser Name ist dem Server vorbehalten.",
        "not_logged_in" => "Dafür muss man angemeldet sein.",
        "forbidden" => "Das ist diesem Konto nicht erlaubt.",
        _ => return None,
    })
}
