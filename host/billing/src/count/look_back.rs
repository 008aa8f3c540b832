//! The days since the billing period began, and the two counts that are made of them.

use jiff::civil::Date;

use super::fraction::Fraction;
use super::{CountHistory, DayCount, plural, shown, so_many};
use crate::{Hold, HoldCode, Metric};

pub(super) struct LookBack<'a> {
    since: Date,
    /// All days from `since` to today, with a count or without.
    length: usize,
    days: Vec<&'a DayCount>,
}

impl<'a> LookBack<'a> {
    pub(super) fn new(history: &'a CountHistory, as_of: Date) -> Result<Self, Hold> {
        let why = match history.since {
            Some(since) if since <= as_of => {
                let apart = since.until(as_of).map_or(0, |span| span.get_days());
                let days = history.days.iter();
                return Ok(Self {
                    since,
                    length: usize::try_from(apart).unwrap_or(0) + 1,
                    days: days.filter(|d| since <= d.day && d.day <= as_of).collect(),
                });
            }
            Some(since) => format!("the billing period begins on {since}, after {as_of}"),
            None => "it is not known when the billing period began".to_owned(),
        };
        Err(no_period(Hold::new(HoldCode::PeriodUnknown, why)))
    }

    /// The highest count. The latest one is among them even where it is older than the
    /// period: on the period's first day it is all that is known.
    pub(super) fn peak(&self, latest: u32, metric: Metric) -> (u32, String) {
        let since = self.since;
        let snapshots: u64 = self.days.iter().map(|day| u64::from(day.snapshots)).sum();
        let mut best: Option<(u32, Date)> = None;
        let mut counted = 0;
        for day in &self.days {
            let Some(count) = day.peak.max(day.last) else {
                continue;
            };
            counted += 1;
            if best.is_none_or(|(best, _)| best < count) {
                best = Some((count, day.day));
            }
        }
        let of = plural(snapshots, "snapshot");
        let sparse = self.sparse(counted);
        match best {
            Some((peak, day)) if latest <= peak => {
                let sentence = format!("peak of {of} since {since}: {peak} on {day}{sparse}");
                (peak, sentence)
            }
            Some(_) => {
                let now = so_many(latest, metric);
                let sentence = format!(
                    "{now} in the latest snapshot, more than in {of} since {since}{sparse}"
                );
                (latest, sentence)
            }
            None => (latest, self.nothing_yet(latest, metric)),
        }
    }

    /// The mean of the days that have a count; before there is one, the latest count.
    pub(super) fn average(&self, latest: u32, metric: Metric) -> Result<(Fraction, String), Hold> {
        let counts: Vec<u32> = self.days.iter().filter_map(|day| day.last).collect();
        let days = counts.len();
        let sum: u128 = counts.into_iter().map(u128::from).sum();
        let Some(mean) = Fraction::mean(sum, days as u128) else {
            let sentence = self.nothing_yet(latest, metric);
            return Ok((Fraction::whole(latest.into()), sentence));
        };
        let sign = if mean.is_exact() { "=" } else { "≈" };
        let sentence = format!(
            "average of {} since {}: {sum} / {days} {sign} {}{}",
            plural(days as u64, "day"),
            self.since,
            shown(mean)?,
            self.sparse(days)
        );
        Ok((mean, sentence))
    }

    fn nothing_yet(&self, latest: u32, metric: Metric) -> String {
        format!(
            "no day since {} has a count yet: {} in the latest snapshot",
            self.since,
            so_many(latest, metric)
        )
    }

    /// A warning where fewer than half of the days have a count.
    fn sparse(&self, counted: usize) -> String {
        match counted * 2 < self.length {
            true => format!("; counts of only {counted} of {} days", self.length),
            false => String::new(),
        }
    }
}

/// What to do where it is a count that needs the period.
pub(super) fn no_period(hold: Hold) -> Hold {
    Hold {
        fix: "Set the contract's billing period in the PSA, or count the latest snapshot with \
              `psa-host count set NAME MODULE --basis latest`."
            .to_owned(),
        ..hold
    }
}
