//! Fields that are only shown (names, descriptions, prices, web addresses), and how to do
//! without those that a tenant does not have.
//!
//! Autotask's models differ by version and tenant, and a query that names a field it does
//! not know is refused as a whole: `500 "Unable to find projectID in the TimeEntry Entity"`
//! [LIVE]. No run stops for something that is only shown. So a refusal that may be about a
//! field has the details left out that it names, or, where that is not enough, those that
//! the entity's own list of fields does not have; what is lost is logged once and told by
//! the check.

use std::collections::{BTreeMap, BTreeSet};

use psa_connector_sdk::{Error, Fault, Host, Level};
use serde::Deserialize;

use crate::api::Api;
use crate::query::Entity;

/// What this instance has learnt is not there, by entity.
#[derive(Debug, Default)]
pub(crate) struct Details {
    lost: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Details {
    /// The fields to ask for.
    pub(crate) fn asked(&self, entity: &Entity) -> Vec<&'static str> {
        let lost = self.lost.get(entity.name);
        let mut fields = entity.fields.to_vec();
        fields.extend(
            entity
                .details
                .iter()
                .filter(|field| lost.is_none_or(|lost| !lost.contains(*field))),
        );
        fields
    }

    pub(crate) fn lost(&self, entity: &Entity) -> Vec<&'static str> {
        let lost = self.lost.get(entity.name).into_iter().flatten();
        lost.copied().collect()
    }
}

#[derive(Deserialize)]
pub(crate) struct FieldList {
    #[serde(default, alias = "Fields")]
    fields: Option<Vec<FieldName>>,
}

#[derive(Deserialize)]
struct FieldName {
    #[serde(default, alias = "Name")]
    name: Option<String>,
}

impl FieldList {
    pub(crate) fn has(&self, field: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(field))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.as_deref().unwrap_or_default().iter();
        fields.filter_map(|field| field.name.as_deref())
    }
}

impl Api {
    /// Whether the query that was refused so is worth asking again, without some details.
    pub(crate) fn can_do_without(
        &mut self,
        host: &dyn Host,
        entity: &Entity,
        refused: &Error,
    ) -> Result<bool, Error> {
        let (Error::Rejected(fault) | Error::Invalid(fault)) = refused else {
            return Ok(false);
        };
        let asked = self.details.asked(entity);
        let left: Vec<&'static str> = asked[entity.fields.len()..].to_vec();
        let Some(words) = about_a_field(fault, &asked).filter(|_| !left.is_empty()) else {
            return Ok(false);
        };
        let named: Vec<&'static str> = among(&left, &words);
        let first = !self.details.lost.contains_key(entity.name);
        let lost = if first && !named.is_empty() {
            named
        } else {
            match self.field_list(host, entity)? {
                Some(list) => left.into_iter().filter(|field| !list.has(field)).collect(),
                None if named.is_empty() => left,
                None => named,
            }
        };
        if lost.is_empty() {
            return Ok(false);
        }
        host.log(
            Level::Warn,
            &format!(
                "this Autotask does not give {} of {}: left out",
                lost.join(", "),
                entity.name
            ),
        );
        self.details
            .lost
            .entry(entity.name)
            .or_default()
            .extend(lost);
        Ok(true)
    }

    /// None where Autotask does not give it.
    fn field_list(&mut self, host: &dyn Host, entity: &Entity) -> Result<Option<FieldList>, Error> {
        let path = format!("{}/entityInformation/fields", entity.name);
        match self.get_as::<FieldList>(host, &path) {
            Ok(list) => Ok(Some(list).filter(|list| list.names().next().is_some())),
            Err(
                error @ (Error::Authentication(_)
                | Error::RateLimited(_)
                | Error::Transient(_)
                | Error::Refused(_)),
            ) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// The words of a refusal that may be about a field.
fn about_a_field(fault: &Fault, asked: &[&'static str]) -> Option<String> {
    let words = fault.psa_words.clone()?;
    let lower = words.to_lowercase();
    let says_so = [
        "unable to find",
        "includefields",
        "include fields",
        "field",
        "column",
    ]
    .iter()
    .any(|part| lower.contains(part));
    (says_so || !among(asked, &words).is_empty()).then_some(words)
}

/// Those of the fields that are words of the text.
fn among(fields: &[&'static str], words: &str) -> Vec<&'static str> {
    let words: Vec<&str> = words
        .split(|character: char| !character.is_alphanumeric())
        .collect();
    let named = |field: &&&'static str| words.iter().any(|word| word.eq_ignore_ascii_case(field));
    fields.iter().filter(named).copied().collect()
}
