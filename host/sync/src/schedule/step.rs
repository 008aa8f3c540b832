//! What the scheduler is to do for a connection at an instant, from its schedule and from
//! what is known of its dates. Pure, so that years of it can be tried in a test.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use psa_host_ledger::{DateRecord, DateState, DueDate};

use super::Schedule;

/// Dates between two runs that are written down as missed, at most: of years of silence the
/// newest ones tell enough.
const MOST_MISSED: usize = 31;

/// What is known of a connection's dates.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// Its schedule.
    pub schedule: &'a Schedule,
    /// Its zone.
    pub zone: &'a TimeZone,
    /// How much later than its schedule says it falls due.
    pub spread: SignedDuration,
    /// How late a date may be begun.
    pub window: SignedDuration,
    /// From when on its schedule counts.
    pub since: Timestamp,
    /// The newest date that there is a record of.
    pub newest: Option<&'a DateRecord>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Run for a date, now.
    Run {
        /// The date.
        due: DueDate,
        /// Dates before it that nothing ran for, and nothing will, oldest first.
        missed: Vec<DueDate>,
    },
    /// It is too late for these, oldest first; what comes after is asked for again.
    Miss(Vec<DueDate>),
    /// Nothing, before this instant.
    Wait(Timestamp),
    /// Nothing, ever, unless the schedule is changed.
    Never,
}

impl Standing<'_> {
    /// What to do now.
    pub fn step(&self, now: Timestamp) -> Step {
        if *self.schedule == Schedule::Off {
            return Step::Never;
        }
        let latest = self.schedule.latest(self.zone, self.spread, now);
        let latest = latest.filter(|due| due.nominal_at > self.since);
        let newer = latest.filter(|due| match self.newest {
            Some(newest) => due.date > newest.due.date,
            None => true,
        });
        if let Some(due) = newer {
            let mut missed = self.between(due);
            if now.duration_since(due.due_at) > self.window {
                missed.push(due);
                return Step::Miss(missed);
            }
            return Step::Run { due, missed };
        }
        match self.newest {
            Some(open) if open.state == DateState::Open => self.again(open, now),
            _ => self.wait(now),
        }
    }

    /// The date is tried again once its wait is over; at once where the clock was set back,
    /// because how much of the wait is over is not known then.
    fn again(&self, open: &DateRecord, now: Timestamp) -> Step {
        let clock_was_set_back = open.attempted_at.is_some_and(|at| now < at);
        match open.next_at {
            Some(next_at) if now < next_at && !clock_was_set_back => {
                let next = self.schedule.next(self.zone, self.spread, now);
                Step::Wait(next.map_or(next_at, |next| next.due_at.min(next_at)))
            }
            _ => Step::Run {
                due: open.due,
                missed: Vec::new(),
            },
        }
    }

    /// Until the first date that is neither done nor before the schedule counts.
    fn wait(&self, now: Timestamp) -> Step {
        let done = self.newest.map(|newest| newest.due);
        let after = done.map_or(now, |done| done.due_at.max(now));
        let mut next = self.schedule.next(self.zone, self.spread, after);
        // A date that is done may fall due once more where its schedule was changed.
        while let Some(due) = next {
            let is_done = done.is_some_and(|done| due.date <= done.date);
            if !is_done && due.nominal_at > self.since {
                return Step::Wait(due.due_at);
            }
            next = self.schedule.next(self.zone, self.spread, due.due_at);
        }
        Step::Never
    }

    /// The dates between the newest that there is a record of and a later one.
    fn between(&self, later: DueDate) -> Vec<DueDate> {
        let Some(newest) = self.newest else {
            return Vec::new();
        };
        let mut between = Vec::new();
        let mut before = later;
        while between.len() < MOST_MISSED {
            let just_before = before.due_at - SignedDuration::from_nanos(1);
            let earlier = self.schedule.latest(self.zone, self.spread, just_before);
            match earlier.filter(|due| due.date > newest.due.date && due.date < before.date) {
                Some(due) => {
                    between.push(due);
                    before = due;
                }
                None => break,
            }
        }
        between.reverse();
        between
    }
}
