//! A run's report, and what explains one pair of it.

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::{ConnectionName, Money, TenantKey, Units, UnitsChange, WorkspaceId};
use psa_host_sync::run::{LineReport, Notice, Released, RunReport, Summary};
use psa_host_sync::{CountView, Earlier, Explanation, HistoryHead, Names, StepView, Withdrawal};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::action::{About, Action};
use crate::named::{Ids, NamesBeside};
use crate::number::{change, units};
use crate::problem::Problem;

/// A run. In a list of runs it has the same fields but those of its report.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Run<'a> {
    run: &'a str,
    status: &'a str,
    #[schemars(with = "String")]
    connection: &'a ConnectionName,
    #[schemars(with = "String")]
    tenant: &'a TenantKey,
    dry_run: bool,
    #[schemars(with = "Day")]
    as_of: Date,
    #[schemars(with = "Day")]
    today: Date,
    #[schemars(with = "Instant")]
    started_at: Timestamp,
    #[schemars(with = "Instant")]
    ended_at: Timestamp,
    /// Who ended it early, where that is how it ended.
    cancelled_by: Option<&'a str>,
    /// The workspaces that it was about; empty where it was about all.
    #[schemars(with = "Vec<String>")]
    only: &'a [WorkspaceId],
    /// Mapped workspaces that it was not about.
    left_out: usize,
    snapshot: Option<&'a str>,
    #[schemars(with = "Option<Instant>")]
    snapshot_taken_at: Option<Timestamp>,
    snapshot_withdrawn: Option<&'a Withdrawal>,
    requests: u64,
    /// The lines are those that are new since this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_since: Option<&'a str>,
    dev_origins: &'a [String],
    /// Lines by outcome, as in the list of runs.
    counts: &'a std::collections::BTreeMap<&'static str, usize>,
    summary: &'a Summary,
    released: &'a [Released],
    notices: &'a [Notice],
    incidents: &'a [Notice],
    settled: Lines<'a>,
    lines: Lines<'a>,
    history_head: Option<&'a HistoryHead>,
}

impl<'a> Run<'a> {
    /// The report with names.
    pub fn new(report: &'a RunReport, names: &'a Names) -> Self {
        let lines = |lines: &'a [LineReport]| Lines {
            lines,
            report,
            names,
        };
        Self {
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
            new_since: None,
            dev_origins: &report.dev_origins,
            counts: &report.summary.outcomes,
            summary: &report.summary,
            released: &report.released,
            notices: &report.notices,
            incidents: &report.incidents,
            settled: lines(&report.settled),
            lines: lines(&report.lines),
            history_head: report.history_head.as_ref(),
        }
    }

    /// Say that its lines are only those that are new since another run.
    #[must_use]
    pub fn since(mut self, run: Option<&'a str>) -> Self {
        self.new_since = run;
        self
    }
}

/// One after the other, so that 60,000 lines are never a tree in memory.
#[derive(Debug)]
struct Lines<'a> {
    lines: &'a [LineReport],
    report: &'a RunReport,
    names: &'a Names,
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lines = serializer.serialize_seq(Some(self.lines.len()))?;
        let RunReport {
            run, connection, ..
        } = self.report;
        for line in self.lines {
            lines.serialize_element(&Line::new(line, connection, Some(run), self.names))?;
        }
        lines.end()
    }
}

impl JsonSchema for Lines<'_> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Lines".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Vec<Line<'_>>>::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

