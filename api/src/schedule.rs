//! When a channel means to be live: local times of a time zone, worked out to moments when
//! somebody asks. The working out is a pure function.

use crate::check;
use crate::docs::{Answer, Created, Done, op};
use crate::refusal::Refusal;
use crate::request::{Body, Caller, InPath, Origin, Params};
use crate::{App, channels, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, TimeDelta, Utc};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus};
use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{Occurrence, Repeat, Schedule, ScheduleEdit, ScheduleEntry, Weekday};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;

const DAY_MS: i64 = 24 * 3600 * 1000;
const MAX_DAYS: u32 = 92;
const MAX_ENTRIES: usize = 50;
const MAX_SKIPS: usize = 200;
const MAX_MINUTES: u32 = 24 * 60;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/schedule",
            get_with(show, op("schedule", "When a channel means to be live"))
                .post_with(add, op("schedule", "Plan a broadcast, or many")),
        )
        .api_route(
            "/channels/{name}/schedule/{id}",
            put_with(set, op("schedule", "Change a plan")).delete_with(remove, op("schedule", "Drop a plan")),
        )
        .api_route(
            "/channels/{name}/schedule/{id}/skips/{date}",
            put_with(skip, op("schedule", "Leave one date out"))
                .delete_with(unskip, op("schedule", "Bring a date back")),
        )
        .route("/channels/{name}/schedule.ics", axum::routing::get(feed))
}

#[derive(Deserialize, JsonSchema)]
struct Days {
    /// Milliseconds since the Unix epoch; now, when absent.
    from_ms: Option<i64>,
    /// At most 92; 14 when absent.
    days: Option<u32>,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Params(span): Params<Days>,
) -> Result<Json<Schedule>, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
    let from_ms = span.from_ms.unwrap_or_else(now_ms);
    let to_ms = from_ms.saturating_add(i64::from(span.days.unwrap_or(14).min(MAX_DAYS)) * DAY_MS);
    Ok(Json(plan(&app, &channel.id, from_ms, to_ms).await?))
}

async fn plan(app: &App, channel_id: &str, from_ms: i64, to_ms: i64) -> Result<Schedule, Refusal> {
    let entries = app.store.schedule(channel_id).await?;
    let names: HashMap<String, String> =
        app.store.categories().await?.into_iter().map(|category| (category.slug, category.name)).collect();
    let mut occurrences: Vec<Occurrence> =
        entries.iter().flat_map(|entry| occurrences(entry, from_ms, to_ms)).collect();
    for occurrence in &mut occurrences {
        occurrence.category = names.get(&occurrence.category).cloned().unwrap_or_default();
    }
    occurrences.sort_by_key(|occurrence| occurrence.starts_at_ms);
    Ok(Schedule { entries, occurrences })
}

/// What of an entry falls into a time, skipped ones too; the category as a slug. Times that a
/// change to daylight saving leaves out happen an hour later, those that happen twice the first
/// time.
pub fn occurrences(entry: &ScheduleEntry, from_ms: i64, to_ms: i64) -> Vec<Occurrence> {
    let Some(parsed) = Parsed::new(&entry.edit) else { return vec![] };
    let date_of = |ms: i64, shift: Span| {
        let moment = jiff::Timestamp::from_millisecond(ms).ok()?;
        moment.to_zoned(parsed.zone.clone()).date().checked_add(shift).ok()
    };
    // A day more on each side: one may begin on the day before and last into this one.
    let (Some(first), Some(last)) = (date_of(from_ms, -2.days()), date_of(to_ms, 1.day())) else { return vec![] };
    let start = parsed.start.date();
    let last = parsed.until.map_or(last, |until| last.min(until));
    let last = if entry.edit.repeat == Repeat::Once { last.min(start) } else { last };
    let mut found = vec![];
    let mut date = first.max(start);
    while date <= last {
        if parsed.falls_on(&entry.edit, date)
            && let Ok(starts) = date.to_datetime(parsed.start.time()).to_zoned(parsed.zone.clone())
        {
            let starts_at_ms = starts.timestamp().as_millisecond();
            let ends_at_ms = starts_at_ms + i64::from(entry.edit.minutes) * 60_000;
            if ends_at_ms > from_ms && starts_at_ms < to_ms {
                let date = date.to_string();
                found.push(Occurrence {
                    entry: entry.id.clone(),
                    title: entry.edit.title.clone(),
                    category: entry.edit.category.clone(),
                    starts_at_ms,
                    ends_at_ms,
                    skipped: entry.skips.contains(&date),
                    date,
                });
            }
        }
        let Ok(next) = date.tomorrow() else { break };
        date = next;
    }
    found
}

