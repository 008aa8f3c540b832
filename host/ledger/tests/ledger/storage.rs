use psa_host_ledger::{StorageQuota, StorageScope, StorageUse};

use crate::fixture::{Place, code, name};

const QUOTA: StorageQuota = StorageQuota { keys: 3, bytes: 20 };

fn scope(connection: &str) -> StorageScope {
    StorageScope {
        plugin: "autotask".to_owned(),
        connection: connection.to_owned(),
    }
}

#[test]
fn each_connection_has_a_storage_of_its_own() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (acme, beta) = (scope("acme"), scope("beta"));
    ledger.storage_put(&acme, "zone", b"5", QUOTA).unwrap();
    assert_eq!(ledger.storage_get(&acme, "zone").unwrap().unwrap(), b"5");
    assert_eq!(ledger.storage_get(&beta, "zone").unwrap(), None);
    ledger.storage_delete(&beta, "zone").unwrap();
    ledger.storage_delete(&acme, "zone").unwrap();
    ledger.storage_delete(&acme, "zone").unwrap();
    assert_eq!(ledger.storage_get(&acme, "zone").unwrap(), None);
}

#[test]
fn over_the_quota_nothing_is_kept() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = scope("acme");
    let put = |key: &str, value: &[u8]| ledger.storage_put(&acme, key, value, QUOTA);
    put("a", &[0; 9]).unwrap();
    put("b", &[0; 9]).unwrap();
    assert_eq!(code(put("c", b"")), "storage-quota");
    assert_eq!(code(put("b", &[0; 10])), "storage-quota");
    put("b", b"").unwrap();
    put("c", b"").unwrap();
    assert_eq!(code(put("d", b"")), "storage-quota");
    assert_eq!(
        ledger.storage_use(&acme).unwrap(),
        StorageUse { keys: 3, bytes: 12 }
    );
}

#[test]
fn keys_are_listed_by_prefix_in_order() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = scope("acme");
    let wide = StorageQuota {
        keys: 100,
        bytes: 1000,
    };
    for key in ["zone/b", "zone/a", "zone", "zonf", "zone/\0x", "äöü"] {
        ledger.storage_put(&acme, key, b"", wide).unwrap();
    }
    let list = |prefix: &str, limit| ledger.storage_list(&acme, prefix, limit).unwrap();
    assert_eq!(list("zone/", 10), ["zone/\0x", "zone/a", "zone/b"]);
    assert_eq!(list("zone/\0", 10), ["zone/\0x"]);
    assert_eq!(list("", 2), ["zone", "zone/\0x"]);
    assert_eq!(list("ä", 10), ["äöü"]);
    assert!(list("%", 10).is_empty());
}

#[test]
fn a_swap_happens_only_over_what_was_expected() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = scope("acme");
    let swap = |expected: Option<&[u8]>, new: Option<&[u8]>| {
        ledger
            .storage_compare_and_swap(&acme, "k", expected, new, QUOTA)
            .unwrap()
    };
    assert!(!swap(Some(b"1"), Some(b"2")));
    assert!(swap(None, Some(b"1")));
    assert!(!swap(None, Some(b"2")));
    assert!(swap(Some(b"1"), Some(b"2")));
    assert!(!swap(Some(b"1"), None));
    assert!(swap(Some(b"2"), None));
    assert_eq!(ledger.storage_get(&acme, "k").unwrap(), None);
}

#[test]
fn a_removed_connection_takes_its_storage_along() {
    let place = Place::new();
    let ledger = place.with_connection();
    ledger
        .storage_put(&scope("acme"), "k", b"v", QUOTA)
        .unwrap();
    ledger.remove_connection(&name("acme")).unwrap();
    assert_eq!(
        ledger.storage_use(&scope("acme")).unwrap(),
        StorageUse::default()
    );
}
