//! What taking a run back would come to.

use jiff::civil::Date;
use psa_host_billing::form::Day;
use psa_host_billing::rollback::OfService;
use psa_host_billing::{ConnectionName, ModuleId, Money, ServiceId, UnitsChange};
use psa_host_sync::{LeftOut, Names, RollbackView};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::named::{Ids, NamesBeside};
use crate::number::change;

/// A rollback, or what it would be.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Rollback<'a> {
    run: &'a str,
    #[schemars(with = "String")]
    connection: &'a ConnectionName,
    dry_run: bool,
    lines: usize,
    services: Vec<OfModule<'a>>,
    monthly_change: &'a [Money],
    money_unknown: usize,
    left: &'a [LeftOut],
    questions: &'a [String],
}

/// What it changes of one service.
#[derive(Debug, JsonSchema, Serialize)]
struct OfModule<'a> {
    #[schemars(with = "String")]
    module: &'a ModuleId,
    #[schemars(with = "String")]
    service: &'a ServiceId,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    lines: usize,
    #[schemars(with = "UnitsChange")]
    units: Value,
    #[schemars(with = "Day")]
    from: Date,
    #[schemars(with = "Day")]
    to: Date,
}

impl<'a> OfModule<'a> {
    fn new(of: &'a OfService, connection: &ConnectionName, names: &'a Names) -> Self {
        Self {
            module: &of.module,
            service: &of.service,
            names: Ids::of(of).named(Some(connection), names),
            lines: of.lines,
            units: change(of.units),
            from: of.from,
            to: of.to,
        }
    }
}

impl<'a> Rollback<'a> {
    /// With names. `dry_run`: nobody was asked.
    pub fn new(view: &'a RollbackView, dry_run: bool, names: &'a Names) -> Self {
        Self {
            run: &view.run,
            connection: &view.connection,
            dry_run,
            lines: view.lines,
            services: view
                .effect
                .services
                .iter()
                .map(|of| OfModule::new(of, &view.connection, names))
                .collect(),
            monthly_change: &view.effect.money,
            money_unknown: view.effect.money_unknown,
            left: &view.left,
            questions: &view.questions,
        }
    }
}
