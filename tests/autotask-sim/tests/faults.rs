//! Faults on demand: what each does to the request and to the world.

mod client;

use std::io::Read;
use std::time::{Duration, Instant};

use autotask_sim::{Change, Entity, Fault, FaultKind, LineKind, Lost};
use client::{Reply, Running, run, run_companies};
use jiff::ToSpan;
use jiff::civil::date;
use serde_json::json;

const ADJUST: &str = "ContractServiceAdjustments";

async fn adjust(it: &Running) -> reqwest::Result<Reply> {
    let body =
        json!({"contractServiceID": it.line, "effectiveDate": "2026-12-01", "unitChange": 1});
    let request = it.client.request(reqwest::Method::POST, ADJUST).json(&body);
    it.client
        .try_send(request.timeout(Duration::from_millis(300)))
        .await
}

#[tokio::test]
async fn fields_have_other_values_on_demand() {
    let it = run(|_| {}).await;
    let filler = json!("0001-01-01T00:00:00");
    let fields = [("approveAndPostDate".to_owned(), filler.clone())].into();
    it.simulator
        .inject(Fault::new(FaultKind::SetFields { fields }).on("ContractServiceUnits"));
    let reply = it.client.all("ContractServiceUnits").await;
    let rows = reply.json()["items"].as_array().expect("a list").clone();
    assert!(rows.len() > 1);
    assert!(rows.iter().all(|row| row["approveAndPostDate"] == filler));
}

#[tokio::test]
async fn an_adjustment_is_applied_and_its_answer_lost() {
    for (lost, status) in [
        (Lost::Drop, None),
        (Lost::Gateway, Some(504)),
        (Lost::Hang, None),
    ] {
        let it = run(|_| {}).await;
        it.simulator.inject(
            Fault::new(FaultKind::ApplyThenLose { lost })
                .on(ADJUST)
                .method("POST"),
        );
        let answer = adjust(&it).await;
        assert_eq!(answer.ok().map(|r| r.status), status, "{lost:?}");
        assert_eq!(it.simulator.applied().len(), 1);
        assert_eq!(it.simulator.faults_left(), 0);
    }
}

