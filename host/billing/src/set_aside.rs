//! What people set aside: a workspace, or one module of it, that is not to be posted,
//! with the reason and the last day. Nothing is set aside for ever in silence: each
//! entry stays listed with who made it and why.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Hold, HoldCode, ModuleId, WorkspaceId};

/// How it is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetAsideKind {
    /// Not planned, and not reported as unmapped: it is not this product's to bill.
    Exclude,
    /// Planned and held, so that each report shows it.
    Hold,
}

impl SetAsideKind {
    /// As it is kept and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exclude => "exclude",
            Self::Hold => "hold",
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct SetAside {
    /// Whose use.
    pub workspace: WorkspaceId,
    /// Of what; none: of everything.
    pub module: Option<ModuleId>,
    /// Excluded or held.
    pub kind: SetAsideKind,
    /// The reason, in the words of who set it aside.
    pub why: String,
    /// Who.
    pub who: String,
    /// When it was set aside.
    #[schemars(with = "crate::form::Instant")]
    pub since: Timestamp,
    /// The last day that is not to be billed, in the connection's zone: of a change that
    /// holds from a later one it says nothing. None: no end.
    #[schemars(with = "Option<crate::form::Day>")]
    pub until: Option<Date>,
}

impl SetAside {
    /// Whether it counts on this day, or has ended.
    pub fn counts_on(&self, day: Date) -> bool {
        self.until.is_none_or(|until| day <= until)
    }

    /// The hold of a pair that it keeps from being posted.
    pub fn as_hold(&self) -> Hold {
        let what = match &self.module {
            Some(module) => format!("module {module} of workspace {}", self.workspace),
            None => format!("workspace {}", self.workspace),
        };
        let until = match self.until {
            Some(until) => format!("until {until}"),
            None => "without an end date".to_owned(),
        };
        let message = format!("{what} was set aside {until} by {}: {}", self.who, self.why);
        Hold::new(HoldCode::SetAside, message)
    }
}

/// All entries of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAsides {
    by_workspace: HashMap<WorkspaceId, Vec<SetAside>>,
}

impl FromIterator<SetAside> for SetAsides {
    fn from_iter<I: IntoIterator<Item = SetAside>>(entries: I) -> Self {
        let mut by_workspace: HashMap<WorkspaceId, Vec<SetAside>> = HashMap::new();
        for entry in entries {
            let of = by_workspace.entry(entry.workspace.clone()).or_default();
            of.push(entry);
        }
        Self { by_workspace }
    }
}

impl SetAsides {
    /// What counts for this pair on this day. An entry for the module goes before one
    /// for the whole workspace.
    pub fn of_pair(
        &self,
        workspace: &WorkspaceId,
        module: &ModuleId,
        day: Date,
    ) -> Option<&SetAside> {
        let entries = self.by_workspace.get(workspace)?;
        let counting = || entries.iter().filter(|entry| entry.counts_on(day));
        counting()
            .find(|entry| entry.module.as_ref() == Some(module))
            .or_else(|| counting().find(|entry| entry.module.is_none()))
    }

    /// Whether it depends on the day what counts for this pair.
    pub fn ends(&self, workspace: &WorkspaceId, module: &ModuleId) -> bool {
        let entries = self
            .by_workspace
            .get(workspace)
            .map_or(&[][..], Vec::as_slice);
        let mut of_pair = entries
            .iter()
            .filter(|entry| entry.module.as_ref().is_none_or(|of| of == module));
        of_pair.any(|entry| entry.until.is_some())
    }

    /// What counts for the whole workspace on this day.
    pub fn of_workspace(&self, workspace: &WorkspaceId, day: Date) -> Option<&SetAside> {
        let entries = self.by_workspace.get(workspace)?;
        entries
            .iter()
            .find(|entry| entry.module.is_none() && entry.counts_on(day))
    }

