//! What each basis would make of the stored snapshots.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::count::{CountStep, StepName};
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::{ConnectionName, Hold, Metric, ModuleId, Units, WorkspaceId};
use psa_host_sync::{Names, SimulatedPair, SimulatedTotal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::{Ids, NamesBeside};
use crate::number::{Number, units};

/// Units of each pair under each basis.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Simulation<'a> {
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    pub snapshot: Cow<'a, str>,
    #[schemars(with = "Instant")]
    pub taken_at: Timestamp,
    #[schemars(with = "Day")]
    pub since: Date,
    #[schemars(with = "Day")]
    pub as_of: Date,
    pub pairs: Vec<Pair<'a>>,
    pub totals: Vec<Total<'a>>,
}

/// One pair.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Pair<'a> {
    #[schemars(with = "String")]
    pub workspace: Cow<'a, WorkspaceId>,
    #[schemars(with = "String")]
    pub module: Cow<'a, ModuleId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    pub metric: Metric,
    pub count: Option<u32>,
    #[schemars(with = "Option<Units>")]
    pub latest: Option<Number>,
    #[schemars(with = "Option<Units>")]
    pub peak: Option<Number>,
    #[schemars(with = "Option<Units>")]
    pub average: Option<Number>,
    #[schemars(with = "Option<Units>")]
    pub units: Option<Number>,
    pub steps: Vec<Step<'a>>,
    pub hold: Option<Cow<'a, Hold>>,
}

/// How a number came about.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Step<'a> {
    pub name: StepName,
    #[schemars(with = "Units")]
    pub before: Number,
    #[schemars(with = "Units")]
    pub after: Number,
    pub sentence: Cow<'a, str>,
}

impl<'a> Step<'a> {
    fn new(step: &'a CountStep) -> Self {
        Self {
            name: step.name,
            before: units(step.before),
            after: units(step.after),
            sentence: Cow::Borrowed(&step.sentence),
        }
    }
}

/// The sums of a module.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Total<'a> {
    #[schemars(with = "String")]
    pub module: Cow<'a, ModuleId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    pub metric: Metric,
    pub pairs: usize,
    pub count: u64,
    pub latest: Number,
    pub peak: Number,
    pub average: Number,
    pub units: Number,
    pub held: usize,
}

impl<'a> Simulation<'a> {
    /// With names.
    pub fn new(simulation: &'a psa_host_sync::Simulation, names: &'a Names) -> Self {
        let connection = &simulation.connection;
        let total = |total: &'a SimulatedTotal| Total {
            module: Cow::Borrowed(&total.module),
            names: Ids::of(total).named(Some(connection), names),
            metric: total.metric,
            pairs: total.pairs,
            count: total.count,
            latest: Number(total.latest),
            peak: Number(total.peak),
            average: Number(total.average),
            units: Number(total.units),
            held: total.held,
        };
        let pair = |pair: &'a SimulatedPair| Pair {
            workspace: Cow::Borrowed(&pair.workspace),
            module: Cow::Borrowed(&pair.module),
            names: Ids::of(pair).named(Some(connection), names),
            metric: pair.metric,
            count: pair.count,
            latest: pair.latest.map(units),
            peak: pair.peak.map(units),
            average: pair.average.map(units),
            units: pair.units.map(units),
            steps: pair.steps.iter().map(Step::new).collect(),
            hold: pair.hold.as_ref().map(Cow::Borrowed),
        };
        Self {
            connection: Cow::Borrowed(connection),
            snapshot: Cow::Borrowed(&simulation.snapshot),
            taken_at: simulation.taken_at,
            since: simulation.since,
            as_of: simulation.as_of,
            pairs: simulation.pairs.iter().map(pair).collect(),
            totals: simulation.totals.iter().map(total).collect(),
        }
    }
}
