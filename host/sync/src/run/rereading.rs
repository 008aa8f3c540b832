//! The second look: lines are read again just before they are adjusted. Only what still
//! stands at its baseline, alone on its contract, is sent.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use jiff::Timestamp;
use psa_host_billing::settle::{Shows, shows};
use psa_host_billing::{AccountId, Hold, HoldCode, Line, LineId, LineKey};
use psa_host_sandbox::{CallError, CallErrorKind, LineReading};

use super::batches::Running;
use super::senders::concerns_all;
use super::work::{ReadAt, Work};
use crate::progress::{Activity, Progress, Watch};
use crate::reading::Task;

/// Accounts whose lines have to move under a run before it stops: two may be a person at
/// work, three are another program.
const MOVED_ACCOUNTS: usize = 3;

/// And this share of the lines read again, in percent.
const MOVED_PERCENT: usize = 1;

/// A batch whose lines are being read.
pub(super) struct Rereading {
    pub batch: Vec<Work>,
    alone: bool,
    begun: Timestamp,
    since: Instant,
    reading: Task<(LineReading, Timestamp)>,
}

/// Lines that moved between the first look and the second.
#[derive(Debug, Default)]
pub(super) struct MovedLines {
    read: usize,
    lines: usize,
    accounts: BTreeSet<AccountId>,
}

impl MovedLines {
    /// Why the run goes no further; none while this may be a person at work.
    fn stops(&self) -> Option<Hold> {
        let several = self.accounts.len() >= MOVED_ACCOUNTS;
        if !several || self.lines * 100 <= self.read * MOVED_PERCENT {
            return None;
        }
        let message = format!(
            "{} of the {} lines that were read again, of {} customers, had changed in the PSA \
             since this run looked at them",
            self.lines,
            self.read,
            self.accounts.len()
        );
        Some(Hold::new(HoldCode::OtherWriter, message))
    }
}

impl Running<'_> {
    /// Begin to read the next lines once more; none where nothing is left.
    pub(super) fn begin_rereading(&self, queue: &mut VecDeque<Work>) -> Option<Rereading> {
        let size = self.pace.size().min(queue.len());
        let batch: Vec<Work> = queue.drain(..size).collect();
        let first = batch
            .iter()
            .map(|work| self.shown_from(work.adjustment.effective))
            .min()?;
        let keys: Vec<LineKey> = batch
            .iter()
            .map(|work| work.adjustment.key.clone())
            .collect();
        let reader = self.open.reader.clone();
        let clock = self.host.ledger().clone();
        Some(Rereading {
            alone: batch.len() == 1,
            batch,
            begun: self.host.now(),
            since: Instant::now(),
            reading: Task::spawn(async move {
                let read = reader.lines(&keys, first).await?;
                Ok((read, clock.now()))
            }),
        })
    }

    /// What of a batch is sent; the rest is held in its reports.
    pub(super) async fn finish_rereading(
        &mut self,
        rereading: Rereading,
        watch: Watch<'_>,
    ) -> Option<(Vec<Work>, ReadAt)> {
        watch(Progress {
            activity: Activity::Rereading,
            done: self.posted,
            total: Some(self.to_post),
        });
        let Rereading {
            batch,
            alone,
            begun,
            since,
            reading,
        } = rereading;
        let read = tokio::select! {
            read = reading => read,
            () = self.stop.cancelled() => {
                self.hold_all(&batch, &self.stop.cancelled_hold());
                return None;
            }
        };
        let (reading, ended) = match read {
            Ok(read) => read,
            Err(error) => {
                if let Some(hold) = concerns_all(&error) {
                    self.stop.all(hold);
                }
                self.hold_all(&batch, &not_sent(&error));
                return None;
            }
        };
        if !alone {
            self.pace.read(since.elapsed());
        }
        let read_at = ReadAt {
            begun,
            ended,
            alone,
            fresh: self.fresh,
        };
        let ready = self.judge_second_look(batch, &reading);
        if let Some(hold) = self.moved.stops() {
            self.hold_all(&ready, &hold);
            self.stop.all(hold);
            return None;
        }
        Some((ready, read_at))
    }

    /// Hold all of these in their reports.
    pub(super) fn hold_all<'w>(&mut self, works: impl IntoIterator<Item = &'w Work>, hold: &Hold) {
        for work in works {
            self.lines[work.row].hold(hold.clone());
        }
    }

    fn judge_second_look(&mut self, batch: Vec<Work>, reading: &LineReading) -> Vec<Work> {
        let by_id: HashMap<&LineId, &Line> = reading
            .lines
            .iter()
            .map(|line| (&line.key.line, line))
            .collect();
        let mut ready = Vec::with_capacity(batch.len());
        for work in batch {
            let adjustment = &work.adjustment;
            let line = by_id.get(&adjustment.key.line).copied();
            let from = self.shown_from(adjustment.effective);
            let report = &mut self.lines[work.row];
            let mut others = reading.others.iter();
            if let Some(twin) = others.find(|other| same_place(other, &adjustment.key)) {
                let message = format!(
                    "the service stands on the contract twice, as lines {} and {}",
                    adjustment.key.line, twin.line
                );
                report.hold(Hold::new(HoldCode::DuplicateLine, message));
                continue;
            }
            self.moved.read += 1;
            let (baseline, target) = (adjustment.baseline, adjustment.target);
            let moved = match shows(line, baseline, target, from) {
                Shows::NotApplied => {
                    ready.push(work);
                    continue;
                }
                Shows::Applied => format!("somebody else changed it from {baseline} to {target}"),
                Shows::Else(hold) if hold.code == HoldCode::UnexpectedUnits => hold.message,
                Shows::Else(hold) => {
                    report.hold(hold);
                    continue;
                }
            };
            report.hold(Hold::new(HoldCode::BaselineMoved, moved));
            self.moved.lines += 1;
            self.moved.accounts.insert(adjustment.key.account.clone());
        }
        ready
    }
}

/// Why a line was not sent, by what its call ended with.
pub(super) fn not_sent(error: &CallError) -> Hold {
    if let CallErrorKind::BudgetParked { until } = &error.kind {
        let message = format!("the run goes on after {until}");
        return Hold::new(HoldCode::RunParked, message);
    }
    let mut hold = Hold::new(HoldCode::NotSent, error.in_full());
    hold.fix = error.advice(&hold.fix);
    hold
}

/// Whether another line is of the same service on the same contract.
fn same_place(other: &LineKey, line: &LineKey) -> bool {
    other.contract == line.contract && other.service == line.service && other.line != line.line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stops_where_lines_of_three_accounts_and_over_a_percent_moved() {
        let stops = |read, lines, accounts: &[&str]| {
            let moved = MovedLines {
                read,
                lines,
                accounts: accounts.iter().map(|id| id.parse().unwrap()).collect(),
            };
            moved.stops().is_some()
        };
        assert!(!stops(3, 3, &["1", "2"]));
        assert!(stops(3, 3, &["1", "2", "3"]));
        assert!(!stops(300, 3, &["1", "2", "3"]));
        assert!(stops(299, 3, &["1", "2", "3"]));
    }
}
