use psa_host_billing::ModuleId;

use crate::imports::{Doubt, UsageForm};
use crate::testing::{Fixture, file};
use crate::{Problem, Source};

fn snapshot(items: &str) -> String {
    format!(
        "{{\"channel\": \"msp\", \"taken_at\": \"2026-10-01T04:30:00Z\", \"complete\": true, \
         \"items\": [\n{items}\n]}}"
    )
}

/// The error of an import; and that nothing was kept.
fn refused(text: &str) -> Problem {
    refused_as(&file(text), &UsageForm::Json)
}

fn refused_as(source: &Source, form: &UsageForm) -> Problem {
    let fixture = Fixture::with_workspaces();
    let error = fixture.host.import_usage(source, form).unwrap_err();
    assert_eq!(
        fixture.host.newest_snapshots().unwrap(),
        [],
        "nothing was kept"
    );
    assert!(error.problem().fix.is_some_and(|fix| !fix.is_empty()));
    error.problem()
}

fn refused_count(count: &str) -> Problem {
    let good = r#"{"workspace": "w2", "module": "edr", "users": 1}"#;
    refused(&snapshot(&format!(
        "{good},\n{{\"workspace\": \"w1\", \"module\": \"edr\", \"users\": {count}}}"
    )))
}

fn csv() -> UsageForm {
    UsageForm::Csv {
        channel: "msp".parse().unwrap(),
        taken_at: "2026-10-01T04:30:00Z".parse().unwrap(),
        complete: true,
    }
}

fn refused_csv(text: &str) -> Problem {
    refused_as(&Source::new("test.csv", text), &csv())
}

#[test]
fn a_snapshot_is_kept_with_its_counts() {
    let fixture = Fixture::with_workspaces();
    let text = snapshot(
        r#"{"workspace": "w1", "module": "edr", "users": 12, "devices": null},
           {"workspace": "msp", "module": "edr", "users": 4294967295, "devices": 0}"#,
    );
    let done = fixture
        .host
        .import_usage(&file(&text), &UsageForm::Json)
        .unwrap();
    assert_eq!((done.items, done.workspaces, done.complete), (2, 2, true));
    assert_eq!(done.notes, []);
    let (_, items) = fixture.host.newest_counts(&"msp".parse().unwrap()).unwrap();
    assert_eq!((items[1].users, items[1].devices), (Some(12), None));
    assert_eq!(
        (items[0].users, items[0].devices),
        (Some(u32::MAX), Some(0))
    );
}

#[test]
fn negative_counts_are_refused() {
    let problem = refused_count("-3");
    assert_eq!(problem.code, "bad-count");
    assert_eq!(
        problem.message,
        "test.json, line 3, column 47: items[1].users is -3, which is negative"
    );
    let problem = refused_csv("workspace,module,users,devices\nw1,edr,-3,\n");
    assert_eq!(
        problem.message,
        "test.csv, line 2, column 3 (users): \"-3\" is no count, which is negative"
    );
}

#[test]
fn fractional_counts_are_refused() {
    for count in ["2.5", "15e-1"] {
        assert!(
            refused_count(count)
                .message
                .ends_with("which is not a whole number"),
            "{count}"
        );
    }
    let problem = refused_csv("workspace,module,users,devices\nw1,edr,2.5,\n");
    assert_eq!(problem.code, "bad-count");
}

#[test]
fn textual_counts_are_refused() {
    for count in ["\"12\"", "true", "[1]", "\"twelve\""] {
        assert!(
            refused_count(count)
                .message
                .ends_with("which is not a number"),
            "{count}"
        );
    }
    let problem = refused_csv("workspace,module,users,devices\nw1,edr,twelve,\n");
    assert!(problem.message.ends_with("which is not a number"));
}

#[test]
fn huge_counts_are_refused() {
    for count in ["4294967296", "99999999999999999999999999999999999999"] {
        let problem = refused_count(count);
        assert!(
            problem
                .message
                .ends_with("which is more than a count can be"),
            "{count}"
        );
    }
    let problem = refused_csv("workspace,module,users,devices\nw1,edr,4294967296,\n");
    assert!(
        problem
            .message
            .ends_with("which is more than a count can be")
    );
}

#[test]
fn an_unknown_workspace_is_refused_with_its_place() {
    let problem = refused(&snapshot(
        r#"{"workspace": "w1", "module": "edr", "users": 1},
{"workspace": "nobody", "module": "edr", "users": 1}"#,
    ));
    assert_eq!(problem.code, "unknown-workspace");
    assert_eq!(
        problem.message,
        "test.json, line 3, column 15: items[1].workspace \"nobody\" is not a known workspace"
    );
    let problem = refused_csv("workspace,module,users,devices\nnobody,edr,1,\n");
    assert_eq!(
        problem.message,
        "test.csv, line 2, column 1 (workspace): \"nobody\" is not a known workspace"
    );
}

