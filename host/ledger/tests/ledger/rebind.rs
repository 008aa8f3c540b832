//! A tenant whose key changed moves with everything that is kept under it, or not at all.

use psa_host_billing::TenantKey;
use psa_host_billing::stance::Stance;
use psa_host_ledger::{Answer, IntentState, Ledger, SeenRight};
use serde_json::json;

use crate::crash::Child;
use crate::fixture::{
    DAY, Place, add, code, intent, name, new_run, one_intent, run_line, see_right, tenant, units,
};

fn moved() -> TenantKey {
    TenantKey::new("zone31/db4").unwrap()
}

/// A tenant with something in every table that is kept by tenant.
fn full(place: &Place) -> Ledger {
    let ledger = place.with_connection();
    add(&ledger, "beta", "msp");
    ledger.bind_tenant(&name("beta"), &tenant()).unwrap();
    let (run, id) = one_intent(&ledger, "7");
    ledger.mark_sending(run, &[id]).unwrap();
    ledger
        .record_answers(run, &[(id, Answer::Doubtful("no answer".to_owned()))])
        .unwrap();
    let seen = SeenRight {
        line: "8".parse().unwrap(),
        workspace: "w1".parse().unwrap(),
        module: "edr".parse().unwrap(),
        contract: None,
        units: units(5),
        since: DAY,
    };
    see_right(&ledger, run, &[seen]).unwrap();
    let account = "101".parse().unwrap();
    ledger.know_accounts(run, &tenant(), &[account]).unwrap();
    let pair = ("w1".parse().unwrap(), "edr".parse().unwrap());
    let line = "7".parse().unwrap();
    let pin = Stance::Pin {
        why: "flat rate".to_owned(),
    };
    let pair = (&pair.0, &pair.1);
    ledger
        .set_stance(&tenant(), &line, pair, &pin, "flat rate")
        .unwrap();
    place
        .sql(
            "INSERT INTO due_days VALUES ('zone5/db1', '7', 'w1', 'edr', '2026-03-14');
             INSERT INTO account_map VALUES (1, 'zone5/db1', 'w1', '101');
             INSERT INTO questions (connection_id, connection, tenant, run, workspace, module,
                 line, contract, service, baseline, target, effective, reasons, state, asked_at)
             VALUES (1, 'acme', 'zone5/db1', 1, 'w1', 'edr', '9', '9001', '15', '5', '7',
                 '2026-03-14', '[]', 'waiting', 0);",
        )
        .unwrap();
    ledger
        .budget_spend("tenant:zone5/db1", ledger_now(place), 12)
        .unwrap();
    ledger
}

fn ledger_now(place: &Place) -> jiff::Timestamp {
    place.clock()()
}

/// How many cells of each table are this very text.
fn cells(place: &Place, text: &str) -> Vec<(String, i64)> {
    let database = rusqlite::Connection::open(place.data.join("ledger.sqlite")).unwrap();
    let columns: Vec<(String, String)> = database
        .prepare(
            "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
             WHERE t.type = 'table' ORDER BY t.name, c.name",
        )
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    let count = |(table, column): &(String, String)| -> i64 {
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} = ?1");
        database.query_row(&sql, [text], |row| row.get(0)).unwrap()
    };
    let counted = columns.iter().map(|place| (place.0.clone(), count(place)));
    counted.filter(|(_, many)| *many > 0).collect()
}

#[test]
fn everything_that_is_kept_by_tenant_moves() {
    let place = Place::new();
    let ledger = full(&place);
    let before = cells(&place, "zone5/db1");
    let tables: Vec<&str> = before.iter().map(|(table, _)| table.as_str()).collect();
    for table in [
        "account_map",
        "connections",
        "decision_changes",
        "due_days",
        "intents",
        "known_accounts",
        "lines",
        "lines_seen",
        "questions",
        "runs",
        "stances",
        "tenant_claims",
    ] {
        assert!(tables.contains(&table), "nothing of {table} is looked at");
    }
    let seq = ledger.history_head().unwrap().unwrap().seq;
    let proof = json!({ "accounts_same": 1 });
    let rebound = ledger
        .rebind_tenant(&name("beta"), &tenant(), &moved(), &proof)
        .unwrap();
    assert_eq!(rebound.connections, [name("acme"), name("beta")]);
    assert_eq!((rebound.tenant, rebound.open), (moved(), 1));
    assert_eq!(cells(&place, "zone5/db1"), []);
    let after: Vec<_> = cells(&place, "zone31/db4");
    let many = |cells: &[(String, i64)], table: &str| -> i64 {
        let of = cells.iter().filter(|(name, _)| name == table);
        of.map(|(_, many)| many).sum()
    };
    for (table, count) in &before {
        if table != "tenant_claims" {
            assert_eq!(many(&after, table), *count, "{table}");
        }
    }
    let open = ledger.open_intents(&moved()).unwrap();
    assert_eq!(open[0].state, IntentState::Doubtful);
    let since = jiff::Timestamp::UNIX_EPOCH;
    assert_eq!(ledger.budget_spent("tenant:zone5/db1", since).unwrap(), 0);
    assert_eq!(ledger.budget_spent("tenant:zone31/db4", since).unwrap(), 12);
    let entries = ledger.history(seq, 10).unwrap();
    assert_eq!(entries.len(), 2, "one for each connection");
    for (entry, subject) in entries.iter().zip(["acme", "beta"]) {
        assert_eq!(
            (entry.what.as_str(), entry.subject.as_str()),
            ("tenant.rebound", subject)
        );
        assert_eq!(entry.detail["proof"], proof);
    }
    // Both are known at the new key, and the former one is anybody's.
    for connection in ["acme", "beta"] {
        let bound = ledger.bind_tenant(&name(connection), &moved()).unwrap();
        assert!(!bound.first);
        let back = ledger.bind_tenant(&name(connection), &tenant());
        assert_eq!(code(back), "tenant-changed");
    }
    add(&ledger, "stranger", "other-msp");
    assert!(
        ledger
            .bind_tenant(&name("stranger"), &tenant())
            .unwrap()
            .first
    );
}

