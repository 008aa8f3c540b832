//! Nothing is called done before it was read back.

use std::collections::HashMap;

use psa_host_billing::rejection::{Rejected, rejected};
use psa_host_billing::settle::{Shows, shows};
use psa_host_billing::{Hold, HoldCode, Line, LineId, LineKey};
use psa_host_ledger::{Outcome, Resolution, Step};
use psa_host_sandbox::LineReading;
use serde_json::json;

use super::batches::{Claim, Running, SentAdjustment};
use super::senders::refused;
use super::work::Work;
use crate::Result;
use crate::progress::{Activity, Progress, Watch};
use crate::reading::Task;

/// Adjustments that left, and the reading of their lines that is under way.
pub(super) struct ReadBack {
    sent: Vec<SentAdjustment>,
    reading: Task<LineReading>,
}

impl Running<'_> {
    /// Begin to read what was sent; none where nothing was.
    pub(super) fn begin_reading_back(&self, sent: Vec<SentAdjustment>) -> Option<ReadBack> {
        let keys: Vec<LineKey> = sent
            .iter()
            .map(|sent| sent.work.adjustment.key.clone())
            .collect();
        let effective = sent
            .iter()
            .map(|sent| self.shown_from(sent.work.adjustment.effective))
            .min()?;
        let reader = self.open.reader.clone();
        if sent
            .iter()
            .any(|sent| matches!(sent.claim, Claim::Rejected(kind) if kind.is_about_the_user()))
        {
            // What began before may still go by a former address of the PSA.
            reader.drop_idle();
        }
        let reading = Task::spawn(async move { reader.lines(&keys, effective).await });
        Some(ReadBack { sent, reading })
    }

    /// Conclude where the lines are clear. What is not stays open in the ledger for a
    /// later run.
    pub(super) async fn finish_reading_back(
        &mut self,
        read: ReadBack,
        watch: Watch<'_>,
    ) -> Result<()> {
        watch(Progress {
            activity: Activity::ReadingBack,
            done: self.posted,
            total: Some(self.to_post),
        });
        let ReadBack { sent, reading } = read;
        let reading = match reading.await {
            Ok(reading) => reading,
            Err(error) => {
                for sent in sent.iter().filter(|sent| sent.claim == Claim::Accepted) {
                    let message = format!(
                        "accepted, but it could not be read back: {}",
                        error.in_full()
                    );
                    self.in_doubt(sent.work.row, message);
                }
                return Ok(());
            }
        };
        self.host.ledger().reached(Step::ReadBack);
        let by_id: HashMap<&LineId, &Line> = reading
            .lines
            .iter()
            .map(|line| (&line.key.line, line))
            .collect();
        let mut resolutions = Vec::with_capacity(sent.len());
        for sent in &sent {
            let line = by_id.get(&sent.work.adjustment.key.line).copied();
            if let Some(resolution) = self.judge(sent, line) {
                let evidence = json!({ "line": line, "read_at": self.host.now() });
                resolutions.push((sent.intent, resolution, evidence));
            }
        }
        self.host.ledger().resolve(self.run, &resolutions)?;
        for other in &reading.others {
            let hold = Hold::new(
                HoldCode::StrayLine,
                format!(
                    "contract {} has a new line {} of service {} after posting",
                    other.contract, other.line, other.service
                ),
            );
            tracing::error!(message = hold.message, "stray line");
            self.notices.push(hold.into());
        }
        Ok(())
    }

    /// What a line shows of the adjustment that was written down.
    fn judge(&mut self, sent: &SentAdjustment, line: Option<&Line>) -> Option<Resolution> {
        let Work {
            row, adjustment, ..
        } = &sent.work;
        let (baseline, target) = (adjustment.baseline, adjustment.target);
        let mut shown = shows(
            line,
            baseline,
            target,
            self.shown_from(adjustment.effective),
        );
        let report = &mut self.lines[*row];
        if let Claim::Rejected(kind) = sent.claim {
            let words = report.message.clone().unwrap_or_default();
            match rejected(kind, shown) {
                Rejected::Stands => {
                    report.outcome = Outcome::Rejected;
                    return Some(Resolution::Rejected { why: words });
                }
                Rejected::NotThisLine => {
                    report.hold(refused(&words));
                    return Some(Resolution::NotApplied);
                }
                Rejected::Contradicted(by) => shown = by,
            }
        }
        match shown {
            Shows::Applied => {
                report.outcome = Outcome::Confirmed;
                // What was noted when it was planned stays.
                if report.code.take().is_some() {
                    report.message = None;
                }
                report.fix = None;
                Some(Resolution::Confirmed)
            }
            // It may still be on its way: only after the quarantine does this mean that
            // it was not applied.
            Shows::NotApplied => {
                if sent.claim == Claim::Accepted {
                    let message =
                        format!("the PSA accepted it, but the line still has {baseline} units");
                    self.in_doubt(sent.work.row, message);
                }
                None
            }
            Shows::Else(hold) => {
                let (code, why) = (hold.code.to_string(), hold.message.clone());
                report.hold(hold);
                Some(Resolution::Held { code, why })
            }
        }
    }
}
