use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use psa_host_billing::TenantKey;
use psa_host_ledger::LedgerError;

use crate::crash::Child;
use crate::fixture::{Place, tenant};

#[test]
fn a_tenant_is_had_by_one_at_a_time() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let held = one.tenant_lock(&tenant(), "sync acme").unwrap();
    for ledger in [&one, &two] {
        let error = ledger.tenant_lock(&tenant(), "sync beta").unwrap_err();
        assert_eq!(error.code(), "tenant-busy");
        let LedgerError::TenantBusy {
            pid, who, since, ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((pid, who.as_str()), (std::process::id(), "sync acme"));
        assert_eq!(since, Some(one.now()));
    }
    let other = TenantKey::new("../../etc/passwd").unwrap();
    let _other = two.tenant_lock(&other, "sync gamma").unwrap();
    drop(held);
    let _again = two.tenant_lock(&tenant(), "sync beta").unwrap();
}

#[test]
fn another_process_is_named_and_its_lock_dies_with_it() {
    let place = Place::new();
    let ledger = place.with_connection();
    let mut child = Child::start("holds-the-tenant", &place);
    child.wait_for("held");
    let error = ledger.tenant_lock(&tenant(), "sync").unwrap_err();
    let LedgerError::TenantBusy { pid, who, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((pid, who.as_str()), (child.id(), "the child"));
    child.kill();
    let _lock = ledger.tenant_lock(&tenant(), "sync").unwrap();
}

/// A child that is being started has every file of its parent open until it is another
/// program: a lock that is only closed stays held for so long.
#[test]
fn a_tenant_that_was_given_back_can_be_had_while_children_are_started() {
    let place = Place::new();
    let ledger = place.open();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let child = Command::new("true").stdin(Stdio::null()).status();
                    assert!(child.unwrap().success());
                }
            });
        }
        let again: Vec<_> = (0..2_000)
            .map(|_| ledger.tenant_lock(&tenant(), "sync acme").map(drop))
            .collect();
        done.store(true, Ordering::Relaxed);
        for taken in again {
            taken.unwrap();
        }
    });
}
