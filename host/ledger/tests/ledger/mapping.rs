use psa_host_billing::{Metric, TenantKey};
use psa_host_ledger::{
    AccountMapping, ContractPin, Ledger, LedgerError, Mapped, Mapping, MappingKey, ServiceMapping,
};

use crate::fixture::{Place, add, code, name, tenant};

fn account(workspace: &str, account: &str) -> Mapping {
    Mapping::Account(AccountMapping {
        workspace: workspace.parse().unwrap(),
        account: account.parse().unwrap(),
    })
}

fn service(module: &str, service: &str, metric: Metric) -> Mapping {
    Mapping::Service(ServiceMapping {
        module: module.parse().unwrap(),
        service: service.parse().unwrap(),
        metric,
    })
}

fn contract(workspace: &str, contract: &str) -> Mapping {
    Mapping::Contract(ContractPin {
        workspace: workspace.parse().unwrap(),
        contract: contract.parse().unwrap(),
    })
}

fn map(ledger: &Ledger, mapping: &Mapping) -> Result<Mapped, LedgerError> {
    ledger.map(&name("acme"), mapping)
}

#[test]
fn a_second_on_either_side_is_refused_and_names_the_first() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    for mapping in [account("w1", "101"), service("edr", "15", Metric::Devices)] {
        assert_eq!(map(&ledger, &mapping).unwrap(), Mapped::New);
        assert_eq!(map(&ledger, &mapping).unwrap(), Mapped::Same);
    }
    for (mapping, expected, other) in [
        (account("w1", "102"), "workspace-already-mapped", "101"),
        (account("w2", "101"), "account-already-mapped", "w1"),
        (
            service("edr", "16", Metric::Users),
            "module-already-mapped",
            "15",
        ),
        (
            service("mdm", "15", Metric::Users),
            "service-already-mapped",
            "edr",
        ),
    ] {
        let error = map(&ledger, &mapping).unwrap_err();
        assert_eq!(error.code(), expected);
        assert!(error.to_string().contains(other), "{error}");
    }
    let mappings = ledger.mappings(&acme).unwrap();
    assert_eq!(mappings.accounts.len(), 1);
    assert_eq!(mappings.services[0].metric, Metric::Devices);
}

#[test]
fn the_database_itself_refuses_a_second() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, &account("w1", "101")).unwrap();
    map(&ledger, &service("edr", "15", Metric::Users)).unwrap();
    for sql in [
        "INSERT INTO account_map VALUES (1, 'zone5/db1', 'w1', '102')",
        "INSERT INTO account_map VALUES (1, 'zone5/db1', 'w2', '101')",
        "INSERT INTO service_map VALUES (1, 'edr', '16', 'users')",
        "INSERT INTO service_map VALUES (1, 'mdm', '15', 'users')",
    ] {
        let error = place.sql(sql).unwrap_err().to_string();
        assert!(error.contains("UNIQUE"), "{sql}: {error}");
    }
}

#[test]
fn an_account_is_mapped_once_in_a_tenant_whatever_the_connection() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, &account("w1", "101")).unwrap();
    add(&ledger, "beta", "msp");
    let beta = name("beta");
    ledger.bind_tenant(&beta, &tenant()).unwrap();
    for mapping in [account("w9", "101"), account("w1", "109")] {
        let error = ledger.map(&beta, &mapping).unwrap_err();
        assert!(error.code().as_str().ends_with("-already-mapped"));
        assert!(error.to_string().contains("\"acme\""), "{error}");
    }
    place
        .sql("INSERT INTO account_map VALUES (2, 'zone5/db1', 'w9', '101')")
        .unwrap_err();
}

#[test]
fn the_same_ids_in_another_tenant_are_other_accounts() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, &account("w1", "101")).unwrap();
    add(&ledger, "beta", "msp");
    let other = TenantKey::new("zone5/db2").unwrap();
    ledger.bind_tenant(&name("beta"), &other).unwrap();
    let map = |connection: &str| ledger.map(&name(connection), &account("w1", "101"));
    // Billed twice, unless somebody says why.
    assert_eq!(code(map("beta")), "workspace-in-two-tenants");
    let w1 = "w1".parse().unwrap();
    ledger
        .allow_second_tenant(&name("beta"), &w1, "two companies")
        .unwrap();
    map("beta").unwrap();
    // In another channel it is another workspace's business.
    add(&ledger, "gamma", "other-msp");
    let third = TenantKey::new("zone5/db3").unwrap();
    ledger.bind_tenant(&name("gamma"), &third).unwrap();
    map("gamma").unwrap();
}

#[test]
fn what_was_mapped_before_the_first_check_counts_when_the_tenant_is_known() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, &account("w1", "101")).unwrap();
    add(&ledger, "beta", "msp");
    let beta = name("beta");
    ledger.map(&beta, &account("w9", "101")).unwrap();
    assert_eq!(
        code(ledger.bind_tenant(&beta, &tenant())),
        "account-already-mapped"
    );
    assert_eq!(ledger.connection(&beta).unwrap().tenant, None);
    let key = MappingKey::Account("w9".parse().unwrap());
    ledger.unmap(&beta, &key).unwrap();
    ledger.map(&beta, &account("w9", "109")).unwrap();
    ledger.bind_tenant(&beta, &tenant()).unwrap();
    assert_eq!(
        code(map(&ledger, &account("w2", "109"))),
        "account-already-mapped"
    );
}

