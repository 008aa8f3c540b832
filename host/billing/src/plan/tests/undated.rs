//! A PSA that takes no date, day by day: when a change is sent, from which day it is billed,
//! and what missed an invoice.

use jiff::ToSpan;

use super::*;
use crate::Effect;
use crate::rules::EffectiveRule;

/// How the PSA invoices the contract. Each run is in the morning, each invoice at noon.
#[derive(Clone, Copy, PartialEq)]
enum Invoiced {
    /// On the first, for the month that begins.
    InAdvance,
    /// On the third, for the month before.
    InArrears,
    /// The PSA does not say.
    Unknown,
}

impl Invoiced {
    /// The last day invoiced and the day of the next invoice, on the morning of a day.
    fn on(self, day: Date) -> Option<(Date, Date)> {
        let month = |months: i32| {
            let first = day.first_of_month();
            first.checked_add(months.months()).unwrap()
        };
        let last = |months: i32| month(months).last_of_month();
        let third = |months: i32| month(months).checked_add(2.days()).unwrap();
        match self {
            Self::InAdvance if day.day() == 1 => Some((last(-1), day)),
            Self::InAdvance => Some((last(0), month(1))),
            Self::InArrears if day.day() <= 3 => Some((last(-2), third(0))),
            Self::InArrears => Some((last(-1), third(1))),
            Self::Unknown => None,
        }
    }
}

/// How the PSA shows a line that has one quantity and no dates.
#[derive(Debug, Clone, Copy)]
enum Shown {
    /// One open stretch, of which nobody knows whether it is posted.
    Open,
    /// Cut into the months of today and after it.
    InMonths,
}

impl Shown {
    fn timeline(self, units: Units, day: Date) -> Timeline {
        let months: i32 = match self {
            Self::Open => 1,
            Self::InMonths => 3,
        };
        let segment = |at: i32| {
            let start = day.first_of_month().checked_add(at.months()).unwrap();
            Segment {
                start,
                end: matches!(self, Self::InMonths).then(|| start.last_of_month()),
                units,
                unit_price: None,
                posted: Truth::Unknown,
            }
        };
        Timeline::new((0..months).map(segment).collect()).unwrap()
    }
}

/// A line with 5 units, and 11 in use from 23 November on.
struct Life {
    effect: Effect,
    policy: EffectivePolicy,
    invoiced: Invoiced,
    shown: Shown,
    /// Days on which no run is made.
    down: Vec<Date>,
}

impl Life {
    /// What was sent until the middle of January, or why nothing was.
    fn told(&self) -> String {
        let mut past = LinePast::default();
        let mut units = Units::from(5);
        let mut told = Vec::new();
        let mut day = DAY;
        let mut held = None;
        while day < date(2027, 1, 15) {
            if !self.down.contains(&day) {
                let line = self.on(day, units, &past);
                held = None;
                match &line.decision {
                    Decision::Adjust => {
                        let words = line.note.as_deref().unwrap_or("nothing to say");
                        let from = line.effective;
                        told.push(format!("sent {day} for {from}: {words}"));
                        units = line.target.unwrap();
                        past.confirmed = Some((units, from));
                        (past.posted, past.due) = (true, None);
                    }
                    Decision::Hold(hold) => held = Some(hold.code),
                    _ => {}
                }
                if line.decision != Decision::Adjust {
                    remember(&mut past, &line);
                }
            }
            day = day.tomorrow().unwrap();
        }
        told.extend(held.map(|code| format!("held: {code}")));
        told.join("; ")
    }

    fn on(&self, day: Date, units: Units, past: &LinePast) -> PlanLine {
        let case = Case::new(11, 0).with(|c| {
            c.as_of = day;
            (c.model.delta, c.model.effect) = (false, self.effect);
            (c.model.knows_posted, c.model.repeat_date) = (false, Truth::Yes);
            c.rules.effective = EffectiveRule {
                policy: self.policy,
                ..EffectiveRule::default()
            };
            let known = self.invoiced.on(day);
            c.contracts[0].invoiced_through = known.map(|(through, _)| through);
            c.contracts[0].next_invoice = known.map(|(_, next)| next);
            c.contracts[0].end = None;
            *c.timeline() = Ok(self.shown.timeline(units, day));
            c.past = past.clone();
        });
        case.lines().remove(0)
    }
}

