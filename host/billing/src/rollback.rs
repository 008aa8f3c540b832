//! What taking a run back comes to, for a person to look at before it is asked for: by
//! service in units, by currency in money a month. Services are never set off against
//! each other: six licences of one less and three of another more are not three less.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ModuleId, Money, ServiceId, UnitsChange};

/// One line's change back to where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opposing {
    /// Of what.
    pub module: ModuleId,
    /// The PSA's service.
    pub service: ServiceId,
    /// Units that it adds, or takes away (below zero).
    pub change: UnitsChange,
    /// The day that the change which it opposes holds from.
    pub effective: Date,
    /// Its money a month, where it can be told.
    pub monthly: Option<Money>,
}

/// All lines of one service.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct OfService {
    /// Of what.
    pub module: ModuleId,
    /// The PSA's service.
    pub service: ServiceId,
    /// How many lines.
    pub lines: usize,
    /// Units over all of them.
    pub units: UnitsChange,
    /// The first day of the changes that are opposed.
    #[schemars(with = "crate::form::Day")]
    pub from: Date,
    /// The last such day.
    #[schemars(with = "crate::form::Day")]
    pub to: Date,
}

/// What it comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Effect {
    /// By module and service.
    pub services: Vec<OfService>,
    /// Money a month, one for each currency; up and down set off against each other.
    pub money: Vec<Money>,
    /// Changes whose money is not in it, because it cannot be told.
    pub money_unknown: usize,
}

/// Add up.
pub fn effect(changes: &[Opposing]) -> Effect {
    let mut services: BTreeMap<(&ModuleId, &ServiceId), OfService> = BTreeMap::new();
    let mut money: BTreeMap<&Option<Box<str>>, Money> = BTreeMap::new();
    let mut money_unknown = 0;
    for one in changes {
        let of = services
            .entry((&one.module, &one.service))
            .or_insert_with(|| OfService {
                module: one.module.clone(),
                service: one.service.clone(),
                lines: 0,
                units: UnitsChange::default(),
                from: one.effective,
                to: one.effective,
            });
        of.lines += 1;
        of.units = of.units.and(one.change);
        of.from = of.from.min(one.effective);
        of.to = of.to.max(one.effective);
        let Some(monthly) = &one.monthly else {
            money_unknown += 1;
            continue;
        };
        money
            .entry(&monthly.currency)
            .and_modify(|sum| sum.amount = sum.amount.saturating_add(monthly.amount))
            .or_insert_with(|| monthly.clone());
    }
    Effect {
        services: services.into_values().collect(),
        money: money.into_values().collect(),
        money_unknown,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::Units;

    /// A line of a module that went from so many units to so many, taken back.
    fn back(module: &str, (from, to): (u32, u32), day: Date, monthly: Option<&str>) -> Opposing {
        Opposing {
            module: ModuleId::new(module).unwrap(),
            service: ServiceId::new(format!("s-{module}")).unwrap(),
            change: Units::from(from).change_from(to.into()),
            effective: day,
            monthly: monthly.map(|text| {
                let (amount, currency) = text.split_once(' ').unwrap_or((text, ""));
                Money {
                    amount: amount.parse().unwrap(),
                    currency: (!currency.is_empty()).then(|| currency.into()),
                }
            }),
        }
    }

    fn told(effect: &Effect) -> Vec<String> {
        let services = effect.services.iter().map(|of| {
            let (module, lines, units) = (&of.module, of.lines, of.units);
            format!("{module}: {units} on {lines}, {} to {}", of.from, of.to)
        });
        let money = effect.money.iter().map(ToString::to_string);
        let unknown = effect.money_unknown;
        let unknown = (unknown > 0).then(|| format!("{unknown} unknown"));
        services.chain(money).chain(unknown).collect()
    }

    #[test]
    fn services_and_currencies_are_told_apart() {
        let (first, second) = (date(2026, 11, 23), date(2026, 12, 1));
        let table: [(&str, Vec<Opposing>, &[&str]); 3] = [
            (
                "a fall of one service does not hide a rise of another",
                vec![
                    back("edr", (5, 11), first, Some("-25.20")),
                    back("mdm", (6, 3), first, Some("25.20")),
                ],
                &[
                    "edr: -6 on 1, 2026-11-23 to 2026-11-23",
                    "mdm: +3 on 1, 2026-11-23 to 2026-11-23",
                    "0.00",
                ],
            ),
            (
                "two lines of one service, from two days",
                vec![
                    back("edr", (5, 11), second, Some("-25.20 USD")),
                    back("edr", (0, 4), first, Some("-8.00 USD")),
                ],
                &["edr: -10 on 2, 2026-11-23 to 2026-12-01", "-33.20 USD"],
            ),
            (
                "two currencies, and one line without a price",
                vec![
                    back("edr", (5, 6), first, Some("-4.20 USD")),
                    back("edr", (5, 6), first, Some("-3.90 EUR")),
                    back("edr", (5, 6), first, None),
                ],
                &[
                    "edr: -3 on 3, 2026-11-23 to 2026-11-23",
                    "-3.90 EUR",
                    "-4.20 USD",
                    "1 unknown",
                ],
            ),
        ];
        for (case, changes, expected) in table {
            assert_eq!(told(&effect(&changes)), expected, "{case}");
        }
    }

    proptest! {
        /// A run and its rollback together change nothing, service by service and in each
        /// currency, and every line is counted once.
        #[test]
        fn a_run_and_its_rollback_come_to_nothing(
            lines in prop::collection::vec(
                (0_usize..3, 0_u32..100, 0_u32..100, prop::option::of(-5000_i64..5000), 0_usize..3),
                1..20,
            ),
        ) {
            let day = date(2026, 11, 23);
            let of_line = |&(module, from, to, cents, currency): &(usize, u32, u32, Option<i64>, usize)| {
                let mut one = back(["edr", "mdm", "network"][module], (from, to), day, None);
                one.monthly = cents.map(|cents| Money {
                    amount: rust_decimal::Decimal::new(cents, 2),
                    currency: [None, Some("USD".into()), Some("EUR".into())][currency].clone(),
                });
                one
            };
            let back: Vec<Opposing> = lines.iter().map(of_line).collect();
            let posted = |one: &Opposing, line: &(usize, u32, u32, Option<i64>, usize)| Opposing {
                change: Units::from(line.2).change_from(line.1.into()),
                monthly: one.monthly.clone().map(Money::opposite),
                ..one.clone()
            };
            let both: Vec<Opposing> = back
                .iter()
                .zip(&lines)
                .map(|(one, line)| posted(one, line))
                .chain(back.clone())
                .collect();
            let sum = effect(&both);
            prop_assert!(sum.services.iter().all(|of| of.units.is_zero()));
            prop_assert!(sum.money.iter().all(|money| money.amount.is_zero()));
            let alone = effect(&back);
            prop_assert_eq!(alone.services.iter().map(|of| of.lines).sum::<usize>(), back.len());
            let priced = back.iter().filter(|one| one.monthly.is_some()).count();
            prop_assert_eq!(alone.money_unknown, back.len() - priced);
        }
    }
}
