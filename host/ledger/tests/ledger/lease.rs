//! A run whose tenant was taken meanwhile writes nothing more, by whatever verb.

use std::collections::{BTreeMap, BTreeSet};

use psa_host_ledger::{
    Answer, DecisionsAt, HandedOut, IntentId, IntentState, Ledger, LedgerError, LineUpdate,
    Outcome, Resolution, RightRow, RunEnd, RunEnding, RunLease, RunStatus, SnapshotId,
};
use serde_json::json;

use crate::fixture::{
    DAY, Place, add, code, intent, name, new_run, one_intent, run_line, tenant, units,
};
use crate::shape::sources;

/// What each verb is called with.
struct Case {
    id: IntentId,
    planned: DecisionsAt,
}

type Verb = fn(&Ledger, RunLease, &Case) -> Result<(), LedgerError>;

fn end() -> RunEnd {
    RunEnd {
        ending: RunEnding::Done,
        requests: 0,
        counts: BTreeMap::new(),
        incidents: json!([]),
        closes_date: false,
    }
}

/// Every verb that takes a lease, by its name.
const VERBS: [(&str, Verb); 17] = [
    ("add_run_lines", |ledger, lease, _| {
        ledger.add_run_lines(lease, &[run_line("9")]).map(|_| ())
    }),
    ("ask", |ledger, lease, _| {
        ledger.ask(lease, &tenant(), &[]).map(|_| ())
    }),
    ("close_questions", |ledger, lease, _| {
        let nobody = "q-1".parse().unwrap();
        let state = psa_host_ledger::QuestionState::Posted;
        ledger.close_questions(lease, &[(nobody, state)])
    }),
    ("end_run", |ledger, lease, _| ledger.end_run(lease, &end())),
    ("hand_out", |ledger, lease, case| {
        ledger.hand_out(lease, case.id, case.planned).map(|_| ())
    }),
    ("intend", |ledger, lease, _| {
        ledger.intend(lease, &[intent(0, "9")]).map(|_| ())
    }),
    ("know_accounts", |ledger, lease, _| {
        ledger.know_accounts(lease, &tenant(), &["101".parse().unwrap()])
    }),
    ("look_first", |ledger, lease, _| {
        ledger.look_first(lease, DAY, units(5))
    }),
    ("mark_sending", |ledger, lease, case| {
        ledger.mark_sending(lease, &[case.id])
    }),
    ("pass", |ledger, lease, _| ledger.pass(lease, DAY, &[])),
    ("presume_handed_out", |ledger, lease, case| {
        ledger.presume_handed_out(lease, &[case.id])
    }),
    ("record_answers", |ledger, lease, case| {
        ledger.record_answers(lease, &[(case.id, Answer::Accepted)])
    }),
    ("resolve", |ledger, lease, case| {
        ledger.resolve(lease, &[(case.id, Resolution::Confirmed, json!({}))])
    }),
    ("see_right", |ledger, lease, _| {
        let right = RightRow { row: 0, since: DAY };
        ledger.see_right(lease, &tenant(), &[right])
    }),
    ("set_due_days", |ledger, lease, _| {
        ledger.set_due_days(lease, &tenant(), &[("8".parse().unwrap(), None)])
    }),
    ("unmark", |ledger, lease, case| {
        ledger.unmark(lease, &[case.id])
    }),
    ("update_run_lines", |ledger, lease, _| {
        let update = LineUpdate {
            row: 0,
            outcome: Outcome::Confirmed,
            code: None,
            message: None,
            fix: None,
        };
        ledger.update_run_lines(lease, &[update])
    }),
];

#[test]
fn a_run_whose_tenant_was_taken_is_refused_by_every_verb() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (lease, id) = one_intent(&ledger, "1");
    ledger.mark_sending(lease, &[id]).unwrap();
    let planned = ledger.decisions_at().unwrap();
    let case = Case { id, planned };
    let other = place.open();
    other.begin_run(&new_run("acme")).unwrap();
    let before = ledger.history_head().unwrap();
    for (verb, call) in VERBS {
        let result = call(&ledger, lease, &case);
        assert_eq!(code(result), "lease-lost", "{verb}");
    }
    let nowhere: SnapshotId = "u-000042".parse().unwrap();
    assert_eq!(code(ledger.use_snapshot(lease, nowhere)), "lease-lost");
    assert_eq!(ledger.history_head().unwrap(), before);
    assert_eq!(ledger.intent(id).unwrap().state, IntentState::Sending);
    let run = ledger.run(lease.run()).unwrap();
    assert_eq!(run.status, RunStatus::Ended(RunEnding::Superseded));
}

#[test]
fn who_took_the_tenant_is_said() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (lease, id) = one_intent(&ledger, "1");
    place.wait(60);
    let other = place.open().with_actor("cli:bob");
    other.begin_run(&new_run("acme")).unwrap();
    let error = ledger.mark_sending(lease, &[id]).unwrap_err().to_string();
    for part in ["r-000001", "zone5/db1", "r-000002", "cli:bob", ":21:00"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // By hand, which is no run.
    let settled = other.take_up(lease.run()).unwrap();
    let error = ledger.mark_sending(lease, &[id]).unwrap_err().to_string();
    assert!(error.contains(": cli:bob took it"), "{error}");
    let resolved = [(id, Resolution::NotApplied, json!({}))];
    other.resolve(settled, &resolved).unwrap();
}

