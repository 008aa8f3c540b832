//! Requests to where no request may go, and requests that are not what they look like.

use hostile_plugins::guest::{Act, Answer, Ask, Export};
use hostile_plugins::{
    Hostile, Server, answer, incident_codes, json, run, the_next_connection_works,
};
use psa_host_sandbox::IncidentCode;

/// Each is refused as a value, for this reason, and nothing leaves.
async fn refused(asks: Vec<Ask>, code: &str) {
    for ask in asks {
        let (unleashed, findings) = Hostile::checking(vec![Act::Send(ask.clone())])
            .check()
            .await;
        let findings = findings.unwrap();
        assert!(
            findings[0].starts_with("SendFailureKind::Denied sent=false"),
            "{ask:?}: {findings:?}"
        );
        assert_eq!(
            incident_codes(&unleashed.session),
            [code],
            "{ask:?}: {findings:?}"
        );
        assert!(unleashed.connector.is_usable());
        assert_eq!(unleashed.session.requests().total, 0);
    }
    the_next_connection_works().await;
}

fn gets(urls: &[&str]) -> Vec<Ask> {
    urls.iter().map(|url| Ask::get(*url)).collect()
}

#[test]
fn a_host_that_the_plugin_does_not_declare_is_refused() {
    let urls = [
        "https://evil.example/",
        "https://psa.hostile.example.evil.example/",
        "https://x.psa.hostile.example/",
        "https://zone.hostile.example/",
        "https://hostile.example/",
        "https://localhost/",
        "https://metadata.google.internal/",
    ];
    run(refused(gets(&urls), "host-not-declared"));
}

#[test]
fn a_host_that_the_operator_did_not_grant_is_refused_and_named() {
    run(async {
        let ask = Ask::get("https://asked.hostile.example/x");
        let (unleashed, findings) = Hostile::checking(vec![Act::Send(ask)]).check().await;
        assert!(findings.unwrap()[0].contains("approve `asked.hostile.example`"));
        let incident = unleashed.incident(IncidentCode::HostNotGranted);
        assert!(incident.fix.unwrap().contains("asked.hostile.example"));
        the_next_connection_works().await;
    });
}

#[test]
fn schemes_other_than_https_are_refused() {
    let urls = [
        "http://psa.hostile.example/",
        "ftp://psa.hostile.example/",
        "file:///etc/passwd",
        "gopher://psa.hostile.example/",
        "ws://psa.hostile.example/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "unix:///var/run/docker.sock",
        "HTTP://psa.hostile.example/",
    ];
    run(refused(gets(&urls), "scheme-refused"));
}

#[test]
fn ports_that_no_setting_names_are_refused() {
    let urls = [
        "https://psa.hostile.example:22/",
        "https://psa.hostile.example:8443/",
        "https://psa.hostile.example:80/",
    ];
    run(refused(gets(&urls), "port-refused"));
}

#[test]
fn addresses_with_two_readings_are_refused() {
    let urls = [
        "https://user:word@psa.hostile.example/",
        "https://psa.hostile.example@evil.example/",
        "https://evil.example\\@psa.hostile.example/",
        "https://psa.hostile.example./",
        "https://psa.hostile.example/#x",
        "https://psa.hostile\t.example/",
        "https://psa.hostile.example/a b",
        "https://psa.hostile.example/\r\nx: y",
        " https://psa.hostile.example/",
        "//psa.hostile.example/",
        "/",
        "",
        "https://",
        "https://psa.hostile.example/%zz/..;/x",
    ];
    run(refused(gets(&urls), "url-refused"));
}

#[test]
fn an_address_of_a_megabyte_is_refused() {
    run(async {
        let act = Act::SendLong(Ask::get("https://psa.hostile.example/"), 1 << 20);
        let (unleashed, _) = Hostile::checking(vec![act]).check().await;
        unleashed.incident(IncidentCode::UrlRefused);
        the_next_connection_works().await;
    });
}

#[test]
fn methods_outside_the_contract_are_refused() {
    let asks = [
        "CONNECT",
        "TRACE",
        "OPTIONS",
        "PROPFIND",
        "",
        "GET /x HTTP/1.1\r\nX-A: b\r\n\r\nGET",
        "PATCH\0",
    ];
    let asks = asks.map(|method| Ask {
        method: method.to_owned(),
        ..Ask::get("https://psa.hostile.example/")
    });
    run(refused(asks.to_vec(), "method-refused"));
}

#[test]
fn requests_that_are_neither_reads_nor_declared_are_refused() {
    let asks = ["POST", "PUT", "PATCH", "DELETE"];
    let asks = asks.map(|method| Ask {
        method: method.to_owned(),
        ..Ask::get("https://psa.hostile.example/other")
    });
    run(refused(asks.to_vec(), "route-undeclared"));
}

