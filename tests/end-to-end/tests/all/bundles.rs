//! A bundle of Coro, sold as a plain service of the PSA, beside a module that is in it.

use autotask_sim::LineKind;
use end_to_end::{MODULE, Scene, name};
use psa_host_billing::ModuleId;
use psa_host_ledger::Outcome;
use psa_host_sync::run::{RunReport, SyncOptions};
use psa_host_sync::{Source, UsageForm, unwatched};
use serde_json::json;

const BUNDLE: &str = "essentials-bundle";

/// `w1` has the bundle and the module in it, `w2` the module alone. The bundle is mapped.
async fn scene() -> Scene {
    let mut bundle = 0;
    let scene = Scene::altered(&[(11, 5), (3, 2)], |config, customers| {
        bundle = config.world.add_service("Coro Essentials", "9.00");
        let contract = customers[0].contract;
        let line = config
            .world
            .add_line(LineKind::Service, contract, bundle, 1);
        line.expect("an open contract");
    })
    .await;
    let item = |workspace: &str, module: &str, devices: u32| json!({ "workspace": workspace, "module": module, "users": 4, "devices": devices });
    let usage = json!({
        "channel": "msp", "taken_at": scene.now().to_string(), "complete": true,
        "items": [item("w1", MODULE, 11), item("w2", MODULE, 3), item("w1", BUNDLE, 0)],
    });
    let source = Source::new("usage", usage.to_string());
    scene
        .host
        .import_usage(&source, &UsageForm::Json)
        .expect("usage");
    let service = bundle.to_string().parse().expect("an id");
    scene
        .host
        .map_service(&name(), &module(BUNDLE), &service, None)
        .await
        .expect("mapped");
    scene
}

fn module(id: &str) -> ModuleId {
    id.parse().expect("an id")
}

fn outcomes(report: &RunReport) -> Vec<String> {
    let shown = |line: &psa_host_sync::run::LineReport| {
        let code = line.code.as_deref().unwrap_or_default();
        format!(
            "{} {} {} {code}",
            line.workspace,
            line.module,
            line.outcome.as_str()
        )
    };
    let mut lines: Vec<String> = report.lines.iter().map(shown).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_declared_bundle_and_a_module_in_it_are_never_both_billed_to_one_customer() {
    let scene = scene().await;
    let codes = async || {
        let found = scene.host.validate(&name(), &unwatched).await.unwrap();
        let codes = found
            .findings
            .into_iter()
            .map(|found| (found.code, found.holds));
        codes.collect::<Vec<_>>()
    };
    assert!(codes().await.contains(&("bundle-undeclared".into(), false)));
    let dry = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    let planned = scene.try_sync(&dry).await.unwrap();
    assert!(outcomes(&planned).contains(&format!("w1 {BUNDLE} planned ")));

    let parts = [module(MODULE), module("email-security")];
    scene
        .host
        .declare_bundle(&name(), &module(BUNDLE), &parts)
        .unwrap();
    let codes = codes().await;
    assert!(!codes.iter().any(|(code, _)| code == "bundle-undeclared"));
    assert!(codes.contains(&("bundle-and-part".into(), true)));
    let report = scene.sync().await;
    assert_eq!(
        outcomes(&report),
        [
            "w1 edr held bundle-and-part".to_owned(),
            format!("w1 {BUNDLE} held bundle-and-part"),
            "w2 edr confirmed ".to_owned(),
        ],
        "{report:#?}"
    );
    let confirmed = |line: &&psa_host_sync::run::LineReport| line.outcome == Outcome::Confirmed;
    assert_eq!(report.lines.iter().filter(confirmed).count(), 1);

    let itself = scene
        .host
        .declare_bundle(&name(), &module(BUNDLE), &[module(BUNDLE)]);
    assert_eq!(itself.unwrap_err().code(), "bad-bundle");
}
