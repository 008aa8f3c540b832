//! What is sold as one and holds other modules: a customer who pays for a bundle and for
//! a module in it pays twice for that module.

use std::collections::{BTreeSet, HashMap};

use crate::{Mapping, ModuleId, Service, ServiceId};

/// Every mapped bundle with each mapped module in it: the bundle first. One connection
/// may well sell both, to different customers.
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
    of_psa.filter(|(bundle, part)| bundle != part).collect()
}
