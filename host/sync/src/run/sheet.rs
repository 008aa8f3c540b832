//! A run's report, and what waits for approval, as files for a spreadsheet.

use std::path::Path;

use psa_host_billing::{ConnectionName, Money};
use psa_host_ledger::{QuestionRecord, RunId};

use crate::history::{ExportForm, Exported};
use crate::names::Names;
use crate::run::{LineReport, RunReport};
use crate::sheet_file::{Cell, Sheet};
use crate::{Access, Power, Result};

const RUN: &[&str] = &[
    "connection",
    "workspace",
    "workspace_name",
    "module",
    "module_name",
    "account",
    "account_name",
    "service",
    "service_name",
    "contract",
    "contract_name",
    "line",
    "from",
    "to",
    "change",
    "unit_price",
    "monthly_change",
    "currency",
    "effective_date",
    "outcome",
    "code",
    "message",
    "fix",
    "link",
    "question",
];

const QUESTIONS: &[&str] = &[
    "question",
    "connection",
    "workspace",
    "workspace_name",
    "module",
    "module_name",
    "service",
    "service_name",
    "contract",
    "contract_name",
    "line",
    "from",
    "to",
    "change",
    "monthly_change",
    "currency",
    "effective_date",
    "reasons",
    "state",
    "asked_at",
    "decided_by",
    "why",
];

impl Access {
    /// Write every line of a run's report into a file.
    ///
    /// # Errors
    /// As [`Access::run_report`]; a file that is there already, without `force`.
    pub fn export_run(
        &self,
        run: RunId,
        file: &Path,
        form: ExportForm,
        force: bool,
    ) -> Result<Exported> {
        self.may(Power::Read)?;
        let report = self.run_report(run)?;
        let names = self.names(Some(&report.connection))?;
        let rows = report.lines.iter();
        let sheet = Sheet {
            name: "run",
            columns: RUN,
            rows: rows.map(|line| line_row(line, &report, &names)).collect(),
        };
        sheet.write(file, form, force)
    }

    /// Write what waits for approval (`all`: what was answered too) into a file.
    ///
    /// # Errors
    /// No such connection; a file that is there already, without `force`.
    pub fn export_questions(
        &self,
        connection: Option<&ConnectionName>,
        all: bool,
        (file, form, force): (&Path, ExportForm, bool),
    ) -> Result<Exported> {
        self.may(Power::Read)?;
        let asked = self.questions(connection, all)?;
        let names = self.names(connection)?;
        let sheet = Sheet {
            name: "approvals",
            columns: QUESTIONS,
            rows: asked.iter().map(|one| question_row(one, &names)).collect(),
        };
        sheet.write(file, form, force)
    }
}

fn line_row(line: &LineReport, report: &RunReport, names: &Names) -> Vec<Cell> {
    let of = &report.connection;
    let money = line.money.as_ref();
    let monthly = money.and_then(|money| money.monthly_change.as_ref());
    let price = money.and_then(|money| money.unit_price.as_ref());
    let account = line.account.as_ref();
    let contract = line.contract.as_ref();
    vec![
        Cell::text(of),
        Cell::text(&line.workspace),
        Cell::or_empty(names.workspace(&line.workspace)),
        Cell::text(&line.module),
        Cell::or_empty(names.module(&line.module)),
        Cell::or_empty(account),
        Cell::or_empty(account.and_then(|id| names.account(of, id))),
        Cell::text(&line.service),
        Cell::or_empty(names.service(of, &line.service)),
        Cell::or_empty(contract),
        Cell::or_empty(contract.and_then(|id| names.contract(of, id))),
        Cell::or_empty(line.line.as_ref()),
        Cell::number(line.baseline.map(|units| units.get())),
        Cell::number(line.target.map(|units| units.get())),
        Cell::number(line.delta().map(|change| change.get())),
        Cell::number(price.map(|money| money.amount)),
        Cell::number(monthly.map(|money| money.amount)),
        Cell::or_empty(monthly.or(price).and_then(currency)),
        Cell::text(line.effective_date),
        Cell::text(line.outcome.as_str()),
        Cell::or_empty(line.code.as_ref()),
        Cell::or_empty(line.message.as_ref()),
        Cell::or_empty(line.fix.as_ref()),
        Cell::or_empty(line.link.as_ref()),
        Cell::or_empty(line.question.as_ref()),
    ]
}

fn question_row(asked: &QuestionRecord, names: &Names) -> Vec<Cell> {
    let (of, about) = (&asked.connection, &asked.question);
    let reasons: Vec<String> = about.reasons.iter().map(ToString::to_string).collect();
    let change = about.target.change_from(about.baseline);
    vec![
        Cell::text(asked.id),
        Cell::text(of),
        Cell::text(&about.workspace),
        Cell::or_empty(names.workspace(&about.workspace)),
        Cell::text(&about.module),
        Cell::or_empty(names.module(&about.module)),
        Cell::text(&about.key.service),
        Cell::or_empty(names.service(of, &about.key.service)),
        Cell::text(&about.key.contract),
        Cell::or_empty(names.contract(of, &about.key.contract)),
        Cell::text(&about.key.line),
        Cell::Number(about.baseline.get()),
        Cell::Number(about.target.get()),
        Cell::Number(change.get()),
        Cell::number(about.money.as_ref().map(|money| money.amount)),
        Cell::or_empty(about.money.as_ref().and_then(currency)),
        Cell::text(about.effective),
        Cell::text(reasons.join("; ")),
        Cell::text(asked.state.as_str()),
        Cell::text(asked.asked_at),
        Cell::or_empty(asked.decided_by.as_ref()),
        Cell::or_empty(asked.why.as_ref()),
    ]
}

fn currency(money: &Money) -> Option<&str> {
    money.currency.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_heading_stands_twice() {
        for columns in [RUN, QUESTIONS] {
            let once: std::collections::BTreeSet<_> = columns.iter().collect();
            assert_eq!(once.len(), columns.len());
        }
    }
}
