//! Forms and their inputs. A form is a call of the API (`crate::form`); what the API said about the
//! last attempt stands at the field that it is about, with what was typed.

use super::document::Visitor;
use crate::form::{self, Flash, Outcome};
use leptos::prelude::*;
use std::cell::RefCell;

pub struct Form<'a> {
    visitor: &'a Visitor,
    /// Of this page, unique.
    id: String,
    call: String,
    next: Option<String>,
    once: bool,
    upload: bool,
    /// Fields that can show an error.
    shown: RefCell<Vec<String>>,
}

impl<'a> Form<'a> {
    /// `call` is a method and a path below `/api/v1/`: `PATCH channels/demo`.
    pub fn new(visitor: &'a Visitor, id: impl Into<String>, call: impl Into<String>) -> Self {
        Self {
            visitor,
            id: id.into(),
            call: call.into(),
            next: None,
            once: false,
            upload: false,
            shown: RefCell::default(),
        }
    }

    /// Where to go after success, instead of back to the page; `{name}` is that field of the answer.
    pub fn next(self, path: impl Into<String>) -> Self {
        Self { next: Some(path.into()), ..self }
    }

    /// The page shows the answer, which exists only then.
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// A file goes along.
    pub fn upload(self) -> Self {
        Self { upload: true, ..self }
    }

    /// What became of this very form.
    fn flash(&self) -> Option<&Flash> {
        self.visitor.flash.as_ref().filter(|flash| flash.form == self.id)
    }

    /// What the form's call has answered, where that is shown once.
    pub fn answer(&self) -> Option<&serde_json::Value> {
        match &self.flash()?.outcome {
            Outcome::Answer(answer) => Some(answer),
            Outcome::Refused(_) => None,
        }
    }

    /// Whether there is something to say about this form.
    pub fn has_news(&self) -> bool {
        self.flash().is_some() || self.visitor.saved.as_deref() == Some(self.id.as_str())
    }

    fn error(&self, name: &str) -> Option<String> {
        match &self.flash()?.outcome {
            Outcome::Refused(error) if error.field() == Some(name) => Some(error.message(self.visitor.lang)),
            _ => None,
        }
    }

    /// What was typed into the field of the path `name`, else `current`.
    fn value(&self, name: &str, current: String) -> String {
        let refused = self.flash().filter(|flash| matches!(flash.outcome, Outcome::Refused(_)));
        let typed = refused.and_then(|flash| flash.typed.iter().rev().find(|(field, _)| field == name));
        typed.map_or(current, |(_, value)| value.clone())
    }

    /// A labelled input with its error or hint beneath it.
    pub fn input(&self, input: Input) -> AnyView {
        self.field(input, None)
    }

    /// The same with `beside` on the line of the input.
    pub fn input_with(&self, input: Input, beside: AnyView) -> AnyView {
        self.field(input, Some(beside))
    }

    fn field(&self, mut input: Input, beside: Option<AnyView>) -> AnyView {
        let path = input.path();
        self.shown.borrow_mut().push(path.clone());
        let error = self.error(&path);
        match input.kind {
            Kind::Secret | Kind::File(_) => {}
            Kind::Check => {
                let typed = self.value(&path, (if input.value.is_empty() { "" } else { "on" }).to_owned());
                input.value = typed;
            }
            _ => input.value = self.value(&path, std::mem::take(&mut input.value)),
        }
        let id = format!("{}-{}", self.id, path.replace('.', "-"));
        let note = format!("{id}-note");
        let described = (error.is_some() || !input.hint.is_empty()).then(|| note.clone());
        let wrong = error.is_some();
        let hint = std::mem::take(&mut input.hint);
        let label = input.label.clone();
        let below = match error {
            Some(message) => Some(view! { <p class="field-error" id=note role="alert">{message}</p> }.into_any()),
            None if hint.is_empty() => None,
            None => Some(view! { <p class="hint" id=note>{hint}</p> }.into_any()),
        };
        if matches!(input.kind, Kind::Check) {
            let control = control(input, id.clone(), described, wrong);
            return view! {
                <div class="field field-check">
                    <div class="check-row">{control}<label for=id>{label}</label></div>
                    {below}
                </div>
            }
            .into_any();
        }
        let control = control(input, id.clone(), described, wrong);
        let control = match beside {
            Some(beside) => view! { <div class="field-row">{control}{beside}</div> }.into_any(),
            None => control,
        };
        view! { <div class="field"><label for=id>{label}</label>{control}{below}</div> }.into_any()
    }

