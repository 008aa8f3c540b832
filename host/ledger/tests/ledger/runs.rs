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
    assert!(watcher.abandoned_runs(&name("acme")).unwrap().is_empty());
    let ended = watcher.end_killed_run(id.run(), &done());
    assert_eq!(code(ended), "run-state", "it is alive");
    drop(worker);
    assert_eq!(watcher.run(id.run()).unwrap().status, RunStatus::Abandoned);
    let abandoned = watcher.abandoned_runs(&name("acme")).unwrap();
    assert_eq!(abandoned.len(), 1);
    let mut end = done();
    end.ending = RunEnding::Interrupted;
    watcher.end_killed_run(abandoned[0].id, &end).unwrap();
    assert!(watcher.abandoned_runs(&name("acme")).unwrap().is_empty());
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
    assert_eq!(ledger.add_run_lines(id, rows.clone()).unwrap(), 0);
    assert_eq!(ledger.add_run_lines(id, [run_line("9")]).unwrap(), 2);
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
    assert_eq!(code(ledger.add_run_lines(id, [run_line("1")])), "run-state");
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
