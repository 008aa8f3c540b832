//! What an MSP decides for a connection: from which date changes hold, who is billed,
//! when a run stops itself, and what a person is asked before it is posted.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::{Workspace, WorkspaceStatus};

mod limits;

pub use limits::{ApprovalLimits, BrakeLimits, Jump};

/// All rules of a connection. What a file leaves out has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    /// From which date a change holds.
    pub effective: EffectiveRule,
    /// What becomes of a fall to zero units.
    pub zero: ZeroRule,
    /// Who is billed.
    pub life_cycle: LifeCycle,
    /// When a run posts nothing.
    pub brakes: BrakeLimits,
    /// What a person is asked.
    pub approval: ApprovalLimits,
    /// How changes are sent.
    pub posting: PostingRule,
}

/// How changes are sent.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PostingRule {
    /// A line that was read longer ago than so many seconds is read again before it is
    /// changed. Five: a person who edits a line meanwhile is seldom overtaken, and a PSA that
    /// answers in a tenth of a second still has a hundred lines read at once. 1 to 60.
    pub fresh_seconds: u8,
}

impl Default for PostingRule {
    fn default() -> Self {
        Self { fresh_seconds: 5 }
    }
}

/// From which date a change holds.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectiveRule {
    /// The policy.
    pub policy: EffectivePolicy,
    /// Under `next-period`: how many days before the period's start its change is
    /// posted; until then changes gather. 1 to 28.
    pub window_days: u8,
    /// Under `period-start`: where the second and later changes of a period go.
    pub later_changes: LaterChanges,
}

impl Default for EffectiveRule {
    fn default() -> Self {
        Self {
            policy: EffectivePolicy::Today,
            window_days: 3,
            later_changes: LaterChanges::NextPeriod,
        }
    }
}

/// The date a change holds from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum EffectivePolicy {
    /// The day of the run, in the connection's zone. Most PSAs bill the part of the
    /// period that is left.
    Today,
    /// The first day of the period that is running, for its first change.
    PeriodStart,
    /// The first day of the next period: no partial periods on the invoice.
    NextPeriod,
}

impl EffectivePolicy {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// As it stands in files and on the command line.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where a change goes that cannot go to its period's start any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum LaterChanges {
    /// It holds from the day of the run.
    Today,
    /// It gathers for the next period.
    NextPeriod,
}

impl LaterChanges {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// As it stands in files and on the command line.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What becomes of a fall to zero units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ZeroRule {
    /// A person looks at it.
    #[default]
    Hold,
    /// It is posted like any other change, unless the PSA refuses zero.
    Post,
}

impl ZeroRule {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// As it stands in files and on the command line.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is done with the use of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Action {
    /// It is billed.
    Bill,
    /// Its lines are left as they are, without a word.
    Ignore,
    /// Its lines are brought to zero.
    Zero,
    /// Its lines are left; while one has units, a person is told in every run.
    Ask,
}

impl Action {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// As it stands in files and on the command line.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who is billed, by flag and status. A flag counts before the status.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LifeCycle {
    /// A demo.
    pub demo: Action,
    /// Not for resale.
    pub nfr: Action,
    /// Made, nothing chosen yet.
    pub new: Action,
    /// Trying.
    pub trial: Action,
    /// Paying.
    pub subscription: Action,
    /// Ended; it keeps its users and devices, so its counts are not zero.
    pub inactive: Action,
    /// Put away.
    pub archived: Action,
    /// A status that this version does not know.
    pub other: Action,
}

impl Default for LifeCycle {
    fn default() -> Self {
        Self {
            demo: Action::Ask,
            nfr: Action::Ask,
            new: Action::Ask,
            trial: Action::Ask,
            subscription: Action::Bill,
            inactive: Action::Ask,
            archived: Action::Ask,
            other: Action::Ask,
        }
    }
}

impl LifeCycle {
    /// What is done with a workspace, and by which word of the rule.
    pub fn of(&self, workspace: &Workspace) -> (Action, &'static str) {
        if workspace.demo {
            return (self.demo, "demo");
        }
        if workspace.nfr {
            return (self.nfr, "not for resale");
        }
        match &workspace.status {
            WorkspaceStatus::New => (self.new, "new"),
            WorkspaceStatus::Trial => (self.trial, "trial"),
            WorkspaceStatus::Subscription => (self.subscription, "subscription"),
            WorkspaceStatus::Inactive => (self.inactive, "inactive"),
            WorkspaceStatus::Archived => (self.archived, "archived"),
            WorkspaceStatus::Other(_) => (self.other, "unknown status"),
        }
    }
}

impl Rules {
    /// Whether every number makes sense.
    ///
    /// # Errors
    /// Which does not, and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let days = self.effective.window_days;
        if !(1..=28).contains(&days) {
            return Err(format!("a window of {days} days: it is 1 to 28 days long"));
        }
        let fresh = self.posting.fresh_seconds;
        if !(1..=60).contains(&fresh) {
            return Err(format!(
                "a reading that is good for {fresh} seconds: it is good for 1 to 60"
            ));
        }
        for (what, percent) in [
            ("changed accounts", self.brakes.changed_percent),
            ("vanished lines", self.brakes.vanished_percent),
            ("all units", self.brakes.units_percent.unwrap_or_default()),
        ] {
            if percent > 100 {
                return Err(format!("{percent} % of {what}: a share is at most 100 %"));
            }
        }
        for (what, limit) in [
            ("money of the brake", self.brakes.money),
            ("units", self.approval.units),
            ("percent", self.approval.percent),
            ("money", self.approval.money),
            (
                "percent of a rise",
                self.approval.rise.map(|jump| jump.percent),
            ),
            ("units of a rise", self.approval.rise.map(|jump| jump.units)),
            (
                "percent of a fall",
                self.approval.fall.map(|jump| jump.percent),
            ),
            ("units of a fall", self.approval.fall.map(|jump| jump.units)),
        ] {
            if let Some(limit) = limit.filter(Decimal::is_sign_negative) {
                return Err(format!(
                    "a limit of {limit} {what}: a limit is zero or more"
                ));
            }
        }
        if self.brakes.alike_lines.is_some_and(|lines| lines < 2) {
            return Err(
                "a single line is like no other: equal counts are of 2 lines or more".into(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
