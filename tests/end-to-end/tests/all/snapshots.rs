//! What stands against a usage snapshot as a whole, over whole runs.

use end_to_end::{MODULE, Scene, TODAY, name, outcome};
use psa_host_billing::ModuleId;
use psa_host_billing::brake::BrakeCode;
use psa_host_ledger::Outcome;
use psa_host_sync::run::{Release, RunReport, SyncOptions};
use psa_host_sync::{SimulationScope, Source, UsageForm, unwatched};
use serde_json::json;

/// Codes of what stands against posting at all.
fn brakes(report: &RunReport) -> Vec<&str> {
    let codes = report.notices.iter().map(|notice| notice.code.as_str());
    codes.collect()
}

/// What a validation finds that holds, by code.
async fn holding(scene: &Scene) -> Vec<String> {
    let validation = scene.host.validate(&name(), &unwatched).await;
    let findings = validation.expect("a PSA that answers").findings.into_iter();
    findings.filter(|f| f.holds).map(|f| f.code).collect()
}

/// `usage list` and `usage show` mark both, and say what to do.
fn listed_as_disagreeing(scene: &Scene) {
    let said = |arguments: &[&str]| {
        let output = scene.program().args(arguments).output().expect("built");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let row = |text: &str, id: &str| {
        let mut rows = text.lines().filter(|row| row.starts_with(id));
        rows.next().expect("listed").to_owned()
    };
    let text = said(&["usage", "list", "--channel", "msp"]);
    for (id, other) in [("u-000003", "u-000004"), ("u-000004", "u-000003")] {
        let expected = format!("disagrees with {other}");
        assert!(row(&text, id).contains(&expected), "{text}");
    }
    assert!(!row(&text, "u-000001").contains("disagrees"), "{text}");
    for text in [text, said(&["usage", "show"])] {
        assert!(text.contains("attention: usage snapshots"), "{text}");
        assert!(text.contains("neither is used"), "{text}");
        assert!(text.contains("`psa-host usage withdraw u-000004"), "{text}");
    }
    let listed = said(&["usage", "list", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let snapshots = listed["snapshots"].as_array().expect("a list");
    let of = |id: &str| {
        snapshots
            .iter()
            .find(|s| s["snapshot"] == id)
            .expect("listed")
    };
    assert_eq!(of("u-000004")["disagrees"]["with"], "u-000003");
    assert_eq!(of("u-000004")["disagrees"]["pairs"], 1);
    assert!(of("u-000001").get("disagrees").is_none());
}

#[tokio::test]
async fn nothing_is_posted_from_a_snapshot_of_the_future() {
    let scene = Scene::new(&[(11, 5)]).await;
    // The clock was an hour ahead when it was imported, and has been set right.
    let set_clock = scene.hand();
    set_clock(-60);
    let report = scene.sync().await;
    assert_eq!(brakes(&report), ["snapshot-in-future"], "{report:#?}");
    assert!(report.needs_a_person());
    assert_eq!(holding(&scene).await, ["snapshot-in-future"]);
    // A pair that is fine by itself says why it is not posted all the same.
    let pair = ("w1".parse().unwrap(), MODULE.parse().unwrap());
    let explained = scene.host.explain(&name(), &pair.0, &pair.1).await.unwrap();
    let last = explained.steps.last().unwrap();
    assert_eq!(last.about, "brake", "{explained:#?}");
    assert!(last.says.starts_with("snapshot-in-future: "), "{last:?}");
    assert_eq!(scene.adjustments_sent(), 0);
    set_clock(60);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}

#[tokio::test]
async fn a_withdrawn_snapshot_is_neither_planned_from_nor_looked_back_on() {
    let scene = Scene::new(&[(11, 5)]).await;
    let module = ModuleId::new(MODULE).unwrap();
    let peak = serde_json::from_value(json!({ "basis": "peak" })).unwrap();
    scene
        .host
        .set_count_policy(&name(), &module, &peak)
        .unwrap();
    scene.sync().await;
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 99)]);
    let wrong = scene.sync().await;
    assert_eq!(outcome(&wrong, "w1").0, Outcome::Confirmed, "{wrong:#?}");
    let id = wrong.snapshot.as_ref().unwrap().parse().unwrap();
    scene.host.withdraw_usage(id, "counted twice").unwrap();

    // The next one is older than the last that was used, and not braked for that.
    scene.wait(24 * 60);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 12)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6, 88, -88, 1]);

    let shown = scene.host.run_report(wrong.run.parse().unwrap()).unwrap();
    assert_eq!(shown.lines, wrong.lines, "it stays explained");
    let withdrawn = shown.snapshot_withdrawn.unwrap();
    assert_eq!(withdrawn.why, "counted twice");
}

