//! Data directories that earlier versions of the program made, opened with this one.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::copy;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use psa_host_billing::TenantKey;
use psa_host_ledger::{BreakCause, DataDir, HistoryHead, IntentState, QuestionState, RunStatus};
use rusqlite::Connection;
use serde_json::json;

use crate::fixture::{Place, code, name};

/// The version that made them.
const VERSION: i64 = 18;

/// A copy of a directory of [`VERSION`].
fn earlier(folder: &str) -> Place {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let from = from.join(folder);
    let place = Place::new();
    fs::create_dir_all(&place.data).unwrap();
    fs::create_dir_all(place.key.parent().unwrap()).unwrap();
    let ledger = File::open(from.join("ledger.sqlite.gz")).unwrap();
    let mut to = File::create(place.data.join("ledger.sqlite")).unwrap();
    copy(&mut GzDecoder::new(ledger), &mut to).unwrap();
    fs::copy(from.join("key"), &place.key).unwrap();
    fs::set_permissions(&place.key, Permissions::from_mode(0o600)).unwrap();
    place
}

fn database(place: &Place) -> PathBuf {
    place.data.join("ledger.sqlite")
}

/// The rows of every table.
fn rows(path: &Path) -> BTreeMap<String, i64> {
    let ledger = Connection::open(path).unwrap();
    let mut tables = ledger
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    let tables = tables.query_map([], |row| row.get(0)).unwrap();
    let count = |table: String| {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows = ledger.query_row(&sql, [], |row| row.get(0)).unwrap();
        (table, rows)
    };
    tables.map(|table| count(table.unwrap())).collect()
}

fn version(path: &Path) -> i64 {
    let ledger = Connection::open(path).unwrap();
    let version = ledger.query_row("PRAGMA user_version", [], |row| row.get(0));
    version.unwrap()
}

fn tenant() -> TenantKey {
    TenantKey::new("webservices2/1").unwrap()
}

