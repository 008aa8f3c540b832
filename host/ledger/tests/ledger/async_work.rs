//! A ledger that is used from asynchronous work.

use std::sync::mpsc;
use std::time::Duration;

use crate::fixture::{Place, name};

/// Only so that a test that fails ends.
const GIVE_UP: Duration = Duration::from_secs(10);

#[test]
fn a_change_that_waits_for_another_process_leaves_the_other_work_its_thread() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (held, is_held) = mpsc::channel();
    let (other_work, other_work_done) = mpsc::channel();
    let database = place.data.join("ledger.sqlite");
    let other_process = std::thread::spawn(move || {
        let other = rusqlite::Connection::open(database).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        held.send(()).unwrap();
        let let_go = other_work_done.recv_timeout(GIVE_UP);
        other.execute_batch("ROLLBACK").unwrap();
        let_go
    });
    is_held.recv().unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let changing = async move {
        // It comes to its turn while the change waits, or not at all.
        tokio::spawn(async move { other_work.send(()).unwrap() });
        ledger.pause_connection(&name("acme"), true)
    };
    let changed = runtime.block_on(async { tokio::spawn(changing).await.unwrap() });
    changed.unwrap();
    assert_eq!(
        other_process.join().unwrap(),
        Ok(()),
        "the other work had no thread"
    );
}
