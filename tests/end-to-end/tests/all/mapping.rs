//! Mapping many at once, against the whole of a PSA: suggested, taken from a sheet, set
//! aside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use end_to_end::{MODULE, Scene, TODAY, line_of, name, outcome};
use psa_host_billing::SetAsideKind;
use psa_host_billing::suggest::Confidence;
use psa_host_ledger::Outcome;
use psa_host_sync::run::SyncOptions;
use psa_host_sync::{
    Access, Choice, MappingKind, SetAsideOrder, Source, SuggestOptions, Suggestions, unwatched,
};

/// Nothing is mapped. The workspaces' company names are `Company w1`, … in the scene,
/// and the PSA has `Company 1`, …: alike, and not equal.
async fn unmapped(customers: &[(u32, i32)]) -> Scene {
    let scene = Scene::new(customers).await;
    for customer in &scene.customers {
        scene
            .host
            .unmap(&name(), MappingKind::Account, &customer.workspace)
            .unwrap();
    }
    scene
        .host
        .unmap(&name(), MappingKind::Service, MODULE)
        .unwrap();
    scene
}

fn rename(scene: &Scene, names: &[(&str, &str)]) {
    let workspaces: Vec<serde_json::Value> = names
        .iter()
        .map(|(id, company)| {
            serde_json::json!({
                "id": id, "name": id, "company": company, "kind": "child", "parent": "msp",
                "status": "subscription",
            })
        })
        .collect();
    let file = serde_json::json!({ "workspaces": workspaces }).to_string();
    scene
        .host
        .import_workspaces(&Source::new("workspaces", file))
        .unwrap();
}

async fn suggest(host: &Access) -> Suggestions {
    let options = SuggestOptions {
        accounts: true,
        services: true,
        min_score: SuggestOptions::MIN_SCORE,
        weak: false,
    };
    host.suggest(&name(), &options, &unwatched).await.unwrap()
}

fn order(workspace: &str, kind: SetAsideKind) -> SetAsideOrder {
    SetAsideOrder {
        workspaces: vec![workspace.parse().unwrap()],
        modules: vec![],
        kind,
        why: "contract is being renewed".to_owned(),
        until: Some(TODAY),
    }
}

#[tokio::test]
async fn what_is_suggested_and_taken_is_posted() {
    let scene = unmapped(&[(11, 5), (7, 7), (3, 1)]).await;
    rename(
        &scene,
        &[
            ("w1", "Company 1 LLC"),
            ("w2", "COMPANY  2"),
            ("w3", "Elsewhere"),
        ],
    );
    let before = scene.host.ledger().mappings(&name()).unwrap();
    let found = suggest(&scene.host).await;
    let accounts: Vec<_> = found
        .account_suggestions
        .iter()
        .map(|one| (one.workspace.as_str(), one.account.to_string(), one.verdict))
        .collect();
    let company = |at: usize| scene.customers[at].company.to_string();
    assert_eq!(
        accounts,
        [
            ("w1", company(0), Confidence::Safe),
            ("w2", company(1), Confidence::Safe)
        ]
    );
    assert_eq!(
        found.service_suggestions[0].verdict,
        Confidence::Safe,
        "{found:#?}"
    );
    let without: Vec<_> = found
        .workspaces_without
        .iter()
        .map(|id| id.as_str())
        .collect();
    assert_eq!(without, ["w3"]);
    assert_eq!(
        scene.host.ledger().mappings(&name()).unwrap(),
        before,
        "nothing is saved"
    );

    // One by its id, the others because they are safe.
    let ids = [found.account_suggestions[1].id.clone()];
    let host = &scene.host;
    let chosen = host
        .choose_suggestions(&name(), Choice::Ids(&ids), &unwatched)
        .await
        .unwrap();
    assert_eq!(host.apply_mappings(&name(), chosen, true).unwrap().new, 1);
    let safe = host
        .choose_suggestions(&name(), Choice::Safe, &unwatched)
        .await
        .unwrap();
    let done = host.apply_mappings(&name(), safe, true).unwrap();
    assert_eq!((done.new, done.refused.len()), (2, 0), "{done:#?}");
    let rest = suggest(host).await;
    assert_eq!(
        (
            rest.account_suggestions.len(),
            rest.service_suggestions.len()
        ),
        (0, 0)
    );

    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Confirmed, None),
        "{report:#?}"
    );
    assert_eq!(outcome(&report, "w2"), (Outcome::Unchanged, None));
    assert_eq!((scene.applied(0), scene.applied(2)), (vec![6], vec![]));
    assert_eq!(report.summary.unmapped_workspaces, 1);
}

