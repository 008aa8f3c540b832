//! Nothing is called done before it was read back.

use psa_host_billing::settle::{Shows, shows};
use psa_host_billing::{Hold, HoldCode, Line, LineKey};
use psa_host_ledger::{Outcome, Resolution};
use serde_json::json;

use super::report::Notice;
use super::{Running, Sent};
use crate::Result;
use crate::progress::{Activity, Progress, Watch};

impl Running<'_> {
    /// Read what was sent, and conclude where the lines are clear. What is not stays
    /// open in the ledger for a later run.
    pub(super) async fn read_back(&mut self, sent: &[Sent], watch: Watch<'_>) -> Result<()> {
        let keys: Vec<LineKey> = sent
            .iter()
            .filter_map(|sent| self.lines[sent.row].line_key())
            .collect();
        let Some(effective) = sent
            .iter()
            .map(|sent| self.lines[sent.row].effective_date)
            .min()
        else {
            return Ok(());
        };
        watch(Progress {
            activity: Activity::ReadingBack,
            done: self.posted,
            total: Some(self.to_post),
        });
        let reading = match self.open.reader.lines(&keys, effective).await {
            Ok(reading) => reading,
            Err(error) => {
                for sent in sent.iter().filter(|sent| sent.accepted) {
                    let message =
                        format!("accepted, but it could not be read back: {}", error.message);
                    self.in_doubt(sent.row, message);
                }
                return Ok(());
            }
        };
        let mut resolutions = Vec::new();
        for sent in sent {
            let line = reading
                .lines
                .iter()
                .find(|line| Some(&line.key.line) == self.lines[sent.row].line.as_ref());
            if let Some(resolution) = self.judge(sent, line) {
                let evidence = json!({ "line": line, "read_at": self.host.now() });
                resolutions.push((sent.intent, resolution, evidence));
            }
        }
        self.host.ledger().resolve(&resolutions)?;
        for other in &reading.others {
            let hold = Hold::new(
                HoldCode::StrayLine,
                format!(
                    "contract {} has a new line {} of service {} after posting",
                    other.contract, other.line, other.service
                ),
            );
            tracing::error!(message = hold.message, "stray line");
            self.notices.push(Notice {
                code: hold.code.to_string(),
                message: hold.message,
                fix: hold.fix,
            });
        }
        Ok(())
    }

    fn judge(&mut self, sent: &Sent, line: Option<&Line>) -> Option<Resolution> {
        let report = &mut self.lines[sent.row];
        let (baseline, target) = (report.baseline?, report.target?);
        match shows(line, baseline, target, report.effective_date) {
            Shows::Applied => {
                report.outcome = Outcome::Confirmed;
                (report.code, report.message, report.fix) = (None, None, None);
                Some(Resolution::Confirmed)
            }
            // It may still be on its way: only after the quarantine does this mean that
            // it was not applied.
            Shows::NotApplied => {
                if sent.accepted {
                    let message =
                        format!("the PSA accepted it, but the line still has {baseline} units");
                    self.in_doubt(sent.row, message);
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

    fn in_doubt(&mut self, row: usize, message: String) {
        let report = &mut self.lines[row];
        report.outcome = Outcome::Doubtful;
        report.explain(
            HoldCode::OpenAdjustment.as_str(),
            message,
            HoldCode::OpenAdjustment.fix(),
        );
    }
}
