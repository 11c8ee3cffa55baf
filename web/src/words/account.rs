//! Words of logging in, of the first account, and of a person's own settings.

use super::Lang;

words! {
    user_name: "User name" = "Benutzername";
    password: "Password" = "Passwort";
    name_hint: "2 to 25 characters: a to z, digits and _." = "2 bis 25 Zeichen: a bis z, Ziffern und _.";
    user_name_hint: "2 to 25 characters: a to z, digits and _. It is also the address of your channel."
        = "2 bis 25 Zeichen: a bis z, Ziffern und _. So lautet auch die Adresse des eigenen Kanals.";
    password_hint: "A long one. A few unrelated words are good." = "Ein langes. Einige Wörter ohne Zusammenhang sind gut.";
    set_up: "Set up" = "Einrichten";
    is_set_up: "This server is set up" = "Dieser Server ist eingerichtet";
    is_set_up_text: "The first account exists already, so the setup link no longer works."
        = "Das erste Konto gibt es schon, deshalb gilt der Einrichtungslink nicht mehr.";
    setup_incomplete: "The setup link is incomplete" = "Der Einrichtungslink ist unvollständig";
    setup_incomplete_text: "Open the whole link that the server printed in its terminal: it ends in a token."
        = "Bitte den ganzen Link öffnen, den der Server im Terminal ausgegeben hat: Er endet mit einem Schlüssel.";
    make_account: "Make your account" = "Konto anlegen";
    first_account: "It is the first one, so it runs this server. Your channel gets the same name."
        = "Es ist das erste und verwaltet deshalb diesen Server. Der eigene Kanal bekommt denselben Namen.";
    create_account: "Create account" = "Konto anlegen";
}

impl Lang {
    pub fn log_in_to(self, instance: &str) -> String {
        match self {
            Self::En => format!("Log in to {instance}."),
            Self::De => format!("Bei {instance} anmelden."),
        }
    }

    pub fn first_account_of(self, instance: &str) -> String {
        match self {
            Self::En => format!("Make the first account of {instance}."),
            Self::De => format!("Das erste Konto von {instance} anlegen."),
        }
    }
}
