//! Stream keys: one for each encoder, so that one can be taken away without the others.

use crate::pages::{
    document::Visitor,
    form::{Form, Input},
    parts::{self, confirmed, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, StreamKeyInfo};

pub fn keys(visitor: &Visitor, channel: &Channel, keys: Vec<StreamKeyInfo>) -> AnyView {
    let lang = visitor.lang;
    let base = format!("channels/{}/keys", channel.name);
    let create = Form::new(visitor, "key", format!("POST {base}")).once();
    let mut made = key_in(&create);
    let mut rows = Vec::new();
    for key in &keys {
        let rotate = Form::new(visitor, format!("rotate-{}", key.id), format!("POST {base}/{}/rotate", key.id)).once();
        made = made.or_else(|| key_in(&rotate));
        let button = view! { <button class="button button-danger">{lang.replace_key()}</button> };
        let rotate = confirmed(lang.replace(), lang.old_key_stops(), rotate.done("", button.into_any()));
        let revoke = Form::new(visitor, format!("revoke-{}", key.id), format!("DELETE {base}/{}", key.id));
        let button = view! { <button class="button button-danger">{lang.revoke()}</button> };
        let revoke = confirmed(lang.revoke(), lang.revoke_key_text(), revoke.done("", button.into_any()));
        rows.push(vec![
            words(if key.name.is_empty() { lang.key_without_name().to_owned() } else { key.name.clone() }),
            parts::date(lang, key.created_at_ms),
            key.last_used_at_ms.map_or_else(|| words(lang.never()), |at| parts::moment(lang, at)),
            view! { <div class="actions">{rotate}{revoke}</div> }.into_any(),
        ]);
    }
    let list = match rows.is_empty() {
        true => parts::empty(lang.no_keys(), lang.no_keys_text()),
        false => table(lang, lang.stream_keys(), &[lang.name(), lang.made(), lang.last_used(), ""], rows),
    };
    let name = Input::text("name", lang.name()).required().max(40).hint(lang.key_name_hint());
    let button = view! { <button class="button button-primary">{lang.create_key()}</button> };
    let input = create.input_with(name, button.into_any());
    let create = create.done("", input);
    view! {
        {made.map(|key| parts::shown_once(lang.stream_key(), lang.key_once(), key))}
        {panel("keys", lang.stream_keys(), list)}
        {panel("new-key", lang.create_key(), create)}
    }
    .into_any()
}

fn key_in(form: &Form<'_>) -> Option<String> {
    form.answer()?.get("key")?.as_str().map(str::to_owned)
}
