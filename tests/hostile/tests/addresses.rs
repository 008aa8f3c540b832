//! Addresses inside: as literals in every spelling, and behind names.

use hostile_plugins::guest::{Act, Ask};
use hostile_plugins::{
    Hostile, Server, hostile, incident_codes, json, name_of, names_of, run, sandbox_in,
    the_next_connection_works,
};
use psa_host_sandbox::{IncidentCode, Network};

/// What each of these requests is refused for.
async fn refused(hosts: &[&str], code: &str) {
    let acts = hosts
        .iter()
        .map(|host| Act::Send(Ask::get(format!("https://{host}/"))));
    let (unleashed, findings) = Hostile::checking(acts.collect()).check().await;
    for (host, finding) in hosts.iter().zip(findings.unwrap()) {
        assert!(
            finding.starts_with("SendFailureKind::Denied sent=false"),
            "{host}: {finding}"
        );
    }
    assert_eq!(
        incident_codes(&unleashed.session),
        [code],
        "{:#?}",
        unleashed.session.incidents()
    );
}

#[test]
fn an_address_inside_is_refused_as_a_literal() {
    run(async {
        let loopback = ["127.0.0.1", "127.255.255.254", "[::1]", "0.0.0.0", "[::]"];
        let private = [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "[fc00::1]",
            "[fd12:3456::1]",
        ];
        let link_local = ["169.254.1.1", "[fe80::1]"];
        let metadata = [
            "169.254.169.254",
            "[fd00:ec2::254]",
            "168.63.129.16",
            "100.100.100.200",
        ];
        for hosts in [&loopback[..], &private, &link_local, &metadata] {
            refused(hosts, "ip-literal").await;
        }
        the_next_connection_works().await;
    });
}

#[test]
fn a_public_address_is_refused_as_a_literal_too() {
    run(async {
        refused(
            &["93.184.216.34", "[2606:2800:220:1::1]", "8.8.8.8:443"],
            "ip-literal",
        )
        .await;
        the_next_connection_works().await;
    });
}

#[test]
fn no_spelling_of_an_ip_literal_gets_through() {
    let loopback = [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7F.0x0.0x0.0x1",
        "0177.0.0.1",
        "017700000001",
        "0177.0.1",
        "0",
        "127.0.0.1.",
        "127.0.0.1:443",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
        "１２７.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
    ];
    let six = [
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[0000:0000:0000:0000:0000:0000:0000:0001]",
    ];
    let metadata = [
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.16689662",
        "[::ffff:169.254.169.254]",
    ];
    run(async {
        for hosts in [&loopback[..], &six, &metadata] {
            refused(hosts, "ip-literal").await;
        }
        the_next_connection_works().await;
    });
}

#[test]
fn spellings_that_no_parser_should_take_are_refused() {
    run(async {
        refused(
            &[
                "[fe80::1%25eth0]",
                "[::1",
                "256.256.256.256",
                "0x7f.0.0.0.1.1",
                "127.0.0.1%00.psa.hostile.example",
            ],
            "url-refused",
        )
        .await;
        the_next_connection_works().await;
    });
}

#[test]
fn a_granted_name_that_resolves_to_an_address_inside_is_refused() {
    let inside = [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "4000::1",
    ];
    run(async {
        for address in inside {
            let url = format!("https://{}/", name_of(address));
            let (unleashed, findings) = Hostile::checking(vec![Act::Send(Ask::get(url))])
                .check()
                .await;
            assert!(
                findings.unwrap()[0].starts_with("SendFailureKind::Denied sent=false"),
                "{address}"
            );
            let incident = unleashed.incident(IncidentCode::AddressRefused);
            assert!(
                incident.message.contains("resolves to"),
                "{}",
                incident.message
            );
        }
        the_next_connection_works().await;
    });
}

#[test]
fn a_name_with_addresses_inside_only_is_refused_however_many_they_are() {
    run(async {
        let names = [
            names_of(&["192.168.1.1", "10.0.0.1"]),
            names_of(&["fc00::1", "64:ff9b::a00:1", "::1"]),
        ];
        let hosts: Vec<&str> = names.iter().map(String::as_str).collect();
        refused(&hosts, "address-refused").await;
        the_next_connection_works().await;
    });
}

#[test]
fn a_name_that_resolves_to_an_address_inside_only_at_the_second_lookup_is_refused_then() {
    run(async {
        // `localhost` is 10.0.0.1 and this computer first, and 10.0.0.1 alone later: what
        // is inside is left out, and alone refuses the name. It stands for a public name
        // here, which would need the internet for the first request; each new connection
        // of either kind passes the same check.
        let server = Server::start(|_| json("{}"));
        let ask = Ask::get(format!("{}/", server.named_origin()));
        let hostile = Hostile::checking(vec![Act::Send(ask.clone()), Act::Send(ask)])
            .at_url(&server.named_origin());
        let (unleashed, findings) = hostile.check().await;
        let findings = findings.unwrap();
        assert_eq!(findings[0], "200 {}");
        assert!(
            findings[1].starts_with("SendFailureKind::Denied sent=false"),
            "{findings:?}"
        );
        let incident = unleashed.incident(IncidentCode::AddressRefused);
        assert!(
            incident.message.contains("10.0.0.1"),
            "{}",
            incident.message
        );
        assert_eq!(server.lines().len(), 1);
        the_next_connection_works().await;
    });
}

#[test]
fn a_name_that_does_not_exist_is_no_incident() {
    run(async {
        let act = Act::Send(Ask::get("https://psa.hostile.example/"));
        let (unleashed, findings) = Hostile::checking(vec![act]).check().await;
        assert!(findings.unwrap()[0].starts_with("SendFailureKind::Unreachable sent=false"));
        assert_eq!(incident_codes(&unleashed.session), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn a_proxy_that_only_the_environment_names_is_said_where_there_is_no_connection() {
    run(async {
        let named = |name: &str| (name == "HTTPS_PROXY").then(|| "http://127.0.0.1:1".into());
        let sandbox = sandbox_in(Network::of_environment(named));
        let plugin = sandbox.load(&hostile()).await.unwrap();
        let act = Act::Send(Ask::get("https://psa.hostile.example/"));
        let hostile = Hostile::checking(vec![act]).from(plugin);
        let (_, findings) = hostile.check().await;
        let finding = &findings.unwrap()[0];
        assert!(
            finding.starts_with("SendFailureKind::Unreachable sent=false"),
            "{finding}"
        );
        assert!(finding.contains("HTTPS_PROXY"), "{finding}");
    });
}
