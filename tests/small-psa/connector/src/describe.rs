//! What the two kinds declare.

use psa_connector_sdk::{
    Authentication, BasicTemplate, BatchLimits, ChangeKind, Date, Description, Effect, Field,
    FieldKind, FieldScope, QuantityModel, RefusalEvidence, RefusalForm, RefusalKind, RequestLimits,
    Route, RouteKind, Scheme, Segment, Terms, Truth, ZeroUnits,
};

use crate::segment;

pub(crate) const BASE_URL: &str = "base-url";

/// From when a quantity holds, and how it is shown.
pub trait Kind: std::fmt::Debug {
    /// What the connector calls itself.
    const NAME: &'static str;
    /// From when on a quantity that is set holds.
    const EFFECT: Effect;

    /// One quantity as a timeline that holds `start`.
    fn segments(units: &str, start: Date) -> Vec<Segment>;
}

/// It holds at once; shown as this month and the two after it.
#[derive(Debug)]
pub struct Immediate;

/// It holds from the next invoice on; shown as what it is, one open stretch.
#[derive(Debug)]
pub struct NextInvoice;

impl Kind for Immediate {
    const NAME: &'static str = "small-immediate";
    const EFFECT: Effect = Effect::Immediate;

    fn segments(units: &str, start: Date) -> Vec<Segment> {
        let text = start.to_string();
        let month = text
            .get(..7)
            .and_then(|month| Date::parse(&format!("{month}-01")));
        let months = (0..3).filter_map(|at| {
            let first = month?.plus_months(at)?;
            Some(segment(
                units,
                first,
                Some(first.plus_months(1)?.previous()),
            ))
        });
        months.collect()
    }
}

impl Kind for NextInvoice {
    const NAME: &'static str = "small-next-invoice";
    const EFFECT: Effect = Effect::NextInvoice;

    fn segments(units: &str, start: Date) -> Vec<Segment> {
        vec![segment(units, start, None)]
    }
}

pub(crate) fn description<K: Kind>() -> Description {
    Description {
        name: K::NAME.to_owned(),
        label: "Small PSA".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        terms: Terms {
            account: "company".to_owned(),
            accounts: "companies".to_owned(),
            service: "product".to_owned(),
            services: "products".to_owned(),
            contract: "agreement".to_owned(),
            line: "addition".to_owned(),
        },
        fields: vec![
            field(BASE_URL, "Address", FieldKind::Url),
            field("public-key", "Public key", FieldKind::Text),
            field("private-key", "Private key", FieldKind::Secret),
        ],
        authentication: Authentication {
            headers: Vec::new(),
            scheme: Scheme::Basic(BasicTemplate {
                user: "acme+${public-key}".to_owned(),
                password: "${private-key}".to_owned(),
            }),
        },
        hosts: vec!["api.small-psa.example".to_owned()],
        self_hosted: true,
        routes: vec![Route {
            method: "PATCH".to_owned(),
            path: "**/{endpoint}/*".to_owned(),
            kind: RouteKind::Write,
        }],
        limits: RequestLimits {
            window: None,
            at_once_per_endpoint: 2,
            instances: 2,
        },
        batches: BatchLimits {
            accounts: 50,
            lines: 50,
        },
        longest_execution_seconds: 60,
        quantity: QuantityModel {
            change: ChangeKind::Absolute,
            effect: K::EFFECT,
            knows_posted: false,
            whole_numbers: true,
            largest: None,
            zero: ZeroUnits::Allowed,
            repeat_date: Truth::Yes,
        },
        refusals: vec![RefusalForm {
            status: 400,
            evidence: RefusalEvidence::JsonMember("/errors".to_owned()),
            kinds: vec![RefusalKind::Other],
        }],
    }
}

fn field(key: &str, label: &str, kind: FieldKind) -> Field {
    Field {
        key: key.to_owned(),
        label: label.to_owned(),
        help: String::new(),
        kind,
        scope: FieldScope::Connection,
        required: true,
    }
}
