//! What the plugin says of itself, in each disguise.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::hint::black_box;

use psa_connector_sdk::guest::Imports;
use psa_connector_sdk::{
    Authentication, BasicTemplate, ChangeKind, Description, Field, FieldKind, FieldScope,
    HeaderTemplate, Host as _, Oauth2Template, QuantityModel, RequestLimits, Route, RouteKind,
    Scheme, Terms, Truth, ZeroUnits,
};

use crate::{Ask, Disguise, MARK_BYTES, act};

/// Overwritten in the file by the tests. Read through `black_box`, or the compiler
/// would put its present value wherever it is used.
static MARK: [u8; MARK_BYTES] = *b"hostile-describe-as:honest......................";

fn disguise() -> Disguise {
    let mark: &[u8; MARK_BYTES] = black_box(&MARK);
    let name = mark.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default();
    let name = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    std::str::from_utf8(name).ok().and_then(Disguise::of).unwrap_or(Disguise::Honest)
}

pub fn describe() -> Description {
    let disguise = disguise();
    let mut description = fair();
    match disguise {
        Disguise::Honest => {}
        Disguise::Loops => act::compute_forever(),
        #[expect(clippy::panic, reason = "it is the misdeed")]
        Disguise::Panics => panic!("describe panics, as it was told to"),
        Disguise::Exits => std::process::exit(0),
        Disguise::Recurses => description.label = act::recurse(1).to_string(),
        Disguise::TakesMemory => act::take_memory(),
        Disguise::Requests => {
            description.label = act::send(&Ask::get("https://psa.hostile.example/"), &Imports).detail;
        }
        Disguise::Stores => {
            description.label = match Imports.storage_put("described", b"x") {
                Ok(()) => "stored".to_owned(),
                Err(error) => act::storage_words(&error),
            };
        }
        Disguise::Differs => {
            description.version = format!("1.0.{}", RandomState::new().hash_one(1) % 1_000_000);
        }
        Disguise::ManyFields => {
            description.fields = (0..1_000_000).map(|n| field(&format!("f{n}"), FieldKind::Text)).collect();
        }
        Disguise::LongLabel => description.label = "x".repeat(100 << 20),
        Disguise::Painted => {
            description.label = "\u{1b}[2J\u{1b}[31mAutotask\r\nOK \u{202e}sdrawkcab".to_owned();
            description.terms.account = "\u{7}account\u{0}".to_owned();
        }
        Disguise::EveryHost => description.hosts = vec!["*".to_owned()],
        Disguise::EveryCompany => description.hosts = vec!["*.com".to_owned()],
        Disguise::AddressAsHost => description.hosts = vec!["169.254.169.254".to_owned()],
        Disguise::OpenTemplate => description.authentication.headers = vec![header("x-api-key", "${secret")],
        Disguise::UnknownField => description.authentication.headers = vec![header("x-api-key", "${other}")],
        Disguise::SplitHeader => {
            description.authentication.headers = vec![header("x-api-key", "${secret}\r\nx-more: 1")];
        }
        Disguise::ReservedHeader => description.authentication.headers = vec![header("Host", "${secret}")],
        Disguise::SameKeyTwice => description.fields.push(field("secret", FieldKind::Text)),
        Disguise::TokenAnywhere => {
            description.authentication.scheme = Scheme::Oauth2ClientCredentials(Oauth2Template {
                token_url: "${script}".to_owned(),
                client_id: "hostile".to_owned(),
                client_secret: "${secret}".to_owned(),
                scope: None,
                extra: Vec::new(),
            });
        }
        Disguise::WriteAsRead => description.routes.push(route("POST", "**/write", RouteKind::Read)),
        Disguise::NoLimits => {
            description.limits.at_once_per_endpoint = 0;
            description.limits.instances = u32::MAX;
            description.limits.accounts_per_call = 0;
        }
        Disguise::NamedLikeAPath => description.name = "../../etc/passwd".to_owned(),
    }
    description
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
        routes: vec![
            route("POST", "**/read/query", RouteKind::Read),
            route("POST", "**/write", RouteKind::Write),
            route("GET", "**/trigger", RouteKind::Write),
        ],
        limits: RequestLimits {
            window: None,
            at_once_per_endpoint: 2,
            instances: 2,
            longest_execution_seconds: 60,
            accounts_per_call: 100,
            lines_per_call: 100,
        },
        quantity: QuantityModel {
            change: ChangeKind::Delta,
            effective_dated: true,
            whole_numbers: true,
            largest: None,
            zero: ZeroUnits::Unknown,
            repeat_date: Truth::Unknown,
        },
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
    HeaderTemplate { name: name.to_owned(), value: value.to_owned() }
}

fn route(method: &str, path: &str, kind: RouteKind) -> Route {
    Route { method: method.to_owned(), path: path.to_owned(), kind }
}
