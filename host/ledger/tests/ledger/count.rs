use jiff::civil::date;
use psa_host_billing::Metric;
use psa_host_billing::count::{Basis, CountExclusion, CountPolicy, Minimum};
use psa_host_ledger::{Ledger, Mapped, Mapping, MappingKey, ServiceMapping};

use crate::fixture::{Place, add, code, name};

fn map(ledger: &Ledger, module: &str) {
    let mapping = Mapping::Service(ServiceMapping {
        module: module.parse().unwrap(),
        service: "15".parse().unwrap(),
        metric: Metric::Devices,
    });
    ledger.map(&name("acme"), &mapping).unwrap();
}

fn peak() -> CountPolicy {
    CountPolicy {
        basis: Basis::Peak,
        multiplier: "1.5".parse().unwrap(),
        minimum: Some(Minimum::new(10, Some(date(2026, 3, 1)), None).unwrap()),
        ..CountPolicy::default()
    }
}

fn set(ledger: &Ledger, module: &str, policy: CountPolicy) -> Result<Mapped, &'static str> {
    let module = module.parse().unwrap();
    let set = ledger.set_count_policy(&name("acme"), &module, &policy);
    set.map_err(|error| error.code().as_str())
}

fn exclusion(workspace: &str) -> CountExclusion {
    CountExclusion {
        workspace: workspace.parse().unwrap(),
        module: "edr".parse().unwrap(),
        metric: Metric::Devices,
        count: 2,
        owner: "J. Doe".to_owned(),
        why: "test phones".to_owned(),
        since: Some(date(2026, 3, 14)),
        until: None,
    }
}

/// What the history has of counts, as (what, detail).
fn history(ledger: &Ledger) -> Vec<(String, serde_json::Value)> {
    let events = ledger.history(0, 1000).unwrap();
    events
        .into_iter()
        .filter(|event| event.what.starts_with("count."))
        .map(|event| (event.what, event.detail))
        .collect()
}

#[test]
fn a_policy_comes_back_as_it_was_set_and_each_change_is_written_down() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, "edr");
    assert!(ledger.count_policies(&name("acme")).unwrap().is_empty());
    assert_eq!(
        set(&ledger, "edr", CountPolicy::default()),
        Ok(Mapped::Same)
    );
    assert_eq!(set(&ledger, "edr", peak()), Ok(Mapped::New));
    assert_eq!(set(&ledger, "edr", peak()), Ok(Mapped::Same));
    let kept = place.open().count_policies(&name("acme")).unwrap();
    assert_eq!(
        kept.into_iter().collect::<Vec<_>>(),
        [("edr".parse().unwrap(), peak())]
    );
    assert_eq!(
        set(&ledger, "edr", CountPolicy::default()),
        Ok(Mapped::Changed)
    );
    assert!(ledger.count_policies(&name("acme")).unwrap().is_empty());
    let events = history(&ledger);
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[0].1["from"]["basis"], "latest");
    assert_eq!(events[0].1["to"]["basis"], "peak");
    assert_eq!(events[0].1["to"]["multiplier"], "1.5");
    assert_eq!(events[1].1["to"]["basis"], "latest");
}

#[test]
fn only_a_mapped_module_has_a_policy_and_it_goes_with_the_mapping() {
    let place = Place::new();
    let ledger = place.with_connection();
    assert_eq!(set(&ledger, "edr", peak()), Err("not-found"));
    map(&ledger, "edr");
    set(&ledger, "edr", peak()).unwrap();
    let key = MappingKey::Service("edr".parse().unwrap());
    ledger.unmap(&name("acme"), &key).unwrap();
    map(&ledger, "edr");
    assert!(ledger.count_policies(&name("acme")).unwrap().is_empty());
    assert_eq!(history(&ledger)[1].1["to"]["basis"], "latest");
    // The database itself would not keep one either.
    set(&ledger, "edr", peak()).unwrap();
    place
        .sql("PRAGMA foreign_keys = ON; DELETE FROM service_map")
        .unwrap();
    assert!(ledger.count_policies(&name("acme")).unwrap().is_empty());
}