#[test]
fn a_tenant_is_moved_once_and_only_from_where_it_is() {
    let place = Place::new();
    let ledger = full(&place);
    let rebind = || ledger.rebind_tenant(&name("acme"), &tenant(), &moved(), &json!({}));
    assert_eq!(
        code(ledger.rebind_target(&name("acme"), &tenant())),
        "tenant-not-changed"
    );
    rebind().unwrap();
    assert_eq!(code(rebind()), "tenant-not-changed");
    let other = TenantKey::new("zone7/db7").unwrap();
    let late = ledger.rebind_tenant(&name("acme"), &tenant(), &other, &json!({}));
    assert_eq!(
        code(late),
        "tenant-changed",
        "it is not where it was looked at"
    );
}

#[test]
fn a_key_that_another_channel_has_is_asked_about_before_anything_moves() {
    let place = Place::new();
    let ledger = full(&place);
    add(&ledger, "other", "other-msp");
    ledger.bind_tenant(&name("other"), &moved()).unwrap();
    let before = cells(&place, "zone5/db1");
    let refused = ledger.rebind_tenant(&name("acme"), &tenant(), &moved(), &json!({}));
    assert_eq!(code(refused), "tenant-claimed");
    assert_eq!(cells(&place, "zone5/db1"), before);
    let same = psa_host_ledger::TenantDecision::Same;
    ledger
        .decide_tenant(&name("acme"), &same, None, "one PSA")
        .unwrap();
    let rebound = ledger
        .rebind_tenant(&name("acme"), &tenant(), &moved(), &json!({}))
        .unwrap();
    assert_eq!(rebound.merged, [name("other")]);
}

#[test]
fn a_connection_there_that_is_mapped_otherwise_is_refused_by_name() {
    let place = Place::new();
    let ledger = full(&place);
    add(&ledger, "gamma", "msp");
    ledger.bind_tenant(&name("gamma"), &moved()).unwrap();
    place
        .sql(
            "INSERT INTO account_map SELECT id, 'zone31/db4', 'w1', '999' FROM connections
              WHERE name = 'gamma'",
        )
        .unwrap();
    let before = cells(&place, "zone5/db1");
    let refused = ledger.rebind_tenant(&name("acme"), &tenant(), &moved(), &json!({}));
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "workspace-already-mapped");
    assert!(refused.to_string().contains("gamma"), "{refused}");
    assert_eq!(cells(&place, "zone5/db1"), before, "nothing was changed");
}

/// What a child does: moves the tenant to and fro until it is killed.
pub(crate) fn move_until_killed(ledger: &Ledger) {
    for _ in 0.. {
        for (from, to) in [(tenant(), moved()), (moved(), tenant())] {
            let done = ledger.rebind_tenant(&name("acme"), &from, &to, &json!({}));
            done.unwrap();
            println!("moved");
        }
    }
}

#[test]
fn a_kill_amid_a_move_leaves_all_or_nothing_of_it() {
    let place = Place::new();
    let ledger = full(&place);
    // Enough for the move to take a while.
    let run = ledger.begin_run(&new_run("acme")).unwrap();
    let lines: Vec<String> = (100..1_100).map(|n| n.to_string()).collect();
    let rows: Vec<_> = lines.iter().map(|line| run_line(line)).collect();
    ledger.add_run_lines(run, &rows).unwrap();
    let intents: Vec<_> = (0..)
        .zip(&lines)
        .map(|(row, line)| intent(row, line))
        .collect();
    ledger.intend(run, &intents).unwrap();
    let all: i64 = cells(&place, "zone5/db1")
        .iter()
        .map(|(_, many)| many)
        .sum();
    drop(ledger);
    for round in 0..6 {
        let mut child = Child::start("moves-until-killed", &place);
        for _ in 0..=round % 2 {
            child.wait_for("moved");
        }
        std::thread::sleep(std::time::Duration::from_millis(3 * round));
        child.kill();
        let there = [cells(&place, "zone5/db1"), cells(&place, "zone31/db4")];
        let whole = there.iter().filter(|cells| cells.is_empty()).count();
        assert_eq!(whole, 1, "a part of it moved: {there:?}");
        // Of the claims there is one for each lineage and channel from the first move on.
        let now: i64 = there.iter().flatten().map(|(_, many)| many).sum();
        assert_eq!(now, all, "round {round}");
        // Back to where the next child begins.
        if there[0].is_empty() {
            let ledger = place.open();
            let back = ledger.rebind_tenant(&name("acme"), &moved(), &tenant(), &json!({}));
            back.unwrap();
        }
    }
}
