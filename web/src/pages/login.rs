//! `/login`, `/signup`, `/password`, `/setup`: the ways in. Plain forms; a passkey needs the
//! browser's own script.

use super::{
    document::{Page, Section, Visitor},
    form::{Form, Input, Kind},
    percent_encode,
};
use crate::form::Outcome;
use leptos::prelude::*;
use rivulet_protocol::rest::SignUp;

/// `next` is where to go afterwards; `error` is why another way in did not work, a code of the API.
pub fn login(visitor: &Visitor, next: String, error: Option<String>) -> Page {
    let lang = visitor.lang;
    let half_in = error.as_deref() == Some("second_factor_needed");
    let body = match half_in || wants_second_factor(visitor) {
        true => second_factor(visitor, next),
        false => first_factor(visitor, next, error),
    };
    let title = format!("{} · {}", lang.log_in(), visitor.instance.name);
    let page = Page::plain(title, lang.log_in_to(&visitor.instance.name), body);
    Page { section: Section::Account, account: true, ..page }
}

/// The password was right, or the code was wrong.
fn wants_second_factor(visitor: &Visitor) -> bool {
    let Some(flash) = &visitor.flash else { return false };
    match &flash.outcome {
        Outcome::Refused(error) => {
            flash.form == "second" && error.status() != Some(410) || error.code() == Some("second_factor_needed")
        }
        Outcome::Answer(_) => false,
    }
}

fn first_factor(visitor: &Visitor, next: String, error: Option<String>) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "login", "POST login").next(next.clone());
    let head = view! { <h1>{lang.log_in()}</h1> }.into_any();
    let inputs = view! {
        {form.input(Input::text("username", lang.user_name()).required().autocomplete("username"))}
        {form.input(Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("current-password"))}
        <button class="button button-primary button-wide">{lang.log_in()}</button>
    };
    let form = form.titled("stack", Some(head), inputs.into_any());
    let oidc = visitor.instance.oidc.clone().map(|text| {
        let href = format!("/api/v1/login/oidc?next={}", percent_encode(&next));
        view! { <a class="button button-wide" href=href>{text}</a> }
    });
    let sign_up = (visitor.instance.sign_up != SignUp::Closed)
        .then(|| view! { <p>{lang.no_account()} " " <a href="/signup">{lang.sign_up()}</a></p> });
    let failed = error.filter(|_| visitor.flash.is_none()).map(|code| {
        view! { <p class="notice notice-bad" role="alert">{lang.log_in_failed(&code)}</p> }
    });
    view! {
        <div class="panel form">
            {failed}
            {form}
            <button type="button" class="button button-wide" data-passkey-login=next hidden>{lang.log_in_with_passkey()}</button>
            <p class="field-error" data-passkey-refusal="" role="alert" hidden></p>
            {oidc}
            <div class="form-links">
                <p><a href="/password">{lang.forgot_password()}</a></p>
                {sign_up}
            </div>
        </div>
    }
    .into_any()
}

fn second_factor(visitor: &Visitor, next: String) -> AnyView {
    let lang = visitor.lang;
    visitor.is_told();
    let form = Form::new(visitor, "second", "POST login/second").next(next);
    let head = view! { <h1>{lang.second_factor()}</h1> <p class="muted">{lang.second_factor_text()}</p> };
    let code = Input::new(Kind::Secret, "code", lang.code()).shown().focused().required().autocomplete("one-time-code");
    let inputs = view! {
        {form.input(code.hint(lang.code_hint()))}
        <button class="button button-primary button-wide">{lang.log_in()}</button>
    };
    form.titled("panel form", Some(head.into_any()), inputs.into_any())
}

/// `invite` is the code of the link that was followed.
pub fn signup(visitor: &Visitor, invite: String) -> Page {
    let lang = visitor.lang;
    let sent = visitor.saved.as_deref() == Some("signup");
    let body = match visitor.instance.sign_up {
        _ if sent => notice(visitor, lang.sign_up_waits(), lang.sign_up_waits_text()),
        SignUp::Closed => notice(visitor, lang.sign_up_closed(), lang.sign_up_closed_text()),
        SignUp::Invite if invite.is_empty() && visitor.flash.is_none() => {
            notice(visitor, lang.sign_up_by_invite(), lang.sign_up_by_invite_text())
        }
        how => signup_form(visitor, how, invite),
    };
    let title = format!("{} · {}", lang.sign_up(), visitor.instance.name);
    Page { section: Section::Account, ..Page::plain(title, lang.sign_up_at(&visitor.instance.name), body) }
}

fn signup_form(visitor: &Visitor, how: SignUp, invite: String) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "signup", "POST signup");
    // Who has to be let in stays here and is told so.
    let form = if how == SignUp::Approval { form } else { form.next("/") };
    let head = view! { <h1>{lang.make_account()}</h1> }.into_any();
    let name = Input::text("username", lang.user_name()).required().autocomplete("username").hint(lang.name_hint());
    let password = Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("new-password");
    let email = Input::new(Kind::Email, "email", lang.email_optional()).autocomplete("email").hint(lang.email_hint());
    let reason = (how == SignUp::Approval).then(|| {
        form.input(Input::new(Kind::Area, "reason", lang.sign_up_reason()).max(500).hint(lang.sign_up_reason_hint()))
    });
    let invite = (how == SignUp::Invite).then(|| form.hidden("invite", invite));
    let inputs = view! {
        {invite}
        {form.input(name)}
        {form.input(password.hint(lang.password_hint()))}
        {form.input(email)}
        {reason}
        <button class="button button-primary button-wide">{lang.create_account()}</button>
    };
    form.titled("panel form", Some(head), inputs.into_any())
}

