//! Ordinary records: the few writes an administrator makes, and metadata.

mod client;

use autotask_sim::schema::picklists::Choice;
use autotask_sim::world::contracts::POSTED;
use autotask_sim::{Entity, LineKind};
use client::run;
use jiff::civil::date;
use serde_json::json;

const SERVICE: LineKind = LineKind::Service;

#[tokio::test]
async fn a_contracts_end_moves_with_its_unit_rows() {
    let it = run(|_| {}).await;
    let end = |day: &str| json!({"id": it.contract, "endDate": day});
    let reply = it.client.patch("Contracts", &end("2027-03-15")).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({"itemId": it.contract}))
    );
    assert_eq!(
        it.simulator
            .world()
            .units_on(SERVICE, it.line, date(2027, 3, 15)),
        Some(10)
    );
    assert_eq!(
        it.simulator
            .world()
            .units_on(SERVICE, it.line, date(2027, 3, 16)),
        None
    );
    assert_eq!(
        it.client
            .patch("Contracts", &end("2027-12-31"))
            .await
            .status,
        200
    );
    assert_eq!(it.simulator.world().timeline(SERVICE, it.line).len(), 24);
    assert_eq!(
        it.client
            .patch("Contracts", &end("2026-11-15"))
            .await
            .status,
        200
    );
    assert_eq!(it.simulator.world().timeline(SERVICE, it.line).len(), 11);
}