#[tokio::test]
async fn an_edited_file_of_suggestions_keeps_the_good_rows_and_reports_the_others() {
    let scene = unmapped(&[(11, 5), (7, 7)]).await;
    rename(&scene, &[("w1", "Company 1"), ("w2", "Company 2")]);
    let mut printed = serde_json::to_value(suggest(&scene.host).await).unwrap();
    // A person typed an account that is not there.
    printed["account_suggestions"][1]["account"] = "99999999".into();
    let source = Source::new("suggestions.json", printed.to_string());
    let choice = |safe_only| Choice::File {
        source: &source,
        safe_only,
    };
    let host = &scene.host;
    let safe = host
        .choose_suggestions(&name(), choice(true), &unwatched)
        .await
        .unwrap();
    assert_eq!((safe.changes.len(), safe.refused.len()), (2, 0));
    assert_eq!(safe.notes[0].code, "not-safe");
    let chosen = host
        .choose_suggestions(&name(), choice(false), &unwatched)
        .await
        .unwrap();
    let done = host.apply_mappings(&name(), chosen, true).unwrap();
    assert!(done.applied);
    assert_eq!(done.new, 2, "{done:#?}");
    assert_eq!(done.refused.len(), 1);
    assert_eq!(done.refused[0].code, "unknown-account");
    assert!(
        done.refused[0]
            .message
            .starts_with("suggestions.json, line 1"),
        "{done:#?}"
    );
}

#[tokio::test]
async fn a_workspace_held_aside_is_held_until_its_day_and_an_excluded_one_is_not_planned() {
    let scene = Scene::new(&[(11, 5), (12, 5), (13, 5)]).await;
    let host = &scene.host;
    host.set_aside(&name(), &order("w1", SetAsideKind::Hold))
        .unwrap();
    host.set_aside(&name(), &order("w2", SetAsideKind::Exclude))
        .unwrap();
    let validation = host.validate(&name(), &unwatched).await.unwrap();
    let codes: Vec<_> = validation
        .findings
        .iter()
        .filter(|one| one.holds)
        .map(|one| one.code.as_str())
        .collect();
    assert_eq!(codes, ["set-aside"], "{validation:#?}");

    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Held, Some("set-aside".into()))
    );
    let message = line_of(&report, "w1").message.clone().unwrap();
    assert!(message.contains("contract is being renewed"), "{message}");
    assert!(
        report
            .lines
            .iter()
            .all(|line| line.workspace.as_str() != "w2")
    );
    assert_eq!(outcome(&report, "w3").0, Outcome::Confirmed);
    assert_eq!(
        (scene.applied(0), scene.applied(1), scene.applied(2)),
        (vec![], vec![], vec![8])
    );

    // The day after.
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 11), ("w2", 12), ("w3", 13)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(outcome(&report, "w2").0, Outcome::Confirmed);
}

