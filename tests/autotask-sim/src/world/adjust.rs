//! Adjustments: the only way units change.
//!
//! A signed delta from an effective date. The row that covers the date is split
//! (a prorated row begins there) and every later row moves by the same delta, so a
//! pending future change stays what it was: a difference. What the vendor does not
//! say is decided by switches.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use serde::Serialize;

use super::World;
use super::contracts::{POSTED, reference};
use super::number;
use super::row::Record;
use super::units::{LineKind, UnitRow};
use crate::schema::Entity;
use crate::switches::{MidPeriod, PostedPeriod, Switches, Verdict};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Adjustment {
    /// `contractServiceID` or `contractServiceBundleID`.
    pub line: Option<i64>,
    /// `contractID`.
    pub contract: Option<i64>,
    /// `serviceID` or `serviceBundleID`.
    pub sold: Option<i64>,
    /// `effectiveDate`.
    pub effective: Date,
    /// `unitChange`.
    pub change: i32,
    /// `adjustedUnitPrice`.
    pub unit_price: Option<Decimal>,
    /// `adjustedUnitCost`.
    pub unit_cost: Option<Decimal>,
    /// `allowRepeatService` or `allowRepeatServiceBundle`.
    pub repeat: bool,
}

/// What was done.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Service or bundle.
    pub kind: LineKind,
    /// `contractServiceID` or `contractServiceBundleID`.
    pub line: i64,
    /// The contract.
    pub contract: i64,
    /// The date asked for.
    pub effective_date: Date,
    /// The first day that changed; later than asked where a period was posted.
    pub applied_from: Date,
    /// The delta.
    pub unit_change: i32,
    /// Whether a line was made because none was found.
    pub created_line: bool,
    /// Whether somebody else made it, not a request to the API.
    pub foreign: bool,
    /// The tenant's time.
    pub at: DateTime,
}

impl World {
    /// Applies an adjustment or says, in the vendor's words where they are known,
    /// why not. Nothing changes on a refusal.
    pub fn adjust(
        &mut self,
        kind: LineKind,
        ask: &Adjustment,
        switches: &Switches,
        foreign: bool,
    ) -> Result<Applied, String> {
        let found = self.find_line(kind, ask)?;
        let contract = match found {
            Some(line) => self.line_contract(kind, line),
            None => ask.contract,
        };
        let contract = contract.ok_or_else(|| reference("contractID", "Contract"))?;
        self.check_contract(kind, contract, ask.effective, switches)?;
        // "Affect only the quantity … not the price" [DOC of the bundles' page].
        let mut ask = ask.clone();
        if kind == LineKind::Bundle {
            (ask.unit_price, ask.unit_cost) = (None, None);
        }
        let ask = &ask;
        let Some(line) = found else {
            return self.create_line(kind, ask, contract, switches, foreign);
        };
        let again = self.adjusted.contains(&(kind, line, ask.effective));
        if again && switches.repeat_date == Verdict::Refuse {
            // [LIVE KAN]
            return Err("Attempt to insert duplicate data into contract_service_period".to_owned());
        }
        let from = self.first_open_day(kind, line, ask.effective, switches)?;
        let ids = self.rows_from(kind, line, from);
        self.check_units(kind, &ids, ask.change, switches)?;
        self.adjusted.insert((kind, line, ask.effective));
        self.begin_row(kind, line, from, switches.mid_period);
        for id in self.rows_from(kind, line, from) {
            // A row that began earlier lies under the new one, and a posted one stays,
            // unless the change begins with that very row.
            let open = |r: &&mut UnitRow| r.start == from || (r.start > from && r.posted.is_none());
            if let Some(row) = self.units_mut(kind).get_mut(id).filter(open) {
                row.units += ask.change;
                row.unit_price = ask.unit_price.unwrap_or(row.unit_price);
                row.unit_cost = ask.unit_cost.unwrap_or(row.unit_cost);
            }
        }
        if let Some(price) = ask.unit_price {
            self.set(
                kind.lines(),
                line,
                "internalCurrencyAdjustedPrice",
                &number(price),
            )?;
        }
        Ok(self.record(kind, line, contract, ask, from, false, foreign))
    }

    /// The line meant: by its own id, or by contract and what is sold.
    fn find_line(&self, kind: LineKind, ask: &Adjustment) -> Result<Option<i64>, String> {
        let lines = kind.lines();
        if let Some(line) = ask.line {
            let row = self.rows(lines).get(line);
            let row = row.ok_or_else(|| reference(kind.line_field(), lines.singular()))?;
            let agrees = |field: &str, asked: Option<i64>| {
                asked.is_none() || row.get(lines, field).int() == asked
            };
            if !agrees("contractID", ask.contract) {
                return Err(reference("contractID", "Contract"));
            }
            if !agrees(kind.sold_field(), ask.sold) {
                return Err(reference(kind.sold_field(), kind.catalogue().singular()));
            }
            return Ok(Some(line));
        }
        let contract = ask
            .contract
            .ok_or_else(|| reference("contractID", "Contract"))?;
        let sold = ask
            .sold
            .ok_or_else(|| reference(kind.sold_field(), kind.catalogue().singular()))?;
        if ask.repeat {
            return Ok(None);
        }
        let mut lines_of = self.rows(lines).by("contractID", contract);
        Ok(lines_of
            .find(|r| r.get(lines, kind.sold_field()).int() == Some(sold))
            .map(Record::id))
    }

