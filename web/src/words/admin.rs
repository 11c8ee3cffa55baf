//! Words of those who look after the whole instance.

use super::Lang;
use rivulet_protocol::rest::{ReportState, Role, SignUp, Suspension, UserState};

words! {
    overview: "Overview" = "Übersicht";
    users: "Users" = "Benutzer";
    channel: "Channel" = "Kanal";
    channels: "Channels" = "Kanäle";
    sign_ups: "Sign-ups" = "Registrierungen";
    reports: "Reports" = "Meldungen";
    audit_log: "Audit log" = "Protokoll";
    announcements: "Announcements" = "Ankündigungen";
    name_begins_with: "Name begins with …" = "Name beginnt mit …";
    reason_hint: "It is kept in the audit log." = "Er steht im Protokoll.";
    suspend: "Suspend" = "Sperren";
    suspended: "Suspended" = "Gesperrt";
    until_utc: "Until (UTC)" = "Bis (UTC)";
    suspend_until_hint: "Empty: until somebody restores it." = "Leer: bis jemand die Sperre aufhebt.";
    suspend_reason_hint: "Whoever it is reads it, and it is kept in the audit log." = "Wer gesperrt ist, liest ihn; er steht auch im Protokoll.";
    restore: "Restore" = "Sperre aufheben";
    cpu: "Processor" = "Prozessor";
    waiting_users: "Waiting to be let in" = "Warten auf Freischaltung";
    open_reports: "Open reports" = "Offene Meldungen";
    storage: "Storage" = "Speicher";
    recordings: "Recordings" = "Aufnahmen";
    disk: "Disk" = "Festplatte";
    stop: "Stop" = "Beenden";
    stop_broadcast: "End the broadcast" = "Sendung beenden";
    stop_text: "What is live ends at once. The encoder may begin anew." = "Die Sendung endet sofort. Der Encoder darf neu beginnen.";
    since_when: "Since" = "Seit";
    delete_user: "Delete the account" = "Konto löschen";
    all: "All" = "Alle";
    all_users: "All users" = "Alle Benutzer";
    last_seen: "Last seen" = "Zuletzt gesehen";
    create_user: "Create a user" = "Benutzer anlegen";
    is_off: "Off" = "Aus";
    sign_up_reason_given: "What they said" = "Begründung";
    in_the_audit_log: "What the audit log says" = "Was das Protokoll sagt";
    approve: "Let in" = "Freischalten";
    decline: "Decline" = "Ablehnen";
    decline_text: "The account is removed." = "Das Konto wird entfernt.";
    make_reset_link: "Make a reset link" = "Link zum Zurücksetzen erstellen";
    reset_link: "The link" = "Der Link";
    reset_link_once: "Pass it on by a safe way: whoever opens it sets the password. It is good for a day."
        = "Bitte auf sicherem Weg weitergeben: Wer ihn öffnet, setzt das Passwort. Er gilt einen Tag.";
    reset_link_text: "For somebody who forgot the password." = "Für jemanden, der das Passwort vergessen hat.";
    give_channel: "Make a channel for somebody" = "Kanal für jemanden anlegen";
    owner: "Owner" = "Inhaber";
    new_owner: "New owner" = "Neuer Inhaber";
    transfer: "Transfer" = "Übertragen";
    limits_text: "What the channel may have. Empty fields are as the server has them; they hold from its next broadcast on."
        = "Was der Kanal haben darf. Leere Felder sind, wie es der Server vorgibt; sie gelten ab der nächsten Sendung.";
    max_side: "Larger side of the picture" = "Größere Seite des Bilds";
    max_fps: "Pictures a second" = "Bilder je Sekunde";
    max_kbps: "Bitrate in kbit/s" = "Bitrate in kbit/s";
    max_minutes: "Length in minutes" = "Länge in Minuten";
    quota_mib: "Recordings in MiB" = "Aufzeichnungen in MiB";
    save_limits: "Save limits" = "Grenzen speichern";
    note: "Note" = "Notiz";
    invites: "Invites" = "Einladungen";
    create_invite: "Create an invite" = "Einladung erstellen";
    invite_note_hint: "For whom it is." = "Für wen sie ist.";
    uses: "How often" = "Wie oft";
    uses_left: "Uses left" = "Noch gültig";
    made_by: "By" = "Von";
    invite_link: "The invite" = "Die Einladung";
    invite_once: "Pass the link on. It is shown this once." = "Den Link weitergeben. Er wird nur dieses eine Mal gezeigt.";
    no_invites: "There are no invites." = "Es gibt keine Einladungen.";
    nobody_waits: "Nobody waits." = "Niemand wartet.";
    no_reports: "Nothing to look at" = "Nichts zu prüfen";
    no_reports_text: "Reports of channels come here." = "Hier kommen Meldungen über Kanäle an.";
    act_on_channel: "Do something about the channel" = "Etwas gegen den Kanal unternehmen";
    outcome: "Outcome" = "Ergebnis";
    close_report: "Close the report" = "Meldung schließen";
    time: "Time" = "Zeit";
    actor: "Who" = "Wer";
    action: "Action" = "Was";
    target: "Whom" = "Wen";
    request: "Request" = "Anfrage";
    audit_text: "Each act of a moderator or admin is here. Nothing changes or removes an entry."
        = "Hier steht jede Handlung von Moderatoren und Admins. Nichts ändert oder entfernt einen Eintrag.";
    filter: "Filter" = "Filtern";
    instance: "Instance" = "Instanz";
    logo: "Logo" = "Logo";
    sign_up_how: "Who may make an account" = "Wer ein Konto anlegen darf";
    viewers_create_channels: "Everybody may make a channel" = "Alle dürfen einen Kanal anlegen";
    max_channels: "Channels of one user, at most" = "Kanäle je Benutzer, höchstens";
    retention: "Keep broadcasts (hours)" = "Sendungen aufbewahren (Stunden)";
    retention_hint: "0 keeps them for ever." = "0 bewahrt sie für immer auf.";
    ladder: "Qualities" = "Qualitäten";
    ladder_hint: "Such as 1080p,720p=2500,360p. It holds for broadcasts that start from now on."
        = "Etwa 1080p,720p=2500,360p. Gilt für Sendungen, die ab jetzt beginnen.";
    announce: "Announce something" = "Etwas ankündigen";
    announcement_hint: "It stands at the top of each page." = "Es steht oben auf jeder Seite.";
    urgent: "Urgent" = "Dringend";
    is_over: "Over" = "Vorbei";
    for_ever: "For ever" = "Für immer";
    no_announcements: "Nothing is announced" = "Nichts angekündigt";
    new_category: "New category" = "Neue Kategorie";
}

