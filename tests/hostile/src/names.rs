//! Host names that lead where no request may go. No real resolver is ever asked.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use psa_host_sandbox::{Lookup, Resolver};

/// Which the plugin asks for and the operator grants, with anything before it.
const ZONE: &str = ".zone.hostile.example";

/// A granted name that resolves to this address.
#[must_use]
pub fn name_of(address: &str) -> String {
    names_of(&[address])
}

/// A granted name that resolves to these addresses.
///
/// # Panics
/// Where one is no address.
#[must_use]
pub fn names_of(addresses: &[&str]) -> String {
    let labels = addresses.iter().map(|text| match text.parse().unwrap() {
        IpAddr::V4(address) => format!("a{:08x}", address.to_bits()),
        IpAddr::V6(address) => format!("a{:032x}", address.to_bits()),
    });
    let labels: Vec<String> = labels.collect();
    format!("{}{ZONE}", labels.join("."))
}

/// Answers for the names above. `localhost` is a private address and this
/// computer at the first lookup, and that address alone at each later one; nothing else exists.
#[derive(Debug, Default)]
pub(crate) struct Names {
    localhost_lookups: AtomicU32,
}

impl Resolver for Names {
    fn lookup(&self, host: &str) -> Lookup {
        let found = if host == "localhost" {
            let first = self.localhost_lookups.fetch_add(1, Ordering::Relaxed) == 0;
            let inside = [10, 0, 0, 1].into();
            Some(if first {
                vec![inside, [127, 0, 0, 1].into()]
            } else {
                vec![inside]
            })
        } else {
            host.strip_suffix(ZONE).and_then(addresses)
        };
        Box::pin(async move {
            found
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name in the tests"))
        })
    }
}

fn addresses(labels: &str) -> Option<Vec<IpAddr>> {
    let one = |label: &str| {
        let digits = label.strip_prefix('a')?;
        match digits.len() {
            8 => Some(IpAddr::V4(u32::from_str_radix(digits, 16).ok()?.into())),
            32 => Some(IpAddr::V6(u128::from_str_radix(digits, 16).ok()?.into())),
            _ => None,
        }
    };
    labels.split('.').map(one).collect()
}
