//! Which URL means what, and which verbs it has [OAS]. Case does not matter.

use hyper::Method;

use crate::schema::Entity;

/// A URL understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a path of the OpenAPI")]
pub(crate) enum Route {
    ZoneInformation,
    VersionInformation,
    Version,
    ThresholdInformation,
    Query(Entity),
    QueryNext(Entity),
    Count(Entity),
    Item(Entity, i64),
    Collection(Entity),
    Information(Entity),
    Fields(Entity),
    UserDefinedFields(Entity),
    Children(Parent),
    Child(Parent, i64),
}

/// A parent in a path, and which of its children are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    /// `Contracts` or `ServiceBundles`.
    pub parent: Entity,
    /// The parent's id.
    pub id: i64,
    /// The children's entity.
    pub child: Entity,
    /// The children's field that names the parent.
    pub field: &'static str,
}

impl Route {
    /// Understands a path; `None` is a 404.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        let rest = path.strip_prefix("/atservicesrest/")?.trim_end_matches('/');
        if rest == "versioninformation" {
            return Some(Self::VersionInformation);
        }
        let parts: Vec<&str> = rest.strip_prefix("v1.0/")?.split('/').collect();
        let entity = |name: &str| Entity::from_name(name);
        match parts.as_slice() {
            ["zoneinformation"] => Some(Self::ZoneInformation),
            ["version"] => Some(Self::Version),
            ["thresholdinformation"] => Some(Self::ThresholdInformation),
            [name] => entity(name)
                .filter(|e| has_collection(*e))
                .map(Self::Collection),
            [name, tail @ ..] if information(tail).is_some() => {
                information(tail).zip(entity(name)).map(|(make, e)| make(e))
            }
            [name, "query"] => queryable(name).map(Self::Query),
            [name, "query", "next"] => queryable(name).map(Self::QueryNext),
            [name, "query", "count"] => queryable(name).map(Self::Count),
            [name, id] => Some(Self::Item(queryable(name)?, id.parse().ok()?)),
            [name, id, child, tail @ ..] => {
                let id = if information(tail).is_some() {
                    0
                } else {
                    id.parse().ok()?
                };
                let parent = children(entity(name)?, id, child)?;
                match tail {
                    [] => Some(Self::Children(parent)),
                    _ if information(tail).is_some() => {
                        information(tail).map(|make| make(parent.child))
                    }
                    [id] if parent.child.can_query() => Some(Self::Child(parent, id.parse().ok()?)),
                    _ => None,
                }
            }
            [] => None,
        }
    }

    /// The verbs of the route.
    pub(crate) fn methods(self) -> &'static [Method] {
        const GET: &[Method] = &[Method::GET];
        const GET_POST: &[Method] = &[Method::GET, Method::POST];
        match self {
            Self::Query(_) | Self::QueryNext(_) | Self::Count(_) => GET_POST,
            Self::Item(Entity::ServiceBundles, _) => &[Method::GET, Method::DELETE],
            Self::Collection(entity) => match entity {
                Entity::ContractServiceAdjustments | Entity::ContractServiceBundleAdjustments => {
                    &[Method::POST]
                }
                Entity::BillingItems | Entity::Resources => &[Method::PUT, Method::PATCH],
                _ => &[Method::PUT, Method::POST, Method::PATCH],
            },
            Self::Children(parent) => match parent.child {
                Entity::ContractServiceAdjustments | Entity::ContractServiceBundleAdjustments => {
                    &[Method::POST]
                }
                Entity::ContractServiceUnits | Entity::ContractServiceBundleUnits => GET,
                Entity::ServiceBundleServices => GET_POST,
                _ => &[Method::GET, Method::PUT, Method::POST, Method::PATCH],
            },
            Self::Child(parent, _) => match parent.child {
                Entity::ContractCharges | Entity::ServiceBundleServices => {
                    &[Method::GET, Method::DELETE]
                }
                _ => GET,
            },
            _ => GET,
        }
    }

    /// Every verb that writes an entity, at its collection or under a parent.
    pub(crate) fn verbs_of(entity: Entity) -> Vec<Method> {
        let parents = CHILDREN.iter().filter(|(_, _, child, _)| *child == entity);
        let parents = parents.map(|(parent, _, child, field)| Parent {
            parent: *parent,
            id: 0,
            child: *child,
            field,
        });
        let below = parents.flat_map(|p| [Self::Children(p), Self::Child(p, 0)]);
        let root = has_collection(entity).then_some(Self::Collection(entity));
        let routes = root.into_iter().chain([Self::Item(entity, 0)]).chain(below);
        routes.flat_map(|r| r.methods().iter().cloned()).collect()
    }

    /// The entity, where the route has one.
    pub(crate) fn entity(self) -> Option<Entity> {
        match self {
            Self::Query(e) | Self::QueryNext(e) | Self::Count(e) | Self::Item(e, _) => Some(e),
            Self::Collection(e) | Self::Information(e) | Self::Fields(e) => Some(e),
            Self::UserDefinedFields(e) => Some(e),
            Self::Children(p) | Self::Child(p, _) => Some(p.child),
            _ => None,
        }
    }

    /// What threads are counted by and the journal shows.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::ZoneInformation => "ZoneInformation",
            Self::VersionInformation => "VersionInformation",
            Self::Version => "Version",
            Self::ThresholdInformation => "ThresholdInformation",
            other => other.entity().map_or("", Entity::name),
        }
    }
}