#[test]
fn a_module_that_gets_another_service_keeps_its_policy() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, "edr");
    set(&ledger, "edr", peak()).unwrap();
    let acme = name("acme");
    let key = || MappingKey::Service("edr".parse().unwrap());
    let other = Mapping::Service(ServiceMapping {
        module: "edr".parse().unwrap(),
        service: "16".parse().unwrap(),
        metric: Metric::Devices,
    });
    let replaced = ledger.replace_mappings(&acme, &[key()], &[other]).unwrap();
    assert!(replaced.applied);
    assert_eq!(
        ledger.mappings(&acme).unwrap().services[0].service.as_str(),
        "16"
    );
    let policies = ledger.count_policies(&acme).unwrap();
    assert_eq!(policies.into_values().collect::<Vec<_>>(), [peak()]);
    assert_eq!(history(&ledger).len(), 1, "it did not change");
    ledger.replace_mappings(&acme, &[key()], &[]).unwrap();
    assert!(ledger.count_policies(&acme).unwrap().is_empty());
    assert_eq!(history(&ledger).len(), 2);
}

#[test]
fn a_policy_that_makes_no_sense_in_the_database_is_damage() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, "edr");
    set(&ledger, "edr", peak()).unwrap();
    for policy in [r#"{"multiplier":"0"}"#, r#"{"highest":true}"#, "x"] {
        place
            .sql(&format!("UPDATE count_policies SET policy = '{policy}'"))
            .unwrap();
        assert_eq!(
            code(ledger.count_policies(&name("acme"))),
            "ledger-damaged",
            "{policy}"
        );
    }
}

#[test]
fn an_exclusion_holds_until_it_is_taken_back_and_is_never_forgotten() {
    let place = Place::new();
    let ledger = place.with_connection().with_actor("cli:ann");
    let acme = name("acme");
    let first = ledger.add_count_exclusion(&acme, &exclusion("w1")).unwrap();
    let second = ledger.add_count_exclusion(&acme, &exclusion("w2")).unwrap();
    assert_eq!(first.to_string(), "e-000001");
    assert_eq!(
        "e-2".parse::<psa_host_ledger::ExclusionId>().unwrap(),
        second
    );
    let all = ledger.count_exclusions(&acme, false).unwrap();
    assert_eq!(
        all.iter().map(|record| record.id).collect::<Vec<_>>(),
        [first, second]
    );
    assert_eq!(all[0].exclusion, exclusion("w1"));
    assert_eq!(
        (all[0].added_by.as_str(), all[0].removed_at),
        ("cli:ann", None)
    );

    place.wait(60);
    ledger.remove_count_exclusion(&acme, first).unwrap();
    assert_eq!(
        code(ledger.remove_count_exclusion(&acme, first)),
        "not-found"
    );
    let left = ledger.count_exclusions(&acme, false).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].exclusion.workspace.as_str(), "w2");
    let ever = ledger.count_exclusions(&acme, true).unwrap();
    assert_eq!(ever.len(), 2);
    assert_eq!(ever[0].removed_at, Some(ledger.now()));

    let events = history(&ledger);
    let what: Vec<&str> = events.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(
        what,
        [
            "count.exclusion-added",
            "count.exclusion-added",
            "count.exclusion-removed"
        ]
    );
    assert_eq!(events[0].1["exclusion"]["why"], "test phones");
    assert_eq!(events[2].1["id"], "e-000001");
}

#[test]
fn an_exclusion_is_one_connections() {
    let place = Place::new();
    let ledger = place.with_connection();
    add(&ledger, "beta", "other-msp");
    let id = ledger
        .add_count_exclusion(&name("acme"), &exclusion("w1"))
        .unwrap();
    assert!(
        ledger
            .count_exclusions(&name("beta"), true)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        code(ledger.remove_count_exclusion(&name("beta"), id)),
        "not-found"
    );
    assert_eq!(
        code(ledger.add_count_exclusion(&name("gone"), &exclusion("w1"))),
        "not-found"
    );
    ledger.remove_connection(&name("acme")).unwrap();
}
