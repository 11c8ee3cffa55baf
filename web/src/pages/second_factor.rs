//! The second factor in `/settings/security`: set up, confirmed, its recovery codes, taken away.

use super::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, Tone, confirmed},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Me, RecoveryCodes, TotpSetup};

pub fn second_factor(visitor: &Visitor, me: &Me) -> AnyView {
    let confirm = Form::new(visitor, "totp-confirm", "PUT me/totp").once();
    let renew = Form::new(visitor, "recovery", "POST me/recovery-codes").once();
    let codes = [confirm.answer(), renew.answer()].into_iter().flatten().next();
    let codes = codes.and_then(|answer| serde_json::from_value::<RecoveryCodes>(answer.clone()).ok());
    let codes = codes.map(|codes| recovery_codes(visitor, &codes));
    let body = match me.second_factor {
        true => in_use(visitor, me),
        false => not_yet(visitor),
    };
    view! { {codes} {body} }.into_any()
}

fn recovery_codes(visitor: &Visitor, codes: &RecoveryCodes) -> AnyView {
    parts::shown_once(visitor.lang.recovery_codes(), visitor.lang.recovery_codes_once(), codes.codes.join("\n"))
}

fn in_use(visitor: &Visitor, me: &Me) -> AnyView {
    let lang = visitor.lang;
    let password = |form: &Form<'_>| match me.has_password {
        true => form
            .input(Input::new(Kind::Secret, "password", lang.password()).required().autocomplete("current-password")),
        false => form.hidden("password:secret", ""),
    };
    let renew = Form::new(visitor, "recovery", "POST me/recovery-codes").once();
    let inputs = view! { {password(&renew)} <button class="button">{lang.renew_recovery_codes()}</button> };
    let renew = renew.done("stack", inputs.into_any());
    let stop = Form::new(visitor, "totp-removal", "DELETE me/totp");
    let inputs = view! { {password(&stop)} <button class="button button-danger">{lang.turn_off()}</button> };
    let stop = stop.done("stack", inputs.into_any());
    view! {
        <p>{parts::badge(Tone::Good, lang.is_on())} " " {lang.recovery_codes_left(me.recovery_codes_left)}</p>
        {confirmed(lang.renew_recovery_codes(), lang.renew_recovery_codes_text(), renew)}
        {confirmed(lang.turn_off(), lang.turn_off_second_factor_text(), stop)}
    }
    .into_any()
}

/// Begun with a secret that is shown once; a code of it turns it on.
fn not_yet(visitor: &Visitor) -> AnyView {
    let lang = visitor.lang;
    let begin = Form::new(visitor, "totp", "POST me/totp").once();
    let confirm = Form::new(visitor, "totp-confirm", "PUT me/totp").once();
    let secret = begin.answer().and_then(|answer| serde_json::from_value::<TotpSetup>(answer.clone()).ok());
    // After a wrong code the secret is not known here any more, and still good.
    if secret.is_none() && !confirm.has_news() {
        let button = view! { <button class="button button-primary">{lang.set_up()}</button> };
        let form = begin.done("", button.into_any());
        return view! { <p>{lang.second_factor_about()}</p> {form} }.into_any();
    }
    let secret = secret.map(|secret| {
        let picture = format!("data:image/svg+xml,{}", super::percent_encode(&secret.qr_svg));
        view! {
            <p>{lang.scan_code()}</p>
            <div class="qr-row">
                <img class="qr" src=picture alt=lang.qr_code() width="200" height="200"/>
                <p>{lang.or_type()} " " <code class="secret">{secret.secret}</code></p>
            </div>
        }
    });
    let code = Input::new(Kind::Secret, "code", lang.code()).shown().required().autocomplete("one-time-code");
    let button = view! { <button class="button button-primary">{lang.confirm()}</button> };
    let input = confirm.input_with(code.hint(lang.code_confirms()), button.into_any());
    view! { {secret} {confirm.done("", input)} }.into_any()
}
