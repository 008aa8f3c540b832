//! One pair: from its count, its contract and its line's past to a decision. The
//! questions are asked in a fixed order, and the first that cannot be answered well
//! holds the pair.

use super::day::due_news;
use super::words::{in_words, place_in_words, timeline_in_words};
use super::{Context, Decision, DueNews, LinePast, PlanLine, Trace, checks};
use crate::contract_choice::{ChosenLine, choose};
use crate::count::{Counted, StepName};
use crate::period::next_period;
use crate::rules::{Action, EffectivePolicy, ZeroRule};
use crate::stance::{Stance, Treatment};
use crate::{
    AccountId, Contract, Effect, Hold, HoldCode, ServiceMapping, SetAsideKind, Timeline, Units,
    UsageItem, Workspace, ZeroUnits,
};

/// One pair with all that was found for it.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) counted: &'a Result<Counted, Hold>,
    pub(super) place: ChosenLine<'a>,
    /// All of the account's.
    pub(super) contracts: &'a [Contract],
    pub(super) timeline: &'a Timeline,
    pub(super) past: &'a LinePast,
}

impl Context<'_> {
    pub(super) fn plan_pair(
        &self,
        workspace: &Workspace,
        account: &AccountId,
        service: &ServiceMapping,
        contracts: &[Contract],
        trace: &mut Trace<'_>,
    ) -> Option<PlanLine> {
        let place = self.place(workspace, service, contracts);
        let from = place.as_ref().ok();
        let from = from.and_then(|place| self.holds_from(workspace, service, place));
        let from = from.unwrap_or(self.as_of);
        let aside = self
            .set_asides
            .of_pair(&workspace.id, &service.module, from);
        if aside.is_some_and(|aside| aside.kind == SetAsideKind::Exclude) {
            trace.say("set-aside", || "excluded by a person".to_owned());
            return None;
        }
        let item = self.snapshot.item(&workspace.id, &service.module);
        let count = item.and_then(|item| item.count(service.metric));
        trace.say("count", || self.count_in_words(workspace, service, item));
        let counted = self.counted(&workspace.id, service, place.as_ref().ok(), from);
        let to_bill = match &counted {
            Ok(counted) => {
                for step in counted.steps.iter().filter(|s| s.name != StepName::Latest) {
                    trace.say("count", || step.sentence.clone());
                }
                !counted.without_minimum().is_zero()
            }
            // There is a row of this very pair.
            Err(hold) if hold.code == HoldCode::UsageUnread => {
                let unread = self.snapshot.unread(&workspace.id, &service.module);
                unread.is_some_and(|unread| unread.module.is_some())
            }
            Err(_) => count.unwrap_or(0) > 0,
        };
        let (action, _) = self.rules.life_cycle.of(workspace);
        let on_contract = match &place {
            Ok(_) => true,
            Err(hold) => !says_not_on_contract(hold.code),
        };
        if !on_contract && (!to_bill || action != Action::Bill) {
            trace.say("contract", || {
                "no contract has a line for it, and there is nothing to bill".to_owned()
            });
            return None;
        }
        let mut line = PlanLine {
            line: place.as_ref().ok().map(|place| place.line.key.clone()),
            target: counted.as_ref().ok().map(|counted| counted.units),
            ..self.blank(workspace, account, service)
        };
        if let Some(aside) = aside {
            line.decision = Decision::Hold(aside.as_hold());
            trace.say("decision", || in_words(&line));
            return Some(line);
        }
        let past = line.line.as_ref();
        let past = past.and_then(|key| self.past.get(&key.line));
        line.decision = self
            .decide(&mut line, workspace, &counted, (place, contracts), trace)
            .unwrap_or_else(Decision::Hold);
        line.due = due_news(past, &line);
        trace.say("decision", || in_words(&line));
        Some(line)
    }

    fn count_in_words(
        &self,
        workspace: &Workspace,
        service: &ServiceMapping,
        item: Option<&UsageItem>,
    ) -> String {
        let taken_at = self.snapshot.taken_at();
        if self
            .snapshot
            .unread(&workspace.id, &service.module)
            .is_some()
        {
            return format!("the snapshot of {taken_at} has a row that could not be read");
        }
        match item.and_then(|item| item.count(service.metric)) {
            Some(count) => format!("{count} {} in the snapshot of {taken_at}", service.metric),
            None if item.is_some() => format!(
                "the snapshot of {taken_at} has the pair, but no count of {}",
                service.metric
            ),
            None => format!("the snapshot of {taken_at} does not have the pair"),
        }
    }

    /// The line on the day planned for. Where changes hold from the next period only, and
    /// the contract ends before that, the line of the contract that follows it by then.
    fn place<'c>(
        &self,
        workspace: &Workspace,
        service: &ServiceMapping,
        contracts: &'c [Contract],
    ) -> Result<ChosenLine<'c>, Hold> {
        let pinned = self.mapping.contract(&workspace.id);
        let now = choose(contracts, &service.service, self.as_of, pinned)?;
        if self.rules.effective.policy != EffectivePolicy::NextPeriod
            || self.waits_on(&now, (&workspace.id, &service.module))
        {
            return Ok(now);
        }
        let ended = now.contract;
        let next = next_period(ended, self.as_of).map(|period| period.start);
        let Some(next) = next.filter(|next| ended.end.is_some_and(|end| end < *next)) else {
            return Ok(now);
        };
        Ok(match choose(contracts, &service.service, next, pinned) {
            Ok(then) if then.follows.is_some_and(|before| before.id == ended.id) => then,
            _ => now,
        })
    }

    fn decide(
        &self,
        line: &mut PlanLine,
        workspace: &Workspace,
        counted: &Result<Counted, Hold>,
        (place, contracts): (Result<ChosenLine<'_>, Hold>, &[Contract]),
        trace: &mut Trace<'_>,
    ) -> Result<Decision, Hold> {
        self.account_and_service(&line.pair)?;
        let place = place.map_err(|hold| {
            let gone =
                says_not_on_contract(hold.code).then(|| self.vanished(&line.pair, contracts));
            gone.flatten().unwrap_or(hold)
        })?;
        trace.say("contract", || place_in_words(&place));
        if let Some(ended) = place.follows
            && !self.past.contains_key(&place.line.key.line)
        {
            line.note(format!(
                "contract {} ({}) takes over from {} ({}), whose last day is {}",
                place.contract.id,
                place.contract.name,
                ended.id,
                ended.name,
                ended.end.map(|end| end.to_string()).unwrap_or_default()
            ));
        }
        let link = place.line.link.as_ref().or(place.contract.link.as_ref());
        let at_link = |hold: Hold| match hold.link {
            Some(_) => hold,
            None => hold.at(link),
        };
        let timeline = match &place.line.timeline {
            Ok(timeline) => timeline,
            Err(why) => {
                return Err(Hold::new(HoldCode::UnitsUnreadable, why.clone()).at(link));
            }
        };
        line.horizon = timeline.horizon();
        let none = LinePast::default();
        let past = self.past.get(&place.line.key.line).unwrap_or(&none);
        let module = &line.pair.module;
        if line.horizon.is_some()
            && self.counting.depends_on_day(&workspace.id, module)
            && self
                .when(&place, timeline, past, past.due_for(&workspace.id, module))
                .is_err()
        {
            let message = "the day from which the count holds lies beyond what was read";
            return Err(Hold::new(HoldCode::NoUnitsAtDate, message.to_owned()));
        }
        let look = Look {
            workspace,
            counted,
            place,
            contracts,
            timeline,
            past,
        };
        self.on_line(line, &look, trace).map_err(at_link)
    }

    fn on_line(
        &self,
        line: &mut PlanLine,
        look: &Look<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Decision, Hold> {
        let Look {
            workspace,
            counted,
            place,
            timeline,
            past,
            ..
        } = *look;
        let held = |code, message: String| Err(Hold::new(code, message));
        let id = &place.line.key.line;
        // What is there today is shown even where no date for a change can be found.
        let first = place
            .contract
            .start
            .map_or(self.as_of, |start| start.max(self.as_of));
        let Some(today) = timeline.at(first) else {
            let message = format!("line {id} has no units on {first}");
            return held(HoldCode::NoUnitsAtDate, message);
        };
        line.baseline = Some(today.units);
        line.unit_price.clone_from(&today.unit_price);
        trace.say("units", || timeline_in_words(timeline));

        if let Some(other) = &past.taken_by {
            let message = format!("line {id} belongs to connection {other}");
            return held(HoldCode::LineTaken, message);
        }
        if let Some(open) = &past.open {
            return Err(open.clone());
        }
        if let Some((confirmed, since)) = past.confirmed {
            trace.say("history", || {
                format!("{confirmed} units were last right, from {since} on")
            });
        }
        line.changed_by_others = past.foreign_edit(today.units, self.as_of).is_some();
        if let Some(decision) = self.rollback(line, look, trace)? {
            return Ok(decision);
        }
        let (action, word) = self.rules.life_cycle.of(workspace);
        trace.say("life-cycle", || {
            format!("the workspace is {word}: {action}")
        });
        match action {
            Action::Bill => {}
            Action::Zero => line.target = Some(Units::ZERO),
            Action::Ignore => {
                line.note(format!("left as it is: the workspace is {word}"));
                line.target = None;
                let mut open = timeline.segments().iter();
                line.left = open.any(|s| s.reaches(self.as_of) && !s.units.is_zero());
                return Ok(Decision::Unchanged);
            }
            Action::Ask => {
                line.target = None;
                let mut open = timeline.segments().iter();
                let still = open.find(|s| s.reaches(self.as_of) && !s.units.is_zero());
                let Some(still) = still else {
                    return Ok(Decision::Unchanged);
                };
                let from = match still.start > self.as_of {
                    true => format!(" from {} on", still.start),
                    false => String::new(),
                };
                let message = format!(
                    "workspace {} is {word} and is not billed, and its line has {} units{from}",
                    workspace.id, still.units
                );
                return held(HoldCode::NotBilled, message);
            }
        }
        checks::billable(line, &place)?;
        self.bundle_or_part(line, look)?;
        match counted {
            // The life-cycle may have set another target.
            Err(hold) if line.target.is_none() => return Err(hold.clone()),
            Ok(counted) if line.target == Some(counted.units) && !counted.is_plain() => {
                line.note(counted.to_string());
            }
            _ => {}
        }
        if let Some(stance) = &past.stance {
            trace.say("stance", || {
                format!("a person decided: {}", stance.as_str())
            });
            if matches!(stance, Stance::Pin { .. }) {
                return Ok(left(line, stance, today.units));
            }
        }
        self.change(line, look, action, trace)
    }

    /// The line is to have its target: from when, and is anything in the way?
    fn change(
        &self,
        line: &mut PlanLine,
        look: &Look<'_>,
        action: Action,
        trace: &mut Trace<'_>,
    ) -> Result<Decision, Hold> {
        let Look { timeline, past, .. } = *look;
        let Some(target) = line.target else {
            return Ok(Decision::Unchanged);
        };
        let even = timeline
            .segments()
            .iter()
            .filter(|segment| segment.reaches(self.as_of))
            .all(|segment| segment.units == target);
        if even {
            line.found_right = past.found_right(target, self.as_of, timeline.horizon().is_none());
            return Ok(Decision::Unchanged);
        }
        if let Some(from) = self.on_its_way(look, target) {
            line.note(format!("{target} units hold from {from} on"));
            return Ok(Decision::Unchanged);
        }
        // Also of what is held for its date: as of now, until the date is known.
        if let Some(today) = timeline.at(self.as_of) {
            self.price(line, look, today, &mut Trace(None));
        }
        let due = past.due_for(&line.pair.workspace, &line.pair.module);
        let when = match self.when(&look.place, timeline, past, due) {
            Ok(when) => when,
            // A day that was adjusted says nothing of units that somebody changed since.
            Err(hold) if hold.code == HoldCode::DateAlreadyAdjusted => {
                return self
                    .on_an_adjusted_day(line, past, target)
                    .unwrap_or(Err(hold));
            }
            Err(hold) => return Err(hold),
        };
        trace.say("effective-date", || when.because.join("; "));
        line.effective = when.date;
        let shown_from = self.model.shown_from(when.date, self.as_of);
        let Some(segment) = timeline.at(shown_from) else {
            let message = format!("the line has no units on {shown_from}");
            return Err(Hold::new(HoldCode::NoUnitsAtDate, message));
        };
        let baseline = segment.units;
        line.baseline = Some(baseline);
        let foreign = past.foreign_edit(baseline, shown_from);
        line.changed_by_others = foreign.is_some();
        self.price(line, look, segment, trace);
        if target == baseline {
            if let Some(later) = timeline
                .after(shown_from)
                .find(|later| later.units != baseline)
            {
                line.note(format!(
                    "the PSA has {} units from {} on",
                    later.units, later.start
                ));
            }
            line.found_right = past.found_right(target, shown_from, false);
            return Ok(Decision::Unchanged);
        }
        let stance = past.stance.as_ref();
        let then = stance.map_or(Treatment::Compare, |stance| {
            stance.treatment(baseline, line.target)
        });
        if let (Treatment::Leave, Some(stance)) = (then, stance) {
            return Ok(left(line, stance, baseline));
        }
        self.missed_invoice(line, &when, look);
        if let (Treatment::Compare, Some(right)) = (then, foreign) {
            return Err(checks::foreign_edit(right, baseline));
        }
        let allowed = self.rules.zero == ZeroRule::Post || action == Action::Zero;
        if target.is_zero() && self.model.zero != ZeroUnits::Refused && !allowed {
            return Err(checks::fall_to_zero(baseline, look.counted));
        }
        checks::changeable(&look.place)?;
        self.postable(baseline, target)?;
        checks::nothing_is_cut_off(&look.place, timeline)?;
        checks::nothing_is_coming(timeline, segment, past)?;
        checks::not_rejected_twice(target, past)?;
        checks::say_what_is_not_billed(line, &look.place);
        if let Some(unclear) = &when.unclear {
            line.note(unclear);
        }
        if self.model.effect != Effect::Dated {
            line.due = DueNews::From(when.due);
        }
        self.ask(line, past, &when, trace)
    }

    /// What is said of a line that cannot be changed today, where that is not all: a person
    /// changed its units, or decided about them.
    fn on_an_adjusted_day(
        &self,
        line: &mut PlanLine,
        past: &LinePast,
        target: Units,
    ) -> Option<Result<Decision, Hold>> {
        let units = line.baseline?;
        let foreign = past.foreign_edit(units, self.as_of);
        let stance = past.stance.as_ref();
        let then = stance.map_or(Treatment::Compare, |stance| {
            stance.treatment(units, Some(target))
        });
        match (then, stance, foreign) {
            (Treatment::Leave, Some(stance), _) => Some(Ok(left(line, stance, units))),
            (Treatment::Compare, _, Some(right)) => Some(Err(checks::foreign_edit(right, units))),
            _ => None,
        }
    }
}

/// A person decided that the line stays.
fn left(line: &mut PlanLine, stance: &Stance, units: Units) -> Decision {
    let word = stance.as_str();
    line.note(format!(
        "left at {units} units by decision of a person ({word})"
    ));
    line.left = line.target.is_some_and(|target| target != units);
    Decision::Unchanged
}

/// Whether a hold of the contract choice means that nothing bills the service now.
fn says_not_on_contract(code: HoldCode) -> bool {
    matches!(
        code,
        HoldCode::NoContract
            | HoldCode::ContractExpired
            | HoldCode::ContractNotStarted
            | HoldCode::LineMissing
            | HoldCode::PinnedContractUnusable
    )
}