/// `/password`: a new one by e-mail.
pub fn forgotten(visitor: &Visitor) -> Page {
    let lang = visitor.lang;
    let sent = visitor.saved.as_deref() == Some("forgotten");
    let body = match visitor.instance.mail {
        _ if sent => notice(visitor, lang.mail_sent(), lang.mail_sent_text()),
        false => notice(visitor, lang.no_mail(), lang.no_mail_text()),
        true => {
            let form = Form::new(visitor, "forgotten", "POST password/forgotten");
            let head = view! { <h1>{lang.forgot_password()}</h1> <p class="muted">{lang.forgotten_text()}</p> };
            let name = Input::text("username", lang.name_or_email()).required().autocomplete("username");
            let inputs = view! {
                {form.input(name)}
                <button class="button button-primary button-wide">{lang.send_link()}</button>
            };
            form.titled("panel form", Some(head.into_any()), inputs.into_any())
        }
    };
    let title = format!("{} · {}", lang.forgot_password(), visitor.instance.name);
    Page { section: Section::Account, ..Page::plain(title, lang.forgotten_text().to_owned(), body) }
}

/// `/reset-password`, where the e-mailed link leads.
pub fn reset(visitor: &Visitor, token: String) -> Page {
    let lang = visitor.lang;
    let form = Form::new(visitor, "reset", "POST password/reset").next("/login");
    let head = view! { <h1>{lang.new_password()}</h1> <p class="muted">{lang.reset_text()}</p> };
    let password = Input::new(Kind::Secret, "password", lang.new_password()).required().autocomplete("new-password");
    let inputs = view! {
        {form.hidden("token:secret", token)}
        {form.input(password.hint(lang.password_hint()))}
        <button class="button button-primary button-wide">{lang.set_password()}</button>
    };
    let body = form.titled("panel form", Some(head.into_any()), inputs.into_any());
    let title = format!("{} · {}", lang.new_password(), visitor.instance.name);
    Page { section: Section::Account, ..Page::plain(title, lang.reset_text().to_owned(), body) }
}

/// `/confirm-email`, where the e-mailed link leads.
pub fn confirm_email(visitor: &Visitor, token: String) -> Page {
    let lang = visitor.lang;
    let form = Form::new(visitor, "confirm", "POST me/email/confirm").next("/settings?saved=email");
    let head = view! { <h1>{lang.confirm_email()}</h1> <p class="muted">{lang.confirm_email_text()}</p> };
    let inputs = view! {
        {form.hidden("token:secret", token)}
        <button class="button button-primary button-wide">{lang.confirm()}</button>
    };
    let body = form.titled("panel form", Some(head.into_any()), inputs.into_any());
    let title = format!("{} · {}", lang.confirm_email(), visitor.instance.name);
    Page { section: Section::Account, ..Page::plain(title, lang.confirm_email_text().to_owned(), body) }
}

/// Instead of a form: what became of it, or why there is none.
fn notice(visitor: &Visitor, title: &'static str, text: &'static str) -> AnyView {
    visitor.is_told();
    view! {
        <div class="empty empty-page">
            <h1>{title}</h1>
            <p>{text}</p>
        </div>
    }
    .into_any()
}

pub fn setup(visitor: &Visitor, token: String) -> Page {
    let lang = visitor.lang;
    let body = match (visitor.instance.needs_setup, token.is_empty()) {
        (false, _) => view! {
            <div class="empty empty-page">
                <h1>{lang.is_set_up()}</h1>
                <p>{lang.is_set_up_text()}</p>
                <p><a class="button button-primary" href="/login">{lang.log_in()}</a></p>
            </div>
        }
        .into_any(),
        (true, true) => notice(visitor, lang.setup_incomplete(), lang.setup_incomplete_text()),
        (true, false) => setup_form(visitor, token),
    };
    let title = format!("{} · {}", lang.set_up(), visitor.instance.name);
    Page { section: Section::Account, ..Page::plain(title, lang.first_account_of(&visitor.instance.name), body) }
}

fn setup_form(visitor: &Visitor, token: String) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "setup", "POST setup").next("/dashboard");
    let head = view! {
        <h1>{lang.make_account()}</h1>
        <p class="muted">{lang.first_account()}</p>
    };
    let name = Input::text("username", lang.user_name()).required().autocomplete("username");
    let password = Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("new-password");
    let inputs = view! {
        {form.hidden("token:secret", token)}
        {form.input(name.hint(lang.user_name_hint()))}
        {form.input(password.hint(lang.password_hint()))}
        <button class="button button-primary button-wide">{lang.create_account()}</button>
    };
    form.titled("panel form", Some(head.into_any()), inputs.into_any())
}
