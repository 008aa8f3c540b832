//! Where a plan gets its units from: the policies and exclusions of a connection, and
//! the period of the contract to look back on.

use std::collections::{BTreeMap, HashMap};

use super::look_back::no_period;
use super::{Basis, CountDay, CountExclusion, CountHistory, CountPolicy, Counted, count};
use crate::contract_choice::ChosenLine;
use crate::effective::agreed_period;
use crate::plan::Context;
use jiff::civil::Date;

use crate::{Hold, HoldCode, ModuleId, ServiceMapping, UsageItem, WorkspaceId};

/// How the counts of a connection become units.
#[derive(Debug, Clone, Default)]
pub struct Counting {
    policies: BTreeMap<ModuleId, CountPolicy>,
    exclusions: HashMap<(WorkspaceId, ModuleId), Vec<CountExclusion>>,
}

impl Counting {
    /// A module without a policy has the default one.
    pub fn new(
        policies: BTreeMap<ModuleId, CountPolicy>,
        exclusions: impl IntoIterator<Item = CountExclusion>,
    ) -> Self {
        let mut by_pair: HashMap<(WorkspaceId, ModuleId), Vec<CountExclusion>> = HashMap::new();
        for exclusion in exclusions {
            let pair = (exclusion.workspace.clone(), exclusion.module.clone());
            by_pair.entry(pair).or_default().push(exclusion);
        }
        Self {
            policies,
            exclusions: by_pair,
        }
    }

    /// The policy of a module.
    pub fn policy(&self, module: &ModuleId) -> CountPolicy {
        self.policies.get(module).copied().unwrap_or_default()
    }

    /// Whether a module's count depends on days before today.
    pub fn looks_back(&self, module: &ModuleId) -> bool {
        self.policy(module).basis != Basis::Latest
    }

    /// Whether a pair's units depend on the day from which they hold.
    pub fn depends_on_day(&self, workspace: &WorkspaceId, module: &ModuleId) -> bool {
        let dated = |from: Option<Date>, until: Option<Date>| from.is_some() || until.is_some();
        let minimum = self.policy(module).minimum;
        minimum.is_some_and(|minimum| dated(minimum.from(), minimum.until()))
            || self
                .exclusions(workspace, module)
                .iter()
                .any(|exclusion| dated(exclusion.since, exclusion.until))
    }

    /// What is excluded of a pair, whatever its dates.
    pub fn exclusions(&self, workspace: &WorkspaceId, module: &ModuleId) -> &[CountExclusion] {
        // Most connections have none at all.
        if self.exclusions.is_empty() {
            return &[];
        }
        self.exclusions
            .get(&(workspace.clone(), module.clone()))
            .map_or(&[], Vec::as_slice)
    }
}

impl Context<'_> {
    /// The units of a pair. `place`: its line, where there is one; its contract says
    /// since when a peak or an average looks back. `holds_from`: the day from which they
    /// are to hold.
    pub(crate) fn counted(
        &self,
        workspace: &WorkspaceId,
        service: &ServiceMapping,
        place: Option<&ChosenLine<'_>>,
        holds_from: Date,
    ) -> Result<Counted, Hold> {
        let ServiceMapping { module, metric, .. } = service;
        if let Some(unread) = self.snapshot.unread(workspace, module) {
            return Err(Hold::new(HoldCode::UsageUnread, unread.why.clone()));
        }
        let item = self.snapshot.item(workspace, module);
        let Some(latest) = item.and_then(|item| item.count(*metric)) else {
            return Err(missing(service, item));
        };
        let policy = self.counting.policy(module);
        let exclusions = self.counting.exclusions(workspace, module);
        // As nearly all pairs are: the count itself, without steps to tell of.
        if policy == CountPolicy::default() && exclusions.is_empty() {
            return Ok(Counted {
                units: latest.into(),
                steps: Vec::new(),
            });
        }
        let mut history = CountHistory {
            latest: Some(latest),
            ..CountHistory::default()
        };
        if self.counting.looks_back(module)
            && let Some(place) = place
            && let Ok(timeline) = &place.line.timeline
        {
            let period = agreed_period(place.contract, timeline, self.as_of);
            history.since = Some(period.map_err(no_period)?.start);
            history.days = self.days.of(workspace, module).to_vec();
        }
        let day = CountDay {
            as_of: self.as_of,
            holds_from,
        };
        count(&policy, *metric, &history, exclusions, day)
    }
}

fn missing(service: &ServiceMapping, item: Option<&UsageItem>) -> Hold {
    let what = match item {
        Some(_) => format!("no {} count", service.metric),
        None => "no count".to_owned(),
    };
    let message = format!(
        "the snapshot has {what} of this workspace for {}",
        service.module
    );
    Hold::new(HoldCode::UsageMissing, message)
}
