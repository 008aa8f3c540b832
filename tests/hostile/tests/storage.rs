//! Plugins that fill the storage, or look for what is not theirs.

use std::sync::Arc;

use hostile_plugins::guest::{Act, Text};
use hostile_plugins::{Hostile, incident_codes, run, the_next_connection_works};
use psa_host_sandbox::{InMemoryStorage, IncidentCode, PluginStorage as _};

fn store(key: Text, value: Text, numbered: u32) -> Act {
    Act::Store {
        key,
        value,
        numbered,
    }
}

/// What comes of each act, on a store of its own; and how much is in it then.
async fn storing(acts: Vec<Act>, code: IncidentCode) -> (Vec<String>, u64, u64) {
    let kept = Arc::new(InMemoryStorage::default());
    let (unleashed, findings) = Hostile::checking(acts).keeping(&kept).check().await;
    let findings = findings.unwrap();
    unleashed.incident(code);
    assert!(unleashed.connector.is_usable());
    the_next_connection_works().await;
    let usage = kept.usage().unwrap();
    (findings, usage.keys, usage.bytes)
}

#[test]
fn keys_without_end_stop_at_the_quota() {
    run(async {
        let acts = vec![store("k".into(), "v".into(), 3_000)];
        let (findings, keys, _) = storing(acts, IncidentCode::StorageQuota).await;
        assert!(
            findings[0].starts_with("stored 1000, then quota"),
            "{findings:?}"
        );
        assert_eq!(keys, 1_000);
    });
}

#[test]
fn values_without_end_stop_at_the_quota() {
    run(async {
        let acts = vec![store("k".into(), Text::repeated("v", 64 << 10), 100)];
        let (findings, _, bytes) = storing(acts, IncidentCode::StorageQuota).await;
        assert!(
            findings[0].starts_with("stored 15, then quota"),
            "{findings:?}"
        );
        assert!(bytes <= 1 << 20);
    });
}

#[test]
fn keys_and_values_over_their_caps_are_refused() {
    run(async {
        let acts = vec![
            store(Text::repeated("k", 257), "v".into(), 0),
            store("k".into(), Text::repeated("v", (64 << 10) + 1), 0),
            store(Text::repeated("k", 1 << 20), "v".into(), 0),
        ];
        let (findings, keys, _) = storing(acts, IncidentCode::StorageQuota).await;
        assert!(
            findings
                .iter()
                .all(|finding| finding.starts_with("too large")),
            "{findings:?}"
        );
        assert_eq!(keys, 0);
    });
}

#[test]
fn operations_without_end_are_refused() {
    run(async {
        // Each stays within the quota: only their number is hostile.
        let acts = (0..20)
            .map(|_| store("k".into(), "v".into(), 900))
            .collect();
        let (findings, keys, _) = storing(acts, IncidentCode::StorageFlood).await;
        assert!(findings[19].contains("unavailable"), "{findings:?}");
        assert_eq!(keys, 900);
    });
}

#[test]
fn no_key_reaches_the_storage_of_another_connection() {
    run(async {
        let (mine, other) = (
            Arc::new(InMemoryStorage::default()),
            Arc::new(InMemoryStorage::default()),
        );
        other.put("zone", b"of the other").unwrap();
        let keys = [
            "zone",
            "../zone",
            "/zone",
            "../../other/zone",
            "other\0zone",
            "other:zone",
            "%2e%2e/zone",
            "' OR 1=1 --",
        ];
        let mut acts: Vec<Act> = keys
            .iter()
            .map(|key| Act::Fetch((*key).to_owned()))
            .collect();
        acts.extend(
            keys.iter()
                .map(|key| store((*key).into(), "mine".into(), 0)),
        );
        acts.push(Act::ListKeys(String::new()));
        acts.push(Act::ListKeys("%".to_owned()));
        let (unleashed, findings) = Hostile::checking(acts).keeping(&mine).check().await;
        let findings = findings.unwrap();
        assert!(
            findings[..8].iter().all(|finding| finding == "absent"),
            "{findings:?}"
        );
        assert!(findings[16].starts_with("8 keys"), "{findings:?}");
        assert_eq!(incident_codes(&unleashed.session), [""; 0]);
        assert_eq!(other.get("zone").unwrap().unwrap(), b"of the other");
        assert_eq!(other.usage().unwrap().keys, 1);
        the_next_connection_works().await;
    });
}
