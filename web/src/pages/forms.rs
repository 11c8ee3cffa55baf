//! `/login` and `/setup`: plain forms, no script at all.

use super::document::{Page, Section};
use crate::client::Error;
use leptos::prelude::*;

/// What the API said about the last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormError {
    pub field: Option<String>,
    pub message: String,
}

impl From<Error> for FormError {
    fn from(error: Error) -> Self {
        Self { field: error.field().map(str::to_owned), message: error.message() }
    }
}

#[derive(Debug, Default, Clone)]
pub struct LoginForm {
    pub username: String,
    pub next: String,
    pub error: Option<FormError>,
}

pub fn login(instance: &str, form: LoginForm) -> Page {
    let LoginForm { username, next, error } = form;
    let fields = ["username", "password"];
    Page {
        title: format!("Log in · {instance}"),
        description: format!("Log in to {instance}."),
        image: None,
        player: false,
        islands: false,
        section: Section::Account,
        body: view! {
            <form class="panel form" method="post" action="/login">
                <h1>"Log in"</h1>
                {general_error(error.as_ref(), &fields)}
                <input type="hidden" name="next" value=next/>
                {field(Field { name: "username", label: "User name", kind: "text", value: username, autocomplete: "username", hint: "" }, error.as_ref())}
                {field(Field { name: "password", label: "Password", kind: "password", value: String::new(), autocomplete: "current-password", hint: "" }, error.as_ref())}
                <button class="button button-primary button-wide">"Log in"</button>
            </form>
        }
        .into_any(),
    }
}

#[derive(Debug, Default, Clone)]
pub struct SetupForm {
    pub token: String,
    pub username: String,
    pub error: Option<FormError>,
}

pub fn setup(instance: &str, needs_setup: bool, form: SetupForm) -> Page {
    let body = match (needs_setup, form.token.is_empty()) {
        (false, _) => view! {
            <div class="empty empty-page">
                <h1>"This server is set up"</h1>
                <p>"The first account exists already, so the setup link no longer works."</p>
                <p><a class="button button-primary" href="/login">"Log in"</a></p>
            </div>
        }
        .into_any(),
        (true, true) => view! {
            <div class="empty empty-page">
                <h1>"The setup link is incomplete"</h1>
                <p>"Open the whole link that the server printed in its terminal: it ends in a token."</p>
            </div>
        }
        .into_any(),
        (true, false) => setup_form(form).into_any(),
    };
    Page {
        title: format!("Set up · {instance}"),
        description: format!("Make the first account of {instance}."),
        image: None,
        player: false,
        islands: false,
        section: Section::Account,
        body,
    }
}

fn setup_form(form: SetupForm) -> impl IntoView {
    let SetupForm { token, username, error } = form;
    let fields = ["username", "password"];
    view! {
        <form class="panel form" method="post" action="/setup">
            <h1>"Make your account"</h1>
            <p class="muted">"It is the first one, so it runs this server. Your channel gets the same name."</p>
            {general_error(error.as_ref(), &fields)}
            <input type="hidden" name="token" value=token/>
            {field(Field { name: "username", label: "User name", kind: "text", value: username, autocomplete: "username",
                hint: "2 to 25 characters: a to z, digits and _. It is also the address of your channel." }, error.as_ref())}
            {field(Field { name: "password", label: "Password", kind: "password", value: String::new(), autocomplete: "new-password",
                hint: "A long one. A few unrelated words are good." }, error.as_ref())}
            <button class="button button-primary button-wide">"Create account"</button>
        </form>
    }
}

pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: &'static str,
    pub value: String,
    pub autocomplete: &'static str,
    pub hint: &'static str,
}

/// A labelled input with its error or hint beneath it.
pub fn field(field: Field, error: Option<&FormError>) -> impl IntoView + use<> {
    let Field { name, label, kind, value, autocomplete, hint } = field;
    let message = error.filter(|error| error.field.as_deref() == Some(name)).map(|error| error.message.clone());
    let wrong = message.is_some();
    let note = format!("{name}-note");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                id=name
                name=name
                type=kind
                value=value
                required
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                aria-describedby=note.clone()
                aria-invalid=wrong.then_some("true")
            />
            {match message {
                Some(message) => view! { <p class="field-error" id=note role="alert">{message}</p> }.into_any(),
                None => view! { <p class="hint" id=note>{hint}</p> }.into_any(),
            }}
        </div>
    }
}

/// An error that belongs to none of the form's fields.
pub fn general_error(error: Option<&FormError>, fields: &[&str]) -> Option<impl IntoView + use<>> {
    let error = error.filter(|error| !error.field.as_deref().is_some_and(|field| fields.contains(&field)))?;
    let message = error.message.clone();
    Some(view! { <p class="notice notice-bad" role="alert">{message}</p> })
}
