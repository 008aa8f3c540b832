use std::collections::{BTreeMap, HashMap};

use hmac::{Hmac, KeyInit, Mac};
use psa_host_ledger::{Chain, HistoryEvent, HistoryFilter, RunEnd, RunEnding};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::fixture::{Place, add, code, name, new_run, one_intent};

fn keyed(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// The chain, computed again from its documented form and the key file alone.
pub(crate) fn first_that_does_not_hold(place: &Place, events: &[HistoryEvent]) -> Option<i64> {
    let master = std::fs::read_to_string(&place.key).unwrap();
    let master = hex::decode(master.trim()).unwrap();
    let key = keyed(&master, b"psa-host history v1");
    let mut heads: HashMap<Chain, [u8; 32]> = HashMap::new();
    let mut key_seen = false;
    for (event, expected) in events.iter().zip(1..) {
        let former = event.chain == Chain::Former;
        // A chain goes on from its own last entry; a new one from that of the former one.
        let prev = heads.get(&event.chain).or(heads.get(&Chain::Former));
        let mut bytes = match former {
            true => b"psa-host history v1".to_vec(),
            false => b"psa-host history v2".to_vec(),
        };
        bytes.extend_from_slice(prev.unwrap_or(&[0; 32]));
        bytes.extend_from_slice(&event.seq.to_be_bytes());
        bytes.extend_from_slice(&event.at.as_microsecond().to_be_bytes());
        let (chain, detail) = (event.chain.to_string(), event.detail.to_string());
        let texts = [&chain, &event.who, &event.what, &event.subject, &detail];
        for text in texts.into_iter().skip(usize::from(former)) {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        let hash: [u8; 32] = match event.keyed {
            true => keyed(&key, &bytes),
            false => Sha256::digest(&bytes).into(),
        };
        if hash != event.hash || event.seq != expected || (key_seen && !event.keyed) {
            return Some(event.seq);
        }
        key_seen |= event.keyed;
        heads.insert(event.chain.clone(), hash);
    }
    None
}

#[test]
fn every_change_is_written_down_under_the_name_of_who_made_it() {
    let place = Place::new();
    let ledger = place.with_connection().with_actor("cli:ann");
    one_intent(&ledger, "1");
    let events = ledger.history(0, 100).unwrap();
    let what: Vec<_> = events.iter().map(|event| event.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "plugin.added",
            "workspaces.imported",
            "key.bound",
            "connection.added",
            "connection.bound",
            "run.begun",
            "adjustment.intended",
        ]
    );
    assert_eq!(events[6].who, "cli:ann");
    assert_eq!(events[0].who, "psa-host");
    let text = format!("{events:?}");
    assert!(!text.contains("hunter2"), "no secret in the history");
    let later = ledger.history(5, 1).unwrap();
    assert_eq!(later, &events[5..6]);
}

#[test]
fn the_chain_can_be_verified_and_shows_an_edit() {
    let place = Place::new();
    let ledger = place.with_connection();
    one_intent(&ledger, "1");
    let mut events = ledger.history(0, 100).unwrap();
    assert_eq!(first_that_does_not_hold(&place, &events), None);
    assert!(!events[0].keyed && events[2].keyed);
    let head = ledger.history_head().unwrap().unwrap();
    assert_eq!((head.seq, head.hash), (events[6].seq, events[6].hash));

    events[3].who = "somebody else".to_owned();
    assert_eq!(first_that_does_not_hold(&place, &events), Some(4));
    let mut cut = ledger.history(0, 100).unwrap();
    cut.remove(4);
    assert_eq!(first_that_does_not_hold(&place, &cut), Some(6));
}

#[test]
fn the_runs_of_a_connection_are_found_by_its_name() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    add(&ledger, "beta", "other-msp");
    let found = |subject| {
        let filter = HistoryFilter {
            subject: Some(subject),
            what: Some("run.begun"),
            ..HistoryFilter::default()
        };
        let events = ledger.history_matching(&filter, 100).unwrap();
        events.into_iter().map(|event| event.subject)
    };
    assert!(found("acme").eq([run.run().to_string()]));
    assert!(found("beta").eq([""; 0]));
}

