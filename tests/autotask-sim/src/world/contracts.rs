//! A contract's dates and the unit rows they imply.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::World;
use super::periods::{Period, periods};
use super::units::{LineKind, UnitRow};
use crate::schema::Entity;
use crate::schema::picklists::months;

/// The documented refusal when a change would touch a posted period
/// [DOC KB370000000540; a UI rule, assumed for the API].
pub const POSTED: &str = "Unable to make changes as it would result in the deletion/modification \
of an already approved and posted contract period.";

impl World {
    /// First and last day of a contract.
    pub fn contract_window(&self, contract: i64) -> Result<(Date, Date), String> {
        let entity = Entity::Contracts;
        let row = self.rows(entity).get(contract);
        let row = row.ok_or_else(|| reference("contractID", "Contract"))?;
        let start = row.get(entity, "startDate").date();
        let end = row.get(entity, "endDate").date();
        start
            .zip(end)
            .ok_or_else(|| format!("Contract {contract} has no start or end date."))
    }

    /// The billing periods of a contract, by its period type.
    pub fn contract_periods(&self, contract: i64) -> Result<Vec<Period>, String> {
        let (start, end) = self.contract_window(contract)?;
        let row = self.rows(Entity::Contracts).get(contract);
        let kind = row.and_then(|r| r.get(Entity::Contracts, "contractPeriodType").int());
        let list = self.picklists.get("Contracts.contractPeriodType");
        let label = list
            .and_then(|l| l.iter().find(|c| Some(c.value) == kind))
            .map(|c| c.label.as_str());
        Ok(periods(start, end, label.and_then(months).unwrap_or(1)))
    }

    /// Gives a line one unit row for each period that ends on or after `from`.
    pub(crate) fn fill_units(
        &mut self,
        kind: LineKind,
        line: i64,
        units: i32,
        from: Date,
    ) -> Result<(), String> {
        let lines = kind.lines();
        let row = self.rows(lines).get(line);
        let row = row.ok_or_else(|| reference(kind.line_field(), lines.singular()))?;
        let contract = row.get(lines, "contractID").int().unwrap_or_default();
        let service = row.get(lines, kind.sold_field()).int().unwrap_or_default();
        let adjusted = row.get(lines, "internalCurrencyAdjustedPrice").number();
        let unit_price = adjusted
            .or(row.get(lines, "unitPrice").number())
            .unwrap_or_default();
        let unit_cost = row.get(lines, "unitCost").number().unwrap_or(Decimal::ZERO);
        let vendor = self
            .rows(kind.catalogue())
            .get(service)
            .and_then(|s| s.get(kind.catalogue(), "vendorCompanyID").int());
        for period in self
            .contract_periods(contract)?
            .into_iter()
            .filter(|p| p.end >= from)
        {
            let id = self.fresh_id();
            self.units_mut(kind).insert(UnitRow {
                id,
                line,
                contract,
                service,
                start: period.start.max(from),
                end: period.end,
                units,
                unit_price,
                unit_cost,
                period_days: period.days,
                posted: None,
                vendor,
            });
        }
        Ok(())
    }

    /// Moves a contract's end: new periods get the last row's units, rows past the
    /// new end go, and a posted one among them refuses the change.
    pub fn move_contract_end(&mut self, contract: i64, end: Date) -> Result<(), String> {
        let (_, old) = self.contract_window(contract)?;
        for kind in [LineKind::Service, LineKind::Bundle] {
            let touched = |r: &&UnitRow| r.end > end && r.posted.is_some();
            if self
                .units(kind)
                .by("contractID", contract)
                .any(|r| touched(&r))
            {
                return Err(POSTED.to_owned());
            }
        }
        let text = serde_json::Value::String(end.to_string());
        self.set(Entity::Contracts, contract, "endDate", &text)?;
        for kind in [LineKind::Service, LineKind::Bundle] {
            let lines: Vec<i64> = self
                .rows(kind.lines())
                .by("contractID", contract)
                .map(super::row::Record::id)
                .collect();
            for line in lines {
                self.refit(kind, line, old, end)?;
            }
        }
        Ok(())
    }

    fn refit(&mut self, kind: LineKind, line: i64, old: Date, end: Date) -> Result<(), String> {
        let rows: Vec<UnitRow> = self.timeline(kind, line).into_iter().cloned().collect();
        for row in rows.iter().filter(|r| r.end > end) {
            if row.start > end {
                self.units_mut(kind).remove(row.id);
            } else if let Some(row) = self.units_mut(kind).get_mut(row.id) {
                row.end = end;
            }
        }
        let Some(last) = rows.last().filter(|_| end > old) else {
            return Ok(());
        };
        // A period that the old end cut grows to its full length first.
        let periods = self.contract_periods(last.contract)?;
        if let Some(cut) = periods
            .iter()
            .find(|p| p.start <= last.start && last.end < p.end)
            && let Some(row) = self.units_mut(kind).get_mut(last.id)
        {
            row.end = cut.end;
        }
        for period in periods.into_iter().filter(|p| p.start > old) {
            let id = self.fresh_id();
            let (start, end) = (period.start, period.end);
            let row = UnitRow {
                id,
                start,
                end,
                period_days: period.days,
                posted: None,
                ..last.clone()
            };
            self.units_mut(kind).insert(row);
        }
        Ok(())
    }
}

/// The text of a reference that leads nowhere [LIVE N8N], also used for inactive ones.
pub fn reference(field: &str, singular: &str) -> String {
    format!("Reference value on field: {field} of type: {singular} does not exist or is invalid.")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_line_has_a_row_for_every_period_up_to_its_contracts_end() {
        let mut world = World::new(date(2026, 11, 23));
        let company = world.add_company("Acme");
        let service = world.add_service("Coro Essentials", "7.50");
        let contract = world.add_contract(company, "Acme", date(2026, 11, 1), date(2028, 11, 30));
        let line = world
            .add_line(LineKind::Service, contract, service, 10)
            .expect("an open contract");
        let rows = world.timeline(LineKind::Service, line);
        assert_eq!(rows.len(), 25);
        assert!(rows.iter().all(|row| row.units == 10));
        assert_eq!(rows.last().map(|row| row.end), Some(date(2028, 11, 30)));
    }
}
