//! Words of the chat and its moderation. What `web/player/src/chat` says is in a table that goes to the
//! browser with the page, and that the server's own sentences about the chat are made of too.

use super::Lang;
use rivulet_protocol::{
    chat::{Act, ChatAction, Person},
    rest::{RaidDefence, RaidsFrom, TermDeed, UnbanState},
};
use std::collections::BTreeMap;

/// Key, English, German; `{name}` is filled in.
const CHAT: &[(&str, &str, &str)] = &[
    ("send", "Send", "Senden"),
    ("cancel", "Cancel", "Abbrechen"),
    ("close", "Close", "Schließen"),
    ("reason", "Reason", "Grund"),
    ("reply", "Reply", "Antworten"),
    ("delete", "Delete", "Löschen"),
    ("pin", "Pin", "Anheften"),
    ("unpin", "Take it down", "Abnehmen"),
    ("timeout", "Time out", "Auszeit"),
    ("ban", "Ban", "Sperren"),
    ("unban", "Unban", "Entsperren"),
    ("warn", "Warn", "Verwarnen"),
    ("allow", "Allow", "Zulassen"),
    ("deny", "Deny", "Ablehnen"),
    ("approve", "Let back in", "Wieder zulassen"),
    ("answer", "Answer", "Antwort"),
    ("saved", "Saved.", "Gespeichert."),
    ("server", "The server", "Der Server"),
    ("seconds", "{n} s", "{n} s"),
    ("minutes", "{n} min", "{n} min"),
    ("hours", "{n} h", "{n} Std."),
    ("days", "{n} d", "{n} T."),
    ("how_long", "For how long", "Wie lange"),
    ("timeout_title", "Time out {name}", "Auszeit für {name}"),
    ("ban_title", "Ban {name}", "{name} sperren"),
    ("warn_title", "Warn {name}", "{name} verwarnen"),
    ("tools", "Message of {name}", "Nachricht von {name}"),
    ("messages", "Messages", "Nachrichten"),
    ("everything_known", "Everything about this person", "Alles über diese Person"),
    ("account_since", "Account since {date}", "Konto seit {date}"),
    ("follows_since", "follows since {date}", "folgt seit {date}"),
    ("is_banned", "is banned", "ist gesperrt"),
    ("until", "until", "bis"),
    ("is_timed_out", "is timed out", "hat eine Auszeit"),
    ("reply_to", "Answer to {name}:", "Antwort an {name}:"),
    ("replying", "You answer {name}", "Antwort an {name}"),
    ("first", "First message here", "Erste Nachricht hier"),
    ("announcement", "Announcement", "Durchsage"),
    ("deleted", "Message taken back", "Nachricht entfernt"),
    ("deleted_mark", "(taken back)", "(entfernt)"),
    ("not_sent", "Not sent:", "Nicht gesendet:"),
    ("edit_again", "Edit", "Bearbeiten"),
    ("newer", "{n} new messages", "{n} neue Nachrichten"),
    ("one_newer", "1 new message", "1 neue Nachricht"),
    ("to_the_end", "To the newest", "Zum Neuesten"),
    ("summary", "{n} new messages in the chat", "{n} neue Nachrichten im Chat"),
    ("search_emotes", "Search emotes", "Emotes suchen"),
    ("no_emotes", "There are no emotes.", "Es gibt keine Emotes."),
    ("pinned", "Pinned", "Angeheftet"),
    ("poll", "Poll", "Umfrage"),
    ("poll_ended", "The poll is over", "Die Umfrage ist vorbei"),
    ("poll_hint", "choose an answer", "eine Antwort wählen"),
    ("one_vote", "1 vote", "1 Stimme"),
    ("votes", "{n} votes", "{n} Stimmen"),
    ("end_poll", "End the poll", "Umfrage beenden"),
    ("raid_you", "You are going to {name} in", "Es geht weiter zu {name} in"),
    ("raid_goes", "{count} viewers go to {name} in", "{count} Zuschauer gehen weiter zu {name} in"),
    ("stay", "Stay here", "Hier bleiben"),
    ("raid_cancel", "Call the raid off", "Raid absagen"),
    ("warned", "A moderator warns you:", "Verwarnung der Moderation:"),
    ("understood", "I understand", "Verstanden"),
    ("you_are_banned", "You are banned from this chat.", "Dieser Chat ist für dich gesperrt."),
    ("you_are_timed_out", "You cannot write for {time}.", "Auszeit: noch {time}."),
    ("unban_why", "Why should you be let back in?", "Warum sollte die Sperre enden?"),
    ("unban_ask", "Ask to be let back in", "Um Entsperrung bitten"),
    ("request_open", "The moderators have your request.", "Die Bitte liegt bei der Moderation."),
    (
        "request_approved",
        "Your request was approved. Load the page again to write.",
        "Der Bitte wurde entsprochen. Nach dem Neuladen geht es weiter.",
    ),
    ("request_denied", "Your request was denied.", "Die Bitte wurde abgelehnt."),
    ("lost", "The connection was lost. Trying again …", "Die Verbindung ist abgerissen. Neuer Versuch …"),
    (
        "token_refused",
        "This token is not accepted here. Give another one.",
        "Dieser Schlüssel wird nicht angenommen. Bitte einen anderen eingeben.",
    ),
    ("closed_4003", "This token is not accepted here.", "Dieser Schlüssel wird nicht angenommen."),
    (
        "closed_4500",
        "This page is too old for the server. Load it again.",
        "Diese Seite ist zu alt für den Server. Bitte neu laden.",
    ),
    ("closed_4501", "This chat is not open to you.", "Dieser Chat ist hier nicht zugänglich."),
    (
        "closed_4502",
        "There are too many connections from here. Load the page again later.",
        "Von hier kommen zu viele Verbindungen. Bitte später neu laden.",
    ),
    ("closed_4503", "This channel does not exist any more.", "Diesen Kanal gibt es nicht mehr."),
    ("mode_slow", "Slow mode {n} s", "Langsam: {n} s"),
    ("mode_followers", "Followers only", "Nur Follower"),
    ("mode_subscribers", "Subscribers only", "Nur Abonnenten"),
    ("mode_emotes", "Emotes only", "Nur Emotes"),
    ("mode_unique", "Nothing twice", "Nichts doppelt"),
    ("badge_admin", "Admin of this site", "Admin dieser Seite"),
    ("badge_staff", "Moderator of this site", "Moderation dieser Seite"),
    ("badge_broadcaster", "Broadcaster", "Sendet hier"),
    ("badge_editor", "Editor", "Redaktion"),
    ("badge_moderator", "Moderator", "Moderation"),
    ("badge_subscriber", "Subscriber for {n} months", "Abo seit {n} Monaten"),
    (
        "note_gap",
        "This was too much at once: some messages were left out.",
        "Das war zu viel auf einmal: Einige Nachrichten fehlen.",
    ),
    (
        "note_away",
        "The connection was lost; messages in between may be missing.",
        "Die Verbindung war weg; dazwischen können Nachrichten fehlen.",
    ),
    (
        "note_interrupted",
        "The server stopped; what was said in its last second may be lost.",
        "Der Server war weg; die letzte Sekunde davor kann fehlen.",
    ),
    ("note_cleared", "The chat was cleared.", "Der Chat wurde geleert."),
    ("note_answer", "{text}", "{text}"),
    ("note_raid_in", "{channel} arrives with {count} viewers.", "{channel} kommt mit {count} Zuschauern."),
    (
        "note_burst",
        "{count} new people wrote within {seconds} s.",
        "{count} neue Leute haben in {seconds} s geschrieben.",
    ),
    (
        "note_burst_shield",
        "{count} new people wrote within {seconds} s. Shield mode is on.",
        "{count} neue Leute haben in {seconds} s geschrieben. Der Schutzmodus ist an.",
    ),
    ("shield_on", "Turn shield mode on", "Schutzmodus einschalten"),
    ("shield_off", "Turn shield mode off", "Schutzmodus ausschalten"),
    ("code_log_in", "Log in to write.", "Zum Schreiben anmelden."),
    ("code_scope", "You can only read here.", "Hier kann nur gelesen werden."),
    ("code_suspended", "Your account is suspended.", "Dieses Konto ist gesperrt."),
    ("code_banned", "You are banned from this chat.", "Dieser Chat ist für dich gesperrt."),
    ("code_timed_out", "You are timed out.", "Du hast eine Auszeit."),
    ("code_warned", "First acknowledge the warning.", "Zuerst die Verwarnung bestätigen."),
    ("code_slow_mode", "slow mode", "langsamer Modus"),
    ("code_followers_only", "Only followers can write here at the moment.", "Hier schreiben gerade nur Follower."),
    (
        "code_subscribers_only",
        "Only subscribers can write here at the moment.",
        "Hier schreiben gerade nur Abonnenten.",
    ),
    ("code_emote_only", "Only emotes at the moment.", "Gerade sind nur Emotes erlaubt."),
    ("code_duplicate", "You said the same a moment ago.", "Das wurde gerade schon gesagt."),
    ("code_account_too_young", "Your account is too new for this chat.", "Das Konto ist für diesen Chat zu neu."),
    ("code_verified_only", "Confirm your e-mail address first.", "Zuerst die E-Mail-Adresse bestätigen."),
    ("code_links", "Links are not allowed here.", "Links sind hier nicht erlaubt."),
    (
        "code_blocked_term",
        "This contains something that is not allowed here.",
        "Darin ist etwas, das hier nicht erlaubt ist.",
    ),
    ("code_held", "A moderator looks at it first.", "Die Moderation sieht es sich zuerst an."),
    ("code_rate_limit", "That was too fast.", "Das war zu schnell."),
    ("code_too_long", "This is too long.", "Das ist zu lang."),
    ("code_unknown_command", "There is no such command.", "Diesen Befehl gibt es nicht."),
    ("code_no_such_user", "There is no such user.", "Diesen Namen gibt es nicht."),
    ("code_no_such_message", "This message is not there any more.", "Diese Nachricht gibt es nicht mehr."),
    ("code_forbidden", "You are not allowed to do that.", "Das ist dir nicht erlaubt."),
    ("code_unavailable", "The chat cannot be reached. Try again.", "Der Chat ist nicht erreichbar. Bitte noch einmal."),
    ("act_ban", "{by} banned {user}", "{by} hat {user} gesperrt"),
    ("act_timeout", "{by} timed {user} out", "{by} gab {user} eine Auszeit"),
    ("act_unban", "{by} unbanned {user}", "{by} hat {user} entsperrt"),
    ("act_purge", "{by} took back everything by {user}", "{by} hat alles von {user} entfernt"),
    ("act_delete", "{by} deleted a message of {user}", "{by} hat eine Nachricht von {user} gelöscht"),
    ("act_clear", "{by} cleared the chat", "{by} hat den Chat geleert"),
    ("act_warn", "{by} warned {user}", "{by} hat {user} verwarnt"),
    ("act_warning_acknowledged", "{user} acknowledged the warning", "{user} hat die Verwarnung bestätigt"),
    ("act_settings", "{by} changed the settings", "{by} hat die Einstellungen geändert"),
    ("act_shield_yes", "{by} turned shield mode on", "{by} hat den Schutzmodus eingeschaltet"),
    ("act_shield_no", "{by} turned shield mode off", "{by} hat den Schutzmodus ausgeschaltet"),
    ("act_rules", "{by} changed the rules", "{by} hat die Regeln geändert"),
    ("act_emotes", "{by} changed emotes or badges", "{by} hat Emotes oder Abzeichen geändert"),
    ("act_hold_resolved_yes", "{by} allowed a message", "{by} hat eine Nachricht zugelassen"),
    ("act_hold_resolved_no", "{by} denied a message", "{by} hat eine Nachricht abgelehnt"),
    ("act_announce", "{by} announced", "Durchsage von {by}"),
    ("act_pin", "{by} pinned a message", "{by} hat eine Nachricht angeheftet"),
    ("act_unpin", "{by} took the pinned message down", "{by} hat die angeheftete Nachricht abgenommen"),
    ("act_poll", "{by}: poll", "{by}: Umfrage"),
    ("act_raid_out", "{by} sends the viewers to {channel}", "{by} schickt die Zuschauer zu {channel}"),
    ("act_raid_cancelled", "{by} called the raid off", "{by} hat den Raid abgesagt"),
    ("act_raid_in", "{channel} came with its viewers", "{channel} kam mit seinen Zuschauern"),
    ("act_unban_requested", "{user} asks to be let back in", "{user} bittet um Entsperrung"),
    ("act_unban_answered_yes", "{by} let {user} back in", "{by} hat {user} wieder zugelassen"),
    ("act_unban_answered_no", "{by} did not let {user} back in", "{by} hat die Bitte von {user} abgelehnt"),
    ("act_network_yes", "{by} shut a network out", "{by} hat ein Netz ausgesperrt"),
    ("act_network_no", "{by} let a network back in", "{by} hat ein Netz wieder zugelassen"),
    ("act_note", "{by} made a note on {user}", "{by} hat eine Notiz zu {user} gemacht"),
];

