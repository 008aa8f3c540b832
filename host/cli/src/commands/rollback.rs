//! `psa-host rollback`: what it would come to first, then the question.

use anyhow::Result;
use psa_host_billing::rollback::{Effect, OfService};
use psa_host_billing::{Money, UnitsChange};
use psa_host_sync::{Access, RollbackView};
use serde_json::{Value, json};

use super::decide::reason;
use super::report::without_price;
use super::{Status, confirm};
use crate::args::RollbackArgs;
use crate::output::{Column, Output, Table, number, number_of};

pub fn run(args: &RollbackArgs, host: &Access, out: Output) -> Result<Status> {
    let run = args.run.parse().map_err(psa_host_sync::Error::from)?;
    let preview = host.rollback_preview(run)?;
    if args.dry_run {
        if out.is_json() {
            out.json(&view_json(&preview, true))?;
        } else {
            print(&preview, out)?;
            out.line("dry run: nobody was asked")?;
        }
        return Ok(Status::Done);
    }
    let why = reason(args.why.as_deref().unwrap_or_default())?;
    if !out.is_json() {
        print(&preview, out)?;
    }
    let what = format!(
        "ask to take run {} back ({})",
        args.run,
        in_short(&preview.effect)
    );
    confirm(&what, args.yes)?;
    let asked = host.rollback(run, why)?;
    if out.is_json() {
        out.json(&view_json(&asked, false))?;
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

fn print(view: &RollbackView, out: Output) -> Result<()> {
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
            of.module.to_string(),
            of.service.to_string(),
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

/// Quantities as JSON numbers, money as decimal text.
fn view_json(view: &RollbackView, dry_run: bool) -> Value {
    let of_service = |of: &OfService| {
        json!({
            "module": of.module, "service": of.service, "lines": of.lines,
            "units": number(UnitsChange::get(of.units)), "from": of.from, "to": of.to,
        })
    };
    let services: Vec<Value> = view.effect.services.iter().map(of_service).collect();
    json!({
        "run": view.run, "connection": view.connection, "dry_run": dry_run, "lines": view.lines,
        "services": services, "monthly_change": view.effect.money,
        "money_unknown": view.effect.money_unknown, "left": view.left,
        "questions": view.questions,
    })
}
