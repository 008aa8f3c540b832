//! The tree that workspaces stand in. Any depth; a channel may be below a channel.

use std::collections::{HashMap, HashSet};

use psa_host_billing::{ErrorCode, Workspace, WorkspaceId, WorkspaceKind};

/// Workspaces by id, with the way up.
#[derive(Debug, Default)]
pub struct Tree<'a> {
    by_id: HashMap<&'a WorkspaceId, &'a Workspace>,
}

impl<'a> Tree<'a> {
    /// Later ones replace earlier ones of the same id.
    pub fn new(workspaces: impl IntoIterator<Item = &'a Workspace>) -> Self {
        let by_id = workspaces.into_iter().map(|w| (&w.id, w)).collect();
        Self { by_id }
    }

    /// A workspace that is known.
    pub fn get(&self, id: &WorkspaceId) -> Option<&'a Workspace> {
        self.by_id.get(id).copied()
    }

    /// Whether a workspace is the channel or stands below it.
    pub fn is_within(&self, workspace: &WorkspaceId, channel: &WorkspaceId) -> bool {
        self.upwards(workspace).any(|above| above == channel)
    }

    /// Whether following the parents of a workspace comes back to it.
    pub fn is_circle(&self, workspace: &Workspace) -> bool {
        let Some(parent) = &workspace.parent else {
            return false;
        };
        self.upwards(parent).any(|above| *above == workspace.id)
    }

    /// A workspace and all above it; ends where a circle would close.
    fn upwards<'t>(&'t self, from: &'t WorkspaceId) -> impl Iterator<Item = &'t WorkspaceId> {
        let mut seen = HashSet::new();
        std::iter::successors(Some(from), |id| self.get(id)?.parent.as_ref())
            .take_while(move |id| seen.insert(*id))
    }
}

/// The nearest mistake a tree can have at one workspace, if any: code and words.
pub(crate) fn mistake_at(tree: &Tree<'_>, workspace: &Workspace) -> Option<(ErrorCode, String)> {
    let parent = workspace.parent.as_ref()?;
    if *parent == workspace.id || tree.is_circle(workspace) {
        return Some((
            ErrorCode::WorkspaceCircle,
            format!("{parent:?} makes the tree a circle"),
        ));
    }
    match tree.get(parent) {
        // A channel may stand below one that this MSP cannot see.
        None if workspace.kind == WorkspaceKind::Channel => None,
        None => Some((
            ErrorCode::UnknownParent,
            format!("{parent:?} is not a known workspace"),
        )),
        Some(above) if above.kind != WorkspaceKind::Channel => Some((
            ErrorCode::ParentNotChannel,
            format!("{parent:?} is not a channel workspace: only channels have others below"),
        )),
        Some(_) => None,
    }
}
