//! A ledger that cannot be written any more in the middle of posting: what the program says,
//! and that the next sync goes on from there.

use std::time::Duration;

use autotask_sim::{Fault, FaultKind};
use end_to_end::{Scene, name};
use psa_host_ledger::Outcome;
use serde_json::Value;

const CUSTOMERS: usize = 40;

/// From now on no answer is written down once something was read back.
const BREAK: &str = "CREATE TRIGGER broken BEFORE UPDATE OF state ON intents
    WHEN NEW.state = 'accepted' AND EXISTS (SELECT 1 FROM intents WHERE state = 'confirmed')
    BEGIN SELECT RAISE(ABORT, 'this ledger is broken'); END";

fn number_before(message: &str, words: &str) -> usize {
    let before = message.split_once(words).map(|(before, _)| before);
    let last = before.and_then(|before| before.rsplit(' ').next());
    let number = last.and_then(|word| word.trim_start_matches('"').parse().ok());
    number.unwrap_or_else(|| panic!("no number before {words:?}: {message}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_middle_of_posting_says_what_was_posted() {
    let scene = Scene::present(&[(11, 5); CUSTOMERS]).await;
    // Lines are read anew after a second, and an answer takes more than that from time to
    // time: so that there are several batches.
    let mut rules = scene.host.rules(&name()).unwrap();
    rules.posting.fresh_seconds = 1;
    scene.host.set_rules(&name(), &rules).unwrap();
    for before in [8, 16] {
        let slow = Fault::new(FaultKind::Delay { ms: 1_300 });
        let slow = slow.on("ContractServiceAdjustments").method("POST");
        scene.simulator.inject(slow.skip(before).times(2));
    }
    let database = rusqlite::Connection::open(scene.host.ledger().dir().ledger()).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    database.execute_batch(BREAK).unwrap();

    let mut command = scene.program();
    let output = command.args(["sync", "acme", "--format", "json"]).output();
    let output = output.expect("psa-host is built beside the tests");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let message = said["error"]["message"].as_str().unwrap();
    let confirmed = number_before(message, " adjustments were posted and read back, ");
    let maybe = number_before(message, " more may have been posted, then: ");
    let of = |state: &str| -> usize {
        let sql = "SELECT count(*) FROM intents WHERE state = ?1";
        database
            .query_row(sql, [state], |row| row.get::<_, u32>(0))
            .unwrap() as usize
    };
    assert_eq!(confirmed, of("confirmed"), "{message}");
    assert!(confirmed > 0 && maybe > 0, "{message}");
    let sent = scene.adjustments_sent();
    assert!(sent < CUSTOMERS, "{message}");
    // A request that was handed out when the run broke off may not have reached the PSA.
    assert!(
        (sent..=sent + 2).contains(&(confirmed + maybe)),
        "{sent}: {message}"
    );
    assert!(!message.contains("nothing was changed"), "{message}");
    let fix = said["error"]["fix"].as_str().unwrap();
    assert!(fix.contains("Then sync again"), "{fix}");

    database.execute_batch("DROP TRIGGER broken").unwrap();
    scene.simulator.clear_faults();
    // The PSA is still at the slow ones, and would take no more requests beside them.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    scene.wait(11);
    let report = scene.sync().await;
    assert_eq!(
        report.summary.outcomes[Outcome::Doubtful.as_str()],
        0,
        "{report:#?}"
    );
    scene.sync().await;
    for at in 0..CUSTOMERS {
        assert_eq!(scene.applied(at), [6], "customer {at}: once");
    }
}
