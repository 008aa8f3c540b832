//! A real process, really killed.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};

use psa_host_ledger::{
    Answer, IntentRecord, IntentState, KeySource, Ledger, RunEnding, RunStatus, system_clock,
};

use crate::fixture::{Place, intent, new_run, run_line, tenant};

/// This very program, started again to do one thing.
pub(crate) struct Child {
    process: std::process::Child,
    words: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(what: &str, place: &Place) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["crash::as_a_child", "--exact", "--nocapture"])
            .env("PSA_HOST_LEDGER_CHILD", what)
            .env("PSA_HOST_LEDGER_DATA", &place.data)
            .env("PSA_HOST_LEDGER_KEY", &place.key)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let words = BufReader::new(process.stdout.take().unwrap());
        Self { process, words }
    }

    /// Wait until the child says this.
    pub(crate) fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            let read = self.words.read_line(&mut line).unwrap();
            assert!(read > 0, "the child ended before it said {word:?}");
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Nothing by itself: what a child does.
#[test]
fn as_a_child() {
    let Ok(what) = std::env::var("PSA_HOST_LEDGER_CHILD") else {
        return;
    };
    let path = |name: &str| PathBuf::from(std::env::var_os(name).unwrap());
    let key = KeySource::File(path("PSA_HOST_LEDGER_KEY"));
    let ledger = Ledger::open(path("PSA_HOST_LEDGER_DATA"), key, system_clock()).unwrap();
    match what.as_str() {
        "holds-the-tenant" => {
            let _lock = ledger.tenant_lock(&tenant(), "the child").unwrap();
            println!("held");
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        "moves-until-killed" => crate::rebind::move_until_killed(&ledger),
        "writes-until-killed" => write_until_killed(&ledger),
        "dies-while-sending" => {
            let run = ledger.begin_run(&new_run("acme")).unwrap();
            ledger
                .add_run_lines(run, &[run_line("1"), run_line("2")])
                .unwrap();
            let ids = ledger
                .intend(run, &[intent(0, "1"), intent(1, "2")])
                .unwrap();
            ledger.mark_sending(run, &ids[..1]).unwrap();
            println!("sending");
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        other => panic!("{other}?"),
    }
}

/// Ever new runs; says the number of each intent that it was told is on the disk.
fn write_until_killed(ledger: &Ledger) {
    for n in 0.. {
        let run = ledger.begin_run(&new_run("acme")).unwrap();
        let lines: Vec<String> = (0..20).map(|m| format!("{n}-{m}")).collect();
        let rows: Vec<_> = lines.iter().map(|line| run_line(line)).collect();
        ledger.add_run_lines(run, &rows).unwrap();
        let intents: Vec<_> = (0..)
            .zip(&lines)
            .map(|(row, line)| intent(row, line))
            .collect();
        let ids = ledger.intend(run, &intents).unwrap();
        println!("intended {n}");
        ledger.mark_sending(run, &ids).unwrap();
        println!("sending {n}");
        let answers: Vec<_> = ids.iter().map(|id| (*id, Answer::Accepted)).collect();
        ledger.record_answers(run, &answers).unwrap();
        println!("accepted {n}");
    }
}

#[test]
fn what_was_said_to_be_kept_is_there_after_a_kill_and_batches_are_whole() {
    let place = Place::new();
    drop(place.with_connection());
    let mut said = Vec::new();
    let mut checked = 0;
    // Each time at another moment of the work.
    for round in 0..12 {
        let mut child = Child::start("writes-until-killed", &place);
        let mut line = String::new();
        for _ in 0..round + 3 {
            line.clear();
            child.words.read_line(&mut line).unwrap();
            said.push(line.clone());
        }
        std::thread::sleep(std::time::Duration::from_micros(round * 700));
        child.process.kill().unwrap();
        // What it had said by then.
        loop {
            let mut line = String::new();
            if child.words.read_line(&mut line).unwrap() == 0 {
                break;
            }
            said.push(line);
        }
        child.process.wait().unwrap();

        let ledger = place.open();
        let open = ledger.open_intents(&tenant()).unwrap();
        for (nth, run) in ledger.runs(None, 1000).unwrap().into_iter().enumerate() {
            // The child begins one run after another.
            let expected = match nth {
                0 => RunStatus::Killed,
                _ => RunStatus::Ended(RunEnding::Superseded),
            };
            assert_eq!(run.status, expected);
            let intents = ledger.run_intents(run.id).unwrap();
            assert!(matches!(intents.len(), 0 | 20), "a batch is whole");
            let first = intents.first().map(|intent| intent.state);
            assert!(intents.iter().all(|intent| Some(intent.state) == first));
            let rows = ledger.run_lines(run.id).unwrap();
            assert!(matches!(rows.len(), 0 | 20), "a batch is whole");
        }
        // Out of the way of the next child, which names its lines alike.
        assert!(open.iter().all(|intent| intent.state.is_open()));
        assert_eq!(check(&place), "ok");
        for word in said.drain(..) {
            let Some((what, n)) = word.trim().split_once(' ') else {
                continue;
            };
            let line = format!("{n}-19");
            let kept = |record: &&IntentRecord| record.intent.key.line.as_str() == line;
            let reached = match (what, open.iter().find(kept).map(|record| record.state)) {
                ("intended", state) => state.is_some(),
                ("sending", state) => state.is_some_and(|state| state != IntentState::Intended),
                ("accepted", state) => state == Some(IntentState::Accepted),
                // The words of the test program itself.
                _ => continue,
            };
            checked += 1;
            assert!(reached, "{what} {n}");
        }
        let settled: Vec<_> = open
            .iter()
            .map(|record| {
                let resolution = psa_host_ledger::Resolution::NotApplied;
                (record.id, resolution, serde_json::json!({}))
            })
            .collect();
        if let Some(last) = open.last() {
            let lease = ledger.take_up(last.run).unwrap();
            ledger.resolve(lease, &settled).unwrap();
        }
    }
    assert!(checked > 50, "only {checked} words were checked");
}

fn check(place: &Place) -> String {
    rusqlite::Connection::open(place.data.join("ledger.sqlite"))
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn what_was_being_sent_when_the_process_died_is_found() {
    let place = Place::new();
    let ledger = place.with_connection();
    let mut child = Child::start("dies-while-sending", &place);
    child.wait_for("sending");
    let run = ledger.runs(None, 1).unwrap().remove(0);
    assert_eq!(run.status, RunStatus::Running);
    child.kill();
    assert_eq!(ledger.killed_runs().unwrap().len(), 1);
    let open = ledger.open_intents(&tenant()).unwrap();
    let states: Vec<_> = open.iter().map(|record| record.state).collect();
    assert_eq!(states, [IntentState::Sending, IntentState::Intended]);
    assert!(open[0].sending_at.is_some() && open[1].sending_at.is_none());
}

#[test]
fn a_handle_dropped_amid_a_change_leaves_no_trace() {
    let place = Place::new();
    let ledger = place.with_connection();
    let before = ledger.history_head().unwrap();
    {
        let other = rusqlite::Connection::open(place.data.join("ledger.sqlite")).unwrap();
        other
            .execute_batch("BEGIN IMMEDIATE; DELETE FROM workspaces WHERE id = 'other-msp';")
            .unwrap();
    }
    assert_eq!(ledger.workspaces().unwrap().len(), 2);
    assert_eq!(place.open().history_head().unwrap(), before);
}
