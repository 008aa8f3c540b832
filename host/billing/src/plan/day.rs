//! From which day a pair's change holds.

use jiff::civil::Date;

use super::decide::Look;
use super::{Context, LinePast};
use crate::contract_choice::Place;
use crate::effective::{Circumstances, When, already_adjusted, effective};
use crate::{Hold, ServiceMapping, Timeline, Truth, Units, Workspace};

impl Context<'_> {
    /// The day from which a pair's units are to hold, where their number, or whether they are
    /// set aside, depends on it.
    pub(super) fn holds_from(
        &self,
        workspace: &Workspace,
        service: &ServiceMapping,
        place: &Place<'_>,
    ) -> Option<Date> {
        let (id, module) = (&workspace.id, &service.module);
        if !self.counting.depends_on_day(id, module) && !self.set_asides.ends(id, module) {
            return None;
        }
        let timeline = place.line.timeline.as_ref().ok()?;
        let none = LinePast::default();
        let past = self.past.get(&place.line.key.line).unwrap_or(&none);
        self.when(place, timeline, past).ok().map(|when| when.date)
    }

    pub(super) fn when(
        &self,
        place: &Place<'_>,
        timeline: &Timeline,
        past: &LinePast,
    ) -> Result<When, Hold> {
        let at = self.circumstances(place, timeline, past);
        effective(&self.rules.effective, &at)
    }

    fn circumstances<'c>(
        &self,
        place: &Place<'c>,
        timeline: &'c Timeline,
        past: &'c LinePast,
    ) -> Circumstances<'c> {
        Circumstances {
            as_of: self.as_of,
            contract: place.contract,
            timeline,
            adjusted: &past.adjusted,
            refused: &past.refused,
            repeats: self.model.repeat_date == Truth::Yes,
        }
    }

    /// The day from which the line has its target, because it was adjusted for the very
    /// day that the policy chooses.
    pub(super) fn on_its_way(&self, look: &Look<'_>, target: Units) -> Option<Date> {
        let Look { timeline, past, .. } = *look;
        if past.adjusted.is_empty() {
            return None;
        }
        let at = self.circumstances(&look.place, timeline, past);
        let from = already_adjusted(&self.rules.effective, &at)?;
        let mut later = timeline.segments().iter().filter(|s| s.reaches(from));
        later.all(|segment| segment.units == target).then_some(from)
    }
}
