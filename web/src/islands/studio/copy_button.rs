//! A value with a button that copies it.

use crate::{browser::studio as browser, words::Lang};
use leptos::prelude::*;
use std::time::Duration;

/// How long a button says that it has copied.
const COPIED_FOR: Duration = Duration::from_secs(2);

/// Copies what `text` gives at that moment. `subject` names it for those who only hear the button.
#[component]
pub fn CopyButton(lang: Lang, #[prop(into)] text: Signal<String>, subject: &'static str) -> impl IntoView {
    let copied = RwSignal::new(false);
    let on_click = move |_| {
        if browser::copy(&text.get_untracked()) {
            copied.set(true);
            browser::after(COPIED_FOR, move || copied.set(false));
        }
    };
    view! {
        <button type="button" class="button copy" on:click=on_click>
            <span aria-live="polite">{move || if copied.get() { lang.copied() } else { lang.copy() }}</span>
            <span class="visually-hidden">" " {subject}</span>
        </button>
    }
}

/// A read-only field of the page with a copy button.
#[island]
pub fn CopyField(lang: Lang, id: String, label: String, value: String) -> impl IntoView {
    let text = value.clone();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <div class="field-row">
                <input id=id class="mono" type="text" readonly value=value/>
                <CopyButton lang=lang text=Signal::stored(text) subject=lang.to_clipboard()/>
            </div>
        </div>
    }
}
