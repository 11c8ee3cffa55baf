//! A form is a call of the REST API, written in HTML. Its inputs are named after the JSON's fields,
//! each with how its text becomes a value; names with `_` in front say which call it is. `pages::form`
//! writes these names, `server::gateway` reads them.
//!
//! | input | value |
//! |---|---|
//! | `title` | text |
//! | `password:secret` | text that is never put into a page again |
//! | `limit:number` | a whole number; empty is `null` |
//! | `mature:bool` | true where one of the inputs of this name says `on` |
//! | `tags:words` | a list, parted by commas |
//! | `links:lines` | a list, an item on each line |
//! | `days:each` | a list of the values of all inputs of this name that are not empty |
//! | `starts:time` | a time as `2026-11-21T14:35` in UTC: milliseconds since the epoch; empty is `null` |
//! | `username:path` | no value: it takes the place of `{username}` in the call's path |
//! | `links.0.url` | in the first object of the list `links`; objects without any text are left out |
//!
//! A `?` at the end (`limit:number?`) leaves the field out when it is empty.

use crate::client::Error;
use serde_json::{Map, Value};

/// Inputs of a form, as the browser sent them.
pub type Fields = Vec<(String, String)>;

/// `METHOD path`, the path below `/api/v1/`.
pub const CALL: &str = "_call";
/// Which form of its page it is.
pub const FORM: &str = "_form";
/// Where to go after success; `{name}` stands for that field of the answer. Without it, back to the
/// page of the form.
pub const NEXT: &str = "_next";
/// The answer is shown on the page of the form, this once.
pub const ONCE: &str = "_once";

/// Random, of this rendering of the form.
pub const KEY: &str = "_key";

/// No form of ours is longer or deeper.
const MAX_FIELDS: usize = 512;
const MAX_DEPTH: usize = 4;
const MAX_ITEMS: usize = 100;

/// What became of a form that was just sent, for the page that shows it.
#[derive(Clone)]
pub struct Flash {
    pub form: String,
    /// Names without their types; secrets are left out.
    pub typed: Fields,
    pub outcome: Outcome,
}

#[derive(Clone)]
pub enum Outcome {
    Refused(Error),
    /// An answer that is shown once. May be a secret: never logged.
    Answer(Value),
}

/// The form's inputs do not make a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

struct Input<'a> {
    path: &'a str,
    kind: &'a str,
    optional: bool,
}

impl<'a> Input<'a> {
    fn parse(name: &'a str) -> Self {
        let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
        let (path, kind) = name.split_once(':').unwrap_or((name, "text"));
        Self { path, kind, optional }
    }
}

/// The value of one of the form's own fields.
pub fn control<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// What was typed, to be shown again.
pub fn typed(fields: &Fields) -> Fields {
    let shown = fields.iter().filter(|(name, _)| !name.starts_with('_'));
    let shown = shown.filter(|(name, _)| Input::parse(name).kind != "secret");
    shown.map(|(name, value)| (Input::parse(name).path.to_owned(), value.clone())).collect()
}

/// What was typed for `{name}` of the call's path.
pub fn in_path<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(field, _)| {
        let input = Input::parse(field);
        input.kind == "path" && input.path == name
    });
    found.map(|(_, value)| value.trim())
}

/// The JSON body that the inputs make.
pub fn body(fields: &Fields) -> Result<Value, Malformed> {
    if fields.len() > MAX_FIELDS {
        return Err(Malformed);
    }
    let mut body = Value::Object(Map::new());
    let mut done: Vec<&str> = Vec::new();
    for (name, _) in fields {
        if name.starts_with('_') || done.contains(&name.as_str()) {
            continue;
        }
        done.push(name);
        let input = Input::parse(name);
        if input.kind == "path" {
            continue;
        }
        let sent = || fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let last = sent().next_back().unwrap_or_default();
        if input.optional && sent().all(|value| value.trim().is_empty()) {
            continue;
        }
        let list = |items: &mut dyn Iterator<Item = &str>| {
            let items = items.map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        };
        let value = match input.kind {
            "text" => Value::String(one_kind_of_break(last)),
            "secret" => Value::String(last.to_owned()),
            "number" => number(last),
            "time" => time(last),
            "bool" => Value::Bool(sent().any(|value| value == "on")),
            "words" => list(&mut last.split(',')),
            "lines" => list(&mut last.lines()),
            "each" => list(&mut sent()),
            _ => return Err(Malformed),
        };
        let path: Vec<&str> = input.path.split('.').collect();
        if path.len() > MAX_DEPTH || path.iter().any(|step| step.is_empty()) {
            return Err(Malformed);
        }
        put(&mut body, &path, value)?;
    }
    drop_blank_items(&mut body);
    Ok(body)
}

