use super::*;
use schemars::schema_for;

#[test]
fn every_document_has_a_schema_that_names_its_fields() {
    let layer = serde_json::to_value(schema_for!(Layer)).unwrap();
    let kinds = layer["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), 13);
    for kind in kinds {
        assert_eq!(kind["additionalProperties"], json!(false));
        assert!(kind["properties"]["transform"].is_object() && kind["properties"]["kind"]["const"].is_string());
    }
    let text = kinds.iter().find(|kind| kind["title"] == "text").unwrap();
    assert!(text["properties"]["text"].is_object() && text["properties"]["font"].is_object());
    for (schema, field) in [
        (schema_for!(Batch), "changes"),
        (schema_for!(Document), "layers"),
        (schema_for!(Animation), "effect"),
        (schema_for!(Applied), "revision"),
        (schema_for!(Error), "code"),
    ] {
        assert!(serde_json::to_value(schema).unwrap()["properties"][field].is_object(), "{field}");
    }
    assert!(serde_json::to_value(schema_for!(Event)).unwrap()["oneOf"].is_array());
}

/// What is written has no field that the schema does not know.
#[test]
fn what_is_written_fits_the_schema() {
    let layer = serde_json::to_value(schema_for!(Layer)).unwrap();
    let minimal = [
        json!({ "kind": "group" }),
        json!({ "kind": "image", "asset": "x" }),
        rect("x"),
        json!({ "kind": "text", "text": "" }),
        json!({ "kind": "clock" }),
        json!({ "kind": "countdown", "to": "2026-01-01T00:00:00Z" }),
        json!({ "kind": "sprite", "states": [{ "asset": "x" }] }),
        json!({ "kind": "feed" }),
        json!({ "kind": "chart" }),
        json!({ "kind": "ticker" }),
        json!({ "kind": "qr", "data": "x" }),
        json!({ "kind": "video", "input": "x" }),
        json!({ "kind": "chat" }),
    ];
    for document in minimal {
        let read = Layer::parse(with(document.clone(), json!({ "id": "x" }))).unwrap_or_else(|error| panic!("{error}"));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(Layer::parse(written.clone()), Ok(read));
        let schema = layer["oneOf"].as_array().unwrap().iter().find(|kind| kind["title"] == document["kind"]).unwrap();
        for field in written.as_object().unwrap().keys() {
            assert!(schema["properties"][field].is_object(), "{} {field}", document["kind"]);
        }
        for field in schema["required"].as_array().unwrap() {
            assert!(written.get(field.as_str().unwrap()).is_some(), "{} {field}", document["kind"]);
        }
    }
}
