//! Autotask services and service bundles, which are two entities with ids of their own.

use std::collections::BTreeMap;

use psa_connector_sdk::{Decimal, Error, Host, Level, Money, Service, ServicePage, invalid};
use serde::Deserialize;

use crate::accounts::truth;
use crate::api::Api;
use crate::describe::{MOST_KEYS, PAGE};
use crate::details::FieldList;
use crate::fields::{Id, Loose};
use crate::lines::Kind;
use crate::query::{Condition, Entity, Row};

pub(crate) const SERVICES: Entity = Entity {
    name: "Services",
    fields: &["id", "isActive"],
    details: &["name", "unitPrice"],
};
/// Of tenants that have the field.
const SERVICES_WITH_SKU: Entity = Entity {
    details: &["name", "unitPrice", "sku"],
    ..SERVICES
};
pub(crate) const BUNDLES: Entity = Entity {
    name: "ServiceBundles",
    ..SERVICES
};
pub(crate) const BUNDLE_PARTS: Entity = Entity {
    name: "ServiceBundleServices",
    fields: &["id", "serviceBundleID", "serviceID"],
    details: &[],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceRow {
    id: Id,
    #[serde(default)]
    name: Loose<String>,
    #[serde(default)]
    is_active: Loose<bool>,
    #[serde(default)]
    unit_price: Loose<Decimal>,
    #[serde(default)]
    sku: Loose<String>,
}

impl Row for ServiceRow {
    fn id(&self) -> i64 {
        self.id.0
    }
}

#[derive(Deserialize)]
struct PartRow {
    id: Id,
    #[serde(rename = "serviceBundleID")]
    bundle: Option<Id>,
    #[serde(rename = "serviceID")]
    service: Option<Id>,
}

impl Row for PartRow {
    fn id(&self) -> i64 {
        self.id.0
    }
}

/// One page: first all services, then all bundles. The cursor is `services:ID` or
/// `bundles:ID`, the last id seen.
pub(crate) fn page(
    api: &mut Api,
    host: &dyn Host,
    cursor: Option<&str>,
) -> Result<ServicePage, Error> {
    let (kind, after) = match cursor {
        None => (Kind::Service, 0),
        Some(text) => parse_cursor(text)
            .ok_or_else(|| invalid(format!("{text} is no cursor of list-services")))?,
    };
    // Newer tenants have `sku` [LIVE], the published Swagger has not. So it is asked for
    // where it exists.
    let entity = match kind {
        Kind::Service if has_sku(api, host)? => SERVICES_WITH_SKU,
        Kind::Service => SERVICES,
        Kind::Bundle => BUNDLES,
    };
    let page = match api.query_page::<ServiceRow>(host, entity, &[], after, PAGE) {
        Err(error) if kind == Kind::Bundle && out_of_reach(&error) => {
            host.log(
                Level::Warn,
                "service bundles cannot be read: only services are listed",
            );
            return Ok(ServicePage {
                services: Vec::new(),
                next: None,
            });
        }
        page => page?,
    };
    let mut rows = page.rows;
    rows.dedup_by_key(|row| row.id);
    rows.retain(|row| row.id.0 > after);
    let mut parts = match kind {
        Kind::Service => BTreeMap::new(),
        Kind::Bundle => parts_of(api, host, &rows.iter().map(Row::id).collect::<Vec<_>>())?,
    };
    let services = rows
        .into_iter()
        .map(|row| Service {
            id: kind.id_text(row.id.0),
            name: row.name.0.unwrap_or_default(),
            active: truth(row.is_active.0),
            sku: row.sku.0.filter(|sku| !sku.trim().is_empty()),
            parts: parts.remove(&row.id.0).unwrap_or_default(),
            // The list price in the tenant's own currency, which the API does not name.
            unit_price: row.unit_price.0.map(|price| Money {
                amount: price.to_string(),
                currency: None,
            }),
            link: None,
        })
        .collect();
    let next = match (kind, page.next) {
        (Kind::Service, Some(last)) => Some(format!("services:{last}")),
        (Kind::Service, None) => Some("bundles:0".to_owned()),
        (Kind::Bundle, Some(last)) => Some(format!("bundles:{last}")),
        (Kind::Bundle, None) => None,
    };
    Ok(ServicePage { services, next })
}

/// Whether an entity is not there for this API user at all. Bundles are an extra: what
/// is mapped to one is held then, because neither it nor its lines are listed.
pub(crate) fn out_of_reach(error: &Error) -> bool {
    matches!(error, Error::Permission(_) | Error::NotFound(_))
}

fn parse_cursor(text: &str) -> Option<(Kind, i64)> {
    let (kind, after) = text.split_once(':')?;
    let kind = match kind {
        "services" => Kind::Service,
        "bundles" => Kind::Bundle,
        _ => return None,
    };
    Some((kind, after.parse().ok()?))
}

/// A convenience for mapping only: anything but refused credentials or limits counts as
/// "no".
fn has_sku(api: &mut Api, host: &dyn Host) -> Result<bool, Error> {
    match api.get_as::<FieldList>(host, "Services/entityInformation/fields") {
        Ok(list) => Ok(list.has("sku")),
        Err(error @ (Error::Authentication(_) | Error::RateLimited(_) | Error::Transient(_))) => {
            Err(error)
        }
        Err(_) => Ok(false),
    }
}

/// The services in each of these bundles.
fn parts_of(
    api: &mut Api,
    host: &dyn Host,
    bundles: &[i64],
) -> Result<BTreeMap<i64, Vec<String>>, Error> {
    let mut parts: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for keys in bundles.chunks(MOST_KEYS) {
        api.query_all::<PartRow>(
            host,
            BUNDLE_PARTS,
            &[Condition::any_of("serviceBundleID", keys)],
            |row| {
                if let (Some(Id(bundle)), Some(Id(service))) = (row.bundle, row.service) {
                    let known = parts.entry(bundle).or_default();
                    let id = Kind::Service.id_text(service);
                    if !known.contains(&id) {
                        known.push(id);
                    }
                }
                Ok(())
            },
        )?;
    }
    Ok(parts)
}
