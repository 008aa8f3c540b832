//! Orphans: lines that were posted and that no mapping leads to any more, or only that of
//! a workspace that has left the channel. Nothing changes their units, and the PSA goes on
//! billing them.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use crate::{
    AccountId, Hold, HoldCode, Line, LineId, LineKey, Mapping, ModuleId, Units, WorkspaceId,
};

/// A line that was posted, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The line.
    pub key: LineKey,
    /// The account whose contract it stands on; none: not remembered.
    pub account: Option<AccountId>,
    /// For whom it was last posted.
    pub workspace: WorkspaceId,
    /// For what.
    pub module: ModuleId,
}

/// The lines on which the mapped pairs stand today. A pair without one says nothing:
/// its contracts may be held, or could not be read.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    by_pair: HashMap<(WorkspaceId, ModuleId), LineId>,
    lines: HashSet<LineId>,
}

impl Chosen {
    /// A pair stands on this line.
    pub fn add(&mut self, workspace: &WorkspaceId, module: &ModuleId, line: &LineId) {
        self.lines.insert(line.clone());
        self.by_pair
            .insert((workspace.clone(), module.clone()), line.clone());
    }

    fn line(&self, workspace: &WorkspaceId, module: &ModuleId) -> Option<&LineId> {
        self.by_pair.get(&(workspace.clone(), module.clone()))
    }
}

/// Why nothing changes a posted line any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// [`HoldCode::Orphan`] or [`HoldCode::WorkspaceLeftChannel`].
    pub code: HoldCode,
    /// With the names of the case.
    pub why: String,
}

/// Why no mapping leads to a posted line; none where one does. The line's account and
/// service decide, not whom it was posted for: another workspace may have taken it over. `in_channel`:
/// whether a workspace is in the tree that the connection bills.
pub fn orphaned(
    posted: &Posted,
    mapping: &Mapping,
    chosen: &Chosen,
    in_channel: impl Fn(&WorkspaceId) -> bool,
) -> Option<Lost> {
    let orphan = |why| {
        let code = HoldCode::Orphan;
        Some(Lost { code, why })
    };
    let Posted {
        key,
        account,
        workspace,
        module,
    } = posted;
    if chosen.lines.contains(&key.line) {
        return None;
    }
    let mapped_to = mapping.account(workspace);
    let now = match account {
        Some(account) => mapping.workspace(account),
        None => mapped_to.map(|_| workspace),
    };
    if let (Some(workspace), Some(module)) = (now, mapping.module(&key.service)) {
        if !in_channel(workspace) {
            return Some(Lost {
                code: HoldCode::WorkspaceLeftChannel,
                why: format!("workspace {workspace} is not below the channel any more"),
            });
        }
        let other = chosen.line(workspace, module)?;
        return orphan(format!(
            "{workspace} and {module} are billed on line {other} now"
        ));
    }
    if now.is_none() {
        return orphan(match mapped_to {
            None => format!("workspace {workspace} is not mapped to an account any more"),
            Some(other) => format!("workspace {workspace} is mapped to account {other} now"),
        });
    }
    orphan(match mapping.service(module) {
        None => format!("module {module} is not mapped to a service any more"),
        Some(other) => format!("module {module} is mapped to service {} now", other.service),
    })
}

/// The hold of an orphan, with its units on the day; none where the line is gone or has
/// no units on that day or later. `read`: the line as it is now, or why it could not be
/// read.
pub fn hold(
    posted: &Posted,
    Lost { code, why }: &Lost,
    read: Result<Option<&Line>, &str>,
    as_of: Date,
) -> Option<(Hold, Option<Units>)> {
    let id = &posted.key.line;
    let unread = |error: &str| {
        let message = format!("{why}; the units of line {id} could not be read: {error}");
        Some((Hold::new(*code, message), None))
    };
    let line = match read {
        Ok(line) => line?,
        Err(error) => return unread(error),
    };
    let timeline = match &line.timeline {
        Ok(timeline) => timeline,
        Err(error) => return unread(error),
    };
    let now = timeline.at(as_of);
    let still = now
        .into_iter()
        .chain(timeline.after(as_of))
        .find(|segment| !segment.units.is_zero())?;
    let message = match now {
        Some(segment) if segment.units == still.units => {
            format!("{why}, and line {id} still has {} units", still.units)
        }
        _ => format!(
            "{why}, and line {id} has {} units from {} on",
            still.units, still.start
        ),
    };
    let hold = Hold::new(*code, message).at(line.link.as_ref());
    Some((hold, now.map(|segment| segment.units)))
}

#[cfg(test)]
mod tests;