#[test]
fn a_workspace_of_another_channel_is_refused() {
    let problem = refused(&snapshot(
        r#"{"workspace": "w9", "module": "edr", "users": 1}"#,
    ));
    assert_eq!(problem.code, "workspace-outside-channel");
}

#[test]
fn a_snapshot_of_what_is_no_channel_is_refused() {
    let text = snapshot("").replace("\"msp\"", "\"w1\"");
    assert_eq!(refused(&text).code, "not-a-channel");
    let text = snapshot("").replace("\"msp\"", "\"nobody\"");
    assert_eq!(refused(&text).code, "unknown-workspace");
}

#[test]
fn a_pair_that_is_counted_twice_is_refused() {
    let item = r#"{"workspace": "w1", "module": "edr", "users": 1}"#;
    let problem = refused(&snapshot(&format!("{item},\n{item}")));
    assert_eq!(problem.code, "duplicate-item");
}

#[test]
fn an_unknown_module_is_kept_and_told() {
    let fixture = Fixture::with_workspaces();
    let text = snapshot(r#"{"workspace": "w1", "module": "quantum-shield", "users": 1}"#);
    let done = fixture
        .host
        .import_usage(&file(&text), &UsageForm::Json)
        .unwrap();
    assert_eq!(done.notes[0].code, "unknown-module");
    let (_, items) = fixture.host.newest_counts(&"msp".parse().unwrap()).unwrap();
    assert_eq!(
        items[0].module,
        "quantum-shield".parse::<ModuleId>().unwrap()
    );
}

#[test]
fn an_instant_without_an_offset_is_refused() {
    let text = snapshot("").replace("04:30:00Z", "04:30:00");
    let problem = refused(&text);
    assert_eq!(problem.code, "bad-instant");
}

#[test]
fn a_csv_without_its_columns_is_refused() {
    let problem = refused_csv("workspace,module,users\nw1,edr,1\n");
    assert_eq!(
        problem.message,
        "test.csv, line 1, column 4: the header has no devices"
    );
    assert_eq!(refused_csv("").code, "csv-header");
    let twice = refused_csv("workspace,module,users,users,devices\n");
    assert_eq!(twice.code, "csv-header");
}

#[test]
fn json_that_is_given_as_csv_is_called_so() {
    let problem = refused_csv("\n {\"channel\": \"msp\"}");
    assert_eq!(problem.code, "usage-is-json");
    assert!(problem.fix.unwrap().contains("Leave them out"));
}

#[test]
fn a_csv_line_with_too_few_fields_is_refused_with_its_line() {
    let problem = refused_csv("workspace,module,users,devices\nw1,edr,1,2\nw2,edr\n");
    assert_eq!(problem.code, "csv-fields");
    assert_eq!(
        problem.message,
        "test.csv, line 3, column 3: this row has 2 cells, the header has 4"
    );
    let more = refused_csv("workspace,module,users,devices\nw1,edr,1,2,3,4\n");
    assert_eq!(
        more.message,
        "test.csv, line 2, column 5: this row has 6 cells, the header has 4"
    );
}

#[test]
fn a_stray_quote_swallows_no_count() {
    let rows: String = (3..=9).map(|_| "w2,edr,,12,Rack\n").collect();
    let head = "workspace,module,users,devices,note\r\n\r\nw1,edr,,12,\"Rack\r\n";
    for end in ["", "w2,mdm,,12,Rack\"\n", "w2,mdm,,12,\"Rack\"\n"] {
        let problem = refused_csv(&format!("{head}{rows}{end}"));
        assert_eq!(problem.code, "csv-quote");
        let place = "test.csv, line 3, column 5: ";
        assert!(problem.message.starts_with(place), "{}", problem.message);
    }
    let problem = refused_csv("workspace,module,users,devices,\"note\nw1,edr,,12,x\n");
    assert_eq!(problem.code, "csv-quote");
}

#[test]
fn a_count_that_may_be_cut_and_an_id_that_may_be_rounded_are_asked_about() {
    let fixture = Fixture::with_workspaces();
    let cut = "workspace,module,users,devices\nw1,edr,,12";
    let problem = refused_csv(cut);
    assert_eq!(problem.code, "may-be-cut");
    assert_eq!(
        problem.message,
        "test.csv, line 2, column 4: the file ends here, with \"12\" and without a line end, so it \
         may have been cut"
    );
    let rounded = "workspace,module,users,devices\n1.01E+05,edr,,12\n";
    let problem = refused_csv(rounded);
    assert_eq!(problem.code, "may-be-rounded");
    assert!(
        problem.message.contains("column 1 (workspace)"),
        "{}",
        problem.message
    );
    for number in ["9007199254740993", "\"9007199254740990\""] {
        let item = format!(r#"{{"workspace": {number}, "module": "edr", "users": 1}}"#);
        assert_eq!(refused(&snapshot(&item)).code, "may-be-rounded", "{number}");
    }
    // Once a person has answered, what is left is whether there is such a workspace.
    let source = Source::new("test.csv", rounded).accepting(&[Doubt::MayBeRounded]);
    assert_eq!(refused_as(&source, &csv()).code, "unknown-workspace");
    let source = Source::new("test.csv", cut).accepting(&[Doubt::MayBeCut]);
    let done = fixture.host.import_usage(&source, &csv()).unwrap();
    assert_eq!((done.items, done.complete), (1, true));
}

#[test]
fn a_file_that_says_it_is_complete_and_has_more_is_not_complete() {
    let import = |more: &str| {
        let fixture = Fixture::with_workspaces();
        let items = r#"{"workspace": "w1", "module": "edr", "users": 1},
            {"workspace": "w1", "module": "mdm", "users": 1}"#;
        let text = snapshot(items).replacen('{', &format!("{{{more}, "), 1);
        let done = fixture.host.import_usage(&file(&text), &UsageForm::Json);
        let done = done.unwrap();
        let newest = fixture.host.newest_snapshots().unwrap();
        assert_eq!(newest[0].complete, done.complete, "{more}");
        let told: Vec<&str> = done.notes.iter().map(|note| note.code.as_str()).collect();
        (done.complete, told.join(" "))
    };
    for sign in [
        r#""truncated": true"#,
        r#""has_more": true"#,
        r#""hasMore": "true""#,
        r#""partial": 1"#,
        r#""next_cursor": "abc""#,
        r#""next": "/usage?page=2""#,
        r#""links": {"self": "/usage", "next": "/usage?page=2"}"#,
        r#""@odata.nextLink": "https://coro.example/usage?page=2""#,
        r#""meta": {"pagination": {"total": 200}}"#,
        r#""total": 3"#,
        r#""total_workspaces": 2"#,
        r#""total_pages": 3"#,
        r#""errors": [{"workspace": "w2"}]"#,
    ] {
        assert_eq!(import(sign), (false, "not-whole".to_owned()), "{sign}");
    }
    for whole in [
        r#""truncated": false, "has_more": null, "partial": 0, "incomplete": "no""#,
        r#""next_cursor": null, "next": "", "links": {"next": null}"#,
        r#""meta": {"pagination": {"total": 2, "pages": 1}}"#,
        r#""total": 1, "total_workspaces": 1, "errors": []"#,
    ] {
        assert_eq!(import(whole), (true, String::new()), "{whole}");
    }
    assert_eq!(
        import(r#""region": "eu""#),
        (true, "unknown-field".to_owned())
    );
}

#[test]
fn a_csv_with_semicolons_any_order_and_empty_counts_is_read() {
    let fixture = Fixture::with_workspaces();
    let text = "\u{feff}Module;Workspace;Devices;Users;Note\r\nedr;w1;;7;x\r\n";
    let source = Source::new("test.csv", text);
    let done = fixture.host.import_usage(&source, &csv()).unwrap();
    assert_eq!(done.notes[0].code, "unknown-field");
    let (_, items) = fixture.host.newest_counts(&"msp".parse().unwrap()).unwrap();
    assert_eq!((items[0].users, items[0].devices), (Some(7), None));
}

#[test]
fn many_wrong_rows_are_one_error_that_says_how_many() {
    let rows: Vec<String> = (0..40)
        .map(|at| format!(r#"{{"workspace": "no-{at}", "module": "edr", "users": 1}}"#))
        .collect();
    let problem = refused(&snapshot(&rows.join(",\n")));
    assert!(problem.cause.unwrap().starts_with("39 more, such as: "));
}

#[test]
fn the_names_behind_a_count_are_kept_and_come_back() {
    let fixture = Fixture::with_workspaces();
    let text = snapshot(
        r#"{"workspace": "w1", "module": "edr", "users": 2, "user_names": ["=ann", "Ben Ö"],
            "devices": 0, "device_names": []},
           {"workspace": "w2", "module": "edr", "users": 3, "user_names": null}"#,
    );
    let import = |text: &str| {
        let done = fixture.host.import_usage(&file(text), &UsageForm::Json);
        assert_eq!(done.unwrap().notes, []);
    };
    import(&text);
    let behind = |workspace: &str| {
        let (channel, module) = ("msp".parse().unwrap(), "edr".parse().unwrap());
        let workspace = workspace.parse().unwrap();
        fixture.host.names_behind(&channel, &workspace, &module)
    };
    let w1 = behind("w1").unwrap();
    assert_eq!((w1.users, w1.devices), (Some(2), Some(0)));
    assert_eq!(w1.user_names.unwrap(), ["=ann", "Ben Ö"]);
    assert_eq!(w1.device_names.unwrap(), [""; 0]);
    let w2 = behind("w2").unwrap();
    assert_eq!((w2.users, w2.user_names), (Some(3), None));
    assert_eq!(behind("msp").unwrap_err().code(), "no-count");

    let newer = snapshot(r#"{"workspace": "w1", "module": "edr", "users": 2}"#);
    import(&newer.replace("T04:30", "T04:31"));
    assert_eq!(behind("w1").unwrap().user_names, None, "the newest counts");
}

#[test]
fn names_that_are_not_those_counted_are_refused_at_their_item() {
    let fits = "n".repeat(200);
    let long = "é".repeat(101);
    let cases = [
        (
            r#""users": 2, "user_names": ["a"]"#,
            "user_names",
            "names-differ-from-count",
        ),
        (
            r#""users": 0, "user_names": ["a"]"#,
            "user_names",
            "names-differ-from-count",
        ),
        (
            r#""users": 1, "user_names": []"#,
            "user_names",
            "names-differ-from-count",
        ),
        (
            r#""devices": 1, "user_names": ["a"]"#,
            "user_names",
            "names-differ-from-count",
        ),
        (
            r#""users": 2, "devices": 1, "device_names": ["a", "b"]"#,
            "device_names",
            "names-differ-from-count",
        ),
        (
            r#""users": 2, "user_names": ["a", "a"]"#,
            "user_names[1]",
            "duplicate-name",
        ),
        (
            r#""users": 1, "user_names": ["a\u001b[31m"]"#,
            "user_names[0]",
            "bad-text",
        ),
        (
            r#""users": 1, "user_names": ["a\nb"]"#,
            "user_names[0]",
            "bad-text",
        ),
        (
            r#""users": 1, "user_names": [""]"#,
            "user_names[0]",
            "bad-text",
        ),
        (
            r#""users": 1, "user_names": [7]"#,
            "user_names[0]",
            "wrong-type",
        ),
        (
            r#""users": 1, "user_names": "a""#,
            "user_names",
            "wrong-type",
        ),
        (
            &format!(r#""devices": 2, "device_names": ["{fits}", "{long}"]"#),
            "device_names[1]",
            "bad-text",
        ),
    ];
    for (fields, at, code) in cases {
        let problem = refused(&snapshot(&format!(
            r#"{{"workspace": "w2", "module": "edr", "users": 1, "user_names": ["{fits}"]}},
               {{"workspace": "w1", "module": "edr", {fields}}}"#
        )));
        assert_eq!(problem.code, code, "{fields}: {}", problem.message);
        let place = format!("items[1].{at} ");
        assert!(problem.message.contains(&place), "{}", problem.message);
    }
}

#[test]
fn a_snapshot_of_the_future_is_refused_with_cause_and_fix() {
    // The fixture's clock stands at noon.
    let taken = |at: &str| snapshot("").replace("2026-10-01T04:30:00Z", at);
    for at in ["2026-10-01T12:05:01Z", "2027-10-01T04:30:00Z"] {
        let problem = refused(&taken(at));
        assert_eq!(problem.code, "taken-in-future", "{at}");
        assert_eq!(
            problem.message,
            format!("test.json: taken_at {at} is in the future: it is 2026-10-01T12:00:00Z now")
        );
        assert!(problem.cause.is_some(), "{problem:?}");
    }
    let form = UsageForm::Csv {
        channel: "msp".parse().unwrap(),
        taken_at: "2026-10-02T04:30:00Z".parse().unwrap(),
        complete: true,
    };
    let text = "workspace,module,users,devices\nw1,edr,1,\n";
    let problem = refused_as(&Source::new("test.csv", text), &form);
    assert_eq!(problem.code, "taken-in-future");

    let fixture = Fixture::with_workspaces();
    let skewed = file(&taken("2026-10-01T12:05:00Z"));
    let done = fixture.host.import_usage(&skewed, &UsageForm::Json);
    assert_eq!(done.unwrap().notes, []);
}
