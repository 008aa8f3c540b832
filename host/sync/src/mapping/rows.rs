//! Coro's side of a mapping: which workspaces and modules there are to map.

use std::collections::HashSet;

use psa_host_billing::{ErrorCode, ModuleId, NoteCode, Workspace, WorkspaceId};
use psa_host_ledger::Connection;

use crate::error::Problem;
use crate::imports::Tree;
use crate::{Access, Note, Result, modules};

/// What is known of a connection's channel.
#[derive(Debug)]
pub(crate) struct CoroSide {
    channel: WorkspaceId,
    known: Vec<Workspace>,
    within: HashSet<WorkspaceId>,
    /// Modules in the newest snapshot; none: there is no snapshot yet.
    counted: Option<HashSet<ModuleId>>,
}

impl CoroSide {
    pub(crate) fn of(host: &Access, connection: &Connection) -> Result<Self> {
        let known = host.ledger().workspaces()?;
        let tree = Tree::new(&known);
        let channel = connection.channel.clone();
        let within = known
            .iter()
            .filter(|workspace| tree.is_within(&workspace.id, &channel))
            .map(|workspace| workspace.id.clone())
            .collect();
        let counted = match host.ledger().latest_snapshot(&channel)? {
            None => None,
            Some(snapshot) => {
                let items = host.ledger().usage_items(snapshot.id)?;
                Some(items.into_iter().map(|item| item.module).collect())
            }
        };
        Ok(Self {
            channel,
            known,
            within,
            counted,
        })
    }

    /// A workspace of the channel's tree. The channel itself may be a customer too.
    pub(crate) fn workspace(&self, id: &WorkspaceId) -> Result<(), Problem> {
        if self.within.contains(id) {
            return Ok(());
        }
        if self.known.iter().any(|workspace| workspace.id == *id) {
            return Err(Problem::new(
                ErrorCode::WorkspaceOutsideChannel,
                format!(
                    "workspace {id} is not in the tree of channel {}",
                    self.channel
                ),
                "Map it in a connection of its own channel.",
            ));
        }
        Err(Problem::new(
            ErrorCode::UnknownWorkspace,
            format!("{:?} is not a known workspace", id.as_str()),
            "See `psa-host workspace list`, or import it with `psa-host workspace import`.",
        ))
    }

    /// A module that is in the catalogue or was counted. Before anything was counted a
    /// new name may be right, and is told of.
    pub(crate) fn module(&self, id: &ModuleId) -> Result<Option<Note>, Problem> {
        if modules::is_known(id) {
            return Ok(None);
        }
        let message = format!("module {:?} is not known to this version", id.as_str());
        match &self.counted {
            Some(counted) if counted.contains(id) => Ok(None),
            None => Ok(Some(Note::new(NoteCode::UnknownModule, message))),
            Some(_) => Err(Problem::new(
                ErrorCode::UnknownModule,
                format!("{message}, and the newest usage snapshot does not have it either"),
                "See the modules with `psa-host usage show`; their ids are compared as written.",
            )),
        }
    }
}
