//! The table of circumstances: what a billing clerk can check line by line.

use super::*;
use crate::HoldCode;
use crate::plan::Rejected;

#[test]
fn each_circumstance_has_one_decision() {
    let table: Vec<(&str, Case, &str)> = vec![
        ("more in use", Case::new(11, 5), "adjust"),
        ("fewer in use", Case::new(3, 5), "adjust"),
        ("as many as billed", Case::new(5, 5), "unchanged"),
        ("none used, none billed", Case::new(0, 0), "unchanged"),
        ("a fall to zero", Case::new(0, 5), "fall-to-zero"),
        (
            "a fall to zero that the rules allow",
            Case::new(0, 5).with(|c| c.rules.zero = ZeroRule::Post),
            "adjust",
        ),
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
            "not-billed",
        ),
        (
            "a trial whose line is at zero",
            Case::new(11, 0).with(|c| c.workspace.status = WorkspaceStatus::Trial),
            "unchanged",
        ),
        (
            "a trial whose line gets units in a later period",
            Case::new(11, 0).with(|c| {
                c.workspace.status = WorkspaceStatus::Trial;
                *c.timeline() = Ok(months([0, 4, 4]));
            }),
            "not-billed",
        ),
        (
            "a trial that the rules bill",
            Case::new(11, 5).with(|c| {
                c.workspace.status = WorkspaceStatus::Trial;
                c.rules.life_cycle.trial = Action::Bill;
            }),
            "adjust",
        ),
        (
            "a trial that the rules leave",
            Case::new(11, 5).with(|c| {
                c.workspace.status = WorkspaceStatus::Trial;
                c.rules.life_cycle.trial = Action::Ignore;
            }),
            "unchanged, with a note",
        ),
        (
            "a trial whose line the rules bring to zero",
            Case::new(11, 5).with(|c| {
                c.workspace.status = WorkspaceStatus::Trial;
                c.rules.life_cycle.trial = Action::Zero;
            }),
            "adjust",
        ),
        (
            "a demo with a line",
            Case::new(11, 5).with(|c| c.workspace.demo = true),
            "not-billed",
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
            "a posted period: what it missed is said, and the next one is waited for",
            Case::new(11, 5).with(|c| {
                let mut rows = months([5; 3]).segments().to_vec();
                rows[0].posted = Truth::Yes;
                *c.timeline() = Ok(Timeline::new(rows).unwrap());
            }),
            "gather, with a note",
        ),
        (
            "a period of which nobody knows whether it is posted",
            Case::new(11, 5).with(|c| {
                let mut rows = months([5; 3]).segments().to_vec();
                rows[1].posted = Truth::Unknown;
                *c.timeline() = Ok(Timeline::new(rows).unwrap());
            }),
            "posted-unknown",
        ),
        (
            "a future change is pending",
            Case::new(11, 5).with(|c| *c.timeline() = Ok(months([5, 5, 7]))),
            "future-change",
        ),
        (
            "a future change is pending that comes to the count",
            Case::new(11, 5).with(|c| *c.timeline() = Ok(months([5, 11, 11]))),
            "future-change",
        ),
        (
            "as many as billed, but a future change is pending",
            Case::new(5, 5).with(|c| *c.timeline() = Ok(months([5, 7, 7]))),
            "unchanged, with a note",
        ),
        (
            "under next-period, already posted for the next",
            Case::new(11, 5).with(|c| {
                c.rules.effective.policy = EffectivePolicy::NextPeriod;
                *c.timeline() = Ok(months([5, 11, 11]));
            }),
            "unchanged",
        ),
        (
            "under next-period, before the window",
            Case::new(11, 5).with(|c| c.rules.effective.policy = EffectivePolicy::NextPeriod),
            "gather",
        ),
        (
            "a person changed it since",
            Case::new(11, 5).with(|c| c.past.confirmed = Some((4.into(), date(2026, 11, 20)))),
            "foreign-edit",
        ),
        (
            "a person changed it to what is used",
            Case::new(5, 5).with(|c| c.past.confirmed = Some((4.into(), date(2026, 11, 20)))),
            "unchanged",
        ),
        (
            "a person changed it, and it may be overwritten",
            Case::new(11, 5).with(|c| {
                c.past.confirmed = Some((4.into(), date(2026, 11, 20)));
                c.past.stance = Some(Stance::Overwrite { units: 5.into() });
            }),
            "adjust",
        ),
        (
            "a person changed it, and it was adopted",
            Case::new(11, 5).with(|c| {
                c.past.confirmed = Some((4.into(), date(2026, 11, 20)));
                c.past.stance = Some(Stance::Adopt {
                    units: 5.into(),
                    target: 11.into(),
                });
            }),
            "unchanged, with a note",
        ),
        (
            "adopted, and the count changed since",
            Case::new(12, 5).with(|c| {
                c.past.confirmed = Some((4.into(), date(2026, 11, 20)));
                c.past.stance = Some(Stance::Adopt {
                    units: 5.into(),
                    target: 11.into(),
                });
            }),
            "adjust",
        ),
        (
            "adopted, and changed once more in the PSA",
            Case::new(11, 6).with(|c| {
                c.past.confirmed = Some((4.into(), date(2026, 11, 20)));
                c.past.stance = Some(Stance::Adopt {
                    units: 5.into(),
                    target: 11.into(),
                });
            }),
            "foreign-edit",
        ),
        (
            "pinned",
            Case::new(11, 5).with(|c| {
                c.past.stance = Some(Stance::Pin {
                    why: "a gift".into(),
                })
            }),
            "unchanged, with a note",
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
            "over the limit of what posts by itself",
            Case::new(11, 5).with(|c| c.rules.approval.units = Some(Decimal::from(5))),
            "ask",
        ),
        (
            "asked and granted",
            Case::new(11, 5).with(|c| {
                c.rules.approval.units = Some(Decimal::from(5));
                c.past.question = Some(question(5, 11, Answer::Granted));
            }),
            "adjust",
        ),
        (
            "asked and not answered",
            Case::new(11, 5).with(|c| {
                c.rules.approval.units = Some(Decimal::from(5));
                c.past.question = Some(question(5, 11, Answer::Waiting));
            }),
            "ask",
        ),
        (
            "asked and rejected",
            Case::new(11, 5).with(|c| {
                c.rules.approval.units = Some(Decimal::from(5));
                let words = "rejected by jo: a mistake".to_owned();
                c.past.question = Some(question(5, 11, Answer::Rejected { words }));
            }),
            "approval-rejected",
        ),
        (
            "granted, but the line has moved since",
            Case::new(11, 4).with(|c| {
                c.rules.approval.units = Some(Decimal::from(5));
                c.past.question = Some(question(5, 11, Answer::Granted));
            }),
            "ask",
        ),
        (
            "granted, and so little more is used since that nobody is asked for it",
            Case::new(16, 5).with(|c| {
                c.rules.approval.units = Some(Decimal::from(5));
                c.past.question = Some(question(5, 11, Answer::Granted));
            }),
            "adjust",
        ),
        (
            "granted, but too much more is used since",
            Case::new(17, 5).with(|c| {
                c.rules.approval.units = Some(Decimal::from(5));
                c.past.question = Some(question(5, 11, Answer::Granted));
            }),
            "ask",
        ),
        (
            "a rise was granted, and it is a fall now",
            Case::new(2, 5).with(|c| {
                c.rules.approval.decrease = true;
                c.past.question = Some(question(5, 6, Answer::Granted));
            }),
            "ask",
        ),
        (
            "granted for a later day",
            Case::new(11, 5).with(|c| {
                c.rules.approval.units = Some(Decimal::from(5));
                c.past.question = Some(Question {
                    effective: date(2026, 12, 1),
                    ..question(5, 11, Answer::Granted)
                });
            }),
            "ask",
        ),
        (
            "rejected, and within the limits since",
            Case::new(11, 5).with(|c| {
                let words = "rejected by jo: a mistake".to_owned();
                c.past.question = Some(question(5, 11, Answer::Rejected { words }));
            }),
            "approval-rejected",
        ),
        (
            "already adjusted for the day",
            Case::new(11, 5).with(|c| c.past.adjusted = BTreeSet::from([DAY])),
            "date-already-adjusted",
        ),
        (
            "adjusted for the day, and changed by a person since",
            Case::new(11, 7).with(|c| {
                c.past.adjusted = BTreeSet::from([DAY]);
                c.past.confirmed = Some((11.into(), DAY));
            }),
            "foreign-edit",
        ),
        (
            "the same, with another count since",
            Case::new(12, 7).with(|c| {
                c.past.adjusted = BTreeSet::from([DAY]);
                c.past.confirmed = Some((11.into(), DAY));
            }),
            "foreign-edit",
        ),
        (
            "the same, and a person adopted it",
            Case::new(11, 7).with(|c| {
                c.past.adjusted = BTreeSet::from([DAY]);
                c.past.confirmed = Some((11.into(), DAY));
                c.past.stance = Some(Stance::Adopt {
                    units: 7.into(),
                    target: 11.into(),
                });
            }),
            "unchanged, with a note",
        ),
        (
            "the same, and a person wants the count, which waits for another day",
            Case::new(11, 7).with(|c| {
                c.past.adjusted = BTreeSet::from([DAY]);
                c.past.confirmed = Some((11.into(), DAY));
                c.past.stance = Some(Stance::Overwrite { units: 7.into() });
            }),
            "date-already-adjusted",
        ),
        (
            "the PSA refused the day, because somebody adjusted the line for it",
            Case::new(11, 5).with(|c| c.past.refused = BTreeSet::from([DAY])),
            "date-already-adjusted",
        ),
        (
            "refused once",
            Case::new(11, 5).with(|c| c.past.rejected = Some(refused(11, 1))),
            "adjust",
        ),
        (
            "refused twice",
            Case::new(11, 5).with(|c| c.past.rejected = Some(refused(11, 2))),
            "rejected-twice",
        ),
        (
            "refused twice, and the target is another now",
            Case::new(12, 5).with(|c| c.past.rejected = Some(refused(11, 2))),
            "adjust",
        ),
        (
            "adjusted the day before",
            Case::new(11, 5).with(|c| c.past.adjusted = BTreeSet::from([date(2026, 11, 22)])),
            "adjust",
        ),
        (
            "an adjustment in doubt",
            Case::new(11, 5).with(|c| {
                c.past.open = Some(Hold::new(HoldCode::OpenAdjustment, "since 10:00"));
            }),
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
        ("a million in use", Case::new(1_000_000, 5), "adjust"),
        (
            "more in use than any customer has",
            Case::new(1_000_001, 5),
            "count-implausible",
        ),
        (
            "units that end before those of the contract's other lines",
            Case::new(11, 5).with(|c| {
                let mut other = c.contracts[0].lines[0].clone();
                other.key.line = LineId::new("8002").unwrap();
                other.key.service = ServiceId::new("99").unwrap();
                c.contracts[0].lines.push(other);
                *c.timeline() = Ok(first_two_of(months([5; 3])));
            }),
            "units-unreadable",
        ),
        (
            "units that end before those of the other lines, where nothing is to be changed",
            Case::new(5, 5).with(|c| {
                let mut other = c.contracts[0].lines[0].clone();
                other.key.line = LineId::new("8002").unwrap();
                other.key.service = ServiceId::new("99").unwrap();
                c.contracts[0].lines.push(other);
                *c.timeline() = Ok(first_two_of(months([5; 3])));
            }),
            "unchanged",
        ),
        (
            "units that end before the contract, as those of all its lines do",
            Case::new(11, 5).with(|c| *c.timeline() = Ok(first_two_of(months([5; 3])))),
            "adjust",
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

fn refused(target: u32, times: usize) -> Rejected {
    Rejected {
        target: target.into(),
        times,
        words: "outside the contract".to_owned(),
    }
}

fn first_two_of(timeline: Timeline) -> Timeline {
    Timeline::new(timeline.segments()[..2].to_vec()).unwrap()
}

#[test]
fn what_could_not_be_read_is_held_and_never_zero_or_nothing() {
    let unread = |module: Option<&str>| crate::UnreadUsage {
        workspace: "w1".parse().unwrap(),
        module: module.map(|module| module.parse().unwrap()),
        why: "its row could not be read: usage.csv, line 3".to_owned(),
    };
    let of = |module: Option<&str>| {
        Case::new(7, 5).with(|c| {
            c.usage = None;
            c.unread = vec![unread(module)];
        })
    };
    for module in [Some("edr"), None] {
        let found = hold(&of(module));
        assert_eq!(found.code, HoldCode::UsageUnread, "{module:?}");
        assert!(found.message.contains("line 3"), "{}", found.message);
    }
    // Another module's row says nothing of this one.
    assert_eq!(hold(&of(Some("mdm"))).code, HoldCode::UsageMissing);
    // A row of the pair without a line to bill it on is held as loudly as a count would be.
    let off_contract = |module| of(module).with(|c| c.contracts[0].lines.clear());
    let off = &off_contract(Some("edr"));
    assert_eq!(off.lines().len(), 1);
    assert_eq!(off_contract(None).lines().len(), 0);
}
