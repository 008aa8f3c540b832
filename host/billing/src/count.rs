//! How a pair's users or devices become units of its service. The order is fixed, so
//! that a policy means the same wherever it is read:
//!
//! ```text
//! basis ─► exclusions ─► multiplier ─► rounding ─► included ─► minimum
//! ```
//!
//! - **basis**: the latest count, the highest, or the mean of the days since the billing
//!   period began. A day without a count is missing, never 0.
//! - **exclusions**: what somebody decided not to bill, taken off the count.
//! - **multiplier**: units for each that is left.
//! - **rounding**: to whole units.
//! - **included**: units that cost nothing, taken off; never below zero.
//! - **minimum**: units that are billed in any case, on the days it counts.
//!
//! Counts are of the day looked at; exclusions and the minimum are those in force on the
//! day from which the units hold, which may be a later one.

mod exclusion;
mod fraction;
mod history;
mod in_plan;
mod look_back;
mod policy;

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use exclusion::CountExclusion;
pub use history::{CountHistory, DayCount, Days, by_day};
pub use in_plan::Counting;
pub use policy::{Basis, CountPolicy, Minimum, Multiplier, PolicyError, Rounding};

use crate::{Hold, HoldCode, Metric, Units};
use fraction::Fraction;
use look_back::LookBack;

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The count of the newest snapshot was taken.
    Latest,
    /// The highest count was taken.
    Peak,
    /// The mean of the days was taken.
    Average,
    /// Users or devices were excluded.
    Exclusion,
    /// Units for each.
    Multiplier,
    /// A fraction was rounded.
    Rounding,
    /// Units that cost nothing.
    Included,
    /// Units that are billed in any case.
    Minimum,
}

/// One step from the count to the units, also where it changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct CountStep {
    /// Which.
    pub name: StepName,
    /// The number before it; of the first step, the latest count.
    pub before: Units,
    /// The number after it. A mean without end is shown to six places and reckoned with
    /// exactly.
    pub after: Units,
    /// What was done, in one sentence.
    pub sentence: String,
}

/// Units, and how they came about.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Counted {
    /// What is billed: whole units.
    pub units: Units,
    /// From the count to the units, in order; the first is the basis.
    pub steps: Vec<CountStep>,
}

impl Counted {
    /// Whether the units are the latest count and nothing else was asked.
    pub fn is_plain(&self) -> bool {
        self.steps.iter().all(|step| step.name == StepName::Latest)
    }

    /// Whether anything was counted, whatever the policy made of it.
    pub fn is_used(&self) -> bool {
        self.steps
            .first()
            .is_some_and(|basis| !basis.after.is_zero())
    }

    /// What would be billed if there were no minimum.
    pub fn without_minimum(&self) -> Units {
        let minimum = self.steps.iter().find(|s| s.name == StepName::Minimum);
        minimum.map_or(self.units, |step| step.before)
    }
}

/// The steps in one line (`14 devices in the latest snapshot; 2 excluded: …`).
impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{}", step.sentence)?;
        }
        Ok(())
    }
}

/// The two days that a count is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountDay {
    /// The day looked at: where a look back ends.
    pub as_of: Date,
    /// The first day of the units: exclusions and a minimum must be in force on it.
    pub holds_from: Date,
}

impl CountDay {
    /// Units that hold from the day looked at.
    pub fn of(day: Date) -> Self {
        Self {
            as_of: day,
            holds_from: day,
        }
    }
}

/// Units of a pair from a day on. `exclusions`: those of this pair, whatever their
/// dates. The result is a whole number, zero or more.
///
/// # Errors
/// A [`Hold`]: no latest count, no known period to look back on, more excluded than
/// counted, or a number past the largest.
pub fn count(
    policy: &CountPolicy,
    metric: Metric,
    history: &CountHistory,
    exclusions: &[CountExclusion],
    day: CountDay,
) -> Result<Counted, Hold> {
    let mut walk = Walk::begin(policy.basis, metric, history, day.as_of)?;
    walk.exclude(metric, exclusions, day.holds_from)?;
    walk.multiply(policy.multiplier)?;
    let units = walk.round(policy.rounding)?;
    let units = walk.include(units, policy.included)?;
    let units = walk.at_least(units, policy.minimum.as_ref(), day.holds_from)?;
    Ok(Counted {
        units: shown(Fraction::whole(units))?,
        steps: walk.steps,
    })
}

/// A number on its way, with what happened to it.
struct Walk {
    value: Fraction,
    steps: Vec<CountStep>,
}

impl Walk {
    fn begin(
        basis: Basis,
        metric: Metric,
        history: &CountHistory,
        as_of: Date,
    ) -> Result<Self, Hold> {
        let Some(latest) = history.latest else {
            let message = format!("the snapshot has no {metric} count of this pair");
            return Err(Hold::new(HoldCode::UsageMissing, message));
        };
        let (name, value, sentence) = match basis {
            Basis::Latest => {
                let sentence = format!("{} in the latest snapshot", so_many(latest, metric));
                (StepName::Latest, Fraction::whole(latest.into()), sentence)
            }
            Basis::Peak => {
                let (peak, sentence) = LookBack::new(history, as_of)?.peak(latest, metric);
                (StepName::Peak, Fraction::whole(peak.into()), sentence)
            }
            Basis::Average => {
                let (mean, sentence) = LookBack::new(history, as_of)?.average(latest, metric)?;
                (StepName::Average, mean, sentence)
            }
        };
        let mut walk = Self {
            value: Fraction::whole(latest.into()),
            steps: Vec::new(),
        };
        walk.go(name, value, sentence)?;
        Ok(walk)
    }

