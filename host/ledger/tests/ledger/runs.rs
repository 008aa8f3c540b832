use std::collections::BTreeMap;

use psa_host_ledger::{LineUpdate, Outcome, RunEnd, RunEnding, RunLine, RunStatus};
use serde_json::json;

use crate::fixture::{Place, code, name, new_run, run_line};

fn done() -> RunEnd {
    RunEnd {
        ending: RunEnding::Done,
        requests: 42,
        counts: BTreeMap::from([(Outcome::Confirmed, 3), (Outcome::Held, 1)]),
        incidents: json!([{ "code": "line-created" }]),
        closes_date: false,
    }
}

#[test]
fn a_run_is_kept_from_beginning_to_end() {
    let place = Place::new();
    let ledger = place.with_connection().with_actor("cli:ann");
    let id = ledger.begin_run(&new_run("acme")).unwrap();
    assert_eq!(id.run().to_string(), "r-000001");
    assert_eq!(ledger.run(id.run()).unwrap().status, RunStatus::Running);
    place.wait(60);
    ledger.end_run(id, &done()).unwrap();
    let run = ledger.run("r-1".parse().unwrap()).unwrap();
    assert_eq!(run.status, RunStatus::Ended(RunEnding::Done));
    assert_eq!(
        run.ended_at
            .unwrap()
            .duration_since(run.started_at)
            .as_secs(),
        60
    );
    assert_eq!((run.requests, &run.counts), (42, &done().counts));
    assert_eq!(run.incidents, done().incidents);
    assert_eq!(run.started_by, "cli:ann");
    assert_eq!(code(ledger.end_run(id, &done())), "run-state");
    assert_eq!(std::fs::read_dir(ledger.dir().locks()).unwrap().count(), 1);
}

#[test]
fn a_run_outlives_its_connection() {
    let place = Place::new();
    let ledger = place.with_connection();
    let id = ledger.begin_run(&new_run("acme")).unwrap();
    ledger.end_run(id, &done()).unwrap();
    ledger.remove_connection(&name("acme")).unwrap();
    assert_eq!(ledger.run(id.run()).unwrap().connection, name("acme"));
}

#[test]
fn a_run_whose_process_is_gone_is_told_from_one_at_work() {
    let place = Place::new();
    let watcher = place.with_connection();
    let worker = place.open();
    let id = worker.begin_run(&new_run("acme")).unwrap();
    assert_eq!(watcher.run(id.run()).unwrap().status, RunStatus::Running);
    assert!(watcher.killed_runs().unwrap().is_empty());
    let ended = watcher.end_killed_run(id.run(), &done());
    assert_eq!(code(ended), "run-state", "it is alive");
    drop(worker);
    assert_eq!(watcher.run(id.run()).unwrap().status, RunStatus::Killed);
    let killed = watcher.killed_runs().unwrap();
    assert_eq!(killed.len(), 1);
    let mut end = done();
    end.ending = RunEnding::Killed;
    watcher.end_killed_run(killed[0].id, &end).unwrap();
    assert!(watcher.killed_runs().unwrap().is_empty());
}

#[test]
fn a_run_that_was_let_go_counts_as_killed_for_its_own_process_too() {
    let place = Place::new();
    let ledger = place.with_connection();
    let id = ledger.begin_run(&new_run("acme")).unwrap();
    assert_eq!(ledger.runs_under_way(&name("acme")).unwrap().len(), 1);
    assert!(ledger.runs_under_way(&name("other")).unwrap().is_empty());
    ledger.let_go(id.run());
    assert!(ledger.runs_under_way(&name("acme")).unwrap().is_empty());
    assert_eq!(ledger.run(id.run()).unwrap().status, RunStatus::Killed);
}

