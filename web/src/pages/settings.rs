//! `/settings`: a person's own account.

use super::{
    document::{Page, Section, Visitor},
    form::{Form, Input, Kind},
    parts::{self, AvatarSize, Tone, confirmed, panel, table, words},
};
use crate::words::Lang;
use leptos::prelude::*;
use rivulet_protocol::rest::{Me, Passkey, Scope, Session, Token};

/// Which of the pages, with what the API said for it.
pub enum Settings {
    Profile,
    Security { passkeys: Vec<Passkey>, sessions: Vec<Session> },
    Tokens(Vec<Token>),
    Notifications,
    Data,
}

pub fn settings(visitor: &Visitor, me: &Me, page: Settings) -> Page {
    let lang = visitor.lang;
    let (path, title, body) = match page {
        Settings::Profile => ("/settings", lang.profile(), profile(visitor, me)),
        Settings::Security { passkeys, sessions } => {
            ("/settings/security", lang.security(), security(visitor, me, passkeys, sessions))
        }
        Settings::Tokens(tokens) => ("/settings/tokens", lang.access_tokens(), token_page(visitor, tokens)),
        Settings::Notifications => ("/settings/notifications", lang.notifications(), push(visitor)),
        Settings::Data => ("/settings/data", lang.your_data(), data(visitor, me)),
    };
    let entries = [
        ("/settings", lang.profile()),
        ("/settings/security", lang.security()),
        ("/settings/tokens", lang.access_tokens()),
        ("/settings/notifications", lang.notifications()),
        ("/settings/data", lang.your_data()),
    ];
    let entries = entries.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec();
    let body = parts::settled(lang.account_settings(), path, entries, title.to_owned(), body);
    let page = Page::plain(format!("{title} · {}", visitor.instance.name), lang.account_settings().to_owned(), body);
    Page { section: Section::Account, account: true, ..page }
}

fn profile(visitor: &Visitor, me: &Me) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "profile", "PATCH me");
    let mut languages = vec![(String::new(), lang.browsers_choice().to_owned())];
    languages.extend(Lang::ALL.map(|it| (it.tag().to_owned(), it.own_name().to_owned())));
    let name = Input::text("display_name", lang.display_name()).value(me.display_name.clone()).max(40);
    let language = Input::choice("language", lang.language(), languages).value(me.language.clone().unwrap_or_default());
    let color = Input::text("color", lang.name_color()).value(me.color.clone()).max(7).placeholder("#2cc4ad");
    let inputs = view! {
        {form.input(name.hint(lang.display_name_hint()))}
        {form.input(color.hint(lang.name_color_hint()))}
        {form.input(language)}
        <button class="button button-primary">{lang.save()}</button>
    };
    let names = form.done("stack", inputs.into_any());
    view! {
        {panel("name", lang.name(), names)}
        {panel("picture", lang.picture(), picture(visitor, me))}
        {panel("email", lang.email(), email(visitor, me))}
    }
    .into_any()
}

fn picture(visitor: &Visitor, me: &Me) -> AnyView {
    let lang = visitor.lang;
    let removal = me.avatar.as_ref().map(|_| {
        let form = Form::new(visitor, "picture-removal", "DELETE me/avatar");
        form.done("", view! { <button class="button button-quiet">{lang.remove()}</button> }.into_any())
    });
    view! {
        <div class="picture-row">
            {parts::avatar(&me.username, me.avatar.as_ref(), AvatarSize::Huge)}
            <div class="stack">{upload(visitor, "picture", "PUT me/avatar".to_owned())}{removal}</div>
        </div>
    }
    .into_any()
}

/// A form that sends a picture.
pub fn upload(visitor: &Visitor, id: &'static str, call: String) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, id, call).upload();
    let file = Input::new(Kind::File("image/png,image/jpeg,image/webp,image/gif"), "file", lang.choose_picture());
    let button = view! { <button class="button">{lang.upload()}</button> };
    let input = form.input_with(file.required().hint(lang.picture_hint()), button.into_any());
    form.done("", input)
}

