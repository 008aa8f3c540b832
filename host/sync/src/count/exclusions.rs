//! Users or devices that are not billed, by somebody's decision.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::count::CountExclusion;
use psa_host_billing::{ConnectionName, ErrorCode, ModuleId, NoteCode, WorkspaceId};
use psa_host_ledger::{ExclusionId, ExclusionRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::done;
use crate::error::rule;
use crate::mapping::CoroSide;
use crate::sentence::sentence;
use crate::{Access, Done, Note, Power, Result};

/// What is to be excluded. The metric is the one that the module is billed by.
#[derive(Debug, Clone)]
pub struct NewExclusion {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// How many.
    pub count: u32,
    /// Who answers for it.
    pub owner: String,
    /// Why they are not billed.
    pub why: String,
    /// Last day; none: until it is taken back.
    pub until: Option<Date>,
}

/// An exclusion, for looking at.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct ExclusionView {
    /// Its number (`e-000007`).
    pub id: String,
    /// What is excluded.
    #[serde(flatten)]
    pub exclusion: CountExclusion,
    /// `counts`, `ended` or `taken-back`.
    pub state: Cow<'static, str>,
    /// When it was made.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub added_at: Timestamp,
    /// By whom.
    pub added_by: String,
    /// When it was taken back.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub removed_at: Option<Timestamp>,
}

impl ExclusionView {
    fn new(record: ExclusionRecord, today: Date) -> Self {
        let state = match record.removed_at {
            Some(_) => "taken-back",
            None if record.exclusion.until.is_some_and(|until| until < today) => "ended",
            None => "counts",
        };
        Self {
            id: record.id.to_string(),
            exclusion: record.exclusion,
            state: state.into(),
            added_at: record.added_at,
            added_by: record.added_by,
            removed_at: record.removed_at,
        }
    }
}

impl Access {
    /// Exclude some of a workspace's users or devices from today on.
    ///
    /// # Errors
    /// An unknown workspace, one outside the channel's tree, a module that is not mapped,
    /// no owner or reason, an end that has passed.
    pub fn exclude_from_count(&self, name: &ConnectionName, new: &NewExclusion) -> Result<Done> {
        self.may_on(name, Power::Map)?;
        let connection = self.connection(name)?;
        CoroSide::of(self, &connection)?.workspace(&new.workspace)?;
        let metric = self.service_to_count(name, &new.module)?.metric;
        if new.count == 0 {
            return Err(rule(
                ErrorCode::NothingExcluded,
                "an exclusion is of one user or device at least",
                "Name how many are not billed.",
            ));
        }
        let today = self.today(&connection)?;
        if let Some(until) = new.until.filter(|until| *until < today) {
            return Err(rule(
                ErrorCode::DatePassed,
                format!("the last day, {until}, is before today, {today}"),
                "Name a later day, or leave --until out.",
            ));
        }
        let exclusion = CountExclusion {
            workspace: new.workspace.clone(),
            module: new.module.clone(),
            metric,
            count: new.count,
            owner: sentence("owner", &new.owner)?,
            why: sentence("why", &new.why)?,
            since: Some(today),
            until: new.until,
        };
        let id = self.ledger().add_count_exclusion(name, &exclusion)?;
        let CountExclusion {
            workspace, module, ..
        } = &exclusion;
        let until = match exclusion.until {
            Some(until) => format!(", until {until}"),
            None => String::new(),
        };
        let message = format!(
            "{id}: {} {metric} of {workspace} for {module} are not billed from {today} on{until}",
            exclusion.count
        );
        Ok(Done {
            notes: self.too_many_excluded(name, &exclusion, today)?,
            ..done("new", message)
        })
    }

    /// The exclusions of a connection; those taken back too where `all` says so.
    ///
    /// # Errors
    /// No such connection.
    pub fn count_exclusions(&self, name: &ConnectionName, all: bool) -> Result<Vec<ExclusionView>> {
        self.may_on(name, Power::Read)?;
        let today = self.today(&self.connection(name)?)?;
        let records = self.ledger().count_exclusions(name, all)?;
        let view = |record| ExclusionView::new(record, today);
        Ok(records.into_iter().map(view).collect())
    }

    /// Take an exclusion back: what it excluded is billed again.
    ///
    /// # Errors
    /// No such connection, or no such exclusion of it.
    pub fn restore_count(&self, name: &ConnectionName, id: ExclusionId) -> Result<Done> {
        self.may_on(name, Power::Map)?;
        self.connection(name)?;
        match self.ledger().remove_count_exclusion(name, id) {
            Ok(()) => Ok(done("restored", format!("{id} is taken back"))),
            Err(psa_host_ledger::LedgerError::NotFound { .. }) => Err(rule(
                ErrorCode::UnknownExclusion,
                format!("connection {name} has no exclusion {id}, or not any more"),
                format!("See `psa-host count exclusions {name}`."),
            )),
            Err(other) => Err(other.into()),
        }
    }

    /// A remark where the next run would hold the pair because of it.
    fn too_many_excluded(
        &self,
        name: &ConnectionName,
        new: &CountExclusion,
        today: Date,
    ) -> Result<Vec<Note>> {
        let channel = self.connection(name)?.channel;
        let Some(snapshot) = self.ledger().latest_snapshot(&channel)? else {
            return Ok(Vec::new());
        };
        let items = self.ledger().usage_items(snapshot.id)?;
        let of_pair = |workspace: &WorkspaceId, module: &ModuleId| {
            *workspace == new.workspace && *module == new.module
        };
        let item = items.iter().find(|i| of_pair(&i.workspace, &i.module));
        let Some(count) = item.and_then(|item| item.count(new.metric)) else {
            return Ok(Vec::new());
        };
        let excluded: u64 = self
            .ledger()
            .count_exclusions(name, false)?
            .iter()
            .map(|record| &record.exclusion)
            .filter(|e| of_pair(&e.workspace, &e.module) && e.holds_on(today))
            .filter(|e| e.metric == new.metric)
            .map(|exclusion| u64::from(exclusion.count))
            .sum();
        if excluded <= u64::from(count) {
            return Ok(Vec::new());
        }
        let message = format!(
            "{excluded} {} are excluded now, and the newest snapshot has {count}: the pair will \
             be held",
            new.metric
        );
        Ok(vec![Note::new(NoteCode::ExclusionTooLarge, message)])
    }
}
