use jiff::{SignedDuration, Timestamp};
use psa_host_ledger::Observed;

use crate::fixture::Place;

fn minute(n: i64) -> Timestamp {
    Timestamp::from_second(1_773_480_000 + n * 60).unwrap()
}

#[test]
fn what_two_processes_spend_is_counted_together() {
    let place = Place::new();
    let ledgers = [place.open(), place.open()];
    std::thread::scope(|scope| {
        for ledger in &ledgers {
            scope.spawn(move || {
                for n in 0..100 {
                    ledger.budget_spend("t", minute(n % 3), 2).unwrap();
                }
            });
        }
    });
    assert_eq!(ledgers[0].budget_spent("t", minute(0)).unwrap(), 400);
    assert_eq!(ledgers[0].budget_spent("u", minute(0)).unwrap(), 0);
}

#[test]
fn only_the_window_counts_and_its_first_minute_whole() {
    let place = Place::new();
    let ledger = place.open();
    for n in 0..5 {
        ledger.budget_spend("t", minute(n), 10).unwrap();
    }
    let since = minute(3) + SignedDuration::from_secs(59);
    assert_eq!(ledger.budget_spent("t", since).unwrap(), 20);
    assert_eq!(ledger.budget_spent("t", minute(5)).unwrap(), 0);
}

#[test]
fn what_is_older_than_two_days_is_forgotten() {
    let place = Place::new();
    let ledger = place.open();
    ledger.budget_spend("t", minute(0), 1).unwrap();
    ledger.budget_spend("u", minute(0), 1).unwrap();
    ledger
        .budget_spend("t", minute(2 * 24 * 60 + 1), 1)
        .unwrap();
    assert_eq!(ledger.budget_spent("t", minute(0)).unwrap(), 1);
    assert_eq!(ledger.budget_spent("u", minute(0)).unwrap(), 1);
}

#[test]
fn the_newest_word_of_the_psa_stands() {
    let place = Place::new();
    let ledger = place.open();
    assert_eq!(ledger.budget_observed("t").unwrap(), None);
    let word = |n, used| Observed {
        at: minute(n),
        used,
        allowed: 1_000,
        own: 5,
    };
    ledger.budget_observe("t", word(2, 900)).unwrap();
    ledger.budget_observe("t", word(1, 100)).unwrap();
    assert_eq!(ledger.budget_observed("t").unwrap(), Some(word(2, 900)));
}

#[test]
fn a_pause_lasts_until_its_latest_end() {
    let place = Place::new();
    let ledger = place.open();
    let now = ledger.now();
    let at = |seconds| now + SignedDuration::from_secs(seconds);
    ledger.budget_pause("t", at(30)).unwrap();
    ledger.budget_pause("t", at(10)).unwrap();
    assert_eq!(ledger.budget_paused("t").unwrap(), Some(at(30)));
    assert_eq!(place.open().budget_paused("t").unwrap(), Some(at(30)));
    assert_eq!(ledger.budget_paused("u").unwrap(), None);
    place.wait(30);
    assert_eq!(ledger.budget_paused("t").unwrap(), None);
}

#[test]
fn a_person_lifts_a_pause_and_the_history_says_so() {
    let place = Place::new();
    let ledger = place.open();
    assert_eq!(ledger.budget_lift("t", "no need").unwrap(), None);
    ledger.budget_pause("t", minute(1_440)).unwrap();
    let lifted = ledger.budget_lift("t", "the PSA is back").unwrap();
    assert_eq!(lifted, Some(minute(1_440)));
    assert_eq!(place.open().budget_paused("t").unwrap(), None);
    let entry = ledger.history(0, 10).unwrap().pop().unwrap();
    assert_eq!(
        (entry.what.as_str(), entry.subject.as_str()),
        ("budget.lifted", "t")
    );
    assert_eq!(entry.detail["why"], "the PSA is back");
}
