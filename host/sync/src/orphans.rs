//! Lines of a connection that nothing changes any more, because no mapping leads to them
//! or their workspace has left the channel, with the units they still have: for the run's report and for the validation.

use jiff::civil::Date;
use psa_host_billing::orphan::{self, Chosen, Lost, Posted};
use psa_host_billing::{Hold, Line, LineKey, Mapping, TenantKey, Units, WorkspaceId};
use psa_host_ledger::LineRecord;

use crate::{Access, OpenConnection, Result};

/// A posted line that nobody changes any more.
pub(crate) struct Orphan {
    /// As it is remembered.
    pub posted: Posted,
    /// Units on the day looked at, where they could be read.
    pub units: Option<Units>,
    /// Why, and what to do.
    pub hold: Hold,
}

impl Access {
    /// The orphans of a connection, by line id. Reads no line of the PSA unless a
    /// mapping has gone or changed, or a workspace has left the channel; what cannot be
    /// read is told of, never left out. `chosen` is asked only where lines were posted; `asked`:
    /// whose lines are looked at, by whom they were posted for.
    pub(crate) async fn orphans(
        &self,
        open: &OpenConnection,
        tenant: &TenantKey,
        mapping: &Mapping,
        chosen: impl FnOnce() -> Result<Chosen>,
        as_of: Date,
        asked: impl Fn(&WorkspaceId) -> bool,
    ) -> Result<Vec<Orphan>> {
        let own = |line: &LineRecord| {
            let posted_for = line.posted_for.as_ref();
            posted_for.is_some_and(|(workspace, _)| asked(workspace))
                && line.connection.as_ref() == Some(&open.connection.name)
        };
        let mut lines = self.ledger().lines(tenant)?;
        lines.retain(own);
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let chosen = chosen()?;
        let mut accounts = self.ledger().accounts_of_lines(tenant)?;
        let below = self.workspaces_of(open)?;
        let in_channel = |workspace: &WorkspaceId| below.contains_key(workspace);
        let mut start = as_of;
        let mut found: Vec<(Posted, Lost)> = Vec::new();
        for line in lines {
            let Some((workspace, module)) = line.posted_for else {
                continue;
            };
            let posted = Posted {
                account: accounts.remove(&line.key.line),
                key: line.key,
                workspace,
                module,
            };
            if let Some(lost) = orphan::orphaned(&posted, mapping, &chosen, in_channel) {
                // From a day on which it had units: a line whose contract has ended
                // since is told apart from one whose units are missing.
                start = start.min(line.effective.unwrap_or(as_of));
                found.push((posted, lost));
            }
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<LineKey> = found.iter().map(|(posted, _)| posted.key.clone()).collect();
        let read = open.reader.lines(&keys, start).await;
        let orphan = |(posted, lost): (Posted, Lost)| {
            let line = match &read {
                Ok(read) => Ok(find(&read.lines, &posted)),
                Err(error) => Err(error.message.as_str()),
            };
            let (hold, units) = orphan::hold(&posted, &lost, line, as_of)?;
            Some(Orphan {
                posted,
                units,
                hold,
            })
        };
        Ok(found.into_iter().filter_map(orphan).collect())
    }
}

fn find<'a>(lines: &'a [Line], posted: &Posted) -> Option<&'a Line> {
    lines.iter().find(|line| line.key.line == posted.key.line)
}
