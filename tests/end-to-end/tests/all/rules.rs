//! The rules that an MSP sets, and the decisions of people, over whole runs.

use autotask_sim::LineKind;
use autotask_sim::schema::Entity;
use end_to_end::{MODULE, Scene, TODAY, line_of, name, outcome};
use jiff::civil::date;
use psa_host_billing::brake::BrakeCode;
use psa_host_billing::rules::{EffectivePolicy, Rules, ZeroRule};
use psa_host_billing::{AccountId, ModuleId, WorkspaceId};
use psa_host_ledger::Outcome;
use psa_host_sync::run::{Release, RunReport, SyncOptions};
use psa_host_sync::{Answering, LineDecision, QuestionState, unwatched};
use rust_decimal::Decimal;

fn set(scene: &Scene, change: impl FnOnce(&mut Rules)) {
    let mut rules = scene.host.rules(&name()).expect("rules");
    change(&mut rules);
    scene.host.set_rules(&name(), &rules).expect("set");
}

fn held(code: &str) -> (Outcome, Option<String>) {
    (Outcome::Held, Some(code.to_owned()))
}

fn waiting(scene: &Scene) -> Vec<psa_host_sync::QuestionId> {
    let asked = scene.host.questions(Some(&name()), false).expect("read");
    asked.iter().map(|question| question.id).collect()
}

fn answer(scene: &Scene, answer: Answering) {
    let ids: Vec<_> = scene
        .host
        .questions(Some(&name()), true)
        .expect("read")
        .iter()
        .filter(|question| {
            matches!(
                question.state,
                QuestionState::Waiting | QuestionState::Rejected
            )
        })
        .map(|question| question.id)
        .collect();
    scene
        .host
        .answer(&ids, answer, "looked at it")
        .expect("answered");
}

async fn decide(scene: &Scene, decision: LineDecision) -> String {
    let pair = (
        &WorkspaceId::new("w1").expect("there"),
        &ModuleId::new(MODULE).expect("there"),
    );
    let name = name();
    let done = scene.host.decide_line(&name, pair, decision, "because");
    done.await.expect("there").result.to_string()
}

fn money(report: &RunReport, workspace: &str) -> String {
    let money = line_of(report, workspace).money.as_ref().expect("there");
    money.monthly_change.as_ref().expect("there").to_string()
}

#[tokio::test]
async fn a_change_over_a_limit_waits_and_is_posted_when_a_person_approves_it() {
    let scene = Scene::new(&[(30, 5), (7, 5)]).await;
    set(&scene, |rules| rules.approval.units = Some(Decimal::TEN));
    let report = scene.sync().await;
    let asked = outcome(&report, "w1");
    assert_eq!(
        asked,
        (Outcome::AwaitingApproval, Some("approval-needed".into())),
        "{report:#?}"
    );
    assert_eq!(outcome(&report, "w2").0, Outcome::Confirmed);
    assert!(report.needs_a_person());
    assert_eq!(money(&report, "w1"), "105.00");
    // Asked once, however often it is looked at.
    scene.sync().await;
    assert_eq!(waiting(&scene).len(), 1);
    answer(&scene, Answering::Grant);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [25]);
    let all = scene.host.questions(Some(&name()), true).unwrap();
    assert_eq!(all[0].state, QuestionState::Posted);
}

