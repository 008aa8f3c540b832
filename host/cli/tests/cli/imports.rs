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

/// Import a CSV file of any bytes.
fn import_bytes(program: &Program, bytes: &[u8]) -> (i32, Value) {
    program.file("usage.csv", bytes);
    program.json(&[&CSV[..], &["--complete"]].concat())
}

/// The users of the one count that there is, by an import of its own.
fn users(bytes: &[u8]) -> Result<(Value, Vec<String>), String> {
    let program = Program::with_workspaces();
    let (status, answer) = import_bytes(&program, bytes);
    if status != 0 {
        let text = |key: &str| answer["error"][key].as_str().unwrap_or_default().to_owned();
        return Err(format!("{}: {}", text("code"), text("message")));
    }
    let (_, shown) = program.json(&["usage", "show", "--channel", "msp"]);
    let notes = answer["notes"].as_array().unwrap().iter();
    let codes = notes.map(|note| note["code"].as_str().unwrap().to_owned());
    Ok((shown["items"][0]["users"].clone(), codes.collect()))
}

#[test]
fn what_spreadsheets_make_of_a_usage_file_is_read_exactly_and_told() {
    let utf16 = |text: &str| -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    let head = "workspace,module,users,devices\n";
    for (bytes, count, told) in [
        (format!("{head}w1,edr,1015.0,\n").into_bytes(), 1015, None),
        (
            format!("{head}w1,edr,\"1,015,000\",\n").into_bytes(),
            1_015_000,
            Some("cleaned-count"),
        ),
        (
            format!("{head}w1,edr,1\u{a0}015,\n").into_bytes(),
            1015,
            Some("cleaned-count"),
        ),
        (
            format!("{head}w\u{200b}1,edr,7,\n").into_bytes(),
            7,
            Some("cleaned-text"),
        ),
        (
            b"Workspace ID;Module ID;Users;Devices\nw1;edr;7;\n".to_vec(),
            7,
            None,
        ),
        (
            b"sep=;\r\nworkspace;module;users;devices\r\nw1;edr;7;\r\n".to_vec(),
            7,
            None,
        ),
        (
            b"workspace\tmodule\tusers\tdevices\nw1\tedr\t7\t\n".to_vec(),
            7,
            None,
        ),
        (
            utf16("workspace\tmodule\tusers\tdevices\r\nw1\tedr\t7\t\r\n"),
            7,
            None,
        ),
        // Nothing that is read is in the old encoding.
        (
            b"workspace,module,users,devices,name\nw1,edr,7,,M\xfcller\n".to_vec(),
            7,
            Some("unknown-field"),
        ),
    ] {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let told: Vec<String> = told.into_iter().map(str::to_owned).collect();
        assert_eq!(users(&bytes), Ok((count.into(), told)), "{shown:?}");
    }
}

#[test]
fn what_cannot_be_read_exactly_is_refused_at_its_place_with_the_true_cause() {
    let head = "workspace,module,users,devices\n";
    for (bytes, expected) in [
        (
            format!("{head}w1,edr,\"1,015\",\n").into_bytes(),
            "bad-count: usage.csv, line 2, column 3 (users): \"1,015\" is no count, which is thousands \
             in some countries and a fraction in others",
        ),
        (
            format!("{head}w1,edr,1.2E+07,\n").into_bytes(),
            "may-be-rounded: usage.csv, line 2, column 3 (users): \"1.2E+07\" is no count, which a \
             spreadsheet writes of a long number, without its last digits",
        ),
        (
            format!("{head}1.2E+07,edr,7,\n").into_bytes(),
            "may-be-rounded: usage.csv, line 2, column 1 (workspace): \"1.2E+07\" may not be the whole \
             id: a spreadsheet writes long numbers like this and drops digits",
        ),
        (
            format!("{head}w\u{a0}1,edr,7,\n").into_bytes(),
            "bad-id: usage.csv, line 2, column 1 (workspace): this id has a white space inside that is \
             not the usual one (U+00A0)",
        ),
        (
            b"workspace,module,users,devices\nw\xfc1,edr,7,\n".to_vec(),
            "not-utf8: usage.csv, line 2, column 1 (workspace): this cell is not UTF-8 text: byte 0xFC \
             stands in it, which is \"\u{fc}\" in Windows-1252 (Latin-1) and other characters in other \
             old encodings",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0".to_vec(),
            "wrong-content: usage.csv, line 1, column 1: this is an Excel workbook of the old form \
             (.xls), or one that a password protects",
        ),
        (
            b"PK\x03\x04 mimetypeapplication/vnd.oasis.opendocument.spreadsheet".to_vec(),
            "wrong-content: usage.csv, line 1, column 1: this is a spreadsheet of LibreOffice (.ods)",
        ),
        (
            b"PK\x03\x04 xl/workbook.xml".to_vec(),
            "wrong-content: usage.csv, line 1, column 1: this is an Excel workbook (.xlsx)",
        ),
        (
            b"%PDF-1.4 workspace,module".to_vec(),
            "wrong-content: usage.csv, line 1, column 1: this is a PDF, which only shows numbers and \
             does not hold them as rows",
        ),
    ] {
        assert_eq!(users(&bytes), Err(expected.to_owned()));
    }
}

