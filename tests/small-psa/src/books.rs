//! Agreements, their additions, and the invoices made of them.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

/// What an invoice bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bills {
    /// Each day of the period with the quantity that it had.
    EachDay,
    /// The whole period with the quantity that the invoice finds.
    WhatItFinds,
}

/// When the invoice of a month is made, at noon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Periods {
    /// On its first day.
    InAdvance,
    /// On the third day of the next one.
    InArrears,
}

/// One product with one quantity.
#[derive(Debug, Clone)]
pub struct Addition {
    /// Its number.
    pub id: i64,
    /// The product's number.
    pub product: i64,
    /// The quantities it had, each from a day on.
    pub quantities: BTreeMap<Date, i64>,
    /// `Billable`, `DoNotBill` or `NoCharge`.
    pub bill_customer: String,
    /// Free of charge.
    pub less_included: i64,
    /// The PSA counts it itself.
    pub calculated: bool,
}

impl Addition {
    /// Its quantity on a day.
    pub fn on(&self, day: Date) -> i64 {
        let known = self.quantities.range(..=day).next_back();
        known.map_or(0, |(_, quantity)| *quantity)
    }
}

/// A company's monthly agreement.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// Its number.
    pub id: i64,
    /// The company's number.
    pub company: i64,
    /// The first day it holds.
    pub start: Date,
    /// When its months are invoiced.
    pub periods: Periods,
    /// The first day that no invoice has billed.
    pub unbilled: Date,
    /// Whether the API tells of invoices.
    pub tells_invoices: bool,
    /// What it bills.
    pub additions: Vec<Addition>,
}

impl Agreement {
    /// The day on which the next invoice is made.
    pub fn next_invoice(&self) -> Date {
        match self.periods {
            Periods::InAdvance => self.unbilled,
            Periods::InArrears => {
                let month_after = self.unbilled.checked_add(1.month());
                let third = month_after.and_then(|day| day.checked_add(2.days()));
                third.expect("a date")
            }
        }
    }
}

/// A stretch of days on an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billed {
    /// Of which agreement.
    pub agreement: i64,
    /// For which addition.
    pub addition: i64,
    /// The day of the invoice.
    pub made: Date,
    /// The first day that is billed.
    pub from: Date,
    /// The last one.
    pub to: Date,
    /// What the customer pays for.
    pub quantity: i64,
}

/// A quantity that was set through the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patch {
    /// The day on which it was set.
    pub on: Date,
    /// Of which addition.
    pub addition: i64,
    /// What it was set to.
    pub quantity: i64,
}

/// Everything the PSA knows.
#[derive(Debug)]
pub struct Books {
    /// The PSA's day.
    pub today: Date,
    /// What an invoice bills.
    pub bills: Bills,
    /// All of them, by number.
    pub agreements: Vec<Agreement>,
    /// Every stretch that was ever billed, in the order of the invoices.
    pub invoices: Vec<Billed>,
    /// Every quantity that was ever set, in order.
    pub patches: Vec<Patch>,
}

impl Books {
    /// Make the invoices of today's noon, and begin the next day.
    pub fn close_day(&mut self) {
        let (today, bills) = (self.today, self.bills);
        for agreement in &mut self.agreements {
            while agreement.next_invoice() <= today {
                let (from, to) = (agreement.unbilled, agreement.unbilled.last_of_month());
                for addition in &agreement.additions {
                    if addition.bill_customer == "Billable" {
                        let billed = stretches(addition, bills, (from, to), today);
                        self.invoices
                            .extend(billed.into_iter().map(|(from, to, quantity)| Billed {
                                agreement: agreement.id,
                                addition: addition.id,
                                made: today,
                                from,
                                to,
                                quantity,
                            }));
                    }
                }
                agreement.unbilled = to.tomorrow().expect("a date");
            }
        }
        self.today = today.tomorrow().expect("a date");
    }

    /// Replace an addition's quantity now; false: there is no such addition.
    pub fn set(&mut self, agreement: i64, addition: i64, quantity: i64) -> bool {
        let today = self.today;
        let agreement = self.agreements.iter_mut().find(|one| one.id == agreement);
        let addition = agreement.and_then(|agreement| {
            agreement
                .additions
                .iter_mut()
                .find(|one| one.id == addition)
        });
        let Some(addition) = addition else {
            return false;
        };
        addition.quantities.insert(today, quantity);
        true
    }
}

/// Neighbouring days with one quantity as one stretch. Days to come have the quantity of today.
fn stretches(
    addition: &Addition,
    bills: Bills,
    (from, to): (Date, Date),
    today: Date,
) -> Vec<(Date, Date, i64)> {
    let mut billed: Vec<(Date, Date, i64)> = Vec::new();
    for day in from.series(1.day()).take_while(|day| *day <= to) {
        let of = match bills {
            Bills::EachDay => day,
            Bills::WhatItFinds => today,
        };
        let quantity = (addition.on(of) - addition.less_included).max(0);
        match billed.last_mut() {
            Some(last) if last.2 == quantity => last.1 = day,
            _ => billed.push((day, day, quantity)),
        }
    }
    billed
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn december(bills: Bills, periods: Periods) -> Vec<(Date, Date, i64)> {
        let quantities = [(date(2026, 1, 1), 5), (date(2026, 12, 10), 11)];
        let mut books = Books {
            today: date(2026, 12, 1),
            bills,
            agreements: vec![Agreement {
                id: 1,
                company: 1,
                start: date(2026, 1, 1),
                periods,
                unbilled: date(2026, 12, 1),
                tells_invoices: true,
                additions: vec![Addition {
                    id: 1,
                    product: 1,
                    quantities: BTreeMap::from(quantities),
                    bill_customer: "Billable".to_owned(),
                    less_included: 0,
                    calculated: false,
                }],
            }],
            invoices: Vec::new(),
            patches: Vec::new(),
        };
        while books.today < date(2027, 1, 4) {
            books.close_day();
        }
        let of_december = books.invoices.iter().filter(|b| b.to.month() == 12);
        of_december.map(|b| (b.from, b.to, b.quantity)).collect()
    }

    #[test]
    fn an_invoice_bills_the_days_or_what_it_finds() {
        let (first, last) = (date(2026, 12, 1), date(2026, 12, 31));
        let whole = |quantity| vec![(first, last, quantity)];
        assert_eq!(december(Bills::WhatItFinds, Periods::InAdvance), whole(5));
        assert_eq!(december(Bills::WhatItFinds, Periods::InArrears), whole(11));
        assert_eq!(
            december(Bills::EachDay, Periods::InArrears),
            [
                (first, date(2026, 12, 9), 5),
                (date(2026, 12, 10), last, 11)
            ]
        );
    }
}