#[tokio::test]
async fn an_approval_is_worth_nothing_once_the_numbers_have_moved_by_more_than_posts_unasked() {
    let scene = Scene::new(&[(30, 5)]).await;
    set(&scene, |rules| rules.approval.units = Some(Decimal::TEN));
    scene.sync().await;
    answer(&scene, Answering::Grant);
    scene.wait(60);
    scene.import_usage(&[("w1", 41)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::AwaitingApproval);
    assert_eq!(scene.adjustments_sent(), 0);
    let all = scene.host.questions(Some(&name()), true).unwrap();
    let states: Vec<_> = all.iter().map(|question| question.state).collect();
    assert_eq!(states, [QuestionState::Waiting, QuestionState::Superseded]);
}

#[tokio::test]
async fn a_rejected_change_is_held_until_it_is_asked_again() {
    let scene = Scene::new(&[(30, 5)]).await;
    set(&scene, |rules| rules.approval.units = Some(Decimal::TEN));
    scene.sync().await;
    answer(&scene, Answering::Reject);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), held("approval-rejected"));
    answer(&scene, Answering::Reopen);
    assert_eq!(
        outcome(&scene.sync().await, "w1").0,
        Outcome::AwaitingApproval
    );
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test]
async fn a_dry_run_asks_nobody() {
    let scene = Scene::new(&[(30, 5)]).await;
    set(&scene, |rules| rules.approval.first_time = true);
    let options = SyncOptions {
        dry_run: true,
        ..SyncOptions::default()
    };
    let report = scene.try_sync(&options).await.unwrap();
    assert_eq!(outcome(&report, "w1").0, Outcome::AwaitingApproval);
    assert_eq!(waiting(&scene), []);
}

/// 11 units were confirmed, then somebody made 4 of them in the PSA.
async fn edited() -> Scene {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.sync().await;
    scene.wait(24 * 60);
    let line = scene.customers[0].line;
    let tomorrow = TODAY.tomorrow().expect("there");
    let simulator = &scene.simulator;
    simulator
        .foreign_edit(LineKind::Service, line, tomorrow, -7)
        .expect("there");
    scene.import_usage(&[("w1", 11)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), held("foreign-edit"), "{report:#?}");
    scene
}

#[tokio::test]
async fn a_foreign_edit_that_is_adopted_stays_until_the_count_changes() {
    let scene = edited().await;
    assert_eq!(decide(&scene, LineDecision::Adopt).await, "adopted");
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Unchanged);
    assert_eq!(report.summary.money, [], "nothing of it will be posted");
    assert_eq!(line_of(&report, "w1").money, None);
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 12)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6, 8]);
}

#[tokio::test]
async fn a_foreign_edit_that_may_be_overwritten_is() {
    let scene = edited().await;
    decide(&scene, LineDecision::Overwrite).await;
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 11)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [6, 7]);
}

#[tokio::test]
async fn a_pinned_line_is_left_alone_until_it_is_released() {
    let scene = edited().await;
    decide(&scene, LineDecision::Pin).await;
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 99)]);
    let report = scene.sync().await;
    // Unchanged, and not silently: it keeps other units than its count.
    assert_eq!(
        outcome(&report, "w1"),
        (Outcome::Unchanged, Some("left-as-it-is".into())),
        "{report:#?}"
    );
    assert!(!report.needs_a_person());
    let units = u32::try_from(scene.units_on(0, scene.today())).expect("above zero");
    scene.wait(1);
    scene.import_usage(&[("w1", units)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1"), (Outcome::Unchanged, None));
    decide(&scene, LineDecision::Release).await;
    scene.wait(1);
    scene.import_usage(&[("w1", 99)]);
    assert_eq!(outcome(&scene.sync().await, "w1"), held("foreign-edit"));
    assert_eq!(scene.adjustments_sent(), 1);
}

#[tokio::test]
async fn under_next_period_changes_gather_and_are_posted_once_in_the_window() {
    let scene = Scene::new(&[(11, 5)]).await;
    set(&scene, |rules| {
        rules.effective.policy = EffectivePolicy::NextPeriod;
    });
    let report = scene.sync().await;
    let line = line_of(&report, "w1");
    assert_eq!(line.outcome, Outcome::Planned, "{report:#?}");
    assert_eq!(line.effective_date, date(2026, 12, 1));
    assert!(!report.needs_a_person());
    scene.wait(5 * 24 * 60);
    scene.import_usage(&[("w1", 13)]);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 14)]);
    let report = scene.sync().await;
    // The first of December is taken, and the scene's contract ends with December.
    assert_eq!(outcome(&report, "w1").0, Outcome::Held, "{report:#?}");
    assert_eq!(scene.applied(0), [8]);
    assert_eq!(scene.units_on(0, date(2026, 11, 30)), 5);
    assert_eq!(scene.units_on(0, date(2026, 12, 1)), 13);
}

