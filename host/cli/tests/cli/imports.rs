//! Files that look right and are not: what an import says of them, and what it keeps.

use serde_json::Value;

use crate::program::Program;

const CSV: [&str; 7] = [
    "usage",
    "import",
    "usage.csv",
    "--channel",
    "msp",
    "--taken-at",
    "2020-10-02T04:30:00Z",
];

/// Import a CSV file that says it is complete.
fn import(program: &Program, text: &str, more: &[&str]) -> (i32, Value) {
    program.file("usage.csv", text);
    program.json(&[&CSV[..], &["--complete"], more].concat())
}

/// How many snapshots there are.
fn snapshots(program: &Program) -> usize {
    let (_, listed) = program.json(&["usage", "list"]);
    listed["snapshots"].as_array().unwrap().len()
}

#[test]
fn a_stray_quote_in_the_second_of_ten_rows_refuses_the_file() {
    let program = Program::with_workspaces();
    let rows: String = (3..=11).map(|at| format!("w1,m{at},,12,x\n")).collect();
    for head in [
        "workspace,module,users,devices,note\nw1,edr,,12,\"Rack\n",
        "workspace,module,users,devices,\"note\nw1,edr,,12,x\n",
        "workspace,module,users,devices,note\nw1,edr,,12,19\" rack\n",
    ] {
        let (status, answer) = import(&program, &format!("{head}{rows}"), &[]);
        let error = &answer["error"];
        assert_eq!(
            (status, &error["code"]),
            (1, &"csv-quote".into()),
            "{answer}"
        );
    }
    assert_eq!(snapshots(&program), 0);
}

#[test]
fn a_file_that_may_be_cut_or_rounded_is_taken_once_somebody_says_that_it_is_right() {
    let program = Program::with_workspaces();
    let cut = "workspace,module,users,devices\nw1,edr,,12";
    let (status, answer) = import(&program, cut, &[]);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (1, &"may-be-cut".into())
    );
    let fix = answer["error"]["fix"].as_str().unwrap();
    assert!(fix.contains("--accept may-be-cut"), "{fix}");
    let rounded = ["--accept", "may-be-rounded"];
    assert_eq!(
        import(&program, cut, &rounded).0,
        1,
        "that was not the question"
    );
    assert_eq!(snapshots(&program), 0);
    let (status, answer) = import(&program, cut, &["--accept", "may-be-cut"]);
    assert_eq!((status, &answer["items"]), (0, &1.into()), "{answer}");

    let workspace = r#"{"workspaces": [{"id": "9007199254740990", "name": "R", "kind": "child",
        "parent": "msp", "status": "subscription"}]}"#;
    program.file("w.json", workspace);
    let (status, answer) = program.json(&["workspace", "import", "w.json"]);
    let code = &answer["error"]["code"];
    assert_eq!((status, code), (1, &"may-be-rounded".into()));
    let accepted = [&["workspace", "import", "w.json"][..], &rounded].concat();
    assert_eq!(program.json(&accepted).1["added"], 1);
}

#[test]
fn a_file_that_contradicts_itself_or_another_needs_a_person() {
    let program = Program::with_workspaces();
    let json = |users: u32, more: &str| {
        let text = format!(
            r#"{{"channel": "msp", "taken_at": "2020-10-01T04:30:00Z", "complete": true{more},
                "items": [{{"workspace": "w1", "module": "edr", "users": {users}}}]}}"#
        );
        program.file("usage.json", text);
        program.json(&["usage", "import", "usage.json"])
    };
    let (status, answer) = json(5, r#", "has_more": true"#);
    assert_eq!(
        (status, &answer["complete"]),
        (3, &false.into()),
        "{answer}"
    );
    assert_eq!(answer["notes"][0]["code"], "not-whole");
    assert_eq!(json(5, "").0, 0, "the whole of it, with the same count");
    let (status, answer) = json(7, "");
    assert_eq!(status, 3);
    let code = "snapshots-disagree";
    assert_eq!(answer["notes"][0]["code"], code);
    let show = ["usage", "show", "--channel", "msp"];
    let (status, answer) = program.json(&show);
    assert_eq!((status, &answer["error"]["code"]), (1, &code.into()));
    let fix = answer["error"]["fix"].as_str().unwrap();
    assert!(
        fix.starts_with("Withdraw the wrong one, with `psa-host usage withdraw u-0"),
        "{fix}"
    );
    let withdraw = [
        "usage",
        "withdraw",
        "u-3",
        "--why",
        "counted twice",
        "--yes",
    ];
    assert_eq!(program.run(&withdraw).status, 0);
    assert_eq!(program.json(&show).1["items"][0]["users"], 5);
}
