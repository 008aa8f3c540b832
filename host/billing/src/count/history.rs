//! What was counted of one pair, day by day: what a peak and an average look back on.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{ModuleId, WorkspaceId};

/// One pair on one civil day, from the complete snapshots of that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// The day, in the connection's zone.
    pub day: Date,
    /// The count of the day's last snapshot; none: that one does not have the pair.
    pub last: Option<u32>,
    /// The highest count of the day; none: no snapshot of the day has the pair.
    pub peak: Option<u32>,
    /// Snapshots of the day that have the pair.
    pub snapshots: u32,
}

/// What is known of the counts of one pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountHistory {
    /// The count of the snapshot that is planned from; none: it does not have the pair.
    pub latest: Option<u32>,
    /// Days that have snapshots, each day once. Others are left out, not filled in.
    pub days: Vec<DayCount>,
    /// First day of the billing period; none: not known.
    pub since: Option<Date>,
}

/// The days of many pairs. A pair that is not in it has none.
#[derive(Debug, Clone, Default)]
pub struct Days(HashMap<(WorkspaceId, ModuleId), Vec<DayCount>>);

impl Days {
    /// Keep the days of a pair.
    pub fn insert(&mut self, workspace: WorkspaceId, module: ModuleId, days: Vec<DayCount>) {
        self.0.insert((workspace, module), days);
    }

    /// The days of a pair.
    pub fn of(&self, workspace: &WorkspaceId, module: &ModuleId) -> &[DayCount] {
        self.0
            .get(&(workspace.clone(), module.clone()))
            .map_or(&[], Vec::as_slice)
    }
}

/// One pair's counts by civil day. `snapshots`: every complete snapshot in the order of
/// its instant, with its count; none: it does not have the pair.
pub fn by_day(
    snapshots: impl IntoIterator<Item = (Timestamp, Option<u32>)>,
    zone: &TimeZone,
) -> Vec<DayCount> {
    let mut days: Vec<DayCount> = Vec::new();
    for (taken_at, count) in snapshots {
        let day = zone.to_datetime(taken_at).date();
        match days.last_mut() {
            Some(open) if open.day == day => {
                open.last = count;
                open.peak = open.peak.max(count);
                open.snapshots += u32::from(count.is_some());
            }
            _ => days.push(DayCount {
                day,
                last: count,
                peak: count,
                snapshots: u32::from(count.is_some()),
            }),
        }
    }
    days
}
