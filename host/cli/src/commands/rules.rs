//! `psa-host rules …`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_billing::rules::{Action, EffectivePolicy, Jump, LaterChanges, Rules, ZeroRule};
use psa_host_sync::Access;
use psa_host_wire as wire;

use super::{Status, id};
use crate::args::{RulesCommand, RulesSet};
use crate::output::{Column, Output, Table};

pub fn run(command: RulesCommand, host: &Access, out: Output) -> Result<Status> {
    let name: ConnectionName = match &command {
        RulesCommand::Show { connection } => id("connection name", connection)?,
        RulesCommand::Set(set) => id("connection name", &set.connection)?,
    };
    let mut rules = host.rules(&name)?;
    if let RulesCommand::Set(set) = command {
        change(&mut rules, &set);
        host.set_rules(&name, &rules)?;
    }
    show(&name, &rules, out)?;
    Ok(Status::Done)
}

fn change(rules: &mut Rules, set: &RulesSet) {
    fn word<T: Copy>(all: &[T], as_str: fn(T) -> &'static str, text: Option<&String>) -> Option<T> {
        let text = text?;
        all.iter().copied().find(|one| as_str(*one) == text)
    }
    fn put<T>(into: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *into = value;
        }
    }
    let effective = word(
        EffectivePolicy::ALL,
        EffectivePolicy::as_str,
        set.effective.as_ref(),
    );
    put(&mut rules.effective.policy, effective);
    put(&mut rules.effective.window_days, set.window_days);
    let later = word(
        LaterChanges::ALL,
        LaterChanges::as_str,
        set.later_changes.as_ref(),
    );
    put(&mut rules.effective.later_changes, later);
    put(
        &mut rules.zero,
        word(ZeroRule::ALL, ZeroRule::as_str, set.zero.as_ref()),
    );
    let life = &mut rules.life_cycle;
    for (status, action) in &set.statuses {
        let of: &mut Action = match status.as_str() {
            "demo" => &mut life.demo,
            "nfr" => &mut life.nfr,
            "new" => &mut life.new,
            "trial" => &mut life.trial,
            "subscription" => &mut life.subscription,
            "inactive" => &mut life.inactive,
            "archived" => &mut life.archived,
            _ => &mut life.other,
        };
        *of = *action;
    }
    put(&mut rules.brakes.stale_days, set.brake_stale_days);
    put(
        &mut rules.brakes.changed_accounts,
        set.brake_changed_accounts,
    );
    put(&mut rules.brakes.changed_percent, set.brake_changed_percent);
    put(
        &mut rules.brakes.vanished_percent,
        set.brake_vanished_percent,
    );
    put(
        &mut rules.brakes.money,
        set.brake_money.map(|limit| limit.0),
    );
    put(
        &mut rules.brakes.units_percent,
        set.brake_units_percent.map(|limit| limit.0),
    );
    put(&mut rules.brakes.units, set.brake_units);
    put(
        &mut rules.brakes.alike_lines,
        set.brake_alike_lines.map(|limit| limit.0),
    );
    put(&mut rules.approval.new_accounts, set.ask_new_accounts);
    put(&mut rules.approval.rise, set.ask_rise.map(|limit| limit.0));
    put(&mut rules.approval.fall, set.ask_fall.map(|limit| limit.0));
    put(
        &mut rules.approval.units,
        set.ask_units.map(|limit| limit.0),
    );
    put(
        &mut rules.approval.percent,
        set.ask_percent.map(|limit| limit.0),
    );
    put(
        &mut rules.approval.money,
        set.ask_money.map(|limit| limit.0),
    );
    put(&mut rules.approval.first_time, set.ask_first_time);
    put(&mut rules.approval.decrease, set.ask_decrease);
    put(&mut rules.posting.fresh_seconds, set.fresh_seconds);
}

fn show(name: &ConnectionName, rules: &Rules, out: Output) -> Result<()> {
    if out.is_json() {
        return Ok(out.json(&wire::RulesOfConnection {
            connection: Cow::Borrowed(name),
            rules: Cow::Borrowed(rules),
        })?);
    }
    let mut table = Table::new([
        Column::Left("RULE"),
        Column::Left("SET TO"),
        Column::Words("MEANING"),
    ]);
    let rows = dates_and_states(rules).into_iter();
    for (rule, value, meaning) in rows.chain(brakes(rules)).chain(approval_and_posting(rules)) {
        table.row([rule.to_owned(), value, meaning.to_owned()]);
    }
    Ok(out.table(table, "")?)
}

