//! One mapped workspace with one mapped module on one line, and what each
//! circumstance makes of it.

mod bundles;
mod circumstances;
mod count;
mod life_cycle;
mod limits;
mod past;
mod renewal;
mod rollback;
mod undated;
mod window;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::brake::{Brake, BrakeCode};
use crate::bundle::mapped_bundles;
use rust_decimal::Decimal;

use crate::approval::Answer;
use crate::rules::{Action, ApprovalLimits, EffectivePolicy, ZeroRule};
use crate::{
    Cleared, CompleteSnapshot, ContractId, Line, Segment, SetAside, Timeline, Truth, UsageItem,
    UsageSnapshot, WorkspaceKind, WorkspaceStatus, ZeroUnits,
};

const DAY: Date = date(2026, 11, 23);

/// A case: everything as it should be, until a test changes it.
#[derive(Clone)]
pub(super) struct Case {
    as_of: Date,
    workspace: Workspace,
    pub(super) account: Account,
    service: Service,
    pub(super) contracts: Vec<Contract>,
    pub(super) usage: Option<UsageItem>,
    /// What is counted besides.
    more_usage: Vec<UsageItem>,
    unread: Vec<crate::UnreadUsage>,
    pub(super) past: LinePast,
    model: QuantityModel,
    rules: Rules,
    parts_mapped: bool,
    /// A person declared that `part` is in `edr`.
    declared: bool,
    counting: Counting,
    days: Days,
    set_aside: Vec<SetAside>,
    /// Whether its account is not new.
    known: bool,
    passed: Passed,
}

/// A monthly contract from 1 January 2026, without lines.
pub(crate) fn contract() -> Contract {
    let mut contract = Case::new(1, 1).contracts.remove(0);
    contract.lines.clear();
    contract
}

/// A PSA that takes differences with a date, one a line and date.
pub(crate) fn model() -> QuantityModel {
    Case::new(1, 1).model
}

/// A paid subscription.
pub(crate) fn workspace() -> Workspace {
    Case::new(1, 1).workspace
}

fn months(units: [u32; 3]) -> Timeline {
    let dates = [
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 31)),
    ];
    let segment = |(units, (start, end)): (u32, _)| Segment {
        start,
        end: Some(end),
        units: units.into(),
        unit_price: None,
        posted: Truth::No,
    };
    Timeline::new(units.into_iter().zip(dates).map(segment).collect()).unwrap()
}

impl Case {
    /// `count` devices used, `units` on the line.
    pub(super) fn new(count: u32, units: u32) -> Self {
        let contract = ContractId::new("900").unwrap();
        let line = Line {
            key: LineKey {
                line: LineId::new("8001").unwrap(),
                contract: contract.clone(),
                service: ServiceId::new("15").unwrap(),
                account: crate::AccountId::new("1").unwrap(),
            },
            description: None,
            timeline: Ok(months([units; 3])),
            not_writable: None,
            billable: crate::Truth::Yes,
            included: None,
            link: None,
        };
        Self {
            as_of: DAY,
            workspace: Workspace {
                id: WorkspaceId::new("w1").unwrap(),
                name: "Acme".into(),
                company: None,
                domain: None,
                kind: WorkspaceKind::Child,
                parent: None,
                status: WorkspaceStatus::Subscription,
                demo: false,
                nfr: false,
            },
            account: Account {
                id: AccountId::new("17").unwrap(),
                name: "Acme Ltd".into(),
                active: Truth::Yes,
                domain: None,
                link: None,
            },
            service: Service {
                id: ServiceId::new("15").unwrap(),
                name: "Endpoint".into(),
                active: Truth::Yes,
                sku: None,
                parts: vec![],
                unit_price: None,
                link: None,
            },
            contracts: vec![Contract {
                id: contract,
                account: AccountId::new("17").unwrap(),
                name: "Managed".into(),
                start: Some(date(2026, 1, 1)),
                end: Some(date(2027, 1, 31)),
                recurring: Truth::Yes,
                active: Truth::Yes,
                note: None,
                renewed_by: None,
                billing_months: Some(1),
                next_invoice: None,
                invoiced_through: None,
                lines_read: true,
                lines: vec![line],
                link: None,
            }],
            usage: Some(UsageItem {
                workspace: WorkspaceId::new("w1").unwrap(),
                module: ModuleId::new("edr").unwrap(),
                users: Some(999),
                devices: Some(count),
            }),
            more_usage: vec![],
            unread: vec![],
            past: LinePast::default(),
            model: QuantityModel {
                delta: true,
                effect: crate::Effect::Dated,
                knows_posted: true,
                whole_numbers: true,
                largest: Some(Decimal::from(i32::MAX)),
                zero: ZeroUnits::Unknown,
                repeat_date: Truth::No,
            },
            rules: Rules {
                approval: ApprovalLimits::none(),
                ..Rules::default()
            },
            parts_mapped: false,
            declared: false,
            counting: Counting::default(),
            days: Days::default(),
            set_aside: vec![],
            known: true,
            passed: Passed::default(),
        }
    }

