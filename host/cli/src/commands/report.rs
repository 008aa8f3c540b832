//! A run's report, for people and as JSON.

use anyhow::Result;
use psa_host_billing::{Money, ReportCode};
use psa_host_sync::Names;
use psa_host_sync::run::{LineReport, MoneyChange, Released, RunReport};

use psa_host_wire::Line;

use super::fixes::Fixes;
use super::{account_money, or_dash};
use crate::output::{Column, Output, Table, Tone, named, number_of};

/// How much of a report is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look<'a> {
    /// Unchanged lines too.
    pub all: bool,
    /// The lines are those that are new since this run.
    pub since: Option<&'a str>,
}

/// For a person: what it comes to and what is to be done first, then each line. A quiet one
/// has no lines, and says nothing where there is nothing for a person.
pub fn print(report: &RunReport, names: &Names, look: Look<'_>, out: Output) -> Result<()> {
    if out.is_quiet() && !report.is_braked() && !report.needs_a_person() {
        return Ok(());
    }
    circumstances(report, names, out)?;
    sums(report, out)?;
    unmapped(report, out)?;
    fixes(report).print(out)?;
    if !out.is_quiet() {
        tables(report, names, look, out)?;
        account_money::print(report, names, out)?;
    }
    if let Some(head) = &report.history_head {
        out.line(format!("history head {head}"))?;
    }
    Ok(())
}

fn unmapped(report: &RunReport, out: Output) -> Result<()> {
    for (count, what) in [
        (report.summary.unmapped_workspaces, "workspace"),
        (report.summary.unmapped_modules, "module"),
    ] {
        match count {
            0 => {}
            1 => out.line(format!("1 {what} in use is not mapped"))?,
            count => out.line(format!("{count} {what}s in use are not mapped"))?,
        }
    }
    Ok(())
}

/// Which run it is, and what is to be known before its lines are read.
fn circumstances(report: &RunReport, names: &Names, out: Output) -> Result<()> {
    let dry = if report.dry_run {
        ", dry run: nothing is posted"
    } else {
        ""
    };
    out.line(format!(
        "run {} of {} (tenant {}) for {}{dry}",
        report.run, report.connection, report.tenant, report.as_of
    ))?;
    match report.status {
        "done" | "braked" | "parked" | "cancelled" => {}
        "running" => out.line("attention: it is still at work; what follows is not its end")?,
        status => out.line(format!(
            "attention: it was cut short ({status}); what may have left is doubtful, and the next \
             sync settles it before anything else"
        ))?,
    }
    if !report.only.is_empty() {
        let only = report.only.iter().map(|id| named(id, names.workspace(id)));
        let only: Vec<String> = only.collect();
        out.line(format!(
            "only {}: {} left out, neither posted nor asked",
            only.join(", "),
            match report.left_out {
                1 => "1 other mapped workspace is".to_owned(),
                others => format!("{others} other mapped workspaces are"),
            }
        ))?;
    }
    if report.as_of != report.today {
        out.line(format!(
            "attention: planned for {}, and it was {} in the connection's time zone: a plan for \
             another day than today is a dry run, always",
            report.as_of, report.today
        ))?;
    }
    if let (Some(snapshot), Some(withdrawn)) = (&report.snapshot, &report.snapshot_withdrawn) {
        out.line(format!(
            "its snapshot {snapshot} was withdrawn at {:.0} by {}: {}",
            withdrawn.at, withdrawn.by, withdrawn.why
        ))?;
    }
    for origin in &report.dev_origins {
        out.line(format!("development: plain http to {origin}"))?;
    }
    for Released {
        code,
        by,
        why,
        message,
    } in &report.released
    {
        let said = message.as_deref().unwrap_or("it was not on");
        out.line(format!("released by {by}: {code} ({said}); why: {why}"))?;
    }
    for notice in report.notices.iter().chain(&report.incidents) {
        out.line(format!("attention: {} [{}]", notice.message, notice.code))?;
        if !notice.fix.is_empty() {
            out.line(format!("  fix: {}", notice.fix))?;
        }
    }
    Ok(())
}

/// What came of each line.
fn tables(report: &RunReport, names: &Names, look: Look<'_>, out: Output) -> Result<()> {
    let shown = |lines_of, all| lines(lines_of, report, names, all);
    if !report.settled.is_empty() {
        out.line("")?;
        out.line("From earlier runs")?;
        out.table(shown(&report.settled, true), "")?;
    }
    out.line("")?;
    if let Some(run) = look.since {
        out.line(format!("New since run {run}"))?;
    }
    let table = shown(&report.lines, look.all);
    let none = match report.summary.lines {
        _ if look.since.is_some() => "Nothing that it did not say.",
        0 => "No mapped pair was looked at.",
        _ if report.summary.new_accounts.is_some() => {
            "Every other line stands at its count; --all lists those of new accounts."
        }
        _ => "Every line stands at its count.",
    };
    Ok(out.table(table, none)?)
}

/// What is to be done, each thing once.
fn fixes(report: &RunReport) -> Fixes {
    let mut fixes = Fixes::default();
    // One that is still open stands in both lists.
    let again = |settled: &&LineReport| {
        let same = |line: &LineReport| line.line == settled.line && line.code == settled.code;
        !report.lines.iter().any(same)
    };
    let settled = report.settled.iter().filter(again);
    for line in settled.chain(&report.lines) {
        match (&line.code, &line.fix) {
            // Each has its own number; the fix is the same for all.
            (Some(code), Some(_)) if code == ReportCode::ApprovalNeeded.as_str() => {
                fixes.see(code, ReportCode::ApprovalNeeded.fix(), None, None)
            }
            (Some(code), Some(fix)) => {
                let action = Line::action(line, &report.connection);
                fixes.see(code, fix, action, line.link.as_deref());
            }
            _ => {}
        }
    }
    fixes
}

