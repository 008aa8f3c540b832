//! A bundle and a module in it: one connection sells both, and no customer pays twice.

use super::*;
use crate::SetAsideKind;

/// The bundle is module `edr`, and module `part` is in it. Both are mapped. Each has
/// devices in use (none: not in the snapshot) and units on its line (none: no line).
fn sells_both(bundle: (Option<u32>, Option<u32>), part: (Option<u32>, Option<u32>)) -> Case {
    Case::new(0, bundle.1.unwrap_or(0)).with(|c| {
        c.service.parts = vec![ServiceId::new("151").unwrap()];
        c.parts_mapped = true;
        let usage = c.usage.take().unwrap();
        let used = |module: &str, count: Option<u32>| {
            count.map(|count| UsageItem {
                module: ModuleId::new(module).unwrap(),
                devices: Some(count),
                ..usage.clone()
            })
        };
        c.usage = used("edr", bundle.0);
        c.more_usage = used("part", part.0).into_iter().collect();
        let line = c.contracts[0].lines.remove(0);
        let lines = &mut c.contracts[0].lines;
        if bundle.1.is_some() {
            lines.push(line.clone());
        }
        if let Some(units) = part.1 {
            let key = LineKey {
                line: LineId::new("8002").unwrap(),
                service: ServiceId::new("151").unwrap(),
                account: crate::AccountId::new("1").unwrap(),
                ..line.key.clone()
            };
            let timeline = Ok(months([units; 3]));
            lines.push(Line {
                key,
                timeline,
                ..line
            });
        }
    })
}

fn decisions(case: &Case) -> String {
    let lines = case.lines();
    let words = lines
        .iter()
        .map(|line| format!("{} {}", line.pair.module, in_one_word(line)));
    words.collect::<Vec<_>>().join(", ")
}

#[test]
fn only_a_customer_who_has_a_bundle_and_its_part_is_held() {
    let aside = |module: &str| SetAside {
        workspace: WorkspaceId::new("w1").unwrap(),
        module: Some(ModuleId::new(module).unwrap()),
        kind: SetAsideKind::Exclude,
        why: "in the bundle".into(),
        who: "ann".into(),
        since: "2026-11-01T09:00:00Z".parse().unwrap(),
        until: None,
    };
    let none = (None, None);
    let both = "edr bundle-and-part, part bundle-and-part";
    let table: Vec<(&str, Case, &str)> = vec![
        (
            "only the bundle",
            sells_both((Some(11), Some(5)), none),
            "edr adjust",
        ),
        (
            "only the part",
            sells_both(none, (Some(11), Some(5))),
            "part adjust",
        ),
        (
            "only the part, beside a line of the bundle without units",
            sells_both((None, Some(0)), (Some(11), Some(5))),
            "edr usage-missing, part adjust",
        ),
        (
            "both in use",
            sells_both((Some(11), Some(5)), (Some(11), Some(5))),
            both,
        ),
        (
            "both in use, the bundle being declared by a person",
            sells_both((Some(11), Some(5)), (Some(11), Some(5))).with(|c| {
                c.service.parts.clear();
                c.declared = true;
            }),
            both,
        ),
        (
            "both in use, and nobody knows of the bundle",
            sells_both((Some(11), Some(5)), (Some(11), Some(5))).with(|c| c.service.parts.clear()),
            "edr adjust, part adjust",
        ),
        (
            "only the part, of a bundle that is declared",
            sells_both(none, (Some(11), Some(5))).with(|c| {
                c.service.parts.clear();
                c.declared = true;
            }),
            "part adjust",
        ),
        (
            "both in use, and no line of the part yet",
            sells_both((Some(11), Some(5)), (Some(11), None)),
            "edr bundle-and-part, part line-missing",
        ),
        (
            "the bundle in use, and the part still paid for",
            sells_both((Some(11), Some(5)), (None, Some(5))),
            both,
        ),
        (
            "the part falls to zero, which leaves the bundle alone",
            sells_both((Some(11), Some(5)), (Some(0), Some(5)))
                .with(|c| c.rules.zero = ZeroRule::Post),
            "edr bundle-and-part, part adjust",
        ),
        (
            "the part's use is excluded by a person, and nothing is paid for it",
            sells_both((Some(11), Some(5)), (Some(11), Some(0)))
                .with(|c| c.set_aside = vec![aside("part")]),
            "edr adjust",
        ),
        (
            "the part's use is excluded, and its line goes on being billed",
            sells_both((Some(11), Some(5)), (Some(11), Some(5)))
                .with(|c| c.set_aside = vec![aside("part")]),
            "edr bundle-and-part",
        ),
        (
            "the part's line cannot be read",
            sells_both((Some(11), Some(5)), (Some(0), Some(5)))
                .with(|c| c.contracts[0].lines[1].timeline = Err("a row is missing".into())),
            "edr bundle-and-part, part units-unreadable",
        ),
    ];
    for (circumstance, case, expected) in table {
        assert_eq!(decisions(&case), expected, "{circumstance}");
    }
    let case = sells_both((Some(11), Some(5)), (None, Some(5)));
    let Decision::Hold(hold) = &case.lines()[0].decision else {
        panic!("{:?}", case.lines())
    };
    assert_eq!(
        hold.message,
        "module edr is a bundle with module part in it, and workspace w1 has both: edr with 11 \
         devices in use, part with 5 units on line 8002"
    );
}

