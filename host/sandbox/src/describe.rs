//! What a plugin says of itself, checked: after this, names are names, templates refer
//! to declared fields, hosts are patterns and routes are routes.

use std::collections::BTreeSet;

use psa_host_billing::{QuantityModel, Truth, ZeroUnits, parse_decimal};
use serde::{Deserialize, Serialize};

use crate::bindings::exports::psa_host::connector::connector as wit;
use crate::bindings::psa_host::connector::types::Truth as WitTruth;
use crate::{HostPattern, Route, RouteKind, Template};

/// A plugin's description of itself. Its texts are a stranger's: bounded and without
/// control characters, but nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// `[a-z][a-z0-9-]*`; a claim.
    pub name: String,
    /// As people read it.
    pub label: String,
    /// Semver.
    pub version: String,
    /// What this PSA calls things.
    pub terms: Terms,
    /// Settings and secrets it needs.
    pub fields: Vec<Field>,
    /// How the host authenticates its requests.
    pub authentication: Authentication,
    /// Hosts it asks for.
    pub hosts: Vec<HostPattern>,
    /// Which requests are reads and which are writes.
    pub routes: Vec<Route>,
    /// What its PSA stands.
    pub limits: RequestLimits,
    /// How its PSA counts.
    pub quantity: QuantityModel,
}

/// What a PSA calls things, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the PSA's word for the word")]
pub struct Terms {
    pub account: String,
    pub accounts: String,
    pub service: String,
    pub services: String,
    pub contract: String,
    pub line: String,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Plain text.
    Text,
    /// An https address within the grant.
    Url,
    /// Never given to the plugin.
    Secret,
}

/// Of whom a field is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldScope {
    /// Once per plugin, of the operator.
    Plugin,
    /// Once per connection, of the MSP admin.
    Connection,
}

/// A setting or secret that a plugin needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// `[a-z][a-z0-9-]*`, unique in the plugin.
    pub key: String,
    /// As people read it.
    pub label: String,
    /// One or two sentences.
    pub help: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Of whom it is asked.
    pub scope: FieldScope,
    /// Whether nothing works without it.
    pub required: bool,
}

/// A header, or a field of a form, with a template for its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderTemplate {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Template,
}

/// How requests are authenticated besides plain headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scheme {
    /// Only by headers.
    None,
    /// HTTP Basic.
    Basic {
        /// User name.
        user: Template,
        /// Password.
        password: Template,
    },
    /// OAuth2 client credentials; the host fetches, keeps and renews the token.
    Oauth2ClientCredentials {
        /// Where tokens are got.
        token_url: Template,
        /// Client id.
        client_id: Template,
        /// Client secret.
        client_secret: Template,
        /// Scope asked for.
        scope: Option<String>,
        /// Further fields of the form.
        extra: Vec<HeaderTemplate>,
    },
}

/// The declared authentication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Headers that only the host sets.
    pub headers: Vec<HeaderTemplate>,
    /// What else.
    pub scheme: Scheme,
}

/// So many requests in a rolling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// How many, of everybody together.
    pub requests: u32,
    /// How long, in seconds; at most 31 days.
    pub seconds: u32,
}

impl Window {
    pub(crate) fn length(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::from(self.seconds))
    }
}

/// What a PSA stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLimits {
    /// Requests in a rolling window.
    pub window: Option<Window>,
    /// Requests at once on one endpoint; 1 to 64.
    pub at_once_per_endpoint: u32,
    /// Instances side by side on one tenant; 1 to 64.
    pub instances: u32,
    /// The longest the PSA works on one request; at most a day.
    pub longest_execution_seconds: u32,
    /// Most accounts in one `list_contracts`; 1 to 10,000.
    pub accounts_per_call: u32,
    /// Most lines in one `read_lines`; 1 to 10,000.
    pub lines_per_call: u32,
}

