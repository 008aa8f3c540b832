//! Unit rows: what a line's quantity is, period by period.
//!
//! One row a billing period, and a new one from the date of each adjustment [DOC
//! ContractServiceUnits]. Rows are kept small here: a large tenant has hundreds of
//! thousands of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use psa_connector_sdk::timeline::{self, Overlap, Row as UnitRow};
use psa_connector_sdk::{Date, Decimal, Error, Host, Packer, Timeline, Truth, invalid};
use serde::{Deserialize, de::Error as _};
use serde_json::value::RawValue;

use crate::api::Api;
use crate::fields::{Id, Loose};
use crate::lines::{ContractLine, Kind};
use crate::query::{Condition, Entity, Row};
use crate::unit_price::{self, LinePrices, OfRow};
use crate::window::Window;

pub(crate) fn entity(kind: Kind) -> Entity {
    match kind {
        Kind::Service => Entity {
            name: "ContractServiceUnits",
            fields: &[
                "id",
                "contractID",
                "contractServiceID",
                "startDate",
                "endDate",
                "units",
                "approveAndPostDate",
            ],
            details: &["price"],
        },
        Kind::Bundle => Entity {
            name: "ContractServiceBundleUnits",
            fields: &[
                "id",
                "contractID",
                "contractServiceBundleID",
                "startDate",
                "endDate",
                "units",
                "approveAndPostDate",
            ],
            details: &["price"],
        },
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    id: Id,
    #[serde(rename = "contractID")]
    contract: Option<Id>,
    #[serde(rename = "contractServiceID")]
    service_line: Option<Id>,
    #[serde(rename = "contractServiceBundleID")]
    bundle_line: Option<Id>,
    #[serde(default)]
    start_date: Loose<Date>,
    #[serde(default)]
    end_date: Loose<Date>,
    #[serde(default)]
    units: Loose<Decimal>,
    #[serde(default)]
    price: Loose<Decimal>,
    #[serde(default)]
    approve_and_post_date: Posted,
}

impl Row for Answered {
    fn id(&self) -> i64 {
        self.id.0
    }
}

/// `approveAndPostDate`: a date means that the period is billed, null that it is not
/// [CODE]. Absent, a date that stands for none, or anything else says nothing.
struct Posted(Truth);

impl Default for Posted {
    fn default() -> Self {
        Self(Truth::Unknown)
    }
}

impl<'de> Deserialize<'de> for Posted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw == "null" || raw == "\"\"" {
            return Ok(Self(Truth::No));
        }
        let date = serde_json::from_str::<Loose<Date>>(raw).map_err(D::Error::custom)?;
        Ok(Self(match date.0 {
            Some(_) => Truth::Yes,
            None => Truth::Unknown,
        }))
    }
}

/// The unit rows of many lines.
#[derive(Debug, Default)]
pub(crate) struct Units {
    rows: Vec<(i64, UnitRow)>,
    /// Lines, and whole contracts, with a row that cannot be read, and why.
    broken_lines: BTreeMap<i64, String>,
    broken_contracts: BTreeSet<i64>,
    /// Lines with a row whose amount is at odds with the prices that the line names.
    at_odds: BTreeSet<i64>,
}

/// Which lines' rows to read: all those of contracts, or those of the lines themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of {
    Contracts,
    Lines,
}

