use crate::testing::{Fixture, WORKSPACES, file};

/// Import over the usual workspaces; the error, and that nothing changed.
fn refused(text: &str) -> crate::Problem {
    let fixture = Fixture::with_workspaces();
    let before = fixture.host.workspaces().unwrap();
    let error = fixture.host.import_workspaces(&file(text)).unwrap_err();
    assert_eq!(
        fixture.host.workspaces().unwrap(),
        before,
        "nothing changed"
    );
    assert!(error.problem().fix.is_some_and(|fix| !fix.is_empty()));
    error.problem()
}

/// The first is good, so that a half-done import would show.
fn after_a_good_one(entry: &str) -> crate::Problem {
    let good =
        r#"{"id": "w3", "name": "Three", "kind": "child", "parent": "msp", "status": "new"}"#;
    refused(&format!("{{\"workspaces\": [\n{good},\n{entry}\n]}}"))
}

#[test]
fn a_list_is_added_and_again_changes_nothing() {
    let fixture = Fixture::empty();
    let done = fixture.host.import_workspaces(&file(WORKSPACES)).unwrap();
    assert_eq!((done.added, done.changed, done.unchanged), (5, 0, 0));
    assert_eq!(done.notes, []);
    let again = fixture.host.import_workspaces(&file(WORKSPACES)).unwrap();
    assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 5));
}

#[test]
fn unreadable_json_is_told_with_line_and_column() {
    let problem = refused("{\"workspaces\": [\n  {\"id\": \"a\",,}\n]}");
    assert_eq!(problem.code, "json-syntax");
    assert_eq!(
        problem.message,
        "test.json, line 2, column 14: not valid JSON: key must be a string"
    );
}

#[test]
fn truncated_json_is_told_with_line_and_column() {
    let problem = refused("{\"workspaces\": [");
    assert_eq!(problem.code, "json-syntax");
    assert!(
        problem
            .message
            .starts_with("test.json, line 1, column 16: ")
    );
}

#[test]
fn text_that_is_not_utf8_is_told_with_line_and_column() {
    let fixture = Fixture::empty();
    let source = crate::Source::new("test.json", b"{\n\"x\": \"\xff\"}".to_vec());
    let problem = fixture
        .host
        .import_workspaces(&source)
        .unwrap_err()
        .problem();
    assert_eq!(
        problem.message,
        "test.json, line 2, column 7: this is not UTF-8 text: byte 0xFF stands in it, which is \
         \"ÿ\" in Windows-1252 (Latin-1) and other characters in other old encodings"
    );
}

#[test]
fn wrong_json_names_the_field_and_its_place() {
    let problem = after_a_good_one(
        r#"{"id": "w4", "name": 7, "kind": "child", "parent": "msp", "status": "new"}"#,
    );
    assert_eq!(problem.code, "wrong-type");
    assert_eq!(
        problem.message,
        "test.json, line 3, column 22: workspaces[1].name is 7, not a text"
    );
    assert_eq!(
        refused("[]").message,
        "test.json, line 1, column 1: is a list, not an object"
    );
    assert_eq!(refused("{}").code, "missing-field");
    let demo = r#"{"id": "w4", "name": "F", "kind": "child", "status": "new", "demo": "yes"}"#;
    assert_eq!(after_a_good_one(demo).code, "wrong-type");
}

#[test]
fn duplicate_ids_are_refused() {
    let problem = after_a_good_one(
        r#"{"id": "w3", "name": "Again", "kind": "child", "parent": "msp", "status": "new"}"#,
    );
    assert_eq!(problem.code, "duplicate-workspace");
    assert_eq!(
        problem.message,
        "test.json, line 3, column 1: workspaces[1] is workspace \"w3\" a second time"
    );
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let problem = after_a_good_one(r#"{"id": "a", "id": "b", "name": "x"}"#);
    assert_eq!(problem.code, "duplicate-field");
}

#[test]
fn an_unknown_parent_is_refused() {
    let problem = after_a_good_one(
        r#"{"id": "w4", "name": "F", "kind": "child", "parent": "nowhere", "status": "new"}"#,
    );
    assert_eq!(problem.code, "unknown-parent");
}

#[test]
fn a_channel_may_stand_below_one_that_is_not_known() {
    let fixture = Fixture::empty();
    let text = r#"{"workspaces": [
        {"id": "c", "name": "C", "kind": "channel", "parent": "root", "status": "subscription"}
    ]}"#;
    let done = fixture.host.import_workspaces(&file(text)).unwrap();
    assert_eq!(done.notes[0].code, "parent-outside");
}

