//! Who may watch the channel.

use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::panel,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Access, AccessKind, Channel};

pub fn access(visitor: &Visitor, channel: &Channel, access: Access) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "access", format!("PUT channels/{}/access", channel.name));
    let kinds = AccessKind::ALL.iter().map(|it| (it.as_str().to_owned(), lang.access_kind(*it).to_owned())).collect();
    let hint = if access.has_password { lang.access_password_kept() } else { lang.access_password_hint() };
    let password =
        Input::new(Kind::Secret, "password", lang.password()).optional().autocomplete("new-password").hint(hint);
    let guests =
        Input::new(Kind::Lines, "guests", lang.guests()).value(access.guests.join("\n")).hint(lang.guests_hint());
    let inputs = view! {
        {form.input(Input::choice("kind", lang.who_may_watch(), kinds).value(access.kind.as_str()))}
        {form.input(password)}
        {form.input(guests)}
        <button class="button button-primary">{lang.save()}</button>
    };
    view! {
        {panel("access", lang.who_may_watch(), form.done("stack", inputs.into_any()))}
        <p class="muted">{lang.access_text()}</p>
    }
    .into_any()
}