impl Lang {
    /// The whole table as JSON.
    pub fn chat_words(self) -> String {
        let words: BTreeMap<&str, &str> = CHAT.iter().map(|row| (row.0, self.of_row(row))).collect();
        serde_json::to_string(&words).unwrap_or_default()
    }

    fn of_row(self, row: &(&'static str, &'static str, &'static str)) -> &'static str {
        match self {
            Self::En => row.1,
            Self::De => row.2,
        }
    }

    /// One of them; a key that is none is its own word.
    pub fn chat_word(self, key: &'static str) -> &'static str {
        CHAT.iter().find(|row| row.0 == key).map_or(key, |row| self.of_row(row))
    }

    pub fn badge_name(self, kind: &str, version: &str) -> String {
        let row = CHAT.iter().find(|row| row.0.strip_prefix("badge_") == Some(kind));
        row.map_or_else(|| kind.to_owned(), |row| self.of_row(row).replace("{n}", version))
    }

    /// What was done, in one sentence.
    pub fn chat_action(self, action: &ChatAction) -> String {
        let name = |person: &Person| {
            if person.display_name.is_empty() { person.login.clone() } else { person.display_name.clone() }
        };
        let by = match name(&action.by) {
            by if by.is_empty() => self.chat_word("server").to_owned(),
            by => by,
        };
        let (answer, more) = match &action.act {
            Act::Shield { on, .. } => (yes_or_no(*on), ""),
            Act::HoldResolved { allowed, .. } => (yes_or_no(*allowed), ""),
            Act::UnbanAnswered { approved, .. } => (yes_or_no(*approved), ""),
            Act::Network { banned, .. } => (yes_or_no(*banned), ""),
            Act::Ban { reason, .. } | Act::Warn { reason, .. } => ("", reason.as_str()),
            Act::Delete { text, .. } => ("", text.as_str()),
            Act::Announce { message } | Act::Pin { message } => ("", message.text.as_str()),
            Act::Poll { poll } => ("", poll.question.as_str()),
            _ => ("", ""),
        };
        let channel = match &action.act {
            Act::RaidOut { display_name, .. } | Act::RaidIn { display_name, .. } => display_name.as_str(),
            _ => "",
        };
        let key = format!("act_{}{answer}", action.act.name());
        let template = CHAT.iter().find(|row| row.0 == key).map_or("", |row| self.of_row(row));
        let user = action.act.user().map(name).unwrap_or_default();
        let said = template.replace("{by}", &by).replace("{user}", &user).replace("{channel}", channel);
        if more.is_empty() { said } else { format!("{said}: {more}") }
    }

    pub fn raid_defence(self, it: RaidDefence) -> &'static str {
        match (self, it) {
            (Self::En, RaidDefence::Off) => "Nothing",
            (Self::En, RaidDefence::Tell) => "Moderators are told",
            (Self::En, RaidDefence::Shield) => "Shield mode comes on",
            (Self::De, RaidDefence::Off) => "Nichts",
            (Self::De, RaidDefence::Tell) => "Die Moderation erfährt es",
            (Self::De, RaidDefence::Shield) => "Der Schutzmodus geht an",
        }
    }

    pub fn raids_from(self, it: RaidsFrom) -> &'static str {
        match (self, it) {
            (Self::En, RaidsFrom::Everybody) => "Everybody, but for the channels below",
            (Self::En, RaidsFrom::Listed) => "Only the channels below",
            (Self::En, RaidsFrom::Nobody) => "Nobody",
            (Self::De, RaidsFrom::Everybody) => "Allen, außer den Kanälen unten",
            (Self::De, RaidsFrom::Listed) => "Nur den Kanälen unten",
            (Self::De, RaidsFrom::Nobody) => "Niemandem",
        }
    }

    pub fn term_deed(self, it: TermDeed) -> &'static str {
        match (self, it) {
            (Self::En, TermDeed::Block) => "Refuse the message",
            (Self::En, TermDeed::Hold) => "A moderator decides",
            (Self::En, TermDeed::Replace) => "Show it as ***",
            (Self::De, TermDeed::Block) => "Nachricht ablehnen",
            (Self::De, TermDeed::Hold) => "Die Moderation entscheidet",
            (Self::De, TermDeed::Replace) => "Als *** zeigen",
        }
    }

