//! One mapped workspace with one mapped module on one line, and what each
//! circumstance makes of it.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::{
    ContractId, Line, Segment, SetAside, Timeline, UsageSnapshot, WorkspaceKind, WorkspaceStatus,
};

const DAY: Date = date(2026, 11, 23);

/// A case: everything as it should be, until a test changes it.
#[derive(Clone)]
struct Case {
    workspace: Workspace,
    account: Account,
    service: Service,
    contracts: Vec<Contract>,
    usage: Option<UsageItem>,
    past: LinePast,
    model: QuantityModel,
    set_aside: Vec<SetAside>,
}

fn months(units: [u32; 3]) -> Timeline {
    let dates = [
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 31)),
    ];
    let segment = |(units, (start, end)): (u32, _)| Segment {
        start,
        end,
        units: units.into(),
        unit_price: None,
        posted: Truth::No,
    };
    Timeline::new(units.into_iter().zip(dates).map(segment).collect()).unwrap()
}

impl Case {
    /// `count` devices used, `units` on the line.
    fn new(count: u32, units: u32) -> Self {
        let contract = ContractId::new("900").unwrap();
        let line = Line {
            key: LineKey {
                line: LineId::new("8001").unwrap(),
                contract: contract.clone(),
                service: ServiceId::new("15").unwrap(),
            },
            description: None,
            timeline: Ok(months([units; 3])),
            link: None,
        };
        Self {
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
            past: LinePast::default(),
            model: QuantityModel {
                delta: true,
                effective_dated: true,
                whole_numbers: true,
                largest: Some(Decimal::from(i32::MAX)),
                zero: ZeroUnits::Unknown,
                repeat_date: Truth::No,
            },
            set_aside: vec![],
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn timeline(&mut self) -> &mut Result<Timeline, String> {
        &mut self.contracts[0].lines[0].timeline
    }

    fn plan(&self) -> Plan {
        self.plan_run(true)
    }

    fn plan_run(&self, first_run: bool) -> Plan {
        self.planned(|context| {
            let account = AccountId::new("17").unwrap();
            let lines = context.plan_workspace(&self.workspace, &account, &self.contracts);
            Plan::new(context, lines, first_run, &BTreeSet::new())
        })
    }

    fn planned<T>(&self, plan: impl FnOnce(&Context<'_>) -> T) -> T {
        let snapshot = CompleteSnapshot::new(UsageSnapshot {
            channel: WorkspaceId::new("c").unwrap(),
            taken_at: "2026-11-23T05:00:00Z".parse().unwrap(),
            complete: true,
            items: self.usage.iter().cloned().collect(),
        })
        .unwrap();
        let mut mapping = Mapping::default();
        mapping
            .map_account(self.workspace.id.clone(), AccountId::new("17").unwrap())
            .unwrap();
        mapping
            .map_service(ServiceMapping {
                module: ModuleId::new("edr").unwrap(),
                service: ServiceId::new("15").unwrap(),
                metric: Metric::Devices,
            })
            .unwrap();
        let context = Context {
            as_of: DAY,
            snapshot: &snapshot,
            mapping: &mapping,
            accounts: &HashMap::from([(self.account.id.clone(), self.account.clone())]),
            services: &HashMap::from([(self.service.id.clone(), self.service.clone())]),
            model: &self.model,
            past: &HashMap::from([(LineId::new("8001").unwrap(), self.past.clone())]),
            set_asides: &self.set_aside.iter().cloned().collect(),
        };
        plan(&context)
    }

    /// The decision in one word.
    fn decision(&self) -> String {
        match self.plan().lines.first().map(|line| &line.decision) {
            None => "nothing to say".into(),
            Some(Decision::Unchanged(None)) => "unchanged".into(),
            Some(Decision::Unchanged(Some(_))) => "unchanged, with a note".into(),
            Some(Decision::Adjust) => "adjust".into(),
            Some(Decision::Hold(hold)) => hold.code.to_string(),
        }
    }
}

#[test]
fn a_rise_and_a_fall_are_planned_as_a_difference() {
    let plan = Case::new(11, 5).plan();
    let adjustments = plan.adjustments();
    let [(0, adjustment)] = adjustments.as_slice() else {
        panic!("{adjustments:?}")
    };
    assert_eq!(
        (adjustment.baseline(), adjustment.target()),
        (5.into(), 11.into())
    );
    assert_eq!(adjustment.effective(), DAY);
    assert_eq!(plan.lines[0].delta().unwrap().to_string(), "+6");
    assert_eq!(
        Case::new(3, 5).plan().lines[0].delta().unwrap().to_string(),
        "-2"
    );
}

#[test]
fn each_circumstance_has_one_decision() {
    let table: Vec<(&str, Case, &str)> = vec![
        ("more in use", Case::new(11, 5), "adjust"),
        ("fewer in use", Case::new(3, 5), "adjust"),
        ("as many as billed", Case::new(5, 5), "unchanged"),
        ("none used, none billed", Case::new(0, 0), "unchanged"),
        ("a fall to zero", Case::new(0, 5), "not-yet-supported"),
        (
            "account gone",
            Case::new(11, 5).with(|c| c.account.id = AccountId::new("18").unwrap()),
            "account-missing",
        ),
        (
            "account inactive",
            Case::new(11, 5).with(|c| c.account.active = Truth::No),
            "account-inactive",
        ),
        (
            "service gone",
            Case::new(11, 5).with(|c| c.service.id = ServiceId::new("16").unwrap()),
            "service-missing",
        ),
        (
            "service inactive",
            Case::new(11, 5).with(|c| c.service.active = Truth::No),
            "service-inactive",
        ),
        (
            "no contract",
            Case::new(11, 5).with(|c| c.contracts.clear()),
            "no-contract",
        ),
        (
            "no contract and nothing used",
            Case::new(0, 5).with(|c| c.contracts.clear()),
            "nothing to say",
        ),
        (
            "not in the snapshot, though billed",
            Case::new(11, 5).with(|c| c.usage = None),
            "usage-missing",
        ),
        (
            "in the snapshot by the other metric only",
            Case::new(11, 5).with(|c| c.usage.as_mut().unwrap().devices = None),
            "usage-missing",
        ),
        (
            "neither in the snapshot nor billed",
            Case::new(11, 5).with(|c| {
                c.usage = None;
                c.contracts[0].lines.clear();
            }),
            "nothing to say",
        ),
        (
            "used but not on the contract",
            Case::new(11, 5).with(|c| c.contracts[0].lines.clear()),
            "line-missing",
        ),
        (
            "a trial with a line",
            Case::new(11, 5).with(|c| c.workspace.status = WorkspaceStatus::Trial),
            "not-yet-supported",
        ),
        (
            "a demo with a line",
            Case::new(11, 5).with(|c| c.workspace.demo = true),
            "not-yet-supported",
        ),
        (
            "inactive with counts, without a line",
            Case::new(11, 5).with(|c| {
                c.workspace.status = WorkspaceStatus::Inactive;
                c.contracts[0].lines.clear();
            }),
            "nothing to say",
        ),
        (
            "a missing unit row",
            Case::new(11, 5).with(|c| *c.timeline() = Err("no row for December".into())),
            "units-unreadable",
        ),
        (
            "the day is before the first row",
            Case::new(11, 5).with(|c| {
                let rows = months([5; 3]).segments()[1..].to_vec();
                *c.timeline() = Ok(Timeline::new(rows).unwrap());
            }),
            "no-units-at-date",
        ),
        (
            "a posted period",
            Case::new(11, 5).with(|c| {
                let mut rows = months([5; 3]).segments().to_vec();
                rows[0].posted = Truth::Yes;
                *c.timeline() = Ok(Timeline::new(rows).unwrap());
            }),
            "not-yet-supported",
        ),
        (
            "a period of which nobody knows whether it is posted",
            Case::new(11, 5).with(|c| {
                let mut rows = months([5; 3]).segments().to_vec();
                rows[1].posted = Truth::Unknown;
                *c.timeline() = Ok(Timeline::new(rows).unwrap());
            }),
            "not-yet-supported",
        ),
        (
            "a future change is pending",
            Case::new(11, 5).with(|c| *c.timeline() = Ok(months([5, 5, 7]))),
            "not-yet-supported",
        ),
        (
            "as many as billed, but a future change is pending",
            Case::new(5, 5).with(|c| *c.timeline() = Ok(months([5, 7, 7]))),
            "unchanged, with a note",
        ),
        (
            "a person changed it since",
            Case::new(11, 5).with(|c| c.past.confirmed = Some((4.into(), date(2026, 11, 20)))),
            "not-yet-supported",
        ),
        (
            "as last confirmed",
            Case::new(11, 5).with(|c| c.past.confirmed = Some((5.into(), date(2026, 11, 20)))),
            "adjust",
        ),
        (
            "confirmed for a day still to come",
            Case::new(11, 5).with(|c| c.past.confirmed = Some((4.into(), date(2026, 12, 1)))),
            "adjust",
        ),
        (
            "already adjusted for the day",
            Case::new(11, 5).with(|c| c.past.adjusted_on = Some(DAY)),
            "date-already-adjusted",
        ),
        (
            "adjusted the day before",
            Case::new(11, 5).with(|c| c.past.adjusted_on = Some(date(2026, 11, 22))),
            "adjust",
        ),
        (
            "an adjustment in doubt",
            Case::new(11, 5).with(|c| c.past.open = true),
            "open-adjustment",
        ),
        (
            "another connection's line",
            Case::new(11, 5)
                .with(|c| c.past.taken_by = Some(ConnectionName::new("other").unwrap())),
            "line-taken",
        ),
        (
            "a fraction on the line",
            Case::new(11, 5).with(|c| {
                let mut rows = months([5; 3]).segments().to_vec();
                rows.iter_mut()
                    .for_each(|row| row.units = Units::parse("2.5").unwrap());
                *c.timeline() = Ok(Timeline::new(rows).unwrap());
            }),
            "units-not-postable",
        ),
        (
            "over the PSA's largest number",
            Case::new(u32::MAX, 5),
            "units-not-postable",
        ),
        (
            "a fall to zero that the PSA refuses",
            Case::new(0, 5).with(|c| c.model.zero = ZeroUnits::Refused),
            "units-not-postable",
        ),
    ];
    for (circumstance, case, expected) in table {
        assert_eq!(case.decision(), expected, "{circumstance}");
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
    use SetAsideKind::{Exclude, Hold};
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
        let unreadable = crate::Hold::new(HoldCode::AccountUnreadable, "no answer");
        let account = AccountId::new("17").unwrap();
        let lines =
            case.planned(|context| context.hold_workspace(&case.workspace, &account, &unreadable));
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
    let plan = Case::new(11, 5).plan();
    assert_eq!(plan.adjustments().len(), 1);
    let braked = Plan {
        brakes: vec![Brake::SnapshotIncomplete],
        ..plan
    };
    assert!(braked.adjustments().is_empty());
}

#[test]
fn a_snapshot_without_any_count_puts_the_brake_on() {
    let zero = Case::new(0, 5).with(|c| c.usage.as_mut().unwrap().users = Some(0));
    assert_eq!(zero.plan().brakes, [Brake::SnapshotAllZero]);
    assert_eq!(Case::new(0, 5).plan().brakes, []);
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
            c.past.adjusted_on = adjusted.then_some(DAY);
        });
        for (_, adjustment) in case.plan().adjustments() {
            prop_assert_eq!(adjustment.target(), Units::from(count));
            prop_assert_eq!(adjustment.baseline(), Units::from(now));
            prop_assert!(count != now && count != 0 && later == now && !adjusted);
        }
    }
}
