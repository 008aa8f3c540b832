//! What the values of two picklists of contracts mean in this tenant.

use std::collections::BTreeMap;

use psa_connector_sdk::{Error, Host, Truth};
use serde::Deserialize;

use crate::api::Api;
use crate::fields::Pick;

/// "Contract.ContractType = 7" is a recurring service contract [DOC ContractServices].
pub const RECURRING_SERVICE: i64 = 7;

/// Value to label of `contractType`, `status` and `contractPeriodType`.
#[derive(Debug, Default)]
pub struct Labels {
    types: BTreeMap<String, String>,
    statuses: BTreeMap<String, String>,
    periods: BTreeMap<String, String>,
    /// Why there are none.
    unread: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default, alias = "Fields")]
    fields: Option<Vec<Field>>,
}

#[derive(Deserialize)]
struct Field {
    #[serde(default, alias = "Name")]
    name: Option<String>,
    #[serde(default, rename = "picklistValues", alias = "PicklistValues")]
    picklist_values: Option<Vec<PicklistValue>>,
}

#[derive(Deserialize)]
struct PicklistValue {
    #[serde(default, alias = "Value")]
    value: Option<Pick>,
    #[serde(default, alias = "Label")]
    label: Option<String>,
}

impl Labels {
    /// Reads them. Where Autotask does not give them, nothing is confirmed by them; only
    /// errors that would stop any other call too are errors here.
    pub fn read(api: &mut Api, host: &dyn Host) -> Result<Self, Error> {
        match api.get_as::<Answer>(host, "Contracts/entityInformation/fields") {
            Ok(answer) => Ok(Self::of(answer)),
            Err(
                Error::Permission(fault)
                | Error::NotFound(fault)
                | Error::Invalid(fault)
                | Error::Rejected(fault),
            ) => Ok(Self {
                unread: Some(fault.psa_words.unwrap_or(fault.message)),
                ..Self::default()
            }),
            Err(error) => Err(error),
        }
    }

    fn of(answer: Answer) -> Self {
        let mut labels = Self::default();
        for field in answer.fields.unwrap_or_default() {
            let target = match field
                .name
                .as_deref()
                .map(str::to_ascii_lowercase)
                .as_deref()
            {
                Some("contracttype") => &mut labels.types,
                Some("status") => &mut labels.statuses,
                Some("contractperiodtype") => &mut labels.periods,
                _ => continue,
            };
            for value in field.picklist_values.unwrap_or_default() {
                if let (Some(Pick(value)), Some(label)) = (value.value, value.label) {
                    target.insert(value, label);
                }
            }
        }
        labels
    }

    /// Whether contract type 7 is this tenant's recurring service contract, and why not
    /// or why that is not known.
    pub fn recurring(&self) -> (Truth, Option<String>) {
        let value = RECURRING_SERVICE.to_string();
        match self.types.get(&value) {
            Some(label) if is_recurring(label) => (Truth::Yes, None),
            Some(label) => (
                Truth::Unknown,
                Some(format!(
                    "Contract type 7 is called \"{label}\" in this Autotask, not Recurring Service."
                )),
            ),
            None => {
                let why = self
                    .unread
                    .as_deref()
                    .unwrap_or("it is not in the list of contract types");
                (
                    Truth::Unknown,
                    Some(format!(
                        "Contract type 7 could not be confirmed as Recurring Service: {why}."
                    )),
                )
            }
        }
    }

    /// Length of a billing period of this type in months. Told by its label alone: the
    /// numbers 2 and 5 were seen as monthly and yearly [LIVE], others are [?]. None for
    /// what is billed once or has a label of its own.
    pub fn billing_months(&self, period: Option<&Pick>) -> Option<u32> {
        let Pick(period) = period?;
        let label = self.periods.get(period)?.trim().to_lowercase();
        match label.replace(['-', ' '], "").as_str() {
            "monthly" => Some(1),
            "quarterly" => Some(3),
            "semiannual" | "semiannually" | "halfyearly" => Some(6),
            "yearly" | "annual" | "annually" => Some(12),
            _ => None,
        }
    }

