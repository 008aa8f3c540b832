//! What the connector says about itself and about Autotask.

use psa_connector_sdk::{
    Authentication, BatchLimits, ChangeKind, Description, Effect, Field, FieldKind, FieldScope,
    HeaderTemplate, QuantityModel, RequestLimits, Route, RouteKind, Scheme, Terms, Truth, Window,
    ZeroUnits,
};

use crate::{answers, refusal};

/// Most keys in one `in` list, and most rows in one page [DOC Thresholds_Limits: 500 or
/// fewer 'OR' conditions; LIVE: MaxRecords must be between 1 and 500].
pub(crate) const MOST_KEYS: usize = 500;
pub(crate) const PAGE: u32 = 500;

/// Twice `MOST_KEYS`: `in` lists are filled over the whole call, and only the last one of a
/// call comes back part empty; few enough that several instances share a large tenant
/// evenly.
pub(crate) const ACCOUNTS_PER_CALL: u32 = 1000;
/// With the services asked for beside their contracts, still one query (`reading`).
const LINES_PER_CALL: u32 = 450;

/// `unitChange` and `units` are int32 [OAS].
pub(crate) const LARGEST_UNITS: i64 = i32::MAX as i64;

pub(crate) const SETTING_USER: &str = "username";
pub(crate) const SETTING_BASE_URL: &str = "base-url";

pub(crate) fn description() -> Description {
    Description {
        name: "autotask".to_owned(),
        label: "Autotask".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        terms: Terms {
            account: "Autotask company".to_owned(),
            accounts: "Autotask companies".to_owned(),
            service: "Autotask service".to_owned(),
            services: "Autotask services".to_owned(),
            contract: "recurring service contract".to_owned(),
            line: "contract service".to_owned(),
        },
        fields: fields(),
        // Three headers on every call [DOC REST_Security_Auth; OAS].
        authentication: Authentication {
            headers: vec![
                header("ApiIntegrationCode", "${integration-code}"),
                header("UserName", "${username}"),
                header("Secret", "${secret}"),
            ],
            scheme: Scheme::None,
        },
        // The un-numbered host fronts the zone lookup; zones are numbered without a
        // fixed list (31 and more exist) [LIVE], but for two pre-release ones, German and
        // Spanish [CODE, several clients].
        hosts: vec![
            "webservices.autotask.net".to_owned(),
            "webservices#.autotask.net".to_owned(),
            "prde.autotask.net".to_owned(),
            "pres.autotask.net".to_owned(),
        ],
        // Autotask is hosted by its vendor alone.
        self_hosted: false,
        routes: routes(),
        limits: RequestLimits {
            // Per database, for all integrations together, rolling [DOC Thresholds_Limits].
            window: Some(Window {
                requests: 10_000,
                seconds: 3600,
            }),
            // Autotask allows 3 per tracking identifier and endpoint [DOC ThreadLimiting]
            // and frees a slot slightly after its answer [LIVE]: so 2.
            at_once_per_endpoint: 2,
            // Companies, contracts, lines and units are endpoints of their own, with two slots
            // each; an instance asks them one after the other. So many keep the slots of the
            // longest lists in use.
            instances: 4,
        },
        batches: BatchLimits {
            accounts: ACCOUNTS_PER_CALL,
            lines: LINES_PER_CALL,
        },
        // REST execution timeout of 5 minutes [CODE].
        longest_execution_seconds: 300,
        quantity: QuantityModel {
            change: ChangeKind::Delta,
            effect: Effect::Dated,
            // `approveAndPostDate` of each unit row [OAS].
            knows_posted: true,
            whole_numbers: true,
            largest: Some(LARGEST_UNITS.to_string()),
            // A client in production never sends a change to 0; the rule is [?].
            zero: ZeroUnits::Unknown,
            // "Attempt to insert duplicate data into contract_service_period" [LIVE].
            repeat_date: Truth::No,
        },
        refusals: refusal::forms(),
    }
}

fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field {
            key: "integration-code".to_owned(),
            label: "API tracking identifier".to_owned(),
            help: "The integration code that Autotask gave your product as a vendor. MSPs never see it.".to_owned(),
            kind: FieldKind::Secret,
            scope: FieldScope::Plugin,
            required: true,
        },
        Field {
            key: SETTING_USER.to_owned(),
            label: "User name".to_owned(),
            help: "The Username (Key) of the API user in Autotask: Admin > Resources/Users > New API User.".to_owned(),
            kind: FieldKind::Text,
            scope: FieldScope::Connection,
            required: true,
        },
        Field {
            key: "secret".to_owned(),
            label: "Secret".to_owned(),
            help: "The Password (Secret) of the API user. Autotask shows it once, when it is generated.".to_owned(),
            kind: FieldKind::Secret,
            scope: FieldScope::Connection,
            required: true,
        },
        Field {
            key: SETTING_BASE_URL.to_owned(),
            label: "Zone lookup address".to_owned(),
            help: format!("Leave empty. Only for test systems: what stands in for {}", crate::zone::DEFAULT_BASE_URL),
            kind: FieldKind::Url,
            scope: FieldScope::Connection,
            required: false,
        },
    ];
    fields.extend(answers::fields());
    fields
}

fn routes() -> Vec<Route> {
    let route = |method: &str, path: &str, kind| Route {
        method: method.to_owned(),
        path: path.to_owned(),
        kind,
    };
    vec![
        route("GET", "**/V1.0/{endpoint}", RouteKind::Read),
        route(
            "GET",
            "**/V1.0/{endpoint}/entityInformation",
            RouteKind::Read,
        ),
        route(
            "GET",
            "**/V1.0/{endpoint}/entityInformation/fields",
            RouteKind::Read,
        ),
        route("POST", "**/V1.0/{endpoint}/query", RouteKind::Read),
        route(
            "POST",
            "**/V1.0/ContractServiceAdjustments",
            RouteKind::Write,
        ),
        route(
            "POST",
            "**/V1.0/ContractServiceBundleAdjustments",
            RouteKind::Write,
        ),
    ]
}

fn header(name: &str, value: &str) -> HeaderTemplate {
    HeaderTemplate {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}