#[test]
fn a_lease_counts_until_the_tenant_is_taken_and_for_its_own_tenant_alone() {
    let place = Place::new();
    let ledger = place.with_connection();
    let (lease, id) = one_intent(&ledger, "1");
    let planned = ledger.decisions_at().unwrap();
    // Dry runs take nothing.
    let mut dry = new_run("acme");
    dry.dry_run = true;
    let dry = ledger.begin_run(&dry).unwrap();
    assert_eq!(code(ledger.mark_sending(dry, &[id])), "run-state");
    let resolved = [(id, Resolution::Confirmed, json!({}))];
    assert_eq!(code(ledger.resolve(dry, &resolved)), "run-state");
    // Neither does a run of another tenant, and its lease is no use here.
    add(&ledger, "beta", "msp");
    let other = "zone9/db9".parse().unwrap();
    ledger.bind_tenant(&name("beta"), &other).unwrap();
    let mut of_beta = new_run("beta");
    of_beta.tenant = Some(other);
    let of_beta = ledger.begin_run(&of_beta).unwrap();
    ledger.add_run_lines(of_beta, &[run_line("5")]).unwrap();
    assert_eq!(code(ledger.intend(of_beta, &[intent(0, "5")])), "run-state");
    assert_eq!(code(ledger.resolve(of_beta, &resolved)), "run-state");
    for refused in [
        ledger.mark_sending(of_beta, &[id]),
        ledger.record_answers(of_beta, &[(id, Answer::Accepted)]),
    ] {
        assert_eq!(code(refused), "run-state");
    }
    ledger.mark_sending(lease, &[id]).unwrap();
    assert_eq!(code(ledger.unmark(of_beta, &[id])), "wrong-transition");
    let handed_out = ledger.hand_out(lease, id, planned).unwrap();
    assert_eq!(handed_out, HandedOut::Yes);
}

#[test]
fn a_rebind_takes_both_tenants_from_whoever_has_them() {
    let place = Place::new();
    let ledger = place.with_connection();
    let lease = ledger.begin_run(&new_run("acme")).unwrap();
    let moved = "zone6/db1".parse().unwrap();
    ledger
        .rebind_tenant(&name("acme"), &tenant(), &moved, &json!({}))
        .unwrap();
    assert_eq!(code(ledger.add_run_lines(lease, &[])), "lease-lost");
    // Also where somebody takes the former key later.
    let mut new = new_run("acme");
    new.tenant = Some(tenant());
    ledger.begin_run(&new).unwrap();
    assert_eq!(code(ledger.add_run_lines(lease, &[])), "lease-lost");
}

/// The functions of a source file: each from its name to the next one.
fn functions(source: &str) -> Vec<(String, &str)> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let starts: Vec<usize> = source.match_indices("fn ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([source.len()]);
    let function = |(start, end): (&usize, usize)| {
        let text = &source[*start..end];
        let text = text.split("\nconst ").next().unwrap();
        let name = text["fn ".len()..].split(['(', '<']).next().unwrap();
        (name.to_owned(), text)
    };
    starts.iter().zip(ends).map(function).collect()
}

/// What only runs write.
const OF_RUNS: [&str; 8] = [
    "run_lines",
    "intents",
    "runs",
    "lines_seen",
    "due_days",
    "passed_changes",
    "first_looks",
    "known_accounts",
];

/// Who writes to them without a lease: what becomes of a row within a verb that has one
/// (`forget`), whoever gives out the lease (`begin_run`), what ends runs with one or dead
/// ones without (`end`), and people.
const WITHOUT: [&str; 7] = [
    "begin_run",
    "end",
    "forget",
    "lift_rejections",
    "make_way",
    "request_cancel",
    "supersede",
];

#[test]
fn no_verb_of_a_run_forgets_its_lease() {
    let found = sources();
    let mut taking = BTreeSet::new();
    let mut without = BTreeSet::new();
    for (name, text) in found.values().flat_map(|source| functions(source)) {
        let head = text.split('{').next().unwrap();
        let verb = head.contains("&self") && head.contains("lease: RunLease");
        if verb {
            taking.insert(name.clone());
        }
        let writes = OF_RUNS.iter().any(|table| {
            let verbs = [
                "INSERT INTO",
                "INSERT OR REPLACE INTO",
                "INSERT OR IGNORE INTO",
                "UPDATE",
                "DELETE FROM",
            ];
            verbs.iter().any(|verb| {
                let at = text.split(&format!("{verb} {table}")).nth(1);
                at.is_some_and(|rest| !rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()))
            })
        });
        if writes && !head.contains("lease: RunLease") && !head.contains("Held") {
            without.insert(name);
        }
    }
    let mut tested: BTreeSet<String> = VERBS.iter().map(|(name, _)| (*name).to_owned()).collect();
    tested.insert("use_snapshot".to_owned());
    assert_eq!(taking, tested, "each verb has its row in the table above");
    let allowed = WITHOUT.map(str::to_owned).into();
    assert_eq!(without, allowed, "each of them needs a lease, or a reason");
}