    /// A list of which any may be ticked: value and name of each. Those in `on` are.
    pub fn ticks(&self, name: &'static str, label: &'static str, all: Vec<(String, String)>, on: &[String]) -> AnyView {
        self.shown.borrow_mut().push(name.to_owned());
        let typed = self.flash().filter(|flash| matches!(flash.outcome, Outcome::Refused(_)));
        let ticked = |value: &String| match typed {
            Some(flash) => flash.typed.iter().any(|(field, typed)| field == name && typed == value),
            None => on.contains(value),
        };
        let wire = format!("{name}:each");
        let tick = |(value, text): (String, String)| {
            let id = format!("{}-{name}-{value}", self.id);
            let checked = ticked(&value);
            view! {
                <div class="check-row">
                    <input type="checkbox" id=id.clone() name=wire.clone() value=value checked=checked/>
                    <label for=id>{text}</label>
                </div>
            }
        };
        let error = self.error(name).map(|message| view! { <p class="field-error" role="alert">{message}</p> });
        view! {
            <fieldset class="field ticks">
                <legend>{label}</legend>
                <input type="hidden" name=wire.clone() value=""/>
                {all.into_iter().map(tick).collect_view()}
                {error}
            </fieldset>
        }
        .into_any()
    }

    /// An input that nobody sees.
    pub fn hidden(&self, name: &str, value: impl Into<String>) -> AnyView {
        view! { <input type="hidden" name=name.to_owned() value=value.into()/> }.into_any()
    }

    /// What the form has to say that belongs to none of its fields.
    pub fn notice(&self) -> Option<AnyView> {
        let lang = self.visitor.lang;
        if self.has_news() {
            self.visitor.is_told();
        }
        if self.visitor.flash.is_none() && self.visitor.saved.as_deref() == Some(self.id.as_str()) {
            return Some(
                view! { <p class="notice notice-good" role="status">{lang.saved_form(&self.id)}</p> }.into_any(),
            );
        }
        let Outcome::Refused(error) = &self.flash()?.outcome else { return None };
        let elsewhere = error.field().is_some_and(|field| self.shown.borrow().iter().any(|shown| shown == field));
        let message = error.message(lang);
        (!elsewhere).then(|| view! { <p class="notice notice-bad" role="alert">{message}</p> }.into_any())
    }

    /// The form around its inputs, which were made before.
    pub fn done(self, class: &'static str, inputs: AnyView) -> AnyView {
        self.titled(class, None, inputs)
    }

    /// The same, with what the form has to say between `head` and the inputs.
    pub fn titled(self, class: &'static str, head: Option<AnyView>, inputs: AnyView) -> AnyView {
        let notice = self.notice();
        let Self { id, call, next, once, upload, .. } = self;
        let next = next.map(|next| view! { <input type="hidden" name=form::NEXT value=next/> });
        let once = once.then(|| view! { <input type="hidden" name=form::ONCE value="1"/> });
        let key = call.starts_with("POST ").then(|| format!("{:032x}", rand::random::<u128>()));
        let key = key.map(|key| view! { <input type="hidden" name=form::KEY value=key/> });
        let encoding = upload.then_some("multipart/form-data");
        let class = (!class.is_empty()).then_some(class);
        view! {
            <form class=class method="post" enctype=encoding>
                <input type="hidden" name=form::CALL value=call/>
                <input type="hidden" name=form::FORM value=id/>
                {next}
                {once}
                {key}
                {head}
                {notice}
                {inputs}
            </form>
        }
        .into_any()
    }
}

