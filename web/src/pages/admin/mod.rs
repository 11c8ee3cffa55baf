//! `/admin`: what moderators and admins of the whole instance do.

mod audit;
mod channels;
mod overview;
mod reports;
mod settings;
mod signups;
mod users;

use super::{
    document::{Page, Section, Visitor},
    form::{Form, Input, Kind},
    parts,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{
    AnnouncementRecord, AuditEntry, Category, ChannelRecord, Emote, InstanceSettings, Invite, Overview, Page as Listed,
    Report, ReportState, Role, UserRecord, UserState,
};

/// Which of the pages, with what the API said for it.
pub enum Admin {
    Overview(Box<Overview>),
    Users { list: Listed<UserRecord>, searched: String, state: Option<UserState> },
    User(Box<UserRecord>),
    Channels { list: Listed<ChannelRecord>, searched: String },
    SignUps { waiting: Vec<UserRecord>, invites: Vec<Invite> },
    Reports { list: Listed<Report>, state: ReportState },
    Audit { list: Listed<AuditEntry>, filter: AuditFilter },
    Settings(Box<InstanceSettings>),
    Announcements(Vec<AnnouncementRecord>),
    Categories(Vec<Category>),
    Emotes(Vec<Emote>),
}

/// What the audit log is narrowed to; empty is everything.
pub struct AuditFilter {
    pub actor: String,
    pub target: String,
    pub action: String,
}

pub fn admin(visitor: &Visitor, page: Admin) -> Page {
    let lang = visitor.lang;
    let (path, title, body) = match page {
        Admin::Overview(overview) => ("/admin", lang.overview(), overview::overview(visitor, *overview)),
        Admin::Users { list, searched, state } => {
            ("/admin/users", lang.users(), users::list(visitor, list, searched, state))
        }
        Admin::User(user) => ("/admin/users", lang.users(), users::one(visitor, &user)),
        Admin::Channels { list, searched } => {
            ("/admin/channels", lang.channels(), channels::list(visitor, list, searched))
        }
        Admin::SignUps { waiting, invites } => {
            ("/admin/sign-ups", lang.sign_ups(), signups::signups(visitor, waiting, invites))
        }
        Admin::Reports { list, state } => ("/admin/reports", lang.reports(), reports::reports(visitor, list, state)),
        Admin::Audit { list, filter } => ("/admin/audit", lang.audit_log(), audit::audit(visitor, list, filter)),
        Admin::Settings(settings) => {
            ("/admin/settings", lang.account_settings(), settings::settings(visitor, *settings))
        }
        Admin::Announcements(list) => {
            ("/admin/announcements", lang.announcements(), settings::announcements(visitor, list))
        }
        Admin::Emotes(list) => {
            let list: Vec<&Emote> = list.iter().collect();
            ("/admin/emotes", lang.emotes(), super::studio::emotes(visitor, "admin/emotes", &list))
        }
        Admin::Categories(list) => ("/admin/categories", lang.categories(), settings::categories(visitor, list)),
    };
    let is_admin = visitor.me.as_ref().is_some_and(|me| me.role == Role::Admin);
    let entries = [
        ("/admin", lang.overview(), true),
        ("/admin/reports", lang.reports(), true),
        ("/admin/users", lang.users(), true),
        ("/admin/channels", lang.channels(), true),
        ("/admin/sign-ups", lang.sign_ups(), is_admin),
        ("/admin/audit", lang.audit_log(), true),
        ("/admin/announcements", lang.announcements(), is_admin),
        ("/admin/categories", lang.categories(), is_admin),
        ("/admin/emotes", lang.emotes(), is_admin),
        ("/admin/settings", lang.account_settings(), is_admin),
    ];
    let entries = entries.into_iter().filter(|(_, _, shown)| *shown);
    let entries = entries.map(|(path, text, _)| (path.to_owned(), text.to_owned())).collect();
    let body = parts::settled(lang.admin(), path, entries, title.to_owned(), body);
    let title = format!("{title} · {} · {}", lang.admin(), visitor.instance.name);
    Page { section: Section::Account, ..Page::plain(title, lang.admin().to_owned(), body) }
}

/// A box to search a list with.
fn search_box(visitor: &Visitor, searched: String) -> AnyView {
    let lang = visitor.lang;
    view! {
        <form class="search-page">
            <input type="search" name="q" aria-label=lang.name_begins_with() placeholder=lang.name_begins_with() value=searched maxlength="40"/>
            <button class="button">{lang.search()}</button>
        </form>
    }
    .into_any()
}

/// A reason for the audit log.
fn reason(visitor: &Visitor, form: &Form<'_>) -> AnyView {
    form.input(Input::text("reason", visitor.lang.reason()).max(300).hint(visitor.lang.reason_hint()))
}

/// Takes somebody or something out of circulation, until a time or for good.
fn suspension(visitor: &Visitor, id: String, path: &str) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, id, format!("POST {path}/suspend"));
    let open = form.has_news();
    let until = Input::new(Kind::Time, "until_ms", lang.until_utc()).optional().hint(lang.suspend_until_hint());
    let inputs = view! {
        {form.input(Input::text("reason", lang.reason()).required().max(300).hint(lang.suspend_reason_hint()))}
        {form.input(until)}
        <button class="button button-danger">{lang.suspend()}</button>
    };
    let form = form.done("stack", inputs.into_any());
    view! {
        <details class="confirm" open=open>
            <summary class="button button-quiet">{lang.suspend()}</summary>
            <div class="confirm-body">{form}</div>
        </details>
    }
    .into_any()
}

/// The opposite.
fn restoration(visitor: &Visitor, id: String, path: &str) -> AnyView {
    let form = Form::new(visitor, id, format!("POST {path}/restore"));
    let inputs = view! { {reason(visitor, &form)} <button class="button">{visitor.lang.restore()}</button> };
    form.done("stack", inputs.into_any())
}