fn email(visitor: &Visitor, me: &Me) -> AnyView {
    let lang = visitor.lang;
    let state = me.email.as_ref().map(|_| match me.email_verified {
        true => parts::badge(Tone::Good, lang.email_confirmed()),
        false => parts::badge(Tone::Warning, lang.email_unconfirmed()),
    });
    let form = Form::new(visitor, "email", "PATCH me");
    let input = Input::new(Kind::Email, "email", lang.email()).value(me.email.clone().unwrap_or_default());
    let button = view! { <button class="button">{lang.save()}</button> };
    let hint = if visitor.instance.mail { lang.email_hint() } else { lang.no_mail_text() };
    let input = form.input_with(input.autocomplete("email").hint(hint), button.into_any());
    view! { {state} {form.done("", input)} }.into_any()
}

fn security(visitor: &Visitor, me: &Me, passkeys: Vec<Passkey>, sessions: Vec<Session>) -> AnyView {
    let lang = visitor.lang;
    view! {
        {panel("password", lang.password(), password(visitor, me))}
        {panel("second-factor", lang.second_factor(), super::second_factor::second_factor(visitor, me))}
        {panel("passkeys", lang.passkeys(), passkey_list(visitor, passkeys))}
        {visitor.instance.oidc.clone().map(|text| panel("other", lang.other_account(), other_account(lang, text)))}
        {panel("sessions", lang.sessions(), session_list(visitor, sessions))}
    }
    .into_any()
}

fn password(visitor: &Visitor, me: &Me) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "password", "POST me/password");
    let current = me.has_password.then(|| {
        let current = Input::new(Kind::Secret, "current", lang.current_password());
        form.input(current.required().autocomplete("current-password"))
    });
    let new = Input::new(Kind::Secret, "password", lang.new_password()).required().autocomplete("new-password");
    let inputs = view! {
        {current}
        {form.input(new.hint(lang.password_hint()))}
        <button class="button button-primary">{lang.set_password()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn passkey_list(visitor: &Visitor, passkeys: Vec<Passkey>) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &Passkey| {
        let form = Form::new(visitor, format!("passkey-{}", it.id), format!("DELETE me/passkeys/{}", it.id));
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        vec![
            words(it.name.clone()),
            parts::date(lang, it.created_at_ms),
            last_used(lang, it.last_used_at_ms),
            form.done("", button.into_any()),
        ]
    };
    let list = match passkeys.is_empty() {
        true => view! { <p class="muted">{lang.no_passkeys()}</p> }.into_any(),
        false => table(
            lang,
            lang.passkeys(),
            &[lang.name(), lang.made(), lang.last_used(), ""],
            passkeys.iter().map(row).collect(),
        ),
    };
    view! {
        {list}
        <form class="stack" data-passkey-new="" hidden>
            <div class="field">
                <label for="passkey-name">{lang.passkey_name()}</label>
                <div class="field-row">
                    <input id="passkey-name" name="name" type="text" maxlength="40" required placeholder=lang.passkey_example()/>
                    <button class="button">{lang.add_passkey()}</button>
                </div>
            </div>
            <p class="field-error" data-passkey-refusal="" role="alert" hidden></p>
        </form>
        <noscript><p class="muted">{lang.passkeys_need_script()}</p></noscript>
    }
    .into_any()
}

/// At the provider of accounts that this server trusts.
fn other_account(lang: Lang, text: String) -> AnyView {
    view! {
        <p>{lang.other_account_text()}</p>
        <p><a class="button" href="/api/v1/login/oidc">{text}</a></p>
    }
    .into_any()
}

fn session_list(visitor: &Visitor, sessions: Vec<Session>) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &Session| {
        let action = match it.current {
            true => parts::badge(Tone::Good, lang.this_device()),
            false => {
                let form = Form::new(visitor, format!("session-{}", it.id), format!("DELETE me/sessions/{}", it.id));
                form.done("", view! { <button class="button button-quiet">{lang.end_session()}</button> }.into_any())
            }
        };
        vec![words(it.device.clone()), words(it.address.clone()), parts::moment(lang, it.last_used_at_ms), action]
    };
    let heads = [lang.device(), lang.address(), lang.last_used(), ""];
    let all = Form::new(visitor, "sessions", "DELETE me/sessions").next("/login");
    let button = view! { <button class="button button-danger">{lang.end_all_sessions()}</button> };
    view! {
        {table(lang, lang.sessions(), &heads, sessions.iter().map(row).collect())}
        {confirmed(lang.end_all_sessions(), lang.end_all_sessions_text(), all.done("", button.into_any()))}
    }
    .into_any()
}

