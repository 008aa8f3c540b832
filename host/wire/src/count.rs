//! What each basis would make of the stored snapshots.

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::count::{CountStep, StepName};
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::{ConnectionName, Hold, Metric, ModuleId, Units, WorkspaceId};
use psa_host_sync::{Names, SimulatedPair, SimulatedTotal};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::named::{Ids, NamesBeside};
use crate::number::{number, units};

/// Units of each pair under each basis.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Simulation<'a> {
    #[schemars(with = "String")]
    connection: &'a ConnectionName,
    snapshot: &'a str,
    #[schemars(with = "Instant")]
    taken_at: Timestamp,
    #[schemars(with = "Day")]
    since: Date,
    #[schemars(with = "Day")]
    as_of: Date,
    pairs: Vec<Pair<'a>>,
    totals: Vec<Total<'a>>,
}

/// One pair.
#[derive(Debug, JsonSchema, Serialize)]
struct Pair<'a> {
    #[schemars(with = "String")]
    workspace: &'a WorkspaceId,
    #[schemars(with = "String")]
    module: &'a ModuleId,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    metric: Metric,
    count: Option<u32>,
    #[schemars(with = "Option<Units>")]
    latest: Option<Value>,
    #[schemars(with = "Option<Units>")]
    peak: Option<Value>,
    #[schemars(with = "Option<Units>")]
    average: Option<Value>,
    #[schemars(with = "Option<Units>")]
    units: Option<Value>,
    steps: Vec<Step<'a>>,
    hold: Option<&'a Hold>,
}

/// How a number came about.
#[derive(Debug, JsonSchema, Serialize)]
struct Step<'a> {
    name: StepName,
    #[schemars(with = "Units")]
    before: Value,
    #[schemars(with = "Units")]
    after: Value,
    sentence: &'a str,
}

impl<'a> Step<'a> {
    fn new(step: &'a CountStep) -> Self {
        Self {
            name: step.name,
            before: units(step.before),
            after: units(step.after),
            sentence: &step.sentence,
        }
    }
}

/// The sums of a module.
#[derive(Debug, JsonSchema, Serialize)]
struct Total<'a> {
    #[schemars(with = "String")]
    module: &'a ModuleId,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    metric: Metric,
    pairs: usize,
    count: u64,
    latest: Value,
    peak: Value,
    average: Value,
    units: Value,
    held: usize,
}

impl<'a> Simulation<'a> {
    /// With names.
    pub fn new(simulation: &'a psa_host_sync::Simulation, names: &'a Names) -> Self {
        let connection = &simulation.connection;
        let total = |total: &'a SimulatedTotal| Total {
            module: &total.module,
            names: Ids::of(total).named(Some(connection), names),
            metric: total.metric,
            pairs: total.pairs,
            count: total.count,
            latest: number(total.latest),
            peak: number(total.peak),
            average: number(total.average),
            units: number(total.units),
            held: total.held,
        };
        let pair = |pair: &'a SimulatedPair| Pair {
            workspace: &pair.workspace,
            module: &pair.module,
            names: Ids::of(pair).named(Some(connection), names),
            metric: pair.metric,
            count: pair.count,
            latest: pair.latest.map(units),
            peak: pair.peak.map(units),
            average: pair.average.map(units),
            units: pair.units.map(units),
            steps: pair.steps.iter().map(Step::new).collect(),
            hold: pair.hold.as_ref(),
        };
        Self {
            connection,
            snapshot: &simulation.snapshot,
            taken_at: simulation.taken_at,
            since: simulation.since,
            as_of: simulation.as_of,
            pairs: simulation.pairs.iter().map(pair).collect(),
            totals: simulation.totals.iter().map(total).collect(),
        }
    }
}
