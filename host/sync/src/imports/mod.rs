//! Lists that come as files: workspaces, usage, mappings. Read strictly, because money
//! follows from them: each error says where it is, and a file is taken whole or not at
//! all. What is only unusual (an unknown field, an id written as a number) is taken
//! and told; what looks damaged without being wrong is taken once a person says that it
//! is right ([`Doubt`]).

mod cleaned;
pub(crate) mod content;
mod count;
pub(crate) mod csv_file;
mod csv_usage;
mod doubt;
pub(crate) mod json;
mod named;
mod refusals;
mod tree;
mod usage;
mod usage_rows;
pub(crate) mod whole;
mod workspaces;

pub(crate) use cleaned::{Cleaned, is_column};
pub use doubt::Doubt;
pub(crate) use doubt::{Accepted, DOUBTFUL_ID_FIX, doubtful_id};
pub use refusals::Refusals;
pub use tree::Tree;
pub use usage::{UsageForm, UsageImported};
pub use workspaces::WorkspacesImported;

use crate::{Error, Note};

/// Texts that people read (names, domains), in characters. Coro's longest is 30, a
/// PSA's 100; past this it is no name.
const MOST_TEXT: usize = 1_000;

/// Other wrong rows that an error names beside the first.
const MORE_NAMED: usize = 5;

/// One error out of all wrong rows: the first, and how many more there are.
fn refuse(refusals: Refusals) -> Result<(), Error> {
    let mut problems = refusals.into_problems();
    if problems.is_empty() {
        return Ok(());
    }
    let mut first = problems.remove(0);
    let fix = first.fix.unwrap_or_default();
    first.fix = Some(format!("{fix} Or keep the good rows alone with --partial."));
    if !problems.is_empty() {
        let named: Vec<&str> = problems
            .iter()
            .take(MORE_NAMED)
            .map(|problem| problem.message.as_str())
            .collect();
        let more = problems.len();
        let such_as = if more > named.len() { ", such as" } else { "" };
        first.cause = Some(format!("{more} more{such_as}: {}", named.join("; ")));
    }
    Err(first.into())
}

/// Check a text for people.
fn readable(text: &str) -> Result<(), String> {
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        let code = u32::from(control);
        return Err(format!("has a control character (U+{code:04X})"));
    }
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    let length = text.chars().count();
    if length > MOST_TEXT {
        return Err(format!(
            "has {length} characters; at most {MOST_TEXT} are taken"
        ));
    }
    Ok(())
}

/// Fields that nobody asked for, told once each.
#[derive(Debug, Default)]
pub(crate) struct Unknown(std::collections::BTreeMap<String, usize>);

impl Unknown {
    /// One more.
    pub(crate) fn see(&mut self, field: &str) {
        let short: String = field.chars().take(60).collect();
        // A hostile file has a million different ones.
        if self.0.len() < 100 || self.0.contains_key(&short) {
            *self.0.entry(short).or_default() += 1;
        }
    }

    pub(crate) fn notes(self) -> impl Iterator<Item = Note> {
        self.0.into_iter().map(|(field, times)| {
            let message = format!("field {field:?} is not known and was not used ({times} times)");
            Note::new("unknown-field", message)
        })
    }
}
