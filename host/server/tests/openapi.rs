//! The document that describes the API is made from the code: `UPDATE_DOCS=1` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(psa_host_server::openapi()).expect("a document")
}

/// Every value at a key, anywhere in it.
fn everywhere<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == key {
                    found.push(field);
                }
                everywhere(field, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| everywhere(item, key, found)),
        _ => {}
    }
}

#[test]
fn the_checked_in_document_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = serde_json::to_string_pretty(&document()).expect("text") + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &made).expect("the folder can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "host/server/openapi.json is out of date: run with UPDATE_DOCS=1"
    );
}

#[test]
fn what_is_referred_to_is_there_and_each_operation_has_a_name_of_its_own() {
    let document = document();
    let mut references = Vec::new();
    everywhere(&document, "$ref", &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let reference = reference.as_str().expect("text");
        let pointer = reference.strip_prefix('#').expect("in this document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut names = Vec::new();
    everywhere(&document, "operationId", &mut names);
    let unique: BTreeSet<&str> = names.iter().filter_map(|name| name.as_str()).collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
}

/// The description's crate has its own idea of a schema: nothing may be lost on the way.
#[test]
fn documents_have_all_fields_of_their_schemas() {
    let document = document();
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let fields = |schema: &Value| -> BTreeSet<String> {
        let mut found = Vec::new();
        everywhere(schema, "properties", &mut found);
        let names = found.iter().filter_map(|of| of.as_object());
        names.flat_map(|of| of.keys().cloned()).collect()
    };
    let mut seen = 0;
    for (name, schema) in psa_host_wire::schemas() {
        let Some(described) = schemas.get(name) else {
            continue;
        };
        seen += 1;
        let mut schema = schema.to_value();
        let whole = schema.as_object_mut().expect("an object");
        whole.remove("$defs");
        whole["properties"]
            .as_object_mut()
            .expect("fields")
            .remove("schema_version");
        assert_eq!(fields(described), fields(&schema), "{name}");
    }
    assert!(seen >= 10, "{seen}");
}
