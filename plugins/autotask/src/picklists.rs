//! The picklists of contracts: which values there are and what people see for them.

use std::collections::BTreeMap;

use psa_connector_sdk::{Error, Host};
use serde::Deserialize;

use crate::api::Api;
use crate::fields::{Loose, Pick};

/// One choice. The label may be in any language, and the MSP's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub label: String,
    /// Whether Autotask itself brought it along [OAS isSystem]: then it means what its
    /// number means everywhere, whatever it is called.
    pub system: Option<bool>,
}

/// By value.
pub(crate) type Picklist = BTreeMap<String, Choice>;

/// Those that decide what a contract is.
#[derive(Debug, Default)]
pub(crate) struct Picklists {
    pub types: Picklist,
    pub statuses: Picklist,
    pub periods: Picklist,
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
    #[serde(default, rename = "isSystem", alias = "IsSystem")]
    is_system: Loose<bool>,
}

impl Picklists {
    /// Reads them. Where Autotask does not give them, documented numbers have to do; only
    /// errors that would stop any other call too are errors here.
    pub(crate) fn read(api: &mut Api, host: &dyn Host) -> Result<Self, Error> {
        match api.get_as::<Answer>(host, "Contracts/entityInformation/fields") {
            Ok(answer) => Ok(Self::of(answer)),
            Err(
                Error::Permission(_) | Error::NotFound(_) | Error::Invalid(_) | Error::Rejected(_),
            ) => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn of(answer: Answer) -> Self {
        let mut lists = Self::default();
        for field in answer.fields.unwrap_or_default() {
            let name = field.name.unwrap_or_default().to_ascii_lowercase();
            let list = match name.as_str() {
                "contracttype" => &mut lists.types,
                "status" => &mut lists.statuses,
                "contractperiodtype" => &mut lists.periods,
                _ => continue,
            };
            for value in field.picklist_values.unwrap_or_default() {
                let Some(Pick(number)) = value.value else {
                    continue;
                };
                let choice = Choice {
                    label: value.label.unwrap_or_default().trim().to_owned(),
                    system: value.is_system.0,
                };
                list.insert(number, choice);
            }
        }
        lists
    }

    #[cfg(test)]
    pub(crate) fn from_json(json: &str) -> Self {
        Self::of(serde_json::from_str(json).unwrap())
    }
}