impl Lang {
    /// Of all cores together: 150 percent of one are 1.5.
    pub fn cores(self, percent: u32) -> String {
        let number = self.decimal(percent / 10);
        match (self, percent) {
            (Self::En, 100) => format!("{number} core"),
            (Self::En, _) => format!("{number} cores"),
            (Self::De, 100) => format!("{number} Kern"),
            (Self::De, _) => format!("{number} Kerne"),
        }
    }

    pub fn percent(self, percent: u32) -> String {
        match self {
            Self::En => format!("{percent}%"),
            Self::De => format!("{percent}\u{a0}%"),
        }
    }

    pub fn free_of(self, free: &str, all: &str) -> String {
        match self {
            Self::En => format!("{free} of {all} are free"),
            Self::De => format!("{free} von {all} sind frei"),
        }
    }

    pub fn is_suspended(self, suspension: &Suspension) -> String {
        let until = suspension.until_ms.map(|until| self.moment(until));
        match (self, until) {
            (Self::En, Some(until)) => format!("Suspended until {until}: {}", suspension.reason),
            (Self::En, None) => format!("Suspended: {}", suspension.reason),
            (Self::De, Some(until)) => format!("Gesperrt bis {until}: {}", suspension.reason),
            (Self::De, None) => format!("Gesperrt: {}", suspension.reason),
        }
    }

    pub fn reported_by(self, reporter: &str) -> String {
        match self {
            Self::En => format!("Reported by {reporter}"),
            Self::De => format!("Gemeldet von {reporter}"),
        }
    }

    pub fn resolved_by(self, who: &str) -> String {
        match self {
            Self::En => format!("Closed by {who}."),
            Self::De => format!("Geschlossen von {who}."),
        }
    }

    pub fn user_role(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::En, Role::Viewer) => "User",
            (Self::De, Role::Viewer) => "Benutzer",
            (_, Role::Moderator) => "Moderator",
            (_, Role::Admin) => "Admin",
        }
    }

    pub fn user_state(self, state: UserState) -> &'static str {
        match (self, state) {
            (Self::En, UserState::Active) => "Active",
            (Self::En, UserState::Pending) => "Waiting",
            (Self::En, UserState::Suspended) => "Suspended",
            (Self::De, UserState::Active) => "Aktiv",
            (Self::De, UserState::Pending) => "Wartet",
            (Self::De, UserState::Suspended) => "Gesperrt",
        }
    }

    pub fn report_state(self, state: ReportState) -> &'static str {
        match (self, state) {
            (Self::En, ReportState::Open) => "Open",
            (Self::En, ReportState::Acted) => "Something was done",
            (Self::En, ReportState::Dismissed) => "Dismissed",
            (Self::De, ReportState::Open) => "Offen",
            (Self::De, ReportState::Acted) => "Gehandelt",
            (Self::De, ReportState::Dismissed) => "Abgewiesen",
        }
    }

    pub fn sign_up_mode(self, mode: SignUp) -> &'static str {
        match (self, mode) {
            (Self::En, SignUp::Open) => "Everybody",
            (Self::En, SignUp::Invite) => "Who has an invite",
            (Self::En, SignUp::Approval) => "Everybody, and an admin lets them in",
            (Self::En, SignUp::Closed) => "Nobody",
            (Self::De, SignUp::Open) => "Alle",
            (Self::De, SignUp::Invite) => "Wer eine Einladung hat",
            (Self::De, SignUp::Approval) => "Alle, nach Freischaltung durch einen Admin",
            (Self::De, SignUp::Closed) => "Niemand",
        }
    }
}