impl Units {
    /// Reads the rows that meet the window. `keys` are ids of what `of` says, with weights
    /// that their rows are taken to be proportional to.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn read(
        api: &mut Api,
        host: &dyn Host,
        kind: Kind,
        of: Of,
        (mut keys, mut weights): (&[i64], &[u32]),
        window: Window,
        packer: &mut Packer,
        prices: &HashMap<i64, LinePrices>,
    ) -> Result<Self, Error> {
        let mut units = Self::default();
        let field = match of {
            Of::Contracts => "contractID",
            Of::Lines => kind.line_field(),
        };
        while !keys.is_empty() {
            let count = packer.take(weights);
            let (now, later) = keys.split_at(count);
            let (weights_now, weights_later) = weights.split_at(count);
            let mut conditions = vec![
                Condition::any_of(field, now),
                Condition::not_before("endDate", window.start),
            ];
            conditions.extend(
                window
                    .horizon
                    .map(|horizon| Condition::not_after("startDate", horizon)),
            );
            let read = api.query_all::<Answered>(host, entity(kind), &conditions, |row| {
                units.take(kind, row, prices)
            })?;
            packer.learn(
                weights_now.iter().map(|weight| u64::from(*weight)).sum(),
                read,
            );
            (keys, weights) = (later, weights_later);
        }
        units
            .rows
            .sort_unstable_by_key(|(line, row)| (*line, row.start, row.id));
        Ok(units)
    }

    fn take(
        &mut self,
        kind: Kind,
        row: Answered,
        prices: &HashMap<i64, LinePrices>,
    ) -> Result<(), Error> {
        let line = match kind {
            Kind::Service => row.service_line,
            Kind::Bundle => row.bundle_line,
        };
        let Some(Id(line)) = line else {
            // Whose units these are cannot be told: any line of the contract's.
            let Some(Id(contract)) = row.contract else {
                return Err(invalid(format!(
                    "reading {}: row {} has no line",
                    entity(kind).name,
                    row.id.0
                )));
            };
            self.broken_contracts.insert(contract);
            return Ok(());
        };
        // Rows of lines that are gone, or were added since the lines were read.
        let Some(prices) = prices.get(&line) else {
            return Ok(());
        };
        let broken = |field: &str| format!("unit row {} has no usable {field}", row.id.0);
        let (Some(start), Some(end)) = (row.start_date.0, row.end_date.0) else {
            self.broken_lines.insert(line, broken("dates"));
            return Ok(());
        };
        // Units are int32 [OAS]; `5.0` is 5, `5.5` is nothing that can be adjusted.
        let Some(units) = row.units.0.and_then(Decimal::to_integer) else {
            self.broken_lines.insert(line, broken("units"));
            return Ok(());
        };
        let unit_price = match unit_price::of_row(row.price.0, units, start, end, *prices) {
            OfRow::Told(price) => Some(price),
            OfRow::Silent => None,
            OfRow::Contradicts => {
                self.at_odds.insert(line);
                None
            }
        };
        self.rows.push((
            line,
            UnitRow {
                id: row.id.0,
                start,
                end: Some(end),
                units: units.into(),
                unit_price,
                posted: row.approve_and_post_date.0,
            },
        ));
        Ok(())
    }

    /// The timeline of one line in the window these rows were read for. Rows after the last
    /// that tells a price have the line's; in a window that is the last one seen.
    pub(crate) fn timeline(&self, of: &ContractLine, window: Window) -> Timeline {
        let (contract, line) = (of.key.contract, of.key.line);
        if let Some(reason) = self.broken_lines.get(&line) {
            return Timeline::Unreadable(reason.clone());
        }
        if self.broken_contracts.contains(&contract) {
            return Timeline::Unreadable(
                "a unit row of this contract does not say which line it is of".to_owned(),
            );
        }
        let first = self.rows.partition_point(|(other, _)| *other < line);
        let mut rows: Vec<UnitRow> = self.rows[first..]
            .iter()
            .take_while(|(other, _)| *other == line)
            .map(|(_, row)| *row)
            .collect();
        if !self.at_odds.contains(&line) {
            let silent = rows.iter_mut().rev();
            for row in silent.take_while(|row| row.unit_price.is_none()) {
                row.unit_price = of.prices.agreed;
            }
        }
        match window.horizon {
            // Nothing is concluded from it: the line may begin later.
            Some(horizon) if rows.is_empty() => Timeline::Unreadable(format!(
                "no unit row covers a day from {} to {horizon}; later ones were not read",
                window.start
            )),
            _ => timeline::build(&mut rows, window.start, Overlap::LaterHolds),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }
}