#[test]
fn an_upgrade_loses_nothing_and_keeps_a_copy_from_before() {
    for (folder, adjustments) in [("synced", 2), ("interrupted", 7)] {
        let place = earlier(folder);
        assert_eq!(version(&database(&place)), VERSION);
        let before = rows(&database(&place));
        assert_eq!(before["intents"], adjustments);
        let ledger = place.open();
        let found = ledger.verify_history(None).unwrap();
        assert_eq!(found.broken, None);
        assert_eq!(found.entries, before["history"].unsigned_abs());
        drop(ledger);
        let after = rows(&database(&place));
        for (table, count) in &before {
            assert_eq!(after.get(table), Some(count), "{folder}: {table}");
        }
        let copy = place.data.join("backups/ledger-v18.sqlite");
        assert_eq!((version(&copy), rows(&copy)), (VERSION, before));
        assert_eq!(
            fs::metadata(copy).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn looking_whether_an_upgrade_is_due_changes_nothing() {
    let place = earlier("synced");
    let dir = DataDir::new(&place.data);
    assert!(!dir.is_current());
    assert_eq!(version(&database(&place)), VERSION);
    place.open();
    assert!(dir.is_current());
    assert!(!DataDir::new(place.data.join("elsewhere")).is_current());
}

#[test]
fn a_connection_of_an_earlier_version_is_as_it_was() {
    let place = earlier("synced");
    let ledger = place.open();
    let mapping = ledger.mappings(&name("acme")).unwrap();
    assert_eq!((mapping.accounts.len(), mapping.services.len()), (8, 1));
    let connection = ledger.connection(&name("acme")).unwrap();
    assert_eq!(connection.tenant, Some(tenant()));
    let secrets = ledger.connection_secrets(&name("acme")).unwrap();
    assert_eq!(secrets["secret"].expose(), "sim-secret");
    let mut states: Vec<QuestionState> = ledger
        .questions(Some(&name("acme")), &[])
        .unwrap()
        .iter()
        .map(|question| question.state)
        .collect();
    states.sort_by_key(|state| state.as_str());
    use QuestionState::{Posted, Rejected, Waiting};
    assert_eq!(states, [Posted, Posted, Rejected, Waiting]);
    let lines = ledger.lines(&tenant()).unwrap();
    let confirmed = lines.iter().filter(|line| line.units.is_some());
    assert_eq!(confirmed.count(), 2);
    assert_eq!(ledger.stances(&tenant()).unwrap().len(), 1);
}

#[test]
fn what_an_earlier_version_left_open_is_still_open() {
    let place = earlier("interrupted");
    let ledger = place.open();
    let open = ledger.open_intents(&tenant()).unwrap();
    let of = |state| open.iter().filter(move |intent| intent.state == state);
    assert_eq!(of(IntentState::Doubtful).count(), 1);
    assert_eq!(of(IntentState::Held).count(), 1);
    let sending: Vec<u32> = of(IntentState::Sending).map(|one| one.attempt).collect();
    assert_eq!(sending, [1, 1, 0, 0]);
    // They were marked in another boot: nobody knows any more that they were not sent.
    assert!(of(IntentState::Sending).all(|one| !one.is_only_marked()));
    let killed = ledger.killed_runs().unwrap();
    assert_eq!(killed.len(), 1);
    assert_eq!(killed[0].status, RunStatus::Killed);
    assert!(open.iter().any(|intent| intent.run == killed[0].id));
}

#[test]
fn a_ledger_that_cannot_be_copied_is_not_upgraded() {
    let place = earlier("synced");
    // A folder stands where the copy would be.
    fs::create_dir_all(place.data.join("backups/ledger-v18.unfinished")).unwrap();
    assert_eq!(code(place.try_open()), "no-backup");
    assert_eq!(version(&database(&place)), VERSION);
    fs::remove_dir(place.data.join("backups/ledger-v18.unfinished")).unwrap();
    place.open();
}

/// The last entry of the single chain, as a report of the earlier version printed it.
fn former_head(place: &Place) -> HistoryHead {
    let ledger = Connection::open(database(place)).unwrap();
    let sql = "SELECT seq || ':' || lower(hex(hash)) FROM history ORDER BY seq DESC LIMIT 1";
    let printed: String = ledger.query_row(sql, [], |row| row.get(0)).unwrap();
    printed.parse().unwrap()
}

/// An upgraded ledger with an entry in each chain: the former one's last, two of the
/// channel, and two of the installation around them. The first of them is returned.
fn with_new_chains(place: &Place) -> i64 {
    let ledger = place.open();
    let before = ledger.history_head().unwrap().unwrap().seq;
    let nothing = json!({});
    ledger.record_event("test", "first", &nothing).unwrap();
    ledger.pause_connection(&name("acme"), true).unwrap();
    ledger.pause_connection(&name("acme"), false).unwrap();
    ledger.record_event("test", "last", &nothing).unwrap();
    before + 1
}

#[test]
fn the_single_chain_of_an_earlier_version_is_closed_once_and_the_new_ones_go_on_from_it() {
    for folder in ["synced", "interrupted"] {
        let place = earlier(folder);
        let kept = former_head(&place);
        let ledger = place.open();
        assert_eq!(ledger.history_head().unwrap().as_ref(), Some(&kept));
        let closed = with_new_chains(&place);
        let events = ledger.history(closed - 1, 100).unwrap();
        let told: Vec<_> = events
            .iter()
            .map(|event| (event.chain.to_string(), event.what.as_str()))
            .collect();
        let told: Vec<_> = told
            .iter()
            .map(|(chain, what)| (chain.as_str(), *what))
            .collect();
        assert_eq!(
            told,
            [
                ("former", "history.closed"),
                ("installation", "test"),
                ("channel/msp", "connection.paused"),
                ("channel/msp", "connection.resumed"),
                ("installation", "test"),
            ]
        );
        let all = ledger.history(0, 1000).unwrap();
        assert_eq!(crate::history::first_that_does_not_hold(&place, &all), None);
        // Heads of before and of now.
        let heads = ledger.verify_history(None).unwrap().heads;
        assert_eq!(heads.len(), 3);
        for kept in heads.iter().chain([&kept]) {
            let found = ledger.verify_history(Some(kept)).unwrap();
            assert_eq!(found.broken, None, "{kept}");
        }
        let changed = HistoryHead {
            hash: [7; 32],
            ..kept.clone()
        };
        let found = ledger.verify_history(Some(&changed)).unwrap();
        assert_eq!(found.broken.unwrap().cause, BreakCause::OtherHead);
    }
}

#[test]
fn an_entry_that_was_tampered_with_is_found_in_each_chain() {
    use BreakCause::{Changed, Misplaced, Missing};
    // By place from the entry that closes the former chain (0).
    let again = "INSERT INTO history SELECT seq + 5, at, who, what, subject, detail, keyed,
                     hash, hash, '' FROM history WHERE seq = {n}";
    let cases: [(&str, &str, i64, BreakCause); 11] = [
        (
            "former",
            "UPDATE history SET who = 'x' WHERE seq = {n} - 3",
            -3,
            Changed,
        ),
        (
            "closing",
            "UPDATE history SET who = 'x' WHERE seq = {n}",
            0,
            Changed,
        ),
        (
            "installation",
            "UPDATE history SET who = 'x' WHERE seq = {n} + 1",
            1,
            Changed,
        ),
        (
            "channel",
            "UPDATE history SET detail = '[]' WHERE seq = {n} + 3",
            3,
            Changed,
        ),
        (
            "last",
            "UPDATE history SET who = 'x' WHERE seq = {n} + 4",
            4,
            Changed,
        ),
        // A chain's end goes, while another one goes on.
        (
            "cut",
            "DELETE FROM history WHERE seq IN ({n} + 2, {n} + 3)",
            2,
            Missing,
        ),
        (
            "hole closed",
            "DELETE FROM history WHERE seq = {n} + 3;
             UPDATE history SET seq = {n} + 3 WHERE seq = {n} + 4",
            3,
            Changed,
        ),
        (
            "moved",
            "UPDATE history SET chain = 'installation' WHERE seq = {n} + 2",
            2,
            Changed,
        ),
        (
            "of no chain",
            "UPDATE history SET chain = '' WHERE seq = {n} + 2",
            2,
            Misplaced,
        ),
        (
            "not closed",
            "UPDATE history SET what = 'x' WHERE seq = {n}",
            0,
            Changed,
        ),
        ("goes on", again, 5, Misplaced),
    ];
    for (name, sql, at, cause) in cases {
        let place = earlier("synced");
        let closing = with_new_chains(&place);
        let file = Connection::open(database(&place)).unwrap();
        file.execute_batch(
            "DROP TRIGGER history_is_never_changed; DROP TRIGGER history_is_never_deleted;",
        )
        .unwrap();
        let sql = sql.replace("{n}", &closing.to_string());
        file.execute_batch(&sql).unwrap();
        let broken = place.open().verify_history(None).unwrap().broken;
        let broken = broken.unwrap_or_else(|| panic!("{name}: it holds"));
        assert_eq!((broken.seq, broken.cause), (closing + at, cause), "{name}");
    }
}
