//! `/login` and `/setup`: plain forms, no script at all.

use super::{
    document::{Page, Section, Visitor},
    form::{Form, Input, Kind},
};
use leptos::prelude::*;

/// `next` is where to go afterwards.
pub fn login(visitor: &Visitor, next: String) -> Page {
    let lang = visitor.lang;
    let form = Form::new(visitor, "login", "POST login").next(next);
    let head = view! { <h1>{lang.log_in()}</h1> }.into_any();
    let inputs = view! {
        {form.input(Input::text("username", lang.user_name()).required().autocomplete("username"))}
        {form.input(Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("current-password"))}
        <button class="button button-primary button-wide">{lang.log_in()}</button>
    }
    .into_any();
    let title = format!("{} · {}", lang.log_in(), visitor.instance);
    let body = form.titled("panel form", Some(head), inputs);
    Page { section: Section::Account, ..Page::plain(title, lang.log_in_to(&visitor.instance), body) }
}

pub fn setup(visitor: &Visitor, needs_setup: bool, token: String) -> Page {
    let lang = visitor.lang;
    let body = match (needs_setup, token.is_empty()) {
        (false, _) => view! {
            <div class="empty empty-page">
                <h1>{lang.is_set_up()}</h1>
                <p>{lang.is_set_up_text()}</p>
                <p><a class="button button-primary" href="/login">{lang.log_in()}</a></p>
            </div>
        }
        .into_any(),
        (true, true) => view! {
            <div class="empty empty-page">
                <h1>{lang.setup_incomplete()}</h1>
                <p>{lang.setup_incomplete_text()}</p>
            </div>
        }
        .into_any(),
        (true, false) => setup_form(visitor, token),
    };
    let title = format!("{} · {}", lang.set_up(), visitor.instance);
    Page { section: Section::Account, ..Page::plain(title, lang.first_account_of(&visitor.instance), body) }
}

fn setup_form(visitor: &Visitor, token: String) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "setup", "POST setup").next("/dashboard");
    let head = view! {
        <h1>{lang.make_account()}</h1>
        <p class="muted">{lang.first_account()}</p>
    }
    .into_any();
    let name = Input::text("username", lang.user_name()).required().autocomplete("username");
    let password = Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("new-password");
    let inputs = view! {
        {form.hidden("token", token)}
        {form.input(name.hint(lang.user_name_hint()))}
        {form.input(password.hint(lang.password_hint()))}
        <button class="button button-primary button-wide">{lang.create_account()}</button>
    }
    .into_any();
    form.titled("panel form", Some(head), inputs)
}