impl Description {
    /// The field with this key.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The fields asked of one person.
    pub fn fields_of(&self, scope: FieldScope) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.scope == scope)
    }

    /// Check what the guest said. All problems at once, for its author.
    pub(crate) fn read(said: wit::Description) -> Result<Self, Vec<String>> {
        let mut problems = Problems::default();
        let described = problems.description(said);
        if problems.0.is_empty() {
            Ok(described)
        } else {
            problems.0.truncate(20);
            Err(problems.0)
        }
    }
}

const MAX_FIELDS: usize = 64;
const MAX_HOSTS: usize = 32;
const MAX_ROUTES: usize = 64;
const MAX_HEADERS: usize = 16;
/// 31 days.
const MAX_WINDOW: u32 = 31 * 86_400;

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        self.0.push(crate::text::clean(&problem.into(), 300));
    }

    fn check(&mut self, right: bool, problem: &str) {
        if !right {
            self.add(problem);
        }
    }

    fn description(&mut self, said: wit::Description) -> Description {
        self.check(
            is_key(&said.name),
            "`name` must be `[a-z][a-z0-9-]*` of at most 64 characters",
        );
        self.check(is_version(&said.version), "`version` must be like `1.2.3`");
        let fields = self.fields(said.fields);
        let authentication = self.authentication(said.authentication, &fields);
        Description {
            label: self.text("label", &said.label, 100),
            terms: self.terms(&said.terms),
            hosts: self.hosts(&said.hosts),
            routes: self.routes(said.routes),
            limits: self.limits(&said.limits),
            quantity: self.quantity(&said.quantity),
            name: said.name,
            version: said.version,
            fields,
            authentication,
        }
    }

    /// A text for people: not empty, not long, nothing but characters.
    fn text(&mut self, what: &str, text: &str, most: usize) -> String {
        if text.trim().is_empty() || text.chars().count() > most {
            self.add(format!("`{what}` must have 1 to {most} characters"));
        } else if text.chars().any(crate::text::is_mischief) {
            self.add(format!("`{what}` has control characters"));
        }
        crate::text::clean(text, most)
    }

    fn terms(&mut self, said: &wit::Terms) -> Terms {
        let mut term = |what: &str, text: &str| self.text(&format!("terms.{what}"), text, 60);
        Terms {
            account: term("account", &said.account),
            accounts: term("accounts", &said.accounts),
            service: term("service", &said.service),
            services: term("services", &said.services),
            contract: term("contract", &said.contract),
            line: term("line", &said.line),
        }
    }

    fn fields(&mut self, said: Vec<wit::Field>) -> Vec<Field> {
        self.check(said.len() <= MAX_FIELDS, "more than 64 fields");
        let mut keys = BTreeSet::new();
        let mut fields = Vec::new();
        for field in said.into_iter().take(MAX_FIELDS) {
            if !is_key(&field.key) {
                self.add(format!(
                    "field key {:?} must be `[a-z][a-z0-9-]*`",
                    field.key
                ));
            }
            if !keys.insert(field.key.clone()) {
                self.add(format!("field {:?} is declared twice", field.key));
            }
            let label = self.text(&format!("label of {}", field.key), &field.label, 100);
            let help = crate::text::words(&field.help);
            fields.push(Field {
                label,
                help,
                kind: match field.kind {
                    wit::FieldKind::Text => FieldKind::Text,
                    wit::FieldKind::Url => FieldKind::Url,
                    wit::FieldKind::Secret => FieldKind::Secret,
                },
                scope: match field.scope {
                    wit::FieldScope::Plugin => FieldScope::Plugin,
                    wit::FieldScope::Connection => FieldScope::Connection,
                },
                required: field.required,
                key: field.key,
            });
        }
        fields
    }

    fn template(&mut self, what: &str, text: &str, fields: &[Field]) -> Template {
        let template = text.parse().unwrap_or_else(|error| {
            self.add(format!("template of {what}: {error}"));
            Template::default()
        });
        for key in template.fields() {
            if !fields.iter().any(|field| field.key == key) {
                self.add(format!(
                    "template of {what} names {key:?}, which is no field"
                ));
            }
        }
        template
    }

    fn header_templates(
        &mut self,
        what: &str,
        said: Vec<wit::HeaderTemplate>,
        fields: &[Field],
    ) -> Vec<HeaderTemplate> {
        if said.len() > MAX_HEADERS {
            self.add(format!("more than {MAX_HEADERS} {what}"));
        }
        let mut names = BTreeSet::new();
        let mut templates = Vec::new();
        for said in said.into_iter().take(MAX_HEADERS) {
            if !names.insert(said.name.to_ascii_lowercase()) {
                self.add(format!("{:?} stands twice among the {what}", said.name));
            }
            let value = self.template(&said.name, &said.value, fields);
            templates.push(HeaderTemplate {
                name: said.name,
                value,
            });
        }
        templates
    }

    fn authentication(&mut self, said: wit::Authentication, fields: &[Field]) -> Authentication {
        let headers = self.header_templates("headers of the authentication", said.headers, fields);
        let scheme_sets_it = !matches!(said.scheme, wit::Scheme::None);
        for HeaderTemplate { name, .. } in &headers {
            let lower = name.to_ascii_lowercase();
            let token = reqwest::header::HeaderName::from_bytes(lower.as_bytes()).is_ok();
            let own = lower == "authorization";
            if !token || (crate::http::is_reserved(&lower) && !own) || (own && scheme_sets_it) {
                self.add(format!("{name:?} cannot be a header of the authentication"));
            }
        }
        let scheme = match said.scheme {
            wit::Scheme::None => Scheme::None,
            wit::Scheme::Basic(basic) => Scheme::Basic {
                user: self.template("the user", &basic.user, fields),
                password: self.template("the password", &basic.password, fields),
            },
            wit::Scheme::Oauth2ClientCredentials(oauth) => {
                let token_url = self.template("the token address", &oauth.token_url, fields);
                let secret = |key: &str| {
                    let field = fields.iter().find(|field| field.key == key);
                    field.is_some_and(|field| field.kind == FieldKind::Secret)
                };
                if token_url.fields().any(secret) {
                    self.add("the token address has a secret in it");
                }
                Scheme::Oauth2ClientCredentials {
                    client_id: self.template("the client id", &oauth.client_id, fields),
                    client_secret: self.template("the client secret", &oauth.client_secret, fields),
                    extra: self.header_templates("fields of the token form", oauth.extra, fields),
                    scope: oauth.scope.map(|scope| crate::text::name(&scope)),
                    token_url,
                }
            }
        };
        Authentication { headers, scheme }
    }

    fn hosts(&mut self, said: &[String]) -> Vec<HostPattern> {
        self.check(said.len() <= MAX_HOSTS, "more than 32 host patterns");
        let mut hosts = Vec::new();
        for text in said.iter().take(MAX_HOSTS) {
            match text.parse::<HostPattern>() {
                Ok(pattern) if hosts.contains(&pattern) => {}
                Ok(pattern) => hosts.push(pattern),
                Err(error) => self.add(error.to_string()),
            }
        }
        hosts
    }

    fn routes(&mut self, said: Vec<wit::Route>) -> Vec<Route> {
        self.check(said.len() <= MAX_ROUTES, "more than 64 routes");
        let mut routes = Vec::new();
        for route in said.into_iter().take(MAX_ROUTES) {
            let method = route.method.to_ascii_uppercase();
            if !["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"].contains(&method.as_str()) {
                self.add(format!("a route has the method {:?}", route.method));
            }
            let kind = match route.kind {
                wit::RouteKind::Read => RouteKind::Read,
                wit::RouteKind::Write => RouteKind::Write,
            };
            match route.path.parse() {
                Ok(path) => routes.push(Route { method, path, kind }),
                Err(error) => self.add(error.to_string()),
            }
        }
        routes
    }

    fn limits(&mut self, said: &wit::RequestLimits) -> RequestLimits {
        let mut range = |what: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                self.add(format!(
                    "limits.{what} is {value}; it must be {least} to {most}"
                ));
            }
            value
        };
        RequestLimits {
            window: said.window.map(|window| Window {
                requests: range("window.requests", window.requests, 4, u32::MAX),
                seconds: range("window.seconds", window.seconds, 1, MAX_WINDOW),
            }),
            at_once_per_endpoint: range("at-once-per-endpoint", said.at_once_per_endpoint, 1, 64),
            instances: range("instances", said.instances, 1, 64),
            longest_execution_seconds: range(
                "longest-execution-seconds",
                said.longest_execution_seconds,
                0,
                86_400,
            ),
            accounts_per_call: range("accounts-per-call", said.accounts_per_call, 1, 10_000),
            lines_per_call: range("lines-per-call", said.lines_per_call, 1, 10_000),
        }
    }

    fn quantity(&mut self, said: &wit::QuantityModel) -> QuantityModel {
        let largest = said.largest.as_ref().map(|text| parse_decimal(text));
        let sane = largest.is_none_or(|n| n.is_some_and(|n| n > rust_decimal::Decimal::ZERO));
        self.check(sane, "quantity.largest must be a positive decimal number");
        QuantityModel {
            delta: said.change == wit::ChangeKind::Delta,
            effective_dated: said.effective_dated,
            whole_numbers: said.whole_numbers,
            largest: largest.flatten(),
            zero: match said.zero {
                wit::ZeroUnits::Allowed => ZeroUnits::Allowed,
                wit::ZeroUnits::Refused => ZeroUnits::Refused,
                wit::ZeroUnits::Unknown => ZeroUnits::Unknown,
            },
            repeat_date: truth(said.repeat_date),
        }
    }
}