#[tokio::test]
async fn a_plan_for_another_day_makes_no_snapshot_newer() {
    let scene = Scene::new(&[(11, 5)]).await;
    let as_of = TODAY.tomorrow().unwrap();
    let for_another_day = SyncOptions {
        as_of: Some(as_of),
        ..SyncOptions::default()
    };
    scene.wait(9 * 24 * 60);
    let report = scene.try_sync(&for_another_day).await.unwrap();
    assert_eq!(brakes(&report), ["snapshot-stale"], "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);

    scene.import_usage(&[("w1", 11)]);
    let report = scene.try_sync(&for_another_day).await.unwrap();
    assert_eq!((report.as_of, report.today), (as_of, scene.today()));
    assert_eq!(report.notices, []);
    assert_eq!(outcome(&report, "w1").0, Outcome::Planned, "{report:#?}");
    assert!(report.dry_run);
    assert_eq!(scene.adjustments_sent(), 0);
}

fn without(brake: BrakeCode) -> SyncOptions {
    SyncOptions {
        release: Some(Release::new([brake], "looked at it").expect("it may be released")),
        ..SyncOptions::default()
    }
}

#[tokio::test]
async fn a_stale_snapshot_is_posted_once_a_person_releases_it_for_that_run() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.wait(9 * 24 * 60);
    let released = without(BrakeCode::SnapshotStale);
    let report = scene.try_sync(&released).await.unwrap();
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    let said = report.released[0].message.as_deref().unwrap();
    assert!(
        said.contains("2026-11-23, more than 3 days before"),
        "{said}"
    );
    assert!(!report.needs_a_person());
    assert_eq!(brakes(&scene.sync().await), ["snapshot-stale"]);
}

