//! A connection's mappings made to be exactly what a file says, in one transaction.

use psa_host_billing::ConnectionName;

use super::MapReport;
use super::own_mappings::OwnMappings;
use super::pairs::{Mapping, MappingKey};
use crate::error::Fault;
use crate::usage::count_policies;
use crate::{Ledger, Result};

impl Ledger {
    /// Remove some mappings, then make others, all or none. What is removed and made
    /// again with another partner is a change of that mapping: its count policy stays.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`](crate::LedgerError::NotFound) for a mapping to remove
    /// that is not there any more; a row to make that is refused is in the report.
    pub fn replace_mappings(
        &self,
        connection: &ConnectionName,
        remove: &[MappingKey],
        mappings: &[Mapping],
    ) -> Result<MapReport> {
        self.write(|change, journal| {
            let own = OwnMappings::of(change, connection)?;
            let policies = count_policies::all(change, own.connection)?;
            change.mark()?;
            // A pin first: it would go with its account, and then not be there.
            let is_pin = |key: &&MappingKey| matches!(key, MappingKey::Contract(_));
            let (pins, others): (Vec<_>, Vec<_>) = remove.iter().partition(is_pin);
            for key in pins.into_iter().chain(others) {
                own.unmap(change, journal, key)?;
            }
            let mut rows = Vec::with_capacity(mappings.len());
            for mapping in mappings {
                match own.map(change, journal, mapping) {
                    Ok(mapped) => rows.push(Ok(mapped)),
                    // The row was refused before it touched anything.
                    Err(Fault::Ledger(refusal)) => rows.push(Err(refusal)),
                    Err(failure) => return Err(failure),
                }
            }
            let applied = rows.iter().all(Result::is_ok);
            if applied {
                count_policies::keep_mapped(change, journal, own.connection, connection, policies)?;
            } else {
                change.back_to_mark()?;
                journal.start_over();
            }
            Ok(MapReport { rows, applied })
        })
    }
}