#[tokio::test]
async fn under_period_start_the_first_change_goes_to_the_start() {
    let scene = Scene::new(&[(11, 5)]).await;
    set(&scene, |rules| {
        rules.effective.policy = EffectivePolicy::PeriodStart;
    });
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.units_on(0, date(2026, 11, 1)), 11);
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 12)]);
    let report = scene.sync().await;
    let line = line_of(&report, "w1");
    assert_eq!(
        (line.outcome, line.effective_date),
        (Outcome::Planned, date(2026, 12, 1)),
        "{report:#?}"
    );
}

#[tokio::test]
async fn a_posted_period_is_not_touched_and_the_report_says_what_missed_the_invoice() {
    let scene = Scene::altered(&[(11, 5)], |config, _| {
        config.world.post_through(date(2026, 11, 30));
    })
    .await;
    let report = scene.sync().await;
    let line = line_of(&report, "w1");
    assert_eq!(
        (line.outcome, line.effective_date),
        (Outcome::Planned, date(2026, 12, 1))
    );
    let message = line.message.as_deref().unwrap();
    assert!(message.contains("+6 missed its invoice"), "{message}");
    scene.wait(5 * 24 * 60);
    scene.import_usage(&[("w1", 11)]);
    assert_eq!(outcome(&scene.sync().await, "w1").0, Outcome::Confirmed);
    assert_eq!(scene.units_on(0, date(2026, 11, 30)), 5);
    assert_eq!(scene.units_on(0, date(2026, 12, 1)), 11);
}

#[tokio::test]
async fn the_money_brake_posts_nothing_until_a_person_releases_it_for_one_run() {
    let scene = Scene::new(&[(5, 5), (5, 5)]).await;
    set(&scene, |rules| {
        rules.brakes.money = Some(Decimal::from(60));
    });
    // Nothing is counted of accounts that are new: these are not.
    assert_eq!(scene.sync().await.notices, []);
    scene.wait(1);
    scene.import_usage(&[("w1", 11), ("w2", 15)]);
    let report = scene.sync().await;
    assert_eq!(
        outcome(&report, "w1"),
        held("too-much-money"),
        "{report:#?}"
    );
    assert_eq!(report.notices[0].code, "too-much-money");
    assert_eq!(scene.adjustments_sent(), 0);
    let fix = &report.notices[0].fix;
    let release = "psa-host sync acme --release too-much-money --why TEXT";
    assert!(fix.contains(release), "{fix}");
    let releases = SyncOptions {
        release: Some(Release::new([BrakeCode::TooMuchMoney], "the price rise of May").unwrap()),
        ..SyncOptions::default()
    };
    let report = scene.try_sync(&releases).await.unwrap();
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed);
    let [released] = &report.released[..] else {
        panic!("{report:#?}");
    };
    assert_eq!(
        (released.by.as_str(), released.why.as_str()),
        ("psa-host", "the price rise of May")
    );
    let said = released.message.as_deref().unwrap();
    assert!(said.contains("over the limit of 60"), "{said}");
    let shown = scene.host.run_report(report.run.parse().unwrap()).unwrap();
    assert_eq!(shown.released, report.released);
    let history = scene.host.ledger().history(0, 1000).unwrap();
    let kept: Vec<_> = history
        .iter()
        .filter(|e| e.what == "brake.released")
        .collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].subject, report.run);
    assert_eq!(kept[0].detail["connection"], "acme");
    assert_eq!(kept[0].detail["brakes"][0], "too-much-money");
    assert_eq!(kept[0].detail["why"], "the price rise of May");
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 41), ("w2", 15)]);
    assert_eq!(outcome(&scene.sync().await, "w1"), held("too-much-money"));
}

