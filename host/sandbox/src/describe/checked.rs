//! What a guest says of itself, looked at: all problems at once, for its author.

use std::collections::BTreeSet;

use psa_host_billing::rejection::RejectionKind;
use psa_host_billing::{Effect, QuantityModel, ZeroUnits, parse_decimal};

use super::{
    Authentication, Description, Field, FieldKind, FieldScope, HeaderTemplate, RefusalEvidence,
    RefusalForm, RequestLimits, Scheme, Terms, TokenRequest, Window, truth,
};
use crate::bindings::exports::psa_host::connector::connector as wit;
use crate::bindings::psa_host::guest::plugin;
use crate::{HostPattern, Route, RouteKind, Template};

const MAX_FIELDS: usize = 64;
const MAX_HOSTS: usize = 32;
const MAX_ROUTES: usize = 64;
const MAX_HEADERS: usize = 16;
const MAX_REFUSALS: usize = 32;
/// A template is a name or two and a few words: 1 KiB, so that what it renders is bounded.
const MAX_TEMPLATE: usize = 1 << 10;
/// Longest name of a header or of a field of a form.
const MAX_NAME: usize = 100;
/// 31 days.
const MAX_WINDOW: u32 = 31 * 86_400;

/// Take a description, or say everything that is wrong with it.
pub(super) fn read(said: wit::Description) -> Result<Description, Vec<String>> {
    let mut problems = Problems::default();
    let described = problems.description(said);
    if problems.0.is_empty() {
        Ok(described)
    } else {
        problems.0.truncate(20);
        Err(problems.0)
    }
}

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
            limits: self.limits(&said.limits, said.batches, said.longest_execution_seconds),
            self_hosted: said.self_hosted,
            refusals: self.refusals(said.refusals),
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

    fn fields(&mut self, said: Vec<plugin::Field>) -> Vec<Field> {
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
                    plugin::FieldKind::Text => FieldKind::Text,
                    plugin::FieldKind::Url => FieldKind::Url,
                    plugin::FieldKind::Secret => FieldKind::Secret,
                },
                scope: match field.scope {
                    plugin::FieldScope::Plugin => FieldScope::Plugin,
                    plugin::FieldScope::Connection => FieldScope::Connection,
                },
                required: field.required,
                key: field.key,
            });
        }
        fields
    }

    fn template(&mut self, what: &str, text: &str, fields: &[Field]) -> Template {
        let what = crate::text::clean(what, MAX_NAME);
        if text.len() > MAX_TEMPLATE {
            let size = text.len();
            self.add(format!(
                "template of {what} has {size} bytes; at most {MAX_TEMPLATE} are taken"
            ));
            return Template::default();
        }
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
        said: Vec<plugin::HeaderTemplate>,
        fields: &[Field],
    ) -> Vec<HeaderTemplate> {
        if said.len() > MAX_HEADERS {
            self.add(format!("more than {MAX_HEADERS} {what}"));
        }
        let mut names = BTreeSet::new();
        let mut templates = Vec::new();
        for said in said.into_iter().take(MAX_HEADERS) {
            if said.name.len() > MAX_NAME {
                self.add(format!(
                    "a name of more than {MAX_NAME} bytes among the {what}"
                ));
                continue;
            }
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

    fn authentication(&mut self, said: plugin::Authentication, fields: &[Field]) -> Authentication {
        let headers = self.header_templates("headers of the authentication", said.headers, fields);
        let set_by_scheme = match &said.scheme {
            plugin::Scheme::None => None,
            plugin::Scheme::EncodedPair(pair) => Some(pair.header.to_ascii_lowercase()),
            plugin::Scheme::Basic(_) | plugin::Scheme::Oauth2ClientCredentials(_) => {
                Some("authorization".to_owned())
            }
        };
        for HeaderTemplate { name, .. } in &headers {
            let lower = name.to_ascii_lowercase();
            if !can_authenticate(&lower) || set_by_scheme.as_ref() == Some(&lower) {
                self.add(format!("{name:?} cannot be a header of the authentication"));
            }
        }
        if let plugin::Scheme::EncodedPair(pair) = &said.scheme
            && !can_authenticate(&pair.header.to_ascii_lowercase())
        {
            let name = &pair.header;
            self.add(format!("{name:?} cannot be a header of the authentication"));
        }
        let scheme = match said.scheme {
            plugin::Scheme::None => Scheme::None,
            plugin::Scheme::Basic(basic) => Scheme::Basic {
                user: self.template("the user", &basic.user, fields),
                password: self.template("the password", &basic.password, fields),
            },
            plugin::Scheme::EncodedPair(pair) => {
                let user = self.template("the user", &pair.user, fields);
                let password = self.template("the password", &pair.password, fields);
                Scheme::EncodedPair {
                    header: pair.header,
                    user,
                    password,
                }
            }
            plugin::Scheme::Oauth2ClientCredentials(oauth) => {
                let token_url = self.template("the token address", &oauth.token_url, fields);
                let secret = |key: &str| {
                    let field = fields.iter().find(|field| field.key == key);
                    field.is_some_and(|field| field.kind == FieldKind::Secret)
                };
                if token_url.fields().any(secret) {
                    self.add("the token address has a secret in it");
                }
                Scheme::Oauth2ClientCredentials {
                    request: match oauth.request {
                        plugin::TokenRequest::Form => TokenRequest::Form,
                        plugin::TokenRequest::Json => TokenRequest::Json,
                    },
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

    fn routes(&mut self, said: Vec<plugin::Route>) -> Vec<Route> {
        self.check(said.len() <= MAX_ROUTES, "more than 64 routes");
        let mut routes = Vec::new();
        for route in said.into_iter().take(MAX_ROUTES) {
            let method = route.method.to_ascii_uppercase();
            if !["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"].contains(&method.as_str()) {
                self.add(format!("a route has the method {:?}", route.method));
            }
            let kind = match route.kind {
                plugin::RouteKind::Read => RouteKind::Read,
                plugin::RouteKind::Write => RouteKind::Write,
            };
            match route.path.parse() {
                Ok(path) => routes.push(Route { method, path, kind }),
                Err(error) => self.add(error.to_string()),
            }
        }
        routes
    }

    fn refusals(&mut self, said: Vec<wit::RefusalForm>) -> Vec<RefusalForm> {
        if said.len() > MAX_REFUSALS {
            self.add(format!("more than {MAX_REFUSALS} forms of a refusal"));
        }
        let mut forms = Vec::new();
        for form in said.into_iter().take(MAX_REFUSALS) {
            let evidence = match form.evidence {
                wit::RefusalEvidence::EmptyBody => RefusalEvidence::EmptyBody,
                wit::RefusalEvidence::JsonMember(pointer) => RefusalEvidence::JsonMember(pointer),
            };
            if let RefusalEvidence::JsonMember(pointer) = &evidence
                && !is_member(pointer)
            {
                self.add(format!(
                    "a form of a refusal names {pointer:?}, which is no JSON Pointer to a member"
                ));
            }
            let status = form.status;
            if !can_refuse(status, &evidence) {
                self.add(format!("an answer of status {status} cannot be a refusal"));
            }
            let mut kinds: Vec<RejectionKind> = form.kinds.into_iter().map(kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            if kinds.is_empty() {
                self.add(format!("the refusal of status {status} has no kind"));
            }
            forms.push(RefusalForm {
                status,
                evidence,
                kinds,
            });
        }
        forms
    }

    fn limits(
        &mut self,
        said: &plugin::RequestLimits,
        batches: wit::BatchLimits,
        longest_execution_seconds: u32,
    ) -> RequestLimits {
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
                longest_execution_seconds,
                0,
                86_400,
            ),
            accounts_per_call: range("batches.accounts", batches.accounts, 1, 10_000),
            lines_per_call: range("batches.lines", batches.lines, 1, 10_000),
        }
    }

    fn quantity(&mut self, said: &wit::QuantityModel) -> QuantityModel {
        let largest = said.largest.as_ref().map(|text| parse_decimal(text));
        let sane = largest.is_none_or(|n| n.is_some_and(|n| n > rust_decimal::Decimal::ZERO));
        self.check(sane, "quantity.largest must be a positive decimal number");
        self.check(
            said.change != wit::ChangeKind::Delta || said.effect != wit::Effect::Immediate,
            "a PSA that is told differences cannot be `immediate`: nobody could tell from its \
             units whether a doubtful change was made before or after another",
        );
        QuantityModel {
            delta: said.change == wit::ChangeKind::Delta,
            effect: match said.effect {
                wit::Effect::Dated => Effect::Dated,
                wit::Effect::Immediate => Effect::Immediate,
                wit::Effect::NextInvoice => Effect::NextInvoice,
            },
            knows_posted: said.knows_posted,
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

/// Whether a header of this name, in lower case, may carry credentials.
fn can_authenticate(lower: &str) -> bool {
    let token = reqwest::header::HeaderName::from_bytes(lower.as_bytes()).is_ok();
    token && (lower == "authorization" || !crate::http::is_reserved(lower))
}

/// What a gateway or a limiter says is no word of the PSA, and a success is no refusal.
fn can_refuse(status: u16, evidence: &RefusalEvidence) -> bool {
    match status {
        200 => matches!(evidence, RefusalEvidence::JsonMember(_)),
        408 | 425 | 429 | 502 | 503 | 504 => false,
        status => (400..=599).contains(&status),
    }
}

/// A JSON Pointer to a member: empty would be the whole document.
fn is_member(pointer: &str) -> bool {
    pointer.len() <= 200
        && pointer.starts_with('/')
        && !pointer.chars().any(crate::text::is_mischief)
}

fn is_key(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(crate) fn kind(said: wit::RefusalKind) -> RejectionKind {
    match said {
        wit::RefusalKind::DateAlreadyAdjusted => RejectionKind::DateAlreadyAdjusted,
        wit::RefusalKind::PeriodPosted => RejectionKind::PeriodPosted,
        wit::RefusalKind::OutsideContract => RejectionKind::OutsideContract,
        wit::RefusalKind::Permission => RejectionKind::Permission,
        wit::RefusalKind::Credentials => RejectionKind::Credentials,
        wit::RefusalKind::Other => RejectionKind::Other,
    }
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
mod tests;