fn remember(past: &mut LinePast, line: &PlanLine) {
    match line.due {
        DueNews::AsItWas => {}
        DueNews::Settled => past.due = None,
        DueNews::From(from) => {
            past.due = Some(Due {
                workspace: line.pair.workspace.clone(),
                module: line.pair.module.clone(),
                from,
            });
        }
    }
}

fn of(effect: Effect, policy: EffectivePolicy, invoiced: Invoiced) -> Life {
    Life {
        effect,
        policy,
        invoiced,
        shown: Shown::Open,
        down: Vec::new(),
    }
}

#[test]
fn a_change_is_sent_once_and_never_bills_a_day_before_the_one_it_shall_hold_from() {
    use EffectivePolicy::{NextPeriod, PeriodStart, Today};
    use Invoiced::{InAdvance, InArrears, Unknown};
    let table = [
        // What holds at once is sent on the very day.
        (
            Effect::Immediate,
            Today,
            InAdvance,
            "sent 2026-11-23 for 2026-12-01: 2026-11-23 to 2026-11-30 is already invoiced with 5 \
             units: +6 missed its invoice",
        ),
        (
            Effect::Immediate,
            Today,
            InArrears,
            "sent 2026-11-23 for 2026-11-23: nothing to say",
        ),
        (
            Effect::Immediate,
            Today,
            Unknown,
            "sent 2026-11-23 for 2026-11-23: nothing to say",
        ),
        (
            Effect::Immediate,
            NextPeriod,
            InAdvance,
            "sent 2026-12-01 for 2026-12-01: nothing to say",
        ),
        (
            Effect::Immediate,
            NextPeriod,
            InArrears,
            "sent 2026-12-01 for 2026-12-01: nothing to say",
        ),
        (
            Effect::Immediate,
            NextPeriod,
            Unknown,
            "sent 2026-12-01 for 2026-12-01: nothing to say",
        ),
        (
            Effect::Immediate,
            PeriodStart,
            InArrears,
            "held: policy-not-possible",
        ),
        // What the next invoice bills is sent between the two invoices.
        (
            Effect::NextInvoice,
            Today,
            InAdvance,
            "sent 2026-11-28 for 2026-12-01: 2026-11-23 to 2026-11-30 is already invoiced with 5 \
             units: +6 missed its invoice",
        ),
        (
            Effect::NextInvoice,
            Today,
            InArrears,
            "sent 2026-12-04 for 2026-12-01: 2026-11-23 to 2026-11-30 is already invoiced with 5 \
             units: +6 missed its invoice",
        ),
        (
            Effect::NextInvoice,
            Today,
            Unknown,
            "sent 2026-11-23 for 2026-11-23: it is not known through which day the contract is \
             invoiced: the change is billed from the PSA's next invoice on, whatever days that \
             bills",
        ),
        (
            Effect::NextInvoice,
            NextPeriod,
            InAdvance,
            "sent 2026-11-28 for 2026-12-01: nothing to say",
        ),
        (
            Effect::NextInvoice,
            NextPeriod,
            InArrears,
            "sent 2026-12-04 for 2026-12-01: nothing to say",
        ),
        (
            Effect::NextInvoice,
            NextPeriod,
            Unknown,
            "held: invoicing-unknown",
        ),
        (
            Effect::NextInvoice,
            PeriodStart,
            InAdvance,
            "sent 2026-11-28 for 2026-12-01: 2026-11-01 to 2026-11-30 is already invoiced with 5 \
             units: +6 missed its invoice",
        ),
        (
            Effect::NextInvoice,
            PeriodStart,
            InArrears,
            "sent 2026-11-23 for 2026-11-01: nothing to say",
        ),
        (
            Effect::NextInvoice,
            PeriodStart,
            Unknown,
            "held: invoicing-unknown",
        ),
    ];
    for (effect, policy, invoiced, expected) in table {
        for shown in [Shown::Open, Shown::InMonths] {
            let life = Life {
                shown,
                ..of(effect, policy, invoiced)
            };
            assert_eq!(life.told(), expected, "{effect:?}, {policy}, {shown:?}");
        }
    }
}

