//! The adjustments of a run, batch after batch: each is posted, and read back while the
//! next is sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;
use psa_host_billing::rules::PostingRule;
use psa_host_billing::{Hold, HoldCode, RejectionKind, TenantKey};
use psa_host_ledger::{DecisionsAt, IntentId, RunLease};

use super::RunScope;
use super::day::Day;
use super::found_right::FoundRight;
use super::lines::RunLines;
use super::pace::Pace;
use super::posting::SentBatch;
use super::read_back::ReadBack;
use super::report::Notice;
use super::rereading::MovedLines;
use super::stop::Stop;
use super::work::Work;
use crate::progress::Watch;
use crate::{Access, OpenConnection, Result};

/// How often a line is read again because its turn came too late.
const MOST_TIMES_LATE: u32 = 8;

/// A run under way.
pub(super) struct Running<'a> {
    pub host: &'a Access,
    pub open: &'a OpenConnection,
    pub tenant: &'a TenantKey,
    pub run: RunLease,
    pub day: Day,
    /// How far people's decisions had come when it was planned.
    pub planned: DecisionsAt,
    pub lines: RunLines,
    pub notices: Vec<Notice>,
    /// What stands against all that is still to be sent.
    pub stop: Arc<Stop>,
    pub posted: usize,
    pub to_post: usize,
    /// How long a line's reading is good for.
    pub fresh: SignedDuration,
    pub pace: Pace,
    /// Lines that others changed since they were planned.
    pub moved: MovedLines,
    /// Lines that need nothing, to be remembered.
    pub found_right: FoundRight,
}

/// An adjustment that left: what was written down of it, by which its line is judged.
pub(super) struct SentAdjustment {
    pub intent: IntentId,
    pub work: Work,
    pub claim: Claim,
}

/// What the PSA claims of it. Only the line shows whether it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Accepted,
    Rejected(RejectionKind),
    /// Nothing that is certain.
    Nothing,
}

impl<'a> Running<'a> {
    /// Nothing is to be sent yet.
    pub fn new(
        host: &'a Access,
        begun: &RunScope<'a>,
        planned: DecisionsAt,
        posting: &PostingRule,
        stop: &Arc<Stop>,
        found_right: FoundRight,
    ) -> Self {
        let limits = &begun.open.plugin.description().limits;
        let fresh = posting.fresh_seconds;
        Self {
            host,
            open: begun.open,
            tenant: begun.tenant,
            run: begun.run,
            day: Day::new(begun.today, begun.zone, host.ledger()),
            planned,
            lines: RunLines::default(),
            notices: Vec::new(),
            stop: Arc::clone(stop),
            posted: 0,
            to_post: 0,
            fresh: SignedDuration::from_secs(fresh.into()),
            pace: Pace::new(
                usize::try_from(limits.lines_per_call).unwrap_or(usize::MAX),
                Duration::from_secs(fresh.into()),
            ),
            moved: MovedLines::default(),
            found_right,
        }
    }
}

impl Running<'_> {
    /// The first day on which a line, read now, shows a change from this date.
    pub(super) fn shown_from(&self, effective: Date) -> Date {
        let model = &self.open.plugin.description().quantity;
        model.shown_from(effective, self.day.date())
    }

    /// Post batch after batch and read each back, until all is sent or something stands
    /// against the rest.
    pub async fn post_all(&mut self, adjustments: Vec<Work>, watch: Watch<'_>) -> Result<()> {
        let mut queue = VecDeque::from(adjustments);
        let mut ahead = None;
        // One batch is read back while the next is sent.
        let mut unread: Option<ReadBack> = None;
        loop {
            if let Some(hold) = self.day.over() {
                self.stop.all(hold);
            }
            if self.stop.hold().is_some() {
                break;
            }
            let next = ahead.take().or_else(|| self.begin_rereading(&mut queue));
            let Some(next) = next else { break };
            let posted = match self.finish_rereading(next, watch).await {
                Some(ready) => self.send(ready, &mut queue, watch).await?,
                None => SentBatch::default(),
            };
            self.queue_again(posted.late, &mut queue);
            ahead = posted.ahead;
            if let Some(before) = unread.take() {
                self.finish_reading_back(before, watch).await?;
            }
            unread = self.begin_reading_back(posted.sent);
        }
        if let Some(hold) = self.stop.hold() {
            let begun = ahead.map(|ahead| ahead.batch).unwrap_or_default();
            self.hold_all(begun.iter().chain(&queue), &hold);
        }
        if let Some(last) = unread {
            self.finish_reading_back(last, watch).await?;
        }
        self.found_right.finish().await?;
        self.notices.extend(self.stop.notice());
        Ok(())
    }
}

impl Running<'_> {
    /// What came too late is read again, before what comes after it. A line whose turn is
    /// always too late, also alone, is not waited for.
    fn queue_again(&mut self, late: Vec<Work>, queue: &mut VecDeque<Work>) {
        for mut work in late.into_iter().rev() {
            work.late += 1;
            if work.late < MOST_TIMES_LATE {
                queue.push_front(work);
                continue;
            }
            let message = format!(
                "{MOST_TIMES_LATE} times its turn to be sent came more than {} seconds after it \
                 was read",
                self.fresh.as_secs()
            );
            self.lines[work.row].hold(Hold::new(HoldCode::NotSent, message));
        }
    }
}
