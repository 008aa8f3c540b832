//! The adjustments of a run, batch after batch: each is posted, and read back while the
//! next is sent.

use jiff::civil::Date;
use psa_host_billing::plan::Adjustment;
use psa_host_billing::{Hold, LineKey, TenantKey};
use psa_host_ledger::{IntentId, RunId};
use psa_host_sandbox::LineReading;

use super::day::Day;
use super::found_right::FoundRight;
use super::read_back::ReadBack;
use super::report::{LineReport, Notice};
use crate::progress::Watch;
use crate::reading::Task;
use crate::{Host, OpenConnection, Result};

/// A run under way.
pub(super) struct Running<'a> {
    pub host: &'a Host,
    pub open: &'a OpenConnection,
    pub tenant: &'a TenantKey,
    pub run: RunId,
    pub day: Day,
    pub lines: Vec<LineReport>,
    pub notices: Vec<Notice>,
    /// Set once something stands against all that is still to be sent.
    pub stopped: Option<Hold>,
    pub posted: usize,
    pub to_post: usize,
    /// The second look at the lines of the batch that comes next.
    pub ahead: Option<Task<LineReading>>,
    /// Lines that need nothing, to be remembered.
    pub found_right: FoundRight,
}

/// An adjustment that left.
pub(super) struct Sent {
    pub intent: IntentId,
    pub row: usize,
    pub accepted: bool,
}

impl Running<'_> {
    /// The first day on which a line, read now, shows a change from this date.
    pub(super) fn shown_from(&self, effective: Date) -> Date {
        let model = &self.open.plugin.description().quantity;
        model.shown_from(effective, self.day.date())
    }

    /// Post batch after batch and read each back, until all is sent or something stands
    /// against the rest.
    pub async fn post_all(
        &mut self,
        adjustments: &[(usize, Adjustment)],
        watch: Watch<'_>,
    ) -> Result<()> {
        let at_once = self.open.plugin.description().limits.lines_per_call.max(1) as usize;
        // One batch is read back while the next is sent.
        let mut unread: Option<ReadBack> = None;
        let mut batches = adjustments.chunks(at_once).peekable();
        while let Some(batch) = batches.next() {
            if self.stopped.is_none() {
                self.stopped = self.day.over();
            }
            if let Some(hold) = &self.stopped {
                for (row, _) in batch {
                    self.lines[*row].hold(hold.clone());
                }
                continue;
            }
            let sent = self
                .post_batch(batch, batches.peek().copied(), watch)
                .await?;
            if let Some(before) = unread.take() {
                self.finish_reading_back(before, watch).await?;
            }
            unread = self.begin_reading_back(sent);
        }
        if let Some(last) = unread {
            self.finish_reading_back(last, watch).await?;
        }
        self.found_right.finish(&self.lines).await?;
        if let Some(hold) = &self.stopped {
            self.notices.push(hold.clone().into());
        }
        Ok(())
    }
}

impl LineReport {
    pub fn line_key(&self) -> Option<LineKey> {
        Some(LineKey {
            line: self.line.clone()?,
            contract: self.contract.clone()?,
            service: self.service.clone(),
            account: self.account.clone()?,
        })
    }
}
