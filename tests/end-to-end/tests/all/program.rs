//! The `psa-host` program itself against a simulated Autotask: what scripts see.

use autotask_sim::{Fault, FaultKind, LineKind, Lost};
use end_to_end::{Scene, name};
use serde_json::Value;

struct Said {
    status: i32,
    json: Value,
}

/// Run a command with `--format json`.
fn run(scene: &Scene, arguments: &[&str]) -> Said {
    let mut command = scene.program();
    let output = command.args(arguments).args(["--format", "json"]).output();
    let output = output.expect("psa-host is built beside the tests");
    let out = String::from_utf8_lossy(&output.stdout);
    let json = serde_json::from_str(&out)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}\n{output:?}"));
    Said {
        status: output.status.code().unwrap_or(-1),
        json,
    }
}

const SYNC: [&str; 2] = ["sync", "acme"];

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_prints_each_line_with_its_money_and_ends_with_status_0_or_3() {
    let scene = Scene::present(&[(11, 5), (5, 5), (0, 4)]).await;
    let said = run(&scene, &SYNC);
    assert_eq!(said.status, 3, "{}", said.json);
    let lines = said.json["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["workspace"] == "w1").unwrap();
    for (key, expected) in [
        ("module", Value::from("edr")),
        ("baseline", 5.into()),
        ("target", 11.into()),
        ("delta", 6.into()),
        ("effective_date", scene.today().to_string().into()),
        ("outcome", "confirmed".into()),
        ("code", Value::Null),
    ] {
        assert_eq!(line[key], expected, "{key} of {line}");
    }
    assert_eq!(line["unit_price"]["amount"], "4.2");
    assert_eq!(line["monthly_change"]["amount"], "25.20");
    let summary = &said.json["summary"];
    assert_eq!(
        (&summary["confirmed"], &summary["held"]),
        (&1.into(), &1.into())
    );
    assert_eq!(summary["held_by_code"]["fall-to-zero"], 1);
    assert_eq!(summary["money"][0]["confirmed"], "25.20");
    assert_eq!(said.json["schema_version"], 1);
    assert!(said.json["run"].as_str().unwrap().starts_with("r-"));

    let shown = run(&scene, &["run", "show", said.json["run"].as_str().unwrap()]);
    assert_eq!(shown.json["lines"], said.json["lines"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_a_connection_that_was_removed_are_still_shown() {
    let scene = Scene::present(&[(11, 5)]).await;
    let said = run(&scene, &SYNC);
    let id = said.json["run"].as_str().unwrap();
    scene.host.remove_connection(&name()).unwrap();
    let shown = run(&scene, &["run", "show", id]);
    assert_eq!(shown.json["run"], said.json["run"], "{}", shown.json);
    assert_eq!(shown.json["lines"][0]["target"], 11);
    let file = scene.key_file().with_file_name("run.csv");
    let file = file.to_str().unwrap();
    let exported = run(&scene, &["run", "export", id, file]);
    assert_eq!(exported.status, 0, "{}", exported.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_waits_is_approved_posted_and_taken_back_from_the_command_line() {
    let scene = Scene::present(&[(30, 5)]).await;
    let rules = run(&scene, &["rules", "set", "acme", "--ask-units", "10"]);
    assert_eq!(rules.json["rules"]["approval"]["units"], "10");
    let said = run(&scene, &SYNC);
    assert_eq!(said.status, 3);
    let line = &said.json["lines"][0];
    assert_eq!(line["outcome"], "awaiting-approval");
    let question = line["question"].as_str().unwrap();
    let listed = run(&scene, &["approval", "list", "acme"]);
    assert_eq!(
        (listed.status, &listed.json["questions"][0]["id"]),
        (3, &question.into())
    );
    let why = ["--why", "ordered"];
    let mut approve = vec!["approval", "approve", question];
    approve.extend(why);
    assert_eq!(run(&scene, &approve).status, 0);
    let again = run(&scene, &approve);
    assert_eq!(
        (again.status, &again.json["error"]["code"]),
        (1, &"question-state".into())
    );
    let posted = run(&scene, &SYNC);
    assert_eq!(
        (posted.status, &posted.json["lines"][0]["outcome"]),
        (0, &"confirmed".into())
    );

    let id = posted.json["run"].as_str().unwrap();
    let preview = run(&scene, &["rollback", id, "--dry-run"]);
    assert_eq!(
        (preview.status, &preview.json["dry_run"]),
        (0, &true.into())
    );
    let back = run(&scene, &["rollback", id, "--why", "a mistake", "--yes"]);
    assert_eq!(back.status, 3, "{}", back.json);
    for shown in [&preview.json, &back.json] {
        let service = &shown["services"][0];
        assert_eq!(
            (&service["module"], &service["units"], &service["from"]),
            (&"edr".into(), &(-25).into(), &service["to"])
        );
        assert_eq!(shown["monthly_change"][0]["amount"], "-105.00");
        assert_eq!(shown["money_unknown"], 0);
    }
    let approve = [
        "approval", "approve", "--all-of", "acme", "--why", "yes", "--yes",
    ];
    assert_eq!(run(&scene, &approve).status, 0);
    let said = run(&scene, &SYNC);
    assert_eq!(
        said.json["lines"][0]["outcome"], "confirmed",
        "{}",
        said.json
    );
    assert_eq!(scene.applied(0), [25, -25]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_network_is_told_with_status_1_and_leaves_nothing_behind() {
    let scene = Scene::present(&[(11, 5)]).await;
    let dropped = FaultKind::Lose { lost: Lost::Drop };
    scene.simulator.inject(Fault::new(dropped).times(0));
    let said = run(&scene, &SYNC);
    assert_eq!(said.status, 1, "{}", said.json);
    for key in ["code", "message", "fix"] {
        assert!(said.json["error"][key].is_string(), "{key}: {}", said.json);
    }
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_for_another_day_than_today_says_so_and_ends_as_any_other() {
    let scene = Scene::present(&[(11, 5)]).await;
    let tomorrow = scene.today().tomorrow().unwrap().to_string();
    let sync = ["sync", "acme", "--as-of", &tomorrow];
    let output = scene
        .program()
        .args(sync)
        .arg("--dry-run")
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let told = format!(
        "attention: planned for {tomorrow}, and it was {} in the connection's time zone",
        scene.today()
    );
    assert!(table.contains(&told), "{table}");
    let said = run(&scene, &sync);
    assert_eq!(said.status, 0, "{}", said.json);
    assert_eq!(said.json["as_of"], tomorrow);
    assert_eq!(said.json["today"], scene.today().to_string());
    let shown = run(&scene, &["run", "show", said.json["run"].as_str().unwrap()]);
    assert_eq!(shown.json["today"], said.json["today"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stands_twice_is_told_with_its_contract_its_lines_and_a_link() {
    let scene = Scene::present(&[(11, 5)]).await;
    let customer = &scene.customers[0];
    let twin = {
        let mut world = scene.simulator.world();
        world.add_line(LineKind::Service, customer.contract, scene.service, 7)
    };
    let lines = [customer.line.to_string(), twin.unwrap().to_string()];
    let validated = run(&scene, &["validate", "acme"]).json;
    let findings = validated["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|f| f["code"] == "duplicate-line")
        .unwrap();
    assert_eq!(found["contract"], customer.contract.to_string());
    assert_eq!(found["lines"], serde_json::json!(lines));
    assert_eq!(found["line"], Value::Null);
    let link = found["link"].as_str().unwrap();
    let synced = run(&scene, &["sync", "acme", "--dry-run"]).json;
    assert_eq!(synced["lines"][0]["contract"], found["contract"]);
    for command in [&["validate", "acme"][..], &["sync", "acme", "--dry-run"]] {
        let output = scene.program().args(command).output().unwrap();
        let table = String::from_utf8(output.stdout).unwrap();
        assert!(table.contains(&format!("\n    {link}\n")), "{table}");
    }
}

/// What a person sees on a terminal of 80 columns.
fn text(scene: &Scene, arguments: &[&str]) -> String {
    let mut command = scene.program();
    let output = command.args(arguments).env("COLUMNS", "80").output();
    let output = output.expect("psa-host is built beside the tests");
    String::from_utf8(output.stdout).expect("it prints text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_has_names_beside_ids_and_what_can_be_done_as_data() {
    let scene = Scene::present(&[(11, 5), (5, 5), (7, 4)]).await;
    let said = run(&scene, &SYNC);
    let lines = said.json["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["workspace"] == "w1").unwrap();
    for key in [
        "workspace_name",
        "module_name",
        "account_name",
        "contract_name",
    ] {
        assert!(line[key].is_string(), "{key} of {line}");
    }
    let line = scene.customers[1].line;
    let today = scene.today();
    scene
        .simulator
        .foreign_edit(LineKind::Service, line, today, 3)
        .unwrap();
    let said = run(&scene, &SYNC);
    let held = said.json["lines"].as_array().unwrap();
    let held = held.iter().find(|line| line["outcome"] == "held").unwrap();
    assert_eq!(held["code"], "foreign-edit", "{held}");
    assert_eq!(
        held["action"],
        serde_json::json!({
            "do": "decide-line", "connection": "acme", "workspace": "w2", "module": "edr",
            "command": "psa-host line adopt acme w2 edr --why TEXT",
        })
    );
    let shown = text(&scene, &["run", "show", said.json["run"].as_str().unwrap()]);
    assert!(
        shown.contains("psa-host line adopt acme w2 edr --why TEXT"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_fits_80_columns_and_begins_with_what_it_comes_to() {
    let scene = Scene::present(&[(11, 5), (5, 5), (0, 4)]).await;
    let said = run(&scene, &SYNC);
    let shown = text(&scene, &["run", "show", said.json["run"].as_str().unwrap()]);
    let whole = |line: &str| ['`', '@', '/'].iter().any(|c| line.contains(*c));
    for line in shown.lines().filter(|line| !whole(line)) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let at = |part: &str| {
        shown
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {shown}"))
    };
    assert!(at("3 lines:") < at("What to do"), "{shown}");
    assert!(at("What to do") < at("outcome confirmed"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_says_only_what_is_new_and_a_quiet_one_only_what_needs_a_person() {
    let scene = Scene::present(&[(11, 5), (5, 5), (0, 4)]).await;
    let first = run(&scene, &["sync", "acme", "--new"]);
    assert_eq!(first.json["new_since"], Value::Null);
    assert_eq!(first.json["lines"].as_array().unwrap().len(), 3);
    let again = run(&scene, &["sync", "acme", "--new"]);
    assert_eq!(again.status, 3, "what was held is held still");
    assert_eq!(again.json["new_since"], first.json["run"]);
    assert_eq!(again.json["lines"], serde_json::json!([]));
    assert_eq!(again.json["summary"]["held"], 1);
    let quiet = text(&scene, &["sync", "acme", "--quiet"]);
    assert!(
        quiet.contains("fall-to-zero") && !quiet.contains("outcome"),
        "{quiet}"
    );
    let fine = Scene::present(&[(5, 5)]).await;
    assert_eq!(text(&fine, &["sync", "acme", "--quiet"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_and_what_waits_go_to_a_spreadsheet() {
    let scene = Scene::present(&[(11, 5), (5, 5)]).await;
    let said = run(&scene, &SYNC);
    let id = said.json["run"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (csv, book, asked) = (path("run.csv"), path("run.xlsx"), path("asked.csv"));
    let done = run(&scene, &["run", "export", id, &csv]);
    assert_eq!((done.status, &done.json["entries"]), (0, &2.into()));
    let rows = std::fs::read_to_string(&csv).unwrap();
    assert!(
        rows.starts_with("connection,workspace,workspace_name,module,"),
        "{rows}"
    );
    assert!(rows.contains("\nacme,w1,"), "{rows}");
    let again = run(&scene, &["run", "export", id, &csv]);
    assert_eq!(again.json["error"]["code"], "file-exists");
    assert_eq!(run(&scene, &["run", "export", id, &book]).status, 0);
    assert!(std::fs::read(&book).unwrap().starts_with(b"PK"));
    let waits = run(&scene, &["approval", "list", "acme"]);
    let waits = waits.json["questions"].as_array().unwrap().len();
    let done = run(
        &scene,
        &["approval", "export", &asked, "--connection", "acme"],
    );
    assert_eq!(done.json["entries"], waits);
    assert_eq!(run(&scene, &["approval", "export", "asked.txt"]).status, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_without_a_terminal_is_wrong_use() {
    let scene = Scene::present(&[]).await;
    let add = |time_zone: &'static str, more: &[&'static str]| {
        let add = [
            "connection",
            "add",
            "autotask",
            "--name",
            "second",
            "--channel",
            "msp",
            "--time-zone",
            time_zone,
            "--set",
            "username=ann@acme.example",
        ];
        run(&scene, &[&add[..], more].concat())
    };
    for said in [
        add("UTC", &[]),
        run(&scene, &["connection", "rotate", "acme"]),
    ] {
        let error = &said.json["error"];
        assert_eq!((said.status, &error["code"]), (2, &"usage".into()));
        let fix = error["fix"].as_str().unwrap();
        assert!(fix.contains("--secret secret=@FILE"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.txt");
    std::fs::write(&file, "s3cret").unwrap();
    let secret: &'static str = Box::leak(format!("secret=@{}", file.display()).into());
    for (zone, meant) in [
        ("ET", "America/New_York"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("EST", "America/New_York"),
    ] {
        let said = add(zone, &["--secret", secret]);
        let error = &said.json["error"];
        assert_eq!(error["code"], "unknown-time-zone", "{error}");
        assert!(error["fix"].as_str().unwrap().contains(meant), "{error}");
    }
    let listed = run(&scene, &["connection", "list"]);
    assert_eq!(listed.json["connections"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_names_without_their_accents() {
    let scene = Scene::present(&[]).await;
    scene.simulator.world().add_company("Müller & Söhne");
    for search in ["muller", "MUELLER", "Müller", "sohne"] {
        let said = run(&scene, &["account", "list", "acme", "--search", search]);
        let accounts = said.json["accounts"].as_array().unwrap();
        assert_eq!(accounts.len(), 1, "{search}: {}", said.json);
        assert_eq!(accounts[0]["name"], "Müller & Söhne");
    }
    let said = run(&scene, &["account", "list", "acme", "--search", "miller"]);
    assert_eq!(said.json["accounts"].as_array().unwrap().len(), 0);
}
