//! From which day a pair's change holds.

use jiff::civil::Date;

use super::decide::Look;
use super::{Context, Decision, DueNews, LinePast, Pair, PlanLine};
use crate::contract_choice::ChosenLine;
use crate::effective::{Circumstances, When, already_adjusted, effective};
use crate::{
    Effect, Hold, HoldCode, ModuleId, ServiceMapping, Timeline, Units, Workspace, WorkspaceId,
};

impl Context<'_> {
    /// The day from which a pair's units are to hold, where their number, or whether they are
    /// set aside, depends on it.
    pub(super) fn holds_from(
        &self,
        workspace: &Workspace,
        service: &ServiceMapping,
        place: &ChosenLine<'_>,
    ) -> Option<Date> {
        let (id, module) = (&workspace.id, &service.module);
        if !self.counting.depends_on_day(id, module) && !self.set_asides.ends(id, module) {
            return None;
        }
        let timeline = place.line.timeline.as_ref().ok()?;
        let none = LinePast::default();
        let past = self.past.get(&place.line.key.line).unwrap_or(&none);
        let due = past.due_for(&workspace.id, &service.module);
        let when = self.when(place, timeline, past, due);
        when.ok().map(|when| when.date)
    }

    pub(super) fn when(
        &self,
        place: &ChosenLine<'_>,
        timeline: &Timeline,
        past: &LinePast,
        due: Option<Date>,
    ) -> Result<When, Hold> {
        let at = self.circumstances(place, timeline, past, due);
        effective(&self.rules.effective, &at)
    }

    pub(super) fn circumstances<'c>(
        &'c self,
        place: &ChosenLine<'c>,
        timeline: &'c Timeline,
        past: &'c LinePast,
        due: Option<Date>,
    ) -> Circumstances<'c>
    where
        Self: 'c,
    {
        Circumstances {
            as_of: self.as_of,
            contract: place.contract,
            timeline,
            adjusted: &past.adjusted,
            refused: &past.refused,
            model: self.model,
            due,
        }
    }

    /// The day from which the line has its target, because it was adjusted for the very
    /// day that the policy chooses.
    pub(super) fn on_its_way(&self, look: &Look<'_>, target: Units) -> Option<Date> {
        let Look { timeline, past, .. } = *look;
        if past.adjusted.is_empty() {
            return None;
        }
        let at = self.circumstances(&look.place, timeline, past, None);
        let from = already_adjusted(&self.rules.effective, &at)?;
        let mut later = timeline.segments().iter().filter(|s| s.reaches(from));
        later.all(|segment| segment.units == target).then_some(from)
    }

    /// The line that still waits for a day that has come, also where changes from today on
    /// would go to the contract that follows.
    pub(super) fn waits_on(&self, place: &ChosenLine<'_>, pair: (&WorkspaceId, &ModuleId)) -> bool {
        let past = self.past.get(&place.line.key.line);
        let due = past.and_then(|past| past.due_for(pair.0, pair.1));
        self.model.effect != Effect::Dated && due.is_some_and(|due| due <= self.as_of)
    }
}

impl LinePast {
    /// The day from which it was to be changed for this pair.
    pub(super) fn due_for(&self, workspace: &WorkspaceId, module: &ModuleId) -> Option<Date> {
        let due = self.due.as_ref()?;
        ((&due.workspace, &due.module) == (workspace, module)).then_some(due.from)
    }
}

/// What is remembered after a decision; of a change, the day from which it shall hold, as it
/// was found.
pub(super) fn due_news(past: Option<&LinePast>, line: &PlanLine) -> DueNews {
    let known = past.and_then(|past| past.due.as_ref());
    let same = |day: Date| {
        let Pair {
            workspace, module, ..
        } = &line.pair;
        past.and_then(|past| past.due_for(workspace, module)) == Some(day)
    };
    match (&line.decision, line.due) {
        (Decision::Adjust | Decision::Gather { .. } | Decision::Ask(_), DueNews::From(day)) => {
            match same(day) {
                true => DueNews::AsItWas,
                false => DueNews::From(day),
            }
        }
        (Decision::Unchanged, _) if known.is_some() => DueNews::Settled,
        (Decision::Hold(hold), _) if known.is_some() && hold.code == HoldCode::ApprovalRejected => {
            DueNews::Settled
        }
        _ => DueNews::AsItWas,
    }
}
