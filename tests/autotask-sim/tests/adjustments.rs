//! Adjustments: the rules of the only write that a billing connector makes.

mod client;

use autotask_sim::switches::{MidPeriod, PostedPeriod, Verdict};
use autotask_sim::{LineKind, Switches};
use client::{run, small};
use jiff::civil::date;
use serde_json::json;

const SERVICE: LineKind = LineKind::Service;

#[tokio::test]
async fn an_adjustment_answers_200_without_an_id_and_moves_later_rows() {
    let it = run(|_| {}).await;
    let reply = it.client.adjust(it.line, "2026-12-01", 6).await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (200, r#"{"itemId":null}"#)
    );
    let world = it.simulator.world();
    assert_eq!(
        world.units_on(SERVICE, it.line, date(2026, 11, 30)),
        Some(10)
    );
    assert_eq!(
        world.units_on(SERVICE, it.line, date(2026, 12, 1)),
        Some(16)
    );
    assert_eq!(world.timeline(SERVICE, it.line).len(), 12);
}

#[tokio::test]
async fn an_adjustment_inside_a_period_begins_a_prorated_row() {
    let it = run(|_| {}).await;
    assert_eq!(it.client.adjust(it.line, "2026-11-21", 5).await.status, 200);
    let rows = it
        .client
        .find(
            "ContractServiceUnits",
            "eq",
            "contractServiceID",
            json!(it.line),
        )
        .await
        .json();
    let rows = rows["items"].as_array().unwrap().clone();
    let november: Vec<_> = rows
        .iter()
        .filter(|r| r["startDate"].as_str().unwrap().starts_with("2026-11"))
        .map(|r| {
            (
                r["startDate"].as_str().unwrap(),
                r["endDate"].as_str().unwrap(),
                r["units"].as_i64().unwrap(),
                r["price"].as_f64().unwrap(),
            )
        })
        .collect();
    // Twenty days of ten units, ten days of fifteen, at 7.50 for thirty days.
    assert_eq!(
        november,
        [
            ("2026-11-01T00:00:00Z", "2026-11-20T00:00:00Z", 10, 50.0),
            ("2026-11-21T00:00:00Z", "2026-11-30T00:00:00Z", 15, 37.5),
        ]
    );
    assert_eq!(
        it.simulator
            .world()
            .units_on(SERVICE, it.line, date(2026, 12, 31)),
        Some(15)
    );
}

#[tokio::test]
async fn the_new_row_lies_over_the_periods_row_by_switch() {
    let it = run(|c| c.switches.mid_period = MidPeriod::Overlap).await;
    assert_eq!(it.client.adjust(it.line, "2026-11-21", 5).await.status, 200);
    assert_eq!(it.client.adjust(it.line, "2026-11-25", 1).await.status, 200);
    let world = it.simulator.world();
    let rows: Vec<_> = world
        .timeline(SERVICE, it.line)
        .iter()
        .filter(|r| r.end == date(2026, 11, 30))
        .map(|r| (r.start.day(), r.units))
        .collect();
    assert_eq!(rows, [(1, 10), (21, 15), (25, 16)]);
    assert_eq!(
        world.units_on(SERVICE, it.line, date(2026, 11, 30)),
        Some(16)
    );
    assert_eq!(
        world.units_on(SERVICE, it.line, date(2026, 12, 1)),
        Some(16)
    );
}

#[tokio::test]
async fn a_pending_future_change_stays_a_difference() {
    let it = run(|_| {}).await;
    assert_eq!(
        it.client.adjust(it.line, "2026-12-01", -4).await.status,
        200
    );
    assert_eq!(it.client.adjust(it.line, "2026-11-01", 3).await.status, 200);
    let world = it.simulator.world();
    assert_eq!(
        world.units_on(SERVICE, it.line, date(2026, 11, 1)),
        Some(13)
    );
    assert_eq!(world.units_on(SERVICE, it.line, date(2026, 12, 1)), Some(9));
}

#[tokio::test]
async fn a_second_adjustment_for_the_same_line_and_date_is_refused_in_the_vendors_words() {
    let it = run(|_| {}).await;
    assert_eq!(it.client.adjust(it.line, "2026-12-01", 1).await.status, 200);
    let reply = it.client.adjust(it.line, "2026-12-01T00:00:00Z", 1).await;
    assert_eq!(reply.status, 500);
    assert_eq!(
        reply.error(),
        "Attempt to insert duplicate data into contract_service_period"
    );
    assert_eq!(it.simulator.applied().len(), 1);
}

