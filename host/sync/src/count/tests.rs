use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use psa_host_billing::count::{Basis, Days, Minimum};
use psa_host_billing::{Contract, Mapping, Truth, Units};
use psa_host_ledger::{AccountMapping, NewConnection};

use super::*;
use crate::testing::{Fixture, file};
use crate::{Access, UsageForm};

/// A connection `acme` of channel `msp`, with w1 (paid) and w2 (trial) mapped and edr
/// billed by devices. Today is 1 October, 8 in the morning in New York.
fn fixture() -> Fixture {
    let fixture = Fixture::with_plugin();
    let ledger = fixture.host.ledger();
    ledger
        .add_connection(&NewConnection {
            name: acme(),
            plugin: "fake".to_owned(),
            channel: "msp".parse().unwrap(),
            time_zone: "America/New_York".to_owned(),
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
        })
        .unwrap();
    let account = |workspace: &str, account: &str| {
        psa_host_ledger::Mapping::Account(AccountMapping {
            workspace: workspace.parse().unwrap(),
            account: account.parse().unwrap(),
        })
    };
    let service = psa_host_ledger::Mapping::Service(edr());
    for mapping in [account("w1", "101"), account("w2", "102"), service] {
        ledger.map(&acme(), &mapping).unwrap();
    }
    fixture
}

fn acme() -> ConnectionName {
    ConnectionName::new("acme").unwrap()
}

fn edr() -> ServiceMapping {
    ServiceMapping {
        module: "edr".parse().unwrap(),
        service: "15".parse().unwrap(),
        metric: Metric::Devices,
    }
}

/// Devices of edr, in a complete snapshot of an instant.
fn import(host: &Access, taken_at: &str, devices: &[(&str, u32)]) {
    let items: Vec<String> = devices
        .iter()
        .map(|(workspace, devices)| {
            format!(
                r#"{{"workspace": "{workspace}", "module": "edr", "users": 1, "devices": {devices}}}"#
            )
        })
        .collect();
    let text = format!(
        r#"{{"channel": "msp", "taken_at": "{taken_at}", "complete": true, "items": [{}]}}"#,
        items.join(",")
    );
    host.import_usage(&file(&text), &UsageForm::Json).unwrap();
}

fn new(workspace: &str, count: u32) -> NewExclusion {
    NewExclusion {
        workspace: workspace.parse().unwrap(),
        module: "edr".parse().unwrap(),
        count,
        owner: "J. Doe".to_owned(),
        why: "test phones".to_owned(),
        until: None,
    }
}

fn peak() -> CountPolicy {
    CountPolicy {
        basis: Basis::Peak,
        ..CountPolicy::default()
    }
}

#[test]
fn a_mapped_module_has_the_default_policy_until_another_is_set() {
    let Fixture { host, .. } = &fixture();
    let module: ModuleId = "edr".parse().unwrap();
    let shown = || {
        host.count_policies(&acme(), Some(&module))
            .unwrap()
            .remove(0)
    };
    let before = shown();
    assert!(before.default && before.policy == CountPolicy::default());
    assert_eq!(
        (before.name.as_str(), before.metric),
        ("EDR", Metric::Devices)
    );
    host.set_count_policy(&acme(), &module, &peak()).unwrap();
    let after = shown();
    assert!(!after.default && after.policy == peak());
    let mdm: ModuleId = "mdm".parse().unwrap();
    for error in [
        host.set_count_policy(&acme(), &mdm, &peak()).unwrap_err(),
        host.count_policies(&acme(), Some(&mdm)).unwrap_err(),
    ] {
        assert_eq!(error.code(), "module-unmapped");
    }
}

#[test]
fn an_exclusion_names_who_and_why_and_counts_from_today() {
    let Fixture { host, .. } = &fixture();
    let until = Some(date(2026, 12, 31));
    let done = host
        .exclude_from_count(
            &acme(),
            &NewExclusion {
                until,
                ..new("w1", 2)
            },
        )
        .unwrap();
    assert_eq!(
        done.message,
        "e-000001: 2 devices of w1 for edr are not billed from 2026-10-01 on, until 2026-12-31"
    );
    let listed = host.count_exclusions(&acme(), false).unwrap();
    assert_eq!(listed[0].state, "counts");
    assert_eq!(listed[0].exclusion.since, Some(date(2026, 10, 1)));
    assert_eq!(listed[0].exclusion.metric, Metric::Devices);
    let id = listed[0].id.parse().unwrap();
    host.restore_count(&acme(), id).unwrap();
    assert!(host.count_exclusions(&acme(), false).unwrap().is_empty());
    assert_eq!(
        host.count_exclusions(&acme(), true).unwrap()[0].state,
        "taken-back"
    );
    let again = host.restore_count(&acme(), id).unwrap_err();
    assert_eq!(again.code(), "unknown-exclusion");
}

