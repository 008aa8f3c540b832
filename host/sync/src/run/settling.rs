//! What earlier runs left open: adjustments that were sent, or may have been, and of
//! which nobody knows yet what became. The line itself decides; where it cannot, a
//! person does. Nothing is ever sent again from here: an adjustment that was certainly
//! not applied is planned anew from fresh units, like any other; the second time the same
//! change was not applied it is held for a person.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::effective::local_day;
use psa_host_billing::settle::{Shows, shows};
use psa_host_billing::{Hold, HoldCode, Line, LineKey, TenantKey};
use psa_host_ledger::{
    Answer, IntentRecord, IntentState, MAX_SENDS, Outcome, Resolution, RunEnd, RunEnding,
};
use serde_json::json;

use super::report::LineReport;
use crate::mapping::zone_of;
use crate::progress::{Activity, Progress, Watch};
use crate::{Host, OpenConnection, Result};

/// How long a doubtful adjustment is left alone before its line is read, unless the
/// plugin declares that its PSA may work longer on one request.
pub const QUARANTINE: Duration = Duration::from_secs(600);

impl Host {
    /// Settle what this connection left open in the tenant, as far as the lines tell.
    pub(super) async fn settle_earlier(
        &self,
        open: &OpenConnection,
        tenant: &TenantKey,
        quarantine: Duration,
        watch: Watch<'_>,
    ) -> Result<Vec<LineReport>> {
        self.close_abandoned_runs(open)?;
        let left: Vec<IntentRecord> = self
            .ledger()
            .open_intents(tenant)?
            .into_iter()
            .filter(|intent| self.made_by(intent, open))
            .collect();
        let (unsent, sent): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|intent| intent.state == IntentState::Intended);
        let answers: Vec<_> = unsent
            .iter()
            .map(|intent| {
                let why = "its run ended before it was sent";
                (intent.id, Answer::NotSent(why.to_owned()))
            })
            .collect();
        self.ledger().record_answers(&answers)?;
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        watch(Progress {
            activity: Activity::Settling,
            done: 0,
            total: Some(sent.len()),
        });
        let now = self.now();
        let (waiting, due): (Vec<_>, Vec<_>) = sent
            .into_iter()
            .partition(|intent| in_quarantine(intent, now, quarantine));
        let mut reports: Vec<LineReport> = waiting
            .iter()
            .map(|intent| {
                let until = since(intent)
                    .checked_add(jiff::SignedDuration::try_from(quarantine).unwrap_or_default())
                    .unwrap_or(now);
                doubtful(
                    intent,
                    format!("sent without a certain answer; its line is read after {until}"),
                )
            })
            .collect();
        reports.extend(self.read_and_resolve(open, &due).await?);
        Ok(reports)
    }

    async fn read_and_resolve(
        &self,
        open: &OpenConnection,
        due: &[IntentRecord],
    ) -> Result<Vec<LineReport>> {
        let today = local_day(self.now(), &zone_of(&open.connection)?);
        let model = &open.plugin.description().quantity;
        let from = |intent: &IntentRecord| model.shown_from(intent.intent.effective, today);
        let Some(first_day) = due.iter().map(from).min() else {
            return Ok(Vec::new());
        };
        let keys: Vec<LineKey> = due.iter().map(|intent| intent.intent.key.clone()).collect();
        let reading = open
            .reader
            .lines(&keys, first_day)
            .await
            .map_err(|e| open.failed(e))?;
        let mut resolutions = Vec::new();
        let mut reports = Vec::new();
        for intent in due {
            let line = reading
                .lines
                .iter()
                .find(|line| line.key.line == intent.intent.key.line);
            let Some(verdict) = judge(intent, line, from(intent)) else {
                let why = intent.words.clone().unwrap_or_default();
                let mut report = blank(intent, Outcome::Held);
                let code = held_as(intent);
                report.explain(code.as_str(), why, code.fix());
                reports.push(report);
                continue;
            };
            let verdict = match verdict {
                Shows::NotApplied => self.once_more(intent)?,
                verdict => verdict,
            };
            let evidence = json!({ "line": line, "read_at": self.now() });
            let mut report = blank(intent, Outcome::Confirmed);
            let resolution = match verdict {
                Shows::Applied => Resolution::Confirmed,
                Shows::NotApplied => {
                    report.outcome = Outcome::Unchanged;
                    report.message =
                        Some("it was not applied; this run plans the pair anew".to_owned());
                    Resolution::NotApplied
                }
                Shows::Else(hold) => {
                    let (code, why) = (hold.code.to_string(), hold.message.clone());
                    report.hold(hold);
                    Resolution::Held { code, why }
                }
            };
            resolutions.push((intent.id, resolution, evidence));
            reports.push(report);
        }
        self.ledger().resolve(&resolutions)?;
        Ok(reports)
    }

    /// An adjustment that was not applied may be sent once more, not again and again: the
    /// second time a person looks first. It stays open, and nothing is sent for its line,
    /// until it is resolved or the line is found at its target.
    fn once_more(&self, intent: &IntentRecord) -> Result<Shows> {
        let earlier = self.ledger().sent_in_vain_before(intent)?;
        let sends = |of: &IntentRecord| of.attempt;
        if intent.attempt + earlier.iter().map(sends).sum::<u32>() < MAX_SENDS {
            return Ok(Shows::NotApplied);
        }
        let wanted = &intent.intent;
        let runs: Vec<String> = earlier.iter().map(|one| one.run.to_string()).collect();
        let message = format!(
            "{} → {} from {} on was sent in run {} before and in run {} now, and the line still has \
             {} units",
            wanted.baseline,
            wanted.target,
            wanted.effective,
            runs.join(", "),
            intent.run,
            wanted.baseline
        );
        Ok(Shows::Else(Hold::new(HoldCode::NotAppliedTwice, message)))
    }

    /// Runs whose process died are over; their adjustments are settled one by one.
    fn close_abandoned_runs(&self, open: &OpenConnection) -> Result<()> {
        for run in self.ledger().abandoned_runs(&open.connection.name)? {
            self.ledger().end_run(
                run.id,
                &RunEnd {
                    ending: RunEnding::Interrupted,
                    requests: run.requests,
                    counts: run.counts,
                    incidents: run.incidents,
                },
            )?;
        }
        Ok(())
    }

    fn made_by(&self, intent: &IntentRecord, open: &OpenConnection) -> bool {
        self.ledger()
            .run(intent.run)
            .is_ok_and(|run| run.connection == open.connection.name)
    }
}

