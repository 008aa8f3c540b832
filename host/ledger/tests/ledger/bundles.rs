use psa_host_billing::ModuleId;
use psa_host_ledger::Ledger;

use crate::fixture::{Place, code, name};

fn modules(ids: &[&str]) -> Vec<ModuleId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn declare(ledger: &Ledger, bundle: &str, parts: &[&str]) {
    let bundle = bundle.parse().unwrap();
    let parts = modules(parts);
    ledger
        .declare_bundle(&name("acme"), &bundle, &parts)
        .unwrap();
}

fn kept(ledger: &Ledger) -> Vec<String> {
    let bundles = ledger.bundles(&name("acme")).unwrap().into_iter();
    let shown = |one: psa_host_ledger::BundleRecord| {
        let parts: Vec<&str> = one.parts.iter().map(ModuleId::as_str).collect();
        format!("{} = {}", one.bundle, parts.join(" + "))
    };
    bundles.map(shown).collect()
}

#[test]
fn what_a_bundle_holds_is_kept_replaced_and_taken_back() {
    let place = Place::new();
    let ledger = place.with_connection();
    assert!(kept(&ledger).is_empty());
    declare(&ledger, "essentials", &["mdm", "edr", "edr"]);
    declare(&ledger, "complete", &["essentials"]);
    assert_eq!(
        kept(&ledger),
        ["complete = essentials", "essentials = edr + mdm"]
    );
    declare(&ledger, "essentials", &["network"]);
    assert_eq!(kept(&ledger)[1], "essentials = network");
    let essentials = "essentials".parse().unwrap();
    ledger.forget_bundle(&name("acme"), &essentials).unwrap();
    assert_eq!(kept(&ledger), ["complete = essentials"]);
    let again = ledger.forget_bundle(&name("acme"), &essentials);
    assert_eq!(code(again), "not-found");
    let said: Vec<String> = ledger
        .history(0, 1000)
        .unwrap()
        .into_iter()
        .map(|event| event.what)
        .filter(|what| what.starts_with("mapping.bundle"))
        .collect();
    assert_eq!(
        said,
        [
            "mapping.bundle-set",
            "mapping.bundle-set",
            "mapping.bundle-set",
            "mapping.bundle-removed"
        ]
    );
}
