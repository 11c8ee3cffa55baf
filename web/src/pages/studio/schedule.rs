//! When the channel means to be live: what is planned, what comes of it, and a form for each entry.

use super::profile::category_choices;
use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, Tone, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Category, Channel, Occurrence, Repeat, Schedule, ScheduleEdit, ScheduleEntry, Weekday};

pub fn schedule(visitor: &Visitor, channel: &Channel, schedule: Schedule, categories: Vec<Category>) -> AnyView {
    let lang = visitor.lang;
    let base = format!("channels/{}/schedule", channel.name);
    let choices = category_choices(visitor, categories);
    let entry = |entry: &ScheduleEntry| {
        let form = Form::new(visitor, format!("entry-{}", entry.id), format!("PUT {base}/{}", entry.id));
        let open = form.has_news();
        let removal = Form::new(visitor, format!("removal-{}", entry.id), format!("DELETE {base}/{}", entry.id));
        let button = view! { <button class="button button-quiet">{lang.delete()}</button> };
        let summary = format!("{} · {}", entry.edit.title, lang.repeat(entry.edit.repeat));
        view! {
            <details class="row" open=open>
                <summary>{summary}</summary>
                {entry_form(visitor, form, Some(&entry.edit), choices.clone())}
                {removal.done("", button.into_any())}
            </details>
        }
    };
    let entries = match schedule.entries.is_empty() {
        true => parts::empty(lang.no_entries(), lang.no_entries_text()),
        false => schedule.entries.iter().map(entry).collect_view().into_any(),
    };
    let new = entry_form(visitor, Form::new(visitor, "entry", format!("POST {base}")), None, choices.clone());
    view! {
        {panel("entries", lang.entries(), entries)}
        {panel("coming", lang.coming(), coming(visitor, &base, &schedule.occurrences))}
        {panel("new-entry", lang.new_entry(), new)}
        {zones()}
    }
    .into_any()
}

fn entry_form(
    visitor: &Visitor,
    form: Form<'_>,
    entry: Option<&ScheduleEdit>,
    categories: Vec<(String, String)>,
) -> AnyView {
    let lang = visitor.lang;
    let of = |value: fn(&ScheduleEdit) -> String| entry.map(value).unwrap_or_default();
    let repeats = Repeat::ALL.iter().map(|it| (it.as_str().to_owned(), lang.repeat(*it).to_owned())).collect();
    let weekdays = Weekday::ALL.iter().zip(0..).map(|(it, day)| (it.as_str().to_owned(), lang.weekday(day).to_owned()));
    let on: Vec<String> =
        entry.map(|it| it.weekdays.iter().map(|day| day.as_str().to_owned()).collect()).unwrap_or_default();
    let minutes = entry.map_or_else(|| "120".to_owned(), |it| it.minutes.to_string());
    let repeat = entry.map_or(Repeat::Weekly, |it| it.repeat).as_str();
    let zone =
        Input::text("time_zone", lang.time_zone()).value(of(|it| it.time_zone.clone())).required().list(ZONES_ID);
    let inputs = view! {
        {form.input(Input::text("title", lang.title()).value(of(|it| it.title.clone())).required().max(140))}
        {form.input(Input::choice("category", lang.category(), categories).value(of(|it| it.category.clone())))}
        <div class="pair">
            {form.input(Input::new(Kind::LocalTime, "start", lang.starts()).value(of(|it| it.start.clone())).required())}
            {form.input(zone.hint(lang.time_zone_hint()))}
        </div>
        <div class="pair">
            {form.input(Input::new(Kind::Number, "minutes", lang.minutes()).value(minutes).required())}
            {form.input(Input::choice("repeat", lang.repeats(), repeats).value(repeat))}
        </div>
        {form.ticks("weekdays", lang.weekdays(), weekdays.collect(), &on)}
        {form.input(Input::new(Kind::Date, "until", lang.until()).value(of(|it| it.until.clone())).hint(lang.until_hint()))}
        <button class="button button-primary">{lang.save()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn coming(visitor: &Visitor, base: &str, occurrences: &[Occurrence]) -> AnyView {
    let lang = visitor.lang;
    if occurrences.is_empty() {
        return parts::empty(lang.nothing_planned(), lang.nothing_planned_text());
    }
    let row = |it: &Occurrence| {
        let (method, text) = if it.skipped { ("DELETE", lang.bring_back()) } else { ("PUT", lang.skip_it()) };
        let call = format!("{method} {base}/{}/skips/{}", it.entry, it.date);
        let form = Form::new(visitor, format!("skip-{}-{}", it.entry, it.date), call);
        let button = view! { <button class="button button-quiet">{text}</button> };
        let state = it.skipped.then(|| parts::badge(Tone::Warning, lang.is_skipped()));
        let title = view! { {it.title.clone()} " " {state} }.into_any();
        vec![
            parts::moment(lang, it.starts_at_ms),
            title,
            words(lang.duration(it.ends_at_ms - it.starts_at_ms)),
            form.done("", button.into_any()),
        ]
    };
    let heads = [lang.starts(), lang.title(), lang.length(), ""];
    table(lang, lang.coming(), &heads, occurrences.iter().map(row).collect())
}

const ZONES_ID: &str = "time-zones";

/// Suggestions; any other name of the time zone database is as good.
const ZONES: [&str; 30] = [
    "UTC",
    "Europe/Berlin",
    "Europe/Vienna",
    "Europe/Zurich",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Paris",
    "Europe/Madrid",
    "Europe/Rome",
    "Europe/Amsterdam",
    "Europe/Stockholm",
    "Europe/Warsaw",
    "Europe/Athens",
    "Europe/Kyiv",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Toronto",
    "America/Mexico_City",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Lagos",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Australia/Sydney",
];

fn zones() -> AnyView {
    let option = |zone: &str| view! { <option value=zone.to_owned()></option> };
    view! { <datalist id=ZONES_ID>{ZONES.iter().copied().map(option).collect_view()}</datalist> }.into_any()
}
