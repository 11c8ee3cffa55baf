//! `/notifications`: what happened on channels that the visitor follows.

use super::{
    document::{Page, Visitor},
    form::Form,
    parts::{self, AvatarSize, Tone},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Notification, NotificationKind, Page as Listed};

pub fn notifications(visitor: &Visitor, list: Listed<Notification>) -> Page {
    let lang = visitor.lang;
    let unseen = list.items.iter().any(|it| !it.seen);
    let seen = unseen.then(|| {
        let form = Form::new(visitor, "seen", "POST me/notifications/seen").next("/notifications");
        form.done("", view! { <button class="button">{lang.mark_seen()}</button> }.into_any())
    });
    let entry = |it: &Notification| {
        let NotificationKind::Live = it.kind;
        let new = (!it.seen).then(|| parts::badge(Tone::Good, lang.is_new()));
        view! {
            <li>
                <a class="chip" href=format!("/{}", it.channel)>
                    {parts::avatar(&it.channel, it.avatar.as_ref(), AvatarSize::Small)}
                    <span class="card-lines">
                        <strong>{lang.went_live(&it.display_name)}</strong>
                        <span class="muted chip-title">{it.title.clone()}</span>
                        <span class="muted">{parts::moment(lang, it.at_ms)}</span>
                    </span>
                    {new}
                </a>
            </li>
        }
    };
    let body = match list.items.is_empty() {
        true => parts::empty(lang.no_notifications(), lang.no_notifications_text()),
        false => view! { <ul class="lines">{list.items.iter().map(entry).collect_view()}</ul> }.into_any(),
    };
    let body = view! {
        <div class="narrow stack">
            <div class="page-head">
                <h1>{lang.notifications()}</h1>
                <div class="actions">
                    {seen}
                    <a class="button button-quiet" href="/settings/notifications">{lang.account_settings()}</a>
                </div>
            </div>
            {body}
            {parts::more(lang, &visitor.here, list.next.as_deref())}
        </div>
    };
    let title = format!("{} · {}", lang.notifications(), visitor.instance.name);
    Page::plain(title, lang.no_notifications_text().to_owned(), body.into_any())
}
