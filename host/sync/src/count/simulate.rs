//! What policies would make of the stored snapshots: for choosing one before it bills.
//! Reads nothing from the PSA and posts nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::count::{
    Basis, CountDay, CountHistory, CountPolicy, CountStep, Counting, DayCount, Days, count,
};
use psa_host_billing::rules::Action;
use psa_host_billing::{
    ConnectionName, ErrorCode, Hold, Metric, ModuleId, ServiceMapping, Units, UsageItem,
    WorkspaceId,
};
use psa_host_ledger::{Connection, Snapshot};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::rule;
use crate::{Access, Power, Result};

/// So many workspaces at a time are looked up.
const AT_ONCE: usize = 500;

/// What is simulated; none: all of it.
#[derive(Debug, Clone, Default)]
pub struct SimulationScope {
    /// Only this module.
    pub module: Option<ModuleId>,
    /// Only this workspace.
    pub workspace: Option<WorkspaceId>,
    /// The day the billing period is taken to begin on; none: the first of this month.
    pub since: Option<Date>,
}

/// Units of each pair under each basis.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Simulation {
    /// Of which connection.
    pub connection: ConnectionName,
    /// The newest snapshot (`u-000123`).
    pub snapshot: String,
    /// Its instant.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub taken_at: Timestamp,
    /// The day the billing period is taken to begin on.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub since: Date,
    /// Today, in the connection's zone.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub as_of: Date,
    /// Each pair, by workspace and module.
    pub pairs: Vec<SimulatedPair>,
    /// Sums by module.
    pub totals: Vec<SimulatedTotal>,
}

impl Simulation {
    /// Whether a run would hold a pair because of its count.
    pub fn holds(&self) -> bool {
        self.pairs.iter().any(|pair| pair.hold.is_some())
    }
}

/// One pair.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct SimulatedPair {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// What is counted.
    pub metric: Metric,
    /// In the newest snapshot; none: it does not have the pair.
    pub count: Option<u32>,
    /// Units by the latest count, with the policy's other steps; none: held.
    pub latest: Option<Units>,
    /// Units by the peak.
    pub peak: Option<Units>,
    /// Units by the average.
    pub average: Option<Units>,
    /// Units by the policy that is set.
    pub units: Option<Units>,
    /// How those came about.
    pub steps: Vec<CountStep>,
    /// Why there are none.
    pub hold: Option<Hold>,
}

/// The sums of a module: of each column, over the pairs that are not held in it.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct SimulatedTotal {
    /// The module.
    pub module: ModuleId,
    /// What is counted.
    pub metric: Metric,
    /// How many pairs.
    pub pairs: usize,
    /// Users or devices in the newest snapshot.
    pub count: u64,
    /// Units by the latest count.
    pub latest: Decimal,
    /// Units by the peak.
    pub peak: Decimal,
    /// Units by the average.
    pub average: Decimal,
    /// Units by the policy that is set.
    pub units: Decimal,
    /// Pairs without units under it.
    pub held: usize,
}

/// What all pairs are counted by.
struct SimulationInputs<'a> {
    counting: &'a Counting,
    latest: HashMap<(&'a WorkspaceId, &'a ModuleId), &'a UsageItem>,
    since: Date,
    as_of: Date,
}

