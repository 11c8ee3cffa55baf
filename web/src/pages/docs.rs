//! `/api/docs`: the API's own description (`/api/openapi.json`), to be read by people.

use super::{
    document::{Page, Visitor},
    parts::{self, Tone, words},
};
use crate::words::Lang;
use leptos::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// A type inside a type, inside …
const MAX_TYPE_DEPTH: usize = 6;

struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    about: &'a Value,
}

pub fn docs(visitor: &Visitor, document: &Value) -> Page {
    let lang = visitor.lang;
    let mut groups: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(about) = item.get(method) else { continue };
            let tag = about["tags"][0].as_str().unwrap_or("other");
            groups.entry(tag).or_default().push(Operation { method, path, about });
        }
    }
    let entry = |tag: &&str| view! { <a href=format!("#{tag}")>{(*tag).to_owned()}</a> };
    let contents = groups.keys().map(entry).collect_view();
    let sections = groups.into_iter().map(|(tag, operations)| group(lang, tag, operations)).collect_view();
    let schemas = document["components"]["schemas"].as_object();
    let schemas = schemas.into_iter().flatten().map(|(name, schema)| body_type(lang, name, schema)).collect_view();
    let body = view! {
        <div class="settled">
            <nav class="tabs" aria-label=lang.contents()>{contents} <a href="#types">{lang.types()}</a></nav>
            <div class="settled-body">
                <h1>{lang.api()}</h1>
                <p class="prose">{lang.api_text()}</p>
                <p><a class="button" href="/api/openapi.json">"OpenAPI 3.1"</a></p>
                {sections}
                <section class="stack" id="types" aria-labelledby="types-head"><h2 id="types-head">{lang.types()}</h2>{schemas}</section>
            </div>
        </div>
    };
    Page::plain(format!("{} · {}", lang.api(), visitor.instance.name), lang.api_text().to_owned(), body.into_any())
}

fn group(lang: Lang, tag: &str, operations: Vec<Operation<'_>>) -> AnyView {
    let head = format!("{tag}-head");
    let operations = operations.iter().map(|it| operation(lang, it)).collect_view();
    view! {
        <section class="stack" id=tag.to_owned() aria-labelledby=head.clone()><h2 id=head.clone()>{tag.to_owned()}</h2>{operations}</section>
    }
    .into_any()
}

fn operation(lang: Lang, operation: &Operation<'_>) -> AnyView {
    let Operation { method, path, about } = operation;
    let tone = match *method {
        "get" => Tone::Good,
        "delete" => Tone::Bad,
        _ => Tone::Warning,
    };
    let text = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
    let parameters: Vec<_> = about["parameters"].as_array().into_iter().flatten().map(parameter).collect();
    let parameters = (!parameters.is_empty()).then(|| {
        parts::table(lang, lang.parameters(), &[lang.name(), lang.place(), lang.kind(), lang.description()], parameters)
    });
    let request = content(&about["requestBody"]);
    let request = (!request.is_null()).then(|| view! { <p>{lang.request_body()} ": " {type_view(request)}</p> });
    let answer = |(status, response): (&String, &Value)| {
        let schema = content(response);
        let schema = (!schema.is_null()).then(|| type_view(schema));
        let text = response["description"].as_str().unwrap_or_default().to_owned();
        view! { <li><code>{status.clone()}</code> " " {schema} " " <span class="muted">{text}</span></li> }
    };
    let answers = about["responses"].as_object().into_iter().flatten().map(answer).collect_view();
    view! {
        <details class="row operation">
            <summary>
                <span class="operation-name">
                    {parts::badge(tone, method.to_uppercase())} " " <code>{(*path).to_owned()}</code>
                </span>
                <span class="muted">{text("summary")}</span>
            </summary>
            <p class="prose">{text("description")}</p>
            {parameters}
            {request}
            <div><p>{lang.answers()} ":"</p><ul class="answers">{answers}</ul></div>
        </details>
    }
    .into_any()
}

fn parameter(parameter: &Value) -> Vec<AnyView> {
    let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
    let name = view! { <code>{text("name")}</code> }.into_any();
    vec![name, words(text("in")), type_view(&parameter["schema"]), words(text("description"))]
}

/// The schema of the first kind of content.
fn content(body: &Value) -> &Value {
    let first = body["content"].as_object().and_then(|content| content.values().next());
    first.map_or(&Value::Null, |content| &content["schema"])
}

fn body_type(lang: Lang, name: &str, schema: &Value) -> AnyView {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let row = |(field, schema): (&String, &Value)| {
        let optional =
            (!required.contains(&field.as_str())).then(|| view! { " " <span class="muted">{lang.optional()}</span> });
        let name = view! { <code>{field.clone()}</code> {optional} }.into_any();
        vec![name, type_view(schema), words(schema["description"].as_str().unwrap_or_default())]
    };
    let fields: Vec<_> = schema["properties"].as_object().into_iter().flatten().map(row).collect();
    let body = match fields.is_empty() {
        true => type_view(schema),
        false => parts::table(lang, name, &[lang.name(), lang.kind(), lang.description()], fields),
    };
    let about = schema["description"].as_str().unwrap_or_default().to_owned();
    view! {
        <details class="row">
            <summary><code>{name.to_owned()}</code></summary>
            // A link to what is inside opens it.
            <div class="stack" id=format!("type-{name}")><p class="prose">{about}</p>{body}</div>
        </details>
    }
    .into_any()
}

fn type_view(schema: &Value) -> AnyView {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return view! { <a href=format!("#type-{name}")><code>{name.to_owned()}</code></a> }.into_any();
    }
    view! { <code>{type_name(schema, MAX_TYPE_DEPTH)}</code> }.into_any()
}

/// Such as `array of string`, or all values of an enumeration.
fn type_name(schema: &Value, depth: usize) -> String {
    if depth == 0 {
        return "…".to_owned();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return name.to_owned();
    }
    if let Some(value) = schema["const"].as_str() {
        return format!("“{value}”");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter_map(Value::as_str).map(|value| format!("“{value}”"));
        return values.collect::<Vec<_>>().join(" | ");
    }
    let choices = ["oneOf", "anyOf", "allOf"].into_iter().find_map(|key| schema[key].as_array());
    if let Some(choices) = choices {
        return choices.iter().map(|choice| type_name(choice, depth - 1)).collect::<Vec<_>>().join(" | ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("array of {}", type_name(&schema["items"], depth - 1)),
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        _ => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::type_name;
    use serde_json::json;

    #[test]
    fn types_have_names() {
        for (schema, name) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": ["string", "null"]}), "string | null"),
            (json!({"type": "array", "items": {"$ref": "#/components/schemas/Channel"}}), "array of Channel"),
            (json!({"enum": ["a", "b"]}), "“a” | “b”"),
            (json!({"anyOf": [{"$ref": "#/x/Picture"}, {"type": "null"}]}), "Picture | null"),
            (json!({"oneOf": [{"const": "low", "type": "string"}, {"const": "normal"}]}), "“low” | “normal”"),
            (json!(true), "any"),
        ] {
            assert_eq!(type_name(&schema, 6), name);
        }
    }
}
