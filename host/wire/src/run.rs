//! A run's report, and what explains one pair of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::{ConnectionName, Money, TenantKey, Units, UnitsChange, WorkspaceId};
use psa_host_sync::run::{LineReport, Notice, Released, RunReport, Summary};
use psa_host_sync::{CountView, Earlier, Explanation, HistoryHead, Names, StepView, Withdrawal};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::action::{About, Action, Fix};
use crate::named::{Ids, NamesBeside};
use crate::number::{Number, change, units};
use crate::problem::Problem;

/// A run with its report. In a list of runs it has the same fields without those of the report.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Run<'a> {
    pub run: Cow<'a, str>,
    pub status: Cow<'a, str>,
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    #[schemars(with = "String")]
    pub tenant: Cow<'a, TenantKey>,
    pub dry_run: bool,
    #[schemars(with = "Day")]
    pub as_of: Date,
    #[schemars(with = "Day")]
    pub today: Date,
    /// Why it did not go through all rows, where it did not.
    pub why: Option<Cow<'a, str>>,
    /// By whom.
    pub started_by: Cow<'a, str>,
    #[schemars(with = "Instant")]
    pub started_at: Timestamp,
    #[schemars(with = "Option<Instant>")]
    pub ended_at: Option<Timestamp>,
    /// Who ended it early, where that is how it ended.
    pub cancelled_by: Option<Cow<'a, str>>,
    /// The workspaces that it was about; empty where it was about all.
    #[schemars(with = "Vec<String>")]
    pub only: Cow<'a, [WorkspaceId]>,
    /// Mapped workspaces that it was not about.
    pub left_out: usize,
    pub snapshot: Option<Cow<'a, str>>,
    #[schemars(with = "Option<Instant>")]
    pub snapshot_taken_at: Option<Timestamp>,
    pub snapshot_withdrawn: Option<Cow<'a, Withdrawal>>,
    pub requests: u64,
    /// The lines are those that are new since this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_since: Option<Cow<'a, str>>,
    pub dev_origins: Cow<'a, [String]>,
    /// Lines by outcome as it ended; what became of them since is in the summary.
    pub counts: Cow<'a, BTreeMap<Cow<'static, str>, u64>>,
    pub summary: Cow<'a, Summary>,
    pub released: Cow<'a, [Released]>,
    pub notices: Vec<Told<'a>>,
    pub incidents: Vec<Told<'a>>,
    pub settled: Lines<'a>,
    pub lines: Lines<'a>,
    pub history_head: Option<Cow<'a, HistoryHead>>,
}

impl<'a> Run<'a> {
    /// The report with names.
    pub fn new(report: &'a RunReport, names: &'a Names) -> Self {
        let lines = |lines: &'a [LineReport]| {
            Lines(Source::Report {
                lines,
                report,
                names,
            })
        };
        Self {
            run: Cow::Borrowed(&report.run),
            status: Cow::Borrowed(report.status),
            connection: Cow::Borrowed(&report.connection),
            tenant: Cow::Borrowed(&report.tenant),
            dry_run: report.dry_run,
            as_of: report.as_of,
            today: report.today,
            why: report.why.as_deref().map(Cow::Borrowed),
            started_by: Cow::Borrowed(&report.started_by),
            started_at: report.started_at,
            ended_at: report.ended_at,
            cancelled_by: report.cancelled_by.as_deref().map(Cow::Borrowed),
            only: Cow::Borrowed(&report.only),
            left_out: report.left_out,
            snapshot: report.snapshot.as_deref().map(Cow::Borrowed),
            snapshot_taken_at: report.snapshot_taken_at,
            snapshot_withdrawn: report.snapshot_withdrawn.as_ref().map(Cow::Borrowed),
            requests: report.requests,
            new_since: None,
            dev_origins: Cow::Borrowed(&report.dev_origins),
            counts: Cow::Borrowed(&report.counts),
            summary: Cow::Borrowed(&report.summary),
            released: Cow::Borrowed(&report.released),
            notices: Told::all(&report.notices, &report.connection),
            incidents: Told::all(&report.incidents, &report.connection),
            settled: lines(&report.settled),
            lines: lines(&report.lines),
            history_head: report.history_head.as_ref().map(Cow::Borrowed),
        }
    }

    /// Say that its lines are only those that are new since another run.
    #[must_use]
    pub fn since(mut self, run: Option<&'a str>) -> Self {
        self.new_since = run.map(Cow::Borrowed);
        self
    }
}

/// Lines of a report. Those that are written are made one after the other, so that 60,000 are
/// never a tree in memory.
#[derive(Debug)]
pub struct Lines<'a>(Source<'a>);

#[derive(Debug)]
enum Source<'a> {
    Report {
        lines: &'a [LineReport],
        report: &'a RunReport,
        names: &'a Names,
    },
    Read(Vec<Line<'a>>),
}

impl<'a> Lines<'a> {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, Line<'a>>> {
        let (made, read) = match &self.0 {
            Source::Report {
                lines,
                report,
                names,
            } => {
                let made = lines
                    .iter()
                    .map(|line| Cow::Owned(Line::new(line, &report.connection, names)));
                (Some(made), None)
            }
            Source::Read(lines) => (None, Some(lines.iter().map(Cow::Borrowed))),
        };
        made.into_iter().flatten().chain(read.into_iter().flatten())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Source::Report { lines, .. } => lines.len(),
            Source::Read(lines) => lines.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Lines<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Vec::deserialize(deserializer)?;
        Ok(Self(Source::Read(lines)))
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

/// What stopped a run or a part of it, with what can be done about it.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Told<'a> {
    /// What happened.
    #[serde(flatten)]
    pub notice: Cow<'a, Notice>,
    /// The fix as data, where psa-host can do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Fix>,
}

