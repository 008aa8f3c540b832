//! Answers: tables and JSON.

use crate::program::{Program, Said, WORKSPACES};

#[test]
fn every_list_is_json_with_a_schema_version() {
    let program = Program::with_workspaces();
    let lists = [
        (["plugin", "list"], "plugins"),
        (["workspace", "list"], "workspaces"),
        (["usage", "show"], "snapshots"),
        (["usage", "list"], "snapshots"),
        (["connection", "list"], "connections"),
        (["run", "list"], "runs"),
    ];
    for (args, key) in lists {
        let (status, answer) = program.json(&args);
        assert_eq!(status, 0, "{args:?}");
        assert!(answer[key].is_array(), "{args:?}: {answer}");
    }
}

#[test]
fn an_import_tells_what_it_did() {
    let program = Program::new();
    program.file("workspaces.json", WORKSPACES);
    let said = program.run(&["workspace", "import", "workspaces.json"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert_eq!(said.out, "2 workspaces added, 0 changed, 0 unchanged\n");
    let (_, again) = program.json(&["workspace", "import", "workspaces.json"]);
    assert_eq!(again["unchanged"], 2);
}

#[test]
fn usage_comes_as_json_or_csv_and_is_shown() {
    let program = Program::with_workspaces();
    let json = r#"{"channel": "msp", "taken_at": "2020-10-01T04:30:00Z", "complete": true,
        "items": [{"workspace": "w1", "module": "edr", "users": 5}]}"#;
    let said = program.run_with(&["usage", "import", "-"], json);
    assert_eq!(said.status, 0, "{said:?}");
    program.file("usage.csv", "workspace,module,users,devices\nw1,edr,7,\n");
    let (status, answer) = program.json(&[
        "usage",
        "import",
        "usage.csv",
        "--channel",
        "msp",
        "--taken-at",
        "2020-10-02T04:30:00Z",
        "--complete",
    ]);
    assert_eq!((status, &answer["items"]), (0, &1.into()));
    let (_, shown) = program.json(&["usage", "show", "--channel", "msp"]);
    assert_eq!(shown["items"][0]["users"], 7);
    assert!(shown["items"][0]["devices"].is_null());
}

#[test]
fn a_wrong_snapshot_is_withdrawn_with_yes_and_a_reason_and_stays_in_the_list() {
    let program = Program::with_workspaces();
    for (day, users) in [(1, 5), (2, 99)] {
        let json = format!(
            r#"{{"channel": "msp", "taken_at": "2020-10-0{day}T04:30:00Z", "complete": true,
                "items": [{{"workspace": "w1", "module": "edr", "users": {users}}}]}}"#
        );
        assert_eq!(program.run_with(&["usage", "import", "-"], &json).status, 0);
    }
    let why = ["--why", "counted twice"];
    let withdraw = [&["usage", "withdraw", "u-2"], &why[..]].concat();
    let asked = program.run(&withdraw);
    assert!(
        asked.status == 2 && asked.err.contains("--yes"),
        "{asked:?}"
    );
    for args in [
        &["usage", "withdraw", "u-2", "--yes"][..],
        &["usage", "withdraw", "u-2", "--why", " ", "--yes"],
    ] {
        assert_ne!(program.run(args).status, 0, "{args:?}");
    }
    let (_, shown) = program.json(&["usage", "show", "--channel", "msp"]);
    assert_eq!(shown["items"][0]["users"], 99, "nothing was withdrawn yet");

    let confirmed = [&withdraw[..], &["--yes"]].concat();
    let said = program.run(&confirmed);
    assert_eq!(
        said.out,
        "u-000002 is withdrawn\nmsp is counted from u-000001 now, taken at 2020-10-01T04:30:00Z\n"
    );
    let (_, shown) = program.json(&["usage", "show", "--channel", "msp"]);
    assert_eq!(shown["items"][0]["users"], 5);
    let (_, listed) = program.json(&["usage", "list", "--channel", "msp"]);
    assert_eq!(listed["snapshots"][0]["withdrawn"]["why"], "counted twice");
    assert!(listed["snapshots"][1]["withdrawn"].is_null());
    let table = program.run(&["usage", "list"]).out;
    assert!(table.contains(": counted twice"), "{table}");
    let (_, history) = program.json(&["history", "list", "--what", "usage.withdrawn"]);
    assert_eq!(history["entries"][0]["detail"]["why"], "counted twice");
    let (status, again) = program.json(&confirmed);
    assert_eq!(
        (status, &again["error"]["code"]),
        (1, &"snapshot-withdrawn".into())
    );
}

#[test]
fn a_csv_needs_its_options() {
    let program = Program::with_workspaces();
    program.file("usage.csv", "workspace,module,users,devices\n");
    let said = program.run(&["usage", "import", "usage.csv"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("--channel"));
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    let program = Program::with_workspaces();
    let elsewhere = program.folder.path().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let one = r#"{"workspaces": [{"id": "m", "name": "M", "company": "M", "domain": "m.example",
        "kind": "channel", "status": "subscription"}]}"#;
    let made = program.run_with(&["workspace", "import", "-", "--data", elsewhere], one);
    assert_eq!(made.status, 0, "{made:?}");
    let before = program.run(&["--data", elsewhere, "--format", "json", "workspace", "list"]);
    let after = program.run(&["workspace", "list", "--format", "json", "--data", elsewhere]);
    assert_eq!(before.status, 0, "{before:?}");
    assert_eq!(before.out, after.out);
    assert_eq!(before.json()["workspaces"].as_array().unwrap().len(), 1);
}

#[test]
fn hostile_text_reaches_a_terminal_as_codes_and_json_as_it_is() {
    let program = Program::new();
    let text = WORKSPACES.replace("One", "One\u{202e}eno");
    let said = program.run_with(&["workspace", "import", "-"], &text);
    assert_eq!(said.status, 0, "{said:?}");
    let table = program.run(&["workspace", "list"]).out;
    assert!(table.contains("One\\u{202e}eno"), "{table}");
    assert!(!table.contains('\u{202e}'));
    let (_, json) = program.json(&["workspace", "list"]);
    assert_eq!(json["workspaces"][1]["name"], "One\u{202e}eno");
}

#[test]
fn there_are_no_colours_without_a_terminal() {
    let program = Program::with_workspaces();
    for args in [
        &["workspace", "list"][..],
        &["connection", "check", "nobody"],
    ] {
        let said = program.run(args);
        assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let program = Program::with_workspaces();
    let binary = env!("CARGO_BIN_EXE_psa-host");
    let mut shell = std::process::Command::new("sh");
    shell
        .current_dir(program.folder.path())
        .env("PSA_HOST_DATA", "data")
        .args(["-c", &format!("'{binary}' workspace list | true")]);
    let said = Said::of(&mut shell);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
}
