//! Line 8001 on a contract of account A, with service 15, was posted for workspace w1
//! and module edr.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::{ContractId, Metric, Segment, ServiceId, ServiceMapping, Timeline, Truth};

const DAY: Date = date(2026, 11, 23);

fn posted() -> Posted {
    Posted {
        key: LineKey {
            line: LineId::new("8001").unwrap(),
            contract: ContractId::new("900").unwrap(),
            service: ServiceId::new("15").unwrap(),
            account: crate::AccountId::new("1").unwrap(),
        },
        account: Some(AccountId::new("A").unwrap()),
        workspace: WorkspaceId::new("w1").unwrap(),
        module: ModuleId::new("edr").unwrap(),
    }
}

/// `w1=A edr=15 | w1/edr=8001`: mappings, then the lines that pairs stand on.
fn mapped(text: &str) -> (Mapping, Chosen) {
    let (mut mapping, mut chosen) = (Mapping::default(), Chosen::default());
    let (mappings, lines) = text.split_once('|').unwrap();
    for pair in mappings.split_whitespace() {
        let (vendor, psa) = pair.split_once('=').unwrap();
        if vendor.starts_with('w') {
            let (workspace, account) = (WorkspaceId::new(vendor), AccountId::new(psa));
            mapping
                .map_account(workspace.unwrap(), account.unwrap())
                .unwrap();
        } else {
            mapping
                .map_service(ServiceMapping {
                    module: ModuleId::new(vendor).unwrap(),
                    service: ServiceId::new(psa).unwrap(),
                    metric: Metric::Devices,
                })
                .unwrap();
        }
    }
    for pair in lines.split_whitespace() {
        let (pair, line) = pair.split_once('=').unwrap();
        let (workspace, module) = pair.split_once('/').unwrap();
        chosen.add(
            &WorkspaceId::new(workspace).unwrap(),
            &ModuleId::new(module).unwrap(),
            &LineId::new(line).unwrap(),
        );
    }
    (mapping, chosen)
}

#[test]
fn a_line_is_an_orphan_when_no_mapping_leads_to_it_any_more() {
    let no = "";
    let cases = [
        ("w1=A edr=15 | w1/edr=8001", no),
        // Its contracts are held or unreadable: nothing is known, nothing is said.
        ("w1=A edr=15 |", no),
        (
            "w1=A edr=15 | w1/edr=8002",
            "w1 and edr are billed on line 8002 now",
        ),
        (
            "w1=B edr=15 | w1/edr=8002",
            "workspace w1 is mapped to account B now",
        ),
        ("w1=B edr=15 |", "workspace w1 is mapped to account B now"),
        (
            "edr=15 |",
            "workspace w1 is not mapped to an account any more",
        ),
        ("|", "workspace w1 is not mapped to an account any more"),
        ("w1=A |", "module edr is not mapped to a service any more"),
        ("w1=A edr=16 |", "module edr is mapped to service 16 now"),
        // Somebody else has taken the account or the service over.
        ("w2=A edr=15 | w2/edr=8001", no),
        ("w2=A w1=B edr=15 | w2/edr=8001 w1/edr=8002", no),
        ("w2=A edr=15 |", no),
        (
            "w2=A edr=15 | w2/edr=8002",
            "w2 and edr are billed on line 8002 now",
        ),
        ("w1=A mdm=15 | w1/mdm=8001", no),
        ("w1=A mdm=15 |", no),
        (
            "w2=A mdm=16 |",
            "module edr is not mapped to a service any more",
        ),
    ];
    for (text, expected) in cases {
        let (mapping, chosen) = mapped(text);
        let lost = orphaned(&posted(), &mapping, &chosen, |_| true);
        let why = lost.map_or(String::new(), |lost| lost.why);
        assert_eq!(why, expected, "{text}");
    }
}

#[test]
fn a_line_is_told_of_when_the_workspace_it_is_mapped_to_has_left_the_channel() {
    let left = "workspace-left-channel: workspace w1 is not below the channel any more";
    let orphan = "orphan: workspace w1 is not mapped to an account any more";
    for (text, below, expected) in [
        ("w1=A edr=15 |", "w2", left),
        ("w1=A edr=15 |", "w1", ""),
        // It is billed elsewhere in the channel, or no mapping leads to it.
        ("w1=A edr=15 | w1/edr=8001", "w2", ""),
        ("w2=A edr=15 |", "w2", ""),
        ("edr=15 |", "w2", orphan),
    ] {
        let (mapping, chosen) = mapped(text);
        let lost = orphaned(&posted(), &mapping, &chosen, |one| one.as_str() == below);
        let told = lost.map_or(String::new(), |lost| format!("{}: {}", lost.code, lost.why));
        assert_eq!(told, expected, "{text} with {below} in the channel");
    }
}

