//! Words of logging in, of the first account, and of a person's own settings.

use super::Lang;
use rivulet_protocol::rest::Scope;

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
    no_account: "No account yet?" = "Noch kein Konto?";
    log_in_with_passkey: "Log in with a passkey" = "Mit Passkey anmelden";
    forgot_password: "Forgot the password?" = "Passwort vergessen?";
    second_factor: "Second factor" = "Zweiter Faktor";
    second_factor_text: "The password is right. Now the code from your authenticator." = "Das Passwort stimmt. Jetzt noch der Code aus der Authentifizierungs-App.";
    code: "Code" = "Code";
    code_hint: "Six digits, or one of your recovery codes." = "Sechs Ziffern oder ein Wiederherstellungscode.";
    sign_up_waits: "Almost there" = "Fast geschafft";
    sign_up_waits_text: "Your account is made. You can log in as soon as the people who run this server have let you in."
        = "Das Konto ist angelegt. Die Anmeldung geht, sobald die Betreiber dieses Servers es freigeschaltet haben.";
    sign_up_closed: "This server takes no new accounts" = "Dieser Server nimmt keine neuen Konten an";
    sign_up_closed_text: "Ask the people who run it." = "Fragen beantworten seine Betreiber.";
    sign_up_by_invite: "New accounts need an invite" = "Neue Konten brauchen eine Einladung";
    sign_up_by_invite_text: "Open the link that you were sent." = "Bitte den zugeschickten Link öffnen.";
    email: "E-mail address" = "E-Mail-Adresse";
    email_optional: "E-mail address (optional)" = "E-Mail-Adresse (freiwillig)";
    email_hint: "For a forgotten password. Nobody else sees it." = "Für ein vergessenes Passwort. Niemand sonst sieht sie.";
    sign_up_reason: "Why would you like to join?" = "Warum möchten Sie mitmachen?";
    sign_up_reason_hint: "The people who run this server read it." = "Das lesen die Betreiber dieses Servers.";
    mail_sent: "Look into your mail" = "Bitte in die E-Mails sehen";
    mail_sent_text: "If there is such an account with an e-mail address, a link is on its way there. It is good for an hour."
        = "Gibt es ein solches Konto mit E-Mail-Adresse, ist ein Link dorthin unterwegs. Er gilt eine Stunde.";
    no_mail: "Ask the people who run this server" = "Bitte die Betreiber fragen";
    no_mail_text: "This server sends no e-mail. An admin can make a link with which you set a new password."
        = "Dieser Server verschickt keine E-Mails. Ein Admin kann einen Link erstellen, mit dem sich ein neues Passwort setzen lässt.";
    forgotten_text: "We send you a link with which you set a new one." = "Wir schicken einen Link, mit dem sich ein neues setzen lässt.";
    name_or_email: "User name or e-mail address" = "Benutzername oder E-Mail-Adresse";
    send_link: "Send the link" = "Link schicken";
    new_password: "New password" = "Neues Passwort";
    current_password: "Current password" = "Bisheriges Passwort";
    set_password: "Set password" = "Passwort setzen";
    reset_text: "All devices are logged out, and you log in with the new one." = "Alle Geräte werden abgemeldet; danach gilt das neue.";
    confirm_email: "Confirm your e-mail address" = "E-Mail-Adresse bestätigen";
    confirm_email_text: "So we know that it is yours." = "So wissen wir, dass sie zu diesem Konto gehört.";
    confirm: "Confirm" = "Bestätigen";
    profile: "Profile" = "Profil";
    security: "Security" = "Sicherheit";
    access_tokens: "Access tokens" = "Zugangsschlüssel";
    your_data: "Your data" = "Eigene Daten";
    browsers_choice: "As the browser prefers" = "Wie im Browser eingestellt";
    display_name: "Display name" = "Anzeigename";
    display_name_hint: "How others see you. Empty is your user name." = "So sehen es andere. Leer ist es der Benutzername.";
    picture: "Picture" = "Bild";
    choose_picture: "Choose a picture" = "Bild auswählen";
    picture_hint: "PNG, JPEG, WebP or GIF, at most 8 MiB." = "PNG, JPEG, WebP oder GIF, höchstens 8 MiB.";
    upload: "Upload" = "Hochladen";
    email_confirmed: "Confirmed" = "Bestätigt";
    email_unconfirmed: "Not confirmed yet: open the link that we sent" = "Noch nicht bestätigt: bitte den zugeschickten Link öffnen";
    other_account: "Another account" = "Anderes Konto";
    other_account_text: "Connect it, and it opens this account too." = "Einmal verbunden, öffnet es auch dieses Konto.";
    passkeys: "Passkeys" = "Passkeys";
    no_passkeys: "There are none yet. With a passkey you log in without a password: by fingerprint, face or a security key."
        = "Noch keine. Mit einem Passkey geht die Anmeldung ohne Passwort: per Fingerabdruck, Gesicht oder Sicherheitsschlüssel.";
    passkey_name: "Name of the new passkey" = "Name des neuen Passkeys";
    passkey_example: "My phone" = "Mein Telefon";
    add_passkey: "Add a passkey" = "Passkey hinzufügen";
    passkeys_need_script: "Passkeys are made by the browser, which needs JavaScript for it." = "Passkeys erstellt der Browser; dafür braucht er JavaScript.";
    made: "Made" = "Erstellt";
    last_used: "Last used" = "Zuletzt benutzt";
    sessions: "Where you are logged in" = "Angemeldete Geräte";
    device: "Device" = "Gerät";
    address: "Address" = "Adresse";
    this_device: "This device" = "Dieses Gerät";
    end_session: "Log out" = "Abmelden";
    end_all_sessions: "Log out everywhere" = "Überall abmelden";
    end_all_sessions_text: "All devices are logged out, this one too." = "Alle Geräte werden abgemeldet, auch dieses.";
    is_on: "On" = "An";
    recovery_codes: "Your recovery codes" = "Wiederherstellungscodes";
    recovery_codes_once: "Keep them where you do not keep the authenticator. Each is good for one login, and they are shown this once."
        = "Bitte woanders als die App aufbewahren. Jeder gilt für eine Anmeldung, und sie werden nur dieses eine Mal gezeigt.";
    renew_recovery_codes: "New recovery codes" = "Neue Wiederherstellungscodes";
    renew_recovery_codes_text: "The codes that you have stop working." = "Die bisherigen Codes gelten dann nicht mehr.";
    turn_off: "Turn off" = "Ausschalten";
    turn_off_second_factor_text: "Logging in then needs the password only." = "Danach genügt zur Anmeldung das Passwort.";
    second_factor_about: "With it, a stolen password alone does not open your account. You need an authenticator app on your phone."
        = "Damit öffnet ein gestohlenes Passwort allein das Konto nicht. Nötig ist eine Authentifizierungs-App auf dem Telefon.";
    scan_code: "Scan this with your authenticator app." = "Bitte mit der Authentifizierungs-App einlesen.";
    qr_code: "QR code for the authenticator" = "QR-Code für die Authentifizierungs-App";
    or_type: "Or type in:" = "Oder eintippen:";
    code_confirms: "The six digits that the app shows now." = "Die sechs Ziffern, die die App jetzt anzeigt.";
    new_token: "Your new access token" = "Der neue Zugangsschlüssel";
    token_once: "Copy it now: it is shown this once. Whoever has it can do what it is for."
        = "Jetzt kopieren: Er wird nur dieses eine Mal gezeigt. Wer ihn hat, darf alles, wofür er gilt.";
    token_name_hint: "What it is for, such as “chat bot”." = "Wofür er ist, zum Beispiel „Chat-Bot“.";
    scopes: "What it may do" = "Was er darf";
    expires: "Expires" = "Läuft ab";
    expires_utc: "Expires (UTC)" = "Läuft ab (UTC)";
    expires_hint: "Empty: it is good until you revoke it." = "Leer: Er gilt bis zum Widerruf.";
    create_token: "Create an access token" = "Zugangsschlüssel erstellen";
    revoke: "Revoke" = "Widerrufen";
    no_tokens: "No access tokens" = "Keine Zugangsschlüssel";
    no_tokens_text: "Bots and tools use one instead of your password." = "Bots und Werkzeuge benutzen einen anstelle des Passworts.";
    push: "On this device" = "Auf diesem Gerät";
    push_text: "This browser can tell you when a channel that you follow goes live, even while no page of this server is open."
        = "Dieser Browser kann melden, wenn ein gefolgter Kanal live geht, auch wenn keine Seite dieses Servers offen ist.";
    push_is_on: "This browser tells you." = "Dieser Browser meldet sich.";
    push_refused: "The browser did not allow it. Its settings for this page have notifications." = "Der Browser hat es nicht erlaubt. Seine Einstellungen für diese Seite enthalten Benachrichtigungen.";
    push_start: "Tell me" = "Einschalten";
    push_stop: "Stop telling me" = "Ausschalten";
    push_missing: "This browser has no Web Push here: it needs HTTPS and JavaScript." = "Dieser Browser hat hier kein Web Push: Es braucht HTTPS und JavaScript.";
    export: "Export all your data" = "Alle Daten exportieren";
    export_text: "One archive with everything that this server has about you." = "Ein Archiv mit allem, was dieser Server über das Konto hat.";
    delete_account: "Delete your account" = "Konto löschen";
    delete_account_text: "Your account, your channels and what was broadcast on them are removed. What others need to understand a conversation stays, without your name."
        = "Das Konto, seine Kanäle und deren Sendungen werden entfernt. Was andere zum Verständnis eines Gesprächs brauchen, bleibt ohne Namen stehen.";
    delete_account_question: "This cannot be undone." = "Das lässt sich nicht rückgängig machen.";
    no_notifications: "No notifications" = "Keine Benachrichtigungen";
    no_notifications_text: "You read here when channels that you follow go live." = "Hier steht, wenn gefolgte Kanäle live gehen.";
    mark_seen: "Mark all as read" = "Alle als gelesen markieren";
    is_new: "New" = "Neu";
}