#[tokio::test]
async fn an_answer_is_lost_and_nothing_applied() {
    let it = run(|_| {}).await;
    it.simulator
        .inject(Fault::new(FaultKind::Lose { lost: Lost::Drop }).on(ADJUST));
    assert!(adjust(&it).await.is_err());
    assert!(it.simulator.applied().is_empty());
    assert_eq!(adjust(&it).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_adjustment_is_applied_late() {
    let it = run(|_| {}).await;
    let kind = FaultKind::ApplyLate {
        lost: Lost::Gateway,
        after_ms: Some(200),
        after_clock_seconds: None,
    };
    it.simulator.inject(Fault::new(kind).on(ADJUST));
    assert_eq!(adjust(&it).await.unwrap().status, 504);
    assert!(it.simulator.applied().is_empty());
    client::until(|| it.simulator.applied().len() == 1).await;
}

#[tokio::test]
async fn an_adjustment_is_applied_when_the_tenants_clock_says_so() {
    let it = run(|_| {}).await;
    let kind = FaultKind::ApplyLate {
        lost: Lost::Drop,
        after_ms: None,
        after_clock_seconds: Some(240),
    };
    it.simulator.inject(Fault::new(kind).on(ADJUST));
    assert!(adjust(&it).await.is_err());
    it.simulator.advance(3.minutes());
    assert!(it.simulator.applied().is_empty());
    it.simulator.advance(2.minutes());
    assert_eq!(it.simulator.applied().len(), 1);
    assert_eq!(
        it.simulator.applied()[0].at,
        date(2026, 11, 23).at(0, 5, 0, 0)
    );
}

#[tokio::test]
async fn an_error_comes_before_anything_is_applied() {
    let it = run(|_| {}).await;
    it.simulator.inject(
        Fault::new(FaultKind::FailBefore {
            status: None,
            text: None,
        })
        .on(ADJUST),
    );
    assert_eq!(adjust(&it).await.unwrap().status, 500);
    assert!(it.simulator.applied().is_empty());
}

#[tokio::test]
async fn a_burst_of_429_ends_by_itself() {
    let it = run(|_| {}).await;
    it.simulator.inject(
        Fault::new(FaultKind::TooMany {
            retry_after: Some(2),
        })
        .on("Companies")
        .times(3),
    );
    for _ in 0..3 {
        let reply = it.client.all("Companies").await;
        assert_eq!(reply.status, 429);
        assert_eq!(reply.headers["retry-after"], "2");
    }
    assert_eq!(it.client.all("Companies").await.status, 200);
}

#[tokio::test]
async fn bodies_are_truncated_with_a_right_or_a_wrong_length() {
    let it = run(|_| {}).await;
    it.simulator
        .inject(Fault::new(FaultKind::Truncated { close: false }));
    let reply = it.client.all("Companies").await;
    assert_eq!(reply.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&reply.text).is_err());
    it.simulator
        .inject(Fault::new(FaultKind::Truncated { close: true }));
    let request = it.client.request(reqwest::Method::GET, "Companies/0");
    assert!(it.client.try_send(request).await.is_err());
}

#[tokio::test]
async fn html_comes_instead_of_json() {
    let it = run(|_| {}).await;
    for status in [200, 404, 502] {
        it.simulator
            .inject(Fault::new(FaultKind::Html { status }).on(ADJUST));
        let reply = adjust(&it).await.unwrap();
        assert_eq!(reply.status, status);
        assert!(reply.text.contains("<html>"));
    }
    assert!(it.simulator.applied().is_empty());
}

#[tokio::test]
async fn a_body_comes_slowly_or_an_answer_late() {
    let it = run(|_| {}).await;
    for kind in [
        FaultKind::SlowBody { ms: 100 },
        FaultKind::Delay { ms: 100 },
    ] {
        it.simulator.inject(Fault::new(kind));
        let start = Instant::now();
        assert_eq!(it.client.all("Companies").await.ids(), [0, it.company]);
        assert!(
            start.elapsed() >= Duration::from_millis(90),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn the_zone_moves_in_the_middle_of_a_run() {
    let it = run(|_| {}).await;
    let old = it.simulator.zone_url();
    it.simulator
        .inject(Fault::new(FaultKind::ZoneMoved).on("Companies").skip(1));
    assert_eq!(it.client.all("Companies").await.status, 200);
    assert_eq!(it.client.all("Companies").await.status, 401);
    assert_ne!(it.simulator.zone_url(), old);
    assert_eq!(it.client.all("Companies").await.status, 401);
    let mut client = it.client.clone();
    client.zone = it.simulator.zone_url();
    assert_eq!(client.all("Companies").await.status, 200);
}

#[tokio::test]
async fn lists_lose_repeat_and_spoil_rows() {
    let it = run(|_| {}).await;
    let ask = |kind| {
        it.simulator.inject(Fault::new(kind).on("Companies"));
        it.client.all("Companies")
    };
    assert_eq!(ask(FaultKind::EmptyList).await.ids(), Vec::<i64>::new());
    assert_eq!(ask(FaultKind::RepeatRow).await.ids(), [0, 0, it.company]);
    assert_eq!(ask(FaultKind::SkipRow).await.ids(), [it.company]);
    assert_eq!(
        ask(FaultKind::MissingRows {
            ids: vec![it.company]
        })
        .await
        .ids(),
        [0]
    );
    let nulls = ask(FaultKind::NullFields {
        fields: vec!["companyName".to_owned()],
    })
    .await
    .json();
    assert_eq!(nulls["items"][1]["companyName"], json!(null));
    let odd = ask(FaultKind::UnknownFields).await.json();
    assert!(odd["items"][1]["aFieldOfNextYear"].is_object());
    let errors = ask(FaultKind::WithErrors {
        text: "partly".to_owned(),
    })
    .await;
    assert_eq!((errors.status, errors.error().as_str()), (200, "partly"));
}

#[tokio::test]
async fn a_cursor_leads_in_a_circle() {
    let (simulator, client) = run_companies(30).await;
    let body = json!({"MaxRecords": 10, "filter": [{"op": "gte", "field": "id", "value": 0}]});
    let next = client
        .post("Companies/query", &body)
        .await
        .next_page()
        .unwrap();
    simulator.inject(Fault::new(FaultKind::RepeatCursor).on("Companies"));
    assert_eq!(client.post(&next, &body).await.next_page().unwrap(), next);
}

#[tokio::test]
async fn rows_move_between_pages() {
    let (simulator, client) = run_companies(30).await;
    let body = json!({"MaxRecords": 10, "filter": [{"op": "gte", "field": "id", "value": 0}]});
    let changes = vec![
        Change::Delete {
            entity: Entity::Companies,
            id: 10,
        },
        Change::Insert {
            entity: Entity::Companies,
            record: json!({"id": 500, "companyName": "Late"}),
        },
        Change::Set {
            entity: Entity::Companies,
            id: 11,
            field: "companyName".to_owned(),
            value: json!("Renamed"),
        },
    ];
    simulator.inject(
        Fault::new(FaultKind::WorldChange { changes })
            .on("Companies")
            .path("next"),
    );
    let first = client.post("Companies/query", &body).await;
    let second = client.post(&first.next_page().unwrap(), &body).await;
    assert_eq!(second.ids()[0], 11);
    assert_eq!(second.json()["items"][0]["companyName"], json!("Renamed"));
    assert_eq!(
        client.get("Companies/500").await.json()["item"]["companyName"],
        json!("Late")
    );
}

#[tokio::test]
async fn somebody_edits_units_just_before_the_nth_request() {
    let it = run(|_| {}).await;
    let kind = FaultKind::ForeignEdit {
        line_kind: LineKind::Service,
        line: it.line,
        effective_date: date(2026, 11, 1),
        unit_change: 5,
    };
    it.simulator
        .inject(Fault::new(kind).on("ContractServiceUnits").skip(1));
    let units = || async {
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
        rows["items"][10]["units"].as_i64()
    };
    assert_eq!(units().await, Some(10));
    assert_eq!(units().await, Some(15));
    assert!(it.simulator.applied()[0].foreign);
}

#[tokio::test]
async fn a_body_is_compressed_unasked() {
    let it = run(|_| {}).await;
    it.simulator.inject(Fault::new(FaultKind::Gzip));
    let request = it.client.request(reqwest::Method::GET, "Companies/0");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let bytes = response.bytes().await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.starts_with(r#"{"item":{"id":0"#));
}

#[tokio::test]
async fn any_answer_at_all_can_be_given() {
    let it = run(|_| {}).await;
    let kind = FaultKind::Respond {
        status: 302,
        body: "{}".to_owned(),
        headers: vec![("Location".to_owned(), "http://127.0.0.1:1/".to_owned())],
    };
    it.simulator.inject(Fault::new(kind).on("ZoneInformation"));
    let url = format!(
        "{}V1.0/ZoneInformation?user=api@sim.example",
        it.client.zone
    );
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let reply = it.client.send(http.get(url)).await;
    assert_eq!(
        (reply.status, &reply.headers["location"]),
        (302, &"http://127.0.0.1:1/".parse().unwrap())
    );
}

#[tokio::test]
async fn the_journal_names_the_fault_and_the_missing_answer() {
    let it = run(|_| {}).await;
    it.simulator
        .inject(Fault::new(FaultKind::ApplyThenLose { lost: Lost::Drop }).on(ADJUST));
    let _ = adjust(&it).await;
    let entry = it.simulator.journal().pop().unwrap();
    assert_eq!(
        (entry.status, entry.fault.as_deref()),
        (0, Some("apply-then-lose"))
    );
    assert_eq!(entry.body.unwrap()["unitChange"], json!(1));
    assert_eq!(it.simulator.request_counts()[ADJUST], 1);
}