#[test]
fn history_is_neither_changed_nor_deleted() {
    let place = Place::new();
    let ledger = place.with_connection();
    let before = ledger.history(0, 100).unwrap();
    for sql in [
        "UPDATE history SET who = 'x'",
        "DELETE FROM history",
        "DELETE FROM history WHERE seq = 1",
    ] {
        let error = place.sql(sql).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    assert_eq!(ledger.history(0, 100).unwrap(), before);
}

#[test]
fn without_its_key_a_keyed_history_is_not_continued() {
    let place = Place::new();
    drop(place.with_connection());
    std::fs::remove_file(&place.key).unwrap();
    let ledger = place.open();
    let result = ledger.record_event("test", "", &json!({}));
    assert_eq!(code(result), "key-missing");
}

#[test]
fn a_change_that_fails_leaves_no_word_behind() {
    let place = Place::new();
    let ledger = place.with_connection();
    add(&ledger, "beta", "other-msp");
    let before = ledger.history_head().unwrap();
    ledger
        .add_connection(&crate::fixture::new_connection("beta", "msp"))
        .unwrap_err();
    assert_eq!(ledger.history_head().unwrap(), before);
}

#[test]
fn each_channel_has_a_chain_of_its_own_and_the_installation_another() {
    let place = Place::new();
    let ledger = place.with_connection();
    let of_acme = ledger.begin_run(&new_run("acme")).unwrap();
    add(&ledger, "beta", "other-msp");
    let mut dry = new_run("beta");
    dry.dry_run = true;
    let of_beta = ledger.begin_run(&dry).unwrap();
    let end = RunEnd {
        ending: RunEnding::Done,
        requests: 0,
        counts: BTreeMap::new(),
        incidents: json!([]),
        closes_date: false,
    };
    ledger.end_run(of_beta, &end).unwrap();
    ledger.pause_connection(&name("beta"), true).unwrap();
    ledger.end_run(of_acme, &end).unwrap();
    ledger.remove_connection(&name("acme")).unwrap();
    let what = |chain: &str| -> Vec<String> {
        let chain = chain.parse().unwrap();
        let filter = HistoryFilter {
            chain: Some(&chain),
            ..HistoryFilter::default()
        };
        let events = ledger.history_matching(&filter, 100).unwrap();
        events.into_iter().map(|event| event.what).collect()
    };
    assert_eq!(
        what("installation"),
        ["plugin.added", "workspaces.imported", "key.bound"]
    );
    assert_eq!(
        what("channel/msp"),
        [
            "connection.added",
            "connection.bound",
            "run.begun",
            "run.ended",
            "connection.removed",
        ]
    );
    assert_eq!(
        what("channel/other-msp"),
        [
            "connection.added",
            "run.begun",
            "run.ended",
            "connection.paused"
        ]
    );
    // Also when more has happened since, and the connection is gone.
    for (run, chain) in [(of_acme, "channel/msp"), (of_beta, "channel/other-msp")] {
        let head = ledger.history_head_of_run(run.run()).unwrap().unwrap();
        assert_eq!(head.chain.to_string(), chain);
        let last = ledger.history(head.seq - 1, 1).unwrap().remove(0);
        assert_eq!((last.what.as_str(), last.hash), ("run.ended", head.hash));
        assert_eq!(ledger.verify_history(Some(&head)).unwrap().broken, None);
    }
    let events = ledger.history(0, 100).unwrap();
    assert_eq!(first_that_does_not_hold(&place, &events), None);
    let heads = ledger.verify_history(None).unwrap().heads;
    assert_eq!(heads.len(), 3);
}