proptest! {
    /// Whatever is used and billed: never are both adjusted to be billed.
    #[test]
    fn a_bundle_and_its_part_are_never_both_posted(
        bundle in 0_u32..3, of_bundle in 0_u32..3, part in 0_u32..3, of_part in 0_u32..3,
    ) {
        let case = sells_both((Some(bundle), Some(of_bundle)), (Some(part), Some(of_part)))
            .with(|c| c.rules.zero = ZeroRule::Post);
        let raised = case.adjustments();
        let raised = raised.iter().filter(|(_, one)| !one.target.is_zero());
        prop_assert!(raised.count() <= 1);
    }
}

#[test]
fn a_bundle_or_a_part_that_was_not_counted_holds_both() {
    let uncounted = |module: &str| {
        sells_both((Some(11), Some(5)), (Some(7), Some(5))).with(|c| {
            let items = c.usage.iter_mut().chain(&mut c.more_usage);
            let mut of_module = items.filter(|item| item.module.as_str() == module);
            of_module.next().unwrap().devices = None;
        })
    };
    for module in ["edr", "part"] {
        let held = "edr usage-missing, part usage-missing";
        assert_eq!(decisions(&uncounted(module)), held, "{module}");
    }
    // One that is absent from a whole snapshot is missing: its line is held, never 0; the
    // other is held too while the customer pays for both.
    let absent = sells_both((None, Some(5)), (Some(7), Some(5)));
    assert_eq!(
        decisions(&absent),
        "edr bundle-and-part, part bundle-and-part"
    );
    let alone = sells_both((None, None), (Some(7), Some(5)));
    assert_eq!(decisions(&alone), "part adjust");
    let missing = sells_both((None, Some(5)), (None, None));
    assert_eq!(decisions(&missing), "edr usage-missing");
}

#[test]
fn a_bundle_or_a_part_that_could_not_be_read_holds_both() {
    for module in ["edr", "part"] {
        let case = sells_both((Some(11), Some(5)), (Some(7), Some(5))).with(|c| {
            let items = c.usage.take().into_iter().chain(c.more_usage.drain(..));
            let (gone, kept): (Vec<_>, Vec<_>) =
                items.partition(|item| item.module.as_str() == module);
            c.more_usage = kept;
            c.unread = gone
                .into_iter()
                .map(|item| crate::UnreadUsage {
                    workspace: item.workspace,
                    module: Some(item.module),
                    why: "line 3".to_owned(),
                })
                .collect();
        });
        assert_eq!(
            decisions(&case),
            "edr usage-unread, part usage-unread",
            "{module}"
        );
    }
}
