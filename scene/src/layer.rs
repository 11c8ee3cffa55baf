//! A layer: what every kind has, and its content.

use crate::color::Color;
use crate::content::{Content, Fields, Geometry, split};
use crate::error::{Code, Error, parse};
use crate::id::Id;
use crate::limits::{Check, MAX_LINES};
use crate::property::{LENGTH, PLACE, Property, Range, UNIT, Value, Visit};
use crate::transform::Transform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

const BLUR: Range = (0.0, 200.0);
/// The names of [`Base`]'s fields.
const BASE_KEYS: [&str; 14] = [
    "id",
    "parent",
    "z",
    "visible",
    "opacity",
    "blend",
    "transform",
    "crop",
    "corner_radius",
    "shadow",
    "mask",
    "exclude",
    "only",
    "name",
];

/// What every layer has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Base {
    pub id: Id,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The group that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Id>,
    /// Within its group: higher ones are in front. Of equals, the later one is.
    #[serde(default)]
    pub z: i32,
    #[serde(default = "visible")]
    pub visible: bool,
    #[serde(default = "opaque")]
    pub opacity: f64,
    #[serde(default)]
    pub blend: Blend,
    #[serde(default)]
    pub transform: Transform,
    #[serde(default)]
    pub crop: Crop,
    /// In pixels of the layer before it is scaled.
    #[serde(default)]
    pub corner_radius: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Mask>,
    /// Views that it is not part of: names that outputs give as theirs, or `main`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Id>,
    /// The views that it is part of; without any, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Id>,
}

impl Base {
    pub(crate) fn is_in(&self, view: &str) -> bool {
        let has = |list: &[Id]| list.iter().any(|name| name.as_str() == view);
        !has(&self.exclude) && (self.only.is_empty() || has(&self.only))
    }
}

fn visible() -> bool {
    true
}

fn opaque() -> f64 {
    1.0
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blend {
    #[default]
    Normal,
    Multiply,
    Screen,
    Additive,
}

/// Pixels that are cut off the layer's edges, before it is scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Crop {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shadow {
    pub color: Color,
    /// In pixels of the layer: the standard deviation of the blur.
    pub blur: f64,
    pub x: f64,
    pub y: f64,
}

impl Default for Shadow {
    fn default() -> Self {
        Self { color: Color::BLACK.with_alpha(140), blur: 12.0, x: 0.0, y: 6.0 }
    }
}

/// What of the layer is seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mask {
    /// Where another layer is, visible or not, as far as it is opaque.
    Layer(Id),
    /// Within a shape, in pixels of the layer before it is scaled.
    Shape(Geometry),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub base: Base,
    pub content: Arc<Content>,
}

impl Layer {
    /// Reads a layer's document, with all that can be checked of one layer alone.
    pub fn parse(document: serde_json::Value) -> Result<Self, Error> {
        let serde_json::Value::Object(mut fields) = document else {
            return Err(Error::new(Code::Invalid, "", "a layer is an object"));
        };
        let base: Base = parse(split(&mut fields, &BASE_KEYS))?;
        let kind = match fields.remove("kind") {
            Some(serde_json::Value::String(kind)) => kind,
            _ => return Err(Error::new(Code::Invalid, "/kind", "a layer has a kind")),
        };
        let content = Arc::new(Content::parse(&kind, fields)?);
        let mut layer = Self { base, content };
        let mut check = Check::default();
        layer.visit(&mut |path, property| property.check(path, &mut check));
        check.text("/name", &layer.base.name, crate::limits::MAX_LABEL_CHARS);
        check.count("/exclude", layer.base.exclude.len(), MAX_LINES);
        check.count("/only", layer.base.only.len(), MAX_LINES);
        if let Some(Mask::Shape(geometry)) = &mut layer.base.mask {
            geometry.visit(&mut |path, property| {
                property.check(&format!("mask.shape.{}", path.trim_start_matches("geometry.")), &mut check);
            });
        }
        layer.content.check(&mut check);
        check.done()?;
        Ok(layer)
    }

    /// As a document.
    pub fn fields(&self) -> serde_json::Result<Fields> {
        let mut fields = self.content.fields()?;
        fields.insert("kind".to_owned(), self.content.kind().into());
        if let serde_json::Value::Object(base) = serde_json::to_value(&self.base)? {
            fields.extend(base);
        }
        Ok(fields)
    }