pub(crate) fn truth(said: WitTruth) -> Truth {
    match said {
        WitTruth::No => Truth::No,
        WitTruth::Yes => Truth::Yes,
        WitTruth::Unknown => Truth::Unknown,
    }
}

fn is_key(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `1.2.3`, with an optional `-pre.1` or `+build`.
fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let number = |n: &&str| (1..=6).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-+.".contains(&b);
    numbers.len() == 3
        && numbers.iter().all(number)
        && text.len() <= 40
        && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            fields: vec![wit::Field {
                key: "secret".to_owned(),
                label: "Secret".to_owned(),
                help: String::new(),
                kind: wit::FieldKind::Secret,
                scope: wit::FieldScope::Connection,
                required: true,
            }],
            authentication: wit::Authentication {
                headers: vec![wit::HeaderTemplate {
                    name: "Secret".to_owned(),
                    value: "${secret}".to_owned(),
                }],
                scheme: wit::Scheme::None,
            },
            hosts: vec!["api#.example.com".to_owned()],
            routes: vec![wit::Route {
                method: "post".to_owned(),
                path: "**/{endpoint}/query".to_owned(),
                kind: wit::RouteKind::Read,
            }],
            limits: wit::RequestLimits {
                window: Some(wit::Window {
                    requests: 10_000,
                    seconds: 3_600,
                }),
                at_once_per_endpoint: 2,
                instances: 4,
                longest_execution_seconds: 300,
                accounts_per_call: 500,
                lines_per_call: 500,
            },
            quantity: wit::QuantityModel {
                change: wit::ChangeKind::Delta,
                effective_dated: true,
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
            wit::Scheme::Oauth2ClientCredentials(wit::Oauth2Template {
                token_url: "https://a.example/${secret}".to_owned(),
                client_id: "x".to_owned(),
                client_secret: "${secret}".to_owned(),
                scope: None,
                extra: Vec::new(),
            });
        let problems = Description::read(description).unwrap_err();
        assert_eq!(problems, ["the token address has a secret in it"]);
    }
}
