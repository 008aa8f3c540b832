//! What is sold as one and holds other modules: a customer who pays for a bundle and for
//! a module in it pays twice for that module.

use std::collections::{BTreeSet, HashMap};

use crate::{Mapping, ModuleId, Service, ServiceId};

/// Every mapped bundle with each mapped module in it, the bundle first: bundles of the
/// PSA, and modules that a person declared to be bundles. One connection may well sell
/// both, to different customers.
pub fn mapped_bundles<'a>(
    mapping: &'a Mapping,
    services: &HashMap<ServiceId, Service>,
) -> BTreeSet<(&'a ModuleId, &'a ModuleId)> {
    let of_psa = mapping.services().flat_map(|pair| {
        let parts = services.get(&pair.service).map(|service| &service.parts);
        let parts = parts.into_iter().flatten();
        let inside = parts.filter_map(|part| mapping.module(part));
        inside.map(|part| (&pair.module, part))
    });
    let billed = |module| mapping.service(module).is_some();
    let declared = mapping.declared_parts();
    let declared = declared.filter(|(bundle, part)| billed(bundle) && billed(part));
    of_psa
        .chain(declared)
        .filter(|(bundle, part)| bundle != part)
        .collect()
}

/// Whether a module calls itself a bundle. Coro does not publish what its bundles hold:
/// it has to be declared.
pub fn sounds_like_a_bundle(id: &ModuleId, name: &str) -> bool {
    [id.as_str(), name]
        .iter()
        .any(|text| text.to_lowercase().contains("bundle"))
}