#[tokio::test]
async fn a_date_outside_the_contract_is_refused_in_the_vendors_words() {
    let it = run(|_| {}).await;
    for day in ["2025-12-31", "2027-01-01"] {
        let reply = it.client.adjust(it.line, day, 1).await;
        assert_eq!(reply.status, 500);
        assert_eq!(
            reply.error(),
            "ContractServiceAdjustment effectiveDate must be between the start date and end date of the \
             Contract referenced by contractID."
        );
    }
    assert!(it.simulator.applied().is_empty());
}

#[tokio::test]
async fn units_never_fall_below_zero_even_in_a_later_row() {
    let it = run(|_| {}).await;
    assert_eq!(
        it.client.adjust(it.line, "2026-12-01", -8).await.status,
        200
    );
    let reply = it.client.adjust(it.line, "2026-11-01", -3).await;
    assert_eq!(reply.status, 500);
    assert!(reply.error().contains("negative"), "{}", reply.error());
    assert_eq!(
        it.simulator
            .world()
            .units_on(SERVICE, it.line, date(2026, 11, 1)),
        Some(10)
    );
}

#[tokio::test]
async fn zero_is_accepted_or_refused_by_switch() {
    for (verdict, status) in [(Verdict::Accept, 200), (Verdict::Refuse, 500)] {
        let it = run(|c| c.switches.zero_units = verdict).await;
        assert_eq!(
            it.client.adjust(it.line, "2026-12-01", -10).await.status,
            status
        );
    }
}

#[tokio::test]
async fn a_posted_period_is_refused_or_passed_over_or_prorated_by_switch() {
    let after = |switch, day| async move {
        let it = run(|c| {
            c.switches.posted_period = switch;
            c.world.post_through(date(2026, 11, 1));
        })
        .await;
        let reply = it.client.adjust(it.line, "2026-11-21", 2).await;
        (
            reply.status,
            it.simulator.world().units_on(SERVICE, it.line, day),
        )
    };
    let november = date(2026, 11, 25);
    let december = date(2026, 12, 1);
    assert_eq!(after(PostedPeriod::Refuse, december).await, (500, Some(10)));
    assert_eq!(
        after(PostedPeriod::NextOpen, november).await,
        (200, Some(10))
    );
    assert_eq!(
        after(PostedPeriod::NextOpen, december).await,
        (200, Some(12))
    );
    assert_eq!(
        after(PostedPeriod::Prorate, november).await,
        (200, Some(12))
    );
}

#[tokio::test]
async fn a_service_the_contract_lacks_becomes_a_new_line() {
    let it = run(|_| {}).await;
    let other = it.simulator.world().add_service("Another", "1.00");
    let body = json!({"contractID": it.contract, "serviceID": other, "effectiveDate": "2026-12-01", "unitChange": 4});
    assert_eq!(
        it.client
            .post("ContractServiceAdjustments", &body)
            .await
            .status,
        200
    );
    let applied = it.simulator.applied();
    assert!(applied[0].created_line);
    let lines = it
        .client
        .find("ContractServices", "eq", "contractID", json!(it.contract))
        .await;
    assert_eq!(lines.ids(), [it.line, applied[0].line]);
    assert_eq!(
        it.simulator
            .world()
            .units_on(SERVICE, applied[0].line, date(2026, 12, 5)),
        Some(4)
    );
}

#[tokio::test]
async fn a_line_by_its_own_id_never_becomes_another() {
    let it = run(|_| {}).await;
    let reply = it.client.adjust(999_999, "2026-12-01", 1).await;
    assert_eq!(
        reply.error(),
        "Reference value on field: contractServiceID of type: ContractService does not exist or is invalid."
    );
    let body = json!({"contractServiceID": it.line, "contractID": it.contract + 1, "effectiveDate": "2026-12-01", "unitChange": 1});
    assert_eq!(
        it.client
            .post("ContractServiceAdjustments", &body)
            .await
            .status,
        500
    );
    assert!(it.simulator.applied().is_empty());
}

#[tokio::test]
async fn the_same_service_comes_twice_only_when_allowed() {
    let it = run(|_| {}).await;
    let mut body = json!({"contractID": it.contract, "serviceID": it.service, "effectiveDate": "2026-12-01", "unitChange": 2});
    assert_eq!(
        it.client
            .post("ContractServiceAdjustments", &body)
            .await
            .status,
        200
    );
    body["allowRepeatService"] = json!(true);
    assert_eq!(
        it.client
            .post("ContractServiceAdjustments", &body)
            .await
            .status,
        200
    );
    let applied = it.simulator.applied();
    assert_eq!((applied[0].line, applied[0].created_line), (it.line, false));
    assert!(applied[1].created_line);
}

