//! Who waits to be let in, and who may come by invite.

use super::users::decision;
use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Invite, UserRecord};

pub fn signups(visitor: &Visitor, waiting: Vec<UserRecord>, invites: Vec<Invite>) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "invite", "POST admin/invites").once();
    let made = form.answer().and_then(|answer| answer.get("url")?.as_str().map(str::to_owned));
    let expiry = Input::new(Kind::Time, "expires_at_ms", lang.expires_utc()).optional();
    let inputs = view! {
        {form.input(Input::text("note", lang.note()).max(100).hint(lang.invite_note_hint()))}
        {form.input(Input::new(Kind::Number, "uses", lang.uses()).value("1").required())}
        {form.input(expiry)}
        <button class="button button-primary">{lang.create_invite()}</button>
    };
    let create = form.done("stack", inputs.into_any());
    view! {
        {made.map(|url| parts::shown_once(lang.invite_link(), lang.invite_once(), url))}
        {panel("waiting", lang.waiting_users(), waiting_list(visitor, &waiting))}
        {panel("invites", lang.invites(), invite_list(visitor, &invites))}
        {panel("new-invite", lang.create_invite(), create)}
    }
    .into_any()
}

fn waiting_list(visitor: &Visitor, waiting: &[UserRecord]) -> AnyView {
    let lang = visitor.lang;
    if waiting.is_empty() {
        return view! { <p class="muted">{lang.nobody_waits()}</p> }.into_any();
    }
    let row = |it: &UserRecord| {
        let name = parts::link(format!("/admin/users/{}", it.username), it.username.clone());
        vec![name, words(it.sign_up_reason.clone()), parts::moment(lang, it.created_at_ms), decision(visitor, it)]
    };
    let heads = [lang.user_name(), lang.sign_up_reason_given(), lang.since_when(), ""];
    table(lang, lang.waiting_users(), &heads, waiting.iter().map(row).collect())
}

fn invite_list(visitor: &Visitor, invites: &[Invite]) -> AnyView {
    let lang = visitor.lang;
    if invites.is_empty() {
        return view! { <p class="muted">{lang.no_invites()}</p> }.into_any();
    }
    let row = |it: &Invite| {
        let form = Form::new(visitor, format!("invite-{}", it.id), format!("DELETE admin/invites/{}", it.id));
        let button = view! { <button class="button button-quiet">{lang.revoke()}</button> };
        let expires = it.expires_at_ms.map_or_else(|| words(lang.never()), |at| parts::moment(lang, at));
        vec![
            words(it.note.clone()),
            words(lang.count(it.uses_left.into())),
            words(it.created_by.clone()),
            expires,
            form.done("", button.into_any()),
        ]
    };
    let heads = [lang.note(), lang.uses_left(), lang.made_by(), lang.expires(), ""];
    table(lang, lang.invites(), &heads, invites.iter().map(row).collect())
}
