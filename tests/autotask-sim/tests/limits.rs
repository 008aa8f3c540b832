//! The thread limit and the hourly threshold, over the wire.

mod client;

use std::time::{Duration, Instant};

use autotask_sim::User;
use autotask_sim::switches::RetryAfter;
use client::{Client, Running, run};
use futures::future::join_all;
use jiff::ToSpan;
use reqwest::Method;
use serde_json::json;

async fn at_once(client: &Client, entity: &str, count: usize) -> Vec<u16> {
    let mut statuses: Vec<u16> = join_all((0..count).map(|_| client.all(entity)))
        .await
        .into_iter()
        .map(|r| r.status)
        .collect();
    statuses.sort_unstable();
    statuses
}

async fn slow() -> Running {
    run(|c| c.latency = Duration::from_millis(150)).await
}

#[tokio::test]
async fn a_fourth_request_at_once_on_an_entity_is_429() {
    let it = slow().await;
    assert_eq!(at_once(&it.client, "Companies", 3).await, [200, 200, 200]);
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert_eq!(
        at_once(&it.client, "Companies", 4).await,
        [200, 200, 200, 429]
    );
    let key = ("SIM-TRACKING-CODE".to_owned(), "Companies");
    assert_eq!(it.simulator.max_in_flight()[&key], 4);
}

#[tokio::test]
async fn entities_and_tracking_codes_are_counted_apart_and_users_together() {
    let it = slow().await;
    it.simulator.world().users.push(User {
        user_name: "second@sim.example".to_owned(),
        integration_codes: vec!["SIM-TRACKING-CODE".to_owned(), "SECOND-CODE".to_owned()],
        ..User::default()
    });
    let mut same_code = it.client.clone();
    same_code.user = "second@sim.example".to_owned();
    let mut other_code = same_code.clone();
    other_code.code = "SECOND-CODE".to_owned();
    let (a, b) = tokio::join!(
        at_once(&it.client, "Companies", 3),
        at_once(&it.client, "Contracts", 3)
    );
    assert_eq!((a, b), (vec![200; 3], vec![200; 3]));
    tokio::time::sleep(Duration::from_millis(40)).await;
    let (a, b) = tokio::join!(
        at_once(&it.client, "Companies", 3),
        at_once(&other_code, "Companies", 3)
    );
    assert_eq!((a, b), (vec![200; 3], vec![200; 3]));
    tokio::time::sleep(Duration::from_millis(40)).await;
    let (a, b) = tokio::join!(
        at_once(&it.client, "Companies", 2),
        at_once(&same_code, "Companies", 2)
    );
    let refused = a.iter().chain(&b).filter(|s| **s == 429).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn three_workers_meet_the_slot_that_is_freed_late_and_two_never_do() {
    let it = run(|c| {
        c.limits.slot_release = Duration::from_millis(200);
        // Three are under way at once only where an answer takes its time.
        c.latency = Duration::from_millis(2);
    })
    .await;
    let worker = || async {
        let mut refused = 0;
        for _ in 0..15 {
            refused += usize::from(it.client.all("Companies").await.status == 429);
        }
        refused
    };
    let (a, b) = tokio::join!(worker(), worker());
    assert_eq!(a + b, 0);
    let refused: usize = join_all((0..3).map(|_| worker())).await.into_iter().sum();
    assert!(refused > 0);
}

#[tokio::test]
async fn a_thread_violation_has_the_vendors_words_and_a_status_and_header_by_switch() {
    let words = "The Autotask API thread threshold of 3 threads has been exceeded";
    for (status, retry, header) in [
        (429, RetryAfter::None, None),
        (429, RetryAfter::Seconds, Some("1")),
        (500, RetryAfter::None, None),
    ] {
        let it = run(|c| {
            c.latency = Duration::from_millis(120);
            c.switches.thread_status = status;
            c.switches.retry_after = retry;
        })
        .await;
        let replies = join_all((0..4).map(|_| it.client.all("Companies"))).await;
        let refused = replies.iter().find(|r| r.status != 200).unwrap();
        assert_eq!((refused.status, refused.error().as_str()), (status, words));
        assert_eq!(
            refused
                .headers
                .get("retry-after")
                .map(|h| h.to_str().unwrap()),
            header
        );
    }
}

#[tokio::test]
async fn a_retry_after_may_be_a_date() {
    let it = run(|c| {
        c.latency = Duration::from_millis(120);
        c.switches.retry_after = RetryAfter::Date;
    })
    .await;
    let replies = join_all((0..4).map(|_| it.client.all("Companies"))).await;
    let refused = replies.iter().find(|r| r.status == 429).unwrap();
    assert!(
        refused.headers["retry-after"]
            .to_str()
            .unwrap()
            .ends_with(" GMT")
    );
}

#[tokio::test]
async fn zone_lookups_have_no_thread_limit_and_do_not_count() {
    let it = slow().await;
    let url = format!(
        "{}V1.0/ZoneInformation?user=api@sim.example",
        it.client.zone
    );
    let replies = join_all((0..8).map(|_| it.client.send(it.client.http.get(&url)))).await;
    assert!(replies.iter().all(|r| r.status == 200));
    let threshold = it.client.get("ThresholdInformation").await.json();
    assert_eq!(
        threshold,
        json!({"externalRequestThreshold": 10000, "requestThresholdTimeframe": 60, "currentTimeframeRequestCount": 1})
    );
}

#[tokio::test]
async fn the_threshold_query_is_itself_thread_limited() {
    let it = slow().await;
    let replies = join_all((0..4).map(|_| it.client.get("ThresholdInformation"))).await;
    assert_eq!(replies.iter().filter(|r| r.status == 429).count(), 1);
}

#[tokio::test]
async fn usage_slows_requests_and_at_the_threshold_everybody_stops_until_the_hour_rolls() {
    let it = run(|c| {
        c.limits.hourly = 100;
        c.limits.half_delay = Duration::from_millis(150);
    })
    .await;
    let time = || async {
        let start = Instant::now();
        let status = it.client.get("Version").await.status;
        (status, start.elapsed())
    };
    let (status, quick) = time().await;
    assert!(
        status == 200 && quick < Duration::from_millis(140),
        "{quick:?}"
    );
    it.simulator.use_threshold(50);
    let (_, slower) = time().await;
    assert!(slower >= Duration::from_millis(150), "{slower:?}");
    it.simulator.use_threshold(25);
    let (_, slowest) = time().await;
    assert!(slowest >= Duration::from_millis(300), "{slowest:?}");
    it.simulator.use_threshold(30);
    for status in [429, 500, 503] {
        it.simulator
            .change_settings(|s| s.switches.suspended_status = status);
        let reply = it.client.get("Version").await;
        assert_eq!(reply.status, status);
        assert!(reply.error().contains("threshold"));
    }
    it.simulator.advance(61.minutes());
    assert_eq!(time().await.0, 200);
}

#[tokio::test]
async fn a_request_is_carried_out_even_if_the_client_hangs_up() {
    let it = slow().await;
    let body =
        json!({"contractServiceID": it.line, "effectiveDate": "2026-12-01", "unitChange": 1});
    let request = it
        .client
        .request(Method::POST, "ContractServiceAdjustments")
        .json(&body);
    let answer = it
        .client
        .try_send(request.timeout(Duration::from_millis(20)))
        .await;
    assert!(answer.is_err());
    assert!(it.simulator.applied().is_empty());
    client::until(|| it.simulator.applied().len() == 1).await;
}