impl Lang {
    /// Why a provider of accounts let nobody in.
    pub fn log_in_failed(self, code: &str) -> &'static str {
        match (self, code) {
            (Self::En, "pending") => "Your account waits: an admin has to let you in first.",
            (Self::De, "pending") => "Das Konto wartet: Ein Admin muss es erst freischalten.",
            (Self::En, "sign_up_closed" | "closed") => {
                "There is no account for you here, and this server takes no new ones."
            }
            (Self::De, "sign_up_closed" | "closed") => {
                "Hier gibt es kein solches Konto, und dieser Server nimmt keine neuen an."
            }
            (Self::En, _) => "Logging in did not work. Try again.",
            (Self::De, _) => "Die Anmeldung hat nicht geklappt. Bitte noch einmal versuchen.",
        }
    }

    pub fn sign_up_at(self, instance: &str) -> String {
        match self {
            Self::En => format!("Make an account on {instance}."),
            Self::De => format!("Ein Konto auf {instance} anlegen."),
        }
    }

    pub fn recovery_codes_left(self, count: u32) -> String {
        match (self, count) {
            (Self::En, 1) => "1 recovery code is left.".to_owned(),
            (Self::En, _) => format!("{count} recovery codes are left."),
            (Self::De, 1) => "1 Wiederherstellungscode ist übrig.".to_owned(),
            (Self::De, _) => format!("{count} Wiederherstellungscodes sind übrig."),
        }
    }

    pub fn went_live(self, channel: &str) -> String {
        match self {
            Self::En => format!("{channel} went live"),
            Self::De => format!("{channel} ging live"),
        }
    }

    pub fn scope(self, scope: Scope) -> &'static str {
        match (self, scope) {
            (Self::En, Scope::UserRead) => "Read your account",
            (Self::En, Scope::UserWrite) => "Change your account and what you follow",
            (Self::En, Scope::ChannelRead) => "Read what only the people of a channel see",
            (Self::En, Scope::ChannelWrite) => "Change your channels",
            (Self::En, Scope::ChatRead) => "Read chat",
            (Self::En, Scope::ChatWrite) => "Write in chat",
            (Self::En, Scope::Moderate) => "Moderate chats and, as staff, this server",
            (Self::En, Scope::Admin) => "Administer this server",
            (Self::De, Scope::UserRead) => "Das Konto lesen",
            (Self::De, Scope::UserWrite) => "Das Konto und gefolgte Kanäle ändern",
            (Self::De, Scope::ChannelRead) => "Lesen, was nur die Leute eines Kanals sehen",
            (Self::De, Scope::ChannelWrite) => "Die Kanäle ändern",
            (Self::De, Scope::ChatRead) => "Im Chat lesen",
            (Self::De, Scope::ChatWrite) => "Im Chat schreiben",
            (Self::De, Scope::Moderate) => "Chats moderieren und, als Personal, diesen Server",
            (Self::De, Scope::Admin) => "Diesen Server verwalten",
        }
    }

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