fn queryable(name: &str) -> Option<Entity> {
    Entity::from_name(name).filter(|e| e.can_query())
}

/// No collection of their own: lines, units and charges are written under a contract,
/// a bundle's services under the bundle.
fn has_collection(entity: Entity) -> bool {
    !matches!(
        entity,
        Entity::ContractServices
            | Entity::ContractServiceBundles
            | Entity::ContractServiceUnits
            | Entity::ContractServiceBundleUnits
            | Entity::ContractCharges
            | Entity::ServiceBundleServices
    )
}

fn information(tail: &[&str]) -> Option<fn(Entity) -> Route> {
    match tail {
        ["entityinformation"] => Some(Route::Information),
        ["entityinformation", "fields"] => Some(Route::Fields),
        ["entityinformation", "userdefinedfields"] => Some(Route::UserDefinedFields),
        _ => None,
    }
}

/// Parent, segment below it, children, and the field that names the parent.
const CHILDREN: [(Entity, &str, Entity, &str); 8] = [
    (
        Entity::Contracts,
        "charges",
        Entity::ContractCharges,
        "contractID",
    ),
    (
        Entity::Contracts,
        "serviceadjustments",
        Entity::ContractServiceAdjustments,
        "contractID",
    ),
    (
        Entity::Contracts,
        "servicebundleadjustments",
        Entity::ContractServiceBundleAdjustments,
        "contractID",
    ),
    (
        Entity::Contracts,
        "servicebundles",
        Entity::ContractServiceBundles,
        "contractID",
    ),
    (
        Entity::Contracts,
        "servicebundleunits",
        Entity::ContractServiceBundleUnits,
        "contractID",
    ),
    (
        Entity::Contracts,
        "services",
        Entity::ContractServices,
        "contractID",
    ),
    (
        Entity::Contracts,
        "serviceunits",
        Entity::ContractServiceUnits,
        "contractID",
    ),
    (
        Entity::ServiceBundles,
        "services",
        Entity::ServiceBundleServices,
        "serviceBundleID",
    ),
];

fn children(parent: Entity, id: i64, segment: &str) -> Option<Parent> {
    let mut known = CHILDREN
        .iter()
        .filter(|(p, s, _, _)| (*p, *s) == (parent, segment));
    let (parent, _, child, field) = known.next()?;
    Some(Parent {
        parent: *parent,
        id,
        child: *child,
        field,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_understood_without_regard_to_case() {
        for path in [
            "/ATServicesRest/V1.0/Companies/query",
            "/atservicesrest/v1.0/companies/Query",
        ] {
            assert_eq!(Route::parse(path), Some(Route::Query(Entity::Companies)));
        }
        assert_eq!(
            Route::parse("/ATServicesRest/V1.0/Contracts/7/ServiceUnits/entityInformation/fields"),
            Some(Route::Fields(Entity::ContractServiceUnits))
        );
    }

    #[test]
    fn what_the_openapi_lacks_is_not_there() {
        for path in [
            "/V1.0/Companies/query",
            "/ATServicesRest/V1.0/ContractServices",
            "/ATServicesRest/V1.0/ContractServiceAdjustments/query",
            "/ATServicesRest/V1.0/ContractServiceAdjustments/5",
            "/ATServicesRest/V1.0/Contracts/5/ServiceAdjustments/6",
            "/ATServicesRest/V1.0/Tickets/query",
            "/ATServicesRest/V2.0/Companies/query",
        ] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }

    #[test]
    fn verbs_are_those_of_the_openapi() {
        let verbs = |path: &str| {
            let route = Route::parse(&format!("/ATServicesRest/V1.0/{path}")).expect("a path");
            route
                .methods()
                .iter()
                .map(|m| m.as_str().to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(verbs("Contracts/5"), "GET");
        assert_eq!(verbs("Contracts"), "PUT POST PATCH");
        assert_eq!(verbs("Resources"), "PUT PATCH");
        assert_eq!(verbs("Contracts/5/Services"), "GET PUT POST PATCH");
        assert_eq!(verbs("Contracts/5/Services/6"), "GET");
        assert_eq!(verbs("Contracts/5/Charges/6"), "GET DELETE");
        assert_eq!(verbs("ContractServiceAdjustments"), "POST");
        assert_eq!(verbs("ServiceBundles/5"), "GET DELETE");
    }
}
