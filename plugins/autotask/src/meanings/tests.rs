use psa_connector_sdk::Settings;

use super::*;

/// Values and labels of each list, `system` for all.
fn lists(system: Option<bool>, types: &[(i64, &str)], statuses: &[(i64, &str)]) -> Picklists {
    let values = |list: &[(i64, &str)]| {
        let choices = list.iter().map(|(value, label)| {
            serde_json::json!({"value": value.to_string(), "label": label, "isSystem": system})
        });
        choices.collect::<Vec<_>>()
    };
    let fields = serde_json::json!({"fields": [
        {"name": "contractType", "picklistValues": values(types)},
        {"name": "status", "picklistValues": values(statuses)},
    ]});
    Picklists::from_json(&fields.to_string())
}

fn answers(key: &str, value: &str) -> Answers {
    Answers::of(&[(key, value)].into_iter().collect::<Settings>()).unwrap()
}

fn unsaid(lists: Picklists) -> Meanings {
    Meanings::new(lists, Answers::default())
}

fn pick(value: &str) -> Option<Pick> {
    Some(Pick(value.to_owned()))
}

#[test]
fn type_7_recurs_whatever_it_is_called_and_where_no_list_can_be_read() {
    for label in [
        "Recurring Service",
        "Wiederkehrende Dienstleistung",
        "Managed Services",
        "",
    ] {
        for system in [None, Some(true), Some(false)] {
            let meanings = unsaid(lists(system, &[(7, label)], &[]));
            assert_eq!(
                meanings.recurring(pick("7").as_ref()),
                (Truth::Yes, None),
                "{label}"
            );
            assert_eq!(meanings.types_to_read(), [7], "{label}");
        }
    }
    let none = unsaid(Picklists::default());
    assert_eq!(none.recurring(pick("7").as_ref()).0, Truth::Yes);
    assert_eq!(none.types_to_read(), [7]);
}

#[test]
fn a_type_7_that_says_it_does_not_recur_is_unknown_until_somebody_says() {
    for label in [
        "Non-Recurring Service",
        "Nonrecurring",
        "Retainer",
        "Time & Materials",
    ] {
        let read = || lists(Some(true), &[(7, label)], &[]);
        let (truth, note) = unsaid(read()).recurring(pick("7").as_ref());
        assert_eq!(truth, Truth::Unknown, "{label}");
        let note = note.unwrap();
        assert!(
            note.contains(label) && note.contains(CONTRACT_TYPES),
            "{note}"
        );
        assert_eq!(unsaid(read()).types_to_read(), [7]);
        for (said, expected) in [("7", Truth::Yes), ("none", Truth::No)] {
            let meanings = Meanings::new(read(), answers(CONTRACT_TYPES, said));
            assert_eq!(meanings.recurring(pick("7").as_ref()).0, expected);
            let read: &[i64] = if said == "7" { &[7] } else { &[] };
            assert_eq!(meanings.types_to_read(), read);
        }
    }
}

#[test]
fn autotasks_other_types_are_not_read_and_the_msps_own_are_shown_until_somebody_says() {
    let german = [
        (1, "Zeit und Material"),
        (3, "Festpreis"),
        (7, "Wiederkehrende Dienstleistung"),
    ];
    assert_eq!(unsaid(lists(Some(true), &german, &[])).types_to_read(), [7]);
    let english = [
        (1, "Time & Materials"),
        (3, "Fixed Price"),
        (4, "Block Hours"),
        (6, "Retainer"),
        (7, "Recurring Service"),
        (8, "Incidents"),
        (9, "Non-Recurring Service"),
    ];
    assert_eq!(unsaid(lists(None, &english, &[])).types_to_read(), [7]);

    let own = || {
        lists(
            Some(false),
            &[(7, "Recurring Service"), (12, "Abonnement")],
            &[],
        )
    };
    let meanings = unsaid(own());
    assert_eq!(meanings.types_to_read(), [7, 12]);
    assert_eq!(meanings.recurring(pick("12").as_ref()).0, Truth::Unknown);
    let renamed = unsaid(lists(Some(true), &[(12, "Recurring Services (new)")], &[]));
    assert_eq!(renamed.types_to_read(), [7, 12]);
    for (said, expected, read) in [
        ("12", Truth::Yes, vec![7, 12]),
        ("none", Truth::No, vec![7]),
        ("14", Truth::No, vec![7, 14]),
    ] {
        let meanings = Meanings::new(own(), answers(CONTRACT_TYPES, said));
        assert_eq!(
            meanings.recurring(pick("12").as_ref()).0,
            expected,
            "{said}"
        );
        assert_eq!(meanings.recurring(pick("7").as_ref()).0, Truth::Yes);
        assert_eq!(meanings.types_to_read(), read);
    }
}

