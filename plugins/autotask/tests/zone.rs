//! Finding the zone, and what a 401 means.
#![allow(clippy::unwrap_used)]

mod support;

use psa_connector_autotask::Autotask;
use psa_connector_sdk::testing::{FakeHost, answer, failure, json};
use psa_connector_sdk::{
    Connector, Depth, Error, Outcome, RefusalKind, SendFailureKind, Settings, kind_of,
};
use support::*;

const MOVED: &str = r#"{"zoneName":"America East 2","url":"https://webservices31.autotask.net/ATServicesRest/","ci":4}"#;

#[test]
fn the_zone_is_looked_up_without_authentication_and_with_the_user_name_encoded() {
    let host = Tenant::small().host();
    connector().list_accounts(&host, None).unwrap();
    let lookup = &host.requests()[0];
    assert!(!lookup.authenticate);
    assert_eq!(
        lookup.url,
        "https://webservices.autotask.net/ATServicesRest/V1.0/ZoneInformation?user=api%2Buser%40acme.example"
    );
}

#[test]
fn the_zone_is_kept_for_later_instances_of_the_same_user_only() {
    let host = Tenant::small().host();
    connector().list_accounts(&host, None).unwrap();
    connector().list_accounts(&host, None).unwrap();
    let lookups = |host: &FakeHost| {
        host.calls()
            .iter()
            .filter(|call| call.contains("ZoneInformation"))
            .count()
    };
    assert_eq!(lookups(&host), 1);
    let settings: Settings = [("username", "another@acme.example")].into_iter().collect();
    Autotask::configure(&settings)
        .unwrap()
        .list_accounts(&host, None)
        .unwrap();
    assert_eq!(lookups(&host), 2);
}

