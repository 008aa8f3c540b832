//! A run of some workspaces: for a pilot with one customer, or to mend one. The PSA is read
//! and the plan is made as a whole, so that the brakes see what they always see; but only
//! what belongs to the workspaces named is posted, asked, remembered and reported.

use std::collections::{BTreeSet, HashMap};

use psa_host_billing::{ConnectionName, ErrorCode, Mapping, Workspace, WorkspaceId};

use crate::error::rule;
use crate::{Access, Error, OpenConnection, Result};

/// Names of workspaces in one message, at most.
const MOST_NAMED: usize = 5;

/// The workspaces that a run is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Only {
    /// None: all.
    named: Option<BTreeSet<WorkspaceId>>,
    left_out: usize,
}

impl Only {
    /// Whether the run is about a workspace.
    pub fn has(&self, workspace: &WorkspaceId) -> bool {
        let named = self.named.as_ref();
        named.is_none_or(|named| named.contains(workspace))
    }

    /// Whether the run is about all of them.
    pub fn is_all(&self) -> bool {
        self.named.is_none()
    }

    /// Those that were named; empty where it is about all.
    pub fn ids(&self) -> Vec<WorkspaceId> {
        self.named.iter().flatten().cloned().collect()
    }

    /// Mapped workspaces of the channel that it is not about.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl Access {
    /// The workspaces that a person named by id or by name, if any.
    ///
    /// # Errors
    /// One that is not below the connection's channel, whose name several have, or that is
    /// not mapped.
    pub(super) fn only(&self, open: &OpenConnection, named: &[String]) -> Result<Only> {
        if named.is_empty() {
            return Ok(Only::default());
        }
        let workspaces = self.workspaces_of(open)?;
        let mapping = self.mapping_of(open)?;
        let name = &open.connection.name;
        let ids = named
            .iter()
            .map(|text| {
                let workspace = find(name, &workspaces, text)?;
                must_be_mapped(name, &mapping, workspace)?;
                Ok(workspace.id.clone())
            })
            .collect::<Result<BTreeSet<_>>>()?;
        let mapped = mapping.accounts().map(|(workspace, _)| workspace);
        let others = mapped.filter(|id| workspaces.contains_key(*id) && !ids.contains(*id));
        Ok(Only {
            left_out: others.count(),
            named: Some(ids),
        })
    }
}

/// By id; else by name, whatever its case.
fn find<'w>(
    connection: &ConnectionName,
    workspaces: &'w HashMap<WorkspaceId, Workspace>,
    text: &str,
) -> Result<&'w Workspace> {
    let text = text.trim();
    if let Some(workspace) = workspaces.values().find(|one| one.id.as_str() == text) {
        return Ok(workspace);
    }
    let wanted = text.to_lowercase();
    let mut called: Vec<&Workspace> = workspaces
        .values()
        .filter(|one| one.name.to_lowercase() == wanted)
        .collect();
    called.sort_by(|a, b| a.id.cmp(&b.id));
    match called.as_slice() {
        [one] => Ok(*one),
        [] => Err(unknown(connection, workspaces, text)),
        several => Err(rule(
            ErrorCode::WorkspaceAmbiguous,
            format!(
                "{} workspaces of connection {connection} are called {text:?}: {}",
                several.len(),
                listed(several.iter().map(|one| one.id.as_str()))
            ),
            "Name the one that is meant by its id.",
        )),
    }
}

fn unknown(
    connection: &ConnectionName,
    workspaces: &HashMap<WorkspaceId, Workspace>,
    text: &str,
) -> Error {
    let wanted = text.to_lowercase();
    let mut like: Vec<&Workspace> = workspaces
        .values()
        .filter(|one| {
            let texts = [one.id.as_str(), &one.name];
            !wanted.is_empty()
                && texts
                    .iter()
                    .any(|text| text.to_lowercase().contains(&wanted))
        })
        .collect();
    like.sort_by(|a, b| a.id.cmp(&b.id));
    let fix = match like.is_empty() {
        true => "See `psa-host workspace list` for ids and names.".to_owned(),
        false => format!(
            "Like it are {}. See `psa-host workspace list` for all.",
            listed(like.iter().map(|one| {
                match one.name == one.id.as_str() {
                    true => one.name.clone(),
                    false => format!("{} ({})", one.id, one.name),
                }
            }))
        ),
    };
    rule(
        ErrorCode::UnknownWorkspace,
        format!("no workspace {text:?} is below the channel of connection {connection}"),
        fix,
    )
}

fn must_be_mapped(
    connection: &ConnectionName,
    mapping: &Mapping,
    workspace: &Workspace,
) -> Result<()> {
    if mapping.account(&workspace.id).is_some() {
        return Ok(());
    }
    let id = &workspace.id;
    Err(rule(
        ErrorCode::WorkspaceUnmapped,
        format!("workspace {id} is not mapped to an account in connection {connection}"),
        format!("Map it with `psa-host map account {connection} {id} ACCOUNT`."),
    ))
}

fn listed(texts: impl ExactSizeIterator<Item = impl AsRef<str>>) -> String {
    let more = texts.len().saturating_sub(MOST_NAMED);
    let shown: Vec<String> = texts
        .take(MOST_NAMED)
        .map(|text| text.as_ref().to_owned())
        .collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