    /// The layer after `patch`, as RFC 7396 has it.
    pub(crate) fn patched(&self, patch: &Fields) -> Result<Self, Error> {
        for key in ["id", "kind", "parent"] {
            if patch.contains_key(key) {
                let how = if key == "parent" { "is changed by a move" } else { "cannot be changed" };
                return Err(Error::new(Code::ReadOnly, format!("/{key}"), how));
            }
        }
        let fields = self.fields().map_err(|error| Error::new(Code::Invalid, "", error.to_string()))?;
        let mut document = serde_json::Value::Object(fields);
        merge(&mut document, &serde_json::Value::Object(patch.clone()));
        Self::parse(document)
    }

    pub fn is_group(&self) -> bool {
        matches!(*self.content, Content::Group(_))
    }

    /// Shows each property to `visit`.
    fn visit(&mut self, visit: &mut Visit<'_>) {
        self.visit_base(visit);
        Arc::make_mut(&mut self.content).visit(visit);
    }

    fn visit_base(&mut self, visit: &mut Visit<'_>) {
        let base = &mut self.base;
        visit("opacity", Property::Number(&mut base.opacity, UNIT));
        base.transform.visit(visit);
        visit("crop.left", Property::Number(&mut base.crop.left, PLACE_ON));
        visit("crop.top", Property::Number(&mut base.crop.top, PLACE_ON));
        visit("crop.right", Property::Number(&mut base.crop.right, PLACE_ON));
        visit("crop.bottom", Property::Number(&mut base.crop.bottom, PLACE_ON));
        visit("corner_radius", Property::Number(&mut base.corner_radius, LENGTH));
        if let Some(shadow) = &mut base.shadow {
            visit("shadow.color", Property::Color(&mut shadow.color));
            visit("shadow.blur", Property::Number(&mut shadow.blur, BLUR));
            visit("shadow.x", Property::Number(&mut shadow.x, OFFSET));
            visit("shadow.y", Property::Number(&mut shadow.y, OFFSET));
        }
    }

    /// Every property and its value.
    pub fn properties(&self) -> Vec<(&'static str, Value)> {
        let (mut copy, mut all) = (self.clone(), Vec::new());
        copy.visit(&mut |path, property| all.push((path, property.get())));
        all
    }

    pub fn property(&self, path: &str) -> Option<Value> {
        let found = Cell::new(None);
        let mut look = |name: &'static str, property: Property<'_>| {
            if name == path {
                found.set(Some(property.get()));
            }
        };
        self.clone().visit_base(&mut look);
        if found.get().is_none() {
            Content::clone(&self.content).visit(&mut look);
        }
        found.get()
    }

    /// Gives the property at `path` the value that `change` makes of its own, as far as its bounds go.
    /// Without such a property nothing happens.
    pub(crate) fn set(&mut self, path: &str, change: impl Fn(Value) -> Value) {
        let found = Cell::new(false);
        let mut set = |name: &'static str, property: Property<'_>| {
            if name == path {
                found.set(true);
                let value = change(property.get());
                property.set(value);
            }
        };
        self.visit_base(&mut set);
        // Only then a content that others share is copied.
        if !found.get() {
            Arc::make_mut(&mut self.content).visit(&mut set);
        }
    }
}

/// Pixels from an edge.
const PLACE_ON: Range = (0.0, PLACE.1);
const OFFSET: Range = (-LENGTH.1, LENGTH.1);

fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = serde_json::Value::Object(Fields::new());
    }
    if let serde_json::Value::Object(target) = target {
        for (key, value) in patch {
            match value {
                serde_json::Value::Null => drop(target.remove(key)),
                value => merge(target.entry(key.clone()).or_insert(serde_json::Value::Null), value),
            }
        }
    }
}

impl Serialize for Layer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Layer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(serde_json::Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Layer {
    fn schema_name() -> Cow<'static, str> {
        "Layer".into()
    }

    /// One object for each kind: the fields that all have, and its own.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let base = Base::json_schema(generator);
        let kinds = Content::schemas(generator).into_iter().map(|(kind, parts)| {
            let mut properties = Fields::new();
            let mut required = vec![serde_json::Value::from("kind")];
            for part in std::iter::once(&base).chain(&parts) {
                if let Some(more) = part.get("properties").and_then(|own| own.as_object()) {
                    properties.extend(more.clone());
                }
                if let Some(more) = part.get("required").and_then(|own| own.as_array()) {
                    required.extend(more.iter().cloned());
                }
            }
            properties.insert("kind".to_owned(), serde_json::json!({ "const": kind }));
            serde_json::json!({
                "type": "object", "title": kind, "properties": properties, "required": required,
                "additionalProperties": false,
            })
        });
        json_schema!({ "oneOf": kinds.collect::<Vec<_>>() })
    }
}
