//! Unit rows: what a contract's service counts in each billing period.
//!
//! "Queries will return a ContractServiceUnit entity for every period" [DOC], and
//! each adjustment date begins a row of its own. `price` and `cost` are those of
//! the whole row, not of one unit [LIVE WYRE].

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::cell::Cell;
use super::row::Record;
use crate::schema::Field;

/// A service or a service bundle: the two kinds of line a contract has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// `ContractServices`.
    Service,
    /// `ContractServiceBundles`.
    Bundle,
}

/// One row of `ContractServiceUnits` or `ContractServiceBundleUnits`.
#[derive(Clone, Debug)]
pub struct UnitRow {
    /// The row's id.
    pub id: i64,
    /// `contractServiceID` or `contractServiceBundleID`.
    pub line: i64,
    /// `contractID`.
    pub contract: i64,
    /// `serviceID` or `serviceBundleID`.
    pub service: i64,
    /// First day.
    pub start: Date,
    /// Last day, included.
    pub end: Date,
    /// Units in these days.
    pub units: i32,
    /// Price of one unit for a whole period.
    pub unit_price: Decimal,
    /// Cost of one unit for a whole period.
    pub unit_cost: Decimal,
    /// Days of the billing period that this row is a part of.
    pub period_days: i32,
    /// When the period was approved and posted; then it is billed.
    pub posted: Option<Date>,
    /// `vendorCompanyID`.
    pub vendor: Option<i64>,
}

impl UnitRow {
    /// Whether the row covers a day.
    pub fn covers(&self, day: Date) -> bool {
        self.start <= day && day <= self.end
    }

    /// Days in the row.
    pub fn days(&self) -> i32 {
        days(self.start, self.end)
    }

    /// What `amount` a unit comes to over the row: prorated by days.
    pub fn extended(&self, amount: Decimal) -> Decimal {
        let whole = amount * Decimal::from(self.units);
        let part = whole * Decimal::from(self.days()) / Decimal::from(self.period_days.max(1));
        part.round_dp(2)
    }
}

/// Days from `start` to `end`, both included.
pub fn days(start: Date, end: Date) -> i32 {
    start.until(end).map_or(0, |span| span.get_days()) + 1
}

impl Record for UnitRow {
    fn id(&self) -> i64 {
        self.id
    }

    fn cell(&self, field: &'static Field) -> Cell<'_> {
        match field.name {
            "id" => Cell::Int(self.id),
            "contractID" => Cell::Int(self.contract),
            "contractServiceID" | "contractServiceBundleID" => Cell::Int(self.line),
            "serviceID" | "serviceBundleID" => Cell::Int(self.service),
            "startDate" => Cell::Time(self.start.into()),
            "endDate" => Cell::Time(self.end.into()),
            "units" => Cell::Int(self.units.into()),
            "price" | "internalCurrencyPrice" => Cell::Dec(self.extended(self.unit_price)),
            "cost" => Cell::Dec(self.extended(self.unit_cost)),
            "approveAndPostDate" => self.posted.map_or(Cell::Null, |d| Cell::Time(d.into())),
            "vendorCompanyID" => self.vendor.map_or(Cell::Null, Cell::Int),
            _ => Cell::Null,
        }
    }

    fn udf(&self, _name: &str) -> Option<&str> {
        None
    }

    fn udfs(&self) -> &[(String, String)] {
        &[]
    }
}