#[tokio::test]
async fn the_child_route_knows_its_contract() {
    let it = run(|_| {}).await;
    let body =
        json!({"id": 0, "serviceID": it.service, "effectiveDate": "2026-12-01", "unitChange": 2});
    let path = format!("Contracts/{}/ServiceAdjustments", it.contract);
    assert_eq!(it.client.post(&path, &body).await.status, 200);
    assert_eq!(it.simulator.applied()[0].line, it.line);
    let elsewhere = json!({"id": 0, "contractServiceID": it.line, "effectiveDate": "2026-12-01", "unitChange": 2});
    assert_eq!(
        it.client
            .post("Contracts/424242/ServiceAdjustments", &elsewhere)
            .await
            .status,
        500
    );
}

#[tokio::test]
async fn a_unit_change_is_a_whole_json_number() {
    let it = run(|_| {}).await;
    for change in [
        json!("6"),
        json!(6.5),
        json!(true),
        json!(null),
        json!(3_000_000_000_i64),
    ] {
        let body = json!({"contractServiceID": it.line, "effectiveDate": "2026-12-01", "unitChange": change});
        assert_eq!(
            it.client
                .post("ContractServiceAdjustments", &body)
                .await
                .status,
            500,
            "{change}"
        );
    }
    for body in [
        json!({"contractServiceID": it.line, "unitChange": 1}),
        json!({"contractServiceID": it.line, "effectiveDate": "12/01/2026", "unitChange": 1}),
        json!({"contractServiceID": it.line, "effectiveDate": "2026-12-01", "units": 1}),
        json!({"id": "0", "contractServiceID": it.line, "effectiveDate": "2026-12-01", "unitChange": 1}),
        json!([]),
    ] {
        assert_eq!(
            it.client
                .post("ContractServiceAdjustments", &body)
                .await
                .status,
            500,
            "{body}"
        );
    }
    assert!(it.simulator.applied().is_empty());
}

#[tokio::test]
async fn only_recurring_service_contracts_take_adjustments() {
    let it = run(|_| {}).await;
    it.simulator
        .world()
        .set(
            autotask_sim::Entity::Contracts,
            it.contract,
            "contractType",
            &json!(1),
        )
        .unwrap();
    assert_eq!(it.client.adjust(it.line, "2026-12-01", 1).await.status, 500);
}

#[tokio::test]
async fn bundles_are_adjusted_like_services() {
    let mut world = small().world;
    let contract = world.rows(autotask_sim::Entity::Contracts).last_id();
    let bundle = world.add_bundle("Coro Complete", "20.00", &[]);
    let line = world
        .add_line(LineKind::Bundle, contract, bundle, 3)
        .unwrap();
    let it = run(|c| c.world = world).await;
    let body =
        json!({"contractServiceBundleID": line, "effectiveDate": "2026-12-01", "unitChange": 2});
    assert_eq!(
        it.client
            .post("ContractServiceBundleAdjustments", &body)
            .await
            .status,
        200
    );
    assert_eq!(
        it.simulator
            .world()
            .units_on(LineKind::Bundle, line, date(2026, 12, 1)),
        Some(5)
    );
    let rows = it
        .client
        .find(
            "ContractServiceBundleUnits",
            "eq",
            "contractServiceBundleID",
            json!(line),
        )
        .await;
    assert_eq!(rows.ids().len(), 12);
}

#[tokio::test]
async fn a_bundle_has_its_own_words_and_keeps_its_price() {
    let mut world = small().world;
    let contract = world.rows(autotask_sim::Entity::Contracts).last_id();
    let bundle = world.add_bundle("Coro Complete", "20.00", &[]);
    let line = world
        .add_line(LineKind::Bundle, contract, bundle, 3)
        .unwrap();
    let it = run(|c| c.world = world).await;
    let mut body = json!({
        "contractServiceBundleID": line, "effectiveDate": "2028-01-01", "unitChange": 2, "adjustedUnitPrice": 1.5,
    });
    let reply = it
        .client
        .post("ContractServiceBundleAdjustments", &body)
        .await;
    assert!(
        reply
            .error()
            .starts_with("ContractServiceBundleAdjustment effectiveDate must be")
    );
    body["effectiveDate"] = json!("2026-12-01");
    assert_eq!(
        it.client
            .post("ContractServiceBundleAdjustments", &body)
            .await
            .status,
        200
    );
    let row = it
        .client
        .find(
            "ContractServiceBundleUnits",
            "gte",
            "startDate",
            json!("2026-12-01"),
        )
        .await
        .json();
    assert_eq!(row["items"][0]["price"].as_f64(), Some(100.0));
    body["contractServiceID"] = json!(1);
    assert_eq!(
        it.client
            .post("ContractServiceBundleAdjustments", &body)
            .await
            .status,
        500
    );
}

