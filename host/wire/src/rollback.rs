//! What taking a run back would come to.

use std::borrow::Cow;

use jiff::civil::Date;
use psa_host_billing::form::Day;
use psa_host_billing::rollback::OfService;
use psa_host_billing::{ConnectionName, ModuleId, Money, ServiceId, UnitsChange};
use psa_host_sync::{LeftOut, Names, RollbackView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::{Ids, NamesBeside};
use crate::number::{Number, change};

/// A rollback, or what it would be.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Rollback<'a> {
    pub run: Cow<'a, str>,
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    pub dry_run: bool,
    pub lines: usize,
    pub services: Vec<OfModule<'a>>,
    pub monthly_change: Cow<'a, [Money]>,
    pub money_unknown: usize,
    pub left: Cow<'a, [LeftOut]>,
    pub questions: Cow<'a, [String]>,
}

/// What it changes of one service.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct OfModule<'a> {
    #[schemars(with = "String")]
    pub module: Cow<'a, ModuleId>,
    #[schemars(with = "String")]
    pub service: Cow<'a, ServiceId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    pub lines: usize,
    #[schemars(with = "UnitsChange")]
    pub units: Number,
    #[schemars(with = "Day")]
    pub from: Date,
    #[schemars(with = "Day")]
    pub to: Date,
}

impl<'a> OfModule<'a> {
    fn new(of: &'a OfService, connection: &ConnectionName, names: &'a Names) -> Self {
        Self {
            module: Cow::Borrowed(&of.module),
            service: Cow::Borrowed(&of.service),
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
            run: Cow::Borrowed(&view.run),
            connection: Cow::Borrowed(&view.connection),
            dry_run,
            lines: view.lines,
            services: view
                .effect
                .services
                .iter()
                .map(|of| OfModule::new(of, &view.connection, names))
                .collect(),
            monthly_change: Cow::Borrowed(&view.effect.money),
            money_unknown: view.effect.money_unknown,
            left: Cow::Borrowed(&view.left),
            questions: Cow::Borrowed(&view.questions),
        }
    }
}