#[test]
fn metric_and_pin_can_be_changed_in_place() {
    let place = Place::new();
    let ledger = place.with_connection();
    map(&ledger, &service("edr", "15", Metric::Users)).unwrap();
    assert_eq!(
        map(&ledger, &service("edr", "15", Metric::Devices)).unwrap(),
        Mapped::Changed
    );
    assert_eq!(map(&ledger, &contract("w1", "9001")).unwrap(), Mapped::New);
    assert_eq!(map(&ledger, &contract("w1", "9001")).unwrap(), Mapped::Same);
    assert_eq!(
        map(&ledger, &contract("w1", "9002")).unwrap(),
        Mapped::Changed
    );
    let mappings = ledger.mappings(&name("acme")).unwrap();
    assert_eq!(mappings.services[0].metric, Metric::Devices);
    assert_eq!(mappings.contracts[0].contract.as_str(), "9002");
}

#[test]
fn a_removed_account_takes_its_pin_along() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    map(&ledger, &account("w1", "101")).unwrap();
    map(&ledger, &contract("w1", "9001")).unwrap();
    map(&ledger, &contract("w2", "9002")).unwrap();
    let key = MappingKey::Account("w1".parse().unwrap());
    ledger.unmap(&acme, &key).unwrap();
    let left = ledger.mappings(&acme).unwrap();
    assert!(left.accounts.is_empty());
    assert_eq!(left.contracts.len(), 1);
    assert_eq!(code(ledger.unmap(&acme, &key)), "not-found");
    map(&ledger, &account("w1", "102")).unwrap();
}

#[test]
fn a_batch_is_applied_whole_or_its_good_rows_when_asked() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let batch = [
        account("w1", "101"),
        account("w2", "101"),
        service("edr", "15", Metric::Users),
    ];
    let events = ledger.history(0, 1000).unwrap().len();
    let report = ledger.map_all(&acme, &batch, false).unwrap();
    assert!(!report.applied);
    assert!(ledger.mappings(&acme).unwrap().accounts.is_empty());
    assert_eq!(ledger.history(0, 1000).unwrap().len(), events);

    let report = ledger.map_all(&acme, &batch, true).unwrap();
    assert!(report.applied);
    let codes: Vec<_> = report
        .rows
        .iter()
        .map(|row| row.as_ref().map_err(|error| error.code().as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            Ok(&Mapped::New),
            Err("account-already-mapped"),
            Ok(&Mapped::New)
        ]
    );
    assert_eq!(ledger.mappings(&acme).unwrap().services.len(), 1);
    assert_eq!(ledger.history(0, 1000).unwrap().len(), events + 2);
}

#[test]
fn a_replacement_swaps_partners_and_drops_the_rest_in_one_go() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let present = [
        account("w1", "101"),
        account("w2", "102"),
        account("w3", "103"),
        contract("w3", "9003"),
        service("edr", "15", Metric::Users),
    ];
    assert!(ledger.map_all(&acme, &present, false).unwrap().applied);
    let of = |workspace: &str| workspace.parse().unwrap();
    // The pin is named after its account, with which it goes.
    let remove = [
        MappingKey::Account(of("w1")),
        MappingKey::Account(of("w2")),
        MappingKey::Account(of("w3")),
        MappingKey::Contract(of("w3")),
        MappingKey::Service("edr".parse().unwrap()),
    ];
    let make = [
        account("w1", "102"),
        account("w2", "101"),
        service("mdm", "15", Metric::Users),
    ];
    let events = ledger.history(0, 1000).unwrap().len();
    let report = ledger.replace_mappings(&acme, &remove, &make).unwrap();
    assert!(report.applied);
    let after = ledger.mappings(&acme).unwrap();
    let accounts: Vec<_> = after
        .accounts
        .iter()
        .map(|pair| (pair.workspace.as_str(), pair.account.as_str()))
        .collect();
    assert_eq!(accounts, [("w1", "102"), ("w2", "101")]);
    assert_eq!((after.services.len(), after.contracts.len()), (1, 0));
    assert_eq!(ledger.history(0, 1000).unwrap().len(), events + 8);
}

#[test]
fn a_replacement_that_cannot_be_made_whole_changes_nothing() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    let present = [account("w1", "101"), account("w2", "102")];
    assert!(ledger.map_all(&acme, &present, false).unwrap().applied);
    let before = ledger.mappings(&acme).unwrap();
    let events = ledger.history(0, 1000).unwrap().len();
    let remove = [MappingKey::Account("w1".parse().unwrap())];
    // The account is still another workspace's.
    let report = ledger
        .replace_mappings(&acme, &remove, &[account("w1", "102")])
        .unwrap();
    assert!(!report.applied);
    // What is to go has gone already.
    let gone = [
        remove[0].clone(),
        MappingKey::Contract("w1".parse().unwrap()),
    ];
    assert_eq!(
        code(ledger.replace_mappings(&acme, &gone, &[])),
        "not-found"
    );
    assert_eq!(ledger.mappings(&acme).unwrap(), before);
    assert_eq!(ledger.history(0, 1000).unwrap().len(), events);
}