fn import_json(program: &Program, text: &str) -> (i32, Value) {
    program.file("usage.json", text);
    program.json(&["usage", "import", "usage.json"])
}

#[test]
fn counts_and_ids_of_programs_are_read_exactly_in_json_too() {
    let program = Program::with_workspaces();
    let import = |workspace: &str, users: &str| {
        let text = format!(
            r#"{{"channel": "msp", "taken_at": "2020-10-01T04:30:00Z", "complete": true,
                "items": [{{"workspace": {workspace}, "module": "edr", "users": {users}}}]}}"#
        );
        let (_, answer) = import_json(&program, &text);
        answer
    };
    assert_eq!(import("\"w1\"", "1015.0")["items"], 1);
    assert_eq!(
        import("\"\\u200bw1\\u00a0\"", "1015")["notes"][0]["code"],
        "cleaned-text"
    );
    assert_eq!(
        import("\" w1\"", "1015")["notes"][0]["code"],
        "cleaned-text"
    );
    let (_, shown) = program.json(&["usage", "show", "--channel", "msp"]);
    assert_eq!(shown["items"][0]["users"], 1015);
    for (workspace, users, code, cause) in [
        ("\"w1\"", "1015.5", "bad-count", "not a whole number"),
        ("1.2E+07", "7", "wrong-type", "may have dropped digits"),
        ("1015.0", "7", "wrong-type", "may have dropped digits"),
    ] {
        let error = import(workspace, users)["error"].clone();
        assert_eq!(error["code"], code);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("line 2, column") && message.contains(cause),
            "{message}"
        );
    }
    let page = "<!DOCTYPE html><html><body>Please sign in</body></html>";
    let (_, answer) = import_json(&program, page);
    assert_eq!(answer["error"]["code"], "wrong-content");
}

/// The places and codes of refused rows, as they are told.
fn refused(answer: &Value) -> Vec<String> {
    let refused = answer["refused"].as_array().unwrap().iter();
    let told = refused.map(|problem| {
        let message = problem["message"].as_str().unwrap();
        let line = message.split([',', ':']).nth(1).unwrap().trim();
        format!("{line} {}", problem["code"].as_str().unwrap())
    });
    told.collect()
}