    pub(super) fn workspace_id(&self) -> WorkspaceId {
        self.workspace.id.clone()
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn timeline(&mut self) -> &mut Result<Timeline, String> {
        &mut self.contracts[0].lines[0].timeline
    }

    fn snapshot(&self) -> CompleteSnapshot {
        CompleteSnapshot::new(UsageSnapshot {
            channel: WorkspaceId::new("c").unwrap(),
            taken_at: "2026-11-23T05:00:00Z".parse().unwrap(),
            complete: true,
            items: self.usage.iter().chain(&self.more_usage).cloned().collect(),
            unread: self.unread.clone(),
        })
        .unwrap()
    }

    pub(super) fn context<T>(&self, look: impl FnOnce(&Context<'_>) -> T) -> T {
        let snapshot = self.snapshot();
        let mut mapping = Mapping::default();
        mapping
            .map_account(self.workspace.id.clone(), AccountId::new("17").unwrap())
            .unwrap();
        let mut map = |module: &str, service: &str| {
            let mapping_of = ServiceMapping {
                module: ModuleId::new(module).unwrap(),
                service: ServiceId::new(service).unwrap(),
                metric: Metric::Devices,
            };
            mapping.map_service(mapping_of).unwrap();
        };
        map("edr", "15");
        if self.parts_mapped {
            map("part", "151");
        }
        if self.declared {
            let (bundle, part) = (ModuleId::new("edr"), ModuleId::new("part"));
            mapping.declare_part(bundle.unwrap(), part.unwrap());
        }
        let services = self.services();
        look(&Context {
            as_of: self.as_of,
            rules: &self.rules,
            snapshot: &snapshot,
            mapping: &mapping,
            accounts: &HashMap::from([(self.account.id.clone(), self.account.clone())]),
            services: &services,
            bundles: &mapped_bundles(&mapping, &services),
            model: &self.model,
            past: &HashMap::from([(LineId::new("8001").unwrap(), self.past.clone())]),
            counting: &self.counting,
            days: &self.days,
            set_asides: &self.set_aside.iter().cloned().collect(),
            known: &self
                .known
                .then(|| self.account.id.clone())
                .into_iter()
                .collect(),
        })
    }

    fn services(&self) -> HashMap<ServiceId, Service> {
        let part = Service {
            id: ServiceId::new("151").unwrap(),
            name: "Part".into(),
            parts: vec![],
            ..self.service.clone()
        };
        let all = [self.service.clone(), part].into_iter();
        all.map(|service| (service.id.clone(), service)).collect()
    }

    pub(super) fn lines(&self) -> Vec<PlanLine> {
        let account = AccountId::new("17").unwrap();
        self.context(|context| context.plan_workspace(&self.workspace, &account, &self.contracts))
    }

    fn plan(&self) -> Plan {
        let lines = self.lines();
        self.context(|context| {
            let asked = context
                .mapping
                .accounts()
                .map(|(_, id)| id.clone())
                .collect();
            let answered = Answered {
                snapshot: &self.snapshot(),
                asked: &asked,
            };
            let mut plan = Plan::new(context, answered, self.passed.clone());
            plan.saw(&AccountId::new("17").unwrap(), &self.contracts);
            for (at, line) in lines.iter().enumerate() {
                plan.add(at, line);
            }
            plan
        })
    }

    fn adjustments(&self) -> Vec<(usize, Cleared)> {
        self.plan()
            .adjustments(&BTreeSet::new())
            .unwrap_or_default()
    }

    /// The decision in one word.
    fn decision(&self) -> String {
        let lines = self.lines();
        lines.first().map_or("nothing to say".into(), in_one_word)
    }
}

/// A line's decision in one word.
fn in_one_word(line: &PlanLine) -> String {
    let word = match &line.decision {
        Decision::Unchanged => "unchanged",
        Decision::Adjust => "adjust",
        Decision::Gather { .. } => "gather",
        Decision::Ask(_) => "ask",
        Decision::Hold(hold) => hold.code.as_str(),
    };
    match (&line.decision, &line.note) {
        (Decision::Hold(_), _) | (_, None) => word.to_owned(),
        (_, Some(_)) => format!("{word}, with a note"),
    }
}

#[test]
fn a_rise_and_a_fall_are_planned_as_a_difference() {
    let adjustments = Case::new(11, 5).adjustments();
    let [(0, adjustment)] = adjustments.as_slice() else {
        panic!("{adjustments:?}")
    };
    assert_eq!(
        (adjustment.baseline, adjustment.target),
        (5.into(), 11.into())
    );
    assert_eq!(adjustment.effective, DAY);
    let delta = |case: Case| case.lines()[0].delta().unwrap().to_string();
    assert_eq!(delta(Case::new(11, 5)), "+6");
    assert_eq!(delta(Case::new(3, 5)), "-2");
}

fn question(baseline: u32, target: u32, answer: Answer) -> Question {
    Question {
        baseline: baseline.into(),
        target: target.into(),
        effective: DAY,
        monthly: None,
        reasons: vec![Reason::Units {
            change: Decimal::from(6),
            limit: Decimal::from(5),
        }],
        answer,
        rollback: None,
    }
}

#[test]
fn what_is_set_aside_is_held_or_not_planned_until_its_last_day() {
    let aside = |kind, module: Option<&str>, until| SetAside {
        workspace: WorkspaceId::new("w1").unwrap(),
        module: module.map(|id| ModuleId::new(id).unwrap()),
        kind,
        why: "asked to wait".into(),
        who: "ann".into(),
        since: "2026-11-01T09:00:00Z".parse().unwrap(),
        until,
    };
    use crate::SetAsideKind::{Exclude, Hold};
    let yesterday = Some(date(2026, 11, 22));
    let table = [
        ("held", vec![aside(Hold, None, None)], "set-aside"),
        (
            "the module held",
            vec![aside(Hold, Some("edr"), Some(DAY))],
            "set-aside",
        ),
        (
            "held until yesterday",
            vec![aside(Hold, None, yesterday)],
            "adjust",
        ),
        (
            "excluded",
            vec![aside(Exclude, None, None)],
            "nothing to say",
        ),
        (
            "the module excluded",
            vec![aside(Exclude, Some("edr"), Some(DAY))],
            "nothing to say",
        ),
        (
            "excluded until yesterday",
            vec![aside(Exclude, None, yesterday)],
            "adjust",
        ),
        (
            "another module excluded",
            vec![aside(Exclude, Some("mdm"), None)],
            "adjust",
        ),
    ];
    for (circumstance, set_aside, expected) in table {
        let case = Case::new(11, 5).with(|c| c.set_aside = set_aside);
        assert_eq!(case.decision(), expected, "{circumstance}");
    }
    // An account that cannot be read holds what is used, and not what is excluded.
    for (kind, held) in [(Hold, 1), (Exclude, 0)] {
        let case = Case::new(11, 5).with(|c| c.set_aside = vec![aside(kind, None, None)]);
        let unreadable = crate::Hold::new(crate::HoldCode::AccountUnreadable, "no answer");
        let account = AccountId::new("17").unwrap();
        let lines =
            case.context(|context| context.hold_workspace(&case.workspace, &account, &unreadable));
        assert_eq!(lines.len(), held, "{kind:?}");
    }
    // Where there is nothing to hold, nothing is said.
    let unused = Case::new(11, 5).with(|c| {
        c.set_aside = vec![aside(Hold, None, None)];
        c.usage = None;
        c.contracts.clear();
    });
    assert_eq!(unused.decision(), "nothing to say");
}

#[test]
fn nothing_is_posted_while_a_brake_is_on() {
    assert_eq!(Case::new(11, 5).adjustments().len(), 1);
    let braked = Case::new(11, 5).with(|c| {
        c.rules.brakes.money = Some(Decimal::ZERO);
        let priced = |mut segment: Segment| {
            let price = Money {
                amount: Decimal::TWO,
                currency: Some("USD".into()),
            };
            segment.unit_price = Some(price);
            segment
        };
        let rows = months([5; 3])
            .segments()
            .iter()
            .cloned()
            .map(priced)
            .collect();
        *c.timeline() = Ok(Timeline::new(rows).unwrap());
    });
    assert_eq!(
        braked.lines()[0].monthly.as_ref().unwrap().to_string(),
        "12.00 USD"
    );
    let mut plan = braked.plan();
    let codes: Vec<_> = plan
        .brakes(&BTreeSet::new())
        .iter()
        .map(Brake::code)
        .collect();
    assert_eq!(codes, ["too-much-money"]);
    let released = BTreeSet::from([BrakeCode::TooMuchMoney]);
    assert_eq!(plan.brakes(&released), []);
    let unknown = Case::new(11, 5).with(|c| c.rules.brakes.money = Some(Decimal::ZERO));
    let brakes = unknown.plan().brakes(&BTreeSet::new());
    assert_eq!(brakes, [Brake::MoneyUnknown { changes: 1 }]);
    assert!(plan.adjustments(&BTreeSet::new()).is_err());
}

#[test]
fn what_is_left_out_counts_for_the_brakes_and_is_neither_adjusted_nor_let_pass() {
    let case = Case::new(11, 5).with(|c| {
        c.known = true;
        c.rules.brakes.money = Some(Decimal::ZERO);
    });
    let line = case.lines().remove(0);
    let plan_of = |add: &dyn Fn(&mut Plan)| {
        let mut plan = case.context(|context| {
            let asked = BTreeSet::new();
            let passed = Passed::new(context.as_of, None, Vec::new());
            let answered = Answered {
                snapshot: &case.snapshot(),
                asked: &asked,
            };
            Plan::new(context, answered, passed)
        });
        add(&mut plan);
        plan
    };
    let mut added = plan_of(&|plan| plan.add(0, &line));
    let mut left_out = plan_of(&|plan| plan.leave_out(&line));
    let brakes = left_out.brakes(&BTreeSet::new());
    assert_eq!(brakes, [Brake::MoneyUnknown { changes: 1 }]);
    assert_eq!(brakes, added.brakes(&BTreeSet::new()));
    assert_eq!(left_out.units(), added.units());
    assert_eq!((added.passing().len(), left_out.passing().len()), (1, 0));
    let released = BTreeSet::from([BrakeCode::MoneyUnknown]);
    assert_eq!(added.adjustments(&released).map(|all| all.len()), Ok(1));
    assert_eq!(left_out.adjustments(&released), Ok(vec![]));
}

#[test]
fn a_snapshot_without_any_count_puts_the_brake_on() {
    let zero = Case::new(0, 5).with(|c| c.usage.as_mut().unwrap().users = Some(0));
    let brakes = |case: &Case| case.plan().brakes(&BTreeSet::new());
    assert_eq!(brakes(&zero), [Brake::SnapshotAllZero]);
    assert_eq!(brakes(&Case::new(0, 5)), []);
    // Released, each line of its own is held still.
    let released = BTreeSet::from([BrakeCode::SnapshotAllZero]);
    assert_eq!(zero.plan().brakes(&released), []);
    assert_eq!(zero.plan().adjustments(&released), Ok(vec![]));
}

/// The hold of a case's only line.
fn hold(case: &Case) -> Hold {
    match case.lines().remove(0).decision {
        Decision::Hold(hold) => hold,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_later_period_with_units_is_named_where_nothing_is_billed() {
    let case = Case::new(11, 0).with(|c| {
        c.workspace.status = WorkspaceStatus::Trial;
        *c.timeline() = Ok(months([0, 4, 4]));
    });
    assert_eq!(
        hold(&case).message,
        "workspace w1 is trial and is not billed, and its line has 4 units from 2026-12-01 on"
    );
}

#[test]
fn our_own_posted_next_period_is_not_to_be_removed() {
    let december = date(2026, 12, 1);
    let case = |confirmed: (u32, Date)| {
        Case::new(12, 5).with(|c| {
            *c.timeline() = Ok(months([5, 11, 11]));
            c.past.confirmed = Some((confirmed.0.into(), confirmed.1));
        })
    };
    let own = hold(&case((11, december)));
    assert_eq!(own.code, crate::HoldCode::FutureChange);
    assert_eq!(
        own.message,
        "psa-host itself has already posted a change to 11 units from 2026-12-01 on, for the next \
         period"
    );
    assert!(own.fix.starts_with("Nothing to do"), "{}", own.fix);
    // Others changed what was posted for that day.
    let others = hold(&case((9, december)));
    assert_eq!(
        others.message,
        "the PSA has a change to 11 units from 2026-12-01 on"
    );
    assert_eq!(others.fix, crate::HoldCode::FutureChange.fix());
    // From that day on the line follows its count.
    let later = case((11, december)).with(|c| *c.timeline() = Ok(months([11; 3])));
    assert_eq!(later.adjustments()[0].1.target, Units::from(12));
}

#[test]
fn what_missed_the_invoice_is_said() {
    let case = Case::new(11, 5).with(|c| {
        let mut rows = months([5; 3]).segments().to_vec();
        rows[0].posted = Truth::Yes;
        *c.timeline() = Ok(Timeline::new(rows).unwrap());
    });
    let lines = case.lines();
    assert_eq!(lines[0].effective, date(2026, 12, 1));
    assert_eq!(
        lines[0].note.as_deref(),
        Some("2026-11-01 to 2026-11-30 is already posted with 5 units: +6 missed its invoice")
    );
}

#[test]
fn a_decision_can_be_explained_step_by_step() {
    let case = Case::new(11, 5);
    let account = AccountId::new("17").unwrap();
    let (line, steps) = case.context(|context| {
        let service = context.mapping.services().next().unwrap();
        context.explain(&case.workspace, &account, service, &case.contracts)
    });
    assert_eq!(line.as_ref(), case.lines().first());
    let said: Vec<(&str, &str)> = steps.iter().map(|s| (s.about, s.says.as_str())).collect();
    assert_eq!(
        said,
        [
            (
                "count",
                "11 devices in the snapshot of 2026-11-23T05:00:00Z"
            ),
            (
                "contract",
                "contract 900 (Managed), line 8001 for service 15"
            ),
            ("units", "5 from 2026-11-01 to 2027-01-31"),
            ("life-cycle", "the workspace is subscription: bill"),
            (
                "effective-date",
                "policy today: 2026-11-23 in the connection's zone"
            ),
            (
                "money",
                "an unknown price a unit for 1 month(s); an unknown price a month for the change"
            ),
            ("approval", "within all limits"),
            ("decision", "post 5 → 11 from 2026-11-23 on"),
        ]
    );
}

proptest! {
    /// Whatever the numbers: an adjustment leads from what the PSA has to exactly the
    /// count, is never zero, never to zero, and never planned on an uneven future.
    #[test]
    fn an_adjustment_always_leads_to_the_count(
        count in 0_u32..50, now in 0_u32..50, later in 0_u32..50, adjusted in any::<bool>(),
    ) {
        let case = Case::new(count, now).with(|c| {
            *c.timeline() = Ok(months([now, now, later]));
            c.past.adjusted = adjusted.then_some(DAY).into_iter().collect();
        });
        for (_, adjustment) in case.adjustments() {
            prop_assert_eq!(adjustment.target, Units::from(count));
            prop_assert_eq!(adjustment.baseline, Units::from(now));
            prop_assert!(count != now && count != 0 && later == now && !adjusted);
        }
    }

    /// Whoever is not billed by the rules is never changed by his counts.
    #[test]
    fn what_is_not_paid_is_never_billed(
        count in 0_u32..50, now in 0_u32..50, status in 0_usize..5, demo in any::<bool>(),
        nfr in any::<bool>(),
    ) {
        let words = ["new", "trial", "inactive", "archived", "subscription"];
        let case = Case::new(count, now).with(|c| {
            c.workspace.status = WorkspaceStatus::from(words[status].to_owned());
            (c.workspace.demo, c.workspace.nfr) = (demo, nfr);
        });
        prop_assert!(case.workspace.is_paid() || case.adjustments().is_empty());
    }
}
