//! Zones, credentials, locks and rights.

mod client;

use autotask_sim::{Entity, Right};
use client::run;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn the_zone_is_told_without_credentials_to_known_users_only() {
    let it = run(|c| c.split_zone = true).await;
    let lookup = |user: &str| {
        format!(
            "{}v1.0/zoneInformation?user={user}",
            it.simulator.base_url()
        )
    };
    let reply = it
        .client
        .send(it.client.http.get(lookup("API%40sim.example")))
        .await;
    assert_eq!(reply.status, 200);
    let zone = reply.json();
    assert_eq!(zone["url"], json!(it.simulator.zone_url()));
    assert!(zone["url"].as_str().unwrap().ends_with("/ATServicesRest/"));
    assert_eq!(zone["ci"], json!(1));
    assert!(zone["zoneName"].is_string() && zone["webUrl"].is_string());
    for user in ["nobody%40sim.example", ""] {
        let reply = it.client.send(it.client.http.get(lookup(user))).await;
        assert_eq!(
            (reply.status, reply.error().as_str()),
            (500, "Zone information could not be determined")
        );
    }
    let numbered = format!(
        "{}v1.0/zoneInformation?user=api@sim.example",
        it.simulator.zone_url()
    );
    assert_eq!(
        it.client.send(it.client.http.get(numbered)).await.status,
        200
    );
    assert!(it.simulator.journal().iter().all(|e| !e.credentials));
}

