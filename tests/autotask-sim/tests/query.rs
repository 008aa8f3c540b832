//! Queries: what the filter language finds, and what is refused.

mod client;

use autotask_sim::switches::DateFormat;
use autotask_sim::{Entity, World};
use client::{TODAY, run, run_companies};
use serde_json::{Value as Json, json};

/// Three companies of different shapes besides the tenant's own.
fn companies() -> World {
    let mut world = World::new(TODAY);
    for record in [
        json!({"id": 1, "companyName": "Alder Dental", "companyType": 1, "isActive": true, "createDate": "2024-05-01T10:00:00Z", "surveyCompanyRating": 4.5}),
        json!({"id": 2, "companyName": "Beacon Legal", "companyType": 3, "isActive": false, "webAddress": "https://beacon.example"}),
        json!({"id": 3, "companyName": "alder media", "companyType": 1, "isActive": true, "userDefinedFields": [{"name": "Coro Workspace", "value": "W-3"}]}),
    ] {
        world
            .insert(Entity::Companies, &record)
            .expect("well-formed");
    }
    world.udfs.insert(
        Entity::Companies,
        vec!["Coro Workspace".to_owned(), "Other".to_owned()],
    );
    world
}

#[tokio::test]
async fn a_field_that_the_tenant_lacks_is_refused_and_not_listed() {
    let it = run(|c| {
        let lacking = vec!["webAddress".to_owned()];
        c.world.lacking.insert(Entity::Companies, lacking);
    })
    .await;
    let all = json!([{"op": "gte", "field": "id", "value": 0}]);
    let query = json!({"IncludeFields": ["id", "webAddress"], "Filter": all});
    let reply = it.client.post("Companies/query", &query).await;
    assert_eq!(
        (reply.status, reply.error().as_str()),
        (500, "Unable to find webAddress in the Company Entity.")
    );
    let query = json!({"IncludeFields": ["id", "companyName"], "Filter": all});
    assert_eq!(it.client.post("Companies/query", &query).await.status, 200);
    let fields = it.client.get("Companies/entityInformation/fields").await;
    assert!(fields.text.contains("companyName") && !fields.text.contains("webAddress"));
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let it = run(|c| c.world = companies()).await;
    for (op, field, value, found) in [
        ("eq", "id", json!(2), vec![2]),
        ("noteq", "id", json!(2), vec![0, 1, 3]),
        ("gt", "id", json!(1), vec![2, 3]),
        ("gte", "id", json!(2), vec![2, 3]),
        ("lt", "id", json!(1), vec![0]),
        ("lte", "id", json!(1), vec![0, 1]),
        ("in", "id", json!([3, 1, 99]), vec![1, 3]),
        ("notIn", "id", json!([0, 1]), vec![2, 3]),
        ("beginsWith", "companyName", json!("ALDER"), vec![1, 3]),
        ("endsWith", "companyName", json!("legal"), vec![2]),
        ("contains", "companyName", json!("der d"), vec![1]),
        ("in", "companyName", json!(["beacon legal"]), vec![2]),
        ("exist", "webAddress", json!(null), vec![2]),
        ("notExist", "webAddress", json!(null), vec![0, 1, 3]),
        ("eq", "isActive", json!(false), vec![2]),
        ("gt", "createDate", json!("2024-04-30"), vec![1]),
        (
            "lt",
            "createDate",
            json!("2024-05-01T10:00:00.000Z"),
            vec![],
        ),
        ("gt", "surveyCompanyRating", json!(4), vec![1]),
        ("eq", "COMPANYTYPE", json!(3), vec![2]),
    ] {
        let reply = it.client.find("Companies", op, field, value.clone()).await;
        assert_eq!(reply.status, 200, "{op} {field} {value}: {}", reply.text);
        assert_eq!(reply.ids(), found, "{op} {field} {value}");
    }
}

#[tokio::test]
async fn groups_combine_and_nest() {
    let it = run(|c| c.world = companies()).await;
    let is = |field: &str, value: Json| json!({"op": "eq", "field": field, "value": value});
    let either =
        json!({"op": "or", "items": [is("id", json!(2)), is("companyName", json!("alder media"))]});
    let body = json!({"Filter": [{"op": "AND", "items": [either, is("isActive", json!(true))]}]});
    assert_eq!(it.client.post("Companies/query", &body).await.ids(), [3]);
    let both = json!({"filter": [is("companyType", json!(1)), is("id", json!(1))]});
    assert_eq!(it.client.post("Companies/query", &both).await.ids(), [1]);
}

