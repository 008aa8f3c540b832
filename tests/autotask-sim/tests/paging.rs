//! Paging: order, verbs, tokens, and the pages the server forgets.

mod client;

use autotask_sim::switches::{Order, Paging, Verdict};
use autotask_sim::{Change, Config, Entity, Fault, FaultKind, Simulator, World};
use client::{Client, TODAY, run_companies};
use reqwest::Method;
use serde_json::{Value as Json, json};

fn everything(max: i64) -> Json {
    json!({"MaxRecords": max, "filter": [{"op": "gte", "field": "id", "value": 0}]})
}

#[tokio::test]
async fn a_posted_query_is_paged_by_posting_the_same_body_again() {
    let (_simulator, client) = run_companies(1200).await;
    let body = everything(500);
    let mut reply = client.post("Companies/query", &body).await;
    let mut ids = reply.ids();
    assert_eq!(reply.json()["pageDetails"]["count"], json!(500));
    assert_eq!(reply.json()["pageDetails"]["requestCount"], json!(500));
    assert_eq!(reply.json()["pageDetails"]["prevPageUrl"], json!(null));
    while let Some(next) = reply.next_page() {
        assert!(next.starts_with(&client.zone));
        reply = client.post(&next, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(reply.json()["pageDetails"]["prevPageUrl"].is_string());
        ids.extend(reply.ids());
    }
    assert_eq!(reply.ids().len(), 201);
    let expected: Vec<i64> = (0..=1200).collect();
    assert_eq!(
        ids, expected,
        "id ascending, nothing twice, nothing missing"
    );
}

#[tokio::test]
async fn a_posted_querys_next_page_refuses_get_and_other_bodies() {
    let (_simulator, client) = run_companies(20).await;
    let body = everything(10);
    let next = client
        .post("Companies/query", &body)
        .await
        .next_page()
        .unwrap();
    let reply = client.get(&next).await;
    assert_eq!(reply.status, 405);
    assert!(reply.text.contains("does not support http method 'GET'"));
    let empty = client
        .request(Method::POST, &next)
        .header("content-type", "application/json");
    assert_eq!(client.send(empty).await.status, 500);
    assert_eq!(client.post(&next, &everything(5)).await.status, 500);
    assert_eq!(client.post(&next, &body).await.status, 200);
}

#[tokio::test]
async fn a_get_querys_next_page_is_got_and_refuses_post() {
    let (_simulator, client) = run_companies(20).await;
    let search = "%7B%22MaxRecords%22%3A10%2C%22filter%22%3A%5B%7B%22op%22%3A%22gte%22%2C%22field%22%3A%22id%22%2C%22value%22%3A0%7D%5D%7D";
    let first = client
        .get(&format!("Companies/query?search={search}"))
        .await;
    let next = first.next_page().unwrap();
    assert_eq!(client.post(&next, &everything(10)).await.status, 405);
    let second = client.get(&next).await;
    assert_eq!(second.ids(), (10..20).collect::<Vec<i64>>());
    assert_eq!(client.get(&second.next_page().unwrap()).await.ids(), [20]);
}

#[tokio::test]
async fn a_get_query_can_outgrow_its_url_in_the_middle() {
    let (_simulator, client) = run_companies(400).await;
    let ids: Vec<i64> = (1..=340).collect();
    let search = json!({"MaxRecords": 100, "filter": [{"op": "in", "field": "id", "value": ids}]})
        .to_string();
    // The first URL is written without escaping what need not be.
    let search = search
        .replace('"', "%22")
        .replace('{', "%7B")
        .replace('}', "%7D")
        .replace('[', "%5B")
        .replace(']', "%5D");
    let first = client
        .get(&format!("Companies/query?search={search}"))
        .await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(client.get(&first.next_page().unwrap()).await.status, 404);
}

#[tokio::test]
async fn paging_by_the_last_id_needs_no_page_url() {
    let (_simulator, client) = run_companies(1100).await;
    let (mut last, mut count) = (-1, 0);
    loop {
        let ids = client
            .find("Companies", "gt", "id", json!(last))
            .await
            .ids();
        let Some(id) = ids.last() else { break };
        last = *id;
        count += ids.len();
    }
    assert_eq!(count, 1101);
}

#[tokio::test]
async fn a_second_page_needs_the_id_among_the_fields() {
    for (verdict, status) in [(Verdict::Refuse, 500), (Verdict::Accept, 200)] {
        let (simulator, client) = run_companies(20).await;
        simulator.change_settings(|s| s.switches.include_id = verdict);
        let mut body = everything(10);
        body["IncludeFields"] = json!(["companyName"]);
        assert_eq!(client.post("Companies/query", &body).await.status, status);
        body["MaxRecords"] = json!(500);
        assert_eq!(client.post("Companies/query", &body).await.status, 200);
    }
}

#[tokio::test]
async fn the_server_forgets_all_but_the_50_most_recent_pages() {
    let (_simulator, client) = run_companies(200).await;
    let body = everything(2);
    let first = client
        .post("Companies/query", &body)
        .await
        .next_page()
        .unwrap();
    let mut next = first.clone();
    for _ in 0..60 {
        next = client.post(&next, &body).await.next_page().unwrap();
    }
    assert_eq!(client.post(&first, &body).await.status, 500);
    assert_eq!(client.post(&next, &body).await.status, 200);
}

#[tokio::test]
async fn descending_order_is_a_switch() {
    let mut world = World::new(TODAY);
    for n in 1..=5 {
        world.add_company(&format!("C{n}"));
    }
    let mut config = Config::new(world);
    config.switches.order = Order::Descending;
    let simulator = Simulator::start(config).await.unwrap();
    let client = Client::new(&simulator);
    let body = everything(4);
    let first = client.post("Companies/query", &body).await;
    assert_eq!(first.ids(), [5, 4, 3, 2]);
    assert_eq!(
        client.post(&first.next_page().unwrap(), &body).await.ids(),
        [1, 0]
    );
}

#[tokio::test]
async fn rows_move_between_pages_that_are_counted_by_switch() {
    let (simulator, client) = run_companies(30).await;
    simulator.change_settings(|s| s.switches.paging = Paging::ByOffset);
    let body = everything(10);
    let change = |changes| {
        let kind = FaultKind::WorldChange { changes };
        simulator.inject(Fault::new(kind).on("Companies").path("next"));
    };
    let second = |first: Option<String>| {
        let (client, body) = (&client, &body);
        async move { client.post(&first.unwrap(), body).await }
    };
    let first = client.post("Companies/query", &body).await;
    change(vec![Change::Delete {
        entity: Entity::Companies,
        id: 3,
    }]);
    let page = second(first.next_page()).await;
    assert_eq!(page.ids()[0], 11, "10 is missed");
    let first = client.post("Companies/query", &body).await;
    let record = json!({"id": 3, "companyName": "Back"});
    change(vec![Change::Insert {
        entity: Entity::Companies,
        record,
    }]);
    let page = second(first.next_page()).await;
    assert_eq!(page.ids()[0], 10, "10 comes twice");
    let page = second(page.next_page()).await;
    assert_eq!(page.ids()[0], 20);
}

#[tokio::test]
async fn the_count_knows_nothing_of_pages() {
    let (_simulator, client) = run_companies(700).await;
    assert_eq!(
        client
            .post("Companies/query/count", &everything(5))
            .await
            .json(),
        json!({"queryCount": 701})
    );
}