    fn line_contract(&self, kind: LineKind, line: i64) -> Option<i64> {
        self.rows(kind.lines())
            .get(line)?
            .get(kind.lines(), "contractID")
            .int()
    }

    fn check_contract(
        &self,
        kind: LineKind,
        contract: i64,
        day: Date,
        switches: &Switches,
    ) -> Result<(), String> {
        let (start, end) = self.contract_window(contract)?;
        let entity = Entity::Contracts;
        if let Some(row) = self.rows(entity).get(contract) {
            if row.get(entity, "contractType").int() != Some(7) {
                return Err("The contract must be of type Recurring Service.".to_owned());
            }
            let inactive = row.get(entity, "status").int() != Some(1);
            if inactive && switches.inactive_contract == Verdict::Refuse {
                return Err(reference("contractID", "Contract"));
            }
        }
        if day < start || day > end {
            // [LIVE KAN]
            return Err(format!(
                "{}Adjustment effectiveDate must be between the start date and end date of the \
                 Contract referenced by contractID.",
                kind.lines().singular()
            ));
        }
        Ok(())
    }

    /// "If the API … cannot find the correct ContractService, it will create it" [DOC].
    fn create_line(
        &mut self,
        kind: LineKind,
        ask: &Adjustment,
        contract: i64,
        switches: &Switches,
        foreign: bool,
    ) -> Result<Applied, String> {
        let sold = ask.sold.unwrap_or_default();
        if !self.is_active(kind.catalogue(), sold) {
            return Err(reference(kind.sold_field(), kind.catalogue().singular()));
        }
        check_count(ask.change, switches)?;
        let line = self.add_line(kind, contract, sold, 0)?;
        if let Some(price) = ask.unit_price {
            self.set(
                kind.lines(),
                line,
                "internalCurrencyAdjustedPrice",
                &number(price),
            )?;
        }
        let old: Vec<i64> = self
            .timeline(kind, line)
            .into_iter()
            .map(|r| r.id)
            .collect();
        for id in old {
            self.units_mut(kind).remove(id);
        }
        self.fill_units(kind, line, ask.change, ask.effective)?;
        self.adjusted.insert((kind, line, ask.effective));
        Ok(self.record(kind, line, contract, ask, ask.effective, true, foreign))
    }

    /// Where the change begins: the date asked, or what the switch makes of a posted
    /// period. No recording of the API exists [?].
    fn first_open_day(
        &self,
        kind: LineKind,
        line: i64,
        day: Date,
        switches: &Switches,
    ) -> Result<Date, String> {
        let rows = self.timeline(kind, line);
        let Some(billed) = rows.iter().rfind(|r| r.end >= day && r.posted.is_some()) else {
            return Ok(day);
        };
        match switches.posted_period {
            PostedPeriod::Refuse => Err(POSTED.to_owned()),
            PostedPeriod::Prorate => Ok(day),
            PostedPeriod::NextOpen => {
                let open = rows.iter().find(|r| r.start > billed.end);
                open.map(|r| r.start).ok_or_else(|| POSTED.to_owned())
            }
        }
    }

    /// Ids of the rows that end on or after a day, by date.
    fn rows_from(&self, kind: LineKind, line: i64, day: Date) -> Vec<i64> {
        self.timeline(kind, line)
            .into_iter()
            .filter(|r| r.end >= day)
            .map(|r| r.id)
            .collect()
    }

    fn check_units(
        &self,
        kind: LineKind,
        ids: &[i64],
        change: i32,
        switches: &Switches,
    ) -> Result<(), String> {
        for row in ids.iter().filter_map(|id| self.units(kind).get(*id)) {
            let after = row
                .units
                .checked_add(change)
                .ok_or("unitChange: out of range")?;
            if change != 0 {
                check_count(after, switches)?;
            }
        }
        Ok(())
    }

    /// Makes a row begin at `day`. The new row is open even where the old one was
    /// posted: it is what the proration bills.
    fn begin_row(&mut self, kind: LineKind, line: i64, day: Date, how: MidPeriod) {
        let rows = self.timeline(kind, line);
        let Some(row) = rows.into_iter().rfind(|r| r.covers(day)).cloned() else {
            return;
        };
        if row.start == day {
            return;
        }
        let id = self.fresh_id();
        let table = self.units_mut(kind);
        if how == MidPeriod::Split
            && let Some(old) = table.get_mut(row.id)
        {
            old.end = day.saturating_sub(1.day());
        }
        table.insert(UnitRow {
            id,
            start: day,
            posted: None,
            ..row
        });
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one line of a journal, written in one place"
    )]
    fn record(
        &mut self,
        kind: LineKind,
        line: i64,
        contract: i64,
        ask: &Adjustment,
        from: Date,
        created_line: bool,
        foreign: bool,
    ) -> Applied {
        let applied = Applied {
            kind,
            line,
            contract,
            effective_date: ask.effective,
            applied_from: from,
            unit_change: ask.change,
            created_line,
            foreign,
            at: self.now,
        };
        self.applied.push(applied.clone());
        applied
    }
}

/// Below zero is refused; what happens at zero is not known [?], nor is the text
/// beyond that it holds the word "negative" [CODE ANS].
fn check_count(units: i32, switches: &Switches) -> Result<(), String> {
    if units < 0 {
        return Err(switches.negative_text.clone());
    }
    if units == 0 && switches.zero_units == Verdict::Refuse {
        return Err(switches.zero_text.clone());
    }
    Ok(())
}
