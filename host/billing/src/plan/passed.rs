//! What the brakes on change have let pass already. A change that gathers for a later date
//! is looked at when it is first planned; from then on only what is added to it. And the
//! units of a day are added up over all its runs.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;

use crate::{AccountId, LineId, Units, UnitsChange};

/// A change that a run without a brake has planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedChange {
    /// Of which line.
    pub line: LineId,
    /// Of whom.
    pub account: AccountId,
    /// From which day.
    pub effective: Date,
    /// All that has passed for that day.
    pub change: UnitsChange,
    /// The day of the run that counted last.
    pub day: Date,
    /// What was counted on that day.
    pub on_day: UnitsChange,
}

/// All that has passed before a run.
#[derive(Debug, Clone, Default)]
pub struct Passed {
    changes: HashMap<(LineId, Date), PassedChange>,
    /// Units of all lines, when the day's first run looked.
    first_look: Option<Units>,
    day: Option<Date>,
}

impl Passed {
    /// Before a run on this day. `first_look`: units of all lines, as the first run of the
    /// day saw them.
    pub fn new(day: Date, first_look: Option<Units>, changes: Vec<PassedChange>) -> Self {
        let changes = changes
            .into_iter()
            .map(|passed| ((passed.line.clone(), passed.effective), passed))
            .collect();
        Self {
            changes,
            first_look,
            day: Some(day),
        }
    }

    /// Units of all lines, where a run has looked today.
    pub(super) fn first_look(&self) -> Option<Units> {
        self.first_look
    }

    /// What has passed of a line's change for this day.
    pub(super) fn of(&self, line: &LineId, effective: Date) -> Option<&PassedChange> {
        self.changes.get(&(line.clone(), effective))
    }

    /// What was counted on the day so far: up, and down.
    pub(super) fn today(&self) -> (OneWay, OneWay) {
        let (mut up, mut down) = (OneWay::default(), OneWay::default());
        let today = self.changes.values().filter(|c| Some(c.day) == self.day);
        for passed in today {
            match passed.on_day.is_decrease() {
                true => down.add(&passed.account, passed.on_day),
                false => up.add(&passed.account, passed.on_day),
            }
        }
        (up, down)
    }

    /// The day of the run.
    pub(super) fn day(&self) -> Option<Date> {
        self.day
    }
}

/// Units that all go the same way, and on whose lines.
#[derive(Debug, Clone, Default)]
pub(super) struct OneWay {
    pub units: UnitsChange,
    pub accounts: BTreeSet<AccountId>,
}

impl OneWay {
    pub(super) fn add(&mut self, account: &AccountId, change: UnitsChange) {
        if change.is_zero() {
            return;
        }
        self.units = self.units.and(change);
        if !self.accounts.contains(account) {
            self.accounts.insert(account.clone());
        }
    }
}