/// Since when it may have been on its way.
fn since(intent: &IntentRecord) -> Timestamp {
    intent
        .answered_at
        .or(intent.sending_at)
        .unwrap_or(intent.intended_at)
}

/// The PSA may still be working on it: what the line shows now could change. Also where
/// the clock was set back since: how much time has passed is not known then.
fn in_quarantine(intent: &IntentRecord, now: Timestamp, quarantine: Duration) -> bool {
    let passed = Duration::try_from(now.duration_since(since(intent))).unwrap_or_default();
    intent.state != IntentState::Held && passed < quarantine
}

/// What a line says of an adjustment; none where it says nothing new.
fn judge(intent: &IntentRecord, line: Option<&Line>, from: Date) -> Option<Shows> {
    let wanted = &intent.intent;
    let shown = shows(line, wanted.baseline, wanted.target, from);
    match (intent.state, &shown) {
        // Held before: only a line at its target is clear by itself.
        (IntentState::Held, Shows::Applied) => Some(shown),
        (IntentState::Held, _) => None,
        // The PSA said yes, and it did not happen: sending it again could be wrong.
        (IntentState::Accepted, Shows::NotApplied) => {
            let message = format!(
                "the PSA accepted {} units from {} on, but the line still has {}",
                wanted.target, wanted.effective, wanted.baseline
            );
            Some(Shows::Else(Hold::new(HoldCode::UnexpectedUnits, message)))
        }
        _ => Some(shown),
    }
}

/// The code that an adjustment is held with.
fn held_as(intent: &IntentRecord) -> HoldCode {
    let code = intent.code.as_deref();
    HoldCode::ALL
        .iter()
        .copied()
        .find(|known| Some(known.as_str()) == code)
        .unwrap_or(HoldCode::UnexpectedUnits)
}

fn doubtful(intent: &IntentRecord, message: String) -> LineReport {
    let mut report = blank(intent, Outcome::Doubtful);
    report.explain(
        HoldCode::OpenAdjustment.as_str(),
        message,
        HoldCode::OpenAdjustment.fix(),
    );
    report
}

fn blank(intent: &IntentRecord, outcome: Outcome) -> LineReport {
    let wanted = &intent.intent;
    LineReport {
        workspace: wanted.workspace.clone(),
        module: wanted.module.clone(),
        account: None,
        service: wanted.key.service.clone(),
        contract: Some(wanted.key.contract.clone()),
        line: Some(wanted.key.line.clone()),
        baseline: Some(wanted.baseline),
        target: Some(wanted.target),
        effective_date: wanted.effective,
        outcome,
        code: None,
        message: None,
        fix: None,
        link: None,
        money: None,
        question: None,
    }
}
