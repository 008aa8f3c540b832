//! Contract services and contract service bundles: the lines of a contract.

use psa_connector_sdk::{Decimal, Error, LineKey, invalid};
use serde::Deserialize;

use crate::fields::{Id, Loose};
use crate::query::{Entity, Row};
use crate::unit_price::LinePrices;

/// Autotask numbers services and bundles, and their lines, independently of each other.
/// In ids of the contract a bundle's are `bundle:ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Service,
    Bundle,
}

const LINE_DETAILS: &[&str] = &[
    "internalDescription",
    "invoiceDescription",
    "unitPrice",
    "internalCurrencyUnitPrice",
    "internalCurrencyAdjustedPrice",
];

const BUNDLE_PREFIX: &str = "bundle:";

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Service, Self::Bundle];

    pub(crate) fn id_text(self, id: i64) -> String {
        match self {
            Self::Service => id.to_string(),
            Self::Bundle => format!("{BUNDLE_PREFIX}{id}"),
        }
    }

    /// What holds the lines, and in which fields.
    pub(crate) fn lines(self) -> Entity {
        match self {
            Self::Service => Entity {
                name: "ContractServices",
                fields: &["id", "contractID", "serviceID"],
                details: LINE_DETAILS,
            },
            Self::Bundle => Entity {
                name: "ContractServiceBundles",
                fields: &["id", "contractID", "serviceBundleID"],
                details: LINE_DETAILS,
            },
        }
    }

    pub(crate) fn service_field(self) -> &'static str {
        match self {
            Self::Service => "serviceID",
            Self::Bundle => "serviceBundleID",
        }
    }

    pub(crate) fn line_field(self) -> &'static str {
        match self {
            Self::Service => "contractServiceID",
            Self::Bundle => "contractServiceBundleID",
        }
    }

    pub(crate) fn adjustments(self) -> &'static str {
        match self {
            Self::Service => "ContractServiceAdjustments",
            Self::Bundle => "ContractServiceBundleAdjustments",
        }
    }
}

/// A line's key in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub kind: Kind,
    pub contract: i64,
    pub service: i64,
    pub line: i64,
}

impl Key {
    pub(crate) fn parse(key: &LineKey) -> Result<Self, Error> {
        let (kind, line) = parse_id(&key.line)?;
        let (service_kind, service) = parse_id(&key.service)?;
        if kind != service_kind {
            return Err(invalid(format!(
                "line {} cannot be of service {}",
                key.line, key.service
            )));
        }
        Ok(Self {
            kind,
            contract: parse_number(&key.contract)?,
            service,
            line,
        })
    }

    /// `account`: the company whose contract it is on.
    pub(crate) fn to_text(self, account: &str) -> LineKey {
        LineKey {
            account: account.to_owned(),
            line: self.kind.id_text(self.line),
            contract: self.contract.to_string(),
            service: self.kind.id_text(self.service),
        }
    }
}

fn parse_id(text: &str) -> Result<(Kind, i64), Error> {
    match text.strip_prefix(BUNDLE_PREFIX) {
        Some(number) => Ok((Kind::Bundle, parse_number(number)?)),
        None => Ok((Kind::Service, parse_number(text)?)),
    }
}

/// An id that this connector gave out: digits only, so that nothing else can be slipped
/// into a query.
pub(crate) fn parse_number(text: &str) -> Result<i64, Error> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| invalid(format!("{text:?} is no Autotask id")))
}

/// One line as Autotask keeps it; both kinds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineRow {
    id: Id,
    #[serde(rename = "contractID")]
    contract: Option<Id>,
    #[serde(rename = "serviceID")]
    service: Option<Id>,
    #[serde(rename = "serviceBundleID")]
    service_bundle: Option<Id>,
    #[serde(default)]
    internal_description: Loose<String>,
    #[serde(default)]
    invoice_description: Loose<String>,
    #[serde(default)]
    unit_price: Loose<Decimal>,
    #[serde(default)]
    internal_currency_unit_price: Loose<Decimal>,
    #[serde(default)]
    internal_currency_adjusted_price: Loose<Decimal>,
}

impl Row for LineRow {
    fn id(&self) -> i64 {
        self.id.0
    }
}

/// What is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContractLine {
    pub key: Key,
    pub description: Option<String>,
    pub prices: LinePrices,
}

impl LineRow {
    pub(crate) fn into_line(self, kind: Kind) -> Result<ContractLine, Error> {
        let name = kind.lines().name;
        let service = match kind {
            Kind::Service => self.service,
            Kind::Bundle => self.service_bundle,
        };
        let (Some(Id(contract)), Some(Id(service))) = (self.contract, service) else {
            return Err(invalid(format!(
                "reading {name}: row {} lacks its contract or service",
                self.id.0
            )));
        };
        let description = [self.internal_description.0, self.invoice_description.0]
            .into_iter()
            .flatten()
            .find(|text| !text.trim().is_empty());
        Ok(ContractLine {
            key: Key {
                kind,
                contract,
                service,
                line: self.id.0,
            },
            description,
            prices: LinePrices::of(
                self.unit_price.0,
                self.internal_currency_unit_price.0,
                self.internal_currency_adjusted_price.0,
            ),
        })
    }
}