    fn go(&mut self, name: StepName, after: Fraction, sentence: String) -> Result<(), Hold> {
        self.steps.push(CountStep {
            name,
            before: shown(self.value)?,
            after: shown(after)?,
            sentence,
        });
        self.value = after;
        Ok(())
    }

    fn exclude(
        &mut self,
        metric: Metric,
        exclusions: &[CountExclusion],
        day: Date,
    ) -> Result<(), Hold> {
        let in_force = || exclusions.iter().filter(|e| e.holds_on(day));
        let own = in_force().filter(|exclusion| exclusion.metric == metric);
        let total: u128 = own.map(|exclusion| u128::from(exclusion.count)).sum();
        if self.value.less(total).is_none() {
            let counted = shown(self.value)?;
            let message = format!("{total} {metric} are excluded, and {counted} were counted");
            return Err(Hold::new(HoldCode::ExclusionTooLarge, message));
        }
        for exclusion in in_force() {
            let CountExclusion {
                count, owner, why, ..
            } = exclusion;
            let until = exclusion.until;
            let until = until.map_or(String::new(), |until| format!(" until {until}"));
            if exclusion.metric == metric {
                let after = self.value.less((*count).into()).ok_or_else(too_large)?;
                let sentence = format!("{count} excluded: {why}, by {owner}{until}");
                self.go(StepName::Exclusion, after, sentence)?;
            } else {
                let sentence = format!(
                    "{} excluded ({why}, by {owner}{until}), which changes nothing: {metric} are \
                     billed",
                    so_many(*count, exclusion.metric)
                );
                self.go(StepName::Exclusion, self.value, sentence)?;
            }
        }
        Ok(())
    }

    fn multiply(&mut self, by: Multiplier) -> Result<(), Hold> {
        if by == Multiplier::ONE {
            return Ok(());
        }
        let value = self.value.times(by.get()).ok_or_else(too_large)?;
        let (before, after) = (shown(self.value)?, shown(value)?);
        let sentence = format!("{before} × {by} = {after}");
        self.go(StepName::Multiplier, value, sentence)
    }

    /// Whole units from here on.
    fn round(&mut self, rounding: Rounding) -> Result<u128, Hold> {
        let whole = self.value.rounded(rounding);
        if !self.value.is_whole() {
            let before = shown(self.value)?;
            let how = match rounding {
                Rounding::Up => "up",
                Rounding::Down => "down",
                Rounding::Nearest => "to the nearest",
            };
            let sentence = format!("{before} rounded {how}: {whole}");
            self.go(StepName::Rounding, Fraction::whole(whole), sentence)?;
        }
        Ok(whole)
    }

    fn include(&mut self, units: u128, included: u32) -> Result<u128, Hold> {
        if included == 0 {
            return Ok(units);
        }
        let left = units.saturating_sub(included.into());
        let sentence = format!("{included} included free of charge: {left} of {units} are left");
        self.go(StepName::Included, Fraction::whole(left), sentence)?;
        Ok(left)
    }

    fn at_least(
        &mut self,
        units: u128,
        minimum: Option<&Minimum>,
        day: Date,
    ) -> Result<u128, Hold> {
        let Some(minimum) = minimum else {
            return Ok(units);
        };
        let least = minimum.units();
        let (after, sentence) = match (minimum.from(), minimum.until()) {
            (Some(from), _) if day < from => {
                let sentence = format!("the minimum of {least} begins on {from}, after {day}");
                (units, sentence)
            }
            (_, Some(until)) if until < day => {
                let sentence = format!("the minimum of {least} ends on {until}, before {day}");
                (units, sentence)
            }
            (_, until) => {
                let until = until.map_or(String::new(), |until| format!(" until {until}"));
                let below = match units < least.into() {
                    true => "below",
                    false => "not below",
                };
                let sentence = format!("{units} is {below} the minimum of {least}{until}");
                (units.max(least.into()), sentence)
            }
        };
        self.go(StepName::Minimum, Fraction::whole(after), sentence)?;
        Ok(after)
    }
}

/// `1 device`, `14 devices`.
fn so_many(count: u32, metric: Metric) -> String {
    let one = match metric {
        Metric::Users => "user",
        Metric::Devices => "device",
    };
    plural(count.into(), one)
}

fn plural(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

fn shown(value: Fraction) -> Result<Units, Hold> {
    value.shown().ok_or_else(too_large)
}

fn too_large() -> Hold {
    let message = "the count policy leads to a number past the largest that can be reckoned with";
    Hold::new(HoldCode::CountTooLarge, message)
}

#[cfg(test)]
mod tests;
