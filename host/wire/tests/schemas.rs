//! The schemas are made from the code: this test fails when the two differ, and writes them
//! anew when `UPDATE_DOCS=1` is set. A change of a schema is a change for scripts: it is
//! reviewed as a diff.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_document_has_its_schema_checked_in_and_no_other_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut known = BTreeSet::new();
    for (name, schema) in psa_host_wire::schemas() {
        let file = format!("{name}.json");
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if update {
            std::fs::write(folder.join(&file), &text).unwrap();
        }
        let written = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(
            written == text,
            "schema/{file} is out of date: run with UPDATE_DOCS=1"
        );
        assert!(known.insert(file.clone()), "{file} twice");
    }
    let there = std::fs::read_dir(&folder).unwrap();
    let there: BTreeSet<String> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, known);
}
