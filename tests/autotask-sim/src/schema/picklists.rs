//! Picklists of the tenant.
//!
//! Only a few numbers are known for sure (period 2 = monthly and 5 = yearly
//! [LIVE KAN], contract type 7 = recurring service [DOC], status 1 = active); the
//! others are a tenant's own, so a world may replace any list and a connector
//! has to read them by label.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One choice of a picklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Whole number in records; metadata writes it as a text.
    pub value: i64,
    /// What people see.
    pub label: String,
    /// An inactive choice stays in old records.
    #[serde(default = "yes")]
    pub active: bool,
    /// Autotask's own; a choice that the MSP added is not.
    #[serde(default = "yes")]
    pub system: bool,
}

fn yes() -> bool {
    true
}

/// Picklists by `Entity.field`.
pub type Picklists = BTreeMap<String, Vec<Choice>>;

/// The lists of a tenant that changed nothing.
pub fn defaults() -> Picklists {
    let mut lists = Picklists::new();
    let periods = [
        (1, "One-Time"),
        (2, "Monthly"),
        (3, "Quarterly"),
        (4, "Semi-Annual"),
        (5, "Yearly"),
    ];
    let mut add = |key: &str, choices: &[(i64, &str)]| {
        let choices = choices
            .iter()
            .map(|(value, label)| Choice {
                value: *value,
                label: (*label).to_owned(),
                active: true,
                system: true,
            })
            .collect();
        lists.insert(key.to_owned(), choices);
    };
    add("Contracts.contractPeriodType", &periods[1..]);
    add("Services.periodType", &periods);
    add("ServiceBundles.periodType", &periods);
    add(
        "Contracts.contractType",
        &[
            (1, "Time & Materials"),
            (3, "Fixed Price"),
            (4, "Block Hours"),
            (6, "Retainer"),
            (7, "Recurring Service"),
            (8, "Incident"),
        ],
    );
    add("Contracts.status", &[(0, "Inactive"), (1, "Active")]);
    add(
        "Contracts.billingPreference",
        &[
            (1, "Immediately"),
            (2, "Manually"),
            (3, "On Timesheet Approval"),
        ],
    );
    add(
        "Contracts.contractCategory",
        &[(12, "Managed Services"), (15, "Hosted SaaS")],
    );
    add(
        "Companies.companyType",
        &[
            (1, "Customer"),
            (2, "Lead"),
            (3, "Prospect"),
            (4, "Dead"),
            (5, "Cancelation"),
            (6, "Vendor"),
            (7, "Partner"),
        ],
    );
    add(
        "Resources.licenseType",
        &[(1, "Professional"), (7, "API User")],
    );
    add(
        "ContractCharges.chargeType",
        &[(1, "Operational"), (2, "Capitalized")],
    );
    add(
        "ContractCharges.status",
        &[(1, "Need to Order/Fulfill"), (6, "Delivered/Shipped Full")],
    );
    lists
}

/// Months in a period with this label; `None` for what does not recur.
pub fn months(label: &str) -> Option<i32> {
    match label.to_ascii_lowercase().as_str() {
        "monthly" => Some(1),
        "quarterly" => Some(3),
        "semi-annual" | "semi-annually" => Some(6),
        "yearly" | "annual" | "annually" => Some(12),
        _ => None,
    }
}
