//! What a run changes a month, by account: the largest first.

use anyhow::Result;
use psa_host_billing::{AccountId, Money};
use psa_host_sync::Names;
use psa_host_sync::run::{MoneyChange, RunReport};
use rust_decimal::Decimal;

use super::or_dash;
use crate::output::{Column, Output, Table, named};

/// Accounts in the table; JSON has all.
const MOST: usize = 10;

/// Print them, where more than one account has a change: one alone is the run's sum.
pub fn print(report: &RunReport, names: &Names, out: Output) -> Result<()> {
    let by_account = &report.summary.money_by_account;
    if by_account.len() < 2 {
        return Ok(());
    }
    let mut changes: Vec<(&AccountId, &MoneyChange)> = by_account
        .iter()
        .flat_map(|(account, changes)| changes.iter().map(move |change| (account, change)))
        .collect();
    // Stable: accounts with equal changes keep their order.
    changes.sort_by_key(|(_, change)| std::cmp::Reverse(size(change)));
    let mut table = Table::new([
        Column::Left("ACCOUNT"),
        Column::Left("CURRENCY"),
        Column::Right("CONFIRMED"),
        Column::Right("PLANNED"),
        Column::Right("WAITING"),
        Column::Right("NOT POSTED"),
    ]);
    for (account, change) in changes.iter().take(MOST) {
        table.row([
            named(account, names.account(&report.connection, account)),
            or_dash(change.currency.as_ref()),
            amount(change.confirmed),
            amount(change.planned),
            amount(change.awaiting_approval),
            amount(change.not_posted),
        ]);
    }
    out.line("")?;
    out.line("Money a month by account, the largest changes first")?;
    out.table(table, "")?;
    if changes.len() > MOST {
        let more = changes.len() - MOST;
        out.line(format!("and {more} more: all are in --format json"))?;
    }
    out.line("")?;
    Ok(())
}

fn size(change: &MoneyChange) -> Decimal {
    [
        change.confirmed,
        change.planned,
        change.awaiting_approval,
        change.not_posted,
    ]
    .into_iter()
    .fold(Decimal::ZERO, |sum, amount| {
        sum.saturating_add(amount.abs())
    })
}

fn amount(amount: Decimal) -> String {
    if amount.is_zero() {
        return "-".to_owned();
    }
    let sign = if amount.is_sign_positive() { "+" } else { "" };
    let money = Money {
        amount,
        currency: None,
    };
    format!("{sign}{money}")
}
