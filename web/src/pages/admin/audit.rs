//! Who did what to whom, and why.

use super::AuditFilter;
use crate::pages::{
    document::Visitor,
    parts::{self, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{AuditEntry, Page as Listed};

pub fn audit(visitor: &Visitor, list: Listed<AuditEntry>, filter: AuditFilter) -> AnyView {
    let lang = visitor.lang;
    let input = |name: &'static str, label: &'static str, value: String| {
        view! { <div class="field"><label for=name>{label}</label><input type="text" id=name name=name value=value maxlength="64"/></div> }
    };
    let row = |it: &AuditEntry| {
        vec![
            parts::moment(lang, it.at_ms),
            words(it.actor.clone()),
            view! { <code>{it.action.clone()}</code> }.into_any(),
            words(format!("{} {}", it.target_kind, it.target)),
            words(it.reason.clone()),
            view! { <code class="answer">{it.request_id.clone()}</code> }.into_any(),
        ]
    };
    let heads = [lang.time(), lang.actor(), lang.action(), lang.target(), lang.reason(), lang.request()];
    let body = match list.items.is_empty() {
        true => parts::empty(lang.nothing_found(), lang.audit_text()),
        false => table(lang, lang.audit_log(), &heads, list.items.iter().map(row).collect()),
    };
    view! {
        <p class="muted">{lang.audit_text()}</p>
        <form class="filters">
            {input("actor", lang.actor(), filter.actor)}
            {input("target", lang.target(), filter.target)}
            {input("action", lang.action(), filter.action)}
            <button class="button">{lang.filter()}</button>
        </form>
        {body}
        {parts::more(lang, &visitor.here, list.next.as_deref())}
    }
    .into_any()
}