struct Parsed {
    start: civil::DateTime,
    zone: TimeZone,
    until: Option<Date>,
}

impl Parsed {
    fn new(edit: &ScheduleEdit) -> Option<Self> {
        let until = if edit.until.is_empty() { None } else { Some(edit.until.parse().ok()?) };
        Some(Self { start: edit.start.parse().ok()?, zone: TimeZone::get(&edit.time_zone).ok()?, until })
    }

    fn falls_on(&self, edit: &ScheduleEdit, date: Date) -> bool {
        let weekday = weekday(date);
        let on_weekday = match edit.weekdays.is_empty() {
            true => weekday == self::weekday(self.start.date()),
            false => edit.weekdays.contains(&weekday),
        };
        let monday = |date: Date| {
            let back = i64::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(back.days()).unwrap_or(date)
        };
        let weeks = || monday(self.start.date()).until(monday(date)).map_or(0, |span| span.get_days() / 7);
        match edit.repeat {
            Repeat::Once => date == self.start.date(),
            Repeat::Daily => true,
            Repeat::Weekly => on_weekday,
            Repeat::Fortnightly => on_weekday && weeks() % 2 == 0,
        }
    }
}

fn weekday(date: Date) -> Weekday {
    Weekday::ALL[date.weekday().to_monday_zero_offset() as usize % 7]
}

async fn checked(app: &App, edit: ScheduleEdit) -> Result<ScheduleEdit, Refusal> {
    let title = check::some_line("title", &edit.title, 140)?;
    check::between("minutes", edit.minutes, 1, MAX_MINUTES)?;
    check::count("weekdays", edit.weekdays.len(), 7)?;
    let start: civil::DateTime = edit
        .start
        .trim()
        .parse()
        .map_err(|_| Refusal::field("start", "bad_time", "This is no date and time such as 2026-11-22T20:00."))?;
    if !(2000..=2100).contains(&start.year()) {
        return Err(Refusal::field("start", "bad_time", "This is no time of our days."));
    }
    if TimeZone::get(&edit.time_zone).is_err() {
        return Err(Refusal::field("time_zone", "bad_zone", "This is no time zone such as Europe/Berlin."));
    }
    let until = edit.until.trim();
    if !until.is_empty() {
        let last: Date =
            until.parse().map_err(|_| Refusal::field("until", "bad_date", "This is no date such as 2026-12-31."))?;
        if last < start.date() {
            return Err(Refusal::field("until", "bad_date", "The last date comes before the first."));
        }
    }
    if !edit.category.is_empty() && app.store.category(&edit.category).await?.is_none() {
        return Err(Refusal::field("category", "unknown", "There is no such category."));
    }
    let start = start.strftime("%Y-%m-%dT%H:%M").to_string();
    Ok(ScheduleEdit { title, start, until: until.to_owned(), ..edit })
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Body(edit): Body<ScheduleEdit>,
) -> Result<Created<ScheduleEntry>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let edit = checked(&app, edit).await?;
    if app.store.schedule(&channel.id).await?.len() >= MAX_ENTRIES {
        let detail = format!("A schedule has at most {MAX_ENTRIES} entries; remove one that is over.");
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many_entries", detail));
    }
    Ok(Answer::new(app.store.add_schedule_entry(&channel.id, edit, now_ms()).await?))
}