/// A rule, what it is set to, and what that means.
type Row = (&'static str, String, &'static str);

/// From when a change holds, and what is billed at all.
fn dates_and_states(rules: &Rules) -> Vec<Row> {
    let (effective, life) = (&rules.effective, &rules.life_cycle);
    vec![
        (
            "effective",
            effective.policy.to_string(),
            "from which date a change holds",
        ),
        (
            "window-days",
            effective.window_days.to_string(),
            "days before a later date in which its change is posted",
        ),
        (
            "later-changes",
            effective.later_changes.to_string(),
            "under period-start: a period's later changes",
        ),
        ("zero", rules.zero.to_string(), "a fall to zero units"),
        ("status demo", life.demo.to_string(), "a demo"),
        ("status nfr", life.nfr.to_string(), "not for resale"),
        ("status new", life.new.to_string(), "nothing chosen yet"),
        ("status trial", life.trial.to_string(), "a trial"),
        (
            "status subscription",
            life.subscription.to_string(),
            "paying",
        ),
        (
            "status inactive",
            life.inactive.to_string(),
            "trial or subscription ended",
        ),
        ("status archived", life.archived.to_string(), "put away"),
        (
            "status other",
            life.other.to_string(),
            "a status this version does not know",
        ),
    ]
}

/// What stops a run.
fn brakes(rules: &Rules) -> Vec<Row> {
    let brakes = &rules.brakes;
    vec![
        (
            "brake-stale-days",
            brakes.stale_days.to_string(),
            "an older snapshot stops the run",
        ),
        (
            "brake-changed-accounts",
            brakes.changed_accounts.to_string(),
            "so many changed accounts never stop it",
        ),
        (
            "brake-changed-percent",
            format!("{} %", brakes.changed_percent),
            "a larger share of changed accounts stops it",
        ),
        (
            "brake-vanished-percent",
            format!("{} %", brakes.vanished_percent),
            "a larger share of accounts or lines missing stops it",
        ),
        (
            "brake-money",
            limit(brakes.money, " a month"),
            "more changes of money stop it",
        ),
        (
            "brake-units-percent",
            whole(brakes.units_percent.map(u32::from), " %"),
            "a larger share of all units up, or down, on one day stops it",
        ),
        (
            "brake-units",
            brakes.units.to_string(),
            "so many units up or down never stop it",
        ),
        (
            "brake-alike-lines",
            whole(brakes.alike_lines, ""),
            "so many changed lines with one count above 20, a fifth of all changes, stop it",
        ),
    ]
}

/// What is asked first, and how it is sent.
fn approval_and_posting(rules: &Rules) -> Vec<Row> {
    let ask = &rules.approval;
    vec![
        (
            "ask-new-accounts",
            yes(ask.new_accounts),
            "the changes of new accounts wait, all as one question",
        ),
        ("ask-rise", jump(ask.rise), "a larger rise is asked first"),
        ("ask-fall", jump(ask.fall), "a larger fall is asked first"),
        (
            "ask-units",
            limit(ask.units, ""),
            "a larger change is asked first",
        ),
        (
            "ask-percent",
            limit(ask.percent, " %"),
            "a larger change is asked first",
        ),
        (
            "ask-money",
            limit(ask.money, " a month"),
            "a larger change is asked first",
        ),
        (
            "ask-first-time",
            yes(ask.first_time),
            "the first change of a line is asked first",
        ),
        (
            "ask-decrease",
            yes(ask.decrease),
            "a decrease is asked first",
        ),
        (
            "fresh-seconds",
            rules.posting.fresh_seconds.to_string(),
            "a line read longer ago is read again before it is changed",
        ),
    ]
}

fn limit(limit: Option<rust_decimal::Decimal>, unit: &str) -> String {
    match limit {
        Some(limit) => format!("{limit}{unit}"),
        None => "none".to_owned(),
    }
}

fn whole(limit: Option<u32>, unit: &str) -> String {
    self::limit(limit.map(rust_decimal::Decimal::from), unit)
}

fn jump(jump: Option<Jump>) -> String {
    match jump {
        Some(Jump { percent, units }) => format!("{percent} % and {units} units"),
        None => "none".to_owned(),
    }
}

fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