#[tokio::test]
async fn counts_that_are_all_zero_are_held_line_by_line_once_their_brake_is_released() {
    let scene = Scene::new(&[(0, 5)]).await;
    let items = json!([{ "workspace": "w1", "module": MODULE, "users": 0, "devices": 0 }]);
    let zero = json!({
        "channel": "msp", "taken_at": scene.now().to_string(), "complete": true, "items": items,
    });
    let source = Source::new("usage", zero.to_string());
    scene.host.import_usage(&source, &UsageForm::Json).unwrap();
    assert_eq!(brakes(&scene.sync().await), ["snapshot-all-zero"]);
    let released = without(BrakeCode::SnapshotAllZero);
    let report = scene.try_sync(&released).await.unwrap();
    assert_eq!(brakes(&report), [] as [&str; 0]);
    let held = (Outcome::Held, Some("fall-to-zero".to_owned()));
    assert_eq!(outcome(&report, "w1"), held, "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);
}

/// Import a snapshot of an instant, with more fields beside; the codes of its notes.
fn import_of(scene: &Scene, taken_at: &str, devices: u32, more: &serde_json::Value) -> Vec<String> {
    let items = json!([{ "workspace": "w1", "module": MODULE, "users": 1, "devices": devices }]);
    let mut file = json!({
        "channel": "msp", "taken_at": taken_at, "complete": true, "items": items,
    });
    for (key, value) in more.as_object().expect("an object") {
        file[key] = value.clone();
    }
    let source = Source::new("usage", file.to_string());
    let done = scene
        .host
        .import_usage(&source, &UsageForm::Json)
        .expect("usage");
    done.notes
        .iter()
        .map(|note| note.code.to_string())
        .collect()
}

#[tokio::test]
async fn neither_of_two_snapshots_of_one_instant_is_used_until_one_is_withdrawn() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.wait(60);
    let taken_at = scene.now().to_string();
    let plain = json!({});
    assert_eq!(import_of(&scene, &taken_at, 12, &plain), [""; 0]);
    assert_eq!(
        import_of(&scene, &taken_at, 12, &plain),
        [""; 0],
        "the same counts"
    );
    let code = "snapshots-disagree";
    assert_eq!(import_of(&scene, &taken_at, 99, &plain), [code]);

    let report = scene.sync().await;
    assert_eq!(brakes(&report), [code], "{report:#?}");
    assert!(report.needs_a_person());
    let notice = &report.notices[0];
    let (host, name) = (&scene.host, name());
    let validation = host.validate(&name, &unwatched).await.unwrap();
    let found = validation.findings.iter().find(|f| f.holds).unwrap();
    let pair = ("w1".parse().unwrap(), MODULE.parse().unwrap());
    let explained = host.explain(&name, &pair.0, &pair.1).await.unwrap_err();
    let simulated = host.simulate_counts(&name, &SimulationScope::default());
    let radar = host.radar(&name, &unwatched).await.unwrap_err();
    let shown = host.newest_counts(&"msp".parse().unwrap()).unwrap_err();
    let refusals = [explained, simulated.unwrap_err(), radar, shown].map(|e| e.problem());
    let refusals = refusals.map(|p| (p.code.to_string(), p.message, p.fix.unwrap()));
    let told = [
        (
            notice.code.clone(),
            notice.message.clone(),
            notice.fix.clone(),
        ),
        (found.code.clone(), found.message.clone(), found.fix.clone()),
    ];
    for (refusal, message, fix) in told.iter().chain(&refusals) {
        assert_eq!(refusal, code, "{message}");
        for id in ["u-000003", "u-000004"] {
            assert!(message.contains(id), "{message}");
            assert!(
                fix.contains(&format!("`psa-host usage withdraw {id} ")),
                "{fix}"
            );
        }
        let counts = "edr of w1 with 1 users, 12 devices in u-000003 and 1 users, 99 devices";
        assert!(message.contains(counts), "{message}");
    }
    assert_eq!(scene.adjustments_sent(), 0);
    listed_as_disagreeing(&scene);

    let wrong = "u-000004".parse().unwrap();
    host.withdraw_usage(wrong, "counted twice").unwrap();
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.units_on(0, TODAY), 12);
}

#[tokio::test]
async fn nothing_is_posted_from_a_page_of_a_list_that_says_it_is_complete() {
    for more in [
        json!({ "truncated": true }),
        json!({ "has_more": true }),
        json!({ "meta": { "next_cursor": "abc", "total": 200 } }),
    ] {
        let scene = Scene::new(&[(11, 5)]).await;
        scene.wait(60);
        let taken_at = scene.now().to_string();
        assert_eq!(import_of(&scene, &taken_at, 11, &more), ["not-whole"]);
        assert_eq!(
            brakes(&scene.sync().await),
            ["snapshot-incomplete"],
            "{more}"
        );
        assert_eq!(scene.adjustments_sent(), 0);
        // The whole of it is no other opinion, although it has more counts.
        let whole = import_of(&scene, &taken_at, 11, &json!({ "has_more": false }));
        assert_eq!(whole, [""; 0]);
        assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    }
}