#[tokio::test]
async fn an_inactive_service_makes_no_new_line() {
    let it = run(|_| {}).await;
    let other = it.simulator.world().add_service("Retired", "1.00");
    it.simulator
        .world()
        .set(
            autotask_sim::Entity::Services,
            other,
            "isActive",
            &json!(false),
        )
        .unwrap();
    let body = json!({"contractID": it.contract, "serviceID": other, "effectiveDate": "2026-12-01", "unitChange": 4});
    let reply = it.client.post("ContractServiceAdjustments", &body).await;
    assert_eq!(
        reply.error(),
        "Reference value on field: serviceID of type: Service does not exist or is invalid."
    );
}

#[tokio::test]
async fn a_second_adjustment_for_the_same_date_counts_too_where_the_switch_says_so() {
    let it = run(|c| c.switches.repeat_date = Verdict::Accept).await;
    for _ in 0..2 {
        let reply = it.client.adjust(it.line, "2026-12-01", 1).await;
        assert_eq!(reply.status, 200);
    }
    let applied: Vec<i32> = it
        .simulator
        .applied()
        .iter()
        .map(|a| a.unit_change)
        .collect();
    assert_eq!(applied, [1, 1]);
}

#[tokio::test]
async fn an_inactive_contract_still_takes_adjustments_or_not_by_switch() {
    for (verdict, status) in [(Verdict::Accept, 200), (Verdict::Refuse, 500)] {
        let it = run(|c| c.switches.inactive_contract = verdict).await;
        it.simulator
            .world()
            .set(
                autotask_sim::Entity::Contracts,
                it.contract,
                "status",
                &json!(0),
            )
            .unwrap();
        assert_eq!(
            it.client.adjust(it.line, "2026-12-01", 1).await.status,
            status
        );
    }
}

#[tokio::test]
async fn refusals_and_ids_come_otherwise_by_switch() {
    let it = run(|c| {
        c.switches.adjustment_item_id = true;
        c.switches.validation_status = 200;
        c.switches.negative_text = "Units would be negative (custom).".to_owned();
    })
    .await;
    assert!(it.client.adjust(it.line, "2026-12-01", 1).await.json()["itemId"].is_number());
    let reply = it.client.adjust(it.line, "2026-11-01", -100).await;
    assert_eq!(
        (reply.status, reply.error().as_str()),
        (200, "Units would be negative (custom).")
    );
}

#[tokio::test]
async fn adjustments_can_be_neither_read_nor_changed() {
    let it = run(|_| {}).await;
    assert_eq!(
        it.client.all("ContractServiceAdjustments").await.status,
        404
    );
    assert_eq!(
        it.client.get("ContractServiceAdjustments/1").await.status,
        404
    );
    assert_eq!(
        it.client.get("ContractServiceAdjustments").await.status,
        405
    );
    assert_eq!(
        it.client
            .patch("ContractServiceAdjustments", &json!({"id": 1}))
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn a_price_change_reprices_rows_without_touching_units() {
    let it = run(|_| {}).await;
    let body = json!({"contractServiceID": it.line, "effectiveDate": "2026-12-01", "unitChange": 0, "adjustedUnitPrice": 9.25});
    assert_eq!(
        it.client
            .post("ContractServiceAdjustments", &body)
            .await
            .status,
        200
    );
    let body = json!({"filter": [{"op": "eq", "field": "contractServiceID", "value": it.line}, {"op": "gte", "field": "startDate", "value": "2026-12-01"}]});
    let row = it
        .client
        .post("ContractServiceUnits/query", &body)
        .await
        .json()["items"][0]
        .clone();
    assert_eq!(
        (row["units"].as_i64(), row["price"].as_f64()),
        (Some(10), Some(92.5))
    );
}

#[test]
fn the_default_switches_are_the_likelier_ones() {
    let switches = Switches::default();
    assert_eq!(switches.posted_period, PostedPeriod::Refuse);
    assert_eq!(switches.zero_units, Verdict::Accept);
}
