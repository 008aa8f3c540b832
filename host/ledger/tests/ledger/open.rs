use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use psa_host_ledger::{KeySource, Ledger, LedgerError, system_clock};

use crate::fixture::{Place, code};

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_new_directory_belongs_to_its_user_alone() {
    let place = Place::new();
    let ledger = place.open();
    let dir = ledger.dir();
    for path in [
        dir.root().to_owned(),
        dir.plugins(),
        dir.cache(),
        dir.slots(),
        dir.locks(),
        dir.backups(),
    ] {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
    for file in ["ledger.sqlite", "ledger.sqlite-wal", "budget.sqlite"] {
        assert_eq!(mode(place.data.join(file)), 0o600, "{file}");
    }
    assert!(!place.key.exists(), "no key before there is a secret");
}

#[test]
fn a_directory_that_others_can_write_into_is_refused() {
    let place = Place::new();
    drop(place.open());
    for dir in [place.data.clone(), place.data.join("plugins")] {
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        let error = place.try_open().unwrap_err();
        assert_eq!(error.code(), "data-exposed");
        assert_eq!(error.fix(), format!("chmod 700 {}", dir.display()));
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    }
    place.open();
}

#[test]
fn opening_again_keeps_what_is_there() {
    let place = Place::new();
    place.with_connection();
    let ledger = place.open();
    assert_eq!(ledger.connections().unwrap().len(), 1);
    assert_eq!(ledger.plugins().unwrap().len(), 1);
}

#[test]
fn many_may_open_an_empty_directory_at_once() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| place.open().workspaces().unwrap());
        }
    });
}

#[test]
fn a_ledger_of_a_later_release_is_refused() {
    let place = Place::new();
    place.open();
    place.sql("PRAGMA user_version = 1000").unwrap();
    let error = place.try_open().unwrap_err();
    assert_eq!(error.code(), "ledger-newer");
    assert!(matches!(
        error,
        LedgerError::NewerSchema { found: 1000, .. }
    ));
}

#[test]
fn a_file_that_is_no_database_is_told_apart() {
    let place = Place::new();
    fs::create_dir(&place.data).unwrap();
    let file = place.data.join("ledger.sqlite");
    let text = "dear diary, ".repeat(100);
    fs::write(&file, &text).unwrap();
    assert_eq!(code(place.try_open()), "not-a-ledger");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_database_of_another_program_is_told_apart_and_left_alone() {
    let place = Place::new();
    fs::create_dir(&place.data).unwrap();
    place.sql("CREATE TABLE bookmarks (url TEXT)").unwrap();
    assert_eq!(code(place.try_open()), "not-a-ledger");
    place.sql("SELECT url FROM bookmarks").unwrap();
}

#[test]
fn a_damaged_ledger_is_told_apart() {
    let place = Place::new();
    let ledger = place.with_connection();
    drop(ledger);
    let path = place.data.join("ledger.sqlite");
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    // All pages but the first, which is the header and the schema.
    let pages = file.metadata().unwrap().len() / 4096;
    file.seek(SeekFrom::Start(4096)).unwrap();
    for _ in 1..pages {
        file.write_all(&[0xa5; 4096]).unwrap();
    }
    let result = place.try_open().and_then(|ledger| ledger.connections());
    assert_eq!(code(result), "ledger-damaged");
}

#[test]
fn a_row_of_nonsense_is_damage_and_no_panic() {
    let place = Place::new();
    let ledger = place.with_connection();
    place
        .sql("UPDATE connections SET tenant = char(27) || 'x'")
        .unwrap();
    assert_eq!(code(ledger.connections()), "ledger-damaged");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_named() {
    let place = Place::new();
    fs::write(&place.data, "x").unwrap();
    let error = place.try_open().unwrap_err();
    assert!(error.to_string().contains("not a directory"), "{error}");
}

#[test]
fn a_ledger_held_by_another_writer_does_not_stop_readers() {
    let place = Place::new();
    let ledger = place.with_connection();
    let other = rusqlite::Connection::open(place.data.join("ledger.sqlite")).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM account_map;")
        .unwrap();
    assert_eq!(ledger.connections().unwrap().len(), 1);
    assert_eq!(place.open().connections().unwrap().len(), 1);
}

#[test]
fn the_ledger_goes_between_threads() {
    fn crosses<T: Send + Sync + Clone + 'static>() {}
    crosses::<Ledger>();
}

#[test]
fn two_writers_take_turns() {
    let place = Place::new();
    let ledgers = [place.with_connection(), place.open()];
    std::thread::scope(|scope| {
        for (who, ledger) in ledgers.iter().enumerate() {
            scope.spawn(move || {
                for n in 0..50 {
                    let subject = format!("{who}-{n}");
                    ledger
                        .record_event("test", &subject, &serde_json::json!({}))
                        .unwrap();
                }
            });
        }
    });
    let events = ledgers[0].history(0, 1000).unwrap();
    assert_eq!(
        events.iter().filter(|event| event.what == "test").count(),
        100
    );
    let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
    let expected: Vec<i64> = (1..=i64::try_from(events.len()).unwrap()).collect();
    assert_eq!(numbers, expected);
}

/// Root may write anywhere, so this says something for other users only.
#[test]
fn a_directory_that_may_not_be_written_is_named() {
    let place = Place::new();
    fs::create_dir(&place.data).unwrap();
    fs::set_permissions(&place.data, fs::Permissions::from_mode(0o500)).unwrap();
    let written = fs::write(place.data.join("probe"), "").is_ok();
    let result = place.try_open();
    fs::set_permissions(&place.data, fs::Permissions::from_mode(0o700)).unwrap();
    if written {
        eprintln!("skipped: this user is not bound by permissions");
        return;
    }
    assert_eq!(code(result), "permission");
}

#[test]
fn a_key_place_is_not_needed_before_a_secret() {
    let place = Place::new();
    let ledger = Ledger::open(&place.data, KeySource::Default, system_clock()).unwrap();
    assert!(ledger.plugins().unwrap().is_empty());
}