async fn stored(app: &App, channel_id: &str, id: &str) -> Result<ScheduleEntry, Refusal> {
    app.store.schedule_entry(channel_id, id).await?.ok_or_else(Refusal::not_found)
}

async fn set(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id)): Path<(String, String)>,
    Body(edit): Body<ScheduleEdit>,
) -> Result<Json<ScheduleEntry>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let entry = stored(&app, &channel.id, &id).await?;
    let entry = ScheduleEntry { edit: checked(&app, edit).await?, ..entry };
    app.store.set_schedule_entry(&channel.id, &entry).await?;
    Ok(Json(entry))
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id)): Path<(String, String)>,
) -> Result<Done, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    match app.store.delete_schedule_entry(&channel.id, &id).await? {
        true => Ok(Done::default()),
        false => Err(Refusal::not_found()),
    }
}

async fn skip(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id, date)): Path<(String, String, String)>,
) -> Result<Json<ScheduleEntry>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let mut entry = stored(&app, &channel.id, &id).await?;
    let date: Date = date.parse().map_err(|_| Refusal::not_found())?;
    let date = date.to_string();
    check::count("date", entry.skips.len(), MAX_SKIPS)?;
    if !entry.skips.contains(&date) {
        entry.skips.push(date);
        app.store.set_schedule_entry(&channel.id, &entry).await?;
    }
    Ok(Json(entry))
}

async fn unskip(
    State(app): State<App>,
    caller: Caller,
    InPath(channel): InPath,
    Path((_, id, date)): Path<(String, String, String)>,
) -> Result<Json<ScheduleEntry>, Refusal> {
    caller.may_in(&app, &channel, Action::EditChannel).await?;
    let mut entry = stored(&app, &channel.id, &id).await?;
    entry.skips.retain(|skipped| *skipped != date);
    app.store.set_schedule_entry(&channel.id, &entry).await?;
    Ok(Json(entry))
}

/// Each occurrence is an event of its own, in UTC: that is right in every calendar, whatever it
/// knows of time zones.
async fn feed(
    State(app): State<App>,
    origin: Origin,
    caller: Caller,
    InPath(channel): InPath,
) -> Result<impl IntoResponse, Refusal> {
    channels::visible(&app, &caller, &channel).await?;
    let now_ms = now_ms();
    let plan = plan(&app, &channel.id, now_ms - 14 * DAY_MS, now_ms + i64::from(MAX_DAYS) * DAY_MS).await?;
    let home = origin.url(&format!("/{}", channel.name));
    let host = origin.authority.as_ref().map_or("localhost", |authority| authority.host());
    let calendar = calendar(channel.shown_name(), &home, host, &plan.occurrences);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], calendar.to_string()))
}

fn calendar(name: &str, home: &str, host: &str, occurrences: &[Occurrence]) -> Calendar {
    let mut calendar = Calendar::new();
    calendar.name(name).ttl(&TimeDelta::hours(1));
    for occurrence in occurrences {
        let time = DateTime::<Utc>::from_timestamp_millis;
        let (Some(starts), Some(ends)) = (time(occurrence.starts_at_ms), time(occurrence.ends_at_ms)) else { continue };
        let mut event = Event::new();
        event
            .uid(&format!("{}-{}@{host}", occurrence.entry, occurrence.date))
            .summary(&occurrence.title)
            .starts(starts)
            .ends(ends)
            .url(home)
            .status(if occurrence.skipped { EventStatus::Cancelled } else { EventStatus::Confirmed });
        if !occurrence.category.is_empty() {
            event.add_property("CATEGORIES", &occurrence.category);
        }
        calendar.push(event.done());
    }
    calendar.done()
}
