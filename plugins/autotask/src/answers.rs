//! What the MSP admin said about picklist values whose labels tell nothing: settings of
//! the connection, each of which answers one question for all contracts.

use std::collections::{BTreeMap, BTreeSet};

use psa_connector_sdk::{Error, Field, FieldKind, FieldScope, Settings, invalid};

pub(crate) const CONTRACT_TYPES: &str = "recurring-contract-types";
pub(crate) const CONTRACT_STATUSES: &str = "active-contract-statuses";
pub(crate) const BILLING_PERIODS: &str = "billing-periods";

/// The answer "none of them".
const NONE: &str = "none";

/// None: not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Numbers of contract types that recur besides 7.
    pub types: Option<BTreeSet<String>>,
    /// Numbers of contract statuses in effect besides 1.
    pub statuses: Option<BTreeSet<String>>,
    /// Months of billing periods by their number.
    pub periods: Option<BTreeMap<String, u32>>,
}

impl Answers {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        let numbers = |key| {
            settings
                .get(key)
                .map(|text| listed(text).iter().map(|item| number(key, item)).collect())
                .transpose()
        };
        let periods = settings.get(BILLING_PERIODS).map(|text| {
            listed(text)
                .iter()
                .map(|item| {
                    let wrong = || {
                        invalid(format!(
                            "the setting {BILLING_PERIODS}: {item:?} is not of the form 3=6 (number of the period type, months \
                             from 1 to 120)"
                        ))
                    };
                    let (value, months) = item.split_once('=').ok_or_else(wrong)?;
                    let months = months.trim().parse().ok();
                    let months = months.filter(|months| (1..=120).contains(months));
                    Ok((number(BILLING_PERIODS, value.trim())?, months.ok_or_else(wrong)?))
                })
                .collect::<Result<BTreeMap<_, _>, Error>>()
        });
        Ok(Self {
            types: numbers(CONTRACT_TYPES)?,
            statuses: numbers(CONTRACT_STATUSES)?,
            periods: periods.transpose()?,
        })
    }
}

fn listed(text: &str) -> Vec<&str> {
    if text.eq_ignore_ascii_case(NONE) {
        return Vec::new();
    }
    text.split([',', ';'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

fn number(key: &str, text: &str) -> Result<String, Error> {
    let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    match digits {
        true => Ok(text.to_owned()),
        false => Err(invalid(format!(
            "the setting {key}: {text:?} is no number of a picklist value; the connection's check names those it asks for"
        ))),
    }
}

pub(crate) fn fields() -> [Field; 3] {
    let field = |key: &str, label: &str, help: &str| Field {
        key: key.to_owned(),
        label: label.to_owned(),
        help: format!("Leave empty unless the check of the connection asks for it. {help}"),
        kind: FieldKind::Text,
        scope: FieldScope::Connection,
        required: false,
    };
    [
        field(
            CONTRACT_TYPES,
            "Contract types that recur",
            "Numbers of contract types, as 12 or 12,14; the others that are asked about do not recur. none: none of them does.",
        ),
        field(
            CONTRACT_STATUSES,
            "Contract statuses in effect",
            "Numbers of contract statuses, as 5 or 5,8; the others that are asked about are not in effect. none: none of \
             them is.",
        ),
        field(
            BILLING_PERIODS,
            "Lengths of billing periods",
            "Numbers of contract period types with their months, as 6=24 or 6=24,7=2.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str, value: &str) -> Result<Answers, String> {
        Answers::of(&[(key, value)].into_iter().collect()).map_err(|error| match error {
            Error::Invalid(fault) => fault.message,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn numbers_are_listed_with_commas_and_none_is_an_answer_too() {
        let set = |numbers: &[&str]| Some(numbers.iter().map(ToString::to_string).collect());
        assert_eq!(
            of(CONTRACT_TYPES, "12, 14").unwrap().types,
            set(&["12", "14"])
        );
        assert_eq!(of(CONTRACT_STATUSES, "5").unwrap().statuses, set(&["5"]));
        assert_eq!(of(CONTRACT_TYPES, "none").unwrap().types, set(&[]));
        assert_eq!(of(CONTRACT_TYPES, "").unwrap(), Answers::default());
        let periods = of(BILLING_PERIODS, "6=24,7 = 2").unwrap().periods;
        let expected = BTreeMap::from([("6".to_owned(), 24), ("7".to_owned(), 2)]);
        assert_eq!(periods, Some(expected));
    }

    #[test]
    fn what_is_no_number_is_refused_by_its_setting() {
        for (key, value) in [
            (CONTRACT_TYPES, "Recurring"),
            (CONTRACT_STATUSES, "5 8"),
            (BILLING_PERIODS, "6"),
            (BILLING_PERIODS, "6=0"),
            (BILLING_PERIODS, "6=a year"),
            (BILLING_PERIODS, "yearly=12"),
        ] {
            let error = of(key, value).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }
}