#[test]
fn where_the_account_is_not_remembered_the_workspaces_own_stands_in() {
    let cases = [
        ("w1=B edr=15 |", ""),
        (
            "edr=15 |",
            "workspace w1 is not mapped to an account any more",
        ),
        (
            "w1=B edr=15 | w1/edr=8002",
            "w1 and edr are billed on line 8002 now",
        ),
    ];
    for (text, expected) in cases {
        let (mapping, chosen) = mapped(text);
        let forgotten = Posted {
            account: None,
            ..posted()
        };
        let lost = orphaned(&forgotten, &mapping, &chosen, |_| true);
        let why = lost.map_or(String::new(), |lost| lost.why);
        assert_eq!(why, expected, "{text}");
    }
}

fn line(segments: &[(Date, Date, u32)]) -> Line {
    let segments = segments.iter().map(|&(start, end, units)| Segment {
        start,
        end: Some(end),
        units: units.into(),
        unit_price: None,
        posted: Truth::No,
    });
    Line {
        key: posted().key,
        description: None,
        timeline: Timeline::new(segments.collect()).map_err(|error| error.to_string()),
        not_writable: None,
        billable: crate::Truth::Yes,
        included: None,
        link: None,
    }
}

#[test]
fn an_orphan_is_told_of_while_it_has_units() {
    let (november, december) = (date(2026, 11, 1), date(2026, 12, 1));
    let (ends, year_ends) = (date(2026, 11, 30), date(2026, 12, 31));
    let units = |now, then| line(&[(november, ends, now), (december, year_ends, then)]);
    let before = line(&[(date(2026, 1, 1), date(2026, 10, 31), 12)]);
    let cases = [
        (
            Ok(Some(units(12, 12))),
            "why, and line 8001 still has 12 units",
        ),
        (
            Ok(Some(units(0, 12))),
            "why, and line 8001 has 12 units from 2026-12-01 on",
        ),
        (
            Ok(Some(units(12, 0))),
            "why, and line 8001 still has 12 units",
        ),
        (Ok(Some(units(0, 0))), "nothing"),
        // The contract has ended, or somebody removed the line.
        (Ok(Some(before)), "nothing"),
        (Ok(None), "nothing"),
        (
            Ok(Some(line(&[]))),
            "why; the units of line 8001 could not be read: the PSA gave no units for this line",
        ),
        (
            Err("forbidden"),
            "why; the units of line 8001 could not be read: forbidden",
        ),
    ];
    for (read, expected) in cases {
        let held = hold(
            &posted(),
            &Lost {
                code: HoldCode::Orphan,
                why: "why".to_owned(),
            },
            read.as_ref().map(Option::as_ref).map_err(|e| *e),
            DAY,
        );
        let message = held.map_or("nothing".to_owned(), |(hold, _)| {
            assert_eq!(hold.code, HoldCode::Orphan);
            hold.message
        });
        assert_eq!(message, expected, "{read:?}");
    }
}

proptest! {
    /// A line on which a mapped pair stands is never called an orphan, whoever it was
    /// posted for; without any mapping every posted line is one; and what is said of a
    /// line names who has it now only where somebody has.
    #[test]
    fn a_line_that_a_mapped_pair_stands_on_is_never_an_orphan(
        workspace in 0_usize..2, account in 0_usize..2, service in 0_usize..2,
        remembered in any::<bool>(), stands in 0_usize..3,
    ) {
        let posted = Posted {
            account: remembered.then(|| AccountId::new("A").unwrap()),
            ..posted()
        };
        let lines = ["", "w1/edr=8001", "w1/edr=8002"];
        let text = format!(
            "{}={} edr={} | {}",
            ["w1", "w2"][workspace], ["A", "B"][account], ["15", "16"][service], lines[stands],
        );
        let (mapping, chosen) = mapped(&text);
        let why = orphaned(&posted, &mapping, &chosen, |_| true);
        if stands == 1 {
            prop_assert_eq!(&why, &None, "{}", text);
        }
        // Nothing is known of where a fully mapped pair stands: nothing is said.
        if stands == 0 && (workspace, account, service) == (0, 0, 0) {
            prop_assert_eq!(&why, &None, "{}", text);
        }
        let nothing = (Mapping::default(), Chosen::default());
        prop_assert!(orphaned(&posted, &nothing.0, &nothing.1, |_| true).is_some());
    }
}
