//! What the channel tells other servers, and what they answered.

use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, Tone, confirmed, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, Delivery, Webhook, WebhookEvent};

pub fn webhooks(visitor: &Visitor, channel: &Channel, webhooks: Vec<Webhook>) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "webhook", format!("POST channels/{}/webhooks", channel.name)).once();
    let secret = form.answer().and_then(|answer| answer.get("secret")?.as_str().map(str::to_owned));
    let events = WebhookEvent::ALL.iter().map(|it| (it.as_str().to_owned(), lang.webhook_event(*it).to_owned()));
    let inputs = view! {
        {form.input(Input::new(Kind::Url, "url", lang.webhook_url()).required().max(500).hint(lang.webhook_url_hint()))}
        {form.ticks("events", lang.events(), events.collect(), &[])}
        <button class="button button-primary">{lang.create_webhook()}</button>
    };
    let create = form.done("stack", inputs.into_any());
    let row = |it: &Webhook| {
        let href = format!("/dashboard/{}/webhooks/{}", channel.name, it.id);
        let events = it.events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
        vec![parts::link(href, it.url.clone()), words(events), state(visitor, it), parts::date(lang, it.created_at_ms)]
    };
    let heads = [lang.webhook_url(), lang.events(), lang.state(), lang.made()];
    let list = match webhooks.is_empty() {
        true => parts::empty(lang.no_webhooks(), lang.no_webhooks_text()),
        false => table(lang, lang.webhooks(), &heads, webhooks.iter().map(row).collect()),
    };
    view! {
        {secret.map(|secret| parts::shown_once(lang.webhook_secret(), lang.webhook_secret_once(), secret))}
        {panel("webhooks", lang.webhooks(), list)}
        {panel("new-webhook", lang.create_webhook(), create)}
    }
    .into_any()
}

fn state(visitor: &Visitor, webhook: &Webhook) -> AnyView {
    match webhook.disabled {
        true => parts::badge(Tone::Bad, visitor.lang.is_disabled()),
        false => parts::badge(Tone::Good, visitor.lang.is_on()),
    }
}

pub fn webhook(visitor: &Visitor, channel: &Channel, webhook: &Webhook, deliveries: Vec<Delivery>) -> AnyView {
    let lang = visitor.lang;
    let base = format!("channels/{}/webhooks/{}", channel.name, webhook.id);
    let test = Form::new(visitor, "test", format!("POST {base}/test")).once();
    let answer = test.answer().and_then(|answer| serde_json::from_value::<Delivery>(answer.clone()).ok());
    let answer = answer.map(|delivery| tested(visitor, &delivery));
    let button = view! { <button class="button button-primary">{lang.test_webhook()}</button> };
    let test = test.done("", button.into_any());
    let removal = Form::new(visitor, "removal", format!("DELETE {base}"));
    let removal = removal.next(format!("/dashboard/{}/webhooks", channel.name));
    let button = view! { <button class="button button-danger">{lang.delete()}</button> };
    let removal = confirmed(lang.delete(), lang.delete_account_question(), removal.done("", button.into_any()));
    let about = view! {
        <p class="mono">{webhook.url.clone()}</p>
        <p>{state(visitor, webhook)}</p>
        {answer}
        <div class="actions">{test}{removal}</div>
    };
    let row = |it: &Delivery| {
        vec![words(it.event.clone()), parts::moment(lang, it.created_at_ms), outcome(visitor, it), said(it)]
    };
    let heads = [lang.event(), lang.sent(), lang.state(), lang.answer()];
    let list = match deliveries.is_empty() {
        true => view! { <p class="muted">{lang.no_deliveries()}</p> }.into_any(),
        false => table(lang, lang.deliveries(), &heads, deliveries.iter().map(row).collect()),
    };
    view! {
        {panel("webhook", lang.webhook(), about.into_any())}
        {panel("deliveries", lang.deliveries(), list)}
    }
    .into_any()
}

fn tested(visitor: &Visitor, delivery: &Delivery) -> AnyView {
    let class = if delivery.delivered { "notice notice-good" } else { "notice notice-bad" };
    view! {
        <div class=class role="status">
            <p>{outcome(visitor, delivery)} " " {visitor.lang.took(delivery.took_ms)}</p>
            {said(delivery)}
        </div>
    }
    .into_any()
}

fn outcome(visitor: &Visitor, delivery: &Delivery) -> AnyView {
    let lang = visitor.lang;
    let status = delivery.status.map(|status| status.to_string()).unwrap_or_default();
    match (delivery.delivered, delivery.next_at_ms) {
        (true, _) => parts::badge(Tone::Good, format!("{} {status}", lang.delivered())),
        (false, Some(next)) => {
            let badge = parts::badge(Tone::Warning, format!("{} {status}", lang.tried_again()));
            view! { {badge} " " {parts::moment(lang, next)} }.into_any()
        }
        (false, None) => parts::badge(Tone::Bad, format!("{} {status}", lang.failed())),
    }
}

fn said(delivery: &Delivery) -> AnyView {
    view! { <code class="answer">{delivery.answer.clone()}</code> }.into_any()
}
