//! What somebody with the ledger's file but not its key may try on the history, and how
//! each is found.

use std::fs;

use proptest::prelude::*;
use psa_host_ledger::{BreakCause, Chain, HistoryHead, Ledger, LedgerError, Verification};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::fixture::{Place, code, one_intent};

/// Entries 1 and 2 were written before there was a key, 3 is `key.bound`, 4 to 7 follow.
const ENTRIES: i64 = 7;
const BOUND: i64 = 3;

fn place_with_history() -> Place {
    let place = Place::new();
    let ledger = place.with_connection();
    one_intent(&ledger, "1");
    assert_eq!(ledger.history_head().unwrap().unwrap().seq, ENTRIES);
    place
}

/// The file without what guards the table.
fn unguarded(place: &Place) -> Connection {
    let file = Connection::open(place.data.join("ledger.sqlite")).unwrap();
    file.execute_batch(
        "DROP TRIGGER IF EXISTS history_is_never_changed;
         DROP TRIGGER IF EXISTS history_is_never_deleted;",
    )
    .unwrap();
    file
}

fn tampered(sql: &str) -> Place {
    let place = place_with_history();
    unguarded(&place).execute_batch(sql).unwrap();
    place
}

fn verified(place: &Place, kept: Option<&HistoryHead>) -> Verification {
    place.open().verify_history(kept).unwrap()
}

fn first_break(place: &Place, kept: Option<&HistoryHead>) -> Option<(i64, BreakCause)> {
    let broken = verified(place, kept).broken?;
    assert!(!broken.message.is_empty());
    Some((broken.seq, broken.cause))
}

