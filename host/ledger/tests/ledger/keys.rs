use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use psa_host_ledger::{KeySource, Ledger, system_clock};

use crate::fixture::{Place, add, code, name, secret};

fn mode_of(place: &Place, mode: u32) {
    fs::set_permissions(&place.key, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_secret_makes_a_key_that_only_its_user_can_read() {
    let place = Place::new();
    let ledger = place.with_connection();
    assert_eq!(fs::metadata(&place.key).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&place.key).unwrap().trim().len(), 64);
    let secrets = ledger.connection_secrets(&name("acme")).unwrap();
    assert_eq!(secrets["secret"].expose(), "hunter2");
    assert_eq!(format!("{secrets:?}"), r#"{"secret": Secret(redacted)}"#);
}

#[test]
fn a_secret_is_nowhere_in_the_data_directory() {
    let place = Place::new();
    drop(place.with_connection());
    let mut files = 0;
    for entry in fs::read_dir(&place.data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"hunter2"));
            files += 1;
        }
    }
    assert!(files >= 2);
}

#[test]
fn a_missing_key_a_wrong_key_and_damage_are_told_apart() {
    let place = Place::new();
    drop(place.with_connection());
    let secrets = || place.open().connection_secrets(&name("acme"));

    let right = fs::read(&place.key).unwrap();
    fs::remove_file(&place.key).unwrap();
    assert_eq!(code(secrets()), "key-missing");

    fs::write(&place.key, "ab".repeat(32)).unwrap();
    mode_of(&place, 0o600);
    assert_eq!(code(secrets()), "key-wrong");

    fs::write(&place.key, right).unwrap();
    assert!(secrets().is_ok());
    place
        .sql(
            "UPDATE secrets SET sealed = CAST(
                 substr(sealed, 1, 30) || x'00' || substr(sealed, 32) AS BLOB)",
        )
        .unwrap();
    assert_eq!(code(secrets()), "ledger-damaged");
}

#[test]
fn a_new_key_is_never_made_over_existing_secrets() {
    let place = Place::new();
    drop(place.with_connection());
    fs::remove_file(&place.key).unwrap();
    let result = place
        .open()
        .rotate_connection(&name("acme"), &secret("secret", "new"));
    assert_eq!(code(result), "key-missing");
    assert!(!place.key.exists());
}

#[test]
fn a_key_is_not_made_where_the_ledger_forgot_which_it_had() {
    let place = Place::new();
    drop(place.with_connection());
    fs::remove_file(&place.key).unwrap();
    place.sql("DELETE FROM meta").unwrap();
    let result = place
        .open()
        .rotate_connection(&name("acme"), &secret("secret", "new"));
    assert_eq!(code(result), "ledger-damaged");
    assert!(!place.key.exists());
}

#[test]
fn what_needs_no_secret_works_without_the_key() {
    let place = Place::new();
    drop(place.with_connection());
    fs::remove_file(&place.key).unwrap();
    let ledger = place.open();
    let connection = ledger.connection(&name("acme")).unwrap();
    assert!(connection.secret_fields.contains("secret"));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let place = Place::new();
    drop(place.with_connection());
    for (mode, expected) in [(0o640, false), (0o604, false), (0o600, true), (0o400, true)] {
        mode_of(&place, mode);
        let result = place.open().connection_secrets(&name("acme"));
        assert_eq!(result.is_ok(), expected, "{mode:o}");
        if !expected {
            assert_eq!(code(result), "key-exposed");
        }
    }
}

#[test]
fn a_key_inside_the_data_directory_is_refused_also_through_a_link() {
    let place = Place::new();
    place.open();
    let outside = place.data.with_file_name("elsewhere");
    symlink(&place.data, &outside).unwrap();
    for key in [
        place.data.join("key"),
        place.data.join("plugins/../deep/key"),
        outside.join("not-yet/key"),
    ] {
        let result = Ledger::open(&place.data, KeySource::File(key.clone()), system_clock());
        assert_eq!(code(result), "key-inside-data", "{}", key.display());
    }
}

#[test]
fn hex_and_base64_are_the_same_key_and_anything_else_is_none() {
    let place = Place::new();
    drop(place.with_connection());
    let hex = fs::read_to_string(&place.key).unwrap();
    let bytes = hex::decode(hex.trim()).unwrap();
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    for (text, expected) in [
        (base64.clone(), None),
        (format!("  {base64}\n\n"), None),
        (hex.to_uppercase(), None),
        (String::new(), Some("key-malformed")),
        ("password".to_owned(), Some("key-malformed")),
        (hex.trim()[..62].to_owned(), Some("key-malformed")),
        ("g".repeat(64), Some("key-malformed")),
    ] {
        fs::write(&place.key, &text).unwrap();
        let result = place.open().connection_secrets(&name("acme"));
        match expected {
            None => assert!(result.is_ok(), "{text:?}"),
            Some(expected) => assert_eq!(code(result), expected, "{text:?}"),
        }
    }
}

#[test]
fn a_secret_moved_to_another_place_does_not_open() {
    let place = Place::new();
    let ledger = place.with_connection();
    add(&ledger, "beta", "other-msp");
    place
        .sql(
            "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE owner = 'acme')
             WHERE owner = 'beta'",
        )
        .unwrap();
    assert!(ledger.connection_secrets(&name("acme")).is_ok());
    assert_eq!(
        code(ledger.connection_secrets(&name("beta"))),
        "ledger-damaged"
    );
}

#[test]
fn two_processes_that_need_a_first_key_agree_on_one() {
    let place = Place::new();
    let ledgers = [place.open(), place.open()];
    ledgers[0].add_plugin("p", b"\0asm", "{}").unwrap();
    std::thread::scope(|scope| {
        for (n, ledger) in ledgers.iter().enumerate() {
            scope.spawn(move || {
                let secrets = secret(&format!("field{n}"), "s");
                ledger.set_plugin("p", &BTreeMap::new(), &secrets).unwrap();
            });
        }
    });
    assert_eq!(place.open().plugin_secrets("p").unwrap().len(), 2);
}

#[test]
fn rotating_replaces_what_is_named_and_nothing_else() {
    let place = Place::new();
    let ledger = place.with_connection();
    let acme = name("acme");
    ledger
        .rotate_connection(&acme, &secret("second", "two"))
        .unwrap();
    ledger
        .rotate_connection(&acme, &secret("secret", "new"))
        .unwrap();
    let secrets = ledger.connection_secrets(&acme).unwrap();
    assert_eq!(secrets["secret"].expose(), "new");
    assert_eq!(secrets["second"].expose(), "two");
}
