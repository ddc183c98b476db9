//! The declarations as a JSON Schema, which editors of TOML read.

use serde_json::{Map, Value as Json, json};

use crate::{ChoiceOption, Field, Kind, Schema, config::FORMAT_VERSION, schema::NONE, value::KIND};

/// One object with one property for each section.
pub(crate) fn of(schemas: impl Iterator<Item = &'static Schema>) -> Json {
    let mut properties = Map::new();
    let version = json!({ "description": "The version of the configuration format.", "const": FORMAT_VERSION });
    properties.insert("format_version".to_owned(), version);
    for schema in schemas {
        let mut section = object(schema.doc);
        for field in &schema.fields {
            put(&mut section, field.key, of_field(field));
        }
        for renamed in &schema.renamed {
            let new = schema.field(renamed.new).map(of_field).unwrap_or_default();
            let mut old = json!({ "deprecated": true, "allOf": [new] });
            old["description"] = format!("Called {} now.", renamed.new).into();
            put(&mut section, renamed.old, old);
        }
        properties.insert(schema.section.to_owned(), section);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Hyperparameters",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn object(doc: &str) -> Json {
    json!({ "description": doc, "type": "object", "additionalProperties": false, "properties": {} })
}

/// Puts a property at a key, of which each part but the last is an object around the rest.
fn put(object: &mut Json, key: &str, property: Json) {
    match key.split_once('.') {
        Some((group, rest)) => {
            if object["properties"][group].is_null() {
                object["properties"][group] = self::object("");
            }
            put(&mut object["properties"][group], rest, property);
        }
        None => object["properties"][key] = property,
    }
}

fn of_field(field: &Field) -> Json {
    let mut out = of_kind(field, &field.kind);
    let unit = field.unit.map(|unit| format!(" [{unit}]")).unwrap_or_default();
    out["description"] = format!("{}{unit}", field.doc).into();
    // A default that is no value is written as TOML writes it.
    out["default"] = if field.default == crate::Value::None { NONE.into() } else { json!(field.default) };
    if field.secret {
        out["writeOnly"] = true.into();
    }
    out
}

fn of_kind(field: &Field, kind: &Kind) -> Json {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::U32 | Kind::U64 | Kind::Usize | Kind::I64 => in_range(field, json!({ "type": "integer" })),
        Kind::F32 | Kind::F64 => in_range(field, json!({ "type": "number" })),
        Kind::Text | Kind::Path => {
            let mut out = json!({ "type": "string" });
            // In a list the limit counts the elements.
            if let Some(max_len) = field.max_len.filter(|_| !matches!(field.kind, Kind::List(_))) {
                out["maxLength"] = max_len.into();
            }
            out
        }
        Kind::Duration => {
            json!({ "anyOf": [{ "type": "string", "pattern": "^ *[0-9.]+ *(d|h|min|s|ms) *$" }, in_range(field, json!({ "type": "number" }))] })
        }
        Kind::Choice(options) => json!({ "anyOf": of_options(options) }),
        Kind::Optional(inner) => json!({ "anyOf": [of_kind(field, inner), { "const": NONE }] }),
        Kind::List(inner) => {
            let mut out = json!({ "type": "array", "items": of_kind(field, inner) });
            if let Some(max_len) = field.max_len {
                out["maxItems"] = max_len.into();
            }
            out
        }
    }
}

/// The name alone, and where there are data, a table of name and data, or both in one text.
fn of_options(options: &[ChoiceOption]) -> Vec<Json> {
    let mut out: Vec<Json> =
        options.iter().map(|option| json!({ "const": option.name, "description": option.doc })).collect();
    for option in options.iter().filter(|option| !option.data.is_empty()) {
        let mut table = object(option.doc);
        table["properties"][KIND] = json!({ "const": option.name });
        table["required"] = json!([KIND]);
        for field in &option.data {
            table["properties"][field.key] = of_field(field);
        }
        out.push(table);
        out.push(json!({ "type": "string", "pattern": format!("^{}:", option.name) }));
    }
    out
}

fn in_range(field: &Field, mut out: Json) -> Json {
    let Some(range) = &field.range else { return out };
    if let Some(min) = range.min() {
        out["minimum"] = json!(min);
    }
    if let Some(max) = range.max() {
        out[if range.excludes_max() { "exclusiveMaximum" } else { "maximum" }] = json!(max);
    }
    out
}