    /// Whether this pair is excluded on this day.
    pub fn excludes(&self, workspace: &WorkspaceId, module: &ModuleId, day: Date) -> bool {
        let found = self.of_pair(workspace, module, day);
        found.is_some_and(|entry| entry.kind == SetAsideKind::Exclude)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use proptest::prelude::*;

    use super::*;

    fn entry(module: Option<&str>, kind: SetAsideKind, until: Option<Date>) -> SetAside {
        SetAside {
            workspace: WorkspaceId::new("w1").unwrap(),
            module: module.map(|id| ModuleId::new(id).unwrap()),
            kind,
            why: "moving to another contract".to_owned(),
            who: "cli:ann".to_owned(),
            since: "2026-11-01T09:00:00Z".parse().unwrap(),
            until,
        }
    }

    #[test]
    fn what_counts_for_a_pair_on_a_day() {
        use SetAsideKind::{Exclude, Hold};
        let (before, on, after) = (date(2026, 11, 29), date(2026, 11, 30), date(2026, 12, 1));
        let whole = [entry(None, Hold, None)];
        let module = [entry(Some("edr"), Exclude, None)];
        let both = [entry(None, Exclude, None), entry(Some("edr"), Hold, None)];
        let ending = [entry(None, Hold, Some(on))];
        let module_ended = [
            entry(Some("edr"), Exclude, Some(before)),
            entry(None, Hold, None),
        ];
        // The entries, the workspace and module asked for, the day.
        type Case<'a> = (&'a [SetAside], &'a str, &'a str, Date, Option<SetAsideKind>);
        let cases: [Case<'_>; 12] = [
            (&[], "w1", "edr", on, None),
            (&whole, "w1", "edr", on, Some(Hold)),
            (&whole, "w1", "mdm", on, Some(Hold)),
            (&whole, "w2", "edr", on, None),
            (&module, "w1", "edr", on, Some(Exclude)),
            (&module, "w1", "mdm", on, None),
            (&both, "w1", "edr", on, Some(Hold)),
            (&both, "w1", "mdm", on, Some(Exclude)),
            (&ending, "w1", "edr", before, Some(Hold)),
            (&ending, "w1", "edr", on, Some(Hold)),
            (&ending, "w1", "edr", after, None),
            (&module_ended, "w1", "edr", on, Some(Hold)),
        ];
        for (entries, workspace, module, day, expected) in cases {
            let all: SetAsides = entries.iter().cloned().collect();
            let workspace = WorkspaceId::new(workspace).unwrap();
            let module = ModuleId::new(module).unwrap();
            let found = all
                .of_pair(&workspace, &module, day)
                .map(|found| found.kind);
            assert_eq!(found, expected, "{entries:?} {workspace} {module} {day}");
            assert_eq!(
                all.excludes(&workspace, &module, day),
                expected == Some(Exclude)
            );
        }
    }

    #[test]
    fn the_hold_says_what_until_when_by_whom_and_why() {
        let hold = entry(Some("edr"), SetAsideKind::Hold, Some(date(2026, 11, 30))).as_hold();
        assert_eq!(hold.code, HoldCode::SetAside);
        assert_eq!(
            hold.message,
            "module edr of workspace w1 was set aside until 2026-11-30 by cli:ann: moving to \
             another contract"
        );
        let message = entry(None, SetAsideKind::Hold, None).as_hold().message;
        assert!(message.starts_with("workspace w1 was set aside without an end date by"));
    }

    proptest! {
        /// In whatever order entries come: one for the module goes before one for the whole
        /// workspace, an ended one counts for nothing, and nobody else's workspace is touched.
        #[test]
        fn the_order_of_entries_does_not_matter_and_others_are_not_touched(
            whole in prop::option::of((any::<bool>(), prop::option::of(0_i8..10))),
            of_module in prop::option::of((any::<bool>(), prop::option::of(0_i8..10))),
            day in 0_i8..10,
        ) {
            let on = |day: i8| date(2026, 11, 10 + day);
            let made = |module, (excluded, until): (bool, Option<i8>)| {
                let kind = if excluded { SetAsideKind::Exclude } else { SetAsideKind::Hold };
                entry(module, kind, until.map(on))
            };
            let entries: Vec<SetAside> = [
                whole.map(|of| made(None, of)),
                of_module.map(|of| made(Some("edr"), of)),
            ]
            .into_iter()
            .flatten()
            .collect();
            let forth: SetAsides = entries.iter().cloned().collect();
            let back: SetAsides = entries.iter().rev().cloned().collect();
            let (w1, w2) = (WorkspaceId::new("w1").unwrap(), WorkspaceId::new("w2").unwrap());
            let edr = ModuleId::new("edr").unwrap();
            let found = forth.of_pair(&w1, &edr, on(day));
            prop_assert_eq!(found, back.of_pair(&w1, &edr, on(day)));
            prop_assert!(forth.of_pair(&w2, &edr, on(day)).is_none());
            prop_assert!(found.is_none_or(|found| found.counts_on(on(day))));
            let counting = entries.iter().filter(|entry| entry.counts_on(on(day))).count();
            prop_assert_eq!(found.is_some(), counting > 0);
            if counting == 2 {
                prop_assert!(found.is_some_and(|found| found.module.is_some()));
            }
        }
    }
}