    /// Whether a contract of this status is in effect. 1 is "Active" or "In Effect"
    /// everywhere, 0 was seen as "Inactive" [LIVE]; others are the tenant's own.
    pub fn active(&self, status: Option<&Pick>) -> (Truth, Option<String>) {
        let Some(Pick(status)) = status else {
            return (
                Truth::Unknown,
                Some("The contract has no status.".to_owned()),
            );
        };
        let label = self
            .statuses
            .get(status)
            .map(|label| label.trim().to_lowercase());
        match (status.as_str(), label.as_deref()) {
            (_, Some("active" | "in effect")) | ("1", None) => (Truth::Yes, None),
            (_, Some(label)) if label.contains("inactive") || label.contains("cancel") => (
                Truth::No,
                Some(format!("Status \"{label}\". Setting a contract inactive does not stop its billing in Autotask.")),
            ),
            ("0", None) => (
                Truth::No,
                Some("Status 0 (inactive). Setting a contract inactive does not stop its billing in Autotask.".to_owned()),
            ),
            (_, Some(label)) => (Truth::Unknown, Some(format!("Status \"{label}\" is neither active nor inactive."))),
            (other, None) => (Truth::Unknown, Some(format!("Status {other} is not in the list of contract statuses."))),
        }
    }
}

/// "Recurring Service", "Recurring Services", in any case.
fn is_recurring(label: &str) -> bool {
    label.to_lowercase().contains("recurring")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(json: &str) -> Labels {
        Labels::of(serde_json::from_str(json).unwrap())
    }

    fn usual() -> Labels {
        labels(
            r#"{"fields":[
                {"name":"contractType","picklistValues":[{"value":"1","label":"Time & Materials"},{"value":"7","label":"Recurring Service"}]},
                {"name":"status","picklistValues":[{"value":"1","label":"In Effect"},{"value":"0","label":"Inactive"},{"value":"5","label":"Draft"}]}]}"#,
        )
    }

    #[test]
    fn a_billing_period_is_told_by_its_label() {
        let labels = labels(
            r#"{"fields":[{"name":"contractPeriodType","picklistValues":[
                {"value":"1","label":"One-Time"},{"value":2,"label":"Monthly"},
                {"value":"3","label":"Quarterly"},{"value":"4","label":"Semi-Annual"},
                {"value":"5","label":"Yearly"},{"value":"6","label":"Lunar"}]}]}"#,
        );
        let months = |value: &str| labels.billing_months(Some(&Pick(value.to_owned())));
        let told: Vec<_> = ["1", "2", "3", "4", "5", "6", "7"].map(months).to_vec();
        assert_eq!(
            told,
            [None, Some(1), Some(3), Some(6), Some(12), None, None]
        );
        assert_eq!(labels.billing_months(None), None);
    }

    #[test]
    fn type_7_is_recurring_where_the_picklist_says_so() {
        assert_eq!(usual().recurring(), (Truth::Yes, None));
    }

    #[test]
    fn type_7_is_unknown_where_the_picklist_says_otherwise_or_nothing() {
        let other = labels(
            r#"{"fields":[{"name":"contractType","picklistValues":[{"value":7,"label":"Retainer"}]}]}"#,
        );
        for labels in [other, labels(r#"{"fields":null}"#)] {
            let (truth, note) = labels.recurring();
            assert_eq!(truth, Truth::Unknown);
            assert!(note.is_some());
        }
    }

    #[test]
    fn a_status_is_told_by_its_label() {
        let active = |status: &str| usual().active(Some(&Pick(status.to_owned()))).0;
        assert_eq!(active("1"), Truth::Yes);
        assert_eq!(active("0"), Truth::No);
        assert_eq!(active("5"), Truth::Unknown);
        assert_eq!(active("9"), Truth::Unknown);
        assert_eq!(usual().active(None).0, Truth::Unknown);
        assert_eq!(
            labels("{}").active(Some(&Pick("1".to_owned()))).0,
            Truth::Yes
        );
    }
}