#[tokio::test]
async fn an_excluded_workspace_is_neither_suggested_nor_on_the_radar_nor_unmapped() {
    let scene = unmapped(&[(11, 5), (4, 4)]).await;
    rename(&scene, &[("w1", "Company 1"), ("w2", "Company 2")]);
    let host = &scene.host;
    let services = Choice::Ids(&[format!("{MODULE}={}", scene.service)]);
    let chosen = host
        .choose_suggestions(&name(), services, &unwatched)
        .await
        .unwrap();
    assert_eq!(host.apply_mappings(&name(), chosen, true).unwrap().new, 1);
    let radar = host.radar(&name(), &unwatched).await.unwrap();
    let at_stake: Vec<_> = radar
        .workspaces
        .iter()
        .map(|one| {
            let money: Vec<String> = one.stake.money.iter().map(ToString::to_string).collect();
            (one.workspace.as_str(), one.stake.devices, money.join(" + "))
        })
        .collect();
    // 4.20 a device.
    let expected = [
        ("w1", 11, "46.20".to_owned()),
        ("w2", 4, "16.80".to_owned()),
    ];
    assert_eq!(at_stake, expected);

    host.set_aside(&name(), &order("w1", SetAsideKind::Exclude))
        .unwrap();
    let radar = host.radar(&name(), &unwatched).await.unwrap();
    assert_eq!(radar.workspaces.len(), 1);
    let found = suggest(host).await;
    assert_eq!(found.account_suggestions.len(), 1);
    let validation = host.validate(&name(), &unwatched).await.unwrap();
    let unmapped: Vec<_> = validation
        .findings
        .iter()
        .filter(|one| one.code == "workspace-unmapped")
        .map(|one| one.workspace.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(unmapped, ["w2"]);
    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    assert_eq!(
        scene
            .try_sync(&dry)
            .await
            .unwrap()
            .summary
            .unmapped_workspaces,
        1
    );
}

#[tokio::test]
async fn a_sheet_is_exported_edited_compared_and_imported() {
    let scene = Scene::new(&[(11, 5), (7, 7), (3, 1)]).await;
    let host = &scene.host;
    let pin = Source::new(
        "pin.csv",
        format!(
            "kind,coro_id,psa_id\ncontract,w2,{}\n",
            scene.customers[1].contract
        ),
    );
    assert!(
        host.import_mappings(&name(), &pin, false, &unwatched)
            .await
            .unwrap()
            .applied
    );
    for xlsx in [false, true] {
        let (bytes, notes) = host.export_sheet(&name(), xlsx, &unwatched).await.unwrap();
        assert_eq!(notes, []);
        let file = if xlsx { "m.xlsx" } else { "m.csv" };
        let source = Source::new(file, bytes);
        let same = host
            .compare_mappings(&name(), &source, true, &unwatched)
            .await
            .unwrap();
        assert_eq!((same.changes.len(), same.unchanged), (0, 5), "{same:#?}");
        assert_eq!((same.refused.len(), same.notes.len()), (0, 0), "{same:#?}");
    }
    let (bytes, _) = host.export_sheet(&name(), false, &unwatched).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    for names in ["w1,Company 1", "EDR,Coro EDR", "w2,Managed services"] {
        assert!(text.contains(names), "{text}");
    }

    // Two change places, the third goes, and a line is nonsense.
    let [first, second, third] = [0, 1, 2].map(|at| scene.customers[at].company.to_string());
    let edited = text
        .replace(&format!("w1,{first}"), &format!("w1,{second}"))
        .replace(&format!("w2,{second}"), &format!("w2,{first}"))
        .replace(&format!("account,w3,{third}"), ",,");
    let edited: String = edited
        .lines()
        .filter(|line| !line.starts_with("contract"))
        .map(|line| format!("{line}\n"))
        .collect();
    let wrong = Source::new("m.csv", format!("{edited}account,nobody,1,,,\n"));
    let refused = host
        .compare_mappings(&name(), &wrong, true, &unwatched)
        .await
        .unwrap();
    assert_eq!(refused.refused.len(), 1);
    assert!(
        refused.refused[0].message.starts_with("m.csv, line 6: "),
        "{refused:#?}"
    );
    let before = host.ledger().mappings(&name()).unwrap();
    assert!(!host.apply_mappings(&name(), refused, true).unwrap().applied);
    assert_eq!(host.ledger().mappings(&name()).unwrap(), before);

    let good = Source::new("m.csv", edited);
    let alone = host
        .compare_mappings(&name(), &good, false, &unwatched)
        .await
        .unwrap();
    assert_eq!(
        alone.refused.len(),
        2,
        "without --replace nobody changes places: {alone:#?}"
    );
    let found = host
        .compare_mappings(&name(), &good, true, &unwatched)
        .await
        .unwrap();
    assert_eq!(
        host.ledger().mappings(&name()).unwrap(),
        before,
        "nothing is written yet"
    );
    let done = host.apply_mappings(&name(), found, false).unwrap();
    assert!(done.applied, "{done:#?}");
    assert_eq!(
        (done.changed, done.removed, done.same),
        (2, 2, 1),
        "{done:#?}"
    );
    let after = host.ledger().mappings(&name()).unwrap();
    let accounts: Vec<_> = after
        .accounts
        .iter()
        .map(|pair| (pair.workspace.as_str(), pair.account.to_string()))
        .collect();
    assert_eq!(accounts, [("w1", second), ("w2", first)]);
}

#[tokio::test]
async fn a_file_with_another_metric_changes_it_only_where_it_replaces() {
    let scene = Scene::new(&[(11, 5)]).await;
    let service = scene.service.to_string();
    let file = serde_json::json!({
        "accounts": [{ "workspace": "w1", "account": scene.customers[0].company.to_string() }],
        "services": [{ "module": MODULE, "service": service, "metric": "users" }],
        "contracts": [],
    });
    let source = Source::new("mapping", file.to_string());
    let host = &scene.host;
    let done = host
        .import_mappings(&name(), &source, true, &unwatched)
        .await
        .unwrap();
    assert_eq!(done.refused.len(), 1, "{done:#?}");
    assert_eq!(done.refused[0].code, "metric-already-mapped");
    assert_eq!(line_of(&scene.sync().await, "w1").target, Some(11.into()));

    let replacing = host
        .compare_mappings(&name(), &source, true, &unwatched)
        .await
        .unwrap();
    let done = host.apply_mappings(&name(), replacing, false).unwrap();
    assert_eq!((done.changed, done.refused.len()), (1, 0), "{done:#?}");
    // One user is counted now.
    assert_eq!(line_of(&scene.sync().await, "w1").target, Some(1.into()));
}

#[tokio::test]
async fn an_account_that_two_rows_claim_is_billed_by_neither() {
    let scene = unmapped(&[(4, 10), (9, 10), (11, 5)]).await;
    let [first, third] = [0, 2].map(|at| scene.customers[at].company);
    let contracts = [0, 1].map(|at| scene.customers[at].contract);
    let text = format!(
        "kind,coro_id,psa_id,metric\n\
         account,w1,{first},\naccount,w2,{first},\naccount,w3,{third},\n\
         service,{MODULE},{},devices\n\
         contract,w1,{},\ncontract,w1,{},\n",
        scene.service, contracts[0], contracts[1]
    );
    let source = Source::new("m.csv", text);
    let host = &scene.host;
    let done = host
        .import_mappings(&name(), &source, true, &unwatched)
        .await
        .unwrap();
    assert_eq!((done.applied, done.new), (true, 2), "{done:#?}");
    let refused: Vec<_> = done.refused.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(refused, ["contradicting-rows"; 4], "{done:#?}");
    assert_eq!(
        done.refused[0].message,
        format!(
            "m.csv, line 2: workspace w1 is account {first}, but line 3 says that workspace w2 is \
             account {first}"
        )
    );
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w3"),
        (Outcome::Confirmed, None),
        "{report:#?}"
    );
    assert_eq!(scene.units_on(0, TODAY), 10);
}