#[test]
fn the_good_rows_of_a_usage_file_are_kept_and_the_others_told_in_the_order_of_the_file() {
    let program = Program::with_workspaces();
    let rows = "workspace,module,users,devices\n\
        w1,edr,7,\n\
        nobody,edr,7,\n\
        w1,mdm,twelve,\n\
        w1,m365,1,\n\
        w1,m365,2,\n\
        msp,,7,\n";
    let (status, answer) = import(&program, rows, &[]);
    let error = &answer["error"];
    assert_eq!((status, &error["code"]), (1, &"unknown-workspace".into()));
    let fix = error["fix"].as_str().unwrap();
    assert!(fix.contains("--partial"), "{fix}");
    assert_eq!(snapshots(&program), 0);
    let (status, answer) = import(&program, rows, &["--partial"]);
    assert_eq!(
        refused(&answer),
        [
            "line 3 unknown-workspace",
            "line 4 bad-count",
            "line 6 duplicate-item",
            "line 7 bad-id",
        ]
    );
    assert_eq!(
        (status, &answer["items"], &answer["complete"]),
        (3, &1.into(), &true.into())
    );
    let (_, shown) = program.json(&["usage", "show", "--channel", "msp"]);
    let items = shown["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["users"]), (1, &7.into()));
    // The same, corrected: what could not be read is no contradiction.
    let corrected =
        "workspace,module,users,devices\nw1,edr,7,\nw1,mdm,12,\nw1,m365,2,\nmsp,edr,7,\n";
    let (status, answer) = import(&program, corrected, &[]);
    assert_eq!((status, &answer["items"]), (0, &4.into()), "{answer}");
}

#[test]
fn a_row_that_may_be_anybodys_leaves_a_snapshot_that_is_not_complete() {
    for row in [
        ",edr,7,",
        "w1;edr;7;",
        "1.2E+07,edr,7,",
        "w9,,7,",
        "x,w1,edr,7,",
    ] {
        let program = Program::with_workspaces();
        let rows = format!("workspace,module,users,devices\nw1,edr,7,\n{row}\n");
        let (status, answer) = import(&program, &rows, &["--partial"]);
        assert_eq!(
            (status, &answer["complete"]),
            (3, &false.into()),
            "{row}: {answer}"
        );
        assert_eq!(answer["notes"][0]["code"], "not-whole", "{row}");
    }
    // One of a known workspace is that workspace's, wherever its other cells stand.
    let program = Program::with_workspaces();
    let rows = "workspace,module,users,devices\nmsp,edr,7,\nw1,edr,7,8,9\n";
    let (_, answer) = import(&program, rows, &["--partial"]);
    assert_eq!(
        (&answer["complete"], &answer["items"]),
        (&true.into(), &1.into())
    );
    // A file of bad rows alone is no snapshot, and one that is cut is not complete.
    let program = Program::with_workspaces();
    let none = "workspace,module,users,devices\nw1,edr,twelve,\n";
    assert_eq!(import(&program, none, &["--partial"]).0, 1);
    assert_eq!(snapshots(&program), 0);
    let cut = "workspace,module,users,devices\nw1,edr,7,\nw1,mdm,,1";
    let (status, answer) = import(&program, cut, &["--partial"]);
    assert_eq!((status, &answer["complete"]), (3, &false.into()));
    let stray = "workspace,module,users,devices\nw1,edr,\"7,\nw1,mdm,,1\n";
    let (status, answer) = import(&program, stray, &["--partial"]);
    assert_eq!((status, &answer["error"]["code"]), (1, &"csv-quote".into()));
}

#[test]
fn the_good_rows_of_a_list_of_workspaces_are_kept_with_what_hangs_on_them() {
    let program = Program::with_workspaces();
    let child = |id: &str, name: &str, parent: &str| {
        format!(
            r#"{{"id": "{id}", "name": "{name}", "kind": "child", "parent": "{parent}", "status": "new"}}"#
        )
    };
    let list = |rows: &[String]| {
        program.file(
            "w.json",
            format!("{{\"workspaces\": [\n{}\n]}}", rows.join(",\n")),
        );
        program.json(&["workspace", "import", "w.json", "--partial"])
    };
    let bell = child("w2", "Bell\\u0007 Dental", "msp");
    let (status, answer) = list(std::slice::from_ref(&bell));
    assert_eq!((status, &answer["added"]), (0, &1.into()), "{answer}");
    assert_eq!(answer["notes"][0]["code"], "cleaned-name");
    let (_, listed) = program.json(&["workspace", "list"]);
    assert_eq!(listed["workspaces"][2]["name"], "Bell Dental");
    let rows = [
        child("w3", "Three", "sub"),
        r#"{"id": "sub", "name": "Sub", "kind": "chanel", "parent": "msp", "status": "new"}"#
            .to_owned(),
        bell,
        child("w4", "Four", "msp"),
        child("w4", "Five", "msp"),
    ];
    let (status, answer) = list(&rows);
    let told = [
        "line 2 unknown-parent",
        "line 3 unknown-kind",
        "line 6 duplicate-workspace",
    ];
    assert_eq!(
        (status, refused(&answer)),
        (3, told.map(str::to_owned).to_vec())
    );
    assert_eq!(
        (&answer["added"], &answer["unchanged"]),
        (&0.into(), &1.into())
    );
    let codes: Vec<&Value> = answer["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["code"])
        .collect();
    assert!(codes.contains(&&"workspaces-unread".into()), "{answer}");
    let said = program.run(&["workspace", "import", "w.json"]);
    assert!(
        said.status == 1 && said.err.contains("--partial"),
        "{said:?}"
    );
}

#[test]
fn a_page_of_a_list_of_workspaces_is_taken_and_needs_a_person_until_the_last_one_comes() {
    let program = Program::with_workspaces();
    let page = |id: &str, more: &str| {
        let text = format!(
            r#"{{"workspaces": [{{"id": "{id}", "name": "{id}", "kind": "child", "parent": "msp",
                "status": "subscription"}}]{more}}}"#
        );
        program.file("page.json", text);
        program.json(&["workspace", "import", "page.json"])
    };
    let codes = |answer: &Value| -> Vec<String> {
        let notes = answer["notes"].as_array().unwrap().iter();
        notes
            .map(|note| note["code"].as_str().unwrap().to_owned())
            .collect()
    };
    for (id, more) in [
        ("w2", r#", "has_more": true"#),
        ("w3", r#", "next_cursor": "abc""#),
    ] {
        let (status, answer) = page(id, more);
        assert_eq!((status, &answer["added"]), (3, &1.into()), "{answer}");
        assert_eq!(codes(&answer), ["not-whole", "workspaces-unread"]);
        assert_eq!(answer["refused"], serde_json::json!([]));
    }
    let (status, answer) = page("w4", r#", "has_more": false"#);
    assert_eq!((status, codes(&answer)), (0, vec![]), "{answer}");
}

#[test]
fn a_list_of_snapshots_says_how_much_of_each_is_unread() {
    let program = Program::with_workspaces();
    let rows = "workspace,module,users,devices\nw1,edr,7,\nw1,email,x,\nmsp,edr,y,\n";
    let (status, answer) = import(&program, rows, &["--partial"]);
    assert_eq!((status, &answer["complete"]), (3, &true.into()), "{answer}");
    for command in [&["usage", "list"][..], &["usage", "show"]] {
        let (_, listed) = program.json(command);
        assert_eq!(listed["snapshots"][0]["unread"], 2, "{listed}");
        let said = program.run(command);
        let head = said.out.lines().next().unwrap();
        let row = said.out.lines().nth(1).unwrap();
        let at = head.find("UNREAD").unwrap();
        assert_eq!(row[at..at + 6].trim(), "2", "{}", said.out);
    }
    let said = program.run(&["usage", "show", "--channel", "msp"]);
    assert!(
        said.out.contains("complete, 2 unread and held"),
        "{}",
        said.out
    );
}