#[test]
fn a_request_to_cancel_is_kept_once_and_only_while_the_run_is_under_way() {
    let place = Place::new();
    let worker = place.with_connection();
    let person = place.open().with_actor("cli:bob");
    let lease = worker.begin_run(&new_run("acme")).unwrap();
    let id = lease.run();
    assert_eq!(worker.cancel_request(id).unwrap(), None);
    assert_eq!(person.request_cancel(id).unwrap(), None, "the first one");
    let asked = worker.cancel_request(id).unwrap().unwrap();
    assert_eq!((asked.by.as_str(), asked.at), ("cli:bob", worker.now()));
    place.wait(5);
    let again = place.open().with_actor("cli:eve");
    assert_eq!(again.request_cancel(id).unwrap(), Some(asked.clone()));
    assert_eq!(worker.cancel_request(id).unwrap(), Some(asked));
    let history = worker.history(0, 1000).unwrap();
    let told: Vec<_> = history
        .iter()
        .filter(|event| event.what == "run.cancel-requested")
        .map(|event| (event.who.as_str(), event.subject.clone()))
        .collect();
    assert_eq!(told, [("cli:bob", id.to_string())]);
    worker.end_run(lease, &done()).unwrap();
    assert_eq!(code(person.request_cancel(id)), "run-state");
    let unknown = "r-999999".parse().unwrap();
    assert_eq!(code(person.request_cancel(unknown)), "not-found");
}

#[test]
fn rows_come_back_in_order_and_as_they_were() {
    let place = Place::new();
    let ledger = place.with_connection();
    let id = ledger.begin_run(&new_run("acme")).unwrap();
    let bare = RunLine {
        workspace: None,
        module: None,
        account: None,
        service: None,
        contract: None,
        line: None,
        baseline: None,
        target: None,
        effective: None,
        outcome: Outcome::Held,
        code: Some("unmapped".to_owned()),
        message: Some("no account".to_owned()),
        fix: Some("map it".to_owned()),
        detail: Some("{}".to_owned()),
    };
    let mut rows = vec![run_line("2147483648"), bare];
    assert_eq!(ledger.add_run_lines(id, &rows).unwrap(), 0);
    assert_eq!(ledger.add_run_lines(id, &[run_line("9")]).unwrap(), 2);
    rows.push(run_line("9"));
    let update = LineUpdate {
        row: 2,
        outcome: Outcome::Rejected,
        code: Some("rejected".to_owned()),
        message: Some("no".to_owned()),
        fix: None,
    };
    ledger
        .update_run_lines(id, std::slice::from_ref(&update))
        .unwrap();
    rows[2].outcome = Outcome::Rejected;
    rows[2].code = update.code.clone();
    rows[2].message = update.message.clone();
    assert_eq!(ledger.run_lines(id.run()).unwrap(), rows);

    let nowhere = LineUpdate { row: 3, ..update };
    assert_eq!(code(ledger.update_run_lines(id, &[nowhere])), "not-found");
    let other = "r-000099".parse().unwrap();
    assert_eq!(code(ledger.run_lines(other)), "not-found");
}

#[test]
fn a_run_that_is_over_takes_no_more_rows() {
    let place = Place::new();
    let ledger = place.with_connection();
    let id = ledger.begin_run(&new_run("acme")).unwrap();
    ledger.end_run(id, &done()).unwrap();
    assert_eq!(
        code(ledger.add_run_lines(id, &[run_line("1")])),
        "run-state"
    );
}

#[test]
fn runs_are_listed_latest_first() {
    let place = Place::new();
    let ledger = place.with_connection();
    let ids: Vec<_> = (0..3)
        .map(|_| ledger.begin_run(&new_run("acme")).unwrap())
        .collect();
    let listed: Vec<_> = ledger
        .runs(Some(&name("acme")), 2)
        .unwrap()
        .iter()
        .map(|run| run.id)
        .collect();
    assert_eq!(listed, [ids[2].run(), ids[1].run()]);
    assert!(ledger.runs(Some(&name("beta")), 9).unwrap().is_empty());
    assert_eq!(ledger.runs(None, 9).unwrap().len(), 3);
}
