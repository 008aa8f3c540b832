//! What the plugin says of itself, in each disguise.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use psa_connector_sdk::guest::Imports;
use psa_connector_sdk::{
    Authentication, BasicTemplate, BatchLimits, ChangeKind, Description, Effect, Field, FieldKind,
    FieldScope, HeaderTemplate, Host as _, Oauth2Template, QuantityModel, RefusalEvidence,
    RefusalForm, RefusalKind, RequestLimits, Route, RouteKind, Scheme, Terms, TokenRequest, Truth,
    ZeroUnits,
};

use crate::{Ask, Disguise, MARK_BYTES, act};

/// Overwritten in the file by the tests. Read through `black_box`, or the compiler
/// would put its present value wherever it is used.
static MARK: [u8; MARK_BYTES] = *b"hostile-describe-as:honest......................";

fn disguise() -> Disguise {
    let mark: &[u8; MARK_BYTES] = black_box(&MARK);
    let name = mark
        .splitn(2, |byte| *byte == b':')
        .nth(1)
        .unwrap_or_default();
    let name = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    std::str::from_utf8(name)
        .ok()
        .and_then(Disguise::of)
        .unwrap_or(Disguise::Honest)
}

pub fn describe() -> Description {
    let disguise = disguise();
    let mut description = fair();
    match disguise {
        Disguise::Honest => {}
        Disguise::Loops => act::compute_forever(),
        Disguise::Exits => std::process::exit(0),
        Disguise::ManyFields => {
            description.fields = (0..1_000_000)
                .map(|n| field(&format!("f{n}"), FieldKind::Text))
                .collect();
        }
        Disguise::Meddles => {
            let request = act::send(&Ask::get("https://psa.hostile.example/"), &Imports).detail;
            let stored = match Imports.storage_put("described", b"x") {
                Ok(()) => "stored".to_owned(),
                Err(error) => act::storage_words(&error),
            };
            description.label = format!("{request:.40} {stored:.40}");
        }
        Disguise::Differs => {
            description.version = format!("1.0.{}", RandomState::new().hash_one(1) % 1_000_000);
        }
        Disguise::Clocks => {
            let wall = std::time::SystemTime::now();
            let wall = wall.duration_since(std::time::UNIX_EPOCH);
            let wall = wall.unwrap_or_default().as_micros() % 1_000_000;
            // What the other clock shows cannot be had but by what passes on it.
            let begun = std::time::Instant::now();
            std::thread::sleep(std::time::Duration::from_millis(3));
            let passed = begun.elapsed().as_nanos() % 1_000_000;
            description.version = format!("1.{wall}.{passed}");
        }
        Disguise::Counts => {
            static ASKED: AtomicU32 = AtomicU32::new(0);
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            description.version = format!("1.0.{asked}");
        }
        Disguise::Nonsense => nonsense(&mut description),
        Disguise::Token => {
            description.authentication.headers.clear();
            description.authentication.scheme = token_from("${base-url}/token");
        }
        Disguise::TokenAnywhere => description.authentication.scheme = token_from("${script}"),
    }
    description
}

fn token_from(url: &str) -> Scheme {
    Scheme::Oauth2ClientCredentials(Oauth2Template {
        token_url: url.to_owned(),
        request: TokenRequest::Form,
        client_id: "hostile".to_owned(),
        client_secret: "${secret}".to_owned(),
        scope: None,
        extra: Vec::new(),
    })
}

fn nonsense(description: &mut Description) {
    description.name = "../../etc/passwd".to_owned();
    // Clears the screen, writes red, rings, and turns the line around.
    description.label = "\u{1b}[2J\u{1b}[31mAutotask\r\nOK \u{202e}sdrawkcab\u{7}".to_owned();
    for host in ["*", "*.com", "169.254.169.254"] {
        description.hosts.push(host.to_owned());
    }
    description.fields.push(field("secret", FieldKind::Text));
    description.authentication.headers.extend([
        header("x-open", "${secret"),
        header("x-unknown", "${other}"),
        header("x-split", "${secret}\r\nx-more: 1"),
        header("Host", "${secret}"),
    ]);
    description
        .routes
        .push(route("CONNECT", "*", RouteKind::Read));
    description.limits.at_once_per_endpoint = 0;
    description.limits.instances = u32::MAX;
    description.batches.accounts = 0;
}

fn fair() -> Description {
    Description {
        name: "hostile".to_owned(),
        label: "Hostile".to_owned(),
        version: "0.1.0".to_owned(),
        terms: Terms {
            account: "account".to_owned(),
            accounts: "accounts".to_owned(),
            service: "service".to_owned(),
            services: "services".to_owned(),
            contract: "contract".to_owned(),
            line: "line".to_owned(),
        },
        fields: vec![
            field("script", FieldKind::Text),
            field("base-url", FieldKind::Url),
            field("secret", FieldKind::Secret),
        ],
        authentication: Authentication {
            headers: vec![header("x-api-key", "${secret}")],
            scheme: Scheme::Basic(BasicTemplate {
                user: "hostile".to_owned(),
                password: "${secret}".to_owned(),
            }),
        },
        hosts: vec![
            "psa.hostile.example".to_owned(),
            "asked.hostile.example".to_owned(),
            "*.zone.hostile.example".to_owned(),
        ],
        self_hosted: false,
        routes: vec![
            route("POST", "**/read/query", RouteKind::Read),
            route("POST", "**/write", RouteKind::Write),
            route("GET", "**/trigger", RouteKind::Write),
            // As if it could be both.
            route("POST", "**/both", RouteKind::Write),
            route("POST", "**/both", RouteKind::Read),
        ],
        limits: RequestLimits {
            window: None,
            at_once_per_endpoint: 2,
            instances: 2,
        },
        batches: BatchLimits {
            accounts: 100,
            lines: 100,
        },
        longest_execution_seconds: 60,
        quantity: QuantityModel {
            change: ChangeKind::Delta,
            effect: Effect::Dated,
            knows_posted: true,
            whole_numbers: true,
            largest: None,
            zero: ZeroUnits::Unknown,
            repeat_date: Truth::Unknown,
        },
        refusals: vec![
            RefusalForm {
                status: 400,
                evidence: RefusalEvidence::JsonMember("/errors".to_owned()),
                kinds: vec![RefusalKind::Other, RefusalKind::DateAlreadyAdjusted],
            },
            RefusalForm {
                status: 401,
                evidence: RefusalEvidence::EmptyBody,
                kinds: vec![RefusalKind::Other, RefusalKind::Credentials],
            },
        ],
    }
}

fn field(key: &str, kind: FieldKind) -> Field {
    Field {
        key: key.to_owned(),
        label: key.to_owned(),
        help: String::new(),
        kind,
        scope: FieldScope::Connection,
        required: false,
    }
}

fn header(name: &str, value: &str) -> HeaderTemplate {
    HeaderTemplate {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn route(method: &str, path: &str, kind: RouteKind) -> Route {
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        kind,
    }
}
