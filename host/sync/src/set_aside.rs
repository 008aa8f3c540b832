//! Setting workspaces, or modules of them, aside for a time, and taking them up again.

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::{
    ConnectionName, ErrorCode, ModuleId, SetAside, SetAsideKind, SetAsides, WorkspaceId,
};
use psa_host_ledger::NewSetAside;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Problem, rule};
use crate::mapping::CoroSide;
use crate::{Access, Note, Power, Result};

/// Characters of a reason: a few sentences, which every report of a hold repeats.
const MOST_WHY: usize = 500;

/// What to set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsideOrder {
    /// Each of these.
    pub workspaces: Vec<WorkspaceId>,
    /// Only these modules of each; none: everything.
    pub modules: Vec<ModuleId>,
    /// Excluded or held.
    pub kind: SetAsideKind,
    /// The reason.
    pub why: String,
    /// The last day, in the connection's zone; none: no end.
    pub until: Option<Date>,
}

/// An entry, and whether it still counts.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct SetAsideView {
    /// Whose use.
    pub workspace: WorkspaceId,
    /// Of what; none: of everything.
    pub module: Option<ModuleId>,
    /// `exclude` or `hold`.
    pub kind: SetAsideKind,
    /// The reason.
    pub why: String,
    /// Who set it aside.
    pub who: String,
    /// When.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub since: Timestamp,
    /// The last day on which it counts.
    #[schemars(with = "Option<psa_host_billing::form::Day>")]
    pub until: Option<Date>,
    /// That day has passed: it counts no more.
    pub ended: bool,
}

impl SetAsideView {
    fn of(entry: SetAside, today: Date) -> Self {
        Self {
            ended: !entry.counts_on(today),
            workspace: entry.workspace,
            module: entry.module,
            kind: entry.kind,
            why: entry.why,
            who: entry.who,
            since: entry.since,
            until: entry.until,
        }
    }
}

impl Access {
    /// Set aside, all or none; what was set aside before is replaced. Gives what a
    /// person should know.
    ///
    /// # Errors
    /// An unknown workspace or one outside the channel's tree, an unknown module, no
    /// reason, an end that has passed.
    pub fn set_aside(&self, name: &ConnectionName, order: &SetAsideOrder) -> Result<Vec<Note>> {
        self.may_on(name, Power::Map)?;
        let connection = self.connection(name)?;
        let coro = CoroSide::of(self, &connection)?;
        for workspace in &order.workspaces {
            coro.workspace(workspace)?;
        }
        let mut notes = Vec::new();
        for module in &order.modules {
            notes.extend(coro.module(module)?);
        }
        let why = order.why.trim();
        checked_why(why)?;
        let today = self.today(&connection)?;
        if let Some(until) = order.until
            && until < today
        {
            return Err(rule(
                ErrorCode::DatePassed,
                format!(
                    "{until} has passed: today is {today} in {}",
                    connection.time_zone
                ),
                "Name a day that is still to come, or leave the end out.",
            ));
        }
        let modules: Vec<Option<ModuleId>> = match order.modules.as_slice() {
            [] => vec![None],
            some => some.iter().cloned().map(Some).collect(),
        };
        let entry = |(workspace, module): (&WorkspaceId, &Option<ModuleId>)| NewSetAside {
            workspace: workspace.clone(),
            module: module.clone(),
            kind: order.kind,
            why: why.to_owned(),
            until: order.until,
        };
        let entries: Vec<NewSetAside> = order
            .workspaces
            .iter()
            .flat_map(|workspace| modules.iter().map(move |module| (workspace, module)))
            .map(entry)
            .collect();
        self.ledger().set_aside(name, &entries)?;
        Ok(notes)
    }

    /// All entries, by workspace; those that have ended too.
    ///
    /// # Errors
    /// No such connection.
    pub fn set_asides(&self, name: &ConnectionName) -> Result<Vec<SetAsideView>> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let today = self.today(&connection)?;
        let entries = self.ledger().set_asides(name)?;
        Ok(entries
            .into_iter()
            .map(|entry| SetAsideView::of(entry, today))
            .collect())
    }

    /// Take up again: these modules of each workspace, or without modules everything of
    /// it that is set aside. Gives how many entries went.
    ///
    /// # Errors
    /// Something that is not set aside; nothing is changed then.
    pub fn restore(
        &self,
        name: &ConnectionName,
        workspaces: &[WorkspaceId],
        modules: &[ModuleId],
    ) -> Result<usize> {
        self.may_on(name, Power::Map)?;
        self.connection(name)?;
        let present = self.ledger().set_asides(name)?;
        let mut keys = Vec::new();
        for workspace in workspaces {
            let of = present.iter().filter(|entry| entry.workspace == *workspace);
            let of: Vec<Option<&ModuleId>> = of.map(|entry| entry.module.as_ref()).collect();
            let wanted: Vec<Option<&ModuleId>> = match modules {
                [] => of.clone(),
                some => some.iter().map(Some).collect(),
            };
            let missing = wanted.iter().find(|module| !of.contains(module));
            if wanted.is_empty() || missing.is_some() {
                let module = missing.copied().flatten();
                let module = module
                    .map(|id| format!("module {id} of "))
                    .unwrap_or_default();
                return Err(rule(
                    ErrorCode::NotSetAside,
                    format!("{module}workspace {workspace} is not set aside in connection {name}"),
                    format!("See what is with `psa-host map set-aside {name} --list`."),
                ));
            }
            keys.extend(
                wanted
                    .into_iter()
                    .map(|module| (workspace.clone(), module.cloned())),
            );
        }
        keys.sort();
        keys.dedup();
        self.ledger().restore(name, &keys)?;
        Ok(keys.len())
    }

    /// As the rules take them.
    pub(crate) fn set_asides_of(&self, name: &ConnectionName) -> Result<SetAsides> {
        Ok(self.ledger().set_asides(name)?.into_iter().collect())
    }
}

fn checked_why(why: &str) -> Result<(), Problem> {
    let wrong = if why.is_empty() {
        "is empty".to_owned()
    } else if why.chars().any(char::is_control) {
        "has a control character".to_owned()
    } else if why.chars().count() > MOST_WHY {
        format!("has more than {MOST_WHY} characters")
    } else {
        return Ok(());
    };
    Err(Problem::new(
        ErrorCode::BadText,
        format!("the reason {wrong}"),
        "Say in a sentence why it is set aside.",
    ))
}

#[cfg(test)]
mod tests;