#[test]
fn what_missed_its_day_is_sent_on_the_next_day_that_runs() {
    use EffectivePolicy::{NextPeriod, Today};
    use Invoiced::{InAdvance, InArrears};
    let (nov_27, dec_1, dec_2) = (date(2026, 11, 27), date(2026, 12, 1), date(2026, 12, 2));
    let table = [
        (
            Effect::Immediate,
            NextPeriod,
            InArrears,
            "sent 2026-12-03 for 2026-12-03: 2026-12-01 to 2026-12-02 passed with 5 units: +6 is \
             late",
        ),
        (
            Effect::Immediate,
            NextPeriod,
            InAdvance,
            "sent 2026-12-03 for 2027-01-01: 2026-12-01 to 2026-12-31 is already invoiced with 5 \
             units: +6 missed its invoice",
        ),
        // No run from the window's first day to the invoice: it gathers for the one after.
        (
            Effect::NextInvoice,
            NextPeriod,
            InAdvance,
            "sent 2026-12-29 for 2027-01-01: 2026-12-01 to 2026-12-31 is already invoiced with 5 \
             units: +6 missed its invoice",
        ),
        (
            Effect::NextInvoice,
            Today,
            InAdvance,
            "sent 2026-12-29 for 2027-01-01: 2026-11-23 to 2026-12-31 is already invoiced with 5 \
             units: +6 missed its invoice",
        ),
    ];
    for (effect, policy, invoiced, expected) in table {
        let mut life = of(effect, policy, invoiced);
        life.down = vec![nov_27, dec_1, dec_2];
        life.down.extend((28..=30).map(|day| date(2026, 11, day)));
        assert_eq!(life.told(), expected, "{effect:?}, {policy}");
    }
}

#[test]
fn the_remembered_day_is_that_of_the_first_plan_and_goes_with_the_change() {
    let life = of(
        Effect::Immediate,
        EffectivePolicy::NextPeriod,
        Invoiced::InArrears,
    );
    let december = DueNews::From(date(2026, 12, 1));
    let first = life.on(DAY, 5.into(), &LinePast::default());
    assert_eq!(
        first.decision,
        Decision::Gather {
            not_before: date(2026, 12, 1)
        }
    );
    assert_eq!(first.due, december);
    let mut past = LinePast::default();
    remember(&mut past, &first);
    let again = life.on(date(2026, 11, 24), 5.into(), &past);
    assert_eq!(again.due, DueNews::AsItWas, "known already");
    let right = life.on(date(2026, 11, 25), 11.into(), &past);
    assert_eq!(right.due, DueNews::Settled, "it stands at its count");
    // Without it, what is found on the first is for January.
    let new = life.on(date(2026, 12, 1), 5.into(), &LinePast::default());
    assert_eq!(new.due, DueNews::From(date(2027, 1, 1)));
    // Another customer's day is not this one's.
    past.due.as_mut().unwrap().workspace = "w2".parse().unwrap();
    let moved = life.on(date(2026, 12, 1), 5.into(), &past);
    assert_eq!(moved.due, DueNews::From(date(2027, 1, 1)));
    // A person who said no to the change said no to its day.
    let mut rejected = past.clone();
    let words = "too many".to_owned();
    rejected.question = Some(question(5, 11, Answer::Rejected { words }));
    let due = rejected.due.as_mut().unwrap();
    (due.workspace, due.from) = ("w1".parse().unwrap(), date(2026, 11, 20));
    let line = life.on(date(2026, 12, 1), 5.into(), &rejected);
    assert_eq!(line.due, DueNews::Settled, "{:?}", line.decision);
}

#[test]
fn what_is_invoiced_has_to_agree_with_the_periods() {
    let life = of(
        Effect::NextInvoice,
        EffectivePolicy::NextPeriod,
        Invoiced::Unknown,
    );
    let case = |through: Date, policy| {
        Case::new(11, 5).with(|c| {
            (c.model.delta, c.model.effect) = (false, life.effect);
            c.model.knows_posted = false;
            c.rules.effective.policy = policy;
            c.contracts[0].invoiced_through = Some(through);
            c.contracts[0].next_invoice = Some(date(2026, 12, 1));
        })
    };
    let (mid, end) = (date(2026, 11, 14), date(2026, 11, 30));
    let of = |through, policy| case(through, policy).decision();
    assert_eq!(of(mid, EffectivePolicy::NextPeriod), "period-unknown");
    assert_eq!(of(mid, EffectivePolicy::PeriodStart), "period-unknown");
    assert_eq!(of(end, EffectivePolicy::NextPeriod), "gather");
    let over = case(date(2027, 1, 31), EffectivePolicy::Today);
    assert_eq!(over.decision(), "all-posted");
}