#[test]
fn status_1_is_in_effect_whatever_it_is_called() {
    for label in ["Active", "In Effect", "Aktiv", "Approved", "En vigor"] {
        let meanings = unsaid(lists(None, &[], &[(1, label), (0, "Inaktiv")]));
        assert_eq!(
            meanings.active(pick("1").as_ref()),
            (Truth::Yes, None),
            "{label}"
        );
        assert_eq!(meanings.active(pick("0").as_ref()).0, Truth::No);
    }
    let none = unsaid(Picklists::default());
    assert_eq!(none.active(pick("1").as_ref()).0, Truth::Yes);
    let denied = unsaid(lists(None, &[], &[(1, "Not active")]));
    assert_eq!(denied.active(pick("1").as_ref()).0, Truth::Unknown);
}

#[test]
fn a_status_of_the_msps_own_is_told_by_a_plain_label_or_by_the_setting() {
    let read = || {
        lists(
            Some(false),
            &[],
            &[
                (1, "Active"),
                (5, "Approved"),
                (6, "Cancelled"),
                (7, "In Effect"),
                (8, "Inactive (old)"),
            ],
        )
    };
    let active = |meanings: &Meanings, value: &str| meanings.active(pick(value).as_ref()).0;
    let meanings = unsaid(read());
    assert_eq!(active(&meanings, "5"), Truth::Unknown);
    assert_eq!(active(&meanings, "6"), Truth::No);
    assert_eq!(active(&meanings, "7"), Truth::Yes);
    assert_eq!(active(&meanings, "8"), Truth::No);
    assert_eq!(active(&meanings, "99"), Truth::Unknown);
    assert_eq!(meanings.active(None).0, Truth::Unknown);
    let said = Meanings::new(read(), answers(CONTRACT_STATUSES, "5"));
    assert_eq!(active(&said, "5"), Truth::Yes);
    assert_eq!(active(&said, "99"), Truth::No);
    assert_eq!(active(&said, "1"), Truth::Yes);
}

#[test]
fn a_billing_period_is_told_by_the_setting_then_a_plain_label_then_its_number() {
    let periods = |list: &[(&str, &str)], answers: Answers| {
        let choices = list
            .iter()
            .map(|(value, label)| serde_json::json!({"value": value, "label": label}));
        let fields = serde_json::json!({"fields": [
            {"name": "contractPeriodType", "picklistValues": choices.collect::<Vec<_>>()},
        ]});
        Meanings::new(Picklists::from_json(&fields.to_string()), answers)
    };
    for (value, label, months) in [
        ("1", "One-Time", None),
        ("2", "Monthly", Some(1)),
        ("2", "1 Month", Some(1)),
        ("2", "Abrechnung A", Some(1)),
        ("9", "Monatlich", Some(1)),
        ("3", "Quarterly", Some(3)),
        ("3", "every 3 months", Some(3)),
        ("4", "Semi-Annual", Some(6)),
        ("5", "Yearly", Some(12)),
        ("5", "Laufzeit", Some(12)),
        ("6", "1 year", Some(12)),
        ("6", "24 Months", Some(24)),
        ("6", "Lunar", None),
        ("6", "0 months", None),
        ("6", "4000000000 years", None),
    ] {
        let meanings = periods(&[(value, label)], Answers::default());
        assert_eq!(
            meanings.billing_months(pick(value).as_ref()),
            months,
            "{label}"
        );
    }
    let said = periods(&[("6", "Lunar")], answers(BILLING_PERIODS, "6=24"));
    assert_eq!(said.billing_months(pick("6").as_ref()), Some(24));
    assert_eq!(said.billing_months(pick("7").as_ref()), None);
    assert_eq!(said.billing_months(None), None);
    let unread = unsaid(Picklists::default());
    assert_eq!(unread.billing_months(pick("2").as_ref()), Some(1));
}

#[test]
fn each_list_asks_one_question_that_names_the_setting_and_stops_when_answered() {
    let read = || {
        lists(
            Some(false),
            &[(7, "Recurring Service"), (12, "Abonnement"), (14, "Flat")],
            &[(1, "Active"), (5, "Approved")],
        )
    };
    let questions = unsaid(read()).questions();
    let subjects: Vec<&str> = questions.iter().map(|f| f.subject.as_str()).collect();
    assert_eq!(subjects, ["contract types", "contract statuses"]);
    assert!(
        questions[0]
            .detail
            .starts_with("12 \"Abonnement\", 14 \"Flat\": ")
    );
    assert!(questions[0].detail.contains(CONTRACT_TYPES));
    assert!(questions[1].detail.contains(CONTRACT_STATUSES));
    let said = Meanings::new(read(), answers(CONTRACT_TYPES, "12"));
    assert_eq!(said.questions().len(), 1);
    assert_eq!(unsaid(Picklists::default()).questions(), []);
}