#[test]
fn an_exclusion_that_cannot_be_right_is_refused() {
    let Fixture { host, .. } = &fixture();
    let table: Vec<(&str, NewExclusion, &str)> = vec![
        ("no such workspace", new("w7", 1), "unknown-workspace"),
        (
            "of another channel",
            new("w9", 1),
            "workspace-outside-channel",
        ),
        (
            "a module that is not mapped",
            NewExclusion {
                module: "mdm".parse().unwrap(),
                ..new("w1", 1)
            },
            "module-unmapped",
        ),
        ("of nothing", new("w1", 0), "nothing-excluded"),
        (
            "ended yesterday",
            NewExclusion {
                until: Some(date(2026, 9, 30)),
                ..new("w1", 1)
            },
            "date-passed",
        ),
        (
            "nobody's",
            NewExclusion {
                owner: " ".into(),
                ..new("w1", 1)
            },
            "bad-text",
        ),
        (
            "without a reason",
            NewExclusion {
                why: String::new(),
                ..new("w1", 1)
            },
            "bad-text",
        ),
        (
            "with an escape",
            NewExclusion {
                why: "a\u{1b}[31m".into(),
                ..new("w1", 1)
            },
            "bad-text",
        ),
        (
            "with a letter",
            NewExclusion {
                why: "x".repeat(301),
                ..new("w1", 1)
            },
            "bad-text",
        ),
    ];
    for (case, exclusion, code) in table {
        let error = host.exclude_from_count(&acme(), &exclusion).unwrap_err();
        assert_eq!(error.code(), code, "{case}");
    }
    assert!(host.count_exclusions(&acme(), true).unwrap().is_empty());
}

#[test]
fn more_excluded_than_counted_is_told_at_once() {
    let Fixture { host, .. } = &fixture();
    import(host, "2026-10-01T05:00:00Z", &[("w1", 3)]);
    let notes = |count| {
        let done = host.exclude_from_count(&acme(), &new("w1", count)).unwrap();
        done.notes
            .into_iter()
            .map(|note| note.message)
            .collect::<Vec<_>>()
    };
    assert!(notes(3).is_empty());
    let said = "4 devices are excluded now, and the newest snapshot has 3: the pair will be held";
    assert_eq!(notes(1), [said]);
}

/// 10 on 1 September, 14 and then 12 on the 7th (New York), 12 on 1 October; w2 always 5.
fn september(host: &Access) {
    for (taken_at, devices) in [
        ("2026-08-31T15:00:00Z", 99),
        ("2026-09-01T15:00:00Z", 10),
        ("2026-09-07T15:00:00Z", 14),
        // Still the 7th in New York.
        ("2026-09-08T03:00:00Z", 12),
        ("2026-10-01T05:00:00Z", 12),
    ] {
        import(host, taken_at, &[("w1", devices), ("w2", 5)]);
    }
}

fn simulated(host: &Access, workspace: Option<&str>, since: Date) -> Simulation {
    let scope = SimulationScope {
        workspace: workspace.map(|id| id.parse().unwrap()),
        since: Some(since),
        ..SimulationScope::default()
    };
    host.simulate_counts(&acme(), &scope).unwrap()
}

#[test]
fn a_simulation_shows_each_basis_beside_the_policy_that_is_set() {
    let Fixture { host, .. } = &fixture();
    september(host);
    host.exclude_from_count(&acme(), &new("w1", 1)).unwrap();
    let policy = CountPolicy {
        minimum: Some(Minimum::new(12, None, None).unwrap()),
        ..peak()
    };
    host.set_count_policy(&acme(), &"edr".parse().unwrap(), &policy)
        .unwrap();
    let simulation = simulated(host, None, date(2026, 9, 1));
    assert_eq!(
        (simulation.as_of, simulation.holds()),
        (date(2026, 10, 1), false)
    );
    // w2 is a trial, and not billed.
    let [pair] = simulation.pairs.as_slice() else {
        panic!("{:?}", simulation.pairs)
    };
    let units = |units: Option<Units>| units.unwrap().to_string();
    // The average is (10 + 12 + 12) / 3, less 1.
    assert_eq!(pair.count, Some(12));
    assert_eq!(
        [pair.latest, pair.peak, pair.average, pair.units].map(units),
        ["12", "13", "12", "13"]
    );
    assert_eq!(
        pair.steps[0].sentence,
        "peak of 4 snapshots since 2026-09-01: 14 on 2026-09-07; counts of only 3 of 31 days"
    );
    let total = &simulation.totals[0];
    assert_eq!((total.pairs, total.count, total.held), (1, 12, 0));
    assert_eq!(total.units, 13.into());

    let wider = simulated(host, None, date(2026, 8, 31));
    assert_eq!(units(wider.pairs[0].peak), "98");
    let aside = psa_host_ledger::NewSetAside {
        workspace: "w1".parse().unwrap(),
        module: None,
        kind: psa_host_billing::SetAsideKind::Exclude,
        why: "another system bills it".to_owned(),
        until: None,
    };
    let asked_for = simulated(host, Some("w2"), date(2026, 9, 1));
    assert_eq!(asked_for.pairs[0].workspace.as_str(), "w2");
    host.ledger().set_aside(&acme(), &[aside]).unwrap();
    assert!(simulated(host, None, date(2026, 9, 1)).pairs.is_empty());
}