#[test]
fn a_dated_psa_that_does_not_tell_what_is_posted_is_judged_by_what_is_invoiced() {
    let told = |through: Option<Date>| {
        let case = Case::new(11, 5).with(|c| {
            c.model.knows_posted = false;
            c.contracts[0].invoiced_through = through;
            let mut segments = months([5; 3]).segments().to_vec();
            segments.iter_mut().for_each(|s| s.posted = Truth::Unknown);
            *c.timeline() = Ok(Timeline::new(segments).unwrap());
        });
        let line = case.lines().remove(0);
        (in_one_word(&line), line.effective)
    };
    assert_eq!(told(Some(date(2026, 10, 31))), ("adjust".to_owned(), DAY));
    assert_eq!(
        told(Some(date(2026, 11, 30))),
        ("gather, with a note".to_owned(), date(2026, 12, 1))
    );
    assert_eq!(told(None).0, "invoicing-unknown");
    assert_eq!(told(Some(date(2027, 1, 31))).0, "all-posted");
}

#[test]
fn a_line_that_cannot_be_set_or_is_not_billed_is_held_and_what_is_included_is_said() {
    type Row = (&'static str, fn(&mut Line), &'static str);
    let table: [Row; 6] = [
        (
            "the PSA counts it itself",
            |line| line.not_writable = Some("Halo calculates it".into()),
            "line-not-writable",
        ),
        (
            "nobody pays for it",
            |line| line.billable = Truth::No,
            "line-not-billable",
        ),
        (
            "perhaps nobody pays for it",
            |line| line.billable = Truth::Unknown,
            "adjust, with a note",
        ),
        (
            "three are included",
            |line| line.included = Some(3.into()),
            "adjust, with a note",
        ),
        (
            "none are included",
            |line| line.included = Some(Units::ZERO),
            "adjust",
        ),
        ("nothing special", |_| {}, "adjust"),
    ];
    for (circumstance, change, expected) in table {
        let case = Case::new(11, 5).with(|c| change(&mut c.contracts[0].lines[0]));
        assert_eq!(case.decision(), expected, "{circumstance}");
    }
    // What stands at its count needs no setting, but nobody would be billed.
    let right = |change: fn(&mut Line)| {
        let case = Case::new(5, 5).with(|c| change(&mut c.contracts[0].lines[0]));
        case.decision()
    };
    assert_eq!(
        right(|line| line.not_writable = Some("no".into())),
        "unchanged"
    );
    assert_eq!(right(|line| line.billable = Truth::No), "line-not-billable");
}

#[test]
fn units_that_are_included_cost_nothing() {
    let case = |count, included: u32| {
        let case = Case::new(count, 5).with(|c| {
            c.contracts[0].lines[0].included = Some(included.into());
            let mut segments = months([5; 3]).segments().to_vec();
            let price = Money {
                amount: Decimal::from(2),
                currency: None,
            };
            segments
                .iter_mut()
                .for_each(|s| s.unit_price = Some(price.clone()));
            *c.timeline() = Ok(Timeline::new(segments).unwrap());
        });
        let line = case.lines().remove(0);
        (line.monthly.unwrap().to_string(), line.note)
    };
    assert_eq!(case(11, 0), ("12.00".to_owned(), None));
    let (money, note) = case(11, 8);
    assert_eq!(
        money, "6.00",
        "three of eleven are billed, none of five were"
    );
    assert_eq!(
        note.as_deref(),
        Some("the contract includes 8 units free of charge: of 11, 3 are billed")
    );
}

#[test]
fn a_rollback_is_sent_at_once() {
    let question = Question {
        answer: Answer::Granted,
        reasons: vec![Reason::Rollback {
            run: "r-000001".into(),
        }],
        rollback: Some(crate::approval::Rollback {
            question: "q-1".into(),
            run: "r-000001".into(),
            effective: date(2026, 11, 20),
        }),
        effective: DAY,
        ..question(11, 5, Answer::Granted)
    };
    let case = Case::new(11, 11).with(|c| {
        (c.model.delta, c.model.effect) = (false, Effect::Immediate);
        c.model.knows_posted = false;
        *c.timeline() = Ok(Shown::Open.timeline(11.into(), DAY));
        c.past.question = Some(question);
    });
    let line = case.lines().remove(0);
    assert_eq!(line.decision, Decision::Adjust, "{line:?}");
    assert_eq!((line.effective, line.target), (DAY, Some(5.into())));
}