/// How many lines came to what, and the money.
fn sums(report: &RunReport, out: Output) -> Result<()> {
    let counts: Vec<String> = report
        .summary
        .outcomes
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    out.line(format!(
        "{}: {} ({})",
        number_of(report.summary.lines, "line"),
        if counts.is_empty() {
            "none".to_owned()
        } else {
            counts.join(", ")
        },
        number_of(report.requests, "request")
    ))?;
    match left(report) {
        0 => {}
        1 => out.line("1 line keeps other units than its count, by decision or rule")?,
        many => out.line(format!(
            "{many} lines keep other units than their count, by decision or rule"
        ))?,
    }
    if let Some(sums) = &report.summary.new_accounts {
        out.line(format!("one question: {sums}"))?;
    }
    for change in &report.summary.money {
        out.line(money(change))?;
    }
    if let Some(words) = without_price(report.summary.money_unknown) {
        out.line(format!("money a month: {words}"))?;
    }
    match report.summary.never_posted {
        0 => {}
        1 => out.line("1 held change can never be posted as it stands; no sum has it")?,
        many => out.line(format!(
            "{many} held changes can never be posted as they stand; no sum has them"
        ))?,
    }
    Ok(())
}

/// Lines that are neither at their count nor to be changed.
fn left(report: &RunReport) -> usize {
    let code = ReportCode::LeftAsItIs.as_str();
    let lines = report.lines.iter();
    lines
        .filter(|line| line.code.as_deref() == Some(code))
        .count()
}

/// `money a month in USD: +25.20 confirmed, -3.00 waiting for approval`
fn money(change: &MoneyChange) -> String {
    let parts = [
        (change.confirmed, "confirmed"),
        (change.planned, "planned"),
        (change.awaiting_approval, "waiting for approval"),
        (change.not_posted, "not posted"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(amount, _)| !amount.is_zero())
        .map(|(amount, what)| {
            let sign = if amount.is_sign_positive() { "+" } else { "" };
            let money = Money {
                amount,
                currency: None,
            };
            format!("{sign}{money} {what}")
        })
        .collect();
    let currency = match &change.currency {
        Some(currency) => format!(" in {currency}"),
        None => String::new(),
    };
    let parts = if parts.is_empty() {
        "no change".to_owned()
    } else {
        parts.join(", ")
    };
    format!("money a month{currency}: {parts}")
}

/// What the sums of money lack; none where they lack nothing.
pub(super) fn without_price(changes: usize) -> Option<String> {
    match changes {
        0 => None,
        1 => Some("1 change without a known price".to_owned()),
        changes => Some(format!("{changes} changes without a known price")),
    }
}

fn a_month(line: &LineReport) -> Option<&Money> {
    line.money.as_ref()?.monthly_change.as_ref()
}

/// The day of each change is left out where it is the one that the run is for.
fn lines(lines: &[LineReport], report: &RunReport, names: &Names, all: bool) -> Table {
    // What keeps other units than its count is never left out.
    // Changes of new accounts are one question, with one sum.
    let shown = |line: &&LineReport| {
        let says_something = line.outcome.as_str() != "unchanged" || line.code.is_some();
        all || (says_something && !line.is_of_new_account())
    };
    let of = &report.connection;
    let mut shown_lines = lines.iter().filter(shown);
    let days = shown_lines.any(|line| line.effective_date != report.as_of);
    let mut columns = vec![
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
        Column::Left("ACCOUNT"),
        Column::Left("CONTRACT"),
        Column::Left("LINE"),
        Column::Right("FROM"),
        Column::Right("TO"),
        Column::Right("CHANGE"),
        Column::Right("A MONTH"),
    ];
    columns.extend(days.then_some(Column::Left("FROM DAY")));
    columns.extend([Column::Left("OUTCOME"), Column::Words("WHY")]);
    let mut table = Table::new(columns);
    for line in lines.iter().filter(shown) {
        let plain = |text: String| (text, Tone::Plain);
        let account = line.account.as_ref();
        let account = account.map(|id| named(id, names.account(of, id)));
        let contract = line.contract.as_ref();
        let contract = contract.map(|id| named(id, names.contract(of, id)));
        let mut cells = vec![
            plain(named(&line.workspace, names.workspace(&line.workspace))),
            plain(named(&line.module, names.module(&line.module))),
            plain(or_dash(account)),
            plain(or_dash(contract)),
            plain(or_dash(line.line.as_ref())),
            plain(or_dash(line.baseline)),
            plain(or_dash(line.target)),
            plain(or_dash(line.delta())),
            plain(or_dash(a_month(line))),
        ];
        cells.extend(days.then(|| plain(line.effective_date.to_string())));
        let outcome = line.outcome.as_str();
        cells.extend([(outcome.to_owned(), tone(outcome)), plain(why(line))]);
        table.cells(cells);
    }
    table
}

fn tone(outcome: &str) -> Tone {
    match outcome {
        "confirmed" => Tone::Good,
        "held" | "awaiting-approval" => Tone::Attention,
        "rejected" | "doubtful" => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// The code, or the question's number, and what happened.
fn why(line: &LineReport) -> String {
    match (&line.code, &line.message) {
        (Some(_), Some(message)) if line.question.is_some() => {
            format!("{}: {message}", or_dash(line.question.as_ref()))
        }
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (code, message) => code
            .as_ref()
            .or(message.as_ref())
            .cloned()
            .unwrap_or_default(),
    }
}