    pub fn unban_state(self, it: UnbanState) -> &'static str {
        self.chat_word(match it {
            UnbanState::Open => "request_open",
            UnbanState::Approved => "request_approved",
            UnbanState::Denied => "request_denied",
        })
    }

    /// A number of minutes as people say it.
    pub fn of_minutes(self, minutes: u32) -> String {
        let (n, one, many) = match (self, minutes) {
            (Self::En, 0..60) => (minutes, "minute", "minutes"),
            (Self::En, 60..1_440) => (minutes / 60, "hour", "hours"),
            (Self::En, _) => (minutes / 1_440, "day", "days"),
            (Self::De, 0..60) => (minutes, "Minute", "Minuten"),
            (Self::De, 60..1_440) => (minutes / 60, "Stunde", "Stunden"),
            (Self::De, _) => (minutes / 1_440, "Tag", "Tage"),
        };
        format!("{n} {}", if n == 1 { one } else { many })
    }

    pub fn of_seconds(self, seconds: u32) -> String {
        match (self, seconds) {
            (_, 60..) => self.of_minutes(seconds / 60),
            (Self::En, 1) => "1 second".to_owned(),
            (Self::En, _) => format!("{seconds} seconds"),
            (Self::De, 1) => "1 Sekunde".to_owned(),
            (Self::De, _) => format!("{seconds} Sekunden"),
        }
    }

    pub fn chat_of(self, channel: &str) -> String {
        match self {
            Self::En => format!("Chat of {channel}"),
            Self::De => format!("Chat von {channel}"),
        }
    }
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "_yes" } else { "_no" }
}

