//! Users: found by the beginning of their name, and what can be done about one.

use super::{reason, restoration, search_box, suspension};
use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, Tone, confirmed, panel, table, words},
    percent_encode,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Page as Listed, Role, UserRecord, UserState};

pub fn list(visitor: &Visitor, list: Listed<UserRecord>, searched: String, state: Option<UserState>) -> AnyView {
    let lang = visitor.lang;
    let query = (!searched.is_empty()).then(|| format!("q={}", percent_encode(&searched)));
    let address = |state: Option<UserState>| {
        let state = state.map(|state| format!("state={}", state.as_str()));
        let query: Vec<String> = query.clone().into_iter().chain(state).collect();
        format!("/admin/users?{}", query.join("&"))
    };
    let mut filters = vec![(address(None), lang.all().to_owned())];
    filters.extend(UserState::ALL.iter().map(|it| (address(Some(*it)), lang.user_state(*it).to_owned())));
    let row = |it: &UserRecord| {
        let link = parts::link(format!("/admin/users/{}", it.username), it.username.clone());
        vec![
            link,
            words(lang.user_role(it.role)),
            state_badge(visitor, it.state),
            words(it.channels.join(", ")),
            parts::date(lang, it.created_at_ms),
            it.last_seen_at_ms.map_or_else(|| words(lang.never()), |at| parts::moment(lang, at)),
        ]
    };
    let heads = [lang.user_name(), lang.role(), lang.state(), lang.channels(), lang.since_when(), lang.last_seen()];
    let body = match list.items.is_empty() {
        true => parts::empty(lang.nothing_found(), lang.nothing_found_text()),
        false => table(lang, lang.users(), &heads, list.items.iter().map(row).collect()),
    };
    view! {
        {search_box(visitor, searched)}
        {parts::tabs(lang.state(), &address(state), filters)}
        {body}
        {parts::more(lang, &visitor.here, list.next.as_deref())}
        {(is_admin(visitor)).then(|| panel("new-user", lang.create_user(), create(visitor)))}
    }
    .into_any()
}

fn is_admin(visitor: &Visitor) -> bool {
    visitor.me.as_ref().is_some_and(|me| me.role == Role::Admin)
}

fn roles(visitor: &Visitor) -> Vec<(String, String)> {
    Role::ALL.iter().map(|it| (it.as_str().to_owned(), visitor.lang.user_role(*it).to_owned())).collect()
}

fn create(visitor: &Visitor) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "user", "POST admin/users").next("/admin/users/{username}");
    let password = Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("new-password");
    let inputs = view! {
        {form.input(Input::text("username", lang.user_name()).required().hint(lang.name_hint()))}
        {form.input(password)}
        {form.input(Input::choice("role", lang.role(), roles(visitor)))}
        <button class="button button-primary">{lang.create_user()}</button>
    };
    form.done("stack", inputs.into_any())
}

pub fn state_badge(visitor: &Visitor, state: UserState) -> AnyView {
    let tone = match state {
        UserState::Active => Tone::Plain,
        UserState::Pending => Tone::Warning,
        UserState::Suspended => Tone::Bad,
    };
    parts::badge(tone, visitor.lang.user_state(state))
}

pub fn one(visitor: &Visitor, user: &UserRecord) -> AnyView {
    let lang = visitor.lang;
    view! {
        <p><a href="/admin/users">{lang.all_users()}</a></p>
        {panel("user", user.username.clone(), facts(visitor, user))}
        {panel("standing", lang.state(), standing(visitor, user))}
        {(is_admin(visitor)).then(|| panel("rights", lang.role(), rights(visitor, user)))}
        {(is_admin(visitor)).then(|| panel("access", lang.password(), reset_link(visitor, user)))}
        {(is_admin(visitor)).then(|| panel("end", lang.delete_user(), deletion(visitor, user)))}
    }
    .into_any()
}