#[tokio::test]
async fn the_front_and_an_old_zone_answer_401_without_a_body() {
    let it = run(|c| c.split_zone = true).await;
    let old = it.client.zone.clone();
    assert_eq!(it.client.all("Companies").await.status, 200);
    let front = it
        .client
        .get(&format!("{}V1.0/Companies/0", it.simulator.base_url()))
        .await;
    assert_eq!((front.status, front.text.as_str()), (401, ""));
    let new = it.simulator.move_zone().await.unwrap();
    assert_ne!(old, new);
    let reply = it.client.all("Companies").await;
    assert_eq!((reply.status, reply.text.as_str()), (401, ""));
    assert_eq!(
        it.client
            .get(&format!("{new}V1.0/Companies/0"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn whatever_is_wrong_with_the_credentials_the_answer_is_the_same() {
    let it = run(|_| {}).await;
    let mut clients = vec![it.client.clone(); 3];
    clients[0].secret = "wrong".to_owned();
    clients[1].user = "someone@sim.example".to_owned();
    clients[2].code = "ANOTHER".to_owned();
    for client in clients {
        let reply = client.all("Companies").await;
        assert_eq!((reply.status, reply.text.as_str()), (401, ""));
        assert_eq!(reply.headers["content-length"], "0");
        assert!(
            reply.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Basic Realm=")
        );
    }
    let bare = it
        .client
        .http
        .get(format!("{}V1.0/Version", it.client.zone));
    assert_eq!(it.client.send(bare).await.status, 401);
    assert!(it.simulator.journal().iter().all(|e| !e.authenticated));
}

#[tokio::test]
async fn an_unknown_integration_code_is_500_by_switch() {
    let it = run(|c| c.switches.integration_code_status = 500).await;
    let mut client = it.client.clone();
    client.code = "ANOTHER".to_owned();
    let reply = client.all("Companies").await;
    assert_eq!(
        (reply.status, reply.error().as_str()),
        (500, "IntegrationCode is invalid")
    );
}

#[tokio::test]
async fn failed_logins_lock_the_user_even_for_the_right_secret() {
    let it = run(|c| c.limits.lock_after = Some(3)).await;
    let mut wrong = it.client.clone();
    wrong.secret = "wrong".to_owned();
    for _ in 0..2 {
        assert_eq!(wrong.all("Companies").await.status, 401);
    }
    assert_eq!(
        it.client.all("Companies").await.status,
        200,
        "a success counts anew"
    );
    for _ in 0..3 {
        assert_eq!(wrong.all("Companies").await.status, 401);
    }
    let locked = it.client.all("Companies").await;
    assert_eq!((locked.status, locked.text.as_str()), (401, ""));
}

#[tokio::test]
async fn a_locked_user_is_told_so_in_words_by_switch() {
    let it = run(|c| {
        c.switches.locked_status = 500;
        c.world.users[0].locked = true;
    })
    .await;
    for text in [
        "The user account has been locked.",
        "The password has expired.",
    ] {
        let reply = it.client.all("Companies").await;
        assert_eq!((reply.status, reply.error().as_str()), (500, text));
        it.simulator
            .change_settings(|s| s.switches.locked_text = "The password has expired.".to_owned());
    }
}

#[tokio::test]
async fn rights_are_refused_with_403_or_500_or_silence() {
    let it = run(|_| {}).await;
    let set = |right| {
        it.simulator.world().users[0]
            .rights
            .insert(Entity::Contracts, right);
    };
    for (right, status) in [(Right::Forbidden, 403), (Right::Forbidden500, 500)] {
        set(right);
        let reply = it.client.all("Contracts").await;
        assert_eq!(reply.status, status);
        assert!(
            reply
                .error()
                .contains("The logged in Resource does not have the adequate permissions")
        );
        assert_eq!(it.client.all("Companies").await.status, 200);
    }
    set(Right::Silent);
    let reply = it.client.all("Contracts").await;
    assert_eq!((reply.status, reply.ids()), (200, vec![]));
    assert_eq!(
        it.client
            .get(&format!("Contracts/{}", it.contract))
            .await
            .json(),
        json!({"item": null})
    );
    it.simulator.world().users[0]
        .rights
        .insert(Entity::ContractServiceAdjustments, Right::Silent);
    assert_eq!(it.client.adjust(it.line, "2026-12-01", 1).await.status, 500);
    assert!(it.simulator.applied().is_empty());
    let count = json!({"filter": [{"op": "gte", "field": "id", "value": 0}]});
    assert_eq!(
        it.client.post("Contracts/query/count", &count).await.json(),
        json!({"queryCount": 0})
    );
}

#[tokio::test]
async fn the_version_needs_credentials_and_no_right() {
    let it = run(|_| {}).await;
    for entity in Entity::ALL {
        it.simulator.world().users[0]
            .rights
            .insert(entity, Right::Forbidden);
    }
    let reply = it.client.get("Version").await;
    assert_eq!(reply.status, 200);
    assert!(reply.json()["majorVersion"].is_number());
    it.simulator
        .change_settings(|s| s.switches.version_endpoint = false);
    assert_eq!(it.client.get("Version").await.status, 404);
    let versions = it
        .client
        .get(&format!("{}VersionInformation", it.client.zone))
        .await;
    assert_eq!(versions.json(), json!({"apiVersions": ["1.0"]}));
}

#[tokio::test]
async fn impersonation_needs_an_active_resource() {
    let it = run(|_| {}).await;
    let resource = it
        .simulator
        .world()
        .insert(
            Entity::Resources,
            &json!({"firstName": "Sam", "isActive": true}),
        )
        .unwrap();
    for (value, status) in [
        (resource.to_string(), 200),
        ("77".to_owned(), 500),
        ("sam".to_owned(), 500),
    ] {
        let request = it
            .client
            .request(Method::GET, "Version")
            .header("ImpersonationResourceId", &value);
        assert_eq!(it.client.send(request).await.status, status, "{value}");
    }
}

#[tokio::test]
async fn the_journal_never_holds_a_secret() {
    let it = run(|_| {}).await;
    it.client.all("Companies").await;
    let text = serde_json::to_string(&it.simulator.journal()).unwrap();
    assert!(
        text.contains("Companies")
            && !text.contains("sim-secret")
            && !text.contains("SIM-TRACKING-CODE")
    );
}