impl<'a> Told<'a> {
    /// `connection`: which it is about; none: all of them.
    pub fn new(notice: Cow<'a, Notice>, connection: Option<&ConnectionName>) -> Self {
        let about = About {
            connection,
            ..About::default()
        };
        Self {
            action: Action::about(&notice.code, about).map(Fix::from),
            notice,
        }
    }

    fn all(notices: &'a [Notice], connection: &ConnectionName) -> Vec<Self> {
        let told = |notice| Self::new(Cow::Borrowed(notice), Some(connection));
        notices.iter().map(told).collect()
    }
}

/// A pair of workspace and module in a run, with quantities as numbers and money as decimal
/// text.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Line<'a> {
    #[schemars(with = "String")]
    pub workspace: Cow<'a, psa_host_billing::WorkspaceId>,
    #[schemars(with = "String")]
    pub module: Cow<'a, psa_host_billing::ModuleId>,
    #[schemars(with = "Option<String>")]
    pub account: Option<Cow<'a, psa_host_billing::AccountId>>,
    #[schemars(with = "String")]
    pub service: Cow<'a, psa_host_billing::ServiceId>,
    #[schemars(with = "Option<String>")]
    pub contract: Option<Cow<'a, psa_host_billing::ContractId>>,
    #[schemars(with = "Option<String>")]
    pub line: Option<Cow<'a, psa_host_billing::LineId>>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    #[schemars(with = "Option<Units>")]
    pub baseline: Option<Number>,
    #[schemars(with = "Option<Units>")]
    pub target: Option<Number>,
    #[schemars(with = "Option<UnitsChange>")]
    pub delta: Option<Number>,
    #[schemars(with = "Day")]
    pub effective_date: Date,
    pub unit_price: Option<Cow<'a, Money>>,
    pub monthly_change: Option<Cow<'a, Money>>,
    pub outcome: Cow<'a, str>,
    pub code: Option<Cow<'a, str>>,
    pub message: Option<Cow<'a, str>>,
    pub fix: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Fix>,
    pub link: Option<Cow<'a, str>>,
    pub question: Option<Cow<'a, str>>,
}

impl<'a> Line<'a> {
    /// A line of a connection's report.
    pub fn new(line: &'a LineReport, connection: &ConnectionName, names: &'a Names) -> Self {
        let money = line.money.as_ref();
        Self {
            workspace: Cow::Borrowed(&line.workspace),
            module: Cow::Borrowed(&line.module),
            account: line.account.as_ref().map(Cow::Borrowed),
            service: Cow::Borrowed(&line.service),
            contract: line.contract.as_ref().map(Cow::Borrowed),
            line: line.line.as_ref().map(Cow::Borrowed),
            names: Ids::of(line).named(Some(connection), names),
            baseline: line.baseline.map(units),
            target: line.target.map(units),
            delta: line.delta().map(change),
            effective_date: line.effective_date,
            unit_price: money
                .and_then(|money| money.unit_price.as_ref())
                .map(Cow::Borrowed),
            monthly_change: money
                .and_then(|money| money.monthly_change.as_ref())
                .map(Cow::Borrowed),
            outcome: Cow::Borrowed(line.outcome.as_str()),
            code: line.code.as_deref().map(Cow::Borrowed),
            message: line.message.as_deref().map(Cow::Borrowed),
            fix: line.fix.as_deref().map(Cow::Borrowed),
            action: Self::action(line, connection).map(Fix::from),
            link: line.link.as_deref().map(Cow::Borrowed),
            question: line.question.as_deref().map(Cow::Borrowed),
        }
    }

    /// What a person can do about a line.
    pub fn action(line: &LineReport, connection: &ConnectionName) -> Option<Action> {
        let about = About {
            connection: Some(connection),
            workspace: Some(&line.workspace),
            module: Some(&line.module),
            line: line.line.as_ref().map(psa_host_billing::LineId::as_str),
            question: line.question.as_deref(),
        };
        Action::about(line.code.as_deref()?, about)
    }
}

/// Several connections: each is a run or an error of its own.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Runs<'a> {
    /// Those that were carried out.
    pub runs: Vec<Run<'a>>,
    /// Those that were not.
    pub errors: Vec<FailedRun<'a>>,
    /// Why there is neither.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Told<'a>>,
}

/// A connection whose run could not be carried out.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct FailedRun<'a> {
    /// Which.
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    /// Why.
    pub error: Problem<'a>,
}

/// Why a pair has its number.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Explained<'a> {
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    #[schemars(with = "String")]
    pub tenant: Cow<'a, TenantKey>,
    #[schemars(with = "Day")]
    pub as_of: Date,
    #[schemars(with = "String")]
    pub workspace: Cow<'a, psa_host_billing::WorkspaceId>,
    #[schemars(with = "String")]
    pub module: Cow<'a, psa_host_billing::ModuleId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    pub steps: Cow<'a, [StepView]>,
    pub line: Option<Line<'a>>,
    pub counted: Option<Cow<'a, CountView>>,
    pub before: Cow<'a, [Earlier]>,
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
            connection: Cow::Borrowed(connection),
            tenant: Cow::Borrowed(&explained.tenant),
            as_of: explained.as_of,
            workspace: Cow::Borrowed(workspace),
            module: Cow::Borrowed(module),
            names: ids.named(Some(connection), names),
            steps: Cow::Borrowed(&explained.steps),
            line: line.map(|line| Line::new(line, connection, names)),
            counted: explained.counted.as_ref().map(Cow::Borrowed),
            before: Cow::Borrowed(&explained.before),
        }
    }
}
