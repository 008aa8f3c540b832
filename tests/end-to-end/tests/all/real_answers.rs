//! Answers of real tenants that are not as one expects: in another language, without some
//! fields, with dates that stand for none, and refused credentials in words.

use autotask_sim::schema::Entity;
use autotask_sim::schema::picklists::Choice;
use autotask_sim::{Fault, FaultKind, Right, World};
use end_to_end::{Scene, line_of, name, outcome};
use psa_host_ledger::Outcome;
use psa_host_sync::Values;
use psa_host_sync::run::SyncOptions;
use serde_json::json;

/// A picklist; what is not `system` is the MSP's own.
fn pick(world: &mut World, list: &str, choices: &[(i64, &str, bool)]) {
    let choices = choices.iter().map(|(value, label, system)| Choice {
        value: *value,
        label: (*label).to_owned(),
        active: true,
        system: *system,
    });
    world
        .picklists
        .insert(format!("Contracts.{list}"), choices.collect());
}

fn in_german(world: &mut World) {
    pick(
        world,
        "contractType",
        &[
            (1, "Zeit und Material", true),
            (7, "Wiederkehrende Dienstleistung", true),
        ],
    );
    pick(
        world,
        "status",
        &[
            (0, "Inaktiv", true),
            (1, "Aktiv", true),
            (5, "Approved", false),
        ],
    );
    pick(world, "contractPeriodType", &[(2, "1 Month", true)]);
}

#[tokio::test]
async fn a_tenant_in_another_language_is_billed() {
    let scene = Scene::altered(&[(11, 5), (2, 4)], |config, _| in_german(&mut config.world)).await;
    let report = scene.sync().await;
    assert_eq!(report.summary.outcomes["confirmed"], 2, "{report:#?}");
}

#[tokio::test]
async fn a_status_of_the_msps_own_is_held_and_shown_and_one_setting_answers_for_all() {
    let scene = Scene::altered(&[(11, 5), (2, 4), (7, 3)], |config, customers| {
        in_german(&mut config.world);
        for customer in &customers[..2] {
            let set = config
                .world
                .set(Entity::Contracts, customer.contract, "status", &json!(5));
            set.expect("a contract");
        }
    })
    .await;
    let report = scene.sync().await;
    for workspace in ["w1", "w2"] {
        assert_eq!(outcome(&report, workspace).0, Outcome::Held, "{report:#?}");
        let message = format!("{:?}", line_of(&report, workspace));
        assert!(message.contains("active-contract-statuses"), "{message}");
        assert!(message.contains("Approved"), "{message}");
    }
    assert_eq!(outcome(&report, "w3").0, Outcome::Confirmed, "{report:#?}");

    let check = scene.host.check_connection(&name()).await;
    let check = format!("{:?}", check.expect("a check"));
    assert_eq!(
        check.matches("active-contract-statuses").count(),
        1,
        "{check}"
    );

    let said = Values {
        settings: [("active-contract-statuses".into(), "5".into())].into(),
        ..Values::default()
    };
    scene
        .host
        .set_connection(&name(), &said, None)
        .expect("set");
    let report = scene.sync().await;
    for workspace in ["w1", "w2"] {
        assert_eq!(
            outcome(&report, workspace).0,
            Outcome::Confirmed,
            "{report:#?}"
        );
    }
}

#[tokio::test]
async fn fields_that_are_only_shown_stop_no_run_where_the_tenant_lacks_them() {
    let scene = Scene::altered(&[(11, 5), (2, 4)], |config, _| {
        for (entity, fields) in [
            (Entity::Companies, &["webAddress"][..]),
            (Entity::Contracts, &["contractName"]),
            (
                Entity::ContractServices,
                &["internalDescription", "invoiceDescription", "unitPrice"],
            ),
            (Entity::ContractServiceUnits, &["price"]),
        ] {
            let fields = fields.iter().map(ToString::to_string).collect();
            config.world.lacking.insert(entity, fields);
        }
    })
    .await;
    let report = scene.sync().await;
    assert_eq!(report.summary.outcomes["confirmed"], 2, "{report:#?}");
}

#[tokio::test]
async fn a_posting_date_that_stands_for_none_posts_nothing_and_doubles_nothing() {
    let scene = Scene::new(&[(11, 5)]).await;
    let fields = [(
        "approveAndPostDate".to_owned(),
        json!("0001-01-01T00:00:00"),
    )];
    let filler = FaultKind::SetFields {
        fields: fields.into(),
    };
    scene
        .simulator
        .inject(Fault::new(filler).on("ContractServiceUnits").times(0));
    let report = scene.sync().await;
    assert_eq!(outcome(&report, "w1").0, Outcome::Held, "{report:#?}");
    assert_eq!(scene.adjustments_sent(), 0);
}

#[tokio::test]
async fn a_user_who_is_locked_in_the_middle_of_a_run_is_refused_credentials() {
    for text in [
        "The user account has been locked.",
        "The user account is disabled.",
        "The password has expired.",
        "The resource is not licensed.",
    ] {
        let scene = Scene::new(&[(11, 5)]).await;
        let locked = FaultKind::FailBefore {
            status: Some(500),
            text: Some(text.to_owned()),
        };
        scene
            .simulator
            .inject(Fault::new(locked).on("ContractServiceUnits"));
        let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
        assert_eq!(error.problem().code, "authentication", "{text}: {error:?}");
        let unit_queries = scene.simulator.request_counts()["ContractServiceUnits"];
        assert_eq!(unit_queries, 1, "not repeated and not in halves: {text}");
        assert_eq!(scene.adjustments_sent(), 0);
    }
}

#[tokio::test]
async fn an_answer_that_is_about_no_customer_is_not_looked_for_customer_by_customer() {
    let words = "Units cannot be read while the database is being moved.";
    let everywhere = FaultKind::FailBefore {
        status: Some(500),
        text: Some(words.to_owned()),
    };
    let scene = Scene::new(&[(11, 5); 16]).await;
    let fault = Fault::new(everywhere).on("ContractServiceUnits").times(0);
    scene.simulator.inject(fault);
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    let problem = error.problem();
    assert_eq!(problem.code, "rejected", "{error:?}");
    assert!(problem.cause.unwrap().contains(words));
    let queries = scene.simulator.request_counts()["ContractServiceUnits"];
    // The whole and its halves, of two chunks side by side; each customer alone would be 31.
    assert!((3..=6).contains(&queries), "{queries}");
}

#[tokio::test]
async fn a_right_that_is_missing_is_no_refused_credential() {
    let scene = Scene::new(&[(11, 5)]).await;
    scene.simulator.world().users[0]
        .rights
        .insert(Entity::Contracts, Right::Forbidden500);
    let error = scene.try_sync(&SyncOptions::default()).await.unwrap_err();
    assert_ne!(error.problem().code, "authentication", "{error:?}");
}