#[test]
fn zone_fields_are_read_in_either_case() {
    let mut tenant = Tenant::small();
    tenant.answer_with(|request| {
        request.url.contains("ZoneInformation").then(|| {
            json(200, r#"{"ZoneName":"America East","Url":"https://webservices2.autotask.net/ATServicesRest","WebUrl":"https://ww2.autotask.net/","CI":1}"#)
        })
    });
    let host = tenant.host();
    let report = connector().check(&host, Depth::Brief).unwrap();
    assert_eq!(report.tenant, "webservices2/1");
    assert!(host.calls()[1].starts_with("GET /ATServicesRest/V1.0/"));
}

#[test]
fn an_unknown_user_is_an_authentication_error_that_says_so() {
    let host = FakeHost::script(vec![json(
        500,
        r#"{"errors":["Zone information could not be determined"]}"#,
    )]);
    let Err(Error::Authentication(fault)) = connector().check(&host, Depth::Brief) else {
        panic!("no such error")
    };
    assert!(fault.fix.unwrap().contains("user name"));
}

#[test]
fn a_zone_outside_of_autotask_is_refused() {
    for url in [
        "https://webservices2.autotask.net.evil.example/",
        "https://evil.example/",
        "http://webservices2.autotask.net/",
        "https://webservices2.autotask.net@evil.example/",
        "https://evil.example/.autotask.net",
        "https://a.b.autotask.net/",
        "https://.autotask.net/",
        "https://webservices2.autotask.net:8443/",
        "http://127.0.0.1:8080/",
        "/relative",
    ] {
        let host = FakeHost::script(vec![json(200, &format!(r#"{{"url":"{url}","ci":1}}"#))]);
        let error = connector().check(&host, Depth::Brief).unwrap_err();
        assert_eq!(kind_of(&error), "invalid", "{url}");
        assert_eq!(host.requests().len(), 1, "{url}");
    }
}

#[test]
fn zones_of_autotask_are_asked_whatever_their_name_and_the_host_decides() {
    let declared = Autotask::describe().hosts;
    for (name, asked_for) in [
        ("webservices31", true),
        ("prde", true),
        ("pres", true),
        ("webservices-eu", false),
    ] {
        assert_eq!(
            declared.contains(&format!("{name}.autotask.net")),
            asked_for && name != "webservices31"
        );
        let zone = format!(
            r#"{{"zoneName":"Z","url":"https://{name}.autotask.net/ATServicesRest/","webUrl":"https://{name}.autotask.net/","ci":7}}"#
        );
        let host = FakeHost::script(vec![
            json(200, &zone),
            json(
                200,
                r#"{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}"#,
            ),
        ]);
        let report = connector().check(&host, Depth::Brief).unwrap();
        assert_eq!(report.tenant, format!("{name}/7"));
        let denied = FakeHost::script(vec![
            json(200, &zone),
            Err(failure(
                SendFailureKind::Denied,
                "that host is not granted to this plugin",
            )),
        ]);
        let error = connector().check(&denied, Depth::Brief).unwrap_err();
        assert_eq!(kind_of(&error), "refused");
    }
}

#[test]
fn a_test_systems_zone_is_the_hosts_to_decide() {
    let settings: Settings = [("username", USER), ("base-url", "http://127.0.0.1:4001")]
        .into_iter()
        .collect();
    let host = FakeHost::script(vec![
        json(
            200,
            r#"{"zoneName":"Test Zone","url":"http://127.0.0.1:4001/ATServicesRest/","ci":3}"#,
        ),
        json(
            200,
            r#"{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":1}"#,
        ),
    ]);
    let report = Autotask::configure(&settings)
        .unwrap()
        .check(&host, Depth::Brief)
        .unwrap();
    assert_eq!(report.tenant, "test-zone/3");
    assert_eq!(
        host.requests()[0].url.split('?').next(),
        Some("http://127.0.0.1:4001/ATServicesRest/V1.0/ZoneInformation")
    );
}

#[test]
fn a_401_has_the_kept_zone_looked_up_once_and_the_read_repeated_where_it_moved() {
    let (tenant, host) = Tenant::small().share();
    connector().list_accounts(&host, None).unwrap();
    let before = host.requests().len();
    tenant.borrow_mut().answer_with(|request| {
        if request.url.contains("ZoneInformation") {
            return Some(json(200, MOVED));
        }
        request.url.starts_with(ZONE).then(|| answer(401, "", ""))
    });
    connector().list_accounts(&host, None).unwrap();
    let urls: Vec<String> = host.requests()[before..]
        .iter()
        .map(|request| request.url.clone())
        .collect();
    assert_eq!(urls.len(), 3, "{urls:?}");
    assert!(urls[0].starts_with(ZONE));
    assert!(urls[1].contains("ZoneInformation"));
    assert!(urls[2].starts_with("https://webservices31.autotask.net/"));
}

#[test]
fn a_zone_that_moves_while_it_is_read_is_followed_once() {
    let (tenant, host) = Tenant::small().share();
    let mut connector = connector();
    connector.list_accounts(&host, None).unwrap();
    tenant.borrow_mut().answer_with(|request| {
        if request.url.contains("ZoneInformation") {
            return Some(json(200, MOVED));
        }
        request.url.starts_with(ZONE).then(|| answer(401, "", ""))
    });
    connector.list_accounts(&host, None).unwrap();
    connector.list_accounts(&host, None).unwrap();
    let lookups = host.calls();
    let lookups = lookups
        .iter()
        .filter(|call| call.contains("ZoneInformation"));
    assert_eq!(lookups.count(), 2);
}

#[test]
fn a_write_to_a_zone_that_has_moved_is_not_sent_again_and_refuses_no_credentials() {
    let (tenant, host) = Tenant::small().share();
    let mut connector = connector();
    connector.list_accounts(&host, None).unwrap();
    tenant.borrow_mut().answer_with(|request| {
        if request.url.contains("ZoneInformation") {
            return Some(json(200, MOVED));
        }
        request.url.starts_with(ZONE).then(|| answer(401, "", ""))
    });
    let outcome = connector
        .adjust(&host, &adjustment("7", "9"), today())
        .unwrap();
    let Outcome::Rejected(rejection) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(rejection.kind, RefusalKind::Other);
    assert!(rejection.words.contains("webservices31"), "{rejection:?}");
    let writes = |host: &FakeHost| {
        let requests = host.requests();
        let writes = requests.iter().filter(|r| r.url.ends_with("Adjustments"));
        writes.count()
    };
    assert_eq!(writes(&host), 1);
    connector.list_accounts(&host, None).unwrap();
    assert!(
        host.requests()
            .last()
            .unwrap()
            .url
            .starts_with("https://webservices31.autotask.net/")
    );
}

#[test]
fn a_401_with_words_or_without_an_answer_to_the_lookup_is_refused_credentials() {
    for (words, lookup) in [
        (
            r#"{"errors":["The user account has been locked."]}"#,
            json(200, MOVED),
        ),
        ("", json(500, r#"{"errors":["No message."]}"#)),
        ("", answer(502, "text/html", "<html></html>")),
        ("", Err(failure(SendFailureKind::TimedOut, "why"))),
    ] {
        let (tenant, host) = Tenant::small().share();
        let mut connector = connector();
        connector.list_accounts(&host, None).unwrap();
        tenant.borrow_mut().answer_with(move |request| {
            if request.url.contains("ZoneInformation") {
                return Some(lookup.clone());
            }
            Some(json(401, words))
        });
        let before = host.requests().len();
        for _ in 0..3 {
            let error = connector.list_accounts(&host, None).unwrap_err();
            assert_eq!(kind_of(&error), "authentication");
        }
        let with_credentials = host.requests()[before..]
            .iter()
            .filter(|request| request.authenticate)
            .count();
        assert_eq!(with_credentials, 1, "{words}");
    }
}

#[test]
fn an_address_that_is_not_granted_is_told_as_the_host_tells_it() {
    let (tenant, host) = Tenant::small().share();
    let mut connector = connector();
    connector.list_accounts(&host, None).unwrap();
    tenant.borrow_mut().answer_with(|request| {
        if request.url.contains("ZoneInformation") {
            return Some(json(200, MOVED));
        }
        Some(match request.url.starts_with(ZONE) {
            true => answer(401, "", ""),
            false => Err(failure(
                SendFailureKind::Denied,
                "webservices31.autotask.net is not granted to this plugin",
            )),
        })
    });
    let Err(Error::Refused(fault)) = connector.list_accounts(&host, None) else {
        panic!("not refused")
    };
    assert!(fault.message.contains("webservices31.autotask.net"));
}

#[test]
fn a_401_from_the_same_zone_is_final_and_nothing_more_is_tried() {
    let (tenant, host) = Tenant::small().share();
    connector().list_accounts(&host, None).unwrap();
    let before = host.requests().len();
    tenant
        .borrow_mut()
        .answer_with(|request| request.authenticate.then(|| answer(401, "", "")));
    let mut connector = connector();
    for _ in 0..3 {
        assert_eq!(
            kind_of(&connector.list_accounts(&host, None).unwrap_err()),
            "authentication"
        );
    }
    assert_eq!(
        kind_of(
            &connector
                .adjust(&host, &adjustment("7", "9"), today())
                .unwrap_err()
        ),
        "authentication"
    );
    // The read, and one lookup.
    assert_eq!(host.requests().len(), before + 2);
}

#[test]
fn a_fresh_zone_is_not_looked_up_again_after_a_401() {
    let mut tenant = Tenant::small();
    tenant.answer_with(|request| request.authenticate.then(|| answer(401, "", "")));
    let host = tenant.host();
    assert_eq!(
        kind_of(&connector().list_accounts(&host, None).unwrap_err()),
        "authentication"
    );
    assert_eq!(host.requests().len(), 2);
}
