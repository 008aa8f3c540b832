//! Which accounts are new, and what the brakes have let pass, over answers and restarts.

use jiff::civil::date;
use psa_host_billing::AccountId;
use psa_host_billing::RejectionKind;
use psa_host_billing::plan::PassedChange;
use psa_host_ledger::{Answer, Ledger, Refusal, Resolution};
use serde_json::json;

use crate::fixture::{DAY, Place, code, name, new_run, one_intent, tenant, units};

fn known(ledger: &Ledger) -> Vec<String> {
    let known = ledger.known_accounts(&tenant()).unwrap().into_iter();
    let mut known: Vec<String> = known.map(|account| account.to_string()).collect();
    known.sort();
    known
}

#[test]
fn an_account_is_new_until_the_psa_took_one_of_its_changes() {
    for (answer, is_known) in [
        (Answer::Accepted, true),
        (
            Answer::Refused {
                how: Refusal::Rejected(RejectionKind::Other),
                words: "no".to_owned(),
            },
            false,
        ),
        (Answer::Doubtful("timeout".to_owned()), false),
    ] {
        let place = Place::new();
        let ledger = place.with_connection();
        let (run, id) = one_intent(&ledger, "1");
        assert_eq!(known(&ledger), [] as [&str; 0], "only written down");
        ledger.mark_sending(run, &[id]).unwrap();
        assert_eq!(
            known(&ledger),
            [] as [&str; 0],
            "nobody knows whether it was sent"
        );
        let doubtful = matches!(answer, Answer::Doubtful(_));
        ledger.record_answers(run, &[(id, answer)]).unwrap();
        let expected: &[&str] = if is_known { &["101"] } else { &[] };
        assert_eq!(known(&ledger), expected);
        if doubtful {
            let found = [(id, Resolution::Confirmed, json!({ "read": 7 }))];
            ledger.resolve(run, &found).unwrap();
            assert_eq!(known(&place.open()), ["101"]);
        }
    }
}

#[test]
fn accounts_found_right_are_known_and_the_history_says_how_many_were_new() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let accounts: Vec<AccountId> = ["7", "8"].map(|id| AccountId::new(id).unwrap()).into();
    ledger.know_accounts(run, &tenant(), &accounts).unwrap();
    ledger
        .know_accounts(run, &tenant(), &accounts[..1])
        .unwrap();
    assert_eq!(known(&ledger), ["7", "8"]);
    let history = ledger.history(0, 1000).unwrap();
    let told: Vec<_> = history
        .iter()
        .filter(|event| event.what == "accounts.found-right")
        .map(|event| &event.detail["accounts"])
        .collect();
    assert_eq!(told, [2]);
    let mut dry = new_run("acme");
    dry.dry_run = true;
    let dry = ledger.begin_run(&dry).unwrap();
    assert!(!code(ledger.know_accounts(dry, &tenant(), &accounts)).is_empty());
}

fn change(line: &str, effective: jiff::civil::Date, day: jiff::civil::Date) -> PassedChange {
    let six = units(1).change_from(units(7));
    PassedChange {
        line: line.parse().unwrap(),
        account: "101".parse().unwrap(),
        effective,
        change: six,
        day,
        on_day: six,
    }
}

#[test]
fn what_has_passed_is_kept_until_its_day_is_over_and_the_first_look_of_a_day_stands() {
    let place = Place::new();
    let ledger = place.with_connection();
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let later = date(2026, 4, 1);
    let changes = [change("1", DAY, DAY), change("2", later, DAY)];
    ledger.look_first(run, DAY, units(300)).unwrap();
    ledger.look_first(run, DAY, units(280)).unwrap();
    ledger.pass(run, DAY, &changes).unwrap();
    let rows = |ledger: &Ledger, day| format!("{:?}", ledger.passed(&name("acme"), day).unwrap());
    let of_today = rows(&place.open(), DAY);
    assert!(
        of_today.contains("300") && !of_today.contains("280"),
        "{of_today}"
    );
    for line in ["\"1\"", "\"2\""] {
        assert!(of_today.contains(line), "{of_today}");
    }
    let tomorrow = DAY.tomorrow().unwrap();
    ledger.pass(run, tomorrow, &[]).unwrap();
    let of_tomorrow = rows(&ledger, tomorrow);
    assert!(!of_tomorrow.contains("300"), "{of_tomorrow}");
    assert!(
        !of_tomorrow.contains("\"1\""),
        "its day is over: {of_tomorrow}"
    );
    assert!(of_tomorrow.contains("\"2\""), "it gathers: {of_tomorrow}");
}