fn last_used(lang: Lang, at_ms: Option<i64>) -> AnyView {
    at_ms.map_or_else(|| words(lang.never()), |at| parts::moment(lang, at))
}

fn token_page(visitor: &Visitor, tokens: Vec<Token>) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "token", "POST me/tokens").once();
    let made = form.answer().and_then(|answer| answer.get("token")?.as_str().map(str::to_owned));
    let made = made.map(|token| parts::shown_once(lang.new_token(), lang.token_once(), token));
    let is_admin = parts::is_staff(visitor);
    let scopes = Scope::ALL.iter().filter(|it| is_admin || **it != Scope::Admin);
    let scopes = scopes.map(|it| (it.as_str().to_owned(), lang.scope(*it).to_owned())).collect();
    let expiry = Input::new(Kind::Time, "expires_at_ms", lang.expires_utc()).optional().hint(lang.expires_hint());
    let inputs = view! {
        {form.input(Input::text("name", lang.name()).required().max(40).hint(lang.token_name_hint()))}
        {form.ticks("scopes", lang.scopes(), scopes, &[])}
        {form.input(expiry)}
        <button class="button button-primary">{lang.create_token()}</button>
    };
    let create = form.done("stack", inputs.into_any());
    let row = |it: &Token| {
        let form = Form::new(visitor, format!("token-{}", it.id), format!("DELETE me/tokens/{}", it.id));
        let button = view! { <button class="button button-quiet">{lang.revoke()}</button> };
        let scopes = it.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
        let until = it.expires_at_ms.map_or_else(|| words(lang.never()), |at| parts::date(lang, at));
        vec![
            words(it.name.clone()),
            words(scopes),
            until,
            last_used(lang, it.last_used_at_ms),
            form.done("", button.into_any()),
        ]
    };
    let heads = [lang.name(), lang.scopes(), lang.expires(), lang.last_used(), ""];
    let list = match tokens.is_empty() {
        true => parts::empty(lang.no_tokens(), lang.no_tokens_text()),
        false => table(lang, lang.access_tokens(), &heads, tokens.iter().map(row).collect()),
    };
    view! {
        {made}
        {panel("tokens", lang.access_tokens(), list)}
        {panel("new-token", lang.create_token(), create)}
    }
    .into_any()
}

fn push(visitor: &Visitor) -> AnyView {
    let lang = visitor.lang;
    let body = view! {
        <p>{lang.push_text()}</p>
        <div data-push=visitor.instance.push_key.clone() hidden>
            <p class="notice notice-good" data-push-on="" role="status" hidden>{lang.push_is_on()}</p>
            <p class="field-error" data-push-refusal="" role="alert" hidden>{lang.push_refused()}</p>
            <button type="button" class="button button-primary" data-push-start="" hidden>{lang.push_start()}</button>
            <button type="button" class="button" data-push-stop="" hidden>{lang.push_stop()}</button>
        </div>
        <p class="muted" data-push-missing="">{lang.push_missing()}</p>
    };
    panel("push", lang.push(), body.into_any())
}

fn data(visitor: &Visitor, me: &Me) -> AnyView {
    let lang = visitor.lang;
    let export = view! {
        <p>{lang.export_text()}</p>
        <p><a class="button" href="/api/v1/me/export" download="">{lang.export()}</a></p>
    };
    let form = Form::new(visitor, "deletion", "DELETE me").next("/");
    let password = match me.has_password {
        true => form
            .input(Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("current-password")),
        false => form.hidden("password:secret", ""),
    };
    let inputs = view! { {password} <button class="button button-danger">{lang.delete_account()}</button> };
    let open = form.has_news();
    let form = form.done("stack", inputs.into_any());
    let deletion = view! {
        <p>{lang.delete_account_text()}</p>
        <details class="confirm" open=open>
            <summary class="button button-quiet">{lang.delete_account()}</summary>
            <div class="confirm-body"><p>{lang.delete_account_question()}</p>{form}</div>
        </details>
    };
    view! {
        {panel("export", lang.export(), export.into_any())}
        {panel("delete", lang.delete_account(), deletion.into_any())}
    }
    .into_any()
}
