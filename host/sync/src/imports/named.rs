//! The names of the users and devices behind a count, where a file has them.

use std::collections::HashSet;

use psa_host_ledger::Names;

use super::Cleaned;
use super::json::Object;
use crate::Problem;

/// Bytes of one name.
const MOST_NAME: usize = 200;

/// Both lists of one item, each as long as its count.
pub(super) fn names(
    object: &mut Object<'_>,
    users: Option<u32>,
    devices: Option<u32>,
    cleaned: &mut Cleaned,
) -> Result<Names, Problem> {
    Ok(Names {
        users: list(object, "user_names", ("users", users), cleaned)?,
        devices: list(object, "device_names", ("devices", devices), cleaned)?,
    })
}

fn list(
    object: &mut Object<'_>,
    key: &str,
    (counted, count): (&str, Option<u32>),
    cleaned: &mut Cleaned,
) -> Result<Option<Vec<String>>, Problem> {
    let Some(node) = object.optional(key) else {
        return Ok(None);
    };
    let entries = node.list()?;
    if count.is_none_or(|count| usize::try_from(count) != Ok(entries.len())) {
        let named = entries.len();
        let what = match count {
            Some(count) => format!("has {named} names, but {counted} is {count}"),
            None => format!("has {named} names, but there is no count of {counted}"),
        };
        let fix = "Name each one that is counted and no other, or leave the names out.";
        return Err(node.problem("names-differ-from-count", what, fix));
    }
    let mut seen = HashSet::with_capacity(entries.len());
    let mut names = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = entry.name(cleaned)?;
        if name.len() > MOST_NAME {
            let what = format!("has {} bytes; a name has at most {MOST_NAME}", name.len());
            return Err(entry.problem("bad-text", what, "Shorten the name."));
        }
        if !seen.insert(name.clone()) {
            let fix = "Name each one once: the count may be wrong too.";
            return Err(entry.problem("duplicate-name", "is named a second time", fix));
        }
        names.push(name);
    }
    Ok(Some(names))
}
