//! A disk that is really full: a file system of a few hundred kilobytes in a mount
//! namespace of a child's own, where the machine permits that.

use std::process::Command;

use jiff::Timestamp;
use psa_host_ledger::{KeySource, Ledger, NewSnapshot, UsageItem, system_clock};

use crate::fixture::{Place, new_connection, workspace};

#[test]
fn on_a_full_disk_a_change_is_refused_and_the_state_is_as_it_was() {
    let place = Place::new();
    std::fs::create_dir(&place.data).unwrap();
    let script = r#"mount -t tmpfs -o size=1m,mode=0700 tmpfs "$PSA_HOST_LEDGER_SMALL" || exit 77
        exec "$0" full_disk::on_a_small_disk --exact --nocapture"#;
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("PSA_HOST_LEDGER_SMALL", &place.data)
        .env("PSA_HOST_LEDGER_KEY", &place.key)
        .output();
    let output = match output {
        Ok(output) if output.status.code() != Some(77) => output,
        refused => {
            eprintln!("skipped: this machine permits no small disk: {refused:?}");
            return;
        }
    };
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let unshared = output.status.success() || words.contains("running");
    if !unshared {
        eprintln!("skipped: this machine permits no small disk: {output:?}");
        return;
    }
    assert!(output.status.success(), "{output:?}");
    assert!(words.contains("was full, is whole"), "{words}");
}

/// Nothing by itself: what the child does on its small disk.
#[test]
fn on_a_small_disk() {
    let Some(data) = std::env::var_os("PSA_HOST_LEDGER_SMALL") else {
        return;
    };
    let key = KeySource::File(std::env::var_os("PSA_HOST_LEDGER_KEY").unwrap().into());
    let ledger = Ledger::open(&data, key.clone(), system_clock()).unwrap();
    let msp = workspace("msp", psa_host_billing::WorkspaceKind::Channel, None);
    ledger.upsert_workspaces(&[msp]).unwrap();
    ledger.add_plugin("autotask", b"\0asm", "{}").unwrap();
    ledger
        .add_connection(&new_connection("acme", "msp"))
        .unwrap();
    let before = (
        ledger.history_head().unwrap(),
        ledger.connections().unwrap(),
    );

    let items = (0..60_000)
        .map(|n| UsageItem {
            workspace: format!("workspace-{n}").parse().unwrap(),
            module: "edr".parse().unwrap(),
            users: Some(1),
            devices: None,
        })
        .collect();
    let snapshot = NewSnapshot {
        unread: vec![],
        channel: "msp".parse().unwrap(),
        taken_at: Timestamp::UNIX_EPOCH,
        complete: true,
        source: "test".to_owned(),
        items,
        names: vec![],
    };
    let error = ledger.import_snapshot(&snapshot).unwrap_err();
    assert_eq!(error.code(), "disk-full", "{error}");
    assert!(error.fix().contains("space"));
    let error = ledger
        .add_plugin("big", &vec![0; 2 << 20], "{}")
        .unwrap_err();
    assert_eq!(error.code(), "disk-full", "{error}");

    let after = (
        ledger.history_head().unwrap(),
        ledger.connections().unwrap(),
    );
    assert_eq!(before, after);
    drop(ledger);
    let ledger = Ledger::open(&data, key, system_clock()).unwrap();
    let after = (
        ledger.history_head().unwrap(),
        ledger.connections().unwrap(),
    );
    assert_eq!(before, after);
    assert!(ledger.snapshots(None, 9).unwrap().is_empty());
    // And there is room for something small again.
    ledger
        .record_event("test", "", &serde_json::json!({}))
        .unwrap();
    println!("was full, is whole");
}
