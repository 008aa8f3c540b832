//! The entities and their fields, as the vendor's OpenAPI declares them.
//!
//! A wrong connector asks for fields that do not exist or sends a text where a
//! number belongs; both are caught here, from one list (`fields.txt`), so that
//! query, write, metadata and world files cannot disagree about a field.

pub mod metadata;
pub mod picklists;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const FIELDS: &str = include_str!("fields.txt");

/// A REST entity with records of its own, named as its collection in the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the vendor's")]
pub enum Entity {
    BillingItems,
    Companies,
    ContractCharges,
    Contracts,
    ContractServiceAdjustments,
    ContractServiceBundleAdjustments,
    ContractServiceBundles,
    ContractServiceBundleUnits,
    ContractServices,
    ContractServiceUnits,
    Resources,
    ServiceBundles,
    ServiceBundleServices,
    Services,
}

impl Entity {
    /// Every entity, in the order of the enum.
    pub const ALL: [Self; 14] = [
        Self::BillingItems,
        Self::Companies,
        Self::ContractCharges,
        Self::Contracts,
        Self::ContractServiceAdjustments,
        Self::ContractServiceBundleAdjustments,
        Self::ContractServiceBundles,
        Self::ContractServiceBundleUnits,
        Self::ContractServices,
        Self::ContractServiceUnits,
        Self::Resources,
        Self::ServiceBundles,
        Self::ServiceBundleServices,
        Self::Services,
    ];

    /// The collection's name in the URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::BillingItems => "BillingItems",
            Self::Companies => "Companies",
            Self::ContractCharges => "ContractCharges",
            Self::Contracts => "Contracts",
            Self::ContractServiceAdjustments => "ContractServiceAdjustments",
            Self::ContractServiceBundleAdjustments => "ContractServiceBundleAdjustments",
            Self::ContractServiceBundles => "ContractServiceBundles",
            Self::ContractServiceBundleUnits => "ContractServiceBundleUnits",
            Self::ContractServices => "ContractServices",
            Self::ContractServiceUnits => "ContractServiceUnits",
            Self::Resources => "Resources",
            Self::ServiceBundles => "ServiceBundles",
            Self::ServiceBundleServices => "ServiceBundleServices",
            Self::Services => "Services",
        }
    }

    /// The entity's own name, as error texts and metadata write it.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Companies => "Company",
            other => other.name().trim_end_matches('s'),
        }
    }

    /// Path segments are matched without regard to case [LIVE W6W].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|e| e.name().eq_ignore_ascii_case(name))
    }

    /// The entity that a reference field names (`Contract` is `Contracts`).
    pub fn from_singular(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.singular() == name)
    }

    /// Adjustments can be created and nothing else: no query, update or delete
    /// [DOC ContractServiceAdjustmentsEntity].
    pub fn can_query(self) -> bool {
        !matches!(
            self,
            Self::ContractServiceAdjustments | Self::ContractServiceBundleAdjustments
        )
    }

    /// The entity's fields.
    pub fn fields(self) -> &'static Fields {
        &SCHEMA[self as usize]
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Entity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("no entity is called {name}")))
    }
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit whole number.
    Long,
    /// 32-bit whole number on the wire.
    Integer,
    /// Number with decimals; money is kept exact and written as a number.
    Double,
    /// `true` or `false`, nothing else.
    Boolean,
    /// Instant in UTC.
    DateTime,
    /// Civil date, written as midnight [DERIVED SKILL].
    Date,
    /// Text.
    Text,
}

/// One field of an entity.
#[derive(Debug)]
pub struct Field {
    /// Name on the wire (camelCase).
    pub name: &'static str,
    /// Place in the entity's list.
    pub index: u16,
    /// Type.
    pub kind: Kind,
    /// Longest text, 0 where unknown.
    pub length: u32,
    /// Needed on create.
    pub required: bool,
    /// Not to be changed by an update.
    pub read_only: bool,
    /// Accepted in writes, never returned (`ContractServices.adjustedPrice`).
    pub write_only: bool,
    /// Values come from a picklist of the tenant.
    pub pick: bool,
    /// Singular name of the entity it points to.
    pub reference: Option<&'static str>,
}

/// The fields of one entity.
#[derive(Debug, Default)]
pub struct Fields {
    list: Vec<Field>,
    by_name: HashMap<String, u16>,
}

impl Fields {
    /// All fields in wire order.
    pub fn all(&'static self) -> &'static [Field] {
        &self.list
    }

    /// Field names are matched without regard to case [OAS; every client].
    pub fn get(&'static self, name: &str) -> Option<&'static Field> {
        let index = self.by_name.get(&name.to_ascii_lowercase())?;
        self.list.get(usize::from(*index))
    }
}

static SCHEMA: LazyLock<Vec<Fields>> = LazyLock::new(|| {
    let mut schema: Vec<Fields> = Entity::ALL.iter().map(|_| Fields::default()).collect();
    let mut current = None;
    for line in FIELDS
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            current = Entity::from_name(name);
        } else if let Some(fields) = current.and_then(|e: Entity| schema.get_mut(e as usize)) {
            let index = u16::try_from(fields.list.len()).unwrap_or(u16::MAX);
            let field = parse_field(line, index);
            fields
                .by_name
                .insert(field.name.to_ascii_lowercase(), index);
            fields.list.push(field);
        }
    }
    schema
});

fn parse_field(line: &'static str, index: u16) -> Field {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    let kind = match words.next().unwrap_or_default() {
        "long" => Kind::Long,
        "integer" => Kind::Integer,
        "double" => Kind::Double,
        "boolean" => Kind::Boolean,
        "datetime" => Kind::DateTime,
        "date" => Kind::Date,
        _ => Kind::Text,
    };
    let mut field = Field {
        name,
        index,
        kind,
        length: 0,
        required: false,
        read_only: false,
        write_only: false,
        pick: false,
        reference: None,
    };
    for flag in words {
        match flag {
            "required" => field.required = true,
            "readonly" => field.read_only = true,
            "write-only" => field.write_only = true,
            "pick" => field.pick = true,
            _ => {
                if let Some(entity) = flag.strip_prefix("ref:") {
                    field.reference = Some(entity);
                } else if let Some(length) = flag.strip_prefix("len:") {
                    field.length = length.parse().unwrap_or(0);
                }
            }
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entity_has_as_many_fields_as_the_openapi_declares() {
        // Without userDefinedFields, which every entity has; ContractServices has
        // the write-only adjustedPrice besides.
        for (entity, count) in [
            (Entity::Companies, 57),
            (Entity::Services, 16),
            (Entity::Contracts, 34),
            (Entity::ContractServices, 11),
            (Entity::ContractServiceUnits, 13),
            (Entity::ContractServiceAdjustments, 10),
            (Entity::ServiceBundleServices, 3),
        ] {
            assert_eq!(entity.fields().all().len(), count, "{entity}");
        }
    }

    #[test]
    fn field_names_are_found_without_regard_to_case() {
        let field = Entity::Contracts.fields().get("COMPANYid").expect("known");
        assert_eq!(field.name, "companyID");
        assert_eq!(field.reference, Some("Company"));
        assert!(field.read_only);
    }
}
