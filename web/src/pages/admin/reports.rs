//! The queue of reports, the oldest open one first.

use crate::pages::{
    document::Visitor,
    form::{Form, Input},
    parts::{self, Tone},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Page as Listed, Report, ReportState};

pub fn reports(visitor: &Visitor, list: Listed<Report>, state: ReportState) -> AnyView {
    let lang = visitor.lang;
    let address = |state: ReportState| format!("/admin/reports?state={}", state.as_str());
    let filters = ReportState::ALL.iter().map(|it| (address(*it), lang.report_state(*it).to_owned())).collect();
    let body = match list.items.is_empty() {
        true => parts::empty(lang.no_reports(), lang.no_reports_text()),
        false => list.items.iter().map(|it| report(visitor, it)).collect_view().into_any(),
    };
    view! {
        {parts::tabs(lang.state(), &address(state), filters)}
        <div class="rows">{body}</div>
        {parts::more(lang, &visitor.here, list.next.as_deref())}
    }
    .into_any()
}

fn report(visitor: &Visitor, it: &Report) -> AnyView {
    let lang = visitor.lang;
    let after = match it.state {
        ReportState::Open => resolution(visitor, it),
        _ => view! { <p class="muted">{lang.resolved_by(&it.resolved_by)} " " {it.note.clone()}</p> }.into_any(),
    };
    view! {
        <article class="panel">
            <div class="page-head">
                <h2><a href=format!("/{}", it.channel)>{it.channel.clone()}</a></h2>
                {parts::badge(Tone::Warning, lang.report_reason(it.reason))}
            </div>
            <p class="prose">{it.text.clone()}</p>
            <p class="muted">{lang.reported_by(&it.reporter)} " · " {parts::moment(lang, it.created_at_ms)}</p>
            {after}
            <p><a href=format!("/admin/channels?q={}", it.channel)>{lang.act_on_channel()}</a></p>
        </article>
    }
    .into_any()
}

fn resolution(visitor: &Visitor, it: &Report) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, format!("resolve-{}", it.id), format!("POST admin/reports/{}/resolve", it.id));
    let states = [ReportState::Acted, ReportState::Dismissed];
    let states = states.map(|it| (it.as_str().to_owned(), lang.report_state(it).to_owned())).to_vec();
    let inputs = view! {
        <div class="pair">
            {form.input(Input::choice("state", lang.outcome(), states))}
            {form.input(Input::text("note", lang.note()).max(500))}
        </div>
        <button class="button">{lang.close_report()}</button>
    };
    form.done("stack", inputs.into_any())
}