#[tokio::test]
async fn a_line_without_units_or_in_its_last_part_of_a_period_has_its_own_price() {
    let end = date(2026, 11, 28);
    for (case, customers, end, worth) in [
        ("no units yet", [(3, 0)], date(2026, 12, 31), "12.60"),
        ("the last, partial period", [(11, 5)], end, "25.20"),
        ("both", [(3, 0)], end, "12.60"),
    ] {
        let scene = Scene::lasting(end, &customers, |_, _| {}).await;
        set(&scene, |rules| {
            rules.brakes.money = Some(Decimal::from(60));
        });
        let report = scene.sync().await;
        assert_eq!(
            outcome(&report, "w1").0,
            Outcome::Confirmed,
            "{case}: {report:#?}"
        );
        assert_eq!(money(&report, "w1"), worth, "{case}");
        assert_eq!(report.summary.money_unknown, 0, "{case}");
    }
}

#[tokio::test]
async fn a_change_without_a_known_price_is_counted_beside_the_sums() {
    let scene = Scene::altered(&[(11, 5), (3, 0)], |config, customers| {
        for field in [
            "unitPrice",
            "internalCurrencyUnitPrice",
            "internalCurrencyAdjustedPrice",
        ] {
            let line = customers[1].line;
            config
                .world
                .set(
                    Entity::ContractServices,
                    line,
                    field,
                    &serde_json::Value::Null,
                )
                .unwrap();
        }
    })
    .await;
    let report = scene.sync().await;
    assert_eq!(report.summary.money[0].confirmed.to_string(), "25.20");
    assert_eq!(report.summary.money_unknown, 1, "{report:#?}");
}

#[tokio::test]
async fn lines_that_are_not_in_the_answer_are_not_taken_for_deleted() {
    let scene = Scene::new(&[(11, 5), (12, 5), (13, 5)]).await;
    scene.sync().await;
    scene.wait(24 * 60);
    scene.import_usage(&[("w1", 14), ("w2", 15), ("w3", 16)]);
    for customer in &scene.customers[..2] {
        let mut world = scene.simulator.world();
        world.delete(Entity::ContractServices, customer.line);
    }
    let report = scene.sync().await;
    assert_eq!(report.notices[0].code, "lines-vanished", "{report:#?}");
    assert_eq!(outcome(&report, "w3"), held("lines-vanished"));
    assert_eq!(scene.adjustments_sent(), 3);
}

#[tokio::test]
async fn a_single_line_that_is_gone_is_to_be_looked_at_and_not_to_be_added_again() {
    let customers: Vec<(u32, i32)> = (0..12).map(|at| (11 + at, 5)).collect();
    let scene = Scene::new(&customers).await;
    scene.sync().await;
    scene.wait(24 * 60);
    let counts: Vec<(String, u32)> = (1..=12).map(|at| (format!("w{at}"), 40 + at)).collect();
    let counts: Vec<(&str, u32)> = counts.iter().map(|(id, n)| (id.as_str(), *n)).collect();
    scene.import_usage(&counts);
    let line = scene.customers[0].line;
    let deleted = scene
        .simulator
        .world()
        .delete(Entity::ContractServices, line);
    assert!(deleted);
    let report = scene.sync().await;
    assert_eq!(report.notices, [], "{report:#?}");
    assert_eq!(outcome(&report, "w1"), held("line-vanished"), "{report:#?}");
    let gone = line_of(&report, "w1");
    let said = gone.message.clone().unwrap();
    assert!(
        said.contains(&format!("line {line} ")) && said.contains("11 units"),
        "{said}"
    );
    let fix = gone.fix.clone().unwrap();
    assert!(fix.contains("before anything is added"), "{fix}");
    assert_eq!(report.summary.outcomes["confirmed"], 11, "{report:#?}");
}