/// Make the chain's hashes anew from an entry on, as anybody can: with no key, each entry
/// said to be keyed or not as `keyed` says.
fn rehash(file: &Connection, from: i64, keyed: Option<bool>) {
    type Row = (i64, i64, [String; 5]);
    let rows: Vec<Row> = file
        .prepare(
            "SELECT seq, at, chain, who, what, subject, detail FROM history
             WHERE seq >= ? ORDER BY seq",
        )
        .unwrap()
        .query_map([from], |row| {
            let texts = [
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get(6)?,
            ];
            Ok((row.get(0)?, row.get(1)?, texts))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (seq, at, texts) in rows {
        let before =
            "SELECT hash FROM history WHERE chain = ? AND seq < ? ORDER BY seq DESC LIMIT 1";
        let prev = file.query_row(before, (&texts[0], seq), |row| row.get(0));
        let prev: [u8; 32] = prev.unwrap_or_default();
        let mut bytes = b"psa-host history v2".to_vec();
        bytes.extend_from_slice(&prev);
        bytes.extend_from_slice(&seq.to_be_bytes());
        bytes.extend_from_slice(&at.to_be_bytes());
        for text in texts {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        file.execute(
            "UPDATE history SET prev = ?2, hash = ?3, keyed = coalesce(?4, keyed) WHERE seq = ?1",
            rusqlite::params![seq, prev, hash, keyed],
        )
        .unwrap();
    }
}

#[test]
fn an_untouched_history_holds_and_says_what_it_covers() {
    let place = place_with_history();
    let found = verified(&place, None);
    assert_eq!(found.broken, None);
    assert_eq!((found.entries, found.verified, found.keyed), (7, 7, 5));
    assert_eq!(found.from, found.to);
    let head = found.head.unwrap();
    assert_eq!(place.open().history_head().unwrap().as_ref(), Some(&head));

    place.wait(60);
    let ledger = place.open();
    ledger.record_event("test", "", &"later".into()).unwrap();
    let later = ledger.verify_history(Some(&head)).unwrap();
    assert_eq!(later.broken, None);
    assert_eq!(later.verified, 8);
    assert!(later.from < later.to);
}

#[test]
fn a_history_of_nothing_holds_and_one_before_the_first_key_does_too() {
    let place = Place::new();
    let nothing = verified(&place, None);
    assert_eq!(
        (nothing.entries, nothing.head, nothing.broken),
        (0, None, None)
    );
    let ledger = place.open();
    ledger.record_event("test", "", &1.into()).unwrap();
    let one = verified(&place, None);
    assert_eq!((one.verified, one.keyed, one.broken), (1, 0, None));
}

#[test]
fn each_tampering_is_found_where_it_was_done() {
    use BreakCause::*;
    let cases: &[(&str, &str, i64, BreakCause)] = &[
        // One column of a keyed entry in the middle.
        ("edit seq", "UPDATE history SET seq = 99 WHERE seq = 5", 5, Missing),
        ("edit at", "UPDATE history SET at = at + 1 WHERE seq = 5", 5, Changed),
        ("edit who", "UPDATE history SET who = 'x' WHERE seq = 5", 5, Changed),
        ("edit what", "UPDATE history SET what = 'x' WHERE seq = 5", 5, Changed),
        ("edit subject", "UPDATE history SET subject = 'x' WHERE seq = 5", 5, Changed),
        ("edit detail", "UPDATE history SET detail = '{}' WHERE seq = 5", 5, Changed),
        ("a blank in the JSON", "UPDATE history SET detail = detail || ' ' WHERE seq = 5", 5, Changed),
        ("edit chain", "UPDATE history SET chain = 'installation' WHERE seq = 5", 5, Changed),
        ("another channel", "UPDATE history SET chain = 'channel/other' WHERE seq = 5", 5, Changed),
        ("no such chain", "UPDATE history SET chain = 'msp' WHERE seq = 5", 5, Unreadable),
        ("into the former chain", "UPDATE history SET chain = '' WHERE seq = 5", 5, Misplaced),
        ("the first into the former chain", "UPDATE history SET chain = '' WHERE seq = 1", 1, Changed),
        ("unkey one", "UPDATE history SET keyed = 0 WHERE seq = 5", 5, Downgraded),
        ("odd flag", "UPDATE history SET keyed = 2 WHERE seq = 5", 5, Unreadable),
        ("edit prev", "UPDATE history SET prev = zeroblob(32) WHERE seq = 5", 5, Changed),
        ("edit hash", "UPDATE history SET hash = zeroblob(32) WHERE seq = 5", 5, Changed),
        ("short hash", "UPDATE history SET hash = x'00' WHERE seq = 5", 5, Unreadable),
        ("at past all time", "UPDATE history SET at = 9223372036854775807 WHERE seq = 5", 5, Unreadable),
        ("text that is none", "UPDATE history SET who = CAST(x'ff' AS TEXT) WHERE seq = 5", 5, Unreadable),
        // The first, the last, and one from before the key.
        ("edit the first", "UPDATE history SET who = 'x' WHERE seq = 1", 1, Changed),
        ("edit the last", "UPDATE history SET who = 'x' WHERE seq = 7", 7, Changed),
        ("key an early one", "UPDATE history SET keyed = 1 WHERE seq = 2", 2, Changed),
        // Removed.
        ("delete the first", "DELETE FROM history WHERE seq = 1", 1, Missing),
        ("delete one", "DELETE FROM history WHERE seq = 5", 5, Missing),
        ("delete some", "DELETE FROM history WHERE seq BETWEEN 3 AND 5", 3, Missing),
        ("delete and close the gap",
         "DELETE FROM history WHERE seq = 5; UPDATE history SET seq = seq - 1 WHERE seq > 5",
         5, Changed),
        ("delete all keyed ones", "DELETE FROM history WHERE seq >= 3", 3, Downgraded),
        ("delete all", "DELETE FROM history", 1, Downgraded),
        // Moved.
        ("swap two",
         "UPDATE history SET seq = 99 WHERE seq = 4; UPDATE history SET seq = 4 WHERE seq = 5;
          UPDATE history SET seq = 5 WHERE seq = 99",
         4, Changed),
        ("swap what two say",
         "CREATE TABLE t AS SELECT * FROM history;
          UPDATE history SET (at, who, what, subject, detail, keyed, hash) =
              (SELECT at, who, what, subject, detail, keyed, hash FROM t
               WHERE t.seq = 9 - history.seq)
          WHERE seq IN (4, 5)",
         4, Changed),
        // Inserted.
        ("insert before the first",
         "INSERT INTO history SELECT 0, at, who, what, subject, detail, keyed, prev, hash, chain
          FROM history WHERE seq = 1", 1, Misplaced),
        ("insert in the middle",
         "UPDATE history SET seq = -seq - 1 WHERE seq >= 5; UPDATE history SET seq = -seq WHERE seq < 0;
          INSERT INTO history SELECT 5, at, who, what, subject, detail, keyed, hash, hash, chain
          FROM history WHERE seq = 4", 5, Changed),
        ("repeat the last",
         "INSERT INTO history SELECT 8, at, who, what, subject, detail, keyed, hash, hash, chain
          FROM history WHERE seq = 7", 8, Changed),
        // What the ledger says of its key.
        ("forget the key", "DELETE FROM meta", 8, KeyForgotten),
        ("name another key", "UPDATE meta SET value = 'feedfeedfeedfeed'", 8, KeyForgotten),
        ("forget all but the secrets", "DELETE FROM meta; DELETE FROM history WHERE seq >= 3", 3, KeyForgotten),
    ];
    for (name, sql, seq, cause) in cases {
        let place = tampered(sql);
        assert_eq!(first_break(&place, None), Some((*seq, *cause)), "{name}");
        let found = verified(&place, None);
        assert_eq!(found.verified, u64::try_from(seq - 1).unwrap(), "{name}");
    }
}

#[test]
fn a_chain_written_anew_without_the_key_is_found() {
    use BreakCause::*;
    let edit = "UPDATE history SET who = 'x' WHERE seq = ";
    // Edited at, hashed again from there, said to be keyed; found at, as.
    let cases = [
        (5, None, 5, Changed),
        (5, Some(false), 5, Downgraded),
        (5, Some(true), 5, Changed),
        // The entries before the key: the first keyed one covers them.
        (1, None, BOUND, Changed),
        (1, Some(false), BOUND, Downgraded),
        (1, Some(true), 1, Changed),
    ];
    for (from, keyed, seq, cause) in cases {
        let place = place_with_history();
        let file = unguarded(&place);
        file.execute_batch(&format!("{edit}{from}")).unwrap();
        rehash(&file, from, keyed);
        drop(file);
        assert_eq!(
            first_break(&place, None),
            Some((seq, cause)),
            "from {from}, keyed {keyed:?}"
        );
    }
}

#[test]
fn an_early_entry_hashed_again_alone_is_found_at_the_next() {
    let place = place_with_history();
    let file = unguarded(&place);
    file.execute_batch("CREATE TABLE t AS SELECT * FROM history WHERE seq > 1; UPDATE history SET who = 'x' WHERE seq = 1")
        .unwrap();
    rehash(&file, 1, None);
    file.execute_batch("DELETE FROM history WHERE seq > 1; INSERT INTO history SELECT * FROM t")
        .unwrap();
    drop(file);
    assert_eq!(first_break(&place, None), Some((2, BreakCause::NotLinked)));
}

#[test]
fn a_chain_written_anew_that_hides_that_there_was_a_key_is_found_by_the_secrets_or_a_kept_head() {
    let place = place_with_history();
    let head = place.open().history_head().unwrap().unwrap();
    let file = unguarded(&place);
    file.execute_batch("UPDATE history SET what = 'x' WHERE what = 'key.bound'; DELETE FROM meta")
        .unwrap();
    rehash(&file, 1, Some(false));
    assert_eq!(
        first_break(&place, None),
        Some((8, BreakCause::KeyForgotten))
    );
    // Documented: from here on only a head from elsewhere tells.
    file.execute_batch("DELETE FROM secrets").unwrap();
    assert_eq!(first_break(&place, None), None);
    assert_eq!(verified(&place, None).keyed, 0);
    assert_eq!(
        first_break(&place, Some(&head)),
        Some((7, BreakCause::OtherHead))
    );
}

#[test]
fn a_cut_at_the_end_is_found_by_a_kept_head_and_by_nothing_else() {
    let place = place_with_history();
    let head = place.open().history_head().unwrap().unwrap();
    unguarded(&place)
        .execute_batch("DELETE FROM history WHERE seq > 5")
        .unwrap();
    assert_eq!(first_break(&place, None), None);
    assert_eq!(first_break(&place, Some(&head)), Some((6, BreakCause::Cut)));

    // It goes on from the cut: the chain holds again, the kept head still tells.
    let ledger = place.open();
    for n in 0..5 {
        ledger.record_event("test", "", &n.into()).unwrap();
    }
    assert_eq!(first_break(&place, None), None);
    assert_eq!(
        first_break(&place, Some(&head)),
        Some((7, BreakCause::OtherHead))
    );
}

#[test]
fn a_break_before_the_kept_head_is_told_as_what_it_is() {
    let place = tampered("UPDATE history SET who = 'x' WHERE seq = 5");
    let head = HistoryHead {
        seq: 7,
        hash: [7; 32],
        chain: Chain::Installation,
    };
    assert_eq!(
        first_break(&place, Some(&head)),
        Some((5, BreakCause::Changed))
    );
}

#[test]
fn a_missing_or_a_wrong_key_is_an_error_of_its_own_and_no_break() {
    let verify = |place: &Place| -> Result<Verification, LedgerError> {
        Ledger::verify_history(&place.open(), None)
    };
    let place = place_with_history();
    let right = fs::read(&place.key).unwrap();
    fs::remove_file(&place.key).unwrap();
    assert_eq!(code(verify(&place)), "key-missing");
    write_key(&place, "ab".repeat(32).as_bytes());
    assert_eq!(code(verify(&place)), "key-wrong");
    // Nor where the history itself does not hold: without the key nobody can tell.
    let sql = "UPDATE history SET who = 'x' WHERE seq = 5";
    unguarded(&place).execute_batch(sql).unwrap();
    assert_eq!(code(verify(&place)), "key-wrong");
    write_key(&place, b"no key");
    assert_eq!(code(verify(&place)), "key-malformed");
    write_key(&place, &right);
    assert_eq!(verify(&place).unwrap().broken.unwrap().seq, 5);
}

#[test]
fn verifying_changes_nothing_and_makes_no_key() {
    let place = Place::new();
    place.open().record_event("test", "", &1.into()).unwrap();
    verified(&place, None);
    assert!(!place.key.exists());
    assert_eq!(verified(&place, None).entries, 1);
}

fn write_key(place: &Place, text: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(&place.key, text).unwrap();
    fs::set_permissions(&place.key, fs::Permissions::from_mode(0o600)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever single entry is changed, in whatever column, to whatever: it is found,
    /// at that entry or (its number moved away) where it is missing.
    #[test]
    fn any_single_change_of_any_entry_is_found(
        seq in 1..=ENTRIES,
        column in 0_usize..10,
        number in any::<i64>(),
        text in "\\PC{0,12}",
        bit in 0_usize..256,
    ) {
        let place = place_with_history();
        let file = unguarded(&place);
        let changed = match column {
            0 => file.execute("UPDATE OR IGNORE history SET seq = ?2 WHERE seq = ?1 AND seq <> ?2", (seq, number)),
            1 => file.execute("UPDATE history SET at = ?2 WHERE seq = ?1 AND at <> ?2", (seq, number)),
            2 => file.execute("UPDATE history SET keyed = ?2 WHERE seq = ?1 AND keyed <> ?2", (seq, number)),
            3..=7 => {
                let name = ["who", "what", "subject", "detail", "chain"][column - 3];
                let sql = format!("UPDATE history SET {name} = ?2 WHERE seq = ?1 AND {name} <> ?2");
                file.execute(&sql, (seq, &text))
            }
            _ => {
                let name = ["prev", "hash"][column - 8];
                let sql = format!("SELECT {name} FROM history WHERE seq = ?1");
                let mut bytes: [u8; 32] = file.query_row(&sql, [seq], |row| row.get(0)).unwrap();
                bytes[bit / 8] ^= 1 << (bit % 8);
                file.execute(&format!("UPDATE history SET {name} = ?2 WHERE seq = ?1"), (seq, bytes))
            }
        }
        .unwrap();
        prop_assume!(changed == 1);
        drop(file);
        let (found, _) = first_break(&place, None).expect("found");
        // Moved to the front it stands in the way of the first.
        prop_assert!(found == seq || (column == 0 && number < 1 && found == 1));
    }
}