fn facts(visitor: &Visitor, user: &UserRecord) -> AnyView {
    let lang = visitor.lang;
    let fact = |label: &'static str, value: AnyView| view! { <div><dt>{label}</dt><dd>{value}</dd></div> };
    let second_factor = if user.second_factor { lang.is_on() } else { lang.is_off() };
    let channel = |name: &String| view! { <a href=format!("/{name}")>{name.clone()}</a> " " };
    let seen = user.last_seen_at_ms.map_or_else(|| words(lang.never()), |at| parts::moment(lang, at));
    let said = (!user.sign_up_reason.is_empty())
        .then(|| fact(lang.sign_up_reason_given(), words(user.sign_up_reason.clone())));
    view! {
        <dl class="stats">
            {fact(lang.display_name(), words(user.display_name.clone()))}
            {fact(lang.role(), words(lang.user_role(user.role)))}
            {fact(lang.state(), state_badge(visitor, user.state))}
            {fact(lang.email(), words(user.email.clone().unwrap_or_else(|| "–".to_owned())))}
            {fact(lang.second_factor(), words(second_factor))}
            {fact(lang.channels(), user.channels.iter().map(channel).collect_view().into_any())}
            {fact(lang.since_when(), parts::date(lang, user.created_at_ms))}
            {fact(lang.last_seen(), seen)}
            {said}
        </dl>
        <p><a href=format!("/admin/audit?target={}", user.username)>{lang.in_the_audit_log()}</a></p>
    }
    .into_any()
}

fn standing(visitor: &Visitor, user: &UserRecord) -> AnyView {
    let lang = visitor.lang;
    let path = format!("admin/users/{}", user.username);
    if let Some(suspension) = &user.suspended {
        return view! {
            <p class="notice notice-bad">{lang.is_suspended(suspension)}</p>
            {restoration(visitor, "restore".to_owned(), &path)}
        }
        .into_any();
    }
    match user.state {
        UserState::Pending => decision(visitor, user),
        _ => suspension(visitor, "suspend".to_owned(), &path),
    }
}

/// Whether somebody who signed up is let in.
pub fn decision(visitor: &Visitor, user: &UserRecord) -> AnyView {
    let lang = visitor.lang;
    let path = format!("admin/users/{}", user.username);
    let approve = Form::new(visitor, format!("approve-{}", user.username), format!("POST {path}/approve"));
    let button =
        view! { {approve.hidden("reason", "")} <button class="button button-primary">{lang.approve()}</button> };
    let approve = approve.done("", button.into_any());
    let decline =
        Form::new(visitor, format!("decline-{}", user.username), format!("DELETE {path}")).next("/admin/sign-ups");
    let inputs = view! { {reason(visitor, &decline)} <button class="button button-danger">{lang.decline()}</button> };
    let decline = confirmed(lang.decline(), lang.decline_text(), decline.done("stack", inputs.into_any()));
    view! { <div class="actions">{approve}{decline}</div> }.into_any()
}

fn rights(visitor: &Visitor, user: &UserRecord) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "rights", format!("PATCH admin/users/{}", user.username));
    let inputs = view! {
        {form.input(Input::choice("role", lang.role(), roles(visitor)).value(user.role.as_str()))}
        {reason(visitor, &form)}
        <button class="button">{lang.save()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn reset_link(visitor: &Visitor, user: &UserRecord) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "reset-link", format!("POST admin/users/{}/reset-link", user.username)).once();
    let made = form.answer().and_then(|answer| answer.get("url")?.as_str().map(str::to_owned));
    let button = view! { <button class="button">{lang.make_reset_link()}</button> };
    let form = form.done("", button.into_any());
    view! {
        {made.map(|url| parts::shown_once(lang.reset_link(), lang.reset_link_once(), url))}
        <p>{lang.reset_link_text()}</p>
        {form}
    }
    .into_any()
}

fn deletion(visitor: &Visitor, user: &UserRecord) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "deletion", format!("DELETE admin/users/{}", user.username)).next("/admin/users");
    let inputs = view! { {reason(visitor, &form)} <button class="button button-danger">{lang.delete_user()}</button> };
    confirmed(lang.delete_user(), lang.delete_account_question(), form.done("stack", inputs.into_any()))
}