/// How the text of an input becomes a value, and what it looks like.
pub enum Kind {
    Text,
    Secret,
    Email,
    Url,
    Number,
    /// In UTC.
    Time,
    /// A time somewhere, such as `2026-11-22T20:00`: text for the API.
    LocalTime,
    Date,
    /// A part of the call's path.
    InPath,
    Words,
    /// Text of several lines.
    Area,
    /// A list, an item on each line.
    Lines,
    /// Value and name of each choice.
    Choice(Vec<(String, String)>),
    /// The same for a number.
    NumberChoice(Vec<(String, String)>),
    Check,
    /// Content types that are accepted.
    File(&'static str),
}

pub struct Input {
    name: String,
    label: String,
    kind: Kind,
    value: String,
    hint: String,
    optional: bool,
    required: bool,
    shown: bool,
    focused: bool,
    max: Option<u32>,
    autocomplete: &'static str,
    placeholder: &'static str,
    list: Option<&'static str>,
}

impl Input {
    /// `name` is the path of the JSON's field.
    pub fn new(kind: Kind, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            value: String::new(),
            hint: String::new(),
            optional: false,
            required: false,
            shown: false,
            focused: false,
            max: None,
            autocomplete: "off",
            placeholder: "",
            list: None,
        }
    }

    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(Kind::Text, name, label)
    }

    pub fn check(name: impl Into<String>, label: impl Into<String>, on: bool) -> Self {
        Self::new(Kind::Check, name, label).value(if on { "on" } else { "" })
    }

    pub fn choice(name: impl Into<String>, label: impl Into<String>, choices: Vec<(String, String)>) -> Self {
        Self::new(Kind::Choice(choices), name, label)
    }

    pub fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// Left out of the call when it is empty.
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// A secret that is read while it is typed.
    pub fn shown(self) -> Self {
        Self { shown: true, ..self }
    }

    /// Where typing begins.
    pub fn focused(self) -> Self {
        Self { focused: true, ..self }
    }

    /// At most so many characters.
    pub fn max(self, max: u32) -> Self {
        Self { max: Some(max), ..self }
    }

    pub fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    pub fn placeholder(self, placeholder: &'static str) -> Self {
        Self { placeholder, ..self }
    }

    /// Suggestions, the `datalist` of this id.
    pub fn list(self, id: &'static str) -> Self {
        Self { list: Some(id), ..self }
    }

    fn path(&self) -> String {
        self.name.clone()
    }

    /// The name on the wire.
    fn wire(&self) -> String {
        let kind = match self.kind {
            Kind::Secret => ":secret",
            Kind::Number | Kind::NumberChoice(_) => ":number",
            Kind::Time => ":time",
            Kind::InPath => ":path",
            Kind::Words => ":words",
            Kind::Lines => ":lines",
            Kind::Check => ":bool",
            Kind::Text | Kind::Email | Kind::Url | Kind::LocalTime | Kind::Date | Kind::Area | Kind::Choice(_) => "",
            Kind::File(_) => "",
        };
        format!("{}{kind}{}", self.name, if self.optional { "?" } else { "" })
    }
}

fn control(input: Input, id: String, described: Option<String>, wrong: bool) -> AnyView {
    let name = input.wire();
    let Input { kind, value, required, shown, focused, max, autocomplete, placeholder, list, .. } = input;
    let invalid = wrong.then_some("true");
    let placeholder = (!placeholder.is_empty()).then_some(placeholder);
    let max = max.map(|max| max.to_string());
    match kind {
        Kind::Area | Kind::Lines => view! {
            <textarea id=id name=name required=required maxlength=max placeholder=placeholder rows="6"
                aria-describedby=described aria-invalid=invalid autofocus=wrong>{value}</textarea>
        }
        .into_any(),
        Kind::Choice(choices) | Kind::NumberChoice(choices) => {
            let option = |(choice, text): (String, String)| {
                let selected = choice == value;
                view! { <option value=choice selected=selected>{text}</option> }
            };
            let options = choices.into_iter().map(option).collect_view();
            view! {
                <select id=id name=name required=required aria-describedby=described aria-invalid=invalid>{options}</select>
            }
            .into_any()
        }
        // A box that is not ticked sends nothing, which is no answer.
        Kind::Check => view! {
            <input type="hidden" name=name.clone() value=""/>
            <input type="checkbox" id=id name=name value="on" checked=value == "on" required=required
                aria-describedby=described aria-invalid=invalid/>
        }
        .into_any(),
        Kind::File(accept) => view! {
            <input type="file" id=id name=name accept=accept required=required aria-describedby=described
                aria-invalid=invalid/>
        }
        .into_any(),
        kind => {
            let of_name = matches!(autocomplete, "username" | "email" | "one-time-code").then_some("none");
            let kind = match kind {
                Kind::Secret if !shown => "password",
                Kind::Email => "email",
                Kind::Url => "url",
                Kind::Number => "number",
                Kind::Time | Kind::LocalTime => "datetime-local",
                Kind::Date => "date",
                _ => "text",
            };
            view! {
                <input id=id name=name type=kind value=value required=required maxlength=max autocomplete=autocomplete
                    autocapitalize=of_name spellcheck=of_name.map(|_| "false") placeholder=placeholder list=list
                    aria-describedby=described aria-invalid=invalid autofocus=wrong || focused/>
            }
            .into_any()
        }
    }
}
