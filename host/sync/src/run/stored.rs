//! A report as the ledger keeps it, and back.

use std::collections::BTreeSet;

use jiff::civil::Date;
use psa_host_billing::{ErrorCode, HoldCode};
use psa_host_ledger::{IntentState, Ledger, Outcome, RunId, RunLine};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::{LineMoney, LineReport, Notice, RunReport, Summary};
use crate::error::rule;
use crate::{Access, OpenConnection, Power, Result, RunView};

/// A line, for the ledger.
pub(super) fn row(line: LineReport) -> RunLine {
    let detail = detail(&line);
    RunLine {
        workspace: Some(line.workspace),
        module: Some(line.module),
        account: line.account,
        service: Some(line.service),
        contract: line.contract,
        line: line.line,
        baseline: line.baseline,
        target: line.target,
        effective: Some(line.effective_date),
        outcome: line.outcome,
        code: line.code,
        message: line.message,
        fix: line.fix,
        detail,
    }
}

/// What not every line has.
#[derive(Default, Serialize, Deserialize)]
struct Detail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    money: Option<Box<LineMoney>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    question: Option<Box<str>>,
}

fn detail(line: &LineReport) -> Option<String> {
    if line.link.is_none() && line.money.is_none() && line.question.is_none() {
        return None;
    }
    let detail = Detail {
        link: line.link.clone(),
        money: line.money.clone(),
        question: line.question.clone(),
    };
    serde_json::to_string(&detail).ok()
}

/// What the sandbox refused or ended, with the plugin that did it.
pub(super) fn incidents(open: &OpenConnection) -> Vec<Notice> {
    let plugin = &open.plugin.description().name;
    let incidents = open.session.incidents();
    let notice = |incident| Notice::of_plugin(plugin, incident);
    incidents.iter().map(notice).collect()
}

/// The lines of a run, as far as they are known: one of whose adjustment nobody knows what
/// became is doubtful, also where the run was cut short before it could say so.
pub(super) fn lines_of(ledger: &Ledger, run: RunId, as_of: Date) -> Result<Vec<LineReport>> {
    let unclear = unclear_rows(ledger, run)?;
    let lines = (0_u32..).zip(ledger.run_lines(run)?);
    let lines = lines.filter_map(|(row, line)| {
        let mut line = report(line, as_of)?;
        if unclear.contains(&row) && line.outcome == Outcome::Planned {
            line.cut_short();
        }
        Some(line)
    });
    Ok(lines.collect())
}

impl Access {
    /// The report of an earlier run, as far as it is known today: what was in doubt
    /// and has been settled since shows its settlement.
    ///
    /// # Errors
    /// No such run; a damaged ledger.
    pub fn run_report(&self, id: RunId) -> Result<RunReport> {
        self.may(Power::Read)?;
        let run = self.run_seen(id)?;
        let listed = RunView::from(run.clone());
        let lines = lines_of(self.ledger(), id, run.as_of)?;
        let notices = |of: &str| -> Vec<Notice> { kept(&run.incidents, of) };
        // Runs of earlier releases did not keep them.
        let today = run.incidents.get("today").cloned();
        let today = today.and_then(|day| serde_json::from_value(day).ok());
        let count = |of: &str| {
            let count = run.incidents.get(of).and_then(Value::as_u64);
            usize::try_from(count.unwrap_or_default()).unwrap_or_default()
        };
        let snapshot = run
            .snapshot
            .map(|id| self.ledger().snapshot(id))
            .transpose()?;
        let tenant = run.tenant.ok_or_else(|| {
            rule(
                ErrorCode::RunWithoutTenant,
                format!("run {id} ended before it reached the PSA"),
                "Sync again.",
            )
        })?;
        Ok(RunReport {
            run: id.to_string(),
            status: run.status.as_str(),
            connection: run.connection,
            tenant,
            dry_run: run.dry_run,
            as_of: run.as_of,
            today: today.unwrap_or(run.as_of),
            why: listed.why,
            started_by: listed.started_by,
            started_at: run.started_at,
            ended_at: run.ended_at,
            cancelled_by: run
                .incidents
                .get("cancelled_by")
                .and_then(Value::as_str)
                .map(str::to_owned),
            only: kept(&run.incidents, "only"),
            left_out: count("left_out"),
            snapshot: run.snapshot.map(|id| id.to_string()),
            snapshot_taken_at: snapshot.as_ref().map(|snapshot| snapshot.taken_at),
            snapshot_withdrawn: snapshot.and_then(|snapshot| snapshot.withdrawn),
            requests: run.requests,
            dev_origins: kept(&run.incidents, "dev_origins"),
            counts: listed.counts,
            summary: Summary {
                unmapped_workspaces: count("unmapped_workspaces"),
                unmapped_modules: count("unmapped_modules"),
                ..Summary::of(&lines, 0)
            },
            released: kept(&run.incidents, "released"),
            notices: notices("notices"),
            incidents: notices("incidents"),
            settled: Vec::new(),
            lines,
            history_head: self.ledger().history_head_of_run(id)?,
        })
    }
}

/// Rows of a run whose adjustments may have left, and nobody knows yet: the process is
/// still at work, or the run was cut short before it could say so.
fn unclear_rows(ledger: &Ledger, run: RunId) -> Result<BTreeSet<u32>> {
    let unclear = |state| {
        matches!(
            state,
            IntentState::Sending | IntentState::Accepted | IntentState::Doubtful
        )
    };
    let made = ledger.run_intents(run)?.into_iter();
    Ok(made
        .filter(|made| unclear(made.state) && !made.is_only_marked())
        .map(|made| made.intent.row)
        .collect())
}

impl LineReport {
    /// The adjustment is on its way, or was when the run died.
    fn cut_short(&mut self) {
        self.outcome = Outcome::Doubtful;
        self.explain(
            HoldCode::OpenAdjustment.as_str(),
            "it is on its way, or was when the run was cut short: it may have been applied",
            HoldCode::OpenAdjustment.fix(),
        );
    }
}

/// A list that is kept beside the lines; empty where an earlier release kept none.
fn kept<T: serde::de::DeserializeOwned>(beside: &Value, what: &str) -> Vec<T> {
    let list = beside.get(what).cloned();
    list.and_then(|list| serde_json::from_value(list).ok())
        .unwrap_or_default()
}

fn report(row: RunLine, as_of: Date) -> Option<LineReport> {
    let detail: Option<Detail> = row.detail.and_then(|text| serde_json::from_str(&text).ok());
    let detail = detail.unwrap_or_default();
    Some(LineReport {
        workspace: row.workspace?,
        module: row.module?,
        account: row.account,
        service: row.service?,
        contract: row.contract,
        line: row.line,
        baseline: row.baseline,
        target: row.target,
        effective_date: row.effective.unwrap_or(as_of),
        outcome: row.outcome,
        code: row.code,
        message: row.message,
        fix: row.fix,
        link: detail.link,
        money: detail.money,
        question: detail.question,
    })
}
