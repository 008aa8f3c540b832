//! The connection test.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_sdk::testing::{answer, json};
use psa_connector_sdk::{ApiUsage, Connector, Depth, Verdict, kind_of};
use support::*;

#[test]
fn a_brief_check_is_one_request_where_the_zone_is_known() {
    let host = Tenant::small().host();
    connector().check(&host, Depth::Brief).unwrap();
    let before = host.requests().len();
    let report = connector().check(&host, Depth::Brief).unwrap();
    assert_eq!(host.requests().len(), before + 1);
    assert_eq!(report.tenant, "webservices2/1");
    assert_eq!(report.tenant_label, "America East, database 1");
    assert_eq!(
        report.usage,
        Some(ApiUsage {
            used: 124,
            limit: 10_000,
            window_seconds: 3600
        })
    );
}

#[test]
fn without_usage_the_credentials_are_proven_otherwise() {
    for threshold in [
        answer(404, "text/html", "<html></html>"),
        json(200, r#"{"externalCrossDomainRequestThreshold":1}"#),
        json(500, r#"{"errors":["No message."]}"#),
        json(
            200,
            r#"{"externalRequestThreshold":0,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}"#,
        ),
        json(
            200,
            r#"{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":null}"#,
        ),
        json(
            200,
            r#"{"externalRequestThreshold":10000.0,"requestThresholdTimeframe":"an hour"}"#,
        ),
        json(403, ""),
    ] {
        let mut tenant = Tenant::small();
        tenant.answer_at("/ThresholdInformation", threshold);
        let report = connector().check(&tenant.host(), Depth::Brief).unwrap();
        assert_eq!(report.usage, None);
    }
    let mut tenant = Tenant::small();
    tenant.answer_at("/ThresholdInformation", json(404, ""));
    tenant.answer_at("/Version", json(404, ""));
    let host = tenant.host();
    connector().check(&host, Depth::Brief).unwrap();
    assert!(host.calls().last().unwrap().ends_with("/Companies/query"));
}

#[test]
fn refused_credentials_are_tried_once() {
    let mut tenant = Tenant::small();
    tenant.answer_with(|request| request.authenticate.then(|| answer(401, "", "")));
    let host = tenant.host();
    assert_eq!(
        kind_of(&connector().check(&host, Depth::Full).unwrap_err()),
        "authentication"
    );
    assert_eq!(
        host.requests()
            .iter()
            .filter(|request| request.authenticate)
            .count(),
        1
    );
}

#[test]
fn a_full_check_tells_proven_refused_and_unproven_apart() {
    let mut tenant = Tenant::small();
    tenant.answer_at("/ContractServices/query", json(500, r#"{"errors":["The logged in Resource does not have the adequate permissions to query this entity type."]}"#));
    tenant.answer_at(
        "/ContractServiceAdjustments/entityInformation",
        json(
            200,
            r#"{"info":{"canCreate":true,"userAccessForCreate":"None"}}"#,
        ),
    );
    let report = connector().check(&tenant.host(), Depth::Full).unwrap();
    let verdict = |subject: &str| {
        report
            .findings
            .iter()
            .find(|finding| finding.subject == subject)
            .map(|finding| finding.verdict)
            .unwrap()
    };
    assert_eq!(verdict("sign in"), Verdict::Proven);
    assert_eq!(verdict("read Companies"), Verdict::Proven);
    assert_eq!(verdict("read ContractServices"), Verdict::Refused);
    // Empty: nothing there, or nothing to be seen.
    assert_eq!(verdict("read ServiceBundles"), Verdict::Unproven);
    assert_eq!(
        verdict("create ContractServiceAdjustments"),
        Verdict::Refused
    );
    assert_eq!(
        verdict("create ContractServiceBundleAdjustments"),
        Verdict::Proven
    );
    assert_eq!(report.findings.len(), 12);
}

#[test]
fn what_picklists_leave_open_is_one_finding_each_however_many_contracts_there_are() {
    let mut tenant = Tenant::small();
    tenant.answer_at(
        "/Contracts/entityInformation/fields",
        json(
            200,
            r#"{"fields":[
            {"name":"contractType","picklistValues":[
                {"value":"7","label":"Recurring Service","isSystem":true},
                {"value":"12","label":"Abonnement","isSystem":false}]},
            {"name":"status","picklistValues":[
                {"value":"1","label":"Active"},{"value":"5","label":"Approved"},{"value":"6","label":"Freigabe"}]},
            {"name":"contractPeriodType","picklistValues":[
                {"value":"2","label":"Monthly"},{"value":"6","label":"Lunar"}]}]}"#,
        ),
    );
    for id in 200..260 {
        let mut row = contract(id, 10);
        row["status"] = serde_json::json!(5);
        tenant.add("Contracts", row);
    }
    let report = connector().check(&tenant.host(), Depth::Full).unwrap();
    let asked: Vec<(&str, &str)> = report.findings[12..]
        .iter()
        .map(|finding| {
            (
                finding.subject.as_str(),
                finding.detail.split(':').next().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        asked,
        [
            ("contract types", "12 \"Abonnement\""),
            ("contract statuses", "5 \"Approved\", 6 \"Freigabe\""),
            ("billing periods", "6 \"Lunar\""),
        ]
    );
}

#[test]
fn a_check_never_writes() {
    let host = Tenant::small().host();
    connector().check(&host, Depth::Full).unwrap();
    assert!(
        host.requests()
            .iter()
            .all(|request| request.method == "GET" || request.url.ends_with("/query"))
    );
}
