//! Contracts that end soon without anything that takes over.

use std::collections::BTreeSet;

use jiff::civil::Date;
use psa_host_billing::contract_choice::{Follows, follows};
use psa_host_billing::{Contract, ReportCode, ServiceId, Workspace};

use super::Finding;

/// A contract that ends within so many days and has no successor is told of, with the
/// nearest of these marks: time enough to renew it.
const EXPIRING_DAYS: [i32; 3] = [7, 30, 60];

/// The warning of a contract on which these services are billed.
pub(super) fn expiring(
    workspace: &Workspace,
    contracts: &[Contract],
    contract: &Contract,
    services: &BTreeSet<&ServiceId>,
    as_of: Date,
) -> Option<Finding> {
    let end = contract.end?;
    let days = as_of.until(end).ok()?.get_days();
    let mark = EXPIRING_DAYS.into_iter().find(|mark| days <= *mark)?;
    let of = |sought| {
        let found = services
            .iter()
            .filter(|service| follows(contracts, contract, service) == sought)
            .map(|service| service.as_str());
        found.collect::<Vec<_>>().join(" and ")
    };
    let (nobody, perhaps) = (of(Follows::Nobody), of(Follows::Perhaps));
    if days < 0 || (nobody.is_empty() && perhaps.is_empty()) {
        return None;
    }
    let mut message = format!(
        "contract {} ({}) ends on {end}, in {days} days (within {mark})",
        contract.id, contract.name
    );
    if !nobody.is_empty() {
        message += &format!(", and no active contract with service {nobody} follows it");
    }
    if !perhaps.is_empty() {
        message += &format!(
            ", and whether an active contract with service {perhaps} follows it is not known: the \
             status or the lines of what follows could not be read"
        );
    }
    let fix = "Renew it in the PSA, with a line of each service, or its pairs are held from the \
               day after.";
    Some(Finding {
        workspace: Some(workspace.id.clone()),
        account: Some(contract.account.clone()),
        contract: Some(contract.id.clone()),
        link: contract.link.clone(),
        ..Finding::new(ReportCode::ContractExpiring, false, message, fix)
    })
}
