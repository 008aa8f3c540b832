//! A change that was sent twice and did not take effect is a person's matter.

use autotask_sim::{Fault, FaultKind, Lost};
use end_to_end::{Scene, line_of, outcome};
use psa_host_billing::LineId;
use psa_host_ledger::Outcome;
use psa_host_sync::run::Verdict;

use super::held;

/// Longer than the quarantine, in minutes.
const LATER: i64 = 11;

#[tokio::test]
async fn a_change_is_sent_once_more_and_then_held_until_a_person_has_looked() {
    let scene = Scene::new(&[(11, 5)]).await;
    let lost = Fault::new(FaultKind::Lose { lost: Lost::Drop })
        .on("ContractServiceAdjustments")
        .method("POST");
    scene.simulator.inject(lost.times(2));
    let first = scene.sync().await;
    scene.wait(LATER);
    let second = scene.sync().await;
    assert_eq!(outcome(&second, "w1").0, Outcome::Doubtful, "{second:#?}");
    scene.wait(LATER);
    for _ in ["found", "and not forgotten"] {
        let report = scene.sync().await;
        let settled = &report.settled[0];
        assert_eq!(
            (settled.outcome, settled.code.as_deref()),
            (Outcome::Held, Some("not-applied-twice")),
            "{report:#?}"
        );
        let message = settled.message.as_ref().unwrap();
        assert!(message.contains(&second.run), "{message}");
        // The line itself says what settles it, and never to wait.
        assert_eq!(outcome(&report, "w1"), held("not-applied-twice"));
        let fix = line_of(&report, "w1").fix.clone().unwrap();
        let command = format!("run resolve {} {}", second.run, scene.customers[0].line);
        assert!(fix.contains(&command), "{fix}");
    }
    assert_eq!(scene.adjustments_sent(), 2);
    let line = LineId::new(scene.customers[0].line.to_string()).unwrap();
    let host = &scene.host;
    let not_this = host.resolve(
        first.run.parse().unwrap(),
        std::slice::from_ref(&line),
        Verdict::NotApplied,
    );
    assert_eq!(not_this.unwrap_err().code(), "nothing-to-resolve");
    let run = second.run.parse().unwrap();
    host.resolve(run, std::slice::from_ref(&line), Verdict::NotApplied)
        .unwrap();
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6]);
}