#[test]
fn a_simulation_shows_what_would_be_held() {
    let Fixture { host, .. } = &fixture();
    september(host);
    import(host, "2026-10-01T06:00:00Z", &[("w2", 5)]);
    let simulation = simulated(host, None, date(2026, 9, 1));
    assert!(simulation.holds());
    let pair = &simulation.pairs[0];
    assert_eq!(pair.hold.as_ref().unwrap().code.as_str(), "usage-missing");
    assert_eq!((pair.count, pair.units), (None, None));
    assert_eq!(
        (simulation.totals[0].held, simulation.totals[0].pairs),
        (1, 1)
    );
}

#[test]
fn a_simulation_that_has_nothing_to_go_by_is_refused() {
    let Fixture { host, .. } = &fixture();
    let code = |scope: SimulationScope| {
        let error = host.simulate_counts(&acme(), &scope).unwrap_err();
        error.code().to_owned()
    };
    assert_eq!(code(SimulationScope::default()), "no-snapshot");
    september(host);
    let scope = SimulationScope::default;
    let module = Some("mdm".parse().unwrap());
    assert_eq!(
        code(SimulationScope { module, ..scope() }),
        "module-unmapped"
    );
    let workspace = Some("msp".parse().unwrap());
    assert_eq!(
        code(SimulationScope {
            workspace,
            ..scope()
        }),
        "workspace-not-mapped"
    );
    let since = Some(date(2026, 10, 2));
    assert_eq!(code(SimulationScope { since, ..scope() }), "date-to-come");
    let incomplete =
        r#"{"channel": "msp", "taken_at": "2026-10-01T06:00:00Z", "complete": false, "items": []}"#;
    host.import_usage(&file(incomplete), &UsageForm::Json)
        .unwrap();
    assert_eq!(code(scope()), "snapshot-incomplete");
}

/// The days of w1 that a plan of 1 October gets, for a contract of these months.
fn days(host: &Access, billing_months: Option<u32>, until: &str) -> Vec<(Date, Option<u32>)> {
    let contract = Contract {
        id: "900".parse().unwrap(),
        account: "101".parse().unwrap(),
        name: "Managed".to_owned(),
        start: Some(date(2026, 9, 7)),
        end: None,
        recurring: Truth::Yes,
        active: Truth::Yes,
        billing_months,
        next_invoice: None,
        invoiced_through: None,
        note: None,
        renewed_by: None,
        lines_read: true,
        lines: Vec::new(),
        link: None,
    };
    let connection = host.connection(&acme()).unwrap();
    let mut mapping = Mapping::default();
    mapping.map_service(edr()).unwrap();
    let counting = host.counting_of(&acme()).unwrap();
    let back = LookBack {
        connection: &connection,
        mapping: &mapping,
        counting: &counting,
        as_of: date(2026, 10, 1),
        until: until.parse().unwrap(),
    };
    let workspace = "w1".parse().unwrap();
    let read = std::iter::once((&workspace, std::slice::from_ref(&contract)));
    let days: Days = host.days_to_plan(back, read).unwrap();
    let of_pair = days.of(&workspace, &"edr".parse().unwrap());
    of_pair.iter().map(|day| (day.day, day.peak)).collect()
}

#[test]
fn a_plan_gets_the_days_of_the_contracts_period_and_only_where_a_policy_needs_them() {
    let Fixture { host, .. } = &fixture();
    september(host);
    let newest = "2026-10-01T05:00:00Z";
    assert!(
        days(host, Some(1), newest).is_empty(),
        "no policy looks back"
    );
    host.set_count_policy(&acme(), &"edr".parse().unwrap(), &peak())
        .unwrap();
    let seventh = (date(2026, 9, 7), Some(14));
    let today = (date(2026, 10, 1), Some(12));
    assert_eq!(days(host, Some(1), newest), [seventh, today]);
    assert_eq!(
        days(host, Some(1), "2026-10-01T04:59:59Z"),
        [seventh],
        "none newer than the plan's"
    );
    assert!(days(host, None, newest).is_empty(), "no known period");
}
