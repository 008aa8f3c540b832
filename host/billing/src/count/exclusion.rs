//! Users or devices of a customer that are not billed, by somebody's decision.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Metric, ModuleId, WorkspaceId};

/// So many of a workspace's users or devices are not billed for a module.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct CountExclusion {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of what.
    pub module: ModuleId,
    /// Whether they are users or devices: two devices are not two users.
    pub metric: Metric,
    /// How many.
    pub count: u32,
    /// Who answers for it.
    pub owner: String,
    /// Why they are not billed.
    pub why: String,
    /// First day; none: it always counted.
    #[serde(default)]
    #[schemars(with = "Option<crate::form::Day>")]
    pub since: Option<Date>,
    /// Last day; none: until it is taken away.
    #[serde(default)]
    #[schemars(with = "Option<crate::form::Day>")]
    pub until: Option<Date>,
}

impl CountExclusion {
    /// Whether it counts on this day.
    pub fn holds_on(&self, day: Date) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }
}
