//! A run's report, for people and as JSON.

use anyhow::Result;
use psa_host_billing::{Money, ReportCode, Units, UnitsChange};
use psa_host_sync::run::{LineReport, MoneyChange, Notice, Released, RunReport};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::fixes::Fixes;
use super::{account_money, or_dash};
use crate::output::{Column, Output, Table, Tone, number, number_of};

/// A report with quantities as JSON numbers.
pub struct RunJson<'a>(pub &'a RunReport);

impl Serialize for RunJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape<'a> {
            run: &'a str,
            status: &'a str,
            connection: &'a psa_host_billing::ConnectionName,
            tenant: &'a psa_host_billing::TenantKey,
            dry_run: bool,
            as_of: jiff::civil::Date,
            today: jiff::civil::Date,
            started_at: jiff::Timestamp,
            ended_at: jiff::Timestamp,
            cancelled_by: Option<&'a str>,
            only: &'a [psa_host_billing::WorkspaceId],
            left_out: usize,
            snapshot: Option<&'a str>,
            snapshot_taken_at: Option<jiff::Timestamp>,
            snapshot_withdrawn: Option<&'a psa_host_sync::Withdrawal>,
            requests: u64,
            dev_origins: &'a [String],
            summary: &'a psa_host_sync::run::Summary,
            released: &'a [Released],
            notices: &'a [Notice],
            incidents: &'a [Notice],
            settled: Lines<'a>,
            lines: Lines<'a>,
            history_head: Option<&'a psa_host_sync::HistoryHead>,
        }
        let report = self.0;
        Shape {
            run: &report.run,
            status: report.status,
            connection: &report.connection,
            tenant: &report.tenant,
            dry_run: report.dry_run,
            as_of: report.as_of,
            today: report.today,
            started_at: report.started_at,
            ended_at: report.ended_at,
            cancelled_by: report.cancelled_by.as_deref(),
            only: &report.only,
            left_out: report.left_out,
            snapshot: report.snapshot.as_deref(),
            snapshot_taken_at: report.snapshot_taken_at,
            snapshot_withdrawn: report.snapshot_withdrawn.as_ref(),
            requests: report.requests,
            dev_origins: &report.dev_origins,
            summary: &report.summary,
            released: &report.released,
            notices: &report.notices,
            incidents: &report.incidents,
            settled: Lines(&report.settled),
            lines: Lines(&report.lines),
            history_head: report.history_head.as_ref(),
        }
        .serialize(serializer)
    }
}

/// One after the other, so that 60,000 lines are never a tree in memory.
struct Lines<'a>(&'a [LineReport]);

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lines = serializer.serialize_seq(Some(self.0.len()))?;
        for line in self.0 {
            lines.serialize_element(&line_json(line))?;
        }
        lines.end()
    }
}

/// A line with quantities as JSON numbers, and money as decimal text.
#[derive(Serialize)]
pub struct LineJson<'a> {
    workspace: &'a psa_host_billing::WorkspaceId,
    module: &'a psa_host_billing::ModuleId,
    account: Option<&'a psa_host_billing::AccountId>,
    service: &'a psa_host_billing::ServiceId,
    contract: Option<&'a psa_host_billing::ContractId>,
    line: Option<&'a psa_host_billing::LineId>,
    baseline: Option<Value>,
    target: Option<Value>,
    delta: Option<Value>,
    effective_date: jiff::civil::Date,
    unit_price: Option<&'a psa_host_billing::Money>,
    monthly_change: Option<&'a psa_host_billing::Money>,
    outcome: &'a str,
    code: Option<&'a str>,
    message: Option<&'a str>,
    fix: Option<&'a str>,
    link: Option<&'a str>,
    question: Option<&'a str>,
}

pub fn line_json(line: &LineReport) -> LineJson<'_> {
    LineJson {
        workspace: &line.workspace,
        module: &line.module,
        account: line.account.as_ref(),
        service: &line.service,
        contract: line.contract.as_ref(),
        line: line.line.as_ref(),
        baseline: line.baseline.map(Units::get).map(number),
        target: line.target.map(Units::get).map(number),
        delta: line.delta().map(UnitsChange::get).map(number),
        effective_date: line.effective_date,
        unit_price: line.money.as_ref().and_then(|m| m.unit_price.as_ref()),
        monthly_change: line.money.as_ref().and_then(|m| m.monthly_change.as_ref()),
        outcome: line.outcome.as_str(),
        code: line.code.as_deref(),
        message: line.message.as_deref(),
        fix: line.fix.as_deref(),
        link: line.link.as_deref(),
        question: line.question.as_deref(),
    }
}

/// For a person: what came of each line, sums, and what is to be done.
pub fn print(report: &RunReport, all: bool, out: Output) -> Result<()> {
    circumstances(report, out)?;
    tables(report, all, out)?;
    fixes(report).print(out)?;
    sums(report, out)?;
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
    if let Some(head) = &report.history_head {
        out.line(format!("history head {head}"))?;
    }
    Ok(())
}

/// Which run it is, and what is to be known before its lines are read.
fn circumstances(report: &RunReport, out: Output) -> Result<()> {
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
        let only: Vec<&str> = report.only.iter().map(|id| id.as_str()).collect();
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
fn tables(report: &RunReport, all: bool, out: Output) -> Result<()> {
    if !report.settled.is_empty() {
        out.line("From earlier runs")?;
        out.table(lines(&report.settled, report.as_of, true), "")?;
        out.line("")?;
    }
    let table = lines(&report.lines, report.as_of, all);
    let none = match report.lines.len() {
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
                fixes.see(code, ReportCode::ApprovalNeeded.fix(), None)
            }
            (Some(code), Some(fix)) => fixes.see(code, fix, line.link.as_deref()),
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
    out.line("")?;
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
    account_money::print(report, out)
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
fn lines(lines: &[LineReport], as_of: jiff::civil::Date, all: bool) -> Table {
    // What keeps other units than its count is never left out.
    // Changes of new accounts are one question, with one sum.
    let shown = |line: &&LineReport| {
        let says_something = line.outcome.as_str() != "unchanged" || line.code.is_some();
        all || (says_something && !line.is_of_new_account())
    };
    let days = lines
        .iter()
        .filter(shown)
        .any(|line| line.effective_date != as_of);
    let mut columns = vec![
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
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
        let outcome = line.outcome.as_str();
        let tone = match outcome {
            "confirmed" => Tone::Good,
            "held" | "awaiting-approval" => Tone::Attention,
            "rejected" | "doubtful" => Tone::Bad,
            _ => Tone::Plain,
        };
        let why = match (&line.code, &line.message) {
            (Some(_), Some(message)) if line.question.is_some() => {
                format!("{}: {message}", or_dash(line.question.as_ref()))
            }
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (code, message) => code
                .as_ref()
                .or(message.as_ref())
                .cloned()
                .unwrap_or_default(),
        };
        let plain = |text: String| (text, Tone::Plain);
        let mut cells = vec![
            plain(line.workspace.to_string()),
            plain(line.module.to_string()),
            plain(or_dash(line.contract.as_ref())),
            plain(or_dash(line.line.as_ref())),
            plain(or_dash(line.baseline)),
            plain(or_dash(line.target)),
            plain(or_dash(line.delta())),
            plain(or_dash(a_month(line))),
        ];
        cells.extend(days.then(|| plain(line.effective_date.to_string())));
        cells.extend([(outcome.to_owned(), tone), plain(why)]);
        table.cells(cells);
    }
    table
}
