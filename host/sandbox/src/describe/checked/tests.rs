use super::*;
use crate::bindings::psa_host::guest::types::Truth as WitTruth;

fn said() -> wit::Description {
    wit::Description {
        name: "example".to_owned(),
        label: "Example PSA".to_owned(),
        version: "1.2.3".to_owned(),
        terms: wit::Terms {
            account: "company".to_owned(),
            accounts: "companies".to_owned(),
            service: "service".to_owned(),
            services: "services".to_owned(),
            contract: "contract".to_owned(),
            line: "line".to_owned(),
        },
        fields: vec![plugin::Field {
            key: "secret".to_owned(),
            label: "Secret".to_owned(),
            help: String::new(),
            kind: plugin::FieldKind::Secret,
            scope: plugin::FieldScope::Connection,
            required: true,
        }],
        authentication: plugin::Authentication {
            headers: vec![plugin::HeaderTemplate {
                name: "Secret".to_owned(),
                value: "${secret}".to_owned(),
            }],
            scheme: plugin::Scheme::None,
        },
        hosts: vec!["api#.example.com".to_owned()],
        routes: vec![plugin::Route {
            method: "post".to_owned(),
            path: "**/{endpoint}/query".to_owned(),
            kind: plugin::RouteKind::Read,
        }],
        limits: plugin::RequestLimits {
            window: Some(plugin::Window {
                requests: 10_000,
                seconds: 3_600,
            }),
            at_once_per_endpoint: 2,
            instances: 4,
        },
        batches: wit::BatchLimits {
            accounts: 500,
            lines: 500,
        },
        longest_execution_seconds: 300,
        self_hosted: false,
        refusals: vec![wit::RefusalForm {
            status: 500,
            evidence: wit::RefusalEvidence::JsonMember("/errors".to_owned()),
            kinds: vec![wit::RefusalKind::Other],
        }],
        quantity: wit::QuantityModel {
            change: wit::ChangeKind::Delta,
            effect: wit::Effect::Dated,
            knows_posted: true,
            whole_numbers: true,
            largest: Some("1000".to_owned()),
            zero: wit::ZeroUnits::Unknown,
            repeat_date: WitTruth::No,
        },
    }
}

#[test]
fn a_sound_description_is_read_and_survives_json() {
    let read = Description::read(said()).unwrap();
    assert_eq!(read.routes[0].method, "POST");
    let json = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<Description>(&json).unwrap(), read);
}

#[test]
fn every_nonsense_is_named() {
    type Spoil = fn(&mut wit::Description);
    let cases: [(&str, Spoil); 16] = [
        ("`name` must be", |d| d.name = "Has Space".to_owned()),
        ("`version` must be", |d| d.version = "1.2".to_owned()),
        ("`label` must have", |d| d.label = " ".to_owned()),
        ("`label` has control", |d| {
            d.label = "a\u{1b}[31m".to_owned()
        }),
        ("`terms.account` must have", |d| {
            d.terms.account = "x".repeat(61)
        }),
        ("is declared twice", |d| d.fields.push(d.fields[0].clone())),
        ("field key", |d| d.fields[0].key = "${x}".to_owned()),
        ("which is no field", |d| {
            d.authentication.headers[0].value = "${other}".to_owned()
        }),
        ("is not closed", |d| {
            d.authentication.headers[0].value = "${other".to_owned()
        }),
        ("cannot be a header", |d| {
            d.authentication.headers[0].name = "Host".to_owned()
        }),
        ("cannot be a header", |d| {
            d.authentication.headers[0].name = "a b".to_owned()
        }),
        ("host pattern", |d| d.hosts[0] = "*".to_owned()),
        ("a route has the method", |d| {
            d.routes[0].method = "TRACE".to_owned()
        }),
        ("path", |d| d.routes[0].path = "x".to_owned()),
        ("limits.at-once-per-endpoint is 0", |d| {
            d.limits.at_once_per_endpoint = 0
        }),
        ("quantity.largest", |d| {
            d.quantity.largest = Some("-1".to_owned())
        }),
    ];
    for (expected, spoil) in cases {
        let mut description = said();
        spoil(&mut description);
        let problems = Description::read(description).unwrap_err();
        assert!(
            problems.iter().any(|p| p.contains(expected)),
            "{expected}: {problems:?}"
        );
    }
}

#[test]
fn a_secret_in_the_token_address_is_refused() {
    let mut description = said();
    description.authentication.scheme =
        plugin::Scheme::Oauth2ClientCredentials(plugin::Oauth2Template {
            request: plugin::TokenRequest::Form,
            token_url: "https://a.example/${secret}".to_owned(),
            client_id: "x".to_owned(),
            client_secret: "${secret}".to_owned(),
            scope: None,
            extra: Vec::new(),
        });
    let problems = Description::read(description).unwrap_err();
    assert_eq!(problems, ["the token address has a secret in it"]);
}

#[test]
fn templates_and_names_of_megabytes_are_refused_and_not_kept() {
    let mut description = said();
    description.authentication.headers[0].value = "x".repeat(9 << 20);
    let long = plugin::HeaderTemplate {
        name: "n".repeat(9 << 20),
        value: "${secret}".to_owned(),
    };
    description.authentication.headers.push(long);
    let problems = read(description).unwrap_err().join("; ");
    assert!(
        problems.contains("template of Secret has 9437184 bytes; at most 1024 are taken"),
        "{problems}"
    );
    assert!(
        problems.contains("a name of more than 100 bytes"),
        "{problems}"
    );
    assert!(problems.len() < 1_000, "{}", problems.len());
}
