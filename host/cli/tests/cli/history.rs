//! `psa-host history …`: verified, listed, exported.

use crate::program::Program;

/// Two entries, the second about a hostile snapshot file.
fn with_two_entries() -> Program {
    let program = Program::with_workspaces();
    let usage = r#"{"channel": "msp", "taken_at": "2020-10-01T04:30:00Z", "complete": true,
        "items": [{"workspace": "w1", "module": "edr", "users": 2, "user_names": ["=ann", "ev\u202eil"]}]}"#;
    let said = program.run_with(&["usage", "import", "-"], usage);
    assert_eq!(said.status, 0, "{said:?}");
    program
}

#[test]
fn a_data_directory_without_a_history_is_not_one_that_holds() {
    let program = Program::new();
    let nothing = program.run(&["workspace", "import", "nothing.json"]);
    assert_eq!(nothing.status, 1, "{nothing:?}");
    let said = program.run(&["history", "verify"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("no-history"), "{said:?}");
    assert!(said.err.contains("--data"), "{said:?}");
}

#[test]
fn a_history_that_holds_ends_with_0_and_one_that_was_cut_with_1() {
    let program = with_two_entries();
    let said = program.run(&["history", "verify"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert!(said.out.contains("2 of 2 entries hold"), "{}", said.out);
    assert!(said.out.contains("The history holds."), "{}", said.out);
    assert!(said.out.contains("--head"), "what was not looked at");
    assert!(said.out.contains("No entry is keyed"), "{}", said.out);

    let (status, found) = program.json(&["history", "verify"]);
    assert_eq!((status, &found["holds"]), (0, &true.into()));
    assert_eq!(found["head_compared"], false);
    let head = &found["head"];
    let hash = head["hash"].as_str().unwrap();
    assert_eq!(head["chain"], "channel/msp");
    let chains: Vec<_> = found["heads"].as_array().unwrap().iter().collect();
    assert_eq!(chains.len(), 2);
    assert_eq!(chains[0]["chain"], "installation");
    assert_eq!(chains[1], head);
    for head in chains {
        let (seq, chain) = (&head["seq"], head["chain"].as_str().unwrap());
        let printed = format!(
            "history head {seq}@{chain}:{}",
            head["hash"].as_str().unwrap()
        );
        assert!(said.out.contains(&printed), "{printed}: {}", said.out);
    }
    let kept = format!("2@channel/msp:{hash}");
    let (status, found) = program.json(&["history", "verify", "--head", &kept]);
    assert_eq!((status, &found["head_compared"]), (0, &true.into()));
    assert!(found["broken"].is_null());

    // In another chain it is another entry.
    for elsewhere in [format!("2@installation:{hash}"), format!("2:{hash}")] {
        let (status, found) = program.json(&["history", "verify", "--head", &elsewhere]);
        assert_eq!(
            (status, &found["broken"]["cause"]),
            (1, &"other-head".into())
        );
    }
    let cut = format!("3@channel/msp:{hash}");
    let said = program.run(&["history", "verify", "--head", &cut]);
    assert_eq!((said.status, said.err.as_str()), (1, ""));
    assert!(said.out.contains("BROKEN at entry 3"), "{}", said.out);
    let (status, found) = program.json(&["history", "verify", "--head", &cut]);
    assert_eq!((status, &found["broken"]["cause"]), (1, &"cut".into()));

    for wrong in ["3", "0:00", "x:y", "3@msp:00"] {
        let said = program.run(&["history", "verify", "--head", wrong]);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.err.contains("SEQ@CHAIN:HEX"), "{}", said.err);
    }
}

#[test]
fn entries_are_listed_from_the_latest_or_after_one_and_by_what_they_say() {
    let program = with_two_entries();
    let cases: [(&[&str], &[i64]); 10] = [
        (&[], &[1, 2]),
        (&["--limit", "1"], &[2]),
        (&["--after", "0", "--limit", "1"], &[1]),
        (&["--after", "1"], &[2]),
        (&["--what", "usage."], &[2]),
        (&["--subject", "u-0000"], &[2]),
        (&["--subject", "%"], &[]),
        (&["--chain", "installation"], &[1]),
        (&["--chain", "channel/msp"], &[2]),
        (&["--chain", "former"], &[]),
    ];
    for (options, expected) in cases {
        let (status, answer) = program.json(&[&["history", "list"], options].concat());
        let entries = answer["entries"].as_array().unwrap();
        let seqs: Vec<i64> = entries.iter().map(|e| e["seq"].as_i64().unwrap()).collect();
        assert_eq!((status, seqs.as_slice()), (0, expected), "{options:?}");
    }
    let said = program.run(&["history", "list", "--chain", "msp"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("`channel/`"), "{said:?}");
    let table = program.run(&["history", "list"]).out;
    assert!(table.contains("usage.imported"), "{table}");
}

#[test]
fn an_export_goes_to_a_file_or_a_pipe_and_overwrites_nothing() {
    let program = with_two_entries();
    let read = |name: &str| std::fs::read(program.folder.path().join(name));
    for (file, start) in [("h.csv", &b"seq,at"[..]), ("H.XLSX", b"PK")] {
        let said = program.run(&["history", "export", file]);
        assert_eq!(said.out, format!("2 entries written to {file}\n"));
        assert!(read(file).unwrap().starts_with(start));
        let (status, answer) = program.json(&["history", "export", file]);
        assert_eq!(
            (status, &answer["error"]["code"]),
            (1, &"file-exists".into())
        );
        let (status, answer) = program.json(&["history", "export", file, "--force"]);
        assert_eq!((status, &answer["entries"]), (0, &2.into()));
    }
    let piped = program.run(&["history", "export", "-"]);
    assert_eq!(piped.status, 0, "{piped:?}");
    assert_eq!(piped.out.as_bytes(), read("h.csv").unwrap());
    assert_eq!(program.run(&["history", "export", "h.txt"]).status, 2);
    assert!(read("h.txt").is_err());
    for (args, status) in [
        (["h.txt", "--format-of", "csv"], 0),
        (["h.xlsx", "--format-of", "csv"], 2),
        (["later.csv", "--after", "2"], 0),
        (["no.csv", "--after", "-1"], 2),
    ] {
        let said = program.run(&[&["history", "export"], &args[..]].concat());
        assert_eq!(said.status, status, "{args:?}: {said:?}");
    }
    assert_eq!(read("h.txt").unwrap(), read("h.csv").unwrap());
    let later = String::from_utf8(read("later.csv").unwrap()).unwrap();
    assert_eq!(later.lines().count(), 1, "the heading: {later}");
    assert!(read("h.xlsx").is_err() && read("no.csv").is_err());
    let mut shell = program.command();
    shell.args(["history", "export", "-", "--format-of", "xlsx"]);
    let book = shell.output().unwrap();
    assert!(book.status.success() && book.stdout.starts_with(b"PK"));
}

#[test]
fn the_names_behind_a_count_are_shown_harmlessly() {
    let program = with_two_entries();
    let pair = ["--workspace", "w1", "--module", "edr"];
    let show = [&["usage", "show", "--channel", "msp"], &pair[..]].concat();
    let shown = program.run(&show);
    assert_eq!(shown.status, 0, "{shown:?}");
    assert!(shown.out.contains("2 users, - devices"), "{}", shown.out);
    assert!(
        shown.out.contains("\n  =ann\n  ev\\u{202e}il\n"),
        "{}",
        shown.out
    );
    let unnamed = "The snapshot does not name the devices.";
    assert!(shown.out.contains(unnamed), "{}", shown.out);
    let (_, json) = program.json(&show);
    assert_eq!(json["user_names"][1], "ev\u{202e}il");
    assert!(json["device_names"].is_null());
    assert_eq!(
        program
            .run(&[&["usage", "show"], &pair[..]].concat())
            .status,
        2
    );
}

#[test]
fn a_pager_that_is_left_early_is_no_error() {
    let program = with_two_entries();
    let mut child = program
        .command()
        .args(["history", "export", "-"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!((done.status.code(), said.as_str()), (Some(0), ""));
}
