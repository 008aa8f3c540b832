//! What customers are invoiced: by the PSA's own rows, as the PSA prorates them.

use autotask_sim::world::units::LineKind;
use autotask_sim::{Entity, UnitRow};
use end_to_end::Scene;
use jiff::civil::Date;

/// A stretch of days with its units.
pub(super) type Stretch = (u8, u8, i32);

fn rows_of(scene: &Scene, customer: usize, month: Date) -> Vec<UnitRow> {
    let company = scene.customers[customer].company;
    let world = scene.simulator.world();
    let contracts = world.rows(Entity::Contracts);
    let of_company = |contract: i64| {
        let row = contracts.get(contract);
        row.and_then(|row| row.get(Entity::Contracts, "companyID").int()) == Some(company)
    };
    let in_month = |row: &&UnitRow| row.start.first_of_month() == month.first_of_month();
    let rows = world.units(LineKind::Service).iter().filter(in_month);
    let mut rows: Vec<UnitRow> = rows
        .filter(|row| of_company(row.contract))
        .cloned()
        .collect();
    rows.sort_by_key(|row| row.start);
    rows
}

/// The units of a customer in a month, as (first day, last day, units); neighbours with
/// the same units are one stretch.
pub(super) fn stretches(scene: &Scene, customer: usize, month: Date) -> Vec<Stretch> {
    let day = |day: Date| u8::try_from(day.day()).expect("a day of a month");
    let mut found: Vec<Stretch> = Vec::new();
    for row in rows_of(scene, customer, month) {
        match found.last_mut() {
            Some((_, end, units)) if *units == row.units => *end = day(row.end),
            _ => found.push((day(row.start), day(row.end), row.units)),
        }
    }
    found
}

/// The sum of a customer's invoice of a month.
pub(super) fn invoice(scene: &Scene, customer: usize, month: Date) -> String {
    let rows = rows_of(scene, customer, month);
    let sum: rust_decimal::Decimal = rows.iter().map(|row| row.extended(row.unit_price)).sum();
    format!("{sum:.2}")
}