#[tokio::test]
async fn a_contract_is_not_cut_through_a_posted_period() {
    let it = run(|c| c.world.post_through(date(2026, 11, 1))).await;
    let reply = it
        .client
        .patch(
            "Contracts",
            &json!({"id": it.contract, "endDate": "2026-11-15"}),
        )
        .await;
    assert_eq!((reply.status, reply.error().as_str()), (500, POSTED));
    assert_eq!(
        it.client
            .patch(
                "Contracts",
                &json!({"id": it.contract, "endDate": "2026-12-15"})
            )
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn read_only_and_unknown_fields_are_refused() {
    let it = run(|_| {}).await;
    for (field, value) in [
        ("companyID", json!(0)),
        ("contractType", json!(1)),
        ("contractPeriodType", json!(5)),
        ("startDate", json!("2025-01-01")),
        ("nonsense", json!(1)),
        ("status", json!("1")),
        ("endDate", json!(null)),
        ("contractName", json!("x".repeat(101))),
        ("billToCompanyID", json!(4242)),
    ] {
        let mut body = json!({"id": it.contract});
        body[field] = value;
        assert_eq!(
            it.client.patch("Contracts", &body).await.status,
            500,
            "{field}"
        );
    }
    assert_eq!(
        it.client
            .patch("Contracts", &json!({"id": 4242, "status": 0}))
            .await
            .status,
        500
    );
    assert_eq!(
        it.client
            .patch("Contracts", &json!({"status": 0}))
            .await
            .status,
        500
    );
    let same = json!({"id": it.contract, "companyID": it.company, "status": 0});
    assert_eq!(
        it.client.patch("Contracts", &same).await.status,
        200,
        "an unchanged value is no change"
    );
}

#[tokio::test]
async fn put_nulls_what_patch_leaves() {
    let it = run(|_| {}).await;
    let contract = || async {
        it.client
            .get(&format!("Contracts/{}", it.contract))
            .await
            .json()["item"]
            .clone()
    };
    assert_eq!(
        it.client
            .patch(
                "Contracts",
                &json!({"id": it.contract, "description": "kept"})
            )
            .await
            .status,
        200
    );
    assert_eq!(
        it.client
            .patch(
                "Contracts",
                &json!({"id": it.contract, "contractNumber": "N-1"})
            )
            .await
            .status,
        200
    );
    assert_eq!(contract().await["description"], json!("kept"));
    let whole = json!({
        "id": it.contract, "contractName": "Acme services", "startDate": "2026-01-01", "endDate": "2026-12-31",
        "status": 1, "timeReportingRequiresStartAndStopTimes": 0,
    });
    let put = it
        .client
        .request(reqwest::Method::PUT, "Contracts")
        .json(&whole);
    assert_eq!(it.client.send(put).await.status, 200);
    let after = contract().await;
    assert_eq!(
        (&after["description"], &after["contractNumber"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(after["companyID"], json!(it.company));
}

#[tokio::test]
async fn patch_on_a_collection_is_an_html_404_by_switch() {
    let it = run(|c| c.switches.patch_html_404 = true).await;
    let reply = it
        .client
        .patch("Contracts", &json!({"id": it.contract, "status": 0}))
        .await;
    assert_eq!(reply.status, 404);
    assert!(reply.text.contains("<html>"));
}

#[tokio::test]
async fn records_are_created_with_what_they_need() {
    let it = run(|_| {}).await;
    let mut contract = json!({
        "companyID": it.company, "contractName": "New", "contractType": 7, "startDate": "2026-12-01",
        "endDate": "2027-11-30", "status": 1, "timeReportingRequiresStartAndStopTimes": 0,
    });
    let reply = it.client.post("Contracts", &contract).await;
    assert_eq!(
        reply.error(),
        "Contracts of type 7 (Recurring Services) require a ContractPeriodType"
    );
    contract["contractPeriodType"] = json!(2);
    let made = it.client.post("Contracts", &contract).await.json()["itemId"]
        .as_i64()
        .unwrap();
    let line = it
        .client
        .post(
            &format!("Contracts/{made}/Services"),
            &json!({"contractID": it.contract, "serviceID": it.service}),
        )
        .await;
    assert_eq!(line.status, 500, "the parent is another contract");
    let body = json!({"contractID": made, "serviceID": it.service});
    let line = it
        .client
        .post(&format!("Contracts/{made}/Services"), &body)
        .await
        .json()["itemId"]
        .as_i64()
        .unwrap();
    assert_eq!(
        it.simulator
            .world()
            .units_on(SERVICE, line, date(2026, 12, 1)),
        Some(0)
    );
    contract["companyID"] = json!(4242);
    let reply = it.client.post("Contracts", &contract).await;
    assert_eq!(
        reply.error(),
        "Reference value on field: companyID of type: Company does not exist or is invalid."
    );
}

#[tokio::test]
async fn a_lines_price_is_patched_under_its_contract() {
    let it = run(|_| {}).await;
    let path = format!("Contracts/{}/Services", it.contract);
    assert_eq!(
        it.client
            .patch(&path, &json!({"id": it.line, "adjustedPrice": 6.5}))
            .await
            .status,
        200
    );
    let item = it
        .client
        .get(&format!("ContractServices/{}", it.line))
        .await
        .json()["item"]
        .clone();
    assert_eq!(item["internalCurrencyAdjustedPrice"], json!(6.5));
    assert_eq!(
        it.client
            .patch(&path, &json!({"id": it.line, "serviceID": 1}))
            .await
            .status,
        500
    );
}

#[tokio::test]
async fn only_what_the_openapi_lets_go_is_deleted() {
    let it = run(|_| {}).await;
    let bundle = it
        .simulator
        .world()
        .add_bundle("Bundle", "1.00", &[it.service]);
    let delete = |path: String| {
        it.client
            .send(it.client.request(reqwest::Method::DELETE, &path))
    };
    assert_eq!(
        delete(format!("ServiceBundles/{bundle}")).await.json(),
        json!({"itemId": bundle})
    );
    let again = delete(format!("ServiceBundles/{bundle}")).await;
    assert_eq!(again.status, 500);
    assert!(again.error().contains("No matching records found"));
    for path in [
        format!("Contracts/{}", it.contract),
        format!("ContractServices/{}", it.line),
    ] {
        assert_eq!(delete(path).await.status, 405);
    }
}

#[tokio::test]
async fn picklists_are_texts_in_metadata_and_numbers_in_records() {
    let it = run(|_| {}).await;
    let fields = it
        .client
        .get("Contracts/entityInformation/fields")
        .await
        .json();
    let list = fields["fields"].as_array().unwrap().clone();
    let field = |name: &str| {
        list.iter()
            .find(|f| f["name"] == json!(name))
            .unwrap()
            .clone()
    };
    let period = field("contractPeriodType");
    assert_eq!(period["isPickList"], json!(true));
    let monthly = period["picklistValues"]
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["label"] == json!("Monthly"))
        .unwrap()
        .clone();
    assert_eq!(monthly["value"], json!("2"));
    assert_eq!(field("companyID")["referenceEntityType"], json!("Company"));
    assert_eq!(field("contractName")["length"], json!(100));
    assert_eq!(field("startDate")["dataType"], json!("datetime"));
}

#[tokio::test]
async fn a_tenants_own_picklist_decides_what_a_month_is() {
    let it = run(|c| {
        let list = vec![
            Choice {
                value: 41,
                label: "Yearly".to_owned(),
                active: true,
                system: true,
            },
            Choice {
                value: 42,
                label: "Monthly".to_owned(),
                active: true,
                system: true,
            },
        ];
        c.world
            .picklists
            .insert("Contracts.contractPeriodType".to_owned(), list);
        let company = c.world.add_company("Second");
        let contract =
            c.world
                .add_contract(company, "Yearly", date(2026, 1, 1), date(2027, 12, 31));
        c.world
            .set(
                Entity::Contracts,
                contract,
                "contractPeriodType",
                &json!(41),
            )
            .unwrap();
        let service = c.world.add_service("Yearly", "100");
        c.world.add_line(SERVICE, contract, service, 1).unwrap();
    })
    .await;
    let line = it
        .simulator
        .world()
        .rows(Entity::ContractServices)
        .last_id();
    assert_eq!(it.simulator.world().timeline(SERVICE, line).len(), 2);
    let fields = it
        .client
        .get("Contracts/entityInformation/fields")
        .await
        .text;
    assert!(fields.contains(r#""value":"42""#));
}

#[tokio::test]
async fn entity_information_says_what_the_verbs_and_rights_allow() {
    let it = run(|_| {}).await;
    let info = it
        .client
        .get("ContractServiceAdjustments/entityInformation")
        .await
        .json()["info"]
        .clone();
    assert_eq!(
        (&info["canCreate"], &info["canQuery"], &info["canUpdate"]),
        (&json!(true), &json!(false), &json!(false))
    );
    let info = it
        .client
        .get("ContractServiceUnits/entityInformation")
        .await
        .json()["info"]
        .clone();
    assert_eq!(
        (&info["canCreate"], &info["canQuery"]),
        (&json!(false), &json!(true))
    );
    it.simulator.world().users[0]
        .rights
        .insert(Entity::Companies, autotask_sim::Right::Silent);
    let info = it.client.get("Companies/entityInformation").await.json()["info"].clone();
    assert_eq!(
        (&info["canQuery"], &info["userAccessForQuery"]),
        (&json!(false), &json!("None"))
    );
    let udfs = it
        .client
        .get("Companies/entityInformation/userDefinedFields")
        .await
        .json();
    assert_eq!(udfs, json!({"fields": []}));
}