#[test]
fn a_body_over_its_cap_is_refused() {
    let big = hostile_plugins::guest::Text::repeated("0123456789abcdef", (1 << 16) + 1);
    let ask = Ask {
        body: Some(big),
        ..Ask::post("https://psa.hostile.example/read/query")
    };
    run(refused(vec![ask], "request-too-large"));
}

#[test]
fn a_loopback_origin_that_no_setting_names_is_refused_even_in_development() {
    run(async {
        let named = Server::start(|_| json("{}"));
        let other = Server::start(|_| json("{}"));
        for url in [
            other.url("/"),
            format!("{}/", named.named_origin()),
            format!("{}/", other.origin().replace("127.0.0.1", "[::1]")),
        ] {
            let (unleashed, _) = Hostile::checking(vec![Act::Send(Ask::get(url))])
                .at(&named)
                .check()
                .await;
            unleashed.incident(IncidentCode::AddressRefused);
        }
        assert_eq!(other.lines().len() + named.lines().len(), 0);
        the_next_connection_works().await;
    });
}

#[test]
fn a_redirect_to_a_refused_address_is_handed_over_and_not_followed() {
    run(async {
        let inner = Server::start(|_| json("{\"inner\":true}"));
        let targets = [
            inner.url("/"),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "https://10.0.0.1/".to_owned(),
            "//psa.hostile.example/".to_owned(),
            "/elsewhere".to_owned(),
        ];
        for target in targets {
            for status in [
                "301 Moved",
                "302 Found",
                "303 See Other",
                "307 Temporary",
                "308 Permanent",
            ] {
                let target = target.clone();
                let server =
                    Server::start(move |_| answer(status, &[("location", &target)], "moved"));
                let ask = Ask::get(server.url("/start")).authenticated();
                let (unleashed, findings) = Hostile::checking(vec![Act::Send(ask)])
                    .at(&server)
                    .check()
                    .await;
                assert!(findings.unwrap()[0].starts_with(&status[..3]));
                unleashed.incident(IncidentCode::RedirectNotFollowed);
                assert_eq!(server.lines(), ["GET /start"]);
            }
        }
        assert!(inner.received().is_empty());
        the_next_connection_works().await;
    });
}

#[test]
fn a_write_has_no_spelling_that_passes_for_a_read() {
    run(async {
        let server = Server::start(|_| json("{}"));
        // As it is, in another case, encoded, with dots: all the same write. The rest
        // could be read in two ways.
        let same = [
            "/api/trigger",
            "/API/Trigger",
            "/api/%74rigger",
            "/api/./trigger",
            "/api/x/../trigger",
            "/api/%2e/trigger",
            "/api/trigger/",
            "/api/trigger?x=1",
            "/api/x/%2E%2e/trigger",
        ];
        let doubtful = [
            "//api/trigger",
            "/api//trigger",
            "/api/trigger;x=1",
            "/api%2ftrigger",
            "/api/trigger%5c",
            "/api/%2574rigger",
            "/api/trigger.",
            "/api/trigger%20",
            "/api/trigger%00",
            "/api/trigger//",
        ];
        for (paths, code) in [
            (&same[..], "write-outside-adjust"),
            (&doubtful[..], "url-refused"),
        ] {
            for path in paths {
                let act = Act::Send(Ask::get(server.url(path)));
                let (unleashed, _) = Hostile::checking(vec![act]).at(&server).check().await;
                assert_eq!(incident_codes(&unleashed.session), [code], "{path}");
            }
        }
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn a_head_of_what_is_a_write_as_get_is_a_write() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let ask = Ask {
            method: "HEAD".to_owned(),
            ..Ask::get(server.url("/api/trigger"))
        };
        let (unleashed, _) = Hostile::checking(vec![Act::Send(ask)])
            .at(&server)
            .check()
            .await;
        unleashed.incident(IncidentCode::WriteOutsideAdjust);
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn requests_in_configure_are_refused() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let acts = vec![Act::Send(Ask::get(server.url("/")))];
        let session = Hostile::new(Export::Configure, acts, Answer::Fair)
            .at(&server)
            .session()
            .await;
        session.connect().await.unwrap_err();
        assert_eq!(incident_codes(&session), ["request-at-wrong-time"]);
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn connections_past_the_host_are_refused() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let address = server.origin().trim_start_matches("http://").to_owned();
        let acts = vec![
            Act::Connect(address),
            Act::Connect("localhost:80".to_owned()),
            Act::LookAround,
        ];
        let (_unleashed, findings) = Hostile::checking(acts).at(&server).check().await;
        let findings = findings.unwrap();
        assert!(findings[0].starts_with("refused"), "{findings:?}");
        assert!(findings[1].starts_with("refused"), "{findings:?}");
        assert_eq!(
            findings[2],
            "variables=0 arguments=0 input=0 readable=0 written=false"
        );
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}