/// A pair of workspace and module in a run, with quantities as numbers and money as decimal
/// text.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Line<'a> {
    #[schemars(with = "String")]
    workspace: &'a psa_host_billing::WorkspaceId,
    #[schemars(with = "String")]
    module: &'a psa_host_billing::ModuleId,
    #[schemars(with = "Option<String>")]
    account: Option<&'a psa_host_billing::AccountId>,
    #[schemars(with = "String")]
    service: &'a psa_host_billing::ServiceId,
    #[schemars(with = "Option<String>")]
    contract: Option<&'a psa_host_billing::ContractId>,
    #[schemars(with = "Option<String>")]
    line: Option<&'a psa_host_billing::LineId>,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    #[schemars(with = "Option<Units>")]
    baseline: Option<Value>,
    #[schemars(with = "Option<Units>")]
    target: Option<Value>,
    #[schemars(with = "Option<UnitsChange>")]
    delta: Option<Value>,
    #[schemars(with = "Day")]
    effective_date: Date,
    unit_price: Option<&'a Money>,
    monthly_change: Option<&'a Money>,
    outcome: &'a str,
    code: Option<&'a str>,
    message: Option<&'a str>,
    fix: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    link: Option<&'a str>,
    question: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// A line of a connection's report; `run` where it is one that was carried out.
    pub fn new(
        line: &'a LineReport,
        connection: &ConnectionName,
        run: Option<&str>,
        names: &'a Names,
    ) -> Self {
        let money = line.money.as_ref();
        Self {
            workspace: &line.workspace,
            module: &line.module,
            account: line.account.as_ref(),
            service: &line.service,
            contract: line.contract.as_ref(),
            line: line.line.as_ref(),
            names: Ids::of(line).named(Some(connection), names),
            baseline: line.baseline.map(units),
            target: line.target.map(units),
            delta: line.delta().map(change),
            effective_date: line.effective_date,
            unit_price: money.and_then(|money| money.unit_price.as_ref()),
            monthly_change: money.and_then(|money| money.monthly_change.as_ref()),
            outcome: line.outcome.as_str(),
            code: line.code.as_deref(),
            message: line.message.as_deref(),
            fix: line.fix.as_deref(),
            action: Self::action(line, connection, run),
            link: line.link.as_deref(),
            question: line.question.as_deref(),
        }
    }

    /// What a person can do about a line.
    pub fn action(
        line: &LineReport,
        connection: &ConnectionName,
        run: Option<&str>,
    ) -> Option<Action> {
        let about = About {
            connection: Some(connection),
            workspace: Some(&line.workspace),
            module: Some(&line.module),
            line: line.line.as_ref().map(psa_host_billing::LineId::as_str),
            run,
            question: line.question.as_deref(),
        };
        Action::about(line.code.as_deref()?, about)
    }
}

/// Several connections: each is a run or an error of its own.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Runs<'a> {
    /// Those that were carried out.
    pub runs: Vec<Run<'a>>,
    /// Those that were not.
    pub errors: Vec<FailedRun<'a>>,
    /// Why there is neither.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
}

/// A connection whose run could not be carried out.
#[derive(Debug, JsonSchema, Serialize)]
pub struct FailedRun<'a> {
    /// Which.
    #[schemars(with = "String")]
    pub connection: &'a ConnectionName,
    /// Why.
    pub error: Problem<'a>,
}

/// Why a pair has its number.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Explained<'a> {
    #[schemars(with = "String")]
    connection: &'a ConnectionName,
    #[schemars(with = "String")]
    tenant: &'a TenantKey,
    #[schemars(with = "Day")]
    as_of: Date,
    #[schemars(with = "String")]
    workspace: &'a psa_host_billing::WorkspaceId,
    #[schemars(with = "String")]
    module: &'a psa_host_billing::ModuleId,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    steps: &'a [StepView],
    line: Option<Line<'a>>,
    counted: Option<&'a CountView>,
    before: &'a [Earlier],
}

impl<'a> Explained<'a> {
    /// An explanation of this pair.
    pub fn new(
        explained: &'a Explanation,
        (workspace, module): (
            &'a psa_host_billing::WorkspaceId,
            &'a psa_host_billing::ModuleId,
        ),
        names: &'a Names,
    ) -> Self {
        let connection = &explained.connection;
        let ids = Ids {
            workspace: Some(workspace),
            module: Some(module),
            ..Ids::default()
        };
        let line = explained.line.as_ref();
        Self {
            connection,
            tenant: &explained.tenant,
            as_of: explained.as_of,
            workspace,
            module,
            names: ids.named(Some(connection), names),
            steps: &explained.steps,
            line: line.map(|line| Line::new(line, connection, None, names)),
            counted: explained.counted.as_ref(),
            before: &explained.before,
        }
    }
}