impl Access {
    /// Count the mapped pairs that are billed under each basis, from the stored
    /// snapshots.
    ///
    /// # Errors
    /// Nothing to count from; a workspace or module that is not mapped; a period that
    /// begins after today.
    pub fn simulate_counts(
        &self,
        name: &ConnectionName,
        scope: &SimulationScope,
    ) -> Result<Simulation> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let services = self.services_to_count(name, scope.module.as_ref())?;
        let workspaces = self.workspaces_to_count(&connection, scope.workspace.as_ref())?;
        let as_of = self.today(&connection)?;
        let since = scope.since.unwrap_or_else(|| as_of.first_of_month());
        if since > as_of {
            return Err(rule(
                ErrorCode::DateToCome,
                format!("the period would begin on {since}, after today, {as_of}"),
                "Name an earlier day with --since.",
            ));
        }
        let snapshot = self.snapshot_to_count(&connection)?;
        let items = self.ledger().usage_items(snapshot.id)?;
        let counting = self.counting_of(name)?;
        let set_asides = self.set_asides_of(name)?;
        let inputs = SimulationInputs {
            counting: &counting,
            latest: items
                .iter()
                .map(|item| ((&item.workspace, &item.module), item))
                .collect(),
            since,
            as_of,
        };
        let by_ref: Vec<&ServiceMapping> = services.iter().collect();
        let mut pairs = Vec::new();
        for chunk in workspaces.chunks(AT_ONCE) {
            let chunk: Vec<&WorkspaceId> = chunk.iter().collect();
            let days = self.days(&connection, (since, snapshot.taken_at), &chunk, &by_ref)?;
            for workspace in chunk {
                let of_pair = |service| inputs.pair(workspace, service, &days);
                let planned = |service: &&ServiceMapping| {
                    !set_asides.excludes(workspace, &service.module, as_of)
                };
                pairs.extend(services.iter().filter(planned).filter_map(of_pair));
            }
        }
        Ok(Simulation {
            connection: name.clone(),
            snapshot: snapshot.id.to_string(),
            taken_at: snapshot.taken_at,
            since,
            as_of,
            totals: totals(&pairs),
            pairs,
        })
    }

    /// The newest snapshot, if a run could go by it.
    fn snapshot_to_count(&self, connection: &Connection) -> Result<Snapshot> {
        let channel = &connection.channel;
        let fix = "Import a complete snapshot with `psa-host usage import`.";
        match self.snapshot_to_use(channel)? {
            Some(snapshot) if snapshot.complete => Ok(snapshot),
            Some(snapshot) => {
                let message = format!(
                    "the newest usage snapshot, {}, is not complete",
                    snapshot.id
                );
                Err(rule(ErrorCode::SnapshotIncomplete, message, fix))
            }
            None => {
                let message = format!("there is no usage snapshot of channel {channel}");
                Err(rule(ErrorCode::NoSnapshot, message, fix))
            }
        }
    }

    /// The mapped workspaces that are billed, or one that was asked for.
    fn workspaces_to_count(
        &self,
        connection: &Connection,
        only: Option<&WorkspaceId>,
    ) -> Result<Vec<WorkspaceId>> {
        if let Some(only) = only {
            self.account_of(connection, only)?;
            return Ok(vec![only.clone()]);
        }
        let life_cycle = self.ledger().rules(&connection.name)?.life_cycle;
        let mut known = self.ledger().workspaces_below(&connection.channel)?;
        known.extend(self.ledger().workspace(&connection.channel)?);
        let billed: BTreeSet<WorkspaceId> = known
            .into_iter()
            .filter(|workspace| life_cycle.of(workspace).0 == Action::Bill)
            .map(|workspace| workspace.id)
            .collect();
        let accounts = self.ledger().mappings(&connection.name)?.accounts;
        Ok(accounts
            .into_iter()
            .map(|mapping| mapping.workspace)
            .filter(|workspace| billed.contains(workspace))
            .collect())
    }
}

impl SimulationInputs<'_> {
    /// A pair that some snapshot has.
    fn pair(
        &self,
        workspace: &WorkspaceId,
        service: &ServiceMapping,
        days: &Days,
    ) -> Option<SimulatedPair> {
        let ServiceMapping { module, metric, .. } = service;
        let item = self.latest.get(&(workspace, module));
        let latest = item.and_then(|item| item.count(*metric));
        let days: &[DayCount] = days.of(workspace, module);
        if item.is_none() && days.iter().all(|day| day.peak.is_none()) {
            return None;
        }
        let history = CountHistory {
            latest,
            days: days.to_vec(),
            since: Some(self.since),
        };
        let exclusions = self.counting.exclusions(workspace, module);
        let policy = self.counting.policy(module);
        let day = CountDay::of(self.as_of);
        let by = |policy: CountPolicy| count(&policy, *metric, &history, exclusions, day);
        let under = |basis| by(CountPolicy { basis, ..policy }).ok().map(|c| c.units);
        let (units, steps, hold) = match by(policy) {
            Ok(counted) => (Some(counted.units), counted.steps, None),
            Err(hold) => (None, Vec::new(), Some(hold)),
        };
        Some(SimulatedPair {
            workspace: workspace.clone(),
            module: module.clone(),
            metric: *metric,
            count: latest,
            latest: under(Basis::Latest),
            peak: under(Basis::Peak),
            average: under(Basis::Average),
            units,
            steps,
            hold,
        })
    }
}

fn totals(pairs: &[SimulatedPair]) -> Vec<SimulatedTotal> {
    let mut totals: BTreeMap<&ModuleId, SimulatedTotal> = BTreeMap::new();
    for pair in pairs {
        let total = totals
            .entry(&pair.module)
            .or_insert_with(|| SimulatedTotal {
                module: pair.module.clone(),
                metric: pair.metric,
                pairs: 0,
                count: 0,
                latest: Decimal::ZERO,
                peak: Decimal::ZERO,
                average: Decimal::ZERO,
                units: Decimal::ZERO,
                held: 0,
            });
        total.pairs += 1;
        total.count += u64::from(pair.count.unwrap_or(0));
        total.held += usize::from(pair.hold.is_some());
        for (sum, units) in [
            (&mut total.latest, pair.latest),
            (&mut total.peak, pair.peak),
            (&mut total.average, pair.average),
            (&mut total.units, pair.units),
        ] {
            *sum = sum.saturating_add(units.map_or(Decimal::ZERO, Units::get));
        }
    }
    totals.into_values().collect()
}