/// Browsers send CR LF for each break of a line.
fn one_kind_of_break(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// What is no number goes on as the text it is, for the API to refuse with the field's name.
fn number(text: &str) -> Value {
    match text.trim() {
        "" => Value::Null,
        text => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}

fn time(text: &str) -> Value {
    match text.trim() {
        "" => Value::Null,
        text => parse_time(text).map_or_else(|| Value::String(text.to_owned()), Value::from),
    }
}

/// `2026-11-21T14:35`, with or without seconds, as milliseconds since the epoch.
fn parse_time(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.splitn(3, ':').map(|part| part.parse::<u32>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?);
    let possible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !possible {
        return None;
    }
    // Years from March on, so that the leap day is their last.
    let (year, month, day) = (i64::from(year) - i64::from(month <= 2), i64::from(month), i64::from(day));
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(((days * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60_000 + i64::from(second) * 1_000)
}

/// Puts `value` at `path`, making the objects and lists on the way there.
fn put(into: &mut Value, path: &[&str], value: Value) -> Result<(), Malformed> {
    let Some((step, rest)) = path.split_first() else {
        *into = value;
        return Ok(());
    };
    let slot = match step.parse::<usize>() {
        Ok(index) => {
            if into.is_null() {
                *into = Value::Array(Vec::new());
            }
            let items = into.as_array_mut().ok_or(Malformed)?;
            if index >= MAX_ITEMS {
                return Err(Malformed);
            }
            while items.len() <= index {
                items.push(Value::Null);
            }
            items.get_mut(index).ok_or(Malformed)?
        }
        Err(_) => {
            if into.is_null() {
                *into = Value::Object(Map::new());
            }
            into.as_object_mut().ok_or(Malformed)?.entry(*step).or_insert(Value::Null)
        }
    };
    put(slot, rest, value)
}

/// A row of inputs that nobody filled in is no item of its list.
fn drop_blank_items(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(drop_blank_items),
        Value::Array(items) => {
            items.iter_mut().for_each(drop_blank_items);
            items.retain(|item| !blank(item) || item.is_string());
        }
        _ => {}
    }
}

fn blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(fields) => fields.values().all(blank),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn inputs_become_values() {
        let rows: &[(&[(&str, &str)], Value)] = &[
            (&[("_call", "POST x"), ("title", "a\r\nb")], json!({"title": "a\nb"})),
            (&[("limit:number", " 12 ")], json!({"limit": 12})),
            (&[("limit:number", "")], json!({"limit": null})),
            (&[("limit:number?", "")], json!({})),
            (&[("limit:number", "many")], json!({"limit": "many"})),
            (&[("title?", " ")], json!({})),
            (&[("username:path", "ada"), ("role", "editor")], json!({"role": "editor"})),
            (&[("mature:bool", "")], json!({"mature": false})),
            (&[("mature:bool", ""), ("mature:bool", "on")], json!({"mature": true})),
            (&[("tags:words", "a, b,,c ")], json!({"tags": ["a", "b", "c"]})),
            (&[("urls:lines", "a\r\n\r\nb\r\n")], json!({"urls": ["a", "b"]})),
            (&[("days:each", ""), ("days:each", "mon"), ("days:each", "fri")], json!({"days": ["mon", "fri"]})),
            (&[("days:each", "")], json!({"days": []})),
            (&[("at:time", "1970-01-02T00:01")], json!({"at": 86_460_000})),
            (&[("at:time", "2026-11-21T14:35:47")], json!({"at": 1_795_271_747_000_i64})),
            (&[("at:time", "2026-13-21T14:35")], json!({"at": "2026-13-21T14:35"})),
            (
                &[("l.0.url", "u"), ("l.0.t", "t"), ("l.1.url", ""), ("l.1.t", ""), ("l.2.url", "v")],
                json!({"l": [{"url": "u", "t": "t"}, {"url": "v"}]}),
            ),
            (&[("limits.rate:number", "3"), ("limits.name", "x")], json!({"limits": {"rate": 3, "name": "x"}})),
        ];
        for (sent, expected) in rows {
            assert_eq!(body(&fields(sent)).as_ref(), Ok(expected), "{sent:?}");
        }
    }

    #[test]
    fn what_is_no_form_of_ours_is_refused() {
        for sent in [
            &[("a:what", "1")][..],
            &[("a.b.c.d.e", "1")],
            &[("a..b", "1")],
            &[("a.100", "1")],
            &[("a", "1"), ("a.b", "1")],
            &[("0", "1")],
        ] {
            assert_eq!(body(&fields(sent)), Err(Malformed), "{sent:?}");
        }
    }

    #[test]
    fn secrets_are_not_shown_again() {
        let sent =
            fields(&[("_call", "POST login"), ("username", "ada"), ("password:secret", "x"), ("n:number?", "1")]);
        assert_eq!(typed(&sent), fields(&[("username", "ada"), ("n", "1")]));
    }

    proptest! {
        #[test]
        fn no_form_panics(sent in prop::collection::vec(("[a-c0-2.:?_]{0,8}(:(number|time|bool|words|each))?", ".{0,20}"), 0..12)) {
            let _ = body(&sent);
            let _ = typed(&sent);
        }
    }
}