#[tokio::test]
async fn a_sheet_with_a_stray_quote_removes_nothing() {
    let scene = Scene::new(&[(11, 5), (7, 7), (3, 1)]).await;
    let host = &scene.host;
    let (bytes, _) = host.export_sheet(&name(), false, &unwatched).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let before = host.ledger().mappings(&name()).unwrap();
    for (wrong, place) in [
        (
            text.replace(",Company 1\n", ",\"Rack\n"),
            "m.csv, line 2, column 6: ",
        ),
        (
            text.replace(",Company 1\n", ",\"Rack\n")
                .replace(",Company 3\n", ",Rack\"\n"),
            "m.csv, line 2, column 6: ",
        ),
        (
            text.replace("psa_name", "\"psa_name"),
            "m.csv, line 1, column 6: ",
        ),
    ] {
        assert_ne!(wrong, text);
        let source = Source::new("m.csv", wrong);
        let refused = host
            .compare_mappings(&name(), &source, true, &unwatched)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "csv-quote");
        assert!(refused.to_string().starts_with(place), "{refused}");
    }
    // A row that is shorter, and one that is cut at the end of the file.
    for (wrong, code) in [
        (text.replace(",Company 1\n", "\n"), "csv-fields"),
        (text.trim_end().to_owned(), "may-be-cut"),
    ] {
        let source = Source::new("m.csv", wrong);
        let found = host
            .compare_mappings(&name(), &source, true, &unwatched)
            .await
            .unwrap();
        let codes: Vec<_> = found.refused.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, [code]);
        assert!(!host.apply_mappings(&name(), found, true).unwrap().applied);
    }
    assert_eq!(host.ledger().mappings(&name()).unwrap(), before);
}