/// A usage file of these items, in JSON, whose good rows are kept.
fn import_good_rows(scene: &Scene, items: &str) -> psa_host_sync::UsageImported {
    let now = scene.now();
    let text = format!(
        r#"{{"channel": "msp", "taken_at": "{now}", "complete": true, "items": [{items}]}}"#
    );
    let source = Source::new("usage.json", text).keeping_good_rows(true);
    let done = scene.host.import_usage(&source, &UsageForm::Json);
    done.expect("good rows")
}

#[tokio::test]
async fn what_could_not_be_read_is_held_and_the_others_go_on() {
    let scene = Scene::new(&[(11, 5), (12, 5), (13, 5), (14, 5), (15, 5)]).await;
    scene.wait(1);
    let item = |workspace: &str, users: &str| {
        format!(r#"{{"workspace": "{workspace}", "module": "{MODULE}", "devices": {users}}}"#)
    };
    let items = |bad: &[&str]| {
        let rows = ["w1", "w2", "w3", "w4", "w5"].map(|workspace| {
            let devices = if bad.contains(&workspace) {
                "\"many\""
            } else {
                "9"
            };
            item(workspace, devices)
        });
        rows.join(",\n")
    };
    // Two of five: the source itself is in doubt.
    let done = import_good_rows(&scene, &items(&["w2", "w4"]));
    assert_eq!((done.items, done.refused.len()), (3, 2));
    let report = scene.sync().await;
    assert_eq!(brakes(&report), ["too-much-unread"], "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);
    scene.wait(1);
    import_good_rows(&scene, &items(&["w2"]));
    let report = scene.sync().await;
    assert_eq!(brakes(&report), [] as [&str; 0], "{report:#?}");
    let held = (Outcome::Held, Some("usage-unread".to_owned()));
    assert_eq!(outcome(&report, "w2"), held);
    for workspace in ["w1", "w3", "w4", "w5"] {
        assert_eq!(outcome(&report, workspace).0, Outcome::Confirmed);
    }
    assert_eq!(scene.applied(1), [] as [i32; 0]);
    let line = end_to_end::line_of(&report, "w2");
    let message = line.message.as_deref().unwrap();
    assert!(message.contains("usage.json, line 2"), "{message}");
}

#[tokio::test]
async fn a_list_of_workspaces_with_refused_rows_is_a_brake_until_a_whole_one_comes() {
    let scene = Scene::new(&[(11, 5)]).await;
    let import = |name: &str, more: &str| {
        let row = format!(
            r#"{{"id": "w1", "name": "{name}", "kind": "child", "parent": "msp",
                "status": "subscription"}}"#
        );
        let source = Source::new("w.json", format!(r#"{{"workspaces": [{row}{more}]}}"#));
        let done = scene
            .host
            .import_workspaces(&source.keeping_good_rows(true));
        done.unwrap()
    };
    let bad = r#", {"id": "w2", "name": "Two", "kind": "chanel", "status": "new"}"#;
    assert_eq!(import("One", bad).refused.len(), 1);
    let report = scene.sync().await;
    assert_eq!(brakes(&report), ["workspaces-unread"], "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);
    // A page lacks nobody knows whom.
    let page = r#"{"workspaces": [{"id": "w1", "name": "One", "kind": "child", "parent": "msp",
        "status": "subscription"}], "has_more": true}"#;
    let page = scene
        .host
        .import_workspaces(&Source::new("page.json", page));
    assert!(page.unwrap().needs_a_person());
    let report = scene.sync().await;
    assert_eq!(brakes(&report), ["workspaces-unread"], "{report:#?}");
    let told = &report.notices[0].message;
    assert!(told.contains("(file page.json) is not whole"), "{told}");
    assert_eq!(scene.adjustments_sent(), 0);
    // A whole list ends it, also one of which only names were cleaned.
    let whole = import("One\\u0007", "");
    assert_eq!(
        (whole.refused, whole.notes[0].code.as_str()),
        (vec![], "cleaned-name")
    );
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
}