#[tokio::test]
async fn a_fall_to_zero_is_posted_where_the_rules_allow_it() {
    let scene = Scene::new(&[(0, 5), (6, 5)]).await;
    assert_eq!(outcome(&scene.sync().await, "w1"), held("fall-to-zero"));
    set(&scene, |rules| rules.zero = ZeroRule::Post);
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Confirmed, "{report:#?}");
    assert_eq!(scene.applied(0), [-5]);
}

#[tokio::test]
async fn a_number_is_explained_without_posting_anything() {
    let scene = Scene::new(&[(11, 5)]).await;
    let (workspace, module) = (
        WorkspaceId::new("w1").unwrap(),
        ModuleId::new(MODULE).unwrap(),
    );
    let explained = scene
        .host
        .explain(&name(), &workspace, &module)
        .await
        .unwrap();
    let about: Vec<&str> = explained
        .steps
        .iter()
        .map(|step| step.about.as_ref())
        .collect();
    assert_eq!(
        about,
        [
            "mapping",
            "snapshot",
            "count",
            "contract",
            "units",
            "life-cycle",
            "effective-date",
            "money",
            "approval",
            "decision"
        ]
    );
    assert!(explained.steps[7].says.contains("25.20"), "{explained:#?}");
    assert!(explained.before.is_empty());
    assert_eq!(scene.adjustments_sent(), 0);
    scene.sync().await;
    let explained = scene
        .host
        .explain(&name(), &workspace, &module)
        .await
        .unwrap();
    assert_eq!(explained.before[0].state, "confirmed");
    let unmapped = ModuleId::new("mdm").unwrap();
    let error = scene.host.explain(&name(), &workspace, &unmapped).await;
    assert_eq!(error.unwrap_err().code(), "module-unmapped");
}

#[tokio::test]
async fn a_renamed_company_is_told_until_a_person_maps_it_again() {
    let scene = Scene::new(&[(11, 5)]).await;
    let codes = async || {
        let validation = scene.host.validate(&name(), &unwatched).await.unwrap();
        let codes = validation.findings.into_iter().map(|found| found.code);
        codes.collect::<Vec<_>>()
    };
    assert!(!codes().await.contains(&"account-renamed".to_owned()));
    let company = scene.customers[0].company;
    scene
        .simulator
        .world()
        .set(
            Entity::Companies,
            company,
            "companyName",
            &"Another Ltd".into(),
        )
        .unwrap();
    assert!(codes().await.contains(&"account-renamed".to_owned()));
    assert!(codes().await.contains(&"account-renamed".to_owned()));
    let workspace = WorkspaceId::new("w1").unwrap();
    let account = AccountId::new(company.to_string()).unwrap();
    let mapped = scene.host.map_account(&name(), &workspace, &account).await;
    mapped.unwrap();
    assert!(!codes().await.contains(&"account-renamed".to_owned()));
}

#[tokio::test]
async fn one_workspace_is_validated_without_the_others() {
    let scene = Scene::new(&[(0, 5), (0, 5)]).await;
    let workspace = WorkspaceId::new("w2").unwrap();
    let validation = scene
        .host
        .validate_part(&name(), Some(&workspace), &unwatched)
        .await
        .unwrap();
    assert_eq!(validation.pairs, 1);
    let held: Vec<_> = validation.findings.iter().filter(|f| f.holds).collect();
    assert_eq!(held.len(), 1, "{held:#?}");
    assert_eq!(held[0].code, "fall-to-zero");
    // A company that is gone is told of once, as in the whole.
    let company = scene.customers[1].company;
    scene.simulator.world().delete(Entity::Companies, company);
    let validation = scene
        .host
        .validate_part(&name(), Some(&workspace), &unwatched)
        .await
        .unwrap();
    let held = validation.findings.iter().filter(|f| f.holds);
    let codes: Vec<_> = held.map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["account-missing"]);
    let unknown = WorkspaceId::new("w9").unwrap();
    let error = scene
        .host
        .validate_part(&name(), Some(&unknown), &unwatched)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "workspace-unmapped");
}
