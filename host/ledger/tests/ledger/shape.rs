//! What the code itself has to look like.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every source file of the ledger, by its path below `src`.
pub(crate) fn sources() -> BTreeMap<PathBuf, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(&src).unwrap().to_owned(), text);
            }
        }
    }
    found
}

#[test]
fn only_the_folder_of_the_database_names_it() {
    let naming: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains("rusqlite"))
        .map(|(path, _)| path)
        .collect();
    assert!(naming.contains(&"db/tx.rs".into()), "{naming:?}");
    let elsewhere: Vec<_> = naming
        .iter()
        .filter(|path| !path.starts_with("db"))
        .collect();
    assert!(
        elsewhere.is_empty(),
        "{elsewhere:?} name the database: what they need of it belongs into `db`"
    );
}
