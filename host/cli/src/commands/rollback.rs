//! `psa-host rollback`: what it would come to first, then the question.

use anyhow::Result;
use psa_host_billing::Money;
use psa_host_billing::rollback::{Effect, OfService};
use psa_host_sync::{Access, Names, RollbackView};
use psa_host_wire as wire;

use super::decide::reason;
use super::report::without_price;
use super::{Status, confirm};
use crate::args::RollbackArgs;
use crate::output::{Column, Output, Table, named, number_of};

pub fn run(args: &RollbackArgs, host: &Access, out: Output) -> Result<Status> {
    let run = args.run.parse().map_err(psa_host_sync::Error::from)?;
    let preview = host.rollback_preview(run)?;
    let names = host.names(Some(&preview.connection))?;
    if args.dry_run {
        if out.is_json() {
            out.json(&wire::Rollback::new(&preview, true, &names))?;
        } else {
            print(&preview, &names, out)?;
            out.line("dry run: nobody was asked")?;
        }
        return Ok(Status::Done);
    }
    let why = reason(args.why.as_deref().unwrap_or_default())?;
    if !out.is_json() {
        print(&preview, &names, out)?;
    }
    let what = format!(
        "ask to take run {} back ({})",
        args.run,
        in_short(&preview.effect)
    );
    confirm(&what, args.yes)?;
    let asked = host.rollback(run, why)?;
    if out.is_json() {
        out.json(&wire::Rollback::new(&asked, false, &names))?;
        return Ok(Status::NeedsPerson);
    }
    out.line(format!(
        "{} of run {} to be taken back; this waits for approval.",
        number_of(asked.questions.len(), "change"),
        asked.run
    ))?;
    out.line(format!(
        "See the dates with `psa-host sync {0} --dry-run`, approve with `psa-host approval \
         approve --all-of {0}`, then sync.",
        asked.connection
    ))?;
    Ok(Status::NeedsPerson)
}

fn print(view: &RollbackView, names: &Names, out: Output) -> Result<()> {
    out.line(format!(
        "Taking back run {} of {} changes {} lines",
        view.run, view.connection, view.lines
    ))?;
    let mut table = Table::new([
        Column::Left("MODULE"),
        Column::Left("SERVICE"),
        Column::Right("LINES"),
        Column::Right("UNITS"),
        Column::Left("POSTED FROM DAY"),
    ]);
    for of in &view.effect.services {
        table.row([
            named(&of.module, names.module(&of.module)),
            named(&of.service, names.service(&view.connection, &of.service)),
            of.lines.to_string(),
            of.units.to_string(),
            days(of),
        ]);
    }
    out.table(table, "")?;
    for money in &view.effect.money {
        out.line(format!("money a month: {}", signed(money)))?;
    }
    if let Some(words) = without_price(view.effect.money_unknown) {
        out.line(format!("money a month: {words}"))?;
    }
    for left in &view.left {
        out.line(format!("line {} is left: {}", left.line, left.why))?;
    }
    out.line(
        "Each holds from the day of the change that it opposes, or from the first later day that \
         can still be changed.",
    )?;
    Ok(())
}

fn days(of: &OfService) -> String {
    match of.from == of.to {
        true => of.from.to_string(),
        false => format!("{} to {}", of.from, of.to),
    }
}

fn signed(money: &Money) -> String {
    let sign = match money.amount.is_sign_negative() || money.amount.is_zero() {
        true => "",
        false => "+",
    };
    format!("{sign}{money}")
}

/// `edr -6, mdm +3; -12.60 USD a month`
fn in_short(effect: &Effect) -> String {
    let units: Vec<String> = effect
        .services
        .iter()
        .map(|of| format!("{} {}", of.module, of.units))
        .collect();
    let money = effect
        .money
        .iter()
        .map(|sum| format!("{} a month", signed(sum)));
    let parts = [units.join(", ")].into_iter().chain(money);
    let parts: Vec<String> = parts.chain(without_price(effect.money_unknown)).collect();
    parts.join("; ")
}
