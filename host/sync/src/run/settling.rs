//! What earlier runs left open: adjustments that were sent, or may have been, and of
//! which nobody knows yet what became. The line itself decides; where it cannot, a
//! person does. Nothing is ever sent again from here: an adjustment that was certainly
//! not applied is planned anew from fresh units, like any other; the second time the same
//! change was not applied it is held for a person.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use psa_host_billing::effective::local_day;
use psa_host_billing::rejection::{Rejected, rejected};
use psa_host_billing::settle::{Shows, shows};
use psa_host_billing::{ConnectionName, Hold, HoldCode, Line, LineKey, ReportCode, TenantKey};
use psa_host_ledger::{
    Answer, IntentRecord, IntentState, MAX_SENDS, Outcome, Refusal, Resolution, RunLease,
};
use serde_json::json;

use super::report::LineReport;
use crate::mapping::zone_of;
use crate::progress::{Activity, Progress, Watch};
use crate::{Access, OpenConnection, Result};

/// How long a doubtful adjustment is left alone before its line is read, unless the
/// plugin declares that its PSA may work longer on one request.
pub const QUARANTINE: Duration = Duration::from_secs(600);

impl Access {
    /// Settle what this connection left open in the tenant, as far as the lines tell.
    pub(super) async fn settle_earlier(
        &self,
        lease: RunLease,
        open: &OpenConnection,
        tenant: &TenantKey,
        quarantine: Duration,
        watch: Watch<'_>,
    ) -> Result<Vec<LineReport>> {
        let left: Vec<IntentRecord> = self
            .ledger()
            .open_intents(tenant)?
            .into_iter()
            .filter(|intent| self.made_by(intent, &open.connection.name))
            .collect();
        let (unsent, sent): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|intent| intent.state == IntentState::Intended || intent.is_only_marked());
        let answers: Vec<_> = unsent
            .iter()
            .map(|intent| {
                let why = "its run ended before it was sent";
                (intent.id, Answer::NotSent(why.to_owned()))
            })
            .collect();
        self.ledger().record_answers(lease, &answers)?;
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = sent.iter().map(|intent| intent.id).collect();
        self.ledger().presume_handed_out(lease, &ids)?;
        watch(Progress {
            activity: Activity::Settling,
            done: 0,
            total: Some(sent.len()),
        });
        let sent = self.ledger().open_intents(tenant)?.into_iter();
        let sent = sent.filter(|intent| ids.contains(&intent.id));
        let now = self.now();
        let (waiting, due): (Vec<_>, Vec<_>) =
            sent.partition(|intent| in_quarantine(intent, now, quarantine));
        let mut reports: Vec<LineReport> = waiting
            .iter()
            .map(|intent| {
                let until = until(intent, quarantine);
                let mut report = blank(intent, Outcome::Doubtful);
                report.hold(waits_until(until));
                report.outcome = Outcome::Doubtful;
                report
            })
            .collect();
        reports.extend(self.read_and_resolve(lease, open, &due).await?);
        Ok(reports)
    }

    async fn read_and_resolve(
        &self,
        lease: RunLease,
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
                let mut report = blank(intent, Outcome::Held);
                report.hold(held(intent));
                reports.push(report);
                continue;
            };
            let evidence = json!({ "line": line, "read_at": self.now() });
            let mut report = blank(intent, Outcome::Confirmed);
            if let Some(why) = refused(intent, &verdict) {
                report.outcome = Outcome::Rejected;
                let code = ReportCode::Rejected;
                report.explain(code.as_str(), why.clone(), code.fix());
                resolutions.push((intent.id, Resolution::Rejected { why }, evidence));
                reports.push(report);
                continue;
            }
            let counts = !intent.refusal.is_some_and(Refusal::is_no_attempt);
            let verdict = match verdict {
                Shows::NotApplied if counts => self.once_more(intent)?,
                verdict => verdict,
            };
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
                    report.hold(resolved_by_a_person(hold, intent));
                    Resolution::Held { code, why }
                }
            };
            resolutions.push((intent.id, resolution, evidence));
            reports.push(report);
        }
        self.ledger().resolve(lease, &resolutions)?;
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

    pub(super) fn made_by(&self, intent: &IntentRecord, name: &ConnectionName) -> bool {
        let run = self.ledger().run(intent.run);
        run.is_ok_and(|run| &run.connection == name)
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

/// What the PSA said, where it had refused the adjustment and the line bears that out.
fn refused(intent: &IntentRecord, shown: &Shows) -> Option<String> {
    let Some(Refusal::Rejected(kind)) = intent.refusal else {
        return None;
    };
    let stands =
        intent.state != IntentState::Held && rejected(kind, shown.clone()) == Rejected::Stands;
    stands.then(|| intent.words.clone().unwrap_or_default())
}

/// When its line may be read.
pub(super) fn until(intent: &IntentRecord, quarantine: Duration) -> Timestamp {
    let quarantine = SignedDuration::try_from(quarantine).unwrap_or_default();
    since(intent)
        .checked_add(quarantine)
        .unwrap_or(Timestamp::MAX)
}

/// What stands against another change of a line whose adjustment is not settled: the code
/// that it is held with and what settles it, or when its line is read.
pub(crate) fn open_adjustment(intent: &IntentRecord, quarantine: Duration) -> Hold {
    match intent.state {
        IntentState::Held => held(intent),
        _ => waits_until(until(intent, quarantine)),
    }
}

/// An adjustment without a certain answer, whose line is read later.
fn waits_until(until: Timestamp) -> Hold {
    let message =
        format!("its last adjustment has no certain answer yet; the line is read after {until:.0}");
    Hold {
        fix: format!("Sync again after {until:.0}: the line is read, and what is missing is sent."),
        ..Hold::new(HoldCode::OpenAdjustment, message)
    }
}

/// An adjustment that a person has to look at.
fn held(intent: &IntentRecord) -> Hold {
    let code = intent.code.as_deref().and_then(HoldCode::named);
    let code = code.unwrap_or(HoldCode::UnexpectedUnits);
    let hold = Hold::new(code, intent.words.clone().unwrap_or_default());
    resolved_by_a_person(hold, intent)
}

/// With the command that settles it.
fn resolved_by_a_person(hold: Hold, intent: &IntentRecord) -> Hold {
    let (run, line) = (intent.run, &intent.intent.key.line);
    Hold {
        fix: format!(
            "{} The command is `psa-host run resolve {run} {line} confirmed` or `… not-applied`; \
             waiting does not settle it.",
            hold.code.fix()
        ),
        ..hold
    }
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