words! {
    chat: "Chat" = "Chat";
    chat_messages: "Chat messages" = "Chatnachrichten";
    chat_log_in: "Log in to chat" = "Zum Mitreden anmelden";
    chat_no_script: "This is the chat as it was when the page was loaded. Load it again for what was said since; with JavaScript it goes on by itself."
        = "So war der Chat, als die Seite geladen wurde. Neu laden zeigt, was seitdem gesagt wurde; mit JavaScript geht er von selbst weiter.";
    chat_reload: "Load again" = "Neu laden";
    chat_nothing_said: "Nothing has been said yet." = "Noch hat niemand etwas gesagt.";
    chat_message: "Message" = "Nachricht";
    chat_placeholder: "Say something" = "Etwas sagen";
    chat_emotes: "Emotes" = "Emotes";
    chat_hide: "Hide the chat" = "Chat ausblenden";
    chat_show: "Show the chat" = "Chat zeigen";
    chat_popout: "Chat in a window of its own" = "Chat in eigenem Fenster";
    chat_options: "Options" = "Einstellungen";
    chat_times: "Show times" = "Uhrzeiten zeigen";
    chat_suggestions: "Suggestions" = "Vorschläge";
    vote: "Vote" = "Abstimmen";
    dock_token: "Access token" = "Zugangsschlüssel";
    dock_token_hint: "Make one under Settings › Access tokens, for reading, writing and moderating chats. This window keeps it until it is closed."
        = "Unter Einstellungen › Zugangsschlüssel erstellen, zum Lesen, Schreiben und Moderieren. Dieses Fenster behält ihn, bis es geschlossen wird.";
    dock_connect: "Connect" = "Verbinden";
    moderation: "Moderation" = "Moderation";
    held_messages: "Waiting for a decision" = "Wartet auf eine Entscheidung";
    held_keys: "A allows, D denies, arrows move on." = "A lässt zu, D lehnt ab, Pfeile gehen weiter.";
    chat_keys: "In the chat, arrow up goes from the field to the messages; there R answers, D deletes, P pins, T times out, B bans, W warns and U shows the person."
        = "Im Chat führt Pfeil hoch vom Feld zu den Nachrichten; dort antwortet R, D löscht, P heftet an, T gibt eine Auszeit, B sperrt, W verwarnt und U zeigt die Person.";
    nothing_held: "Nothing waits." = "Nichts wartet.";
    unban_requests: "Unban requests" = "Bitten um Entsperrung";
    no_unban_requests: "Nobody asks." = "Niemand bittet darum.";
    action_log: "What was done" = "Was geschehen ist";
    no_actions: "Nothing was done yet." = "Noch ist nichts geschehen.";
    shield_mode: "Shield mode" = "Schutzmodus";
    shield_text: "A stricter bundle of settings that comes on at once. What is in it is set under Chat."
        = "Ein strengeres Bündel von Einstellungen, das sofort gilt. Was dazugehört, steht unter Chat.";
    chat_modes: "Modes" = "Modi";
    slow_mode: "Slow mode, seconds between messages" = "Langsamer Modus, Sekunden zwischen Nachrichten";
    followers_mode: "Only followers of at least" = "Nur Follower seit mindestens";
    everybody: "Everybody" = "Alle";
    all_followers: "All followers" = "Alle Follower";
    subscribers_mode: "Only subscribers" = "Nur Abonnenten";
    emote_mode: "Only emotes" = "Nur Emotes";
    unique_mode: "Nobody says the same twice" = "Niemand sagt dasselbe zweimal";
    delay_mode: "Moderators see messages earlier by" = "Die Moderation sieht Nachrichten früher, um";
    no_delay: "No delay" = "Keine Verzögerung";
    account_age: "Only accounts of at least" = "Nur Konten ab";
    any_age: "Any age" = "Jedes Alter";
    verified_mode: "Only with a confirmed e-mail address" = "Nur mit bestätigter E-Mail-Adresse";
    block_links: "Refuse links" = "Links ablehnen";
    link_hosts: "Hosts that may be linked to" = "Hosts, auf die verlinkt werden darf";
    link_hosts_hint: "One on each line, such as example.org, which includes its subdomains." = "Einer je Zeile, zum Beispiel example.org, mitsamt Subdomains.";
    raid_defence_label: "When many new people write at once" = "Wenn viele Neue auf einmal schreiben";
    raids_from_label: "Raids are let in from" = "Raids werden angenommen von";
    raid_channels: "Channels" = "Kanäle";
    raid_channels_hint: "One name on each line." = "Ein Name je Zeile.";
    share_bans: "Share bans with the owner’s other channels" = "Sperren mit den anderen Kanälen der Person teilen";
    share_bans_hint: "Holds between channels that all have this set." = "Gilt zwischen Kanälen, die das alle eingeschaltet haben.";
    chat_retention: "Keep messages for so many days" = "Nachrichten so viele Tage behalten";
    chat_retention_hint: "0 is as long as this site keeps broadcasts." = "0 heißt: so lange, wie diese Seite Sendungen behält.";
    chat_settings: "Chat settings" = "Einstellungen des Chats";
    shield_bundle: "What shield mode changes" = "Was der Schutzmodus ändert";
    shield_bundle_text: "While it is on, the stricter of this and the settings above holds." = "Solange er an ist, gilt jeweils das Strengere von hier und oben.";
    chat_in_obs: "In OBS" = "In OBS";
    obs_overlay: "Over the picture: a browser source" = "Über dem Bild: eine Browserquelle";
    obs_overlay_hint: "&size=24 sets the size of the letters in pixels, &fade=30 lets each message fade after so many seconds."
        = "&size=24 setzt die Größe der Schrift in Pixeln, &fade=30 blendet jede Nachricht nach so vielen Sekunden aus.";
    obs_dock: "Beside it: a custom browser dock" = "Daneben: ein benutzerdefiniertes Browser-Dock";
    obs_dock_hint: "It moderates after logging in there, or with an access token."
        = "Es moderiert nach einer Anmeldung dort oder mit einem Zugangsschlüssel.";
    chat_rules: "Terms and bans" = "Begriffe und Sperren";
    chat_pictures: "Emotes and badges" = "Emotes und Abzeichen";
    chat_extras: "Commands, polls, raids" = "Befehle, Umfragen, Raids";
    blocked_terms: "Blocked terms" = "Gesperrte Begriffe";
    no_terms: "No terms are blocked" = "Keine Begriffe gesperrt";
    no_terms_text: "Words and patterns that are not wanted in the chat." = "Wörter und Muster, die im Chat nicht erwünscht sind.";
    add_term: "Block a term" = "Begriff sperren";
    term: "Term" = "Begriff";
    term_hint: "Words; * stands for any letters." = "Wörter; * steht für beliebige Buchstaben.";
    term_pattern: "It is a regular expression" = "Es ist ein regulärer Ausdruck";
    term_deed_label: "What happens" = "Was geschieht";
    pattern: "Pattern" = "Muster";
    bans: "Bans and timeouts" = "Sperren und Auszeiten";
    networks: "Networks whose guests are shut out" = "Netze, deren Gäste ausgesperrt sind";
    seen_there: "Last seen there" = "Zuletzt dort";
    shut_out_network: "Shut out this network" = "Dieses Netz aussperren";
    shut_out_network_text: "Guests from where this person was last seen are not let in. Nobody is shown the address."
        = "Gäste von dort, wo diese Person zuletzt war, kommen nicht mehr herein. Die Adresse sieht niemand.";
    no_bans: "Nobody is banned" = "Niemand ist gesperrt";
    no_bans_text: "Bans and timeouts of this chat are listed here." = "Sperren und Auszeiten dieses Chats stehen hier.";
    ban_somebody: "Ban somebody" = "Jemanden sperren";
    ban_length: "How long" = "Wie lange";
    for_good: "For good" = "Dauerhaft";
    banned_by: "By" = "Von";
    emote: "Emote" = "Emote";
    emotes: "Emotes" = "Emotes";
    no_own_emotes: "No emotes yet" = "Noch keine Emotes";
    no_own_emotes_text: "Pictures that people write as a word." = "Bilder, die als Wort geschrieben werden.";
    add_emote: "Add an emote" = "Emote hinzufügen";
    emote_code: "Code" = "Code";
    emote_code_hint: "What is written: 2 to 25 letters and digits." = "Was geschrieben wird: 2 bis 25 Buchstaben und Ziffern.";
    emote_file_hint: "PNG, JPEG, GIF or WebP, at most 1 MiB. It may move." = "PNG, JPEG, GIF oder WebP, höchstens 1 MiB. Es darf sich bewegen.";
    moves: "moves" = "bewegt sich";
    badges: "Badges" = "Abzeichen";
    no_badges: "No badges yet" = "Noch keine Abzeichen";
    no_badges_text: "Small pictures that you give to people, before their names." = "Kleine Bilder vor dem Namen, die ihr verleiht.";
    add_badge: "Add a badge" = "Abzeichen hinzufügen";
    holders: "Who has it" = "Wer es hat";
    give_badge: "Give" = "Verleihen";
    take_badge: "Take from" = "Wegnehmen von";
    take: "Take" = "Wegnehmen";
    commands: "Commands" = "Befehle";
    no_commands: "No commands yet" = "Noch keine Befehle";
    no_commands_text: "Whoever writes !command gets its answer in the chat." = "Wer !befehl schreibt, bekommt die Antwort im Chat.";
    add_command: "Add or change a command" = "Befehl hinzufügen oder ändern";
    command_name: "Command, without !" = "Befehl, ohne !";
    command_reply: "Answer" = "Antwort";
    command_reply_hint: "{user} is who asks, {channel} the channel." = "{user} ist, wer fragt, {channel} der Kanal.";
    cooldown: "Seconds until it answers again" = "Sekunden bis zur nächsten Antwort";
    command_moderators: "Only for moderators" = "Nur für die Moderation";
    polls: "Polls" = "Umfragen";
    start_poll: "Start a poll" = "Umfrage beginnen";
    poll_question: "Question" = "Frage";
    poll_options: "Answers" = "Antworten";
    poll_options_hint: "2 to 5, one on each line." = "2 bis 5, eine je Zeile.";
    no_polls: "There were no polls yet." = "Es gab noch keine Umfragen.";
    votes: "Votes" = "Stimmen";
    end_poll: "End" = "Beenden";
    raid: "Raid" = "Raid";
    raid_text: "Sends everybody who watches here to another channel that is live."
        = "Schickt alle, die hier zusehen, zu einem anderen Kanal, der live ist.";
    start_raid: "Start the raid" = "Raid beginnen";
    cancel_raid: "Call it off" = "Absagen";
    announce_label: "Announcement" = "Durchsage";
    announce_chat: "Announce" = "Durchsagen";
    color: "Colour" = "Farbe";
    color_primary: "Of the site" = "Der Seite";
    color_blue: "Blue" = "Blau";
    color_green: "Green" = "Grün";
    color_orange: "Orange" = "Orange";
    color_purple: "Purple" = "Lila";
    clear_chat: "Clear the chat" = "Chat leeren";
    clear_chat_question: "Everything that was said is taken back." = "Alles Gesagte wird entfernt.";
    notes: "Notes" = "Notizen";
    add_note: "Add a note" = "Notiz hinzufügen";
    purge: "Take back everything" = "Alles entfernen";
    warn: "Warn" = "Verwarnen";
    ban: "Ban" = "Sperren";
    unban: "Unban" = "Entsperren";
    followed_since: "Follows since" = "Folgt seit";
    does_not_follow: "does not follow" = "folgt nicht";
    account_made: "Account since" = "Konto seit";
    taken_back: "(taken back)" = "(entfernt)";
    nothing_said_here: "Nothing was said here." = "Hier wurde nichts gesagt.";
    name_color: "Colour of your name in chats" = "Farbe des Namens im Chat";
    name_color_hint: "Such as #2cc4ad; empty is chosen for you. It is made readable on each page." = "Zum Beispiel #2cc4ad; leer wird eine gewählt. Sie wird auf jeder Seite lesbar gemacht.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use rivulet_protocol::chat::RefusalCode;

    #[test]
    fn every_key_is_there_once() {
        let mut keys: Vec<&str> = CHAT.iter().map(|row| row.0).collect();
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn the_languages_fill_in_the_same_names() {
        let holes = |text: &str| {
            let mut names: Vec<String> =
                text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect();
            names.sort_unstable();
            names
        };
        for (key, english, german) in CHAT {
            assert_eq!(holes(english), holes(german), "{key}");
        }
    }

    #[test]
    fn a_refusal_has_words() {
        for code in [RefusalCode::Banned, RefusalCode::SlowMode, RefusalCode::BlockedTerm, RefusalCode::LogIn] {
            let name = serde_json::to_value(code).unwrap_or_default();
            let key = format!("code_{}", name.as_str().unwrap_or_default());
            assert!(CHAT.iter().any(|row| row.0 == key), "{key}");
        }
    }

    #[test]
    fn what_was_done_is_a_sentence() {
        let person = |name: &str| Person { id: name.to_owned(), login: name.to_owned(), display_name: String::new() };
        let act = Act::Ban { user: person("bob"), until_ms: Some(1), reason: "spam".to_owned() };
        let action = ChatAction { revision: 1, at_ms: 0, by: person("ada"), act };
        assert_eq!(Lang::En.chat_action(&action), "ada timed bob out: spam");
        let action =
            ChatAction { by: Person::default(), act: Act::Shield { on: true, settings: Default::default() }, ..action };
        assert_eq!(Lang::De.chat_action(&action), "Der Server hat den Schutzmodus eingeschaltet");
    }
}