#[test]
fn a_circle_is_refused() {
    let problem = refused(
        r#"{"workspaces": [
        {"id": "a", "name": "A", "kind": "channel", "parent": "b", "status": "new"},
        {"id": "b", "name": "B", "kind": "channel", "parent": "a", "status": "new"}
    ]}"#,
    );
    assert_eq!(problem.code, "workspace-circle");
    assert!(problem.cause.unwrap().starts_with("1 more: "));
}

#[test]
fn nothing_stands_below_a_child() {
    let problem = after_a_good_one(
        r#"{"id": "w4", "name": "F", "kind": "child", "parent": "w1", "status": "new"}"#,
    );
    assert_eq!(problem.code, "parent-not-channel");
}

#[test]
fn a_channel_with_children_cannot_become_a_child_on_its_own() {
    let problem = refused(
        r#"{"workspaces": [
        {"id": "far", "name": "Far", "kind": "child", "parent": "msp", "status": "new"}
    ]}"#,
    );
    assert_eq!(problem.code, "parent-not-channel");
    assert!(problem.message.contains("\"w9\""));
}

#[test]
fn names_with_control_characters_are_refused() {
    let problem = after_a_good_one(
        r#"{"id": "w4", "name": "red\u001b[31m", "kind": "child", "status": "new"}"#,
    );
    assert_eq!(problem.code, "bad-text");
    assert!(
        problem
            .message
            .ends_with("has a control character (U+001B)")
    );
    let id =
        after_a_good_one(r#"{"id": "w\u0007", "name": "x", "kind": "child", "status": "new"}"#);
    assert_eq!(id.code, "bad-id");
}

#[test]
fn a_name_of_10_mb_is_refused_in_few_words() {
    let name = "x".repeat(10 << 20);
    let problem = after_a_good_one(&format!(
        r#"{{"id": "w4", "name": "{name}", "kind": "child", "status": "new"}}"#
    ));
    assert_eq!(problem.code, "bad-text");
    assert!(problem.message.len() < 200);
    let id = after_a_good_one(&format!(
        r#"{{"id": "{name}", "name": "x", "kind": "child", "status": "new"}}"#
    ));
    assert_eq!(id.code, "bad-id");
    assert!(id.message.len() < 200);
}

#[test]
fn an_unknown_kind_is_refused_and_an_unknown_status_is_told() {
    let kind = after_a_good_one(r#"{"id": "w4", "name": "F", "kind": "tenant", "status": "new"}"#);
    assert_eq!(kind.code, "unknown-kind");
    let fixture = Fixture::with_workspaces();
    let text = r#"{"workspaces": [
        {"id": "w4", "name": "F", "kind": "Child", "parent": "msp", "status": "frozen"}
    ]}"#;
    let done = fixture.host.import_workspaces(&file(text)).unwrap();
    assert_eq!(done.notes[0].code, "unknown-status");
}

#[test]
fn ids_that_are_numbers_and_unknown_fields_are_taken_and_told() {
    let fixture = Fixture::with_workspaces();
    let text = r#"{"workspaces": [
        {"id": 17, "name": "F", "kind": "child", "parent": "msp", "status": "new", "color": "red"}
    ], "exported": "today"}"#;
    let done = fixture.host.import_workspaces(&file(text)).unwrap();
    assert_eq!(done.added, 1);
    let codes: Vec<&str> = done.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["unknown-field", "unknown-field", "number-as-id"]);
}