#[tokio::test]
async fn a_get_with_search_is_the_same_query() {
    let it = run(|c| c.world = companies()).await;
    let search = r#"{"filter":[{"op":"gt","field":"id","value":1}]}"#;
    let request = |path: &str| {
        it.client.request(
            reqwest::Method::GET,
            &format!("{path}?search={}", encode(search)),
        )
    };
    assert_eq!(
        it.client.send(request("Companies/query")).await.ids(),
        [2, 3]
    );
    assert_eq!(
        it.client
            .send(request("Companies/query/count"))
            .await
            .json(),
        json!({"queryCount": 2})
    );
    assert_eq!(
        it.client.send(request("companies/QUERY")).await.ids(),
        [2, 3]
    );
}

fn encode(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

#[tokio::test]
async fn a_text_against_a_number_finds_nothing_and_says_nothing() {
    let it = run(|c| c.world = companies()).await;
    for (op, value) in [
        ("eq", json!("2")),
        ("noteq", json!("2")),
        ("gte", json!("0")),
        ("in", json!(["1", "2"])),
    ] {
        let reply = it.client.find("Companies", op, "id", value).await;
        assert_eq!((reply.status, reply.ids()), (200, vec![]), "{op}");
    }
}

#[tokio::test]
async fn a_text_against_a_number_finds_nothing_in_a_group_either() {
    let it = run(|c| c.world = companies()).await;
    let items = json!([
        {"op": "noteq", "field": "id", "value": "2"},
        {"op": "eq", "field": "companyType", "value": "1"},
        {"op": "eq", "field": "id", "value": 3},
    ]);
    let body = json!({"filter": [{"op": "or", "items": items}]});
    assert_eq!(it.client.post("Companies/query", &body).await.ids(), [3]);
}

#[tokio::test]
async fn a_trailing_slash_is_no_other_path() {
    let it = run(|_| {}).await;
    assert_eq!(it.client.get("ThresholdInformation/").await.status, 200);
    assert_eq!(it.client.get("Companies/0/").await.status, 200);
}

#[tokio::test]
async fn a_query_without_a_filter_is_refused() {
    let it = run(|_| {}).await;
    for body in [
        json!({}),
        json!({"filter": []}),
        json!({"MaxRecords": 5}),
        json!([]),
        json!("x"),
    ] {
        assert_eq!(
            it.client.post("Companies/query", &body).await.status,
            500,
            "{body}"
        );
    }
    assert_eq!(it.client.get("Companies/query").await.status, 500);
    assert_eq!(it.client.get("Companies/query/count").await.status, 500);
}

#[tokio::test]
async fn wrong_filters_are_refused() {
    let it = run(|c| c.world = companies()).await;
    for filter in [
        json!({"op": "eq", "field": "companyNmae", "value": "x"}),
        json!({"op": "equals", "field": "id", "value": 1}),
        json!({"field": "id", "value": 1}),
        json!({"op": "eq", "value": 1}),
        json!({"op": "eq", "field": "id"}),
        json!({"op": "in", "field": "id", "value": 1}),
        json!({"op": "in", "field": "id", "value": []}),
        json!({"op": "eq", "field": "id", "value": [1]}),
        json!({"op": "eq", "field": "isActive", "value": "true"}),
        json!({"op": "eq", "field": "isActive", "value": 1}),
        json!({"op": "eq", "field": "isActive", "value": null}),
        json!({"op": "eq", "field": "createDate", "value": "yesterday"}),
        json!({"op": "contains", "field": "id", "value": "1"}),
        json!({"op": "or", "items": []}),
        json!({"op": "eq", "field": "No such UDF", "value": "1", "udf": true}),
    ] {
        let reply = it
            .client
            .post("Companies/query", &json!({"filter": [filter]}))
            .await;
        assert_eq!(reply.status, 500, "{filter}: {}", reply.text);
        assert!(!reply.error().is_empty());
    }
    let reply = it.client.post("Companies/query", &json!({"filter": [{"op": "gte", "field": "id", "value": 0}], "includeFields": ["id", "nmae"]})).await;
    assert_eq!(reply.status, 500);
}

#[tokio::test]
async fn max_records_outside_1_to_500_is_refused_in_the_vendors_words() {
    let it = run(|_| {}).await;
    for max in [json!(0), json!(501), json!(-1), json!("50"), json!(1.5)] {
        let body = json!({"MaxRecords": max, "filter": [{"op": "gte", "field": "id", "value": 0}]});
        let reply = it.client.post("Companies/query", &body).await;
        assert_eq!(reply.status, 500);
        assert_eq!(
            reply.error(),
            "maxCountOfRecordsToReturn must be between 1 and 500"
        );
    }
}

#[tokio::test]
async fn more_than_500_or_conditions_are_refused_in_the_vendors_words() {
    let it = run(|_| {}).await;
    let ask = |n: i64| {
        let items: Vec<Json> = (0..n)
            .map(|i| json!({"op": "eq", "field": "id", "value": i}))
            .collect();
        json!({"filter": [{"op": "or", "items": items}]})
    };
    assert_eq!(
        it.client.post("Companies/query", &ask(500)).await.status,
        200
    );
    let reply = it.client.post("Companies/query", &ask(501)).await;
    assert_eq!(reply.status, 500);
    assert_eq!(
        reply.error(),
        "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."
    );
}

#[tokio::test]
async fn more_than_500_values_for_in_are_refused_by_switch() {
    for (limit, status) in [(true, 500), (false, 200)] {
        let it = run(|c| c.switches.in_limit = limit).await;
        let ids: Vec<i64> = (0..501).collect();
        assert_eq!(
            it.client
                .find("Companies", "in", "id", json!(ids))
                .await
                .status,
            status
        );
        assert_eq!(
            it.client
                .find("Companies", "in", "id", json!(ids[..500]))
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn one_user_defined_field_may_be_asked_at_a_time() {
    let it = run(|c| c.world = companies()).await;
    let udf =
        |name: &str, value: &str| json!({"op": "eq", "field": name, "value": value, "udf": true});
    let one = json!({"filter": [udf("Coro Workspace", "W-3")]});
    assert_eq!(it.client.post("Companies/query", &one).await.ids(), [3]);
    let two = json!({"filter": [udf("Coro Workspace", "W-3"), udf("Other", "x")]});
    assert_eq!(it.client.post("Companies/query", &two).await.status, 500);
}

#[tokio::test]
async fn only_the_fields_asked_for_come_back_and_nulls_are_there() {
    let it = run(|c| c.world = companies()).await;
    let filter = json!([{"op": "eq", "field": "id", "value": 1}]);
    let body = json!({"filter": filter, "IncludeFields": ["id", "companyname", "webAddress"]});
    let items = it.client.post("Companies/query", &body).await.json()["items"].clone();
    assert_eq!(
        items,
        json!([{"id": 1, "companyName": "Alder Dental", "webAddress": null}])
    );
    let all = it
        .client
        .post("Companies/query", &json!({ "filter": filter }))
        .await
        .json();
    let record = all["items"][0].as_object().unwrap();
    assert_eq!(
        record.len(),
        58,
        "every field of the OpenAPI, nulls included"
    );
    assert_eq!(record["taxID"], json!(null));
    assert_eq!(record["userDefinedFields"], json!([]));
}

#[tokio::test]
async fn contract_services_never_show_the_adjusted_price() {
    let it = run(|_| {}).await;
    let item = it
        .client
        .get(&format!("ContractServices/{}", it.line))
        .await
        .json()["item"]
        .clone();
    assert!(item.get("adjustedPrice").is_none());
    assert_eq!(item["internalCurrencyAdjustedPrice"], json!(7.5));
    let body = json!({"filter": [{"op": "gte", "field": "id", "value": 0}], "IncludeFields": ["id", "adjustedPrice"]});
    assert_eq!(
        it.client.post("ContractServices/query", &body).await.status,
        500
    );
}

#[tokio::test]
async fn the_price_of_a_unit_row_is_that_of_the_row() {
    let it = run(|_| {}).await;
    let rows = it
        .client
        .find(
            "ContractServiceUnits",
            "eq",
            "contractID",
            json!(it.contract),
        )
        .await
        .json();
    let row = &rows["items"][10];
    assert_eq!(row["startDate"], json!("2026-11-01T00:00:00Z"));
    assert_eq!(
        (row["units"].as_i64(), row["price"].as_f64()),
        (Some(10), Some(75.0))
    );
    assert_eq!(row["approveAndPostDate"], json!(null));
    it.simulator
        .world()
        .post_through(jiff::civil::date(2026, 11, 30));
    let rows = it
        .client
        .find(
            "ContractServiceUnits",
            "eq",
            "contractID",
            json!(it.contract),
        )
        .await
        .json();
    assert_eq!(
        rows["items"][10]["approveAndPostDate"],
        json!("2026-11-23T00:00:00Z")
    );
}

#[tokio::test]
async fn a_missing_id_is_200_with_a_null_item() {
    let it = run(|_| {}).await;
    let reply = it.client.get("Companies/987654").await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (200, r#"{"item":null}"#)
    );
    assert_eq!(
        it.client.get("Companies/0").await.json()["item"]["id"],
        json!(0)
    );
    assert_eq!(it.client.get("Companies/abc").await.status, 404);
}

#[tokio::test]
async fn children_are_listed_under_their_parent() {
    let it = run(|_| {}).await;
    let services = it
        .client
        .get(&format!("Contracts/{}/Services", it.contract))
        .await;
    assert_eq!(services.ids(), [it.line]);
    assert_eq!(services.json()["pageDetails"]["count"], json!(1));
    let units = it
        .client
        .get(&format!("Contracts/{}/ServiceUnits", it.contract))
        .await;
    assert_eq!(units.ids().len(), 12);
    let unit = units.ids()[0];
    let one = it
        .client
        .get(&format!("Contracts/{}/ServiceUnits/{unit}", it.contract))
        .await;
    assert_eq!(one.json()["item"]["id"], json!(unit));
    let elsewhere = it
        .client
        .get(&format!("Contracts/1/ServiceUnits/{unit}"))
        .await;
    assert_eq!(elsewhere.json(), json!({"item": null}));
}

#[tokio::test]
async fn instants_are_written_by_switch() {
    for (format, text) in [
        (DateFormat::Seconds, "2026-01-01T00:00:00Z"),
        (DateFormat::Millis, "2026-01-01T00:00:00.000Z"),
        (DateFormat::Bare, "2026-01-01T00:00:00"),
    ] {
        let it = run(|c| c.switches.date_format = format).await;
        let contract = it
            .client
            .get(&format!("Contracts/{}", it.contract))
            .await
            .json();
        assert_eq!(contract["item"]["startDate"], json!(text));
    }
}

#[tokio::test]
async fn verbs_and_paths_that_do_not_exist_are_405_and_404() {
    let it = run(|_| {}).await;
    let id = it.contract;
    let reply = it
        .client
        .patch(&format!("Contracts/{id}"), &json!({"status": 0}))
        .await;
    assert_eq!(reply.status, 405);
    assert_eq!(
        reply.json(),
        json!({"Message": "The requested resource does not support http method 'PATCH'."})
    );
    assert_eq!(
        it.client.post("ContractServices", &json!({})).await.status,
        404
    );
    let tickets = it.client.all("Tickets").await;
    assert_eq!(tickets.status, 404);
    assert!(tickets.text.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_body_that_is_not_declared_json_is_415() {
    let it = run(|_| {}).await;
    let request = it
        .client
        .request(reqwest::Method::POST, "Companies/query")
        .body(r#"{"filter":[{"op":"gte","field":"id","value":0}]}"#);
    assert_eq!(it.client.send(request).await.status, 415);
}

#[tokio::test]
async fn a_url_over_2048_characters_is_404() {
    let (_simulator, client) = run_companies(3).await;
    let search = |length: usize| {
        let value = "x".repeat(length);
        encode(&format!(
            r#"{{"filter":[{{"op":"eq","field":"companyName","value":"{value}"}}]}}"#
        ))
    };
    assert_eq!(
        client
            .get(&format!("Companies/query?search={}", search(200)))
            .await
            .status,
        200
    );
    assert_eq!(
        client
            .get(&format!("Companies/query?search={}", search(700)))
            .await
            .status,
        404
    );
}
